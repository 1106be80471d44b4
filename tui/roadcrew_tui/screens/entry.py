"""The ways in, and forms about trips and oneself: plan, join, sign in, edit, rename, become an account."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from roadcrew_tui import dates, render, when
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values
from roadcrew_tui.settings import LOCAL_SERVER

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.screens.trip import TripScreen


def _name_field(app: RoadcrewApp) -> list[Field]:
    if app.user is not None:
        return []
    return [Field("name", "Your name", "How the crew sees you.", app.settings.name or "")]


def _server_field(app: RoadcrewApp) -> list[Field]:
    if app.server is not None:
        return []
    hint = "Where your trips live. No server yet? Run roadcrew serve in another terminal."
    return [Field("server", "Server", hint, LOCAL_SERVER)]


def server_address(text: str) -> str:
    """The address as we keep it. Raises `FormProblem`."""
    from roadcrew_client.links import base_address  # noqa: PLC0415 - not before the first paint

    text = text.strip().rstrip("/")
    if text and "://" not in text:
        local = text.startswith(("localhost", "127.", "[::1]"))
        text = f"{'http' if local else 'https'}://{text}"
    try:
        if any(c.isspace() for c in text):
            raise ValueError("an address has no spaces")
        return base_address(text)
    except ValueError as problem:
        words = "A server is an address such as https://trips.example.org or http://127.0.0.1:8787."
        raise FormProblem("server", words) from problem


async def _enter(app: RoadcrewApp, server: str, name: str | None) -> None:
    """Be somebody at this server: who we were, or a new guest."""
    async with app.trying_server(server):
        if app.user is None:
            from roadcrew_domain.crew import person_name  # noqa: PLC0415 - not before the first paint

            checked = person_name(name or "")
            session = await app.link.call(lambda client: client.guest(checked))
            app.user = session.user
            app.change_settings(name=session.user.name)


async def create_trip(app: RoadcrewApp) -> None:
    """Plan a trip: a name is enough."""
    fields = [
        Field("trip", "What shall it be called?"),
        Field("dates", "When?", "Such as 21 to 25 May. Not known yet? A poll can settle it.", optional=True),
        *_name_field(app),
        *_server_field(app),
    ]
    made: list[str] = []

    async def send(values: Values) -> None:
        if not values["trip"]:
            raise FormProblem("trip", "A trip needs a name.")
        span = read_dates(values["dates"])
        if app.user is None and not values.get("name"):
            raise FormProblem("name", "The crew needs to know who you are.")
        await _enter(app, server_address(values.get("server") or app.server or ""), values.get("name"))
        starts, ends = span or (None, None)
        created = await app.link.call(lambda client: client.create_trip(values["trip"], starts_on=starts, ends_on=ends))
        made.append(created.trip.id)

    if await app.push_screen_wait(Form("Plan a trip", fields, send, button="plan it")):
        app.show_lobby()
        app.open_trip(made[0])


async def join_trip(app: RoadcrewApp, invite: str = "") -> None:
    """Join by a link or a code."""
    fields = [
        Field(
            "invite", "The link or code that you got", "A link, or a code such as K7QM-2D4F@trips.example.org.", invite
        ),
        *_name_field(app),
    ]
    joined: list[str] = []

    async def send(values: Values) -> None:
        from roadcrew_client.links import parse_invite  # noqa: PLC0415 - not before the first paint

        if not values["invite"]:
            raise FormProblem("invite", "Paste the link, or type the code.")
        target = parse_invite(values["invite"])
        server = target.server or app.server
        if server is None:
            raise FormProblem("invite", "A code alone does not say where the trip is. Use the link, or CODE@HOST.")
        if app.user is None and not values.get("name"):
            raise FormProblem("name", "The crew needs to know who you are.")
        await _enter(app, server, values.get("name") or app.settings.name)
        trip = await app.link.call(lambda client: client.join(target.code))
        joined.append(trip.id)

    if await app.push_screen_wait(Form("Join a trip", fields, send, button="join", skip_filled=True)):
        app.show_lobby()
        app.open_trip(joined[0])


async def sign_in(app: RoadcrewApp) -> None:
    """Sign in to an account."""
    fields = [
        Field("username", "User name"),
        Field("password", "Password", kind="password"),
        Field("server", "Server", "", app.server or LOCAL_SERVER),
    ]

    async def send(values: Values) -> None:
        async with app.trying_server(server_address(values["server"])):
            session = await app.link.call(lambda client: client.login(values["username"], values["password"]))
            app.user = session.user
        app.change_settings(name=session.user.name)
        await app.list_trips()

    if await app.push_screen_wait(Form("Sign in", fields, send, button="sign in")):
        app.show_lobby()


async def sign_out(app: RoadcrewApp) -> None:
    """End the session, after asking."""
    from roadcrew_tui.screens.ask import CANCEL, Answer, Ask  # noqa: PLC0415 - seldom

    user = app.user
    if user is None:
        return
    words = "Sign out of {server}?"
    if user.guest:
        words += " You are a guest: you can't come back as {name}, and need a new invite for each trip."
    question = render.template(words, server=app.server or "", name=user.name)
    out = Answer("out", render.ours("Sign out"), irreversible=user.guest)
    if await app.push_screen_wait(Ask("Sign out", question, [out])) != CANCEL:
        await app.link.call(lambda client: client.logout())
        app.user = None
        await app.list_trips()


async def rename(app: RoadcrewApp) -> None:
    """Change how this person is called."""

    async def send(values: Values) -> None:
        from roadcrew_domain.crew import person_name  # noqa: PLC0415 - not before the first paint

        name = person_name(values["name"])
        app.user = await app.link.call(lambda client: client.rename(name))
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
        app.user = await app.link.call(lambda client: client.upgrade(values["username"], values["password"]))

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
            await screen.act(EditTrip(**changes))

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
