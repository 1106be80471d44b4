"""What the keys of the tab of quotes do."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

from roadcrew_domain.ids import uuid7
from roadcrew_domain.quotes_state import Choice, QuoteRequest, Stay
from roadcrew_tui import render
from roadcrew_tui.commands.quotes import quotes_pane
from roadcrew_tui.screens import quotes_form
from roadcrew_tui.screens.ask import CANCEL, Answer
from roadcrew_tui.screens.form import Form, Values

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_client.quote_models import QuoteStarted
    from roadcrew_domain.trip import Trip
    from roadcrew_tui.screens.quotes import QuotesPane
    from roadcrew_tui.screens.trip import TripScreen

T = TypeVar("T")


def _pane(screen: TripScreen) -> QuotesPane:
    return cast("QuotesPane", quotes_pane(screen))


async def _done(screen: TripScreen, work: Callable[[Client], Awaitable[T]]) -> T | None:
    """What came of a call; None if it was refused, which is said."""
    from roadcrew_client.errors import NotSignedIn, RoadcrewError  # noqa: PLC0415 - it is there when this runs

    try:
        return await screen.crew_app.link.call(work)
    except NotSignedIn:
        raise
    except RoadcrewError as error:
        screen.crew_app.say(error.detail, "warning")
        return None


def _ask(
    request: QuoteRequest, trip_id: str, key: str, again_of: str | None = None
) -> Callable[[Client], Awaitable[QuoteStarted]]:
    """The call that asks for this."""
    if isinstance(request, Stay):
        stay, ids = request, [hotel.id for hotel in request.hotels]
        return lambda client: client.request_stay(
            ids, stay.check_in, stay.check_out, stay.guests, trip_id, again_of, key=key
        )
    vehicle, ages = request, [driver.age for driver in request.drivers]
    return lambda client: client.request_vehicle(
        vehicle.vin, ages, vehicle.begins, vehicle.ends, trip_id, again_of, key=key
    )


def _new_key() -> str:
    return uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10))


# --- asking --------------------------------------------------------------------------------------


async def new(screen: TripScreen) -> None:
    """For a stay or for a vehicle: the form, and then the run."""
    if screen.trip is None:
        return
    answers = [
        Answer("stay", render.ours("A stay: nights in hotels of the shortlist")),
        Answer("vehicle", render.ours("A vehicle: by its VIN, for some days")),
    ]
    question = render.ours("All providers are asked at once, and each price is shown as it comes. What is it for?")
    kind = await screen.ask("Ask for prices", question, answers)
    trip = screen.trip
    if kind == CANCEL or trip is None:
        return
    if kind == "stay" and not trip.hotels:
        screen.crew_app.say("The shortlist is empty. Add a hotel first: 3, then a.", "warning")
        return
    await _fill_in(screen, kind, trip)


async def _fill_in(screen: TripScreen, kind: str, trip: Trip) -> None:
    started: list[str] = []
    keys: dict[QuoteRequest, str] = {}
    today = screen.snapshot.now().astimezone().date()
    stay = kind == "stay"

    async def send(values: Values) -> None:
        now, here = screen.snapshot.now(), screen.trip or trip
        request = quotes_form.stay_of(values, here, now) if stay else quotes_form.vehicle_of(values, now)
        key = keys.setdefault(request, _new_key())  # what was not answered is not asked twice
        started.append((await screen.crew_app.link.call(_ask(request, trip.id, key))).run_id)

    fields = quotes_form.stay_fields(trip, today) if stay else quotes_form.vehicle_fields(trip, today)
    title = "Prices for a stay" if stay else "Prices for a vehicle"
    if await screen.app.push_screen_wait(Form(title, fields, send, button="ask")):
        _pane(screen).show_new(started[-1])


async def again(screen: TripScreen) -> None:
    """The same once more; what is other then stands beside the prices."""
    run = _pane(screen).run
    if run is None:
        return
    started = await _done(screen, _ask(run.request, screen.trip_id, _new_key(), run.id))
    if started is not None and quotes_pane(screen) is not None:
        _pane(screen).show_new(started.run_id)


# --- one run -------------------------------------------------------------------------------------


async def vote(screen: TripScreen) -> None:
    """For the price under the cursor; or, if that is mine, for none."""
    pane = _pane(screen)
    run, choice = pane.run, pane.choice
    if run is None or choice is None:
        return
    prices = pane.rows("prices")
    if prices.strayed:
        prices.strayed = False
        screen.crew_app.say("That price is gone. Look which one is chosen now, and vote again.", "warning")
        return
    run_id = run.id
    wanted: Choice | None = None if pane.my_vote == choice else choice
    pane.show_sending(run_id, wanted)
    answer = None
    try:
        answer = await _done(screen, lambda client: client.vote_quote(run_id, wanted))
    finally:
        pane.show_sent(run_id, answer.run if answer is not None else None)


async def cancel(screen: TripScreen) -> None:
    """Stop a run, after asking."""
    run = _pane(screen).run
    if run is None:
        return
    run_id = run.id
    question = render.ours("Stop asking? Prices that have come stay; who has not answered is not waited for.")
    answer = Answer("stop", render.ours("Stop it"), irreversible=True)
    if await screen.ask("Stop this run", question, [answer], cancel="Go on") != CANCEL:
        await _done(screen, lambda client: client.cancel_quote(run_id))


# --- imports -------------------------------------------------------------------------------------


async def show_imports(screen: TripScreen) -> None:
    """The trip's imports of hotels, in a screen of their own; the one under the cursor first."""
    from roadcrew_tui.screens.imports import ImportsScreen  # noqa: PLC0415 - when it is opened

    note = _pane(screen).note
    goes_to = note.id if note is not None and note.kind == "import" else None
    await screen.app.push_screen(ImportsScreen(screen, goes_to=goes_to))
