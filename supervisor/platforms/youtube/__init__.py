"""YouTube: the broadcast that viewers see, what its API tells of it, and its repair."""
