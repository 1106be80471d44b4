"""A step means something in the trip as it is: mostly what one may do, always what can be done."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import get_args

from roadcrew_domain.crew import Invite, JoinTrip
from roadcrew_domain.events import event
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Bounds, Command, CreateTrip, Trip, decide, evolve
from roadcrew_domain.views import encode_trip
from roadcrew_tui.simulation.choices import BOLD, act_for
from roadcrew_tui.simulation.plan import KINDS, Saying, Step

NOW = datetime(2030, 5, 1, tzinfo=UTC)
CREW = ("0", "1", "2", "3")


class Log:
    """A trip's log by the real rules."""

    def __init__(self) -> None:
        self.trip: Trip | None = None
        self.seq = 0
        self.now = NOW
        invite = Invite("K7QM-2D4F", None, None)
        self.do("t", "0", CreateTrip("Lisbon", "Ana", invite, Bounds(), 86400 * 180))
        for who in CREW[1:]:
            self.do(f"j{who}", who, JoinTrip(invite.code, f"Person {who}"))

    def do(self, command: str, who: str, act: object) -> int:
        """How many events came of it. Raises `Refused`."""
        made = decide(self.trip, Command(command, who, act), self.now)  # type: ignore[arg-type]
        for fact in made:
            self.trip = evolve(self.trip, event("trip:t", self.seq, self.now, who, command, fact))
            self.seq += 1
        self.now += timedelta(milliseconds=300)
        return len(made)


def played(seed: int, steps: int) -> tuple[Log, Counter[str], list[tuple[Step, Refused]]]:
    """A log, how often each kind did something, and what was refused."""
    chance, log = random.Random(seed), Log()
    elsewhere = ("create", "join", "look", "leave", "join-again", "hide", "show", *get_args(Saying))
    acts = [k for k in KINDS if k not in elsewhere]
    did: Counter[str] = Counter()
    refused: list[tuple[Step, Refused]] = []
    for n in range(steps):
        who = chance.choice(CREW)
        step = Step(n, int(who), chance.choice(acts), chance.randrange(10**6), chance.randrange(10**6))
        assert log.trip is not None
        act = act_for(step, log.trip, who, log.now)
        if act is None:
            continue
        try:
            did[step.kind] += log.do(f"c{n}", who, act) > 0
        except Refused as error:
            refused.append((step, error))
    return log, did, refused


def test_whoever_is_not_bold_does_what_the_rules_allow_and_the_bold_are_refused_as_people_are():
    did: Counter[str] = Counter()
    codes = set()
    for seed in range(6):
        _, more, refused = played(seed, 400)
        did += more
        for step, error in refused:
            assert error.kind != "invalid", (step, error.code)
            assert step.how % BOLD == 0 or error.code in ("hotel-listed", "too-many-polls"), (step, error.code)
            codes.add(error.code)
    acts = {"open-poll", "vote", "change-vote", "close-poll", "settle-tie", "shortlist", "take-off", "open-voting"}
    assert {k for k, n in did.items() if n} == {*acts, "vote-hotel", "close-voting", "hand-over"}
    assert {"not-yours-to-close", "not-yours-to-drop", "hotel-listed", "voting-closed", "voting-open"} <= codes


def test_the_same_steps_in_the_same_trip_are_the_same_acts():
    (one, _, _), (other, _, _) = played(3, 200), played(3, 200)
    assert one.trip is not None
    assert other.trip is not None
    assert encode_trip(one.trip) == encode_trip(other.trip)


def test_where_there_is_nothing_to_do_nothing_is_done():
    log = Log()
    assert log.trip is not None
    for kind in ("vote", "change-vote", "close-poll", "settle-tie", "take-off", "vote-hotel", "close-voting", "look"):
        assert act_for(Step(0, 1, kind, 1, 1), log.trip, "1", log.now) is None


def test_simulated_people_say_that_they_are_and_no_two_are_called_the_same():
    from roadcrew_tui.crowd import MARK, name_of

    names = [name_of(n) for n in range(2000)]
    assert all(name.endswith(MARK) for name in names)
    assert len(set(names)) == 2000
