"""`roadcrew simulate`: its words on the command line. Read for every sub-command, so it imports nothing heavy."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadcrew_tui.simulation.plan import Plan
    from roadcrew_tui.simulation.run import Now, Result

AGREED, DIFFERENT, INTERRUPTED = 0, 1, 130
ABOUT = """Lets a crowd of simulated people (marked so) plan trips together: real clients that create, join, vote,
change their minds, hide, lose their network and come back, by a plan that follows from the seed. In the end everybody
must have been given every event once and see what the server sees, and every change that was accepted must be in the
server's log exactly once.

At another server (--server) its limits hold, and all these people come from one address: by default 240 of them can
sign in, and 240 join, each minute. Who is told to wait waits, and is counted. Their trips stay there until they end."""
EXAMPLES = """examples:
  roadcrew simulate --users 50 --seconds 20
  roadcrew simulate --users 200 --seconds 60 --seed 7 --trips 10 --json | jq .latency
  roadcrew simulate --users 20 --seconds 600 --server https://trips.example.org
  roadcrew simulate --users 50 --seconds 20 --plan | head

exit status: 0 nothing lost, nothing doubled, all equal; 1 not so; 2 usage, 4 unreachable, 130 interrupted"""
FILES_A_PERSON = 6
"""Open files that a person may need, here and at a server of our own: a stream, and a few calls."""
FILES = 100
"""And those that the program needs."""


def add_parser(subs: Any, formatter: type, told: Callable[[Callable[[], int]], int]) -> None:
    """Add the sub-command. `told` runs it and says what goes wrong."""
    simulate = subs.add_parser(
        "simulate",
        help="a crowd of simulated people, and a check that nobody lost anything",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    simulate.add_argument("--users", type=int, required=True, help="how many people, 1 to 2000", metavar="N")
    simulate.add_argument("--seconds", type=int, required=True, help="for how long they act, 1 to 86400", metavar="S")
    simulate.add_argument("--seed", type=int, default=1, help="another seed, another plan (default 1)", metavar="K")
    simulate.add_argument("--trips", type=int, help="in how many trips (default: one for ten people)", metavar="M")
    simulate.add_argument("--server", help="at this server (default: one of its own)", metavar="URL")
    simulate.add_argument("--json", action="store_true", help="print the report as JSON")
    simulate.add_argument("--plan", action="store_true", help="only print the plan, as JSON lines")
    simulate.set_defaults(run=lambda given: told(lambda: run(given)))


def run(given: argparse.Namespace) -> int:
    """Simulate; the exit status. Raises `CantServe`, the client's errors, `ValueError` for numbers out of bounds."""
    from roadcrew_tui.simulation.plan import make_plan  # noqa: PLC0415 - for a fast --help

    plan = make_plan(given.users, given.seconds, given.seed, given.trips)
    if given.plan:
        for line in plan.lines():
            print(line)
        return AGREED
    from roadcrew_tui.simulation.report import as_json, as_text  # noqa: PLC0415 - for a fast --help

    _allow_files(FILES + FILES_A_PERSON * plan.users)
    with _server(given.server) as server:
        result = asyncio.run(_run(plan, server))
    print((as_json if given.json else as_text)(plan, result, given.server), flush=True)
    if result.interrupted:
        return INTERRUPTED
    return AGREED if result.agreed else DIFFERENT


@contextmanager
def _server(address: str | None) -> Iterator[str]:
    """The given server, or one of our own for as long as this lasts, with nothing left on the disk."""
    if address is not None:
        yield address
        return
    from roadcrew_tui.demo import ENVIRONMENT  # noqa: PLC0415 - for a fast --help
    from roadcrew_tui.serving import OwnServer  # noqa: PLC0415 - for a fast --help

    with tempfile.TemporaryDirectory(prefix="roadcrew-simulate-") as folder:
        store = f"sqlite:///{Path(folder) / 'simulate.db'}"
        with OwnServer(["--port", "0", "--store", store], ENVIRONMENT) as own:
            yield own.url


async def _run(plan: Plan, server: str) -> Result:
    from roadcrew_tui.simulation.run import run as run_plan  # noqa: PLC0415 - for a fast --help

    stop, line = asyncio.Event(), _Line()
    try:
        with _on_interrupt(stop):
            return await run_plan(plan, server, stop=stop, progress=line.show)
    finally:
        line.end()


@contextmanager
def _on_interrupt(stop: asyncio.Event) -> Iterator[None]:
    """The first ctrl+c ends the run, the second one the program."""
    loop = asyncio.get_running_loop()

    def first(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        loop.call_soon_threadsafe(stop.set)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Line:
    """How it goes, on stderr: one line that is written over on a terminal, line by line elsewhere."""

    def __init__(self) -> None:
        self._in_place = sys.stderr.isatty()
        self._shown = False

    def show(self, now: Now) -> None:
        from roadcrew_tui.simulation.report import line  # noqa: PLC0415 - for a fast --help

        before, after = ("\r\x1b[K", "") if self._in_place else ("", "\n")
        print(f"{before}{line(now)}", end=after, file=sys.stderr, flush=True)
        self._shown = True

    def end(self) -> None:
        if self._in_place and self._shown:
            print(file=sys.stderr)


def _allow_files(wanted: int) -> None:
    """See that so many files may be open, as far as this system lets us; say so if it does not."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows, which has no such limit
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        print(
            f"roadcrew: this system lets a program open {most} files, and {wanted} may be needed: some people will "
            "not get through. Allow more with: ulimit -n",
            file=sys.stderr,
        )
