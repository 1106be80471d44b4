"""Imports of hotels: the feed that came, the rows that a service made of it, and the way to that service."""
