"""The outbox with a client: kept before it is sent, sent once and in order, whoever ends; refused, old, dropped."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.api_client.outbox_desk import DAY_AGO, SETTINGS, Desk, Program, entry, meddle, rows
from tests.api_client.scripted import ANA, Request, ScriptedServer, serving, until

import roadcrew_client as rc
from roadcrew_client import _outbox_file
from roadcrew_client.outbox import Outbox, Tally, dependents
from roadcrew_domain import polls
from roadcrew_domain.trip import EditTrip

pytestmark = pytest.mark.usefixtures("no_task_is_left")


BEN = {"id": "ben", "name": "Ben", "username": None, "guest": True}


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
        await until(lambda: len(live.pending) == 2 if live else "trip:t" in third.delivery._rounds)
        await one.dies()
        await until(lambda: len(live.pending if live else third.delivery._rounds["trip:t"].left) == 4)
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
        await until(lambda: "trip:t" in program.delivery._rounds)
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
        await until(lambda: "trip:t" in program.delivery._rounds)
        await program.delivery.drop(ids[1:])
        desk.down = False
        await until(lambda: program.delivery.tally == Tally())
        assert desk.keys == ids[:1]
