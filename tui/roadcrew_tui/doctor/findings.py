"""What was found: plain sentences, each with what to do where there is something to do. Pure. Not for looking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from roadcrew_tui.plain import safe
from roadcrew_tui.symbols import sign

State = Literal["good", "note", "bad", "unreachable"]
"""`note`: worth knowing, and nothing is broken; `bad`: something does not work; `unreachable`: so is the server."""

ALL_WELL, SOMETHING_BAD, UNREACHABLE = 0, 1, 4
LONGEST = 120
"""Characters of a server's own words that are shown."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `facts` are for programs, by their names in JSON."""

    area: str
    state: State
    words: str
    mend: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


def theirs(text: object) -> str:
    """What a server or a file says, as harmless text in one of our sentences."""
    return safe(text)[:LONGEST]


def status_of(findings: Iterable[Finding]) -> int:
    """The exit status."""
    states = {finding.state for finding in findings}
    return UNREACHABLE if "unreachable" in states else SOMETHING_BAD if "bad" in states else ALL_WELL


def lines_of(finding: Finding) -> list[str]:
    """A finding as people read it."""
    marks = {"good": sign().yes, "note": sign().nothing, "bad": sign().no, "unreachable": sign().no}
    lines = [f"  {marks[finding.state]} {finding.words}"]
    return [*lines, f"    {finding.mend}"] if finding.mend else lines


def closing(findings: Iterable[Finding]) -> str:
    """How it is, all in all."""
    wrong = sum(finding.state in ("bad", "unreachable") for finding in findings)
    if not wrong:
        return "All well."
    return "One thing does not work." if wrong == 1 else f"{wrong} things do not work."


def as_json(findings: list[Finding], server: str | None) -> dict[str, Any]:
    """All of it for programs."""
    status = status_of(findings)
    return {
        "ok": status == ALL_WELL,
        "status": status,
        "server": server,
        "findings": [
            {"area": f.area, "state": f.state, "words": f.words, "mend": f.mend or None, "facts": dict(f.facts)}
            for f in findings
        ],
    }
