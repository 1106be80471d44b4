"""What a server offers over HTTP: its exhibitions and their time slots, open to all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.support.people import connected
from tests.support.serving import Running, served

from roadcrew_domain.exhibitions import Exhibition
from roadcrew_server.catalogue import SAMPLE_FILE, load

SLOTS = "/api/exhibitions/clockmaker/slots"


# R: C1, G3
async def test_everybody_sees_what_can_be_booked_and_that_the_sample_is_made_up(http: httpx.AsyncClient):
    answer = await http.get("/api/exhibitions")
    assert answer.status_code == 200
    said = answer.json()
    sample = load(SAMPLE_FILE)
    assert msgspec.convert(said["exhibitions"], tuple[Exhibition, ...]) == sample.exhibitions
    assert (said["note"], said["sample"]) == (sample.note, True)
    assert said["exhibitions"][0]["startsOn"] == "2026-01-02"


# R: C1
async def test_a_day_has_its_slots_in_utc_with_the_seats_that_are_left(http: httpx.AsyncClient, running: Running):
    running.server.store.now = lambda: datetime(2027, 5, 1, tzinfo=UTC)  # type: ignore[method-assign]
    answer = await http.get(SLOTS, params={"date": "2027-05-21"})
    assert answer.status_code == 200
    said = answer.json()
    assert (said["exhibitionId"], said["date"], said["closed"]) == ("clockmaker", "2027-05-21", False)
    assert said["slots"] == [
        {
            "id": f"clockmaker.20270521.{at}",
            "startsAt": f"2027-05-21T{starts}:00Z",
            "endsAt": f"2027-05-21T{ends}:00Z",
            "capacity": 12,
            "seatsLeft": 12,
            "state": "open",
        }
        for at, starts, ends in (("1030", "09:30", "10:30"), ("1430", "13:30", "14:30"), ("1700", "16:00", "17:00"))
    ]


# R: C1
async def test_a_slot_is_past_from_the_moment_at_which_it_begins(http: httpx.AsyncClient, running: Running):
    begins = datetime(2027, 5, 21, 13, 30, tzinfo=UTC)
    for now, states in (
        (begins - timedelta(microseconds=1), ["past", "open", "open"]),
        (begins, ["past", "past", "open"]),
        (begins + timedelta(days=1), ["past", "past", "past"]),
    ):
        running.server.store.now = lambda now=now: now  # type: ignore[method-assign, misc]
        said = (await http.get(SLOTS, params={"date": "2027-05-21"})).json()
        assert [slot["state"] for slot in said["slots"]] == states


# R: C1
@pytest.mark.parametrize("day", ["2027-05-23", "2025-12-31", "2036-01-03", "0001-01-01", "9999-12-31"])
async def test_a_day_on_which_it_is_closed_has_no_slots_and_says_so(http: httpx.AsyncClient, day: str):
    answer = await http.get(SLOTS, params={"date": day})
    assert answer.status_code == 200
    assert answer.json() == {"exhibitionId": "clockmaker", "date": day, "closed": True, "slots": []}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "date=",
        "date=2026-02-30",
        "date=20270521",
        "date=2027-W20-5",
        "date=2027-05-21T10:00",
        "date=%D9%A2%D9%A0%D9%A2%D9%A7-05-21",
        "date=2027-05-21%0A",
        "date=%00",
        "Date=2027-05-21",
    ],
)
async def test_a_date_that_is_none_is_refused_by_its_name(http: httpx.AsyncClient, query: str):
    answer = await http.get(f"{SLOTS}?{query}")
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["field"]) == ("invalid", "date")


@pytest.mark.parametrize("name", ["nothing", "CLOCKMAKER", "clockmaker.20270521.1030", "%00", "%1b%5b2J", "x" * 4000])
async def test_an_exhibition_that_is_not_there_is_said_to_be_unknown(http: httpx.AsyncClient, name: str):
    answer = await http.get(f"/api/exhibitions/{name}/slots", params={"date": "2027-05-21"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-exhibition")


# R: C1
async def test_a_server_without_a_catalogue_says_so_and_has_no_tab_for_booking(tmp_path: Path):
    async with served(tmp_path) as running, connected(running.url) as http:
        assert running.server.catalogue is None
        assert "book" not in (await http.get("/api/server")).json()["features"]
        for path in ("/api/exhibitions", f"{SLOTS}?date=2027-05-21", f"{SLOTS}?date=x"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "no-catalogue")


async def test_who_looks_too_often_is_told_when_to_look_again(tmp_path: Path):
    async with (
        served(tmp_path, catalog="sample", lookups_per_address="3/minute") as running,
        connected(running.url) as http,
    ):
        codes = [(await http.get(path)).status_code for path in ("/api/exhibitions", SLOTS, "/api/exhibitions")]
        assert codes == [200, 422, 200]
        answer = await http.get(f"{SLOTS}?date=2027-05-21")
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
        assert int(answer.headers["retry-after"]) > 0
        assert (await http.get("/api/server")).status_code == 200
