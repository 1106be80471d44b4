"""A trip that a test plays through: a clock, a log, and people who act."""

from datetime import UTC, datetime, timedelta

import pytest

from roadcrew_domain.crew import Invite, JoinTrip
from roadcrew_domain.events import Event, event
from roadcrew_domain.hotels import ShortlistHotel
from roadcrew_domain.ids import uuid7
from roadcrew_domain.money import Money
from roadcrew_domain.polls import CastVote, OpenPoll, PollKind
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Bounds, Command, CreateTrip, Tick, Trip, TripAct, decide, evolve

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
KEEP = 20 * 86400
CODE = "K7QM-2D4F"

ANA, BEN, CARLA, DEV = "ana", "ben", "carla", "dev"


def a_trip(
    *,
    name: str = "Lisbon in May",
    invite: Invite | None = None,
    bounds: Bounds | None = None,
    keep_for: int = KEEP,
    required_members: int | None = 3,
) -> CreateTrip:
    """What Ana asks for when she plans a trip."""
    return CreateTrip(
        name, "Ana", invite or Invite(CODE, None, None), bounds or Bounds(), keep_for, required_members=required_members
    )


class Play:
    """A log and its fold. Each act happens a second after the one before."""

    def __init__(self) -> None:
        self.now = START
        self.events: list[Event] = []
        self.state: Trip | None = None
        self.made = 0

    @property
    def trip(self) -> Trip:
        """The state; the trip must have been created."""
        assert self.state is not None
        return self.state

    def new_id(self) -> str:
        """The id of the next command."""
        self.made += 1
        return uuid7(int(START.timestamp() * 1000), self.made.to_bytes(10, "big"))

    def do(self, by: str | None, act: TripAct, command: str | None = None) -> list[Event]:
        """Decide and fold; what happened."""
        self.now += timedelta(seconds=1)
        command = command or self.new_id()
        happened: list[Event] = []
        for fact in decide(self.state, Command(command, by, act), self.now):
            happened.append(event("trip:t", len(self.events), self.now, by, command, fact))
            self.state = evolve(self.state, happened[-1])
            self.events.append(happened[-1])
        return happened

    def refusal(self, by: str | None, act: TripAct, command: str | None = None) -> str:
        """The code with which it is refused; nothing may have changed."""
        before, count = self.state, len(self.events)
        with pytest.raises(Refused) as refused:
            self.do(by, act, command)
        assert (self.state, len(self.events)) == (before, count)
        assert refused.value.detail
        return refused.value.code

    def tick(self) -> list[str]:
        """The timer acts; the types of what it announced."""
        return [e.type for e in self.do(None, Tick())]

    def wait_until(self, moment: datetime) -> None:
        """The next act happens at exactly that moment."""
        self.now = moment - timedelta(seconds=1)

    def create(self, act: CreateTrip | None = None) -> "Play":
        self.do(ANA, act or a_trip())
        return self

    def join(self, *people: str, code: str = CODE) -> "Play":
        for who in people:
            self.do(who, JoinTrip(code, who.title()))
        return self

    def poll(
        self,
        *options: str,
        by: str = ANA,
        kind: PollKind = "single",
        closes_in: timedelta | None = None,
        question: str = "When?",
    ) -> str:
        """Open a poll; its id."""
        ends = None if closes_in is None else self.now + closes_in
        command = self.new_id()
        self.do(by, OpenPoll(question, kind, options or ("Wed", "Thu"), ends), command)
        return command

    def vote(self, by: str, poll: str, *options: int) -> list[Event]:
        """Vote for options by their place."""
        return self.do(by, CastVote(poll, tuple(f"{poll}.{n}" for n in options)))

    def hotel(self, name: str, *, by: str = ANA, price: int = 8400, currency: str = "EUR") -> str:
        """Shortlist a hotel in Lisbon; its id."""
        command = self.new_id()
        self.do(by, ShortlistHotel(name, "Lisbon", 4, Money(price, currency)), command)
        return command


def crew_of(*people: str) -> Play:
    """A trip of Ana's that these people have joined."""
    return Play().create().join(*people)
