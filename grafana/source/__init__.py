"""Where the dashboards come from: `scripts/build_dashboards.py` writes them as JSON."""
