"""One step a file; what a step did is never changed again."""
