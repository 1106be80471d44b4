"""Prices without a screen, as the sub-commands run them: people's words to requests, answers to the shapes of HTTP.
What people read of it is price_words.py's.

Raises the client's `RoadcrewError` and the domain's `Refused`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from roadcrew_domain.events import encode_event
from roadcrew_domain.quotes import QuoteRun, changed, encode_run
from roadcrew_domain.quotes_state import MAX_ASKED_HOTELS, Choice, Stay
from roadcrew_domain.refusals import Refused
from roadcrew_domain.runs import RunKind
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import hotel_order
from roadcrew_tui.commands import price_words
from roadcrew_tui.commands.base import Args
from roadcrew_tui.commands.headless import find, shape, span
from roadcrew_tui.commands.headless_runs import AWAY, follow, is_away, its_trip, listed, meant
from roadcrew_tui.oneshot import data, show
from roadcrew_tui.progress import Progress
from roadcrew_tui.receipts import safe

if TYPE_CHECKING:
    from roadcrew_client import Client, LiveRun, QuoteRunAnswer, QuoteStarted, RunChange

KINDS: tuple[RunKind, ...] = ("stay", "vehicle")


def run_shape(run: QuoteRun) -> Any:
    """`{runId, status, run}`."""
    return {"runId": run.id, "status": run.status, "run": msgspec.json.decode(encode_run(run))}


def answer_shape(answer: QuoteRunAnswer) -> Any:
    """`{runId, status, run, seq, now}` as the contract has it."""
    return {**run_shape(answer.run), "seq": answer.seq, "now": shape(answer.now)}


# --- asking --------------------------------------------------------------------------------------


async def stay(client: Client, args: Args) -> Any:
    """`quote stay`: hotels of the shortlist, or of the server's rate tables with `--alone`."""
    trip = None if args.get("alone") else await its_trip(client, args)
    begins, ends = _dates(args, trip)
    if begins == ends:
        raise Refused("bad-dates", "invalid", "A stay ends after it begins. Try --dates '21 to 25 May'", field="dates")
    guests = args.get("guests")
    if guests is None:
        guests = 2 if trip is None else len(trip.members)
    ids = await _hotels(client, trip, [str(said) for said in args.get("hotel") or ()])
    started = await client.request_stay(ids, begins, ends, guests, None if trip is None else trip.id)
    return await _until_over(client, started, args)


async def vehicle(client: Client, args: Args) -> Any:
    """`quote vehicle`."""
    trip = None if args.get("alone") else await its_trip(client, args)
    ages = args.get("driver") or ()
    if not ages:
        raise ValueError("Say how old each driver is, such as --driver 34 --driver 29.")
    begins, ends = _dates(args, trip)
    started = await client.request_vehicle(
        str(args["vin"]), [_age(str(said)) for said in ages], begins, ends, None if trip is None else trip.id
    )
    return await _until_over(client, started, args)


async def again(client: Client, args: Args) -> Any:
    """`quote again`: the same request once more. Tells what is other than before."""
    before = (await client.quote_run(await meant(client, args, KINDS, "quote"))).run
    request = before.request
    if isinstance(request, Stay):
        ids = [hotel.id for hotel in request.hotels]
        days = (request.check_in, request.check_out)
        started = await client.request_stay(ids, *days, request.guests, before.trip_id, before.id)
    else:
        ages = [driver.age for driver in request.drivers]
        days = (request.begins, request.ends)
        started = await client.request_vehicle(request.vin, ages, *days, before.trip_id, before.id)
    came = await _until_over(client, started, args)
    if "run" not in came:
        return came
    return {**came, "changes": shape(changed(before, (await client.quote_run(started.run_id)).run))}


async def _hotels(client: Client, trip: Trip | None, said: list[str]) -> list[str]:
    if trip is None:
        known = [(hotel.id, hotel.name) for hotel in (await client.quote_hotels()).hotels]
        none = "This server knows no hotels of its own. Ask for those of a trip."
    else:
        known = [(hotel.id, hotel.name) for hotel in hotel_order(trip)]
        none = "The shortlist is empty. Add one: roadcrew hotel add --help"
    if not known:
        raise Refused("unknown-hotel", "missing", none)
    if not said and len(known) > MAX_ASKED_HOTELS:
        words = f"There are {len(known)} hotels, and at most {MAX_ASKED_HOTELS} can be asked for at once. Name some."
        raise Refused("too-many-hotels", "invalid", words)
    if not said:
        return [hotel_id for hotel_id, _ in known]
    return [find(words, known, lambda hotel: hotel[1], lambda hotel: hotel[0], "hotel")[0] for words in said]


def _dates(args: Args, trip: Trip | None) -> tuple[date, date]:
    days = span(args)
    if days is None and trip is not None and trip.starts_on and trip.ends_on:
        days = trip.starts_on, trip.ends_on
    if days is None:
        raise Refused("bad-dates", "invalid", "Say for which days: --dates '21 to 25 May'", field="dates")
    return days


def _age(said: str) -> int:
    if not (said.isascii() and said.isdecimal() and len(said) < 4):
        raise ValueError(f"{said} is no age. Try --driver 34")
    return int(said)


# --- one run -------------------------------------------------------------------------------------


async def runs(client: Client, args: Args) -> Any:
    """`quote list`: of a trip, newest first."""
    return listed(await its_trip(client, args), KINDS, "runs")


async def show_run(client: Client, args: Args) -> Any:
    """`quote show`."""
    return answer_shape(await client.quote_run(await meant(client, args, KINDS, "quote")))


async def watch(client: Client, args: Args) -> Any:
    """`quote watch`: until it is over."""
    return await _followed(client, await meant(client, args, KINDS, "quote"), args)


async def cancel(client: Client, args: Args) -> Any:
    """`quote cancel`."""
    return answer_shape(await client.cancel_quote(await meant(client, args, KINDS, "quote")))


async def vote(client: Client, args: Args) -> Any:
    """`quote vote`: for a provider's price, of a hotel where there are several."""
    run_id = await meant(client, args, KINDS, "quote")
    if args.get("none"):
        return answer_shape(await client.vote_quote(run_id, None))
    if not args.get("provider"):
        raise ValueError("Say whose price, or --none to take your vote back.")
    run = (await client.quote_run(run_id)).run
    provider = find(str(args["provider"]), run.providers, lambda p: p.name, lambda p: p.id, "provider")
    return answer_shape(await client.vote_quote(run_id, Choice(provider.id, _hotel_of(run, provider.id, args))))


def _hotel_of(run: QuoteRun, provider: str, args: Args) -> str | None:
    if not isinstance(run.request, Stay):
        return None
    offered = {price.hotel_id for price in run.answers[provider].prices}
    hotels = [hotel for hotel in run.request.hotels if hotel.id in offered]
    if args.get("hotel"):
        return find(str(args["hotel"]), hotels, lambda h: h.name, lambda h: h.id, "hotel").id
    if len(hotels) != 1:
        names = ", ".join(safe(hotel.name) for hotel in hotels) or "none yet"
        raise Refused("ambiguous-hotel", "invalid", f"Say for which hotel; there are prices for {names}.")
    return hotels[0].id


async def providers(client: Client) -> Any:
    """`quote providers`: whom this server asks."""
    found = (await client.server_info()).quotes
    return {"providers": [] if found is None else shape(found.providers)}


def not_finished(result: Any) -> Exception | None:
    """What is said of a run that came to no end of its own."""
    return {
        "cancelled": Refused("quote-cancelled", "conflict", "The run was stopped."),
        "interrupted": Refused("quote-interrupted", "conflict", "The run was interrupted. Try: roadcrew quote again"),
    }.get(result.get("status"))


# --- while it goes on ----------------------------------------------------------------------------


async def _until_over(client: Client, started: QuoteStarted, args: Args) -> Any:
    """Follow what has begun, unless nobody wants to wait."""
    if args.get("no-wait"):
        return shape(started)
    if args.get("json"):
        show(shape(started), json=True)
    return await _followed(client, started.run_id, args)


async def _followed(client: Client, run_id: str, args: Args) -> Any:
    """Lines as it goes on: of data with `--json`, else of words. Returns how it is at its end."""
    json, progress = bool(args.get("json")), Progress(quiet=bool(args.get("json")))
    told: set[str] = set()

    def tell(live: LiveRun, change: RunChange | None) -> bool:
        run = live.state
        if not isinstance(run, QuoteRun):
            return False
        if json and change is not None and change.event is not None:
            print(data(encode_event(change.event).decode()), flush=True)
        elif json and change is not None and change.kind == "reset":
            show(run_shape(run), json=True)
        rows = price_words.answered(run, live.server_now())
        for provider, words in rows:
            if provider not in told:
                told.add(provider)
                progress.line(words)
        if run.status == "processing":
            words = AWAY if is_away(live) else price_words.progress_words(run, live.server_now())
            progress.show(len(rows) / max(1, len(run.providers)), words)
        return run.status != "processing"

    try:
        await follow(client, f"quote:{run_id}", tell)
    finally:
        progress.done()
    return answer_shape(await client.quote_run(run_id))
