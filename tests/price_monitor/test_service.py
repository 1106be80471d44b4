"""The service on its socket: the key, an import from hello to done, back-pressure, and servers that misbehave."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.price_monitor.feeding import HEAD, generated, memory
from tests.price_monitor.server import KEY, Importer, dial, hear, rest, say
from websockets.exceptions import ConnectionClosed, InvalidStatus

from roadcrew_domain.jobs_state import Checkpoint
from roadcrew_price_monitor import protocol, session
from roadcrew_price_monitor.service import Service

ROOT = Path(__file__).resolve().parents[2]
FEED = "".join(generated(20_000, bad=100)).encode()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """A service in this loop, which says rows as often as it likes."""
    service = Service(memory(tmp_path / "m.db"), KEY, between=0)
    yield await service.start("127.0.0.1", 0)
    await service.stop()


# R: J2
@pytest.mark.parametrize("key", ["", "another", KEY + "x", KEY[:-1], KEY.upper(), "é"])
async def test_without_the_key_nobody_comes_in(port: int, key: str):
    with pytest.raises(InvalidStatus) as refused:
        async with dial(port, key):
            pass
    assert refused.value.response.status_code == 401
    assert KEY.encode() not in bytes(refused.value.response.body)


@pytest.mark.parametrize(
    ("path", "status"), [("/", 404), ("/v1/imports/", 404), ("/v2/imports", 404), ("/healthz", 200)]
)
async def test_imports_are_at_one_address(port: int, path: str, status: int):
    with pytest.raises(InvalidStatus) as refused:
        async with dial(port, path=path):
            pass
    assert refused.value.response.status_code == status


# R: J1 J3 J5
async def test_an_import_goes_from_hello_to_done(port: int):
    importer = Importer(FEED)
    async with dial(port) as wire:
        assert await importer.go(wire) == protocol.Done(20_000)
        with pytest.raises(ConnectionClosed):
            await wire.recv()
    assert wire.close_code == 1000
    assert (len(importer.hotels), [row.line for row in importer.refused]) == (19_800, list(range(101, 20_002, 100)))
    assert importer.checkpoint.offset == len(FEED)


# R: J4
async def test_on_a_new_connection_it_goes_on_where_the_server_was(port: int):
    importer = Importer(FEED)
    for upto in (1, 3_000, 9_000):
        async with dial(port) as wire:
            assert await importer.go(wire, rows=upto) is None
    async with dial(port) as wire:
        assert await importer.go(wire) == protocol.Done(20_000)
    assert importer.begun_at[0] == 0
    assert importer.begun_at == sorted(set(importer.begun_at))
    assert len({hotel.name for hotel in importer.hotels}) == len(importer.hotels) == 19_800


async def test_the_example_in_the_documentation_is_what_is_said(port: int):
    example = (ROOT / "docs" / "price-monitor.md").read_text(encoding="utf-8").partition("## An example")[2]
    size, feed = re.search(r"> \((\d+) bytes\) (.*)", example).groups()  # type: ignore[union-attr]
    importer = Importer(feed.replace("⏎", "\n").encode())
    assert len(importer.feed) == int(size)
    before = Importer((HEAD + "Alfama,Lisbon,2,52,EUR\n").encode(), job="before")
    for each in (before, importer):
        async with dial(port) as wire:
            await each.go(wire)
    for said in (*importer.hotels, *importer.refused):
        assert msgspec.json.encode(said).decode() in example


async def test_a_price_that_changed_since_an_earlier_import_is_told(port: int):
    feed = HEAD + "Casa,Lisbon,4,84,EUR\nAlfama,Lisbon,2,48,EUR\n"
    before, now = Importer(feed.encode(), job="one"), Importer(feed.replace("84", "90").encode(), job="two")
    for importer in (before, now):
        async with dial(port) as wire:
            await importer.go(wire)
    assert [hotel.was and hotel.was.amount for hotel in now.hotels] == [8400, None]


# R: J5
async def test_the_service_waits_with_two_messages_that_nobody_has_acknowledged(port: int):
    importer = Importer(FEED)
    async with dial(port) as wire:
        await say(wire, importer.hello())
        await hear(wire)
        for at in range(0, len(FEED), protocol.CHUNK):
            await wire.send(FEED[at : at + protocol.CHUNK])
        await say(wire, protocol.End())
        rows = [await hear(wire) for _ in range(protocol.MOST_UNACKNOWLEDGED)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await hear(wire)
        last = rows[-1]
        assert isinstance(last, protocol.Rows)
        await say(wire, protocol.Ack(last.checkpoint))  # it stands for the first as well
        assert isinstance(await hear(wire), protocol.Rows)
        assert isinstance(await hear(wire), protocol.Rows)


# R: J5
@pytest.mark.usefixtures("timed")
async def test_rows_are_said_ten_times_a_second_at_most(tmp_path: Path):
    service = Service(memory(tmp_path / "m.db"), KEY)
    importer = Importer(FEED)
    try:
        async with dial(await service.start("127.0.0.1", 0)) as wire:
            began = asyncio.get_running_loop().time()
            assert await importer.go(wire) == protocol.Done(20_000)
            took = asyncio.get_running_loop().time() - began
    finally:
        await service.stop()
    assert importer.messages >= 5
    assert (importer.messages - 1) * protocol.LEAST_BETWEEN <= took


async def test_a_cancelled_import_ends_without_a_word(port: int):
    async with dial(port) as wire:
        await say(wire, Importer(FEED).hello())
        await hear(wire)
        await say(wire, protocol.Cancel())
        await rest(wire)
    assert wire.close_code == 1000


async def test_the_newest_connection_of_a_job_is_the_one(port: int):
    async with dial(port) as old, dial(port) as new:
        await say(old, Importer(FEED).hello())
        await hear(old)
        assert await Importer(FEED).go(new) == protocol.Done(20_000)
        with pytest.raises(ConnectionClosed):
            await old.recv()
    assert old.close_code == protocol.REPLACED


async def test_after_its_memory_was_lost_an_import_is_read_again_and_nothing_said_twice(tmp_path: Path):
    lines = "".join(generated(9_000, bad=100)).splitlines()
    wide = "\n".join(f"{line},{'nobody reads this ' * 10}" for line in lines)  # few rows, and more bytes than `AHEAD`
    importer = Importer(f"{wide}\nHotel 1,City 1,3,9,EUR,\n".encode())
    end = None
    for life, upto in ((1, 7_000), (2, None)):
        service = Service(memory(tmp_path / f"{life}.db"), KEY, between=0)
        try:
            async with dial(await service.start("127.0.0.1", 0)) as wire:
                end = await importer.go(wire, rows=upto)
        finally:
            await service.stop()
    assert end == protocol.Done(9_001)
    assert importer.begun_at == [0, 0]
    assert importer.checkpoint.offset > session.AHEAD
    assert len({hotel.name for hotel in importer.hotels}) == len(importer.hotels) == 8_910
    assert importer.refused[-1].code == "duplicate"


@pytest.mark.parametrize("feed", [b"", b"nothing here\n", b"\xff\xfea\x00", b"name,city,price\rCasa"])
async def test_a_feed_that_can_not_be_read_ends_with_a_sentence(port: int, feed: bytes):
    async with dial(port) as wire:
        failed = await Importer(feed).go(wire)
    assert isinstance(failed, protocol.Failed)
    assert failed.code == "bad-feed"
    assert failed.detail.endswith(".")


async def test_what_was_good_of_a_feed_that_breaks_off_is_said_before_its_end(port: int):
    importer = Importer(b'[{"name":"A","city":"B","price":"1 EUR"},{"name":', "json")
    async with dial(port) as wire:
        failed = await importer.go(wire)
    assert isinstance(failed, protocol.Failed)
    assert (failed.code, len(importer.hotels)) == ("bad-feed", 1)


GOOD = Importer(FEED).hello()
PIECES: list[str | bytes] = [FEED[at : at + protocol.CHUNK] for at in range(0, len(FEED), protocol.CHUNK)]


def changed(**other: Any) -> str:
    """A hello with something else in it."""
    return protocol.written(msgspec.structs.replace(GOOD, **other))


# R: J2
@pytest.mark.parametrize(
    ("says", "code"),
    [
        ([b"no hello"], "protocol"),
        (["{"], "protocol"),
        (["[" * 8_000], "protocol"),
        (['{"type":"hello"}'], "protocol"),
        (['{"type":"rows","hotels":[],"refused":[],"checkpoint":{},"rows":0,"bytes":0}'], "protocol"),
        (["x" * 100_000], "protocol"),
        ([protocol.written(protocol.End())], "protocol"),
        ([changed(job="../../etc")], "protocol"),
        ([changed(job="j" * 65)], "protocol"),
        ([changed(job="a\x1b[2J")], "protocol"),
        ([changed(checkpoint=Checkpoint(-1, ""))], "protocol"),
        ([changed(checkpoint=Checkpoint(len(FEED) + 1, ""))], "protocol"),
        ([changed(checkpoint=Checkpoint(5, "mine"))], "protocol"),
        ([changed(version=2)], "version"),
        ([changed(currency="ZZZ")], "bad-feed"),
        ([changed(), changed()], "protocol"),
        ([changed(), b""], "protocol"),
        ([changed(bytes=3), b"name"], "protocol"),
        ([changed(), protocol.written(protocol.End())], "protocol"),
        ([changed(), FEED[:9], protocol.written(protocol.Ack(Checkpoint(9, "x")))], "protocol"),
        ([changed(bytes=4), b"name", protocol.written(protocol.End()), b"x"], "protocol"),
        ([changed(bytes=10**9), *PIECES * 4], "protocol"),
    ],
)
async def test_a_server_that_says_what_it_must_not_hears_so_and_the_service_goes_on(
    port: int, says: list[str | bytes], code: str
):
    async with dial(port) as wire:
        for message in says:
            await wire.send(message)
        said = await rest(wire)
    assert isinstance(said[-1], protocol.Failed)
    assert said[-1].code == code
    async with dial(port) as wire:
        assert await Importer((HEAD + "A,B,3,1,EUR\n").encode(), job="next").go(wire) == protocol.Done(1)


async def test_a_piece_that_is_too_large_closes_the_connection(port: int):
    async with dial(port) as wire:
        await say(wire, GOOD)
        await wire.send(b"x" * (protocol.MOST_CHUNK + 1))
        await rest(wire)
    assert wire.close_code == 1009


@pytest.mark.parametrize("says", [[], [GOOD]])
async def test_a_server_that_says_nothing_more_is_left(
    port: int, says: list[protocol.FromServer], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "HELLO_WITHIN", 0.05)
    monkeypatch.setattr(session, "SILENCE", 0.05)
    async with dial(port) as wire:
        for message in says:
            await say(wire, message)
        await rest(wire)
    assert wire.close_code == protocol.SILENT


async def test_when_nothing_can_be_remembered_nothing_more_is_said(tmp_path: Path):
    remembered = memory(tmp_path / "m.db")
    service = Service(remembered, KEY, between=0)
    async with dial(await service.start("127.0.0.1", 0)) as wire:
        await say(wire, GOOD)
        await hear(wire)
        remembered.abandon()  # as a disk that is full would
        await wire.send(FEED[: protocol.MOST_CHUNK])
        with pytest.raises(ConnectionClosed):
            await wire.recv()
    assert wire.close_code == 1011
    assert service.broken.is_set()
    await service.stop()


# R: J2
async def test_the_key_is_in_no_line_of_the_log(port: int, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    for key in (KEY, KEY + "x"):
        try:
            async with dial(port, key) as wire:
                await Importer(FEED).go(wire)
        except InvalidStatus:
            continue
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("roadcrew")]
    assert any("import begins job=job" in line for line in ours)
    assert not any(KEY in line for line in ours)


async def test_among_many_imports_a_large_one_is_said_in_few_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each time that its turn comes, more than the least time between two messages has gone by."""
    passed = 0.0
    clock = asyncio.get_running_loop().time
    monkeypatch.setattr(session, "_now", lambda: clock() + passed)

    class Shared(Service):
        async def _work(self, job: Any) -> Any:
            nonlocal passed
            passed += 0.15
            return await super()._work(job)

    feed = HEAD.encode() + b"".join(b"Hotel %05d,Lisbon,4,84.50,EUR\n" % n for n in range(30_000))
    service = Shared(memory(tmp_path / "m.db"), KEY)
    port = await service.start("127.0.0.1", 0)
    try:
        importer = Importer(feed)
        async with dial(port) as wire:
            assert await importer.go(wire) == protocol.Done(30_000)
    finally:
        await service.stop()
    assert importer.messages <= 30_000 / 1_000 + 2
