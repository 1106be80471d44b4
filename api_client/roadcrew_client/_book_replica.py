"""A cart and some time slots as this terminal knows them: folded from events by the server's own rules. Pure.

Nothing is predicted here: whether seats are free, the server alone can say. Not for asking, nor for telling anybody.
"""

from __future__ import annotations

from collections.abc import Mapping

from roadcrew_client._topics_replica import Place, TopicsReplica
from roadcrew_client.book_models import checked_cart
from roadcrew_domain.cart import Cart, evolve
from roadcrew_domain.events import Event, Position
from roadcrew_domain.seats_views import SlotCount, evolve_count


class BookReplica(TopicsReplica[Cart | SlotCount]):
    """One person's cart at a time, and the slots that they look at."""

    @property
    def cart(self) -> Cart | None:
        """None until it is known."""
        return next((state for state in self.states.values() if isinstance(state, Cart)), None)

    @property
    def slots(self) -> Mapping[str, SlotCount]:
        """By their ids, as far as they are known."""
        return {state.id: state for state in self.states.values() if isinstance(state, SlotCount)}

    def topic_of(self, state: Cart | SlotCount) -> str:
        """What a state is about."""
        return f"cart:{state.user}" if isinstance(state, Cart) else f"slot:{state.id}"

    def after(self, state: Cart | SlotCount | None, e: Event) -> Cart | SlotCount:
        """The state after an event."""
        if e.topic.startswith("cart:"):
            return checked_cart(evolve(state if isinstance(state, Cart) else None, e))
        return evolve_count(state if isinstance(state, SlotCount) else None, e)

    def answered(self, cart: Cart, position: Position | None) -> bool:
        """A call has answered with the cart as of `position`. False if what is here is as new.

        An answer from a log that is not the one followed is shown until the next event, which asks for the state. One
        that does not say where it is, as of a cart that was never used, is shown while nothing else is known.
        """
        topic = self.topic_of(cart)
        place = self._places.get(topic)
        if position is None:
            if self.cart is not None:
                return False
        elif place is not None and place.epoch != position.epoch:
            del self._places[topic]
        elif place is not None and position.seq <= place.seq:
            return False
        else:
            self._places[topic] = Place(position.seq, position.epoch)
        self.states = {**self.states, topic: cart}
        return True
