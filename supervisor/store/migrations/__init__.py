"""How each version's database becomes the next one's: forward only."""
