"""Actions without a screen, as the sub-commands run them: people's words to ids, answers to the shapes of HTTP.

`--json` prints what these return. Raises the client's `RoadcrewError` and the domain's `Refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from roadcrew_domain.hotels import ShortlistHotel, VoteHotel
from roadcrew_domain.polls import Answer, CastVote, ClosePoll, OpenPoll, Poll, PollKind
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import EditTrip, Trip, TripAct
from roadcrew_domain.views import crew_order, hotel_order, poll_order, to_view
from roadcrew_tui import dates, money
from roadcrew_tui.commands.base import Args, trip_of
from roadcrew_tui.steps import namesake_words
from roadcrew_tui.typed_link import whole

if TYPE_CHECKING:
    from roadcrew_client import Client, User

T = TypeVar("T")
KINDS: Mapping[str, PollKind] = {"single": "single", "multiple": "multiple", "yes-maybe-no": "yes-maybe-no"}


# --- shapes --------------------------------------------------------------------------------------


def shape(value: object) -> Any:
    """A value as plain lists and dicts with the names of the contract."""
    return msgspec.to_builtins(value)


def trip_shape(trip: Trip) -> Any:
    """`{trip}` as the contract has it."""
    return {"trip": shape(to_view(trip))}


def user_shape(user: User) -> Any:
    """`{user}` as the contract has it."""
    return {"user": shape(user)}


# --- which one is meant --------------------------------------------------------------------------


def find(said: str, things: Iterable[T], name: Callable[[T], str], thing_id: Callable[[T], str], what: str) -> T:
    """By id, by name, by the start of the name if only one starts so. Raises `Refused`."""
    known = list(things)
    for thing in known:
        if thing_id(thing) == said:
            return thing
    wanted = said.casefold()
    exact = [t for t in known if name(t).casefold() == wanted]
    found = exact or [t for t in known if name(t).casefold().startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(f"unknown-{what}", "missing", f"There is no {what} called {said}.")
    raise Refused(f"ambiguous-{what}", "invalid", f"{len(found)} start with {said}; say more of it.")


def member_id(trip: Trip, said: str) -> str:
    """The member that somebody named."""
    return find(said, crew_order(trip), lambda m: m.name, lambda m: m.id, "member").id


def hotel_id(trip: Trip, said: str) -> str:
    """The hotel that somebody named."""
    return find(said, hotel_order(trip), lambda h: h.name, lambda h: h.id, "hotel").id


def find_poll(trip: Trip, said: str) -> Poll:
    """The poll that somebody named by its question."""
    return find(said, poll_order(trip), lambda p: p.question, lambda p: p.id, "poll")


def option_id(poll: Poll, said: str) -> str:
    """The option that somebody named, by text or by its number from 1."""
    if said.isdecimal() and all(o.text != said for o in poll.options) and 1 <= int(said) <= len(poll.options):
        return poll.options[int(said) - 1].id
    return find(said, poll.options, lambda o: o.text, lambda o: o.id, "option").id


# --- reading arguments ---------------------------------------------------------------------------


def span(args: Args) -> tuple[date, date] | None:
    """The days of `dates`; None if none were given. Raises `Refused`."""
    text = args.get("dates")
    if not text:
        return None
    days = dates.parse_span(str(text), datetime.now(UTC).astimezone().date())
    if days is None:
        raise Refused("bad-dates", "invalid", "Dates are such as 21 to 25 May, or 2026-05-21 to 2026-05-25.")
    return days


def _deadline(text: object) -> datetime | None:
    try:
        return dates.parse_deadline(str(text), datetime.now(UTC)) if text else None
    except dates.NotADate as problem:
        raise Refused("deadline-past", "invalid", str(problem)) from problem


# --- actions -------------------------------------------------------------------------------------


async def do(client: Client, trip_id: str, act: TripAct) -> Any:
    """Do something to a trip. Returns `{trip, cursor}`, or `{tripId, cursor}` when it is gone."""
    answer = await client.do(trip_id, act)
    if answer.trip is None:
        return {"tripId": trip_id, "cursor": answer.cursor}
    return {**trip_shape(answer.trip), "cursor": answer.cursor}


async def create(client: Client, args: Args) -> Any:
    """`trip new`."""
    starts, ends = span(args) or (None, None)
    made = await client.create_trip(
        str(args["name"]),
        destination=args.get("destination"),
        starts_on=starts,
        ends_on=ends,
        required_members=args.get("members"),
        discount_percent=args.get("discount"),
    )
    return {**trip_shape(made.trip), "invite": shape(made.invite), "cursor": made.cursor}


async def join(client: Client, args: Args) -> Any:
    """`trip join`; whose server it is has been settled before."""
    from roadcrew_client.links import parse_invite  # noqa: PLC0415 - where it is used
    from roadcrew_tui.oneshot import hint  # noqa: PLC0415 - which imports this

    trip = await client.join(parse_invite(str(args["invite"])).code, args.get("name"))
    if client.user is not None and (words := namesake_words(trip, client.user.id, "roadcrew you rename NAME")):
        hint(words)
    return trip_shape(trip)


async def trips(client: Client) -> Any:
    """`trip list`."""
    return {"trips": [shape(t) for t in await client.trips()]}


async def invite(client: Client, args: Args) -> Any:
    """`trip invite`: shows the invite; with a limit or `--revoke` it is renewed or ended."""
    from roadcrew_client import InviteRequest  # noqa: PLC0415 - where it is used

    trip_id = trip_of(args)
    if not (args.get("expires") or args.get("uses") or args.get("revoke")):
        trip = await client.trip(trip_id)
        info = await client.server_info()
        base = (info.public_url or client.server).rstrip("/")
        if trip.invite is not None:
            return {"invite": {**shape(trip.invite), "url": f"{base}/j/{trip.invite.code}"}}
    wanted = InviteRequest(
        expires_at=_deadline(args.get("expires")), max_uses=args.get("uses"), revoke=bool(args.get("revoke"))
    )
    answer = await client.do(trip_id, wanted)
    return {"invite": shape(answer.invite), "cursor": answer.cursor}


async def edit(client: Client, args: Args) -> Any:
    """`trip edit`: only what was given changes; `-` clears."""
    changes: dict[str, Any] = {}
    if args.get("name"):
        changes["name"] = args["name"]
    if args.get("destination"):
        changes["destination"] = None if args["destination"] == "-" else args["destination"]
    if args.get("dates") == "-":
        changes["starts_on"] = changes["ends_on"] = None
    elif days := span(args):
        changes["starts_on"], changes["ends_on"] = days
    if args.get("members") is not None:
        changes["required_members"] = args["members"]
    if args.get("discount") is not None:
        changes["discount_percent"] = args["discount"]
    return await do(client, trip_of(args), EditTrip(**changes))


async def open_poll(client: Client, args: Args) -> Any:
    """`poll new`."""
    options = tuple(str(o) for o in args.get("option") or ())
    kind = KINDS[str(args.get("kind") or "single")]
    return await do(
        client, trip_of(args), OpenPoll(str(args["question"]), kind, options, _deadline(args.get("closes")))
    )


async def vote(client: Client, args: Args) -> Any:
    """`poll vote`: the whole ballot; without an option the vote is taken back."""
    trip = await client.trip(trip_of(args))
    poll = find_poll(trip, str(args["poll"]))
    given: list[tuple[str, Answer]] = []
    answers: tuple[Answer, ...] = ("yes", "maybe", "no")
    for answer in answers:
        given += [(option_id(poll, str(said)), answer) for said in args.get(answer) or ()]
    if poll.kind == "yes-maybe-no":
        return await do(client, trip.id, CastVote(poll.id, answers=tuple(given)))
    if any(answer != "yes" for _, answer in given):
        raise Refused("bad-vote", "invalid", "This poll takes choices: --yes OPTION.")
    return await do(client, trip.id, CastVote(poll.id, option_ids=tuple(i for i, _ in given)))


async def end_poll(client: Client, args: Args) -> Any:
    """`poll end`."""
    trip = await client.trip(trip_of(args))
    poll = find_poll(trip, str(args["poll"]))
    said = args.get("option")
    return await do(client, trip.id, ClosePoll(poll.id, option_id(poll, str(said)) if said else None))


async def vote_hotel(client: Client, args: Args) -> Any:
    """`hotel vote`."""
    trip = await client.trip(trip_of(args))
    if args.get("none"):
        return await do(client, trip.id, VoteHotel(None))
    if not args.get("hotel"):
        raise Refused("unknown-hotel", "invalid", "Say which hotel, or --none to take your vote back.")
    return await do(client, trip.id, VoteHotel(hotel_id(trip, str(args["hotel"]))))


async def add_hotel(client: Client, args: Args) -> Any:
    """`hotel add`."""
    try:
        price = money.parse_price(str(args["price"]))
    except money.NotAPrice as problem:
        raise Refused("bad-price", "invalid", str(problem), field="price") from problem
    act = ShortlistHotel(
        str(args["name"]), str(args["city"]), int(args.get("stars") or 0), price, whole(args.get("link"))
    )
    return await do(client, trip_of(args), act)
