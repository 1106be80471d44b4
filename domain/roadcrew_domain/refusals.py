"""How a rule says no: a stable code for programs, a sentence for people."""

from datetime import UTC, datetime
from typing import Literal

Kind = Literal["invalid", "forbidden", "missing", "conflict", "gone", "full"]
"""What sort of no it is; the server turns it into an HTTP status, a terminal into a way on."""


class Refused(Exception):
    """A command was understood and not accepted. Nothing has changed.

    `code` is stable and for programs, `detail` is a sentence for people, `facts` are what a screen may
    need to say it better (a deadline, a limit, the name of a field).
    """

    def __init__(self, code: str, kind: Kind, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.code = code
        self.kind: Kind = kind
        self.detail = detail
        self.facts = facts


def id_taken() -> Refused:
    """The refusal for a command under an id that somebody else has used."""
    return Refused("id-taken", "conflict", "Somebody else has used this id. Try again.")


def seats_gone(**facts: object) -> Refused:
    """The refusal for seats that somebody else has; `left`, where that is known."""
    return Refused("seats-gone", "full", "Seats are no longer available. Please select different tickets.", **facts)


def slot_past(**facts: object) -> Refused:
    """The refusal for a time slot that has begun; `startsAt`, where that is known."""
    return Refused("slot-past", "gone", "This time slot has begun already.", **facts)


def checked_ahead(moment: datetime | None, now: datetime, *, field: str, past: str) -> datetime | None:
    """The moment in UTC, None for None. Raises `Refused`: `invalid`, or `deadline-past` with the sentence `past`."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise Refused("invalid", "invalid", "A time needs its zone.", field=field)
    if moment <= now:
        raise Refused("deadline-past", "invalid", past, field=field)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Refused("invalid", "invalid", "That time is not in the calendar.", field=field) from None
