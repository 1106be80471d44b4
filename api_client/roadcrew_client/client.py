"""One person at one server: signing in, one call for each thing that can be done, and trips to follow.

Each one-shot call is tried up to three times under one key. Not for keeping a trip in sync: that is `LiveTrip`.
"""

from __future__ import annotations

import asyncio
import importlib
import random as chances
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import msgspec

from roadcrew_client.cable import Cable
from roadcrew_client.context import Context
from roadcrew_client.delivery import Delivery
from roadcrew_client.errors import NotSignedIn, Rejected, RoadcrewError, not_ours
from roadcrew_client.links import base_address, parse_invite
from roadcrew_client.live import LiveTrip
from roadcrew_client.models import (
    Answer,
    Created,
    Gone,
    InvitePreview,
    InviteRequest,
    Presence,
    Reset,
    ServerInfo,
    Session,
    SessionInfo,
    TripList,
    TripSummary,
    User,
    read,
    read_answer,
)
from roadcrew_client.routes import BASE, call_of
from roadcrew_client.session import Reload, SessionKeeper
from roadcrew_client.settings import ClientSettings, Clock, ServerTime, SystemClock
from roadcrew_client.sync.follow import follow_topics
from roadcrew_client.waiting import ATTEMPTS, INITIAL, Figures, Look, SessionReady, wait_for_session
from roadcrew_domain.crew import LeaveTrip
from roadcrew_domain.events import Event
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import DeleteTrip, Trip, TripAct

if TYPE_CHECKING:
    from roadcrew_client.copies import Copies
    from roadcrew_client.outbox import Outbox, Tally
    from roadcrew_client.probing import PollsSeen, StreamSeen
    from roadcrew_client.retry import Retry
    from roadcrew_client.transport import HttpTransport, Reply

T = TypeVar("T")


class Client:
    """`server` is its http(s) address. Raises `ValueError` for one that is none. Belongs to one event loop.

    Who keeps tokens between runs gives the kept one as `token`, and `token_since`, when it was kept; sets `on_token`,
    so that it is renewed once a day; and gives `reload_token`, which is asked for the kept one again before ours is
    renewed or given up: another program of the same person may have renewed it. `renews` False: never renew `token`.

    `on_retry` is told of each attempt of a one-shot call that failed for now; `figures` are measured as one goes.

    With an `outbox`, changes to trips that are followed outlive the program: what another one has left there is sent
    in the background, from `async with` or the first `follow` on. Whoever opened it closes it, after the client.

    With `copies`, trips that are followed are drawn before the server answers, and without it; `recall` says who we are
    then. They are kept only for who comes back: with a `token` that was given, or one of which `token_is_kept` is told.
    Whoever made them closes them, after the client.

    Who simulates gives a `cable`, which can be pulled out.
    """

    def __init__(
        self,
        server: str,
        *,
        token: str | None = None,
        token_since: datetime | None = None,
        reload_token: Reload | None = None,
        renews: bool = True,
        settings: ClientSettings | None = None,
        clock: Clock | None = None,
        random: chances.Random | None = None,
        cable: Cable | None = None,
        outbox: Outbox | None = None,
        copies: Copies | None = None,
    ) -> None:
        self.server = base_address(server)
        self.settings = settings or ClientSettings()
        self._cable = cable
        self._clock = clock or SystemClock()
        self._time = ServerTime(self._clock)
        self._session = SessionKeeper(
            self._connect, self.settings, self._time, token, since=token_since, renews=renews, reload=reload_token
        )
        self._session.on_signed_in = self._signed_in
        self._session.on_signed_out = self._signed_out
        self._session.on_another = self._another_person
        self._session.on_known = self._known
        self._kept_token = token
        self.figures = Figures()
        self.on_retry: Callable[[Retry], None] | None = None
        self._context = Context(
            session=self._session,
            settings=self.settings,
            clock=self._clock,
            server_time=self._time,
            chance=(random or chances).random,
            random_bytes=secrets.token_bytes if random is None else random.randbytes,
            server=self.server,
            outbox=outbox,
            copies=copies,
        )
        self.delivery = None if outbox is None else Delivery(self._context, outbox)
        self._transport: HttpTransport | None = None
        self._live: set[LiveTrip] = set()

    async def __aenter__(self) -> Client:
        if self.delivery is not None:
            self.delivery.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop following, close all connections."""
        if self.delivery is not None:
            await self.delivery.stop()
        for live in tuple(self._live):
            await live.stop()
        if self._context.outbox is not None:
            await self._context.outbox.flush()
        if self._context.copies is not None:
            await self._context.copies.flush()
        await self._session.close()
        if self._transport is not None:
            await self._transport.close()

    async def settle(self, seconds: float) -> int:
        """Before leaving: wait until no change is on its way, at most so long. Returns how many of ours wait in the
        outbox for the next time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for live in tuple(self._live):
                    await live.at_rest()
                if self.delivery is not None:
                    await self.delivery.at_rest()
        outbox, user = self._context.outbox, self.user
        if outbox is None or user is None:
            return 0
        return await outbox.lasting(self.server, user.id)

    # --- session ----------------------------------------------------------------------------------

    @property
    def token(self) -> str | None:
        """The token that calls carry; None when not signed in."""
        return self._session.token

    @property
    def lost_token(self) -> str | None:
        """The token that was given up last, so that no other is forgotten where tokens are kept."""
        return self._session.lost

    def token_is_kept(self, token: str) -> None:
        """Said by who keeps tokens: there is a next time, for which copies are worth keeping."""
        self._kept_token = token
        if self._session.known:
            self._known()

    @property
    def user(self) -> User | None:
        """Who we are; None until signed in here, or asked by `whoami`."""
        return self._session.user

    @property
    def on_token(self) -> Callable[[str | None], None] | None:
        """Told when a token is got, renewed or lost (None), to store it."""
        return self._session.on_token

    @on_token.setter
    def on_token(self, told: Callable[[str | None], None] | None) -> None:
        self._session.on_token = told

    async def guest(self, name: str) -> Session:
        """Be a guest: a real person here, without a password."""
        return await self._sign_in("guest", {"name": name})

    async def signup(self, username: str, password: str, name: str) -> Session:
        """Make an account. Raises `Rejected`: `username-taken`, `weak-password` …"""
        return await self._sign_in("signup", {"username": username, "password": password, "name": name})

    async def login(self, username: str, password: str) -> Session:
        """Sign in. Raises `NotSignedIn` (`wrong-credentials`)."""
        return await self._sign_in("login", {"username": username, "password": password})

    async def _sign_in(self, how: str, body: Mapping[str, object]) -> Session:
        key = self._context.new_id()
        return await self._retry(lambda: self._session.sign_in(f"/api/session/{how}", body, key))

    async def wait_for_session(
        self,
        attempts: int = ATTEMPTS,
        initial: float = INITIAL,
        *,
        progress: Callable[[Look], None] | None = None,
    ) -> SessionReady:
        """Wait until the session can be used: one look at once, and, by default, five more after 1.5, 2.25, 3.375, 5
        and 5 seconds (C4). A 401 and a lost connection mean "not yet". `progress` is told of each look.

        Raises `SessionNotReady` after the last one; `Unreachable` if that one got no answer; `NotSignedIn` without a
        token. The token is kept in any case, so one can wait again.
        """
        try:
            ready = await wait_for_session(
                self._session.look, clock=self._clock, attempts=attempts, initial=initial, progress=progress
            )
        except RoadcrewError as error:
            self.figures.sessions_given_up += not isinstance(error, NotSignedIn)
            raise
        self.figures.session_attempts, self.figures.session_seconds = ready.attempts, ready.seconds
        return ready

    async def upgrade(self, username: str, password: str) -> User:
        """Make the guest that we are an account; same id, same trips."""
        reply = await self._post("/api/session/upgrade", {"username": username, "password": password})
        return self._know(reply)

    async def logout(self) -> None:
        """End the session here and at the server; no copy of this person's trips stays."""
        token, user, copies = self.token, self.user, self._context.copies
        with suppress(NotSignedIn):  # it has ended already, perhaps by this very call, whose answer was lost
            await self._retry(lambda: self._session.call("DELETE", "/api/session"))
        self._session.lose()
        if copies is not None and user is not None:
            copies.forget_person(self.server, user.id)
        elif copies is not None and token is not None:
            copies.forget_whose(self.server, token)

    async def recall(self) -> User | None:
        """Who we are, from the copies: whose this token was when the server said so last. It need not be asked, and
        may not be there. None where that is not known."""
        copies, token = self._context.copies, self.token
        if copies is None or token is None or self.user is not None:
            return self.user
        user = await copies.who(self.server, token)
        if user is not None and self.token == token:
            self._session.recall(user)
            if self.delivery is not None:
                self.delivery.kick()
        return self.user

    async def whoami(self) -> User:
        """Who the token belongs to. Raises `NotSignedIn`."""
        return self._know(await self._retry(lambda: self._session.call("GET", "/api/session")))

    async def rename(self, name: str) -> User:
        """Be called this, in every trip."""
        body = msgspec.json.encode({"name": name})
        return self._know(await self._retry(lambda: self._session.call("PATCH", "/api/session", body=body)))

    def _know(self, reply: Reply) -> User:
        info = read(reply.body, SessionInfo)
        self._session.know(info)
        return info.user

    async def server_info(self) -> ServerInfo:
        """What server this is, and what it serves. Needs no token."""
        info = read((await self._open_get("/api/server")).body, ServerInfo)
        if info.time is not None:
            self._time.exactly(info.time)
        return info

    # --- trips ------------------------------------------------------------------------------------

    async def create_trip(
        self,
        name: str,
        *,
        destination: str | None = None,
        starts_on: date | None = None,
        ends_on: date | None = None,
        required_members: int | None = None,
        discount_percent: int | None = None,
        invite_expires_at: datetime | None = None,
        invite_max_uses: int | None = None,
        key: str | None = None,
    ) -> Created:
        """A new trip, with us as its organiser, and its invite."""
        invite = _given(expiresAt=invite_expires_at, maxUses=invite_max_uses)
        body = _given(
            name=name,
            destination=destination,
            startsOn=starts_on,
            endsOn=ends_on,
            requiredMembers=required_members,
            discountPercent=discount_percent,
            invite=invite or None,
        )
        answer = read_answer((await self._post(f"{BASE}/create", body, key)).body)
        if answer.trip is None or answer.invite is None:
            raise not_ours("The server made a trip and did not say which.")
        return Created(answer.trip, answer.invite, answer.cursor)

    async def join(self, invite: str, name: str | None = None, *, key: str | None = None) -> Trip:
        """Join by a code, a link or `CODE@host` of this server; joining twice is the same membership."""
        answer = read_answer((await self._post(f"{BASE}/join", _given(invite=_code(invite), name=name), key)).body)
        return _trip(answer)

    async def trips(self) -> list[TripSummary]:
        """My trips, newest first."""
        reply = await self._retry(lambda: self._session.call("GET", f"{BASE}/trips"))
        return self._listed(reply)

    async def load_trips(self) -> list[TripSummary] | None:
        """My trips, for a screen that lists them (C6): None after a 401, which is no news to it."""
        from roadcrew_client.retry import load_with_retry  # noqa: PLC0415 — only when something is sent

        s = self.settings
        reply = await load_with_retry(
            lambda: self._session.call("GET", f"{BASE}/trips"),
            attempts=s.attempts,
            step=s.load_step,
            total=s.retry_total,
            chance=self._context.chance,
            progress=self.on_retry,
        )
        return None if reply is None else self._listed(reply)

    def _listed(self, reply: Reply) -> list[TripSummary]:
        trips = list(read(reply.body, TripList).trips)
        if self._context.copies is not None and self.user is not None:
            self._context.copies.keep_only(self.server, self.user.id, [trip.id for trip in trips])
        return trips

    async def trip(self, trip_id: str) -> Trip:
        """The trip as it is now. Raises `NotFound`, `Forbidden`."""
        params = [("tripId", trip_id)]
        reply = await self._retry(lambda: self._session.call("GET", f"{BASE}/join", params=params))
        return _trip(read_answer(reply.body))

    async def do(self, trip_id: str, act: TripAct | InviteRequest, *, key: str | None = None) -> Answer:
        """Make one change, and wait for the answer. Raises `RoadcrewError`; `TypeError` for an act that is none."""
        call = call_of(trip_id, act)
        answer = read_answer((await self._post(call.path, call.body, key)).body)
        if isinstance(act, LeaveTrip | DeleteTrip):
            self._forget(trip_id)
        return answer

    def _forget(self, trip_id: str) -> None:
        for live in self._live:
            if live.trip_id == trip_id:
                live.forget()
        if self._context.copies is not None and self.user is not None:
            self._context.copies.forget(self.server, self.user.id, trip_id)

    async def preview(self, invite_or_link: str) -> InvitePreview:
        """What an invite says to somebody who has not joined. Needs no token, changes nothing."""
        return read((await self._open_get(f"/j/{_code(invite_or_link)}")).body, InvitePreview)

    # --- following --------------------------------------------------------------------------------

    def follow(self, trip_id: str, *, where: str = "overview") -> LiveTrip:
        """A trip that stays as it is at the server. Use it with `async with`, or `start` and `stop` it."""
        live = LiveTrip(self._context, trip_id, where, on_start=self._followed, on_stop=self._left)
        self._live.add(live)
        return live

    async def _followed(self, live: LiveTrip) -> None:
        if self.delivery is not None:
            await self.delivery.hand_over(live)

    def _left(self, live: LiveTrip) -> None:
        self._live.discard(live)
        if self.delivery is not None:
            self.delivery.left(live)

    def events(self, *topics: str) -> AsyncGenerator[Event | Reset | Presence | Gone, None]:
        """All that happens in topics (`trip:ID` …, or a trip's id alone), beginning with the state as it is.

        Ends when all topics are gone; raises `NotSignedIn` when the session is over. Reconnects by itself.
        """
        return follow_topics(self._context, tuple(t if ":" in t else f"trip:{t}" for t in topics))

    async def deliver(self, outbox: Outbox, seconds: float) -> Tally:
        """Send what waits in an outbox for who we are (`whoami`) and is in no other program's hands, and wait at most
        so many seconds for the answers. Returns what is left. For a client that was made without one."""
        delivery = Delivery(replace(self._context, outbox=outbox), outbox)
        try:
            return await delivery.settle(seconds)
        finally:
            await delivery.stop()

    # --- what works here --------------------------------------------------------------------------

    async def ping(self) -> None:
        """Ask whether the server runs. Needs no token. Raises `RoadcrewError`."""
        await self._open_get("/healthz")

    async def try_stream(self, trip_id: str, *, heartbeat_within: float) -> StreamSeen:
        """Stream a trip's news for a moment: as long as a stream's first frame may take, and so many seconds more for
        a heartbeat."""
        from roadcrew_client import probing  # noqa: PLC0415 — seldom

        return await probing.try_stream(self._context, f"trip:{trip_id}", heartbeat_within=heartbeat_within)

    async def try_polls(self, trip_id: str) -> PollsSeen:
        """Poll a trip's news twice."""
        from roadcrew_client import probing  # noqa: PLC0415 — seldom

        return await probing.try_polls(self._context, f"trip:{trip_id}")

    # --- how --------------------------------------------------------------------------------------

    async def _connect(self) -> HttpTransport:
        if self._transport is None:
            # Loading the HTTP library takes a while; a screen goes on being drawn.
            module = await asyncio.to_thread(importlib.import_module, "roadcrew_client.transport")
            if self._transport is None:
                self._transport = module.HttpTransport(
                    self.server, self.settings, self._time, self._cable, self.figures
                )
        return self._transport

    async def _post(self, path: str, body: Mapping[str, object] | bytes, key: str | None = None) -> Reply:
        encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"Idempotency-Key": key or self._context.new_id()}
        return await self._retry(lambda: self._session.call("POST", path, body=encoded, headers=headers))

    async def _open_get(self, path: str) -> Reply:
        transport = await self._connect()
        return await self._retry(lambda: transport.call("GET", path))

    async def _retry(self, action: Callable[[], Awaitable[T]]) -> T:
        from roadcrew_client.retry import execute_with_retry  # noqa: PLC0415 — only when something is sent

        s = self.settings
        done = await execute_with_retry(
            action,
            attempts=s.attempts,
            initial=s.retry_initial,
            cap=s.retry_cap,
            total=s.retry_total,
            chance=self._context.chance,
            progress=self.on_retry,
        )
        if self.delivery is not None:
            self.delivery.kick()
        return done

    def _signed_in(self) -> None:
        for live in tuple(self._live):
            live.signed_in()
        if self.delivery is not None:
            self.delivery.kick()

    def _known(self) -> None:
        copies, token = self._context.copies, self.token
        if copies is not None and self.user is not None and token is not None and token == self._kept_token:
            copies.keep_who(self.server, token, self.user, self._clock.now())
            for live in self._live:
                live.keep_again()

    def _another_person(self) -> None:
        if self._context.copies is not None and self.user is not None:
            self._context.copies.forget_person(self.server, self.user.id)
        for live in tuple(self._live):
            live.disown()
        if self.delivery is not None:
            self.delivery.another_person()

    def _signed_out(self) -> None:
        for live in tuple(self._live):
            live.signed_out()


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _code(invite: str) -> str:
    try:
        return parse_invite(invite).code
    except Refused as refused:
        raise Rejected(refused.code, refused.detail, facts=refused.facts) from refused


def _trip(answer: Answer) -> Trip:
    if answer.trip is None:
        raise not_ours("The server answered without the trip.")
    return answer.trip
