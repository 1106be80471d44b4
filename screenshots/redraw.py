"""Redraw the pictures of the README and the guide, or say which are stale.

    uv run python screenshots/redraw.py            redraw all
    uv run python screenshots/redraw.py --check    exit 1 when one is not what the app would draw now

The clock is fixed, the people and what they do come from the scenes of tests/tui, sizes are fixed. What is drawn
is the true app over a stand-in for the client, so no server is needed.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.update(TZ="UTC", LANG="en_GB.UTF-8", COLORTERM="truecolor")
time.tzset()

import time_machine  # noqa: E402 - after the zone is set
from tests.tui.conftest import Stage, staged  # noqa: E402 - after the path is set

FOLDER = ROOT / "screenshots"
MOMENT = "2027-05-02T15:40:00+00:00"


@dataclass(frozen=True)
class Picture:
    """One picture: its file, its size, where the app is, and the keys that lead to it."""

    name: str
    size: tuple[int, int] = (116, 24)
    tab: str = ""
    keys: Sequence[str] = ()
    wanted: str = ""
    theme: str = "dark"
    in_trip: bool = True


PICTURES = (
    Picture("lobby", (100, 16), in_trip=False, wanted="Lisbon"),
    Picture("trip-overview", wanted="LATELY"),
    Picture("trip-polls", tab="polls", wanted="Wed 20 May"),
    Picture("trip-hotels", tab="hotels", wanted="Casa Azul"),
    Picture("trip-overview-80x24", (80, 24), wanted="NEEDS YOU"),
    Picture("trip-polls-80x24", (80, 24), tab="polls", wanted="Wed 20 May"),
    Picture("trip-overview-light", theme="light", wanted="NEEDS YOU"),
    Picture("invite", (100, 28), keys=("i",), wanted="INVITE"),
    Picture("help", (100, 36), keys=("question_mark",), wanted="EVERYWHERE"),
)


async def draw(picture: Picture) -> str:
    """The picture as SVG."""
    with tempfile.TemporaryDirectory() as home:
        async with staged(Path(home), size=picture.size, tab=picture.tab, in_trip=picture.in_trip) as stage:
            stage.app.theme = picture.theme
            await stage.press(*picture.keys)
            await stage.sees(picture.wanted)
            await quiet(stage)
            return stage.app.export_screenshot(title="Roadcrew")


async def quiet(stage: Stage) -> None:
    """Wait until nothing changes on the screen, toasts included."""
    stage.app.clear_notifications()
    before = ""
    while before != (now := stage.app.export_screenshot()):
        before = now
        for _ in range(3):
            await stage.pilot.pause()
            await asyncio.sleep(0.02)


def main() -> int:
    """0 when all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when one is stale")
    check = parser.parse_args().check
    stale = []
    for picture in PICTURES:
        with time_machine.travel(MOMENT, tick=True):
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
