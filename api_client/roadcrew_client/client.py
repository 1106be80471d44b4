"""One person at one server: signing in, one call for each thing that can be done, and trips to follow.

Each one-shot call is tried up to three times under one key. Calls about one subject stand in a file of their own, as a
class that `Client` is one of. Not for keeping a trip in sync: that is `LiveTrip`.
"""

from __future__ import annotations

import asyncio
import random as chances
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING

from roadcrew_client._book_calls import BookCalls
from roadcrew_client._calls import Calls, Connection
from roadcrew_client._job_calls import JobCalls
from roadcrew_client._own_copies import OwnCopies
from roadcrew_client._past_calls import PastCalls
from roadcrew_client._quote_calls import QuoteCalls
from roadcrew_client._talk_calls import TalkCalls
from roadcrew_client.cable import Cable
from roadcrew_client.context import Context
from roadcrew_client.delivery import Delivery
from roadcrew_client.frames import Gone, Presence, Reset
from roadcrew_client.links import base_address
from roadcrew_client.live import LiveTrip
from roadcrew_client.models import ServerInfo, read
from roadcrew_client.session import Reload, SessionKeeper
from roadcrew_client.settings import ClientSettings, Clock, ServerTime, SystemClock
from roadcrew_client.sync.follow import follow_topics
from roadcrew_client.waiting import Figures
from roadcrew_domain.events import Event

if TYPE_CHECKING:
    from roadcrew_client._pendings import Pendings
    from roadcrew_client.copies import Copies
    from roadcrew_client.live_book import LiveBook
    from roadcrew_client.live_runs import LiveRun
    from roadcrew_client.live_talk import LiveTalk
    from roadcrew_client.outbox import Outbox, Tally
    from roadcrew_client.probing import PollsSeen, StreamSeen
    from roadcrew_client.retry import Retry


class Client(PastCalls, BookCalls, QuoteCalls, JobCalls, TalkCalls):
    """`server` is its http(s) address. Raises `ValueError` for one that is none. Belongs to one event loop.

    Who keeps tokens between runs gives the kept one as `token`, and `token_since`, when it was kept; sets `on_token`,
    so that it is renewed once a day; and gives `reload_token`, which is asked for the kept one again before ours is
    renewed or given up: another program of the same person may have renewed it. `renews` False: never renew `token`.

    `figures` are measured as one goes.

    With an `outbox`, changes to what is followed outlive the program: what another one has left there is sent
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
        self.figures = Figures()
        self._clock = clock or SystemClock()
        self._time = ServerTime(self._clock)
        self._connection = Connection(self.server, self.settings, self._time, cable, self.figures)
        self._session = SessionKeeper(
            self._connection.transport,
            self.settings,
            self._time,
            token,
            since=token_since,
            renews=renews,
            reload=reload_token,
        )
        self._session.on_signed_in = self._signed_in
        self._session.on_signed_out = self._signed_out
        self._session.on_another = self._another_person
        self._session.on_answer = self._answered
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
        self._calls = Calls(self._context, self._connection, self.delivery)
        self._live: set[LiveTrip] = set()
        self._books: set[LiveBook] = set()
        self._runs: set[LiveRun] = set()
        self._talks: set[LiveTalk] = set()
        self._own_copies = OwnCopies(self._context, self._live, token)
        self._session.on_known = self._known

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
        for live in self._followed_now():
            await live.stop()
        if self._context.outbox is not None:
            await self._context.outbox.flush()
        if self._context.copies is not None:
            await self._context.copies.flush()
        await self._session.close()
        await self._connection.close()

    async def settle(self, seconds: float) -> int:
        """Before leaving: wait until no change is on its way, at most so long. Returns how many of ours wait in the
        outbox for the next time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for live in tuple(self._live):
                    await live.at_rest()
                for talk in tuple(self._talks):
                    await talk.at_rest()
                if self.delivery is not None:
                    await self.delivery.at_rest()
        outbox, user = self._context.outbox, self.user
        if outbox is None or user is None:
            return 0
        return await outbox.lasting(self.server, user.id)

    # --- the server -------------------------------------------------------------------------------

    @property
    def on_retry(self) -> Callable[[Retry], None] | None:
        """Told of each attempt of a one-shot call that failed for now."""
        return self._calls.on_retry

    @on_retry.setter
    def on_retry(self, told: Callable[[Retry], None] | None) -> None:
        self._calls.on_retry = told

    async def server_info(self) -> ServerInfo:
        """What server this is, and what it serves. Needs no token."""
        info = read((await self._calls.open_get("/api/server")).body, ServerInfo)
        if info.time is not None:
            self._time.exactly(info.time)
        return info

    def server_now(self) -> datetime:
        """What time it is at the server, as well as we know."""
        return self._time.now()

    @property
    def knows_the_time(self) -> bool:
        """Whether the server has said what time it is, so that `server_now` is not just the time here."""
        return self._time.known

    def new_id(self) -> str:
        """A new id, which may be the `key` of a call: who knows it can repeat that call, also after a restart."""
        return self._context.new_id()

    # --- following --------------------------------------------------------------------------------

    def follow(self, trip_id: str, *, where: str = "overview") -> LiveTrip:
        """A trip that stays as it is at the server. Use it with `async with`, or `start` and `stop` it."""
        live = LiveTrip(self._context, trip_id, where, on_start=self._followed, on_stop=self._left)
        self._live.add(live)
        return live

    async def _followed(self, pendings: Pendings) -> None:
        if self.delivery is not None:
            await self.delivery.hand_over(pendings)

    def _left(self, live: LiveTrip, pendings: Pendings) -> None:
        self._live.discard(live)
        if self.delivery is not None:
            self.delivery.left(pendings)

    def follow_book(self) -> LiveBook:
        """My cart, and the seats of the slots that it is told to watch, as they are at the server. Use it with
        `async with`, or `start` and `stop` it."""
        from roadcrew_client.live_book import LiveBook  # noqa: PLC0415 — only who books needs the rules of it

        book = LiveBook(self._context, on_stop=self._books.discard)
        self._books.add(book)
        return book

    def follow_run(self, *names: str) -> LiveRun:
        """Quote runs and imports (`quote:ID`, `job:ID`), as they are at the server. Use it with `async with`, or
        `start` and `stop` it. Raises `ValueError` for what is none, and for more than 32."""
        from roadcrew_client.live_runs import LiveRun  # noqa: PLC0415 — only who asks for prices needs the rules of it

        runs = LiveRun(self._context, names, on_stop=self._runs.discard)
        self._runs.add(runs)
        return runs

    def follow_talk(self, *topics: str) -> LiveTalk:
        """What is said and given of things (`feed:TYPE:ID:CHANNEL`, as `Entity.topic` gives it), as it is at the
        server. Use it with `async with`, or `start` and `stop` it. Raises `ValueError` for what is no such topic, and
        for more than 32."""
        from roadcrew_client.live_talk import LiveTalk  # noqa: PLC0415 — only who talks needs the rules of it

        talk = LiveTalk(self._context, topics, delivery=self.delivery, on_stop=self._talks.discard)
        self._talks.add(talk)
        return talk

    def pace(self, fastest: float, slowest: float) -> None:
        """How many seconds are between two questions where streams do not get through, from now on: `fastest` while
        something happens, growing to `slowest` while nothing does. Raises `ValueError` for less than none, or where
        the first is more than the second."""
        if not 0 < fastest <= slowest:
            raise ValueError(f"asking every {fastest} s at first and every {slowest} s at last is no pace")
        self.settings = replace(self.settings, poll_fast=fastest, poll_slow=slowest)
        self._context.settings = self.settings
        for live in self._followed_now():
            live.pace(self.settings)

    def _followed_now(self) -> tuple[LiveTrip | LiveBook | LiveRun | LiveTalk, ...]:
        return (*self._live, *self._books, *self._runs, *self._talks)

    def events(
        self, *topics: str, poll_every: float | None = None
    ) -> AsyncGenerator[Event | Reset | Presence | Gone, None]:
        """All that happens in topics (`trip:ID` …, or a trip's id alone), beginning with the state as it is. Where it
        can't be streamed it is asked for, every `poll_every` seconds if that is given.

        Ends when all topics are gone; raises `NotSignedIn` when the session is over. Reconnects by itself.
        """
        context = self._context
        if poll_every is not None:
            context = replace(context, settings=replace(context.settings, poll_fast=poll_every, poll_slow=poll_every))
        return follow_topics(context, tuple(t if ":" in t else f"trip:{t}" for t in topics))

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
        await self._calls.open_get("/healthz")

    async def try_stream(self, trip_id: str, *, heartbeat_within: float) -> StreamSeen:
        """Stream a trip's news for a moment: as long as a stream's first frame may take, and so many seconds more for
        a heartbeat."""
        from roadcrew_client import probing  # noqa: PLC0415 — seldom

        return await probing.try_stream(self._context, f"trip:{trip_id}", heartbeat_within=heartbeat_within)

    async def try_polls(self, trip_id: str) -> PollsSeen:
        """Poll a trip's news twice."""
        from roadcrew_client import probing  # noqa: PLC0415 — seldom

        return await probing.try_polls(self._context, f"trip:{trip_id}")

    # --- from the session -------------------------------------------------------------------------

    def _known(self) -> None:
        self._own_copies.known()
        for book in tuple(self._books):
            book.known()

    def _signed_in(self) -> None:
        self._own_copies.forget_others()
        for live in self._followed_now():
            live.signed_in()
        if self.delivery is not None:
            self.delivery.kick()

    def _answered(self) -> None:
        for live in self._followed_now():
            live.answered_elsewhere()

    def _another_person(self) -> None:
        self._own_copies.forget_person(self.user, None)
        for live in self._followed_now():
            live.disown()
        if self.delivery is not None:
            self.delivery.another_person()

    def _signed_out(self) -> None:
        for live in self._followed_now():
            live.signed_out()
