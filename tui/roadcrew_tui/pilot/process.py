"""The process that plays one tape: `python -P -m roadcrew_tui.pilot.process`, started by the `director`.

They talk in lines of JSON: our orders and the director's answers come on standard input, what we ask and what became of
the tape goes to standard output. When the director goes away, so do we, and the terminal with us. Not for what a step
does (`player`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from roadcrew_tui import settings as prefs
from roadcrew_tui.pilot.language import read_tape
from roadcrew_tui.pilot.player import Failure, Missed, Player
from roadcrew_tui.pilot.report import Failed, Played
from roadcrew_tui.pilot.tape import Place, Step, Tape, TapeError, Tell
from roadcrew_tui.pilot.terminal import Ended
from roadcrew_tui.settings import Folders, Settings

if TYPE_CHECKING:
    from roadcrew_tui.pilot.headless import HeadlessTerminal
    from roadcrew_tui.pilot.pseudo import PseudoTerminal

GRACE = 5.0
"""Seconds that the terminal has to end once the director has gone."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What to play, and where: as somebody whose settings are below `home`. Pictures go to `folder`, what tells of a
    failure goes there under `name`. Columns and rows are for a tape that sets none. `limit` is in seconds."""

    tape: str
    home: str
    folder: str
    name: str
    columns: int
    rows: int
    pty: bool
    limit: float


class Director:
    """The director at the other end of two pipes: the `Others` of a player."""

    def __init__(self, hears: TextIO, says: TextIO) -> None:
        self._hears, self._says = hears, says
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def start(self, work: asyncio.Task[Any]) -> None:
        """Hear the answers from now on; `work` is cancelled when there will be no more."""
        listen = threading.Thread(target=self._listen, args=(asyncio.get_running_loop(), work), daemon=True)
        listen.start()  # a thread, since not every pipe is good for the loop

    def _listen(self, loop: asyncio.AbstractEventLoop, work: asyncio.Task[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            for line in self._hears:
                loop.call_soon_threadsafe(self._answers.put_nowait, json.loads(line))
            loop.call_soon_threadsafe(work.cancel)
        time.sleep(GRACE)
        os._exit(1)

    def say(self, **words: object) -> None:
        """Tell something that has no answer."""
        self._says.write(json.dumps(words) + "\n")
        self._says.flush()

    async def ask(self, question: str, **words: object) -> str:
        """Ask something and wait for the answer. Raises `Missed`."""
        self.say(ask=question, **words)
        answer = await self._answers.get()
        if "missed" in answer:
            raise Missed(answer["missed"])
        return str(answer.get("answer", ""))

    async def meet(self, name: str, within: float) -> None:
        """Wait for the others."""
        await self.ask("meet", name=name, within=within)

    async def put(self, text: str) -> None:
        """Onto the clipboard."""
        self.say(put=text)

    async def get(self) -> str:
        """From the clipboard."""
        return await self.ask("get")

    async def server(self, action: str) -> None:
        """To the server."""
        await self.ask("server", action=action)


async def perform(orders: Orders, director: Director) -> Played:
    """Play a tape from the start of its terminal to the end of it. Raises `TapeError`."""
    script = read_tape(Path(orders.tape))
    os.environ["ROADCREW_HOME"] = orders.home
    folders = Folders.of_this_person()
    # Nothing moves by itself: what is still when it is looked at is what was meant.
    looks = Settings(theme=script.theme or "dark", symbols=script.symbols or "unicode", animations=False)
    prefs.save(folders, looks)  # before the terminal is made: an app reads them then
    os.environ.setdefault("ROADCREW_SERVER", await director.ask("address"))
    terminal = _terminal(orders, script)
    player = Player(script, terminal, director, Path(orders.folder), begins=lambda number: director.say(step=number))
    failed = None
    began = time.monotonic()
    try:
        async with terminal:
            try:
                await player.play(orders.limit)
            except Failure as failure:
                failed = _told(failure, orders, terminal.svg(), folders)
    except (Ended, OSError) as trouble:  # before it had begun
        first = script.steps[0] if script.steps else Step(Place(script.file, 1, 1), "", Tell(True))
        failed = _told(Failure(first, f"There is no terminal: {trouble}", terminal.screen()), orders, None, folders)
    return Played(
        tape=orders.tape,
        steps=player.steps,
        expectations=player.expectations,
        seconds=round(time.monotonic() - began, 3),
        pictures=tuple(player.pictures),
        failure=failed,
    )


def _terminal(orders: Orders, script: Tape) -> HeadlessTerminal | PseudoTerminal:
    columns, rows = script.size[0] or orders.columns, script.size[1] or orders.rows
    if orders.pty:
        from roadcrew_tui.pilot.pseudo import PseudoTerminal  # noqa: PLC0415 - needs a pseudo-terminal

        command = [sys.executable, "-P", "-m", "roadcrew_tui"]
        return PseudoTerminal(command, columns=columns, rows=rows, environment=dict(os.environ))
    from roadcrew_tui.pilot.headless import HeadlessTerminal  # noqa: PLC0415 - imports all of the app

    return HeadlessTerminal(columns, rows)


def _told(failure: Failure, orders: Orders, svg: str | None, folders: Folders) -> Failed:
    """What the report has of a failure, with the screen and the log of a crash left for a closer look."""
    from roadcrew_tui.faults import FILE as CRASH_FILE  # noqa: PLC0415 - the director has no use for it

    place = failure.step.place
    crash = folders.state / CRASH_FILE
    return Failed(
        file=str(place.file),
        line=place.line,
        column=place.column,
        step=failure.step.words,
        why=failure.why,
        screen=failure.screen.text,
        svg=_kept(orders, "failed.svg", svg),
        log=_kept(orders, CRASH_FILE, crash.read_text("utf-8") if crash.is_file() else None),
    )


def _kept(orders: Orders, what: str, content: str | None) -> str | None:
    if content is None:
        return None
    path = Path(orders.folder) / f"{orders.name}-{what}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError:  # the report has the screen as text
        return None
    return str(path)


async def _work(hears: TextIO, says: TextIO) -> int:
    director = Director(hears, says)
    orders = Orders(**json.loads(hears.readline()))
    work = asyncio.create_task(perform(orders, director))
    director.start(work)
    try:
        played = await work
    except TapeError as error:  # it was right when the director read it
        director.say(wrong=str(error))
        return 1
    except asyncio.CancelledError:
        return 1
    director.say(done=asdict(played))
    return 0


def main() -> int:
    """The process. The pipes are kept apart: what anything else prints goes to standard error."""
    hears = os.fdopen(os.dup(0), encoding="utf-8")
    says = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return asyncio.run(_work(hears, says))


if __name__ == "__main__":
    sys.exit(main())
