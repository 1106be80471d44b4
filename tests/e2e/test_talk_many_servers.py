"""Talk over several server processes: what one terminal does is on the others at once, exactly, also after a long
cut."""

import asyncio
import io
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image
from tests.conftest import Count, Figure
from tests.support.hubs import OpenedOnce
from tests.support.people import eventually
from tests.support.serving import ServerProcess, served

from roadcrew_client import Cable, Change, Client, ClientSettings
from roadcrew_client.live_talk import LiveTalk
from roadcrew_client.settings import SystemClock
from roadcrew_domain.feed_state import EditItem, Feed, GiveReaction, RemoveItem, WriteItem
from roadcrew_domain.marks_state import GiveMark, Marks, TakeMark
from roadcrew_domain.places import Entity
from roadcrew_server.stores.clock import StoreClock

CHANNELS = ("comments", "images", "rating", "likes", "saves")
PEOPLE = 30
SOON = 10.0


def picture(colour: str) -> bytes:
    """A small PNG."""
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, "PNG")
    return file.getvalue()


@dataclass
class Terminal:
    """Somebody at one server, who looks at a trip."""

    client: Client
    live: LiveTalk
    thing: Entity
    resets: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.live.listen(self._heard)

    def _heard(self, change: Change) -> None:
        if change.kind == "reset" and change.topic is not None:
            self.resets[change.topic] += 1

    def topic(self, channel: str) -> str:
        return self.thing.topic(channel)

    def act(self, channel: str, act: Any) -> Any:
        return self.live.act(self.topic(channel), act)

    def feed(self, channel: str = "comments") -> Feed:
        """A list as it is drawn."""
        state = self.live.states[self.topic(channel)]
        assert isinstance(state, Feed)
        return state

    def marks(self, channel: str) -> Marks:
        """Marks as they are drawn."""
        state = self.live.states[self.topic(channel)]
        assert isinstance(state, Marks)
        return state

    @property
    def is_live(self) -> bool:
        return self.live.status.state == "live" and len(self.live.confirmed) == len(self.live.states) > 0

    @property
    def drawn(self) -> dict[str, Any]:
        """All that is seen of it. Of saves, one's own mark is nobody else's to see."""
        lists = {channel: self.feed(channel).items for channel in ("comments", "images")}
        sums = {channel: self.marks(channel).spread for channel in ("rating", "likes", "saves")}
        return {**lists, **sums, "rated": dict(self.marks("rating").marks.items())}


@asynccontextmanager
async def terminals(urls: Sequence[str], count: int, **each: Any) -> AsyncIterator[list[Terminal]]:
    """So many people in one trip, at these servers in turn."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(Client(urls[n % len(urls)], random=Random(n), **each)) for n in range(count)
        ]
        await clients[0].guest("Person 0")
        made = await clients[0].create_trip("Lisbon")
        thing = Entity("trip", made.trip.id)
        at_once = asyncio.Semaphore(8)

        async def settle(n: int) -> Terminal:
            async with at_once:
                if n:
                    await clients[n].guest(f"Person {n}")
                    await clients[n].join(made.invite.code)
                live = clients[n].follow_talk(*map(thing.topic, CHANNELS))
                await stack.enter_async_context(live)
                return Terminal(clients[n], live, thing)

        everybody = list(await asyncio.gather(*map(settle, range(count))))
        await eventually(lambda: all(t.is_live for t in everybody), "all streams", 30)
        yield everybody


# R: F2 S6
@pytest.mark.usefixtures("timed")
async def test_what_one_terminal_says_and_gives_is_on_another_at_another_process_within_a_second(
    three_servers: Sequence[ServerProcess], figure: Figure
) -> None:
    async with terminals([s.url for s in three_servers[:2]], 2) as (ana, ben):
        took: dict[str, float] = {}

        async def shown(what: str, act: Callable[[], Any], there: Callable[[], Any]) -> Any:
            began = time.perf_counter()
            done = act()
            found = await eventually(there, what)
            took[what] = time.perf_counter() - began
            if isinstance(done, Awaitable):
                await done
            return found

        comment = await shown(
            "a comment", lambda: ana.act("comments", WriteItem("", "Hello")), lambda: [*ben.feed().items]
        )
        item = comment[0].id
        await shown(
            "its edit",
            lambda: ana.act("comments", EditItem(item, "Hello all")),
            lambda: ben.feed().items[0].text == "Hello all",
        )
        await shown(
            "a reaction",
            lambda: ben.act("comments", GiveReaction(item, "heart")),
            lambda: ana.live.confirmed[ana.topic("comments")].items[0].reactions,  # type: ignore[union-attr]
        )
        await shown(
            "its removal",
            lambda: ana.act("comments", RemoveItem(item, "")),
            lambda: ben.feed().items[0].removed is not None,
        )
        await shown(
            "a rating", lambda: ana.act("rating", GiveMark(4)), lambda: ben.marks("rating").spread == (0, 0, 0, 1, 0)
        )
        await shown("a like", lambda: ana.act("likes", GiveMark()), lambda: ben.marks("likes").count == 1)
        await shown("a save", lambda: ana.act("saves", GiveMark()), lambda: ben.marks("saves").count == 1)
        await shown(
            "an image",
            lambda: asyncio.create_task(ana.client.upload_image(ana.thing, picture("red"), "image/png", "A sunset")),
            lambda: [i.text for i in ben.feed("images").items] == ["A sunset"],
        )
        figure("seconds until another terminal at another process has it, at most", f"{max(took.values()):.3f}")
        assert max(took.values()) < 1, took
        await eventually(lambda: ana.drawn == ben.drawn, "the same on both")


class Leap(SystemClock):
    """The machine's clock, for terminals and the store alike, some of whose minutes nobody waits for."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._leapt = asyncio.Event()

    def leap(self, seconds: float) -> None:
        """So much passes at once."""
        self.ahead += seconds
        self._leapt.set()
        self._leapt = asyncio.Event()

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._leapt.wait()


CUT = 600.0


# R: F4 F5 S7
@pytest.mark.parametrize("many", [False, True], ids=["a few changes", "more than are kept as events"])
async def test_after_a_cut_of_ten_minutes_everything_is_right_again_by_itself(tmp_path: Path, many: bool) -> None:
    clock = Leap()
    store = OpenedOnce(tmp_path / "store.sqlite", clock=StoreClock(clock.now, clock.monotonic), synchronous="NORMAL")
    own: dict[str, Any] = {"store": store, "snapshot_every": 50, "ring": 100}
    async with served(tmp_path, **own) as one, served(tmp_path, **own) as two, AsyncExitStack() as stack:
        cable = Cable()
        settings = ClientSettings(backoff_base=0.05, backoff_cap=0.2)
        ana = await stack.enter_async_context(Client(one.url, clock=clock))
        ben = await stack.enter_async_context(Client(two.url, clock=clock, cable=cable, settings=settings))
        await ana.guest("Ana")
        made = await ana.create_trip("Lisbon")
        await ben.guest("Ben")
        await ben.join(made.invite.code)
        thing = Entity("trip", made.trip.id)
        here, away = [
            Terminal(c, await stack.enter_async_context(c.follow_talk(*map(thing.topic, CHANNELS))), thing)
            for c in (ana, ben)
        ]
        await eventually(lambda: here.is_live and away.is_live, "both streams", SOON)
        first = here.act("comments", WriteItem("", "Before"))
        await eventually(lambda: away.feed().items, "the first comment", SOON)
        before = Counter(away.resets)

        cable.unplug()
        await eventually(lambda: away.live.status.state == "offline", "that the network is gone", SOON)
        said = [away.act("comments", WriteItem("", "From far away")), away.act("likes", GiveMark())]
        last: Any = first
        for n in range(230 if many else 12):
            last = here.act("comments", WriteItem("", f"Meanwhile {n}"))
            if n % 20 == 0:
                await last.done
        for act in (EditItem(first.id, "Before, said better"), GiveReaction(last.id, "eyes"), RemoveItem(last.id, "")):
            last = here.act("comments", act)
        here.act("rating", GiveMark(2))
        here.act("saves", GiveMark())
        await ana.upload_image(thing, picture("blue"), "image/png", "From here")
        await here.live.at_rest()
        for _ in range(10):
            clock.leap(CUT / 10)
            await asyncio.sleep(0.05)
        assert len(away.feed().items) == 2  # what it had, and its own
        cable.plug()
        await asyncio.gather(*(one.done for one in said))
        await eventually(lambda: away.is_live and here.is_live, "both streams again", SOON)
        await eventually(lambda: away.drawn == here.drawn, "the same on both", SOON)
        count = away.feed().count
        assert count == (232 if many else 14)
        assert [i.text for i in away.feed().items if i.by == ben.user.id] == ["From far away"]  # type: ignore[union-attr]
        again = away.resets - before
        assert set(again) == ({thing.topic("comments")} if many else set())


# --- everybody at once -----------------------------------------------------------------------------


@dataclass
class Deeds:
    """What people have done, counted beside the server."""

    said: list[str] = field(default_factory=list)
    stars: dict[int, int] = field(default_factory=dict)
    likes: set[int] = field(default_factory=set)
    saves: set[int] = field(default_factory=set)

    @property
    def spread(self) -> tuple[int, ...]:
        given = Counter(self.stars.values())
        return tuple(given[n] for n in range(1, 6))


async def busy(n: int, person: Terminal, until: float, deeds: Deeds) -> int:
    """Type, comment, rate, like and save, without a rest; how many changes."""
    chance, done = Random(n), 0
    while time.monotonic() < until:
        await person.client.typing(person.thing)
        text = f"{n} says {done}"
        changes = [person.act("comments", WriteItem("", text))]
        deeds.said.append(text)
        match chance.randrange(4):
            case 0:
                deeds.stars[n] = stars = chance.randint(1, 5)
                changes.append(person.act("rating", GiveMark(stars)))
            case 1:
                deeds.stars.pop(n, None)
                changes.append(person.act("rating", TakeMark()))
            case 2:
                deeds.likes ^= {n}
                changes.append(person.act("likes", GiveMark() if n in deeds.likes else TakeMark()))
            case _:
                deeds.saves ^= {n}
                changes.append(person.act("saves", GiveMark() if n in deeds.saves else TakeMark()))
        await asyncio.gather(*(change.done for change in changes))
        done += len(changes)
        await asyncio.sleep(chance.uniform(0, 0.4))
    return done


# R: F2 T9 S6
@pytest.mark.timeout(300)
async def test_thirty_people_who_type_rate_and_like_at_once_on_three_processes_are_counted_exactly(
    three_servers: Sequence[ServerProcess], count: Count, figure: Figure
) -> None:
    seconds, deeds = count(reduced=3, full=60), Deeds()
    async with terminals([s.url for s in three_servers], PEOPLE) as people:
        until = time.monotonic() + seconds
        done = await asyncio.gather(*(busy(n, person, until, deeds) for n, person in enumerate(people)))
        await eventually(lambda: all(p.drawn == people[0].drawn for p in people), "the same on all screens", 30)
        assert not any(p.live.pending for p in people)
        for person in people[:3]:  # one at each process
            seen = person.marks("rating")
            assert (seen.spread, seen.count) == (deeds.spread, len(deeds.stars))
            assert (person.marks("likes").count, person.marks("saves").count) == (len(deeds.likes), len(deeds.saves))
            summary = await person.client.talk_summary(person.thing)
            assert (summary.rating.total, summary.rating.count) == (sum(deeds.stars.values()), len(deeds.stars))
            assert (summary.likes.count, summary.saves.count) == (len(deeds.likes), len(deeds.saves))
            assert summary.comments.count == len(deeds.said)
            assert await everything_said(person) == Counter(deeds.said)
        assert [p.live.mine(p.topic("saves")) for p in people] == [1 if n in deeds.saves else None for n in range(30)]
    figure(
        "people, seconds, changes, comments, on 3 processes, none lost or doubled",
        (PEOPLE, seconds, sum(done), len(deeds.said)),
    )


async def everything_said(person: Terminal) -> Counter[str]:
    """All comments that there are, as who scrolls up reads them. Their numbers have no gap."""
    texts: list[str] = []
    before: int | None = None
    while before != 1:
        page = await person.client.talk_items(person.thing, "comments", before)
        numbers = [item.no for item in page.items]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert before is None or numbers[-1] == before - 1
        texts += [item.text for item in page.items]
        before = numbers[0]
    return Counter(texts)
