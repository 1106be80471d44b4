"""What is said of a change that waits: what it is, how it stands with it, where it leads. Pure, without Textual."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from roadcrew_domain import crew, dropped, hotels, polls
from roadcrew_domain.feed_state import EditItem, GiveReaction, RemoveItem, RestoreItem, TakeReaction, WriteItem
from roadcrew_domain.marks_state import GiveMark, TakeMark
from roadcrew_domain.trip import DeleteTrip, EditTrip
from roadcrew_tui import plain, when
from roadcrew_tui.screens.refusals import sentence
from roadcrew_tui.snapshot import News, Refusal

if TYPE_CHECKING:
    from roadcrew_client import OutboxEntry, Tally

LONGEST = 60
"""Cells of what somebody said, in one line of text."""


def counted(n: int) -> str:
    """`1 change`, `2 changes`."""
    return f"{n} change{'s' * (n != 1)}"


def wait_words(n: int) -> str:
    """`2 changes wait`."""
    return f"{counted(n)} wait{'s' * (n == 1)}"


def need_words(tally: Tally) -> str:
    """Why somebody should look: `1 change was not accepted, 2 changes are more than a day old`. Empty: no need."""
    parts = (
        (tally.refused, "was not accepted", "were not accepted"),
        (tally.asks, "is more than a day old", "are more than a day old"),
        (tally.unreadable, "can't be read", "can't be read"),
    )
    return ", ".join(f"{counted(n)} {one if n == 1 else many}" for n, one, many in parts if n)


def what(entry: OutboxEntry) -> tuple[str, dict[str, str]]:
    """What the change does, with room for what people said: `Vote {choices} in {what}`."""
    about = entry.about
    people = {"what": about.what, "choices": _choices(entry)}
    match entry.act:
        case polls.CastVote():
            words = "Vote {choices} in {what}" if about.choices else "Take the vote back in {what}"
        case polls.OpenPoll():
            words = "Ask {what}"
        case polls.ClosePoll():
            words = "Settle {what} for {choices}" if about.choices else "End the poll {what}"
        case hotels.VoteHotel(hotel_id=None):
            words = "Take the hotel vote back"
        case hotels.VoteHotel():
            words = "Vote {what}"
        case hotels.ShortlistHotel():
            words = "Add {what}"
        case hotels.UnshortlistHotel():
            words = "Drop {what}"
        case dropped.RestoreHotel() | RestoreItem():
            words = "Bring {what} back"
        case hotels.OpenHotelVoting():
            words = "Open the vote on hotels"
        case hotels.CloseHotelVoting():
            words = "End the vote on hotels"
        case crew.RemoveMember():
            words = "Remove {what}"
        case crew.HandOver():
            words = "Hand over to {what}"
        case crew.RenewInvite():
            words = "Make a new invite"
        case crew.RevokeInvite():
            words = "End the invite"
        case crew.LeaveTrip():
            words = "Leave the trip"
        case DeleteTrip():
            words = "Delete the trip"
        case EditTrip():
            words = "Change the trip"
        case WriteItem():
            words = "Say {what}"
        case EditItem():
            words = "Say instead {what}"
        case RemoveItem():
            words = "Remove {what}"
        case GiveReaction():
            words = "React to {what}"
        case TakeReaction():
            words = "Take the reaction to {what} back"
        case GiveMark(value=stars):
            words = {"rating": f"Give {stars} of 5 stars", "likes": "Like it"}.get(_channel(entry), "Save it")
        case TakeMark():
            words = {"rating": "Take the stars back", "likes": "Like it no more"}.get(
                _channel(entry), "Save it no more"
            )
        case _:
            words = "Something that this version can't read"
    return words, people


def _channel(entry: OutboxEntry) -> str:
    return entry.topic.rpartition(":")[2]


def _choices(entry: OutboxEntry) -> str:
    choices = entry.about.choices
    if isinstance(entry.act, polls.CastVote) and entry.act.answers:
        return ", ".join(f"{option} {answer}" for option, answer in choices)
    return ", ".join(option for option, _ in choices)


def whole(entry: OutboxEntry) -> tuple[str, dict[str, str]]:
    """What it does, and where: `Vote Casa Azul · Lisbon in May`."""
    words, people = what(entry)
    return (words + " · {trip}" if entry.about.trip else words), people | {"trip": entry.about.trip}


def standing(entry: OutboxEntry, now: datetime) -> str:
    """When it was made, and how it stands with it: `3 min ago · waits`."""
    return f"{when.ago(entry.made_at, now)} · {state_words(entry)}"


def as_text(entry: OutboxEntry, now: datetime, *, sent: bool = False) -> str:
    """All of it as text, with the reason if it was refused. `sent`: it has arrived since."""
    words, people = whole(entry)
    stands = f"{when.ago(entry.made_at, now)} · sent" if sent else standing(entry, now)
    said = f"{plain.sentence(words, longest=LONGEST, **people)} · {stands}"
    reason = reason_of(entry, now)
    return f"{said}. {reason}" if reason else said


def state_words(entry: OutboxEntry) -> str:
    """How it stands with it."""
    return {
        "waiting": "waits",
        "asks": "old, not sent",
        "refused": "not accepted",
        "unreadable": "not sent",
    }[entry.state]


def reason_of(entry: OutboxEntry, now: datetime) -> str:
    """Why the server did not take it, as a sentence; empty if it did not say no."""
    if entry.refusal is None:
        return ""
    refusal = Refusal(entry.refusal.code, entry.refusal.detail, entry.refusal.facts)
    vote = entry.act if isinstance(entry.act, polls.CastVote) else None
    return sentence(News("refused", refusal=refusal, act=vote), None, now)


def leads_to(entry: OutboxEntry) -> tuple[str, str | None]:
    """The tab that it is about, and the poll."""
    match entry.act:
        case polls.CastVote(poll_id=poll) | polls.ClosePoll(poll_id=poll):
            return "polls", poll
        case polls.OpenPoll():
            return "polls", entry.id
    if entry.topic.startswith("feed:"):
        return "talk", None
    return ("hotels" if type(entry.act).__module__ == hotels.__name__ else "overview"), None


def in_order(entries: Iterable[OutboxEntry]) -> list[OutboxEntry]:
    """What wants something of the person first, each as it was made."""
    return sorted(entries, key=lambda e: (e.state == "waiting", e.number))
