"""A cart and some time slots as this terminal knows them: folded from events by the server's own rules. Pure.

Nothing is predicted here: whether seats are free, the server alone can say. Not for asking, nor for telling anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from roadcrew_client.book_models import checked_cart
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.replica import BROKEN, Verdict
from roadcrew_domain.cart import Cart, evolve
from roadcrew_domain.events import Event, Position, UnknownFact
from roadcrew_domain.seats_views import SlotCount, evolve_count


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a topic was folded. `epoch` None: not said."""

    seq: int
    epoch: str | None


class BookReplica:
    """`slots` is replaced when it changes, never changed, so it may be handed to another thread."""

    def __init__(self) -> None:
        self.cart: Cart | None = None
        self.slots: Mapping[str, SlotCount] = {}
        self._places: dict[str, _Place] = {}

    def keep_only(self, topics: Collection[str]) -> None:
        """Nothing of other topics is followed any more."""
        known = {*self._places, *(f"slot:{slot}" for slot in self.slots)}
        if self.cart is not None:
            known.add(f"cart:{self.cart.user}")
        for topic in known.difference(topics):
            self.drop(topic)

    def drop(self, topic: str) -> None:
        """There is no such topic any more, or nobody looks."""
        self._places.pop(topic, None)
        kind, _, name = topic.partition(":")
        if kind == "cart" and self.cart is not None and self.cart.user == name:
            self.cart = None
        elif kind == "slot" and name in self.slots:
            self.slots = {slot: count for slot, count in self.slots.items() if slot != name}

    def reset(self, topic: str, state: Cart | SlotCount, seq: int, epoch: str | None) -> bool:
        """The whole state as of `seq`. False if that is not what the topic is about; or is older than what an answer
        has told, whose events are on their way."""
        kind, _, name = topic.partition(":")
        if (kind, name) != (("cart", state.user) if isinstance(state, Cart) else ("slot", state.id)):
            return False
        place = self._places.get(topic)
        if place is not None and place.epoch is not None and place.epoch == epoch and seq < place.seq:
            return False
        self._keep(topic, state, _Place(seq, epoch))
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
            after = None if isinstance(e.data, UnknownFact) else self._after(e)
        except (RoadcrewError, msgspec.MsgspecError, *BROKEN):
            after = None
        if after is None:
            self._places.pop(e.topic, None)
            return "unknown"
        self._keep(e.topic, after, _Place(e.seq, place.epoch))
        return "applied"

    def answered(self, cart: Cart, position: Position | None) -> bool:
        """A call has answered with the cart as of `position`. False if what is here is as new.

        An answer from a log that is not the one followed is shown until the next event, which asks for the state. One
        that does not say where it is, as of a cart that was never used, is shown while nothing else is known.
        """
        topic = f"cart:{cart.user}"
        place = self._places.get(topic)
        if position is None:
            if self.cart is not None:
                return False
        elif place is not None and place.epoch != position.epoch:
            del self._places[topic]
        elif place is not None and position.seq <= place.seq:
            return False
        else:
            self._places[topic] = _Place(position.seq, position.epoch)
        self.cart = cart
        return True

    def _after(self, e: Event) -> Cart | SlotCount:
        kind, _, name = e.topic.partition(":")
        if kind == "cart":
            return checked_cart(evolve(self.cart, e))
        return evolve_count(self.slots.get(name), e)

    def _keep(self, topic: str, state: Cart | SlotCount, place: _Place) -> None:
        self._places[topic] = place
        if isinstance(state, Cart):
            self.cart = state
        else:
            self.slots = {**self.slots, state.id: state}
