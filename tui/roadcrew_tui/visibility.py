"""Whether somebody looks at this terminal, by what it says and by the time since the last key: a pure little machine.

`step(looked, sign, now, idle)` gives what holds next and what the link has to be told, if anything. No timer, no
Textual, no network; what follows from being hidden is `roadcrew_client.sync.policy`'s.

Many terminals never say that another window is in front, nor does tmux unless it is told to. In those, a person who
has pressed nothing for `idle` seconds is taken to be away, until the next key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Sign = Literal["key", "pointer", "focus", "blur", "suspend", "resume", "time"]
"""`key`: a key, a click, a turn of the wheel, a paste; `pointer`: the mouse has only moved, which is no reason to ask
more often; `time`: some has passed."""
Told = Literal["key_pressed", "hidden", "shown", "suspended", "resumed"]
State = Literal["shown", "hidden", "suspended"]


@dataclass(frozen=True, slots=True)
class Looked:
    """`at`: when somebody was last seen to be here, in seconds of the clock that `now` is from. `focused`: what the
    terminal says of itself; None as long as it has never said anything."""

    at: float
    state: State = "shown"
    focused: bool | None = None


def step(looked: Looked, sign: Sign, now: float, idle: float) -> tuple[Looked, Told | None]:
    """What holds after `sign`, and the word for the link. `idle` in seconds; 0 is never."""
    match sign:
        case "key":
            return _here(looked, now), "key_pressed"
        case "pointer":
            return _here(looked, now), "shown" if looked.state != "shown" else None
        case "focus":
            return replace(_here(looked, now), focused=True), "shown" if looked.state != "shown" else None
        case "blur":
            looked = replace(looked, focused=False)
            return (replace(looked, state="hidden"), "hidden") if looked.state == "shown" else (looked, None)
        case "suspend":
            return replace(looked, state="suspended"), "suspended"
        case "resume":
            return _here(looked, now), "resumed"
        case "time":
            if looked.state == "shown" and not looked.focused and 0 < idle <= now - looked.at:
                return replace(looked, state="hidden"), "hidden"
            return looked, None


def _here(looked: Looked, now: float) -> Looked:
    return replace(looked, state="shown", at=now)
