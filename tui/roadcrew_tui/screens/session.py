"""Being somebody at a server: a guest, an account, once more after a session has ended, and no longer.

What a person was doing meanwhile is kept, and goes on. Not for what they do once they are somebody: that is entry.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from roadcrew_tui import render, steps
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values
from roadcrew_tui.screens.trip_model import outbox_words
from roadcrew_tui.settings import LOCAL_SERVER

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.standing import Standing


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


async def enter(app: Standing, server: str, name: str | None, otherwise: str | None = None) -> None:
    """Be somebody at this server: who we were, or a new guest called `name`, whose session can be used.

    Where nobody knows us and there is no `name`, we are called `otherwise`; but somebody whose session has ended there
    is asked first. Raises `NotSignedIn` then.
    """
    from roadcrew_client.errors import NotSignedIn  # noqa: PLC0415 - not before the first paint

    async with app.trying_server(server):
        if app.user is not None:
            return
        if not name and app.signed_out:
            raise NotSignedIn("not-signed-in", steps.SIGN_IN_AGAIN)
        await _be_guest(app, name or otherwise or "")
    await _established(app)


async def _be_guest(app: Standing, name: str) -> None:
    from roadcrew_domain.crew import person_name  # noqa: PLC0415 - not before the first paint

    checked = person_name(name)
    session = await app.link.call(lambda client: client.guest(checked))
    app.be(session.user)
    app.change_settings(name=session.user.name)


async def _established(app: Standing) -> None:
    """Wait until the session can be used, telling how that goes. Raises `FormProblem` when that was in vain."""
    from roadcrew_client.errors import SessionNotReady  # noqa: PLC0415 - not before the first paint

    app.tell(steps.SECURE)
    try:
        await app.link.establish()
    except SessionNotReady as error:
        raise FormProblem(None, error.detail, retry=True) from error


async def going_on(app: Standing, work: Callable[[], Awaitable[None]], *, guests: bool = False) -> None:
    """Do `work`; and if a session stands against it that can't be used yet, or has ended, do it when that is mended.

    `guests`: a new guest will do as well. Raises what `work` raises, and `FormProblem` for who does not sign in.
    """
    from roadcrew_client.errors import NotSignedIn, SessionNotReady  # noqa: PLC0415 - not before the first paint

    try:
        await work()
        return
    except SessionNotReady:
        await _established(app)
    except NotSignedIn as error:
        if not await sign_in_again(app, guests=guests):
            raise FormProblem(None, steps.SIGN_IN_AGAIN, retry=True) from error
    await work()


# --- signing in ----------------------------------------------------------------------------------


async def sign_in(app: RoadcrewApp) -> None:
    """Sign in to an account, at any server; a visitor at the host's."""
    if await _sign_in(app, "", anywhere=app.host.lends("servers")):
        app.show_lobby()


async def sign_in_again(app: Standing, *, guests: bool = False) -> bool:
    """Ask somebody whose session has ended to sign in; whether they are somebody now. `guests`: a new guest will do."""
    was = app.me
    name = was.name if was is not None else app.settings.name
    if guests and name and (was is None or was.guest):
        from roadcrew_tui.screens.ask import CANCEL, Answer, Ask  # noqa: PLC0415 - seldom

        words = "This server does not know you any more. Go on as a new guest, or sign in if you have an account?"
        guest = Answer("guest", render.template("Go on as a new guest, {name}", name=name))
        account = Answer("account", render.ours("Sign in"))
        chosen = await app.push_screen_wait(Ask("Signed out", render.ours(words), [guest, account], cancel="Not now"))
        if chosen == CANCEL:
            return False
        if chosen == "guest":
            await _be_guest(app, name)
            await _established(app)
            return True
    return await _sign_in(app, steps.SIGN_IN_AGAIN, anywhere=False)


async def _sign_in(app: Standing, lead: str, *, anywhere: bool) -> bool:
    """The form. `anywhere`: it asks for the server too; else what is followed there goes on with the new session."""
    username = app.me.username if app.me is not None else None
    fields = [Field("username", "User name", "", username or ""), Field("password", "Password", kind="password")]
    if anywhere:
        fields.append(Field("server", "Server", "", app.server or LOCAL_SERVER))
    done: list[Values] = []

    async def log_in(values: Values) -> None:
        session = await app.link.call(lambda client: client.login(values["username"], values["password"]))
        app.be(session.user)
        app.change_settings(name=session.user.name)
        done[:] = [values]

    async def send(values: Values) -> None:
        if anywhere and done != [values]:
            async with app.trying_server(server_address(values["server"])):
                await log_in(values)
        elif done != [values]:
            await log_in(values)
        await _established(app)

    form = Form("Sign in", fields, send, button="sign in", lead=lead, skip_filled=True)
    signed_in = await app.push_screen_wait(form)
    if signed_in:
        app.redraw_all()
        app.run_worker(app.guarded(app.list_trips()), group="lobby", exclusive=True)
    return signed_in


async def sign_out(app: Standing) -> None:
    """End the session, after asking."""
    from roadcrew_tui.screens.ask import CANCEL, Answer, Ask  # noqa: PLC0415 - seldom

    user = app.user
    if user is None:
        return
    words = "Sign out of {server}?"
    if user.guest:
        words += " You are a guest: you can't come back as {name}, and need a new invite for each trip."
    if app.tally is not None and app.tally.waiting:
        then = "and would never be sent" if user.guest else "until you sign in again"
        words += f" {outbox_words(app.tally.waiting, 0).removeprefix(' · ')} to be sent, {then}."
    question = render.template(words, server=app.server or "", name=user.name)
    out = Answer("out", render.ours("Sign out"), irreversible=user.guest)
    if await app.push_screen_wait(Ask("Sign out", question, [out])) != CANCEL:
        await app.link.sign_out()
        app.be(None)
        await app.list_trips()
