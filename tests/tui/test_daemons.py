"""What blocks beside the screen keeps nobody from leaving."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from roadcrew_tui.daemons import MOST, Daemons

LEAVES = """
import asyncio, sys, threading
from pathlib import Path
from roadcrew_tui.link import Link
from roadcrew_tui.maker import RealMaker

class DeadDisk:
    def find(self, server):
        asked.set()
        threading.Event().wait()

class Maker(RealMaker):
    def vault(self, may_write_file):
        return DeadDisk()

async def main():
    link = Link(print, Maker(Path(sys.argv[1])))
    opening = asyncio.ensure_future(link.open("http://127.0.0.1:9"))
    while not asked.is_set():
        await asyncio.sleep(0.01)
    await link.close()
    print("left")
    opening.cancel()

asked = threading.Event()
asyncio.run(main())
"""


# R: T1
def test_who_leaves_while_the_disk_of_sign_ins_does_not_answer_is_not_held_up(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-P", "-c", LEAVES, str(tmp_path)], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "left"), done.stderr


async def test_what_is_called_beside_the_loop_answers_or_raises_as_it_would_here():
    daemons = Daemons()
    asyncio.get_running_loop().set_default_executor(daemons)
    assert await asyncio.to_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(divmod, 7, 0)
    assert await asyncio.to_thread(lambda: threading.current_thread().daemon)


def test_no_more_threads_begin_than_may_and_what_waits_gets_its_turn():
    daemons, go = Daemons(), threading.Event()
    running = threading.Semaphore(0)

    def call() -> bool:
        running.release()
        return go.wait(20)

    calls = [daemons.submit(call) for _ in range(MOST + 4)]
    for _ in range(MOST):
        assert running.acquire(timeout=20)
    assert calls[-1].cancel(), "it waits, so it need not begin"
    assert sum(f.running() for f in calls) == MOST
    go.set()
    assert all(f.result(20) for f in calls[:-1])
