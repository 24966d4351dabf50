"""The whole supervisor in virtual time, over a world that is simulated: one seed is one history."""
