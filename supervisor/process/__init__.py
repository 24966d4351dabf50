"""One place for one process: its runs, its output, its media links, its leftovers."""
