"""The changes that wait: each in words, what has become of it, and a way on. Shown from the outbox, never from a trip:
there may be no network to ask for one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from roadcrew_tui import render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens import waiting_model as model
from roadcrew_tui.screens.ask import CANCEL, Answer, Ask
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.trip import TripScreen
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Row, RowList

if TYPE_CHECKING:
    from roadcrew_client import OutboxEntry

LOOK_EVERY = 2.0
"""Seconds after which the outbox is looked into again: another program may have sent or dropped something."""
SAID_IN_QUESTIONS = 3
"""Changes that a question names; of more it says how many."""


class WaitingScreen(CommandScreen):
    """What waits of this person at this server."""

    CSS_PATH = "waiting.tcss"
    MODULES = ("waiting", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("waiting", "everywhere")]

    def __init__(self) -> None:
        super().__init__()
        self._entries: tuple[OutboxEntry, ...] | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """The waiting changes."""
        return ("waiting",)

    @property
    def entry(self) -> OutboxEntry | None:
        """The change under the cursor."""
        rows = self.query("#changes")
        here = rows.first(RowList).cursor if rows else None
        return next((e for e in self._entries or () if e.id == here), None)

    @property
    def entries(self) -> tuple[OutboxEntry, ...]:
        """All that are shown."""
        return self._entries or ()

    def compose(self) -> ComposeResult:
        """Title, changes, what may be said to them, keys."""
        yield TitleLine(id="title")
        yield RowList(id="changes", keeps_sign=True)
        yield Lines(id="waiting-note")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Look at once, and again and again."""
        self.query_one("#changes", RowList).focus()
        self.redraw()
        self.show_waiting()
        self.set_interval(LOOK_EVERY, self.show_waiting)

    def show_waiting(self) -> None:
        """Ask the outbox, and draw."""
        self.run_worker(self._look(), group="waiting", exclusive=True)

    async def _look(self) -> None:
        self._entries = tuple(model.in_order(await self.crew_app.link.waiting()))
        self.redraw()

    def redraw(self) -> None:
        """Draw everything."""
        now = datetime.now(UTC)
        tally = self.crew_app.tally
        waits = tally.waiting if tally is not None else 0
        right = render.ours(model.wait_words(waits), render.WARN) if waits else render.BLANK
        self.query_one("#title", TitleLine).show_ends(render.heading("Waiting changes"), right)
        self.query_one("#changes", RowList).show([Row(e.id, _drawn(e, now)) for e in self.entries])
        self.query_one("#waiting-note", Lines).show(lambda width: _wrapped(self._note(), width))
        self.show_keys()

    def _note(self) -> str:
        if self._entries is None:
            return "Looking…"
        if not self._entries:
            return "Nothing waits: the server has answered all that you did."
        if any(e.state == "waiting" for e in self._entries):
            return "What waits is kept on this computer and sent in this order, as soon as the server can be reached."
        return "These are kept until you say what shall become of them."

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter leads to what a change is about."""
        return [("open", "enter", "open")] if self.entry is not None and self.entry.trip_id else []

    @on(RowList.Moved, "#changes")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.show_keys()

    @on(RowList.Chosen, "#changes")
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        entry = next((e for e in self.entries if e.id == event.row), None)
        if entry is not None and entry.trip_id:
            # The app's, since this screen, and with it its own workers, ends on the way.
            self.crew_app.run_worker(self.crew_app.guarded(self._open(entry)), group="commands")

    async def _open(self, entry: OutboxEntry) -> None:
        """To the poll or the hotels that a change is about."""
        app, place = self.crew_app, model.leads_to(entry)
        if app.user is None:
            app.say("One moment: the server has not answered yet.")
            return
        if not self.leave():
            return
        below = app.screen
        if isinstance(below, TripScreen) and below.trip_id == entry.trip_id:
            below.show_tab(*place)
            return
        if isinstance(below, TripScreen):
            await app.pop_screen()
        await app.push_screen(TripScreen(entry.trip_id, goes_to=place))

    # --- what can be done ------------------------------------------------------------------------

    async def drop(self) -> None:
        """Drop the change under the cursor, after asking; what has ended is only taken off the list."""
        from roadcrew_client.outbox import dependents  # noqa: PLC0415 - not before the first paint

        entry = self.entry
        if entry is None:
            return
        if entry.state in ("waiting", "asks"):
            known = {e.id: e for e in self.entries}
            in_order = sorted(self.entries, key=lambda e: e.number)
            hanging = [known[i] for i in dependents(in_order, [entry.id])]
            question = _drop_question(entry, hanging)
            drop = Answer("drop", render.ours("Drop it" if not hanging else "Drop them all"), irreversible=True)
            if await self.app.push_screen_wait(Ask("Drop", question, [drop], cancel="Keep it")) == CANCEL:
                return
        await self._dropped([entry.id])

    async def dismiss_refused(self) -> None:
        """Take all off the list that the server did not accept."""
        await self._dropped([e.id for e in self.entries if e.state == "refused"])

    async def _dropped(self, ids: Collection[str]) -> None:
        await self.crew_app.link.drop(ids)
        await self._look()
        self.query_one("#changes", RowList).settle()

    async def send(self) -> None:
        """Send the old change under the cursor, or all old ones."""
        entry = self.entry
        if entry is None or entry.state != "asks":
            return
        old = [e.id for e in self.entries if e.state == "asks"]
        chosen = [entry.id]
        if len(old) > 1:
            question = render.ours(f"{len(old)} changes are more than a day old.")
            answers = [
                Answer("one", render.ours("Send this one, and what it needs")),
                Answer("all", render.ours(f"Send all {len(old)}")),
            ]
            said = await self.app.push_screen_wait(Ask("Send", question, answers))
            if said == CANCEL:
                return
            chosen = old if said == "all" else chosen
        await self.crew_app.link.send_old(chosen)
        await self._look()
        self.query_one("#changes", RowList).settle()


def _wrapped(words: str, width: int) -> Content:
    return render.stack(render.ours(words, render.MUTED).wrap(max(1, width)))


def _drawn(entry: OutboxEntry, now: datetime) -> Callable[[int], Content]:
    words, people = model.whole(entry)
    tone = render.MUTED if entry.state == "waiting" else render.WARN
    stands = render.ours(model.standing(entry, now), tone)
    reason = render.said(model.reason_of(entry, now), tone) if entry.refusal is not None else None

    def draw(width: int) -> Content:
        lines = [render.ends(render.template(words, **people), stands, width)]
        if reason is not None:
            lines += [render.join("  ", line) for line in render.wrapped(reason, width - 2, 3)]
        return render.stack(lines)

    return draw


def _drop_question(entry: OutboxEntry, hanging: Sequence[OutboxEntry]) -> Content:
    """What is lost, and what goes with it."""
    parts = [_named(entry), render.ours(": drop that? It will not be sent.")]
    if entry.running:
        parts.append(render.ours(" If it is on its way already, it may still arrive."))
    if hanging:
        verb = "makes no sense without it and is" if len(hanging) == 1 else "make no sense without it and are"
        parts.append(render.ours(f" {model.counted(len(hanging))} {verb} dropped too: "))
        for n, other in enumerate(hanging[:SAID_IN_QUESTIONS]):
            parts += [render.ours(", ")] * bool(n) + [_named(other)]
        more = len(hanging) - SAID_IN_QUESTIONS
        parts.append(render.ours(f", and {more} more." if more > 0 else "."))
    return render.join(*parts)


def _named(entry: OutboxEntry) -> Content:
    words, people = model.what(entry)
    return render.template(words, **people)
