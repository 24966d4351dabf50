"""When to look, what is found, and the second layer that acts on it."""
