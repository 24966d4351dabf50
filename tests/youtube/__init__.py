"""A faithful fake of YouTube, as its contract says: see tests.youtube.fake."""
