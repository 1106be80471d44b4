"""Booking without a screen, as the sub-commands run it: people's words to time slots and tickets, answers to the shapes
of HTTP. The cart is headless_cart.py's, what people read of it book_words.py's.

Raises the client's `RoadcrewError`, the domain's `Refused`, and `NeedsSignIn`.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from roadcrew_client import booking
from roadcrew_client.errors import Unreachable
from roadcrew_client.pending_booking import PendingBookings
from roadcrew_domain.exhibitions import Exhibition, SlotInfo
from roadcrew_domain.refusals import Refused
from roadcrew_domain.views import to_view
from roadcrew_tui import dates, receipts
from roadcrew_tui.commands.base import Args, trip_of
from roadcrew_tui.commands.headless import find, shape
from roadcrew_tui.commands.headless_cart import answer_shape, crew_booking
from roadcrew_tui.maker import BOOKINGS
from roadcrew_tui.oneshot import NeedsSignIn, hint, which_trip
from roadcrew_tui.settings import Folders
from roadcrew_tui.steps import attempt_words, look_words
from roadcrew_tui.when import at_venue

if TYPE_CHECKING:
    from roadcrew_client import Client, OfferedSlot

_CLOCK = re.compile(r"(\d{1,2})[:.h](\d{2})")
TO_GO_ON = "It waits: roadcrew book resume goes on with it, roadcrew book forget drops it."


# --- what can be booked --------------------------------------------------------------------------


async def exhibitions(client: Client) -> Any:
    """`book list`."""
    return shape(await client.exhibitions())


async def slots(client: Client, args: Args) -> Any:
    """`book slots`. The zone of the venue is told as well."""
    exhibition = await _exhibition(client, str(args["exhibition"]))
    found = await client.slots(exhibition.id, _day(str(args["date"])))
    return {**shape(found), "timeZone": exhibition.time_zone}


async def crew(client: Client, args: Args) -> Any:
    """`book crew`: what others of the trip have booked, as the trip has it."""
    trip = await client.trip(trip_of(args))
    me = await client.whoami()
    view = to_view(trip)
    theirs = [b for b in view.bookings if b.member_id != me.id]
    return {"tripId": trip.id, "members": shape(view.members), "bookings": shape(theirs)}


async def _exhibition(client: Client, said: str) -> Exhibition:
    offered = (await client.exhibitions()).exhibitions
    by_id = [e for e in offered if said and e.id.startswith(said.casefold())]
    return by_id[0] if len(by_id) == 1 else find(said, offered, lambda e: e.title, lambda e: e.id, "exhibition")


def _day(said: str) -> date:
    try:
        day = dates.parse_day(said, datetime.now(UTC).astimezone().date())
    except dates.NotADate as problem:
        raise Refused("bad-dates", "invalid", str(problem), field="date") from problem
    if day is None:
        raise Refused("bad-dates", "invalid", "A day is such as Wed, 21 May, tomorrow, or 2026-05-21.", field="date")
    return day


async def _slot(client: Client, exhibition: Exhibition, said_day: str, said: str) -> SlotInfo:
    found = await client.slots(exhibition.id, _day(said_day))
    title, day = receipts.safe(exhibition.title), receipts.day_words(found.day)
    if not found.slots:
        raise Refused("unknown-slot", "missing", f"{title} is closed on {day}. See: roadcrew book list")
    clock = _CLOCK.fullmatch(said)
    wanted = f"{int(clock[1]):02}:{clock[2]}" if clock else said
    for slot in found.slots:
        if wanted in (slot.id, _time(slot, exhibition)):
            return ahead(slot.info(exhibition), client.server_now())
    times = ", ".join(_time(slot, exhibition) for slot in found.slots)
    raise Refused("unknown-slot", "missing", f"{title} has no slot at {said} on {day}, but at {times}.")


def ahead(slot: SlotInfo, now: datetime) -> SlotInfo:
    """The slot, if it has not begun `now`. Raises `Refused`, which says whether it goes on."""
    if slot.starts_at > now:
        return slot
    past = "is over" if slot.ends_at <= now else "has begun already"
    raise Refused("slot-past", "gone", f"{receipts.safe(slot.title)}, {receipts.slot_words(slot)} {past}.")


def _time(slot: OfferedSlot, exhibition: Exhibition) -> str:
    return f"{at_venue(slot.starts_at, exhibition.time_zone):%H:%M}"


def _tickets(exhibition: Exhibition, args: Args) -> dict[str, int]:
    """`adult=2` or `adult`, repeated; kinds by id, name or the start of it. Raises `ValueError`, `Refused`."""
    counts: dict[str, int] = {}
    for said in args.get("ticket") or ():
        name, _, count = str(said).partition("=")
        kind = find(name.strip(), exhibition.tickets, lambda k: k.name, lambda k: k.kind, "kind").kind
        if not re.fullmatch(r"\d{1,4}", count or "1", re.ASCII):
            raise ValueError(f"{said} is no number of tickets. Try --ticket {name}=2")
        counts[kind] = counts.get(kind, 0) + int(count or 1)
    if not sum(counts.values()):
        kinds = ", ".join(receipts.safe(k.kind) for k in exhibition.tickets)
        raise ValueError(f"Say which tickets, such as --ticket {receipts.safe(exhibition.tickets[0].kind)}=2: {kinds}.")
    return counts


# --- booking -------------------------------------------------------------------------------------


async def add(client: Client, args: Args) -> Any:
    """`book add`: tells the steps, and keeps the booking until it is in the cart. Returns the cart with `lineId`."""
    exhibition = await _exhibition(client, str(args["exhibition"]))
    tickets = _tickets(exhibition, args)
    slot = await _slot(client, exhibition, str(args["date"]), str(args["time"]))
    said = args.get("trip") or os.environ.get("ROADCREW_TRIP")
    trip_id = await which_trip(client, str(said)) if said else None
    async with _flow(client) as flow:
        return _came_to(await flow.book(slot, tickets, trip_id))


async def sit_with(client: Client, args: Args) -> Any:
    """`book with`: the slot of somebody's booking, for the same trip."""
    trip = await client.trip(trip_of(args))
    theirs = crew_booking(trip, str(args["member"]), args.get("exhibition"), client.server_now())
    exhibition = await _exhibition(client, theirs.slot.exhibition_id)
    async with _flow(client) as flow:
        return _came_to(await flow.book(theirs.slot, _tickets(exhibition, args), trip.id))


async def resume(client: Client) -> Any:
    """`book resume`: goes on with the booking that waits."""
    async with _flow(client) as flow:
        outcome = await flow.resume()
    if outcome is None:
        raise Refused("nothing-waits", "missing", "No booking waits. Book one: roadcrew book add --help")
    return _came_to(outcome)


async def forget(client: Client) -> Any:
    """`book forget`. Returns what is dropped: `{pending}`, None if nothing waited."""
    async with _flow(client) as flow:
        pending = await flow.waiting()
        await flow.forget()
    return {"pending": shape(pending)}


@asynccontextmanager
async def _flow(client: Client) -> AsyncIterator[booking.BookingFlow]:
    """With the bookings that the app keeps too."""
    pendings = PendingBookings(Folders.of_this_person().data / BOOKINGS)
    said: list[str] = []

    def tell(step: booking.BookingStep) -> None:
        look = step.look
        words = step.words if look is None else look_words(look.number, look.of, look.seen)
        if words not in said[-1:]:
            said.append(words)
            hint(words)

    client.on_retry = lambda tried: hint(attempt_words(tried.attempt, tried.of))
    try:
        yield booking.BookingFlow(client, pendings, tell)
    finally:
        await pendings.close()


def _came_to(outcome: booking.Outcome) -> Any:
    match outcome:
        case booking.Added(answer=answer):
            return answer_shape(answer)
        case booking.SignInFirst(words=words):
            as_guest = "As a guest: roadcrew book resume --as NAME."
            raise NeedsSignIn(f"{words} Sign in: roadcrew login. {as_guest} {TO_GO_ON}")
        case booking.Auth(words=words):
            raise NeedsSignIn(f"{words} Sign in: roadcrew login. {TO_GO_ON}")
        case booking.Connection(words=words, error=error):
            raise Unreachable("no-connection", f"{words} {TO_GO_ON}") from error
        case booking.NotAccepted(error=error):
            raise error
        case booking.SeatsGone(words=words):
            raise Refused("seats-gone", "conflict", words)
        case booking.TooLate(words=words):
            raise Refused("slot-past", "gone", words)
        case booking.AnotherPerson(words=words):
            raise Refused("another-person", "forbidden", words)
