"""A feed read to its end without a socket, cut and begun again wherever a test wants; and with small bounds."""

import contextlib
import itertools
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

from roadcrew_domain.jobs_state import Checkpoint, FeedFormat, ImportedHotel, RefusedRow
from roadcrew_price_monitor import csv_feed, json_feed, parser, reading
from roadcrew_price_monitor.memory import Memory
from roadcrew_price_monitor.parser import Parser
from roadcrew_price_monitor.refused import BadFeed

HEAD = "name,city,stars,price,currency\n"
NOW = 1_800_000_000.0


class Read:
    """What became of a feed: rows by line, how it ended, and each place where one could go on."""

    def __init__(self) -> None:
        self.hotels: list[ImportedHotel] = []
        self.refused: list[RefusedRow] = []
        self.ended: str | None = None
        self.rows = 0
        self.checkpoints: list[tuple[Checkpoint, int, int]] = []

    @property
    def said(self) -> tuple[list[ImportedHotel], list[RefusedRow], str | None, int]:
        """All that a server would hear."""
        return self.hotels, self.refused, self.ended, self.rows

    @property
    def codes(self) -> list[tuple[int, str]]:
        """Which lines were refused, and for what."""
        return [(row.line, row.code) for row in self.refused]

    @property
    def names(self) -> list[str]:
        """The hotels that were taken."""
        return [hotel.name for hotel in self.hotels]


def memory(file: Path | str = ":memory:", now: float = NOW) -> Memory:
    """A memory whose clock stands still."""
    return Memory(Path(file), lambda: now)


def read(
    feed: bytes | str,
    kind: FeedFormat = "csv",
    *,
    currency: str | None = None,
    cuts: Sequence[int] = (),
    begin: Checkpoint | None = None,
    into: Memory | None = None,
    job: str = "job",
    steps: int | None = None,
) -> Read:
    """The feed, cut at those bytes, from a checkpoint on; at most so many steps, as if the process died then."""
    data = feed.encode() if isinstance(feed, str) else feed
    result = Read()
    remembered = into or memory()
    try:
        reading_it = Parser(job, kind, currency, begin or Checkpoint(), remembered)
        pieces = sorted({cut for cut in cuts if reading_it.begins < cut < len(data)} | {reading_it.begins, len(data)})
        for first, last in [*itertools.pairwise(pieces), (0, 0)]:
            if last:
                reading_it.take(data[first:last])
            else:
                reading_it.end()
            while (found := reading_it.step()) is not None:
                result.hotels += found.hotels
                result.refused += found.refused
                result.checkpoints.append((reading_it.checkpoint, len(result.hotels), len(result.refused)))
                if steps is not None and len(result.checkpoints) >= steps:
                    return result
        result.rows = reading_it.rows
    except BadFeed as error:
        result.ended = str(error)
    return result


@contextlib.contextmanager
def small_bounds(row: int = 48, step: int = 3) -> Iterator[None]:
    """Rows of so many bytes at most and steps of so many rows, so that short feeds reach every bound."""
    with contextlib.ExitStack() as stack:
        for module in (reading, csv_feed, json_feed, parser):
            for name, value in (("MOST_ROW", row), ("PIECE", row + 1), ("STEP", step)):
                if hasattr(module, name):
                    stack.enter_context(mock.patch.object(module, name, value))
        yield


def generated(rows: int, *, bad: int = 0, seed: int = 1) -> Iterator[str]:
    """A CSV feed, line by line. Every `bad`-th row has something wrong with it."""
    chance = random.Random(seed)
    yield HEAD
    for n in range(1, rows + 1):
        if bad and n % bad == 0:
            yield f"Hotel {n},Lisbon,9,{chance.randint(20, 400)},EUR\n"
        else:
            price = f"{chance.randint(20, 400)}.{chance.randint(0, 99):02d}"
            yield f"Hotel {n},City {n % 700},{n % 6},{price},EUR\n"
