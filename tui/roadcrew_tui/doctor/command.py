"""`roadcrew doctor`: its words on the command line. Imports nothing heavy, for it is read for every sub-command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

ABOUT = """Says what works here and what to do about the rest: the terminal, folders and settings, where sign-ins are
kept, and a server: its version, clock and address, and whether streams and polls come through. Where ROADCREW_STORE
names a Redis or Valkey (on a computer that serves), also whether that keeps what it is told to keep.

For streams it uses your sign-in and one of your trips, or with --as a guest of its own, who leaves nothing behind.
It changes nothing else. A heartbeat of the server is waited for, which takes up to half a minute."""
EXAMPLES = """examples:
  roadcrew doctor
  roadcrew doctor --server https://trips.example.org --as Ana
  roadcrew doctor --json | jq '.findings[] | select(.state == "bad")'

exit status: 0 all well, 1 something does not work, 2 usage, 4 the server can't be reached, 130 interrupted"""


def add_parser(subs: Any, formatter: type, told: Callable[[Callable[[], int]], int]) -> None:
    """Add the sub-command. `told` runs it, and turns what goes wrong into a sentence and a status."""
    doctor = subs.add_parser(
        "doctor",
        help="what works here: terminal, keyring, server, transports",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    doctor.add_argument("--server", help="the server's address (default: the last one)", metavar="URL")
    doctor.add_argument("--as", dest="guest", help="try streams as a guest called so", metavar="NAME")
    doctor.add_argument("--json", action="store_true", help="print what was found as JSON")
    doctor.set_defaults(run=lambda given: told(lambda: _run(given)))


def _run(given: argparse.Namespace) -> int:
    from roadcrew_tui.doctor.visit import visit  # noqa: PLC0415 - for a fast --help

    return visit(given.server, given.guest, json=given.json)
