"""Facts → database, and what is remembered over a restart."""
