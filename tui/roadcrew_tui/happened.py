"""What happened, as one sentence: for "since you left", for toasts, for `roadcrew watch` and the demo. Pure.

A sentence is a template and the people's texts that go into it; `render` puts them together safely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roadcrew_domain.trip import Recent

SENTENCES = {
    "TripCreated": "{name} started this trip",
    "TripEdited": "{name} changed the trip's details",
    "TripEndAnnounced": "This trip will be removed soon, since nothing changes",
    "TripEnded": "This trip has ended",
    "DiscountUnlocked": "The group discount is unlocked",
    "MemberJoined": "{name} joined",
    "MemberRenamed": "{name} is called {subject} now",
    "MemberLeft": "{name} left",
    "MemberRemoved": "{name} removed {subject}",
    "OrganiserChanged": "{subject} is the organiser now",
    "InviteRenewed": "{name} made a new invite",
    "InviteRevoked": "{name} ended the invite",
    "PollOpened": "{name} asks: {subject}",
    "VoteCast": "{name} voted in {subject}",
    "PollClosed": "The poll {subject} has ended",
    "PollTieSettled": "{name} settled the tie in {subject}",
    "HotelShortlisted": "{name} added {subject}",
    "HotelUnshortlisted": "{name} took {subject} off the shortlist",
    "HotelVotingOpened": "{name} opened the vote on hotels",
    "HotelVoteCast": "{name} voted for {subject}",
    "HotelVotingClosed": "The vote on hotels has ended: {subject}",
}

WITHOUT_SUBJECT = {
    "HotelVoteCast": "{name} took back a vote for a hotel",
    "HotelVotingClosed": "The vote on hotels has ended without a winner",
}


@dataclass(frozen=True)
class Happening:
    """`words` is a template over `name` (who did it) and `subject` (what it was done to)."""

    words: str
    name: str
    subject: str


def told(recent: Recent, me: str | None = None) -> Happening:
    """The sentence of one happening; `me` is told as "You"."""
    words = SENTENCES.get(recent.type, "Something happened that this version does not know")
    if recent.subject is None:
        words = WITHOUT_SUBJECT.get(recent.type, words)
    name = "You" if me is not None and recent.by == me else (recent.name or "Somebody")
    if recent.type == "MemberLeft" and recent.subject and not recent.name:
        name = recent.subject
    return Happening(
        words.replace("{name} is called", "{name} are called") if name == "You" else words, name, recent.subject or ""
    )


def plain(happening: Happening) -> str:
    """The sentence as plain text."""
    from roadcrew_tui.render import sentence  # noqa: PLC0415 - not for a fast start

    return sentence(happening.words, name=happening.name, subject=happening.subject)
