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
    "HotelVotingOpened": "{who} opened the vote on hotels",
    "HotelVoteCast": "{who} voted for {what}",
    "HotelVotingClosed": "The vote on hotels ended: {what}",
    "MemberBooked": "{who} booked {what}",
    "BookingDropped": "{who} gave up {what}",
}


def told(recent: Recent) -> Happening | None:
    """One happening in words; None for a type that this version does not know."""
    words = _WORDS.get(recent.type)
    if words is None:
        return None
    if recent.subject is None and "{what}" in words:
        words = {
            "HotelVoteCast": "{who} took a hotel vote back",
            "HotelVotingClosed": "The vote on hotels ended without a winner",
            "OrganiserChanged": "There is a new organiser",
        }.get(recent.type, words)
    return Happening(recent.seq, recent.at, words, recent.name or "Somebody", recent.subject or "")


def by_others(recent: Iterable[Recent], me: str, after: int) -> list[Happening]:
    """What others did after event `after`, newest first; the same thing done again is told once."""
    told_of: set[tuple[str, str | None, str | None]] = set()
    found: list[Happening] = []
    for r in sorted(recent, key=lambda r: r.seq, reverse=True):
        happening = told(r) if r.seq > after and r.by != me else None
        same = (r.type, r.by, r.subject)
        if happening is not None and same not in told_of:
            told_of.add(same)
            found.append(happening)
    return found
