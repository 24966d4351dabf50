"""Evidence from outside the processes: one probe a file. IO, in worker threads."""
