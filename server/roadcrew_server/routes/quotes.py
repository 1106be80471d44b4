"""`/api/quotes`: prices from all providers at once. What is allowed, the domain's rules say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, RootModel
from starlette.responses import Response
from starlette.types import ASGIApp

from roadcrew_domain.hotels import Hotel
from roadcrew_domain.ids import is_id
from roadcrew_domain.quotes import QuoteCommand, QuoteRun
from roadcrew_domain.quotes_state import (
    AskedHotel,
    CancelRun,
    Choice,
    Driver,
    QuoteAct,
    QuoteRequest,
    QuoteStatus,
    RequestQuote,
    Stay,
    Vehicle,
    VoteQuote,
)
from roadcrew_domain.quotes_views import QuoteRunView
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Moment, Value
from roadcrew_server.endpoints import Body, Call, Endpoint
from roadcrew_server.numbered import follow
from roadcrew_server.problems import Problem
from roadcrew_server.quotes.kinds import quote_topic
from roadcrew_server.quotes.registry import Providers
from roadcrew_server.routes.runs import found, labelled, leads, require_member
from roadcrew_server.routes.trip_shapes import Id, Text
from roadcrew_server.topic import Topic

WITHIN = timedelta(minutes=10)
"""A run is over after this in any case, however often its process died; each provider has far less."""
MOST = 1_000
"""Entries of a list before the rules look at it; their own limits are far lower."""
LABEL = labelled(
    {
        "QuoteRequested": "requested",
        "QuoteActivity": "activity",
        "QuoteProgress": "progress",
        "QuoteResult": "result",
        "QuoteFailure": "failure",
        "QuoteFinished": "finished",
        "QuoteCancelled": "cancelled",
        "QuoteInterrupted": "interrupted",
        "QuoteVoted": "voted",
        "QuoteExpired": "expired",
    }
)

Number = Annotated[int, Field(ge=-(10**6), le=10**6)]


class RunBody(Body):
    """`againOf` is the run that this one repeats."""

    trip_id: Id | None = None
    again_of: Id | None = None


class StayBody(RunBody):
    """Nights in hotels: of the trip's shortlist, or, without a trip, of those that providers know."""

    kind: Literal["stay"]
    hotel_ids: list[Id] = Field(max_length=MOST)
    check_in: date
    check_out: date
    guests: Number


class DriverBody(Body):
    age: Number


class VehicleBody(RunBody):
    """A vehicle for some days, the last one included."""

    kind: Literal["vehicle"]
    vin: Text
    drivers: list[DriverBody] = Field(max_length=MOST)
    begins: date = Field(alias="from")
    ends: date = Field(alias="to")


class QuoteBody(RootModel[Annotated[StayBody | VehicleBody, Field(discriminator="kind")]]):
    """What prices are asked for."""


class ChoiceBody(Body):
    provider: Id
    hotel_id: Id | None = None


class QuoteVoteBody(Body):
    """null takes the vote back."""

    choice: ChoiceBody | None


class RunStarted(Value, frozen=True):
    """What is answered before a provider was asked."""

    run_id: str
    status: QuoteStatus
    stream_url: str


class RunAnswer(Value, frozen=True):
    """A run as it is now. `seq` is the number of its newest event."""

    run_id: str
    status: QuoteStatus
    run: QuoteRunView
    seq: int
    now: Moment


class AskableHotels(Value, frozen=True):
    """What can be asked for without a trip."""

    hotels: tuple[AskedHotel, ...]


async def start(call: Call) -> RunStarted:
    """Have all providers asked, and wait for none of them. Sent again, it is the run that it was."""
    providers = _providers(call)
    b: StayBody | VehicleBody = call.body.root
    if b.again_of is not None and not is_id(b.again_of):
        raise Problem(422, "invalid", "againOf is the id of a quote run.", field="againOf")
    trip = None if b.trip_id is None else await require_member(call, b.trip_id)
    command, key = call.command()
    name = quote_topic(command)
    done = None if key is None else await call.server.hub.replayed(name, key, call.body_hash)
    if done is None:
        await call.server.limits.ask_for_prices(call.user_id, call.address)
        offered = providers.hotels() if trip is None else await _shortlist(call, trip, b)
        kept = call.server.settings.quote_hours * 3600
        act = RequestQuote(
            request=_request(b, offered),
            providers=providers.asked(b.kind),
            within=min(WITHIN.total_seconds(), kept),
            keep_for=kept,
            trip_id=b.trip_id,
            again_of=b.again_of,
        )
        done = await call.server.hub.execute(
            name, QuoteCommand(command, call.user_id, act), key=key, body=call.body_hash, status=call.endpoint.status
        )
    if done.state.status == "processing":
        call.server.runners.begin(name)
    return RunStarted(command, done.state.status, f"/api/quotes/{command}/stream")


def _providers(call: Call) -> Providers:
    """Who can be asked here. Raises `Problem` 404 (`no-quotes`)."""
    if call.server.quotes is None:
        raise Problem(404, "no-quotes", "This server asks nobody for prices.")
    return call.server.quotes


async def _shortlist(call: Call, trip: Topic, b: StayBody | VehicleBody) -> tuple[AskedHotel, ...]:
    """What a trip's members can ask for. What is not in this copy may be in the store."""
    if isinstance(b, StayBody) and any(hotel not in trip.state.hotels for hotel in b.hotel_ids):
        await call.server.hub.refresh(trip)
    hotels: Iterable[Hotel] = trip.state.hotels.values()
    return tuple(AskedHotel(h.id, h.name, h.city, h.stars, h.price_per_night) for h in hotels)


def _request(b: StayBody | VehicleBody, offered: tuple[AskedHotel, ...]) -> QuoteRequest:
    """What is asked for, as the rules know it. Raises `Refused` (`unknown-hotel`)."""
    if isinstance(b, VehicleBody):
        return Vehicle(b.vin, tuple(Driver(driver.age) for driver in b.drivers), b.begins, b.ends)
    known = {hotel.id: hotel for hotel in offered}
    if not known.keys() >= set(b.hotel_ids):
        raise Refused("unknown-hotel", "missing", "One of these hotels can't be asked for.", field="hotelIds")
    return Stay(tuple(known[hotel] for hotel in b.hotel_ids), b.check_in, b.check_out, b.guests)


async def hotels(call: Call) -> AskableHotels:
    """Hotels that can be asked for without a trip."""
    return AskableHotels(_providers(call).hotels())


async def _run(call: Call, *, changes: bool = False) -> Topic:
    name = quote_topic(call.request.path_params["runId"])
    return await found(call, name, timedelta(hours=call.server.settings.quote_hours), changes=changes)


def _answer(call: Call, topic: Topic) -> dict[str, Any]:
    run: QuoteRun = topic.state
    state = msgspec.Raw(topic.encoded())
    return {"runId": run.id, "status": run.status, "run": state, "seq": topic.head, "now": call.server.store.now()}


async def read(call: Call) -> dict[str, Any]:
    """How it is."""
    return _answer(call, await _run(call))


async def stream(call: Call) -> ASGIApp | Response:
    """How it goes."""
    return await follow(call, (await _run(call)).name, LABEL)


async def cancel(call: Call) -> dict[str, Any]:
    """Who has not answered yet is not waited for."""
    topic = await _run(call, changes=True)
    return await _change(call, topic, CancelRun(chair=await leads(call, topic.state.trip_id)))


async def vote(call: Call) -> dict[str, Any]:
    """The price that I would take."""
    b: ChoiceBody | None = call.body.choice
    topic = await _run(call, changes=True)
    return await _change(call, topic, VoteQuote(None if b is None else Choice(b.provider, b.hotel_id)))


async def _change(call: Call, topic: Topic, act: QuoteAct) -> dict[str, Any]:
    command, key = call.command()
    await call.server.hub.execute(topic.name, QuoteCommand(command, call.user_id, act), key=key, body=call.body_hash)
    return _answer(call, topic)


def _of_run(method: str, path: str, handler: Any, summary: str, answer: type | None, **more: Any) -> Endpoint:
    return Endpoint(
        method, f"/api/quotes/{{runId}}{path}", handler, "member", summary, answer=answer, tag="quotes", **more
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/quotes",
        start,
        "member",
        "Ask all providers for prices",
        body=QuoteBody,
        answer=RunStarted,
        status=202,
        takes_key=True,
        tag="quotes",
    ),
    Endpoint(
        "GET",
        "/api/quotes/hotels",
        hotels,
        "signed-in",
        "Hotels that can be asked for without a trip",
        answer=AskableHotels,
        tag="quotes",
    ),
    _of_run("GET", "", read, "How a quote run is", RunAnswer),
    _of_run("DELETE", "", cancel, "Cancel a quote run", RunAnswer),
    _of_run(
        "GET",
        "/stream",
        stream,
        "How a quote run goes: a stream for text/event-stream, one batch for application/json",
        None,
        query={"after": "The number of the last event that was read; Last-Event-ID wins."},
        media=("text/event-stream", "application/json"),
    ),
    _of_run("POST", "/vote", vote, "Vote for a price", RunAnswer, body=QuoteVoteBody, takes_key=True),
)
