"""A copy of an embedded store that is in use: as it was at one moment, and the server does not notice."""

import asyncio
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import apsw
import pytest
from tests.conftest import Count, Figure
from tests.server.test_store_sqlite import opened
from tests.support.people import eventually
from tests.support.whole import events_of, everything, walked

from roadcrew_server.moving.files import new_file
from roadcrew_server.stores import _sqlite_schema as schema
from roadcrew_server.stores._sqlite_backup import copy
from roadcrew_server.stores.base import StoreUnavailable
from roadcrew_server.stores.sqlite import SqliteStore

WRITER = Path(__file__).with_name("store_writer.py")


def quiet(done: int, of: int) -> None:
    """Progress that nobody wants to hear of."""


def back_up(source: Path, target: Path) -> None:
    """As the command does."""
    with new_file(target) as temporary:
        copy(source, temporary, quiet)


class Writing:
    """A process that appends to eight topics without end. `acknowledged`: topic to bodies, as they were told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines = 0
        self.acknowledged: dict[str, list[str]] = {}
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.endswith("\n"):
                break  # killed in the middle of it
            topic, _, body = line.split()
            self.acknowledged.setdefault(topic, []).append(body)
            self.lines += 1

    def reaches(self, lines: int) -> bool:
        """Whether so many appends were acknowledged."""
        return self.lines >= lines

    def kill(self) -> None:
        """`kill -9`; everything that it said has been read then."""
        self.process.kill()
        self.process.wait()
        self.reading.join()

    def now(self) -> dict[str, list[str]]:
        """What was acknowledged until now."""
        return {topic: list(bodies) for topic, bodies in self.acknowledged.items()}


@contextmanager
def writing(path: Path) -> Iterator[Writing]:
    """Another process that writes to the store; killed at the end, if not before."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    with subprocess.Popen(
        [sys.executable, str(WRITER), str(path), "write"], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
        except BaseException:
            process.kill()
            raise
        server = Writing(process)
        try:
            yield server
        finally:
            server.kill()


async def logs(path: Path) -> dict[str, list[str]]:
    """Every log of the store in a file; the numbers must have no gaps."""
    async with opened(path) as store:
        found = {}
        for topic in await walked(store.walk_topics):
            events = await events_of(store, topic)
            assert [event.seq for event in events] == list(range(len(events)))
            found[topic] = [event.body.decode() for event in events]
        return found


# R: G4
async def test_a_copy_made_while_a_server_writes_has_all_that_was_acknowledged_before(
    tmp_path: Path, count: Count, figure: Figure
) -> None:
    path = tmp_path / "store.sqlite"
    copies = count(reduced=4, full=40)
    with writing(path) as server:
        before: list[dict[str, list[str]]] = []
        for number in range(copies):
            await eventually(partial(server.reaches, server.lines + 500), "more appends", 30)
            before.append(server.now())
            await asyncio.to_thread(back_up, path, tmp_path / f"copy {number}.db")
        await eventually(partial(server.reaches, server.lines + 500), "appends after the last copy", 30)
        figure("appends acknowledged while copying", server.lines)
    for number, known in enumerate(before):
        made = tmp_path / f"copy {number}.db"
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        assert not made.with_name(made.name + "-wal").exists()
        found = await logs(made)
        assert len(found) == 8
        for topic, bodies in known.items():
            assert found[topic][: len(bodies)] == bodies


# R: G4
async def test_a_copy_of_what_a_killed_server_left_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with writing(path) as server:
        await eventually(partial(server.reaches, 300), "appends", 30)
        server.kill()
        known = server.now()
    assert schema.ended_uncleanly(path)
    back_up(path, tmp_path / "copy.db")
    found = await logs(tmp_path / "copy.db")
    for topic, bodies in known.items():
        assert found[topic][: len(bodies)] == bodies
    assert await logs(path) == found


# R: G4
async def test_a_copy_holds_what_the_store_holds_and_is_a_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with opened(path) as store:
        await store.put("user", "ana", b"Ana")
        await store.index_add("trips:ana", "lisbon", store.now())
        await asyncio.to_thread(back_up, path, tmp_path / "copy.db")
        async with opened(tmp_path / "copy.db") as copied:
            assert await everything(copied) == await everything(store)
            await copied.put("user", "ben", b"Ben")


# R: G4
async def test_what_is_no_good_store_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with opened(path) as store:
        for number in range(300):
            await store.put("user", f"{number}", b"x" * 500)
    damaged = tmp_path / "damaged.db"
    raw = bytearray(path.read_bytes())
    for place in range(8 * 4096, len(raw), 4096):  # every page but the first few
        raw[place : place + 64] = b"\xff" * 64
    damaged.write_bytes(raw)
    foreign = tmp_path / "foreign.db"
    db = apsw.Connection(str(foreign))
    db.execute("CREATE TABLE mine (a)")
    db.close()
    text = tmp_path / "text"
    text.write_text("hello " * 1000)
    empty = tmp_path / "empty"
    empty.touch()
    folder = tmp_path / "copies"
    folder.mkdir()
    for source, words in (
        (damaged, "damaged"),
        (foreign, "not one of Roadcrew's"),
        (text, "not a Roadcrew store"),
        (empty, "no server has used it"),
        (tmp_path / "none", "There is no store"),
    ):
        with pytest.raises(StoreUnavailable, match=words):
            back_up(source, folder / "copy.db")
        assert list(folder.iterdir()) == []


# R: G4
async def test_a_server_starts_and_stops_while_a_copy_is_made(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with opened(path) as store:
        for number in range(50):
            await store.put("user", f"{number}", b"x" * 50_000)
    store = SqliteStore(path)
    turns: list[int] = []

    def turn(done: int, of: int) -> None:
        """Once the view stands."""
        turns.append(done)
        if len(turns) == 1:
            asyncio.run_coroutine_threadsafe(use(), loop).result(30)

    async def use() -> None:
        await store.open()
        await store.put("user", "late", b"")
        await store.close()

    loop = asyncio.get_running_loop()
    began = time.monotonic()
    with new_file(tmp_path / "copy.db") as temporary:
        await asyncio.to_thread(copy, path, temporary, turn)
    assert time.monotonic() - began < 3, "the end of the server waited for the copy"
    async with opened(tmp_path / "copy.db") as copied, opened(path) as again:
        assert await copied.get("user", "49") is not None
        assert await copied.get("user", "late") is None
        assert await again.get("user", "late") is not None


# R: G4 S9
async def test_writers_do_not_wait_for_a_copy_that_takes_long(tmp_path: Path, figure: Figure) -> None:
    path = tmp_path / "store.sqlite"
    async with opened(path, checkpoint_pages=20) as store:
        await store.put("user", "before", b"")
        reader = schema.connect(path, vfs=None, write=False)
        reader.execute("BEGIN")
        assert schema.row(reader, "SELECT count(*) FROM records") == (1,)  # a view that stands, as a copy's does
        longest = 0.0
        for number in range(200):
            began = time.monotonic()
            await store.put("user", f"{number}", b"x" * 20_000)
            longest = max(longest, time.monotonic() - began)
        wal = path.with_name(path.name + "-wal")
        assert wal.stat().st_size > 20 * 10 * 4096, "the log of writes did not press"
        reader.close(force=True)
    figure("longest put beside a copy (s)", round(longest, 3))
    assert longest < 2
    assert not wal.exists()
