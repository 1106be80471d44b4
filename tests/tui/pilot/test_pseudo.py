"""A program in a pseudo-terminal: what it is given, what is seen of it, and how it ends."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from roadcrew_tui.pilot import pseudo
from roadcrew_tui.pilot.pseudo import CantEmulate, PseudoTerminal
from roadcrew_tui.pilot.terminal import Ended, Terminal

RAW = "import os, sys, time, tty; tty.setraw(0); say = lambda word: os.write(1, f'{word}\\r\\n'.encode()); "
"""A program that gets what is typed byte by byte, as Textual does."""
ECHO = RAW + "say('ready'); [say(os.read(0, 1000)) for _ in iter(int, 1)]"


def python(program: str, *, environment: Mapping[str, str] | None = None) -> PseudoTerminal:
    command = [sys.executable, "-c", program]
    return PseudoTerminal(command, columns=60, rows=12, environment={**os.environ, **(environment or {})})


async def until(terminal: PseudoTerminal, text: str) -> None:
    async with asyncio.timeout(20):
        while text not in terminal.screen().text:
            await terminal.changed(20)


async def end(terminal: PseudoTerminal) -> str:
    """Wait until the program ends; how."""
    async with asyncio.timeout(20):
        try:
            while True:
                await terminal.changed(20)
        except Ended as ended:
            return str(ended)


def chosen(terminal: Terminal) -> str:
    return next(line for line in terminal.screen().lines if "›" in line)


def state(pid: int) -> str:
    """Of a process; nothing, if there is none."""
    asked = ["ps", "-o", "stat=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10).stdout.strip()


# R: G2
async def test_the_true_command_is_played_with_keys_and_seen_as_a_screen(tmp_path) -> None:
    command = [sys.executable, "-P", "-m", "roadcrew_tui"]
    environment = {**os.environ, "ROADCREW_HOME": str(tmp_path), "COLUMNS": "200", "TMUX": "outside"}
    terminal: Terminal
    async with PseudoTerminal(command, columns=80, rows=24, environment=environment) as terminal:
        await until(terminal, "What brings you here?")
        before = chosen(terminal)
        await terminal.press("down")
        assert chosen(terminal) != before
        await terminal.press("?")
        await until(terminal, "MOVING ABOUT")
        await terminal.press("escape")
        await until(terminal, "What brings you here?")
        assert "What brings you here?" in terminal.svg().replace("&#160;", " ")
        await terminal.press("q")
        assert await end(terminal) == "The program has ended with status 0."
    assert max(map(len, terminal.screen().lines)) <= 80


async def test_a_program_finds_a_terminal_of_its_own() -> None:
    program = (
        "import os, sys; print(os.get_terminal_size(), os.ttyname(0) == os.ttyname(2) == os.ttyname(1),"
        " os.tcgetpgrp(0) == os.getsid(0) == os.getpid(), open('/dev/tty').isatty(), sep='\\n');"
        " print(os.environ['TERM'], os.environ.get('TMUX'))"
    )
    async with python(program, environment={"TMUX": "x", "TERM": "vt100"}) as terminal:
        assert await end(terminal) == "The program has ended with status 0."
    shown = terminal.screen().lines[:5]
    assert shown == ("os.terminal_size(columns=60, lines=12)", "True", "True", "True", "vt100 None")


async def test_ctrl_c_interrupts_a_program_that_has_not_asked_for_keys() -> None:
    async with python("import time; print('ready', flush=True); time.sleep(60)") as terminal:
        await until(terminal, "ready")
        await terminal.press("ctrl+c")
        assert await end(terminal) == "The program was ended by SIGINT."
        assert "KeyboardInterrupt" in terminal.screen().text


async def test_each_key_comes_as_its_bytes() -> None:
    async with python(ECHO) as terminal:
        await until(terminal, "ready")
        for key in ("a", "ß", "up", "shift+tab", "escape", "ctrl+a"):
            await terminal.press(key)
        assert terminal.screen().lines[1:7] == tuple(
            repr(b) for b in (b"a", "ß".encode(), b"\x1b[A", b"\x1b[Z", b"\x1b", b"\x01")
        )
        with pytest.raises(ValueError, match="no key"):
            await terminal.press("no such key")


@pytest.mark.parametrize(
    ("asked", "comes"),
    [("\\x1b[?2004h", b"\x1b[200~one\rtwo [201~3\x1b[201~"), ("", b"one\rtwo [201~3")],
    ids=["marked", "plain"],
)
async def test_what_is_pasted_can_not_break_out(asked: str, comes: bytes) -> None:
    async with python(RAW + f"say('{asked}ready'); say(os.read(0, 1000)); time.sleep(60)") as terminal:
        await until(terminal, "ready")
        await terminal.paste("one\r\ntwo \x1b[201~\x9b\x03\x7f3")
        assert repr(comes) in terminal.screen().text


async def test_a_program_that_reads_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudo, "UNREAD_SECONDS", 0.2)
    ask = "[os.write(1, b'\\x1b[6n' * 500) for _ in range(40)]"
    async with python(RAW + ask + "; say('ready'); time.sleep(60)") as terminal:
        await until(terminal, "ready")
        assert len(terminal._unread) <= pseudo.MOST_UNREAD, "answers that nobody reads are dropped"
        with pytest.raises(Ended, match=r"has not read what was typed for 0\.2 s"):
            await terminal.paste("x" * 1_000_000)


async def test_a_program_that_paints_all_the_time_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudo, "BUSY_SECONDS", 0.2)
    async with python(RAW + "[(say('ready'), time.sleep(0.001)) for n in range(60_000)]") as terminal:
        await until(terminal, "ready")
        async with asyncio.timeout(10):
            await terminal.press("a")
        assert await terminal.changed(5)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nobody tells")
async def test_a_key_is_dealt_with_when_the_program_is_at_rest_not_when_it_paints_nothing_yet() -> None:
    works = "end = time.monotonic() + 0.5; [0 for _ in iter(lambda: time.monotonic() < end, False)]; "
    async with python(RAW + f"say('ready'); os.read(0, 1); {works}say('done'); time.sleep(60)") as terminal:
        await until(terminal, "ready")
        await terminal.press("a")
        assert "done" in terminal.screen().text


async def test_a_key_without_an_answer_takes_a_moment_and_the_next_paint_is_told_once() -> None:
    async with python(RAW + "say('ready'); os.read(0, 1); os.read(0, 1); say('done'); time.sleep(60)") as terminal:
        await until(terminal, "ready")
        await terminal.press("a")
        assert not await terminal.changed(0)
        await terminal.press("a")
        assert "done" in terminal.screen().text
        assert await terminal.changed(0), "nobody has been told of it"
        assert not await terminal.changed(0)


# R: G2
async def test_a_program_that_has_ended_says_so_and_its_last_words_stay() -> None:
    async with python("print('last words'); raise SystemExit(3)") as terminal:
        assert await end(terminal) == "The program has ended with status 3."
        for call in (terminal.press("a"), terminal.paste("a"), terminal.changed(1)):
            with pytest.raises(Ended, match="status 3"):
                await call
    assert terminal.screen().lines[0] == "last words"
    assert terminal.screen().cursor_row == 1
    assert "last&#160;words" in terminal.svg()


async def test_a_program_that_can_not_be_started_is_a_program_that_has_ended() -> None:
    async with PseudoTerminal(["/no/such/program"], columns=80, rows=3, environment={}) as terminal:
        assert await end(terminal) == "The program has ended with status 127."
        assert "/no/such/program" in terminal.screen().text


FAMILY = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print(child.pid, 'ready', flush=True); "
)
"""A program, and one that it starts, that don't mind when their terminal hangs up."""


@pytest.mark.parametrize("then", ["time.sleep(60)", ""], ids=["stays", "ends first"])
async def test_nothing_is_left_of_a_program_that_would_stay(then: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudo, "HANGUP_SECONDS", 0.2)
    before = os.listdir("/dev/fd")
    async with python(FAMILY + then) as terminal:
        await until(terminal, "ready")
        assert terminal._process is not None
        pids = terminal._process.pid, int(terminal.screen().lines[0].split()[0])
        if not then:
            assert "status 0" in await end(terminal)
    assert state(pids[0]) == ""
    assert state(pids[1])[:1] in ("", "Z"), "process 1 buries what is orphaned, when it finds the time"
    assert os.listdir("/dev/fd") == before


async def test_a_program_hears_that_its_terminal_hangs_up() -> None:
    goodbye = "import signal, sys, time; signal.signal(signal.SIGHUP, lambda *_: (print('bye'), sys.exit(5))); "
    async with python(goodbye + "print('ready', flush=True); time.sleep(60)") as terminal:
        await until(terminal, "ready")
        began = time.monotonic()
    assert "bye" in terminal.screen().text
    assert time.monotonic() - began < pseudo.HANGUP_SECONDS
    with pytest.raises(Ended, match="status 5"):
        await terminal.press("a")


async def test_what_can_not_begin_leaves_nothing(tmp_path: Path) -> None:
    before = os.listdir("/dev/fd")
    terminal = PseudoTerminal(["true"], columns=80, rows=24, environment={}, cwd=tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        await terminal.__aenter__()
    assert os.listdir("/dev/fd") == before


async def test_a_player_that_is_cancelled_leaves_nothing() -> None:
    started = asyncio.Queue[int]()

    async def play() -> None:
        async with python("print('ready', flush=True); input()") as terminal:
            await until(terminal, "ready")
            assert terminal._process is not None
            await started.put(terminal._process.pid)
            await terminal.changed(60)

    playing = asyncio.create_task(play())
    pid = await started.get()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert state(pid) == ""


def test_without_an_emulator_there_is_a_sentence_that_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CantEmulate, match=r"^`--pty` needs pyte\. Run: pip install 'roadcrew\[pilot\]'$"):
        python("")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(os, "name", "nt")
        with pytest.raises(CantEmulate, match="Linux or macOS"):
            pseudo.check()
    alone = "import sys; sys.modules['termios'] = sys.modules['pyte'] = None; import roadcrew_tui.pilot.pseudo"
    subprocess.run([sys.executable, "-c", alone], check=True, timeout=30)
