"""How long things took, kept in a fixed space however many there were: a histogram with steps of 4 %."""

from __future__ import annotations

import math

_FINEST = 1e-5
"""Seconds; the first bucket holds all that is shorter."""
_PER_DOUBLING = 16
_BUCKETS = 40 * _PER_DOUBLING
"""Up to 127 days."""


class Latencies:
    """Seconds go in, milliseconds come out."""

    def __init__(self) -> None:
        self.count = 0
        self._longest = 0.0
        self._buckets = [0] * _BUCKETS

    def add(self, seconds: float) -> None:
        """One more."""
        self.count += 1
        self._longest = max(self._longest, seconds)
        place = int(math.log2(seconds / _FINEST) * _PER_DOUBLING) if seconds > _FINEST else 0
        self._buckets[min(place, _BUCKETS - 1)] += 1

    @property
    def longest(self) -> float | None:
        """Milliseconds, exactly; None if there was none."""
        return self._longest * 1e3 if self.count else None

    def percentile(self, part: float) -> float | None:
        """Milliseconds within which this part of all was done, to within 4 %; None if there was none."""
        if not self.count:
            return None
        wanted, seen = part * self.count, 0
        for place, found in enumerate(self._buckets):
            seen += found
            if seen >= wanted and found:
                return min(_FINEST * 2 ** ((place + 1) / _PER_DOUBLING), self._longest) * 1e3
        return self.longest
