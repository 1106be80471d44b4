"""What the app knows of its person's cart, and how it stands with the booking that is on its way: the part of the app
that the tab of bookings, and toasts, ask for it.

Not for what is drawn, nor for what is said of a cart (booking_news.py) and of a refusal (screens/refusals.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from textual import on
from textual.timer import Timer

from roadcrew_tui import plain
from roadcrew_tui.messages import AttemptFailed, BookChanged, BookingEnded, BookingStepped, TokenChanged
from roadcrew_tui.snapshot import BookSnapshot
from roadcrew_tui.standing import Standing
from roadcrew_tui.steps import attempt_words

if TYPE_CHECKING:
    from datetime import datetime

    from roadcrew_domain.exhibitions import SlotInfo

FlowState = Literal["going", "added", "retry", "sign-in", "gone", "refused"]


@dataclass(frozen=True)
class Flow:
    """How it stands with the last booking, in words. `title` is the exhibition's; `line_id` is what was added. While it
    is `retry` or `sign-in`, the booking waits for this person; `seen`: they know of it."""

    state: FlowState
    words: str
    title: str
    line_id: str | None = None

    @property
    def waits(self) -> bool:
        return self.state in ("retry", "sign-in")


class Booking(Standing):
    """`book` is the cart and what belongs to it; `flow` the last booking, None when there is nothing to say of one."""

    def __init__(self) -> None:
        super().__init__()
        self.book = BookSnapshot()
        self.flow: Flow | None = None
        self._warned: set[tuple[str, datetime]] = set()
        self._warning: Timer | None = None

    # --- one booking -----------------------------------------------------------------------------

    async def book_seats(self, slot: SlotInfo, tickets: Mapping[str, int], trip_id: str | None) -> None:
        """Book, and say how that goes, step by step."""
        if not await self.link.booking.book(slot, tickets, trip_id):
            self.say("One moment: a booking is on its way already.")

    async def resume_booking(self) -> None:
        """Go on with what waits, if anything does: after a start, after signing in, after a failure."""
        await self.link.booking.resume()

    async def give_up_booking(self) -> None:
        """What waits is not wanted any more."""
        await self.link.booking.forget()
        self.flows(None)

    async def sign_in_to_book(self) -> None:
        """To the form that asks; then the booking goes on."""
        from roadcrew_tui.screens.session import sign_in_again  # noqa: PLC0415 - seldom

        if await sign_in_again(self, guests=True):
            await self.resume_booking()

    def flows(self, flow: Flow | None) -> None:
        """How it stands is drawn where bookings are; who does not look there is told of its beginning and its end."""
        before, self.flow = self.flow, flow
        if self._draw_book() or flow is None:
            return
        if flow.state != "going":
            severity = "information" if flow.state == "added" else "warning"
            self.say(plain.sentence("{title}: ", title=flow.title) + flow.words, severity, seconds=10)
        elif before is None or before.state != "going":
            self.say(plain.sentence("Your booking of {title} goes on.", title=flow.title))

    def _draw_book(self) -> bool:
        """Draw what is new where it is seen; whether the tab of bookings is."""
        seen = [screen.show_book() for screen in self.open_screens if hasattr(screen, "show_book")]
        return any(seen)

    @on(BookingStepped)
    def _booking_stepped(self, event: BookingStepped) -> None:
        self.flows(Flow("going", event.words, event.title))

    @on(AttemptFailed)
    def _booking_tried(self, event: AttemptFailed) -> None:
        if self.flow is not None and self.flow.state == "going":
            self.flows(replace(self.flow, words=attempt_words(event.attempt, event.of)))

    @on(BookingEnded)
    def _booking_ended(self, event: BookingEnded) -> None:
        from roadcrew_client import booking as outcomes  # noqa: PLC0415 - it is there when somebody has booked
        from roadcrew_tui.screens.refusals import booking_sentence  # noqa: PLC0415 - likewise

        outcome = event.outcome
        title, words = outcome.pending.slot.title, outcome.words
        match outcome:
            case outcomes.Added(answer=answer):
                self.flows(Flow("added", words, title, answer.line_id))
            case outcomes.Connection():
                self.flows(Flow("retry", words, title))
            case outcomes.SignInFirst() | outcomes.Auth():
                self.flows(Flow("sign-in", words, title))
                self.run_worker(self.guarded(self.sign_in_to_book()), group="sign-in", exclusive=True)
            case outcomes.SeatsGone():
                self.flows(Flow("gone", words, title))
            case outcomes.NotAccepted(error=error):
                self.flows(Flow("refused", booking_sentence(error), title))
            case outcomes.TooLate() | outcomes.AnotherPerson():
                self.flows(Flow("refused", words, title))

    @on(TokenChanged)
    def _go_on_signed_in(self, event: TokenChanged) -> None:
        """Whoever has signed in, wherever, goes on with what waits for them."""
        if event.signed_in:
            self.run_worker(self.guarded(self.resume_booking()), group="booking")

    # --- the cart --------------------------------------------------------------------------------

    @on(BookChanged)
    def _book_changed(self, event: BookChanged) -> None:
        from roadcrew_tui import booking_news as news  # noqa: PLC0415 - only where one can book

        before, self.book = self.book, event.book
        if before.cart is not None and self.book.cart is not None:
            for words, severity in news.told(before.cart, self.book.cart):
                self.say(words, severity, seconds=10)
        self._warn()
        self._draw_book()

    def _warn(self) -> None:
        """Once for each hold, before it ends; and look again when the next one comes to that."""
        from roadcrew_tui import booking_news as news  # noqa: PLC0415 - only where one can book

        if self._warning is not None:
            self._warning.stop()
            self._warning = None
        now = self.book.now()
        for line in news.ending(self.book.cart, now):
            if (line.id, line.until) not in self._warned:
                self._warned.add((line.id, line.until))
                self.say(news.warning(line, now), "warning", seconds=10)
        wait = news.next_warning(self.book.cart, now)
        if wait is not None:
            self._warning = self.set_timer(wait, self._warn)
