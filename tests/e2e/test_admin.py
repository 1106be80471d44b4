"""`roadcrew admin` as an operator uses it, with people at the server who should notice nothing."""

import asyncio
import json
import re
import signal
import stat
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest
from tests.conftest import Count, Figure
from tests.support.commands import Commander
from tests.support.people import Person, connected, eventually
from tests.support.serving import ServerProcess, server_process
from tests.support.terminal import roadcrew
from tests.support.valkey import ValkeyProcess
from tests.support.whole import everything

from roadcrew_client import Change, Client, ClientSettings, LiveTrip
from roadcrew_domain.polls import OpenPoll
from roadcrew_domain.views import encode_trip
from roadcrew_server.admin import main
from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.redis import RedisStore
from roadcrew_server.stores.sqlite import SqliteStore

PATIENT = ClientSettings(backoff_base=0.05, backoff_cap=0.5)


@pytest.fixture
def operator(tmp_path: Path) -> Commander:
    """Whoever runs the server, at its own computer."""
    return Commander(tmp_path / "operator", None)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyProcess]:
    """A real Valkey."""
    place = tmp_path / "valkey"
    place.mkdir()
    with ValkeyProcess(place) as process:
        yield process


class Following:
    """Somebody who follows a trip, and what they were told of it."""

    def __init__(self, client: Client, live: LiveTrip) -> None:
        self.client = client
        self.live = live
        self.changes: list[Change] = []
        live.listen(self.changes.append)

    def resets(self) -> int:
        """How often they got the state anew."""
        return sum(change.kind == "reset" for change in self.changes)

    def seqs(self) -> list[int]:
        """The numbers of the events that came, as they came."""
        return [event.seq for change in self.changes for event in change.events]

    def is_live(self) -> bool:
        """Whether everything comes at once."""
        return self.live.status.state == "live"

    def has(self, polls: int) -> bool:
        """Whether the confirmed trip has so many polls, and nothing waits."""
        confirmed = self.live.confirmed
        return confirmed is not None and len(confirmed.polls) == polls and not self.live.pending


@asynccontextmanager
async def two_people(url: str) -> AsyncIterator[tuple[str, str, list[Following]]]:
    """Two guests in one trip, both following it; with its id and its invite code."""
    async with AsyncExitStack() as stack:
        ana, ben = [await stack.enter_async_context(Client(url, settings=PATIENT)) for _ in range(2)]
        await ana.guest("Ana")
        await ben.guest("Ben")
        created = await ana.create_trip("Lisbon in May")
        await ben.join(created.invite.code)
        people = [Following(client, client.follow(created.trip.id)) for client in (ana, ben)]
        for person in people:
            await stack.enter_async_context(person.live)
            await eventually(person.is_live, "the first state", 20)
        yield created.trip.id, created.invite.code, people


async def run(operator: Commander, *words: str) -> str:
    """`roadcrew admin WORDS` must be done; what it printed."""
    done = await asyncio.to_thread(operator.run, "admin", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


# R: G4 S1 S7 T2
async def test_a_server_moves_to_valkey_and_back_and_nobody_loses_doubles_or_signs_in_again(
    tmp_path: Path,
    operator: Commander,
    valkey: ValkeyProcess,
    count: Count,
    figure: Figure,
    capsys: pytest.CaptureFixture[str],
) -> None:
    targets = (valkey.url, f"sqlite:///{tmp_path / 'back.db'}")[: count(reduced=1, full=2)]
    with server_process(tmp_path, drain_window=0.2) as server:
        async with two_people(server.url) as (trip_id, code, people), connected(server.url) as http:
            ana, ben = people
            carla = await Person.guest(http, "Carla")
            await carla.do("/join", {"invite": code})
            asked = {"tripId": trip_id, "question": "Asked once", "kind": "single", "options": ["yes", "no"]}
            key = str(uuid.uuid4())
            first = await carla.do("/polls", asked, key=key)
            polls = 1
            await eventually(partial(ben.has, polls), "Carla's poll", 20)
            for number, target in enumerate(targets):
                cursor = (await carla.poll(trip_id)).json()["cursor"]
                if server.store_url.startswith("sqlite:"):
                    copy = str(tmp_path / "copy.db")
                    assert await asyncio.to_thread(main, ["backup", copy, "--store", server.store_url]) == 0
                else:
                    assert (
                        await asyncio.to_thread(main, ["export", str(tmp_path / "busy"), "--store", server.store_url])
                        == 1
                    )
                    assert "Stop all servers" in capsys.readouterr().err
                before = [(person.resets(), len(person.seqs())) for person in people]
                file, kept = str(tmp_path / f"{number}.export"), server.store_url
                assert await asyncio.to_thread(server.terminate) == 0
                waiting = ana.live.act(OpenPoll(f"While it moved {number}", "single", ("yes", "no")))
                assert await asyncio.to_thread(main, ["export", file, "--store", kept]) == 0
                assert "Exported 1 topic " in capsys.readouterr().out
                said = await run(operator, "import", file, "--store", target)
                assert said.startswith("Imported 1 topic ")
                server.store_url = target
                await asyncio.to_thread(server.start)
                assert (await waiting.done).accepted
                polls += 1
                for person, (resets, seen) in zip(people, before, strict=True):
                    await eventually(partial(person.has, polls), "what was decided while it moved", 30)
                    assert person.resets() == resets
                    seqs = person.seqs()
                    assert len(seqs) > seen
                    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))  # none lost, none twice
                batch = (await carla.poll(trip_id, cursor=cursor)).json()  # the same session, the same cursor
                assert batch["resets"] == []
                assert len(batch["events"]) == 1
                again = await carla.do("/polls", asked, key=key)  # remembered over there as well
                assert again["trip"]["polls"][0]["id"] == first["trip"]["polls"][0]["id"]
                truth = await ben.client.trip(trip_id)
                assert len(truth.polls) == polls
                assert {encode_trip(truth)} == {encode_trip(p.live.confirmed) for p in people if p.live.confirmed}
            figure("events that came, each once, and moves", (len(ben.seqs()), len(targets)))


# R: G4
@pytest.mark.only_full  # an ordinary run has a copy made above, and used in tests/server/test_backup.py
async def test_a_backup_of_a_running_server_is_a_store_to_go_back_to(tmp_path: Path, operator: Commander) -> None:
    copy = tmp_path / "backup.db"
    with server_process(tmp_path) as server:
        async with two_people(server.url) as (trip_id, _, people), connected(server.url):
            ana, ben = people
            assert (await ana.live.act(OpenPoll("In the copy", "single", ("yes", "no"))).done).accepted
            said = json.loads(await run(operator, "backup", str(copy), "--store", server.store_url, "--json"))
            assert said == {"bytes": copy.stat().st_size}
            assert stat.S_IMODE(copy.stat().st_mode) == 0o600
            refused = await asyncio.to_thread(
                operator.run, "admin", "export", str(tmp_path / "x"), "--store", server.store_url
            )
            assert refused.returncode == 1
            assert "Stop all servers of it first" in refused.stderr
            assert (await ana.live.act(OpenPoll("After the copy", "single", ("yes", "no"))).done).accepted
            await eventually(partial(ben.has, 2), "both polls", 20)
            await asyncio.to_thread(server.kill)
            server.store_url = f"sqlite:///{copy}"
            await asyncio.to_thread(server.start)
            await eventually(partial(ben.has, 1), "the trip as it was at the copy", 30)
            assert (await ben.live.act(OpenPoll("And on", "single", ("yes", "no"))).done).accepted
            assert len((await ana.client.trip(trip_id)).polls) == 2


# R: G4
async def test_an_embedded_store_that_a_server_has_open_is_neither_exported_nor_filled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "store.db"
    store, url = SqliteStore(path), f"sqlite:///{path}"
    await store.open()
    await store.put("user", "ana", b"Ana")
    file = tmp_path / "trips.export"
    assert await asyncio.to_thread(main, ["export", str(file), "--store", url]) == 1
    assert "Stop all servers" in capsys.readouterr().err
    assert not file.exists()
    await store.close()
    assert await asyncio.to_thread(main, ["export", str(file), "--store", url, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["topics"], told["bytes"]) == (1, 0, file.stat().st_size)
    new = SqliteStore(tmp_path / "new.db")
    await new.open()
    assert await asyncio.to_thread(main, ["import", str(file), "--store", f"sqlite:///{new.path}"]) == 1
    assert "Stop all servers" in capsys.readouterr().err
    await new.close()
    assert await asyncio.to_thread(main, ["import", str(file), "--store", f"sqlite:///{new.path}"]) == 0
    assert "records: 1" in capsys.readouterr().out


def scripts(valkey: ValkeyProcess) -> int:
    """How many scripts it has run so far; everything that an import writes is one."""
    return sum(
        int(calls) for calls in re.findall(rb"cmdstat_eval(?:sha)?:calls=(\d+)", valkey.say("INFO", "commandstats"))
    )


def worked(valkey: ValkeyProcess, goal: int) -> bool:
    """Whether it has run so many."""
    return scripts(valkey) >= goal


# R: G4
@pytest.mark.only_full  # an ordinary run has an import that breaks off in tests/server/test_moving.py
async def test_an_import_that_is_killed_is_finished_by_the_same_import(
    tmp_path: Path, operator: Commander, valkey: ValkeyProcess, figure: Figure
) -> None:
    path, file, killed = tmp_path / "old.db", tmp_path / "trips.export", 0
    old = SqliteStore(path)
    await old.open()
    for part in range(2):
        await asyncio.gather(*(old.put("user", f"{part} {number}", b"x" * 200) for number in range(3_000)))
    held = await everything(old)
    await old.close()
    await run(operator, "export", str(file), "--store", f"sqlite:///{path}")
    words = roadcrew("admin", "import", str(file), "--store", valkey.url)
    for work in (50, 500, 3_000):
        goal = scripts(valkey) + work
        process = await asyncio.to_thread(subprocess.Popen, words, env=operator.environment)
        try:
            await eventually(partial(worked, valkey, goal), "the middle of the import", 60)
        finally:
            process.kill()
            killed += await asyncio.to_thread(process.wait) == -signal.SIGKILL
        server = ServerProcess(tmp_path)
        server.store_url = valkey.url
        with pytest.raises(RuntimeError, match="did not finish"), server:
            pytest.fail("it started")
    assert killed == 3
    await run(operator, "import", str(file), "--store", valkey.url)
    new = RedisStore(address_of(valkey.url))
    await new.open()
    assert await everything(new) == held
    await new.close()
    figure("imports killed in the middle, each refused by a server", killed)


# R: G4
def test_what_can_not_be_done_is_said_in_a_sentence_with_a_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ROADCREW_STORE", "ROADCREW_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path / "home"))
    junk, there, gone = tmp_path / "junk", tmp_path / "there", tmp_path / "gone"
    junk.write_text("hello\n")
    there.touch()
    new = f"sqlite:///{tmp_path / 'new.db'}"
    for words, status, sentence in (
        (["export", str(gone)], 1, "There is no store"),
        (["export", str(there), "--store", f"sqlite:///{junk}"], 1, "exists already"),
        (["export", str(gone), "--store", f"sqlite:///{junk}"], 1, "not a Roadcrew store"),
        (["import", str(gone), "--store", new], 1, "No such file"),
        (["import", str(junk), "--store", new], 1, "junk can't be believed, line 1"),
        (["backup", str(gone), "--store", new], 1, "There is no store"),
        (["backup", str(gone / "x"), "--store", new], 1, "There is no folder"),
        (["backup", str(gone), "--store", "redis://127.0.0.1:1/0"], 1, "its own means"),
        (["export", str(gone), "--store", "redis://me:secret@127.0.0.1:1/0"], 1, "127.0.0.1:1"),
        (["export", str(gone), "--store", "redis://me:secret@127.0.0.1:1/x"], 2, "usage"),
        (["export", str(gone), "--store", "nowhere"], 2, "not a store"),
        (["export"], 2, "FILE"),
        ([], 2, "COMMAND"),
    ):
        try:
            found = main(words)
        except SystemExit as ended:
            found = int(str(ended.code))
        out, err = capsys.readouterr()
        assert (found, out) == (status, ""), (words, err)
        assert sentence in err, words
        assert "secret" not in err
        assert "Traceback" not in err
    for stopped, status in ((KeyboardInterrupt(), 130), (SystemExit(143), 143)):  # ctrl+c, and SIGTERM
        monkeypatch.setattr("roadcrew_server.stores._sqlite_backup.copy", Mock(side_effect=stopped))
        try:
            found = main(["backup", str(gone), "--store", new])
        except SystemExit as ended:
            found = int(str(ended.code))
        assert found == status
    assert {path.name for path in tmp_path.iterdir()} == {"junk", "junk.lock", "there"}


# R: G5
def test_the_helps_teach_by_example(operator: Commander, capsys: pytest.CaptureFixture[str]) -> None:
    done = operator.run("admin", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "roadcrew admin import trips.export --store redis://" in done.stdout
    for words in ("export", "import", "backup", "catalog"):
        with pytest.raises(SystemExit):
            main([words, "--help"])
        assert f"example:\n  roadcrew admin {words} " in capsys.readouterr().out
