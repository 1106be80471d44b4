"""Quote runs and imports, whatever people and processes do: some of these die, sleep, and wake up too late."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.conftest import Count, Figure
from tests.domain.booking_play import Log
from tests.domain.run_play import ANA, BEN, RATES, SIZE, SLOW, WEB, JobPlay, QuotePlay, a_stay, price

from roadcrew_domain import jobs, quotes
from roadcrew_domain.events import Event, decode_event, encode_event
from roadcrew_domain.jobs_state import (
    AddRows,
    CancelImport,
    Checkpoint,
    FailImport,
    FinishImport,
    JobAct,
    JobCommand,
    JobTick,
    ReasonCount,
    SayConnected,
    SayDisconnected,
)
from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import (
    AddFailure,
    AddResult,
    CancelRun,
    Choice,
    Price,
    QuoteAct,
    QuoteCommand,
    QuoteRun,
    QuoteTick,
    SayActivity,
    VoteQuote,
)
from roadcrew_domain.refusals import Refused
from roadcrew_domain.running import StartRunner, TellEnd

PROVIDERS = st.sampled_from(["rates", "web", "slow", "eve"])
PROCESS = st.integers(0, 4)
WHO = st.sampled_from([ANA, BEN, None])
PRICES = st.lists(
    st.builds(
        Price,
        st.builds(Money, st.integers(-1, 10**12 + 1), st.sampled_from(["EUR", "USD", "eur"])),
        st.sampled_from(["casa", "pensao", "elsewhere", None]),
        st.one_of(st.none(), st.text(max_size=5)),
    ),
    max_size=3,
).map(tuple)
WAITS = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 119.0, 7200.0])

ENDS = {"QuoteFinished", "QuoteCancelled", "QuoteInterrupted"}
JOB_ENDS = {"ImportFinished", "ImportCancelled", "ImportFailed", "ImportInterrupted"}


def check_log(
    play: Log[Any, Any], ends: set[str], afterwards: set[str], evolve: Callable[[Any, Event], Any]
) -> list[str]:
    """What holds of both kinds: who is fenced off writes nothing; after the end nothing is said of the work; the log
    makes the state. The types of what happened."""
    types = [e.type for e in play.events]
    assert sum(t in ends for t in types) <= 1
    over, fence = False, 0
    state = None
    for e in play.events:
        assert not over or e.type in afterwards
        over = over or e.type in ends
        if e.type == "RunnerStarted":
            assert e.data.fence > fence  # type: ignore[attr-defined]
            fence = e.data.fence  # type: ignore[attr-defined]
        elif e.command.startswith("runner"):
            assert e.type in ends or e.command.split("/")[1] == str(fence)
        state = evolve(state, decode_event(encode_event(e)))
    assert state == play.state
    return types


def check_due(play: Log[Any, Any], due: Any, tick: Any, decide: Callable[..., tuple[Any, ...]]) -> None:
    """The timer has nothing to say before it is due, and what is over in any case is said at that moment."""
    state = play.state
    if due is None:
        assert state.expired
        return
    assert decide(state, tick, due - timedelta(microseconds=1)) == ()
    if due in (state.ends_by, state.keep_until):
        assert decide(state, tick, due)
    for end in (state.ends_by, state.keep_until):
        facts = decide(state, tick, end)
        assert len(facts) == (state.status == "processing") + (end == state.keep_until and not state.expired)


class QuoteWalk(RuleBasedStateMachine):
    """Ana, Ben, and up to five processes: each has the fence of its lease, and only the newest may write."""

    accepted: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.play = QuotePlay()
        self.copy: QuoteRun | None = None
        self.processes: list[int] = []
        self.fence = 0

    @initialize()
    def begin(self) -> None:
        self.play = QuotePlay().ask(a_stay(), RATES, WEB, SLOW)
        self.processes, self.fence, self.copy = [], 0, None
        self.take_over(1)
        self.by_process(0, lambda fence: AddResult(fence, "web", (price(7), price(9, "pensao"))))

    def act(self, by: str | None, act: QuoteAct, command: str | None = None) -> None:
        play = self.play
        command = command or play.new_id()
        seen = len(play.events)
        try:
            happened = play.do(by, act, command)
        except Refused:
            assert len(play.events) == seen
            return
        self.accepted.update(happened)
        for e in play.events[seen:]:
            if self.copy is not None:
                self.copy = quotes.evolve(self.copy, decode_event(encode_event(e)))
        if not isinstance(act, SayActivity) and not play.state.expired:
            assert quotes.decide(play.state, QuoteCommand(command, by, act), play.now) == ()

    def by_process(self, n: int, make: Callable[[int], QuoteAct]) -> None:
        if self.processes:
            fence = self.processes[-1 - n % len(self.processes)]
            self.act(None, make(fence), f"runner/{fence}/{self.play.new_id()}")

    @rule(apart=st.integers(1, 3))
    def take_over(self, apart: int) -> None:
        self.fence += apart
        self.processes.append(self.fence)
        self.by_process(0, StartRunner)

    @rule(n=PROCESS)
    def start_again(self, n: int) -> None:
        self.by_process(n, StartRunner)

    @rule(n=PROCESS, provider=PROVIDERS, said=st.text(max_size=8))
    def say(self, n: int, provider: str, said: str) -> None:
        self.by_process(n, lambda fence: SayActivity(fence, provider, said))

    @rule(n=PROCESS, provider=PROVIDERS, prices=PRICES)
    def answer_wildly(self, n: int, provider: str, prices: tuple[Price, ...]) -> None:
        self.by_process(n, lambda fence: AddResult(fence, provider, prices))

    @rule(n=PROCESS, provider=st.sampled_from(["rates", "slow"]), amount=st.integers(1, 5))
    def answer(self, n: int, provider: str, amount: int) -> None:
        self.by_process(n, lambda fence: AddResult(fence, provider, (price(amount), price(9, "pensao"))))

    @rule(n=PROCESS, provider=PROVIDERS, detail=st.text(max_size=8))
    def fail(self, n: int, provider: str, detail: str) -> None:
        self.by_process(n, lambda fence: AddFailure(fence, provider, "nonsense", detail))

    @rule(who=WHO, provider=st.one_of(st.none(), PROVIDERS), hotel=st.sampled_from(["casa", "pensao"]))
    def vote(self, who: str | None, provider: str | None, hotel: str) -> None:
        self.act(who, VoteQuote(None if provider is None else Choice(provider, hotel)))

    @rule(who=WHO, chair=st.booleans(), really=st.integers(0, 4))
    def cancel(self, who: str | None, chair: bool, really: int) -> None:
        if really == 4:
            self.act(who, CancelRun(chair))

    @rule(seconds=WAITS)
    def wait(self, seconds: float) -> None:
        self.play.now += timedelta(seconds=seconds)

    @rule()
    def tick(self) -> None:
        self.act(None, QuoteTick())

    @rule()
    def tell_the_trip(self) -> None:
        self.act(None, TellEnd())

    @rule()
    def start_a_copy_from_the_snapshot(self) -> None:
        self.copy = quotes.decode_run(quotes.encode_run(self.play.state))

    @invariant()
    def each_provider_has_one_answer_and_who_is_fenced_off_none(self) -> None:
        if self.play.folded is None:
            return
        run, events = self.play.state, self.play.events
        assert quotes.decode_run(quotes.encode_run(run)) == run
        assert self.copy is None or self.copy == run
        check_log(self.play, ENDS, {"QuoteVoted", "QuoteExpired", "EndTold"}, quotes.evolve)
        answers = [e for e in events if e.type in ("QuoteResult", "QuoteFailure")]
        answered = {e.data.provider for e in answers}  # type: ignore[attr-defined]
        assert len(answers) == len(answered)
        assert answered == {p for p, a in run.answers.items() if a.state in ("priced", "failed")}
        done = 0
        for before, after in pairwise(events):
            if before in answers:
                done += 1
                assert (after.type, after.data.done, after.data.total) == ("QuoteProgress", done, 3)  # type: ignore[attr-defined]
            elif before.type == "QuoteProgress":
                assert (after.type == "QuoteFinished") == (done == 3)
        assert (run.status == "finished") == (len(answered) == 3)
        votes: dict[str | None, Choice | None] = {}
        for e in events:
            if e.type == "QuoteVoted":
                votes[e.by] = e.data.choice  # type: ignore[attr-defined]
        assert dict(run.ballots.items()) == {by: choice for by, choice in votes.items() if choice}
        found = quotes.standings(run)
        assert {s.choice for s in found} >= set(run.ballots.values())
        assert sum(len(s.votes) for s in found) == len(run.ballots)

    @invariant()
    def the_timer_is_due_when_it_first_has_something_to_do(self) -> None:
        if self.play.folded is not None:
            tick = QuoteCommand("c", None, QuoteTick())
            check_due(self.play, quotes.next_due(self.play.state), tick, quotes.decide)


SETTINGS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


# R: Q4 Q7 Q8
def test_whatever_people_and_processes_do_with_a_run_its_rules_hold(count: Count):
    run_state_machine_as_test(
        QuoteWalk,
        settings=settings(
            max_examples=count(reduced=60, full=1000),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=SETTINGS,
        ),
    )


def long_walk(crowd: QuoteWalk, chance: Random) -> None:
    """Many sensible acts until the run is forgotten."""
    crowd.begin()
    providers = ["rates", "slow", "web", "eve"]
    ways: list[tuple[int, Callable[[], object]]] = [
        (3, lambda: crowd.take_over(chance.randrange(1, 3))),
        (2, lambda: crowd.start_again(chance.randrange(3))),
        (9, lambda: crowd.say(chance.randrange(3), chance.choice(providers), "Asking")),
        (3, lambda: crowd.answer(chance.randrange(3), chance.choice(providers), chance.randrange(1, 5))),
        (2, lambda: crowd.fail(chance.randrange(3), chance.choice(providers), "No.")),
        (9, lambda: crowd.vote(chance.choice([ANA, BEN]), chance.choice([None, *providers]), "casa")),
        (1, lambda: crowd.cancel(chance.choice([ANA, BEN]), chair=False, really=chance.randrange(5))),
        (6, lambda: crowd.wait(chance.choice([0.5, 5.0, 20.0]))),
        (2, crowd.tick),
        (2, crowd.tell_the_trip),
        (2, crowd.start_a_copy_from_the_snapshot),
    ]
    acts, weights = [act for _, act in ways], [weight for weight, _ in ways]
    for step in range(60):
        chance.choices(acts, weights)[0]()
        crowd.the_timer_is_due_when_it_first_has_something_to_do()
        if step % 10 == 9:
            crowd.each_provider_has_one_answer_and_who_is_fenced_off_none()
    crowd.wait(7200)
    crowd.tick()
    crowd.each_provider_has_one_answer_and_who_is_fenced_off_none()
    assert crowd.play.state.expired


# R: Q4 Q7 Q8
def test_a_run_s_rules_hold_on_long_walks_and_all_that_can_happen_was_met(count: Count, figure: Figure):
    QuoteWalk.accepted.clear()
    for seed in range(count(reduced=60, full=1000)):
        long_walk(QuoteWalk(), Random(seed))
    figure("events of runs", dict(QuoteWalk.accepted))
    answers = {"QuoteActivity", "QuoteResult", "QuoteFailure", "QuoteProgress"}
    assert set(QuoteWalk.accepted) == {*ENDS, *answers, "QuoteVoted", "QuoteExpired", "RunnerStarted", "EndTold"}


# R: Q4 Q7
def test_in_whatever_order_processes_die_and_take_over_each_provider_is_answered_once_at_the_end(
    count: Count, figure: Figure
):
    """A process asks those who have not answered when it takes over; it may be asked to go on long after it lost."""
    taken = asked_twice = refused = 0
    for seed in range(count(reduced=200, full=5000)):
        chance, play = Random(seed), QuotePlay().ask(a_stay(), RATES, WEB, SLOW)
        processes: list[tuple[int, list[str]]] = []
        asked: Counter[str] = Counter()
        while play.state.status == "processing":
            deaths = 8 - len(processes)  # one more would be too often
            if not processes or (deaths > 0 and chance.random() < 0.25):
                fence = len(processes) + 1
                play.start(fence)
                open_ = [p for p, a in play.state.answers.items() if a.state in ("waiting", "working")]
                processes.append((fence, chance.sample(open_, len(open_))))
                asked.update(open_)
                continue
            newest = processes[-1] if chance.random() < 0.5 else None
            fence, to_do = newest or chance.choice(processes)
            if not to_do:
                continue
            provider = to_do.pop()
            before = play.state.answers[provider].state
            fail = chance.random() < 0.3
            act = AddFailure(fence, provider, "timeout", "") if fail else AddResult(fence, provider, (price(1),))
            if fence < play.state.fence:
                assert play.refusal(None, act) == ("fenced-off", "conflict")
                refused += 1
            else:
                assert bool(play.do(None, act, f"runner/{fence}/{play.new_id()}")) == (before in ("waiting", "working"))
        types = check_log(play, ENDS, set(), quotes.evolve)
        assert types.count("QuoteResult") + types.count("QuoteFailure") == types.count("QuoteProgress") == 3
        assert types[-1] == "QuoteFinished"
        taken += len(processes)
        asked_twice += sum(asked.values()) - 3
    figure("runs taken up, providers asked again, writes of who had lost", (taken, asked_twice, refused))
    assert asked_twice
    assert refused


# --- imports -------------------------------------------------------------------------------------


class Reader:
    """A process that reads a feed for its job: from where the job was when it took it over."""

    def __init__(self, play: JobPlay, fence: int) -> None:
        self.play, self.fence = play, fence
        self.offset = play.state.checkpoint.offset
        self.lost: AddRows | None = None

    def part(self, size: int) -> AddRows:
        """The next bytes, each a row; every seventh is a bad one."""
        to = min(self.offset + size, SIZE)
        bad = sum(n % 7 == 0 for n in range(self.offset, to))
        good = to - self.offset - bad
        key = f"{self.offset}-{to}"
        reasons = (ReasonCount("bad-price", bad),) if bad else ()
        pages = (key if good else None, key if bad else None)
        return AddRows(self.fence, good, bad, Checkpoint(to, f"t{to}"), to, *pages, reasons)

    def do(self, act: JobAct) -> list[str]:
        return self.play.do(None, act, f"runner/{self.fence}/{self.play.new_id()}")

    def read(self, size: int, *, heard: bool) -> None:
        """One part more; who does not hear that it was taken says it again."""
        rows = self.lost or self.part(size)
        self.do(rows)
        self.lost = None if heard else rows
        if heard:
            self.offset = rows.checkpoint.offset


def walk(seed: int, met: Counter[str]) -> None:
    chance, play = Random(seed), JobPlay().ask()
    readers: list[Reader] = []
    while not play.state.expired:
        play.now += timedelta(seconds=chance.choice([0, 0, 0, 1, 3]))
        if not readers or (chance.random() < 0.1 and play.state.status == "processing"):
            fence = 1 + (readers[-1].fence if readers else 0) + chance.randrange(2)
            play.do(None, StartRunner(fence), f"runner/{fence}/{play.new_id()}")
            readers.append(Reader(play, fence))
        reader = readers[-1] if chance.random() < 0.7 else chance.choice(readers)
        ways: list[tuple[int, Callable[[], object]]] = [
            (30, lambda r=reader: r.read(chance.randrange(1, 40), heard=chance.random() < 0.8)),  # type: ignore[misc]
            (3, lambda r=reader: r.do(SayConnected(r.fence))),  # type: ignore[misc]
            (2, lambda r=reader: r.do(SayDisconnected(r.fence, 2.0))),  # type: ignore[misc]
            (1, lambda r=reader: r.do(FinishImport(r.fence))),  # type: ignore[misc]
            (1, lambda r=reader: r.do(FailImport(r.fence, "bad-feed", "No."))),  # type: ignore[misc]
            (1, lambda: play.do(chance.choice([ANA, BEN, None]), CancelImport())),
            (3, play.tick),
        ]
        if play.state.status != "processing":
            play.now += timedelta(minutes=20)
            ways += [(30, play.tick), (10, lambda: play.do(None, TellEnd()))]
        try:
            chance.choices([way for _, way in ways], [weight for weight, _ in ways])[0]()
        except Refused as refused:
            met[refused.code] += 1
        tick = JobCommand("c", None, JobTick())
        check_due(play, jobs.next_due(play.state), tick, jobs.decide)
    check_log(play, JOB_ENDS, {"ImportExpired", "EndTold"}, jobs.evolve)
    job = play.state
    assert jobs.decode_job(jobs.encode_job(job)) == job
    parts = [e.data.checkpoint.offset for e in play.events if e.type == "RowsImported"]  # type: ignore[attr-defined]
    assert [*job.pages] == [f"{a}-{b}" for a, b in pairwise([0, *parts]) if f"{a}-{b}" in job.pages]
    assert job.counts.good + job.counts.refused == job.counts.bytes == job.checkpoint.offset == max(parts, default=0)
    assert sum(reason.rows for reason in job.reasons) == job.counts.refused == -(-job.counts.bytes // 7)
    met.update(e.type for e in play.events)


# R: J4
def test_in_whatever_order_processes_die_and_take_over_no_row_is_imported_twice_or_left_out(
    count: Count, figure: Figure
):
    met: Counter[str] = Counter()
    for seed in range(count(reduced=150, full=3000)):
        walk(seed, met)
    figure("met on walks through imports", dict(met))
    assert not {*JOB_ENDS, "RowsImported", "ImportConnected", "ImportDisconnected", "EndTold", "fenced-off"} - set(met)


# R: Q7 J4
@pytest.mark.parametrize("sleeps", [0, 1, 14, 60])
def test_a_process_that_sleeps_through_a_take_over_writes_nothing_when_it_wakes_up(sleeps: int):
    quote, job = QuotePlay().ask(), JobPlay().ask()
    for play in (quote, job):
        play.start(3)
    rows = job.rows(fence=3)
    for play in (quote, job):
        play.now += timedelta(seconds=sleeps)
        play.start(4)
    late: list[QuoteAct] = [SayActivity(3, "web", "x"), AddResult(3, "web", (price(1),))]
    late.append(AddFailure(3, "web", "internal", "x"))
    assert {quote.refusal(None, act)[0] for act in late} == {"fenced-off"}
    assert job.refusal(None, rows)[0] == "fenced-off"
    assert quote.answer("web", fence=4)
    assert job.do(None, job.rows(fence=4)) == ["RowsImported"]
