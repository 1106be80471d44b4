"""A small language for places in JSON: `offers[*].price.total`, `$.rates["a key"][0]`.

It has names, numbers and `[*]`, and nothing that counts, compares or repeats, so it takes no longer than the answer is
long; and it leaves amounts as they were read. Not for what is found there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MAX_PATH = 200
"""Characters."""
MAX_FOUND = 1_000
"""Values that one path may find; more is an error."""

_STEP = re.compile(
    r"""\.?(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|\[(?:(?P<every>\*)|(?P<at>[0-9]{1,4})|"(?P<key>[^"\[\]]{1,100})")\]"""
)


class Path:
    """A place, or several. `str()` of it is how it was written."""

    def __init__(self, written: str) -> None:
        """Raises ValueError with a sentence."""
        self._written = written
        self._steps: list[str | int | None] = []
        rest = written.removeprefix("$") if len(written) <= MAX_PATH else "?"
        at = 0
        while at < len(rest):
            step = _STEP.match(rest, at)
            if step is None or (rest[at] not in ".[" and at + len(written) - len(rest) > 0):
                raise ValueError('A path is written such as $.offers[*].price.total, or $.rates["a key"][0].')
            if step["at"] is not None:
                self._steps.append(int(step["at"]))
            else:
                self._steps.append(step["name"] or step["key"])
            at = step.end()

    def __str__(self) -> str:
        return self._written

    def all(self, document: Any) -> list[Any]:
        """What is there, in order. Raises ValueError when that is more than `MAX_FOUND`."""
        found = [document]
        for step in self._steps:
            found = [inner for value in found for inner in _inner(value, step)]
            if len(found) > MAX_FOUND:
                raise ValueError("Its answer has too many values.")
        return found

    def one(self, document: Any) -> Any:
        """What is there first. Raises LookupError when nothing is."""
        for value in self.all(document):
            return value
        raise LookupError(self._written)


def _inner(value: Any, step: str | int | None) -> Iterator[Any]:
    match step, value:
        case None, list():
            yield from value[: MAX_FOUND + 1]
        case None, dict():
            yield from list(value.values())[: MAX_FOUND + 1]
        case int(), list() if step < len(value):
            yield value[step]
        case str(), dict() if step in value:
            yield value[step]
