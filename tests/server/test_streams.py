"""Streams as they are in a bad world: slow, broken, cut by a host, drained by a restart; and who is here."""

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Count, Figure
from tests.support.people import Person, Stream, connected, crew, eventually
from tests.support.serving import Running, ServerProcess, served

from roadcrew_domain import trip
from roadcrew_server.reader import Reader
from roadcrew_server.stores.base import Stored
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.topic import Topic

LONG = "x" * 70


def request_bytes(person: Person, trip_id: str, cursor: str = "") -> bytes:
    query = f"topic=trip:{trip_id}" + (f"&cursor={cursor}" if cursor else "")
    lines = (
        f"GET /api/sync?{query} HTTP/1.1",
        "Host: x",
        "Accept: text/event-stream",
        f"Authorization: {person.auth['Authorization']}",
    )
    return "\r\n".join((*lines, "", "")).encode()


@contextlib.contextmanager
def raw_socket(port: int, *, receive_buffer: int = 4096) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.connect(("127.0.0.1", port))
        yield sock


def present(stream: Stream) -> dict[str, str]:
    """Who is here, as the last presence frame says."""
    last: list[dict[str, str]] = next((f.data["present"] for f in reversed(stream.frames) if f.kind == "presence"), [])
    return {p["id"]: p["where"] for p in last}


# R: T10
@pytest.mark.usefixtures("timed")
async def test_a_reader_that_takes_nothing_is_cut_off_and_costs_the_others_nothing(
    tmp_path: Path, count: Count, figure: Figure
):
    events = count(reduced=2000, full=2000)
    async with (
        served(tmp_path, send_timeout=1, send_buffer=4096, snapshot_every=100_000) as running,
        connected(running.url) as http,
    ):
        made, (ana, ben) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        start = (await ben.poll(trip_id)).json()["cursor"]
        with raw_socket(running.server.port) as slow:
            slow.sendall(request_bytes(ben, trip_id, start))
            async with ana.stream(trip_id) as stream:
                await stream.next("reset")
                await eventually(lambda: len(running.server.streams) == 2, "both streams")
                began, late, held = time.perf_counter(), 0.0, 0
                for at in range(0, events, 50):
                    await asyncio.gather(*(edit(running, ana, trip_id, f"{LONG}{n}") for n in range(at, at + 50)))
                    sent = time.perf_counter()
                    await eventually(partial(has, stream, at + 50), "the news")
                    late = max(late, time.perf_counter() - sent)
                    held = max(held, *(c.transport.get_write_buffer_size() for c in connections(running)))
                figure("events, seconds, latest (ms)", f"{events} {time.perf_counter() - began:.1f} {late * 1000:.0f}")
                figure("most bytes held for one connection", held)
                assert held < 512 * 1024  # a chunk and what the transport takes before it says stop
                assert late < 1
                assert [e["seq"] for e in stream.events()] == list(range(2, events + 2))
                await eventually(lambda: len(running.server.streams) == 1, "the end of the slow one", 10)
            got = await asyncio.to_thread(received, slow)
        assert b"event: reset" not in got
        ids = [line[4:].decode() for line in got.split(b"\n\n")[-2].split(b"\n") if line.startswith(b"id: ")]
        async with ben.stream(trip_id, cursor=ids[-1]) as again:
            await eventually(lambda: again.events() and again.events()[-1]["seq"] == events + 1, "the rest")
            assert [f.kind for f in again.frames if f.kind not in ("event", "presence")] == []
            seen = seqs_of(got)
            assert seen + [e["seq"] for e in again.events()] == list(range(2, events + 2))


async def edit(running: Running, person: Person, trip_id: str, name: str) -> None:
    """One event, without HTTP."""
    hub = running.server.hub
    await hub.execute(f"trip:{trip_id}", trip.Command(hub.new_id(), person.id, trip.EditTrip(name=name)))


def has(stream: Stream, events: int) -> bool:
    return len(stream.events()) >= events


def connections(running: Running) -> list[Any]:
    return list(running.http.server_state.connections)


def received(sock: socket.socket) -> bytes:
    """All that is left in a socket until it is closed."""
    sock.settimeout(10)
    got = bytearray()
    with contextlib.suppress(ConnectionError):
        while data := sock.recv(65536):
            got += data
    return whole_frames(bytes(got))


def whole_frames(got: bytes) -> bytes:
    """The body of a chunked answer up to its last whole frame."""
    _, _, rest = got.partition(b"\r\n\r\n")
    body = bytearray()
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if not size:
            break
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return bytes(body[: body.rfind(b"\n\n") + 2])


def seqs_of(body: bytes) -> list[int]:
    frames = [f.split(b"\n") for f in body.split(b"\n\n")]
    return [
        json.loads(line[6:])["seq"]
        for frame in frames
        if not any(line.startswith(b"event:") for line in frame)
        for line in frame
        if line.startswith(b"data: ")
    ]


# R: T10
async def test_a_follower_that_fails_does_not_keep_the_others_from_being_told(ana: Person, running: Running):
    made = await ana.create()
    trip_id = made["trip"]["id"]
    async with ana.stream(trip_id) as one, ana.stream(trip_id) as two:
        await one.next("reset")
        await two.next("reset")
        followers = running.server.hub.topics[f"trip:{trip_id}"].followers
        broken = next(iter(followers))
        broken.wake = broken.cursor  # type: ignore[attr-defined, method-assign]
        await ana.do("/update", {"tripId": trip_id, "name": "Porto"})
        await eventually(lambda: one.events() or two.events(), "the news on the other one")
        await eventually(lambda: broken not in followers and len(followers) == 1, "the failed one to be gone")
        await eventually(lambda: ended(one) or ended(two), "word to the failed one")
        assert ended(one) != ended(two)
        failed, told = (one, two) if ended(one) else (two, one)
        assert told.events()
        assert failed.frames[-1].data == {"reason": "failed"}


def ended(stream: Stream) -> bool:
    """Whether it was told to come again."""
    return any(frame.kind == "bye" for frame in stream.frames)


def fails(topic: Topic) -> bool:
    raise RuntimeError(f"nobody is told of {topic.name}")


# R: T10
async def test_a_reader_without_a_stream_that_fails_is_woken_and_looks_for_itself(ana: Person, running: Running):
    trip_id = (await ana.create())["trip"]["id"]
    with await Reader.open(running.server.hub, ana.id, [f"trip:{trip_id}"]) as reader:
        await reader.take(100)
        reader.pass_on = fails
        await ana.do("/update", {"tripId": trip_id, "name": "Porto"})
        await asyncio.wait_for(reader.changed.wait(), 5)
        assert [frame.kind for frame in await reader.take(100)] == [None]


# R: F3 T2
async def test_who_comes_moves_and_goes_is_seen_within_a_second(http: httpx.AsyncClient, running: Running):
    made, (ana, ben) = await crew(http, 2)
    trip_id = made["trip"]["id"]
    async with ana.stream(trip_id, where="polls") as stream:
        await eventually(lambda: present(stream) == {ana.id: "polls"}, "herself", 1)
        async with ben.stream(trip_id):
            await eventually(lambda: present(stream) == {ana.id: "polls", ben.id: "overview"}, "Ben", 1)
            moved = await ben.post("/api/sync/where", {"topic": f"trip:{trip_id}", "where": "hotels"})
            assert moved.status_code == 204
            await eventually(lambda: present(stream).get(ben.id) == "hotels", "Ben in Hotels", 1)
            async with ben.stream(trip_id, where="hotels"):
                pass  # a second terminal comes and goes
            assert (await ben.get("/api/session")).status_code == 200
            assert ben.id in present(stream)
        await eventually(lambda: present(stream) == {ana.id: "polls"}, "that Ben went", 1)


# R: F3
@pytest.mark.usefixtures("timed")
async def test_a_killed_process_is_gone_within_a_second(http: httpx.AsyncClient, running: Running, figure: Figure):
    made, (ana, ben) = await crew(http, 2)
    trip_id = made["trip"]["id"]
    script = (
        "import socket, sys, time; s = socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
        "s.sendall(bytes.fromhex(sys.argv[2])); time.sleep(60)"
    )
    async with ana.stream(trip_id) as stream:
        request = request_bytes(ben, trip_id).hex()
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(running.server.port), request)
        try:
            await eventually(lambda: ben.id in present(stream), "Ben")
        finally:
            process.kill()
            killed = time.perf_counter()
        await eventually(lambda: ben.id not in present(stream), "that Ben went", 1)
        figure("ms until a killed terminal was gone", round((time.perf_counter() - killed) * 1000))
        await process.wait()


# R: F3
async def test_a_poll_is_a_sign_of_life_for_a_while(tmp_path: Path):
    async with served(tmp_path, poll_presence=0.5, heartbeat=0.1) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        async with ana.stream(trip_id) as stream:
            await stream.next("reset")
            await ben.poll(trip_id)
            await eventually(lambda: ben.id in present(stream), "Ben", 1)
            await eventually(lambda: ben.id not in present(stream), "that Ben went", 2)
            assert ana.id in present(stream)


# R: F3 T12
async def test_who_goes_from_polling_to_a_stream_and_leaves_is_gone_within_a_second(
    http: httpx.AsyncClient, running: Running
):
    made, (ana, ben) = await crew(http, 2)
    trip_id = made["trip"]["id"]
    async with ana.stream(trip_id) as stream:
        await ben.poll(trip_id)
        await eventually(lambda: ben.id in present(stream), "Ben", 1)
        async with ben.stream(trip_id) as his:
            await his.next("presence")
            assert ben.id in present(stream)
        await eventually(lambda: ben.id not in present(stream), "that Ben went", 1)


# R: F3 T8
@pytest.mark.parametrize("transport", ["stream", "poll"])
async def test_who_is_removed_from_one_of_two_trips_is_no_longer_present_in_that_one(
    http: httpx.AsyncClient, running: Running, transport: str
):
    made, (ana, ben) = await crew(http, 2)
    other = (await ben.create())["trip"]["id"]
    trip_id = made["trip"]["id"]
    async with ana.stream(trip_id) as stream, contextlib.AsyncExitStack() as stack:
        cursor = (await ben.poll(trip_id, other)).json()["cursor"]
        his = await stack.enter_async_context(ben.stream(trip_id, other)) if transport == "stream" else None
        await eventually(lambda: ben.id in present(stream), "Ben", 1)
        await ana.do("/remove-member", {"tripId": trip_id, "memberId": ben.id})
        if his is not None:
            assert (await his.next("gone")).data["topic"] == f"trip:{trip_id}"
        else:
            await ben.poll(trip_id, other, cursor=cursor)
        await eventually(lambda: ben.id not in present(stream), "that Ben went", 1)
        if his is not None:
            assert not his.closed
            listed = (await ben.poll(other)).json()["presence"]
            assert listed[0]["present"] == [{"id": ben.id, "where": "overview"}]


# R: F3
async def test_an_open_stream_stays_present_as_long_as_it_is_open(tmp_path: Path):
    async with served(tmp_path, stream_presence=0.4, heartbeat=0.1) as running, connected(running.url) as http:
        made, (ana, _) = await crew(http, 2)
        async with ana.stream(made["trip"]["id"]) as stream:
            await stream.next("presence")
            with contextlib.suppress(TimeoutError):
                await stream.next("presence", seconds=1)
            assert present(stream) == {ana.id: "overview"}


# R: F4 S4
async def test_a_quiet_stream_has_a_heartbeat_and_says_how_long_to_wait_before_coming_back(tmp_path: Path):
    async with served(tmp_path, heartbeat=0.1) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        made = await ana.create()
        with raw_socket(running.server.port) as sock:
            sock.sendall(request_bytes(ana, made["trip"]["id"]))
            sock.setblocking(False)
            got = bytearray()

            async def until(text: bytes, times: int) -> None:
                async with asyncio.timeout(5):
                    while got.count(text) < times:
                        got.extend(await asyncio.get_running_loop().sock_recv(sock, 65536))

            await until(b": heartbeat\n", 3)
        assert got.index(b"\nretry: 100\n") < got.index(b"\nid: ")
        assert got.count(b": heartbeat\nretry: 100\n") >= 2, "again with each heartbeat, since it may have grown"


# R: T12
async def test_a_stream_that_is_cut_by_its_age_says_bye_and_nobody_misses_an_event(tmp_path: Path):
    async with served(tmp_path, stream_life=0.3) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        got: list[int] = []
        cuts = 0
        first = cursor = (await ben.poll(trip_id)).json()["cursor"]
        writing = asyncio.create_task(write(ana, trip_id, 60))
        while len(got) < 60:
            async with ben.stream(trip_id, cursor=cursor) as stream:
                frames = await stream.end()
                assert (frames[-1].kind, frames[-1].data) == ("bye", {"reason": "age"})
                assert "reset" not in [f.kind for f in frames]
                got += [e["seq"] for e in stream.events()]
                cursor = next((f.id for f in reversed(frames) if f.kind == "event"), cursor)
                cuts += 1
        await writing
        assert got == list(range(2, 62))
        assert cursor != first
        assert cuts > 1


async def write(person: Person, trip_id: str, times: int) -> None:
    for n in range(times):
        await person.do("/update", {"tripId": trip_id, "name": f"Name {n}"})
        await asyncio.sleep(0.01)


# R: S8
@pytest.mark.usefixtures("timed")
async def test_on_sigterm_every_stream_gets_bye_with_a_spread_wait_and_the_process_ends_with_status_0(
    tmp_path: Path, count: Count, figure: Figure
):
    streams = count(reduced=30, full=1000)
    with ServerProcess(tmp_path, streams_per_user=2000) as process:
        async with connected(process.url) as http, contextlib.AsyncExitStack() as stack:
            ana = await Person.guest(http, "Ana")
            trip_id = (await ana.create())["trip"]["id"]
            opened = [await stack.enter_async_context(ana.stream(trip_id)) for _ in range(streams)]
            for stream in opened:
                await stream.next("reset")
            began = time.perf_counter()
            assert await asyncio.to_thread(process.terminate) == 0
            figure("streams, seconds to end", f"{streams} {time.perf_counter() - began:.2f}")
            assert time.perf_counter() - began < 8
            for stream in opened:
                frames = await stream.end()
                assert (frames[-1].kind, frames[-1].data) == ("bye", {"reason": "restart"})
    assert "Traceback" not in process.log.read_text()


# R: S8
async def test_while_it_drains_it_is_not_ready_and_takes_no_new_stream_but_answers(ana: Person, running: Running):
    made = await ana.create()
    async with ana.stream(made["trip"]["id"]) as stream:
        await stream.next("reset")
        assert (await ana.get("/readyz")).status_code == 200
        await running.server.streams.drain()
        assert (await stream.end())[-1].data == {"reason": "restart"}
        ready = await ana.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "unavailable")
        assert ready.headers["connection"] == "close"  # the next request goes where another process may answer
        assert int(ready.headers["retry-after"]) >= 1
        assert (await ana.get("/healthz")).status_code == 200
        refused = await ana.request(
            "GET", "/api/sync", params={"topic": f"trip:{made['trip']['id']}"}, headers={"Accept": "text/event-stream"}
        )
        assert refused.status_code == 503
        assert (await ana.poll(made["trip"]["id"])).status_code == 200


# R: S8
async def test_the_waits_of_many_streams_are_spread(running: Running, http: httpx.AsyncClient):
    waits = {running.server.streams.spread_ms() for _ in range(100)}
    assert len(waits) > 20
    assert min(waits) >= 100


# R: T10
async def test_one_person_has_a_bounded_number_of_streams_however_fast_they_are_opened(tmp_path: Path):
    async with served(tmp_path, streams_per_user=3) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        params = {"topic": f"trip:{made['trip']['id']}"}

        async def status(person: Person) -> Any:
            request = http.build_request(
                "GET", "/api/sync", params=params, headers=person.auth | {"Accept": "text/event-stream"}
            )
            return await http.send(request, stream=True)

        answers = await asyncio.gather(*(status(ana) for _ in range(12)))
        assert sorted(a.status_code for a in answers) == [200] * 3 + [429] * 9
        refused = next(a for a in answers if a.status_code == 429)
        await refused.aread()
        assert refused.json()["code"] == "too-many-streams"
        assert int(refused.headers["retry-after"]) >= 1
        async with ben.stream(made["trip"]["id"]):
            pass
        for answer in answers:
            await answer.aclose()
        await eventually(lambda: len(running.server.streams) == 0, "that all are closed")
        async with ana.stream(made["trip"]["id"]) as stream:
            await stream.next("reset")


class SlowlyRenewed(SqliteStore):
    """Says that people are here still when it is told to."""

    def __init__(self, place: Path) -> None:
        super().__init__(place / "store.sqlite", synchronous="NORMAL")
        self.hold, self.begun, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def presence_renew(self, topic: str, here: Mapping[str, bytes], ttl: timedelta) -> Mapping[str, Stored]:
        if here:
            self.begun.set()
            await self.hold.wait()
        listed = await super().presence_renew(topic, here, ttl)
        if here:
            self.ended.set()
        return listed


# R: F3
async def test_who_leaves_while_all_are_renewed_is_gone(tmp_path: Path):
    store = SlowlyRenewed(tmp_path)
    async with served(tmp_path, store=store, heartbeat=0.05) as running, connected(running.url) as http:
        made, (ana, _) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        async with ana.stream(trip_id) as stream:
            await stream.next("reset")
            await asyncio.wait_for(store.begun.wait(), 5)
        await eventually(lambda: not running.server.streams._open, "the end of the stream")
        store.hold.set()
        await asyncio.wait_for(store.ended.wait(), 5)
        for _ in range(500):
            if not await store.presence_list(f"trip:{trip_id}"):
                break
            await asyncio.sleep(0.01)
        assert not await store.presence_list(f"trip:{trip_id}")


class CountingSessions(SqliteStore):
    """Counts how often it is asked for a session."""

    asked = 0

    async def get(self, kind: str, key: str) -> Stored | None:
        self.asked += kind == "session"
        return await super().get(kind, key)


# R: S9
async def test_who_has_a_stream_open_is_known_and_signed_out_at_once_all_the_same(tmp_path: Path):
    store = CountingSessions(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with served(tmp_path, store=store, session_cache=0.01) as running, connected(running.url) as http:
        made, (ana, _) = await crew(http, 2)
        async with ana.stream(made["trip"]["id"]) as stream:
            await stream.next("reset")
            before = store.asked
            for _ in range(3):
                await asyncio.sleep(0.02)
                assert (await ana.get("/api/session")).status_code == 200
            assert store.asked == before
            assert (await ana.request("DELETE", "/api/session")).status_code == 204
            assert (await ana.get("/api/session")).status_code == 401
