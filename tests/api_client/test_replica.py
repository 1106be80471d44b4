"""What is confirmed and what is pending, in every order in which events, answers and refusals can come."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadcrew_client.replica import Replica
from roadcrew_client.rules import TripRules
from roadcrew_domain import crew, hotels, polls
from roadcrew_domain.crew import Invite
from roadcrew_domain.events import Event, Position, UnknownFact, event
from roadcrew_domain.money import Money
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Bounds, Command, CreateTrip, EditTrip, Trip, TripAct, decide, evolve

NOW = datetime(2030, 5, 1, tzinfo=UTC)
TOPIC = "trip:t"
EPOCH = "e"


class ScriptedServer:
    """A log and the rules: what a server would answer, without one."""

    def __init__(self) -> None:
        self.state: Trip | None = None
        self.log: list[Event] = []
        bounds = Bounds()
        self.execute(
            Command("t", "ana", CreateTrip("Lisbon", "Ana", Invite("K7QM-2D4F", None, None), bounds, 86400 * 180))
        )
        self.execute(Command("j", "ben", crew.JoinTrip("K7QM-2D4F", "Ben")))

    def execute(self, command: Command) -> Position | Refused:
        done = next((e for e in reversed(self.log) if e.command == command.id), None)
        if done is not None:
            return self.head()
        try:
            facts = decide(self.state, command, NOW)
        except Refused as refused:
            return refused
        for fact in facts:
            e = event(TOPIC, len(self.log), NOW, command.by, command.id, fact)
            self.state = evolve(self.state, e)
            self.log.append(e)
        return self.head()

    def head(self) -> Position:
        return Position.after(EPOCH, len(self.log) - 1, self.log[-1].command)


def fresh(server: ScriptedServer) -> Replica[Trip]:
    replica = Replica(TripRules("t"))
    assert server.state is not None
    replica.reset(server.state, len(server.log) - 1, EPOCH)
    return replica


@pytest.fixture
def server() -> ScriptedServer:
    return ScriptedServer()


OPEN = polls.OpenPoll("When?", "single", ("Wed", "Thu"))


# R: S6
def test_a_change_is_painted_at_once_and_stays_when_it_is_confirmed(server: ScriptedServer):
    replica = fresh(server)
    command = Command("p1", "ben", OPEN)
    replica.add(command, NOW)
    assert replica.drawn is not None
    assert replica.drawn.polls["p1"].question == "When?"
    assert replica.confirmed is not None
    assert len(replica.confirmed.polls) == 0
    server.execute(command)
    assert replica.confirm(server.log[-1]) == ("applied", ("p1",))
    assert replica.pending == ()
    assert replica.drawn == server.state


# R: S6
def test_a_change_can_build_on_one_that_is_itself_not_confirmed(server: ScriptedServer):
    replica = fresh(server)
    replica.add(Command("p1", "ben", OPEN), NOW)
    replica.add(Command("v1", "ben", polls.CastVote("p1", ("p1.1",))), NOW)
    assert replica.drawn is not None
    assert replica.drawn.polls["p1"].ballots["ben"] == (("p1.1", "yes"),)


# R: S6
def test_a_refusal_takes_the_paint_back(server: ScriptedServer):
    replica = fresh(server)
    replica.add(Command("p1", "ben", OPEN), NOW)
    assert replica.refuse("p1")
    assert replica.drawn == server.state
    assert not replica.refuse("p1")


# R: S6
def test_an_answer_keeps_the_paint_until_what_was_read_covers_it(server: ScriptedServer):
    replica = fresh(server)
    command = Command("p1", "ben", OPEN)
    replica.add(command, NOW)
    server.execute(Command("x", "ana", EditTrip(name="Porto")))
    position = server.execute(command)
    assert isinstance(position, Position)
    assert replica.answered("p1", position) == ()
    assert replica.drawn is not None
    assert "p1" in replica.drawn.polls
    assert replica.confirm(server.log[-2]) == ("applied", ())
    assert replica.confirm(server.log[-1]) == ("applied", ("p1",))


def test_a_change_that_changed_nothing_ends_with_its_answer(server: ScriptedServer):
    replica = fresh(server)
    command = Command("n", "ana", EditTrip(name="Lisbon"))
    replica.add(command, NOW)
    position = server.execute(command)
    assert isinstance(position, Position)
    assert replica.answered("n", position) == ("n",)


def test_an_answer_without_a_place_ends_the_change_here_and_now(server: ScriptedServer):
    replica = fresh(server)
    replica.add(Command("n", "ana", EditTrip(name="Porto")), NOW)
    assert replica.answered("n", None) == ("n",)


def test_a_log_that_began_anew_ends_what_was_answered_in_the_old_one(server: ScriptedServer):
    replica = fresh(server)
    replica.add(Command("n", "ana", EditTrip(name="Porto")), NOW)
    replica.answered("n", Position(EPOCH, 99, "x"))
    assert server.state is not None
    assert replica.reset(server.state, 1, "another") == ("n",)


@pytest.mark.parametrize(
    "act",
    [
        polls.OpenPoll("", "single", ("a", "b")),
        hotels.ShortlistHotel("Casa", "Lisbon", 9, Money(100, "EUR")),
        EditTrip(name="x" * 999),
    ],
)
def test_what_is_malformed_is_refused_here_and_nothing_waits(server: ScriptedServer, act: TripAct):
    replica = fresh(server)
    with pytest.raises(Refused):
        replica.add(Command("c", "ana", act), NOW)
    assert replica.pending == ()


@pytest.mark.parametrize(
    "act",
    [
        polls.OpenPoll("When?", "single", ("a", "b"), closes_at=NOW - timedelta(seconds=1)),
        polls.CastVote("unknown", ("x",)),
        crew.RemoveMember("ana"),
        hotels.VoteHotel("unknown"),
    ],
)
def test_any_other_doubt_is_for_the_server_to_decide(server: ScriptedServer, act: TripAct):
    replica = fresh(server)
    replica.add(Command("c", "ben", act), NOW)
    assert len(replica.pending) == 1
    assert replica.drawn == server.state


def test_old_events_and_gaps_change_nothing(server: ScriptedServer):
    replica = fresh(server)
    for name in ("Porto", "Faro"):
        server.execute(Command(name, "ana", EditTrip(name=name)))
    before = replica.drawn
    assert replica.confirm(server.log[0]) == ("old", ())
    assert replica.confirm(server.log[3]) == ("gap", ())
    assert replica.drawn is before


def test_an_event_of_a_newer_version_ends_predicting_and_leaves_what_was_confirmed(server: ScriptedServer):
    replica = fresh(server)
    replica.add(Command("p1", "ben", OPEN), NOW)
    strange = Event(TOPIC, 2, "HotAirBalloon", NOW, "ana", "z", UnknownFact())
    assert replica.confirm(strange) == ("unknown", ())
    assert replica.drawn == server.state
    assert not replica.predicting


def test_an_event_that_does_not_fit_the_state_asks_for_the_state(server: ScriptedServer):
    replica = fresh(server)
    odd = event(TOPIC, 2, NOW, "ana", "z", polls.VoteCast("no-such-poll", ()))
    assert replica.confirm(odd) == ("unknown", ())
    assert replica.confirmed == server.state


acts = st.one_of(
    st.builds(EditTrip, name=st.sampled_from(["Porto", "Faro", "Lisbon"])),
    st.just(OPEN),
    st.builds(
        hotels.ShortlistHotel,
        name=st.sampled_from(["Casa", "Sol"]),
        city=st.just("Lisbon"),
        stars=st.integers(0, 5),
        price_per_night=st.just(Money(8400, "EUR")),
    ),
    st.just(hotels.OpenHotelVoting("cheapest")),
    st.just(hotels.CloseHotelVoting()),
    st.just(crew.HandOver("ben")),
    st.integers(0, 3),
)
moves = st.lists(
    st.tuples(st.sampled_from(["mine", "other", "send", "answer", "event", "event", "old", "reset"]), acts),
    max_size=40,
)


# R: S1 S6 S7
@settings(max_examples=300, deadline=None)
@given(moves)
def test_in_whatever_order_events_answers_and_refusals_come_nothing_is_lost_or_doubled(script):
    server = ScriptedServer()
    replica = fresh(server)
    read = len(server.log)
    unsent: list[Command] = []
    replies: list[tuple[str, Position | Refused]] = []
    mine: dict[str, bool | None] = {}
    for n, (what, drawn) in enumerate(script):
        by = "ben" if what == "mine" else "ana"
        act: TripAct = polls.CastVote(f"c{drawn}", (f"c{drawn}.0",)) if isinstance(drawn, int) else drawn
        match what:
            case "mine":
                command = Command(f"c{n}", by, act)
                replica.add(command, NOW)
                unsent.append(command)
                mine[command.id] = None
            case "other":
                server.execute(Command(f"c{n}", by, act))
            case "send" if unsent:
                command = unsent.pop(0)
                server.execute(command)  # and again: the first answer was lost on the way
                replies.append((command.id, server.execute(command)))
            case "answer" if replies:
                _answer(replica, mine, *replies.pop(0))
            case "event" if read < len(server.log):
                assert replica.confirm(server.log[read])[0] == "applied"
                read += 1
            case "old":
                assert replica.confirm(server.log[read - 1])[0] == "old"
            case "reset":
                assert server.state is not None
                replica.reset(server.state, len(server.log) - 1, EPOCH)
                read = len(server.log)
        assert replica.drawn is not None
        assert {w.command.id for w in replica.pending} <= set(mine)
    for command in unsent:
        replies.append((command.id, server.execute(command)))
    for reply in replies:
        _answer(replica, mine, *reply)
    for e in server.log[read:]:
        replica.confirm(e)
    assert replica.pending == ()
    assert replica.drawn == replica.confirmed == server.state
    for made, refused in mine.items():
        events = [e for e in server.log if e.command == made]
        assert not (refused and events)
        assert len([e.type for e in events]) == len({e.type for e in events})


def _answer(replica: Replica[Trip], mine: dict[str, bool | None], command: str, reply: Position | Refused) -> None:
    mine[command] = isinstance(reply, Refused)
    if isinstance(reply, Refused):
        replica.refuse(command)
    else:
        replica.answered(command, reply)


def test_looking_twice_folds_once(server: ScriptedServer):
    replica = fresh(server)
    replica.add(Command("p1", "ben", OPEN), NOW)
    assert replica.drawn is replica.drawn
