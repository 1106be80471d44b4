"""A server, and what the way to it lets through. Its words are a stranger's: they are cleaned and cut before they are
shown.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from roadcrew_client import Client, ClientSettings, NotSignedIn, RoadcrewError, ServerInfo, Unreachable, User
from roadcrew_client.probing import PollsSeen, StreamSeen
from roadcrew_domain.trip import DeleteTrip
from roadcrew_tui.doctor.findings import Finding, theirs
from roadcrew_tui.screens.invite import warning_about
from roadcrew_tui.when import amount_of

ONCE = ClientSettings(attempts=1, call_timeout=10.0)
"""Nothing is tried again: what fails is what we look for."""
HEARTBEAT_WITHIN = 32.0
"""Seconds: a server's heartbeat comes every 15, or as it is set, at most 30."""
GOOD_CLOCK = timedelta(seconds=5)
OWN_TRIP = "roadcrew doctor"
"""What a guest of ours calls the trip that is streamed; it is deleted again."""
PROXY = "Whoever runs the proxy: /api/sync must pass unbuffered (nginx: proxy_buffering off; see docs/operating.md)."

Say = Callable[[Finding], None]
Wait = Callable[[str], None]
"""Told what takes a while."""


async def examine(address: str, token: str | None, guest: str | None, say: Say, wait: Wait) -> None:
    """Look at a server, as `guest`, or whose `token` it is, or as nobody."""
    async with Client(address, token=None if guest else token, renews=False, settings=ONCE) as client:
        seen = await look_at(client)
        for finding in judge_server(seen, address):
            say(finding)
        if seen.info is None:
            return
        async with somebody(client, guest, say) as trip_id:
            if trip_id is None:
                return
            wait(f"Listening to the server, up to {HEARTBEAT_WITHIN:.0f} s for a heartbeat …")
            stream = await client.try_stream(trip_id, heartbeat_within=HEARTBEAT_WITHIN)
            say(judge_stream(stream))
            say(judge_polls(await client.try_polls(trip_id), streams=stream.heartbeat is not None))


# --- the server ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServerSeen:
    """What a server says of itself. `ahead`: by how much its clock is ahead of ours; `took`: how long it thought."""

    runs: bool = False
    info: ServerInfo | None = None
    error: RoadcrewError | None = None
    ahead: timedelta | None = None
    took: timedelta = timedelta(0)


async def look_at(client: Client) -> ServerSeen:
    """Ask whether it runs, and what it is."""
    runs = False
    try:
        await client.ping()
        runs = True
        asked, began = datetime.now(UTC), monotonic()
        info = await client.server_info()
    except RoadcrewError as error:
        return ServerSeen(runs, error=error)
    took = timedelta(seconds=monotonic() - began)
    ahead = None if info.time is None else info.time - (asked + took / 2)
    return ServerSeen(runs, info, None, ahead, took)


def judge_server(seen: ServerSeen, address: str) -> list[Finding]:
    """Whether it is there, and what it is."""
    if seen.info is None:
        return [_no_server(seen, address)]
    from importlib.metadata import version  # noqa: PLC0415 - seldom

    ours = version("roadcrew")
    info, facts = seen.info, {"version": theirs(seen.info.version), "ours": ours, "took": seen.took.total_seconds()}
    name, milliseconds = theirs(info.name), seen.took.total_seconds() * 1000
    words = f"{address} answers, as {name}, in {milliseconds:.0f} ms. It runs Roadcrew {theirs(info.version)}"
    words += ", as you do." if info.version == ours else f", you {ours}."
    found = [Finding("server", "good", words, facts=facts)]
    if seen.ahead is not None:
        found.append(judge_clock(seen.ahead, seen.took))
    if info.public_url:
        warning = warning_about(info.public_url)
        words = f"Invites begin with {theirs(info.public_url)}."
        facts = {"publicUrl": theirs(info.public_url)}
        found.append(Finding("server", "note" if warning else "good", words, warning or "", facts))
    return found


def _no_server(seen: ServerSeen, address: str) -> Finding:
    detail = theirs(seen.error.detail) if seen.error is not None else ""
    if seen.runs:
        return Finding("server", "bad", f"A server runs at {address}, but can't say what it is: {detail}")
    if isinstance(seen.error, Unreachable):
        why = "" if seen.error.code == "no-connection" else f" {detail}"
        words = f"{address} can't be reached.{why}"
        return Finding("server", "unreachable", words, "Look at the address and at your network, or ask who runs it.")
    words = f"Something answers at {address}, and not as a Roadcrew server does: {detail}"
    return Finding("server", "bad", words, "Look at the address.")


def judge_clock(ahead: timedelta, took: timedelta) -> Finding:
    """How far its clock is from ours; half of what an answer takes is not known better."""
    facts = {"clockAhead": round(ahead.total_seconds(), 3)}
    if abs(ahead) <= GOOD_CLOCK + took / 2:
        return Finding("server", "good", "Its clock and yours agree.", facts=facts)
    words = f"Its clock is {amount_of(ahead)} {'ahead of' if ahead > timedelta(0) else 'behind'} yours."
    mend = "Roadcrew goes by the server's. If it is yours that is wrong, set it."
    return Finding("server", "note", words, mend, facts)


# --- who asks --------------------------------------------------------------------------------------


@asynccontextmanager
async def somebody(client: Client, guest: str | None, say: Say) -> AsyncGenerator[str | None, None]:
    """Be somebody there; a trip that can be streamed, None if there is none. A guest of ours is gone afterwards."""
    made: str | None = None
    try:
        if guest is not None:
            made = await _make_guest(client, guest, say)
            yield made
        else:
            yield await _find_trip(client, say)
    finally:
        if guest is not None and client.token is not None:
            with suppress(RoadcrewError):
                if made is not None:
                    await client.do(made, DeleteTrip())
                await client.logout()


async def _make_guest(client: Client, guest: str, say: Say) -> str | None:
    try:
        await client.guest(guest)
        await client.wait_for_session()
        made = (await client.create_trip(OWN_TRIP)).trip.id
    except RoadcrewError as error:
        say(Finding("server", "bad", f"Nothing could be tried as a guest: {theirs(error.detail)}"))
        return None
    words = f"Tried as the guest {theirs(guest)}, in a trip of its own; both are gone when this ends."
    say(Finding("server", "note", words))
    return made


async def _find_trip(client: Client, say: Say) -> str | None:
    user: User | None = None
    error: RoadcrewError | None = None
    trips: list[str] = []
    if client.token is not None:
        try:
            user = await client.whoami()
            trips = [trip.id for trip in await client.trips()]
        except RoadcrewError as problem:
            error = problem
    say(judge_person(user, error, trips=len(trips)))
    return trips[0] if trips else None


def judge_person(user: User | None, error: RoadcrewError | None, *, trips: int) -> Finding:
    """Who is known there, and whether there is something to stream."""
    untried = "Streaming and polling are tried in one of your trips, or as a guest: --as NAME"
    if error is not None:
        over = isinstance(error, NotSignedIn) and error.certain
        words = "Your sign-in there is over." if over else f"Who you are there can't be said: {theirs(error.detail)}"
        return Finding("server", "bad", words, "Sign in again: roadcrew login" if over else "")
    if user is None:
        return Finding("server", "note", "You are not signed in there.", untried)
    kind = "a guest" if user.guest else f"signed in as {theirs(user.username)}"
    words = f"You are {theirs(user.name)} there, {kind}"
    if trips == 0:
        return Finding("server", "note", f"{words}, in no trip.", untried)
    return Finding("server", "good", f"{words}, in {trips} trip{'s' if trips > 1 else ''}.")


# --- the way there ---------------------------------------------------------------------------------


def judge_stream(seen: StreamSeen) -> Finding:
    """Whether streaming works, and if not, who is in the way."""
    facts = {"firstFrame": seen.frame, "heartbeat": seen.heartbeat, "ended": seen.ended}
    if seen.heartbeat is not None and seen.frame is not None:
        words = (
            f"Streaming works: the first news came after {_seconds(seen.frame)}, a heartbeat after "
            f"{_seconds(seen.heartbeat)}, unbuffered."
        )
        return Finding("streaming", "good", words, facts=facts)
    if seen.ended is None and seen.frame is None:
        words = "Streams are held back on the way here (a buffering proxy): Roadcrew polls instead."
        return Finding("streaming", "bad", words, PROXY, {**facts, "heldBack": True})
    if seen.ended is None:
        words = (
            "Streams begin, and are then held back on the way here (a buffering proxy): no heartbeat came within "
            f"{HEARTBEAT_WITHIN:.0f} s. News may come late."
        )
        return Finding("streaming", "bad", words, PROXY, {**facts, "heldBack": True})
    why = theirs(seen.error.detail) if seen.error is not None else "The server ended it."
    if seen.frame is None:
        words = f"Streams are refused: {why} Roadcrew polls instead."
        return Finding("streaming", "bad", words, PROXY if seen.error and not seen.error.certain else "", facts)
    words = f"A stream was cut after {_seconds(seen.ended)}: {why} Roadcrew opens another one each time."
    mend = "Try again; if it is always so, something on the way allows no long answers. /api/sync needs them."
    return Finding("streaming", "bad", words, mend, facts)


def judge_polls(seen: PollsSeen, *, streams: bool) -> Finding:
    """Whether polling works."""
    facts = {"polls": [f"{took:.3f}" for took in seen.took]}
    if seen.error is not None:
        words = f"Polling does not work: {theirs(seen.error.detail)}"
        mend = "Streaming does, so you will not notice." if streams else "Changes of others can't be seen from here."
        return Finding("polling", "bad", words, mend, facts)
    return Finding("polling", "good", f"Polling works: an answer takes {_seconds(max(seen.took))}.", facts=facts)


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
