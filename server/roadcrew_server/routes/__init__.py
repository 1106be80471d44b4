"""The routes of the HTTP contract, as declarations (see endpoints.py)."""
