"""A player presses and looks. Its terminal here is a stand-in whose paints are planned, and whose clock only goes on
while somebody waits."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from roadcrew_tui.pilot.player import Failure, Missed, Player
from roadcrew_tui.pilot.tape import (
    Act,
    Copy,
    Expect,
    Paste,
    Place,
    Press,
    Scope,
    Screenshot,
    Server,
    Sleep,
    Step,
    Sync,
    Tape,
    Tell,
    Type,
    Wait,
)
from roadcrew_tui.pilot.terminal import Ended, Screen

FILE = Path("a.tape")


class PlannedTerminal:
    """Paints what is planned, at its second. `keys` is all that was pressed and pasted, with the second."""

    def __init__(self, *paints: tuple[float, str], ends: float | None = None, cursor_row: int = 0) -> None:
        self.now = 0.0
        self.keys: list[tuple[float, str]] = []
        self.looks = 0
        self.copied: str | None = None
        self.copies: list[tuple[float, str]] = []
        self._paints = list(paints)
        self._ends = ends
        self._row = cursor_row

    async def press(self, key: str) -> None:
        self._alive()
        self.keys.append((self.now, key))

    async def paste(self, text: str) -> None:
        await self.press(f"<{text}>")

    async def changed(self, seconds: float) -> bool:
        self._alive()
        moments = [at for at, _ in (*self._paints, *self.copies)] + ([self._ends] if self._ends is not None else [])
        coming = [at for at in moments if self.now < at <= self.now + seconds]
        await self.sleep(min(coming) - self.now if coming else seconds)
        if not coming:
            self._alive()
        return bool(coming)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.copied = next((text for at, text in reversed(self.copies) if at <= self.now), None)

    def screen(self) -> Screen:
        self.looks += 1
        text = next((text for at, text in reversed(self._paints) if at <= self.now), "")
        return Screen(tuple(text.split("\n")), self._row)

    def svg(self) -> str:
        return f"<svg>{self.screen().text}</svg>"

    def _alive(self) -> None:
        if self._ends is not None and self.now >= self._ends:
            raise Ended("The program has ended.")


class KeptOthers:
    """Keeps what a player asks for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.clipboard = ""

    async def meet(self, name: str, within: float) -> None:
        self.asked.append(f"meet {name} {within:g}")
        if name == "nobody":
            raise Missed("ben.tape has failed.")

    async def put(self, text: str) -> None:
        self.asked.append(f"put {text}")
        self.clipboard = text

    async def get(self) -> str:
        return self.clipboard

    async def server(self, action: str) -> None:
        self.asked.append(f"server {action}")


def wait(pattern: str, within: float = 15.0, scope: Scope = "screen") -> Wait:
    return Wait(re.compile(pattern, re.MULTILINE), scope, within)


def expect(pattern: str, within: float = 5.0, *, absent: bool = False) -> Expect:
    return Expect(re.compile(pattern, re.MULTILINE), "screen", within, absent)


def player_of(terminal: PlannedTerminal, acts: Sequence[Act], folder: Path = Path(), others: object = None) -> Player:
    steps = tuple(Step(Place(FILE, line, 1), f"step {line}", act) for line, act in enumerate(acts, 1))
    kept = others if isinstance(others, KeptOthers) else KeptOthers()
    return Player(Tape(FILE, steps), terminal, kept, folder, clock=lambda: terminal.now, sleep=terminal.sleep)


async def failure_of(terminal: PlannedTerminal, *acts: Act, folder: Path = Path()) -> Failure:
    with pytest.raises(Failure) as caught:
        await player_of(terminal, acts, folder).play()
    return caught.value


async def test_keys_are_pressed_one_by_one_with_the_pauses_that_the_tape_wants() -> None:
    terminal = PlannedTerminal()
    await player_of(terminal, [Type("a\nb", 0.5), Press("down", 2, 0), Sleep(3), Press("ctrl+p", 1, 0)]).play()
    assert terminal.keys == [(0, "a"), (0.5, "enter"), (1, "b"), (1.5, "down"), (1.5, "down"), (4.5, "ctrl+p")]


async def test_a_wait_ends_with_the_paint_that_it_waited_for_and_looks_only_at_paints() -> None:
    terminal = PlannedTerminal((0, "starting"), (1, "still starting"), (7, "My trips"), (9, "later"))
    await player_of(terminal, [wait("^My trips$")]).play()
    assert terminal.now == 7
    assert terminal.looks < 10


async def test_a_wait_that_runs_out_tells_the_step_the_reason_and_the_screen() -> None:
    terminal = PlannedTerminal((0, "one\ntwo"))
    failure = await failure_of(terminal, Sleep(1), wait("three", 4))
    assert terminal.now == 5
    assert failure.step.place == Place(FILE, 2, 1)
    assert failure.why == "It was not on the screen after 4 s."
    assert failure.screen.text == "one\ntwo"
    assert str(failure) == "a.tape:2:1: step 2: It was not on the screen after 4 s."


async def test_the_line_is_the_one_with_the_cursor() -> None:
    terminal = PlannedTerminal((0, "› one\n  two"), (3, "  one\n› two"), cursor_row=1)
    await player_of(terminal, [wait("two", scope="line"), wait("›", scope="line")]).play()
    assert terminal.now == 3
    failure = await failure_of(PlannedTerminal((0, "one\ntwo"), cursor_row=1), wait("one", 2, "line"))
    assert failure.why == "It was not in the cursor's line after 2 s."


async def test_an_expectation_is_given_its_time_and_is_counted_once_it_came_true() -> None:
    terminal = PlannedTerminal((2, "3 voted"), (4, "offline"), (6, "live"))
    player = player_of(terminal, [expect("3 voted"), expect("offline"), expect("offline", absent=True), expect("x", 1)])
    with pytest.raises(Failure):
        await player.play()
    assert player.expectations == 3
    assert terminal.now == 7


async def test_what_must_not_be_there_and_stays_is_a_failure() -> None:
    failure = await failure_of(PlannedTerminal((0, "offline")), expect("offline", 1, absent=True))
    assert failure.why == "It was still on the screen after 1 s."


async def test_a_wait_for_nothing_in_particular_waits_until_the_screen_is_still() -> None:
    terminal = PlannedTerminal(*((n / 10, f"frame {n}") for n in range(30)), (9, "much later"))
    await player_of(terminal, [Wait(None, "screen", 15)]).play()
    assert 3 <= terminal.now < 4
    restless = PlannedTerminal(*((n / 10, f"frame {n}") for n in range(300)))
    assert "never still" in (await failure_of(restless, Wait(None, "screen", 2))).why


async def test_paints_of_the_same_again_leave_a_screen_still() -> None:
    terminal = PlannedTerminal(*((n / 10, "the same") for n in range(300)))
    await player_of(terminal, [Wait(None, "screen", 15)]).play()
    assert terminal.now < 1


async def test_what_a_program_painted_last_can_still_be_seen_after_its_end_but_no_key_pressed() -> None:
    terminal = PlannedTerminal((1, "Goodbye"), ends=1)
    failure = await failure_of(terminal, wait("Goodbye"), expect("Good"), Press("enter", 1, 0))
    assert failure.step.place.line == 3
    assert failure.why == "The program has ended."
    assert failure.screen.text == "Goodbye"


async def test_waiting_ends_with_the_program() -> None:
    terminal = PlannedTerminal((0, "hello"), ends=2)
    failure = await failure_of(terminal, wait("never"))
    assert (failure.why, terminal.now) == ("The program has ended.", 2)


async def test_what_is_copied_is_shared_also_while_waiting_and_only_once() -> None:
    terminal, others = PlannedTerminal((5, "pasted")), KeptOthers()
    terminal.copies = [(2, "https://x/j/1")]
    await player_of(terminal, [wait("pasted"), Paste(), Copy("mine"), Paste()], others=others).play()
    assert others.asked == ["put https://x/j/1", "put mine"]
    assert terminal.keys == [(5, "<https://x/j/1>"), (5, "<mine>")]


async def test_nothing_can_be_pasted_before_something_was_copied() -> None:
    assert (await failure_of(PlannedTerminal(), Paste())).why == "Nothing has been copied yet."


async def test_what_is_pasted_can_not_go_on_as_keys() -> None:
    terminal = PlannedTerminal()
    await player_of(terminal, [Copy("a\x1b[201~\x03q\nb"), Paste()]).play()
    assert terminal.keys == [(0, "<a[201~q\nb>")]


async def test_the_others_are_asked_for_meetings_and_for_the_server() -> None:
    others = KeptOthers()
    acts: list[Act] = [Sync("joined", 3), Server("kill"), Server("start"), Sync("nobody", 3)]
    with pytest.raises(Failure) as caught:
        await player_of(PlannedTerminal(), acts, others=others).play()
    assert others.asked == ["meet joined 3", "server kill", "server start", "meet nobody 3"]
    assert caught.value.why == "ben.tape has failed."


async def test_a_screenshot_is_a_picture_or_a_text_by_its_name(tmp_path: Path) -> None:
    terminal = PlannedTerminal((0, "one\ntwo"))
    player = player_of(terminal, [Screenshot("a/b.svg"), Screenshot("c.txt")], tmp_path)
    await player.play()
    assert (tmp_path / "a" / "b.svg").read_text() == "<svg>one\ntwo</svg>"
    assert (tmp_path / "c.txt").read_text() == "one\ntwo\n"
    assert player.pictures == [str(tmp_path / "a" / "b.svg"), str(tmp_path / "c.txt")]


@pytest.mark.parametrize("file", ["../out.txt", "/tmp/out.txt", "link/out.txt"])
async def test_a_screenshot_never_leaves_its_folder(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    failure = await failure_of(PlannedTerminal((0, "x")), Screenshot(file), folder=folder)
    assert failure.why == "A picture stays in the folder for pictures."
    assert os.listdir(tmp_path) == ["pictures"]


async def test_a_disk_that_will_not_is_a_failure_of_the_step(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("no folder")
    failure = await failure_of(PlannedTerminal(), Screenshot("a/b.txt"), folder=tmp_path)
    assert failure.why.startswith("It can't be kept: ")


async def test_hidden_steps_are_played_but_not_counted() -> None:
    terminal = PlannedTerminal()
    player = player_of(terminal, [Type("a", 0), Tell(False), Type("b", 0), Tell(True), Type("c", 0)])
    await player.play()
    assert [key for _, key in terminal.keys] == ["a", "b", "c"]
    assert player.steps == 2


async def test_a_tape_that_takes_too_long_fails_where_it_is() -> None:
    class Stuck(PlannedTerminal):
        async def press(self, key: str) -> None:
            await asyncio.Event().wait()

    with pytest.raises(Failure) as caught:
        await player_of(Stuck((0, "x")), [wait("x"), Press("enter", 1, 0)]).play(0.05)
    assert caught.value.step.place.line == 2
    assert caught.value.why == "The tape was not done after 0.05 s."
