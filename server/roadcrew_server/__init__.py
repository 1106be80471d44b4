"""How many terminals share one truth."""
