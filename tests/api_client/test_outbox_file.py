"""The outbox's file: what is kept comes back, whatever the disk does and whenever a program is killed."""

import asyncio
import json
import os
import random
import shutil
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.api_client.outbox_desk import DAY_AGO, Desk, Program, entry, meddle, rows
from tests.api_client.scripted import ScriptedServer, until
from tests.conftest import Count, Figure
from tests.support.serving import served

import roadcrew_client as rc
from roadcrew_client import _outbox_file
from roadcrew_client.about import about
from roadcrew_client.outbox import Outbox, OutboxChange, Tally
from roadcrew_client.routes import call_of
from roadcrew_domain import crew, hotels, polls
from roadcrew_domain.money import Money
from roadcrew_domain.trip import Command, DeleteTrip, EditTrip, TripAct, TripEdited

pytestmark = pytest.mark.usefixtures("no_task_is_left")


WRITER = str(Path(__file__).with_name("outbox_writer.py"))


async def test_looking_leaves_no_file_behind(tmp_path: Path, desk: Desk, server: ScriptedServer):
    async with Program(server.url, tmp_path / "outbox") as program:
        assert await program.delivery.settle(5) == Tally()
        assert (await program.delivery.entries(), await program.delivery.drop(["x"])) == ([], ())
    assert not (tmp_path / "outbox").exists()


# R: S7
async def test_only_its_owner_can_read_the_file(tmp_path: Path):
    folder = tmp_path / "outbox"
    outbox = Outbox(folder)
    assert await outbox.keep(entry(1)) == "disk"
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    await outbox.close()
    (folder / "changes.sqlite").chmod(0o644)
    again = Outbox(folder)
    assert len(await again.entries("s")) == 1
    assert stat.S_IMODE((folder / "changes.sqlite").stat().st_mode) == 0o600
    await again.close()


ACTS: list[TripAct] = [
    EditTrip(name="Porto", destination=None, required_members=3),
    EditTrip(starts_on=datetime(2030, 5, 1, tzinfo=UTC).date()),
    DeleteTrip(),
    crew.LeaveTrip(),
    crew.RemoveMember("ben"),
    crew.HandOver("ben"),
    crew.RevokeInvite(),
    crew.RenewInvite("", datetime(2030, 5, 1, tzinfo=UTC), 3),
    polls.OpenPoll("When?", "yes-maybe-no", ("Wed", "Thu"), datetime(2030, 5, 1, 18, tzinfo=UTC)),
    polls.CastVote("p", ("p.0", "p.1")),
    polls.CastVote("p", answers=(("p.0", "yes"), ("p.1", "no"))),
    polls.CastVote("p"),
    polls.ClosePoll("p", "p.1"),
    hotels.ShortlistHotel("Casa", "Porto", 3, Money(8400, "EUR"), "https://casa.example.org"),
    hotels.UnshortlistHotel("h"),
    hotels.VoteHotel("h"),
    hotels.VoteHotel(None),
    hotels.OpenHotelVoting("cheapest"),
    hotels.CloseHotelVoting("h"),
]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: type(act).__name__)
async def test_every_change_comes_back_from_the_file_as_it_was_made(tmp_path: Path, act: TripAct):
    outbox = Outbox(tmp_path)
    made = entry(1, act, about=rc.About("Lisbon", "When?", (("Wed", "yes"),)))
    assert await outbox.keep(made) == "disk"
    await outbox.close()
    (found,) = await outbox.entries("s", "ana")
    await outbox.close()
    assert replace(found, number=0, made_at=made.made_at) == made
    assert abs(found.made_at - made.made_at) < timedelta(milliseconds=2)


HOSTILE: list[tuple[str, object]] = [
    ("body", b"\xff\x00"),
    ("body", "text"),
    ("body", b"[" * 100_000),
    ("body", b'{"tripId": "other", "name": "x"}'),
    ("body", b'{"tripId": "t", "name": 5}'),
    ("body", b"{" + b" " * 140_000 + b'"tripId": "t", "name": "x"}'),
    ("path", "/api/session/renew"),
    ("path", "/polls"),
    ("path", b"\xff"),
    ("state", "hungry"),
    ("id", "\x1b[2J"),
    ("id", b"\x00"),
    ("trip", "other"),
]


# R: S7
@pytest.mark.parametrize(("column", "value"), HOSTILE, ids=str)
async def test_a_row_that_is_none_of_ours_is_set_aside_and_said_and_the_others_are_sent(
    tmp_path: Path, desk: Desk, server: ScriptedServer, column: str, value: object
):
    desk.down = True
    first = Program(server.url, tmp_path)
    await first.client.__aenter__()
    ids = await first.makes("Porto", "Faro")
    await first.dies()
    meddle(tmp_path, f"UPDATE changes SET {column} = ? WHERE id = ?", value, ids[0])
    desk.down = False
    async with Program(server.url, tmp_path) as second:
        await until(lambda: desk.keys == ids[1:])
        await until(lambda: second.delivery.tally == Tally(unreadable=1))
        (found,) = await second.delivery.entries()
        assert (found.state, found.act) == ("unreadable", None)
        assert await second.delivery.drop([found.id]) == (found.id,)
        await until(lambda: second.delivery.tally == Tally())


@pytest.mark.parametrize(
    ("column", "value"), [("about", "[1]"), ("about", b"\xff"), ("made_at", "soon"), ("made_at", 1 << 60)]
)
async def test_what_is_wrong_with_the_small_print_keeps_no_change_from_being_sent(
    tmp_path: Path, column: str, value: object
):
    outbox = Outbox(tmp_path)
    await outbox.keep(entry(1))
    meddle(tmp_path, f"UPDATE changes SET {column} = ?", value)
    outbox.release([entry(1).id])
    (found,) = await outbox.take("s", "ana", datetime.now(UTC) - DAY_AGO)
    assert found.act == entry(1).act
    await outbox.close()


# --- a disk that won't ---------------------------------------------------------------------------


def _no_folder(folder: Path) -> None:
    folder.write_text("a file")


def _no_database(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "changes.sqlite")


def _a_link(folder: Path) -> None:
    folder.mkdir()
    (folder / "changes.sqlite").symlink_to(folder.parent / "elsewhere")


def _newer(folder: Path) -> None:
    folder.mkdir()
    meddle(folder, "PRAGMA user_version = 99")


def _held(folder: Path) -> None:
    folder.mkdir()
    db = sqlite3.connect(folder / "changes.sqlite", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    HOLDERS.append(db)


HOLDERS: list[sqlite3.Connection] = []


# R: S7
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_no_folder, "File exists"),
        (_no_database, "is no file"),
        (_a_link, "is a link"),
        (_newer, "a newer Roadcrew keeps its changes there"),
        (_held, "another program holds the file"),
    ],
)
async def test_where_the_disk_keeps_nothing_changes_are_painted_and_sent_all_the_same_and_that_is_said_once(
    tmp_path: Path,
    desk: Desk,
    server: ScriptedServer,
    spoil: Callable[[Path], None],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("roadcrew_client._outbox_db.BUSY", 0.05)
    folder = tmp_path / "outbox"
    spoil(folder)
    desk.down = True
    try:
        async with Program(server.url, folder) as program:
            live = await program.follow()
            pendings = [live.act(EditTrip(name=f"Name {n}")) for n in range(3)]
            assert [await p.kept for p in pendings if p.kept] == ["memory"] * 3
            # Left, they are sent in the background; dropped, they are not: as if they were on disk.
            await live.stop()
            await until(lambda: "trip:t" in program.delivery._rounds)
            assert await program.delivery.drop([pendings[1].id]) == (pendings[1].id,)
            desk.down = False
            await until(lambda: desk.keys == [pendings[0].id, pendings[2].id])
            (words,) = [n.words for n in program.news if n.kind == "trouble"]
            assert why in words
    finally:
        while HOLDERS:
            HOLDERS.pop().close()


# R: S7
async def test_a_full_disk_keeps_what_is_there_and_the_rest_is_in_memory_until_there_is_room(tmp_path: Path):
    outbox = Outbox(tmp_path)
    told: list[OutboxChange] = []
    outbox.listen(told.append)
    assert await outbox.keep(entry(0)) == "disk"

    async def room(pages: int) -> None:
        await outbox._ask(lambda: outbox._disk.db._db.execute(f"PRAGMA max_page_count = {pages}"), None)  # type: ignore[union-attr]

    await room(1)
    large = [entry(n, polls.OpenPoll(f"{n}" * 9000, "single", ("a", "b"))) for n in range(1, 4)]
    assert [await outbox.keep(e) for e in large] == ["memory"] * 3
    await room(10_000)
    assert await outbox.keep(entry(5)) == "disk"
    assert [e.id for e in await outbox.entries("s", "ana")] == [entry(0).id, entry(5).id, *(e.id for e in large)]
    (words,) = [c.words for c in told if c.words]
    assert "because the disk is full" in words
    await outbox.close()


# R: S7
async def test_a_disk_that_never_answers_holds_nothing_up(tmp_path: Path, desk: Desk, server: ScriptedServer):
    program = Program(server.url, tmp_path)
    program.outbox._within = 0.2
    gate = threading.Event()
    program.outbox._put(gate.wait)
    try:
        async with program:
            live = await program.follow()
            await until(lambda: live.confirmed)
            pending = live.act(EditTrip(name="Porto"))
            assert live.trip is not None
            assert live.trip.name == "Porto"
            assert (await asyncio.wait_for(pending.done, 5)).accepted
            assert [n.words for n in program.news if n.kind == "trouble"] != []
            gate.set()
            await program.outbox.flush()
            assert rows(tmp_path) == []
    finally:
        gate.set()


# R: S7
@pytest.mark.parametrize("damage", ["not a database", "half"])
async def test_a_damaged_file_is_put_aside_and_said_and_a_new_one_is_begun(tmp_path: Path, damage: str):
    outbox = Outbox(tmp_path)
    for n in range(9):
        await outbox.keep(entry(n, polls.OpenPoll(f"{n}" * 3000, "single", ("a", "b"))))
    await outbox.close()
    file = tmp_path / "changes.sqlite"
    data = file.read_bytes()
    file.write_bytes(b"no " * 1000 if damage == "not a database" else data[:4096] + b"\x07" * (len(data) - 4096))
    told: list[OutboxChange] = []
    outbox.listen(told.append)
    assert await outbox.keep(entry(1)) == "disk"
    assert [e.id for e in await outbox.entries("s")] == [entry(1).id]
    (words,) = [c.words for c in told if c.words]
    assert f"put aside as {file}.damaged" in words
    assert (tmp_path / "changes.sqlite.damaged").stat().st_size > 1000
    await outbox.close()


async def test_a_file_that_is_taken_away_while_the_program_runs_is_made_anew(tmp_path: Path):
    outbox = Outbox(tmp_path)
    assert await outbox.keep(entry(1)) == "disk"
    await asyncio.to_thread(shutil.rmtree, tmp_path)
    assert await outbox.keep(entry(2)) == "disk"
    other = Outbox(tmp_path)
    assert await other.take("s", "ana", datetime.now(UTC) - DAY_AGO) == []  # its owner lives, and others can see that
    assert [(e.id, e.running) for e in await other.entries("s")] == [(entry(2).id, True)]
    await other.close()
    await outbox.close()


async def test_the_outbox_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_outbox_file, "MAX_ENTRIES", 2)
    outbox = Outbox(tmp_path)
    assert [await outbox.keep(entry(n)) for n in range(5)] == ["disk", "disk", "memory", "memory", "nowhere"]
    await outbox.close()


async def test_a_change_that_is_too_large_for_the_outbox_is_sent_all_the_same(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        pending = live.act(EditTrip(name="x" * 140_000))  # nobody can say yet that it is refused
        assert pending.kept is not None
        assert await pending.kept == "nowhere"
        await until(lambda: desk.keys == [pending.id])


async def test_programs_that_were_killed_leave_no_files_for_ever(tmp_path: Path):
    running = tmp_path / "running"
    running.mkdir()
    for n in range(5):
        (running / f"{n:032x}.lock").touch()
    outbox = Outbox(tmp_path)
    await outbox.keep(entry(1))
    assert len(list(running.iterdir())) == 1
    await outbox.close()


# --- kill -9 -------------------------------------------------------------------------------------


# R: S7
async def test_whenever_a_program_is_killed_what_was_kept_arrives_once_and_in_order(
    tmp_path: Path, count: Count, figure: Figure
):
    kills = count(reduced=3, full=30)
    chance = random.Random(4)
    kept: list[int] = []
    arrived: list[int] = []
    in_startup = 0

    async with served(tmp_path) as running, rc.Client(running.url) as watcher:
        session = await watcher.guest("Ana")
        trip = (await watcher.create_trip("0")).trip.id
        seen = watcher.follow(trip)
        resets: list[rc.Change] = []
        seen.listen(lambda c: arrived.extend(int(str(e.data.name)) for e in c.events if isinstance(e.data, TripEdited)))
        seen.listen(lambda c: resets.append(c) if c.kind == "reset" else None)
        await seen.start()
        await until(lambda: seen.confirmed)
        for n in range(kills):
            arguments = [running.url, session.token, str(tmp_path / "outbox"), trip, str(1 + n * 1000)]
            writer = await asyncio.create_subprocess_exec(
                sys.executable, "-P", WRITER, *arguments, stdout=asyncio.subprocess.PIPE
            )
            assert writer.stdout is not None
            if n % 3 == 2:  # while it takes up what the one before has left
                begun = b""
                await asyncio.sleep(chance.uniform(0.2, 1.5))
            else:
                begun = await asyncio.wait_for(writer.stdout.readline(), 30)
                assert begun == b"begins\n"
                await asyncio.sleep(chance.uniform(0, 1))
            writer.kill()
            said = [
                line.split() for line in (await writer.stdout.read()).splitlines(keepends=True) if line[-1:] == b"\n"
            ]
            in_startup += not begun and [b"begins"] not in said
            kept += [int(words[1]) for words in said if words[0] == b"kept"]
            await writer.wait()
        outbox = Outbox(tmp_path / "outbox")
        async with rc.Client(running.url, token=session.token, outbox=outbox) as last:
            await last.whoami()
            assert last.delivery is not None
            assert await last.delivery.settle(60) == Tally()
        await outbox.close()
        await until(lambda: not set(kept) - set(arrived), 10)
    assert arrived == sorted(set(arrived)), "in order, and none twice"
    assert len(resets) == 1
    figure("kill -9 of a program that makes changes", f"{kills}, {in_startup} of them in its first moments")
    figure("changes that it had kept, all there once and in order", len(kept))


def test_what_a_change_is_about_is_said_in_the_names_of_its_moment(desk: Desk):
    log = desk.log
    log.do(Command("p", "ana", polls.OpenPoll("When?", "yes-maybe-no", ("Wed", "Thu"))))
    log.do(Command("h", "ana", hotels.ShortlistHotel("Casa", "Porto", 3, Money(8400, "EUR"))))
    expected: list[tuple[TripAct, tuple[str, tuple[tuple[str, str], ...]]]] = [
        (polls.CastVote("p", answers=(("p.0", "yes"), ("p.1", "no"))), ("When?", (("Wed", "yes"), ("Thu", "no")))),
        (polls.CastVote("p"), ("When?", ())),
        (polls.CastVote("gone", ("gone.0",)), ("", ())),
        (polls.ClosePoll("p", "p.1"), ("When?", (("Thu", "yes"),))),
        (polls.OpenPoll("Who?", "single", ("a", "b")), ("Who?", ())),
        (hotels.VoteHotel("h"), ("Casa", ())),
        (hotels.VoteHotel(None), ("", ())),
        (hotels.UnshortlistHotel("gone"), ("", ())),
        (hotels.CloseHotelVoting("h"), ("Casa", ())),
        (hotels.ShortlistHotel("Sol", "Faro", 1, Money(1, "EUR")), ("Sol", ())),
        (crew.RemoveMember("ben"), ("Ben", ())),
        (crew.HandOver("gone"), ("", ())),
        (EditTrip(name="Porto"), ("Porto", ())),
        (EditTrip(destination="Porto"), ("", ())),
    ]
    for act, (what, choices) in expected:
        assert about(log.state, act) == rc.About("Lisbon", what, choices), act
    assert about(None, polls.CastVote("p")) == rc.About()


def test_the_json_of_this_test_is_what_the_contract_says():
    call = call_of("t", polls.CastVote("p", answers=(("p.0", "yes"),)))
    assert json.loads(call.body) == {"tripId": "t", "pollId": "p", "answers": {"p.0": "yes"}}
