"""Comments a second in, deliveries a second out, and the memory of 1,000 feeds with 30 readers each, over both stores.

    uv run python bench/feeds.py [--runs 3] [--feeds 1000] [--quick] [--json FILE]

A feed is the comments of a hotel, so whoever is signed in reads it. In: 64 connections write comments, each on
the disk before its answer (SQLite `synchronous=FULL`, Valkey `appendfsync always`), on one hot feed (whose old comments
go into pages meanwhile) and on all feeds in turn, while nobody reads. Out: 8 connections write while every feed has 30
readers; a run is over when each reader has each comment once. Readers come in two shapes: each with a stream of its own
for its one feed, in as many feeds as one process may have streams for (its limit, and that of open files); and each
following 30 feeds over one stream, as a terminal does, in all feeds.

Memory is resident memory of a server process of its own, without what the kernel holds for its sockets: before anybody
reads, with a third of the readers, with all. The server (and Valkey) has one core, the load generator another.
"""

import gc
import os
import re
import resource
import select
import socket
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from contestants import LOAD_CORE, SERVER_CORE  # noqa: E402 - after the path is set
from load import Caller, cpu_seconds, on_core, request, resident_bytes  # noqa: E402 - after the path is set
from report import arguments, percentile, table, write  # noqa: E402 - after the path is set
from tests.support.serving import ServerProcess  # noqa: E402 - after the path is set
from tests.support.valkey import ValkeyProcess  # noqa: E402 - after the path is set
from trips import guests, trip_of  # noqa: E402 - after the path is set

from roadcrew_domain.places import hotel_place  # noqa: E402 - after the path is set

READERS = 30
"""Of each feed."""
TOGETHER = 30
"""Feeds that one stream follows, in the second shape."""
PEOPLE = 60
HOTELS = 100
"""Shortlisted on one trip."""
WRITERS, AMONG_READERS = 64, 8
"""Connections that write, while nobody reads and while all do."""
SECONDS, QUICK_SECONDS = 2.0, 0.5
FILES_LEFT = 1_500
"""Open files that are not streams."""
MOST_STREAMS = 18_000
OPENED_AT_ONCE = 50
WHOLE = 120.0
"""Seconds until everything must have arrived."""
NUMBER = re.compile(rb'"text":"no (\d+)"')
ALONE, SHARED = "a stream each", f"{TOGETHER} feeds a stream"


@dataclass
class Case:
    """One kind of load, and what was measured of it, a value for each run; every wait in seconds."""

    store: str
    load: str
    feeds: int
    streams: int = 0
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    def figures(self, unread: float) -> dict[str, float]:
        """`unread`: CPU seconds of a comment that nobody reads."""
        each = statistics.median(self.cpu)
        out = READERS if self.streams else 0
        return {
            "feeds": self.feeds,
            "streams": self.streams,
            "comments_per_second": statistics.median(self.rates),
            "deliveries_per_second": out * statistics.median(self.rates),
            "cpu_ms_per_comment": 1e3 * each,
            "cpu_us_per_delivery": 1e6 * (each - unread) / out if out else 0.0,
            "answer_p50_ms": 1e3 * percentile(self.answers, 0.5),
            "answer_p99_ms": 1e3 * percentile(self.answers, 0.99),
            "arrival_p50_ms": 1e3 * percentile(self.arrivals, 0.5) if out else 0.0,
            "arrival_p99_ms": 1e3 * percentile(self.arrivals, 0.99) if out else 0.0,
            "generator_busy": statistics.median(self.busy),
        }


class House:
    """A server over one store, so many hotels that were shortlisted there, and people who talk about them."""

    def __init__(self, place: Path, store: str | None, feeds: int) -> None:
        place.mkdir()
        with on_core(SERVER_CORE):
            self.process = ServerProcess(place, store=store, streams_per_user=MOST_STREAMS, max_streams=20_000).start()
        self.address = ("127.0.0.1", self.process.port)
        caller = Caller(self.address)
        self.tokens = guests(caller, PEOPLE)
        trips = [trip_of(caller, self.tokens[:1], "Trip")[0].trip for _ in range(0, feeds, HOTELS)]
        for n in range(feeds):
            price = {"amount": 8400, "currency": "EUR"}
            hotel = {
                "tripId": trips[n // HOTELS],
                "name": f"Hotel {n}",
                "city": "Lisbon",
                "stars": 3,
                "pricePerNight": price,
            }
            caller.post("/api/social-cart/hotels/shortlist", hotel, self.tokens[0])
        caller.close()
        self.feeds = feeds
        self._made = count(1)

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return resident_bytes(self.process.pid)

    def comments(self, feeds: int) -> Iterator[tuple[int, bytes]]:
        """The requests that write comments on so many feeds in turn, each with its number."""
        for n in self._made:
            headers = {**self._who(n), "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
            path = f"/api/feeds/location/{location(n % feeds)}/comments"
            yield n, request("POST", path, headers, b'{"text":"no %d"}' % n)

    def alone(self, feeds: int) -> list[bytes]:
        """The requests of so many feeds' readers, who each have a stream of their own."""
        paths = [f"/api/subscribe/location/{location(n)}/comments" for n in range(feeds)]
        return [self._stream(path, n) for path in paths for n in range(READERS)]

    def together(self) -> list[bytes]:
        """The requests of all feeds' readers, who each follow several."""
        streams = []
        for first in range(self.feeds * READERS // TOGETHER):
            followed = {(first + n) % self.feeds for n in range(TOGETHER)}
            asked = "&".join(f"topic=feed:location:{location(n)}:comments" for n in followed)
            streams.append(self._stream(f"/api/sync?{asked}", first))
        return streams

    def _stream(self, path: str, n: int) -> bytes:
        return request("GET", path, {**self._who(n), "Accept": "text/event-stream"})

    def _who(self, n: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[n % PEOPLE]}"}


def location(n: int) -> str:
    """The location that a hotel is."""
    return hotel_place(f"Hotel {n}", "Lisbon")


class Audience:
    """Open streams, and connections that write: one epoll for all of them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._epoll = select.epoll()
        self._streams: dict[int, socket.socket] = {}
        self._rests: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._streams)

    def open(self, asked: Sequence[bytes]) -> None:
        """Open these streams; back when each has been told the state of what it follows, and nothing comes any more."""
        for first in range(0, len(asked), OPENED_AT_ONCE):
            waiting: dict[int, bytes] = {}
            for one in asked[first : first + OPENED_AT_ONCE]:
                connection = socket.create_connection(self._house.address, timeout=30)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(one)
                connection.setblocking(False)
                fd = connection.fileno()
                self._streams[fd], self._rests[fd], waiting[fd] = connection, b"", b""
                self._epoll.register(fd, select.EPOLLIN)
            while waiting:
                for fd, _ in self._polled():
                    part = self._streams[fd].recv(1 << 18)
                    if not part:
                        raise RuntimeError(f"a stream was cut: {waiting.get(fd, b'')[:300]!r}")
                    if fd in waiting:
                        waiting[fd] += part
                        if b'"channel":"comments"' in waiting[fd]:
                            del waiting[fd]
        self.drain()

    def drain(self, quiet: float = 0.5) -> None:
        """Read until nothing has come for a while."""
        deadline = time.monotonic() + WHOLE
        while ready := self._epoll.poll(quiet):
            if time.monotonic() > deadline:
                raise RuntimeError("the streams do not come to rest")
            for fd, _ in ready:
                self._streams[fd].recv(1 << 18)

    def run(self, case: Case, comments: Iterator[tuple[int, bytes]], seconds: float, writers: int) -> None:
        """Write for so long, and read until every reader has everything once."""
        callers = {c.socket.fileno(): c for c in (Caller(self._house.address) for _ in range(writers))}
        began_at: dict[int, float] = {}
        under_way: dict[int, int] = {}
        answers, arrivals = 0, 0

        def ask(fd: int) -> None:
            under_way[fd], sent = next(comments)
            began_at[under_way[fd]] = time.perf_counter()
            callers[fd].send(sent)

        pid = self._house.process.pid
        cpu, own, began = cpu_seconds(pid), time.process_time(), time.perf_counter()
        for fd in callers:
            self._epoll.register(fd, select.EPOLLIN)
            ask(fd)
        readers = READERS if self._streams else 0
        while under_way or arrivals < answers * readers:
            for fd, _ in self._polled():
                now = time.perf_counter()
                if fd not in callers:
                    arrivals += self._arrived(fd, case, began_at)
                elif callers[fd].read() is not None:
                    answers += 1
                    case.answers.append(now - began_at[under_way.pop(fd)])
                    if now - began < seconds:
                        ask(fd)
                    else:  # the server hangs up on who is silent for a while
                        self._epoll.unregister(fd)
        took = time.perf_counter() - began
        case.busy.append((time.process_time() - own) / took)
        case.cpu.append((cpu_seconds(pid) - cpu) / answers)
        case.rates.append(answers / took)
        if arrivals > answers * readers:
            raise RuntimeError("a comment came twice")
        for caller in callers.values():
            caller.close()

    def _arrived(self, fd: int, case: Case, began_at: dict[int, float]) -> int:
        part = self._streams[fd].recv(1 << 16)
        now = time.perf_counter()
        if not part:
            raise RuntimeError("a stream was cut")
        whole, _, self._rests[fd] = (self._rests[fd] + part).rpartition(b"\n")
        numbers = NUMBER.findall(whole)
        case.arrivals += [now - began_at[int(number)] for number in numbers]
        return len(numbers)

    def _polled(self) -> list[tuple[int, int]]:
        ready = self._epoll.poll(WHOLE)
        if not ready:
            raise RuntimeError("the server says nothing any more")
        return ready

    def close(self) -> None:
        """Hang up, all of them."""
        self._epoll.close()
        for connection in self._streams.values():
            connection.close()


@dataclass
class Memory:
    """Resident bytes of a server: before anybody read, with a third of the readers, with all of so many feeds'."""

    store: str
    shape: str
    feeds: int
    streams: int
    before: int
    third: int
    all: int

    def figures(self) -> dict[str, float]:
        """The slope, so that what a first reader brings once does not count."""
        stream = (self.all - self.third) / (self.streams - self.streams // 3)
        return {
            "feeds": self.feeds,
            "streams": self.streams,
            "before_mib": self.before / 2**20,
            "all_mib": self.all / 2**20,
            "kb_per_stream": stream / 1000,
            "kb_per_feed": stream * self.streams / self.feeds / 1000,
            "mib_for_1000_feeds": (self.before + 1000 * stream * self.streams / self.feeds) / 2**20,
        }


def unread(audience: Audience, house: House, store: str, runs: int, seconds: float) -> list[Case]:
    """Comments on which nobody waits, in turns."""
    cases = [Case(store, "one feed, unread", 1), Case(store, "all feeds, unread", house.feeds)]
    for case in (*(Case(store, "to warm up", case.feeds) for case in cases), *cases * runs):
        audience.run(case, house.comments(case.feeds), seconds, WRITERS)
    return cases


def measured(store: str, place: Path, url: str | None, feeds: int, runs: int, seconds: float) -> list[Case | Memory]:
    """Everything over one store, with a server for each shape of readers."""
    streams = min(MOST_STREAMS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - FILES_LEFT)
    read_alone = min(feeds, streams // READERS)
    found: list[Case | Memory] = []
    for shape in (ALONE, SHARED):
        house = House(place / f"{store}-{len(found)}", url, feeds)
        audience = Audience(house)
        try:
            if shape == ALONE:
                found += unread(audience, house, store, runs, seconds)
            asked = house.alone(read_alone) if shape == ALONE else house.together()
            before = house.memory
            audience.open(asked[: len(asked) // 3])
            third = house.memory
            audience.open(asked[len(asked) // 3 :])
            read = read_alone if shape == ALONE else feeds
            found.append(Memory(store, shape, read, len(audience), before, third, house.memory))
            case = Case(store, f"{READERS} readers, {shape}", read, len(audience))
            gc.collect()
            for into in (Case(store, "to warm up", read, len(audience)), *[case] * runs):
                audience.run(into, house.comments(read), seconds, AMONG_READERS)
            found.append(case)
        finally:
            audience.close()
            house.process.kill()
    return found


def tell(cases: dict[str, dict[str, float]], memory: dict[str, dict[str, float]]) -> None:
    """Print both tables."""
    head = ("comments/s", "ms CPU each", "answer p50", "p99 ms", "deliveries/s", "µs CPU each", "arrival p50", "p99 ms")
    table(
        ("", "feeds", "streams", *head, "gen. busy"),
        [
            (
                name,
                f["feeds"],
                f["streams"],
                f"{f['comments_per_second']:,.0f}",
                f"{f['cpu_ms_per_comment']:.2f}",
                *(f"{f[key]:.1f}" for key in ("answer_p50_ms", "answer_p99_ms")),
                f"{f['deliveries_per_second']:,.0f}",
                *(f"{f[key]:.1f}" for key in ("cpu_us_per_delivery", "arrival_p50_ms", "arrival_p99_ms")),
                f"{f['generator_busy']:.0%}",
            )
            for name, f in cases.items()
        ],
    )
    print()
    head = ("feeds", "streams", "MiB before", "MiB with all", "KB a stream", "KB a feed", "MiB for 1,000 feeds")
    table(("memory", *head), [(name, *(f"{value:,.1f}" for value in f.values())) for name, f in memory.items()])
    print()


def main() -> None:
    """Measure, and say."""
    if quick := "--quick" in sys.argv:
        sys.argv.remove("--quick")
    words = str(__doc__).partition("\n")[0] + " --quick: a small look."
    given = arguments(words, runs=1 if quick else 3, feeds=60 if quick else 1000)
    seconds = QUICK_SECONDS if quick else SECONDS
    found: list[Case | Memory] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Path(folder)
        with on_core(SERVER_CORE):
            valkey = stack.enter_context(ValkeyProcess(place / "valkey"))
        with on_core(LOAD_CORE):
            for store, url in (("sqlite", None), ("valkey", valkey.url)):
                found += measured(store, place, url, given.feeds, given.runs, seconds)
    alone = {c.store: statistics.median(c.cpu) for c in found if isinstance(c, Case) and c.load.startswith("all")}
    cases = {f"{c.store}: {c.load}": c.figures(alone[c.store]) for c in found if isinstance(c, Case)}
    memory = {f"{m.store}: {m.shape}": m.figures() for m in found if isinstance(m, Memory)}
    tell(cases, memory)
    figures: dict[str, Any] = {"runs": given.runs, "cores": os.cpu_count(), "cases": cases, "memory": memory}
    write(given.json, "feeds", figures)


if __name__ == "__main__":
    main()
