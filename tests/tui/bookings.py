"""A stand-in for what a server and a client do about bookings: a catalogue, seats, carts and payments, by the domain's
own rules. It runs where the real ones do, on the link's own thread. Not for networks, disks or several processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from roadcrew_client import CartAnswer, ExhibitionList, OfferedSlot, PaymentMethod, PaymentWay, SlotList, errors
from roadcrew_client.pending_booking import PendingBooking
from roadcrew_domain import cart_acts as acts
from roadcrew_domain.bookings import DropBooking, NoteBooking
from roadcrew_domain.cart import Cart, CartBounds, CartCommand, Ticket, TripDiscount, decide, evolve
from roadcrew_domain.events import event
from roadcrew_domain.exhibitions import Exhibition, SlotInfo, TicketKind, slot_id
from roadcrew_domain.money import Money
from roadcrew_domain.prices import prices
from roadcrew_domain.refusals import Refused
from roadcrew_domain.seats_state import HoldBounds
from roadcrew_domain.seats_views import SlotCount

if TYPE_CHECKING:
    from tests.tui.standins import StandInClient, World

    from roadcrew_client.models import User

METHODS = (PaymentMethod("accept", "Succeeds"), PaymentMethod("refuse", "Is declined"))
WAYS = (
    PaymentWay("simulated", "Simulated", METHODS, simulated=True),
    PaymentWay("venue", "Pay at the venue", pays_later=True),
)
KINDS = (TicketKind("adult", "Adult", Money(1200, "EUR")), TicketKind("child", "Child", Money(600, "EUR")))


def exhibition(name: str = "tiles", title: str = "Tiles and the sea", **more: Any) -> Exhibition:
    """One that is open every day, far into the future."""
    now = datetime.now(UTC).date()
    fields: dict[str, Any] = {
        "venue": "Casa dos Oleiros",
        "city": "Lisbon",
        "description": "Five centuries of painted tiles, in the rooms they were made for.",
        "starts_on": now - timedelta(days=30),
        "ends_on": now + timedelta(days=600),
        "weekdays": (0, 1, 2, 3, 4, 5, 6),
        "closed_on": (),
        "times": ("09:30", "11:00", "15:00"),
        "minutes": 60,
        "time_zone": "Europe/Lisbon",
        "capacity": 40,
        "tickets": KINDS,
    }
    return Exhibition(name, title, **{**fields, **more})


@dataclass
class Shop:
    """What can be booked, and what was. `trouble`: what adds are refused with, one after the other."""

    exhibitions: list[Exhibition] = field(default_factory=list)
    note: str = "Fictional."
    carts: dict[str, Cart] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    trouble: list[Exception] = field(default_factory=list)
    adds: list[str] = field(default_factory=list)
    """The keys of the adds that were tried."""
    paid: list[str] = field(default_factory=list)
    """Bookings that an organiser has said to be paid."""
    kept: dict[str, PendingBooking] = field(default_factory=dict)
    hold_for: timedelta = timedelta(minutes=15)
    extensions: int = 10

    def __post_init__(self) -> None:
        self.lives: list[StandInBook] = []
        self.seqs: dict[str, int] = {}

    # --- seats -----------------------------------------------------------------------------------

    def slots(self, exhibition_id: str, day: date, now: datetime) -> SlotList:
        e = next(e for e in self.exhibitions if e.id == exhibition_id)
        if not e.open_on(day):
            return SlotList(e.id, day, closed=True)
        return SlotList(e.id, day, slots=tuple(self._slot(e, day, t, now) for t in e.times))

    def _slot(self, e: Exhibition, day: date, at: str, now: datetime) -> OfferedSlot:
        from roadcrew_tui.when import at_venue

        hour, minute = map(int, at.split(":"))
        zone = at_venue(now, e.time_zone).tzinfo
        starts = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
        name = slot_id(e.id, day, at)
        left = max(0, e.capacity - self.taken.get(name, 0))
        state: Any = "past" if now >= starts else "open" if left else "sold-out"
        return OfferedSlot(name, starts, starts + timedelta(minutes=e.minutes), e.capacity, left, state)

    def find(self, name: str, now: datetime) -> tuple[Exhibition, OfferedSlot]:
        for e in self.exhibitions:
            if name.startswith(f"{e.id}."):
                day = date.fromisoformat(name.split(".")[1])
                for slot in self.slots(e.id, day, now).slots:
                    if slot.id == name:
                        return e, slot
        raise errors.NotFound("unknown-slot", "There is no such time slot.", status=404)

    def info(self, name: str, now: datetime) -> SlotInfo:
        e, slot = self.find(name, now)
        return slot.info(e)

    def take(self, name: str, seats: int) -> None:
        """So many seats of a slot are gone, or back; everybody sees it."""
        self.taken[name] = self.taken.get(name, 0) + seats
        self.tell()

    def tell(self) -> None:
        for live in list(self.lives):
            live.tell()

    # --- carts -----------------------------------------------------------------------------------

    def cart(self, user: str) -> Cart:
        return self.carts.get(user, Cart(user))

    def do(self, user: str, command: str, act: Any, now: datetime, *, by: str | None = None) -> Cart:
        """By the domain's rules. Raises `Refused`."""
        cart: Cart | None = self.carts.get(user)
        if cart is None and not isinstance(act, acts.OpenCart):
            cart = self.do(user, command, acts.OpenCart(), now)
        for fact in decide(cart, CartCommand(command, by, act), now):
            self.seqs[user] = self.seqs.get(user, -1) + 1
            cart = evolve(cart, event(f"cart:{user}", self.seqs[user], now, by, command, fact))
        assert cart is not None
        self.carts[user] = cart
        self.tell()
        return cart

    def add(self, world: World, user: str, key: str, name: str, tickets: Mapping[str, int], trip: str | None) -> Cart:
        self.adds.append(key)
        if self.trouble:
            raise self.trouble.pop(0)
        now = world.now()
        e, slot = self.find(name, now)
        chosen = tuple(Ticket(k.kind, k.name, tickets[k.kind], k.price) for k in e.tickets if tickets.get(k.kind))
        wanted = sum(ticket.count for ticket in chosen)
        if self.cart(user).line(key) is None and wanted > slot.seats_left:
            raise errors.Rejected("seats-gone", "Those seats are gone.", status=409, facts={"left": slot.seats_left})
        bounds = CartBounds(20, HoldBounds(hold_for=int(self.hold_for.total_seconds())))
        act = acts.StartAdd(slot.info(e), chosen, trip, bounds)
        self.do(user, key, act, now, by=user)
        self.do(user, f"{key}-held", acts.ConfirmAdd(key), now)
        self.take(name, wanted)
        return self.carts[user]


class StandInBook:
    """A followed cart."""

    def __init__(self, client: StandInClient, loop: Any) -> None:
        self._client, self._loop = client, loop
        self.watched: tuple[str, ...] = ()
        self._callback: Callable[[Any], None] | None = None
        self.status = SimpleNamespace(state="live")
        self.signals: list[str] = []

    @property
    def _shop(self) -> Shop:
        return self._client.world.shop

    @property
    def cart(self) -> Cart | None:
        me = self._client.user
        return None if me is None or self._client.world.down else self._shop.cart(me.id)

    @property
    def slots(self) -> Mapping[str, SlotCount]:
        now = self._client.world.now()
        found = {}
        for name in self.watched:
            _, slot = self._shop.find(name, now)
            found[name] = SlotCount(name, slot.capacity, slot.capacity - slot.seats_left, slot.starts_at, slot.ends_at)
        return found

    def server_now(self) -> datetime:
        return self._client.world.now()

    def watch(self, names: Any) -> None:
        if tuple(names) != self.watched:
            self.watched = tuple(names)
            self._say()

    def listen(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        self._callback = callback
        return lambda: setattr(self, "_callback", None)

    def _say(self) -> None:
        if self._callback is not None:
            self._callback(SimpleNamespace(kind="cart"))

    def tell(self) -> None:
        self._loop.call_soon_threadsafe(self._say)

    async def start(self) -> None:
        self._shop.lives.append(self)

    async def stop(self) -> None:
        self._shop.lives.remove(self)

    def key_pressed(self) -> None:
        self.signals.append("key_pressed")

    def hidden(self) -> None:
        self.signals.append("hidden")

    def shown(self) -> None:
        self.signals.append("shown")

    def suspended(self) -> None:
        self.signals.append("suspended")

    def resumed(self) -> None:
        self.signals.append("resumed")


class StandInPendings:
    """`PendingBookings` whose disk is a dictionary, which outlives the app."""

    def __init__(self, kept: dict[str, PendingBooking]) -> None:
        self._kept = kept

    async def load(self, server: str, person: str | None = None) -> PendingBooking | None:
        return self._kept.get(server)

    async def keep(self, pending: PendingBooking) -> bool:
        self._kept[pending.server] = pending
        return True

    async def remove(self, pending: PendingBooking) -> None:
        if pending.server in self._kept and self._kept[pending.server].id == pending.id:
            del self._kept[pending.server]

    async def close(self) -> None:
        return


class BookingCalls:
    """The part of the stand-in for a client that is about booking."""

    world: World
    user: User | None

    @property
    def _me(self) -> str:
        assert self.user is not None
        return self.user.id

    async def exhibitions(self) -> ExhibitionList:
        self._check()  # type: ignore[attr-defined]
        return ExhibitionList(tuple(self.world.shop.exhibitions), self.world.shop.note, sample=True)

    async def slots(self, exhibition_id: str, day: date) -> SlotList:
        self._check()  # type: ignore[attr-defined]
        return self.world.shop.slots(exhibition_id, day, self.world.now())

    def _answer(self, **more: Any) -> CartAnswer:
        cart = self.world.shop.cart(self._me)
        return CartAnswer(cart, prices(cart), "", **more)

    async def add_to_cart(
        self, name: str, tickets: Mapping[str, int], trip_id: str | None = None, *, key: str | None = None
    ) -> CartAnswer:
        self._check()  # type: ignore[attr-defined]
        key = key or self.world.new_id()
        self._refusing(lambda: self.world.shop.add(self.world, self._me, key, name, tickets, trip_id))
        return self._answer(line_id=key)

    async def remove_from_cart(self, line_id: str) -> CartAnswer:
        shop = self.world.shop
        line = shop.cart(self._me).line(line_id)
        self._mine(acts.RemoveLine(line_id))
        if line is not None:
            shop.take(line.slot.slot_id, -line.seats)
        return self._answer()

    async def extend_hold(self, line_id: str) -> CartAnswer:
        line = self.world.shop.cart(self._me).line(line_id)
        if line is None or line.extensions >= self.world.shop.extensions:
            raise errors.Rejected("hold-limit", "No longer.", status=409)
        until = self.world.now() + timedelta(minutes=15)
        self._mine(acts.NoteExtension(line_id, until, line.extensions + 1), by=None)
        return self._answer()

    async def checkout(self, line_ids: Any = (), provider: str | None = None) -> CartAnswer:
        self._check()  # type: ignore[attr-defined]
        later = provider == "venue"
        off = tuple(
            TripDiscount(t.id, t.discount_percent if t.discount_unlocked else 0, 1) for t in self.world.trips.values()
        )
        order = self.world.new_id()
        self._mine(acts.PlaceOrder(tuple(line_ids), off, provider or "simulated", later, 900), command=order)
        self._mine(acts.ConfirmOrder(order), by=None)
        self._note(order)
        return self._answer(order_id=order)

    def _note(self, order_id: str) -> None:
        order = self.world.shop.cart(self._me).order(order_id)
        assert order is not None
        for line in order.lines:
            if line.trip_id is not None:
                self.world.do(line.trip_id, self._me, NoteBooking(line.id, line.slot, line.seats))

    async def pay(self, order_id: str, method: str = "") -> CartAnswer:
        attempt = self.world.new_id()
        self._mine(acts.StartPayment(order_id, method), command=attempt)
        if method == "refuse":
            said = "The simulated card was declined. Nothing was charged."
            self._mine(acts.DeclinePayment(order_id, attempt, "card-declined", said), by=None)
        else:
            self._mine(acts.MarkPaid(order_id, attempt, "sim-1"), by=None)
        return self._answer(order_id=order_id)

    async def cancel_order(self, order_id: str) -> CartAnswer:
        order = self.world.shop.cart(self._me).order(order_id)
        self._mine(acts.CancelOrder(order_id))
        for line in order.lines if order is not None else ():
            self.world.shop.take(line.slot.slot_id, -line.seats)
            if line.trip_id is not None:
                self.world.do(line.trip_id, self._me, DropBooking(line.id))
        return self._answer(order_id=order_id)

    async def mark_paid(self, trip_id: str, booking_id: str) -> None:
        self.world.shop.paid.append(booking_id)

    def _mine(self, act: Any, *, command: str | None = None, by: str | None = "me") -> None:
        me = self._me
        work = self.world.shop.do
        self._refusing(
            lambda: work(me, command or self.world.new_id(), act, self.world.now(), by=me if by == "me" else None)
        )

    @staticmethod
    def _refusing(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Refused as refused:
            kind = errors.NotFound if refused.kind == "missing" else errors.Rejected
            status = {"missing": 404, "gone": 410}.get(refused.kind, 409)
            raise kind(refused.code, refused.detail, status=status, facts=refused.facts) from refused
