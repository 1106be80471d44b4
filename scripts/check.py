"""Run every gate, as CI does, and say how long each took.

    uv run python scripts/check.py          all gates
    uv run python scripts/check.py ruff     those whose name contains "ruff"

Each gate is a command of its own, to be run alone when it fails. Tests are not a gate here:
`uv run pytest`. Needs only the standard library; the gates come from the dev group.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REDRAW = ROOT / "screenshots" / "redraw.py"
GATES = {
    "ruff check": ["ruff", "check"],
    "ruff format": ["ruff", "format", "--check"],
    "mypy": ["mypy"],
    "imports": ["lint-imports", "--no-logo"],
    "pins": [sys.executable, "scripts/pin.py", "--check"],
    "settings": [sys.executable, "scripts/settings_table.py", "--check"],
    "commands": [sys.executable, "scripts/command_reference.py", "--check"],
    "http api": [sys.executable, "scripts/api_reference.py", "--check"],
    "site": [sys.executable, "scripts/docs_site.py", "--check"],
}
if REDRAW.exists():
    GATES["screenshots"] = [sys.executable, str(REDRAW.relative_to(ROOT)), "--check"]


def passes(name: str, command: list[str]) -> bool:
    """Run one gate and print its line; a failing one shows all that it said."""
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name:<12} {seconds:5.1f} s", flush=True)
    if done.returncode:
        print(f"$ {' '.join(command)}\n{done.stdout}", flush=True)
    return done.returncode == 0


def main() -> int:
    """0 when all chosen gates pass, 1 when one does not, 2 when none is called that."""
    words = sys.argv[1:]
    chosen = {name: command for name, command in GATES.items() if not words or any(word in name for word in words)}
    if not chosen:
        print(f"no such gate; there are: {', '.join(GATES)}", file=sys.stderr)
        return 2
    results = [passes(name, command) for name, command in chosen.items()]  # each runs, whatever became of those before
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
