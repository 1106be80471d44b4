"""What the frame of a trip says: its title, and the link to the server in words (S5). Pure, without Textual."""

from __future__ import annotations

from typing import Literal

from roadcrew_tui.snapshot import Status

Tone = Literal["good", "warn", "bad", "muted"]
_STATES: dict[str, tuple[str, str, Tone]] = {
    "live": ("here", "live", "good"),
    "connecting": ("waiting", "connecting", "muted"),
    "polling": ("half", "polling", "warn"),
    "paused": ("waiting", "paused while you are away", "muted"),
    "offline": ("away", "offline", "warn"),
    "gone": ("away", "no longer in this trip", "bad"),
    "signed-out": ("away", "signed out", "bad"),
}


def status_words(status: Status, needing: int = 0) -> tuple[str, str, Tone]:
    """(which sign, words, tone): `live`, `polling every 4 s`, `offline · 2 changes wait`. `needing`: so many of them
    want something of the person."""
    sign, words, tone = _STATES.get(status.state, ("waiting", status.state, "muted"))
    if status.state == "polling" and status.interval:
        words = f"polling every {round(status.interval, 1):g} s"
    return sign, words + outbox_words(status.waiting, needing), tone


def unopened_words(status: Status) -> str:
    """What is said in place of a trip of which there is nothing yet, not even a copy."""
    return "Not opened here before: wait for the network" if status.state == "offline" else "Opening the trip…"


def outbox_words(waiting: int, needing: int) -> str:
    """` · 2 changes wait · 1 needs you`; nothing where nothing waits."""
    words = f" · {waiting} change{'s' * (waiting > 1)} wait{'s' * (waiting == 1)}" if waiting else ""
    if needing:
        noun = "" if waiting else f" change{'s' * (needing > 1)}"
        words += f" · {needing}{noun} need{'s' * (needing == 1)} you"
    return words


GONE = {
    "removed": "You were removed from this trip.",
    "ended": "This trip has ended.",
    "unknown": "There is no such trip any more.",
    "forbidden": "You may not see this trip any more.",
}


def why_gone(reason: str | None) -> str:
    """What to say when nothing more will come."""
    return GONE.get(reason or "", "This trip can't be followed any more.")
