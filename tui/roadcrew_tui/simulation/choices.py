"""What a step of the plan means in the trip as it is now. Pure.

`which` picks the thing, `how` what is done with it. People mostly do what they may; now and then somebody tries what
the rules refuse, as people do.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar, get_args

import msgspec

from roadcrew_domain.crew import HandOver
from roadcrew_domain.hotels import (
    CloseHotelVoting,
    Hotel,
    OpenHotelVoting,
    ShortlistHotel,
    TieRule,
    UnshortlistHotel,
    VoteHotel,
    outcome_of,
)
from roadcrew_domain.money import Money
from roadcrew_domain.polls import CastVote, ClosePoll, Poll
from roadcrew_domain.trip import Trip, TripAct
from roadcrew_tui.crowd import some_vote
from roadcrew_tui.simulation.plan import Step
from roadcrew_tui.story import HOTELS, POLLS

T = TypeVar("T")
Thing = TypeVar("Thing", Poll, Hotel)

BOLD = 5
"""One in so many tries what is not theirs to do, or has been done."""
_NAMESAKES = 12
"""So many hotels there are of each name, so that two people sometimes add the same one."""
_RULES: tuple[TieRule, ...] = get_args(TieRule)


def act_for(step: Step, trip: Trip, me: str, now: datetime) -> TripAct | None:
    """What this person does to the trip, at the server's time `now`; None when there is nothing to do it to."""
    bold = step.how % BOLD == 0
    match step.kind:
        case "open-poll" | "vote" | "change-vote" | "close-poll" | "settle-tie":
            return _about_polls(step, trip, me, now, bold=bold)
        case "shortlist" | "take-off" | "open-voting" | "vote-hotel" | "close-voting":
            return _about_hotels(step, trip, me, bold=bold)
        case "hand-over" if bold or trip.organiser == me:
            return HandOver(sorted(trip.members)[step.which % len(trip.members)])
    return None


def _about_polls(step: Step, trip: Trip, me: str, now: datetime, *, bold: bool) -> TripAct | None:
    running = _by_id(p for p in trip.polls.values() if p.takes_votes(now))
    match step.kind:
        case "open-poll":
            soon = now + timedelta(seconds=3 + step.how % 20) if step.how % 3 == 0 else None
            return msgspec.structs.replace(POLLS[step.which % len(POLLS)], closes_at=soon)
        case "vote":
            poll = _one(step, [p for p in running if me not in p.ballots])
            return None if poll is None else some_vote(poll, _chance(step))
        case "change-vote":
            poll = _one(step, [p for p in running if me in p.ballots])
            if poll is None:
                return None
            return CastVote(poll.id) if bold else some_vote(poll, _chance(step))
        case "close-poll":
            poll = _one(step, running if bold else [p for p in running if _mine(trip, me, p.opened_by)])
            return None if poll is None else ClosePoll(poll.id)
    ties = [(p, p.outcome.winners) for p in _by_id(trip.polls.values()) if p.outcome is not None and p.outcome.tie]
    found = _one(step, ties if bold else [t for t in ties if _mine(trip, me, t[0].opened_by)])
    return None if found is None else ClosePoll(found[0].id, found[1][step.how % len(found[1])])


def _about_hotels(step: Step, trip: Trip, me: str, *, bold: bool) -> TripAct | None:
    listed, voting = _by_id(trip.hotels.values()), trip.voting
    match step.kind:
        case "shortlist":
            hotel = HOTELS[step.which % len(HOTELS)]
            name, price = f"{hotel.name} {1 + step.how % _NAMESAKES}", Money(4000 + 500 * (step.how % 9), "EUR")
            return ShortlistHotel(name, hotel.city, hotel.stars, price, hotel.url)
        case "take-off":
            taken = _one(step, listed if bold else [h for h in listed if _mine(trip, me, h.added_by)])
            return None if taken is None else UnshortlistHotel(taken.id)
        case "open-voting":
            fitting = listed and not voting.open
            return OpenHotelVoting(_RULES[step.which % len(_RULES)]) if bold or fitting else None
        case "vote-hotel":
            wanted = _one(step, listed)
            if wanted is None or not (bold or voting.open):
                return None
            return VoteHotel(None if bold and voting.open else wanted.id)
    if not voting.open or not (bold or _mine(trip, me, voting.opened_by)):
        return None
    result = outcome_of(voting, trip.hotels)
    left_to_me = result.decided_by == "organiser" and trip.organiser == me
    return CloseHotelVoting(result.tied[step.how % len(result.tied)] if left_to_me else None)


def _mine(trip: Trip, me: str, whose: str | None) -> bool:
    return me in (whose, trip.organiser)


def _by_id(things: Iterable[Thing]) -> list[Thing]:
    return sorted(things, key=lambda t: t.id)


def _one(step: Step, things: Sequence[T]) -> T | None:
    return things[step.which % len(things)] if things else None


def _chance(step: Step) -> random.Random:
    return random.Random(step.how)  # noqa: S311 - to be repeated, not a secret
