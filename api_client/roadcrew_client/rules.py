"""What differs between the things that a person changes: which rules say what a change does, which command it is, and
what it is about. Those of a trip; of talk they are in talk_rules.py. Not for what is pending, nor for sending.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from roadcrew_client.about import About, about
from roadcrew_domain.crew import RenewInvite
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.trip import Command, Trip, TripAct, decide, evolve

if TYPE_CHECKING:
    from roadcrew_client.talk_routes import TalkAct
    from roadcrew_domain.feed import FeedCommand

S = TypeVar("S")

Act: TypeAlias = "TripAct | TalkAct"
AnyCommand: TypeAlias = "Command | FeedCommand"


class Rules(Protocol[S]):
    """Of one topic. Each is given the acts and commands that are its own."""

    topic: str

    def command(self, command: str, by: str | None, act: Any) -> AnyCommand:
        """The command of this id."""
        ...

    def about(self, state: S | None, act: Any) -> About:
        """What an act is about, in a state as it is drawn."""
        ...

    def paints(self, state: S, command: Any) -> bool:
        """Whether what it does can be known before the server says so."""
        ...

    def decide(self, state: S, command: Any, at: datetime) -> Iterable[Fact]:
        """What happens if it is accepted. Raises `Refused`."""
        ...

    def evolve(self, state: S | None, e: Event) -> S:
        """The state after an event. Raises whatever the rules do for one that does not fit."""
        ...


class TripRules:
    """Of a trip."""

    def __init__(self, trip_id: str) -> None:
        self.topic = f"trip:{trip_id}"

    def command(self, command: str, by: str | None, act: TripAct) -> Command:
        """The command of this id."""
        return Command(command, by, act)

    def about(self, state: Trip | None, act: TripAct) -> About:
        """What an act is about."""
        return about(state, act)

    def paints(self, state: Trip, command: Command) -> bool:
        """A new invite's code is the server's to make."""
        return not isinstance(command.act, RenewInvite)

    def decide(self, state: Trip, command: Command, at: datetime) -> Iterable[Fact]:
        """What happens if it is accepted."""
        return decide(state, command, at)

    def evolve(self, state: Trip | None, e: Event) -> Trip:
        """The trip after an event."""
        return evolve(state, e)
