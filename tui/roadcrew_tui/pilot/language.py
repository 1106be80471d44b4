"""The language of tapes: text into a `Tape`, or all that is wrong with it. For people it is described in docs/tapes.md.

That of VHS (https://github.com/charmbracelet/vhs), less what makes a video, plus what makes a test. Here are the
reading of files and what is settled for a whole tape; steps are in `acts`. Nothing that a tape says is done here, but
that `Require` looks for its program.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from roadcrew_tui.pilot.acts import ACTS, SHORTEST_WAIT, Defaults
from roadcrew_tui.pilot.cursor import Cursor, either, nearest
from roadcrew_tui.pilot.lexer import LONGEST_FOUND
from roadcrew_tui.pilot.tape import Note, Place, Step, Tape, TapeError, TapeErrors, Tell, shown
from roadcrew_tui.settings import LOOKS, Look

LONGEST_TAPE = 256 * 1024
"""Bytes of a tape, with all that it sources."""
MOST_STEPS = 10_000
MOST_ERRORS = 20
"""So many are said of one tape; the rest of it is not read."""
DEEPEST = 8
"""Tapes that source each other, below the first."""

Symbols = Literal["unicode", "ascii"]
SYMBOLS: Mapping[str, Symbols] = {"unicode": "unicode", "ascii": "ascii"}
FREE_VARIABLES = ("TZ", "LANG", "LC_ALL", "NO_COLOR", "COLORTERM", "TERM")
"""What `Env` may set besides `ROADCREW_…`."""
OF_A_VIDEO = (
    *("Shell", "FontSize", "FontFamily", "Width", "Height", "LetterSpacing", "LineHeight", "Padding", "Margin"),
    *("MarginFill", "WindowBar", "WindowBarSize", "BorderRadius", "Framerate", "PlaybackSpeed", "LoopOffset"),
    "CursorBlink",
)
"""Settings of VHS that say how its video looks."""


def read_tape(file: Path) -> Tape:
    """Read a tape, with what it sources. Raises `TapeErrors`: all that is wrong."""
    draft = _Draft()
    try:
        text = _load(file, draft, Place(file, 1, 1))
    except TapeError as error:
        raise TapeErrors([error]) from None
    return _finished(file, text, draft)


def parse(text: str, file: Path) -> Tape:
    """As `read_tape`, of a text that is taken to stand in `file`."""
    return _finished(file, text, _Draft())


@dataclass
class _Draft:
    """What has been read so far of a tape and all that it sources. `begun`: there was a step that the terminal sees;
    `room`: bytes that the tape may still have."""

    steps: list[Step] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    errors: list[TapeError] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=Defaults)
    columns: int | None = None
    rows: int | None = None
    theme: Look | None = None
    symbols: Symbols | None = None
    begun: bool = False
    room: int = LONGEST_TAPE

    def add_step(self, step: Step) -> None:
        """Keep a step. Raises `TapeErrors` when there are too many."""
        if len(self.steps) >= MOST_STEPS:
            raise TapeErrors([*self.errors, TapeError(step.place, "one step more", f"at most {MOST_STEPS} steps")])
        self.steps.append(step)
        self.begun = self.begun or not isinstance(step.act, Tell)

    def add_error(self, error: TapeError) -> None:
        """Keep what is wrong, once for each place. Raises `TapeErrors` when that is enough."""
        if self.errors and self.errors[-1].place == error.place:
            return
        self.errors.append(error)
        if len(self.errors) >= MOST_ERRORS:
            raise TapeErrors(self.errors)


def _finished(file: Path, text: str, draft: _Draft) -> Tape:
    _Reader(file, text, draft, (file.resolve(),)).read()
    if draft.errors:
        raise TapeErrors(draft.errors)
    return Tape(
        file=file,
        steps=tuple(draft.steps),
        size=(draft.columns, draft.rows),
        theme=draft.theme,
        symbols=draft.symbols,
        environment=draft.environment,
        notes=tuple(draft.notes),
    )


def _load(file: Path, draft: _Draft, place: Place) -> str:
    """The text of a file that is named at a place. Raises `TapeError`."""
    try:
        if not file.is_file():
            found = "a folder" if file.is_dir() else "something else" if file.exists() else "no such file"
            raise TapeError(place, found, "a tape")
        with file.open("rb") as stream:
            data = stream.read(draft.room + 1)
    except OSError as error:
        raise TapeError(place, f"a file that can't be read ({error.strerror})", "a tape") from None
    draft.room -= len(data)
    if draft.room < 0:
        raise TapeError(place, "more", f"at most {LONGEST_TAPE // 1024} KiB, with all that is sourced")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        lines = error.object[: error.start].decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
        where = Place(file, len(lines), len(lines[-1]) + 1)
        raise TapeError(where, f"a byte {error.object[error.start]:#04x}", "text in UTF-8") from None


class _Reader:
    """Reads the commands of one file into the draft. `sources` are this file and those that led to it."""

    def __init__(self, file: Path, text: str, draft: _Draft, sources: tuple[Path, ...]) -> None:
        self.cursor = Cursor(file, text, COMMANDS)
        self.draft, self.file, self.sources = draft, file, sources
        self.place = Place(file, 1, 1)

    def read(self) -> None:
        """Read to the end. After an error, go on with the next line that begins with a word."""
        while self.cursor.next.kind != "end":
            try:
                self.read_command()
            except TapeErrors:
                raise
            except TapeError as error:
                self.draft.add_error(error)
                self.cursor.skip()

    def read_command(self) -> None:
        """Read one command. Raises `TapeError`."""
        word = self.cursor.begin()
        self.place = self.cursor.place(word)
        command = word.text if word.kind == "word" else ""
        if command in ACTS:
            act = ACTS[command](self.cursor, self.draft.defaults)
            self.draft.add_step(Step(self.place, self.cursor.written, act))
        elif command in OTHERS:
            OTHERS[command](self)
        else:
            raise self.cursor.error(word, "a command", COMMANDS)

    def set(self) -> None:
        """`Set NAME VALUE`."""
        name = self.cursor.take()
        if name.kind == "word" and name.text in SETTINGS:
            if name.text not in AT_ANY_TIME:
                self.before_steps()
            SETTINGS[name.text](self)
        elif name.kind == "word" and name.text in OF_A_VIDEO:
            self.pass_over_value()
            self.note("this concerns a video, and the pilot makes none")
        else:
            raise self.cursor.error(name, "a setting", (*SETTINGS, *OF_A_VIDEO))

    def before_steps(self) -> None:
        """Raises `TapeError` if there were steps already: the terminal has been opened."""
        if self.draft.begun:
            found = shown(self.cursor.written, LONGEST_FOUND)
            raise TapeError(self.place, found, "it before the first step, where the terminal opens")

    def set_columns(self) -> None:
        self.draft.columns = self.cursor.whole(20, 400, "a number of columns")

    def set_rows(self) -> None:
        self.draft.rows = self.cursor.whole(5, 200, "a number of rows")

    def set_theme(self) -> None:
        """One of ours. One of VHS's, by name or as JSON, is passed over; a misspelt one of ours is wrong."""
        expected = either(LOOKS)
        theme = self.cursor.take() if self.cursor.next.kind == "json" else self.cursor.text(expected)
        if theme.text in LOOKS:
            self.draft.theme = cast(Look, theme.text)
        elif theme.kind == "word" and nearest(theme.text, LOOKS):
            raise self.cursor.error(theme, expected, LOOKS)
        else:
            self.note(f"a theme of VHS; here they are {expected}")

    def set_symbols(self) -> None:
        self.draft.symbols = self.cursor.one_of(SYMBOLS)

    def set_typing_speed(self) -> None:
        self.draft.defaults.pause = self.cursor.seconds()

    def set_wait_timeout(self) -> None:
        self.draft.defaults.wait = self.cursor.seconds(SHORTEST_WAIT)

    def set_wait_pattern(self) -> None:
        self.draft.defaults.pattern = self.cursor.pattern()

    def set_expect_timeout(self) -> None:
        self.draft.defaults.expect = self.cursor.seconds()

    def pass_over_value(self) -> None:
        """Take what VHS takes as the value of a setting."""
        if self.cursor.next.kind in ("number", "json", "pattern"):
            self.cursor.take()
            self.cursor.accept("%")
        else:
            self.cursor.text("a value")

    def env(self) -> None:
        """`Env NAME "VALUE"`."""
        name = self.cursor.text("the name of a variable")
        ours = name.text.startswith("ROADCREW_") and name.text.isidentifier() and name.text.isascii()
        if name.text not in FREE_VARIABLES and (not ours or name.text == "ROADCREW_HOME"):
            raise self.cursor.error(name, f"{either(FREE_VARIABLES)}, or ROADCREW_... other than ROADCREW_HOME")
        value = self.cursor.text(f"a value for {name.text}").text
        self.before_steps()
        self.draft.environment[name.text] = value

    def source(self) -> None:
        """`Source FILE`: read that file here."""
        name = self.cursor.text("a tape, such as sign-in.tape")
        if not name.text.endswith(".tape"):
            raise self.cursor.error(name, "a file whose name ends in .tape")
        file = self.file.parent / name.text
        text = _load(file, self.draft, self.cursor.place(name))
        source = file.resolve()
        if source in self.sources:
            raise self.cursor.error(name, "a tape that does not source itself")
        if len(self.sources) > DEEPEST:
            raise self.cursor.error(name, f"tapes that source each other at most {DEEPEST} deep")
        _Reader(file, text, self.draft, (*self.sources, source)).read()

    def require(self) -> None:
        """`Require PROGRAM`."""
        program = self.cursor.text("the name of a program")
        if shutil.which(program.text) is None:
            raise self.cursor.error(program, "a program that is installed here")

    def output(self) -> None:
        """`Output FILE`."""
        self.cursor.text("a file")
        self.note("the pilot makes no video; Screenshot keeps a screen")

    def scroll(self) -> None:
        """`ScrollUp`, `ScrollDown`, as a key."""
        self.cursor.at(0.0)
        self.cursor.times()
        self.note("a program that fills the screen leaves nothing to scroll back to")

    def note(self, why: str) -> None:
        """Keep that a command was passed over."""
        self.draft.notes.append(Note(self.place, f"{shown(self.cursor.written, LONGEST_FOUND)}: {why}"))


OTHERS: Mapping[str, Callable[[_Reader], None]] = {
    "Set": _Reader.set,
    "Env": _Reader.env,
    "Source": _Reader.source,
    "Require": _Reader.require,
    "Output": _Reader.output,
    "ScrollUp": _Reader.scroll,
    "ScrollDown": _Reader.scroll,
}
"""The commands that are no steps."""
SETTINGS: Mapping[str, Callable[[_Reader], None]] = {
    "Columns": _Reader.set_columns,
    "Rows": _Reader.set_rows,
    "Theme": _Reader.set_theme,
    "Symbols": _Reader.set_symbols,
    "TypingSpeed": _Reader.set_typing_speed,
    "WaitTimeout": _Reader.set_wait_timeout,
    "WaitPattern": _Reader.set_wait_pattern,
    "ExpectTimeout": _Reader.set_expect_timeout,
}
AT_ANY_TIME = ("TypingSpeed", "WaitTimeout", "WaitPattern", "ExpectTimeout")
"""Settings that hold for the steps that follow; the others hold for the whole tape."""
COMMANDS = frozenset((*ACTS, *OTHERS))
