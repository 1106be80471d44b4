"""A store into a file and into another store: nothing lost, nothing believed, nothing half."""

# ruff: noqa: ASYNC240 - small local files, and nothing else runs meanwhile

import asyncio
import base64
import gc
import hashlib
import json
import os
import random
import stat
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Count, Figure
from tests.support.serving import settings_for
from tests.support.valkey import Cluster, ValkeyProcess
from tests.support.whole import everything

from roadcrew_server.app import Server
from roadcrew_server.moving import lines
from roadcrew_server.moving import restore as restoring
from roadcrew_server.moving.export import CantExport, export
from roadcrew_server.moving.files import Taken, new_file
from roadcrew_server.moving.lines import Counts
from roadcrew_server.moving.reading import MARKED, BadFile
from roadcrew_server.moving.restore import CantImport, mark, require_whole, restore
from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.base import (
    NOTHING_YET,
    Appended,
    CommandRecord,
    Commit,
    Limits,
    Page,
    Slice,
    Store,
    StoredEvent,
    StoreUnavailable,
)
from roadcrew_server.stores.redis import RedisStore
from roadcrew_server.stores.sqlite import SqliteStore

LONG = timedelta(days=100)


def quiet(so_far: Counts) -> None:
    """Progress that nobody wants to hear of."""


def body(rng: random.Random, size: int = 40) -> bytes:
    """JSON of about that size, with letters of many kinds."""
    letters = 'aé漢🧳\\"\u2028 '
    return json.dumps({"n": rng.random(), "text": "".join(rng.choices(letters, k=size))}, ensure_ascii=False).encode()


async def fill(store: Store, rng: random.Random, topics: int = 5) -> None:
    """Topics of many lengths, with and without snapshots, due times and remembered commands; records; indexes."""
    for number in range(topics):
        name, now = f"trip:{number}", store.now()
        events = rng.choice((1, 2, 130, 260))
        epoch, head, first = None, NOTHING_YET, 0
        while head + 1 < events:
            many = rng.randint(1, 40)
            key = f"ana POST /trips/{number} {head}"
            record = CommandRecord(key, body(rng), now + timedelta(milliseconds=rng.randint(10**6, 10**9)))
            first = head + 1
            commit = Commit(f"c{first}", tuple(body(rng) for _ in range(many)), record)
            keep_until = now + LONG + timedelta(milliseconds=rng.randint(0, 10**9))
            due = None if rng.random() < 0.5 else now + timedelta(milliseconds=rng.randint(10**7, 10**9))
            result = await store.append(name, epoch, head, [commit], keep_until=keep_until, due=due)
            assert isinstance(result, Appended)
            epoch, head = result.epoch, result.head
        if epoch is not None and rng.random() < 0.7:
            assert await store.compact(name, epoch, rng.randint(first, head), f"c{first}", body(rng, 3000))
    for number in range(3 * topics):
        expires = None if number % 2 else store.now() + LONG
        await store.put(rng.choice(("user", "session", "invite")), f"k {number} ü", rng.randbytes(50), expires)
        await store.index_add(f"trips:{number % 3}", f"trip {number}", store.now() - timedelta(seconds=number))
    for _ in range(3):
        assert await store.lease_take("run:1", "a", timedelta(seconds=5)) is not None


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    """A store for the length of a block."""
    store = SqliteStore(path, synchronous="NORMAL")
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def bring(store: Store, path: Path) -> Counts:
    """Import a file, as the command does."""
    with restoring.opened(path) as file:
        sha256 = restoring.check(file, quiet)
        await mark(store, sha256)
        return await restore(store, file, sha256, quiet)


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store in use."""
    async with opened(tmp_path / "old.db") as store:
        await fill(store, random.Random(5))
        yield store


@pytest.fixture
async def new(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An empty one."""
    async with opened(tmp_path / "new.db") as store:
        yield store


@pytest.fixture
async def exported(old: SqliteStore, tmp_path: Path) -> Path:
    """The export of `old`."""
    path = tmp_path / "trips.export"
    await export(old, path, quiet)
    return path


# R: G4 S1 S7
async def test_a_store_that_went_through_a_file_is_the_same_to_the_byte(
    tmp_path: Path, count: Count, figure: Figure
) -> None:
    total = Counts()
    for seed in range(count(reduced=3, full=40)):
        place = tmp_path / str(seed)
        path = place / "trips.export"
        async with opened(place / "old.db") as old, opened(place / "new.db") as new:
            await fill(old, random.Random(seed), topics=4)
            there = await export(old, path, quiet)
            back = await bring(new, path)
            assert there == back
            assert await everything(new) == await everything(old)
            for name in ("trip:0", "trip:3"):
                assert await new.load(name) == await old.load(name)
            await require_whole(new)
            total = back
    figure("the last of them", total)


@asynccontextmanager
async def shared(url: str) -> AsyncIterator[RedisStore]:
    """A store in a Redis, Valkey or cluster for the length of a block, with small pages."""
    store = RedisStore(address_of(url), limits=Limits(walk_items=10))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def there_and_back(url: str, old: Store, place: Path) -> None:
    """From `old` into an empty Redis and into an embedded store again."""
    there, back = place / "there.export", place / "back.export"
    counts = await export(old, there, quiet)
    async with shared(url) as between:
        assert await bring(between, there) == counts
        assert await everything(between) == await everything(old)
        with pytest.raises(CantImport, match="not empty"):
            await bring(between, there)
        async with shared(url):
            with pytest.raises(CantImport, match="server is using"):
                await bring(between, there)
            with pytest.raises(CantExport, match="Stop all servers"):
                await export(between, back, quiet)
        assert not back.exists()
        async with asyncio.timeout(10):
            while await between.in_use():  # noqa: ASYNC110 - until the Valkey hears of the other one's end
                await asyncio.sleep(0.01)
        assert await export(between, back, quiet) == counts
    async with opened(place / "back.db") as new:
        assert await bring(new, back) == counts
        assert await everything(new) == await everything(old)


# R: G4
async def test_a_store_that_went_through_a_valkey_is_the_same_to_the_byte(old: SqliteStore, tmp_path: Path) -> None:
    place = tmp_path / "valkey"
    place.mkdir()
    with ValkeyProcess(place, appendfsync="no") as process:
        await there_and_back(process.url, old, tmp_path)


# R: G4
@pytest.mark.only_full  # a single Valkey in an ordinary run
async def test_a_store_that_went_through_a_cluster_is_the_same_to_the_byte(old: SqliteStore, tmp_path: Path) -> None:
    place = tmp_path / "cluster"
    place.mkdir()
    with Cluster(place) as cluster:
        await there_and_back(cluster.url, old, tmp_path)


# R: G4
async def test_the_file_is_its_owners_alone_and_nothing_is_left_beside_it(exported: Path) -> None:
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert [p.name for p in exported.parent.iterdir() if "export" in p.name] == [exported.name]


def fail_half_way(path: Path) -> None:
    """Begin a new file, and fail."""
    with new_file(path) as temporary:
        temporary.write_text("half")
        raise CantExport


# R: G4
async def test_a_name_that_is_taken_is_refused_and_a_failure_leaves_nothing(old: SqliteStore, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "taken"
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(Taken, match="Name another"):
        await export(old, path, quiet)
    assert path.read_text() == "mine"
    path.unlink()
    with pytest.raises(CantExport):
        fail_half_way(path)
    with pytest.raises(Taken), new_file(path):
        path.write_text("theirs, meanwhile")
    assert path.read_text() == "theirs, meanwhile"
    path.unlink()
    assert list(path.parent.iterdir()) == []


# R: G4
async def test_damage_is_found_before_anything_is_written(exported: Path, tmp_path: Path, count: Count) -> None:
    whole, rng = exported.read_bytes(), random.Random(1)
    damaged = tmp_path / "damaged"
    for turn in range(count(reduced=60, full=2000)):
        at = rng.randrange(len(whole))
        changed = bytearray(whole)
        match turn % 5:
            case 0:
                del changed[at:]
            case 1:
                changed[at] ^= 1 << rng.randrange(8)
            case 2:
                del changed[at : at + rng.randint(1, 500)]
            case 3:
                changed += rng.choice((b"\n", b"{}\n", whole))
            case _:
                some = whole.splitlines(keepends=True)
                one, other = rng.sample(range(len(some)), 2)
                some[one], some[other] = some[other], some[one]
                changed = bytearray(b"".join(some))
        if bytes(changed) == whole:
            continue
        damaged.write_bytes(changed)
        with restoring.opened(damaged) as file, pytest.raises(BadFile, match=r"^line \d+: "):
            restoring.check(file, quiet)
    with restoring.opened(exported) as file:  # and the whole one is good
        restoring.check(file, quiet)


Forge = Callable[[list[dict[str, Any]]], object]


def at(entries: list[dict[str, Any]], kind: str, number: int = 0) -> dict[str, Any]:
    """The n-th line of a kind."""
    return [entry for entry in entries if entry["is"] == kind][number]


def drop(entries: list[dict[str, Any]], kind: str, number: int = 0) -> None:
    """Without the n-th line of a kind."""
    entries.remove(at(entries, kind, number))


def twice(entries: list[dict[str, Any]], kind: str) -> None:
    """The first line of a kind comes at the end again."""
    entries.append(dict(at(entries, kind)))


def b64(raw: bytes) -> str:
    """As in the file."""
    return base64.b64encode(raw).decode()


FORGED: dict[str, tuple[Forge, str]] = {
    "another form": (lambda f: f[0].update(version=2), "form 2"),
    "no header": (lambda f: f.pop(0), "header"),
    "two headers": (lambda f: f.insert(1, dict(f[0])), "second header"),
    "an event is missing": (lambda f: drop(f, "event", 1), "order"),
    "the last events are missing": (lambda f: f.__delitem__(slice(f.index(at(f, "topic", 0)) + 1, None)), "missing"),
    "an event twice": (lambda f: f.insert(f.index(at(f, "event")), dict(at(f, "event"))), "order"),
    "an event of nobody": (lambda f: f.insert(1, dict(at(f, "event"))), "order"),
    "a command of nobody": (lambda f: f.insert(1, dict(at(f, "command"))), "before the events"),
    "a topic twice": (lambda f: f.extend(f[f.index(at(f, "topic")) : f.index(at(f, "topic", 1))]), "second time"),
    "a record twice": (lambda f: twice(f, "record"), "second time"),
    "an index entry twice": (lambda f: twice(f, "index"), "second time"),
    "a fence twice": (lambda f: twice(f, "fence"), "second time"),
    "a topic without events": (lambda f: at(f, "topic").update(first=9, head=8), "without events"),
    "a lost beginning": (lambda f: at(f, "topic").update(first=1, snapshot=None), "beginning"),
    "a snapshot of tomorrow": (
        lambda f: at(f, "topic").update(snapshot={"seq": 10**6, "command": "c", "body": b64(b"{}")}),
        "fit",
    ),
    "a snapshot that is no JSON": (
        lambda f: at(f, "topic").update(first=0, snapshot={"seq": 0, "command": "c", "body": b64(b"{")}),
        "JSON",
    ),
    "an event that is no JSON": (lambda f: at(f, "event").update(body=b64(b"\xff\xfe")), "JSON"),
    "an event that ends a frame": (lambda f: at(f, "event").update(body=b64(b"{}\n\nevent: bye")), "JSON"),
    "an event of two lines": (lambda f: at(f, "event").update(body=b64(b"[1,\n2]")), "line breaks"),
    "a deep event": (lambda f: at(f, "event").update(body=b64(b"[" * 10**6 + b"]" * 10**6)), "JSON"),
    "bad base64": (lambda f: at(f, "event").update(body="*not base64*"), "not understood"),
    "a number below 0": (lambda f: at(f, "topic").update(first=-1), "not understood"),
    "a huge number": (lambda f: at(f, "topic").update(head=2**70), "not understood"),
    "a time that no calendar has": (lambda f: at(f, "topic").update(keep=10**18), "not understood"),
    "a text for a number": (lambda f: at(f, "event").update(seq="0"), "not understood"),
    "more than there should be": (lambda f: at(f, "record").update(more=1), "not understood"),
    "an unknown line": (lambda f: f.insert(1, {"is": "lease"}), "not understood"),
    "a list": (lambda f: f.insert(1, []), "not understood"),  # type: ignore[arg-type]
    "a long name": (lambda f: at(f, "topic").update(topic="t" * 2000), "not understood"),
    "an empty name": (lambda f: at(f, "record").update(key=""), "not understood"),
    "a name of two lines": (lambda f: at(f, "record").update(key="a\nb"), "not understood"),
    "an epoch with a gap": (lambda f: at(f, "topic").update(epoch="a b"), "not understood"),
    "a kind in capitals": (lambda f: at(f, "record").update(kind="User"), "not understood"),
    "our own mark": (lambda f: at(f, "record").update(kind=MARKED), "never moved"),
    "a line without an end": (lambda f: at(f, "record").update(value="A" * lines.MAX_LINE), "longer"),
}
"""What a file with a right checksum may still say, and the word by which it is refused."""


def forge(path: Path, change: Forge, target: Path) -> None:
    """The same export with a change and a checksum that fits."""
    entries = [json.loads(line) for line in path.read_bytes().splitlines()[:-1]]
    change(entries)
    raw = [json.dumps(entry).encode() + b"\n" for entry in entries]
    end = {"is": "end", "lines": len(raw), "sha256": hashlib.sha256(b"".join(raw)).hexdigest()}
    target.write_bytes(b"".join([*raw, json.dumps(end).encode(), b"\n"]))


# R: G4
async def test_a_file_with_a_right_checksum_is_still_not_believed(exported: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    forge(exported, lambda entries: None, forged)
    with restoring.opened(forged) as file:  # or the forger itself would be at fault
        restoring.check(file, quiet)
    for what, (change, word) in FORGED.items():
        forge(exported, change, forged)
        with restoring.opened(forged) as file, pytest.raises(BadFile) as refused:
            restoring.check(file, quiet)
        assert word in str(refused.value), what


# R: G4
async def test_what_is_no_plain_file_is_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(BadFile, match="plain file"):
            restoring.opened(path)


# R: G4
async def test_a_store_that_is_in_use_is_refused_and_stays_as_it_is(exported: Path, new: SqliteStore) -> None:
    uses: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
        (lambda: new.put("server", "secret", b"x"), lambda: new.delete("server", "secret")),
        (lambda: new.index_add("trips:1", "a", new.now()), lambda: new.index_remove("trips:1", "a")),
        (
            lambda: new.append(
                "trip:9", None, NOTHING_YET, [Commit("c", (b"{}",))], keep_until=new.now() + LONG, due=None
            ),
            lambda: new.forget("trip:9"),
        ),
    ]
    for use, undo in uses:
        await use()
        before = await everything(new)
        with pytest.raises(CantImport, match="not empty"):
            await bring(new, exported)
        assert await everything(new) == before
        await undo()
    await bring(new, exported)


class Breaking(SqliteStore):
    """A store whose disk fails after so many parts of topics."""

    parts = 3

    async def restore_log(self, *given: Any) -> None:
        self.parts -= 1
        if self.parts < 0:
            raise StoreUnavailable("The disk is full.")
        await super().restore_log(*given)


# R: G4
async def test_an_import_that_broke_off_is_used_by_nobody_and_finished_by_the_same_import(
    old: SqliteStore, exported: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new.db"
    store = Breaking(path)
    await store.open()
    with pytest.raises(StoreUnavailable, match="full"):
        await bring(store, exported)
    await store.close()
    server = Server(SqliteStore(path), settings_for(path))
    with pytest.raises(StoreUnavailable, match="did not finish"):
        await server.start()
    await server.store.close()
    other = tmp_path / "other"
    forge(exported, lambda entries: at(entries, "fence").update(newest=99), other)
    async with opened(path) as new:
        with pytest.raises(CantExport, match="did not finish"):
            await export(new, tmp_path / "half.export", quiet)
        with pytest.raises(CantImport, match="another file"):
            await bring(new, other)
        await bring(new, exported)
        assert await everything(new) == await everything(old)
        await require_whole(new)


# R: G4
async def test_a_file_that_changes_between_check_and_import_leaves_the_mark(
    exported: Path, new: SqliteStore, tmp_path: Path
) -> None:
    path = tmp_path / "changing"
    forge(exported, lambda entries: None, path)
    with restoring.opened(path) as file:
        sha256 = restoring.check(file, quiet)
        await mark(new, sha256)
        forge(exported, lambda entries: at(entries, "fence").update(newest=99), path)
        with pytest.raises(BadFile, match="changed"):
            await restore(new, file, sha256, quiet)
    with pytest.raises(StoreUnavailable, match="did not finish"):
        await require_whole(new)


# R: G4 T7
async def test_what_ran_out_on_the_way_is_left_behind(exported: Path, new: SqliteStore, tmp_path: Path) -> None:
    path, soon = tmp_path / "late", 10**12

    def late(entries: list[dict[str, Any]]) -> None:
        at(entries, "topic").update(keep=soon)
        at(entries, "record").update(expires=soon)

    forge(exported, late, path)
    entries = [json.loads(line) for line in path.read_bytes().splitlines()]
    following = entries[entries.index(at(entries, "topic")) : entries.index(at(entries, "topic", 1))]
    counts = await bring(new, path)
    assert counts.run_out == len(following) + 1
    found = await everything(new)
    assert "trip:0" not in found["topics"]
    assert len(found["topics"]) == 4


class Doubling(SqliteStore):
    """A store whose walks give everything twice, as SCAN may."""

    async def walk_topics(self, cursor: str = "") -> Page[str]:
        page = await super().walk_topics(cursor)
        return Page(page.items * 2, page.next)

    async def walk_records(self, cursor: str = "") -> Page[Any]:
        page = await super().walk_records(cursor)
        return Page(page.items * 2, page.next)

    async def walk_indexes(self, cursor: str = "") -> Page[Any]:
        page = await super().walk_indexes(cursor)
        return Page(page.items * 2, page.next)

    async def walk_commands(self, topic: str, cursor: str = "") -> Page[CommandRecord]:
        page = await super().walk_commands(topic, cursor)
        return Page(page.items * 2, page.next)


# R: G4
async def test_what_a_walk_gives_twice_is_moved_once(tmp_path: Path, new: SqliteStore) -> None:
    old = Doubling(tmp_path / "old.db")
    await old.open()
    await fill(old, random.Random(2))
    await export(old, tmp_path / "trips.export", quiet)
    await bring(new, tmp_path / "trips.export")
    assert await everything(new) == await everything(old)
    await old.close()


class Restless(SqliteStore):
    """A store in which a topic is forgotten and born again while it is read."""

    async def read(self, topic: str, after: int, limit: int) -> Slice | None:
        if after < 0:
            await self.forget(topic)
            commit = Commit("again", (b"{}",))
            await self.append(topic, None, NOTHING_YET, [commit], keep_until=self.now() + LONG, due=None)
        return await super().read(topic, after, limit)


# R: G4
async def test_an_export_beside_a_server_that_writes_says_so_and_leaves_no_file(tmp_path: Path) -> None:
    store = Restless(tmp_path / "old.db")
    await store.open()
    await fill(store, random.Random(2))
    folder = tmp_path / "exports"
    folder.mkdir()
    with pytest.raises(CantExport, match="Stop all servers"):
        await export(store, folder / "trips.export", quiet)
    assert list(folder.iterdir()) == []
    await store.close()


# R: G4
async def test_a_large_store_is_moved_in_little_memory(
    tmp_path: Path, count: Count, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "WEIGHT", 256 * 1024)
    events, size = count(reduced=1_500, full=60_000), 4_000
    rng = random.Random(3)
    path = tmp_path / "trips.export"
    async with opened(tmp_path / "old.db") as old:
        epoch, head = None, NOTHING_YET
        while head + 1 < events:
            bodies = tuple(json.dumps(rng.randbytes(size // 2).hex()).encode() for _ in range(100))
            result = await old.append(
                "trip:1", epoch, head, [Commit("c", bodies)], keep_until=old.now() + LONG, due=None
            )
            assert isinstance(result, Appended)
            epoch, head = result.epoch, result.head
        peaks = []
        for turn in range(
            2
        ):  # all that this process does is traced: what another test left behind may be in one of them
            async with opened(tmp_path / f"new-{turn}.db") as new:
                gc.collect()
                tracemalloc.start()
                try:
                    path.unlink(missing_ok=True)
                    await export(old, path, quiet)
                    await bring(new, path)
                    peaks.append(tracemalloc.get_traced_memory()[1])
                finally:
                    tracemalloc.stop()
                assert await new.topic_facts("trip:1") == await old.topic_facts("trip:1")
                last: list[StoredEvent] = []
                for store in (old, new):
                    part = await store.read("trip:1", head - 1, 1)
                    assert part is not None
                    last += part.events
                assert last[0] == last[1]
    moved = path.stat().st_size
    figure(
        "megabytes moved, and held at most", f"{moved / 1e6:.1f}, {' and '.join(f'{peak / 1e6:.1f}' for peak in peaks)}"
    )
    assert min(peaks) < 4_000_000 < moved
