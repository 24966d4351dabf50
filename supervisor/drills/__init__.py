"""What a drill promises, and how its result is shown. Pure."""
