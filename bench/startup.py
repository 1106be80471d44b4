"""How long from spawn to the first useful paint, beside a bare Textual app, in one run, in a real terminal.

    uv run python bench/startup.py [--pairs 15] [--json FILE]

Pairs are interleaved, so that a machine that gets slower does so for both. Two cases: somebody who has never
used it (the first question), and somebody who has trips (the lobby with their names).
Promise: at most 1.25 times the bare app, as the median of the pairs' ratios.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from report import arguments, summary, table, write  # noqa: E402 - after the path is set
from tests.support.terminal import Terminal, roadcrew  # noqa: E402 - after the path is set

BARE = [sys.executable, "-P", str(ROOT / "bench" / "bare_app.py")]
PROMISE = 1.25


def paint_time(command: list[str], wanted: str, home: str) -> float:
    """Seconds from spawn until `wanted` is on the screen."""
    with Terminal(command, environment={"ROADCREW_HOME": home}) as terminal:
        return terminal.wait_for(wanted, 30) - terminal.started


def settle_in(home: Path) -> None:
    """A home of somebody who has used it before and has a trip."""
    for folder in ("config", "state", "data"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "config" / "config.toml").write_text('server = "http://127.0.0.1:9"\nname = "Ana"\n', encoding="utf-8")
    trip = {"id": "t", "name": "Lisbon in May", "startsOn": None, "endsOn": None, "members": 3, "needed": 4}
    memory = {"http://127.0.0.1:9": {"lobby": {"trips": [trip]}}}
    (home / "state" / "memory.json").write_text(json.dumps(memory), encoding="utf-8")


def main() -> None:
    """Measure, and say."""
    given = arguments(__doc__.partition("\n")[0], pairs=15)
    figures: dict[str, object] = {"promise": PROMISE}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        settled = Path(folder) / "settled"
        settle_in(settled)
        cases = {"first run": (str(Path(folder) / "new"), "Join a trip"), "with trips": (str(settled), "Lisbon in May")}
        for home, wanted in cases.values():  # warm the file cache for all
            paint_time(BARE, "bare app ready", home)
            paint_time(roadcrew(), wanted, home)
        for case, (home, wanted) in cases.items():
            ours, bare = [], []
            for _ in range(given.pairs):
                bare.append(paint_time(BARE, "bare app ready", home))
                ours.append(paint_time(roadcrew(), wanted, home))
            ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
            figures[case] = {"roadcrew": summary(ours), "bare": summary(bare), "ratio": ratio}
            rows.append(
                (case, statistics.median(ours), statistics.median(bare), ratio, "yes" if ratio <= PROMISE else "NO")
            )
    table(("spawn to first paint", "roadcrew s", "bare s", "ratio", f"<= {PROMISE}"), rows)
    write(given.json, "startup", figures)


if __name__ == "__main__":
    main()
