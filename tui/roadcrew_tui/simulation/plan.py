"""Who does what and when: a plan that follows from its four numbers alone. Pure.

A step is a kind and two numbers, which mean something only in the trip as it is at that moment ("vote in the
`which` mod n-th open poll"; choices.py). So one seed gives one plan, byte for byte, whatever a server does, on every
Python: of the generator only `random()` is used, whose numbers never change for a seed.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, get_args

VERSION = 2
"""Of plans; another one where the same numbers give another plan."""
MOST_USERS = 2_000
MOST_SECONDS = 86_400
MOST_STEPS = 1_000_000
"""About how many steps a plan has at the most: where there are more people and more time, each acts less often."""
CREW = 10
"""People in a trip, if nobody says how many trips there are."""

Act = Literal[
    "open-poll",
    "vote",
    "change-vote",
    "close-poll",
    "settle-tie",
    "shortlist",
    "take-off",
    "open-voting",
    "vote-hotel",
    "close-voting",
    "hand-over",
]
"""What changes a trip."""
Saying = Literal["say", "edit", "remove", "react", "rate", "like"]
"""What is done by who talks about it."""
Kind = Literal[
    "create",
    "join",
    Act,
    Saying,
    "look",
    "leave",
    "join-again",
    "hide",
    "show",
    "lose-network",
    "get-network",
    "bad-network",
    "good-network",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_WEIGHTS: dict[Kind, int] = {
    "vote": 26,
    "change-vote": 10,
    "vote-hotel": 12,
    "look": 12,
    "shortlist": 6,
    "open-poll": 6,
    "close-poll": 4,
    "open-voting": 4,
    "close-voting": 3,
    "take-off": 3,
    "settle-tie": 2,
    "hand-over": 1,
    "say": 10,
    "react": 5,
    "rate": 4,
    "like": 4,
    "edit": 3,
    "remove": 1,
    "lose-network": 5,
    "hide": 4,
    "bad-network": 2,
    "leave": 2,
}
_FIRST: tuple[Kind, ...] = ("open-poll", "shortlist", "open-voting")
"""What who created a trip does next, so that the others have something to vote on."""
_BACK: dict[Kind, Kind] = {
    "lose-network": "get-network",
    "bad-network": "good-network",
    "hide": "show",
    "leave": "join-again",
}
"""What must follow, sooner or later."""
_ON_THE_ROAD = ("get-network", "good-network")
"""Who waits for one of these goes on acting meanwhile."""
_CALM = (*get_args(Act), *get_args(Saying), "look")
"""What is done on the road, and in the last part of the time."""

_CREATED, _ARRIVED = (0.04, 5_000), (0.20, 60_000)
"""By when trips are created, and everybody has come: this part of the time, and so many milliseconds at the most."""
_BACK_BY, _LAST_ACT = (0.15, 60_000), (0.05, 20_000)
"""How long before the end nobody is away any more, and acting ends: likewise."""
_SHORTEST_GAP, _MEAN_GAP = 300, 1_500
"""Milliseconds between two steps of one person."""
_LONGEST_AWAY = 6_000
"""Milliseconds."""
_NUMBERS = 1_000_000
"""`which` and `how` are below it."""


class Step(NamedTuple):
    """What `person` (0, 1, 2 …) does `at` so many milliseconds after the start."""

    at: int
    person: int
    kind: Kind
    which: int
    how: int

    def line(self) -> str:
        """The step as JSON."""
        fields = {"at": self.at, "person": self.person, "do": self.kind, "which": self.which, "how": self.how}
        return json.dumps(fields, separators=(",", ":"))


@dataclass(frozen=True)
class Plan:
    """Made by `make_plan`. Steps are made anew each time they are asked for: a long plan takes no memory."""

    users: int
    seconds: int
    seed: int
    trips: int

    def trip_of(self, person: int) -> int:
        """The number of the trip that a person belongs to."""
        return person % self.trips

    def founds(self, person: int) -> bool:
        """Whether this person creates their trip. Who does never leaves it."""
        return person < self.trips

    def steps_of(self, person: int) -> Iterator[Step]:
        """What one person does, in order."""
        return _life(self, person)

    def steps(self) -> Iterator[Step]:
        """What everybody does, in order."""
        return heapq.merge(*(self.steps_of(p) for p in range(self.users)))

    def lines(self) -> Iterator[str]:
        """The plan as JSON lines, the first of which says what it was made from."""
        numbers = {"plan": VERSION, "users": self.users, "seconds": self.seconds, "seed": self.seed}
        yield json.dumps(numbers | {"trips": self.trips}, separators=(",", ":"))
        yield from (step.line() for step in self.steps())

    @cached_property
    def digest(self) -> str:
        """The same for the same lines."""
        digest = hashlib.blake2b(digest_size=8)
        for line in self.lines():
            digest.update(f"{line}\n".encode())
        return digest.hexdigest()


def make_plan(users: int, seconds: int, seed: int, trips: int | None = None) -> Plan:
    """The plan for so many people, for so long. By default they are crews of about ten.

    Raises `ValueError` for numbers that are out of bounds.
    """
    trips = max(1, users // CREW) if trips is None else trips
    if not (1 <= users <= MOST_USERS and 1 <= seconds <= MOST_SECONDS and 1 <= trips <= users):
        raise ValueError(
            f"A plan is for 1 to {MOST_USERS} people, 1 to {MOST_SECONDS} seconds, and no more trips than people."
        )
    return Plan(users, seconds, seed, trips)


def _life(plan: Plan, person: int) -> Iterator[Step]:
    chance = random.Random(f"{VERSION} {plan.seed} {person}").random  # noqa: S311 - to be repeated, not a secret
    whole = plan.seconds * 1_000
    slower = max(1.0, plan.users * whole / _MEAN_GAP / MOST_STEPS)
    founds = plan.founds(person)
    calm = {k: w for k, w in _WEIGHTS.items() if k in _CALM}
    wild = {k: w for k, w in _WEIGHTS.items() if not (founds and k == "leave")}

    def step(at: float, kind: Kind) -> Step:
        return Step(int(at), person, kind, int(chance() * _NUMBERS), int(chance() * _NUMBERS))

    created, arrived = _part(whole, _CREATED), _part(whole, _ARRIVED)
    back_by, last = whole - _part(whole, _BACK_BY), whole - _part(whole, _LAST_ACT)
    at = chance() * created if founds else created + chance() * (arrived - created)
    yield step(at, "create" if founds else "join")
    first = list(_FIRST) if founds else []
    away: tuple[float, Kind] | None = None  # until when, and what ends it
    while True:
        at += slower * (_SHORTEST_GAP + chance() * 2 * (_MEAN_GAP - _SHORTEST_GAP))
        if away is not None and away[1] not in _ON_THE_ROAD:
            at = max(at, away[0])
        if away is not None and at >= away[0]:
            yield step(*away)
            away = None
        if at >= last:
            return
        drawn = _drawn(calm if away is not None or at >= back_by else wild, chance())
        kind = first.pop(0) if first else drawn
        yield step(at, kind)
        if (end := _BACK.get(kind)) is not None:
            longest = min(_LONGEST_AWAY, whole / 4)
            away = min(at + _SHORTEST_GAP + chance() * longest, back_by), end


def _part(whole: int, bounds: tuple[float, int]) -> float:
    part, most = bounds
    return min(whole * part, most)


def _drawn(weights: dict[Kind, int], chance: float) -> Kind:
    left = chance * sum(weights.values())
    for kind, weight in weights.items():
        left -= weight
        if left < 0:
            return kind
    return next(iter(weights))
