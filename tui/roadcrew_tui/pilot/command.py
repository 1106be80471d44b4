"""`roadcrew pilot TAPE …`: its words on the command line. Read for every sub-command, so it imports nothing heavy."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadcrew_tui.pilot.tape import Tape

PASSED, FAILED, WRONG = 0, 1, 2
FOLDER = "pilot-out"
LIMIT = 600
SMALLEST, LARGEST = (20, 5), (400, 200)
"""Columns and rows, as in tapes."""
ABOUT = """Plays tapes: scripts that press keys in Roadcrew and look at its screen. Each tape is one terminal of
somebody new, with settings of its own; tapes that are given together are played at the same time, against a server
that the pilot starts for them, or another one. It needs no terminal.

A tape is written as for charmbracelet's VHS, with a few words more:

  Type "n"                     type a text
  Enter  Tab 2  Ctrl+P  Down   press keys
  Wait /No trips yet/          go on when the screen shows it
  Expect /CREW  3 of 4/        it must be there within 5 s, or the tape has failed
  Reject@1s /offline/          it must not be there
  Expect+Line /Lisbon/         in the line where the cursor is
  Sync joined                  go on when all tapes with this meeting point are there
  Copy "text"   Paste          a clipboard that all tapes share; what Roadcrew copies is in it
  Server Kill   Server Start   what becomes of the pilot's own server
  Screenshot lobby.svg         keep the screen (or .txt)
  Set Columns 120   Set Theme light   Env TZ "Asia/Tokyo"   Source login.tape"""
EXAMPLES = """examples:
  roadcrew pilot tests/tapes/three_join/*.tape
  roadcrew pilot story.tape --pty --out pictures        the true command in a pseudo-terminal
  roadcrew pilot ana.tape ben.tape --report json | jq .passed
  roadcrew pilot smoke.tape --server https://trips.example.org --size 120x36

exit status: 0 all passed, 1 an expectation failed, 2 a tape is wrong, 4 no server could be started, 130 interrupted"""


def add_parser(subs: Any, formatter: type) -> None:
    """Add the sub-command."""
    pilot = subs.add_parser(
        "pilot",
        help="terminals driven by scripts, for tests and pictures",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    pilot.add_argument("tapes", nargs="+", type=Path, help="a script for one terminal", metavar="TAPE")
    pilot.add_argument("--server", help="play at this server (default: one of the pilot's own)", metavar="URL")
    pilot.add_argument(
        "--size",
        type=_size,
        default=(80, 24),
        help="of terminals whose tape sets none (default 80x24)",
        metavar="COLSxROWS",
    )
    pilot.add_argument("--report", choices=("text", "json"), default="text", help="on stdout (default text)")
    pilot.add_argument("--out", type=Path, default=Path(FOLDER), help=f"for pictures (default {FOLDER})", metavar="DIR")
    pilot.add_argument("--pty", action="store_true", help="play in pseudo-terminals, with the true command")
    pilot.add_argument(
        "--limit", type=_seconds, default=LIMIT, help=f"that a tape may take (default {LIMIT})", metavar="SECONDS"
    )
    pilot.set_defaults(run=run)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text, re.ASCII)
    columns, rows = map(int, found.groups()) if found else (0, 0)
    if not (SMALLEST[0] <= columns <= LARGEST[0] and SMALLEST[1] <= rows <= LARGEST[1]):
        smallest, largest = "x".join(map(str, SMALLEST)), "x".join(map(str, LARGEST))
        raise argparse.ArgumentTypeError(f"columns and rows such as 120x36, from {smallest} to {largest}")
    return columns, rows


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError("a number of seconds")
    return seconds


def run(given: argparse.Namespace) -> int:
    """Play the tapes; the exit status. Raises `CantServe`."""
    import asyncio  # noqa: PLC0415 - for a fast --help

    from roadcrew_client.links import base_address  # noqa: PLC0415 - for a fast --help
    from roadcrew_tui.pilot import pseudo  # noqa: PLC0415 - for a fast --help
    from roadcrew_tui.pilot.director import Director, Plan  # noqa: PLC0415 - for a fast --help

    try:
        server = None if given.server is None else base_address(given.server)
    except ValueError as error:
        return _wrong(str(error))
    try:
        if given.pty:
            pseudo.check()
    except pseudo.CantEmulate as error:
        return _wrong(str(error))
    tapes = _read(given.tapes, own_server=server is None)
    if tapes is None:
        return WRONG
    plan = Plan(tapes, server, given.size, given.out, given.pty, given.limit)
    report = asyncio.run(Director(plan, lambda words: print(words, file=sys.stderr, flush=True)).play())
    print(report.as_json() if given.report == "json" else report.as_text(), flush=True)
    return PASSED if report.passed else FAILED


def _wrong(words: str) -> int:
    print(f"roadcrew: {words}", file=sys.stderr)
    return WRONG


def _read(files: list[Path], *, own_server: bool) -> list[Tape] | None:
    """All tapes; None, with all that is wrong said, if one is."""
    from roadcrew_tui.pilot.language import read_tape  # noqa: PLC0415 - for a fast --help
    from roadcrew_tui.pilot.tape import Server, TapeError  # noqa: PLC0415 - for a fast --help

    tapes, errors = [], []
    for file in files:
        try:
            tape = read_tape(file)
        except TapeError as error:
            errors.append(str(error))
            continue
        tapes.append(tape)
        if not own_server:
            expected = "no such step with --server: only the pilot's own server can be stopped"
            errors += [
                str(TapeError(step.place, step.words, expected)) for step in tape.steps if isinstance(step.act, Server)
            ]
    for words in errors:
        print(words, file=sys.stderr)
    return None if errors else tapes
