"""Arguments that the sub-commands of talk share; the actions are in talk.py."""

from __future__ import annotations

from roadcrew_tui.commands.base import Argument

ABOUT = (
    Argument("hotel", "about a hotel of the trip: its name, the start of it, or its id"),
    Argument("exhibition", "about an exhibition: its title, the start of it, or its id"),
    Argument("post", "about a post of the trip: its number or its id"),
    Argument("blog", "about a blog of the trip: its number or its id"),
    Argument(
        "trip", "which trip, and whose hotel, post or blog: its id or a part of its name (default: your only one)"
    ),
)
CHANNEL = Argument("channel", "which list (default: comments)", choices=("comments", "images", "posts", "blogs"))
ITEM = Argument("item", "its number in roadcrew talk list, or its id", required=True)
IMAGE = Argument("item", "its number in roadcrew talk list --channel images, or its id", required=True)
TEXT = Argument("text", "what to say; - reads it from standard input", required=True)
TRIP = Argument("trip", "which trip: its id or a part of its name (default: your only one)")
