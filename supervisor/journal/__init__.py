"""Facts become log lines."""
