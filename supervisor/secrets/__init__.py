"""What is secret, and how it is removed from all that is shown. Pure."""
