"""What is said while somebody waits to be let in, and when it did not work (C7, C8). Words only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from roadcrew_domain.trip import Trip

SECURE = "Establishing secure connection…"
SIGN_IN_AGAIN = "Please sign in again to continue."
TRY_AGAIN = "Connection issue. Please try again."


def look_words(number: int, of: int, seen: str) -> str:
    """After a look whether a session can be used."""
    if seen == "ready" or number >= of:
        return SECURE
    if seen == "unreachable":
        return f"{SECURE} The server can't be reached just now; trying again, {number + 1} of {of}."
    return f"{SECURE} Trying again, {number + 1} of {of}."


def attempt_words(attempt: int, of: int) -> str:
    """After an attempt that failed for now."""
    return f"Connection issue; trying again, {attempt + 1} of {of}."


def host_named(words: str, server: str) -> str:
    """What went wrong with the server of an invite, with its host instead of "The server": perhaps that is mistyped."""
    return words.replace("The server", urlsplit(server).netloc, 1)


def namesake_words(trip: Trip, user_id: str, mend: str) -> str | None:
    """What somebody who has joined is told if another member is called as they are; `mend` is what changes a name."""
    me = trip.members.get(user_id)
    if me is None:
        return None
    same = (m.name for m in trip.members.values() if m.id != user_id and m.name.casefold() == me.name.casefold())
    other = next(same, None)
    return other and f"There is a {other} in this crew already: {mend} changes your name."
