"""What can happen to a cart (facts) and what can be asked of it (commands)."""

from typing import Literal

from roadcrew_domain.cart_state import CartBounds, OrderLine, OrderState, Ticket, TripDiscount
from roadcrew_domain.events import Fact
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.values import Moment, Value

LineGone = Literal["removed", "expired"]

# --- facts ---------------------------------------------------------------------------------------


class CartOpened(Fact, frozen=True):
    """The first event. Whose cart it is, the topic says."""


class AddStarted(Fact, frozen=True):
    """The seats are asked for next. The line's id is the event's command."""

    slot: SlotInfo
    tickets: tuple[Ticket, ...]
    trip_id: str | None
    until: Moment
    limit: Moment


class LineHeld(Fact, frozen=True):
    line_id: str


class AddFailed(Fact, frozen=True):
    line_id: str
    code: str


class LineExtended(Fact, frozen=True):
    line_id: str
    until: Moment
    extensions: int


class LineRemoved(Fact, frozen=True):
    line_id: str
    because: LineGone


class DiscountNoted(Fact, frozen=True):
    discount: TripDiscount


class OrderPlaced(Fact, frozen=True):
    """The lines leave the cart for an order, whose id is the event's command; its seats are pinned next."""

    lines: tuple[OrderLine, ...]
    currency: str
    total: int
    provider: str
    pays_later: bool
    pay_by: Moment


class OrderConfirmed(Fact, frozen=True):
    """All its seats are pinned."""

    order_id: str


class OrderRejected(Fact, frozen=True):
    """Some seats were gone (`lost`, ids of lines); the other lines are in the cart again, held until then."""

    order_id: str
    lost: tuple[str, ...]
    until: Moment


class PaymentStarted(Fact, frozen=True):
    """The provider is asked next. The attempt's id is the event's command."""

    order_id: str
    method: str


class PaymentDeclined(Fact, frozen=True):
    """No money moved."""

    order_id: str
    attempt_id: str
    code: str
    detail: str


class Paid(Fact, frozen=True):
    """`attempt_id` None: at the venue, or there was nothing to pay. `payment` is the provider's number."""

    order_id: str
    attempt_id: str | None
    payment: str


class Lapsed(Fact, frozen=True):
    """It was not paid in time."""

    order_id: str


class OrderCancelled(Fact, frozen=True):
    order_id: str


class RefundOwed(Fact, frozen=True):
    """Money moved for an order that it does not pay: one that is over, or was paid before."""

    order_id: str
    attempt_id: str | None
    payment: str


class Refunded(Fact, frozen=True):
    order_id: str
    payment: str
    reference: str


class OrderSettled(Fact, frozen=True):
    """What follows from the order's state is done everywhere."""

    order_id: str
    state: OrderState


# --- commands ------------------------------------------------------------------------------------


class OpenCart(Value, frozen=True):
    """Somebody looks."""


class StartAdd(Value, frozen=True):
    """`slot`, `tickets` with their prices and `bounds` come from the server."""

    slot: SlotInfo
    tickets: tuple[Ticket, ...]
    trip_id: str | None
    bounds: CartBounds


class ConfirmAdd(Value, frozen=True):
    line_id: str


class FailAdd(Value, frozen=True):
    line_id: str
    code: str


class NoteExtension(Value, frozen=True):
    """The slot has held the seats for longer."""

    line_id: str
    until: Moment
    extensions: int


class RemoveLine(Value, frozen=True):
    line_id: str


class NoteDiscount(Value, frozen=True):
    discount: TripDiscount


class PlaceOrder(Value, frozen=True):
    """`line_ids` empty: all that is held. What trips give off, `provider` and `pay_within` (seconds) come from the
    server."""

    line_ids: tuple[str, ...]
    discounts: tuple[TripDiscount, ...]
    provider: str
    pays_later: bool
    pay_within: int


class ConfirmOrder(Value, frozen=True):
    order_id: str


class RejectOrder(Value, frozen=True):
    order_id: str
    lost: tuple[str, ...]


class StartPayment(Value, frozen=True):
    order_id: str
    method: str


class DeclinePayment(Value, frozen=True):
    order_id: str
    attempt_id: str
    code: str
    detail: str


class MarkPaid(Value, frozen=True):
    order_id: str
    attempt_id: str | None
    payment: str


class CancelOrder(Value, frozen=True):
    order_id: str


class LapseOrder(Value, frozen=True):
    """One that is paid later was not, up to its end; nobody is taken at their word any more that it was."""

    order_id: str


class NoteRefund(Value, frozen=True):
    order_id: str
    payment: str
    reference: str


class SettleOrder(Value, frozen=True):
    """`state` is the one that was settled; another one by now is not."""

    order_id: str
    state: OrderState


class CartTick(Value, frozen=True):
    """Time has passed: announce what ran out and what lapsed."""


OwnAct = StartAdd | RemoveLine | PlaceOrder | StartPayment | CancelOrder | OpenCart
"""What the person does; the rest is the server's."""
CartAct = (
    OwnAct
    | ConfirmAdd
    | FailAdd
    | NoteExtension
    | NoteDiscount
    | ConfirmOrder
    | RejectOrder
    | DeclinePayment
    | MarkPaid
    | LapseOrder
    | NoteRefund
    | SettleOrder
    | CartTick
)


class CartCommand(Value, frozen=True):
    """`by` is the person, or None for the server."""

    id: str
    by: str | None
    act: CartAct
