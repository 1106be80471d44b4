"""A file that is sent: piece by piece, from its start again when it has to be, and not when it changes meanwhile."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.api_client.scripted import FAST, Request, Script, ScriptedServer, serving, until

import roadcrew_client as rc
from roadcrew_client._feeds import PIECE, Feed

JOB = {"jobId": "j", "status": "processing", "streamUrl": "/api/jobs/j/progress"}
LARGE = b"name,city,stars,price,currency\n" + b"Casa Azul,Lisbon,4,84,EUR\n" * 50_000


@contextlib.asynccontextmanager
async def sending(script: Script) -> AsyncIterator[tuple[rc.Client, ScriptedServer]]:
    """Somebody who is signed in."""
    async with serving(script) as server, rc.Client(server.url, token="ana", settings=FAST) as client:
        yield client, server


async def takes_it(request: Request) -> None:
    await request.answer(202, JOB)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hotels.csv"
    path.write_bytes(LARGE)
    return path


# R: J1
async def test_a_file_is_sent_whole_and_it_is_told_how_much_of_it_is(file: Path):
    told: list[int] = []
    async with sending(takes_it) as (client, server):
        started = await client.start_import("t", file, "hotels & more.csv", "csv", "EUR", sent=told.append, key="k")
    assert started == rc.ImportStarted("j", "processing", "/api/jobs/j/progress")
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/jobs")
    assert request.query == {"tripId": ["t"], "name": ["hotels & more.csv"], "currency": ["EUR"]}
    assert request.body == LARGE
    assert request.headers["content-type"] == "text/csv"
    assert request.headers["content-length"] == str(len(LARGE))
    assert "transfer-encoding" not in request.headers
    assert request.headers["idempotency-key"] == "k"
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == len(LARGE)
    assert len(told) == 2 + len(LARGE) // PIECE
    assert client.figures.bytes_out > len(LARGE)


async def test_bytes_can_be_sent_as_well_as_json():
    body = b'[{"name": "Casa Azul"}]'
    async with sending(takes_it) as (client, server):
        await client.start_import("t", body, "hotels", "json")
    (request,) = server.requests
    assert request.body == body
    assert request.headers["content-type"] == "application/json"
    assert "currency" not in request.query


# R: J1 C5
async def test_when_it_fails_for_now_all_of_it_is_sent_again_under_the_same_key(file: Path):
    answers = [503, 0, 202]

    async def script(request: Request) -> None:
        status = answers.pop(0)
        if status == 202:
            return await takes_it(request)
        if status == 503:
            return await request.problem(503, "busy")
        request.writer.transport.abort()

    told: list[int] = []
    async with sending(script) as (client, server):
        await client.start_import("t", file, "hotels", "csv", sent=told.append)
    assert [request.body for request in server.requests] == [LARGE] * 3
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 1
    assert told.count(0) == told.count(len(LARGE)) == 3


async def test_with_a_newer_token_all_of_it_is_sent_once_more(file: Path):
    async def script(request: Request) -> None:
        if request.headers["authorization"] != "Bearer newer":
            return await request.problem(401, "not-signed-in")
        if request.path == "/api/session":
            return await request.answer(200, {"user": {"id": "ana", "name": "Ana"}})
        return await takes_it(request)

    async def kept() -> str:
        return "newer"

    async with (
        serving(script) as server,
        rc.Client(server.url, token="old", reload_token=kept, settings=FAST) as client,
    ):
        await client.start_import("t", file, "hotels", "csv")
    assert [request.body for request in server.asked("/api/jobs")] == [LARGE] * 2


@pytest.mark.parametrize("change", ["grows", "shrinks", "is rewritten"])
async def test_a_file_that_changes_while_it_is_sent_is_given_up_and_said_so(file: Path, change: str):
    def changed(done: int) -> None:
        if done == PIECE:
            if change == "grows":
                with file.open("ab") as more:
                    more.write(b"Ritz,Lisbon,5,200,EUR\n")
            elif change == "shrinks":
                os.truncate(file, PIECE + 10)
            else:
                file.write_bytes(LARGE.replace(b"84", b"85"))

    async with sending(takes_it) as (client, server):
        with pytest.raises(rc.Rejected) as caught:
            await client.start_import("t", file, "hotels", "csv", sent=changed)
    assert caught.value.code == "feed-changed"
    assert server.requests == [], "it has not come whole, and is not tried again"


async def test_a_file_that_changed_between_two_attempts_is_not_sent_as_another_under_the_same_key(file: Path):
    async def script(request: Request) -> None:
        os.truncate(file, PIECE)
        await request.problem(503, "busy")

    async with sending(script) as (client, server):
        with pytest.raises(rc.Rejected) as caught:
            await client.start_import("t", file, "hotels", "csv")
    assert caught.value.code == "feed-changed"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("what", "code"), [("empty", "feed-empty"), ("no", "feed-unreadable"), ("folder", "feed-unreadable")]
)
async def test_what_can_not_be_sent_is_said_before_anything_is_asked(tmp_path: Path, what: str, code: str):
    path = tmp_path / what
    if what == "empty":
        path.touch()
    elif what == "folder":
        path.mkdir()
    async with sending(takes_it) as (client, server):
        with pytest.raises(rc.Rejected) as caught:
            await client.start_import("t", path, "hotels", "csv")
        with pytest.raises(rc.Rejected):
            await client.start_import("t", b"", "hotels", "csv")
    assert caught.value.code == code
    assert server.requests == []


# R: J1
async def test_a_server_that_refuses_before_it_has_read_all_of_it_is_heard(file: Path):
    """It answers at once and closes, as one does to what is too large for it."""
    asked = 0

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"status": 413, "code": "feed-too-large", "detail": "That is too large."}'
        writer.write(b"HTTP/1.1 413 X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        with contextlib.suppress(ConnectionError):
            while await reader.read(PIECE):
                pass
        writer.close()

    async with await asyncio.start_server(refuses, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with rc.Client(f"http://127.0.0.1:{port}", token="ana", settings=FAST) as client:
            with pytest.raises(rc.Rejected) as caught:
                await client.start_import("t", file, "hotels", "csv")
    assert caught.value.code == "feed-too-large"
    assert asked == 1


async def test_who_gives_up_while_a_file_is_sent_leaves_it_closed(file: Path, monkeypatch: pytest.MonkeyPatch):
    opened: list[BinaryIO] = []

    def keeps(path: Path) -> BinaryIO:
        opened.append(path.open("rb"))
        return opened[-1]

    monkeypatch.setattr("roadcrew_client._feeds._open", keeps)
    half = asyncio.Event()

    async def never(request: Request) -> None:
        await request.until_closed()

    async with sending(never) as (client, _):
        task = asyncio.create_task(
            client.start_import("t", file, "hotels", "csv", sent=lambda done: half.set() if done else None)
        )
        await half.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await until(lambda: [found.closed for found in opened] == [True, True])


class OnASlowDisk:
    """A file that answers when it may, and notes on which threads it was asked."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.asked, self.answers = threading.Event(), threading.Event()
        self.threads: set[threading.Thread] = set()

    def _wait(self) -> None:
        self.threads.add(threading.current_thread())
        self.asked.set()
        self.answers.wait(5)

    def read(self, size: int) -> bytes:
        self._wait()
        return self.file.read(size)

    def close(self) -> None:
        self._wait()
        self.file.close()

    def fileno(self) -> int:
        return self.file.fileno()


async def test_a_disk_that_hangs_does_not_hold_up_who_gives_up(file: Path, monkeypatch: pytest.MonkeyPatch):
    async with sending(takes_it) as (client, server):
        feed = await Feed.of(file)
        slow = OnASlowDisk(file.open("rb"))
        monkeypatch.setattr(Feed, "of", lambda source: asyncio.sleep(0, feed))
        monkeypatch.setattr("roadcrew_client._feeds._open", lambda path: slow)
        task = asyncio.create_task(client.start_import("t", file, "hotels", "csv"))
        await until(slow.asked.is_set)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        slow.answers.set()
        await until(lambda: slow.file.closed)
    assert threading.current_thread() not in slow.threads
    assert server.requests == []


async def test_a_disk_that_hangs_holds_up_nothing_else_and_only_one_piece_is_held(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    answers, original = threading.Event(), Feed._next

    def slowly(feed: Feed, file: BinaryIO, done: int) -> bytes:
        answers.wait()
        return original(feed, file, done)

    monkeypatch.setattr(Feed, "_next", slowly)
    feed = await Feed.of(file)
    pieces = feed.pieces(lambda done: None)
    first = asyncio.ensure_future(anext(pieces))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not first.done(), "the loop went on all the same"
    answers.set()
    read = [await first, *[piece async for piece in pieces]]
    assert b"".join(read) == LARGE
    assert max(len(piece) for piece in read) == PIECE
