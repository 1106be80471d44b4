"""The embedded store: the contract of all stores, and what only one file in one process promises."""

# ruff: noqa: ASYNC240 - small local files, and nothing else runs meanwhile

import asyncio
import gc
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest
from tests.conftest import Count, Figure
from tests.server.powercut import Disk
from tests.server.store_contract import LIMITS, Advance, StoreContract, append, bodies, born, commit

from roadcrew_server.stores import _sqlite_schema as schema
from roadcrew_server.stores import _sqlite_writer as writer_module
from roadcrew_server.stores.base import (
    KEPT_EVENTS,
    NOTHING_YET,
    Appended,
    Commit,
    Hint,
    Known,
    Limits,
    StoreBusy,
    StoreLocked,
    StoreUnavailable,
    StoreUncertain,
)
from roadcrew_server.stores.clock import StoreClock
from roadcrew_server.stores.local import Presence
from roadcrew_server.stores.sqlite import SqliteStore, path_of

WRITER = Path(__file__).with_name("store_writer.py")


class VirtualTime:
    """A wall clock and a monotonic one that stand still until they are moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 5, 20, 12, 0, 0, 123456, tzinfo=UTC)
        self.passed = 1000.0

    def clock(self) -> StoreClock:
        return StoreClock(lambda: self.at, lambda: self.passed)


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crew" / "store.sqlite"


@pytest.fixture
async def store(path: Path, time: VirtualTime) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, clock=time.clock(), limits=LIMITS)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def advance(time: VirtualTime) -> Advance:
    async def move(seconds: float) -> None:
        time.passed += seconds

    return move


@asynccontextmanager
async def opened(path: Path, **options: object) -> AsyncIterator[SqliteStore]:
    """A store for the length of a block."""
    store = SqliteStore(path, **options)  # type: ignore[arg-type]
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def child(path: Path, mode: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the store open; killed at the end, if not before."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    with subprocess.Popen(
        [sys.executable, str(WRITER), str(path), mode], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


class Gate:
    """Holds the writer, so that what is sent meanwhile waits in its queue."""

    def __init__(self, store: SqliteStore) -> None:
        assert store._writer is not None
        self._entered = threading.Event()
        self._open = threading.Event()
        self._job = store._writer.submit(self._wait)

    def _wait(self, writing: writer_module.Writing) -> None:
        self._entered.set()
        assert self._open.wait(60)

    async def closed(self) -> None:
        assert await asyncio.to_thread(self._entered.wait, 60)

    async def open(self) -> None:
        self._open.set()
        await self._job


class TestSqliteKeepsTheContract(StoreContract):
    """All of store_contract.py."""


class TestWriting:
    async def test_what_waits_together_is_committed_together(self, store: SqliteStore) -> None:
        # R: S9
        gate = Gate(store)
        await gate.closed()
        before = store.commits
        births = [
            asyncio.create_task(append(store, f"trip:{number}", None, NOTHING_YET, commit(store, "c1")))
            for number in range(200)
        ]
        await asyncio.sleep(0)
        await gate.open()
        results = await asyncio.gather(*births)
        assert all(isinstance(result, Appended) for result in results)
        assert store.commits - before == 2  # the gate's own and one for all

    async def test_a_job_that_fails_fails_alone(self, store: SqliteStore) -> None:
        # R: T10
        gate = Gate(store)
        await gate.closed()

        def half(writing: writer_module.Writing) -> None:
            writing.db.execute("INSERT INTO records (kind, key, value) VALUES ('half', 'done', x'00')")
            writing.hints.append(Hint("log", "half"))
            raise LookupError("a bug")

        assert store._writer is not None
        stream = store.listen()
        good = asyncio.create_task(store.put("user", "ana", b"Ana"))
        await asyncio.sleep(0)
        bad = store._writer.submit(half)
        also_good = asyncio.create_task(append(store, "trip:1", None, NOTHING_YET, commit(store, "c1")))
        await asyncio.sleep(0)
        await gate.open()
        with pytest.raises(LookupError):
            await bad
        await good
        assert isinstance(await also_good, Appended)
        assert await store.get("half", "done") is None
        assert (await anext(stream)).topic == "trip:1"

    async def test_a_full_queue_says_busy_and_writes_nothing(self, path: Path) -> None:
        # R: S9
        async with opened(path, limits=Limits(write_queue=2)) as store:
            gate = Gate(store)
            await gate.closed()
            waiting = [asyncio.create_task(store.put("user", str(number), b"")) for number in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(StoreBusy):
                await store.put("user", "2", b"")
            await gate.open()
            await asyncio.gather(*waiting)
            assert await store.get("user", "2") is None
            await store.put("user", "2", b"")

    async def test_an_append_whose_caller_is_cancelled_happens_and_is_hinted(self, store: SqliteStore) -> None:
        # R: T9 T10 S7
        stream = store.listen()
        sent = commit(store, "c1")
        task = asyncio.create_task(append(store, "trip:1", None, NOTHING_YET, sent))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        replay = await append(store, "trip:1", None, NOTHING_YET, sent)
        assert replay == Known({"ana:c1": b"outcome of c1"})
        assert [event.body for event in (await anext(stream)).events] == [b"c1"]
        assert await bodies(store) == [b"c1"]

    async def test_reading_does_not_wait_for_writing(self, store: SqliteStore) -> None:
        # R: T10
        await born(store)
        gate = Gate(store)
        await gate.closed()
        assert await bodies(store) == [b"e0"]
        await gate.open()

    async def test_the_log_of_writes_is_moved_into_the_file(self, path: Path) -> None:
        # R: G4
        async with opened(path, checkpoint_pages=20) as store:
            topic = await born(store)
            head = topic.head
            for number in range(200):
                result = await append(store, "trip:1", topic.epoch, head, Commit(str(number), (b"x" * 2000,)))
                assert isinstance(result, Appended)
                head = result.head
            wal = path.with_name(path.name + "-wal")
            assert wal.stat().st_size < 100 * 4096  # it starts over instead of growing


class TestTheSweep:
    async def test_it_runs_by_itself_and_removes_what_has_expired(
        self, store: SqliteStore, advance: Advance, path: Path
    ) -> None:
        # R: T7
        short = timedelta(seconds=5)
        topic = await born(store, "trip:1", 30, keep=short)
        await append(store, "trip:1", topic.epoch, 29, commit(store, "c1"), keep=short)
        await store.compact("trip:1", topic.epoch, 10, "birth", b"state")
        await born(store, "trip:2", 3)
        await store.forget("trip:2")
        await born(store, "trip:3", 3)
        await append(store, "trip:3", (await born(store, "trip:4")).epoch, 9, commit(store, "no"))
        await store.put("user", "ana", b"", store.now() + short)
        await store.lease_take("run:1", "a", short)
        await advance(61)
        await store.ping()  # whatever it writes next wakes it; the sweep follows
        await store.ping()
        assert await store.sweep() == 0
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        left = {
            table: db.execute(f"SELECT count(*) FROM {table}").get
            for table in ("topics", "events", "commands", "snapshots", "records", "leases")
        }
        db.close()
        assert left == {"topics": 2, "events": 4, "commands": 0, "snapshots": 0, "records": 0, "leases": 0}

    async def test_one_pass_is_bounded_and_the_next_goes_on(
        self, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # R: S9
        monkeypatch.setattr("roadcrew_server.stores.sqlite.SWEEP_ROWS", 40)
        for number in range(3):
            await born(store, f"trip:{number}", 50)
            await store.forget(f"trip:{number}")
        passes = [await store.sweep() for _ in range(5)]
        assert all(removed <= 40 for removed in passes)
        assert sum(passes) == 3 * 50 + 3
        assert passes[-1] == 0

    async def test_a_pass_takes_away_a_few_large_records_and_the_next_goes_on(
        self, store: SqliteStore, advance: Advance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("roadcrew_server.stores._sqlite_keys.SWEPT", 100_000, raising=False)
        for number in range(7):
            await store.put("feed", f"{number}", bytes(40_000), store.now() + timedelta(seconds=5))
        await advance(6)

        async def left() -> int:
            assert store._writer is not None
            return await store._write(lambda w: w.db.execute("SELECT count(*) FROM records").get)

        counts = [(await store.sweep() > 0, await left()) for _ in range(4)]
        assert counts == [(True, 4), (True, 1), (True, 0), (False, 0)]

    async def test_a_topic_born_again_before_the_sweep_keeps_its_events(
        self, store: SqliteStore, advance: Advance
    ) -> None:
        # R: T7
        await born(store, events=5, keep=timedelta(seconds=5))
        await advance(6)
        await append(store, "trip:1", None, NOTHING_YET, commit(store, "new"))
        assert await store.sweep() > 0
        assert await bodies(store) == [b"new"]


class TestTheFile:
    async def test_everything_is_there_after_reopening(self, path: Path) -> None:
        # R: G4
        async with opened(path) as store:
            topic = await born(store, events=KEPT_EVENTS + 10, due=store.now())
            await append(store, "trip:1", topic.epoch, topic.head, commit(store, "c1"), due=store.now())
            await store.compact("trip:1", topic.epoch, 50, "birth", b"state")
            await store.put("user", "ana", b"Ana")
            await store.index_add("trips:ana", "trip:1", store.now())
            lease = await store.lease_take("run:1", "a", timedelta(days=1))
            before = await store.load("trip:1")
        async with opened(path) as store:
            assert await store.load("trip:1") == before
            assert await store.recorded("trip:1", "ana:c1") == b"outcome of c1"
            assert await store.get("user", "ana") is not None
            assert await store.index_list("trips:ana", 10) == ("trip:1",)
            assert await store.due_take(store.now(), 10, timedelta(1)) == ("trip:1",)
            # Its holder went with its process, so nobody has to wait for it to run out.
            again = await store.lease_take("run:1", "b", timedelta(days=1))
            assert lease is not None
            assert again is not None
            assert again.fence > lease.fence

    async def test_a_second_server_is_refused_and_told_what_to_do(self, path: Path) -> None:
        # R: G4
        with child(path, "hold"):
            store = SqliteStore(path)
            with pytest.raises(StoreLocked, match=r"Stop that server first.*another --store"):
                await store.open()
        async with opened(path) as store:  # its lock went with it
            await store.ping()
            with pytest.raises(StoreLocked):
                await SqliteStore(path).open()

    async def test_the_file_is_its_owners_alone(self, store: SqliteStore, path: Path) -> None:
        # R: G4
        await born(store)
        for name in (path.name, f"{path.name}-wal"):
            assert path.with_name(name).stat().st_mode & 0o077 == 0

    async def test_a_file_of_a_newer_roadcrew_is_refused_unchanged(self, path: Path) -> None:
        # R: G4
        async with opened(path):
            pass
        db = apsw.Connection(str(path))
        db.execute(f"PRAGMA user_version={len(schema.MIGRATIONS) + 1}")
        db.close()
        before = path.read_bytes()
        with pytest.raises(StoreUnavailable, match=r"newer Roadcrew.*Upgrade"):
            await SqliteStore(path).open()
        assert path.read_bytes() == before

    async def test_an_older_file_is_brought_up_to_date(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # R: G4
        async with opened(path) as store:
            await born(store)
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE later (a INTEGER) STRICT;"))
        async with opened(path) as store:
            assert await bodies(store) == [b"e0"]
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE half (a); CREATE TABLE later (a)"))
        with pytest.raises(StoreUnavailable):
            await SqliteStore(path).open()
        db = apsw.Connection(str(path))
        assert db.execute("PRAGMA user_version").get == 2
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").get == 0
        db.close()

    async def test_another_programs_file_is_left_alone(self, path: Path) -> None:
        # R: G4
        path.parent.mkdir()
        db = apsw.Connection(str(path))
        db.execute("CREATE TABLE notes (text)")
        db.close()
        before = path.read_bytes()
        with pytest.raises(StoreUnavailable, match="not one of Roadcrew's"):
            await SqliteStore(path).open()
        assert path.read_bytes() == before

    async def test_a_file_that_is_no_database_is_refused_with_a_sentence(self, path: Path) -> None:
        # R: G4
        path.parent.mkdir()
        path.write_bytes(b"not a database at all" * 1000)
        with pytest.raises(StoreUnavailable, match=r"damaged.*backup"):
            await SqliteStore(path).open()
        with pytest.raises(StoreUnavailable, match=r"damaged.*backup"):  # and its lock was let go
            await SqliteStore(path).open()

    async def test_damage_is_found_when_the_last_end_was_unclean(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # R: G4
        with child(path, "write") as process:
            assert process.stdout is not None
            for _ in range(500):
                process.stdout.readline()
        assert schema.ended_uncleanly(path)
        content = bytearray(path.read_bytes())
        page = _root_page(path, tmp_path / "copy.sqlite", "records")  # nobody has written to it since
        content[(page - 1) * 4096 : page * 4096] = random.Random(1).randbytes(4096)
        path.write_bytes(content)
        for _ in range(2):  # refusing it must not tidy it up
            with pytest.raises(StoreUnavailable, match=r"damaged.*backup"):
                await SqliteStore(path).open()
        monkeypatch.setattr(schema, "CHECKED_BYTES", 0)
        store = SqliteStore(path)
        facts = await store.open()
        await store.close()
        assert "too large to be checked" in facts.warnings[0]

    def test_a_url_names_a_file(self) -> None:
        # R: G4
        assert path_of("sqlite:///crew.sqlite") == Path("crew.sqlite")
        assert path_of("sqlite:////var/lib/my%20crew.sqlite") == Path("/var/lib/my crew.sqlite")
        for wrong in ("sqlite://host/crew", "sqlite:///", "sqlite:///:memory:", "redis:///x", "sqlite:///a?mode=ro"):
            with pytest.raises(ValueError):
                path_of(wrong)


def _root_page(path: Path, copy: Path, table: str) -> int:
    """Where a table begins, looked up in a copy so that the file's log of writes stays as it is."""
    copy.write_bytes(path.read_bytes())
    db = apsw.Connection(str(copy))
    found = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).get
    db.close()
    return int(found)


class TestTheEnd:
    async def test_closing_finishes_what_was_queued(self, path: Path) -> None:
        # R: G4
        async with opened(path) as store:
            gate = Gate(store)
            await gate.closed()
            queued = [asyncio.create_task(store.put("user", str(number), b"")) for number in range(50)]
            stream = store.listen()
            await asyncio.sleep(0)
            closing = asyncio.create_task(store.close())
            await asyncio.sleep(0)
            with pytest.raises(StoreUnavailable):
                await store.put("user", "too late", b"")
            await gate.open()
            await asyncio.gather(*queued)
            await closing
            assert [hint async for hint in stream] == []
        assert not schema.ended_uncleanly(path)
        assert not any(thread.name.startswith("roadcrew-store") for thread in threading.enumerate())
        async with opened(path) as store:
            assert await store.get("user", "49") is not None
            assert await store.get("user", "too late") is None

    async def test_a_closed_store_says_so(self, path: Path) -> None:
        # R: G4
        async with opened(path) as store:
            pass
        await store.close()
        for call in (
            store.ping(),
            store.load("trip:1"),
            append(store, "trip:1", None, NOTHING_YET, commit(store, "c1")),
            store.presence_list("trip:1"),
            store.revoke("session", "token"),
        ):
            with pytest.raises(StoreUnavailable):
                await call
        with pytest.raises(StoreUnavailable):
            store.listen()

    async def test_closing_a_store_that_never_opened_is_nothing(self, path: Path) -> None:
        # R: G4
        await SqliteStore(path).close()

    async def test_what_hangs_is_given_up_after_a_bounded_wait(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # R: G4
        monkeypatch.setattr("roadcrew_server.stores.sqlite.CLOSE_SECONDS", 0.05)
        store = SqliteStore(path)
        await store.open()
        gate = Gate(store)
        await gate.closed()
        queued = asyncio.create_task(store.put("user", "ana", b""))
        await asyncio.sleep(0)
        await store.close()
        await gate.open()
        with pytest.raises(StoreUnavailable, match="Nothing was written"):
            await queued
        with pytest.raises(StoreLocked):  # the thread might still have written
            await SqliteStore(path).open()
        store._lock.release()

    async def test_a_dropped_listener_is_forgotten(self, store: SqliteStore) -> None:
        # R: T10
        stream = store.listen()
        assert len(store._hints) == 1
        del stream
        gc.collect()
        assert len(store._hints) == 0


class TestTime:
    async def test_the_wall_clock_is_read_at_the_start_only(self, store: SqliteStore, time: VirtualTime) -> None:
        # R: T4
        assert store.now() == datetime(2026, 5, 20, 12, 0, 0, 123000, tzinfo=UTC)
        time.at -= timedelta(hours=3)
        time.passed += 1.5
        assert store.now() == datetime(2026, 5, 20, 12, 0, 1, 623000, tzinfo=UTC)
        time.passed -= 1.0  # no monotonic clock does this; ours must hold all the same
        assert store.now() == datetime(2026, 5, 20, 12, 0, 1, 623000, tzinfo=UTC)


class TestMemory:
    def test_presence_that_nobody_looks_at_does_not_pile_up(self) -> None:
        # R: F3 S9
        presence = Presence()
        for number in range(20_000):
            presence.set(f"trip:{number}", "ana/1", b"Ana", number + 10, number)
        assert presence._entries == len(presence._topics) < 2_000
        assert set(presence.list("trip:19999", 20_000)) == {"ana/1"}


class TestDiskTrouble:
    async def test_a_full_disk_writes_nothing_and_goes_on_when_there_is_room(self, path: Path) -> None:
        # R: T9
        disk = Disk("full-disk")
        async with opened(path, vfs=disk.name) as store:
            topic = await born(store)
            disk.broken = apsw.FullError
            with pytest.raises(StoreUnavailable, match="full"):
                await append(store, "trip:1", topic.epoch, 0, commit(store, "c1"))
            assert await bodies(store) == [b"e0"]
            disk.broken = None
            result = await append(store, "trip:1", topic.epoch, 0, commit(store, "c1"))
            assert result == Appended(topic.epoch, 1)

    async def test_a_sync_that_fails_is_uncertain_and_the_replay_settles_it(self, path: Path) -> None:
        # R: T9 S7
        disk = Disk("failing-disk")
        async with opened(path, vfs=disk.name) as store:
            topic = await born(store)
            stream = store.listen()
            sent = commit(store, "c1")
            disk.broken = apsw.IOError
            with pytest.raises(StoreUncertain):
                await append(store, "trip:1", topic.epoch, 0, sent)
            disk.broken = None
            await store.revoke("session", "before the replay")
            assert isinstance(await append(store, "trip:1", topic.epoch, 0, sent), Appended | Known)
            assert await bodies(store) == [b"e0", b"c1"]
            assert await anext(stream) == Hint("revoked", "before the replay")
            assert [event.seq for event in (await anext(stream)).events] == [1]


class TestSuddenDeath:
    async def test_a_killed_process_loses_nothing_that_it_acknowledged(
        self, path: Path, count: Count, figure: Figure
    ) -> None:
        # R: T9 G4
        acknowledged: dict[str, int] = {}
        chance = random.Random(20)
        total = 0
        for _ in range(count(reduced=3, full=20)):
            with child(path, "write") as process:
                assert process.stdout is not None
                lines = [process.stdout.readline() for _ in range(chance.randrange(50, 600))]
                process.kill()  # in the middle of whatever it is doing
                lines += process.stdout.readlines()
            for line in lines:
                if line.endswith("\n"):  # the last may be cut off
                    topic, head, _ = line.split(" ")
                    acknowledged[topic] = max(acknowledged.get(topic, 0), int(head))
            async with opened(path) as store:
                for topic, last in acknowledged.items():
                    kept = await bodies(store, topic)
                    assert len(kept) > last
                    writer = topic.removeprefix("trip:")
                    assert kept == [f"{writer}.{seq}".encode() for seq in range(len(kept))]
                total = sum(last + 1 for last in acknowledged.values())
        assert total >= 150
        figure("acknowledged appends, none lost", total)

    async def test_a_power_cut_loses_nothing_that_was_acknowledged(
        self, tmp_path: Path, count: Count, figure: Figure
    ) -> None:
        # R: T9 G4
        cuts = count(reduced=30, full=500)
        losing, lost, acknowledged = await _cut_power(tmp_path, "FULL", cuts)
        figure("FULL", f"{acknowledged} acknowledged, {cuts} cuts, {losing} with a loss")
        assert (losing, lost) == (0, 0)
        assert acknowledged > cuts

    async def test_control_without_the_sync_a_power_cut_does_lose(
        self, tmp_path: Path, count: Count, figure: Figure
    ) -> None:
        # R: T9
        cuts = count(reduced=30, full=500)
        losing, lost, acknowledged = await _cut_power(tmp_path, "NORMAL", cuts)
        figure("NORMAL", f"{acknowledged} acknowledged, {cuts} cuts, {losing} with a loss, {lost} appends")
        assert losing > 0


async def _cut_power(tmp_path: Path, synchronous: schema.Synchronous, cuts: int) -> tuple[int, int, int]:
    """Cut the power that many times while eight writers append; returns in how many cuts something
    acknowledged was lost, how many appends were, and how many were acknowledged in all."""
    disk = Disk(f"disk-{synchronous}-{tmp_path.name}")
    chance = random.Random(7)
    heads: dict[str, int] = {}
    more = asyncio.Event()
    losing = lost = 0

    async with opened(tmp_path / "store.sqlite", vfs=disk.name, synchronous=synchronous, checkpoint_pages=40) as store:

        async def write(topic: str) -> None:
            epoch, head = None, NOTHING_YET
            while True:
                body = f"{topic} {head + 1}".encode() + b"." * 500
                result = await append(store, topic, epoch, head, Commit(str(head + 1), (body,)))
                assert isinstance(result, Appended)
                epoch, head = result.epoch, result.head
                heads[topic] = head
                if head % 40 == 39:
                    await store.compact(topic, result.epoch, head, str(head), body)
                more.set()

        writers = [asyncio.create_task(write(f"trip:{number}")) for number in range(8)]
        try:
            for number in range(cuts):
                for _ in range(chance.randrange(1, 12)):
                    more.clear()
                    await more.wait()
                promised = dict(heads)  # told to somebody before the cut
                folder = tmp_path / f"cut-{number}"
                await asyncio.to_thread(disk.cut, folder, chance, (0.0, 0.5)[number % 2])
                missing = await _missing(folder / "store.sqlite", promised)
                await asyncio.to_thread(shutil.rmtree, folder)
                losing += missing > 0
                lost += missing
        finally:
            for writer in writers:
                writer.cancel()
            stopped = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in stopped), stopped
    return losing, lost, sum(head + 1 for head in heads.values())


async def _missing(path: Path, promised: dict[str, int]) -> int:
    """How many promised appends a server does not find when the power is back."""
    if not path.exists():
        return sum(head + 1 for head in promised.values())
    missing = 0
    async with opened(path) as store:
        for topic, head in promised.items():
            loaded = await store.load(topic)
            found = NOTHING_YET if loaded is None else loaded.head
            if loaded is not None:
                page = await bodies(store, topic)
                first = loaded.head + 1 - len(page)
                assert [body.split(b".")[0] for body in page] == [
                    f"{topic} {seq}".encode() for seq in range(first, loaded.head + 1)
                ]
            missing += max(head - found, 0)
    return missing
