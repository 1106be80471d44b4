"""A plan follows from its numbers alone, and brings everybody back."""

import itertools
import json
import random

import pytest

from roadcrew_tui.simulation.plan import KINDS, MOST_SECONDS, MOST_STEPS, MOST_USERS, Plan, Step, make_plan

ENDS = {"lose-network": "get-network", "bad-network": "good-network", "hide": "show", "leave": "join-again"}
PLANS = [make_plan(users, seconds, seed) for users, seconds, seed in ((1, 1, 0), (7, 3, 5), (30, 20, 1), (4, 600, -9))]


# R: G2
def test_the_same_numbers_give_the_same_plan_byte_for_byte():
    random.seed(1)
    once = "\n".join(make_plan(20, 30, 7, 3).lines()).encode()
    random.seed(2)
    plan = make_plan(20, 30, 7, 3)
    assert "\n".join(plan.lines()).encode() == once
    assert plan.digest == make_plan(20, 30, 7, 3).digest


def test_a_plan_is_the_same_on_every_python_and_computer():
    assert make_plan(50, 20, 1).digest == "bbf9fc1a903667d3"


def test_each_number_makes_another_plan():
    digests = {
        make_plan(*numbers).digest for numbers in ((9, 5, 1, 2), (8, 5, 1, 2), (9, 6, 1, 2), (9, 5, 2, 2), (9, 5, 1, 3))
    }
    assert len(digests) == 5


def test_a_plan_is_json_lines_in_the_order_of_time():
    head, *lines = map(json.loads, make_plan(12, 10, 3, 2).lines())
    assert head == {"plan": 2, "users": 12, "seconds": 10, "seed": 3, "trips": 2}
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert {line["person"] for line in lines} == set(range(12))
    assert {line["do"] for line in lines} <= set(KINDS)


def test_a_larger_plan_has_every_kind_of_step():
    assert {s.kind for s in make_plan(100, 60, 1).steps()} == set(KINDS)


def lives(plan: Plan) -> list[list[Step]]:
    return [list(plan.steps_of(person)) for person in range(plan.users)]


@pytest.mark.parametrize("plan", PLANS)
def test_everybody_begins_in_a_trip_and_takes_one_step_after_the_other(plan: Plan):
    for person, life in enumerate(lives(plan)):
        assert life[0].kind == ("create" if person < plan.trips else "join")
        assert all(step.kind not in ("create", "join") for step in life[1:])
        assert all(a.at <= b.at for a, b in itertools.pairwise(life))
        assert 0 <= life[0].at <= life[-1].at < plan.seconds * 1000
        assert life[0].at <= min(plan.seconds * 200, 60_000)


@pytest.mark.parametrize("plan", PLANS)
def test_in_the_last_part_of_the_time_everybody_is_back_and_acts_calmly(plan: Plan):
    calm = max(plan.seconds * 850, plan.seconds * 1000 - 60_000)
    for life in lives(plan):
        away: str | None = None
        for step in life:
            if step.kind in ENDS:
                assert away is None
                assert step.at < calm
                away = ENDS[step.kind]
            elif step.kind == away:
                assert step.at <= calm
                away = None
            else:
                assert step.kind not in ENDS.values()
                assert away not in ("show", "join-again")  # who is hidden, or has left, does nothing
        assert away is None


@pytest.mark.parametrize("plan", PLANS)
def test_who_created_a_trip_stays_and_gives_the_others_something_to_vote_on(plan: Plan):
    for life in lives(plan)[: plan.trips]:
        assert "leave" not in {step.kind for step in life}
        first = [step.kind for step in life[1:4]]
        assert first == ["open-poll", "shortlist", "open-voting"][: len(first)]


def test_the_largest_plan_is_bounded_and_takes_no_memory_until_it_is_read():
    plan = make_plan(MOST_USERS, MOST_SECONDS, 1)
    steps = sum(1 for _ in plan.steps_of(MOST_USERS - 1))
    assert 0.8 * MOST_STEPS < steps * MOST_USERS < 1.2 * MOST_STEPS


@pytest.mark.parametrize(
    ("users", "seconds", "trips"),
    [(0, 1, 1), (MOST_USERS + 1, 1, 1), (1, 0, 1), (1, MOST_SECONDS + 1, 1), (1, 1, 0), (3, 1, 4), (-5, 1, None)],
)
def test_numbers_that_are_out_of_bounds_are_refused(users: int, seconds: int, trips: int | None):
    with pytest.raises(ValueError, match="1 to 2000 people"):
        make_plan(users, seconds, 1, trips)


def test_people_are_in_crews_of_about_ten_unless_said_otherwise():
    assert [make_plan(users, 1, 1).trips for users in (1, 9, 19, 20, 50, 2000)] == [1, 1, 1, 2, 5, 200]
    plan = make_plan(7, 1, 1, 3)
    assert [plan.trip_of(person) for person in range(7)] == [0, 1, 2, 0, 1, 2, 0]
