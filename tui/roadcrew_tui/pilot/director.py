"""Has tapes played at the same time: a process for each, a server for all of them, a clipboard that they share, and
meeting points. Not for the steps of a tape; it hears which one each is at.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from roadcrew_tui.pilot.meeting import Meetings
from roadcrew_tui.pilot.player import Missed
from roadcrew_tui.pilot.process import Orders
from roadcrew_tui.pilot.report import Failed, Played, Report
from roadcrew_tui.pilot.tape import Place, Step, Tape, Tell
from roadcrew_tui.pilot.venue import Venue

LATE = 10.0
"""Seconds by which a process may be late for its own limit, before it is ended."""
LEAVE = 8.0
"""Seconds that a process has to end by itself."""
LONGEST_LINE = 1 << 24
TAIL = 4000
"""Bytes of what a process that died has said."""
DROPPED = ("NO_COLOR", "CI", "TZ", "LANG", "LANGUAGE")
FIXED = {
    "TERM": "xterm-256color",
    "COLORTERM": "truecolor",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
}
"""What a tape finds, whoever plays it and wherever."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play, and how. Without a `server` the pilot has one of its own. `size` in columns and rows, for tapes
    that set none; `folder` for pictures; `limit` in seconds, after which a tape has failed."""

    tapes: Sequence[Tape]
    server: str | None
    size: tuple[int, int]
    folder: Path
    pty: bool
    limit: float


class Director:
    """Has the tapes of one plan played, once."""

    def __init__(self, plan: Plan, say: Callable[[str], object]) -> None:
        """`say` hears what there is to tell while they play."""
        self._plan = plan
        self._say = say
        self._at = [0] * len(plan.tapes)
        self._clipboard = ""
        self._meetings = Meetings(plan.tapes, self._where)
        self._names = _names(plan.tapes)

    async def play(self) -> Report:
        """Play them all to their ends. Raises `CantServe`."""
        with tempfile.TemporaryDirectory(prefix="roadcrew-pilot-", ignore_cleanup_errors=True) as place:
            async with Venue(self._plan.server, Path(place)) as venue:
                work = [asyncio.create_task(self._perform(who, venue, Path(place))) for who in range(len(self._at))]
                try:
                    address = await venue.address()
                    self._say(f"playing at {address}")
                    tapes = await asyncio.gather(*work)
                finally:
                    for task in work:
                        task.cancel()
                    await asyncio.wait(work)
                trouble = venue.trouble()
        return Report(address, tuple(tapes), () if trouble is None else (trouble,))

    async def _perform(self, who: int, venue: Venue, place: Path) -> Played:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "roadcrew_tui.pilot.process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(self._plan.tapes[who].environment),
            start_new_session=True,  # ctrl+c is for us, and we end it
            limit=LONGEST_LINE,
        )
        complaints = asyncio.create_task(_tail(process.stderr))
        try:
            async with asyncio.timeout(self._plan.limit + LATE):
                played = await self._converse(who, process, venue, place / f"home-{who}")
            why = ""
        except TimeoutError:
            played, why = None, f"The tape was not done after {self._plan.limit:g} s, and did not answer."
        finally:
            await _end(process)
        if played is None:
            why = why or f"The process that played it ended with status {process.returncode}."
            played = self._lost(who, "\n".join(filter(None, (why, await complaints))), time.monotonic() - began)
        complaints.cancel()
        await self._meetings.leave(who, _farewell(played))
        self._say(f"{played.tape}: {'passed' if played.passed else 'FAILED'} after {played.seconds:.1f} s")
        return replace(played, notes=self._notes(who))

    async def _converse(self, who: int, process: Process, venue: Venue, home: Path) -> Played | None:
        """Give the orders, answer what is asked. Returns what became of the tape; None if the process ended first."""
        plan = self._plan
        orders = Orders(
            tape=str(plan.tapes[who].file),
            home=str(home),
            folder=str(plan.folder),
            name=self._names[who],
            columns=plan.size[0],
            rows=plan.size[1],
            pty=plan.pty,
            limit=plan.limit,
        )
        await _write(process, asdict(orders))
        ended = asyncio.create_task(process.wait())
        try:
            while process.stdout is not None and (line := await process.stdout.readline()):
                said = json.loads(line)
                if "step" in said:
                    self._at[who] = said["step"]
                elif "put" in said:
                    self._clipboard = said["put"]
                elif "done" in said:
                    return _played(said["done"])
                else:
                    answer = asyncio.create_task(self._answer(who, said, venue))
                    try:
                        await asyncio.wait({answer, ended}, return_when=asyncio.FIRST_COMPLETED)
                        if not answer.done():
                            return None
                    finally:
                        answer.cancel()
                    await _write(process, answer.result())
        finally:
            ended.cancel()
        return None

    async def _answer(self, who: int, asked: Mapping[str, Any], venue: Venue) -> dict[str, str]:
        try:
            match asked["ask"]:
                case "address":
                    return {"answer": await venue.address()}
                case "get":
                    return {"answer": self._clipboard}
                case "server":
                    await venue.do(asked["action"])
                case "meet":
                    await self._meetings.meet(who, asked["name"], asked["within"])
        except Missed as missed:
            return {"missed": str(missed)}
        return {"answer": ""}

    # --- what there is to say --------------------------------------------------------------------

    def _step(self, who: int) -> Step:
        """The step that a tape is at."""
        script = self._plan.tapes[who]
        nowhere = Step(Place(script.file, 1, 1), "", Tell(True))
        return script.steps[self._at[who]] if script.steps else nowhere

    def _where(self, who: int) -> str:
        step = self._step(who)
        return f"{step.place}: {step.words}"

    def _lost(self, who: int, why: str, seconds: float) -> Played:
        step = self._step(who)
        place = step.place
        failed = Failed(str(place.file), place.line, place.column, step.words, why)
        return Played(str(self._plan.tapes[who].file), self._at[who] + 1, 0, round(seconds, 3), failure=failed)

    def _notes(self, who: int) -> tuple[str, ...]:
        notes = [f"{note.place}: {note.words}" for note in self._plan.tapes[who].notes]
        notes += [f"{step.place}: {step.words}: no other tape meets here" for step in self._meetings.alone(who)]
        return tuple(notes)


def _names(tapes: Sequence[Tape]) -> list[str]:
    """A name for each, for what is kept of it: two tapes may be called the same."""
    names: list[str] = []
    for script in tapes:
        stem, number = script.file.stem, 1
        while (name := stem if number == 1 else f"{stem}-{number}") in names:
            number += 1
        names.append(name)
    return names


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Nothing of what this person has set for themselves, least of all who they are."""
    dropped = ("ROADCREW_", "TEXTUAL", "LC_")
    kept = {k: v for k, v in os.environ.items() if k not in DROPPED and not k.startswith(dropped)}
    return {**kept, **FIXED, **own}


def _played(done: dict[str, Any]) -> Played:
    failure = done.pop("failure")
    done["pictures"], done["notes"] = tuple(done["pictures"]), ()
    return Played(**done, failure=Failed(**failure) if failure else None)


def _farewell(played: Played) -> str:
    failed = played.failure
    if failed is None:
        return f"{played.tape} has ended."
    why = failed.why.partition("\n")[0]
    return f"{played.tape} has failed at {failed.file}:{failed.line}:{failed.column}: {failed.step}: {why}"


async def _write(process: Process, words: Mapping[str, object]) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(ConnectionError):  # it has ended, which is seen where it is read
        process.stdin.write(json.dumps(words).encode() + b"\n")
        await process.stdin.drain()


async def _tail(pipe: asyncio.StreamReader | None) -> str:
    """The end of what comes out of a pipe, all of which is read."""
    kept = b""
    while pipe is not None and (more := await pipe.read(1 << 16)):
        kept = (kept + more)[-TAIL:]
    return kept.decode("utf-8", "replace").strip()


async def _end(process: Process) -> None:
    """It ends when its standard input does; one that does not is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(LEAVE):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
