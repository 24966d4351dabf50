"""The YAML file: its shape, its reading, its rules across keys, and the watch on it."""
