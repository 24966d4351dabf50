"""Measurements of neverdark on the machine at hand: `make bench`. Nothing here passes or fails."""
