"""The true command with its event loop under watch, on a disk as slow as one says:

    python watched_app.py FILE SECONDS [argument ...]

Each turn of the loop that took longer than `NOTED`, once the first screen is painted, becomes a line of JSON in FILE:
`ms`, what it cost; `collector`, how much of that was Python's; `where`, what it was at whenever somebody looked. Time
in which the system let other processes run instead is not counted, where the system tells. SECONDS is what opening,
moving, making and flushing a file, and each statement of SQLite, take, in whatever thread; not for what belongs to
Python itself.
"""

import asyncio
import gc
import json
import os
import sqlite3
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

NOTED = 0.02
SLOW_EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "sqlite3.connect"}


def delayed() -> float:
    """Seconds for which this thread could have run and did not, because others did."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text("ascii").split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def watch(out: Path) -> None:
    """Note what the loop of this thread does for too long."""
    from roadcrew_tui.app import RoadcrewApp

    mine, painted, since = threading.get_ident(), False, 0.0
    seen: list[str] = []
    turn = threading.Event()
    collecting, collected = 0.0, 0.0
    run, ready = asyncio.Handle._run, RoadcrewApp.on_ready

    def look() -> None:
        while turn.wait():  # a program that does nothing is to be seen doing nothing
            began = since
            time.sleep(NOTED)
            if since and since == began and (frame := sys._current_frames().get(mine)):
                stack = traceback.extract_stack(frame)
                seen.append(" < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(stack[-25:])))

    def gathered(phase: str, _: object) -> None:
        nonlocal collecting, collected
        if phase == "start":
            collecting = time.perf_counter()
        else:
            collected += time.perf_counter() - collecting

    def watched(handle: Any) -> None:
        nonlocal since, collected
        if threading.get_ident() != mine or not painted:
            run(handle)
            return
        seen.clear()
        collected = 0.0
        waited, began = delayed(), time.perf_counter()
        since = began
        turn.set()
        run(handle)
        turn.clear()
        since, took = 0.0, time.perf_counter() - began
        if took > NOTED and (took := took - (delayed() - waited)) > NOTED:
            cost = {"ms": round(took * 1000, 1), "collector": round(collected * 1000, 1)}
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**cost, "where": seen[:12]}) + "\n")

    def on_ready(app: RoadcrewApp) -> None:
        nonlocal painted
        painted = True
        ready(app)

    gc.callbacks.append(gathered)
    threading.Thread(target=look, daemon=True).start()
    asyncio.Handle._run = watched  # type: ignore[method-assign, assignment]
    RoadcrewApp.on_ready = on_ready  # type: ignore[method-assign, assignment]


def slow_down(seconds: float) -> None:
    """Make the disk slow, below the folder that is this person's."""
    home = os.path.join(os.environ["ROADCREW_HOME"], "")  # what is beside it has a disk of its own

    def heard(event: str, given: tuple[Any, ...]) -> None:
        if event in SLOW_EVENTS and str(given[0]).startswith(home):
            time.sleep(seconds)

    class Slow(sqlite3.Connection):
        """Each statement takes so long."""

        def execute(self, *given: Any) -> sqlite3.Cursor:
            time.sleep(seconds)
            return super().execute(*given)

    connect, sync = sqlite3.connect, os.fsync

    def fsync(file: Any) -> None:
        time.sleep(seconds)
        sync(file)

    sqlite3.connect = lambda *given, **more: connect(*given, factory=Slow, **more)  # type: ignore[assignment]
    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(heard)


if __name__ == "__main__":
    file, seconds, *sys.argv[1:] = sys.argv[1:]
    from roadcrew_tui.__main__ import main

    watch(Path(file))
    if float(seconds):
        slow_down(float(seconds))
    sys.exit(main())
