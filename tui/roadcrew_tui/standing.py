"""Who we are at which server, and how it stands with that: the part of the app that screens and forms ask for it.

Not for the forms themselves (screens/session.py), nor for what is seen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from textual import on

from roadcrew_tui import plain
from roadcrew_tui import settings as prefs
from roadcrew_tui.host import must_reach
from roadcrew_tui.messages import (
    AttemptFailed,
    OutboxChanged,
    Recalled,
    ServerTold,
    SessionLooked,
    SignInNote,
    TokenChanged,
)
from roadcrew_tui.preferring import Preferring
from roadcrew_tui.screens import tabs
from roadcrew_tui.steps import SIGN_IN_AGAIN, attempt_words, look_words

if TYPE_CHECKING:
    from roadcrew_client import OutboxEntry, Tally, TripSummary, User
    from roadcrew_tui.memory import Memory

GATHERED_WITHIN = 1.0
"""Seconds in which refusals are gathered into one toast."""


class Standing(Preferring):
    """`user` is who we are, None for nobody. `signed_out`: a session has ended and nobody asked for that; `was` is
    whose. `trouble`: why the server can't be used just now; `not_yet`: because it does not honour the session so far;
    `passing`: it may well be over by itself. `looking`: my trips are being asked for once more.
    `step`: how far a way in is. `tally`: how many changes wait, None while nobody has counted."""

    server: str | None
    home: str
    memory: Memory

    def __init__(self) -> None:
        super().__init__()
        self.user: User | None = None
        self.was: User | None = None
        self.signed_out = False
        self.step: str | None = None
        self.trouble: str | None = None
        self.not_yet = False
        self.passing = False
        self.looking = False
        self.trips: tuple[TripSummary, ...] | None = None
        self.public_url: str | None = None
        self.tally: Tally | None = None
        self._needing_told = 0
        self._refused: list[OutboxEntry] = []

    # --- what the app does, and this part needs ----------------------------------------------------

    def begin(self, server: str) -> Coroutine[Any, Any, None]:
        """Open the server and list the trips there."""
        raise NotImplementedError

    def remember(self) -> None:
        """Keep what this terminal remembers."""
        raise NotImplementedError

    def open_trip(self, trip_id: str) -> None:
        """Show a trip."""
        raise NotImplementedError

    # --- server and person -------------------------------------------------------------------------

    async def reaching(self, work: Awaitable[Any]) -> Any:
        """Wait for the link; the lobby shows whether the server could be reached, and has let us in."""
        from roadcrew_client.errors import RoadcrewError, SessionNotReady  # noqa: PLC0415 - not before the first paint
        from roadcrew_client.retry import is_passing  # noqa: PLC0415 - not before the first paint

        try:
            result = await work
        except RoadcrewError as error:
            not_yet, passing = isinstance(error, SessionNotReady), is_passing(error)
            if not_yet or passing:
                self.trouble, self.not_yet, self.passing, self.step = error.detail, not_yet, passing, None
                self._tell_lobby()
            raise
        self.trouble, self.passing, self.step = None, False, None
        return result

    @property
    def served(self) -> Collection[str]:
        """What the server serves: as it said last, which may have been the last time."""
        said = self.memory.features(self.server or "")
        return tabs.UNTIL_KNOWN if said is None else said

    @property
    def me(self) -> User | None:
        """Who we are; or were, until the session ended without being asked to."""
        return self.user or self.was

    def be(self, user: User | None) -> None:
        """Somebody, from now on; or nobody."""
        self.user = user
        if user is not None:
            self.was, self.signed_out = None, False
            if self.link.server is not None and self.memory.be(self.link.server, user.id):
                self.trips = None
                self.remember()
                self._tell_lobby()

    def tell(self, words: str) -> None:
        """Say how far it is, where somebody waits for it."""
        top: Any = self.open_screens[-1] if self.open_screens else None
        if hasattr(top, "tell"):
            top.tell(words)
        else:
            self.step = words
            self._tell_lobby()

    async def look_again(self) -> None:
        """Ask for my trips, and who I am, if that is not known yet. Not while that is being done."""
        if self.looking:
            return
        self.looking = True
        try:
            if self.user is None and self.server is not None:
                await self.begin(self.server)
            else:
                await self.list_trips()
        finally:
            self.looking = False
            self._tell_lobby()

    async def list_trips(self) -> None:
        """Ask for my trips; the lobby shows them. An answer for somebody who has signed out meanwhile is nobody's."""
        asked_by = self.user
        if asked_by is None:
            self.trips = None if self.signed_out else ()
        else:
            found = await self.reaching(self.link.call(lambda client: client.load_trips()))
            if found is not None and self.me is not None and self.me.id == asked_by.id:
                self._keep_trips(tuple(found))
        self._tell_lobby()

    def _keep_trips(self, trips: tuple[TripSummary, ...]) -> None:
        self.trips = trips
        if self.server:
            from roadcrew_tui.screens.lobby_model import remembered  # noqa: PLC0415 - the lobby's

            self.memory.keep_trips(self.server, [remembered(t) for t in trips])
            self.remember()

    def _tell_lobby(self) -> None:
        for screen in self.open_screens:
            if hasattr(screen, "show_trips"):
                screen.show_trips()

    async def use_server(self, server: str) -> None:
        """Open a server and remember it. Raises `Refused` where it is not for visitors."""
        must_reach(server)
        if server != self.link.server or (self.user is None and not self.signed_out):
            self.user, self.was, self.signed_out = None, None, False
            self.tally, self._needing_told = None, 0
            self.be(await self.reaching(self.link.open(server)))
            self.public_url = None
        self.server = server
        if prefs.may_be_last(server, self.home):
            self.change_settings(server=server)

    @asynccontextmanager
    async def trying_server(self, server: str) -> AsyncIterator[None]:
        """As `use_server`; but one where nobody became somebody is not remembered as the first one."""
        before = self.server
        await self.use_server(server)
        try:
            yield
        except Exception:
            if before is None:
                self.server = None
                self.change_settings(server=None)
            raise

    async def guarded(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run an action; what a server or a rule says against it is shown as the sentence it is."""
        from roadcrew_client.errors import NotSignedIn, RoadcrewError  # noqa: PLC0415 - not before the first paint
        from roadcrew_domain.refusals import Refused  # noqa: PLC0415 - not before the first paint

        try:
            await work
        except NotSignedIn:
            self.ask_to_sign_in()
        except (RoadcrewError, Refused) as error:
            self.say(error.detail, "warning")

    def ask_to_sign_in(self, then: str | None = None) -> None:
        """To the form that asks, and then back to where we are, or to a trip."""
        from roadcrew_tui.screens.session import sign_in_again  # noqa: PLC0415 - seldom

        async def ask() -> None:
            if await sign_in_again(self) and then is not None:
                self.open_trip(then)

        self.run_worker(self.guarded(ask()), group="sign-in", exclusive=True)

    # --- events ------------------------------------------------------------------------------------

    @on(Recalled)
    def _recalled(self, event: Recalled) -> None:
        """What is kept of our trips can be opened before the server answers, and without it."""
        nobody = self.user is None and self.trips is None and not self.signed_out
        if nobody and event.server == self.server:
            self.be(event.user)
            self._tell_lobby()

    @on(ServerTold)
    def _server_told(self, event: ServerTold) -> None:
        features = tabs.known(event.features)
        if features and features != self.memory.features(event.server):
            self.memory.keep_features(event.server, features)
            self.remember()
            self.redraw_all()

    @on(TokenChanged)
    def _token_changed(self, event: TokenChanged) -> None:
        if event.signed_in:
            return
        if event.asked and self.server:
            self.memory.keep_trips(self.server, [])
            self.remember()
        if not event.asked:
            self.was, self.signed_out, self.trips = self.me, True, self.trips or None
            if any(hasattr(screen, "feed") for screen in self.open_screens):
                self.say(f"You are signed out. {SIGN_IN_AGAIN}", "warning", seconds=10)
        self.user = None
        self.redraw_all()

    @on(SessionLooked)
    def _session_looked(self, event: SessionLooked) -> None:
        self.tell(look_words(event.number, event.of, event.seen))

    @on(AttemptFailed)
    def _attempt_failed(self, event: AttemptFailed) -> None:
        self.tell(attempt_words(event.attempt, event.of))

    @on(SignInNote)
    def _sign_in_note(self, event: SignInNote) -> None:
        self.say(event.words, event.severity, seconds=12)

    @on(OutboxChanged)
    def _outbox_changed(self, event: OutboxChanged) -> None:
        news = event.news
        if news.kind == "trouble":
            self.say(news.words, "warning", seconds=12)
        elif news.kind == "known" and self.trips is None and news.user is not None:
            self.be(news.user)
            self.run_worker(self.guarded(self.list_trips()), group="lobby", exclusive=True)
        elif news.kind == "refused" and news.entry is not None:
            if not self._refused:
                self.set_timer(GATHERED_WITHIN, self._tell_refused)
            self._refused.append(news.entry)
            self._needing_told += 1
        elif news.kind == "tally":
            self._tell_needing(news.tally)
            before, self.tally = self.tally, news.tally
            if before is None or before.needing != self.tally.needing:
                self.redraw_all()
            else:
                self._tell_lobby()
            for screen in self.open_screens:
                if hasattr(screen, "show_waiting"):
                    screen.show_waiting()

    def _tell_needing(self, tally: Tally) -> None:
        """Say that changes want something of this person, unless that was just said of each."""
        from roadcrew_tui.screens.waiting_model import need_words  # noqa: PLC0415 - the domain is not needed so early

        if tally.needing > self._needing_told:
            self.say(f"{need_words(tally)}. Press w to look.", "warning", seconds=10)
        self._needing_told = tally.needing

    def _tell_refused(self) -> None:
        """One toast for what was refused in the last moments, of trips that nobody looks at."""
        from roadcrew_tui.screens import waiting_model as model  # noqa: PLC0415 - seldom

        refused, self._refused = self._refused, []
        if len(refused) == 1:
            reason = model.reason_of(refused[0], datetime.now(UTC))
            self.say(plain.sentence("{trip}: ", trip=refused[0].about.trip) + reason, "warning", seconds=10)
        elif refused:
            self.say(f"{model.counted(len(refused))} were not accepted. Press w to see why.", "warning", seconds=10)
