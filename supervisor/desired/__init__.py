"""What shall run: the plan of each stream, its environment, and what a reload may remove. Pure."""
