"""What a person types; they talk to a running neverdark by HTTP."""
