"""`roadcrew doctor`: what works here, and what to do about the rest.

Each part looks (which may take time) and judges (pure: from what was seen to findings). Nothing is changed by looking.
"""
