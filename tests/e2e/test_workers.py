"""`roadcrew serve --workers N`: several processes on one address, and one that watches them."""

import asyncio
import contextlib
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.conftest import Count, Figure
from tests.support.people import Person, connected, eventually
from tests.support.serving import ServerProcess
from tests.support.valkey import ValkeyProcess, free_port

from roadcrew_client import Client, ClientSettings, LiveTrip
from roadcrew_domain.trip import EditTrip
from roadcrew_server.__main__ import arguments

WORKERS = 3


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyProcess]:
    with ValkeyProcess(tmp_path / "valkey") as process:
        yield process


@pytest.fixture
def served(tmp_path: Path, valkey: ValkeyProcess) -> Iterator[ServerProcess]:
    """A supervisor with its workers."""
    with ServerProcess(tmp_path, store=valkey.url, workers=WORKERS, streams_per_user=100) as process:
        yield process


def workers_of(server: ServerProcess) -> dict[int, int]:
    """The process ids of a supervisor's workers, by their numbers."""
    found = {}
    for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"--worker" in words:
                found[int(words[words.index(b"--worker") + 1])] = int(pid)
    return found


def runs(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# R: G4 S8 T9
async def test_workers_share_an_address_one_line_says_so_and_sigterm_ends_all_with_a_bye_to_every_stream(
    served: ServerProcess, figure: Figure
):
    assert re.fullmatch(rf"Roadcrew server ready on {served.url} \(store: .*, {WORKERS} workers\)\n", served.ready_line)
    assert sorted(workers_of(served)) == [1, 2, 3]
    async with connected(served.url) as http:
        ana = await Person.guest(http, "Ana")
        trip_id = (await ana.create())["trip"]["id"]
    answers: Counter[str] = Counter()
    async with asyncio.timeout(20):
        while len(answers) < WORKERS:
            async with connected(served.url) as http:  # a new connection, to whichever worker accepts it
                assert (await Person(http, ana.token).trip(trip_id)).status_code == 200
                answers.update(set(re.findall(r'worker="(\d+)"', (await http.get("/metrics")).text)))
    figure("connections that each worker got", dict(answers))
    await ends_with_bye(served, figure)


async def ends_with_bye(served: ServerProcess, figure: Figure) -> None:
    pids = workers_of(served).values()
    async with connected(served.url) as http, contextlib.AsyncExitStack() as stack:
        ana = await Person.guest(http, "Ana")
        trip_id = (await ana.create())["trip"]["id"]
        streams = [await stack.enter_async_context(ana.stream(trip_id)) for _ in range(20)]
        for stream in streams:
            await stream.next("reset")
        began = time.perf_counter()
        assert await asyncio.to_thread(served.terminate) == 0
        figure("seconds to end", f"{time.perf_counter() - began:.1f}")
        for stream in streams:
            assert (await stream.end())[-1].data == {"reason": "restart"}
    assert not any(map(runs, pids))
    assert "Traceback" not in served.log.read_text()


# R: T10 S9
async def test_a_worker_that_was_killed_or_told_to_end_is_started_again_and_nobody_has_to_do_anything(
    served: ServerProcess, count: Count
):
    settings = ClientSettings(backoff_base=0.05, backoff_cap=0.5)
    async with Client(served.url, settings=settings) as ana:
        await ana.guest("Ana")
        created = await ana.create_trip("Lisbon")
        async with ana.follow(created.trip.id) as live:
            await eventually(lambda: live.confirmed is not None, "the first state")
            for turn in range(count(reduced=2, full=20)):
                number = turn % WORKERS + 1
                killed = workers_of(served)[number]
                os.kill(killed, signal.SIGKILL)
                pending = live.act(EditTrip(name=f"Turn {turn}"))
                assert (await pending.done).accepted
                await eventually(partial(has_another, served, number, killed), "another worker", 30, every=0.1)
                await eventually(partial(is_called, live, f"Turn {turn}"), "the change", 10)
    assert "worker 1 ended (SIGKILL); it is started again in 0.25 s" in served.log.read_text()
    number, told = 3, workers_of(served)[3]
    os.kill(told, signal.SIGTERM)
    await eventually(partial(has_another, served, number, told), "another worker", 30, every=0.1)
    assert "worker 3 ended (status 0); it is started again in 0 s" in served.log.read_text()


def has_another(server: ServerProcess, number: int, than: int) -> bool:
    return workers_of(server).get(number, than) != than


def is_called(live: LiveTrip, name: str) -> bool:
    return live.confirmed is not None and live.confirmed.name == name


# R: S9
async def test_no_worker_outlives_a_supervisor_that_was_killed(served: ServerProcess):
    pids = list(workers_of(served).values())
    await asyncio.to_thread(served.kill)
    await eventually(lambda: not any(map(runs, pids)), "the end of the workers", 10, every=0.1)


def test_without_its_store_no_worker_starts_and_the_status_says_so(tmp_path: Path):
    server = ServerProcess(tmp_path, store=f"redis://127.0.0.1:{free_port()}", workers=2)
    with pytest.raises(RuntimeError, match="did not start"):
        server.start()
    said = server.log.read_text()
    assert "roadcrew: The store" in said
    assert "Traceback" not in said


def test_several_workers_on_a_file_are_refused_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        arguments(["--workers", "2", "--store", f"sqlite:///{tmp_path}/trips.db"])
    assert ended.value.code == 2
    assert "A file (sqlite:///…) serves one process. For 2 workers, keep trips in a Redis or a Valkey" in (
        capsys.readouterr().err
    )
