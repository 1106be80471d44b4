"""A feed and its whole way: a client, a server, the price-monitor service, each a process of its own."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Count, Figure
from tests.price_monitor.server import Process
from tests.support.people import SSE, Person, Stream, connected
from tests.support.serving import ServerProcess, server_process

KEY = "the-key-of-this-test-that-nobody-sees"
CITIES = ("Lisbon", "Porto", "Rome", "Vienna")
BAD = {"100": "bad-stars", "200": "bad-price", "300": "no-name", "0": "duplicate"}


def row(n: int) -> str:
    """The `n`-th row, from 1. One in a hundred is bad, in one of four ways."""
    hotel, price = f"Hotel {n}", f"{20 + n * 7 % 400}.{n % 100:02d}"
    match n % 400:
        case 100:
            return f"{hotel},{CITIES[n % 4]},9,{price},EUR\n"
        case 200:
            return f"{hotel},{CITIES[n % 4]},3,cheap,EUR\n"
        case 300:
            return f",{CITIES[n % 4]},3,{price},EUR\n"
        case 0:
            return row(n - 1)
    return f"{hotel},{CITIES[n % 4]},{n % 6},{price},EUR\n"


def is_good(n: int) -> bool:
    return n % 100 != 0


def good(n: int) -> tuple[Any, ...]:
    """What becomes of the `n`-th row: its line, and what it says."""
    return n + 1, f"Hotel {n}", CITIES[n % 4], n % 6, (20 + n * 7 % 400) * 100 + n % 100, "EUR"


def feed(rows: int) -> Iterator[bytes]:
    yield b"name,city,stars,price,currency\n"
    for n in range(1, rows + 1):
        yield row(n).encode()


async def in_pieces(rows: int) -> AsyncIterator[bytes]:
    """The feed as a client sends it from a file."""
    held = bytearray()
    for line in feed(rows):
        held += line
        if len(held) > 64_000:
            yield bytes(held)
            held.clear()
            await asyncio.sleep(0)
    yield bytes(held)


@dataclass
class Memory:
    """What processes have, in MiB: at first, and the most that was seen."""

    pids: dict[str, int]
    first: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        for name, pid in self.pids.items():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:  # it was killed
                continue
            resident = int(status.partition("VmRSS:")[2].split()[0] or 0) / 1024 if "VmRSS:" in status else 0.0
            self.first.setdefault(name, resident)
            self.most[name] = max(self.most.get(name, 0.0), resident)

    def grown(self, name: str) -> float:
        return self.most[name] - self.first[name]

    @contextmanager
    def watched(self) -> Iterator[None]:
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.02):
                self.look()

        self.look()
        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()


@dataclass
class Scene:
    server: ServerProcess
    http: httpx.AsyncClient
    ana: Person
    trip: str
    said: list[str] = field(default_factory=list)

    async def started(self, rows: int) -> Any:
        """Send a feed; the answer."""
        params = {"tripId": self.trip, "name": "A hundred thousand"}
        answer = await self.ana.request(
            "POST", "/api/jobs", params=params, content=in_pieces(rows), headers={"Content-Type": "text/csv"}
        )
        assert answer.status_code == 202, answer.text
        self.said.append(answer.text)
        return answer.json()

    @asynccontextmanager
    async def following(self, started: Any) -> AsyncIterator[Stream]:
        request = self.http.build_request("GET", started["streamUrl"], headers=self.ana.auth | SSE, timeout=60)
        stream = Stream(await self.http.send(request, stream=True))
        try:
            yield stream
        finally:
            await stream.aclose()
            self.said += [str(frame.data) for frame in stream.frames]

    async def _all(self, job: str, what: str, name: str) -> list[Any]:
        found: list[Any] = []
        after: dict[str, Any] = {}
        while True:
            answer = await self.ana.get(f"/api/jobs/{job}/{what}", limit=200, **after)
            self.said.append(answer.text)
            page = answer.json()
            found += page[name]
            if page["next"] is None:
                return found
            after = {"after": page["next"]}

    async def is_all_in(self, job: str, rows: int, figure: Figure) -> None:
        """Every good row once, every bad one with its reason, and no other."""
        state = (await self.ana.get(f"/api/jobs/{job}")).json()
        self.said.append(str(state))
        bad = rows // 100
        assert (state["status"], state["job"]["counts"]["good"]) == ("finished", rows - bad)
        listed = await self._all(job, "refused", "rows")
        assert [r["line"] for r in listed] == [n + 1 for n in range(100, rows + 1, 100)]
        assert [r["code"] for r in listed] == [BAD[str((r["line"] - 1) % 400)] for r in listed]
        assert all(r["detail"] for r in listed)
        began = time.monotonic()
        hotels = await self._all(job, "hotels", "hotels")
        figure("seconds to read all rows in pages of 200", f"{time.monotonic() - began:.1f}")
        said = [
            (h["line"], h["name"], h["city"], h["stars"], h["pricePerNight"]["amount"], h["pricePerNight"]["currency"])
            for h in hotels
        ]
        assert said == [good(n) for n in range(1, rows + 1) if is_good(n)]


@asynccontextmanager
async def scene(place: Path, service: Process, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setenv("MONITOR_PRICE_APP_HOST", f"127.0.0.1:{service.port}")
    monkeypatch.setenv("PRICE_MONITOR_API_KEY", KEY)
    with server_process(place) as server:
        async with connected(server.url) as http:
            ana = await Person.guest(http, "Ana")
            trip = (await ana.create())["trip"]["id"]
            s = Scene(server, http, ana, trip)
            yield s
        log, said = server.log.read_text(), "\n".join(s.said)
    for text in (log, said, service.log.read_text()):
        assert KEY not in text
    for line in (
        "Client joining import job",
        "Connected to external service for job",
        "Forwarding progress update for job",
    ):
        assert line in log


def told_at(stream: Stream) -> list[float]:
    """When the server told of progress, in seconds."""
    return [datetime.fromisoformat(f.data["at"]).timestamp() for f in stream.frames if f.kind == "progress"]


# R: J1 J2 J3 J5
@pytest.mark.timeout(300)
async def test_a_feed_is_imported_row_by_row_with_flat_memory_and_no_more_than_ten_things_told_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count, figure: Figure
):
    rows = count(reduced=2_000, full=100_000)
    with Process(tmp_path / "data", key=KEY) as service:
        async with scene(tmp_path, service, monkeypatch) as s:
            warm = await s.started(200)
            async with s.following(warm) as stream:
                await stream.next("finished", seconds=30)
            memory = Memory({"server": s.server.pid, "service": service.process.pid})
            began = time.monotonic()
            with memory.watched():
                started = await s.started(rows)
                async with s.following(started) as stream:
                    await stream.next("finished", seconds=120)
                seconds = time.monotonic() - began
                await s.is_all_in(started["jobId"], rows, figure)
            times = told_at(stream)
            figure("rows, and seconds", f"{rows}, {seconds:.1f}")
            figure("times that progress was told", len(times))
            figure("MiB more than before", {name: round(memory.grown(name), 1) for name in memory.pids})
            assert all(later - earlier > 0.95 for earlier, later in zip(times, times[10:], strict=False))
            assert memory.grown("server") < 48
            assert memory.grown("service") < 48


# R: J4
@pytest.mark.timeout(300)
async def test_the_service_is_killed_half_way_and_the_import_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count, figure: Figure
):
    rows = count(reduced=20_000, full=100_000)
    service = Process(tmp_path / "data", key=KEY)
    try:
        async with scene(tmp_path, service, monkeypatch) as s:
            started = await s.started(rows)
            async with s.following(started) as stream:
                half = await stream.until(
                    lambda f: f.kind == "progress" and f.data["data"]["counts"]["good"] > rows // 3, 30
                )
                service.kill()
                assert half.data["data"]["counts"]["good"] < rows - rows // 100
                await stream.next("disconnected", seconds=30)
                again = ("--port", str(service.port))
                service = Process(tmp_path / "data", key=KEY, arguments=again)
                await stream.next("finished", seconds=120)
            kinds = [f.kind for f in stream.frames]
            assert kinds.count("connected") == 2
            figure("rows that were in when it was killed", half.data["data"]["counts"]["good"])
            await s.is_all_in(started["jobId"], rows, figure)
    finally:
        service.__exit__()


async def goes_on_at_a_new_server(
    place: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure, rows: int, *, end: Callable[[ServerProcess], object]
) -> None:
    """The server is ended half-way, and started again: the import goes on, and every row is in once."""
    with Process(place / "data", key=KEY) as service:
        async with scene(place, service, monkeypatch) as s:
            started = await s.started(rows)
            async with s.following(started) as stream:
                await stream.until(lambda f: f.kind == "progress" and f.data["data"]["counts"]["good"] > rows // 3, 30)
            began = time.monotonic()
            await asyncio.to_thread(end, s.server)
            await asyncio.to_thread(s.server.start)
            async with s.following(started) as stream:
                await stream.next("finished", seconds=60)
            figure("seconds until all was in", f"{time.monotonic() - began:.1f}")
            assert [f.kind for f in stream.frames].count("runner") == 2
            await s.is_all_in(started["jobId"], rows, figure)


# R: J4
@pytest.mark.timeout(300)
async def test_a_server_that_stops_leaves_an_import_to_the_next_one_which_goes_on_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count, figure: Figure
):
    rows = count(reduced=20_000, full=100_000)
    await goes_on_at_a_new_server(tmp_path, monkeypatch, figure, rows, end=ServerProcess.terminate)


# R: J4 Q7
@pytest.mark.only_full
@pytest.mark.timeout(300)
async def test_a_server_that_is_killed_half_way_through_an_import_goes_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
):
    await goes_on_at_a_new_server(tmp_path, monkeypatch, figure, 40_000, end=ServerProcess.kill)
