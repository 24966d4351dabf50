"""The life of one process as a table: state and event in, state and orders out. Pure."""
