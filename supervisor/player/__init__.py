"""A program of its own that plays a list of tracks to an encoder; the rest of neverdark only names its file."""
