"""What happened, as sentences with room for names. Pure; names stay apart from our words until they are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from roadcrew_domain.trip import Recent


@dataclass(frozen=True)
class Happening:
    """`words` may contain {who} and {what}; both are people's text."""

    seq: int
    at: datetime
    words: str
    who: str
    what: str


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
    "PollTieSettled": "{who} settled the tie: {what}",
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


def told(recent: Recent) -> Happening | None:
    """One happening in words; None for a type that this version does not know."""
    words = _WORDS.get(recent.type) or _RUNS.get(recent.kind or "")
    if words is None:
        return None
    if recent.subject is None and "{what}" in words:
        words = {
            "HotelVoteCast": "{who} took a hotel vote back",
            "HotelVotingClosed": "The vote on hotels ended without a winner",
            "HotelRestored": "{who} brought a hotel back",
            "OrganiserChanged": "There is a new organiser",
            "stay-finished": "Nobody had a price of a hotel",
            "vehicle-finished": "Nobody had a price for the vehicle",
        }.get(recent.kind or recent.type, words)
    return Happening(recent.seq, recent.at, words, recent.name or "Somebody", recent.subject or "")


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
