"""A terminal without a window: what a program writes becomes a screen, and what it asks a terminal is answered.

pyte moves the cursor, erases and scrolls. Around it stands what pyte lacks: whole frames (synchronised output), the
alternate screen, faint text, wide and joined characters, the clipboard, and a guard, so that no output can break the
emulator or make it grow. Not for starting programs (`pseudo`). Needs the extra `roadcrew[pilot]`.
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import copy
import itertools
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import pyte
from pyte.modes import DECAWM
from pyte.screens import Char
from rich.ansi import AnsiDecoder
from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style

from roadcrew_tui.pilot import picture
from roadcrew_tui.pilot.terminal import Screen

LONGEST_SEQUENCE = 1 << 18
"""Characters of a sequence that are kept, and so of what is copied; a longer one is skipped up to its end."""
LONGEST_FRAME = 1 << 20
"""Characters of a frame that are held back; what is longer is shown in parts."""
LONGEST_NUMBERS = 256
LONGEST_TITLE = 256
LONGEST_CELL = 16
"""Code points in one cell: a family emoji has seven, stacked marks have no end."""

ALTERNATE_SCREEN = frozenset({47, 1047, 1049})
WRAP, CURSOR, BRACKETED_PASTE, FRAME = 7, 25, 2004, 2026
MODES = ALTERNATE_SCREEN | {WRAP, CURSOR, BRACKETED_PASTE, FRAME}
"""The private modes that we know. Of others, such as reports of mouse, focus and size, we say that we don't."""

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<prefix>[<=>?]?)(?P<numbers>[0-9;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b(?P<kind>[]PX^_])(?P<string>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b(?P<escape>[ -/]*(?![]PX^_[])[0-~])"
    r"|(?P<control>[^\x1b])"
)
_HALF = re.compile(r"\x1b(?:\[[<=>?]?[0-9;:]*[ -/]*|[]PX^_][^\x07\x1b]*(?:\x1b\Z)?|[ -/]*)")
_NUMBERS = {**dict.fromkeys("@ABCDEFGJKLMPXadegn", 1), **dict.fromkeys("Hfr", 2), "m": 64}
"""The sequences that pyte can do, and how many numbers each takes: it stumbles over more."""
_LARGEST_NUMBER = {"J": 3, "K": 2}


@lru_cache(maxsize=4096)
def _restyled(style: str, codes: tuple[int, ...]) -> str:
    """A style in Rich's words after a "select graphic rendition"."""
    decoder = AnsiDecoder()
    decoder.style = Style.parse(style)
    decoder.decode_line(f"\x1b[{';'.join(map(str, codes))}m")
    return str(decoder.style)


class _Cells(pyte.Screen):
    """pyte's screen. The whole style of a cell stands in its `fg`, in Rich's words: pyte has no word for faint."""

    def __init__(self, columns: int, rows: int, answers: list[str]) -> None:
        self.answers = answers
        super().__init__(columns, rows)

    def select_graphic_rendition(self, *attrs: int) -> None:
        self.cursor.attrs = self.cursor.attrs._replace(fg=_restyled(self.cursor.attrs.fg, attrs or (0,)))

    def write_process_input(self, data: str) -> None:
        self.answers.append(data)

    def save_cursor(self) -> None:
        """Keep one place; pyte would keep all."""
        self.savepoints.clear()
        super().save_cursor()

    def draw(self, data: str) -> None:
        """Draw characters as Textual measures them. pyte gives up at the first joiner, and loses what follows."""
        for character in data:
            self._put(character, get_character_cell_size(character))

    def _put(self, character: str, width: int) -> None:
        cursor, line = self.cursor, self.buffer[self.cursor.y]
        before = cursor.x - (2 if cursor.x > 1 and line[cursor.x - 1].data == "" else 1)
        if before >= 0 and (width == 0 or line[before].data.endswith("\u200d")):
            self._join(before, character)
        elif width:
            if cursor.x + width > self.columns:
                if DECAWM in self.mode:
                    self.carriage_return()
                    self.linefeed()
                    line = self.buffer[cursor.y]
                else:
                    cursor.x = max(0, self.columns - width)
            for x in (cursor.x, cursor.x + width):  # half of a wide character that is painted over is gone
                if 0 < x < self.columns and line[x].data == "":
                    line[x - 1], line[x] = line[x - 1]._replace(data=" "), line[x]._replace(data=" ")
            line[cursor.x] = cursor.attrs._replace(data=character)
            if width == 2:
                line[cursor.x + 1] = cursor.attrs._replace(data="")
            cursor.x = min(cursor.x + width, self.columns)

    def _join(self, x: int, character: str) -> None:
        """Add what has no cell of its own to a cell; an emoji may become wide by it."""
        line = self.buffer[self.cursor.y]
        joined = line[x].data + character
        if not line[x].data or len(joined) > LONGEST_CELL:
            return
        line[x] = line[x]._replace(data=joined)
        if character == "\ufe0f" and x + 1 == self.cursor.x < self.columns and cell_len(joined) == 2:
            line[x + 1] = line[x]._replace(data="")
            self.cursor.x += 1


class Emulator:
    """A terminal of so many columns and rows. It has no clock, and starts nothing."""

    def __init__(self, columns: int, rows: int) -> None:
        self.copied: str | None = None
        """What the program put on the clipboard last."""
        self.title = ""
        self._answers: list[str] = []
        self._cells = _Cells(columns, rows, self._answers)
        self._main: _Cells | None = None
        """What the alternate screen hides."""
        self._modes = {WRAP, CURSOR}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._frame: list[re.Match[str]] | None = None
        self._frame_length = 0

    @property
    def bracketed_paste(self) -> bool:
        """Whether the program wants pasted text to be marked."""
        return BRACKETED_PASTE in self._modes

    @property
    def within_frame(self) -> bool:
        """Whether a part of a frame is held back until the rest has come."""
        return self._frame is not None

    def feed(self, data: bytes) -> bytes:
        """Take what the program wrote, cut anywhere. What the terminal answers."""
        text, at = self._rest + self._decoder.decode(data), 0
        while at < len(text):
            if token := _TOKEN.match(text, at):
                self._take(token)
                at = token.end()
            elif (half := _HALF.match(text, at)) is None or half.end() == len(text):
                break
            else:  # another sequence, or text, has broken it off
                at = half.end()
        self._rest = text[at:]
        if len(self._rest) > LONGEST_SEQUENCE:  # go on as a string that says nothing
            self._rest = "\x1bX" + self._rest[-1:].strip("^\x1b") if self._rest[1] != "[" else ""
        answers = "".join(self._answers)
        self._answers.clear()
        return answers.encode()

    def release(self) -> None:
        """Show what has come of a frame, because its end will not."""
        frame, self._frame = self._frame or [], None
        for token in frame:
            self._do(token)
        self._frame = None

    def _take(self, token: re.Match[str]) -> None:
        if self._frame is None:
            self._do(token)
            return
        self._frame.append(token)
        self._frame_length += token.end() - token.start()
        ends = token["prefix"] == "?" and token["final"] == "l" and FRAME in _numbers(token["numbers"])
        if ends or self._frame_length > LONGEST_FRAME:
            self.release()

    def _do(self, token: re.Match[str]) -> None:
        match token.lastgroup:
            case "text":
                self._cells.draw(token["text"])
            case "control" if token["control"] in pyte.Stream.basic:
                getattr(self._cells, pyte.Stream.basic[token["control"]])()
            case "escape" if token["escape"] == "c":
                self._switch(alternate=False)
                self._cells.reset()
                self._modes = {WRAP, CURSOR}
            case "escape" if token["escape"] in pyte.Stream.escape:
                getattr(self._cells, pyte.Stream.escape[token["escape"]])()
            case "string" if token["kind"] == "]":
                self._tell(token["string"])
            case "final" if len(token["numbers"]) <= LONGEST_NUMBERS and ":" not in token["numbers"]:
                self._control(token["prefix"], _numbers(token["numbers"]), token["between"] + token["final"])

    def _control(self, prefix: str, numbers: list[int], final: str) -> None:
        """Do a control sequence; none whose meaning we don't know."""
        first = numbers[0]
        if final == "$p":  # is this mode set?
            state = 0 if prefix != "?" or first not in MODES else 1 if first in self._modes else 2
            self._answers.append(f"\x1b[{prefix}{first};{state}$y")
        elif prefix == "?" and final in "hl":
            for mode in MODES.intersection(numbers):
                self._set(mode, on=final == "h")
        elif prefix == "" and final == "c" and first == 0:
            self._cells.report_device_attributes()
        elif prefix == "" and final in _NUMBERS and first <= _LARGEST_NUMBER.get(final, first):
            getattr(self._cells, pyte.Stream.csi[final])(*numbers[: _NUMBERS[final]])

    def _set(self, mode: int, *, on: bool) -> None:
        (self._modes.add if on else self._modes.discard)(mode)
        if mode == FRAME and on:
            self._frame, self._frame_length = [], 0
        elif mode in ALTERNATE_SCREEN:
            self._switch(alternate=on)
        elif mode == WRAP:
            (self._cells.set_mode if on else self._cells.reset_mode)(mode, private=True)

    def _switch(self, *, alternate: bool) -> None:
        if alternate and self._main is None:
            self._main, self._cells = self._cells, _Cells(self._cells.columns, self._cells.lines, self._answers)
            self._cells.cursor, self._cells.mode = copy.copy(self._main.cursor), self._main.mode
        elif not alternate and self._main is not None:
            self._cells, self._main = self._main, None

    def _tell(self, command: str) -> None:
        """Do an operating system command: a title, or something for the clipboard, which is never told in turn."""
        code, _, value = command.partition(";")
        if code in ("0", "2"):
            self.title = "".join(c for c in value if c.isprintable())[:LONGEST_TITLE]
        elif code == "52":
            with contextlib.suppress(ValueError):  # not base64, or not UTF-8
                self.copied = base64.b64decode(value.partition(";")[2], validate=True).decode() or self.copied

    def screen(self) -> Screen:
        """What a person sees."""
        rows = (self._cells.buffer[y] for y in range(self._cells.lines))
        lines = ("".join(row[x].data for x in range(self._cells.columns)).rstrip() for row in rows)
        return Screen(tuple(lines), self._cells.cursor.y)

    def svg(self, title: str | None = None) -> str:
        """The screen as a picture. In its frame stands `title`, or the window's."""
        rows = [self._line(self._cells.buffer[y]) for y in range(self._cells.lines)]
        return picture.svg(rows, self._cells.columns, len(rows), self.title if title is None else title)

    def _line(self, row: Mapping[int, Char]) -> Iterator[Segment]:
        for style, run in itertools.groupby((row[x] for x in range(self._cells.columns)), key=lambda cell: cell.fg):
            yield Segment("".join(cell.data for cell in run), Style.parse(style))


def _numbers(numbers: str) -> list[int]:
    return [min(int(number or 0), 9999) for number in numbers.split(";")]
