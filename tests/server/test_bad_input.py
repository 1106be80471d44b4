"""What an attacker or a stranger may send: each gets a problem with a stable code, and nothing changes."""

import asyncio
import base64
import contextlib
import json
import random
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import compile_path
from tests.conftest import Count
from tests.support.people import JSON, SSE, Person, connected, crew
from tests.support.serving import Running, served

from roadcrew_server.app import ENDPOINTS
from roadcrew_server.auth import Auth
from roadcrew_server.stores.base import Loaded, Slice, StoreUnavailable
from roadcrew_server.stores.sqlite import SqliteStore

POLL = {"question": "When?", "kind": "single", "options": ["May", "June"]}
HOTEL = {"name": "Casa Azul", "city": "Lisbon", "stars": 4, "pricePerNight": {"amount": 8400, "currency": "EUR"}}
NAMES = (
    ("control", "Ana\x07"),
    ("escape", "\x1b[31mAna"),
    ("bidi", "Ana\u202eneB"),
    ("tag", "Ana\U000e0041"),
    ("nul", "A\x00na"),
)


@dataclass
class Scene:
    """A trip with an open poll, a closed one, and a hotel that is not voted on."""

    ana: Person
    eve: Person
    trip: str
    poll: str
    closed: str


@pytest.fixture
async def scene(http: httpx.AsyncClient, running: Running) -> Scene:
    made, (ana, _) = await crew(http, 2)
    trip, poll, closed = made["trip"]["id"], str(uuid.uuid4()), str(uuid.uuid4())
    for key in (poll, closed):
        await ana.do("/polls", {"tripId": trip, **POLL, "question": key}, key=key)
    await ana.do("/polls/close", {"tripId": trip, "pollId": closed})
    return Scene(ana, await Person.guest(http, "Eve"), trip, poll, closed)


def problem(answer: httpx.Response, status: int, code: str | None = None) -> None:
    """A problem document, whole and in order."""
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["requestId"] == answer.headers["x-request-id"]
    assert {"type", "title", "detail", "code"} <= set(body)
    assert len(answer.content) < 2000
    if code is not None:
        assert body["code"] == code


async def head(s: Scene) -> int:
    return int((await s.ana.poll(s.trip)).json()["resets"][0]["seq"])


def cases(s: Scene) -> Iterator[tuple[str, Person, str, Any, int, str]]:
    """What it is, who, path, body, status, code."""
    t = {"tripId": s.trip}
    vote = {**t, "pollId": s.poll, "optionIds": [f"{s.poll}.0"]}
    yield "an unknown trip", s.ana, "/update", {"tripId": str(uuid.uuid4()), "name": "x"}, 404, "unknown-trip"
    yield "a trip of another kind", s.ana, "/update", {"tripId": "../quote:1", "name": "x"}, 404, "unknown-trip"
    yield "not a member", s.eve, "/update", {**t, "name": "x"}, 403, "not-a-member"
    yield "a closed poll", s.ana, "/polls/vote", {**vote, "pollId": s.closed}, 409, "poll-closed"
    yield "an unknown poll", s.ana, "/polls/vote", {**vote, "pollId": "no"}, 404, "unknown-poll"
    yield "an unknown option", s.ana, "/polls/vote", {**vote, "optionIds": ["no"]}, 404, "unknown-option"
    yield "two of one", s.ana, "/polls/vote", {**vote, "optionIds": [f"{s.poll}.0", f"{s.poll}.1"]}, 422, "bad-vote"
    yield "one twice", s.ana, "/polls/vote", {**vote, "optionIds": [f"{s.poll}.0"] * 2}, 422, "bad-vote"
    yield "an unknown hotel", s.ana, "/hotels/vote", {**t, "hotelId": "no"}, 404, "unknown-hotel"
    yield "no vote open", s.ana, "/hotels/vote", {**t, "hotelId": None}, 409, "voting-closed"
    yield "no hotels", s.ana, "/hotels/open-voting", {**t, "tieRule": "cheapest"}, 409, "no-hotels"
    yield "an unknown rule", s.ana, "/hotels/open-voting", {**t, "tieRule": "coin"}, 422, "invalid"
    yield "removing a stranger", s.ana, "/remove-member", {**t, "memberId": s.eve.id}, 404, "unknown-member"
    yield "removing oneself", s.ana, "/remove-member", {**t, "memberId": s.ana.id}, 409, "remove-self"
    yield "a poll of one", s.ana, "/polls", {**t, **POLL, "options": ["May"]}, 422, "bad-options"
    yield "two alike", s.ana, "/polls", {**t, **POLL, "options": ["May", "may "]}, 422, "bad-options"
    yield "a deadline past", s.ana, "/polls", {**t, **POLL, "closesAt": "2020-01-01T00:00:00Z"}, 422, "deadline-past"
    for at in ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2030-01-01T00:00:00", "soon", 7, 1e99):
        yield f"the time {at}", s.ana, "/polls", {**t, **POLL, "closesAt": at}, 422, "invalid"
        yield f"the time {at}", s.ana, "/create", {"name": "x", "invite": {"expiresAt": at}}, 422, "invalid"
    for price in (-1, 2**63, 10**400, 1.5, "84", True, None):
        money = {"amount": price, "currency": "EUR"}
        yield (
            f"the price {price}"[:30],
            s.ana,
            "/hotels/shortlist",
            {**t, **HOTEL, "pricePerNight": money},
            422,
            "invalid",
        )
    money = {"amount": 1, "currency": "eur"}
    yield "a currency", s.ana, "/hotels/shortlist", {**t, **HOTEL, "pricePerNight": money}, 422, "bad-price"
    yield "six stars", s.ana, "/hotels/shortlist", {**t, **HOTEL, "stars": 6}, 422, "invalid"
    for url in (
        "javascript:alert(1)",
        "http://",
        "http://a:b@c",
        "http://[::1",
        "http://a:99999",
        "file:///etc/passwd",
    ):
        yield url, s.ana, "/hotels/shortlist", {**t, **HOTEL, "url": url}, 422, "bad-link"
    for name, text in NAMES:
        yield name, s.ana, "/update", {**t, "name": text}, 422, "unsafe-text"
        yield name, s.ana, "/create", {"name": text}, 422, "unsafe-text"
        yield name, s.ana, "/polls", {**t, **POLL, "question": text}, 422, "unsafe-text"
        yield name, s.ana, "/polls", {**t, **POLL, "options": ["May", text]}, 422, "unsafe-text"
        yield name, s.ana, "/hotels/shortlist", {**t, **HOTEL, "city": text}, 422, "unsafe-text"
        yield name, s.ana, "/api/session/guest", {"name": text}, 422, "unsafe-text"
    yield "nothing but spaces", s.ana, "/update", {**t, "name": " \u200b "}, 422, "text-missing"
    yield "a long name", s.ana, "/update", {**t, "name": "x" * 81}, 422, "text-too-long"
    yield "a very long name", s.ana, "/update", {**t, "name": "x" * 60_000}, 422, "invalid"
    yield (
        "ends before it starts",
        s.ana,
        "/update",
        {**t, "startsOn": "2030-02-01", "endsOn": "2030-01-01"},
        422,
        "bad-dates",
    )
    yield "no such day", s.ana, "/update", {**t, "startsOn": "2030-02-30"}, 422, "invalid"
    yield "too much discount", s.ana, "/update", {**t, "discountPercent": 99}, 422, "bad-limit"
    yield "an unknown field", s.ana, "/update", {**t, "name": "x", "organiser": s.eve.id}, 422, "invalid"
    yield "a field of ours", s.ana, "/update", {"trip_id": s.trip, "name": "x"}, 422, "invalid"
    yield "a field with a long name", s.ana, "/update", {**t, "x" * 50_000: 1}, 422, "invalid"
    yield "a number for a text", s.ana, "/update", {**t, "name": 7}, 422, "invalid"
    yield "a list for a body", s.ana, "/update", [1], 422, "invalid"
    yield "null in it", s.ana, "/update", {**t, "name": None}, 422, "invalid"
    for code in ("", "K7QM", "../../etc/passwd", "%2e%2e%2f", "K7QM-2D4F\x00", "http://x/j/", "'; DROP TABLE--"):
        yield f"the code {code}", s.eve, "/join", {"invite": code}, 422, "invite-malformed"
    yield "an unknown code", s.eve, "/join", {"invite": "0000-0000"}, 404, "invite-unknown"
    where = {"topic": f"trip:{s.trip}", "where": "kitchen"}
    yield "an unknown tab", s.ana, "/api/sync/where", where, 422, "invalid"
    yield "an unknown topic", s.ana, "/api/sync/where", {"topic": "feed:1", "where": "polls"}, 404, "unknown-topic"
    for cart in ("1", s.eve.id, ""):
        topic = {"topic": f"cart:{cart}", "where": "polls"}
        yield "another person's cart", s.ana, "/api/sync/where", topic, 404, "unknown-cart"
    for slot in ("", "nothing", "azulejo-light.20260521.1000", "x" * 150):
        topic = {"topic": f"slot:{slot}", "where": "polls"}
        yield f"the slot {slot}"[:30], s.ana, "/api/sync/where", topic, 404, "unknown-slot"


# R: T4 T8
async def test_each_gets_a_problem_and_the_trip_stays_as_it_was(scene: Scene):
    before, wrong = await head(scene), []
    for what, who, path, body, status, code in cases(scene):
        answer = await who.post(path, body)
        try:
            problem(answer, status, code)
        except AssertionError as error:
            wrong.append((what, path, str(error)[:200]))
    assert wrong == []
    assert await head(scene) == before


def raw_bodies(s: Scene) -> Iterator[tuple[str, bytes, int]]:
    good = json.dumps({"tripId": s.trip, "name": "Porto"}).encode()
    with_name = b'{"tripId":"' + s.trip.encode() + b'","name":%b}'
    yield "100,000 brackets", b"[" * 100_000, 413
    yield "60,000 brackets", b"[" * 60_000, 400
    yield "deep and whole", b"[" * 30_000 + b"]" * 30_000, 400
    yield "deep objects", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400
    yield "deep within a field", with_name % (b"[" * 150 + b"]" * 150), 422
    yield "NaN", with_name % b"NaN", 422
    yield "Infinity", with_name % b"-Infinity", 422
    yield "a number without end", with_name % (b"9" * 60_000), 400
    yield "an exponent", with_name % b"1e999999", 422
    yield "bad UTF-8", with_name % b'"\xff\xfe"', 400
    yield "overlong UTF-8", with_name % b'"\xc0\x80"', 400
    yield "a surrogate in UTF-8", with_name % b'"\xed\xa0\x80"', 400
    yield "a lone surrogate", with_name % b'"\\ud800"', 400
    yield "a raw NUL", with_name % b'"a\x00b"', 400
    yield "a name twice", b'{"name":"Porto",' + good[1:], 400
    yield "a name twice within", b'{"tripId":"x","name":{"a":1,"a":1}}', 422
    yield "cut off", good[:-1], 400
    yield "two bodies", good + good, 400
    yield "UTF-16", good.decode().encode("utf-16"), 400
    yield "a byte order mark", b"\xef\xbb\xbf" + good, 400
    yield "a form", b"tripId=1&name=Porto", 400
    yield "null", b"null", 422
    yield "a text", b'"text"', 422
    yield "nothing", b"", 422
    yield "a space", b" ", 400
    yield "5 MB", b'{"name":"' + b"x" * 5_000_000 + b'"}', 413


# R: T8
async def test_bodies_that_are_not_what_they_should_be_change_nothing(scene: Scene):
    before, wrong = await head(scene), []
    for what, body, status in raw_bodies(scene):
        for way in ("whole", "chunked"):

            async def chunks(body: bytes = body) -> Any:
                for at in range(0, len(body), 16_384):
                    yield body[at : at + 16_384]

            content = body if way == "whole" else chunks()
            try:
                answer = await scene.ana.request("POST", "/api/social-cart/update", content=content)
                problem(answer, status)
            except AssertionError as error:
                wrong.append((what, way, str(error)[:200]))
            except httpx.WriteError:  # it hung up on what was too much already
                if status != 413:
                    wrong.append((what, way, "hung up"))
    assert wrong == []
    assert await head(scene) == before


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "image/png", "x"])
async def test_what_says_that_it_is_not_json_is_refused(scene: Scene, kind: str):
    body = json.dumps({"tripId": scene.trip, "name": "Porto"})
    answer = await scene.ana.request("POST", "/api/social-cart/update", content=body, headers={"Content-Type": kind})
    problem(answer, 415, "not-json")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/x-www-form-urlencoded", "application/ld+json"]
)
async def test_json_is_taken_as_programs_and_curl_send_it(scene: Scene, kind: str):
    body = json.dumps({"tripId": scene.trip, "name": "Porto"})
    answer = await scene.ana.request("POST", "/api/social-cart/update", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200


async def test_a_method_that_an_address_does_not_take_is_a_problem_that_says_which_it_takes(scene: Scene):
    by_path: dict[str, set[str]] = {}
    for e in ENDPOINTS:
        matched = {other.path for other in ENDPOINTS if compile_path(e.path)[0].match(other.path)}
        for path in matched:  # what stands for any name stands for `hotels` too
            by_path.setdefault(path, set()).add(e.method)
    for path, methods in by_path.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - methods:
            answer = await scene.ana.request(method, path.replace("{code}", "K7QM-2D4F"))
            problem(answer, 405, "method-not-allowed")
            assert set(answer.headers["allow"].split(", ")) == methods


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/session/",
        "/j/",
        "/j/a/b",
        "/j/..%2f..%2fetc",
        "/api/sync/%00",
        "//",
    ],
)
async def test_where_there_is_nothing_it_says_so(scene: Scene, path: str):
    answer = await scene.ana.http.request("GET", httpx.URL(str(scene.ana.http.base_url).rstrip("/") + path))
    problem(answer, 404, "not-found")


@pytest.mark.parametrize(
    "query",
    [
        "tripId=%00",
        "tripId=%ff%fe",
        "tripId=%ED%A0%80",
        "tripId=" + "x" * 30_000,
        "",
        "tripId",
        "tripId=a&tripId=b",
        "%00=%00",
        "tripId=../../store.sqlite",
        "tripId=%27%20OR%201=1",
    ],
)
async def test_odd_queries_are_unknown_trips(scene: Scene, query: str):
    answer = await scene.ana.request("GET", f"/api/social-cart/join?{query}")
    problem(answer, 404, "unknown-trip")
    answer = await scene.ana.request("GET", f"/api/sync?topic=trip:{query.partition('=')[2]}", headers=JSON)
    problem(answer, 404, "unknown-trip")


async def test_headers_without_end_are_cut_off_and_others_are_served(scene: Scene):
    with contextlib.suppress(httpx.HTTPError):  # it may hang up before all is sent
        answer = await scene.ana.request("GET", "/api/session", headers={"X-Long": "x" * 200_000})
        assert (answer.status_code, answer.json()["code"]) == (431, "headers-too-large")
    assert (await scene.ana.get("/api/session")).status_code == 200


def odd_cursors() -> Iterator[str]:
    def encoded(rows: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(rows).encode()).decode().rstrip("=")

    yield from ("x", "====", "W10", "%00", "-" * 8_000, "x" * 50_000, "null", "[]", "é", "\x7f")
    yield base64.urlsafe_b64encode(b"[" * 3000).decode()
    yield encoded([["trip:x", "e", -1, ""]])
    yield encoded([["trip:x", "e", 2**80, ""]])
    yield encoded([["trip:x", "e", 1.5, ""]])
    yield encoded([["trip:x"] * 3] * 40)
    yield encoded({"a": 1})
    yield encoded([["trip:\ud800", "\ud800", 0, "\ud800"]])


# R: S1
async def test_a_cursor_that_is_none_is_answered_with_the_whole_state(scene: Scene):
    for cursor in odd_cursors():
        answer = await scene.ana.poll(scene.trip, cursor=cursor)
        assert answer.status_code == 200, cursor[:40]
        assert len(answer.json()["resets"]) == 1, cursor[:40]
        if cursor.isprintable():
            answer = await scene.ana.poll(scene.trip, headers={"Last-Event-ID": cursor.encode("utf-8")})  # type: ignore[dict-item]
            assert len(answer.json()["resets"]) == 1, cursor[:40]


@pytest.mark.parametrize(
    "text", ["[bold]Ana[/]", "[@click=app.quit]x[/]", "[/]", "{x} %s \\ '\"", "<b>Ana</b>", "[red", "]]"]
)
async def test_markup_of_any_kind_is_plain_text_and_comes_back_as_it_went(scene: Scene, text: str):
    made = await scene.ana.do("/update", {"tripId": scene.trip, "name": text})
    assert made["trip"]["name"] == text
    assert (await scene.ana.trip(scene.trip)).json()["trip"]["name"] == text


# --- random bodies from the description itself -----------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
ODD_TEXTS = st.sampled_from(
    [
        "",
        "\x00",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01",
        "trip:",
        "a" * 5000,
        "\ud800",
        "2030-01-01T00:00:00Z",
        "K7QM2D4F",
    ]
)


def made_for(schema: dict[str, Any], schemas: dict[str, Any], known: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Values of this schema, and now and then anything else."""
    return st.one_of(*[_fitting(schema, schemas, known)] * 5, ANYTHING)


def _fitting(schema: dict[str, Any], schemas: dict[str, Any], known: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return made_for(schemas[schema["$ref"].rpartition("/")[2]], schemas, known)
    if "anyOf" in schema or "oneOf" in schema:
        return st.one_of(*(_fitting(s, schemas, known) for s in schema.get("anyOf") or schema["oneOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            needed = set(schema.get("required", ()))
            fields = {n: made_for(s, schemas, known) for n, s in schema["properties"].items()}
            return st.fixed_dictionaries(
                {n: f for n, f in fields.items() if n in needed},
                optional={n: f for n, f in fields.items() if n not in needed},
            )
        case "object":
            return st.dictionaries(
                known | ODD_TEXTS, made_for(schema["additionalProperties"], schemas, known), max_size=3
            )
        case "array":
            return st.lists(made_for(schema["items"], schemas, known), max_size=5)
        case "integer":
            return st.integers(schema.get("minimum", -(2**70)), schema.get("maximum", 2**70)) | st.integers()
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "string":
            return st.one_of(
                known,
                ODD_TEXTS,
                st.text(max_size=60),
                st.dates().map(str),
                st.datetimes().map(lambda d: f"{d.isoformat()}Z"),
            )
    return ANYTHING


# R: T8
async def test_no_body_whatsoever_is_an_error_of_the_server(
    tmp_path: Path, count: Count, monkeypatch: pytest.MonkeyPatch, running: Running, http: httpx.AsyncClient
):
    async def no_hash(self: Auth, work: Callable[[], Any]) -> Any:
        return "hash" if work.__qualname__.startswith("Auth._claim") else False

    monkeypatch.setattr(Auth, "_in_slot", no_hash)  # 30 ms each
    made, (ana, ben) = await crew(http, 2)
    trip, poll = made["trip"]["id"], str(uuid.uuid4())
    await ana.do("/polls", {"tripId": trip, **POLL}, key=poll)
    said = (await ana.do(f"/api/feeds/trip/{trip}/comments", {"text": "Hello"}))["item"]["id"]
    named = {"type": "trip", "id": trip, "channel": "comments", "itemId": said}
    document = (await http.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    known = st.sampled_from([trip, poll, f"{poll}.0", ana.id, ben.id, made["invite"]["code"], f"trip:{trip}"])
    rounds, tally = count(reduced=25, full=500), dict[int, int]()

    for endpoint in ENDPOINTS:
        if endpoint.body is None or endpoint.path.endswith(("/delete", "/leave", "/renew")):  # they end what is asked
            continue
        strategy = made_for({"$ref": f"#/{endpoint.body.__name__}"}, schemas, known)
        for body in drawn(strategy, rounds):
            sent = json.dumps(body).encode("utf-8", "surrogatepass")
            path = re.sub(r"{(\w+)}", lambda part: named.get(part[1], part[0]), endpoint.path)
            answer = await ana.request(endpoint.method, path, content=sent)
            tally[answer.status_code] = tally.get(answer.status_code, 0) + 1
            assert answer.status_code < 500, (endpoint.path, sent[:500], answer.text)
            if answer.status_code >= 400:
                problem(answer, answer.status_code)
    assert tally[200] > 0
    assert (await ana.trip(trip)).status_code == 200
    async with ana.stream(trip) as stream:
        assert (await stream.next()).kind == "reset"


def drawn(strategy: st.SearchStrategy[Any], rounds: int) -> list[Any]:
    """That many values, the same in every run."""
    values: list[Any] = []

    @settings(
        max_examples=rounds,
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        values.append(value)

    collect()
    return values


async def test_a_head_request_opens_no_stream(scene: Scene, running: Running):
    answer = await scene.ana.request("HEAD", f"/api/sync?topic=trip:{scene.trip}", headers=SSE)
    assert answer.status_code == 200
    assert len(running.server.streams) == 0


async def test_random_bytes_on_the_socket_leave_the_server_standing(tmp_path: Path, count: Count):
    chance = random.Random(7)
    async with served(tmp_path) as running, connected(running.url) as http:
        for _ in range(count(reduced=20, full=500)):
            _, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
            start = chance.choice([b"", b"GET ", b"POST /api/session/guest HTTP/1.1\r\nContent-Length: -5\r\n\r\n"])
            writer.write(start + chance.randbytes(chance.randrange(1, 300)))
            writer.close()
        assert (await http.get("/healthz")).status_code == 200


@pytest.mark.parametrize("name", ["x\n2026-05-20 ERROR forged", "x\x1b[2J", "", "lisbon"])
async def test_what_is_no_id_names_no_trip_and_reaches_neither_the_store_nor_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
):
    class Failing(SqliteStore):
        """Whatever asks for a topic fails, and that is logged."""

        fails = False

        async def load(self, topic: str) -> Loaded | None:
            if self.fails:
                raise StoreUnavailable("the disk is full")
            return await super().load(topic)

        async def read(self, topic: str, after: int, limit: int) -> Slice | None:
            if self.fails:
                raise StoreUnavailable("the disk is full")
            return await super().read(topic, after, limit)

    store = Failing(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with served(tmp_path, store=store) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        store.fails = True
        if name:
            problem(await ana.post("/update", {"tripId": name, "name": "Porto"}), 404, "unknown-trip")
        problem(await ana.get("/api/social-cart/join", tripId=name), 404, "unknown-trip")
        problem(await ana.poll(f"trip:{name}"), 404, "unknown-trip")
        problem(await ana.post("/api/sync/where", {"topic": f"trip:{name}", "where": "polls"}), 404, "unknown-trip")
        assert running.server.hub.topics == {}
        assert caplog.text == ""
        real = str(uuid.uuid4())
        problem(await ana.post("/update", {"tripId": real, "name": "Porto"}), 503, "unavailable")
        assert "the store: the disk is full" in caplog.text


async def test_trailers_without_end_are_cut_off(tmp_path: Path):
    async with served(tmp_path) as running, connected(running.url) as http:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
        head = b"POST /api/session/guest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Long: ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 4_000_000:
                writer.write(b"x" * 16_384)
                await asyncio.wait_for(writer.drain(), 5)
                sent += 16_384
                await asyncio.sleep(0)
        assert sent < 4_000_000
        writer.close()
        body = b"".join(b"1\r\n%c\r\n" % c for c in b'{"name":"Ana"}') + b"0\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
        writer.write(head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + body)
        assert b" 201 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        assert (await http.get("/healthz")).status_code == 200
