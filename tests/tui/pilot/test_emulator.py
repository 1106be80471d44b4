"""A terminal without a window shows what a terminal with one would, whatever the program writes."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import small_app
from tests.support.pictures import drawn
from tests.support.small_app import FAMILY, HEART, Small

from roadcrew_tui.pilot import emulator
from roadcrew_tui.pilot.emulator import Emulator
from roadcrew_tui.pilot.pseudo import PseudoTerminal

COLUMNS, ROWS = 60, 8


def fed(*data: str, columns: int = 20, rows: int = 4) -> Emulator:
    terminal = Emulator(columns, rows)
    for some in data:
        terminal.feed(some.encode())
    return terminal


async def until(terminal: PseudoTerminal, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await terminal.changed(20)


def lines(terminal: Emulator) -> list[str]:
    return [line for line in terminal.screen().lines if line]


# R: G2
async def test_a_picture_of_a_pseudo_terminal_looks_like_textuals_own() -> None:
    app = Small()
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        wanted, picture = tuple(strip.text.rstrip() for strip in strips), app.export_screenshot(title="small")
    program = [sys.executable, "-P", small_app.__file__]
    async with PseudoTerminal(program, columns=COLUMNS, rows=ROWS, environment=dict(os.environ)) as terminal:
        await until(terminal, lambda: terminal.screen().lines == wanted)
        assert drawn(terminal.svg()) == drawn(picture)


def test_in_a_picture_no_sign_depends_on_the_width_of_another() -> None:
    svg = fed(f"  日本x {FAMILY}y").svg()
    placed = re.findall(r'<text class="terminal-\d+-r\d+" x="([\d.]+)" [^>]*>([^<\n]+)</text>', svg)
    wanted = [(2, "日"), (4, "本"), (6, "x"), (8, FAMILY), (10, "y")]
    assert [(round(float(x) / 12.2), text.replace("&#160;", "")) for x, text in placed] == wanted


def test_a_picture_loads_nothing_from_elsewhere() -> None:
    styles, _, screen = fed("@font-face {url}").svg().partition("</style>")
    assert "url" not in styles
    assert "@font-face&#160;{url}" in screen  # what was on it stays


# R: G2
async def test_output_cut_anywhere_means_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    command = [sys.executable, "-P", "-m", "roadcrew_tui"]
    environment = {**os.environ, "ROADCREW_HOME": str(tmp_path)}
    async with PseudoTerminal(command, columns=80, rows=24, environment=environment) as terminal:
        feed = terminal._emulator.feed

        def record(data: bytes) -> bytes:
            written.append(data)
            return feed(data)

        monkeypatch.setattr(terminal._emulator, "feed", record)
        await until(terminal, lambda: "What brings you here?" in terminal.screen().text)
        for key in ("?", "escape", "down"):
            await terminal.press(key)
    recorded = b"".join(written) + f"\x1b]52;c;{base64.b64encode('Größe'.encode()).decode()}\x1b\\".encode()
    assert recorded.count(b"\x1b[?2026h") > 2, "not a session of an app that paints in frames"
    whole, cut = Emulator(80, 24), Emulator(80, 24)
    answers = whole.feed(recorded)
    assert b"".join(cut.feed(recorded[n : n + 1]) for n in range(len(recorded))) == answers
    assert cut.screen() == whole.screen()
    assert cut.svg() == whole.svg()
    assert (cut.copied, cut.title) == (whole.copied, whole.title)
    assert whole.copied == "Größe"


SEQUENCES = (
    *(
        "\x1b",
        "\x1b[",
        "\x1b]52;c;",
        "\x1b]2;",
        "\x1bP",
        "\x07",
        "\x1b\\",
        "\x9b",
        "\x9d",
        "?",
        "$p",
        ">",
        ":",
        ";",
        " ",
    ),
    *(f"\x1b[{final}" for final in "@ABCDEFGHJKLMPXabcdefghlmnrsu`'"),
    *(
        f"\x1b[{numbers}{final}"
        for final in "@ABCDEFGHJKLMPXabcdefghlmnrsu`'"
        for numbers in ("7", "2;1", "1;2;3;4", "99999")
    ),
    *(f"\x1b[?{mode}{final}" for mode in (2026, 1049, 7, 3, 5, 6) for final in "hl"),
    *("\x1b7", "\x1b8", "\x1bc", "\x1bD", "\x1bE", "\x1bH", "\x1bM", "\x1b#8", "\x1b%@", "\x1b(0"),
    *("日", "e\u0301", FAMILY, HEART, "\n", "\r", "\b", "\t", "\x0e", "\x18", "\x7f"),
    *("\x1b[38;2;1m", "\x1b[38:2::1:2:3m", "\x1b[48;5m", "\x1b[38;5;999m"),
)
ODD = st.sampled_from(SEQUENCES) | st.text(max_size=4)


@settings(max_examples=300, deadline=None)
@given(st.lists(ODD, min_size=20, max_size=60).map("".join), st.data())
def test_no_output_breaks_the_terminal_wherever_it_is_cut(output: str, data: st.DataObject) -> None:
    written = output.encode()
    at = data.draw(st.integers(0, len(written)))
    whole, cut = Emulator(10, 4), Emulator(10, 4)
    answers = whole.feed(written)
    assert cut.feed(written[:at]) + cut.feed(written[at:]) == answers
    for terminal in (whole, cut):
        terminal.release()
    assert cut.screen() == whole.screen()
    assert cut.svg() == whole.svg()
    assert len(whole.screen().lines) == 4


@pytest.mark.parametrize(
    ("begin", "goes_on"),
    [
        *((b, "QUJD") for b in ("\x1b]52;c;", "\x1b]2;", "\x1bP", "\x1b[?2026h", "\x9d2;")),
        ("\x1b[", "1;"),
        ("e", "\u0301"),
        ("", "\x1b7"),
    ],
)
def test_output_without_an_end_fills_no_memory(begin: str, goes_on: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "LONGEST_SEQUENCE", 1000)
    monkeypatch.setattr(emulator, "LONGEST_FRAME", 1000)
    terminal = fed("warm" + goes_on + "\x1b[2J\x1b[H" + begin)
    some = (goes_on * 100).encode() * 10
    tracemalloc.start()
    try:
        sizes = [(terminal.feed(some), tracemalloc.get_traced_memory()[0])[1] for _ in range(15)]
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[4] < len(some)
    terminal.feed(b"\x07\x1b\\\x1b[?2026l\x1b[2J\x1b[Hback")
    assert lines(terminal) == ["back"]
    assert terminal.copied is None


# R: G2
def test_what_is_copied_is_decoded_and_what_is_no_text_is_not_taken() -> None:
    def copying(data: str) -> str:
        return f"\x1b]52;c;{data}\x07"

    terminal = fed(copying(base64.b64encode("Größe\n2".encode()).decode()))
    assert terminal.copied == "Größe\n2"
    for nothing in ("not base64", "QU!!JD", "QQ", "/////w==", "?", ""):
        assert terminal.feed(copying(nothing).encode()) == b"", "nobody is told what the clipboard has"
        assert terminal.copied == "Größe\n2"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("ab\x1b[6n", "\x1b[1;3R"),
        ("日❤\ufe0fe\u0301\x1b[6n\x1b[2J", "\x1b[1;6R"),
        ("\x1b[5n", "\x1b[0n"),
        ("\x1b[c", "\x1b[?6c"),
        ("\x1b[?2026$p", "\x1b[?2026;2$y"),
        ("\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"),
        ("\x1b[?2048$p\x1b[?1006$p\x1b[7$p", "\x1b[?2048;0$y\x1b[?1006;0$y\x1b[7;0$y"),
        ("\x1b[?u\x1b[>c\x1b[=c\x1b[>q\x1b[?6n\x1b[18t\x1b]11;?\x07\x1bP$qm\x1b\\\x1b[>25u\x1b[<u", ""),
    ],
    ids=[
        "cursor",
        "wide signs",
        "status",
        "kind",
        "frames",
        "a mode that is set",
        "modes that we have not",
        "what we have not",
    ],
)
def test_questions_are_answered_truly_or_not_at_all(asked: str, answered: str) -> None:
    terminal = Emulator(20, 4)
    assert terminal.feed(asked.encode()).decode() == answered
    assert lines(terminal) in ([], ["ab"])


def test_a_frame_is_seen_when_it_is_whole() -> None:
    terminal = fed("old\x1b[?2026h\x1b[Hnew")
    assert (lines(terminal), terminal.within_frame) == (["old"], True)
    terminal.feed(b" screen\x1b[?2026l")
    assert (lines(terminal), terminal.within_frame) == (["new screen"], False)
    terminal.feed(b"\x1b[?2026h\x1b[2J\x1b[Hlast words")
    terminal.release()
    assert lines(terminal) == ["last words"]


def test_the_alternate_screen_leaves_the_other_as_it_was() -> None:
    terminal = fed("shell\r\n$ \x1b[?1049h\x1b[2J\x1b[Happ")
    assert lines(terminal) == ["app"]
    terminal.feed(b"\x1b[?1049lnext")
    assert lines(terminal) == ["shell", "$ next"]
    assert lines(fed("\x1b[?1049h1234567", columns=5)) == ["12345", "67"]
    assert lines(fed("\x1b[?1049h\x1b[?7l\x1b[?1049l1234567", columns=5)) == ["12347"], "one mode for both"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"{FAMILY}after{HEART}wards", f"{FAMILY}after{HEART}wards"),
        ("日本\x1b[2G|", "|本"),
        ("日本\x1b[3G|", "日|"),
        ("123456789日", "123456789\n日"),
        ("\x1b[?7l123456789日", "12345678日"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 15),
        ("one\x1b[31\x1b[1mtwo", "onetwo"),
        ("one\x1b]2;title\x1b[1mtwo", "onetwo"),
        ("one\x9b31mtwo", "one31mtwo"),
    ],
    ids=["joined", "half before", "half after", "wraps", "no wrap", "marks", "cut csi", "cut osc", "8-bit csi"],
)
def test_odd_text_is_shown_as_textual_measures_it(written: str, shown: str) -> None:
    assert "\n".join(lines(fed(written, columns=20 if len(shown) > 12 else 10))).replace(" ", "") == shown


def test_the_title_is_text() -> None:
    terminal = fed("\x1b]2;Lisbon · 2 things\x07")
    assert terminal.title == "Lisbon · 2 things"
    assert fed("\x1b]2;one\nline\u202e\x07").title == "oneline"
    assert "Lisbon" in terminal.svg()
    assert "&lt;script&gt;" in terminal.svg("<script>")
    assert len(fed(f"\x1b]0;{'x' * 5000}\x1b\\").title) == 256
