"""What screens ask for about booking, and what comes back: the cart that is followed, and one booking at a time.

As link.py, it has two sides: screens call it on theirs, and all that belongs to `roadcrew_client` is done on the
client's thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from roadcrew_tui.client_thread import ClientThread
from roadcrew_tui.following import Signal
from roadcrew_tui.messages import BookChanged, BookingEnded, BookingStepped
from roadcrew_tui.snapshot import BookSnapshot
from roadcrew_tui.steps import look_words

if TYPE_CHECKING:
    from textual.message import Message

    from roadcrew_client import BookingFlow, BookingStep, Client, LiveBook, PaymentWay, PendingBookings
    from roadcrew_client.booking import Outcome
    from roadcrew_domain.exhibitions import SlotInfo
    from roadcrew_tui.maker import Maker


class BookingLink:
    """One cart, that of who `opened()` is."""

    def __init__(
        self, thread: ClientThread, say: Callable[[Message], None], maker: Maker, opened: Callable[[], Client]
    ) -> None:
        self._thread = thread
        self._say = say
        self._maker = maker
        self._opened = opened
        self._live: LiveBook | None = None
        self._unlisten: Callable[[], None] | None = None
        self._watched: tuple[str, ...] = ()
        self._away: Signal | None = None
        self._ways: tuple[PaymentWay, ...] | None = None
        self._kept: PendingBookings | None = None
        self._flow: tuple[Client, BookingFlow] | None = None

    # --- for screens -----------------------------------------------------------------------------

    async def book(self, slot: SlotInfo, tickets: Mapping[str, int], trip_id: str | None) -> bool:
        """Book seats: `BookingStepped` comes with each step, and at the end `BookingEnded`. False while another booking
        is on its way."""
        return await self._thread.run(self._run(lambda flow: flow.book(slot, tickets, trip_id)))

    async def resume(self) -> bool:
        """Go on with what waits, if anything does, likewise."""
        return await self._thread.run(self._run(lambda flow: flow.resume()))

    async def forget(self) -> None:
        """What waits is not wanted any more."""

        async def run() -> None:
            await self._flow_now().forget()

        await self._thread.run(run())

    def watch(self, slot_ids: tuple[str, ...]) -> None:
        """These slots are looked at, and no others."""

        def run() -> None:
            self._watched = slot_ids
            if self._live is not None:
                self._live.watch(slot_ids)

        self._thread.soon(run)

    # --- on the client's thread ------------------------------------------------------------------

    def offered(self, ways: tuple[PaymentWay, ...]) -> None:
        """The server has said that one can book there, and how to pay."""
        self._ways = ways

    async def begin(self, client: Client) -> None:
        """Follow the cart, where one can book; `BookChanged` comes from now on."""
        if self._live is not None or self._ways is None:
            return
        live = client.follow_book()
        self._live = live
        if self._away is not None:
            getattr(live, self._away)()
        live.watch(self._watched)
        self._unlisten = live.listen(lambda _: self._tell())
        await live.start()
        self._tell()

    async def end(self) -> None:
        """Follow it no more."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        if self._live is not None:
            live, self._live = self._live, None
            await live.stop()

    async def forget_server(self) -> None:
        """The client is about to be closed; what it knew of a cart is nobody's now."""
        followed = self._live is not None
        await self.end()
        self._ways = self._flow = None
        if followed:
            self._say(BookChanged(BookSnapshot()))

    def signal(self, what: Signal) -> None:
        """Tell what the policy of syncing wants to know."""
        self._away = what if what in ("hidden", "suspended") else None
        if self._live is not None:
            getattr(self._live, what)()

    def _tell(self) -> None:
        live = self._live
        if live is not None:
            ahead = live.server_now() - datetime.now(UTC)
            self._say(BookChanged(BookSnapshot(live.cart, live.slots, self._ways or (), live.status.state, ahead)))

    def _flow_now(self) -> BookingFlow:
        from roadcrew_client import BookingFlow  # noqa: PLC0415 - only for who books

        client = self._opened()
        if self._flow is None or self._flow[0] is not client:
            self._kept = self._kept or self._maker.bookings()
            self._flow = (client, BookingFlow(client, self._kept, self._stepped))
        return self._flow[1]

    async def _run(self, work: Callable[[BookingFlow], Awaitable[Outcome | None]]) -> bool:
        flow = self._flow_now()
        if flow.busy:
            return False
        outcome = await work(flow)
        if outcome is not None:
            self._say(BookingEnded(outcome))
        return True

    def _stepped(self, step: BookingStep) -> None:
        look = step.look
        words = step.words if look is None else look_words(look.number, look.of, look.seen)
        self._say(BookingStepped(words, step.pending.slot.title))
