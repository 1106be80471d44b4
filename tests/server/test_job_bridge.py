"""The way of an import over a link to its service: what is kept, how it goes on after a loss, and what a service that
misbehaves can do (nothing)."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conftest import Count
from tests.support.monitors import FEED, KEY, Monitor, Script, Scripted, bad, hotel, monitor, over, sent
from tests.support.people import JSON, SSE, Person, Stream, connected, eventually
from tests.support.serving import Running, served
from tests.support.valkey import ValkeyProcess

from roadcrew_domain.jobs import JobCommand
from roadcrew_domain.jobs_state import Checkpoint, ImportedHotel, ImportJob, ReasonCount
from roadcrew_domain.money import Money
from roadcrew_domain.running import StartRunner
from roadcrew_price_monitor import protocol
from roadcrew_server.jobs.checking import MOST_TOKEN
from roadcrew_server.jobs.link import Link
from roadcrew_server.jobs.runner import JobWork
from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.redis import RedisStore


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Scene:
    """A server with a service that a test plays, and a trip."""

    def __init__(self, running: Running, service: Monitor, ana: Person, trip: str) -> None:
        self.running = running
        self.service = service
        self.ana = ana
        self.trip = trip

    @property
    def work(self) -> JobWork:
        work: Any = self.running.server.runners._works["job"]
        assert isinstance(work, JobWork)
        return work

    def on_a_clock(self) -> Clock:
        """Have the work's time pass only where it sleeps; chance gives the most."""
        clock = Clock()
        self.work.monotonic, self.work.sleep, self.work.chance = clock.monotonic, clock.sleep, lambda _, most: most
        return clock

    async def done(self, feed: bytes = FEED) -> ImportJob:
        """Import that, to its end."""
        job = (await sent(self.ana, self.trip, feed))["jobId"]
        return await over(self.running.server, job)

    async def events(self, job: str) -> list[Any]:
        """All events of an import."""
        found: list[Any] = []
        while True:
            after = str(found[-1]["seq"]) if found else "-1"
            answer = await self.ana.request("GET", f"/api/jobs/{job}/progress", params={"after": after}, headers=JSON)
            if answer.status_code == 204:
                return found
            found += answer.json()["events"]

    async def hotels(self, job: str) -> list[Any]:
        answer = await self.ana.get(f"/api/jobs/{job}/hotels", limit=200)
        return list(answer.json()["hotels"])


@asynccontextmanager
async def scene(place: Path, *scripts: Script, **settings: Any) -> AsyncIterator[Scene]:
    async with (
        monitor(*scripts) as service,
        served(place, **service.settings, **settings) as running,
        connected(running.url) as http,
    ):
        ana = await Person.guest(http, "Ana")
        trip = (await ana.create())["trip"]["id"]
        yield Scene(running, service, ana, trip)


async def three_of_two_sorts(link: Scripted) -> None:
    """A whole import: two good rows, one bad, and another good one."""
    await link.greet()
    size = len(await link.whole())
    await link.rows([hotel(2), hotel(3)], [bad(4)], rows=3, at=size // 2)
    await link.rows([hotel(5, "Porto Alto")], rows=4, at=size)
    await link.say(protocol.Done(4))


# R: J1 J2 J3
async def test_rows_that_the_service_says_are_kept_and_bad_ones_told_with_their_reasons(tmp_path: Path):
    async with scene(tmp_path, three_of_two_sorts) as s:
        job = await s.done()
        assert (job.status, job.counts.good, job.counts.refused, job.counts.bytes) == ("finished", 3, 1, len(FEED))
        assert [row["line"] for row in await s.hotels(job.id)] == [2, 3, 5]
        refused = (await s.ana.get(f"/api/jobs/{job.id}/refused")).json()
        assert refused["rows"] == [{"line": 4, "code": "bad-price", "detail": "The price is none."}]
        assert job.reasons == (ReasonCount("bad-price", 1),)
        [link] = s.service.links
        assert bytes(link.feed) == FEED
        assert (link.hello.job, link.hello.bytes, link.hello.format) == (job.id, len(FEED), "csv")
        assert s.service.keys == [f"Bearer {KEY}"]
        await eventually(lambda: not len(s.running.server.runners))
        assert await s.running.server.feeds.find(job.id) is None


# R: J2
async def test_a_trip_knows_its_imports_and_what_came_of_each(tmp_path: Path):
    async with scene(tmp_path, three_of_two_sorts) as s:
        job = await s.done()

        await eventually(lambda: not len(s.running.server.runners))
        [note] = (await s.ana.trip(s.trip)).json()["trip"]["runs"]
        assert note["id"] == job.id
        assert (note["kind"], note["name"], note["by"]) == ("import", "May", s.ana.id)
        assert (note["ended"], note["count"]) == ("finished", 3)


# R: J2
async def test_there_is_one_link_however_many_watch(tmp_path: Path):
    go = asyncio.Event()

    async def held(link: Scripted) -> None:
        await link.greet()
        size = len(await link.whole())
        await go.wait()
        await link.rows([hotel(2)], rows=1, at=size)
        await link.say(protocol.Done(1))

    async with scene(tmp_path, held) as s:
        started = await sent(s.ana, s.trip)
        streams = []
        for _ in range(5):
            request = s.ana.http.build_request("GET", started["streamUrl"], headers=s.ana.auth | SSE)
            streams.append(Stream(await s.ana.http.send(request, stream=True)))
        go.set()
        for stream in streams:
            kinds = [frame.kind for frame in [await stream.next() for _ in range(5)]]
            assert kinds == ["requested", "runner", "connected", "progress", "finished"]
            await stream.aclose()
        assert len(s.service.links) == 1


# R: J4
async def test_after_a_loss_it_goes_on_from_its_checkpoint_and_nothing_is_in_twice(tmp_path: Path):
    async def breaks(link: Scripted) -> None:
        await link.greet()
        size = len(await link.whole())
        await link.rows([hotel(2), hotel(3)], rows=2, at=size // 3)
        link.socket.transport.abort()

    async def goes_on(link: Scripted) -> None:
        await link.greet()
        assert link.hello.checkpoint == Checkpoint(len(FEED) // 3, "t2")
        assert await link.whole() == FEED[len(FEED) // 3 :]
        await link.rows([hotel(9)], rows=3, at=len(FEED))
        await link.say(protocol.Done(3))

    async with scene(tmp_path, breaks, goes_on) as s:
        s.on_a_clock()
        job = await s.done()
        assert (job.status, job.counts.good) == ("finished", 3)
        assert [row["line"] for row in await s.hotels(job.id)] == [2, 3, 9]
        types = [event["type"] for event in await s.events(job.id)]
        assert types.count("ImportConnected") == 2
        assert types.count("ImportDisconnected") == 1


# R: J4
async def test_a_service_that_was_told_and_lost_the_ack_says_it_again_and_it_is_in_once(tmp_path: Path):
    async def loses_the_ack(link: Scripted) -> None:
        await link.greet()
        size = len(await link.whole())
        checkpoint = Checkpoint(size // 2, "once")
        await link.say(protocol.Rows((hotel(2),), (), checkpoint, 1, size // 2))
        await link.hear()
        link.socket.transport.abort()

    async def knows(link: Scripted) -> None:
        await link.greet()
        assert link.hello.checkpoint.token == "once"
        await link.whole()
        await link.rows([], [bad(3)], rows=2, at=len(FEED))
        await link.say(protocol.Done(2))

    async with scene(tmp_path, loses_the_ack, knows) as s:
        s.on_a_clock()
        job = await s.done()
        assert (job.counts.good, job.counts.refused) == (1, 1)


# R: J4
async def test_a_service_that_is_away_is_tried_again_with_growing_waits_until_that_is_said_to_have_failed(
    tmp_path: Path,
):
    async with scene(tmp_path, three_of_two_sorts) as s:
        s.service.refusal = (503, {})
        clock = s.on_a_clock()
        job = await s.done()
        assert (job.status, job.failure) == ("failed", "unreachable")
        assert "could not be reached, was too busy, or did not get on, for 300 s" in str(job.detail)
        assert 300 <= clock.now < 301
        waits = [e["data"]["retryIn"] for e in await s.events(job.id) if e["type"] == "ImportDisconnected"]
        assert waits[:7] == [1, 2, 4, 8, 16, 20, 20]
        assert len(waits) < 25


# R: J4
async def test_the_waits_are_drawn_by_chance_from_nothing_on(tmp_path: Path):
    async with scene(tmp_path, three_of_two_sorts) as s:
        s.service.refusal = (503, {})
        s.on_a_clock()
        drawn: list[tuple[float, float]] = []

        def chance(least: float, most: float) -> float:
            drawn.append((least, most))
            return most / 3

        s.work.chance = chance
        await s.done()
        assert {least for least, _ in drawn} == {0}
        assert max(most for _, most in drawn) == 20


# R: J4
@pytest.mark.parametrize("how", ["hangs up", "is silent", "hangs up after ready", "says nothing new"])
async def test_a_service_that_is_there_and_does_not_get_on_is_given_up_too(tmp_path: Path, how: str):
    async def script(link: Scripted) -> None:
        if how == "hangs up":
            return
        await link.greet()
        if how == "hangs up after ready":
            return
        await link.whole()
        if how == "is silent":
            await link.socket.wait_closed()
        for n in itertools.count():
            await link.rows([], rows=0, at=0, token=f"{n}.")

    patience = 0.3 if how == "is silent" else 20
    async with scene(tmp_path, script, monitor_patience=patience) as s:
        if how != "is silent":
            s.on_a_clock()
        job = await s.done()
        assert (job.status, job.failure) == ("failed", "unreachable")


# R: J2
@pytest.mark.parametrize(("status", "says"), [(401, "does not take this server's key"), (404, "status 404")])
async def test_a_service_that_refuses_is_not_asked_again(tmp_path: Path, status: int, says: str):
    async with scene(tmp_path, three_of_two_sorts) as s:
        s.service.refusal = (status, {})
        job = await s.done()
        assert (job.status, job.failure) == ("failed", "service-refused")
        assert says in str(job.detail)
        assert KEY not in str(job.detail)
        assert len(s.service.keys) == 1


# R: J2
async def test_a_redirect_is_not_followed(tmp_path: Path):
    async with monitor(three_of_two_sorts) as elsewhere, scene(tmp_path, three_of_two_sorts) as s:
        s.service.refusal = (302, {"Location": f"ws://127.0.0.1:{elsewhere.port}{protocol.PATH}"})
        job = await s.done()
        assert (job.failure, elsewhere.keys) == ("service-refused", [])


# R: J1
async def test_a_feed_that_the_service_can_not_read_has_failed_with_its_sentence_and_without_what_is_no_text(
    tmp_path: Path,
):
    async def refuses(link: Scripted) -> None:
        await link.greet()
        await link.say(protocol.Failed("bad-feed", "The first line names\x1b[31m no columns."))

    async with scene(tmp_path, refuses) as s:
        job = await s.done()
        assert (job.failure, job.detail) == ("bad-feed", "The first line names[31m no columns.")


async def test_what_the_service_said_before_it_hung_up_counts_also_when_that_is_heard_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    hear = Link.hear

    async def hear_slowly(link: Link) -> protocol.FromService:
        said = await hear(link)
        await asyncio.sleep(0.05 if isinstance(said, protocol.Failed) else 0)
        return said

    monkeypatch.setattr(Link, "hear", hear_slowly)

    async def refuses(link: Scripted) -> None:
        await link.hear()
        await link.say(protocol.Ready(0, 10**9))
        await link.say(protocol.Failed("bad-feed", "No."))
        await link.socket.close()

    async with scene(tmp_path, refuses) as s:
        job = await s.done(FEED * 3_000)
        assert (job.failure, job.detail) == ("bad-feed", "No.")
        assert len(s.service.links) == 1


async def test_why_a_service_gave_up_is_heard_also_when_its_last_rows_could_not_be_acknowledged(tmp_path: Path):
    async def gives_up(link: Scripted) -> None:
        await link.greet()
        size = len(await link.whole())
        await link.say(protocol.Rows((hotel(2),), (), Checkpoint(size // 2, "t"), 1, size // 2))
        await link.say(protocol.Failed("bad-feed", "It ends too early."))
        await link.socket.close()

    async with scene(tmp_path, gives_up, three_of_two_sorts) as s:
        job = await s.done()
        assert (job.failure, job.detail, job.counts.good) == ("bad-feed", "It ends too early.", 1)
        assert len(s.service.links) == 1


# R: J1
async def test_a_person_cancels_and_the_service_is_told(tmp_path: Path):
    heard: list[Any] = []

    async def waits(link: Scripted) -> None:
        await link.greet()
        size = len(await link.whole())
        await link.rows([hotel(2)], rows=1, at=size // 2)
        heard.append(await link.hear())

    async with scene(tmp_path, waits) as s:
        job = (await sent(s.ana, s.trip))["jobId"]
        topic = await s.running.server.hub.topic(f"job:{job}")
        await eventually(lambda: topic.state.counts.good)
        answer = await s.ana.request("DELETE", f"/api/jobs/{job}")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        await eventually(lambda: heard)
        assert heard == [protocol.Cancel()]
        assert len(await s.hotels(job)) == 1
        await eventually(lambda: not len(s.running.server.runners))
        assert await s.running.server.feeds.find(job) is None


# R: J4
async def test_who_no_longer_does_the_work_can_write_nothing(tmp_path: Path):
    go = asyncio.Event()

    async def slow(link: Scripted) -> None:
        await link.greet()
        size = len(await link.whole())
        await go.wait()
        await link.rows([hotel(2)], rows=1, at=size)

    async with scene(tmp_path, slow) as s:
        job = (await sent(s.ana, s.trip))["jobId"]
        hub = s.running.server.hub
        topic = await hub.topic(f"job:{job}")
        await eventually(lambda: topic.state.connected)
        await hub.execute(topic.name, JobCommand(hub.new_id(), None, StartRunner(topic.state.fence + 7)))
        go.set()
        await eventually(lambda: not len(s.running.server.runners))
        assert (topic.state.status, topic.state.counts.good, topic.state.pages) == ("processing", 0, ())


# --- a hostile service -----------------------------------------------------------------------------

Message = protocol.FromService | str | bytes
SIZE = len(FEED)


def rows(*hotels: ImportedHotel, **more: Any) -> protocol.Rows:
    """Rows that would be good, but for what is said otherwise."""
    given = {"refused": (), "checkpoint": Checkpoint(SIZE, "t"), "bytes": SIZE, **more}
    given.setdefault("rows", len(hotels) + len(given["refused"]))
    return protocol.Rows(hotels=hotels, **given)


def changed(**fields: Any) -> ImportedHotel:
    return msgspec.structs.replace(hotel(2), **fields)


READY = protocol.Ready(0, 10**9)
HOSTILE: dict[str, list[Message]] = {
    "no JSON": ["nonsense"],
    "JSON of nothing known": ['{"type":"reboot"}'],
    "deep JSON": ["[" * 100_000],
    "bytes": [b"\0\1"],
    "rows before it is ready": [rows(hotel(2))],
    "done before it is ready": [protocol.Done(0)],
    "a feed from further on": [protocol.Ready(5, 10**9)],
    "a feed from before its beginning": [protocol.Ready(-1, 10**9)],
    "no room": [protocol.Ready(0, 0)],
    "ready twice": [READY, READY],
    "too many rows at once": [READY, rows(*(hotel(n) for n in range(2, 4_003)))],
    "a wrong count": [READY, rows(hotel(2), rows=7)],
    "a negative count": [READY, rows(rows=-1)],
    "bytes past the end": [READY, rows(hotel(2), bytes=SIZE + 1)],
    "a checkpoint past the end": [READY, rows(hotel(2), checkpoint=Checkpoint(SIZE + 1, "t"))],
    "a checkpoint before the beginning": [READY, rows(hotel(2), checkpoint=Checkpoint(-1, "t"))],
    "a checkpoint where it was": [READY, rows(hotel(2), checkpoint=Checkpoint(), bytes=0)],
    "a long token": [READY, rows(hotel(2), checkpoint=Checkpoint(SIZE, "t" * (MOST_TOKEN + 1)))],
    "a token of signs": [READY, rows(hotel(2), checkpoint=Checkpoint(SIZE, "\x1b[2J"))],
    "going back": [READY, rows(hotel(2)), rows(hotel(3), rows=2, bytes=5, checkpoint=Checkpoint(SIZE, "u"))],
    "lines in disorder": [READY, rows(hotel(3), hotel(2))],
    "a line twice": [READY, rows(hotel(2), hotel(2))],
    "a line that was": [READY, rows(hotel(5)), rows(hotel(5), rows=2, checkpoint=Checkpoint(SIZE, "u"))],
    "a line good and bad": [READY, rows(hotel(2), refused=(bad(2),))],
    "no line": [READY, rows(hotel(0))],
    "a line past all": [READY, rows(hotel(SIZE + 2))],
    "six stars": [READY, rows(changed(stars=6))],
    "a debt": [READY, rows(changed(price_per_night=Money(-1, "EUR")))],
    "a fortune": [READY, rows(changed(price_per_night=Money(10**15, "EUR")))],
    "no currency": [READY, rows(changed(price_per_night=Money(1, "euro")))],
    "a former debt": [READY, rows(changed(was=Money(-1, "EUR")))],
    "no name": [READY, rows(changed(name=""))],
    "an invisible name": [READY, rows(changed(name="\u200b\x07"))],
    "a long name": [READY, rows(changed(name="x" * 121))],
    "a long city": [READY, rows(changed(city="x" * 81))],
    "a reason of its own": [READY, rows(refused=(bad(2, "Bad Price!"),))],
    "a long reason": [READY, rows(refused=(bad(2, "x" * 41),))],
    "done too early": [READY, protocol.Done(3)],
    "the key": [READY, rows(changed(name=f"Hotel {KEY}"))],
    "the key in a sentence": [protocol.Failed("bad-feed", f"Your key is {KEY}.")],
    "a huge message": [READY, '"' + "x" * (protocol.MOST_ANSWER + 1) + '"'],
}


# R: J2 J3
async def test_a_service_that_says_what_it_must_not_ends_the_import_and_nothing_of_it_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    how = ""

    async def says(link: Scripted) -> None:
        said = await link.hear()
        assert isinstance(said, protocol.Hello)
        for message in HOSTILE[how]:
            if isinstance(message, protocol.Rows | protocol.Done) and HOSTILE[how][0] is READY:
                await link.whole()
            await link.socket.send(message if isinstance(message, str | bytes) else protocol.written(message))
        await link.socket.wait_closed()

    async with scene(tmp_path, says) as s:
        s.on_a_clock()
        for links, how in enumerate(HOSTILE, 1):
            job = await s.done()
            assert (job.status, job.failure) == ("failed", "protocol"), (how, job.detail)
            assert str(job.detail).startswith("The price-monitor service said what it must not: "), how
            assert job.counts.good == (1 if how in ("going back", "a line that was") else 0), how
            assert len(s.service.links) == links, how
            state = (await s.ana.get(f"/api/jobs/{job.id}")).text
            assert KEY not in state + str(await s.events(job.id)) + caplog.text, how


async def test_a_message_that_never_ends_is_not_waited_for(tmp_path: Path):
    async def endless(link: Scripted) -> None:
        async def parts() -> AsyncIterator[str]:
            while True:
                await asyncio.sleep(0)
                yield " "

        await link.greet()
        await link.socket.send(parts())

    async with scene(tmp_path, endless) as s:
        job = await s.done()
        assert (job.status, job.failure) == ("failed", "protocol")


# R: J3
async def test_names_that_could_move_a_cursor_are_made_harmless(tmp_path: Path):
    async def says(link: Scripted) -> None:
        await link.greet()
        size = len(await link.whole())
        await link.rows(
            [changed(name="\x1b[31mCasa\u202e Azul", city="  Lis\nboa ")], [bad(3, detail="a\x07b")], rows=2, at=size
        )
        await link.say(protocol.Done(2))

    async with scene(tmp_path, says) as s:
        job = await s.done()
        [row] = await s.hotels(job.id)
        assert (row["name"], row["city"]) == ("[31mCasa Azul", "Lis boa")
        assert job.refused[0].detail == "ab"


# R: J1
async def test_no_more_than_ten_things_a_second_are_told_whatever_the_service_does(tmp_path: Path, count: Count):
    many = count(reduced=60, full=1_000)

    async def floods(link: Scripted) -> None:
        await link.greet()
        size = len(await link.whole())
        for n in range(1, many + 1):  # it waits for nothing
            await link.say(protocol.Rows((hotel(n + 1),), (), Checkpoint(size, f"{n}"), n, size))
        await link.say(protocol.Done(many))
        await link.socket.wait_closed()

    async with scene(tmp_path, floods) as s:
        clock, told = s.on_a_clock(), list[float]()
        execute = s.running.server.hub.execute

        async def noted(name: str, command: Any, **more: Any) -> Any:
            if name.startswith("job:") and type(command.act).__name__ in ("AddRows", "SayConnected", "SayDisconnected"):
                told.append(clock.now)
            return await execute(name, command, **more)

        s.running.server.hub.execute = noted  # type: ignore[method-assign]
        job = await s.done(FEED * 40)
        assert (job.status, job.counts.good) == ("finished", many)
        assert len(told) == many + 1
        assert all(later - earlier > 0.999 for earlier, later in zip(told, told[10:], strict=False))


async def test_many_reasons_do_not_make_an_event_large(tmp_path: Path):
    async def invents(link: Scripted) -> None:
        await link.greet()
        size = len(await link.whole())
        await link.rows([], [bad(n, f"reason-{n}", "x" * 240) for n in range(2, 4_002)], rows=4_000, at=size)
        await link.say(protocol.Done(4_000))

    async with scene(tmp_path, invents) as s:
        job = await s.done(FEED * 10)
        assert job.counts.refused == 4_000
        assert sum(reason.rows for reason in job.reasons) == 4_000
        [event] = [e for e in await s.events(job.id) if e["type"] == "RowsImported"]
        assert len(msgspec.json.encode(event)) < 16_000


async def test_the_feed_is_sent_no_further_ahead_than_the_service_allows(tmp_path: Path):
    seen: list[int] = []

    async def narrow(link: Scripted) -> None:
        await link.greet(ahead=1_000)
        for n in range(1, 6):
            while len(link.feed) < min(n * 1_000, len(feed)):
                await link.hear()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await link.socket.recv()
            seen.append(len(link.feed))
            await link.rows([], rows=0, at=len(link.feed))

    feed = FEED * 10
    async with scene(tmp_path, narrow) as s:
        await sent(s.ana, s.trip, feed)
        await eventually(lambda: len(seen) == 5)
        assert seen == [1_000, 2_000, 3_000, 4_000, 5_000]


# R: J2
async def test_what_happens_stands_in_the_log_and_the_key_does_not(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    async with scene(tmp_path, three_of_two_sorts) as s:
        started = await sent(s.ana, s.trip)
        request = s.ana.http.build_request("GET", started["streamUrl"], headers=s.ana.auth | SSE)
        stream = Stream(await s.ana.http.send(request, stream=True))
        await stream.next("finished")
        await stream.aclose()
        ours = [r.getMessage() for r in caplog.records if r.name.startswith("roadcrew_server")]
        job = started["jobId"]
        for line in (
            f"Client joining import job job={job} user={s.ana.id}",
            f"Connected to external service for job job={job} offset=0",
            f"Forwarding progress update for job job={job} rows=3 bytes={SIZE // 2} of={SIZE}",
        ):
            assert line in ours
        # The library's own logger of this test's server says what headers it got; everything else keeps the key out.
        said = [r.getMessage() for r in caplog.records if not r.name.startswith("websockets.server")]
        assert KEY not in "\n".join(said)
        assert KEY not in str([frame.data for frame in stream.frames])


# R: J1 J2
async def test_an_import_is_watched_and_read_at_another_process_over_a_valkey(tmp_path: Path, valkey: ValkeyProcess):
    async with monitor(three_of_two_sorts) as service:
        one, two = (RedisStore(address_of(valkey.url)) for _ in range(2))
        async with (
            served(tmp_path, store=one, **service.settings) as here,
            served(tmp_path, store=two, **service.settings) as there,
            connected(here.url) as http,
            connected(there.url) as other,
        ):
            ana = await Person.guest(http, "Ana")
            trip = (await ana.create())["trip"]["id"]
            started = await sent(ana, trip)
            elsewhere = Person(other, ana.token, ana.id)
            request = other.build_request("GET", started["streamUrl"], headers=elsewhere.auth | SSE)
            stream = Stream(await other.send(request, stream=True))
            await stream.next("finished")
            await stream.aclose()
            answer = await elsewhere.get(f"/api/jobs/{started['jobId']}/hotels", sort="name")
            assert [row["line"] for row in answer.json()["hotels"]] == [2, 3, 5]
            assert bytes(service.links[0].feed) == FEED
            assert len(service.links) == 1
