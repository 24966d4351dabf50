"""neverdark's core: keeps streams on air; knows nothing of HTTP or Prometheus."""

__version__ = "0.1.0"
