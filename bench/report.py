"""What all benches share: percentiles, a table on stdout, and the same as JSON."""

import argparse
import json
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def arguments(description: str, **defaults: int) -> argparse.Namespace:
    """`--json FILE`, and an option for each of `defaults`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value, help=f"default {value}")
    return parser.parse_args()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median, 50th and 99th percentile, least and most."""
    return {
        "median": statistics.median(values),
        "p99": percentile(values, 0.99),
        "min": min(values),
        "max": max(values),
        "n": len(values),
    }


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a head, columns aligned."""
    text = [[_word(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in text) for i in range(len(head))]
    for row in text:
        first, *rest = zip(row, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]))


def write(path: Path | None, name: str, figures: dict[str, Any]) -> None:
    """Write the figures with what they were measured on."""
    document = {"bench": name, "python": platform.python_version(), "machine": platform.machine(), **figures}
    if path is not None:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    else:
        json.dump(document, sys.stdout)
        print()


def _word(cell: object) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
