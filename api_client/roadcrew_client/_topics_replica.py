"""Some topics as this terminal knows them: each a state, folded from events by the server's own rules. Pure.

Nothing is predicted here. Not for what the topics are about, nor for asking, nor for telling anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from roadcrew_client.errors import RoadcrewError
from roadcrew_client.replica import BROKEN, Verdict
from roadcrew_domain.events import Event, UnknownFact

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a topic was folded. `epoch` None: not said."""

    seq: int
    epoch: str | None


class TopicsReplica(Generic[S]):
    """`states` by topic is replaced when one changes, never changed, so it may be handed to another thread."""

    def __init__(self) -> None:
        self.states: Mapping[str, S] = {}
        self._places: dict[str, Place] = {}

    def topic_of(self, state: S) -> str:
        """What a state is about."""
        raise NotImplementedError

    def after(self, state: S | None, e: Event) -> S:
        """The state after an event. May raise whatever the rules do for one that does not fit."""
        raise NotImplementedError

    def keep_only(self, topics: Collection[str]) -> bool:
        """Nothing of other topics is followed any more. Whether something of them was known."""
        before = self.states
        for topic in {*self._places, *self.states}.difference(topics):
            self.drop(topic)
        return before is not self.states

    def drop(self, topic: str) -> None:
        """There is no such topic any more, or nobody looks."""
        self._places.pop(topic, None)
        if topic in self.states:
            self.states = {known: state for known, state in self.states.items() if known != topic}

    def reset(self, topic: str, state: S, seq: int, epoch: str | None) -> bool:
        """The whole state as of `seq`. False if that is not what the topic is about; or is older than what is known,
        whose events are on their way."""
        if self.topic_of(state) != topic:
            return False
        place = self._places.get(topic)
        if place is not None and place.epoch is not None and place.epoch == epoch and seq < place.seq:
            return False
        self._keep(topic, state, Place(seq, epoch))
        return True

    def confirm(self, e: Event) -> Verdict:
        """Apply an event. `gap` and `unknown` change nothing: the state must be read again, whatever it is then."""
        place = self._places.get(e.topic)
        if place is not None and e.seq <= place.seq:
            return "old"
        if place is None or e.seq != place.seq + 1:
            self._places.pop(e.topic, None)
            return "gap"
        try:
            after = None if isinstance(e.data, UnknownFact) else self.after(self.states.get(e.topic), e)
        except (RoadcrewError, msgspec.MsgspecError, *BROKEN):
            after = None
        if after is None:
            self._places.pop(e.topic, None)
            return "unknown"
        self._keep(e.topic, after, Place(e.seq, place.epoch))
        return "applied"

    def _keep(self, topic: str, state: S, place: Place) -> None:
        self._places[topic] = place
        self.states = {**self.states, topic: state}
