"""What a platform knows of a stream, and can be asked to do: one folder a platform, one interface."""
