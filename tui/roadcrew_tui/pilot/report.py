"""What became of the tapes: for people as text, for programs as JSON. Not for what went on in between.

What a screen showed, a tape said or a server answered is cleaned before it is printed: it may be anything.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.cells import cell_len

from roadcrew_domain.text import is_forbidden


@dataclass(frozen=True, slots=True)
class Failed:
    """Where a tape ended, and why. `screen` is what was there then; `svg` and `log` are files, if any were kept."""

    file: str
    line: int
    column: int
    step: str
    why: str
    screen: str = ""
    svg: str | None = None
    log: str | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """One tape. Steps between `Hide` and `Show` are not counted."""

    tape: str
    steps: int
    expectations: int
    seconds: float
    pictures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failure: Failed | None = None

    @property
    def passed(self) -> bool:
        """Whether all of it came true."""
        return self.failure is None


@dataclass(frozen=True, slots=True)
class Report:
    """All tapes, in the order in which they were given."""

    server: str
    tapes: tuple[Played, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every tape did."""
        return all(played.passed for played in self.tapes)

    def as_json(self) -> str:
        """One object."""
        tapes = [{"tape": p.tape, "passed": p.passed, **asdict(p)} for p in self.tapes]
        whole = {"passed": self.passed, "server": self.server, "notes": self.notes, "tapes": tapes}
        return json.dumps(whole, indent=2)

    def as_text(self) -> str:
        """A line a tape; below, what there is to say of each."""
        below = [line for played in self.tapes for line in _details(played)]
        return "\n".join([*_table(self.tapes), *below, *(plain(note) for note in self.notes)])


def plain(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(" " if c == "\t" else c for c in text if c == "\n" or not is_forbidden(c))


def _table(tapes: Sequence[Played]) -> list[str]:
    wide = max((cell_len(plain(p.tape)) for p in tapes), default=0)
    lines = []
    for p in tapes:
        name = plain(p.tape)
        cells = [
            "ok    " if p.passed else "FAILED",
            name + " " * (wide - cell_len(name)),
            f"{p.steps:4} {'step' if p.steps == 1 else 'steps'}",
            f"{p.expectations:3} expected",
            f"{p.seconds:6.1f} s",
        ]
        if p.pictures:
            cells.append(f"{len(p.pictures)} {'picture' if len(p.pictures) == 1 else 'pictures'}")
        lines.append("  ".join(cells).rstrip())
    return lines


def _details(played: Played) -> list[str]:
    lines = [plain(note) for note in played.notes]
    lines += [f"{plain(played.tape)}: kept {plain(picture)}" for picture in played.pictures]
    failed = played.failure
    if failed is not None:
        lines += ["", f"{plain(failed.file)}:{failed.line}:{failed.column}: {plain(failed.step)}"]
        lines += [f"  {line}" for line in plain(failed.why).split("\n")]
        if failed.screen.strip():
            lines += framed(failed.screen)
        lines += [f"  Kept in {plain(kept)}" for kept in (failed.svg, failed.log) if kept]
    return lines


def framed(screen: str) -> list[str]:
    """A screen as lines in a frame of ASCII, which every log shows as it is."""
    rows = plain(screen).split("\n")
    wide = max(cell_len(row) for row in rows)
    edge = f"  +{'-' * (wide + 2)}+"
    return [edge, *(f"  | {row}{' ' * (wide - cell_len(row))} |" for row in rows), edge]
