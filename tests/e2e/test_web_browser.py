"""The app in a true Chromium, served by the true command: people who have nothing but a browser plan a trip."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from tests.conftest import Figure
from tests.support.browsers import PATIENCE, Visitor, chromium, site, visit
from tests.support.people import Person, connected, eventually
from tests.support.serving import served

from roadcrew_tui.web.terminal import DRIVER, VISIT

T = TypeVar("T")
POLL = {"question": "Where to?", "kind": "single", "options": ["Alfama", "Belém"]}
MAY_KNOW = {
    *("PATH", "LANG", "TERM", "COLORTERM", "COLUMNS", "ROWS", "TZ"),
    *("ROADCREW_HOME", "ROADCREW_SERVER", "ROADCREW_VISITOR", "TEXTUAL_DRIVER", "TEXTUAL_COLOR_SYSTEM"),
}
"""All that the process behind a page has in its environment."""


async def comes_in(visitor: Visitor, url: str, name: str) -> None:
    """Open an invite's page, and join as a guest called so."""
    await visitor.open(url)
    await visitor.sees("Your name")
    await visitor.type(name)
    await visitor.press("Enter")
    await visitor.sees(f"live · you are {name}")


async def votes(visitor: Visitor, *keys: str, for_: str) -> None:
    """Vote in the only poll."""
    await visitor.press("2")
    await visitor.sees("Belém")
    await visitor.press("Enter")
    await visitor.sees(lambda text: re.search(r"› ○ Alfama", text) is not None)
    await visitor.press(*keys)
    await visitor.sees(lambda text: re.search(rf"● {for_}", text) is not None)


def voters(trip: dict[str, Any]) -> dict[str, set[str]]:
    """Who voted for what, by names."""
    names = {member["id"]: member["name"] for member in trip["members"]}
    return {option["text"]: {names[who] for who in option["votes"]} for option in trip["polls"][0]["options"]}


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def megabytes(pid: int) -> int:
    """Of memory that a process has for itself, its part of what it shares included."""
    found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) // 1000 if found else 0


# R: T2, T4, G1
async def test_people_with_nothing_but_browsers_join_vote_see_each_other_and_stay_who_they_are(
    tmp_path: Path, figure: Figure
):
    async with (
        served(tmp_path) as running,
        connected(running.url) as http,
        site(tmp_path / "host", running.url) as web,
        chromium() as browser,
        visit(browser) as bea,
        visit(browser) as cleo,
    ):
        ana = await Person.guest(http, "Ana")
        made = await ana.create()
        trip, invite = made["trip"]["id"], f"{web.url}/j/{made['invite']['code']}"
        await ana.do("/polls", {"tripId": trip, **POLL})
        started = asyncio.get_running_loop().time()
        await comes_in(bea, invite, "Bea")
        figure("from the link to a member, seconds", round(asyncio.get_running_loop().time() - started, 1))
        await comes_in(cleo, invite, "Cleo")
        await votes(bea, "Space", for_="Alfama")
        await votes(cleo, "ArrowDown", "Space", for_="Belém")
        await bea.sees("2 voted")
        assert "Where to?" in await bea.selected()  # and not only in what was sent
        now = (await ana.trip(trip)).json()["trip"]
        assert voters(now) == {"Alfama": {"Bea"}, "Belém": {"Cleo"}}

        await bea.open(invite)
        await bea.sees("live · you are Bea")
        await bea.open(web.url)
        await bea.sees("Lisbon in May")
        assert {member["name"] for member in (await ana.trip(trip)).json()["trip"]["members"]} == {"Ana", "Bea", "Cleo"}
        assert bea.faults == cleo.faults == []

        processes = await asyncio.to_thread(children, web.process.pid)
        figure("memory of an app in a trip, MB", max(map(megabytes, processes)))
        assert await asyncio.to_thread(web.stop) == 0
        await cleo.page.wait_for_selector("body.-ended")
        assert "being stopped" in await cleo.page.inner_text("#said")
        assert len(processes) == 2
        assert not any(map(os.path.exists, [f"/proc/{pid}" for pid in processes]))


# R: G1
async def test_a_visitor_finds_neither_the_hosts_secrets_nor_another_visitors_sign_in(tmp_path: Path):
    async with (
        served(tmp_path) as running,
        connected(running.url) as http,
        site(tmp_path / "host", running.url) as web,
        chromium() as browser,
        visit(browser) as bea,
        visit(browser) as cleo,
    ):
        ana = await Person.guest(http, "Ana")
        invite = f"{web.url}/j/{(await ana.create())['invite']['code']}"
        await comes_in(bea, invite, "Bea")
        await comes_in(cleo, invite, "Cleo")
        secrets = {cookie["value"] for each in (bea, cleo) for cookie in await each.cookies()}
        await eventually(lambda: len(list(web.folder.glob("*/data/credentials.json"))) == 2, "two sign-ins")
        processes = await asyncio.to_thread(children, web.process.pid)
        await asyncio.to_thread(look_around, web.folder, secrets, processes)
        await asks_for_files(bea)

        # A screen that is too narrow is told so, and has no process.
        async with visit(browser, viewport={"width": 400, "height": 800}) as dev:
            await dev.page.goto(invite)
            assert await dev.page.locator("#narrow").is_visible()
            assert await dev.page.get_by_text("Your invite").get_attribute("href") == invite.replace(
                web.url, running.url
            )
            assert await asyncio.to_thread(children, web.process.pid) == processes
            await dev.page.click("#anyway")
            await dev.sees("Your name")


async def asks_for_files(visitor: Visitor) -> None:
    """Look for a way to the host's files in the app: a plan can be shown and not saved, and no editor opened."""
    await visitor.press("Shift+K", "Enter")
    await visitor.sees("Show it")
    assert "Save it" not in visitor.text
    await visitor.press("Escape")
    await visitor.sees(lambda text: "Show it" not in text)
    await visitor.press(",")
    await visitor.sees("SETTINGS")
    await visitor.press("e", "Control+p")
    await visitor.type("edit the settings file")
    await visitor.sees("No matches found")


def test_an_app_whose_site_is_gone_ends_by_itself(tmp_path: Path):
    here = {"ROADCREW_HOME": str(tmp_path), "ROADCREW_VISITOR": "1", "TEXTUAL_DRIVER": DRIVER, "PATH": os.defpath}
    done = subprocess.run(VISIT, input=b"", env=here, stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert done.stdout.startswith(b"__GANGLION__\n")  # it had begun to draw


def still_there(files: Iterable[Path], read: Callable[[Path], T]) -> Iterator[T]:
    """What is read of each; an app that runs may have taken one away meanwhile."""
    for file in files:
        with suppress(FileNotFoundError, IsADirectoryError):
            yield read(file)


def look_around(folder: Path, secrets: set[str], processes: list[int]) -> None:
    """At the disk, and at what the processes know."""
    homes = sorted(folder.iterdir())
    kept = [said for home in homes for said in still_there(home.rglob("*"), Path.read_bytes)]
    assert len(secrets) == len(homes) == len(processes) == 2
    assert {home.stat().st_mode & 0o777 for home in homes} == {0o700}
    assert {home.name for home in homes}.isdisjoint(secrets)
    assert len({(home / "data" / "credentials.json").read_bytes() for home in homes}) == 2
    assert not any(secret.encode() in said for secret in secrets for said in kept)
    for pid in processes:
        environment = Path(f"/proc/{pid}/environ").read_text()
        known = dict(line.split("=", 1) for line in environment.split("\0") if line)
        assert set(known) <= MAY_KNOW
        assert known["TZ"] == "Europe/Lisbon"
        assert Path(known["ROADCREW_HOME"]) in homes
        assert os.readlink(f"/proc/{pid}/cwd") == f"{known['ROADCREW_HOME']}/empty"
        arguments = Path(f"/proc/{pid}/cmdline").read_text()
        assert not any(secret in environment + arguments for secret in (*secrets, "hush", "the-hosts-own"))
        others = [home for home in homes if str(home) != known["ROADCREW_HOME"]]
        opened = list(still_there(Path(f"/proc/{pid}/fd").iterdir(), os.readlink))
        assert opened
        assert not any(str(home) in file for home in others for file in opened)
