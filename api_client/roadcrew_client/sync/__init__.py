"""Staying in sync: a pure policy, an engine that carries out what it says, and the two transports."""
