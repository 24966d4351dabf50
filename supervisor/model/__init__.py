"""The words that every folder shares: terms, quantities, policies, facts and the snapshot. Pure."""
