"""The world in which the processes of saga.py live: logs that are appended to, money that moves, a time and bad clocks.

The provider loses answers, takes hours, and goes back on its word, as none should.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from tests.domain.booking_play import DAY, START, Log, opening, slot_info

from roadcrew_domain import cart, seats
from roadcrew_domain.cart_acts import CartAct
from roadcrew_domain.events import Fact
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.refusals import Refused
from roadcrew_domain.seats import OpenSlot, SlotAct, SlotCommand

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
