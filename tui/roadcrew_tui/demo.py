"""`roadcrew demo`: a server of its own, a sample trip, simulated members, and the app; or, without a terminal,
what happened, line by line.

Everything but the members is real, and the members are real clients: see crowd.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from roadcrew_tui.serving import OwnServer

HEADLESS_SECONDS = 12.0
"""How long the members act when nobody is watching."""
REPORT_SECONDS = 20.0
AGREE_SECONDS = 5.0
ENVIRONMENT = {
    "ROADCREW_SIGNINS_PER_ADDRESS": "10000/minute",
    "ROADCREW_INVITES_PER_ADDRESS": "10000/minute",
}


@dataclass(frozen=True)
class Demo:
    """A running demo: where, and as whom to look at it."""

    server: str
    token: str
    trip_id: str
    crowd: subprocess.Popen[str]

    def end_crowd(self) -> list[dict[str, str]]:
        """Tell the members to stop; what each of them saw."""
        try:
            said, _ = self.crowd.communicate(timeout=REPORT_SECONDS)
        except subprocess.TimeoutExpired:
            self.crowd.kill()
            said, _ = self.crowd.communicate()
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


@contextmanager
def running(bots: int, name: str, seed: int) -> Iterator[Demo]:
    """A server, a sample trip whose organiser is `name`, and `bots` simulated members on their way.

    Raises `CantServe`. Everything ends with the `with`, and nothing is left on the disk.
    """
    with tempfile.TemporaryDirectory(prefix="roadcrew-demo-") as folder:
        store = f"sqlite:///{Path(folder) / 'demo.db'}"
        with OwnServer(["--port", "0", "--store", store], ENVIRONMENT) as server:
            token, trip_id, code = asyncio.run(_prepare(server.url, name, bots))
            crowd = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "roadcrew_tui.crowd",
                    server.url,
                    code,
                    f"--people={bots}",
                    f"--seed={seed}",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={k: v for k, v in os.environ.items() if k != "ROADCREW_TOKEN"},
            )
            try:
                yield Demo(server.url, token, trip_id, crowd)
            finally:
                _end(crowd)


def _end(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe and not pipe.closed:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def _prepare(server: str, name: str, bots: int) -> tuple[str, str, str]:
    from roadcrew_client import Client  # noqa: PLC0415 - not for a fast start

    today = datetime.now(UTC).date()
    year = today.year if today < date(today.year, 5, 1) else today.year + 1
    async with Client(server) as client:
        session = await client.guest(name)
        created = await client.create_trip(
            "Lisbon in May",
            destination="Lisbon",
            starts_on=date(year, 5, 21),
            ends_on=date(year, 5, 25),
            required_members=max(2, min(bots + 1, 4)),
        )
        return session.token, created.trip.id, created.invite.code


def on_screen(bots: int, name: str, seed: int) -> int:
    """The app on the sample trip. Returns the exit status."""
    from roadcrew_tui.app import RoadcrewApp  # noqa: PLC0415 - not without a terminal
    from roadcrew_tui.settings import Folders  # noqa: PLC0415 - not without a terminal

    with running(bots, name, seed) as demo, tempfile.TemporaryDirectory(prefix="roadcrew-demo-") as home:
        root = Path(home)
        os.environ["ROADCREW_TOKEN"] = demo.token  # this person exists for the demo only
        RoadcrewApp(
            server=demo.server,
            trip=demo.trip_id,
            folders=Folders(config=Folders.of_this_person().config, state=root / "state", data=root / "data"),
        ).run()
        return 0


def headless(bots: int, name: str, seed: int, seconds: float, say: Callable[[str], None]) -> int:
    """What happens, as lines. Returns 0 when everybody saw the same in the end, else 1."""
    with running(bots, name, seed) as demo:
        return asyncio.run(_follow(demo, seconds, say))


async def _follow(demo: Demo, seconds: float, say: Callable[[str], None]) -> int:
    from roadcrew_client import Client  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui.crowd import digest, until  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui.watch import Teller, summary  # noqa: PLC0415 - not for a fast start

    teller = Teller(say)
    say(f"A server is running on {demo.server}, with a trip called Lisbon in May. Simulated members join it.")
    async with Client(demo.server, token=demo.token) as client, client.follow(demo.trip_id) as live:
        stop = live.listen(lambda change: teller.tell(live, change))
        await asyncio.sleep(seconds)
        reports = await asyncio.to_thread(demo.end_crowd)
        digests = {r.get("digest", "failed") for r in reports}
        agree = await until([live], lambda: digests == {digest(live.confirmed)}, AGREE_SECONDS)
        stop()
        trip = live.confirmed
        if trip is not None:
            say("")
            for line in summary(trip):
                say(line)
        say(
            f"{len(reports)} simulated members and you read {teller.events} events, and all see the same trip."
            if agree
            else "Not everybody sees the same trip. That is a fault; please report it."
        )
        return 0 if agree else 1
