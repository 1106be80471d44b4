"""A person's cart and the seats of the time slots that they look at, as they are at the server. The object that a
screen of bookings holds.

Nothing is changed through it: that is done by the client's calls, whose answers are shown here at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from roadcrew_client._book_replica import BookReplica
from roadcrew_client._listeners import Listeners
from roadcrew_client._live_topics import LiveTopics
from roadcrew_client.book_changes import BookChange, BookKind
from roadcrew_client.book_models import CartAnswer
from roadcrew_client.context import Context
from roadcrew_client.frames import Item
from roadcrew_client.sync.cursors import place_in
from roadcrew_client.sync.sides import Taken
from roadcrew_domain.cart_state import Cart
from roadcrew_domain.events import MAX_TOPICS, Event
from roadcrew_domain.seats_views import SlotCount

MAX_SLOTS = MAX_TOPICS - 1
"""Slots that are watched at once; the cart is a topic too."""


class LiveBook(LiveTopics[Cart | SlotCount]):
    """Made by `Client.follow_book`; syncs between `start` and `stop`. All of it belongs to one event loop."""

    def __init__(self, context: Context, *, on_stop: Callable[[LiveBook], None]) -> None:
        self._replica = BookReplica()
        super().__init__(context, self._replica, (Cart, SlotCount), on_stop)
        self._listeners = Listeners[BookChange]()
        self._watched: tuple[str, ...] = ()

    # --- what there is to see ---------------------------------------------------------------------

    @property
    def cart(self) -> Cart | None:
        """The cart; None until it is known."""
        return self._replica.cart

    @property
    def slots(self) -> Mapping[str, SlotCount]:
        """The slots that are watched, as far as they are known, by their ids. A value: it is replaced, not changed."""
        return self._replica.slots

    def listen(self, callback: Callable[[BookChange], None]) -> Callable[[], None]:
        """Call `callback` on each change, on the client's event loop. Returns what ends that."""
        return self._listeners.listen(callback)

    # --- what to look at --------------------------------------------------------------------------

    def watch(self, slot_ids: Collection[str]) -> None:
        """Follow the seats of these slots, at most 31, and of no others. Who goes on looking at a slot misses nothing;
        the server hears of it at most once a second. Raises `ValueError` for more."""
        wanted = tuple(dict.fromkeys(slot_ids))
        if len(wanted) > MAX_SLOTS:
            raise ValueError(f"at most {MAX_SLOTS} slots can be watched at once")
        if set(wanted) != set(self._watched):
            self._watched = wanted
            self._turned.set()

    def take(self, answer: CartAnswer) -> None:
        """Show what a call has answered, if it is newer than what came by itself. The client does so too."""
        user = self._context.session.user
        if user is None or answer.cart.user != user.id:
            return
        if self._replica.answered(answer.cart, place_in(answer.cursor, f"cart:{user.id}")):
            self._tell("cart")

    def _wanted(self) -> tuple[str, ...]:
        user = self._context.session.user
        return () if user is None else (f"cart:{user.id}", *(f"slot:{slot}" for slot in self._watched))

    async def _begin(self) -> None:
        await self._introduce()  # what is asked for is a cart of somebody's

    # --- signals ----------------------------------------------------------------------------------

    def known(self) -> None:
        """The server has said who we are, perhaps somebody else than before."""
        user = self._context.session.user
        if user is not None and f"cart:{user.id}" not in self._source.topics:
            self._turned.set()

    def disown(self) -> None:
        """Somebody else signs in: what is in the cart here was not theirs."""
        if self._replica.cart is not None:
            self._replica.drop(f"cart:{self._replica.cart.user}")
            self._tell("cart")

    # --- from the engine --------------------------------------------------------------------------

    def take_frame(self, frame: Item, cursor: str | None) -> Taken:
        """Apply what the server says. A cart that is not ours, as one may still be told of when somebody else has
        just signed in, is not looked at."""
        user = self._context.session.user
        if frame.topic.startswith("cart:") and (user is None or frame.topic != f"cart:{user.id}"):
            return "applied"
        return super().take_frame(frame, cursor)

    def _changed(self, topic: str, event: Event | None) -> None:
        self._tell("cart" if topic.startswith("cart:") else "slots")

    def _dropped(self) -> None:
        self._tell("slots")

    def _gone(self, topic: str, reason: str) -> None:
        self._tell("gone", topic, reason)

    def _moved(self) -> None:
        self._tell("status")

    def _tell(self, kind: BookKind, topic: str | None = None, reason: str | None = None) -> None:
        self._listeners.tell(BookChange(kind, self.cart, self.slots, topic, reason))
