"""Why a change was taken back, in the words of this screen rather than the server's where we know more. Pure."""

from __future__ import annotations

from datetime import datetime

from roadcrew_domain.polls import CastVote
from roadcrew_domain.trip import Trip
from roadcrew_tui import render, when
from roadcrew_tui.snapshot import News


def sentence(news: News, trip: Trip | None, now: datetime) -> str:
    """`That poll closed at 18:00, before your vote arrived. It was not counted.`"""
    refusal = news.refusal
    if refusal is None:
        return ""
    if refusal.code == "poll-closed":
        closed = _time(refusal.facts.get("closedAt"))
        if closed is None and trip is not None and isinstance(news.act, CastVote):
            poll = trip.polls.get(news.act.poll_id)
            closed = poll.closed_at or poll.closes_at if poll else None
        if closed is not None:
            return f"That poll closed at {when.clock(closed, now)}, before your vote arrived. It was not counted."
    if refusal.code == "voting-closed":
        return "The vote on hotels ended before yours arrived. It was not counted."
    if refusal.code == "not-organiser" and trip is not None and trip.organiser in trip.members:
        name = trip.members[trip.organiser].name
        return render.sentence("Only {name}, the organiser, can do that. It was taken back.", name=name)
    return render.safe(refusal.detail)


def _time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
