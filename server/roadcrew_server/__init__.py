"""The server of Roadcrew: how many terminals share one truth."""
