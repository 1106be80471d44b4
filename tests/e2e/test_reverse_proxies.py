"""nginx and Caddy with the files of `deploy/`: what people are promised holds through them, as it does without.

Each promise is tried at the server by itself, and behind each of the two that is installed (where `CI` is set, nginx
must be). What waits for a time limit waits for a shorter one in an ordinary run, and for the true one with `--full`.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Count, Figure
from tests.support.people import Person, crew
from tests.support.reverse_proxies import FRONTS, HERE, NAME, Front, nginx, nothing
from tests.support.serving import Running, served
from tests.support.valkey import ValkeyProcess

from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.redis import RedisStore

AT_ONCE = 1.0
"""Seconds within which an event is here. A proxy that buffers holds it until there are kilobytes of them."""

TIMES = {
    "nginx": {
        "client_header_timeout 10s": "client_header_timeout 500ms",
        "client_body_timeout 40s": "client_body_timeout 2s",
        "proxy_read_timeout 75s": "proxy_read_timeout 500ms",
    },
    "caddy": {"read_header 10s": "read_header 500ms", "read_body 40s": "read_body 1s"},
}
"""Shorter times, for ordinary runs."""

SHORT = {"heartbeat": 0.2, "body_timeout": 0.5}
"""Settings of the server that go with them."""


@pytest.fixture
def timed_if_short(request: pytest.FixtureRequest, full: bool) -> None:
    """Others wait for what lasts a second, not for the minutes that the true times take."""
    if not full:
        request.getfixturevalue("timed")


@pytest.fixture(params=["nothing", *HERE])
def kind(request: pytest.FixtureRequest, figure: Figure) -> str:
    """What stands in front."""
    figure("in front", request.param)
    return str(request.param)


@contextlib.asynccontextmanager
async def fronted(
    kind: str, place: Path, *, full: bool = False, changes: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[tuple[Running, Front]]:
    """A server, and what stands in front of it. `full`: with the times that the files say."""
    given = {"trusted_proxies": "127.0.0.1", **({} if full else SHORT), **settings}
    async with served(place, **given) as running:
        port = running.server.port
        times = {} if full else TIMES.get(kind, {})
        opened = nothing(port) if kind == "nothing" else FRONTS[kind](port, place, {**times, **(changes or {})})
        with opened as front:
            yield running, front


class _Loopback(httpx.AsyncHTTPTransport):
    """Reaches the front on loopback whatever its name, from an address of one's choice."""

    def __init__(self, front: Front, source: str | None = None) -> None:
        super().__init__(
            verify=front.tls or False, local_address=source, limits=httpx.Limits(max_connections=None), trust_env=False
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host="127.0.0.1")
        return await super().handle_async_request(request)


@contextlib.asynccontextmanager
async def at(front: Front, source: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client at the front."""
    transport = _Loopback(front, source)
    async with httpx.AsyncClient(base_url=front.url, transport=transport, timeout=120, trust_env=False) as http:
        yield http


@contextlib.asynccontextmanager
async def wire(front: Front) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection, for what no HTTP client does."""
    tls: dict[str, Any] = {} if front.tls is None else {"ssl": front.tls, "server_hostname": NAME}
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port, **tls)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


# R: T9 S1 S4
@pytest.mark.usefixtures("timed")
async def test_streams_come_at_once_and_polling_works(kind: str, tmp_path: Path, count: Count, figure: Figure):
    async with fronted(kind, tmp_path) as (_, front), at(front) as http:
        made, (ana, ben) = await crew(http, 2)
        trip, waits = made["trip"]["id"], []
        async with ana.stream(trip) as stream:
            await stream.next("reset", seconds=AT_ONCE)
            for n in range(count(reduced=20, full=300)):
                began = time.perf_counter()
                await (ana, ben)[n % 2].do("/update", {"tripId": trip, "name": f"Trip {n}"})
                await stream.next("event", seconds=AT_ONCE)
                waits.append(time.perf_counter() - began)
        batch = (await ben.poll(trip)).json()
        assert batch["resets"][0]["state"]["name"] == f"Trip {len(waits) - 1}"
        await ana.do("/update", {"tripId": trip, "name": "Porto"})
        later = (await ben.poll(trip, cursor=batch["cursor"], tag=batch["presenceTag"])).json()
        assert (len(later["events"]), later["resets"]) == (1, [])
        figure("ms from a change to its event, at most", round(max(waits) * 1000))


# R: T12 S3
@pytest.mark.usefixtures("timed_if_short")
async def test_a_quiet_stream_outlives_the_patience_of_the_proxy(kind: str, tmp_path: Path, full: bool):
    async with fronted(kind, tmp_path, full=full) as (_, front), at(front) as http:
        made, (ana, ben) = await crew(http, 2)
        async with ana.stream(made["trip"]["id"]) as stream:
            await stream.next("presence")
            await asyncio.sleep(100 if full else 0.9)
            assert not stream.closed
            await ben.do("/update", {"tripId": made["trip"]["id"], "name": "Porto"})
            await stream.next("event", seconds=AT_ONCE)


@pytest.mark.parametrize("kind", ["nothing", *[kind for kind in HERE if kind == "nginx"]], indirect=True)
async def test_the_controls_without_heartbeats_and_with_buffering_are_cut_and_held_back_by_a_proxy_only(
    kind: str, tmp_path: Path
):
    buffering = {"proxy_request_buffering off;": "proxy_request_buffering off; proxy_ignore_headers X-Accel-Buffering;"}
    between = kind != "nothing"
    async with fronted(kind, tmp_path, heartbeat=15) as (_, front), at(front) as http:
        made, (ana, _) = await crew(http, 2)
        async with ana.stream(made["trip"]["id"]) as stream:
            await asyncio.sleep(1)
            assert stream.closed == between
    async with fronted(kind, tmp_path, changes=buffering) as (_, front), at(front) as http:
        made, (ana, _) = await crew(http, 2)
        with pytest.raises(TimeoutError) if between else contextlib.nullcontext():
            async with asyncio.timeout(AT_ONCE), ana.stream(made["trip"]["id"]) as stream:
                await stream.next("reset")


async def test_a_body_that_is_too_large_is_refused(kind: str, tmp_path: Path):
    async with fronted(kind, tmp_path) as (_, front):
        async with at(front) as http:
            ana = await Person.guest(http, "Ana")
            answer = await ana.post("/create", {"name": "x" * 70_000})
            assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
            made = await ana.create()
            image = {"Content-Type": "image/png", **ana.auth}
            shown = f"/api/feeds/trip/{made['trip']['id']}/images"
            answer = await http.post(shown, content=b"x" * 1_000_000, headers=image)
            assert (answer.status_code, answer.json()["code"]) == (422, "bad-image"), "what the server itself says"
        async with wire(front) as (reader, writer):
            writer.write(_post("Content-Length: 10000000") + b"x" * 1000)
            assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
        async with wire(front) as (reader, writer):
            writer.write(_post("Transfer-Encoding: chunked"))
            with contextlib.suppress(OSError):
                for _ in range(20):
                    writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
                    await writer.drain()
            assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)


@pytest.mark.usefixtures("timed_if_short")
async def test_bodies_and_headers_that_never_end_are_cut(
    kind: str, tmp_path: Path, full: bool, monkeypatch: pytest.MonkeyPatch
):
    if not full:
        monkeypatch.setattr("roadcrew_server.http.HEAD_SECONDS", 0.5)
        monkeypatch.setattr("roadcrew_server.http.REST_SECONDS", 0.5)
    body = _post("Content-Length: 1000") + b'{"name":'
    head = f"GET /healthz HTTP/1.1\r\nHost: {NAME}\r\nX-Slow: ".encode()
    seconds = 90 if full else 5
    async with fronted(kind, tmp_path, full=full) as (_, front):
        *bodies, silent, trickling = await asyncio.gather(
            *(_endless(front, begun, drip, seconds) for begun in (body, head) for drip in (b"", b" "))
        )
    assert [said.split(b" ")[1] for said in bodies] == [b"408", b"408"]
    assert b" 200 " not in silent + trickling


def _post(more: str) -> bytes:
    """The head of a request that has a body."""
    return (
        f"POST /api/session/guest HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\n{more}\r\n\r\n".encode()
    )


async def _endless(front: Front, begun: bytes, drip: bytes, seconds: float) -> bytes:
    """What comes back to a request that began so, goes on a byte at a time, and never ends. Fails if nothing does."""
    async with wire(front) as (reader, writer):
        writer.write(begun)
        said = asyncio.create_task(_until_cut(reader))
        until = time.monotonic() + seconds
        while not said.done():
            assert time.monotonic() < until, "nothing was cut"
            writer.write(drip)
            await asyncio.sleep(0.05)
        return await said


async def _until_cut(reader: asyncio.StreamReader) -> bytes:
    """All that comes. A connection that is closed while more is sent to it ends with a reset."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while more := await reader.read(1 << 16):
            said += more
    return said


async def test_limits_count_people_and_not_the_proxy_whatever_they_say_of_themselves(kind: str, tmp_path: Path):
    claims = ("X-Forwarded-For", "x-forwarded-for", "X-Real-IP", "Forwarded", "X-Client-IP")
    sources = ["127.0.0.2", "127.0.0.3"] if sys.platform == "linux" else []  # elsewhere those are nobody's
    if kind != "nothing":  # who reaches the server itself from where it looks for the proxy is believed to be it
        sources.append("127.0.0.1")
    async with fronted(kind, tmp_path, signins_per_address="3/minute") as (_, front):
        for source in sources:
            async with at(front, source) as http:
                answers = [
                    await http.post("/api/session/guest", json={"name": "Eve"}, headers={claim: f"198.51.100.{n}"})
                    for n, claim in enumerate(claims)
                ]
            assert [a.status_code for a in answers] == [201] * 3 + [429] * 2


# R: T12
async def test_a_server_that_stops_says_so_through_the_proxy_and_its_figures_are_not_for_everybody(
    kind: str, tmp_path: Path
):
    place = tmp_path
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(served(place, trusted_proxies="127.0.0.1"))
        port = running.server.port
        with nothing(port) if kind == "nothing" else FRONTS[kind](port, place) as front:
            async with at(front) as http:
                assert (await http.get("/metrics")).status_code == (200 if kind == "nothing" else 403)
                assert (await http.get("/metrics/")).status_code in (403, 404)
                assert (await http.get("/readyz")).text == "ready\n"
                made, (ana, _) = await crew(http, 2)
                async with ana.stream(made["trip"]["id"]) as stream:
                    await stream.next("presence")
                    await stack.aclose()
                    frames = await stream.end()
                    assert (frames[-1].kind, frames[-1].data) == ("bye", {"reason": "restart"})
                if kind != "nothing":
                    assert (await ana.trip(made["trip"]["id"])).status_code == 502


# R: T9 T12
@pytest.mark.parametrize("kind", ["nothing", *[kind for kind in HERE if kind == "nginx"]], indirect=True)
async def test_when_one_of_two_servers_stops_the_other_serves_everybody(kind: str, tmp_path: Path):
    """By itself (`nothing`), whoever comes must come to the other; a proxy sees to that."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with contextlib.AsyncExitStack() as stack:
        valkey = await asyncio.to_thread(stack.enter_context, ValkeyProcess(tmp_path / "valkey"))
        address = address_of(valkey.url)
        settings = {"trusted_proxies": "127.0.0.1"}
        two = await stack.enter_async_context(served(tmp_path / "two", store=RedisStore(address), **settings))
        first = await stack.enter_async_context(contextlib.AsyncExitStack())
        one = await first.enter_async_context(served(tmp_path / "one", store=RedisStore(address), **settings))
        ports = one.server.port, two.server.port
        front = stack.enter_context(
            nothing(ports[1]) if kind == "nothing" else nginx(ports[0], tmp_path, others=ports[1:])
        )
        http = await stack.enter_async_context(at(front))
        made, (ana, ben) = await crew(http, 2)
        trip = made["trip"]["id"]
        async with contextlib.AsyncExitStack() as open_streams:
            streams = [await open_streams.enter_async_context(person.stream(trip)) for person in (ana, ben) * 2]
            for stream in streams:
                await stream.next("reset")
            cursor = streams[0].last_id
            await first.aclose()
            ended = [stream for stream in streams if stream.frames[-1].kind == "bye"]
            assert len(ended) == (0 if kind == "nothing" else 2)  # in turn
            for n in range(10):
                await ana.do("/update", {"tripId": trip, "name": f"Trip {n}"})
            async with ben.stream(trip, last_event_id=cursor) as back:
                await back.until(lambda frame: frame.kind == "event" and "Trip 9" in str(frame.data))
                assert [frame.kind for frame in back.frames if frame.kind == "reset"] == []
