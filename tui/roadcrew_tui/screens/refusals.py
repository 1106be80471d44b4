"""Why a change was taken back, or a booking was not made, in the words of this screen rather than the server's where we
know more; and what is refused before it is sent. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from roadcrew_domain.polls import CastVote
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Command, Trip, TripAct, decide
from roadcrew_tui import plain, when
from roadcrew_tui.snapshot import News, Snapshot

if TYPE_CHECKING:
    from roadcrew_client import RoadcrewError

BOOKING = {
    "unknown-slot": "That time is not offered any more. Choose another one.",
    "slot-past": "That time has begun already. Choose a later one.",
    "slot-too-far": "That time is further ahead than this server takes bookings. Choose an earlier one.",
    "currency-mix": "Your cart is in another currency. Check out first (p), or empty it (d).",
    "cart-full": "Your cart is full. Check out first (p), or take something out (d).",
    "bad-tickets": "Choose at least one ticket, and no more than one booking can have.",
    "unknown-line": "That is not in your cart any more.",
    "hold-expired": "The time for these seats ran out before that. They are free again: book them anew.",
    "hold-gone": "These seats are free again: book them anew.",
    "hold-limit": "These seats can't be held any longer. Check out with p before they go.",
    "cart-empty": "There is nothing in your cart.",
    "unknown-provider": "This server does not take that way to pay. Choose another one.",
    "payment-under-way": "A payment of this order is under way. You are told what comes of it.",
    "pays-later": "This order is paid at the venue.",
    "order-paid": "This order is paid already.",
    "order-lapsed": "This order was not paid in time, and its seats are free again. Book them anew.",
    "order-cancelled": "This order was cancelled. Its seats are free again.",
    "order-too-early": "That is being settled still. Try again in a moment.",
    "too-many-payments": "This order was tried too often. Cancel it (d) and book again.",
    "not-a-member": "You are not in this trip any more, so its discount is not yours. Book from a trip of yours.",
    "no-catalogue": "Nothing can be booked at this server any more.",
}
"""By the code of a refusal: what happened, and what to do."""


def check(snapshot: Snapshot, me: str, act: TripAct) -> None:
    """Raises `Refused` if the rules say no to `act` now. What is known without a link may be old: then only for what no
    server would take, which is also a deadline that is past by its clock as it is estimated here."""
    from roadcrew_client.replica import BROKEN  # noqa: PLC0415 - only where a form is sent

    if snapshot.trip is None:
        return
    try:
        decide(snapshot.trip, Command("", me, act), snapshot.now())
    except Refused as refused:
        if refused.kind == "invalid" or snapshot.status.state in ("live", "polling"):
            raise
    except BROKEN:
        return  # a state that the rules do not fit is no reason to keep a change from the server


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
        return plain.sentence("Only {name}, the organiser, can do that. It was taken back.", name=name)
    return plain.safe(refusal.detail)


def booking_sentence(error: RoadcrewError) -> str:
    """`Only 2 seats are left of that time. Take fewer, or choose another one.`"""
    number = error.facts.get("left" if error.code == "seats-gone" else "limit")
    if isinstance(number, int) and 0 <= number <= MOST_SAID:
        if error.code == "seats-gone" and number == 0:
            return "Nothing is left of that time any more. Choose another one."
        if error.code == "seats-gone":
            seats = "Only 1 seat is" if number == 1 else f"Only {number} seats are"
            return f"{seats} left of that time. Take fewer, or choose another one."
        if error.code == "too-many-seats" and isinstance(error.facts.get("unpaid"), int):
            has = "seats that are not paid for, and you would have more. Pay first (p), or take some out (d)."
            return f"One person can have {number} {has}"
        if error.code == "too-many-seats":
            return f"One person can have {number} seats of a time. Take fewer."
    return BOOKING.get(error.code) or plain.safe(error.detail)


MOST_SAID = 100_000
"""No number of seats is larger; one that is, is no number of seats."""


def _time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
