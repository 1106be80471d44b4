"""Trying again, on a loop whose time jumps: what is waited is exact, and nobody waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.jumping import jumping

import roadcrew_client as rc
from roadcrew_client.retry import Retry, execute_with_retry, load_with_retry


def run(main: Callable[[], Awaitable[Any]]) -> tuple[Any, float]:
    """The result, or what was raised, and how long it took in virtual seconds."""

    async def guarded() -> Any:
        try:
            return await main()
        except rc.RoadcrewError as error:
            return error

    return jumping(guarded)


class Failing:
    """Fails so often, then works; remembers when it was tried."""

    def __init__(self, *errors: rc.RoadcrewError) -> None:
        self.errors = list(errors)
        self.times: list[float] = []

    async def __call__(self) -> str:
        self.times.append(asyncio.get_running_loop().time())
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def lost() -> rc.Unreachable:
    return rc.Unreachable("cut", "The connection was cut.")


# R: C5
def test_three_attempts_with_growing_jittered_delays():
    for chance, waits in ((0.0, [0.25, 0.5]), (0.5, [0.375, 0.75]), (0.999, [0.49975, 0.9995])):
        action = Failing(lost(), lost())
        result, took = run(lambda: execute_with_retry(action, chance=lambda: chance))  # noqa: B023
        assert result == "done"
        assert took == pytest.approx(sum(waits))
        assert action.times == pytest.approx([0, waits[0], sum(waits)])


# R: C5
def test_the_third_failure_is_the_last():
    action = Failing(*(rc.ServerTrouble(f"t{n}", "Trouble.") for n in range(9)))
    result, _ = run(lambda: execute_with_retry(action))
    assert result.code == "t2"
    assert len(action.times) == 3


# R: C5
@pytest.mark.parametrize(
    "error",
    [
        rc.NotSignedIn("not-signed-in", ""),
        rc.SessionNotReady("session-not-ready", ""),
        rc.Forbidden("not-a-member", ""),
        rc.NotFound("unknown-trip", ""),
        rc.Rejected("poll-closed", ""),
        rc.ServerTrouble("redirected", ""),
    ],
)
def test_what_will_not_pass_ends_it_at_once(error: rc.RoadcrewError):
    action = Failing(error)
    result, took = run(lambda: execute_with_retry(action))
    assert result is error
    assert (len(action.times), took) == (1, 0)


# R: C5 S8
@pytest.mark.parametrize("how", [execute_with_retry, load_with_retry])
def test_retry_after_is_obeyed_and_not_by_all_in_the_same_moment(how: Callable[..., Awaitable[str]]):
    for chance, took in ((0.0, 7.0), (0.5, 7.5), (0.999, 7.999)):
        action = Failing(rc.TooManyRequests("too-many-requests", "", retry_after=7))
        assert run(lambda: how(action, chance=lambda: chance)) == ("done", took)  # noqa: B023


# R: C5
def test_each_failed_attempt_is_told_with_the_wait_that_follows_it():
    told: list[Retry] = []
    errors = [lost(), rc.TooManyRequests("too-many-requests", "", retry_after=7), rc.ServerTrouble("t", "Trouble.")]
    action = Failing(*errors)
    result, took = run(lambda: execute_with_retry(action, chance=lambda: 0.0, progress=told.append))
    assert result is errors[2]
    assert told == [Retry(1, 3, errors[0], 0.25), Retry(2, 3, errors[1], 7), Retry(3, 3, errors[2], None)]
    assert took == 7.25


def test_what_works_at_once_or_never_will_is_not_told():
    told: list[Retry] = []
    run(lambda: execute_with_retry(Failing(), progress=told.append))
    run(lambda: execute_with_retry(Failing(rc.NotSignedIn("not-signed-in", "")), progress=told.append))
    assert told == []


# R: C6
def test_a_list_is_loaded_in_three_attempts_half_a_second_apart_and_then_a_whole_one():
    told: list[Retry] = []
    action = Failing(lost(), lost())
    assert run(lambda: load_with_retry(action, progress=told.append)) == ("done", 1.5)
    assert action.times == [0, 0.5, 1.5]
    assert [t.wait for t in told] == [0.5, 1.0]


# R: C6
def test_a_list_that_can_not_be_loaded_says_so_after_three_attempts_and_waits_for_no_more():
    action = Failing(*(lost() for _ in range(9)))
    result, took = run(lambda: load_with_retry(action))
    assert isinstance(result, rc.Unreachable)
    assert (len(action.times), took) == (3, 1.5)


# R: C6
@pytest.mark.parametrize("error", [rc.NotSignedIn("not-signed-in", ""), rc.SessionNotReady("session-not-ready", "")])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_401_is_no_error_of_a_list(error: rc.RoadcrewError, before: int):
    action = Failing(*(lost() for _ in range(before)), error)
    assert run(lambda: load_with_retry(action))[0] is None
    assert len(action.times) == before + 1


# R: C5
def test_a_wait_that_would_end_too_late_is_not_begun():
    error = rc.TooManyRequests("too-many-requests", "", retry_after=60)
    action = Failing(error)
    assert run(lambda: execute_with_retry(action, total=45)) == (error, 0)


# R: C5
def test_the_whole_of_it_ends_in_time_however_slow_an_attempt_is():
    async def slow() -> None:
        await asyncio.Event().wait()

    result, took = run(lambda: execute_with_retry(slow, total=45))
    assert isinstance(result, rc.Unreachable)
    assert took == pytest.approx(45)


def test_cancelling_is_not_tried_again():
    tries = 0

    async def action() -> None:
        nonlocal tries
        tries += 1
        raise asyncio.CancelledError

    async def main() -> str:
        try:
            await execute_with_retry(action)
        except asyncio.CancelledError:
            return "cancelled"
        return "done"

    assert run(main) == ("cancelled", 0)
    assert tries == 1
