"""A time slot and a cart that a test plays through: a clock, a log, and somebody who asks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import pytest

from roadcrew_domain import cart, seats
from roadcrew_domain.cart_acts import (
    CartAct,
    CartTick,
    ConfirmAdd,
    ConfirmOrder,
    FailAdd,
    MarkPaid,
    PlaceOrder,
    RejectOrder,
    SettleOrder,
    StartAdd,
    StartPayment,
)
from roadcrew_domain.cart_state import CartBounds, Order, Ticket, TripDiscount
from roadcrew_domain.events import Event, Fact, event
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.money import Money
from roadcrew_domain.refusals import Kind, Refused
from roadcrew_domain.seats import OpenSlot, SlotAct, SlotCommand, SlotTick

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
OPENS = START + timedelta(days=20)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HELD = 15 * MINUTE
LONGEST = 2 * HOUR

State = TypeVar("State")
Command = TypeVar("Command")


class Log(Generic[State, Command]):
    """A log and its fold. The clock moves only when a test moves it."""

    def __init__(
        self,
        topic: str,
        decide: Callable[[State | None, Command, datetime], tuple[Fact, ...]],
        evolve: Callable[[State | None, Event], State],
    ) -> None:
        self.topic, self.decide, self.evolve = topic, decide, evolve
        self.now = START
        self.events: list[Event] = []
        self.folded: State | None = None
        self.made = 0

    @property
    def state(self) -> State:
        """The state; something must have happened."""
        assert self.folded is not None
        return self.folded

    def run(self, command: Command, command_id: str, by: str | None = None) -> list[str]:
        """Decide and fold; the types of what happened."""
        happened = []
        for fact in self.decide(self.folded, command, self.now):
            e = event(self.topic, len(self.events), self.now, by, command_id, fact)
            self.folded = self.evolve(self.folded, e)
            self.events.append(e)
            happened.append(e.type)
        return happened

    def new_id(self) -> str:
        """The id of the next command."""
        self.made += 1
        return f"c{self.made}"

    def refused(self, ask: Callable[[], object]) -> tuple[str, Kind]:
        """Code and kind of the refusal; nothing may have changed."""
        before, count = self.folded, len(self.events)
        with pytest.raises(Refused) as refused:
            ask()
        assert (self.folded, len(self.events)) == (before, count)
        assert refused.value.detail.endswith(".")
        return refused.value.code, refused.value.kind


def opening(capacity: int = 10) -> OpenSlot:
    """A slot of two hours, twenty days ahead."""
    return OpenSlot(capacity, OPENS, OPENS + 2 * HOUR)


class SlotPlay(Log[seats.Slot, SlotCommand]):
    """One time slot."""

    def __init__(self, capacity: int = 10) -> None:
        super().__init__("slot:s", seats.decide, seats.evolve)
        self.opening = opening(capacity)

    def do(self, act: SlotAct) -> list[str]:
        """The types of what happened."""
        command = self.new_id()
        return self.run(SlotCommand(command, act), command)

    def refusal(self, act: SlotAct) -> tuple[str, Kind]:
        """Code and kind."""
        return self.refused(lambda: self.do(act))

    def hold(self, hold_id: str = "h", count: int = 2, *, until: datetime | None = None) -> list[str]:
        """Hold seats for 15 minutes, or until then."""
        return self.do(self.holding(hold_id, count, until=until))

    def holding(self, hold_id: str = "h", count: int = 2, *, until: datetime | None = None) -> seats.HoldSeats:
        """What `hold` asks."""
        return seats.HoldSeats(hold_id, count, until or self.now + HELD, self.now + LONGEST, self.opening)

    def pinning(
        self, order: str = "o", hold_id: str = "h", count: int = 2, *, placed_at: datetime | None = None
    ) -> seats.PinHold:
        """What an order asks that is placed now, or then."""
        at = placed_at or self.now
        return seats.PinHold(hold_id, order, count, at, at + LONGEST, self.opening)

    def pin(self, order: str = "o", hold_id: str = "h", count: int = 2) -> list[str]:
        """An order that is placed now pins its seats."""
        return self.do(self.pinning(order, hold_id, count))

    def tick(self) -> list[str]:
        """The timer."""
        return self.do(SlotTick())


def slot_info(slot_id: str = "monet.20260521.1200", starts_at: datetime = OPENS) -> SlotInfo:
    """A slot as carts know it."""
    return SlotInfo(slot_id, "monet", "Monet", "Museu", "Lisbon", starts_at, starts_at + 2 * HOUR, "Europe/Lisbon")


def tickets(count: int = 2, price: int = 1250, currency: str = "EUR") -> tuple[Ticket, ...]:
    """So many adults."""
    return (Ticket("adult", "Adult", count, Money(price, currency)),)


class CartPlay(Log[cart.Cart, cart.CartCommand]):
    """Ana's cart."""

    def __init__(self) -> None:
        super().__init__("cart:ana", cart.decide, cart.evolve)

    def do(self, act: CartAct, command: str | None = None) -> list[str]:
        """The types of what happened."""
        command = command or self.new_id()
        return self.run(cart.CartCommand(command, None, act), command)

    def refusal(self, act: CartAct, command: str | None = None) -> tuple[str, Kind]:
        """Code and kind."""
        return self.refused(lambda: self.do(act, command))

    def adding(
        self, count: int = 2, *, slot: SlotInfo | None = None, price: int = 1250, currency: str = "EUR"
    ) -> StartAdd:
        """What `add` asks first."""
        return StartAdd(slot or slot_info(), tickets(count, price, currency), None, CartBounds())

    def add(self, count: int = 2, *, slot: SlotInfo | None = None, price: int = 1250, currency: str = "EUR") -> str:
        """Seats in the cart, held; the line's id."""
        line = self.new_id()
        self.do(self.adding(count, slot=slot, price=price, currency=currency), line)
        self.do(ConfirmAdd(line))
        return line

    def fail(self, line: str, code: str = "seats-gone") -> list[str]:
        """The slot said no."""
        return self.do(FailAdd(line, code))

    def placing(
        self, *lines: str, discounts: tuple[TripDiscount, ...] = (), pays_later: bool = False, pay_within: int = 900
    ) -> PlaceOrder:
        """What `place` asks."""
        return PlaceOrder(lines, discounts, "venue" if pays_later else "sim", pays_later, pay_within)

    def place(self, *lines: str, pays_later: bool = False) -> str:
        """An order of these lines, or of all; its id."""
        order = self.new_id()
        self.do(self.placing(*lines, pays_later=pays_later), order)
        return order

    def ordered(self, *, price: int = 1250, pays_later: bool = False) -> str:
        """An order of two seats whose seats are pinned; its id."""
        order = self.place(self.add(price=price), pays_later=pays_later)
        self.do(ConfirmOrder(order))
        return order

    def paying(self) -> tuple[str, str]:
        """An order that is being paid: its id and the attempt's."""
        order, attempt = self.ordered(), self.new_id()
        self.do(StartPayment(order, "card"), attempt)
        return order, attempt

    def paid(self) -> str:
        """An order that was paid as `p1`; its id."""
        order, attempt = self.paying()
        self.do(MarkPaid(order, attempt, "p1"))
        return order

    def rejected(self, *lost: str) -> str:
        """An order of all that is in the cart, of which these lines could not be had; its id."""
        order = self.place()
        self.do(RejectOrder(order, lost))
        return order

    def settle(self, order: str) -> list[str]:
        """What follows from its state is done."""
        return self.do(SettleOrder(order, self.order(order).state))

    def order(self, order_id: str) -> Order:
        """As it is now."""
        found = self.state.order(order_id)
        assert found is not None
        return found

    def tick(self) -> list[str]:
        """The timer."""
        return self.do(CartTick())
