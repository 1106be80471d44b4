"""From a key press in one terminal to the paint in another, over a local server, beside what it is compared to.

    uv run python bench/sync_latency.py [--rounds 200] [--polled 12] [--json FILE]

- roadcrew: `space` on an option in terminal A; the new count is on the screen of terminal B.
- floor: a bare Textual app that paints a line as soon as it arrives on a socket; from the send to the paint.
- every 3 s: the source systems' design: A's key press to the paint of a client that asks every 3 s.
"""

import asyncio
import random
import socket
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from report import arguments, summary, table, write  # noqa: E402 - after the path is set
from tests.support.serving import ServerProcess  # noqa: E402 - after the path is set
from tests.support.terminal import Terminal, roadcrew  # noqa: E402 - after the path is set

from roadcrew_client import Client  # noqa: E402 - after the path is set
from roadcrew_domain.polls import OpenPoll  # noqa: E402 - after the path is set

BARE = [sys.executable, "-P", str(ROOT / "bench" / "bare_app.py")]
OPTION = "Alpha"


async def prepare(server: str) -> tuple[list[str], str]:
    """Two people in a trip with a poll; their tokens and the trip's id."""
    async with Client(server) as ana, Client(server) as ben:
        await ana.guest("Ana")
        await ben.guest("Ben")
        created = await ana.create_trip("Lisbon in May")
        await ben.join(created.invite.code)
        await ana.do(created.trip.id, OpenPoll("Which?", "multiple", (OPTION, "Beta")))
        assert ana.token is not None
        assert ben.token is not None
        return [ana.token, ben.token], created.trip.id


def person(home: Path, server: str, token: str) -> Terminal:
    """A terminal of somebody who looks at the polls."""
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(f'server = "{server}"\nanimations = false\n', encoding="utf-8")
    terminal = Terminal(roadcrew(), environment={"ROADCREW_HOME": str(home), "ROADCREW_TOKEN": token})
    terminal.wait_for("Lisbon in May")
    terminal.press("enter")
    terminal.wait_for("NEEDS YOU")
    terminal.press("2")
    terminal.wait_for(OPTION)
    terminal.wait_for("live")
    return terminal


def option_line(terminal: Terminal) -> str:
    """The line with the option and its votes."""
    return next((line for line in terminal.lines if OPTION in line), "")


def drain(*terminals: Terminal, quiet: float = 0.15) -> None:
    """Read until nobody has painted anything for a while."""
    while sum(t.read(quiet) for t in terminals):
        pass


def press_to_paint(a: Terminal, b: Terminal, rounds: int) -> list[float]:
    """Seconds from A's key to B's paint."""
    times = []
    for _ in range(rounds):
        drain(a, b, quiet=0.02)
        before = option_line(b)
        began = time.perf_counter()
        a.press("space")
        times.append(b.wait_for(lambda t, was=before: option_line(t) not in ("", was)) - began)
    return times


def line_to_paint(rounds: int) -> list[float]:
    """Seconds from a line sent to a bare app to its paint."""
    times = []
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        Terminal([*BARE, str(listening.getsockname()[1])]) as bare,
        listening.accept()[0] as connection,
    ):
        bare.wait_for("bare app ready")
        for n in range(rounds):
            drain(bare, quiet=0.02)
            began = time.perf_counter()
            connection.sendall(f"line number {n} here\n".encode())
            times.append(bare.wait_for(f"line number {n} here") - began)
    return times


def press_to_polled(a: Terminal, server: str, token: str, trip: str, rounds: int) -> list[float]:
    """Seconds from A's key to the paint of a client that asks every 3 s."""
    times = []
    chance = random.Random(1)
    with Terminal([*BARE, server, token, trip]) as polling:
        polling.wait_for("counted")
        for _ in range(rounds):
            drain(a, polling, quiet=0.05 + chance.random())
            before = polling.text
            began = time.perf_counter()
            a.press("space")
            times.append(polling.wait_for(lambda t, was=before: t.text != was and "counted" in t.text) - began)
    return times


def main() -> None:
    """Measure, and say."""
    given = arguments(__doc__.partition("\n")[0], rounds=200, polled=12)
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder)) as server:
        tokens, trip = asyncio.run(prepare(server.url))
        with (
            person(Path(folder) / "a", server.url, tokens[0]) as a,
            person(Path(folder) / "b", server.url, tokens[1]) as b,
        ):
            a.press("enter")  # from the list of polls into its options
            drain(a, b)
            half = given.rounds // 2
            floor = line_to_paint(half)
            ours = press_to_paint(a, b, given.rounds)
            floor += line_to_paint(given.rounds - half)
            polled = press_to_polled(a, server.url, tokens[1], trip, given.polled)
    named = {"roadcrew": ours, "floor": floor, "every 3 s": polled}
    rows = [
        (n, *(1000 * s[k] for k in ("median", "p99", "min", "max")), len(t))
        for n, t in named.items()
        for s in [summary(t)]
    ]
    table(("key press to paint, ms", "p50", "p99", "min", "max", "n"), rows)
    write(given.json, "sync_latency", {n: summary(t) for n, t in named.items()})


if __name__ == "__main__":
    main()
