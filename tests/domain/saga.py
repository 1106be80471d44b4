"""Booking as a saga over logs, without a server: processes that take one step at a time, and a world they live in.

A process is a generator; between two of its steps anything may happen: it dies, sleeps for hours, goes on beside a
second one that does the same. The steps are those that docs/decisions/0022 names. Not for what comes in between in a
real server: its own tests kill that at every await.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from tests.domain.booking_play import DAY, START, Log, opening, slot_info, tickets

from roadcrew_domain import cart, seats
from roadcrew_domain.cart_acts import (
    CancelOrder,
    CartAct,
    CartTick,
    ConfirmAdd,
    ConfirmOrder,
    DeclinePayment,
    FailAdd,
    MarkPaid,
    NoteExtension,
    NoteRefund,
    PlaceOrder,
    RejectOrder,
    RemoveLine,
    SettleOrder,
    StartAdd,
    StartPayment,
)
from roadcrew_domain.events import Fact
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.refusals import Refused
from roadcrew_domain.seats import OpenSlot, SlotAct, SlotCommand, SlotTick

BOUNDS = cart.CartBounds(hold=seats.HoldBounds(hold_for=180, longest=1800))
"""Short, so that much runs out."""

Steps = Iterator[None]
CartLog = Log[cart.Cart, cart.CartCommand]
SlotLog = Log[seats.Slot, SlotCommand]
SlotRule = Callable[[seats.Slot | None, SlotCommand, datetime], tuple[Fact, ...]]


class Trouble(Exception):
    """The provider could not be asked, or its answer was lost."""


@dataclass
class Provider:
    """Money. Each charge is given one of its ways at random; `succeeded` and `refunded` are what really moved."""

    chance: Random
    known: dict[str, str] = field(default_factory=dict)
    shut: set[str] = field(default_factory=set)
    succeeded: dict[str, str] = field(default_factory=dict)
    refunded: set[str] = field(default_factory=set)
    lies: list[tuple[str, str]] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)

    def charge(self, charge_id: str) -> str:
        """`succeeded`, `declined`, or `waiting`; the answer may be lost."""
        if charge_id in self.shut:
            return "declined"
        if charge_id not in self.known:
            way = self.chance.choice(["succeeded", "succeeded", "declined", "waiting", "lies"])
            self._becomes(charge_id, "declined" if way == "lies" else way)
            if way == "lies":  # it says no, and takes the money hours later all the same
                self.lies.append((charge_id, "succeeded"))
        if self.chance.random() < 0.2:
            raise Trouble
        return self.known[charge_id]

    def look(self, charge_id: str) -> str | None:
        """What came of it; None: it was never made, and never will be."""
        if charge_id not in self.known:
            self.shut.add(charge_id)
            return None
        return self.known[charge_id]

    def refund(self, charge_id: str, payment: str) -> str:
        """The refund's number. One payment is given back once, and only by the charge that it was."""
        if self.succeeded.get(payment) != charge_id:
            raise Trouble
        self.refunded.add(payment)
        return f"refund of {payment}"

    def makes_up_its_mind(self) -> tuple[str, str] | None:
        """What it says by itself of some charge, late."""
        waiting = [
            (charge, self.chance.choice(["succeeded", "declined"]))
            for charge, s in self.known.items()
            if s == "waiting"
        ]
        if not waiting and not self.lies:
            return None
        told = self.chance.choice([*waiting, *self.lies])
        if told in self.lies:
            self.lies.remove(told)
        self._becomes(*told)
        self.said.append(told)
        return told

    def takes_cash(self, charge_id: str) -> None:
        """At the venue, for whatever somebody shows there; said later, and again."""
        if charge_id not in self.known:
            self._becomes(charge_id, "succeeded")
            self.said.append((charge_id, "succeeded"))

    def _becomes(self, charge_id: str, outcome: str) -> None:
        self.known[charge_id] = outcome
        if outcome == "succeeded":
            self.succeeded[payment_of(charge_id)] = charge_id


def payment_of(charge_id: str) -> str:
    """The provider's number of a payment."""
    return f"p {charge_id}"


class World:
    """The logs, the money and the time. `clock` is what the process that is taking a step believes, beside the time."""

    def __init__(self, chance: Random, slot_rule: SlotRule = seats.decide) -> None:
        self.chance = chance
        self.now = START
        self.clock = timedelta(0)
        self.provider = Provider(chance)
        self.carts: dict[str, CartLog] = {
            user: Log(f"cart:{user}", cart.decide, cart.evolve) for user in ("ana", "ben", "carla")
        }
        self.opening = {f"s{n}": opening(capacity) for n, capacity in enumerate((2, 4, 6))}
        self.slots: dict[str, SlotLog] = {slot: Log(f"slot:{slot}", slot_rule, seats.evolve) for slot in self.opening}
        self.refused: Counter[str] = Counter()
        self.made = 0

    def new_id(self) -> str:
        """An id of a command, and of what it makes."""
        self.made += 1
        return f"c{self.made}"

    def cart(self, user: str) -> cart.Cart:
        """As the store has it."""
        return self.carts[user].folded or cart.Cart(user)

    def cart_does(self, user: str, act: CartAct, command: str | None = None) -> None:
        """One step in a cart's log."""
        command = command or self.new_id()
        self._append(self.carts[user], cart.CartCommand(command, None, act), command)

    def slot_does(self, slot_id: str, act: SlotAct) -> None:
        """One step in a slot's log."""
        command = self.new_id()
        self._append(self.slots[slot_id], SlotCommand(command, act), command)

    def _append(self, log: Log, command: object, command_id: str) -> None:  # type: ignore[type-arg]
        """Nobody's clock takes a log back in time."""
        log.now = max(self.now + self.clock, log.events[-1].at if log.events else START)
        try:
            log.run(command, command_id)
        except Refused as refused:
            self.refused[refused.code] += 1
            raise

    def info(self, slot_id: str) -> SlotInfo:
        """The slot as a cart knows it: a day ahead."""
        return slot_info(slot_id, START + DAY)

    def open(self, slot_id: str) -> OpenSlot:
        """What the catalogue says of it."""
        info = self.info(slot_id)
        return OpenSlot(self.opening[slot_id].capacity, info.starts_at, info.ends_at)


# --- what people do ------------------------------------------------------------------------------


def add(w: World, user: str, line_id: str, slot_id: str, count: int, price: int) -> Steps:
    """Seats into the cart."""
    yield
    w.cart_does(user, StartAdd(w.info(slot_id), tickets(count, price), None, BOUNDS), line_id)
    yield from finish_add(w, user, line_id)


def finish_add(w: World, user: str, line_id: str) -> Steps:
    """What is left to do of an add."""
    yield
    line = w.cart(user).line(line_id)
    if line is None or line.state == "held":
        return
    slot, hold = line.slot.slot_id, hold_of(user, line_id)
    yield
    try:
        w.slot_does(slot, seats.HoldSeats(hold, line.seats, line.until, line.limit, w.open(slot)))
    except Refused as refused:
        code = refused.code
    else:
        code = ""
    yield
    if code:
        w.cart_does(user, FailAdd(line_id, code))
        return
    try:
        w.cart_does(user, ConfirmAdd(line_id))
        return
    except Refused:
        pass
    yield
    w.slot_does(slot, seats.ReleaseHold(hold))


def extend(w: World, user: str, line: cart.Line) -> Steps:
    """Held for longer."""
    hold, slot = hold_of(user, line.id), line.slot.slot_id
    yield
    w.slot_does(slot, seats.ExtendHold(hold, BOUNDS.hold))
    yield
    held = w.slots[slot].state.holds.get(hold)
    if held is not None:
        w.cart_does(user, NoteExtension(line.id, held.until, held.extensions))


def remove(w: World, user: str, line: cart.Line) -> Steps:
    """Out of the cart."""
    yield
    w.cart_does(user, RemoveLine(line.id))
    yield
    w.slot_does(line.slot.slot_id, seats.ReleaseHold(hold_of(user, line.id)))


def check_out(w: World, user: str, order_id: str, line_ids: tuple[str, ...], pays_later: bool) -> Steps:
    """An order, and its seats. Who can't have some of them orders the rest, and pays."""
    yield
    w.cart_does(user, PlaceOrder(line_ids, (), "some", pays_later, 1800), order_id)
    yield from advance(w, user, order_id)
    yield
    order = w.cart(user).order(order_id)
    if order is None or order.state != "rejected":
        return
    rest = tuple(line.id for line in order.lines if line.id not in order.lost)
    w.cart_does(user, PlaceOrder(rest, (), "some", False, 1800), f"{order_id} again")
    yield from advance(w, user, f"{order_id} again")
    yield from pay(w, user, f"{order_id} again", f"{order_id} paid")


def pay(w: World, user: str, order_id: str, attempt_id: str) -> Steps:
    """A payment is begun in the log, then made."""
    yield
    w.cart_does(user, StartPayment(order_id, ""), attempt_id)
    yield
    try:
        outcome = w.provider.charge(attempt_id)
    except Trouble:
        return
    yield from noted(w, user, order_id, attempt_id, attempt_id, outcome)
    yield from advance(w, user, order_id)


def pay_at_venue(w: World, order: cart.Order) -> Steps:
    """Somebody is there with the money, in time or not."""
    yield
    w.provider.takes_cash(charge_of(order, None))
    yield from webhook(w, charge_of(order, None), "succeeded")


def cancel(w: World, user: str, order_id: str) -> Steps:
    """An order given up."""
    yield
    w.cart_does(user, CancelOrder(order_id))
    yield from advance(w, user, order_id)


# --- what servers do -----------------------------------------------------------------------------


def noted(w: World, user: str, order_id: str, attempt_id: str | None, charge_id: str, outcome: str | None) -> Steps:
    """What a provider said, in the log."""
    yield
    if outcome == "succeeded":
        w.cart_does(user, MarkPaid(order_id, attempt_id, payment_of(charge_id)))
    elif outcome != "waiting" and attempt_id is not None:
        w.cart_does(user, DeclinePayment(order_id, attempt_id, outcome or "never-made", ""))


def advance(w: World, user: str, order_id: str, *, asks: bool = False) -> Steps:
    """What is left to do of an order: pin its seats, ask for its payment, tell its slots, give money back."""
    yield
    order = w.cart(user).order(order_id)
    if order is not None and order.state == "placing":
        yield from pin(w, user, order)
        yield
        order = w.cart(user).order(order_id)
    if order is not None and asks and order.open_attempt is not None:
        attempt = order.open_attempt.id
        yield
        yield from noted(w, user, order_id, attempt, attempt, w.provider.look(attempt))
        yield
        order = w.cart(user).order(order_id)
    if order is None:
        return
    if not order.settled:
        yield from settle(w, user, order)
    for owed in order.refunds:
        if owed.state == "owed":
            yield from refund(w, user, order, owed)


def refund(w: World, user: str, order: cart.Order, owed: cart.Refund) -> Steps:
    """Money back, and that it is, in the log."""
    yield
    try:
        reference = w.provider.refund(charge_of(order, owed.attempt_id), owed.payment)
    except Trouble:
        return
    yield
    w.cart_does(user, NoteRefund(order.id, owed.payment, reference))


def pin(w: World, user: str, order: cart.Order) -> Steps:
    """Seats that nothing but the cart's word frees again; without all of them the order comes to nothing."""
    lost = []
    for line in order.lines:
        slot, hold, mark = line.slot.slot_id, hold_of(user, line.id), mark_of(user, order.id)
        yield
        if w.chance.random() < 0.2:  # by the catalogue of this process there is no such slot
            lost.append(line.id)
            continue
        try:
            w.slot_does(slot, seats.PinHold(hold, mark, line.seats, order.placed_at, line.limit, w.open(slot)))
        except Refused:
            lost.append(line.id)
    yield
    w.cart_does(user, RejectOrder(order.id, tuple(lost)) if lost else ConfirmOrder(order.id))


def settle(w: World, user: str, order: cart.Order) -> Steps:
    """The slots do what the cart has decided."""
    for line in order.lines:
        hold, mark = hold_of(user, line.id), mark_of(user, order.id)
        act: SlotAct | None = None
        if order.state == "paid":
            act = seats.SellHold(hold, mark)
        elif order.state in ("lapsed", "cancelled") or line.id in order.lost:
            act = seats.FreeHold(hold, mark, "lapsed")
        elif order.state == "rejected":
            act = seats.UnpinHold(hold, mark, order.returned_until or w.now)
        if act is not None:
            yield
            w.slot_does(line.slot.slot_id, act)
    yield
    w.cart_does(user, SettleOrder(order.id, order.state))


def take_up(w: World, user: str) -> Steps:
    """Everything that is left to do for a person."""
    yield
    w.cart_does(user, CartTick())
    for line in w.cart(user).lines:
        if line.state == "adding":
            yield from finish_add(w, user, line.id)
    for order in w.cart(user).orders:
        if cart.unfinished(order):
            yield from advance(w, user, order.id, asks=True)


def tick(w: World, slot_id: str) -> Steps:
    """A slot's timer."""
    yield
    w.slot_does(slot_id, SlotTick())


def webhook(w: World, charge_id: str, outcome: str) -> Steps:
    """A provider says what came of a payment."""
    for user in w.carts:
        for order in w.cart(user).orders:
            attempts = [None] if order.pays_later else [attempt.id for attempt in order.attempts]
            for attempt_id in attempts:
                if charge_of(order, attempt_id) == charge_id:
                    yield from noted(w, user, order.id, attempt_id, charge_id, outcome)
                    yield from advance(w, user, order.id)


def charge_of(order: cart.Order, attempt_id: str | None) -> str:
    """What a provider knows a payment by; what is paid at the venue is one for the whole order."""
    return attempt_id or f"venue {order.id}"


def hold_of(user: str, line_id: str) -> str:
    """The hold of a line."""
    return f"hold {user} {line_id}"


def mark_of(user: str, order_id: str) -> str:
    """An order as slots know it."""
    return f"order {user} {order_id}"
