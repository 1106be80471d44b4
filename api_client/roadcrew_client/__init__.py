"""How a terminal or a script talks to a Roadcrew server."""
