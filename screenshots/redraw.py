"""Redraw the pictures of the README and the guide, or say which are stale.

    uv run python screenshots/redraw.py            redraw all
    uv run python screenshots/redraw.py --check    exit 1 when one is not what the app would draw now

Clock, zone, locale and sizes are fixed; scene.py tells what people have done. What is drawn is the true app over a
stand-in for the client, so no server is needed.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.update(TZ="UTC", LANG="en_GB.UTF-8", COLORTERM="truecolor", EDITOR="vim")
for name in ("NO_COLOR", "VISUAL", "LC_ALL", "LC_MONETARY", "LC_CTYPE", "LANGUAGE"):
    os.environ.pop(name, None)
time.tzset()

import time_machine  # noqa: E402 - after the zone is set
from scene import CODE, SERVER, Maker, booking, deciding, dropping, importing, lisbon, pricing, talking  # noqa: E402 - after the path is set
from tests.tui.conftest import Scene, Stage, staged  # noqa: E402 - after the path is set
from tests.tui.drawing import picture as picture_of  # noqa: E402 - after the path is set
from textual.widgets import Input  # noqa: E402 - with the others

FOLDER = ROOT / "screenshots"
MOMENT = "2027-05-02T15:40:00+00:00"
PASTE = f"{SERVER}/j/{CODE}"


def hold(s: Stage) -> None:
    """The server takes its time."""
    s.world.hold = True


def lose_network(s: Stage) -> None:
    """What is done from now on waits."""
    s.world.hold = True
    s.world.set_status(state="offline", waiting=3)


def at_home(s: Stage) -> None:
    """The settings are where they would be."""
    s.app.folders = replace(s.app.folders, config=Path("/home/ana/.config/roadcrew"))


@dataclass(frozen=True)
class Picture:
    """One picture: where the app is, what happens there, the keys that lead on (with PASTE among them), and what must
    be on it."""

    name: str
    size: tuple[int, int]
    wanted: str
    keys: str = ""
    scene: Callable[[], Scene] = lisbon
    tab: str = ""
    start: str = "trip"
    event: Callable[[Stage], None] | None = None
    theme: str = "dark"


PICTURES = (
    Picture("lobby", (100, 12), "Dolomites", start="lobby"),
    Picture("trip-overview", (120, 18), "LATELY"),
    Picture("trip-polls", (120, 19), "Belém", "down enter", tab="polls"),
    Picture("trip-hotels", (120, 14), "Casa Azul", tab="hotels"),
    Picture("poll-decided-by-four", (98, 18), "sending", "up enter down down y", deciding, "polls", event=hold),
    Picture("offline", (98, 18), "waits", "space 2 down enter space down down space", tab="hotels", event=lose_network),
    Picture("invite", (100, 23), "INVITE", "i"),
    Picture("join", (84, 17), "JOIN A TRIP", "j PASTE tab E l i f", start="welcome"),
    Picture("history", (100, 22), "can be brought back", "h", dropping),
    Picture("search", (100, 22), "Looked through", "slash c a s a"),
    Picture("settings", (100, 24), "In the file", "comma down down down", event=at_home),
    Picture("trip-overview-light", (120, 18), "LATELY", theme="light"),
    Picture("trip-overview-80x24", (80, 24), "NEEDS YOU"),
    Picture("book", (120, 24), "Together", "enter enter enter plus plus down down plus", booking, "book"),
    Picture("quotes", (120, 26), "Quickbed", "enter", pricing, "quotes"),
    Picture("imports", (100, 22), "Baixa Rooms", "f enter down", importing, "quotes"),
    Picture("talk", (100, 26), "shall we take the metro", "", talking, "talk"),
    Picture("cart", (80, 24), "ends in", "tab tab tab", booking, "book"),
)


async def draw(picture: Picture) -> str:
    """The picture as SVG."""
    first_run, in_trip = picture.start == "welcome", picture.start == "trip"
    with tempfile.TemporaryDirectory() as home:
        async with staged(
            Path(home), picture.scene(), size=picture.size, tab=picture.tab, in_trip=in_trip, first_run=first_run,
            server=SERVER, maker=Maker,
        ) as stage:  # fmt: skip
            stage.app.theme = picture.theme
            if picture.event is not None:
                picture.event(stage)
            for key in picture.keys.split():
                await (stage.paste(PASTE) if key == "PASTE" else stage.press(key))
            await stage.sees(picture.wanted)
            stage.app.clear_notifications()
            await stage.settle()
            return picture_of(stage.app, "Roadcrew")


def main() -> int:
    """0 when all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when one is stale")
    check = parser.parse_args().check
    Input._toggle_cursor = lambda _: None  # type: ignore[method-assign]
    stale = []
    for picture in PICTURES:
        with time_machine.travel(MOMENT, tick=False):
            svg = asyncio.run(draw(picture))
        file = FOLDER / f"{picture.name}.svg"
        if not file.exists() or file.read_text("utf-8") != svg:
            stale.append(file.name)
            if not check:
                file.write_text(svg, "utf-8")
    unknown = {f.name for f in FOLDER.glob("*.svg")} - {f"{p.name}.svg" for p in PICTURES}
    for name in stale:
        print(f"{name} {'is stale' if check else 'redrawn'}")
    for name in sorted(unknown):
        print(f"{name} belongs to no picture")
    return 1 if (check and stale) or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
