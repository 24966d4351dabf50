"""How the world sees neverdark: metrics, health, REST API and status page."""
