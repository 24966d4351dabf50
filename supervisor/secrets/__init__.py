"""What is secret, and how it is taken out of whatever is told. Pure."""
