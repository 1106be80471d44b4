"""What a store's logs and a provider's books say of who has which seats, read and counted by nobody else's code.

It reads the bytes that are in the store, and folds them by rules of its own: what the server believes is not asked, but
for what an order is called in slots. Logs must be whole: the servers that wrote them took no snapshots.
"""

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import redis

from roadcrew_domain.booking_ids import order_of

Event = dict[str, Any]
Place = tuple[str, int]
"""Some seats of a slot."""

OF_SLOTS = frozenset(("SlotOpened", "SeatsHeld", "SeatsPinned", "SeatsUnpinned", "SeatsSold", "SeatsFreed"))
HAS_SEATS = frozenset(("placing", "awaiting", "paying", "paid"))
BECOMES = {
    "OrderConfirmed": "awaiting",
    "OrderRejected": "rejected",
    "PaymentStarted": "paying",
    "PaymentDeclined": "awaiting",
    "Paid": "paid",
    "Lapsed": "lapsed",
    "OrderCancelled": "cancelled",
}


@dataclass(frozen=True)
class Raw:
    """The events of carts and slots by topic, with the numbers that they have in the store, and what the provider of
    simulated payments has written down."""

    logs: Mapping[str, list[tuple[int, Event]]]
    ledger: list[dict[str, Any]]

    @classmethod
    def of_sqlite(cls, file: Path, topics: Collection[str]) -> "Raw":
        """From the file of an embedded store, which may be in use."""
        db = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        query = "SELECT seq, body FROM events WHERE topic = (SELECT id FROM topics WHERE name = ?) ORDER BY seq"
        try:
            logs = {name: [(seq, json.loads(body)) for seq, body in db.execute(query, (name,))] for name in topics}
            ledger = [json.loads(v) for (v,) in db.execute("SELECT value FROM records WHERE kind='payment-simulated'")]
        finally:
            db.close()
        return cls(logs, ledger)

    @classmethod
    def of_valkey(cls, port: int, topics: Collection[str]) -> "Raw":
        """From a shared store."""
        with redis.Redis(port=port) as there, there.pipeline(transaction=False) as asked:
            for name in topics:
                asked.xrange(f"roadcrew:{{{zlib.crc32(name.encode()) % 32:02}}}:log:{name}")
            logs = {
                name: [(int(at.split(b"-")[0]) - 1, json.loads(said[b"b"])) for at, said in entries]
                for name, entries in zip(topics, asked.execute(), strict=True)
            }
            keys = list(there.scan_iter("roadcrew:record:payment-simulated:*", 10_000))
            ledger = [json.loads(value.split(b":", 1)[1]) for value in (there.mget(keys) if keys else [])]
        return cls(logs, ledger)


@dataclass
class Order:
    """As the log of its cart says; `places` by what slots know it as. `payments` are the numbers of what was paid for
    it, `back` of what goes back."""

    user: str
    places: dict[str, Place]
    total: int
    state: str = "placing"
    settled: bool = True
    payments: set[str] = field(default_factory=set)
    owed: set[str] = field(default_factory=set)
    back: set[str] = field(default_factory=set)


@dataclass
class Count:
    """What was found, each in a sentence: `wrong` can't be at any time; `undone` can't be for ever, when all has ended
    and all that is due was done."""

    sold: Counter[str] = field(default_factory=Counter)
    bought: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    most: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    orders: Counter[str] = field(default_factory=Counter)


def recount(raw: Raw, slots: Collection[str], users: Collection[str], capacity: int) -> Count:
    """Count these slots, and what these people have in them, who have nothing elsewhere."""
    count = Count()
    logs = {name: _whole(name, log, count) for name, log in raw.logs.items()}
    for slot in slots:
        _fold_slot(logs.get(f"slot:{slot}", []), slot, capacity, count)
    found = {seats for slot in slots for seats in _ordered(logs.get(f"slot:{slot}", []), slot)}
    have: set[tuple[str, str, Place]] = set()
    paid: dict[str, tuple[str, int]] = {}
    for user in users:
        for order in _orders(user, logs.get(f"cart:{user}", []), count):
            count.orders[order.state] += 1
            if order.state in HAS_SEATS:
                what = "sold" if order.state == "paid" else "pinned"
                have |= {(what, mark, place) for mark, place in order.places.items()}
            if order.state == "paid":
                count.bought[user] += order.places.values()
                paid.update(dict.fromkeys(order.payments, (user, order.total)))
            if not order.settled or order.state in ("placing", "awaiting", "paying") or order.owed - order.back:
                count.undone.append(f"an order of {user} is {order.state}, settled: {order.settled}")
    if found != have:
        count.undone.append(f"taken without an order {found - have}, missing {have - found}")
    _check_money(raw.ledger, users, paid, count)
    return count


def _whole(name: str, log: list[tuple[int, Event]], count: Count) -> list[Event]:
    """Its events, which must be all that there were."""
    if any(seq != n or event["seq"] != n or event["topic"] != name for n, (seq, event) in enumerate(log)):
        count.wrong.append(f"the log of {name} is not whole")
    return [event for _, event in log]


def _fold_slot(log: list[Event], slot: str, capacity: int, count: Count) -> None:
    taken: dict[str, int] = {}
    state: dict[str, str] = {}
    for event in log:
        kind, data = event["type"], event["data"]
        hold = data.get("holdId")
        if kind not in OF_SLOTS:
            count.wrong.append(f"{slot} has an event {kind}")
        if kind == "SeatsHeld":
            taken[hold], state[hold] = data["seats"], "held"
        elif kind == "SeatsPinned":
            if (data["took"] == 0) != (hold in taken):
                count.wrong.append(f"{slot}: {event} takes seats that it had, or has none")
            taken[hold], state[hold] = data["seats"], "pinned"
        elif kind == "SeatsUnpinned":
            state[hold] = "held"
        elif kind == "SeatsSold":
            state[hold] = "sold"
        elif kind == "SeatsFreed" and taken.pop(hold, 0) != data["seats"]:
            count.wrong.append(f"{slot}: {event} frees other seats than were taken")
        count.most[slot] = max(count.most[slot], sum(taken.values()))
        if sum(taken.values()) > capacity:
            count.wrong.append(f"{slot}: {sum(taken.values())} seats are taken after {event}")
    count.sold[slot] = sum(seats for hold, seats in taken.items() if state[hold] == "sold")
    held = sum(seats for hold, seats in taken.items() if state[hold] == "held")
    if held:
        count.undone.append(f"{slot}: {held} seats are held")


def _ordered(log: list[Event], slot: str) -> list[tuple[str, str, Place]]:
    """The seats of a slot that orders have pinned or bought, with what the slot knows each order as."""
    had: dict[str, tuple[str, str, Place]] = {}
    for event in log:
        data, hold = event["data"], event["data"].get("holdId")
        if event["type"] == "SeatsPinned":
            had[hold] = ("pinned", data["order"], (slot, data["seats"]))
        elif event["type"] == "SeatsSold" and hold in had:
            had[hold] = ("sold", *had[hold][1:])
        elif event["type"] in ("SeatsUnpinned", "SeatsFreed"):
            had.pop(hold, None)
    return list(had.values())


def _orders(user: str, log: list[Event], count: Count) -> list[Order]:
    orders: dict[str, Order] = {}
    for event in log:
        kind, data = event["type"], event["data"]
        if kind == "OrderPlaced":
            order_id = event["command"]
            places = {
                order_of(user, order_id, n["id"]): (n["slot"]["slotId"], sum(t["count"] for t in n["tickets"]))
                for n in data["lines"]
            }
            orders[order_id] = Order(user, places, data["total"])
        elif data.get("orderId") in orders:
            _step(orders[data["orderId"]], kind, data, count)
        elif "orderId" in data:
            count.wrong.append(f"{kind} of an order of {user} that is not there")
    return list(orders.values())


def _step(order: Order, kind: str, data: dict[str, Any], count: Count) -> None:
    if kind == "PaymentDeclined" and order.state != "paying":
        return  # it is something else by now
    if kind in BECOMES:
        over = order.state in ("lapsed", "rejected", "cancelled")
        if over or (order.state == "paid" and kind != "OrderCancelled"):
            count.wrong.append(f"an order of {order.user} was {order.state}, and then came {kind}")
        order.state = BECOMES[kind]
        order.settled = order.settled and kind in ("PaymentStarted", "PaymentDeclined")
    if kind == "Paid":
        order.payments.add(data["payment"])
    elif kind == "RefundOwed":
        order.owed.add(data["payment"])
    elif kind == "Refunded":
        order.back.add(data["payment"])
    elif kind == "OrderSettled":
        order.settled = data["state"] == order.state


def _check_money(
    ledger: list[dict[str, Any]], users: Collection[str], paid: dict[str, tuple[str, int]], count: Count
) -> None:
    """Whoever is charged has what they paid for, and the other way round."""
    charged = {
        entry["outcome"]["reference"]: (user, entry["amount"]["amount"])
        for entry in ledger
        if (user := next((u for u in users if u in entry["reference"]), None)) is not None
        and (entry["outcome"] or {}).get("type") == "Succeeded"
        and not entry["refund"]
    }
    for number in charged.keys() | paid.keys():
        if charged.get(number) != paid.get(number):
            count.undone.append(f"{number}: charged {charged.get(number)}, and paid for seats {paid.get(number)}")
