"""Ten real streams, every kind of fault, for minutes: what came back, how fast, and what it was called."""
