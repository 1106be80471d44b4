"""How many frames a second a feed of comments scrolls at, headless, and how long it takes to open and to hear of one
more, with 10,000 comments beside 100, in one run.

    uv run python bench/scroll.py [--comments 10000] [--frames 1500] [--json FILE]

A frame is what one turn of the wheel, or one page, comes to until the bytes for a terminal are there: layout, drawing,
and what Textual makes of it. No terminal draws them. Comments are of one word to a few lines, some in other scripts.
Promise: at least 30 frames a second, and opened in at most twice the time of 100.
"""

import asyncio
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from report import arguments, percentile, table, write  # noqa: E402 - after the path is set
from tests.tui.streams import Bare, frame, streaming, text_of  # noqa: E402 - after the path is set

from roadcrew_domain.feed_state import Feed, Item  # noqa: E402 - after the path is set
from roadcrew_domain.ids import uuid7  # noqa: E402 - after the path is set
from roadcrew_tui.screens.talk_model import Reader, Since  # noqa: E402 - after the path is set
from roadcrew_tui.screens.talk_shelf import Shelf  # noqa: E402 - after the path is set
from roadcrew_tui.widgets.stream import Stream  # noqa: E402 - after the path is set

LEAST_FRAMES, MOST_RATIO = 30.0, 2.0
SIZES = ((80, 24), (120, 36))
FEW, PAGE, TIMES = 100, 100, 15
READER = Reader("somebody", {}, frozenset(), Since())


def comments(count: int) -> list[Item]:
    """Some comments by seven people, a minute apart."""
    began = datetime.now(UTC) - timedelta(minutes=count)
    return [
        Item(
            id=uuid7(n, b"no chance!"),
            no=n + 1,
            by=f"person-{n % 7}",
            name=f"Person {n % 7}",
            at=began + timedelta(minutes=n),
            text=text_of(n),
        )
        for n in range(count)
    ]


def feed_of(items: list[Item]) -> Feed:
    """As a server tells it: how many there are, and the newest."""
    return Feed("comments", None, items[0].at, items[-1].at, len(items), tuple(items[-PAGE:]))


def draw(app: Bare, shelf: Shelf) -> None:
    """As the tab of talk does when something has changed."""
    now = datetime.now(UTC)
    app.query_one(Stream).show(shelf.entries(READER, {}, now, ()), before=shelf.before)
    frame(app)


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = perf_counter()
    work()
    return perf_counter() - began


def opened(app: Bare, feed: Feed) -> float:
    """Seconds from the state of a feed to its newest comments on the screen."""
    app.query_one(Stream).show([])
    shelf = Shelf()

    def work() -> None:
        shelf.take(feed)
        draw(app, shelf)

    return timed(work)


def scrolled(app: Bare, turn: Callable[[], object], frames: int) -> list[float]:
    """Seconds of each frame, from the end upwards."""
    app.query_one(Stream).to_end()
    frame(app)
    return [timed(lambda: (turn(), frame(app))) for _ in range(frames)]


async def measure(size: tuple[int, int], items: list[Item], frames: int) -> dict[str, float]:
    """All of it, at one size."""
    few = comments(FEW)
    async with streaming(size=size) as (app, stream, _):
        openings = [(opened(app, feed_of(few)), opened(app, feed_of(items))) for _ in range(TIMES)]
        shelf = Shelf()
        shelf.take(feed_of(items))
        while shelf.before:
            shelf.put_before(items[max(0, shelf.before - PAGE) : shelf.before])
        draw(app, shelf)
        wheel = scrolled(app, lambda: stream._scroll(-3), frames)
        pages = scrolled(app, lambda: stream.action_page(-1), frames)
        more = comments(len(items) + TIMES)
        news = []
        for count in range(len(items) + 1, len(more) + 1):
            shelf.take(feed_of(more[:count]))
            news.append(timed(lambda: draw(app, shelf)))
    return {
        "wheel frames/s": len(wheel) / sum(wheel),
        "page frames/s": len(pages) / sum(pages),
        "slowest 1 % ms": 1000 * percentile([*wheel, *pages], 0.99),
        "open 100 ms": 1000 * statistics.median(f for f, _ in openings),
        "open all ms": 1000 * statistics.median(m for _, m in openings),
        "ratio": statistics.median(m / f for f, m in openings),
        "one more ms": 1000 * statistics.median(news),
    }


def main() -> None:
    """Measure, and say."""
    given = arguments(__doc__.partition("\n")[0], comments=10_000, frames=1_500)
    items = comments(given.comments)
    figures = {f"{c}x{r}": asyncio.run(measure((c, r), items, given.frames)) for c, r in SIZES}
    rows = [
        (
            size,
            *found.values(),
            "yes"
            if min(found["wheel frames/s"], found["page frames/s"]) >= LEAST_FRAMES and found["ratio"] <= MOST_RATIO
            else "NO",
        )
        for size, found in figures.items()
    ]
    head = next(iter(figures.values()))
    table((f"{given.comments:,} comments", *head, f">= {LEAST_FRAMES:g}, <= {MOST_RATIO:g}"), rows)
    write(given.json, "scroll", {"comments": given.comments, "least": LEAST_FRAMES, "ratio": MOST_RATIO, **figures})


if __name__ == "__main__":
    main()
