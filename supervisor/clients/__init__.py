"""For programs of others: nothing in here needs the rest of neverdark."""
