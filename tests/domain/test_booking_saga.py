"""Whatever dies, sleeps, repeats or runs twice: in the end the seats add up and so does the money.

Three people book three small slots through processes that are broken off between any two steps. Then everybody's
unfinished work is finished, the sleepers wake up, and it is finished again. Controls break one rule each, and must be
caught.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

import msgspec
import pytest
from tests.conftest import Count, Figure
from tests.domain import saga
from tests.domain.booking_play import DAY, HOUR, MINUTE, SECOND, opening
from tests.domain.naive_booking import NaiveCart, NaiveOrder, recount_cart, recount_slot
from tests.domain.saga import hold_of
from tests.domain.saga_world import SlotLog, SlotRule, Steps, World

from roadcrew_domain import cart, cart_orders, seats, seats_evolve
from roadcrew_domain.cart_acts import Paid
from roadcrew_domain.events import Fact
from roadcrew_domain.refusals import Refused
from roadcrew_domain.seats import FreeHold, SlotCommand, UnpinHold
from roadcrew_domain.seats_views import count_of, decode_slot, encode_slot, evolve_count

CLOCKS = [timedelta(0)] * 4 + [-5 * MINUTE, -2 * HOUR]
"""How far behind the clock of a process may be."""

MOST_AT_ONCE = 8
"""Processes that are awake."""


@dataclass
class Process:
    """`begin` makes its steps anew, for one that repeats it."""

    begin: Callable[[], Steps]
    steps: Steps
    clock: timedelta


class Scheduler:
    """Chooses who takes the next step, and what happens to them."""

    def __init__(self, seed: int, slot_rule: SlotRule = seats.decide) -> None:
        self.chance = Random(seed)
        self.world = World(self.chance, slot_rule)
        self.running: list[Process] = []
        self.asleep: list[Process] = []
        self.met: Counter[str] = Counter()

    def start(self, begin: Callable[[], Steps], clock: timedelta | None = None) -> None:
        """Another process."""
        clock = self.chance.choice(CLOCKS) if clock is None else clock
        self.running.append(Process(begin, begin(), clock))

    def step(self, process: Process) -> bool:
        """One step of it; False when it has ended. A refusal is told to whoever asked."""
        self.world.clock = process.clock
        try:
            next(process.steps)
        except StopIteration:
            return False
        except Refused:
            return False
        return True

    def anything(self) -> None:
        """One step of somebody, or a blow."""
        chance, running = self.chance, self.running
        what = chance.random()
        if len(running) < 2 or (what < 0.16 and len(running) < MOST_AT_ONCE):
            self.start(chance.choice([self.somebody_acts, self.somebody_acts, self.a_server_acts])())
            return
        process = chance.choice(running)
        if what < 0.89:
            if not self.step(process):
                running.remove(process)
        elif what < 0.90:
            running.remove(process)  # killed
            self.met["killed"] += 1
        elif what < 0.94:
            running.remove(process)
            self.asleep.append(process)
            self.met["put to sleep"] += 1
        elif what < 0.96:
            self.start(process.begin)  # somebody does the same once more
        elif what < 0.98 and self.asleep:
            running.append(self.asleep.pop(chance.randrange(len(self.asleep))))
        else:
            self.world.now += chance.choice([SECOND, MINUTE, 6 * MINUTE, 6 * MINUTE, 20 * MINUTE])
        if chance.random() < 0.01:
            slot = chance.choice(list(self.world.opening))
            self.world.opening[slot] = opening(chance.choice([2, 4, 6]))

    def somebody_acts(self) -> Callable[[], Steps]:
        """What a person may want now."""
        w, chance = self.world, self.chance
        user = chance.choice(list(w.carts))
        mine = w.cart(user)
        slot, count, price = chance.choice(list(w.slots)), chance.randrange(1, 3), chance.choice([0, 900, 900])
        ways = [partial(saga.add, w, user, w.new_id(), slot, count, price)] * 4
        if mine.lines:
            line = chance.choice(mine.lines)
            some = tuple(n.id for n in mine.lines if chance.random() < 0.3)
            ways += [partial(saga.extend, w, user, line), partial(saga.remove, w, user, line)]
            ways += [partial(saga.check_out, w, user, w.new_id(), some, chance.random() < 0.2)] * 4
        if mine.orders:
            order = chance.choice(mine.orders[-2:])
            ways += [partial(saga.cancel, w, user, order.id), *[partial(saga.pay, w, user, order.id, w.new_id())] * 4]
            if order.pays_later and order.total and order.state != "placing":
                ways += [partial(saga.pay_at_venue, w, order)] * 2
        return chance.choice(ways)

    def a_server_acts(self) -> Callable[[], Steps]:
        """What timers, webhooks and processes that take up what others began may do at any time."""
        w, chance = self.world, self.chance
        ways: list[Callable[[], Steps]] = [partial(saga.take_up, w, chance.choice(list(w.carts)))]
        ways += [partial(saga.tick, w, chance.choice([s for s in w.slots if w.slots[s].folded] or ["s0"]))]
        told = w.provider.makes_up_its_mind()
        if told is not None:
            ways = [partial(saga.webhook, w, *told)]
        return chance.choice(ways)

    def finish(self) -> None:
        """Everybody's unfinished work, one after the other, until the provider has nothing more to say."""
        w = self.world
        for _ in range(3):
            while w.provider.makes_up_its_mind() is not None:
                pass
            for told in w.provider.said:  # again, until somebody has heard it
                self.to_its_end(partial(saga.webhook, w, *told))
            for user in w.carts:
                self.to_its_end(partial(saga.take_up, w, user))
            for slot in w.slots:
                self.to_its_end(partial(saga.tick, w, slot))

    def to_its_end(self, begin: Callable[[], Steps]) -> None:
        """A process that nothing happens to."""
        process = Process(begin, begin(), timedelta(0))
        while self.step(process):
            pass

    def play(self, steps: int) -> None:
        """A day of it, and the days after."""
        w = self.world
        for _ in range(steps):
            self.anything()
        w.now += 35 * MINUTE
        self.finish()
        self.wake_the_sleepers()
        self.finish()
        w.now += 3 * DAY
        self.finish()

    def wake_the_sleepers(self) -> None:
        """Whoever was broken off goes on, in any order, as if no time had passed."""
        waking = [*self.asleep, *self.running]
        while waking:
            process = self.chance.choice(waking)
            if not self.step(process):
                waking.remove(process)


def check(scheduler: Scheduler) -> Counter[str]:
    """What must hold in the end; how often what was met."""
    w = scheduler.world
    carts = {user: recount_cart(log.events) for user, log in w.carts.items()}
    for slot_id, log in w.slots.items():
        check_slot(log, {hold: n for user, c in carts.items() for hold, n in bought(user, c, slot_id).items()})
    for user, naive in carts.items():
        check_cart(w, user, naive)
    money_adds_up(w, [order for naive in carts.values() for order in naive.orders.values()])
    return (
        scheduler.met
        + w.refused
        + Counter(state for naive in carts.values() for order in naive.orders.values() for state in order.decided)
    )


def bought(user: str, naive: NaiveCart, slot_id: str) -> dict[str, int]:
    """The holds that a person's orders bought of a slot, with their seats."""
    paid = [order for order in naive.orders.values() if order.decided == ["paid"]]
    return {hold_of(user, line): n for order in paid for (slot, line), n in order.seats.items() if slot == slot_id}


def check_slot(log: SlotLog, sold: dict[str, int]) -> None:
    """Only what was paid for is taken, and all of that; and who only counts has counted right all the time."""
    naive = recount_slot(log.events)
    assert naive.seats == naive.sold() == sold, f"{log.topic}: {naive.seats}, and bought were {sold}"
    slot, count = None, None
    for e in log.events:
        slot, count = seats.evolve(slot, e), evolve_count(count, e)
        assert count == count_of(slot)
    if slot is not None:
        assert slot == log.folded == decode_slot(encode_slot(slot))
        assert (slot.taken, slot.capacity) == (naive.taken, naive.capacity)


def check_cart(w: World, user: str, naive: NaiveCart) -> None:
    """Every order has come to one end, of which slots and provider know."""
    state = w.cart(user)
    assert not state.lines
    assert not naive.lines
    assert cart.decode_cart(cart.encode_cart(state)) == state
    assert {order.id: order.state for order in state.orders} == {o: n.decided[-1] for o, n in naive.orders.items()}
    for order in state.orders:
        assert not cart.unfinished(order)
        assert naive.orders[order.id].settled == order.state
        assert (order.payment, len(order.refunds)) == (naive.orders[order.id].payment, len(naive.orders[order.id].owed))


def money_adds_up(w: World, orders: list[NaiveOrder]) -> None:
    """Every payment has bought an order, or was given back once."""
    kept = [order.payment for order in orders if order.decided == ["paid"] and order.payment]
    given = [payment for order in orders for payment in order.given]
    assert len(set(kept)) == len(kept)
    assert len(set(given)) == len(given)
    assert all(sorted(order.owed) == sorted(order.given) for order in orders)
    assert set(given) == w.provider.refunded
    assert set(kept) | set(given) == set(w.provider.succeeded)
    assert not set(kept) & set(given)


def play(seed: int, slot_rule: SlotRule = seats.decide, steps: int = 600) -> Counter[str]:
    """One run, checked."""
    scheduler = Scheduler(seed, slot_rule)
    scheduler.play(steps)
    return check(scheduler)


# R: C1 C2 C13
def test_whatever_dies_sleeps_or_runs_twice_the_seats_and_the_money_add_up(count: Count, figure: Figure):
    met: Counter[str] = Counter()
    for seed in range(count(reduced=200, full=5000)):
        met += play(seed)
    figure("met", dict(met))
    rare = [what for what in ("paid", "lapsed", "cancelled", "rejected", "seats-gone", "order-over") if met[what] < 10]
    assert not rare, f"hardly met: {rare}"


# --- controls ------------------------------------------------------------------------------------

Patch = pytest.MonkeyPatch


def lets_go(patch: Patch) -> SlotRule:
    """Seats are freed for any order, whichever has them."""
    return lets_anybody_go


def lets_anybody_go(slot: seats.Slot | None, command: SlotCommand, now: datetime) -> tuple[Fact, ...]:
    """`decide` of such a slot."""
    act = command.act
    if isinstance(act, FreeHold | UnpinHold) and slot is not None:
        hold = slot.holds.get(act.hold_id)
        if hold is not None and hold.order is not None:
            act = msgspec.structs.replace(act, order=hold.order)
    return seats.decide(slot, msgspec.structs.replace(command, act=act), now)


def forgets_orders_that_are_over(patch: Patch) -> SlotRule:
    """No tombstones."""
    patch.setattr(seats, "_is_over", lambda slot, order: False)
    return seats.decide


def pins_at_any_time(patch: Patch) -> SlotRule:
    """Tombstones for a moment only, and no time within which an order must pin."""
    patch.setattr(seats_evolve, "REMEMBERED", timedelta(0))
    patch.setattr(seats, "PIN_WITHIN", 10 * DAY)
    return seats.decide


def does_not_count(patch: Patch) -> SlotRule:
    """No capacity."""
    patch.setattr(seats, "_check_left", lambda slot, n: None)
    return seats.decide


def takes_money_in_any_state(patch: Patch) -> SlotRule:
    """Paid, whether it has lapsed or not."""
    patch.setattr(cart_orders, "_paid", lambda order, attempt, payment: (Paid(order.id, attempt, payment),))
    return seats.decide


def gives_money_back_without_looking(patch: Patch) -> SlotRule:
    """A refund for whatever comes after the first payment, also for that one once more."""
    real = cart_orders._paid
    none = {"refunds": (), "payment": "another"}
    patch.setattr(cart_orders, "_paid", lambda order, *said: real(msgspec.structs.replace(order, **none), *said))
    return seats.decide


@pytest.mark.parametrize(
    "broken",
    [
        forgets_orders_that_are_over,
        pins_at_any_time,
        does_not_count,
        takes_money_in_any_state,
        gives_money_back_without_looking,
        lets_go,
    ],
)
def test_a_rule_that_is_left_out_is_noticed(broken: Callable[[Patch], SlotRule], monkeypatch: Patch, figure: Figure):
    rule = broken(monkeypatch)
    noticed = next((seed for seed in range(2000) if fails(seed, rule)), None)
    figure("noticed in run", noticed)
    assert noticed is not None


def fails(seed: int, rule: SlotRule) -> bool:
    """Whether a run ends in anything but order."""
    try:
        play(seed, rule)
    except (AssertionError, ValueError):
        return True
    return False
