"""What is said while somebody waits to be let in, and when it did not work (C7, C8). Words only."""

from __future__ import annotations

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
