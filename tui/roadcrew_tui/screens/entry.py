"""The ways in, and forms about trips and oneself: plan, join, edit, rename, become an account.

Being somebody at all, and staying it, is session.py's.
"""

from __future__ import annotations

import secrets
import time
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from roadcrew_tui import dates, when
from roadcrew_tui.commands import find
from roadcrew_tui.commands.base import shown_key
from roadcrew_tui.host import is_same
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values
from roadcrew_tui.screens.session import enter, going_on, server_address
from roadcrew_tui.settings import LOCAL_SERVER
from roadcrew_tui.steps import host_named, namesake_words

if TYPE_CHECKING:
    from roadcrew_domain.trip import Trip
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.screens.trip import TripScreen

ELSEWHERE = "This invite is for another server than the one of this computer. Its page says how to join from yours."


def _name_field(app: RoadcrewApp) -> list[Field]:
    if app.user is not None or app.signed_out:
        return []
    return [Field("name", "Your name", "How the crew sees you.", app.settings.name or "")]


def _server_field(app: RoadcrewApp) -> list[Field]:
    if app.server is not None:
        return []
    hint = "Where your trips live. No server yet? Run roadcrew serve in another terminal."
    return [Field("server", "Server", hint, LOCAL_SERVER)]


async def create_trip(app: RoadcrewApp) -> None:
    """Plan a trip: a name is enough."""
    fields = [
        Field("trip", "What shall it be called?"),
        Field("dates", "When?", "Such as 21 to 25 May. Not known yet? A poll can settle it.", optional=True),
        *_name_field(app),
        *_server_field(app),
    ]
    made: list[str] = []
    keys: dict[tuple[str, ...], str] = {}

    async def send(values: Values) -> None:
        if not values["trip"]:
            raise FormProblem("trip", "A trip needs a name.")
        starts, ends = read_dates(values["dates"]) or (None, None)
        _named(app, values)
        server = server_address(values.get("server") or app.server or "")
        key = _key(keys, server, values["trip"], values["dates"])

        async def plan() -> None:
            await enter(app, server, values.get("name"))
            app.tell("Making your trip…")
            created = await app.link.call(
                lambda client: client.create_trip(values["trip"], starts_on=starts, ends_on=ends, key=key)
            )
            made.append(created.trip.id)

        app.tell("Preparing your trip…")
        await going_on(app, plan, guests=True)

    if await app.push_screen_wait(Form("Plan a trip", fields, send, button="plan it")):
        app.show_lobby()
        app.open_trip(made[0])


def _named(app: RoadcrewApp, values: Values) -> None:
    if app.user is None and values.get("name") == "":
        raise FormProblem("name", "The crew needs to know who you are.")


def _key(keys: dict[tuple[str, ...], str], *said: str) -> str:
    """The same key for what is said once more: a trip whose making was not answered is not made twice."""
    from roadcrew_domain.ids import uuid7  # noqa: PLC0415 - not before the first paint

    return keys.setdefault(said, uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10)))


async def join_trip(app: RoadcrewApp, invite: str = "") -> None:
    """Join by a link or a code."""
    fields = [
        Field(
            "invite", "The link or code that you got", "A link, or a code such as K7QM-2D4F@trips.example.org.", invite
        ),
        *_name_field(app),
    ]
    joined: list[Trip] = []

    async def send(values: Values) -> None:
        from roadcrew_client.errors import Unreachable  # noqa: PLC0415 - not before the first paint
        from roadcrew_client.links import parse_invite  # noqa: PLC0415 - not before the first paint

        if not values["invite"]:
            raise FormProblem("invite", "Paste the link, or type the code.")
        target = parse_invite(values["invite"])
        server = target.server or app.server
        if server is None:
            raise FormProblem("invite", "A code alone does not say where the trip is. Use the link, or CODE@HOST.")
        _named(app, values)
        if not app.host.reaches(server):
            server = await _hosts_own(app, server)

        async def join() -> None:
            await enter(app, server, values.get("name"), app.settings.name)
            app.tell("Joining the trip…")
            trip = await app.link.call(lambda client: client.join(target.code))
            joined.append(trip)

        app.tell("Looking up the invite…")
        try:
            await going_on(app, join, guests=True)
        except Unreachable as error:
            raise Unreachable(error.code, host_named(error.detail, server)) from error

    if await app.push_screen_wait(Form("Join a trip", fields, send, button="join", skip_filled=True)):
        app.show_lobby()
        app.open_trip(joined[0].id)
        key = shown_key(app.settings.keymap.get("you.rename", find("you.rename").keys))
        if app.user is not None and (words := namesake_words(joined[0], app.user.id, key)):
            app.say(words)


async def _hosts_own(app: RoadcrewApp, named: str) -> str:
    """For visitors, who reach the host's server alone: that one, if an invite names it as it is called in public.
    Raises `FormProblem`."""
    own = app.host.server or named
    await app.use_server(own)
    public = (await app.link.call(lambda client: client.server_info())).public_url
    if public is None or not is_same(public, named):
        raise FormProblem("invite", ELSEWHERE)
    return own


async def rename(app: RoadcrewApp) -> None:
    """Change how this person is called."""

    async def send(values: Values) -> None:
        from roadcrew_domain.crew import person_name  # noqa: PLC0415 - not before the first paint

        name = person_name(values["name"])

        async def change() -> None:
            app.be(await app.link.call(lambda client: client.rename(name)))

        await going_on(app, change)
        app.change_settings(name=name)

    here = app.user.name if app.user else ""
    fields = [Field("name", "Your name", "Changed in all your trips.", here)]
    await app.push_screen_wait(Form("Change your name", fields, send, button="change it"))
    app.redraw_all()


async def upgrade(app: RoadcrewApp) -> None:
    """A guest becomes an account."""
    fields = [
        Field("username", "User name", "To sign in with, here and on other computers."),
        Field("password", "Password", "At least eight characters.", kind="password"),
        Field("again", "The same password again", kind="password"),
    ]

    async def send(values: Values) -> None:
        if values["password"] != values["again"]:
            raise FormProblem("again", "The two passwords are not the same.")

        async def make() -> None:
            app.be(await app.link.call(lambda client: client.upgrade(values["username"], values["password"])))

        await going_on(app, make)

    if await app.push_screen_wait(Form("Make this an account", fields, send, button="make it")):
        app.say("You can sign in with that name now. Your trips stay as they are.")


async def edit_trip(screen: TripScreen) -> None:
    """Change the trip. Only what was changed is sent."""
    trip = screen.trip
    if trip is None:
        return
    today = datetime.now().astimezone().date()
    bounds = trip.bounds
    span = when.span(trip.starts_on, trip.ends_on, today)
    fields = [
        Field("trip", "Name", value=trip.name),
        Field("destination", "Where to?", value=trip.destination or "", optional=True),
        Field("dates", "When?", "Such as 21 to 25 May. Empty: not decided.", span, optional=True),
        Field("members", "People needed for the group discount", value=str(trip.required_members)),
        Field("discount", "Group discount, per cent", f"0 to {bounds.max_discount_percent} on this server.",
              str(trip.discount_percent)),
    ]  # fmt: skip

    async def send(values: Values) -> None:
        from roadcrew_domain.trip import EditTrip  # noqa: PLC0415 - the trip's screen has it already

        changes: dict[str, Any] = {}
        if values["trip"] != trip.name:
            changes["name"] = values["trip"]
        if values["destination"] != (trip.destination or ""):
            changes["destination"] = values["destination"] or None
        if values["dates"] != span:
            changes["starts_on"], changes["ends_on"] = read_dates(values["dates"]) or (None, None)
        for field, name, now in (
            ("members", "required_members", trip.required_members),
            ("discount", "discount_percent", trip.discount_percent),
        ):
            number = _number(field, values[field])
            if number != now:
                changes[name] = number
        if changes:
            await screen.propose(EditTrip(**changes))

    await screen.app.push_screen_wait(Form("Edit the trip", fields, send, button="save"))


def _number(field: str, text: str) -> int:
    if not text.isdecimal():
        raise FormProblem(field, "A whole number, please.")
    return int(text)


def read_dates(text: str) -> tuple[date, date] | None:
    """The dates in a field; None for an empty one. Raises `FormProblem`."""
    if not text.strip():
        return None
    span = dates.parse_span(text, datetime.now().astimezone().date())
    if span is None:
        raise FormProblem("dates", "Try 21 to 25 May, or 2026-05-21 to 2026-05-25.")
    return span
