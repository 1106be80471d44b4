"""A whole store as one file, and back: for moving it to another store (docs/decisions/0016).

`lines` is the format, `reading` trusts nothing in a file, `export` and `restore` are the two ways. Not for backups of
a store that goes on where it is; those are SQLite's own copies (`stores/_sqlite_backup`).
"""
