"""Plays a tape: presses its keys at a terminal, and looks at the screen until it shows what the tape wants.

Not for how a tape is written (`language`), nor for what several tapes share: that is asked of the `Others`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, assert_never

from roadcrew_domain.text import is_forbidden
from roadcrew_tui.pilot import tape
from roadcrew_tui.pilot.tape import Act, Scope, Step, Tape
from roadcrew_tui.pilot.terminal import Ended, Screen, Terminal

STILL_SECONDS = 0.25
"""A screen that has not changed for so long is still, for a `Wait` that names no pattern."""
TYPED = {"\n": "enter", "\t": "tab"}
"""The keys for characters of a text that are no sign."""


class Missed(Exception):
    """What a step wanted did not come; the sentence says why."""


class Others(Protocol):
    """What a tape shares with the tapes that are played beside it."""

    async def meet(self, name: str, within: float) -> None:
        """Wait until all are at the meeting point. Raises `Missed`."""
        ...

    async def put(self, text: str) -> None:
        """Put a text on the clipboard."""
        ...

    async def get(self) -> str:
        """What is on the clipboard; nothing yet: an empty text."""
        ...

    async def server(self, action: str) -> None:
        """Stop, kill or start the server. Raises `Missed`."""
        ...


class Failure(Exception):
    """A step of a tape did not come true: which, why, and what was on the screen then."""

    def __init__(self, step: Step, why: str, screen: Screen) -> None:
        super().__init__(f"{step.place}: {step.words}: {why}")
        self.step, self.why, self.screen = step, why, screen


class Player:
    """Plays one tape once."""

    def __init__(
        self,
        script: Tape,
        terminal: Terminal,
        others: Others,
        pictures: Path,
        *,
        begins: Callable[[int], object] = lambda number: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`pictures` is the folder for screenshots; `begins` hears of each step, by its number from 0."""
        self._tape = script
        self._terminal = terminal
        self._others = others
        self._folder = pictures
        self._begins = begins
        self._clock = clock
        self._sleep = sleep
        self._copied: str | None = None
        self._counts = True
        self.steps = 0
        self.expectations = 0
        self.pictures: list[str] = []

    async def play(self, limit: float | None = None) -> None:
        """Play all steps, within `limit` seconds. Raises `Failure` at the first that does not come true."""
        step = None
        try:
            async with asyncio.timeout(limit):
                for number, step in enumerate(self._tape.steps):
                    self._begins(number)
                    await self._play(step)
        except TimeoutError:
            if step is None:
                raise
            raise self._failure(step, f"The tape was not done after {limit:g} s.") from None

    async def _play(self, step: Step) -> None:
        if isinstance(step.act, tape.Tell):
            self._counts = step.act.shown
        else:
            self.steps += self._counts
        try:
            await self._do(step.act)
            await self._share_copied()
        except (Missed, Ended) as trouble:
            raise self._failure(step, str(trouble)) from trouble
        except OSError as trouble:
            raise self._failure(step, f"It can't be kept: {trouble.strerror or trouble}.") from trouble

    def _failure(self, step: Step, why: str) -> Failure:
        return Failure(step, why, self._terminal.screen())

    async def _do(self, act: Act) -> None:
        match act:
            case tape.Type():
                for character in act.text:
                    await self._press(TYPED.get(character, character), act.pause)
            case tape.Press():
                for _ in range(act.times):
                    await self._press(act.key, act.pause)
            case tape.Sleep():
                await self._sleep(act.seconds)
            case tape.Wait():
                if act.pattern is None:
                    await self._still(act.within)
                else:
                    await self._look(act.pattern, act.scope, act.within)
            case tape.Expect():
                await self._look(act.pattern, act.scope, act.within, absent=act.absent)
                self.expectations += 1
            case tape.Screenshot():
                self._keep(act.file)
            case tape.Sync():
                await self._others.meet(act.name, act.within)
            case tape.Copy():
                await self._others.put(act.text)
            case tape.Paste():
                await self._paste()
            case tape.Server():
                await self._others.server(act.action)
            case tape.Tell():
                pass
            case _:
                assert_never(act)

    # --- hands -----------------------------------------------------------------------------------

    async def _press(self, key: str, pause: float) -> None:
        await self._terminal.press(key)
        if pause:
            await self._sleep(pause)

    async def _paste(self) -> None:
        text = await self._others.get()
        if not text:
            raise Missed("Nothing has been copied yet.")
        # As terminals do: nothing in it may end the paste early and go on as keys.
        await self._terminal.paste("".join(c for c in text if not is_forbidden(c)))

    async def _share_copied(self) -> None:
        """What the program has copied is everybody's."""
        copied = self._terminal.copied
        if copied is not None and copied != self._copied:
            self._copied = copied
            await self._others.put(copied)

    # --- eyes ------------------------------------------------------------------------------------

    async def _look(self, pattern: re.Pattern[str], scope: Scope, within: float, *, absent: bool = False) -> None:
        """Look until the pattern is there, or no longer there."""
        end = self._clock() + within
        while True:
            screen = self._terminal.screen()
            if bool(pattern.search(screen.line if scope == "line" else screen.text)) is not absent:
                return
            left = end - self._clock()
            if left <= 0:
                where = "in the cursor's line" if scope == "line" else "on the screen"
                raise Missed(f"It was {'still' if absent else 'not'} {where} after {within:g} s.")
            await self._changes(left)
            await self._share_copied()

    async def _changes(self, seconds: float) -> None:
        """Wait for a paint. What was painted last before the program ended may be what is waited for."""
        before = self._terminal.screen()
        try:
            await self._terminal.changed(seconds)
        except Ended:
            if self._terminal.screen() == before:
                raise

    async def _still(self, within: float) -> None:
        """Wait until the screen has been the same for a while."""
        began = since = self._clock()
        seen = self._terminal.screen()
        while (still := self._clock() - since) < STILL_SECONDS:
            left = began + within - self._clock()
            if left <= 0:
                raise Missed(f"The screen was never still for {STILL_SECONDS:g} s in {within:g} s.")
            await self._changes(min(left, STILL_SECONDS - still))
            if (now := self._terminal.screen()) != seen:
                seen, since = now, self._clock()

    # --- pictures --------------------------------------------------------------------------------

    def _keep(self, file: str) -> None:
        path = self._folder / file
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise Missed("A picture stays in the folder for pictures.")
        path.parent.mkdir(parents=True, exist_ok=True)
        content = self._terminal.svg() if path.suffix == ".svg" else self._terminal.screen().text + "\n"
        path.write_text(content, encoding="utf-8")
        self.pictures.append(str(path))
