"""Calls about prices and imports: what is asked of a server, and what is believed of its answers."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from tests.api_client.run_desk import RunDesk
from tests.api_client.scripted import FAST, NOW, Request, ScriptedServer, serving

import roadcrew_client as rc
from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import Choice

RUN = {"runId": "r", "status": "processing", "streamUrl": "/api/quotes/r/stream"}
MAY_21, MAY_24 = date(2030, 5, 21), date(2030, 5, 24)


@contextlib.asynccontextmanager
async def answering(status: int, body: object) -> AsyncIterator[tuple[rc.Client, ScriptedServer]]:
    """A server that says one thing."""

    async def script(request: Request) -> None:
        await request.answer(status, body)

    async with serving(script) as server, rc.Client(server.url, token="ana", settings=FAST) as client:
        yield client, server


def answer_of(desk: RunDesk, name: str, **more: object) -> dict[str, Any]:
    kind = "run" if name.startswith("quote:") else "job"
    state = desk.logs[name].encoded() | more
    return {f"{kind}Id": state["id"], "status": state["status"], kind: state, "seq": 7, "now": NOW.isoformat()}


# R: Q1 Q5
async def test_prices_of_a_stay_and_of_a_vehicle_are_asked_for_as_the_contract_says():
    async with answering(202, RUN) as (client, server):
        started = await client.request_stay(["casa"], MAY_21, MAY_24, 2, "t", "before", key="k")
        await client.request_vehicle("1M8GDM9AXKP042788", [34, 29], MAY_21, MAY_24)
    assert started == rc.QuoteStarted("r", "processing", "/api/quotes/r/stream")
    stay, vehicle = server.requests
    assert (stay.method, stay.path, stay.headers["idempotency-key"]) == ("POST", "/api/quotes", "k")
    assert json.loads(stay.body) == {
        "kind": "stay",
        "hotelIds": ["casa"],
        "checkIn": "2030-05-21",
        "checkOut": "2030-05-24",
        "guests": 2,
        "tripId": "t",
        "againOf": "before",
    }
    assert json.loads(vehicle.body) == {
        "kind": "vehicle",
        "vin": "1M8GDM9AXKP042788",
        "drivers": [{"age": 34}, {"age": 29}],
        "from": "2030-05-21",
        "to": "2030-05-24",
    }


# R: Q2 Q8
async def test_a_run_is_read_voted_in_and_stopped():
    desk = RunDesk()
    name = desk.ask()
    desk.prices(name)
    async with answering(200, answer_of(desk, name)) as (client, server):
        read = await client.quote_run("r/../x")
        assert (read.run, read.seq, read.now) == (desk.logs[name].state, 7, NOW)
        assert await client.vote_quote("r", Choice("atlas", "casa")) == read
        assert await client.vote_quote("r", None) == read
        assert await client.cancel_quote("r") == read
    assert [(r.method, r.path) for r in server.requests] == [
        ("GET", "/api/quotes/r%2F..%2Fx"),
        ("POST", "/api/quotes/r/vote"),
        ("POST", "/api/quotes/r/vote"),
        ("DELETE", "/api/quotes/r"),
    ]
    votes = [json.loads(r.body) for r in server.requests[1:3]]
    assert votes == [{"choice": {"provider": "atlas", "hotelId": "casa"}}, {"choice": None}]


# R: J1 J6
async def test_an_import_and_its_rows_are_read_and_it_is_stopped():
    desk = RunDesk()
    name = desk.upload()
    desk.rows(name, 40, 400)
    async with answering(200, answer_of(desk, name)) as (client, server):
        assert (await client.import_job("j")).job == desk.logs[name].state
        assert (await client.cancel_import("j")).job == desk.logs[name].state
    assert [(r.method, r.path) for r in server.requests] == [("GET", "/api/jobs/j"), ("DELETE", "/api/jobs/j")]
    hotel = {"line": 3, "name": "Ritz", "city": "Lisbon", "stars": 5, "pricePerNight": {"amount": 1, "currency": "EUR"}}
    async with answering(200, {"hotels": [hotel], "total": 9, "next": "x"}) as (client, server):
        found = await client.imported_hotels("j", "stars", True, "Lisbon", "ri", 4, 12000, 10, "w")
        assert (found.hotels[0].price_per_night, found.total, found.next) == (Money(1, "EUR"), 9, "x")
    assert server.requests[0].query == {
        "sort": ["stars"],
        "descending": ["true"],
        "limit": ["10"],
        "city": ["Lisbon"],
        "q": ["ri"],
        "minStars": ["4"],
        "maxPrice": ["12000"],
        "after": ["w"],
    }
    row = {"line": 8, "code": "bad-price", "detail": "The price is no number."}
    async with answering(200, {"rows": [row], "total": 1}) as (client, server):
        refused = await client.refused_rows("j", after=3)
        assert (refused.rows[0].line, refused.total, refused.next) == (8, 1, None)
    assert server.requests[0].query == {"limit": ["50"], "after": ["3"]}


async def test_a_server_says_whom_it_asks_and_what_it_takes():
    quotes = {"providers": [{"id": "a", "name": "Atlas", "simulated": True, "kinds": ["stay"], "timeout": 5}]}
    info = {"name": "Roadcrew", "version": "1", "features": ["quotes", "imports"]}
    async with answering(200, info | {"quotes": quotes, "imports": {"maxBytes": 100}}) as (client, _):
        found = await client.server_info()
        assert found.quotes is not None
        assert found.quotes.providers == (rc.QuoteProvider("a", "Atlas", True, ("stay",), 5.0),)
        assert found.imports == rc.ImportsInfo(100)
    async with answering(200, info) as (client, _):
        found = await client.server_info()
        assert (found.quotes, found.imports) == (None, None)


# --- what is not believed ------------------------------------------------------------------------


def with_currency(state: dict[str, Any]) -> None:
    state["answers"]["atlas"]["prices"][0]["total"]["currency"] = "\x1b[31m"


def with_less_than_nothing(state: dict[str, Any]) -> None:
    state["answers"]["atlas"]["prices"][0]["total"]["amount"] = -1


def with_a_hotels_price(state: dict[str, Any]) -> None:
    state["request"]["hotels"][0]["pricePerNight"]["currency"] = "euro"


def without_an_answer(state: dict[str, Any]) -> None:
    del state["answers"]["slow"]


def for_nobody(state: dict[str, Any]) -> None:
    state["request"]["guests"] = 0


def for_no_time(state: dict[str, Any]) -> None:
    state["request"]["checkOut"] = state["request"]["checkIn"]


def of_a_later_version(state: dict[str, Any]) -> None:
    state["v"] = 99


@pytest.mark.parametrize(
    "spoil",
    [
        with_currency,
        with_less_than_nothing,
        with_a_hotels_price,
        without_an_answer,
        for_nobody,
        for_no_time,
        of_a_later_version,
    ],
)
async def test_a_run_that_could_not_be_compared_or_shown_is_trouble_of_the_server(
    spoil: Callable[[dict[str, Any]], None],
):
    desk = RunDesk()
    name = desk.ask()
    desk.prices(name)
    answer = answer_of(desk, name)
    spoil(answer["run"])
    async with answering(200, answer) as (client, _):
        with pytest.raises(rc.ServerTrouble):
            await client.quote_run("r")


BAD_HOTEL = {"line": 1, "name": "R", "city": "L", "stars": 1, "pricePerNight": {"amount": 1, "currency": "€"}}


@pytest.mark.parametrize(
    ("body", "ask"),
    [
        ([], lambda client: client.import_job("j")),
        ({"job": {}, "seq": 1, "now": NOW.isoformat()}, lambda client: client.import_job("j")),
        ({"hotels": [BAD_HOTEL], "total": 1}, lambda client: client.imported_hotels("j")),
        ({"hotels": [BAD_HOTEL | {"id": "r"}]}, lambda client: client.quote_hotels()),
        ({"rows": [{"line": "one"}]}, lambda client: client.refused_rows("j")),
        ({"runId": 7}, lambda client: client.request_stay(["h"], MAY_21, MAY_24, 2)),
    ],
)
async def test_an_answer_of_another_shape_is_trouble_of_the_server(
    body: object, ask: Callable[[rc.Client], Awaitable[object]]
):
    async with answering(200, body) as (client, _):
        with pytest.raises(rc.ServerTrouble):
            await ask(client)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(404, "quote-run-expired", rc.NotFound), (403, "not-a-member", rc.Forbidden), (409, "no-provider", rc.Rejected)],
)
async def test_refusals_have_their_code(status: int, code: str, kind: type[rc.RoadcrewError]):
    async with answering(status, {"status": status, "code": code, "detail": "No."}) as (client, _):
        with pytest.raises(kind) as caught:
            await client.quote_run("r")
        assert caught.value.code == code
