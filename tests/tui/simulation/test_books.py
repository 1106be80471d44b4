"""The check can fail: whatever is lost, doubled or contradicted, somebody's count says so."""

import math
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from roadcrew_client import SyncStatus
from roadcrew_domain.crew import Invite, JoinTrip
from roadcrew_domain.events import Event, event
from roadcrew_domain.polls import CastVote, ClosePoll, OpenPoll
from roadcrew_domain.trip import Bounds, Command, CreateTrip, Trip, TripAct, decide, evolve
from roadcrew_tui.simulation import ledger
from roadcrew_tui.simulation.latency import Latencies
from roadcrew_tui.simulation.ledger import Counts, Ledger
from roadcrew_tui.simulation.tally import MOST_KEYS, OTHERS, Modes, Reading, Tally

NOW = datetime(2030, 5, 1, tzinfo=UTC)


class Server:
    """A trip's log by the real rules."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.state: Trip | None = None
        self.do("t", CreateTrip("Lisbon", "Ana", Invite("K7QM-2D4F", None, None), Bounds(), 86400 * 180))

    def do(self, command: str, act: TripAct, who: str = "ana") -> list[Event]:
        made = []
        for fact in decide(self.state, Command(command, who, act), NOW):
            made.append(event("trip:t", len(self.events), NOW, who, command, fact))
            self.events.append(made[-1])
            self.state = evolve(self.state, made[-1])
        return made

    def witness(self) -> Ledger:
        """A ledger whose witness begins now."""
        books = Ledger()
        assert self.state is not None
        books.begin(len(self.events) - 1, self.state)
        return books


def read(books: Ledger, events: list[Event]) -> None:
    for e in events:
        books.log(e)


def poll() -> OpenPoll:
    return OpenPoll("When?", "single", ("May", "June"))


def test_what_is_accepted_and_in_the_log_once_is_right_whichever_is_heard_first():
    server = Server()
    books = server.witness()
    read(books, server.do("p", poll()))
    books.accepted("p", 1)
    vote = server.do("v", CastVote("p", ("p.0",)))
    books.accepted("v", 2)
    assert books.counts(whole=True).missing == 1
    assert books.counts(whole=False) == Counts(entries=1, accepted=2, unverified=1)
    read(books, vote)
    assert books.counts(whole=True) == Counts(entries=2, accepted=2)
    assert books.state == server.state


# R: T9
def test_a_change_that_was_accepted_and_is_not_in_the_log_is_missing():
    server = Server()
    books = server.witness()
    books.accepted("lost", 1)
    read(books, server.do("p", poll()))
    assert books.counts(whole=True).missing == 1
    assert books.counts(whole=True).wrong == 1


# R: T9
def test_a_change_that_stands_in_the_log_twice_is_doubled_and_one_of_two_events_is_not():
    server = Server()
    books = server.witness()
    for n in range(4):
        read(books, server.do(f"j{n}", JoinTrip("K7QM-2D4F", f"P{n}"), who=f"p{n}"))
    assert [e.command for e in server.events].count("j2") == 2  # with the fourth one the discount was unlocked
    assert books.counts(whole=True).doubled == 0
    read(books, server.do("p", poll()))
    read(books, server.do("v", CastVote("p", ("p.0",))))
    read(books, server.do("w", CastVote("p", ("p.1",))))
    read(books, server.do("v", CastVote("p", ("p.0",))))
    assert books.counts(whole=True).doubled == 1


def test_a_refused_change_that_is_in_the_log_is_a_contradiction_whichever_is_heard_first():
    server = Server()
    books = server.witness()
    read(books, server.do("p", poll()))
    books.refused("p")
    books.refused("q")
    read(books, server.do("q", poll()))
    assert books.counts(whole=True).contradicted == 2


def test_what_changed_nothing_is_held_against_the_rules():
    server = Server()
    books = server.witness()
    read(books, server.do("p", poll()))
    read(books, server.do("v", CastVote("p", ("p.0",))))
    again, closing = CastVote("p", ("p.0",)), ClosePoll("p")
    books.unchanged(Command("again", "ana", again), 2)
    assert books.counts(whole=True) == Counts(entries=2, accepted=1, unchanged=1)
    books.unchanged(Command("swallowed", "ana", CastVote("p", ("p.1",))), 2)
    assert books.counts(whole=True).contradicted == 1
    books.unchanged(Command("close", "ana", closing), 3)  # the witness is not there yet
    assert books.counts(whole=True).unverified == 1
    read(books, server.do("first", closing))
    assert books.counts(whole=True) == Counts(entries=3, accepted=3, unchanged=3, contradicted=1)


def test_what_happened_while_the_witness_saw_nothing_is_not_verified_and_not_missing():
    server = Server()
    books = server.witness()
    unseen = server.do("p", poll())
    books.accepted("p", 1)
    assert server.state is not None
    books.begin(1, server.state)  # it was reset
    books.accepted("older", 1)
    read(books, server.do("v", CastVote("p", ("p.0",))))
    books.accepted("v", 2)
    assert books.counts(whole=True) == Counts(entries=1, accepted=3, unverified=2)
    assert len(unseen) == 1


def test_the_books_do_not_grow_with_the_log(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ledger, "REMEMBERED", 20)
    monkeypatch.setattr(ledger, "STATES", 5)
    server = Server()
    books = server.witness()
    read(books, server.do("p", poll()))
    for n in range(200):
        read(books, server.do(f"v{n}", CastVote("p", (f"p.{n % 2}",))))
        books.accepted(f"v{n}", n + 2)
        books.unchanged(Command(f"n{n}", "ana", CastVote("p", (f"p.{n % 2}",))), n + 2)
    books.unchanged(Command("late", "ana", CastVote("p", ("p.0",))), 3)
    assert books.counts(whole=True) == Counts(entries=201, accepted=401, unchanged=201, unverified=1)
    sizes = [len(getattr(books, name)) for name in ("_logged", "_denied", "_awaited", "_claims", "_states")]
    assert sizes == [20, 20, 0, 0, 5]


def reading() -> tuple[Reading, Tally]:
    tally = Tally()
    return Reading("Ben (sim)", tally), tally


# R: S1, S4
def test_who_is_given_every_event_once_has_lost_nothing():
    client, tally = reading()
    client.reset(4)
    for seq in (5, 6, 7):
        client.event(seq)
    client.end(7)
    assert (tally.events, tally.lost, tally.doubled, tally.resets, dict(tally.faulty)) == (3, 0, 0, 0, {})


@pytest.mark.parametrize(
    ("seqs", "head", "lost", "doubled"),
    [((5, 7), 7, 1, 0), ((5, 5, 6), 6, 0, 1), ((5, 6, 5, 6), 6, 0, 2), ((5, 9, 10), 12, 5, 0), ((3, 5), 5, 0, 1)],
)
# R: S1, S4
def test_an_event_that_is_left_out_is_lost_and_one_that_comes_again_is_doubled(
    seqs: tuple[int, ...], head: int, lost: int, doubled: int
):
    client, tally = reading()
    client.reset(4)
    for seq in seqs:
        client.event(seq)
    client.end(head)
    assert (tally.lost, tally.doubled) == (lost, doubled)
    assert list(tally.faulty) == ["Ben (sim)"]


def test_a_reset_that_skips_is_counted_and_one_that_goes_back_has_taken_events_away():
    client, tally = reading()
    client.reset(4)
    client.event(5)
    client.reset(40)
    client.event(41)
    assert (tally.resets, tally.skipped, tally.lost) == (1, 35, 0)
    client.reset(38)
    assert (tally.resets, tally.skipped, tally.lost) == (2, 35, 3)


def test_a_switch_is_from_streaming_to_polling_or_back_whatever_was_between():
    tally = Tally()
    modes = Modes(tally)
    states: list[Any] = ["connecting", "live", "offline", "connecting", "live", "polling", "polling", "offline", "live"]
    for state in states:
        modes.now(SyncStatus(state, None, 0, NOW, 0, None, None))
    assert tally.switches == 2
    assert tally.modes == {"connecting": 2, "live": 3, "offline": 2, "polling": 1}


def test_a_server_with_ever_new_codes_does_not_make_the_tally_grow():
    tally = Tally()
    for n in range(1000):
        tally.refuse(f"code-{n}")
    assert len(tally.refusals) == MOST_KEYS + 1
    assert tally.refusals.total() == 1000
    assert tally.refusals[OTHERS] == 1000 - MOST_KEYS


def test_percentiles_are_right_to_a_few_percent_and_the_longest_exactly():
    chance, latencies = random.Random(1), Latencies()
    seconds = sorted(chance.lognormvariate(-4, 1.5) for _ in range(20_000))
    for value in chance.sample(seconds, len(seconds)):
        latencies.add(value)
    for part in (0.01, 0.5, 0.9, 0.99, 1.0):
        exact = seconds[math.ceil(part * len(seconds)) - 1] * 1000
        assert latencies.percentile(part) == pytest.approx(exact, rel=0.05)
    assert latencies.longest == seconds[-1] * 1000
    assert latencies.count == 20_000


def test_no_latency_is_no_number_and_odd_ones_fit():
    latencies = Latencies()
    assert (latencies.percentile(0.5), latencies.longest) == (None, None)
    for seconds in (0.0, 1e9):
        latencies.add(seconds)
    assert latencies.percentile(0.5) == pytest.approx(0.01, rel=0.05)
    assert latencies.longest == 1e12
