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
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from roadcrew_tui import settings as prefs
from roadcrew_tui.maker import RealMaker
from roadcrew_tui.serving import OwnMonitor, OwnServer
from roadcrew_tui.settings import Folders

if TYPE_CHECKING:
    from roadcrew_client.credentials import Kept
    from roadcrew_tui.app import RoadcrewApp

HEADLESS_SECONDS = 12.0
"""How long the members act when nobody is watching."""
REPORT_SECONDS = 20.0
AGREE_SECONDS = 5.0
ENVIRONMENT = {
    "ROADCREW_SIGNINS_PER_ADDRESS": "10000/minute",
    "ROADCREW_INVITES_PER_ADDRESS": "10000/minute",
    "ROADCREW_PAYMENTS": "simulated,venue",
}
TOLD = ("comments", "images", "likes", "posts")
"""Channels of the trip that are told line by line."""
OFFERED = ("--catalog", "sample", "--quotes", "sample")


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
    """A server and its price-monitor, a sample trip whose organiser is `name`, and `bots` simulated members.

    Raises `CantServe`. Everything ends with the `with`, and nothing is left on the disk.
    """
    with tempfile.TemporaryDirectory(prefix="roadcrew-demo-") as folder:
        store = f"sqlite:///{Path(folder) / 'demo.db'}"
        with (
            OwnMonitor(Path(folder)) as monitor,
            OwnServer(["--port", "0", "--store", store, *OFFERED], ENVIRONMENT | monitor.known_as) as server,
        ):
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


class OwnVault:
    """The demo's tokens: in memory, for this person exists for the demo only."""

    def __init__(self, server: str, token: str) -> None:
        self._tokens = {server: token}

    def find(self, server: str) -> Kept | None:
        from roadcrew_client.credentials import Kept  # noqa: PLC0415 - on the client's thread

        token = self.load(server)
        return None if token is None else Kept(token, datetime.now(UTC), "nowhere")

    def load(self, server: str) -> str | None:
        return self._tokens.get(server)

    def save(self, server: str, token: str) -> None:
        self._tokens[server] = token

    def forget(self, server: str, token: str | None) -> None:
        if token in (None, self._tokens.get(server)):
            self._tokens.pop(server, None)


class DemoMaker(RealMaker):
    """Real clients, and tokens that are kept nowhere."""

    def __init__(self, folder: Path, vault: OwnVault) -> None:
        super().__init__(folder)
        self._own = vault

    def vault(self, may_write_file: Callable[[Path, str], bool]) -> OwnVault:
        return self._own


def app_for(demo: Demo, home: Path) -> RoadcrewApp:
    """The app on the sample trip. It looks as this person likes it, and writes nothing outside `home`."""
    from roadcrew_tui.app import RoadcrewApp  # noqa: PLC0415 - not without a terminal

    folders = Folders(config=home / "config", state=home / "state", data=home / "data")
    liked = prefs.load(Folders.of_this_person())
    prefs.save(folders, replace(liked, server=None, name=None, troubles=()))
    maker = DemoMaker(folders.data, OwnVault(demo.server, demo.token))
    return RoadcrewApp(server=demo.server, trip=demo.trip_id, folders=folders, maker=maker)


def on_screen(bots: int, name: str, seed: int) -> int:
    """The app on the sample trip. Returns the exit status."""
    with running(bots, name, seed) as demo, tempfile.TemporaryDirectory(prefix="roadcrew-demo-") as home:
        app_for(demo, Path(home)).run()
        return 0


def headless(bots: int, name: str, seed: int, seconds: float, say: Callable[[str], None]) -> int:
    """What happens, as lines. Returns 0 when everybody saw the same in the end, else 1."""
    with running(bots, name, seed) as demo:
        return asyncio.run(_follow(demo, seconds, say))


async def _follow(demo: Demo, seconds: float, say: Callable[[str], None]) -> int:
    from roadcrew_client import Change, Client  # noqa: PLC0415 - not for a fast start
    from roadcrew_domain.places import Entity  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui import watch_talk  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui.crowd import digest, until  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui.watch import Teller, summary  # noqa: PLC0415 - not for a fast start

    teller, names = Teller(say), dict[str, str]()
    channels = map(Entity("trip", demo.trip_id).topic, TOLD)
    say(f"A server is running on {demo.server}, with a trip called Lisbon in May. Simulated members join it.")
    async with (
        Client(demo.server, token=demo.token) as client,
        client.follow(demo.trip_id) as live,
        client.follow_talk(*channels) as talk,
    ):

        def tell(change: Change) -> None:
            if live.confirmed is not None:
                names.update({member.id: member.name for member in live.confirmed.members.values()})
            teller.tell(live, change)

        stop = live.listen(tell)
        talk.listen(watch_talk.Teller(talk, say, names, json=False).tell)
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
        if not agree:
            for report in reports:
                say(", ".join(f"{key} {value}" for key, value in report.items()))
        say(
            f"{len(reports)} simulated members and you read {teller.events} events, and all see the same trip."
            if agree
            else "Not everybody sees the same trip. That is a fault; please report it."
        )
        return 0 if agree else 1
