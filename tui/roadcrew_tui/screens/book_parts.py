"""What the tab of bookings consists of, and what is drawn in each part. What the person does there is book.py's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer

from roadcrew_domain.cart_state import Cart, Line, Order
from roadcrew_domain.exhibitions import Exhibition
from roadcrew_domain.trip import Trip
from roadcrew_tui import money, render
from roadcrew_tui.screens import book_cart, book_draw
from roadcrew_tui.screens import book_cart_model as cart_model
from roadcrew_tui.screens import book_model as model
from roadcrew_tui.screens.book_stock import Stock
from roadcrew_tui.screens.pane import Pane
from roadcrew_tui.screens.places_model import of_exhibition
from roadcrew_tui.screens.sums import Sums
from roadcrew_tui.snapshot import Snapshot
from roadcrew_tui.widgets.counters import Counters
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.month import Day, Month
from roadcrew_tui.widgets.rows import Row, RowList, note

if TYPE_CHECKING:
    from roadcrew_client import OfferedSlot, SlotList
    from roadcrew_domain.bookings import Booking
    from roadcrew_tui.screens.trip import TripScreen

WIDE = 120
"""Columns of a terminal in which there is room for four of ours."""
TICK = 1.0
"""Seconds between two looks of a countdown, while somebody looks at it."""
MOST_WATCHED = 31
"""Time slots whose seats are followed at once; the client follows no more."""
WAYS = {"retry": (("retry", "Retry"), ("forget", "Give it up")),
        "sign-in": (("sign-in", "Sign in"), ("forget", "Give it up"))}  # fmt: skip


class BookParts(Pane):
    """`counts` are the tickets that were chosen, for each exhibition."""

    _last: tuple[Snapshot, Trip, str, datetime] | None = None
    _slots_of: tuple[str, date] | None = None
    _month_of: str | None = None
    _added: str | None = None
    """What was booked last, once it has been seen in the cart."""
    _wanted = ""
    """The slot that the cursor shall be on, once the times of its day have come."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.counts: dict[str, dict[str, int]] = {}
        self.sums = Sums(self, self.redraw)
        self._days: dict[str, date] = {}
        self._ticks: Timer | None = None

    def compose(self) -> ComposeResult:
        """In the order in which a grid takes them: three columns, or four in a wide terminal."""
        with Vertical(id="bk-left"):
            yield RowList(id="exhibitions", keeps_sign=True)
            yield Lines(id="bk-about")
        yield Month(id="month", first_weekday=money.reader_locale().first_week_day)
        yield RowList(id="slots", keeps_sign=True)
        with VerticalScroll(id="bk-side", can_focus=False):
            yield RowList(id="cart", keeps_sign=True)
            yield Lines(id="bk-total")
            yield RowList(id="orders", keeps_sign=True)
            yield RowList(id="crew-bookings", keeps_sign=True)
        with Vertical(id="bk-choice"):
            yield Counters(id="tickets", keeps_sign=True)
            yield Lines(id="bk-sum")
            yield RowList(id="bk-ways", keeps_sign=True)
            yield Lines(id="bk-note")

    def on_mount(self) -> None:
        """What can be booked is asked for by itself; countdowns are drawn while there are any."""
        self.stock = Stock(self.crew_screen, self.redraw)
        self._ticks = self.set_interval(TICK, self._tick, pause=True)

    def on_hide(self) -> None:
        """Nobody looks at any time slot here."""
        self.crew_screen.crew_app.link.booking.watch(())

    def on_unmount(self) -> None:
        """Nor then."""
        self.on_hide()

    @property
    def crew_screen(self) -> TripScreen:
        """The screen, as what it is."""
        return cast("TripScreen", self.screen)

    @property
    def wide(self) -> bool:
        """Whether there is room for four columns."""
        return self.app.size.width >= WIDE

    def rows(self, name: str) -> RowList:
        """One of the lists."""
        return self.query_one(f"#{name}", RowList)

    # --- what is chosen --------------------------------------------------------------------------

    @property
    def exhibition(self) -> Exhibition | None:
        """The one under the cursor."""
        return self.stock.exhibition(self.rows("exhibitions").cursor)

    @property
    def slots(self) -> SlotList | None:
        """The times of the day under the cursor."""
        day = self.query_one(Month).cursor
        return None if self.exhibition is None or day is None else self.stock.slots(self.exhibition.id, day)

    @property
    def slot(self) -> OfferedSlot | None:
        """The one under the cursor."""
        slots, at = self.slots, self.rows("slots").cursor
        return None if slots is None else next((s for s in slots.slots if s.id == at), None)

    @property
    def choice(self) -> dict[str, int]:
        """The tickets of the exhibition under the cursor."""
        e = self.exhibition
        return {} if e is None else model.chosen(e, self.counts.get(e.id, {}))

    @property
    def cart(self) -> Cart | None:
        """The cart, as it is known."""
        return self.crew_screen.crew_app.book.cart

    @property
    def line(self) -> Line | None:
        """The line of the cart under the cursor."""
        return self.cart.line(self.rows("cart").cursor or "") if self.cart is not None else None

    @property
    def order(self) -> Order | None:
        """The order under the cursor."""
        return self.cart.order(self.rows("orders").cursor or "") if self.cart is not None else None

    @property
    def crew_booking(self) -> Booking | None:
        """What somebody of the crew has booked, under the cursor."""
        trip = self.crew_screen.trip
        return None if trip is None else trip.bookings.get(self.rows("crew-bookings").cursor or "")

    # --- drawing ---------------------------------------------------------------------------------

    def draw(self, snapshot: Snapshot, trip: Trip, me: str, now: datetime) -> None:
        """Draw all of it, and ask for what is missing."""
        self._last = (snapshot, trip, me, now)
        if self.crew_screen.tab == "book":
            self.stock.need()
        self.redraw()

    def on_resize(self) -> None:
        """More stands in a wide terminal. Its lists learn their own widths after this."""
        self.redraw()
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Draw what is known once more."""
        if self._last is None or not self.is_mounted:
            return
        _, trip, me, now = self._last
        self.set_class(self.wide, "-four")
        self._draw_exhibitions(now)
        self._draw_days(trip, now)
        self._draw_slots(now)
        self._draw_choice(trip, now)
        self._draw_cart(trip)
        self._draw_rest(trip, me, now)
        self.follow_order()
        self.follow_flow()

    def follow_order(self) -> None:
        """Go to an order that was placed here."""
        raise NotImplementedError

    def follow_flow(self) -> None:
        """See what has become of a booking."""
        raise NotImplementedError

    def _draw_exhibitions(self, now: datetime) -> None:
        today = now.astimezone().date()
        self.sums.want([of_exhibition(e) for e in self.stock.exhibitions])
        rows = [
            Row(e.id, book_draw.exhibition(e, today, wide=self.wide, given=self.sums.beside(of_exhibition(e))))
            for e in self.stock.exhibitions
        ]
        words = render.said(self.stock.words, render.MUTED)
        self.rows("exhibitions").show(rows or [note(words)], heading=render.heading("Exhibitions"))
        self.query_one("#bk-about", Lines).show(
            book_draw.about(self.exhibition, wide=self.wide) if self.exhibition is not None else _nothing
        )
        self.query_one("#bk-note", Lines).show(book_draw.catalogue_note(self.stock.note))

    def _draw_days(self, trip: Trip, now: datetime) -> None:
        month, e = self.query_one(Month), self.exhibition
        month.display = e is not None
        if e is None:
            return
        starts, ends = trip.starts_on or trip.ends_on, trip.ends_on or trip.starts_on
        book = self.crew_screen.crew_app.book

        def day(d: date) -> Day:
            seen = self.stock.slots(e.id, d)
            marked = starts is not None and ends is not None and starts <= d <= ends
            return Day(e.open_on(d), seen is not None and model.sold_out(seen, book.slots), marked)

        month.show(model.bookable(e, now), day)
        if self._month_of != e.id:
            self._month_of = e.id
            month.move_to(self._days.get(e.id) or model.first_day(e, trip, now))

    def _draw_slots(self, now: datetime) -> None:
        e, day, rows = self.exhibition, self.query_one(Month).cursor, self.rows("slots")
        rows.display = e is not None
        if e is None or day is None:
            rows.show([])
            return
        slots = self.stock.need_slots(e, day)
        counts = self.crew_screen.crew_app.book.slots
        shown = [] if slots is None else model.slot_rows(slots, counts, e.time_zone, now)
        heading = book_draw.slots_heading(day, e, now, elsewhere=model.is_elsewhere(e, now))
        words = self.stock.slots_words(e, day)
        rows.show(
            [Row(s.id, book_draw.slot(s, wide=self.wide)) for s in shown] or [note(render.said(words, render.MUTED))],
            heading=heading,
        )
        if slots is not None and self._slots_of != (e.id, day):
            # Another day: where the cursor stood on the one before says nothing about this one.
            self._slots_of = (e.id, day)
            rows.move_to(next((s.id for s in shown if s.left), ""))
            rows.move_to(self._wanted)
        if self.display:  # it may be drawn once more when it is hidden already
            self.crew_screen.crew_app.link.booking.watch(tuple(s.id for s in shown[:MOST_WATCHED]))

    def draw_choice(self) -> None:
        """Draw the tickets, and what they come to."""
        if self._last is not None:
            self._draw_choice(self._last[1], self._last[3])

    def _draw_choice(self, trip: Trip, now: datetime) -> None:
        e = self.exhibition
        self.query_one("#bk-choice").display = e is not None
        if e is None:
            return
        counts, slot = self.counts.get(e.id, {}), self.slot
        kinds, total = model.ticket_rows(e, counts), model.total(e, counts, trip)
        widths = book_draw.Widths.of(kinds, total)
        self.rows("tickets").show(
            [Row(k.kind, book_draw.ticket(k, widths)) for k in kinds],
            heading=book_draw.tickets_heading(e, slot, now),
        )
        self._forget_added()
        flow = self.crew_screen.crew_app.flow
        left = None if slot is None else model.left_of(slot, self.crew_screen.crew_app.book.slots)
        below = book_draw.flow(flow) if flow is not None else book_draw.coming_to(total, widths, left)
        self.query_one("#bk-sum", Lines).show(below)
        ways = WAYS.get(flow.state, ()) if flow is not None else ()
        listed = self.rows("bk-ways")
        listed.display = bool(ways)
        listed.show([Row(name, _plain(words)) for name, words in ways])

    def _draw_cart(self, trip: Trip) -> None:
        """By the server's clock, and by the trip's discount."""
        book, rows = self.crew_screen.crew_app.book, self.rows("cart")
        if book.cart is None:
            rows.show([note(render.ours(_no_cart(book.state), render.MUTED))], heading=render.heading("Cart"))
            self.query_one("#bk-total", Lines).show(_nothing)
            self._keep_a_place([])
            return
        held = cart_model.cart_rows(book.cart, trip, book.now())
        empty = note(render.ours("Nothing is held yet.", render.MUTED))
        rows.show(
            [Row(c.id, book_cart.line(c, wide=self.wide)) for c in held] or [empty], heading=render.heading("Cart")
        )
        self._keep_a_place(held)
        total = book_cart.total(held, cart_model.total(held))
        self.query_one("#bk-total", Lines).show(total)
        if self._ticks is not None:
            (self._ticks.resume if held or book.cart.orders else self._ticks.pause)()

    def _keep_a_place(self, held: list[cart_model.CartRow]) -> None:
        """Nobody stands in an empty cart, where no key does anything: but for who was sent there by a booking, until
        its line has come, or until they have done something."""
        flow, cart = self.crew_screen.crew_app.flow, self.rows("cart")
        added = flow is not None and flow.state == "added" and flow.line_id != self._added
        cart.can_focus = bool(held) or added or (flow is not None and flow.state == "gone")
        if not cart.can_focus and cart.has_focus:
            self.screen.set_focus(self.rows("tickets" if self.exhibition is not None else "exhibitions"))

    def _draw_rest(self, trip: Trip, me: str, now: datetime) -> None:
        book = self.crew_screen.crew_app.book
        orders = [] if book.cart is None else cart_model.order_rows(book.cart, book.now())
        crew = cart_model.crew_rows(trip, me, now)
        self.rows("orders").show(
            [Row(o.id, book_cart.order(o, wide=self.wide)) for o in orders], heading=render.heading("My bookings")
        )
        self.rows("crew-bookings").show(
            [Row(b.id, book_cart.crew(b)) for b in crew], heading=render.heading("The crew has booked")
        )
        self.rows("orders").display, self.rows("crew-bookings").display = bool(orders), bool(crew)

    def _tick(self) -> None:
        if self._last is not None and self.display and self.crew_screen.crew_app.looked_at and self.screen.is_current:
            self._draw_cart(self._last[1])
            self._draw_rest(self._last[1], self._last[2], self.crew_screen.snapshot.now())
            self.crew_screen.show_keys()

    def _forget_added(self) -> None:
        """What was added and is not in the cart any more is no news."""
        app = self.crew_screen.crew_app
        flow, cart = app.flow, self.cart
        if flow is None or flow.state != "added" or cart is None:
            return
        if cart.line(flow.line_id or "") is not None:
            self._added = flow.line_id
        elif self._added == flow.line_id:
            app.flow = None


def _nothing(_: int) -> Content:
    return render.BLANK


def _plain(words: str) -> Callable[[int], Content]:
    return lambda width: render.cut(render.ours(words), width)


def _no_cart(state: str) -> str:
    """Why there is no cart to see."""
    if state in ("offline", "connecting"):
        return "Your cart is not known here yet: wait for the network."
    if state == "signed-out":
        return "Sign in to see your cart."
    return "Your cart is on its way."
