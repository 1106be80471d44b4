"""What happened, as sentences with room for names. Pure; names stay apart from our words until they are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from roadcrew_domain.trip import Recent
from roadcrew_tui import when


@dataclass(frozen=True)
class Happening:
    """`words` may contain {who}, {what} and {more}; all are people's text."""

    seq: int
    at: datetime
    words: str
    who: str
    what: str
    more: str = ""

    @property
    def people(self) -> dict[str, Any]:
        """What `render.template` and `plain.sentence` put into the words."""
        return {"who": self.who, "what": self.what, "more": self.more}


_WORDS = {
    "TripCreated": "{who} started this trip",
    "TripEdited": "{who} changed the trip",
    "DiscountUnlocked": "The group discount is unlocked",
    "TripEndAnnounced": "This trip will be removed soon unless somebody changes something",
    "TripEnded": "This trip ended",
    "TripRestored": "{who} brought this trip back",
    "MemberJoined": "{who} joined",
    "MemberRenamed": "{who} is now {what}",
    "MemberLeft": "{who} left",
    "MemberRemoved": "{who} removed {what}",
    "OrganiserChanged": "{what} is the organiser now",
    "InviteRenewed": "{who} made a new invite",
    "InviteRevoked": "{who} ended the invite",
    "PollOpened": "{who} asked: {what}",
    "VoteCast": "{who} voted in {what}",
    "PollClosed": "The poll ended: {what}",
    "PollTieSettled": "{who} settled the tie in {what}",
    "HotelShortlisted": "{who} added {what}",
    "HotelUnshortlisted": "{who} dropped {what}",
    "HotelRestored": "{who} brought {what} back",
    "HotelVotingOpened": "{who} opened the vote on hotels",
    "HotelVoteCast": "{who} voted for {what}",
    "HotelVotingClosed": "The vote on hotels ended: {what}",
    "MemberBooked": "{who} booked {what}",
    "BookingDropped": "{who} gave up {what}",
}
_RUNS = {
    "stay": "{who} asked for prices of hotels",
    "vehicle": "{who} asked for prices for a vehicle: {what}",
    "import": "{who} began to import {what}",
    "stay-finished": "The prices of hotels are there: the lowest is {what}'s",
    "vehicle-finished": "The prices for a vehicle are there: the lowest is {what}'s",
    "import-finished": "The import of {what} is done",
    "stay-cancelled": "Asking for prices of hotels was cancelled",
    "vehicle-cancelled": "Asking for prices for a vehicle was cancelled",
    "import-cancelled": "The import of {what} was cancelled",
    "import-failed": "The import of {what} failed",
    "stay-interrupted": "Asking for prices of hotels was interrupted",
    "vehicle-interrupted": "Asking for prices for a vehicle was interrupted",
    "import-interrupted": "The import of {what} was interrupted",
}
"""By what a `Recent` calls its kind."""
_ENDS = {
    "won": ("{who} ended {what}: {more} won", "Time was up for {what}: {more} won"),
    "tie": ("{who} ended {what}: a tie", "Time was up for {what}: a tie"),
    "no-votes": ("{who} ended {what}: nobody had voted", "Time was up for {what}: nobody had voted"),
    "deleted": ("{who} deleted this trip", "This trip was deleted"),
    "empty": ("{who} was the last one to leave: this trip ended", "This trip ended: everybody had left"),
    "expired": ("{who} ended this trip", "This trip ended: nobody had changed anything for long"),
}
"""How a poll or a trip ended: by somebody, and by itself."""
_FIELDS = {
    "name": "the name",
    "destination": "the destination",
    "starts_on": "the first day",
    "ends_on": "the last day",
    "required_members": "how many people the discount needs",
    "discount_percent": "the discount",
}
_DAYS = ["starts_on", "ends_on"]


def told(recent: Recent) -> Happening | None:
    """One happening in words; None for a type that this version does not know."""
    words = _WORDS.get(recent.type) or _RUNS.get(recent.kind or "")
    if words is None:
        return None
    more = recent.detail or ""
    if recent.kind in _ENDS:
        words = _ENDS[recent.kind][recent.by is None]
    elif recent.type == "TripEdited" and recent.kind:
        words, more = _edited(recent, recent.kind.split())
    elif recent.type == "PollTieSettled" and more:
        words = "{who} settled the tie in {what}: {more}"
    elif recent.type == "HotelVotingClosed" and recent.by is not None:
        words = "{who} ended the vote on hotels: {what} won"
    if recent.subject is None and "{what}" in words:
        words = {
            "HotelVoteCast": "{who} took a hotel vote back",
            "HotelVotingClosed": "{who} ended the vote on hotels, without a winner",
            "HotelRestored": "{who} brought a hotel back",
            "OrganiserChanged": "There is a new organiser",
            "stay-finished": "Nobody had a price of a hotel",
            "vehicle-finished": "Nobody had a price for the vehicle",
        }.get(recent.kind or recent.type, words)
    return Happening(recent.seq, recent.at, words, recent.name or "Somebody", recent.subject or "", more)


def _edited(recent: Recent, fields: list[str]) -> tuple[str, str]:
    """What was changed, and to what where that is one thing."""
    both = [f for f in fields if f in _DAYS] == _DAYS
    named = [_FIELDS[f] for f in fields if f in _FIELDS and not (both and f in _DAYS)] + ["the dates"] * both
    if len(named) != 1:
        *first, last = named or ["the trip"]
        return f"{{who}} changed {', '.join(first)}{' and ' * bool(first)}{last}", ""
    if recent.detail is None:
        return f"{{who}} cleared {named[0]}", ""
    now = _as_read(recent.detail, fields[0], recent.at)
    return f"{{who}} changed {named[0]}{' to {more}' * bool(now)}", now


def _as_read(detail: str, field: str, at: datetime) -> str:
    """What a field is now, as people write it; nothing for days of which one is open, or that are none."""
    if field in _DAYS:
        try:
            days = [date.fromisoformat(day) for day in detail.split()]
        except ValueError:
            return ""
        return when.span(days[0], days[-1], when.day_of(at)) if days else ""
    return f"{detail} %" if field == "discount_percent" else detail


def by_others(recent: Iterable[Recent], me: str, after: int) -> list[Happening]:
    """What others did after event `after`, newest first; the same thing done again is told once."""
    told_of: set[tuple[str, str | None, str | None, str | None]] = set()
    found: list[Happening] = []
    for r in sorted(recent, key=lambda r: r.seq, reverse=True):
        happening = told(r) if r.seq > after and r.by != me else None
        same = (r.type, r.kind, r.by, r.subject)
        if happening is not None and same not in told_of:
            told_of.add(same)
            found.append(happening)
    return found
