"""How changes are sent again, on a loop whose time jumps: real senders, and a stand-in for the way to their server."""

import asyncio
import random
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from tests.conftest import Figure
from tests.support.jumping import LoopClock, jumping

import roadcrew_client as rc
from roadcrew_client.changes import SendState
from roadcrew_client.context import Context, Wished
from roadcrew_client.models import Answer
from roadcrew_client.routes import Call
from roadcrew_client.sender import Job, Sender
from roadcrew_client.session import SessionKeeper
from roadcrew_client.settings import ClientSettings, ServerTime
from roadcrew_client.transport import Reply

MOST = 0.15
"""The largest share of all that may come within one second (issue 4)."""
ANSWER = Reply(200, {}, b'{"cursor":"c"}')


@dataclass
class Way:
    """Stands in for the way to a server that is away until `opens`, and refuses with `refusal` until then."""

    opens: float = 0.0
    refusal: rc.RoadcrewError = field(default_factory=lambda: rc.Unreachable("no-connection", "Nobody there."))
    asked: list[float] = field(default_factory=list)
    came: list[float] = field(default_factory=list)

    async def call(self, method: str, path: str, **_: object) -> Reply:
        now = asyncio.get_running_loop().time()
        self.asked.append(now)
        if now < self.opens:
            await asyncio.sleep(0.03)
            raise self.refusal
        self.came.append(now)
        return ANSWER


class Desk:
    """Somebody with one change."""

    def __init__(self) -> None:
        self.done = asyncio.Event()

    def still_wanted(self, command: str) -> bool:
        return not self.done.is_set()

    def sending(self, command: str, state: SendState, error: rc.RoadcrewError | None) -> None:
        pass

    def accepted(self, command: str, answer: Answer, seconds: float) -> None:
        self.done.set()

    def refused(self, command: str, error: rc.RoadcrewError) -> None:
        raise error

    def set_aside(self, command: str, why: rc.RoadcrewError) -> None:
        raise why


def context(way: Way, dice: random.Random, wish: float = 0.0) -> Context:
    async def connect() -> Any:
        return cast(Any, way)

    clock, settings = LoopClock(), ClientSettings()
    time = ServerTime(clock)
    keeper = SessionKeeper(connect, settings, time, "token")
    return Context(keeper, settings, clock, time, dice.random, wished=Wished(wish))


def worst_second(moments: list[float]) -> float:
    """The largest share within any one second."""
    ordered = sorted(moments)
    return max(bisect_left(ordered, m + 1) - n for n, m in enumerate(ordered)) / len(ordered)


async def all_send(way: Way, size: int, wish: float) -> None:
    """So many people, each with one change, made while the server goes."""

    async def one(number: int) -> None:
        dice = random.Random(number)
        desk = Desk()
        sender = Sender(context(way, dice, wish), desk)
        sender.put(Job("c", Call("/api/social-cart/update", b"{}")))
        running = asyncio.create_task(sender.run())
        await desk.done.wait()
        running.cancel()
        await asyncio.wait([running])

    await asyncio.gather(*(one(number) for number in range(size)))


# R: S8
@pytest.mark.parametrize("seconds", [2, 60])
@pytest.mark.parametrize(
    "refusal",
    [rc.Unreachable("no-connection", "Nobody there."), rc.ServerTrouble("http-502", "", status=502, certain=False)],
    ids=["nobody there", "behind a gateway"],
)
def test_a_thousand_people_whose_changes_wait_do_not_storm_a_server_that_is_back(
    seconds: int, refusal: rc.RoadcrewError, figure: Figure
):
    way = Way(float(seconds), refusal)
    jumping(lambda: all_send(way, 1000, wish=2.0))
    share, last = worst_second(way.came), max(way.came) - seconds
    figure(f"1000 changes, down {seconds} s, {refusal.code}: largest share in any one second", f"{share:.1%}")
    figure(f"1000 changes, down {seconds} s, {refusal.code}: all sent after, s", f"{last:.1f}")
    assert len(way.came) == 1000
    assert share <= MOST
    assert last < 40


def test_without_what_the_server_wishes_most_of_them_would_come_in_one_second():
    way = Way(2.0)
    jumping(lambda: all_send(way, 300, wish=0.0))
    assert worst_second(way.came) > 2 * MOST


# R: S8
@pytest.mark.parametrize("error", [rc.ServerTrouble, rc.TooManyRequests])
def test_retry_after_is_a_floor_and_never_the_moment_itself(error: type[rc.RoadcrewError]):
    way = Way(2.0, error("busy", "Later.", retry_after=10.0))
    jumping(lambda: all_send(way, 1000, wish=2.0))
    assert len(way.came) == 1000
    assert min(way.came) >= 10
    assert len({round(moment, 3) for moment in way.came}) > 600
    if error is rc.ServerTrouble:
        assert worst_second(way.came) <= MOST


def test_one_lost_answer_is_asked_for_again_soon_whatever_the_server_wishes():
    way = Way(0.001)
    _, took = jumping(lambda: all_send(way, 1, wish=0.1))
    assert took < 1


def test_who_is_told_that_the_server_answers_starts_from_the_beginning():
    async def one(seed: int) -> float:
        way, desk = Way(300.5), Desk()
        sender = Sender(context(way, random.Random(seed), 0.1), desk)
        sender.put(Job("c", Call("/api/social-cart/update", b"{}")))
        running = asyncio.create_task(sender.run())
        await asyncio.sleep(300)
        sender.kick()
        await desk.done.wait()
        running.cancel()
        await asyncio.wait([running])
        return way.came[0]

    async def all_of_them() -> list[float]:
        return await asyncio.gather(*(one(seed) for seed in range(20)))

    came, _ = jumping(all_of_them)
    assert max(came) < 306
