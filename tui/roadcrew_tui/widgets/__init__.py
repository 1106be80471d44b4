"""Widgets of our own. They hold no truth: they draw what they are given and post what was done to them."""
