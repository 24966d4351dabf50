"""What others see of neverdark: metrics, health, REST API and status page."""
