"""The outbox with a client: kept before it is sent, sent once and in order, whoever ends and whatever the disk does."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import sqlite3
import stat
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.api_client.scripted import ANA, FAST, Log, Request, ScriptedServer, serving, until
from tests.conftest import Count, Figure
from tests.support.serving import served

import roadcrew_client as rc
from roadcrew_client import _outbox_file
from roadcrew_client.about import about
from roadcrew_client.outbox import Outbox, OutboxChange, OutboxEntry, Tally, dependents
from roadcrew_client.routes import Call, act_of, call_of
from roadcrew_domain import crew, hotels, polls
from roadcrew_domain.money import Money
from roadcrew_domain.trip import Command, DeleteTrip, EditTrip, TripAct, TripEdited

SETTINGS = replace(FAST, outbox_look=0.05, outbox_at_once=0.0)
WRITER = str(Path(__file__).with_name("outbox_writer.py"))
BEN = {"id": "ben", "name": "Ben", "username": None, "guest": True}


class Desk:
    """A server's side: `down` gives no answer; `refuses` maps a name that a trip is given to a code."""

    def __init__(self) -> None:
        self.log = Log()
        self.keys: list[str] = []
        self.down = False
        self.refuses: dict[str, str] = {}
        self.who = ANA

    async def __call__(self, request: Request) -> None:
        if self.down:
            request.writer.transport.abort()
        elif request.path == "/api/session":
            await request.answer(200, {"user": self.who, "expiresAt": "2040-01-01T00:00:00Z"})
        elif request.method == "POST":
            await self.change(request)
        else:
            await self.log.follow(request)

    async def change(self, request: Request) -> None:
        if request.path not in {call_of("t", EditTrip()).path, call_of("t", polls.OpenPoll("", "single", ())).path}:
            return await request.answer(200, {})
        key = request.headers["idempotency-key"]
        self.keys.append(key)
        _, act = act_of(Call(request.path, request.body))
        if isinstance(act, EditTrip) and act.name in self.refuses:
            return await request.problem(409, self.refuses[act.name])
        self.log.do(Command(key, "ana", act))
        await request.answer(200, self.log.answer())


class Program:
    """A program of Ana's, in a folder: an outbox and a client, signed in without having asked."""

    def __init__(
        self, server: str, folder: Path, *, knows: bool = True, settings: rc.ClientSettings = SETTINGS
    ) -> None:
        self.outbox = Outbox(folder)
        self.client = rc.Client(server, token="token", settings=settings, outbox=self.outbox)
        if knows:
            self.client._session.user = rc.User("ana", "Ana")
        self.news: list[Any] = []
        assert self.client.delivery is not None
        self.delivery = self.client.delivery
        self.delivery.listen(self.news.append)

    async def __aenter__(self) -> "Program":
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.outbox.close()

    async def dies(self) -> None:
        """Ends as a killed program does: nothing is tidied up, and the system lets its locks go."""
        await self.client.close()
        owner = self.outbox._disk._owner
        assert owner is not None
        if owner._lock is not None:
            owner._lock.release()
            owner._lock = None
        await self.outbox._ask(self.outbox._disk.db.close, None)
        self.outbox._jobs.put(None)

    async def follow(self) -> rc.LiveTrip:
        live = self.client.follow("t")
        await live.start()
        return live

    async def makes(self, *names: str) -> list[str]:
        """Changes that are on disk when this returns; the trip is left again."""
        live = await self.follow()
        pendings = [live.act(EditTrip(name=name)) for name in names]
        for pending in pendings:
            assert pending.kept is not None
            assert await pending.kept == "disk"
        await live.stop()
        return [p.id for p in pendings]


def rows(folder: Path) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "changes.sqlite")) as db:
        return db.execute("SELECT id, state FROM changes ORDER BY n").fetchall()


def meddle(folder: Path, sql: str, *values: object) -> None:
    """Somebody else writes into the file."""
    with contextlib.closing(sqlite3.connect(folder / "changes.sqlite")) as db:
        db.execute(sql, values)
        db.commit()


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - before - {asyncio.current_task()} == set()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def server(desk: Desk) -> AsyncIterator[ScriptedServer]:
    async with serving(desk) as server:
        yield server


# R: S7
async def test_nothing_is_sent_before_it_is_on_disk_and_it_is_painted_at_once(
    tmp_path: Path, desk: Desk, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    gate = threading.Event()
    keep = _outbox_file.OutboxFile.keep
    monkeypatch.setattr(_outbox_file.OutboxFile, "keep", lambda self, entry: (gate.wait(10), keep(self, entry)))
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        await until(lambda: live.confirmed)
        pending = live.act(EditTrip(name="Porto"))
        assert live.trip is not None
        assert live.trip.name == "Porto"
        await asyncio.sleep(0.1)
        assert not desk.keys
        gate.set()
        assert pending.kept is not None
        assert await pending.kept == "disk"
        assert (await asyncio.wait_for(pending.done, 5)).accepted
        await program.outbox.flush()
        assert rows(tmp_path) == []


# R: S7
async def test_what_a_killed_program_left_is_sent_once_in_order_under_its_own_ids(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    first = Program(server.url, tmp_path)
    await first.client.__aenter__()
    ids = await first.makes(*(f"Name {n}" for n in range(20)))
    await first.dies()
    desk.down = False
    async with Program(server.url, tmp_path) as second:
        await until(lambda: len(desk.log.events) == 2 + 20)
        await until(lambda: second.delivery.tally == Tally())
    assert desk.keys == ids
    assert [e.command for e in desk.log.events[2:]] == ids
    assert rows(tmp_path) == []


# R: S7
async def test_what_waits_for_a_trip_is_painted_and_sent_by_whoever_follows_it(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    first = Program(server.url, tmp_path)
    await first.client.__aenter__()
    ids = await first.makes("Porto", "Faro")
    await first.dies()
    desk.down = False
    async with Program(server.url, tmp_path) as second:
        live = second.client.follow("t")
        told: list[rc.Change] = []
        live.listen(told.append)
        desk.down = True
        await live.start()
        await until(lambda: len(live.pending) == 2)
        mine = live.act(EditTrip(name="Lagos"))
        assert [p.id for p in live.pending] == [*ids, mine.id]
        desk.down = False
        await until(lambda: not live.pending)
        assert desk.keys == [*ids, mine.id]
        assert [c.pending.id for c in told if c.kind == "confirmed" and c.pending] == [*ids, mine.id]


# R: S7
async def test_two_programs_of_one_person_send_a_change_once_and_one_takes_over_when_the_other_ends(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    first = Program(server.url, tmp_path)
    await first.client.__aenter__()
    async with Program(server.url, tmp_path) as second:
        ids = await first.makes("Porto", "Faro", "Lagos")
        await until(lambda: second.delivery.tally == Tally(waiting=3))
        # Both know of them; the first is cut off for good, the second is not, and leaves them alone.
        await first.delivery.stop()
        desk.down = False
        await second.delivery.settle(5)
        assert desk.keys == []
        assert [e.running for e in await second.delivery.entries()] == [True, True, True]
        await first.dies()
        await until(lambda: desk.keys == ids)
        await until(lambda: second.delivery.tally == Tally())
    assert desk.keys == ids


# R: S7
@pytest.mark.parametrize("followed", [True, False])
async def test_what_several_programs_left_is_sent_in_the_order_in_which_it_was_made_whenever_it_is_found(
    tmp_path: Path, desk: Desk, server: ScriptedServer, followed: bool
):
    desk.down = True
    one, two = Program(server.url, tmp_path), Program(server.url, tmp_path)
    for program in (one, two):
        await program.client.__aenter__()
    made = [await program.makes(f"Name {n}") for n, program in enumerate((one, two, one, two))]
    ids = [i for some in made for i in some]
    async with Program(server.url, tmp_path) as third:
        live = await third.follow() if followed else None
        await one.delivery.stop()  # so that it is not this one that takes over
        await one.outbox.flush()
        await two.dies()
        await until(lambda: len(live.pending) == 2 if live else "t" in third.delivery._rounds)
        await one.dies()
        await until(lambda: len(live.pending if live else third.delivery._rounds["t"].left) == 4)
        desk.down = False
        await until(lambda: set(desk.keys) == set(ids))
        # The first that was found is on its way all the time; the others are in their places.
        assert desk.keys == [ids[1], ids[0], ids[2], ids[3]]


# R: S7
async def test_a_program_that_ends_well_leaves_its_changes_to_the_next(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    async with Program(server.url, tmp_path) as first:
        ids = await first.makes("Porto")
    assert list((tmp_path / "running").iterdir()) == []
    desk.down = False
    async with Program(server.url, tmp_path):
        await until(lambda: desk.keys == ids)


# R: S7
async def test_changes_of_another_person_or_server_are_left_alone(tmp_path: Path, desk: Desk, server: ScriptedServer):
    desk.down = True
    first = Program(server.url, tmp_path)
    await first.client.__aenter__()
    ids = await first.makes("Porto")
    await first.dies()
    desk.down = False
    async with serving(desk) as other, Program(other.url, tmp_path) as elsewhere, Program(server.url, tmp_path) as ben:
        ben.client._session.user = rc.User("ben", "Ben")
        await elsewhere.delivery.settle(5)
        await ben.delivery.settle(5)
        assert (await elsewhere.delivery.entries(), await ben.delivery.entries()) == ([], [])
    assert desk.keys == []
    assert rows(tmp_path) == [(ids[0], "waiting")]


# R: S7
async def test_who_signs_in_as_somebody_else_sends_nothing_of_the_former_and_the_former_sends_it_later(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    sessions = {"/api/session/guest": BEN, "/api/session/login": ANA}

    async def script(request: Request) -> None:
        if request.path in sessions:
            desk.who = sessions[request.path]
            await request.answer(200, {"token": desk.who["id"], "user": desk.who, "expiresAt": "2040-01-01T00:00:00Z"})
        elif request.method == "POST" and request.path.startswith("/api/social-cart"):
            names.append(request.headers["authorization"])
            await (desk(request) if desk.who is ANA and not cut else request.answer(502))
        else:
            await desk(request)

    names: list[str] = []
    cut = True
    server.script = script
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        pending = live.act(EditTrip(name="Porto"))
        ids = [*await program.makes("Faro"), pending.id]  # one of a trip that is followed, one that is not
        await until(lambda: len(names) > 4)
        await program.client.guest("Ben")
        outcome = await asyncio.wait_for(pending.done, 5)
        assert outcome.refusal is not None
        assert outcome.refusal.code == "another-person"
        await program.delivery.settle(5)
        assert {i for i, _ in rows(tmp_path)} == set(ids)
        cut = False
        await program.client.login("ana", "correct horse battery")
        await until(lambda: set(desk.keys) == set(ids))
        assert set(names) == {"Bearer token", "Bearer ana"}


# R: S7
@pytest.mark.parametrize("moment", ["take", "check"])
async def test_who_signs_in_while_the_disk_is_asked_sends_nothing_of_the_former(
    tmp_path: Path, desk: Desk, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, moment: str
):
    desk.down = True
    first = Program(server.url, tmp_path)
    await first.client.__aenter__()
    ids = await first.makes("Porto")
    await first.dies()
    desk.down = False
    asked, gate = threading.Event(), threading.Event()
    real = getattr(_outbox_file.OutboxFile, moment)

    def slow(*given: Any) -> Any:
        found = real(*given)
        asked.set()
        gate.wait(10)
        return found

    monkeypatch.setattr(_outbox_file.OutboxFile, moment, slow)
    async with Program(server.url, tmp_path) as second:
        await until(asked.is_set)
        second.client._session.user = rc.User("ben", "Ben")
        second.client._another_person()
        gate.set()
        await second.delivery.settle(5)
        assert (desk.keys, rows(tmp_path)) == ([], [(ids[0], "waiting")])
        second.client._session.user = rc.User("ana", "Ana")
        await until(lambda: desk.keys == ids)


# R: S7
async def test_who_leaves_a_trip_while_changes_wait_has_them_sent_in_the_background_and_finds_them_again(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    async with Program(server.url, tmp_path) as program:
        ids = await program.makes("Porto", "Faro")
        await until(lambda: "t" in program.delivery._rounds)
        live = await program.follow()
        await until(lambda: [p.id for p in live.pending] == ids)
        assert program.delivery._rounds == {}
        await live.stop()
        desk.down = False
        await until(lambda: desk.keys == ids)
        await until(lambda: program.delivery.tally == Tally())


# R: S7
async def test_who_starts_without_a_network_is_known_as_soon_as_there_is_one_and_all_is_sent(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    first = Program(server.url, tmp_path)
    await first.client.__aenter__()
    ids = await first.makes("Porto")
    await first.dies()
    async with Program(server.url, tmp_path, knows=False) as second:
        await until(lambda: second.delivery.tally == Tally(waiting=1))
        assert [e.id for e in await second.delivery.entries()] == ids
        await until(lambda: second.delivery._tries > 3)
        desk.down = False
        await until(lambda: desk.keys == ids)
        assert [n.user for n in second.news if n.kind == "known"] == [rc.User("ana", "Ana", None, True)]


# R: S8
async def test_who_is_not_known_yet_is_asked_for_no_sooner_than_the_server_wants(tmp_path: Path):
    asked: list[float] = []

    async def script(request: Request) -> None:
        asked.append(asyncio.get_running_loop().time())
        await request.problem(503, "unavailable", retryAfter=0.6)

    async with serving(script) as server, Program(server.url, tmp_path, knows=False) as program:
        await until(lambda: asked)
        for _ in range(20):
            program.delivery.kick()
            await asyncio.sleep(0.02)
        assert len(asked) == 1
        await until(lambda: len(asked) == 2)
        assert asked[1] - asked[0] >= 0.6


# --- refused -------------------------------------------------------------------------------------


# R: S6 S7
async def test_a_change_that_is_refused_after_a_restart_stays_with_its_reason_until_it_is_dismissed(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    first = Program(server.url, tmp_path)
    await first.client.__aenter__()
    ids = await first.makes("Porto", "Faro")
    await first.dies()
    desk.down, desk.refuses = False, {"Porto": "poll-closed"}
    async with Program(server.url, tmp_path) as second:
        await until(lambda: second.delivery.tally == Tally(refused=1))
        (told,) = [n.entry for n in second.news if n.kind == "refused"]
        assert (told.id, told.refusal.code, told.refusal.detail) == (ids[0], "poll-closed", "It is poll-closed.")
        assert desk.keys == ids
    async with Program(server.url, tmp_path) as third:
        (entry,) = await third.delivery.entries()
        assert (entry.id, entry.state, entry.act) == (ids[0], "refused", EditTrip(name="Porto"))
        assert entry.refusal == rc.Refusal("poll-closed", "It is poll-closed.", {})
        assert await third.delivery.drop([entry.id]) == (ids[0],)
        await until(lambda: third.delivery.tally == Tally())
    assert desk.keys == ids
    assert rows(tmp_path) == []


# R: S6
async def test_a_change_that_is_refused_in_front_of_the_person_is_not_kept(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.refuses = {"Porto": "voting-open"}
    async with Program(server.url, tmp_path, settings=replace(SETTINGS, outbox_at_once=10.0)) as program:
        live = await program.follow()
        assert not (await asyncio.wait_for(live.act(EditTrip(name="Porto")).done, 5)).accepted
        await program.outbox.flush()
        assert rows(tmp_path) == []


async def test_of_what_was_refused_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_outbox_file, "MAX_REFUSED", 3)
    outbox = Outbox(tmp_path)
    for n in range(5):
        await outbox.keep(entry(n))
        outbox.refuse(entry(n).id, rc.Refusal("full", "x" * 5000, {"much": "y" * 5000}))
    kept = await outbox.entries("s", "ana")
    assert [e.id for e in kept] == [entry(n).id for n in (2, 3, 4)]
    assert kept[0].refusal is not None
    assert (len(kept[0].refusal.detail), kept[0].refusal.facts) == (600, {})
    await outbox.close()


# --- old -----------------------------------------------------------------------------------------


def entry(n: int, act: TripAct | None = None, **more: Any) -> OutboxEntry:
    """A change without a client."""
    act = act or EditTrip(name=f"Name {n}")
    command = f"0000000{n}-0000-7000-8000-000000000000"
    made = OutboxEntry(command, "s", "ana", "t", call_of("t", act), rc.About(), datetime.now(UTC), act)
    return replace(made, **more)


DAY_AGO = timedelta(days=1)


# R: S7
async def test_what_is_older_than_a_day_is_not_sent_until_the_person_says_so(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    first = Program(server.url, tmp_path)
    await first.client.__aenter__()
    ids = await first.makes("Porto", "Faro", "Lagos")
    await first.dies()
    desk.down = False
    for i in ids[:2]:
        meddle(tmp_path, "UPDATE changes SET made_at = made_at - 90000000 WHERE id = ?", i)
    async with Program(server.url, tmp_path) as second:
        await until(lambda: second.delivery.tally == Tally(asks=2))
        assert desk.keys == [ids[2]]
        assert await second.delivery.send([ids[1]]) == (ids[1],)
        await until(lambda: desk.keys == [ids[2], ids[1]])
        assert await second.delivery.drop([ids[0]]) == (ids[0],)
        await until(lambda: second.delivery.tally == Tally())


# R: S7
async def test_a_change_that_grows_old_while_the_program_runs_is_not_sent_either(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        told: list[rc.Change] = []
        live.listen(told.append)
        pending = live.act(EditTrip(name="Porto"))
        assert pending.kept is not None
        await pending.kept
        meddle(tmp_path, "UPDATE changes SET made_at = made_at - 90000000")
        outcome = await asyncio.wait_for(pending.done, 5)
        assert outcome.refusal is not None
        assert outcome.refusal.code == "too-old"
        assert live.pending == ()
        assert [c.pending for c in told if c.kind == "dropped"] == [pending]
        desk.down = False
        await until(lambda: program.delivery.tally == Tally(asks=1))
        await program.delivery.send([pending.id])
        await until(lambda: desk.keys == [pending.id])


# R: S7
async def test_what_hangs_on_an_old_change_waits_with_it_is_sent_with_it_and_goes_with_it(tmp_path: Path):
    ago = datetime.now(UTC) - timedelta(days=2)
    poll = entry(1, polls.OpenPoll("When?", "single", ("Wed", "Thu")), made_at=ago)
    vote = entry(2, polls.CastVote(poll.id, (f"{poll.id}.1",)))
    other = entry(3)
    close = entry(4, polls.ClosePoll(poll.id))
    changes = [poll, vote, other, close]
    oldest = datetime.now(UTC) - DAY_AGO
    for chosen, left in (([vote.id], "agree"), ([poll.id], "drop")):
        outbox = Outbox(tmp_path / left)
        for change in changes:
            assert await outbox.keep(change) == "disk"
        outbox.release(c.id for c in changes)
        assert [e.id for e in await outbox.take("s", "ana", oldest)] == [other.id]
        waiting = await outbox.entries("s", "ana")
        assert [e.state for e in waiting] == ["asks", "asks", "waiting", "asks"]
        assert dependents(waiting, [poll.id]) == (vote.id, close.id)
        if left == "agree":
            assert await outbox.agree(chosen) == (poll.id, vote.id)
            assert [e.id for e in await outbox.take("s", "ana", oldest)] == [poll.id, vote.id]
            assert await outbox.check(poll.id, oldest) == "send"
        else:
            assert await outbox.drop(chosen) == (poll.id, vote.id, close.id)
            assert await outbox.check(vote.id, oldest) == "gone"
        await outbox.close()


# R: S7, T12
async def test_what_another_person_made_is_neither_dropped_nor_agreed_to_with_ours(tmp_path: Path):
    # Ana's poll reached the server, and its answer did not come; so Ben, on the same computer, has voted in it.
    ago = datetime.now(UTC) - timedelta(days=2)
    poll = entry(1, polls.OpenPoll("When?", "single", ("Wed", "Thu")), made_at=ago)
    vote = entry(2, polls.CastVote(poll.id, (f"{poll.id}.1",)), user="ben", made_at=ago)
    outbox = Outbox(tmp_path)
    for change in (poll, vote):
        assert await outbox.keep(change) == "disk"
    outbox.release((poll.id, vote.id))
    for person in ("ana", "ben"):
        assert await outbox.take("s", person, datetime.now(UTC) - DAY_AGO) == []
    assert await outbox.agree([vote.id]) == (vote.id,)
    assert [e.state for e in await outbox.entries("s", "ana")] == ["asks"]
    assert await outbox.drop([poll.id]) == (poll.id,)
    assert [e.id for e in await outbox.entries("s")] == [vote.id]
    await outbox.close()


# --- dropped -------------------------------------------------------------------------------------


# R: S7
async def test_a_change_that_is_dropped_is_taken_back_and_never_sent_with_all_that_hangs_on_it(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        poll = live.act(polls.OpenPoll("When?", "single", ("Wed", "Thu")))
        vote = live.act(polls.CastVote(poll.id, (f"{poll.id}.0",)))
        name = live.act(EditTrip(name="Porto"))
        assert await program.delivery.drop([poll.id]) == (poll.id, vote.id)
        assert live.pending == (name,)
        assert (await vote.done).refusal == rc.Refusal("dropped", "You took that back before it was sent.", {})
        desk.down = False
        await asyncio.wait_for(name.done, 5)
        assert desk.keys == [name.id]


# R: S7
async def test_a_change_that_another_program_drops_is_not_sent_by_the_one_that_has_it(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    async with Program(server.url, tmp_path) as program:
        live = await program.follow()
        other, pending = live.act(EditTrip(name="Faro")), live.act(EditTrip(name="Porto"))
        assert pending.kept is not None
        await pending.kept
        outbox = Outbox(tmp_path)
        assert await outbox.drop([pending.id]) == (pending.id,)
        await outbox.close()
        desk.down = False
        assert not (await asyncio.wait_for(pending.done, 5)).accepted
        assert (await asyncio.wait_for(other.done, 5)).accepted
        assert desk.keys == [other.id]


async def test_a_change_of_a_trip_that_nobody_looks_at_can_be_dropped(
    tmp_path: Path, desk: Desk, server: ScriptedServer
):
    desk.down = True
    async with Program(server.url, tmp_path) as program:
        ids = await program.makes("Porto", "Faro")
        await until(lambda: "t" in program.delivery._rounds)
        await program.delivery.drop(ids[1:])
        desk.down = False
        await until(lambda: program.delivery.tally == Tally())
        assert desk.keys == ids[:1]


# --- the file ------------------------------------------------------------------------------------


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
    ("body", b"{" + b" " * 70_000 + b'"tripId": "t", "name": "x"}'),
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
            await until(lambda: "t" in program.delivery._rounds)
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
        pending = live.act(EditTrip(name="x" * 70_000))  # nobody can say yet that it is refused
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
