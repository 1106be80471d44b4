"""The service as the process that people run: its ready line, its end, its death half-way, and its memory."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Count, Figure
from tests.price_monitor.feeding import HEAD, generated
from tests.price_monitor.server import KEY, Importer, Process, dial, hear, say
from websockets.exceptions import ConnectionClosed

from roadcrew_price_monitor import protocol


# R: J5
async def test_it_says_one_line_when_it_is_ready_and_ends_cleanly_when_told(tmp_path: Path):
    with Process(tmp_path / "data") as service:
        assert service.ready == f"Roadcrew price monitor ready on ws://127.0.0.1:{service.port}\n"
        async with dial(service.port) as wire:
            await say(wire, Importer(b"x" * 100).hello())
            await hear(wire)
            stopping = asyncio.create_task(asyncio.to_thread(service.stop))
            with pytest.raises(ConnectionClosed):
                await hear(wire)
            assert await stopping == 0
        assert wire.close_code == 1012
    assert KEY not in service.log.read_text()


async def test_a_key_is_made_up_and_shown_where_none_is_set(tmp_path: Path):
    with Process(tmp_path / "data", key=None) as service:
        key = service.log.read_text().split()[-1]
        async with dial(service.port, key) as wire:
            assert await Importer((HEAD + "A,B,3,1,EUR\n").encode()).go(wire) == protocol.Done(1)


def test_it_ends_with_its_standard_input_where_that_was_asked_for(tmp_path: Path):
    with Process(tmp_path / "data", arguments=("--end-with-stdin",)) as service:
        assert service.process.stdin is not None
        service.process.stdin.close()
        assert service.over() == 0


@pytest.mark.parametrize(
    ("arguments", "key", "why"),
    [
        (["--port", "99999"], KEY, "a port is"),
        ([], "short", "at least 16"),
        ([], "with a space in it, and long", "no spaces"),
        (["--data", "{file}"], KEY, "can't be used"),
        (["--host", "no.such.host.invalid"], KEY, "can't listen"),
    ],
)
def test_what_can_not_work_is_told_in_a_sentence(tmp_path: Path, arguments: list[str], key: str, why: str):
    (tmp_path / "file").write_text("a file, not a folder")
    given = [word.format(file=tmp_path / "file") for word in arguments]
    if "--data" not in given:
        given += ["--data", str(tmp_path / "data")]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "roadcrew_price_monitor", *given],
        env={**os.environ, "PRICE_MONITOR_API_KEY": key},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert why in done.stderr
    assert "Traceback" not in done.stderr


# R: J4
async def test_killed_again_and_again_it_goes_on_and_says_no_row_twice(tmp_path: Path, count: Count):
    rows = count(reduced=15_000, full=100_000)
    importer = Importer("".join(generated(rows, bad=100)).encode())
    end = None
    for upto in (1, rows // 3, rows * 2 // 3, None):
        with Process(tmp_path / "data") as service:
            async with dial(service.port) as wire:
                end = await importer.go(wire, rows=upto)
                service.kill()
    assert end == protocol.Done(rows)
    assert importer.begun_at == sorted(set(importer.begun_at))
    good, bad = [h.line for h in importer.hotels], [r.line for r in importer.refused]
    assert bad == list(range(101, rows + 2, 100))
    assert sorted(good + bad) == list(range(2, rows + 2))


# R: J5
@pytest.mark.timeout(900)  # with --full it reads 100 MB, at 40,000 rows a second at most
async def test_memory_is_flat_however_large_the_feed(tmp_path: Path, count: Count, figure: Figure):
    rows = count(reduced=80_000, full=2_900_000)  # 3 MB, 100 MB
    feed = "".join(generated(rows, bad=100)).encode()
    with Process(tmp_path / "data") as service:
        async with dial(service.port) as wire:
            await Importer(feed[:300_000].rsplit(b"\n", 1)[0], job="small").go(wire)
        before = most_memory(service)
        importer = Importer(feed, job="large")
        async with dial(service.port) as wire:
            assert await importer.go(wire) == protocol.Done(rows)
        after = most_memory(service)
    figure("feed", f"{len(feed) / 1e6:.0f} MB, memory {before} MB before and {after} MB after")
    assert after - before < 48


def most_memory(service: Process) -> int:
    """The most that the process has had, in MiB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
