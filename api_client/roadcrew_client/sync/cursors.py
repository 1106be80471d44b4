"""What is asked of a cursor, and done to one between two requests. Pure. Its form is the domain's."""

from __future__ import annotations

from collections.abc import Collection

from roadcrew_domain.events import MAX_CURSOR_CHARS, BadCursor, Position, decode_cursor, encode_cursor


def place_in(cursor: str | None, topic: str) -> Position | None:
    """Where in a topic's log a cursor leads on; None where it does not say."""
    try:
        return decode_cursor(cursor or "").get(topic)
    except BadCursor:
        return None


def without(cursor: str | None, dropped: Collection[str]) -> str | None:
    """A cursor that says nothing of these topics: should they come back, they begin with their state."""
    if cursor is None or not dropped:
        return cursor
    try:
        positions = decode_cursor(cursor)
    except BadCursor:
        return None
    return encode_cursor({topic: place for topic, place in positions.items() if topic not in dropped})


def usable(cursor: str | None) -> str | None:
    """A cursor goes back in a header and an address; one that can't is not kept."""
    good = cursor is not None and len(cursor) <= MAX_CURSOR_CHARS and cursor.isascii() and cursor.isprintable()
    return cursor if good else None
