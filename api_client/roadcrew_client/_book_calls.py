"""The part of `Client` that is about booking: the catalogue, and one call for each thing that can be done with a cart.

Not for keeping a cart in sync: that is `LiveBook`. Nor for a booking that outlives the program: that is `BookingFlow`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote

from roadcrew_client._calls import Calls
from roadcrew_client.errors import RoadcrewError, not_ours
from roadcrew_client.models import read
from roadcrew_client.waiting import Figures

if TYPE_CHECKING:
    from roadcrew_client.book_models import CartAnswer, ExhibitionList, SlotList
    from roadcrew_client.live_book import LiveBook
    from roadcrew_client.transport import Reply

BASE = "/api/cart"


class BookCalls:
    """What it needs, `Client` sets. Each answer is shown at once by the books that are followed."""

    figures: Figures
    _calls: Calls
    _books: Collection[LiveBook]

    async def exhibitions(self) -> ExhibitionList:
        """What can be booked. Needs no token. Raises `NotFound` (`no-catalogue`)."""
        from roadcrew_client.book_models import read_exhibitions  # noqa: PLC0415 — only who books needs the rules of it

        return read_exhibitions((await self._calls.open_get("/api/exhibitions")).body)

    async def slots(self, exhibition_id: str, day: date) -> SlotList:
        """The time slots of a day, by the venue's clock. Needs no token. Raises `NotFound` (`unknown-exhibition`)."""
        from roadcrew_client.book_models import SlotList  # noqa: PLC0415 — as above

        path = f"/api/exhibitions/{quote(exhibition_id, safe='')}/slots"
        return read((await self._calls.open_get(path, [("date", day.isoformat())])).body, SlotList)

    async def load_cart(self) -> CartAnswer | None:
        """My cart, for a screen that shows it (C6): None after a 401, which is no news to it."""
        reply = await self._calls.load(f"{BASE}/load")
        return None if reply is None else self._answer(reply)

    async def add_to_cart(
        self, slot_id: str, tickets: Mapping[str, int], trip_id: str | None = None, *, key: str | None = None
    ) -> CartAnswer:
        """Hold seats: so many of each kind of ticket. The answer's `line_id` says which line they are.

        Raises `Rejected` (`seats-gone`, with the fact `left`; `slot-past`, `cart-full`, `too-many-seats` …),
        `NotFound` (`unknown-slot`), `Forbidden` (`not-a-member`).
        """
        body = {"slotId": slot_id, "tickets": dict(tickets), **({} if trip_id is None else {"tripId": trip_id})}
        self.figures.book.adds_tried += 1
        try:
            answer = self._answer(await self._calls.post(f"{BASE}/add", body, key))
            if answer.line_id is None:
                raise not_ours("The server held seats and did not say which.")
        except RoadcrewError as error:
            from roadcrew_client.book_models import failure_kind  # noqa: PLC0415 — as above

            self.figures.book.add_failed(failure_kind(error))
            raise
        self.figures.book.adds_done += 1
        return answer

    async def remove_from_cart(self, line_id: str, *, key: str | None = None) -> CartAnswer:
        """Give seats back. Raises `NotFound` (`unknown-line`)."""
        return self._answer(await self._calls.post(f"{BASE}/remove", {"lineId": line_id}, key))

    async def extend_hold(self, line_id: str, *, key: str | None = None) -> CartAnswer:
        """Hold seats for longer. Raises `Rejected` (`hold-limit`, `hold-expired`)."""
        return self._answer(await self._calls.post(f"{BASE}/extend", {"lineId": line_id}, key))

    async def checkout(
        self, line_ids: Iterable[str] = (), provider: str | None = None, *, key: str | None = None
    ) -> CartAnswer:
        """Order what is in the cart, or these lines of it; the answer's `order_id` says which order that is.

        Raises `Rejected`: `cart-empty`, `hold-expired`; `seats-gone`, after which what was not lost is in the cart
        again.
        """
        lines = list(line_ids)
        body: dict[str, object] = {"lineIds": lines} if lines else {}
        if provider is not None:
            body["provider"] = provider
        answer = self._answer(await self._calls.post(f"{BASE}/checkout", body, key))
        if answer.order_id is None:
            raise not_ours("The server took an order and did not say which.")
        self.figures.book.orders_placed += 1
        self._count_paid(answer)
        return answer

    async def pay(self, order_id: str, method: str = "", *, key: str | None = None) -> CartAnswer:
        """Pay an order. What came of it, the order's state says: `paid`; `awaiting`, with an attempt that was
        declined; `paying`, while nobody knows. Raises `Rejected` (`payment-under-way`, `order-lapsed` …)."""
        body = {"orderId": order_id, **({"method": method} if method else {})}
        answer = self._answer(await self._calls.post(f"{BASE}/pay", body, key))
        self._count_paid(answer)
        return answer

    async def cancel_order(self, order_id: str, *, key: str | None = None) -> CartAnswer:
        """Cancel an order; what was paid for it is owed to us. Raises `Rejected`."""
        return self._answer(await self._calls.post(f"{BASE}/cancel", {"orderId": order_id}, key))

    async def mark_paid(self, trip_id: str, booking_id: str, *, key: str | None = None) -> None:
        """Say, as the trip's organiser, that a member's booking was paid at the venue. Raises `Forbidden`."""
        await self._calls.post(f"{BASE}/paid", {"tripId": trip_id, "bookingId": booking_id}, key)

    def _answer(self, reply: Reply) -> CartAnswer:
        from roadcrew_client.book_models import read_cart_answer  # noqa: PLC0415 — as above

        answer = read_cart_answer(reply.body)
        for book in tuple(self._books):
            book.take(answer)
        return answer

    def _count_paid(self, answer: CartAnswer) -> None:
        order = answer.cart.order(answer.order_id or "")
        self.figures.book.orders_paid += order is not None and order.state == "paid"
