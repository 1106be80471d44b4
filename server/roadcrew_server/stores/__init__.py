"""Stores: one protocol (base), several ways to keep it."""
