"""Applying an event costs the same however long the history and however large the crew (bench/growth.py).

Calls are counted where they tell; what happens inside the maps is timed, beside a control that must be
seen to grow, so that a machine on which nothing can be told fails the control and not the promise.
"""

import importlib.util
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from types import FrameType, ModuleType

import pytest
from tests.conftest import Figure
from tests.domain.booking_play import SECOND, SlotPlay
from tests.domain.run_play import ANA, JobPlay, QuotePlay, a_stay, importing, price

from roadcrew_domain import jobs, quotes, seats
from roadcrew_domain.events import Event, decode_event, encode_event, event
from roadcrew_domain.jobs_state import MAX_PAGES, JobCommand
from roadcrew_domain.polls import VoteCast
from roadcrew_domain.quotes_state import (
    MAX_ASKED_HOTELS,
    MAX_PROVIDERS,
    MAX_SAID,
    AskedHotel,
    AskedProvider,
    Choice,
    QuoteCommand,
    VoteQuote,
)
from roadcrew_domain.trip import Trip, evolve, fold
from roadcrew_domain.views import decode_trip, encode_trip


def _bench() -> ModuleType:
    """bench/ is no package; the file is loaded as it lies there."""
    spec = importlib.util.spec_from_file_location("growth", Path(__file__).parents[2] / "bench" / "growth.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


growth = _bench()


def calls(do: Callable[[], object]) -> int:
    """How many functions, ours and C's, are called."""
    seen = 0

    def count(frame: FrameType, happened: str, argument: object) -> None:
        nonlocal seen
        seen += happened in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(before)
    return seen


def fastest(do: Callable[[], object], runs: int = 300) -> int:
    """Nanoseconds of the least disturbed of many runs."""
    best = sys.maxsize
    for _ in range(runs):
        before = time.perf_counter_ns()
        do()
        best = min(best, time.perf_counter_ns() - before)
    return best


def vote_after(history: int, members: int = 20) -> tuple[Trip, Event]:
    trip, following = growth.at_history(members, history, 10)
    return trip, next(e for e in following if isinstance(e.data, VoteCast))


# R: S6 T9
def test_applying_an_event_takes_as_many_calls_after_ten_thousand_events_as_after_a_hundred():
    (young, first), (old, later) = vote_after(100), vote_after(10_000)
    assert calls(lambda: evolve(young, first)) == calls(lambda: evolve(old, later)) < 100
    assert len(encode_trip(old)) < 1.1 * len(encode_trip(young))


@pytest.mark.usefixtures("timed")
def test_a_vote_in_a_large_crew_costs_what_it_costs_in_a_small_one_where_a_copied_dict_costs_more(figure: Figure):
    (small, first), (large, later) = vote_after(100, members=10), vote_after(100, members=5000)
    small_dict, large_dict = (dict(t.polls["p0"].ballots.items()) for t in (small, large))
    control = fastest(lambda: growth.apply_copying(large_dict, later)) / fastest(
        lambda: growth.apply_copying(small_dict, first)
    )
    assert control > 10, "this machine can't tell"
    ours = fastest(lambda: evolve(large, later)) / fastest(lambda: evolve(small, first))
    figure("a vote among 5,000 over one among 10", f"{ours:.2f} (copied dict: {control:.0f})")
    assert ours < 3
    assert calls(lambda: evolve(large, later)) == calls(lambda: evolve(small, first))


def open_trip(snapshot: bytes | None, bodies: list[bytes]) -> Trip | None:
    return fold(None if snapshot is None else decode_trip(snapshot), map(decode_event, bodies))


def test_opening_from_snapshot_and_tail_does_not_grow_with_history_where_replaying_does():
    opening, replaying = [], []
    for history in (200, 2000):
        events = list(islice(growth.log(10), growth.settled(10) + history))
        upto = fold(None, events[: -growth.TAIL])
        assert upto is not None
        snapshot, bodies = encode_trip(upto), [encode_event(e) for e in events]
        assert open_trip(snapshot, bodies[-growth.TAIL :]) == open_trip(None, bodies)
        opening.append(calls(partial(open_trip, snapshot, bodies[-growth.TAIL :])))
        replaying.append(calls(partial(open_trip, None, bodies)))
    assert replaying[1] > 5 * replaying[0]
    assert opening[1] < 1.1 * opening[0]


def test_a_trip_remembers_a_bounded_part_of_its_history():
    trip, _ = growth.at_history(10, 5000, 0)
    assert len(trip.recent) == 30
    assert len(encode_trip(trip)) < 20_000


def hot_slot(holds: int) -> SlotPlay:
    """A slot with so many holds, a hundred a second."""
    play = SlotPlay(10_000)
    for n in range(holds):
        play.now += SECOND / 100
        play.hold(f"h{n}", 1)
    return play


def steps_of(play: SlotPlay) -> list[Callable[[], object]]:
    """What each step of a booking costs in a hot slot: deciding a hold, applying it, finding what is due next."""
    slot, command = play.state, seats.SlotCommand("c", play.holding("new", 1))
    (fact,) = seats.decide(slot, command, play.now)
    held = event("slot:s", len(play.events), play.now, None, "c", fact)
    return [
        lambda: seats.decide(slot, command, play.now),
        lambda: seats.evolve(slot, held),
        lambda: seats.next_due(slot),
    ]


def every_end(slot: seats.Slot) -> list[object]:
    """What looking at every hold costs."""
    return [hold.until for hold in slot.holds.values()]


# R: S6 C2
@pytest.mark.usefixtures("timed")
def test_seats_of_a_slot_with_thousands_of_holds_cost_what_they_cost_with_hundreds(figure: Figure):
    small, large = hot_slot(500), hot_slot(5000)
    for name, few, many in zip(("decide", "evolve", "next due"), steps_of(small), steps_of(large), strict=True):
        ours = (fastest(few) / 1000, fastest(many) / 1000)
        figure(f"{name} with 500 and with 5,000 holds, microseconds", f"{ours[0]:.1f} {ours[1]:.1f}")
        assert calls(few) == calls(many) < 50
    control = [fastest(partial(every_end, play.state), 30) for play in (small, large)]
    figure("looking at every hold, microseconds", f"{control[0] / 1000:.0f} {control[1] / 1000:.0f}")
    assert control[1] > 5 * control[0], "this machine can't tell"
    assert fastest(steps_of(large)[0]) + fastest(steps_of(large)[1]) < control[1] / 10


def voted(members: int) -> QuotePlay:
    """A run as large as it can be, with so many votes in it."""
    hotels = [AskedHotel(f"h{n}", f"Hotel {n}", "Lisbon", 3) for n in range(MAX_ASKED_HOTELS)]
    play = QuotePlay().ask(a_stay(*hotels), *(AskedProvider(f"p{n}", "P", False, 5) for n in range(MAX_PROVIDERS)))
    play.start()
    for provider in play.state.answers:
        play.answer(provider, *(price(n + 1, h.id, note="x" * MAX_SAID) for n, h in enumerate(hotels)))
    for n in range(members):
        play.do(f"m{n}", VoteQuote(Choice("p1", "h1")))
    return play


def imported(parts: int) -> JobPlay:
    """A job of which so many parts are in."""
    play = importing()
    for _ in range(parts):
        play.do(None, play.rows(read=100))
    return play


# R: S6 Q2 J1
def test_a_step_of_a_run_and_of_an_import_takes_as_many_calls_when_they_are_large(figure: Figure):
    def vote(play: QuotePlay) -> int:
        command = QuoteCommand("c", ANA, VoteQuote(Choice("p2", "h2")))
        (fact,) = quotes.decide(play.state, command, play.now)
        happened = event("quote:q", len(play.events), play.now, ANA, "c", fact)
        step = calls(lambda: quotes.decide(play.state, command, play.now))
        return step + calls(lambda: quotes.evolve(play.state, happened)) + calls(lambda: quotes.next_due(play.state))

    def rows(play: JobPlay) -> int:
        command = JobCommand("c", None, play.rows(read=100))
        (fact,) = jobs.decide(play.state, command, play.now)
        happened = event("job:j", len(play.events), play.now, None, "c", fact)
        step = calls(lambda: jobs.decide(play.state, command, play.now))
        return step + calls(lambda: jobs.evolve(play.state, happened)) + calls(lambda: jobs.next_due(play.state))

    most = voted(1_900)
    assert vote(voted(10)) == vote(most) < 60
    many = imported(MAX_PAGES - 1)
    assert rows(imported(10)) == rows(many) < 150
    sizes = len(quotes.encode_run(most.state)), len(jobs.encode_job(many.state))
    figure("bytes of the largest run and of the largest import", sizes)
    assert max(sizes) < 512 * 1024
