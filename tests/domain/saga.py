"""Booking as a saga over logs, without a server: processes that take one step at a time in a world (saga_world.py).

A process is a generator; between two of its steps anything may happen: it dies, sleeps for hours, goes on beside a
second one that does the same. The steps are those that docs/decisions/0022 names. Not for what comes in between in a
real server: its own tests kill that at every await.
"""

from tests.domain.booking_play import tickets
from tests.domain.saga_world import BOUNDS, Steps, Trouble, World, payment_of

from roadcrew_domain import cart, seats
from roadcrew_domain.cart_acts import (
    CancelOrder,
    CartTick,
    ConfirmAdd,
    ConfirmOrder,
    DeclinePayment,
    FailAdd,
    LapseOrder,
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
from roadcrew_domain.refusals import Refused
from roadcrew_domain.seats import SlotAct, SlotTick

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
    if not order.settled and order.state != "paying":
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
        slot, hold, mark = line.slot.slot_id, hold_of(user, line.id), mark_of(user, order.id, line.id)
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
        hold, mark = hold_of(user, line.id), mark_of(user, order.id, line.id)
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
    for ended in w.cart(user).ended:
        slot, hold = w.slots[ended.slot_id].folded, hold_of(user, ended.line_id)
        if slot is not None and hold in slot.holds:
            yield
            w.slot_does(ended.slot_id, seats.ReleaseHold(hold))
    for order in w.cart(user).orders:
        if order.pays_later:
            yield
            w.cart_does(user, LapseOrder(order.id))
        if cart.unfinished(w.cart(user).order(order.id) or order):
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


def mark_of(user: str, order_id: str, line_id: str) -> str:
    """An order as slots know it, by another name for each of its lines."""
    return f"order {user} {order_id} {line_id}"
