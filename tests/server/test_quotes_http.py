"""`/api/quotes` from outside: answered at once, refused with a reason, done once, and read by those who may."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from tests.conftest import Count
from tests.support.hubs import two_servers
from tests.support.people import JSON, SSE, Person, Stream, connected, crew, eventually
from tests.support.pricing import BY_THE_SEA, Played, a_stay, a_vehicle, day, providers, ready
from tests.support.serving import Running, served

from roadcrew_domain import ids
from roadcrew_domain.quotes_state import Stay

HOTEL = {"name": "Casa Azul", "city": "Lisbon", "stars": 4, "pricePerNight": {"amount": 8400, "currency": "EUR"}}


@dataclass
class Scene:
    """A trip with a hotel, at a server whose providers the test plays."""

    running: Running
    http: httpx.AsyncClient
    crew: list[Person]
    trip: str
    hotel: str

    @property
    def ana(self) -> Person:
        return self.crew[0]

    async def ask(self, body: dict[str, Any] | None = None, **more: Any) -> str:
        """A run for the trip; its id."""
        body = a_stay(self.hotel, tripId=self.trip) if body is None else body
        return str((await self.ana.do("/api/quotes", body, **more))["runId"])

    async def state(self, run: str) -> Any:
        return (await self.ana.get(f"/api/quotes/{run}")).json()

    async def finished(self, run: str) -> Any:
        topic = await self.running.server.hub.topic(f"quote:{run}")
        await eventually(lambda: topic.state.status != "processing")
        return await self.state(run)


@asynccontextmanager
async def scene(place: Path, *played: Played, **settings: Any) -> AsyncIterator[Scene]:
    async with served(place, asked=providers(*played), **settings) as running, connected(running.url) as http:
        made, people = await crew(http, 2)
        trip, hotel = made["trip"]["id"], str(uuid.uuid4())
        await people[1].do("/hotels/shortlist", {"tripId": trip, **HOTEL}, key=hotel)
        yield Scene(running, http, people, trip, hotel)


# R: Q1
async def test_a_request_is_answered_before_any_provider_has(tmp_path: Path):
    async with scene(tmp_path, Played(), Played()) as s:
        answer = await s.ana.post("/api/quotes", a_stay(s.hotel, tripId=s.trip))
        started = answer.json()
        assert answer.status_code == 202
        assert started == {
            "runId": started["runId"],
            "status": "processing",
            "streamUrl": f"/api/quotes/{started['runId']}/stream",
        }
        assert ids.is_id(started["runId"])


# R: Q1
async def test_the_id_of_a_run_is_the_key_that_it_was_asked_under(tmp_path: Path):
    async with scene(tmp_path, ready()) as s:
        key = str(uuid.uuid4())
        assert await s.ask(key=key) == key


# R: Q2 Q5
async def test_what_is_asked_is_copied_from_the_shortlist_and_all_providers_of_the_kind_are_asked(tmp_path: Path):
    rooms, cars = ready(kinds=frozenset({"stay"})), ready(kinds=frozenset({"vehicle"}))
    async with scene(tmp_path, rooms, cars, ready(simulated=True, amount=5)) as s:
        answer = await s.finished(await s.ask())
        run = answer["run"]
        assert (answer["status"], run["status"], run["tripId"], run["by"]) == ("finished", "finished", s.trip, s.ana.id)
        [hotel] = run["request"]["hotels"]
        assert hotel == {"id": s.hotel, **HOTEL}
        assert [(p["id"], p["simulated"]) for p in run["providers"]] == [("p0", False), ("p2", True)]
        assert run["answers"]["p2"]["prices"] == [
            {"total": {"amount": 5, "currency": "EUR"}, "hotelId": s.hotel, "note": None}
        ]
        [asked] = rooms.asked
        assert isinstance(asked, Stay)
        assert (asked.check_in, asked.guests, cars.asked) == (day(30), 2, [])
        assert answer["seq"] > 3


# R: Q5
async def test_a_vehicle_is_asked_for_by_its_number_however_it_is_written(tmp_path: Path):
    async with scene(tmp_path, ready()) as s:
        answer = await s.finished(await s.ask(a_vehicle(vin=" 1m8gdm9axkp042788 ")))
        request = answer["run"]["request"]
        assert (request["kind"], request["vin"], request["drivers"]) == ("vehicle", "1M8GDM9AXKP042788", [{"age": 40}])
        assert (request["from"], request["to"]) == (f"{day(30)}", f"{day(33)}")
        assert answer["run"]["tripId"] is None


# R: Q5
async def test_without_a_trip_one_asks_for_hotels_that_providers_know(tmp_path: Path):
    async with scene(tmp_path, ready(known=(BY_THE_SEA,)), ready()) as s:
        [hotel] = (await s.ana.get("/api/quotes/hotels")).json()["hotels"]
        assert (hotel["id"], hotel["name"]) == ("sea", "By the Sea")
        answer = await s.finished(await s.ask(a_stay("sea")))
        assert answer["run"]["answers"]["p0"]["prices"][0]["hotelId"] == "sea"


FIVE = "00000000-0000-7000-8000-00000000000{}"
REFUSALS: list[tuple[str, dict[str, Any], int, str]] = [
    ("a hotel of nobody", a_stay("nowhere"), 404, "unknown-hotel"),
    ("one of two unknown", a_stay("sea", "nowhere"), 404, "unknown-hotel"),
    ("no hotel", a_stay(), 422, "bad-hotels"),
    ("a hotel twice", a_stay("sea", "sea"), 422, "bad-hotels"),
    ("a day that is over", a_stay("sea", checkIn="2020-01-01", checkOut="2020-01-03"), 422, "bad-dates"),
    ("no night", a_stay("sea", checkOut=f"{day(30)}"), 422, "bad-dates"),
    ("backwards", a_stay("sea", checkOut=f"{day(20)}"), 422, "bad-dates"),
    ("for ever", a_stay("sea", checkOut=f"{day(300)}"), 422, "bad-dates"),
    ("in ten years", a_stay("sea", checkIn=f"{day(3650)}", checkOut=f"{day(3652)}"), 422, "bad-dates"),
    ("nobody", a_stay("sea", guests=0), 422, "bad-guests"),
    ("a crowd", a_stay("sea", guests=51), 422, "bad-guests"),
    ("a wrong check digit", a_vehicle(vin="1M8GDM9A1KP042788"), 422, "bad-vin"),
    ("a short number", a_vehicle(vin="1M8GDM9AXKP04278"), 422, "bad-vin"),
    ("letters that are none", a_vehicle(vin="IOQGDM9AXKP042788"), 422, "bad-vin"),
    ("no driver", a_vehicle(drivers=[]), 422, "bad-drivers"),
    ("a child", a_vehicle(drivers=[{"age": 9}]), 422, "bad-drivers"),
    ("a bus full", a_vehicle(drivers=[{"age": 40}] * 9), 422, "bad-drivers"),
    ("days that are over", a_vehicle(**{"from": "2020-01-01", "to": "2020-01-03"}), 422, "bad-dates"),
    ("another kind", {"kind": "boat"}, 422, "invalid"),
    ("no kind", {}, 422, "invalid"),
    ("a field too many", a_stay("sea", providers=["p0"]), 422, "invalid"),
    ("a word for a number", a_stay("sea", guests="two"), 422, "invalid"),
    ("a date that is none", a_stay("sea", checkIn="soon"), 422, "invalid"),
    ("no trip", a_stay("sea", tripId=FIVE.format(5)), 404, "unknown-trip"),
    ("a trip that can't be", a_stay("sea", tripId="x"), 404, "unknown-trip"),
]


# R: Q1 Q5
async def test_what_can_not_be_asked_is_refused_with_its_reason(running: Running, ana: Person):
    for what, body, status, code in REFUSALS:
        answer = await ana.post("/api/quotes", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (what, answer.text)
        if code == "bad-vin":
            assert answer.json()["reason"], what
        if code == "invalid" and what not in ("another kind", "no kind"):
            assert answer.json()["field"] in ("providers", "guests", "checkIn"), what
    assert not any(topic.state for name, topic in running.server.hub.topics.items() if name.startswith("quote:"))


# R: Q1
async def test_where_nobody_can_be_asked_that_is_said(tmp_path: Path):
    async with served(tmp_path) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        for answer in (await ana.post("/api/quotes", a_vehicle()), await ana.get("/api/quotes/hotels")):
            assert (answer.status_code, answer.json()["code"]) == (404, "no-quotes")
        about = (await http.get("/api/server")).json()
        assert ("quotes" in about["features"], about["quotes"]) == (False, None)
    (tmp_path / "x").mkdir()
    async with scene(tmp_path / "x", ready(kinds=frozenset({"stay"}))) as s:
        answer = await s.ana.post("/api/quotes", a_vehicle())
        assert (answer.status_code, answer.json()["code"]) == (409, "no-provider")


# R: Q6
async def test_a_server_says_whom_it_asks(running: Running, http: httpx.AsyncClient):
    about = (await http.get("/api/server")).json()
    assert {"quotes", "imports"} <= set(about["features"])
    assert about["quotes"]["providers"] == [
        {"id": f"p{n}", "name": f"Provider {n}", "simulated": n == 1, "kinds": ["stay", "vehicle"], "timeout": 30.0}
        for n in range(2)
    ]
    assert about["imports"] == {"maxBytes": 32 * 1024 * 1024}
    assert "nobody-asks-for-it" not in str(about)


# R: Q1
async def test_the_same_request_fifty_times_is_one_run_and_asks_each_provider_once(tmp_path: Path, count: Count):
    played = ready()
    async with scene(tmp_path, played) as s:
        key, body = "my own key", a_stay(s.hotel, tripId=s.trip)
        answers = await asyncio.gather(
            *(s.ana.post("/api/quotes", body, key=key) for _ in range(count(reduced=50, full=500)))
        )
        assert {answer.status_code for answer in answers} == {202}
        [run] = {answer.json()["runId"] for answer in answers}
        await s.finished(run)
        again = await s.ana.post("/api/quotes", body, key=key)
        assert (again.status_code, again.json()["runId"], again.json()["status"]) == (202, run, "finished")
        assert len(played.asked) == 1
        topics = [name for name in s.running.server.hub.topics if name.startswith("quote:")]
        assert topics == [f"quote:{run}"]


# R: Q1
async def test_another_request_under_the_same_key_is_refused(tmp_path: Path):
    async with scene(tmp_path, ready()) as s:
        body = a_stay(s.hotel, tripId=s.trip)
        await s.ask(body, key="k")
        answer = await s.ana.post("/api/quotes", body | {"guests": 3}, key="k")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")


async def test_somebody_elses_key_opens_nothing(tmp_path: Path):
    async with scene(tmp_path, ready()) as s:
        key = str(uuid.uuid4())
        run = await s.ask(a_vehicle(), key=key)
        ben = s.crew[1]
        answer = await ben.post("/api/quotes", a_vehicle(), key=key)
        assert (answer.status_code, answer.json()["code"]) == (409, "id-taken")
        assert (await ben.get(f"/api/quotes/{run}")).json()["code"] == "unknown-quote-run"


# R: Q8
async def test_a_hotel_that_was_shortlisted_at_another_process_a_moment_ago_can_be_asked_for(tmp_path: Path):
    async with (
        two_servers(tmp_path, asked=providers(ready())) as (one, two),
        connected(one.url) as here,
        connected(two.url) as there,
    ):
        made, [ana] = await crew(here, 1)
        trip, hotel = made["trip"]["id"], str(uuid.uuid4())
        elsewhere = Person(there, ana.token, ana.id)
        assert (await elsewhere.trip(trip)).status_code == 200  # it has a copy now, without the hotel
        await ana.do("/hotels/shortlist", {"tripId": trip, **HOTEL}, key=hotel)
        answer = await elsewhere.post("/api/quotes", a_stay(hotel, tripId=trip))
        assert answer.status_code == 202, answer.text


# R: Q8
async def test_members_see_a_run_and_who_was_removed_does_not_any_more(tmp_path: Path):
    async with scene(tmp_path, Played()) as s:
        ana, ben = s.crew
        key, body = "ben's", a_stay(s.hotel, tripId=s.trip)
        run = (await ben.do("/api/quotes", body, key=key))["runId"]
        eve = await Person.guest(s.http, "Eve")
        paths = (f"/api/quotes/{run}", f"/api/quotes/{run}/stream")
        for path in paths:
            assert (await ana.request("GET", path, headers=JSON)).status_code == 200
            assert (await eve.request("GET", path, headers=JSON)).status_code == 403
        await ana.do("/remove-member", {"tripId": s.trip, "memberId": ben.id})
        for path in paths:
            answer = await ben.request("GET", path, headers=JSON)
            assert (answer.status_code, answer.json()["code"]) == (403, "not-a-member")
        for answer in (
            await ben.post("/api/quotes", body, key=key),  # also what he has asked himself
            await ben.post(f"/api/quotes/{run}/vote", {"choice": None}),
            await ben.request("DELETE", f"/api/quotes/{run}"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "not-a-member")


# R: Q2 Q3
async def test_events_are_numbered_from_nothing_and_go_on_after_any_of_them(tmp_path: Path):
    async with scene(tmp_path, ready(), ready(failure="not-covered")) as s:
        run = await s.ask()
        await s.finished(run)
        url = f"/api/quotes/{run}/stream"
        first = s.http.build_request("GET", url, headers=s.ana.auth | SSE)
        stream = Stream(await s.http.send(first, stream=True))
        await stream.next("told")
        await stream.aclose()
        frames = list(stream.frames)
        assert [frame.id for frame in frames] == [str(n) for n in range(len(frames))]
        kinds = {"requested", "runner", "activity", "progress", "result", "failure", "finished", "told"}
        assert kinds == {frame.kind for frame in frames}
        for after in (0, len(frames) - 3):
            later = s.http.build_request("GET", url, headers=s.ana.auth | SSE | {"Last-Event-ID": str(after)})
            stream = Stream(await s.http.send(later, stream=True))
            assert (await stream.next()).id == str(after + 1)
            await stream.aclose()
        batch = await s.ana.request("GET", url, params={"after": "1"}, headers=JSON)
        assert [event["seq"] for event in batch.json()["events"]] == list(range(2, len(frames)))
        assert (
            await s.ana.request("GET", url, params={"after": str(len(frames) - 1)}, headers=JSON)
        ).status_code == 204


# R: Q4 Q8
async def test_who_asked_and_the_organiser_can_cancel_and_nobody_else(tmp_path: Path):
    async with scene(tmp_path, Played(), ready()) as s:
        ana, ben = s.crew
        by_ana, by_ben = await s.ask(), (await ben.do("/api/quotes", a_stay(s.hotel, tripId=s.trip)))["runId"]
        answer = await ben.request("DELETE", f"/api/quotes/{by_ana}")
        assert (answer.status_code, answer.json()["code"]) == (403, "not-yours-to-cancel")
        for run in (by_ana, by_ben):
            for _ in range(2):
                answer = await ana.request("DELETE", f"/api/quotes/{run}")
                assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


# R: Q8
async def test_a_vote_is_for_a_price_that_is_there_and_can_be_taken_back(tmp_path: Path):
    async with scene(tmp_path, ready(), Played()) as s:
        ben = s.crew[1]
        run = await s.ask()
        topic = await s.running.server.hub.topic(f"quote:{run}")
        await eventually(lambda: topic.state.answers["p0"].prices)
        path = f"/api/quotes/{run}/vote"
        choice = {"provider": "p0", "hotelId": s.hotel}
        voted = await ben.do(path, {"choice": choice}, key="v")
        assert voted["run"]["ballots"] == {ben.id: choice}
        assert (await ben.do(path, {"choice": None}))["run"]["ballots"] == {}
        for wrong in ({"provider": "p1", "hotelId": s.hotel}, {"provider": "p0"}, {"provider": "p9"}):
            answer = await ben.post(path, {"choice": wrong})
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown-price")
        assert (await ben.post(path, {})).status_code == 422


# R: Q3
async def test_a_run_that_never_was_is_unknown_and_one_that_is_over_has_expired(tmp_path: Path):
    async with scene(tmp_path, ready(), quote_hours=1) as s:
        hub, now = s.running.server.hub, s.running.server.store.now()
        old = ids.uuid7(int((now - timedelta(hours=2)).timestamp() * 1000), b"0123456789")
        young = ids.uuid7(int((now - timedelta(minutes=2)).timestamp() * 1000), b"0123456789")
        for run, code in (
            (old, "quote-run-expired"),  # nobody knows any more
            (young, "unknown-quote-run"),
            (str(uuid.uuid4()), "unknown-quote-run"),
            ("hotels-in-lisbon", "unknown-quote-run"),
        ):
            for path in (f"/api/quotes/{run}", f"/api/quotes/{run}/stream"):
                answer = await s.ana.request("GET", path, headers=JSON)
                assert (answer.status_code, answer.json()["code"]) == (404, code)
        run = await s.ask()
        await s.finished(run)
        later = now + timedelta(hours=1, minutes=1)
        s.running.server.store.now = lambda: later  # type: ignore[method-assign]
        for path in (f"/api/quotes/{run}", f"/api/quotes/{run}/stream"):
            answer = await s.ana.request("GET", path, headers=JSON)
            assert (answer.status_code, answer.json()["code"]) == (404, "quote-run-expired")
        assert hub.topics


async def test_asking_too_often_is_refused_and_says_when_to_come_again(tmp_path: Path):
    async with scene(tmp_path, ready(), quotes_per_user="3/hour") as s:
        key = str(uuid.uuid4())
        for n in range(3):
            await s.ask(key=key if n == 0 else None)
        answer = await s.ana.post("/api/quotes", a_vehicle())
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
        assert int(answer.headers["retry-after"]) > 0
        assert await s.ask(key=key) == key  # what was asked is not asked again
        assert (await s.crew[1].post("/api/quotes", a_vehicle())).status_code == 202


# R: Q8
async def test_a_trip_knows_its_runs_and_the_best_price_of_each(tmp_path: Path):
    async with scene(tmp_path, ready(amount=900), ready(amount=700)) as s:
        run = await s.ask()
        await s.finished(run)
        await eventually(lambda: not len(s.running.server.runners))
        [note] = (await s.ana.trip(s.trip)).json()["trip"]["runs"]
        assert (note["id"], note["kind"], note["by"], note["count"], note["ended"]) == (
            run,
            "stay",
            s.ana.id,
            2,
            "finished",
        )
        assert (note["best"], note["bestOf"]) == ({"amount": 700, "currency": "EUR"}, "Provider 1")
