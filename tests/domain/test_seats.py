"""Seats of a time slot: held, pinned, sold, free again; and what those see who only count them."""

from contextlib import suppress
from datetime import timedelta
from random import Random

import msgspec
import pytest
from tests.conftest import Figure
from tests.domain.booking_play import DAY, HELD, HOUR, LONGEST, MINUTE, OPENS, SECOND, START, SlotPlay, opening

from roadcrew_domain import seats
from roadcrew_domain.cart import MAX_SEATS
from roadcrew_domain.cart_state import AN_HOUR, ORDERS_AN_HOUR, CartBounds
from roadcrew_domain.events import decode_event, encode_event, event
from roadcrew_domain.exhibitions import MAX_CAPACITY
from roadcrew_domain.refusals import Kind, Refused
from roadcrew_domain.seats import (
    MOST_FREED,
    PIN_WITHIN,
    REMEMBERED,
    ExtendHold,
    FreeHold,
    HoldBounds,
    OpenSlot,
    ReleaseHold,
    SeatsFreed,
    SellHold,
    SlotAct,
    SlotCommand,
    SlotTick,
    UnpinHold,
    left_at,
    next_due,
)
from roadcrew_domain.seats_views import (
    SlotCount,
    count_of,
    decode_slot,
    encode_count,
    encode_slot,
    evolve_count,
)


def held(capacity: int = 10, count: int = 2) -> SlotPlay:
    """A slot with one hold, `h`."""
    play = SlotPlay(capacity)
    play.hold("h", count)
    return play


def pinned(capacity: int = 10, count: int = 2) -> SlotPlay:
    """A slot whose hold `h` an order `o` has pinned."""
    play = held(capacity, count)
    play.pin("o", "h", count)
    return play


def sold() -> SlotPlay:
    """A slot whose hold `h` an order `o` has bought."""
    play = pinned()
    play.do(SellHold("h", "o"))
    return play


# --- holding -------------------------------------------------------------------------------------


# R: C2
def test_seats_are_held_until_their_time_is_up_and_are_free_then_without_anybody_asking():
    play = held(10, 4)
    assert (play.state.taken, play.state.left) == (4, 6)
    assert next_due(play.state) == START + HELD
    play.now = START + HELD - SECOND
    assert play.tick() == []
    play.now = START + HELD
    assert left_at(play.state, play.now) == 10
    assert play.tick() == ["SeatsFreed"]
    assert (play.state.taken, play.state.left, next_due(play.state)) == (0, 10, None)


# R: C2
def test_who_wants_seats_of_a_hold_that_has_run_out_need_not_wait_for_the_timer():
    play = held(4, 4)
    play.now += HELD
    assert play.hold("other", 4) == ["SeatsFreed", "SeatsHeld"]


# R: C2
def test_a_crowd_of_holds_that_ran_out_while_nobody_looked_is_freed_step_by_step_and_keeps_nobody_waiting():
    play = SlotPlay(MOST_FREED + 100)
    for n in range(MOST_FREED + 100):
        play.hold(f"h{n}", 1)
    play.now += HELD
    assert left_at(play.state, play.now) == MOST_FREED + 100
    assert play.refusal(ExtendHold(play.state.ends[-1][1], HoldBounds())) == ("hold-gone", "gone")
    assert play.hold("new", MAX_SEATS) == ["SeatsFreed"] * MOST_FREED + ["SeatsHeld"]
    assert next_due(play.state) == START + HELD
    assert play.tick() == ["SeatsFreed"] * 100
    assert play.state.taken == MAX_SEATS


# R: C2
def test_the_first_who_wants_seats_opens_the_slot():
    play = SlotPlay()
    assert play.hold() == ["SlotOpened", "SeatsHeld"]
    assert (play.state.id, play.state.capacity, play.state.starts_at) == ("s", 10, OPENS)


# R: C2
def test_the_same_hold_again_is_the_same_hold():
    play = held()
    assert play.hold() == []
    for later in (pinned(), sold()):
        assert later.hold() == []


# R: C2
def test_a_hold_never_lasts_into_the_slot():
    play = SlotPlay()
    play.now = OPENS - MINUTE
    play.hold(until=OPENS + HOUR)
    assert (play.state.holds["h"].until, play.state.holds["h"].limit) == (OPENS, OPENS)


# R: C2
def test_a_process_that_comes_too_late_does_not_take_seats_for_an_add_that_is_over():
    play = SlotPlay()
    act = play.holding()
    play.now += HELD
    assert play.refusal(act) == ("hold-gone", "gone")


# R: C2
def test_seats_gone_says_how_many_are_left():
    play = held(5, 3)
    with pytest.raises(Refused) as refused:
        play.hold("other", 3)
    assert refused.value.facts == {"left": 2}


# R: C2
def test_given_back_is_free_once():
    play = held()
    assert play.do(ReleaseHold("h")) == ["SeatsFreed"]
    assert play.do(ReleaseHold("h")) == []
    assert play.state.left == 10


@pytest.mark.parametrize("play", [pinned(), sold()])
def test_giving_back_does_not_touch_what_an_order_has(play: SlotPlay):
    assert play.do(ReleaseHold("h")) == []
    assert play.state.taken == 2


# R: C2
def test_a_hold_is_extended_from_now_and_ten_times_and_never_past_its_limit():
    bounds = HoldBounds()
    play = held()
    for n in range(1, 9):
        play.now += 14 * MINUTE
        assert play.do(ExtendHold("h", bounds)) == ["HoldExtended"]
        assert play.state.holds["h"].until == min(play.now + HELD, START + LONGEST)
        assert play.state.holds["h"].extensions == n
    assert play.state.holds["h"].until == START + LONGEST
    assert play.refusal(ExtendHold("h", bounds)) == ("hold-limit", "conflict")


# R: C2
def test_the_eleventh_extension_is_refused():
    play = held()
    for _ in range(10):
        play.now += MINUTE
        play.do(ExtendHold("h", HoldBounds()))
    play.now += MINUTE
    assert play.refusal(ExtendHold("h", HoldBounds())) == ("hold-limit", "conflict")


# --- orders --------------------------------------------------------------------------------------


# R: C1 C2
def test_seats_that_an_order_has_pinned_do_not_run_out():
    play = pinned()
    play.now += DAY
    assert (play.tick(), next_due(play.state), play.state.taken) == ([], None, 2)


# R: C1
def test_pinning_selling_and_freeing_twice_is_doing_it_once():
    play = held()
    assert (play.pin(), play.pin()) == (["SeatsPinned"], [])
    sell = SellHold("h", "o")
    assert (play.do(sell), play.do(sell)) == (["SeatsSold"], [])
    free = FreeHold("h", "o", "cancelled")
    assert (play.do(free), play.do(free)) == (["SeatsFreed"], [])
    assert (play.state.taken, play.state.left) == (0, 10)


# R: C2
def test_an_order_takes_seats_anew_whose_hold_has_run_out_if_they_are_free():
    play = held(4, 4)
    play.now += HELD
    assert play.pin("o", "h", 4) == ["SeatsFreed", "SeatsPinned"]
    assert play.state.taken == 4
    other = held(4, 4)
    other.now += HELD
    other.hold("faster", 1)
    assert other.refusal(other.pinning("o", "h", 4)) == ("seats-gone", "full")


# R: C2
def test_seats_that_were_taken_anew_are_held_no_longer_than_the_first_time_when_the_order_comes_to_nothing():
    play = held()
    placed_at, limit = START + HELD - SECOND, START + LONGEST
    play.now += HELD
    play.do(seats.PinHold("h", "o", 2, placed_at, limit, play.opening))
    play.now = limit - MINUTE
    play.do(UnpinHold("h", "o", play.now + 5 * MINUTE))
    assert play.state.holds["h"].until == limit
    assert play.refusal(ExtendHold("h", HoldBounds())) == ("hold-limit", "conflict")


# R: C2
def test_the_seats_of_an_order_that_came_to_nothing_are_held_again_and_run_out():
    play = pinned()
    play.do(UnpinHold("h", "o", play.now + 5 * MINUTE))
    assert (play.state.holds["h"].state, next_due(play.state)) == ("held", play.now + 5 * MINUTE)
    play.now += 5 * MINUTE
    assert play.tick() == ["SeatsFreed"]


# R: C2
def test_a_hold_that_an_order_never_came_to_pin_stands_for_at_least_as_long_as_the_cart_says():
    """Held for a minute more when the order came to nothing; the cart says five."""
    play = held()
    play.now += 14 * MINUTE
    back = UnpinHold("h", "o", play.now + 5 * MINUTE)
    assert play.do(back) == ["SeatsUnpinned"]
    assert play.state.holds["h"].until == play.now + 5 * MINUTE
    play.do(ExtendHold("h", HoldBounds()))
    assert play.do(back) == []
    assert play.state.holds["h"].until == play.now + HELD


def test_a_hold_that_stands_longer_anyway_is_not_made_shorter():
    play = held()
    play.do(UnpinHold("h", "o", play.now + 5 * MINUTE))
    assert play.state.holds["h"].until == START + HELD


# R: C2
@pytest.mark.parametrize("over", [UnpinHold("h", "o", START + HELD), FreeHold("h", "o", "lapsed")])
@pytest.mark.parametrize("before", [held, pinned, SlotPlay])
def test_a_process_that_was_paused_can_not_pin_seats_for_an_order_that_is_over(before: type[SlotPlay], over: SlotAct):
    play = before()
    play.do(OpenSlot(10, OPENS, OPENS + HOUR))
    play.do(over)
    assert play.do(over) == []
    taken = play.state.taken
    assert play.refusal(play.pinning()) == ("order-over", "gone")
    assert play.state.taken == taken


# R: C2
def test_when_the_slot_has_forgotten_an_order_it_is_too_late_to_pin_for_it():
    play = pinned()
    late = play.pinning()
    play.do(FreeHold("h", "o", "lapsed"))
    assert play.state.over == (("o", play.now),)
    play.now += REMEMBERED
    play.hold("x", 1)
    play.pin("p", "x", 1)
    play.do(FreeHold("x", "p", "lapsed"))
    assert play.state.over == (("p", play.now),)
    assert play.refusal(late) == ("order-over", "gone")


def test_a_slot_remembers_for_longer_than_it_lets_pin_and_by_more_than_clocks_differ():
    assert REMEMBERED - PIN_WITHIN > 2 * HOUR  # the slowest clock of the saga


# R: C2
def test_a_person_who_orders_and_cancels_for_ever_does_not_make_a_slot_grow(figure: Figure):
    play, seats = SlotPlay(), CartBounds().max_seats_per_slot
    for n in range(2 * (REMEMBERED // AN_HOUR) * ORDERS_AN_HOUR):
        for line in range(seats):
            play.pin(f"o{n} {line}", f"h{n} {line}", 1)
            play.do(FreeHold(f"h{n} {line}", f"o{n} {line}", "cancelled"))
        play.now += AN_HOUR / ORDERS_AN_HOUR
    figure("orders that are over in a slot, by one person who cancels all day", len(play.state.over))
    assert len(play.state.over) <= 1_300


# R: C2
def test_an_order_pins_within_an_hour_or_not_at_all_but_what_it_has_it_has():
    play = held()
    play.hold("other")
    act, other = play.pinning(), play.pinning(hold_id="other")
    play.do(act)
    play.now += PIN_WITHIN + SECOND
    assert play.do(act) == []
    assert play.refusal(other) == ("order-over", "gone")


# R: C2
@pytest.mark.parametrize("late", [UnpinHold("h", "o", START + HELD), FreeHold("h", "o", "lapsed"), SellHold("h", "o")])
def test_what_was_meant_for_one_order_does_not_touch_the_seats_of_the_next(late: SlotAct):
    play = pinned()
    play.do(UnpinHold("h", "o", START + HELD))
    play.pin("next")
    before = play.state
    if isinstance(late, SellHold):
        assert play.refusal(late) == ("hold-gone", "gone")
    else:
        assert play.do(late) == []
    assert play.state == before


# R: C2
def test_a_smaller_capacity_takes_nothing_away_and_gives_nothing_more():
    play = held(10, 6)
    play.hold("other", 3, until=START + MINUTE)
    play.opening = opening(5)
    assert play.refusal(play.holding("third", 1)) == ("seats-gone", "full")
    assert play.do(play.opening) == ["CapacityChanged"]
    assert (play.state.taken, play.state.left, count_of(play.state).left) == (9, 0, 0)
    play.now += MINUTE
    assert left_at(play.state, play.now) == 0
    play.tick()
    assert (play.state.taken, play.state.left) == (6, 0)


# --- refusals ------------------------------------------------------------------------------------

NEVER = UnpinHold("h", "o", START)


# R: C2 C13
@pytest.mark.parametrize(
    ("act", "code", "kind"),
    [
        (ReleaseHold("h"), "unknown-slot", "missing"),
        (ExtendHold("h", HoldBounds()), "unknown-slot", "missing"),
        (SellHold("h", "o"), "unknown-slot", "missing"),
        (FreeHold("h", "o", "lapsed"), "unknown-slot", "missing"),
        (NEVER, "unknown-slot", "missing"),
        (SlotTick(), "unknown-slot", "missing"),
        (OpenSlot(0, OPENS, OPENS + HOUR), "invalid", "invalid"),
        (OpenSlot(-1, OPENS, OPENS + HOUR), "invalid", "invalid"),
        (OpenSlot(MAX_CAPACITY + 1, OPENS, OPENS + HOUR), "invalid", "invalid"),
        (SlotPlay().holding(count=0), "invalid", "invalid"),
        (SlotPlay().holding(count=-3), "invalid", "invalid"),
        (SlotPlay().holding(count=10**30), "seats-gone", "full"),
        (SlotPlay().holding(count=11), "seats-gone", "full"),
        (SlotPlay().holding(until=START), "hold-gone", "gone"),
        (SlotPlay().pinning(count=11), "seats-gone", "full"),
        (SlotPlay().pinning(count=0), "invalid", "invalid"),
        (SlotPlay().pinning(placed_at=START - PIN_WITHIN - SECOND), "order-over", "gone"),
    ],
)
def test_what_is_refused_where_nobody_has_opened_the_slot(act: SlotAct, code: str, kind: Kind):
    assert SlotPlay().refusal(act) == (code, kind)


# R: C2
def test_nothing_can_be_had_of_a_slot_that_has_begun():
    play = held()
    play.now = OPENS
    assert play.refusal(play.holding("other")) == ("slot-past", "gone")
    assert play.refusal(play.pinning()) == ("slot-past", "gone")


# R: C2
def test_what_is_gone_or_an_orders_is_neither_extended_nor_sold_to_another():
    play = pinned()
    assert play.refusal(ExtendHold("h", HoldBounds())) == ("hold-gone", "gone")
    assert play.refusal(SellHold("h", "another")) == ("hold-gone", "gone")
    assert play.refusal(SellHold("nowhere", "o")) == ("hold-gone", "gone")
    assert play.refusal(play.pinning("another")) == ("hold-gone", "gone")
    late = held()
    assert late.refusal(late.pinning(count=3)) == ("hold-gone", "gone")
    late.now += HELD
    assert late.refusal(ExtendHold("h", HoldBounds())) == ("hold-gone", "gone")


# --- what others see -----------------------------------------------------------------------------


def walk(chance: Random, steps: int) -> SlotPlay:
    """Anything at all happens to a slot, by anybody, in any order."""
    play = SlotPlay(12)
    play.do(play.opening)
    holds, orders = [f"h{n}" for n in range(6)], [f"o{n}" for n in range(4)]
    for _ in range(steps):
        hold, order = chance.choice(holds), chance.choice(orders)
        acts: list[SlotAct] = [
            play.holding(hold, chance.randrange(-1, 6)),
            play.holding(hold, chance.randrange(1, 5)),
            play.pinning(order, hold, chance.randrange(0, 5)),
            play.pinning(order, hold, held_seats(play, hold)),
            play.pinning(order, hold, held_seats(play, hold), placed_at=play.now - HOUR),
            ExtendHold(hold, HoldBounds()),
            ReleaseHold(hold),
            UnpinHold(hold, order, play.now + 5 * MINUTE),
            UnpinHold(hold, order, play.now - 5 * MINUTE),
            SellHold(hold, order),
            FreeHold(hold, order, chance.choice(["lapsed", "cancelled"])),
            SlotTick(),
            opening(chance.choice([6, 12])),
        ]
        with suppress(Refused):
            play.do(chance.choice(acts))
        play.now += chance.choice([0, 1, 60, 600, 3600, 90_000]) * SECOND if chance.random() < 0.3 else timedelta(0)
    return play


def held_seats(play: SlotPlay, hold_id: str) -> int:
    hold = play.state.holds.get(hold_id)
    return 2 if hold is None else hold.seats


# R: C2 C11
@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_the_counts_are_the_slots_own_and_nothing_is_oversold(seed: int):
    play = walk(Random(seed), 150)
    slot, count = None, None
    for e in map(decode_event, map(encode_event, play.events)):
        before = 0 if slot is None else slot.taken
        slot, count = seats.evolve(slot, e), evolve_count(count, e)
        assert slot.taken == sum(hold.seats for hold in slot.holds.values())
        assert slot.taken <= max(before, slot.capacity)
        assert count == count_of(slot)
    assert slot == play.state


@pytest.mark.parametrize("seed", range(10))
def test_a_slot_and_its_count_read_back_as_they_were_written(seed: int):
    slot = walk(Random(seed), 120).state
    assert decode_slot(encode_slot(slot)) == slot
    assert encode_slot(decode_slot(encode_slot(slot))) == encode_slot(slot)
    assert msgspec.json.decode(encode_count(slot), type=SlotCount) == count_of(slot)


# R: C11 T12
def test_the_count_names_neither_holds_nor_orders():
    assert set(msgspec.json.decode(encode_count(sold().state))) == {"id", "capacity", "taken", "startsAt", "endsAt"}


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"slot": 1}', b"[" * 100_000])
def test_bytes_that_are_no_slot_are_a_value_error(body: bytes):
    with pytest.raises(ValueError):
        decode_slot(body)


def test_a_slot_that_a_newer_version_wrote_is_not_guessed_at():
    newer = encode_slot(held().state).replace(b'"v":1', b'"v":2')
    with pytest.raises(ValueError, match="version 2"):
        decode_slot(newer)


def test_an_event_that_can_not_follow_is_a_value_error():
    play = held()
    opened = play.events[0]
    freed = event("slot:s", 9, START, None, "c", SeatsFreed("nobody", 2, "expired"))
    for bad in (opened, freed):
        with pytest.raises(ValueError):
            seats.evolve(play.state, bad)
    with pytest.raises(ValueError):
        seats.evolve(None, freed)
    with pytest.raises(ValueError):
        evolve_count(count_of(play.state), opened)
    none: SlotCount | None = None
    with pytest.raises(ValueError):
        evolve_count(none, freed)


# R: C2
@pytest.mark.parametrize("seed", range(10))
def test_the_timer_of_a_slot_is_due_when_it_first_has_something_to_do(seed: int):
    play = walk(Random(seed), 60)
    play.opening = opening(50)
    play.hold("last", 1)
    due = next_due(play.state)
    assert due is not None
    tick = SlotCommand("c", SlotTick())
    assert seats.decide(play.state, tick, due - timedelta(microseconds=1)) == ()
    assert seats.decide(play.state, tick, due)


def test_deciding_twice_on_one_state_gives_the_same_facts():
    play = held()
    command = SlotCommand("c", play.pinning())
    assert seats.decide(play.state, command, play.now) == seats.decide(play.state, command, play.now)
