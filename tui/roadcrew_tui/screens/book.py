"""The tab of bookings: where the person is in it, and what they do. Its parts are book_parts.py's; what its keys do is
book_actions.py's.

Steps go on by enter and back by esc: exhibitions, days, times, tickets.
"""

from __future__ import annotations

from datetime import date

from textual import on
from textual.widget import Widget

from roadcrew_tui import commands
from roadcrew_tui.booking import Flow
from roadcrew_tui.screens import book_model as model
from roadcrew_tui.screens.book_parts import BookParts
from roadcrew_tui.widgets.counters import Counters
from roadcrew_tui.widgets.month import Month
from roadcrew_tui.widgets.rows import RowList

STEPS = ("exhibitions", "month", "slots", "tickets")
"""From the first choice to the last."""


class BookPane(BookParts):
    """What can be booked and when, how many, the cart, my orders, and what the crew has booked."""

    _flow: Flow | None = None
    _placed = ""
    """The order that the person placed, until it is among their bookings."""

    # --- where the person is ---------------------------------------------------------------------

    def start(self) -> None:
        """At the exhibitions; on return, where one was."""
        self.stock.need()
        self.go("exhibitions")

    async def back(self) -> bool:
        """One step back; from the cart and what is below it, to the exhibitions."""
        at = self.at
        if at in STEPS[1:]:
            self.go(STEPS[STEPS.index(at) - 1])
        elif at not in ("", "exhibitions"):
            self.go("tickets" if at == "bk-ways" else "exhibitions")
        else:
            return False
        return True

    def go(self, name: str) -> None:
        """Put the focus there, at once: keys that were typed in a hurry follow."""
        self.screen.set_focus(self.query_one(f"#{name}"))

    @property
    def at(self) -> str:
        """The id of what has the focus here, also while a dialog is above; empty where nothing has."""
        focused: Widget | None = self.screen.focused
        return focused.id or "" if focused is not None and self in focused.ancestors else ""

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does."""
        at = self.at
        words = {"exhibitions": "days", "month": "times", "slots": "tickets", "bk-ways": "do it", "orders": "receipt"}
        if at == "tickets":
            return [("hold", "enter", "hold")] if self.exhibition is not None and self.choice else []
        return [("open", "enter", words[at])] if at in words else []

    def select(self, thing: str) -> None:
        """Go to a line of the cart, an order, or a booking of the crew."""
        for name in ("cart", "orders", "crew-bookings"):
            if thing in self.rows(name).ids:
                self.rows(name).move_to(thing)
                self.go(name)

    def step(self, kind: str | None, by: int) -> None:
        """One ticket more or fewer, of a kind or of the one under the cursor."""
        e, slot = self.exhibition, self.slot
        kind = kind or self.rows("tickets").cursor
        if e is None or kind is None:
            return
        left = None if slot is None else model.left_of(slot, self.crew_screen.crew_app.book.slots)
        self.counts[e.id] = model.stepped(self.counts.get(e.id, {}), kind, by, left)
        self._nothing_to_say()
        self.redraw()
        self.crew_screen.show_keys()

    def show_slot(self, exhibition_id: str, day: date, slot_id: str) -> None:
        """Put the cursors on a slot."""
        self.rows("exhibitions").move_to(exhibition_id)
        self._days[exhibition_id] = day
        self._month_of = self._slots_of = None
        self._wanted = slot_id
        self.redraw()

    # --- what has become of a booking ------------------------------------------------------------

    def follow_flow(self) -> None:
        """Where the person is sent by what they have begun; only from where they have begun it."""
        flow, before = self.crew_screen.crew_app.flow, self._flow
        self._flow = flow
        if flow is None or flow == before or not self.display:
            return
        here = self.at in ("tickets", "bk-ways")
        if flow.state == "added":
            self.counts.clear()
            self.draw_choice()
            if here:
                self.rows("cart").move_to(flow.line_id or "")
                self.go("cart")
        elif flow.state == "gone" and here:
            self.go("cart")
        elif flow.waits and here:
            self.go("bk-ways")
        elif self.at == "bk-ways" and not flow.waits:
            self.go("tickets")

    def to_order(self, order_id: str) -> None:
        """Go to an order, as soon as it is among the bookings."""
        self._placed = order_id
        self.follow_order()

    def follow_order(self) -> None:
        if self._placed in self.rows("orders").ids:
            placed, self._placed = self._placed, ""
            if self.display:
                self.select(placed)

    def _nothing_to_say(self) -> None:
        app = self.crew_screen.crew_app
        if app.flow is not None and app.flow.state in ("added", "gone", "refused"):
            app.flow = None

    # --- what the person does --------------------------------------------------------------------

    @on(RowList.Moved, "#exhibitions")
    def _another_exhibition(self, event: RowList.Moved) -> None:
        event.stop()
        self._nothing_to_say()
        self.redraw()
        self.crew_screen.show_keys()

    @on(Month.Moved)
    def _another_day(self, event: Month.Moved) -> None:
        event.stop()
        if self.exhibition is not None:
            self._days[self.exhibition.id] = event.day
        self._nothing_to_say()
        self.redraw()

    @on(RowList.Moved, "#slots")
    @on(RowList.Moved, "#tickets")
    @on(RowList.Moved, "#cart")
    @on(RowList.Moved, "#orders")
    @on(RowList.Moved, "#crew-bookings")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.draw_choice()
        self.crew_screen.show_keys()

    @on(RowList.Chosen, "#exhibitions")
    @on(Month.Chosen)
    @on(RowList.Chosen, "#slots")
    def _next_step(self, event: RowList.Chosen | Month.Chosen) -> None:
        event.stop()
        self.go(STEPS[STEPS.index(event.control.id or "") + 1])

    @on(Counters.Stepped)
    def _stepped(self, event: Counters.Stepped) -> None:
        event.stop()
        self.step(event.row, event.by)

    @on(RowList.Chosen, "#tickets")
    @on(RowList.Chosen, "#orders")
    @on(RowList.Chosen, "#crew-bookings")
    def _act(self, event: RowList.Chosen) -> None:
        event.stop()
        name = {"tickets": "book.hold", "orders": "book.receipt", "crew-bookings": "book.sit"}[event.rows.id or ""]
        if commands.find(name).available(self.crew_screen):
            self.crew_screen.start(commands.find(name))

    @on(RowList.Chosen, "#bk-ways")
    def _way(self, event: RowList.Chosen) -> None:
        event.stop()
        app = self.crew_screen.crew_app
        work = {"retry": app.resume_booking, "sign-in": app.sign_in_to_book, "forget": app.give_up_booking}
        app.run_worker(app.guarded(work[event.row]()), group="booking")

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        self.crew_screen.show_keys()
