"""How many commands do the server processes send to a shared store in a day?

    python bench/store_commands.py [--json FILE] [--days 1]

The workload is that of the five systems that Roadcrew comes from: 100 people, each active for 30 minutes a day, and 35
published events an hour. Their last design, which is modelled here and run against the same Valkey, planned 38,500
commands for it: a question every 5 s of each active minute, and a read, a write and a publishing for each event.

The servers are the real ones, one or several in this process, over a real Valkey. A day passes in simulated time: the
clock of the event loop jumps to the next timer whenever nothing waits for an answer of Valkey, and the store's clock is
shifted along. What is counted is what Valkey's MONITOR shows of the servers' connections: presence, sign-ins,
deadlines, limits and pings included; what scripts do inside is listed beside. People come in crews of ten, who are
active together (`together`), or one after the other with nobody else there (`alone`), which is the dearest.

What it is not for: how long a command takes.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

_real_monotonic, _real_time = time.monotonic, time.time
_ahead = 0.0
"""Seconds by which simulated time is ahead of the real one."""

# Before anything of ours keeps a reference: all that measures time here measures simulated time.
time.monotonic = lambda: _real_monotonic() + _ahead
time.time = lambda: _real_time() + _ahead

from bench import report  # noqa: E402
from bench.monitor import Monitor  # noqa: E402
from redis.asyncio.connection import AbstractConnection  # noqa: E402
from tests.support.valkey import ValkeyProcess  # noqa: E402

from roadcrew_server.app import Server, make_app  # noqa: E402
from roadcrew_server.settings import Settings  # noqa: E402
from roadcrew_server.stores._redis_address import address_of  # noqa: E402
from roadcrew_server.stores._redis_link import Link  # noqa: E402
from roadcrew_server.stores.redis import RedisStore  # noqa: E402

PEOPLE, CREW = 100, 10
ACTIVE = 30 * 60.0
DAY = 24 * 3600.0
EVENTS = 35 * 24
"""Published in a day: all by people, while they are active."""
PLANNED = 38_500
MOST = 3_850
POLLED_EVERY = 5.0


# --- simulated time --------------------------------------------------------------------------------


class Pending:
    """How many answers of Valkey are waited for. While there are any, time does not jump."""

    count = 0
    spoke = False
    """Something was sent to Valkey a moment ago, perhaps where nobody waits for the answer: hints are listened to."""

    @classmethod
    def watch(cls) -> None:
        """Count each exchange of every link."""
        tell = AbstractConnection.send_packed_command

        async def telling(self: AbstractConnection, *given: Any, **more: Any) -> None:
            cls.spoke = True
            await tell(self, *given, **more)

        setattr(AbstractConnection, "send_packed_command", telling)  # noqa: B010 - its type need not fit

        def counted(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            async def exchange(*given: Any, **more: Any) -> Any:
                cls.count += 1
                try:
                    return await call(*given, **more)
                finally:
                    cls.count -= 1

            return exchange

        for kind in [Link, *Link.__subclasses__()]:
            for name in ("run", "send"):
                if name in vars(kind):
                    setattr(kind, name, counted(vars(kind)[name]))


class JumpingSelector(selectors.DefaultSelector):
    """Does not sit out a wait: it looks for what is there, and then lets time jump."""

    _looks = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        """As a selector does, but for time."""
        global _ahead
        if Pending.spoke:
            Pending.spoke, self._looks = False, 0
        if Pending.count or timeout is None:
            self._looks = 0
            return super().select(timeout if timeout is None else min(timeout, 1.0))
        # What was published may just be arriving: after an exchange, a few longer looks.
        self._looks += 1
        look = min(timeout, 0.001) if self._looks < 15 else 0.0
        if ready := super().select(look):
            self._looks = 0
        else:
            _ahead += max(0.0, timeout - look)
        return ready


# --- people ----------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """Of a request."""

    status: int
    body: Any


class Person:
    """One person's terminal, at one of the servers, without a network between."""

    def __init__(self, app: Any, address: str) -> None:
        self._app = app
        self._address = address
        self._token: str | None = None

    def _scope(self, method: str, path: str, query: str, headers: dict[str, str]) -> dict[str, Any]:
        if self._token:
            headers = {"authorization": f"Bearer {self._token}", **headers}
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": (self._address, 40_000),
            "server": ("127.0.0.1", 80),
        }

    async def ask(self, method: str, path: str, body: Any = None, *, query: str = "", key: str | None = None) -> Answer:
        """A request and its answer. Raises `RuntimeError` for what is none of the good ones."""
        headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
        given = json.dumps(body).encode() if body is not None else b""
        told: list[dict[str, Any]] = []
        over = asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given is not None:
                sent, given = given, None
                return {"type": "http.request", "body": sent, "more_body": False}
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        await self._app(self._scope(method, path, query, headers), receive, send)
        over.set()
        status = told[0]["status"]
        content = b"".join(m.get("body", b"") for m in told[1:])
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {status} {content[:200]!r}")
        return Answer(status, json.loads(content) if content else None)

    async def sign_in(self, name: str) -> None:
        """Become somebody."""
        self._token = (await self.ask("POST", "/api/session/guest", {"name": name})).body["token"]

    async def renew(self) -> None:
        """The token of the day."""
        self._token = (await self.ask("POST", "/api/session/renew", {})).body["token"]

    async def follow(self, trip_id: str, leave: asyncio.Event) -> None:
        """A stream, until `leave`."""
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await leave.wait()
            return {"type": "http.disconnect"}

        async def send(_: dict[str, Any]) -> None:
            return

        scope = self._scope("GET", "/api/sync", f"topic=trip:{trip_id}", {"accept": "text/event-stream"})
        await self._app(scope, receive, send)


class Crew(NamedTuple):
    """Ten people and what they decide."""

    people: list[Person]
    trip_id: str
    poll: str


async def gather_crew(apps: list[Any], number: int) -> Crew:
    """Yesterday: they signed in and planned a trip. That is not counted."""
    people = [Person(apps[(number + n) % len(apps)], f"10.0.{number}.{n + 1}") for n in range(CREW)]
    for n, person in enumerate(people):
        await person.sign_in(f"Person {number}-{n}")
    key = str(uuid.uuid4())
    made = (await people[0].ask("POST", "/api/social-cart/create", {"name": f"Trip {number}"}, key=key)).body
    for person in people[1:]:
        await person.ask("POST", "/api/social-cart/join", {"invite": made["invite"]["code"]}, key=str(uuid.uuid4()))
    poll = str(uuid.uuid4())
    body = {"tripId": made["trip"]["id"], "question": "Where?", "kind": "single", "options": ["Porto", "Faro"]}
    await people[0].ask("POST", "/api/social-cart/polls", body, key=poll)
    return Crew(people, made["trip"]["id"], poll)


async def session(person: Person, crew: Crew, votes: int, first: int) -> None:
    """Somebody's half hour: the app is opened, the trip followed, votes are changed now and then, the app is left."""
    await person.renew()
    await person.ask("GET", "/api/session")
    await person.ask("GET", "/api/social-cart/trips")
    leave = asyncio.Event()
    following = asyncio.create_task(person.follow(crew.trip_id, leave))
    for n in range(votes):
        await asyncio.sleep(ACTIVE / (votes + 1))
        option = f"{crew.poll}.{(first + n) % 2}"
        body = {"tripId": crew.trip_id, "pollId": crew.poll, "optionIds": [option]}
        await person.ask("POST", "/api/social-cart/polls/vote", body, key=str(uuid.uuid4()))
    await asyncio.sleep(ACTIVE / (votes + 1))
    leave.set()
    await following


async def day(crews: list[Crew], together: bool, days: int) -> None:
    """Everybody's half hour, spread evenly over each day; 840 events among them, as evenly as whole numbers go."""
    began = time.monotonic()
    share = EVENTS // PEOPLE
    extra = EVENTS - share * PEOPLE
    for number in range(days):
        running = []
        for n in range(PEOPLE):
            crew, member = crews[n // CREW], n % CREW
            slot = (n // CREW) / (PEOPLE // CREW) if together else n / PEOPLE
            # People do not press in the same instant: a moment of their own.
            at = began + number * DAY + slot * DAY + (member * 7.0 if together else 0.0)
            votes = share + (1 if n < extra else 0)
            running.append(asyncio.create_task(_at(at, session(crew.people[member], crew, votes, n))))
        await asyncio.gather(*running)
        await _at(began + (number + 1) * DAY, asyncio.sleep(0))


async def _at(when: float, work: Any) -> None:
    await asyncio.sleep(max(0.0, when - time.monotonic()))
    await work


# --- the two designs -------------------------------------------------------------------------------


async def ours(valkey: ValkeyProcess, processes: int, together: bool, days: int) -> dict[str, Any]:
    """A day of the real servers."""
    valkey.say("FLUSHALL")
    began_ahead = _ahead
    # How often a process looks at its own clock for what is due; the store is not asked for that.
    settings = Settings(port=0, store=valkey.url, timer_interval=5)
    async with AsyncExitStack() as stack:
        apps = []
        for _ in range(processes):
            store = RedisStore(address_of(valkey.url), shift_ms=lambda: int((_ahead - began_ahead) * 1000))
            server = Server(store, settings)
            app = make_app(server)
            await stack.enter_async_context(app.router.lifespan_context(app))
            apps.append(app)
        monitor = Monitor(valkey)
        try:
            crews = [await gather_crew(apps, n) for n in range(PEOPLE // CREW)]
            await asyncio.sleep(3600)
            await asyncio.to_thread(monitor.settle, valkey)
            monitor.reset()
            await day(crews, together, days)
            await asyncio.to_thread(monitor.settle, valkey)
        finally:
            monitor.close()
    sent = Counter({name: count / days for name, count in monitor.sent.items()})
    return {
        "processes": processes,
        "active": "together" if together else "alone",
        "activeMinutesADay": ACTIVE / 60 * (PEOPLE // CREW if together else PEOPLE),
        "commandsADay": round(sum(sent.values())),
        "insideScripts": round(sum(monitor.inner.values()) / days),
        "by": {name: round(count, 1) for name, count in sent.most_common()},
    }


def the_source(valkey: ValkeyProcess) -> int:
    """The last design of the source, as it was planned: every terminal asks every 5 s while it is active, each event is
    a read, a write of the whole cart and a publishing. Sent for real, counted likewise."""
    import socket  # noqa: PLC0415

    valkey.say("FLUSHALL")
    monitor = Monitor(valkey)
    with socket.create_connection(("127.0.0.1", valkey.port), 5) as sock:
        asked = int(PEOPLE * ACTIVE / POLLED_EVERY)
        lines = b"GET cart\r\n" * asked + b"GET cart\r\nSET cart state\r\nPUBLISH cart state\r\n" * EVENTS
        threading.Thread(target=sock.sendall, args=(lines,), daemon=True).start()
        answers = 0
        with sock.makefile("rb") as file:
            while answers < asked + 3 * EVENTS:
                line = file.readline()
                if line.startswith(b"$") and line != b"$-1\r\n":
                    file.readline()
                answers += 1
        monitor.settle(valkey)
    monitor.close()
    return sum(monitor.sent.values())


def main() -> int:
    """Both, and a table."""
    options = report.arguments(__doc__.partition("\n")[0], days=1)
    Pending.watch()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place, ValkeyProcess(Path(place)) as valkey:
        source = the_source(valkey)
        for processes in (1, 3):
            for together in (True, False):
                loop = asyncio.SelectorEventLoop(JumpingSelector())
                try:
                    rows.append(loop.run_until_complete(ours(valkey, processes, together, options.days)))
                finally:
                    loop.close()
    report.table(
        [
            "design",
            "processes",
            "active",
            "minutes somebody is active",
            "commands a day",
            "inside scripts",
            "of planned",
        ],
        [
            ["the source's", "-", "-", "-", source, "-", f"{source / PLANNED:.0%}"],
            *(
                [
                    *("Roadcrew", r["processes"], r["active"], round(r["activeMinutesADay"]), r["commandsADay"]),
                    *(r["insideScripts"], f"{r['commandsADay'] / PLANNED:.1%}"),
                ]
                for r in rows
            ),
        ],
    )
    for r in rows:
        print(f"\n{r['processes']} processes, {r['active']}:", ", ".join(f"{k} {v:g}" for k, v in r["by"].items()))
    print(f"\nPromised: at most {MOST} (a tenth of {PLANNED}).\n")
    report.write(options.json, "store_commands", {"source": source, "planned": PLANNED, "most": MOST, "runs": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
