"""What is true in Roadcrew: pure rules over immutable values. No I/O, no clock, no randomness of its own."""
