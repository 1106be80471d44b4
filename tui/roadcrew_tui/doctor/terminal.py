"""The terminal: how large, how many colours, whether it tells when it is looked at, whether copying reaches the
clipboard. It is asked itself where it can be; many don't answer, and then that is said.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from roadcrew_tui.doctor.findings import Finding

LEAST = (80, 24)
"""Columns and lines in which every screen is fully usable."""
ANSWER_WITHIN = 1.0
"""Seconds; a terminal at the other end of a slow connection needs some."""
TMUX_WITHIN = 2.0
ASK = b"\x1b[?1004$p\x1b[c"
"""Do you report the focus (DECRQM)? What are you (DA1)? Every terminal answers the second, so that nobody waits long
for the first."""
NONE_HERE = "There is no terminal here (a pipe, or a job): the app can't be shown, sub-commands work."
_MODE = re.compile(rb"\x1b\[\?1004;([0-4])\$y")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]*)c")

Colours = Literal["none", "16", "256", "16 million"]


@dataclass(frozen=True)
class Answers:
    """What a terminal said of itself; None: it did not say."""

    focus: bool | None = None
    clipboard: bool | None = None


@dataclass(frozen=True)
class TerminalSeen:
    """`size`: columns and lines as the app goes by them, None without a terminal; `real`: as the terminal has them,
    where that is known. `tmux`: its settings, by name; None outside of it."""

    size: tuple[int, int] | None
    environment: Mapping[str, str]
    unicode: bool
    answers: Answers = Answers()
    tmux: Mapping[str, str] | None = None
    windows: bool = False
    real: tuple[int, int] | None = None


# --- looking ---------------------------------------------------------------------------------------


def look() -> TerminalSeen:
    """At the terminal that we are in, if there is one."""
    attached = sys.stdin.isatty() and sys.stdout.isatty()
    size = shutil.get_terminal_size() if attached else None
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return TerminalSeen(
        size=None if size is None else (size.columns, size.lines),
        environment=dict(os.environ),
        unicode=encoding.startswith("utf"),
        answers=_ask() if attached and os.environ.get("TERM") != "dumb" else Answers(),
        tmux=_tmux() if os.environ.get("TMUX") else None,
        windows=os.name == "nt",
        real=_real_size() if attached else None,
    )


def _real_size() -> tuple[int, int] | None:
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return None
    return size.columns, size.lines


def _ask() -> Answers:
    """Ask the terminal. What it answers later than that is thrown away, so that no shell takes it for typing."""
    if sys.platform == "win32":
        return Answers()
    import termios  # noqa: PLC0415 - not everywhere
    import tty  # noqa: PLC0415 - not everywhere

    fd = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(fd)
        tty.setcbreak(fd)
    except termios.error:
        return Answers()
    try:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), ASK)
        said, end = b"", time.monotonic() + ANSWER_WITHIN
        while not _ATTRIBUTES.search(said) and select.select([fd], [], [], max(0.0, end - time.monotonic()))[0]:
            more = os.read(fd, 1024)
            if not more or len(said) > 4096:
                break
            said += more
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)
    return read_answers(said)


def _tmux() -> dict[str, str]:
    command = ["tmux", "show-options", "-s"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=TMUX_WITHIN, check=False).stdout  # noqa: S603 - no words of strangers
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return {name: value for name, _, value in (line.partition(" ") for line in said.splitlines())}


# --- judging ---------------------------------------------------------------------------------------


def read_answers(said: bytes) -> Answers:
    """What a terminal's answers mean. Mode 0 is one that it does not know, 4 one that it will never set; 52 among its
    attributes is the clipboard (OSC 52), which most that have it do not say."""
    mode, attributes = _MODE.search(said), _ATTRIBUTES.search(said)
    return Answers(
        focus=None if mode is None else mode[1] not in (b"0", b"4"),
        clipboard=True if attributes and b"52" in attributes[1].split(b";") else None,
    )


def colours_of(environment: Mapping[str, str], *, windows: bool = False) -> Colours:
    """How many colours a terminal has, by what it says in the environment."""
    term = environment.get("TERM", "")
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return "16 million"
    if windows:
        return "16 million" if "WT_SESSION" in environment else "16"
    if term in ("", "dumb", "unknown"):
        return "none"
    return "256" if "256" in term else "16"


def judge(seen: TerminalSeen) -> list[Finding]:
    """What that means for the app."""
    if seen.size is None:
        return [Finding("terminal", "note", NONE_HERE, facts={"attached": False})]
    found = [_size(seen.size, seen.real), _colours(seen), _unicode(seen)]
    if seen.tmux is not None:
        found += _in_tmux(seen.tmux)
    elif seen.environment.get("STY"):
        words = "GNU screen tells no program when it is looked at, and keeps what is copied to itself."
        mend = "Roadcrew goes by your last key press instead, and prints what you share when you press p."
        found.append(Finding("terminal", "note", words, mend, {"multiplexer": "screen"}))
    else:
        found += [_focus(seen.answers.focus), _clipboard(seen.answers.clipboard)]
    return found


def _size(size: tuple[int, int], real: tuple[int, int] | None) -> Finding:
    words = f"{size[0]} columns and {size[1]} lines."
    facts: dict[str, int] = {"columns": size[0], "lines": size[1]}
    if real is not None and 0 not in real and real != size:
        words = f"{words.rstrip('.')}, though the terminal has {real[0]} and {real[1]}."
        return Finding("terminal", "note", words, "COLUMNS and LINES are believed more: unset them.", facts)
    if size[0] < LEAST[0] or size[1] < LEAST[1]:
        mend = f"Screens are made for at least {LEAST[0]} by {LEAST[1]}: some of it will be cut."
        return Finding("terminal", "note", words, mend, facts)
    return Finding("terminal", "good", words, facts=facts)


def _colours(seen: TerminalSeen) -> Finding:
    colours = colours_of(seen.environment, windows=seen.windows)
    facts = {"colours": colours, "term": seen.environment.get("TERM")}
    if seen.environment.get("TERM") == "dumb":
        return Finding("terminal", "bad", "TERM is dumb: this terminal can't show the app.", "Use another one.", facts)
    if seen.environment.get("NO_COLOR"):
        return Finding("terminal", "note", "NO_COLOR is set: the app is shown without colours.", facts=facts)
    if colours == "none":
        words = "TERM does not say what kind of terminal this is."
        return Finding("terminal", "note", words, "Try: export TERM=xterm-256color", facts)
    return Finding("terminal", "good", f"{colours} colours.", facts=facts)


def _unicode(seen: TerminalSeen) -> Finding:
    if seen.unicode:
        return Finding("terminal", "good", "Unicode.", facts={"unicode": True})
    mend = 'Set LANG to one that ends in UTF-8, or symbols = "ascii" in the settings file.'
    return Finding("terminal", "note", "No Unicode: names and signs may not be shown.", mend, {"unicode": False})


def _focus(known: bool | None) -> Finding:
    facts = {"focusReports": known}
    if known:
        return Finding("terminal", "good", "It tells when it is looked at.", facts=facts)
    words = "It does not tell when it is looked at."
    if known is None:
        words = "Whether it tells when it is looked at is not known."
    return Finding("terminal", "note", words, "Where one does not, Roadcrew goes by your last key press.", facts)


def _clipboard(known: bool | None) -> Finding:
    facts = {"clipboard": known}
    if known:
        return Finding("terminal", "good", "What you copy reaches the clipboard (OSC 52).", facts=facts)
    words = "Whether what you copy reaches the clipboard (OSC 52) is not known: most terminals don't say."
    return Finding("terminal", "note", words, "If pasting fails, p prints what you share.", facts)


def _in_tmux(options: Mapping[str, str]) -> list[Finding]:
    if not options:
        words = "This is tmux, which could not be asked for its settings."
        return [Finding("terminal", "note", words, facts={"multiplexer": "tmux"})]
    focus, clipboard = options.get("focus-events") == "on", options.get("set-clipboard") == "on"
    facts = {"multiplexer": "tmux", "focusReports": focus, "clipboard": clipboard}
    found = [Finding("terminal", "good", "This is tmux.", facts=facts)]
    if not focus:
        words = "tmux does not tell when it is looked at, so that Roadcrew goes by your last key press."
        found.append(Finding("terminal", "note", words, "For ~/.tmux.conf: set -s focus-events on"))
    if not clipboard:
        words = "tmux lets nothing that you copy in Roadcrew reach the clipboard. p prints what you share."
        found.append(Finding("terminal", "note", words, "For ~/.tmux.conf: set -s set-clipboard on"))
    return found
