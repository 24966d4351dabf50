"""A program of its own that uploads HLS for a pusher; the rest of neverdark only names its file."""
