"""From evidence to verdict, segment, recovery and incident; meters and budgets. Pure."""
