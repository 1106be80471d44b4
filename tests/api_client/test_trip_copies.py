"""Copies of trips on disk: whole or none, bounded, nobody's but their person's, and never in anybody's way."""

import asyncio
import contextlib
import json
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.api_client.scripted import FAST, Log, until
from tests.support.serving import Running, served

import roadcrew_client as rc
from roadcrew_client import _copies_file
from roadcrew_client._copies_file import CopiesFolder
from roadcrew_client.copies import Copies, Copy
from roadcrew_domain import crew, polls
from roadcrew_domain.events import Position, encode_cursor
from roadcrew_domain.trip import DeleteTrip, EditTrip, Trip

SETTINGS = replace(FAST, copy_every=0.05)
SERVER = "http://127.0.0.1:8787"
ANA = rc.User("ana", "Ana")
AT = datetime(2030, 5, 1, tzinfo=UTC)


def a_trip(id: str = "t") -> Trip:  # noqa: A002
    state = Log(id).state
    assert state is not None
    return state


def a_copy(trip: Trip, seq: int = 3) -> Copy:
    return Copy(trip, seq, "e", encode_cursor({f"trip:{trip.id}": Position.after("e", seq, "c")}), AT)


@pytest.fixture
def folder(tmp_path: Path) -> CopiesFolder:
    made = CopiesFolder(tmp_path / "copies", "1")
    made.keep_who(SERVER, "token", ANA, AT)
    return made


def the_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "copies").glob("*/*.trip")
    return path


# R: S7
def test_a_copy_is_what_was_kept_and_leads_on(folder: CopiesFolder, tmp_path: Path):
    trip = a_trip()
    folder.keep(SERVER, "ana", a_copy(trip))
    found = folder.load(SERVER, "ana", trip.id)
    assert found == a_copy(trip)
    assert stat.S_IMODE(the_file(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(the_file(tmp_path).parent.stat().st_mode) == 0o700


# R: S7, T12
def test_a_copy_is_nobody_elses(folder: CopiesFolder):
    trip = a_trip()
    folder.keep(SERVER, "ana", a_copy(trip))
    assert folder.load(SERVER, "ben", trip.id) is None
    assert folder.load("http://127.0.0.1:9999", "ana", trip.id) is None
    assert folder.who(SERVER, "another token") is None
    assert folder.who(SERVER, "token") == ANA


def test_nothing_is_kept_for_who_can_not_come_back(folder: CopiesFolder, tmp_path: Path):
    folder.keep(SERVER, "ben", a_copy(a_trip()))
    folder.keep("http://127.0.0.1:9999", "ana", a_copy(a_trip()))
    assert list((tmp_path / "copies").glob("*/*")) == []


def test_what_another_version_has_understood_is_shown_and_asked_for_anew(folder: CopiesFolder, tmp_path: Path):
    trip = a_trip()
    folder.keep(SERVER, "ana", a_copy(trip))
    found = CopiesFolder(tmp_path / "copies", "2").load(SERVER, "ana", trip.id)
    assert found is not None
    assert (found.trip, found.cursor, found.epoch) == (trip, None, None)


@pytest.mark.parametrize("given", [{"cursor": a_copy(a_trip(), 4).cursor}, {"epoch": "x"}, {"cursor": "nonsense"}])
def test_a_cursor_that_is_not_of_this_state_leads_nowhere(folder: CopiesFolder, given: dict[str, Any]):
    trip = a_trip()
    folder.keep(SERVER, "ana", replace(a_copy(trip), **given))
    found = folder.load(SERVER, "ana", trip.id)
    assert found is not None
    assert found.cursor is None


def spoil(change: Callable[[dict[str, Any], bytes], bytes]) -> Callable[[Path], None]:
    def spoiled(path: Path) -> None:
        head, _, body = path.read_bytes().partition(b"\n")
        path.write_bytes(change(json.loads(head), body))

    return spoiled


def with_head(**more: Any) -> Callable[[Path], None]:
    return spoil(lambda head, body: json.dumps({**head, **more}).encode() + b"\n" + body)


def into_link(path: Path) -> None:
    other = path.with_name("other")
    path.rename(other)
    path.symlink_to(other)


def into_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def into_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


STRANGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "a letter is another": lambda path: path.write_bytes(path.read_bytes().replace(b"Lisbon", b"Lisbin")),
    "no JSON": lambda path: path.write_bytes(b"\xff\xfe\n{}"),
    "no end of brackets": lambda path: path.write_bytes(b"[" * 200_000),
    "a newer version": with_head(v=2),
    "a field of a newer version": with_head(weather="fine"),
    "of somebody else": with_head(of=[SERVER, "ben", "t"]),
    "of another trip": with_head(of=[SERVER, "ana", "u"]),
    "a wrong digest": with_head(digest="0" * 64),
    "huge": lambda path: os.truncate(path, _copies_file.MAX_FILE + 1),
    "others may read it": lambda path: path.chmod(0o644),
    "a link": into_link,
    "a pipe": into_pipe,
    "a folder": into_folder,
}


# R: T12
@pytest.mark.parametrize("how", STRANGE)
def test_what_is_damaged_or_strange_is_put_aside_and_ignored(folder: CopiesFolder, tmp_path: Path, how: str):
    trip = a_trip()
    folder.keep(SERVER, "ana", a_copy(trip))
    path = the_file(tmp_path)
    STRANGE[how](path)
    assert folder.load(SERVER, "ana", trip.id) is None
    assert not path.exists()
    assert os.path.lexists(f"{path}.damaged")
    folder.keep(SERVER, "ana", a_copy(trip))
    assert folder.load(SERVER, "ana", trip.id) == a_copy(trip)
    folder.forget(SERVER, "ana", trip.id)
    assert not path.exists()
    assert how == "a folder" or not os.path.lexists(f"{path}.damaged")


# R: T12
@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"v": 1}', b"null"])
def test_a_whole_file_with_no_trip_in_it_is_put_aside(
    folder: CopiesFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
):
    trip = a_trip()
    monkeypatch.setattr(_copies_file, "encode_trip", lambda _: body)
    folder.keep(SERVER, "ana", a_copy(trip))
    assert folder.load(SERVER, "ana", trip.id) is None
    assert list((tmp_path / "copies").glob("*/*.trip")) == []


def test_who_it_is_is_not_believed_of_a_strange_file(folder: CopiesFolder, tmp_path: Path):
    (path,) = (tmp_path / "copies").glob("*.who")
    path.write_bytes(path.read_bytes().replace(b"Ana", b"Eve"))
    assert folder.who(SERVER, "token") is None
    assert b"token" not in path.with_name(path.name + ".damaged").read_bytes(), "the token itself is not kept"


def test_the_oldest_go_when_there_are_too_many_or_they_are_too_large(
    folder: CopiesFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(_copies_file, "MAX_TRIPS", 3)
    trips = [a_trip(f"t{n}") for n in range(6)]
    for n, trip in enumerate(trips):
        folder.keep(SERVER, "ana", a_copy(trip))
        os.utime(folder._trip(SERVER, "ana", trip.id), (n, n))
        if n == 2:
            folder.load(SERVER, "ana", "t0")  # what is used stays
    there = [t.id for t in trips if folder.load(SERVER, "ana", t.id) is not None]
    assert len(there) == 3
    assert "t0" in there
    monkeypatch.setattr(_copies_file, "MAX_BYTES", 1)
    folder.keep(SERVER, "ana", a_copy(trips[0]))
    assert len(list((tmp_path / "copies").glob("*/*"))) == 1
    monkeypatch.setattr(_copies_file, "MAX_FILE", 600)
    folder.keep(SERVER, "ana", a_copy(trips[0]))
    assert list((tmp_path / "copies").glob("*/*")) == [], "one that is too large is not kept, nor the one before"


def test_what_the_server_does_not_list_goes_and_so_does_all_of_a_person(folder: CopiesFolder, tmp_path: Path):
    trips = [a_trip(f"t{n}") for n in range(3)]
    for trip in trips:
        folder.keep(SERVER, "ana", a_copy(trip))
    folder.keep_only(SERVER, "ana", ["t1"])
    assert [t.id for t in trips if folder.load(SERVER, "ana", t.id)] == ["t1"]
    folder.forget_whose(SERVER, "another token")
    assert folder.load(SERVER, "ana", "t1") is not None
    folder.forget_whose(SERVER, "token")
    assert list((tmp_path / "copies").rglob("*")) == []


# R: S7, T12
def test_what_was_another_persons_goes_as_soon_as_somebody_signs_in(folder: CopiesFolder, tmp_path: Path):
    elsewhere, trip = "http://127.0.0.1:9999", a_trip()
    folder.keep_who(elsewhere, "token", ANA, AT)
    for server in (SERVER, elsewhere):
        folder.keep(server, "ana", a_copy(trip))
    folder.keep_who(SERVER, "renewed", ANA, AT)
    assert folder.load(SERVER, "ana", trip.id) is not None, "it is the same person"
    folder.keep_who(SERVER, "bens", rc.User("ben", "Ben"), AT)
    assert folder.load(SERVER, "ana", trip.id) is None
    assert folder.load(elsewhere, "ana", trip.id) is not None
    assert the_file(tmp_path).exists(), "of the trip there, and of nothing else"


# --- with a client -------------------------------------------------------------------------------


class Home:
    """A person's folder on a computer, and programs that run there one after the other."""

    def __init__(self, url: str, folder: Path, token: str) -> None:
        self.url, self.folder, self.token = url, folder, token

    @contextlib.asynccontextmanager
    async def program(self, url: str | None = None, **more: Any) -> AsyncIterator[rc.Client]:
        copies = Copies(self.folder / "copies", **more)
        async with rc.Client(url or self.url, token=self.token, settings=SETTINGS, copies=copies) as client:
            yield client
        await copies.close()

    def files(self) -> list[Path]:
        return list((self.folder / "copies").glob("*/*.trip"))


@contextlib.asynccontextmanager
async def at_home(tmp_path: Path) -> AsyncIterator[tuple[Running, rc.Client, Home, str]]:
    """A server, Ben's client and his trip, and Ana's home, who is in the trip and has looked at it."""
    async with served(tmp_path / "server") as running, rc.Client(running.url) as ben, rc.Client(running.url) as once:
        await ben.guest("Ben")
        made = await ben.create_trip("Lisbon")
        token = (await once.guest("Ana")).token
        await once.join(made.invite.code)
        home = Home(running.url, tmp_path / "ana", token)
        async with home.program() as ana:
            await ana.whoami()
            async with ana.follow(made.trip.id) as live:
                await until(lambda: live.status.state == "live")
        yield running, ben, home, made.trip.id


def how_many_polls(live: rc.LiveTrip) -> int:
    return -1 if live.trip is None else len(live.trip.polls)


def nowhere() -> str:
    """An address of this computer where nobody listens."""
    return "http://127.0.0.1:9"


# R: S7, C10
async def test_a_trip_begins_with_its_copy_and_goes_on_from_its_cursor(tmp_path: Path):
    async with at_home(tmp_path) as (_, ben, home, trip):
        await ben.do(trip, polls.OpenPoll("When?", "single", ("a", "b")))
        async with home.program() as ana:
            assert (await ana.recall()) is not None
            kinds: list[str] = []
            live = ana.follow(trip)
            live.listen(lambda change: kinds.append(change.kind))
            async with live:
                await until(lambda: live.trip is not None)
                assert (live.status.state, how_many_polls(live)) == ("connecting", 0)
                await until(lambda: how_many_polls(live) == 1)
                assert kinds.count("reset") == 1, "the copy's; the server only told what came after it"
                assert live.confirmed == await ben.trip(trip)


# R: S7
async def test_a_copy_that_the_server_can_not_go_on_from_is_replaced(tmp_path: Path):
    async with at_home(tmp_path) as (_, ben, home, trip):
        folder = CopiesFolder(home.folder / "copies", _version())
        (me,) = (m for m in (await ben.trip(trip)).members.values() if m.name == "Ana")
        found = folder.load(home.url, me.id, trip)
        assert found is not None
        elsewhere = encode_cursor({f"trip:{trip}": Position.after("another log", 1, "c")})
        folder.keep(home.url, me.id, replace(found, epoch="another log", cursor=elsewhere))
        async with home.program() as ana:
            await ana.recall()
            async with ana.follow(trip) as live:
                await until(lambda: live.status.state == "live")
                await until(lambda: live.confirmed == found.trip and live.figures().epoch not in (None, "another log"))


def _version() -> str:
    from importlib.metadata import version

    return version("roadcrew")


# R: S7
async def test_without_a_server_who_i_am_and_what_the_trip_was_are_there(tmp_path: Path):
    async with at_home(tmp_path) as (_, ben, home, trip):
        folder = CopiesFolder(home.folder / "copies", _version())
        user = folder.who(home.url, home.token)
        assert user is not None
        state = folder.load(home.url, user.id, trip)
        assert state is not None
        other = CopiesFolder(home.folder / "copies", _version())
        other.keep_who(nowhere(), home.token, user, AT)
        other.keep(nowhere(), user.id, state)
        async with home.program(nowhere()) as ana:
            assert await ana.recall() == user
            async with ana.follow(trip) as live:
                await until(lambda: live.status.state == "offline")
                assert live.trip == await ben.trip(trip)
                live.act(EditTrip(name="Porto"))
                assert live.trip is not None
                assert live.trip.name == "Porto"


# R: S7, T12
async def test_what_is_kept_is_read_without_asking_and_by_nobody_else(tmp_path: Path):
    async with at_home(tmp_path) as (_, ben, home, trip):
        state = await ben.trip(trip)
        async with home.program() as ana:
            assert await ana.kept_trips([trip]) == ()
            await ana.recall()
            assert await ana.kept_trips(["another", trip]) == (state,)
        home.token = "of somebody else"
        async with home.program() as eve:
            await eve.recall()
            assert await eve.kept_trips([trip]) == ()


# R: S7, T12
async def test_a_token_of_somebody_else_recalls_nobody(tmp_path: Path):
    async with at_home(tmp_path) as (_, _ben, home, trip):
        home.token = "of somebody else"
        async with home.program(nowhere()) as eve:
            assert await eve.recall() is None
            async with eve.follow(trip) as live:
                await until(lambda: live.status.state == "offline")
                assert live.trip is None


# R: S7, T12
async def test_who_signs_in_where_nobody_knew_who_was_there_leaves_nothing_of_them(tmp_path: Path):
    async with at_home(tmp_path) as (_, _ben, home, _trip):
        assert list((home.folder / "copies").glob("*/*.trip"))
        async with home.program() as somebody:
            await somebody.guest("Cy")  # who is kept nowhere
        assert list((home.folder / "copies").rglob("*")) == []


async def leave(ana: rc.Client, ben: rc.Client, trip: str, me: str) -> None:
    await ana.do(trip, crew.LeaveTrip())


async def removed(ana: rc.Client, ben: rc.Client, trip: str, me: str) -> None:
    await ben.do(trip, crew.RemoveMember(me))


async def deleted(ana: rc.Client, ben: rc.Client, trip: str, me: str) -> None:
    await ben.do(trip, DeleteTrip())


async def signed_out(ana: rc.Client, ben: rc.Client, trip: str, me: str) -> None:
    await ana.logout()


async def somebody_else(ana: rc.Client, ben: rc.Client, trip: str, me: str) -> None:
    await ana.guest("Eve")


ENDS = [leave, removed, deleted, signed_out, somebody_else]


# R: S7, T12
@pytest.mark.parametrize("follows", [True, False])
@pytest.mark.parametrize("ends", ENDS, ids=lambda end: end.__name__)
async def test_no_copy_stays_of_a_trip_that_one_is_not_in_any_more(tmp_path: Path, ends: Any, follows: bool):
    async with at_home(tmp_path) as (_, ben, home, trip):
        assert len(home.files()) == 1
        async with home.program() as ana:
            me = (await ana.whoami()).id
            live = ana.follow(trip)
            if follows:
                await live.start()
                await until(lambda: live.status.state == "live")
            await ends(ana, ben, trip, me)
            if follows and ends in (removed, deleted):
                await until(lambda: live.status.state == "gone")
            elif ends in (removed, deleted):
                await ana.load_trips()
            await live.stop()
        assert home.files() == []


# --- who waits for what --------------------------------------------------------------------------


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that gives no answer until the event is set."""
    go = threading.Event()
    real = _copies_file._contents

    def slow(path: Path) -> bytes:
        go.wait(20)
        return real(path)

    monkeypatch.setattr(_copies_file, "_contents", slow)
    yield go
    go.set()


# R: S6
async def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path, stuck: threading.Event):
    stuck.set()
    async with at_home(tmp_path) as (_, _ben, home, trip):
        stuck.clear()
        async with home.program(within=0.05) as ana:
            assert await ana.recall() is None
            await ana.whoami()
            async with ana.follow(trip) as live:
                await until(lambda: live.status.state == "live")
                assert live.trip is not None
            stuck.set()


# R: S6
async def test_the_disk_is_touched_by_one_thread_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    threads: set[str] = set()
    for name in ("load", "keep", "forget", "who", "keep_who", "keep_only", "forget_person"):
        real = getattr(CopiesFolder, name)

        def seen(*given: Any, real: Any = real) -> Any:
            threads.add(threading.current_thread().name)
            return real(*given)

        monkeypatch.setattr(CopiesFolder, name, seen)
    async with at_home(tmp_path) as (_, _ben, home, trip), home.program() as ana:
        await ana.recall()
        await ana.load_trips()
        async with ana.follow(trip) as live:
            await until(lambda: live.status.state == "live")
        await ana.logout()
    assert threads == {"roadcrew-copies"}


async def test_of_a_trip_in_which_much_happens_only_the_newest_state_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written: list[int] = []
    go = threading.Event()

    def keep(self: CopiesFolder, server: str, person: str, copy: Copy) -> None:
        go.wait(20)
        written.append(copy.seq)

    monkeypatch.setattr(CopiesFolder, "keep", keep)
    copies = Copies(tmp_path)
    trip = a_trip()
    copies.keep(SERVER, "ana", a_copy(trip, 0))
    await asyncio.to_thread(lambda: None)
    for seq in range(1, 100):
        copies.keep(SERVER, "ana", a_copy(trip, seq))
    go.set()
    await copies.close()
    assert written[-1] == 99
    assert len(written) <= 2
