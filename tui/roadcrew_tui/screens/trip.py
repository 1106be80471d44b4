"""One trip: the frame around its tabs. Takes snapshots in, sends acts out, and holds no truth of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from roadcrew_domain.crew import LeaveTrip
from roadcrew_domain.trip import DeleteTrip, Trip, TripAct
from roadcrew_tui import plain, render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens import tabs
from roadcrew_tui.screens.ask import Answer, Ask
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.overview_model import Decision, Need, needs
from roadcrew_tui.screens.pane import Pane
from roadcrew_tui.screens.tabs import Tab
from roadcrew_tui.screens.trip_model import status_words, unopened_words, why_gone
from roadcrew_tui.screens.trip_talk import TripTalk
from roadcrew_tui.screens.trip_toasts import TripToasts
from roadcrew_tui.snapshot import News, RunSnapshot, Snapshot, TalkNews
from roadcrew_tui.symbols import sign
from roadcrew_tui.when import amount_of, span
from roadcrew_tui.widgets.lines import KeyLine, Part, PartsLine, TitleLine

if TYPE_CHECKING:
    from roadcrew_client import Client

CLOCK_EVERY = 15.0
"""Seconds after which relative times are drawn anew."""
ANSWERED_WITHIN = 3.0
"""Seconds in which what was just done should have come back."""
TONES = {"good": render.GOOD, "warn": render.WARN, "bad": render.BAD, "muted": render.MUTED}
NARROW = 72
"""Columns from which on all tabs have room for their names; where there are fewer, the others have numbers only."""


class TripScreen(CommandScreen):
    """`seen` is the last event of the visit before, `left` when somebody was last here."""

    CSS_PATH = ["trip.tcss", "talk.tcss"]  # noqa: RUF012 - as Screen has it
    MODULES = (
        "gallery", "comments", "posts", "marks", "book", "cart", "quotes", "trip", "history", "crew", "polls", "hotels",
        "places", "saved", "muted", "account", "waiting", "inspector", "everywhere"
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(n), f"tab('{tab}')", title, show=False, id=f"tab.{tab}")
            for n, (tab, title) in enumerate(tabs.TITLES.items(), 1)
        ),
        *bindings(*MODULES),
    ]
    back_words = "trips"

    def __init__(self, trip_id: str, *, goes_to: tuple[str, str | None] | None = None) -> None:
        """`goes_to`: the tab that is shown first, and what there, such as a poll."""
        super().__init__()
        self.trip_id = trip_id
        self._goes_to = goes_to
        self.snapshot = Snapshot(trip_id)
        self.tab = tabs.FIRST.id
        self.talk = TripTalk(self)
        self.seen = -1
        self.away = ""
        self.left: dict[str, datetime] = {}
        self._toasts = TripToasts(self)
        self._due = False
        self._fed = asyncio.Event()
        self._opened_as = ""
        self._end: News | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """A trip, and one of its tabs."""
        return ("trip", self.tab)  # type: ignore[return-value]

    @property
    def trip(self) -> Trip | None:
        """The trip as it is drawn."""
        return self.snapshot.trip

    @property
    def me(self) -> str:
        """My id; the one that was, while signed out."""
        return self.crew_app.me.id if self.crew_app.me else ""

    @property
    def declined(self) -> frozenset[str]:
        """The polls whose winner this person does not want to be the trip's dates."""
        return self.crew_app.memory.declined(self.crew_app.server or "", self.trip_id)

    def decline_dates(self, poll_id: str) -> None:
        """Not to be asked about them again."""
        self.crew_app.memory.decline(self.crew_app.server or "", self.trip_id, poll_id)
        self.crew_app.remember()
        self.redraw()

    @property
    def urgent(self) -> list[Need]:
        """What of the cart needs this person."""
        if self.crew_app.book.cart is None:
            return []
        from roadcrew_tui.screens import book_cart_model  # noqa: PLC0415 - only where one can book

        return book_cart_model.needs(self.crew_app.book)

    @property
    def booked(self) -> Decision | None:
        """What the crew has booked, where one can book."""
        if self.trip is None or not any(tab.id == "book" for tab in self.tabs):
            return None
        from roadcrew_tui.screens import book_cart_model  # noqa: PLC0415 - only where one can book

        return book_cart_model.plan(self.trip)

    @property
    def tabs(self) -> list[Tab]:
        """The tabs that the server serves; the one that is open stays until it is left."""
        found = tabs.served(self.crew_app.served)
        return [tab for tab in tabs.TABS if tab in found or tab.id == self.tab]

    @property
    def pane(self) -> Pane:
        """The tab that is open."""
        return self.query_one(f"#tab-{self.tab}", Pane)

    def compose(self) -> ComposeResult:
        """Title, tabs, one pane, keys."""
        yield TitleLine(id="title")
        yield PartsLine(id="tabs", gap=2)
        with Container(id="panes"):
            yield tabs.FIRST.pane_class()(id=f"tab-{self.tab}")
        yield KeyLine(id="keys")

    async def on_mount(self) -> None:
        """Start following; until the first state is here, say so."""
        memory = self.crew_app.memory.seen(self.crew_app.server or "", self.trip_id)
        if memory is not None:
            self.seen = memory[0]
            self.away = amount_of(datetime.now(UTC) - memory[1])
        self._opened_as = self.me
        self._toasts.begin()
        self._draw_frame()
        self.set_interval(CLOCK_EVERY, self.redraw)
        self.run_worker(self.crew_app.guarded(self.crew_app.link.follow(self.trip_id, self.tab)), group="follow")

    def on_unmount(self) -> None:
        """Remember how far this trip was seen."""
        self.talk.leave()
        trip = self.snapshot.confirmed
        if trip is not None and trip.recent:
            seq, now = trip.recent[-1].seq, datetime.now(UTC)
            self.crew_app.memory.keep_seen(self.crew_app.server or "", self.trip_id, seq, now)
            self.crew_app.remember()

    async def go_back(self) -> None:
        """One step: within the tab, to the overview, to the list of trips."""
        if await self.pane.back() or not self.leave():
            return
        self.crew_app.run_worker(self.crew_app.link.unfollow(), group="follow")
        self.crew_app.show_lobby()

    # --- what comes in ---------------------------------------------------------------------------

    def feed(self, snapshot: Snapshot, news: News) -> None:
        """A new state. Drawing waits for the next frame, so that a burst of events is drawn once."""
        if snapshot.trip_id != self.trip_id:
            return
        first = self.snapshot.trip is None and snapshot.trip is not None
        for person in self.snapshot.present:
            if person not in snapshot.present:
                self.left[person] = snapshot.now()
        self.snapshot = snapshot
        self._fed.set()
        if news.kind == "gone":
            self._gone(news)
            return
        if news.refusal is not None:
            self.crew_app.say(self.why_refused(news), "warning")
        if first and snapshot.trip is not None:
            self.call_after_refresh(self._begin)
        elif snapshot.trip is not None:
            self._toasts.take(snapshot, news)
        self._draw_soon()

    def show_book(self) -> bool:
        """Draw what is new of the cart; whether the tab of bookings is seen."""
        self._draw_soon()
        return self.is_current and self.tab == "book"

    def show_run(self, seen: RunSnapshot) -> None:
        """Something about a run that is looked at is new."""
        for pane in self.query(Pane):
            pane.show_run(seen)

    def show_talk(self, news: TalkNews) -> None:
        """Something that is said is new."""
        if news.refusal is not None and self.is_current:
            self.crew_app.say(news.refusal.detail, "warning")
        for pane in self.query(Pane):
            pane.show_talk(news)
        self._draw_soon()

    def on_talk_view_read(self) -> None:
        """Less of it is new."""
        self._draw_soon()

    def _draw_soon(self) -> None:
        if not self._due:
            self._due = True
            self.call_later(self._draw_due)

    def why_refused(self, news: News) -> str:
        """The sentence for a change that was taken back."""
        from roadcrew_tui.screens.refusals import sentence  # noqa: PLC0415 - seldom needed

        return sentence(news, self.trip, self.snapshot.now()) if news.refusal else ""

    def _begin(self) -> None:
        self.redraw()
        if self._goes_to is not None:
            self.show_tab(*self._goes_to)
            return
        if self.focused is None:
            self.pane.start()

    def on_resize(self) -> None:
        """Where there is less room, less is said."""
        self._draw_soon()

    def _draw_due(self) -> None:
        self._due = False
        self.redraw()

    def on_screen_resume(self) -> None:
        """What was over the trip has gone; perhaps the trip has too, meanwhile."""
        if self._end is not None:
            news, self._end = self._end, None
            self._gone(news)
        else:
            self._draw_soon()

    def _gone(self, news: News) -> None:
        if getattr(self.app.screen, "sending", False):
            self._end = news  # a form is not taken away under what it sends
            return
        self.crew_app.say(self._why_gone(news.reason), "warning", seconds=10)
        if self in self.app.screen_stack:
            while self.app.screen is not self:
                self.app.pop_screen()
            self.app.pop_screen()
            self.crew_app.show_lobby()

    def _why_gone(self, reason: str | None) -> str:
        user = self.crew_app.user
        if reason == "forbidden" and user is not None and user.id != self._opened_as:
            return plain.sentence("You are {name} now, who is not in this trip.", name=user.name)
        removals = [r.name for r in self.trip.recent if r.type == "MemberRemoved"] if self.trip is not None else []
        if reason == "removed" and removals and removals[-1]:
            # The removal is the last thing that somebody who was removed is told of a trip.
            return plain.sentence("{who} removed you from this trip.", who=removals[-1])
        if reason == "ended" and self.trip is not None and self.trip.ended == "deleted":
            ends = [(r.by, r.name) for r in self.trip.recent if r.type == "TripEnded"]
            return self._deleted(*ends[-1]) if ends else self._deleted()
        return why_gone(reason)

    def _deleted(self, by: str | None = None, name: str | None = None) -> str:
        """Who deleted the trip, and what brings it back."""
        words = "{who} deleted {trip}. They can bring it back for 30 days."
        if by == self.me:
            words = "You deleted {trip}. D in your trips brings it back within 30 days."
        trip = self.trip.name if self.trip is not None else "this trip"
        return plain.sentence(words, who=name or "The organiser", trip=trip)

    # --- drawing ---------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draw frame and tab from the present state."""
        self.talk.follow()
        self._draw_frame()
        trip = self.trip
        if trip is not None and self.is_mounted:
            self.pane.draw(self.snapshot, trip, self.me, self.snapshot.now())
        self.show_keys()

    def _draw_frame(self) -> None:
        trip, now = self.trip, self.snapshot.now()
        tally = self.crew_app.tally
        status = self.snapshot.status
        status = replace(status, waiting=status.waiting + self.crew_app.talk.status.waiting)
        mark, words, tone = status_words(status, tally.needing if tally is not None else 0)
        right = render.ours(f"{getattr(sign(), mark)} {words}", TONES[tone])
        if self.crew_app.user is not None:
            name = render.said(self.crew_app.user.name, render.MUTED, width=render.MOST_NAME)
            right = render.join(right, render.ours(" · you are ", render.MUTED), name)
        if trip is None:
            opening = unopened_words(self.snapshot.status)
            self.query_one("#title", TitleLine).show_ends(render.ours(opening, render.MUTED), right)
            return
        dates = span(trip.starts_on, trip.ends_on, now.astimezone().date())
        name = render.said(trip.name, "bold")
        self.query_one("#title", TitleLine).show_ends(name, right, render.ours(dates, render.MUTED))
        urgent, called = self.urgent, self.talk.needs
        wants = [*urgent, *called, *needs(trip, self.me, now, self.declined)]
        badges = {
            "book": len(urgent),
            "polls": sum(n.target.startswith("poll:") for n in wants),
            "hotels": sum(n.target == "hotels" for n in wants),
            "quotes": sum(run.ended is None for run in trip.runs.values()),
            "talk": self.talk.unread,
        }
        self.query_one("#tabs", PartsLine).show([Part(tab.id, self._tab_words(tab, badges)) for tab in self.tabs])
        self.crew_app.window_title(trip.name, len(wants))

    def _tab_words(self, tab: Tab, badges: dict[str, int]) -> Content:
        count = badges.get(tab.id, 0)
        badge = render.ours(f" {sign().badge}{count}", render.WARN) if count else render.BLANK
        narrow = self.size.width < NARROW and tab.id != self.tab
        words = str(tab.number) if narrow else f"{tab.number} {tab.title}"
        if tab.id == self.tab:
            return render.join(render.ours(f"[{words}", "bold"), badge, render.ours("]", "bold"))
        return render.join(render.ours(f" {words}", render.MUTED), badge, " ")

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does in this tab."""
        return self.pane.hints() if self.trip is not None else []

    # --- tabs ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nor do keys of tabs that are not there."""
        if action == "tab":
            return any(tab.id == parameters[0] for tab in self.tabs)
        return super().check_action(action, parameters)

    def action_tab(self, tab: str) -> None:
        """Go to a tab."""
        self.show_tab(tab)

    def show_tab(self, tab: str, thing: str | None = None) -> None:
        """Go to a tab, and there to a poll, say; to the first tab where there is no such tab."""
        self.run_worker(self._show_tab(tab, thing), group="tabs", exclusive=True)

    async def _show_tab(self, wanted: str, thing: str | None) -> None:
        tab = next((tab for tab in self.tabs if tab.id == wanted), tabs.FIRST)
        if not self.query(f"#tab-{tab.id}"):
            await self.query_one("#panes").mount(tab.pane_class()(id=f"tab-{tab.id}"))
        for pane in self.query(Pane):
            pane.display = pane.id == f"tab-{tab.id}"
        self.tab = tab.id
        self.crew_app.link.look(tab.id)
        self.redraw()
        self.pane.start()
        if thing is not None:
            self.pane.select(thing)
        self.show_keys()

    @on(PartsLine.Clicked, "#tabs")
    def _tab_clicked(self, event: PartsLine.Clicked) -> None:
        event.stop()
        self.show_tab(event.part)

    def on_descendant_focus(self) -> None:
        """Other keys matter now."""
        self.show_keys()

    # --- what goes out ---------------------------------------------------------------------------

    async def act(self, act: TripAct) -> None:
        """Do something to this trip. Painted at once; refusals come as news."""
        self.feed(await self.crew_app.link.act(act), News("pending"))

    async def propose(self, act: TripAct) -> None:
        """As `act`, but raises `Refused` for what the rules say no to now: a form keeps what was typed then."""
        from roadcrew_tui.screens.refusals import check  # noqa: PLC0415 - seldom needed

        check(self.snapshot, self.me, act)
        await self.act(act)

    async def settled(self, poll_id: str) -> None:
        """Wait until a poll that was just ended is known to have ended."""

        def ended() -> bool:
            poll = self.trip.polls.get(poll_id) if self.trip is not None else None
            return poll is None or poll.closed

        await self.fed_until(ended)

    async def fed_until(self, holds: Callable[[], bool]) -> None:
        """Wait until what is fed to this screen makes something hold, `ANSWERED_WITHIN` seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWERED_WITHIN):
                while not holds():
                    self._fed.clear()
                    await self._fed.wait()

    async def end_with(self, how: Literal["leave", "delete"]) -> None:
        """Leave or delete: answered by the server before the screen goes."""
        act: TripAct = LeaveTrip() if how == "leave" else DeleteTrip()
        await self.crew_app.link.call(lambda client: client.do(self.trip_id, act))
        if self in self.app.screen_stack:
            if how == "delete":
                self.crew_app.say(self._deleted(self.me), seconds=10)
            self.app.pop_screen()
            self.crew_app.run_worker(self.crew_app.link.unfollow(), group="follow")
            self.crew_app.show_lobby()

    async def renew_invite(
        self, *, revoke: bool = False, expires_at: datetime | None = None, max_uses: int | None = None
    ) -> None:
        """A new invite, whose code the server makes; or none."""

        async def ask(client: Client) -> object:
            from roadcrew_client import InviteRequest  # noqa: PLC0415 - on the client's thread

            return await client.do(self.trip_id, InviteRequest(expires_at, max_uses, revoke))

        before = self.trip.invite if self.trip else None
        await self.crew_app.link.call(ask)
        await self.fed_until(lambda: self.trip is None or self.trip.invite != before)

    async def ask(self, title: str, question: Content, answers: Sequence[Answer], *, cancel: str = "Cancel") -> str:
        """Ask. Returns the id of the answer, or `cancel`."""
        return await self.app.push_screen_wait(Ask(title, question, answers, cancel=cancel))
