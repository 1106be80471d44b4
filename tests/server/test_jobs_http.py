"""`/api/jobs` from outside: a feed that comes whole becomes an import once, and whatever does not leaves nothing."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from tests.support.monitors import FEED, Monitor, Script, Scripted, bad, hotel, monitor, over, sent
from tests.support.people import JSON, SSE, Person, Stream, connected, crew, eventually
from tests.support.serving import Running, served

from roadcrew_domain import ids
from roadcrew_price_monitor import protocol
from roadcrew_server.jobs.feeds import PIECE, RECORD

CSV = {"Content-Type": "text/csv"}


async def four_rows(link: Scripted) -> None:
    """A service that makes three good rows and one bad one of any feed."""
    await link.greet()
    size = len(await link.whole())
    rows = [hotel(2, "Zebra"), hotel(3, "Azul"), hotel(5, "Porto Alto")]
    await link.rows(rows, [bad(4)], rows=4, at=size)
    await link.say(protocol.Done(4))


@dataclass
class Scene:
    """A trip of two, at a server with a service that the test plays."""

    running: Running
    service: Monitor
    http: httpx.AsyncClient
    crew: list[Person]
    trip: str

    @property
    def ana(self) -> Person:
        return self.crew[0]

    async def post(self, feed: Any = FEED, *, who: Person | None = None, key: str | None = None, **more: Any) -> Any:
        """Send a feed."""
        params = {"tripId": self.trip, "name": "May"} | more.pop("params", {})
        headers = CSV | more.pop("headers", {})
        who = who or self.ana
        return await who.request("POST", "/api/jobs", content=feed, params=params, headers=headers, key=key, **more)

    async def left(self) -> list[str]:
        """What of feeds is in the store."""
        page = await self.running.server.store.walk_records()
        return [record.key for record in page.items if record.kind == RECORD]

    def jobs(self) -> list[str]:
        """The imports that there are."""
        topics = self.running.server.hub.topics.items()
        return [name for name, topic in topics if name.startswith("job:") and topic.state is not None]


@asynccontextmanager
async def scene(place: Path, script: Script = four_rows, **settings: Any) -> AsyncIterator[Scene]:
    async with (
        monitor(script) as service,
        served(place, **service.settings, **settings) as running,
        connected(running.url) as http,
    ):
        made, people = await crew(http, 2)
        yield Scene(running, service, http, people, made["trip"]["id"])


# R: J1
async def test_a_feed_is_answered_when_it_is_kept_and_before_it_is_read(tmp_path: Path):
    async def never(link: Scripted) -> None:
        await link.socket.wait_closed()

    async with scene(tmp_path, never) as s:
        answer = await s.post()
        started = answer.json()
        assert answer.status_code == 202
        job = started["jobId"]
        assert started == {"jobId": job, "status": "processing", "streamUrl": f"/api/jobs/{job}/progress"}
        state = (await s.ana.get(f"/api/jobs/{job}")).json()
        assert (state["jobId"], state["status"], state["job"]["size"]) == (job, "processing", len(FEED))
        assert (state["job"]["name"], state["job"]["format"], state["job"]["tripId"]) == ("May", "csv", s.trip)
        assert len(await s.left()) == 2  # the feed, and that it is whole


# R: J1
async def test_json_feeds_and_a_currency_for_rows_without_one_are_passed_on(tmp_path: Path):
    async with scene(tmp_path) as s:
        body = json.dumps([{"name": "Azul", "city": "Lisbon", "price": 84}] * 9).encode()
        kind = {"Content-Type": "application/json; charset=utf-8"}
        answer = await s.post(body, headers=kind, params={"currency": "EUR"})
        await over(s.running.server, answer.json()["jobId"])
        [link] = s.service.links
        assert (link.hello.format, link.hello.currency, bytes(link.feed)) == ("json", "EUR", body)


NO_FEEDS: list[tuple[str, dict[str, Any], int, str]] = [
    ("no kind", {"headers": {"Content-Type": ""}}, 415, "not-a-feed"),
    ("another kind", {"headers": {"Content-Type": "application/zip"}}, 415, "not-a-feed"),
    ("a form", {"headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 415, "not-a-feed"),
    ("no trip", {"params": {"tripId": ""}}, 404, "unknown-trip"),
    ("another trip", {"params": {"tripId": str(uuid.uuid4())}}, 404, "unknown-trip"),
    ("no name", {"params": {"name": ""}}, 422, "text-missing"),
    ("a name of signs", {"params": {"name": "\x1b[2J"}}, 422, "unsafe-text"),
    ("a long name", {"params": {"name": "x" * 121}}, 422, "text-too-long"),
    ("no currency", {"params": {"currency": "euro"}}, 422, "bad-currency"),
    ("nothing", {"feed": b""}, 422, "bad-feed"),
    ("a bad key", {"headers": {"Idempotency-Key": "x" * 300}}, 400, "bad-request"),
]


# R: J3
async def test_what_is_no_feed_is_refused_with_its_reason_and_leaves_nothing(tmp_path: Path):
    async with scene(tmp_path) as s:
        for what, changes, status, code in NO_FEEDS:
            answer = await s.post(**changes)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (what, answer.text)
        assert (await s.left(), s.jobs(), s.service.links) == ([], [], [])


@asynccontextmanager
async def beginning(
    s: Scene, body: bytes, length: str = f"Content-Length: {4 * PIECE}", *, name: str = "May", who: int = 0
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """An upload of which no more than that comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", s.running.server.port)
    head = (
        f"POST /api/jobs?tripId={s.trip}&name={name} HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
        f"Authorization: Bearer {s.crew[who].token}\r\n{length}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def until(s: Scene, pieces: int) -> None:
    """Wait until so many are in the store."""
    async with asyncio.timeout(5):
        while len(await s.left()) != pieces:  # noqa: ASYNC110 - a store can only be asked
            await asyncio.sleep(0.01)


# R: J1
async def test_a_feed_that_is_too_large_is_refused_while_it_comes_or_before(tmp_path: Path):
    async with scene(tmp_path, max_feed=3 * PIECE) as s:
        announced = await s.post(bytes(3 * PIECE + 1))
        assert (announced.status_code, announced.json()["code"]) == (413, "feed-too-large")
        assert announced.json()["limit"] == 3 * PIECE
        endless = b"fffffff\r\n" + bytes(3 * PIECE + 1)
        async with beginning(s, endless, "Transfer-Encoding: chunked") as (reader, _), asyncio.timeout(5):
            answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b'"feed-too-large"' in answer
        assert (await s.left(), s.jobs()) == ([], [])
        assert (await s.http.get("/api/server")).json()["imports"] == {"maxBytes": 3 * PIECE}
        assert (await s.post(bytes(3 * PIECE))).status_code == 202


# R: J1
async def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path):
    async with scene(tmp_path) as s:
        async with beginning(s, bytes(2 * PIECE + 5)):
            await until(s, 2)
        await until(s, 0)
        assert (s.jobs(), s.service.links) == ([], [])


# R: J1
async def test_what_can_be_refused_is_refused_before_the_feed_has_come(tmp_path: Path):
    async with scene(tmp_path) as s, beginning(s, b"", name="x" * 121) as (reader, _):
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 422 ")
        assert b'"text-too-long"' in answer


# R: J3
async def test_who_is_removed_while_their_feed_comes_begins_no_import(tmp_path: Path):
    async with scene(tmp_path) as s, beginning(s, bytes(PIECE + 5), who=1) as (reader, writer):
        await until(s, 1)
        await s.ana.do("/remove-member", {"tripId": s.trip, "memberId": s.crew[1].id})
        writer.write(bytes(3 * PIECE - 5))
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert s.jobs() == []


# R: J1
async def test_an_upload_that_stands_still_is_not_waited_for(tmp_path: Path):
    async with scene(tmp_path, body_timeout=0.1) as s, beginning(s, bytes(PIECE + 5)) as (reader, _):
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"body-too-slow"' in answer
        assert (await s.left(), s.jobs()) == ([], [])


# R: J1
async def test_the_same_feed_under_the_same_key_is_one_import(tmp_path: Path):
    async with scene(tmp_path) as s:
        answers = await asyncio.gather(*(s.post(key="again and again") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {202}
        [job] = {answer.json()["jobId"] for answer in answers}
        await over(s.running.server, job)
        await eventually(lambda: not len(s.running.server.runners))
        late = await s.post(key="again and again")
        assert (late.status_code, late.json()["jobId"], late.json()["status"]) == (202, job, "finished")
        assert len(s.service.links) == 1
        assert await s.left() == []


# R: J1
async def test_another_feed_under_the_same_key_is_refused(tmp_path: Path):
    async with scene(tmp_path) as s:
        await s.post(key="k")
        for feed, params in ((FEED + b"x", {}), (FEED, {"name": "June"}), (FEED, {"currency": "EUR"})):
            answer = await s.post(feed, key="k", params=params)
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused"), params
        assert len(s.jobs()) == 1


async def test_somebody_elses_key_is_not_theirs_to_use(tmp_path: Path):
    async with scene(tmp_path) as s:
        key = str(uuid.uuid4())
        await s.post(key=key)
        answer = await s.post(key=key, who=s.crew[1])
        assert (answer.status_code, answer.json()["code"]) == (409, "id-taken")
        await over(s.running.server, key)
        await eventually(lambda: not len(s.running.server.runners))
        answer = await s.post(key=key, who=s.crew[1])
        assert (answer.status_code, answer.json()["code"]) == (409, "id-taken")
        assert await s.left() == []


# R: J3
async def test_members_watch_an_import_and_nobody_else(tmp_path: Path):
    async with scene(tmp_path) as s:
        ana, ben = s.crew
        eve = await Person.guest(s.http, "Eve")
        assert (await s.post(who=eve)).json()["code"] == "not-a-member"
        job = (await s.post(who=ben)).json()["jobId"]
        await over(s.running.server, job)
        paths = [f"/api/jobs/{job}{end}" for end in ("", "/progress", "/hotels", "/refused")]
        for path in paths:
            assert (await ana.request("GET", path, headers=JSON)).status_code == 200
            answer = await eve.request("GET", path, headers=JSON)
            assert (answer.status_code, answer.json()["code"]) == (403, "not-a-member")
        await ana.do("/remove-member", {"tripId": s.trip, "memberId": ben.id})
        for path in paths:
            assert (await ben.request("GET", path, headers=JSON)).status_code == 403
        assert (await ben.request("DELETE", f"/api/jobs/{job}")).status_code == 403
        assert (await s.post(who=ben)).status_code == 403


# R: J3
async def test_an_import_that_never_was_is_unknown_and_one_that_is_over_has_expired(tmp_path: Path):
    async with scene(tmp_path, job_hours=1) as s:
        now = s.running.server.store.now()
        old = ids.uuid7(int((now - timedelta(hours=2)).timestamp() * 1000), b"0123456789")
        for job, code in ((str(uuid.uuid4()), "unknown-job"), ("x", "unknown-job"), (old, "job-expired")):
            for end in ("", "/progress", "/hotels", "/refused"):
                answer = await s.ana.request("GET", f"/api/jobs/{job}{end}", headers=JSON)
                assert (answer.status_code, answer.json()["code"]) == (404, code)
            assert (await s.ana.request("DELETE", f"/api/jobs/{job}")).json()["code"] == code
        job = (await s.post()).json()["jobId"]
        await over(s.running.server, job)
        later = now + timedelta(hours=1, minutes=1)
        s.running.server.store.now = lambda: later  # type: ignore[method-assign]
        for end in ("", "/progress", "/hotels", "/refused"):
            answer = await s.ana.request("GET", f"/api/jobs/{job}{end}", headers=JSON)
            assert (answer.status_code, answer.json()["code"]) == (404, "job-expired")


# R: J1
async def test_progress_is_numbered_and_goes_on_after_any_event(tmp_path: Path):
    async with scene(tmp_path) as s:
        started = await sent(s.ana, s.trip)
        request = s.http.build_request("GET", started["streamUrl"], headers=s.ana.auth | SSE)
        stream = Stream(await s.http.send(request, stream=True))
        await stream.next("told")
        await stream.aclose()
        kinds = ["requested", "runner", "connected", "progress", "finished", "told"]
        assert [frame.kind for frame in stream.frames] == kinds
        assert [frame.id for frame in stream.frames] == [str(n) for n in range(6)]
        later = s.http.build_request("GET", started["streamUrl"], headers=s.ana.auth | SSE | {"Last-Event-ID": "2"})
        stream = Stream(await s.http.send(later, stream=True))
        assert (await stream.next()).id == "3"
        await stream.aclose()


# R: J1
async def test_who_began_it_and_the_organiser_can_cancel_an_import_and_nobody_else(tmp_path: Path):
    async def never(link: Scripted) -> None:
        await link.greet()
        await link.socket.wait_closed()

    async with scene(tmp_path, never) as s:
        ana, ben = s.crew
        by_ana, by_ben = [(await s.post(who=who)).json()["jobId"] for who in (ana, ben)]
        answer = await ben.request("DELETE", f"/api/jobs/{by_ana}")
        assert (answer.status_code, answer.json()["code"]) == (403, "not-yours-to-cancel")
        for job in (by_ana, by_ben):
            for _ in range(2):
                answer = await ana.request("DELETE", f"/api/jobs/{job}")
                assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


# R: J1 J6
async def test_imported_hotels_are_sorted_filtered_and_read_on(tmp_path: Path):
    async with scene(tmp_path) as s:
        job = (await s.post()).json()["jobId"]
        await over(s.running.server, job)

        async def names(**params: Any) -> tuple[list[str], int, str | None]:
            answer = (await s.ana.get(f"/api/jobs/{job}/hotels", **params)).json()
            return [row["name"] for row in answer["hotels"]], answer["total"], answer["next"]

        assert await names() == (["Zebra", "Azul", "Porto Alto"], 3, None)
        assert await names(sort="name") == (["Azul", "Porto Alto", "Zebra"], 3, None)
        assert await names(sort="name", descending="true") == (["Zebra", "Porto Alto", "Azul"], 3, None)
        assert await names(q="AL") == (["Porto Alto"], 1, None)
        assert await names(city="lisbon", minStars=4, maxPrice=8_400) == (["Zebra", "Azul", "Porto Alto"], 3, None)
        assert await names(maxPrice=8_399) == ([], 0, None)
        first, total, after = await names(sort="name", limit=2)
        assert (first, total) == (["Azul", "Porto Alto"], 3)
        assert await names(sort="name", limit=2, after=after) == (["Zebra"], 3, None)
        refused = (await s.ana.get(f"/api/jobs/{job}/refused", after=3)).json()
        assert ([row["line"] for row in refused["rows"]], refused["total"], refused["next"]) == ([4], 1, None)


NONSENSE: list[tuple[str, dict[str, str], str]] = [
    ("hotels", {"sort": "colour"}, "sort"),
    ("hotels", {"limit": "0"}, "limit"),
    ("hotels", {"limit": "201"}, "limit"),
    ("hotels", {"limit": "²"}, "limit"),
    ("hotels", {"minStars": "9"}, "minStars"),
    ("hotels", {"maxPrice": "-1"}, "maxPrice"),
    ("hotels", {"maxPrice": "9" * 5_000}, "maxPrice"),
    ("hotels", {"after": "nonsense"}, "after"),
    ("refused", {"after": "x"}, "after"),
    ("refused", {"limit": "1000"}, "limit"),
]


async def test_a_question_that_makes_no_sense_is_refused_with_its_field(tmp_path: Path):
    async with scene(tmp_path) as s:
        job = (await s.post()).json()["jobId"]
        for path, params, field in NONSENSE:
            answer = await s.ana.get(f"/api/jobs/{job}/{path}", **params)
            said = answer.json()
            assert (answer.status_code, said["code"], said["field"]) == (422, "invalid", field), params


# R: J2
async def test_a_server_without_a_price_monitor_imports_nothing_and_says_so(tmp_path: Path):
    async with served(tmp_path) as running, connected(running.url) as http:
        made, [ana] = await crew(http, 1)
        params = {"tripId": made["trip"]["id"], "name": "May"}
        answer = await ana.request("POST", "/api/jobs", params=params, content=FEED, headers=CSV)
        assert (answer.status_code, answer.json()["code"]) == (404, "no-imports")
        about = (await http.get("/api/server")).json()
        assert ("imports" in about["features"], about["imports"]) == (False, None)


async def test_feeds_that_come_too_often_are_refused_before_they_are_read(tmp_path: Path):
    async with scene(tmp_path, jobs_per_user="2/hour") as s:
        for _ in range(2):
            assert (await s.post()).status_code == 202
        answer = await s.post()
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
        assert (await s.post(who=s.crew[1])).status_code == 202
