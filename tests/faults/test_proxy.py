"""The proxy makes the faults that it names, to the byte, and no others. What clients make of them: tests/e2e."""

import asyncio
import contextlib
from collections import deque
from email.utils import parsedate_to_datetime
from time import monotonic

import pytest
from tests.faults import Answer, Cut, FaultProxy, Faults, Hold
from tests.faults.conftest import CALL, OK, STREAM, STREAM_HEAD, Connect, Upstream, soon
from tests.faults.connection import MAX_HELD
from tests.faults.framing import MAX_HEAD, Framer, Head, NotHttp
from tests.support.people import eventually


@pytest.mark.parametrize("to", ["http://192.0.2.1:80", "http://example.org", "https://127.0.0.1:1", "http://0.0.0.0:1"])
def test_it_forwards_to_nothing_but_this_computer(to: str):
    with pytest.raises(ValueError):
        FaultProxy(to)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "example.org"])
def test_it_listens_on_nothing_but_this_computer(host: str):
    with pytest.raises(ValueError):
        FaultProxy("http://127.0.0.1:1", host=host)


async def test_a_port_where_somebody_listens_is_not_taken(upstream: Upstream):
    async with FaultProxy(upstream.url) as proxy:
        for taken in (upstream.port, int(proxy.url.rpartition(":")[2])):
            with pytest.raises(OSError):
                async with FaultProxy(upstream.url, port=taken):
                    pass


CONVERSATION = (
    OK
    + b"HTTP/1.1 100 Continue\r\n\r\n"
    + b"HTTP/1.1 204 No Content\r\n\r\n"
    + STREAM_HEAD
    + b"5;x=y\r\nhe\r\no\r\n0\r\nTrailer: 1\r\n\r\n"
    + b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"  # the answer to HEAD
    + b"HTTP/1.0 200 OK\r\n\r\nuntil the end"
)


def pieces(size: int) -> tuple[bytes, list[str]]:
    framer = Framer(deque(["GET", "GET", "GET", "HEAD", "GET"]))
    raw, shape = b"", ""
    for at in range(0, len(CONVERSATION), size):
        for piece in framer.feed(CONVERSATION[at : at + size]):
            if isinstance(piece, bytes):
                raw, shape = raw + piece, shape.removesuffix(" body") + " body"
            else:
                raw, shape = (
                    (raw + piece.raw, f"{shape} {piece.status}") if isinstance(piece, Head) else (raw, shape + " end")
                )
    return raw, shape.split()


def test_it_knows_where_messages_begin_and_end_however_they_are_cut_up():
    expected = ["200", "body", "end", "100", "204", "end", "200", "body", "end", "200", "end", "200", "body"]
    for size in range(1, len(CONVERSATION) + 1):
        assert pieces(size) == (CONVERSATION, expected)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"hello\r\n",
        b"A" * (MAX_HEAD + 1),
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5000,
    ],
)
def test_what_is_not_http_is_said_to_be_none(nonsense: bytes):
    with pytest.raises(NotHttp):
        list(Framer(deque(["GET"])).feed(nonsense))


async def test_without_faults_every_byte_passes_as_it_is(upstream: Upstream, connect: Connect):
    upstream.says = lambda _: CONVERSATION
    async with FaultProxy(upstream.url) as proxy:
        reader, writer = await connect(proxy)
        writer.write(CALL)
        assert await soon(reader.readexactly(len(CONVERSATION))) == CONVERSATION
        writer.write(b"\x00 this is no HTTP" * 10_000)
        await eventually(lambda: len(upstream.heard) == len(CALL) + 170_000, "all that was sent")
        _, other = await connect(proxy)
        for part in (b"nor is this\r\n", b"\r\n", b"nor this"):
            other.write(part)
            await asyncio.sleep(0.01)
        await eventually(lambda: upstream.heard.endswith(b"nor is this\r\n\r\nnor this"), "that")


async def test_latency_makes_each_way_longer_and_keeps_the_order(upstream: Upstream, connect: Connect):
    async with FaultProxy(upstream.url, Faults(latency=0.1, jitter=0.05)) as proxy:
        reader, writer = await connect(proxy)
        began = monotonic()
        writer.write(CALL)
        assert await soon(reader.readexactly(len(OK))) == OK
        assert 0.2 <= monotonic() - began < 2
        upstream.says = lambda _: b""
        for n in range(50):
            writer.write(b"GET /%02d HTTP/1.1\r\n\r\n" % n)
            await asyncio.sleep(0)
        await eventually(lambda: b"/49" in upstream.heard, "the last of all")
        assert upstream.heard.endswith(b"".join(b"GET /%02d HTTP/1.1\r\n\r\n" % n for n in range(50)))


async def test_slow_bodies_come_at_the_rate(upstream: Upstream, connect: Connect):
    upstream.says = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000
    async with FaultProxy(upstream.url, Faults(rate=10_000)) as proxy:
        reader, writer = await connect(proxy)
        writer.write(CALL)
        await soon(reader.readuntil(b"\r\n\r\n"))
        began = monotonic()
        await soon(reader.readexactly(2000))
        assert 0.15 <= monotonic() - began < 2


@pytest.mark.parametrize("at", [1, len(OK) - 6, len(OK) - 2])
async def test_answers_are_cut_at_the_very_byte(upstream: Upstream, connect: Connect, at: int):
    async with FaultProxy(upstream.url, Faults(cut=Cut(at, at, "answers", "fin"))) as proxy:
        reader, writer = await connect(proxy)
        writer.write(CALL)
        assert await soon(reader.read(-1)) == OK[:at]
        await eventually(lambda: upstream.ended == 1, "the end at the server")
        assert [(h.what, h.kind) for h in proxy.story] == [("request", "call"), ("cut", "call")]


async def test_requests_are_cut_at_the_very_byte(upstream: Upstream, connect: Connect):
    async with FaultProxy(upstream.url, Faults(cut=Cut(9, 9, "requests", "fin"))) as proxy:
        reader, writer = await connect(proxy)
        writer.write(CALL)
        with contextlib.suppress(ConnectionError):
            assert await soon(reader.read(-1)) == b""
        await eventually(lambda: upstream.ended == 1, "the end at the server")
        assert upstream.heard == CALL[:9]


async def test_a_cut_is_a_reset_if_it_shall_be_one(upstream: Upstream, connect: Connect):
    async with FaultProxy(upstream.url, Faults(cut=Cut(0, 0, "answers", "rst"))) as proxy:
        reader, writer = await connect(proxy)
        writer.write(CALL)
        with pytest.raises(ConnectionResetError):
            await soon(reader.read(-1))


async def test_the_same_seed_cuts_at_the_same_bytes(upstream: Upstream, connect: Connect):
    async def lengths(seed: int) -> list[int]:
        async with FaultProxy(upstream.url, Faults(cut=Cut(1, 40, "answers", "fin")), seed=seed) as proxy:
            got = []
            for _ in range(8):
                reader, writer = await connect(proxy)
                writer.write(CALL)
                got.append(len(await soon(reader.read(-1))))
            return got

    assert await lengths(1) == await lengths(1) != await lengths(2)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_a_buffered_stream_shows_its_headers_and_nothing_more_until_the_buffer_is_full(
    upstream: Upstream, connect: Connect
):
    upstream.says = lambda _: STREAM_HEAD + chunk(b"data: 1\n\n")
    async with FaultProxy(upstream.url, Faults(hold=Hold(until=60))) as proxy:
        reader, writer = await connect(proxy)
        writer.write(STREAM)
        assert await soon(reader.readuntil(b"\r\n\r\n")) == STREAM_HEAD
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        upstream.writers[0].write(chunk(b"x" * 60))
        assert (await soon(reader.read(65536))).startswith(b"9\r\ndata: 1\n\n")


async def test_a_stream_held_with_its_headers_comes_all_at_once_when_it_ends_or_the_fault_does(
    upstream: Upstream, connect: Connect
):
    upstream.says = lambda _: STREAM_HEAD + chunk(b"data: 1\n\n")
    async with FaultProxy(upstream.url, Faults(hold=Hold(headers=True))) as proxy:
        reader, writer = await connect(proxy)
        writer.write(STREAM)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        upstream.writers[0].write(b"0\r\n\r\n" + OK)
        assert await soon(reader.readuntil(OK)) == STREAM_HEAD + chunk(b"data: 1\n\n") + b"0\r\n\r\n" + OK
        writer.write(STREAM)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        await proxy.be(Faults())
        assert (await soon(reader.readuntil(b"\n\n"))).startswith(STREAM_HEAD)


async def test_what_is_not_a_stream_is_not_buffered(upstream: Upstream, connect: Connect):
    async with FaultProxy(upstream.url, Faults(hold=Hold(headers=True))) as proxy:
        reader, writer = await connect(proxy)
        writer.write(CALL)
        assert await soon(reader.readexactly(len(OK))) == OK


async def test_the_buffer_is_bounded_and_the_server_notices(upstream: Upstream, connect: Connect):
    upstream.says = lambda _: STREAM_HEAD
    async with FaultProxy(upstream.url, Faults(hold=Hold())) as proxy:
        reader, writer = await connect(proxy)
        writer.write(STREAM)
        await soon(reader.readuntil(b"\r\n\r\n"))
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 64 * MAX_HELD:
                upstream.writers[0].write(chunk(b"x" * 65536))
                await asyncio.wait_for(upstream.writers[0].drain(), 0.5)
                sent += 65536
        assert MAX_HELD < sent < 64 * MAX_HELD


async def test_streams_are_cut_after_their_life_and_calls_are_not(upstream: Upstream, connect: Connect):
    upstream.says = lambda data: STREAM_HEAD if data == STREAM else OK
    async with FaultProxy(upstream.url, Faults(stream_life=0.2)) as proxy:
        reader, writer = await connect(proxy)
        other = await connect(proxy)
        writer.write(STREAM)
        began = monotonic()
        assert await soon(reader.read(-1)) == STREAM_HEAD
        assert 0.15 <= monotonic() - began < 2
        other[1].write(CALL)
        assert await soon(other[0].readexactly(len(OK))) == OK


async def test_refusing_resets_what_is_open_and_refuses_what_comes_until_it_is_over(
    upstream: Upstream, connect: Connect
):
    async with FaultProxy(upstream.url) as proxy:
        reader, writer = await connect(proxy)
        writer.write(CALL)
        await soon(reader.readexactly(len(OK)))
        url = proxy.url
        for _ in range(3):
            await proxy.change(refuse=True)
            with pytest.raises(ConnectionResetError):
                await soon(reader.read(1))
            with pytest.raises(ConnectionRefusedError):
                await connect(proxy)
            await proxy.be(Faults())
            assert proxy.url == url
            reader, writer = await connect(proxy)
            writer.write(CALL)
            assert await soon(reader.readexactly(len(OK))) == OK


@pytest.mark.parametrize("as_date", [False, True])
async def test_it_answers_itself_with_retry_after_in_either_form_and_the_server_sees_nothing(
    connect: Connect, as_date: bool
):
    answer = Answer(429, retry_after=3, as_date=as_date, skew=3600)
    async with FaultProxy("http://127.0.0.1:1", Faults(answer=answer)) as proxy:
        reader, writer = await connect(proxy)
        writer.write(b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
        said = await soon(reader.read(-1))
    (head, *_) = Framer(deque(["POST"])).feed(said)
    assert isinstance(head, Head)
    assert head.status == 429
    if as_date:
        wait = parsedate_to_datetime(head.headers["retry-after"]) - parsedate_to_datetime(head.headers["date"])
        assert wait.total_seconds() == 3
    else:
        assert head.headers["retry-after"] == "3"


async def test_only_the_kind_that_is_meant_is_answered(upstream: Upstream, connect: Connect):
    async with FaultProxy(upstream.url, Faults(answer=Answer(502, kind="stream"))) as proxy:
        reader, writer = await connect(proxy)
        writer.write(CALL)
        assert await soon(reader.readexactly(len(OK))) == OK
        writer.write(STREAM)
        assert (await soon(reader.read(-1))).startswith(b"HTTP/1.1 502 ")
    assert upstream.heard == CALL
    assert [h.kind for h in proxy.requests()] == ["call", "stream"]


async def test_a_silent_network_accepts_and_never_answers_and_tells_no_end(upstream: Upstream, connect: Connect):
    async with FaultProxy(upstream.url) as proxy:
        before_reader, before = await connect(proxy)
        before.write(CALL)
        await soon(before_reader.readexactly(len(OK)))
        await proxy.change(silent=True)
        reader, writer = await connect(proxy)
        before.write(CALL)
        writer.write(CALL)
        for waiting in (before_reader, reader):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiting.read(1), 0.1)
        await proxy.be(Faults())
        before.close()
        await asyncio.sleep(0.05)
        assert upstream.ended == 0, "the server is not told that the client has gone"
        assert upstream.heard == CALL
        later_reader, later = await connect(proxy)
        later.write(CALL)
        assert await soon(later_reader.readexactly(len(OK))) == OK
