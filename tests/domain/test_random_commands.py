"""Whatever people ask, in any order and with any text: what must hold after each step."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from random import Random
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import UNSET
from tests.conftest import Count, Figure
from tests.domain.booking_play import slot_info
from tests.domain.naive import recount
from tests.domain.playing import CODE, START, Play

from roadcrew_domain import bookings, crew, dropped, hotels, polls, runs
from roadcrew_domain.crew import Invite
from roadcrew_domain.events import decode_event, encode_event, event
from roadcrew_domain.money import Money
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import (
    Bounds,
    Command,
    CreateTrip,
    DeleteTrip,
    EditTrip,
    RestoreTrip,
    Tick,
    Trip,
    TripAct,
    decide,
    evolve,
    fold,
    next_due,
)
from roadcrew_domain.undoing import NotUndone, undo_of
from roadcrew_domain.views import decode_trip, encode_trip, to_view

PEOPLE = ("ana", "ben", "carla", "dev")
WHO = st.sampled_from(PEOPLE)
NTH = st.integers(0, 3)

TEXT = st.one_of(
    st.sampled_from(["Lisbon", "Porto", "Wed", "Thu", "Casa Azul", "Ana", "Ben"]),
    st.sampled_from(
        [
            "",
            " ",
            "\u202eevil",
            "\x1b[2J",
            "\x00",
            "\ud800",
            "[@click=app.quit]x[/]",
            "[/]",
            "Z" + "\u0335" * 60,
            "x" * 5000,
            "👩‍❤️‍👨",
            "می‌خواهم",
        ]
    ),
    st.text(alphabet=st.characters(), max_size=12),
)
NUMBER = st.one_of(st.integers(-1, 6), st.sampled_from([-(10**30), 2**63, 10**30]))
MOMENT = st.one_of(
    st.none(),
    st.timedeltas(timedelta(hours=-1), timedelta(days=3)).map(lambda ahead: START + ahead),
    st.sampled_from(
        [
            datetime.min.replace(tzinfo=UTC),
            datetime.max.replace(tzinfo=UTC),
            datetime.max.replace(tzinfo=timezone(-timedelta(hours=23))),
            datetime.min.replace(tzinfo=timezone(timedelta(hours=23))),
            datetime(2026, 5, 2, 12),  # noqa: DTZ001 - on purpose without a zone
        ]
    ),
)
DATE = st.one_of(st.none(), st.sampled_from([date.min, date(2026, 5, 21), date(2026, 5, 25), date.max]))
ANSWER = st.sampled_from(["yes", "maybe", "no"])

REPEATED = {
    polls.CastVote: set(),
    polls.OpenPoll: set(),
    polls.ClosePoll: set(),
    hotels.ShortlistHotel: set(),
    hotels.UnshortlistHotel: {"unknown-hotel"},
    dropped.RestoreHotel: set(),
    hotels.VoteHotel: set(),
    hotels.OpenHotelVoting: set(),
    hotels.CloseHotelVoting: set(),
    bookings.NoteBooking: set(),
    bookings.DropBooking: set(),
    runs.NoteRun: set(),
    runs.NoteRunEnd: set(),
    crew.JoinTrip: set(),
    crew.RenameMember: set(),
    crew.LeaveTrip: {"not-a-member", "trip-ended"},
    crew.RemoveMember: {"unknown-member"},
    crew.HandOver: {"not-organiser"},
    crew.RenewInvite: set(),
    crew.RevokeInvite: set(),
    EditTrip: set(),
    DeleteTrip: {"trip-ended"},
    RestoreTrip: set(),
    Tick: set(),
    CreateTrip: {"trip-exists"},
}
"""What an accepted command answers when it is sent again: nothing new (empty), or one of these refusals."""


class Crowd(RuleBasedStateMachine):
    """Four people and a timer, who act on one trip as they like."""

    accepted: ClassVar[Counter[str]] = Counter()
    undone: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.play = Play()
        self.outcomes: dict[str, polls.Outcome] = {}
        self.copy: Trip | None = None

    # --- how a command goes ----------------------------------------------------------------------

    def act(self, by: str | None, act: TripAct, command: str | None = None) -> None:
        """Decide; whatever comes of it must be a refusal or facts that fold. Then look closely."""
        play = self.play
        command = command or play.new_id()
        seen = len(play.events)
        no: Refused | None = None
        try:
            play.do(by, act, command)
        except Refused as refused:
            no = refused
        if no is not None:
            assert no.code
            assert no.detail.encode()
            assert len(play.events) == seen
            return
        self.accepted[type(act).__name__] += bool(play.events[seen:])
        for e in play.events[seen:]:
            assert decode_event(encode_event(e)) == e
            if self.copy is not None:
                self.copy = evolve(self.copy, decode_event(encode_event(e)))
        self.again(Command(command, by, act))
        self.outcome_stands()

    def again(self, command: Command) -> None:
        answer: object
        try:
            answer = decide(self.play.state, command, self.play.now)
        except Refused as refused:
            answer = refused.code
        assert answer == () or answer in REPEATED[type(command.act)], (command, answer)

    def outcome_stands(self) -> None:
        """A closed poll changes its outcome only by one settling of a tie, for one of those that led."""
        for poll in self.play.trip.polls.values():
            if poll.outcome is None:
                assert not poll.closed
                continue
            before = self.outcomes.setdefault(poll.id, poll.outcome)
            if before != poll.outcome:
                assert before.tie
                assert not poll.outcome.tie
                assert poll.outcome.chosen_by
                assert set(poll.outcome.winners) < set(before.winners)
                assert poll.outcome.voters == before.voters
                self.outcomes[poll.id] = poll.outcome

    def poll_id(self, n: int) -> str:
        ids = sorted(self.play.trip.polls)
        return ids[n % len(ids)] if ids else "nowhere"

    def hotel_id(self, n: int) -> str:
        ids = sorted(self.play.trip.hotels)
        return ids[n % len(ids)] if ids else "nowhere"

    def dropped_id(self, n: int) -> str:
        ids = sorted(self.play.trip.dropped)
        return ids[n % len(ids)] if ids else "nowhere"

    # --- what people do --------------------------------------------------------------------------

    @initialize(required=st.integers(1, 4), uses=st.sampled_from([None, 3]))
    def create(self, required: int, uses: int | None) -> None:
        self.begin(required, uses)

    def begin(self, required: int, uses: int | None) -> None:
        """A trip in full swing, so that what follows meets polls, hotels and an open vote."""
        self.play, self.outcomes, self.copy = Play(), {}, None
        invite, bounds = Invite(CODE, None, uses), Bounds(min_required_members=1)
        self.act("ana", CreateTrip("Lisbon", "Ana", invite, bounds, 20 * 86400, required_members=required))
        for who in ("ben", "carla"):
            self.act(who, crew.JoinTrip(CODE, who))
        ends = self.play.now + timedelta(hours=3)
        self.act("ben", polls.OpenPoll("When?", "multiple", ("Wed", "Thu"), ends))
        self.act("ana", polls.OpenPoll("Who?", "yes-maybe-no", ("Wed", "Thu")))
        for who, name in (("ana", "A"), ("ben", "B")):
            self.act(who, hotels.ShortlistHotel(name, "Lisbon", 3, Money(100, "EUR")))
        self.act("carla", hotels.OpenHotelVoting("organiser"))

    @precondition(lambda self: self.play.trip.ended)
    @rule(required=st.integers(1, 4))
    def start_over(self, required: int) -> None:
        self.begin(required, None)

    @rule(hours=st.sampled_from([0, 0.1, 1, 2, 3, 20, 400]))
    def wait(self, hours: float) -> None:
        self.play.now += timedelta(hours=hours)

    @rule()
    def wait_for_what_is_due(self) -> None:
        due = next_due(self.play.trip)
        if due is not None:
            self.play.wait_until(max(due, self.play.now + timedelta(seconds=1)))
            self.act(None, Tick())

    @rule()
    def tick(self) -> None:
        self.act(None, Tick())

    @rule(who=WHO, name=TEXT, code=st.sampled_from([CODE, CODE, "0000-0001", "\ud800"]))
    def join(self, who: str, name: str, code: str) -> None:
        self.act(who, crew.JoinTrip(code, name))

    @rule(who=WHO, really=st.booleans())
    def leave(self, who: str, really: bool) -> None:
        if really:
            self.act(who, crew.LeaveTrip())

    @rule(who=WHO, other=WHO)
    def remove(self, who: str, other: str) -> None:
        self.act(who, crew.RemoveMember(other))

    @rule(who=WHO, other=WHO)
    def hand_over(self, who: str, other: str) -> None:
        self.act(who, crew.HandOver(other))

    @rule(who=WHO, name=TEXT)
    def rename(self, who: str, name: str) -> None:
        self.act(who, crew.RenameMember(name))

    @rule(who=WHO, code=st.sampled_from([CODE, "0000-0001"]), until=MOMENT, uses=st.one_of(st.none(), NUMBER))
    def renew(self, who: str, code: str, until: datetime | None, uses: int | None) -> None:
        self.act(who, crew.RenewInvite(code, until, uses))

    @rule(who=WHO)
    def revoke(self, who: str) -> None:
        self.act(who, crew.RevokeInvite())

    @rule(
        who=WHO,
        name=TEXT,
        destination=st.one_of(st.none(), TEXT),
        starts=DATE,
        ends=DATE,
        required=NUMBER,
        percent=NUMBER,
    )
    def edit(
        self, who: str, name: str, destination: str | None, starts: date | None, ends: date | None, **n: int
    ) -> None:
        acts = (
            EditTrip(name=name),
            EditTrip(destination=destination, starts_on=starts, ends_on=ends),
            EditTrip(required_members=n["required"]),
            EditTrip(discount_percent=n["percent"]),
        )
        for act in acts:
            self.act(who, act)

    @rule(who=WHO, really=st.integers(0, 9))
    def delete(self, who: str, really: int) -> None:
        if really == 9:
            self.act(who, DeleteTrip())

    @precondition(lambda self: self.play.trip.ended)
    @rule(who=WHO)
    def restore(self, who: str) -> None:
        self.act(who, RestoreTrip())

    @rule(who=WHO)
    def undo(self, who: str) -> None:
        """What they did last is as it was before; and undone again, as they had made it."""
        play, events = self.play, tuple(self.play.events)
        try:
            act = undo_of(play.trip, events, who)
        except NotUndone as no:
            self.undone[no.code] += 1
            return
        made, last = play.trip, max(e.seq for e in events if e.by == who)
        first = next(e.seq for e in events if e.command == events[last].command)
        if not self.accepts(who, act):
            return
        self.undone[type(act).__name__] += 1
        assert touched(play.trip, who, act) == touched(fold(None, events[:first]), who, act), act
        if len(play.events) > len(events) and self.accepts(who, undo_of(play.trip, play.events, who)):
            assert touched(play.trip, who, act) == touched(made, who, act), act

    def accepts(self, who: str, act: TripAct) -> bool:
        """Do it; False if there is something against it."""
        try:
            decide(self.play.state, Command("c", who, act), self.play.now + timedelta(seconds=1))
        except Refused:
            return False
        self.act(who, act)
        return True

    @rule(
        who=WHO,
        question=TEXT,
        kind=st.sampled_from(["single", "multiple", "yes-maybe-no"]),
        options=st.one_of(st.just(["Wed", "Thu", "Fri"]), st.lists(TEXT, max_size=22)),
        ends=MOMENT,
        ahead=st.one_of(st.none(), st.integers(1, 48)),
    )
    def open_poll(
        self,
        who: str,
        question: str,
        kind: polls.PollKind,
        options: list[str],
        ends: datetime | None,
        ahead: int | None,
    ) -> None:
        ends = ends if ahead is None else self.play.now + timedelta(hours=ahead)
        self.act(who, polls.OpenPoll(question, kind, tuple(options), ends))

    @rule(who=WHO, kind=st.sampled_from(["single", "multiple", "yes-maybe-no"]))
    def open_plain_poll(self, who: str, kind: polls.PollKind) -> None:
        self.act(who, polls.OpenPoll("When?", kind, ("Wed", "Thu")))

    @precondition(lambda self: self.play.trip.polls)
    @rule(who=WHO, n=NTH)
    def open_under_a_taken_id(self, who: str, n: int) -> None:
        self.act(who, polls.OpenPoll("Mine", "single", ("a", "b")), self.poll_id(n))

    @rule(who=WHO, n=NTH, first=ANSWER, second=ANSWER, both=st.booleans())
    def vote(self, who: str, n: int, first: polls.Answer, second: polls.Answer, both: bool) -> None:
        poll = self.poll_id(n)
        one, two = f"{poll}.0", f"{poll}.1"
        answers = ((two, second), (one, first)) if both else ((one, first),)
        self.act(who, polls.CastVote(poll, answers=answers))
        self.act(who, polls.CastVote(poll, tuple(option for option, answer in answers if answer == "yes")))

    @rule(who=WHO, n=NTH, choices=st.lists(NTH, max_size=3), answers=st.lists(st.tuples(NTH, ANSWER), max_size=3))
    def vote_wildly(self, who: str, n: int, choices: list[int], answers: list[tuple[int, polls.Answer]]) -> None:
        poll = self.poll_id(n)
        options, given = tuple(f"{poll}.{c}" for c in choices), tuple((f"{poll}.{c}", a) for c, a in answers)
        self.act(who, polls.CastVote(poll, options, given))

    @rule(who=WHO, n=NTH, choice=st.one_of(st.none(), NTH))
    def close_poll(self, who: str, n: int, choice: int | None) -> None:
        poll = self.poll_id(n)
        self.act(who, polls.ClosePoll(poll, None if choice is None else f"{poll}.{choice}"))

    @rule(who=WHO, name=TEXT, stars=NUMBER, amount=NUMBER, currency=st.sampled_from(["EUR", "JPY", "eur", "\ud800UR"]))
    def shortlist(self, who: str, name: str, stars: int, amount: int, currency: str) -> None:
        self.act(who, hotels.ShortlistHotel(name, "Lisbon", stars, Money(amount, currency), None))

    @rule(who=WHO, name=st.sampled_from(["A", "B", "C", "D"]), url=st.one_of(st.none(), TEXT))
    def shortlist_plainly(self, who: str, name: str, url: str | None) -> None:
        self.act(who, hotels.ShortlistHotel(name, "Lisbon", 3, Money(100, "EUR"), url and f"https://{url}"))
        self.act(who, hotels.ShortlistHotel(name, "Lisbon", 3, Money(100, "EUR")))

    @rule(who=WHO, n=NTH)
    def unshortlist(self, who: str, n: int) -> None:
        self.act(who, hotels.UnshortlistHotel(self.hotel_id(n)))

    @rule(who=WHO, n=NTH)
    def restore_hotel(self, who: str, n: int) -> None:
        self.act(who, dropped.RestoreHotel(self.dropped_id(n)))

    @rule(who=WHO, rules=st.sampled_from(["cheapest", "first-shortlisted", "organiser"]))
    def open_voting(self, who: str, rules: hotels.TieRule) -> None:
        self.act(who, hotels.OpenHotelVoting(rules))

    @rule(who=WHO, n=st.one_of(st.none(), NTH))
    def vote_hotel(self, who: str, n: int | None) -> None:
        self.act(who, hotels.VoteHotel(None if n is None else self.hotel_id(n)))

    @rule(who=WHO, n=st.one_of(st.none(), NTH))
    def close_voting(self, who: str, n: int | None) -> None:
        self.act(who, hotels.CloseHotelVoting(None if n is None else self.hotel_id(n)))

    @rule(who=WHO, n=NTH, seats=st.integers(1, 4))
    def note_booking(self, who: str, n: int, seats: int) -> None:
        self.act(who, bookings.NoteBooking(f"b{n}", slot_info(), seats))

    @rule(who=WHO, n=NTH)
    def drop_booking(self, who: str, n: int) -> None:
        self.act(who, bookings.DropBooking(f"b{n}"))

    @rule(who=WHO, n=NTH, kind=st.sampled_from(["stay", "vehicle", "import"]), name=st.one_of(st.none(), TEXT))
    def note_run(self, who: str, n: int, kind: runs.RunKind, name: str | None) -> None:
        self.act(who, runs.NoteRun(f"r{n}", kind, name, count=n))

    @rule(
        who=st.one_of(st.none(), WHO),
        n=NTH,
        ended=st.sampled_from(["finished", "cancelled", "failed", "interrupted"]),
        best_of=st.one_of(st.none(), TEXT),
    )
    def note_run_end(self, who: str | None, n: int, ended: runs.RunEnd, best_of: str | None) -> None:
        best = None if best_of is None else Money(100, "EUR")
        self.act(who, runs.NoteRunEnd(f"r{n}", ended, n, best, best_of))

    @rule()
    def start_a_copy_from_the_snapshot(self) -> None:
        self.copy = decode_trip(encode_trip(self.play.trip))

    # --- what must hold --------------------------------------------------------------------------

    @invariant()
    def the_snapshot_is_the_state_and_a_copy_of_it_went_on_alike(self) -> None:
        if self.play.state is None:
            return
        state = self.play.state
        assert decode_trip(encode_trip(state)) == state
        assert to_view(decode_trip(encode_trip(state))) == to_view(state)
        assert self.copy is None or self.copy == state
        assert fold(None, [decode_event(encode_event(e)) for e in self.play.events]) == state

    @invariant()
    def the_tallies_are_those_of_a_recount(self) -> None:
        if self.play.state is None:
            return
        trip, naive = self.play.state, recount(self.play.events)
        assert {m.id: m.name for m in trip.members.values()} == naive.members
        assert trip.organiser == naive.organiser
        assert trip.organiser in naive.members or naive.ended
        assert trip.discount_unlocked == (len(naive.members) >= naive.required)
        assert naive.announced <= 1
        assert naive.announced == 1 or not trip.discount_unlocked
        assert set(trip.polls) == set(naive.polls)
        for poll in trip.polls.values():
            sides = {"yes": "yes", "maybe": "maybe", "no": "no"}
            counted = Counter(
                {(t.option.id, a): len(getattr(t, a)) for t in polls.tally(poll) for a in sides if getattr(t, a)}
            )
            assert counted == naive.counts(poll.id)
            assert list(polls.leaders(poll)) == naive.leaders(poll.id)
            assert poll.closed == naive.polls[poll.id].closed
            assert (list(poll.outcome.winners) if poll.outcome else None) == naive.polls[poll.id].winners
            if poll.takes_votes(self.play.now):
                assert set(poll.ballots) <= set(naive.members)
        assert {h.id: h.name for h in trip.hotels.values()} == naive.hotels
        assert dict(trip.voting.ballots.items()) == naive.hotel_votes
        assert not trip.voting.open or set(trip.voting.ballots) <= set(naive.members)
        assert {b.id: (b.member_id, b.seats) for b in trip.bookings.values()} == naive.bookings
        assert {member for member, _ in naive.bookings.values()} <= set(naive.members)
        assert {run.id: (run.by, run.ended) for run in trip.runs.values()} == naive.runs
        assert trip.ended is None or naive.ended

    @invariant()
    def the_timer_is_due_when_it_first_has_something_to_do(self) -> None:
        if self.play.state is None:
            return
        state = self.play.state
        due = next_due(state)
        if due is None:
            assert decide(state, Command("c", None, Tick()), datetime.max.replace(tzinfo=UTC)) == ()
            return
        assert decide(state, Command("c", None, Tick()), due - timedelta(microseconds=1)) == ()
        after: Trip | None = state
        facts = decide(state, Command("c", None, Tick()), due)
        assert facts
        for n, fact in enumerate(facts):
            after = evolve(after, event("trip:t", 10**6 + n, due, None, "c", fact))
        assert decide(after, Command("c", None, Tick()), due) == ()


def touched(trip: Trip | None, who: str, act: TripAct) -> object:
    """What of a trip an act of undoing is about."""
    assert trip is not None
    match act:
        case polls.CastVote(poll_id=poll):
            return trip.polls[poll].ballots.get(who)
        case hotels.VoteHotel():
            return trip.voting.ballots.get(who)
        case hotels.UnshortlistHotel(hotel_id=hotel) | dropped.RestoreHotel(hotel_id=hotel):
            return trip.hotels.get(hotel)
        case EditTrip():
            return {f: getattr(trip, f) for f in act.__struct_fields__ if getattr(act, f) is not UNSET}
    raise AssertionError(act)


# R: S6 T3 T4 T5 T6 T7 T9
def test_whatever_a_crowd_does_the_rules_hold(count: Count):
    run_state_machine_as_test(
        Crowd,
        settings=settings(
            max_examples=count(reduced=100, full=1000),
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def long_walk(crowd: Crowd, chance: Random, steps: int) -> None:
    """Many sensible acts in a row, which a search for short counterexamples seldom gets to."""
    who = partial(chance.choice, PEOPLE)
    nth = partial(chance.randrange, 4)
    answer = partial(chance.choice, ["yes", "maybe", "no"])
    ways: list[tuple[int, Callable[[], object]]] = [
        (20, lambda: crowd.vote(who(), nth(), answer(), answer(), both=chance.random() < 0.5)),
        (12, lambda: crowd.vote_hotel(who(), chance.choice([None, nth(), nth()]))),
        (6, lambda: crowd.join(who(), "Joe", CODE)),
        (4, lambda: crowd.shortlist_plainly(who(), chance.choice("ABCD"), None)),
        (3, lambda: crowd.unshortlist(who(), nth())),
        (3, lambda: crowd.restore_hotel(who(), nth())),
        (6, lambda: crowd.undo(who())),
        (1, lambda: crowd.delete(who(), 9)),
        (3, lambda: crowd.open_plain_poll(who(), chance.choice(["single", "multiple", "yes-maybe-no"]))),
        (3, lambda: crowd.close_poll(who(), nth(), chance.choice([None, 0, 1]))),
        (3, lambda: crowd.close_voting(who(), chance.choice([None, nth()]))),
        (3, lambda: crowd.open_voting(who(), chance.choice(["cheapest", "first-shortlisted", "organiser"]))),
        (2, lambda: crowd.open_poll(who(), "Q?", "single", ["a", "b"], None, chance.randrange(1, 5))),
        (2, lambda: crowd.leave(who(), really=True)),
        (1, lambda: crowd.remove(who(), who())),
        (2, lambda: crowd.hand_over(who(), who())),
        (2, lambda: crowd.renew(who(), CODE, None, None)),
        (1, lambda: crowd.revoke(who())),
        (2, lambda: crowd.rename(who(), chance.choice(["Ann", "Bea"]))),
        (1, lambda: crowd.act(who(), EditTrip(required_members=chance.randrange(1, 5)))),
        (3, lambda: crowd.note_booking(who(), nth(), chance.randrange(1, 5))),
        (2, lambda: crowd.drop_booking(who(), nth())),
        (1, lambda: crowd.note_run(who(), nth(), chance.choice(["stay", "vehicle", "import"]), None)),
        (1, lambda: crowd.note_run_end(chance.choice([None, who()]), nth(), "finished", chance.choice([None, "A"]))),
        (4, lambda: crowd.wait(chance.choice([0.1, 1, 3]))),
        (2, crowd.tick),
        (1, crowd.wait_for_what_is_due),
        (2, crowd.start_a_copy_from_the_snapshot),
    ]
    weights, acts = [w for w, _ in ways], [a for _, a in ways]
    for step in range(steps):
        if crowd.play.state is not None and crowd.play.trip.ended == "deleted":
            crowd.note_run_end(None, nth(), "finished", None)
            crowd.drop_booking(who(), nth())
            crowd.restore(crowd.play.trip.organiser)
        if crowd.play.state is None or crowd.play.trip.ended:
            crowd.begin(chance.randrange(1, 5), None)
        chance.choices(acts, weights)[0]()
        crowd.the_timer_is_due_when_it_first_has_something_to_do()
        if step % 10 == 9:
            crowd.the_tallies_are_those_of_a_recount()
            crowd.the_snapshot_is_the_state_and_a_copy_of_it_went_on_alike()


# R: S6 T3 T4 T5 T6 T7 T9
def test_the_rules_hold_on_long_walks_and_every_act_was_met(count: Count, figure: Figure):
    Crowd.accepted.clear()
    Crowd.undone.clear()
    for seed in range(count(reduced=40, full=500)):
        long_walk(Crowd(), Random(seed), steps=300)
    figure("accepted acts", dict(Crowd.accepted))
    figure("undone, and why not", dict(Crowd.undone))
    rare = {act.__name__ for act in REPEATED if Crowd.accepted[act.__name__] < 10}
    undone = ("CastVote", "VoteHotel", "EditTrip", "UnshortlistHotel", "RestoreHotel", "changed-since")
    rare |= {f"undoing: {what}" for what in undone if Crowd.undone[what] < 5}
    assert not rare, f"the crowd hardly got to {rare}"
