"""Looking for something by words: in the trips of a person, in what is planned there, and in what was said in the trip
that is open. It gathers once, when it is opened; what others do meanwhile changes nothing under the cursor. What fits,
and in which order, is search_model.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from roadcrew_domain.feed_state import Feed, Item
from roadcrew_domain.places import Entity, ListChannel
from roadcrew_domain.trip import Trip
from roadcrew_tui import plain, render, when
from roadcrew_tui.screens import search_model as model
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.screens.lobby_model import rows_remembered
from roadcrew_tui.screens.search_model import Thing
from roadcrew_tui.widgets.lines import Lines, Part, PartsLine
from roadcrew_tui.widgets.rows import Row, RowList

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_client.talk_models import TalkItems
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.screens.trip import TripScreen

HINT = "A trip, a question, a hotel, what somebody said"
NOTHING_YET = "Type some words, in any order. Case and accents do not matter."
NO_HIT = "Nothing has all of these words."
OLDER = "older"
MORE = "Look through older ones of what was said"
KIND = 8
"""Cells for what kind of thing it is."""
LONGEST = 200


class Search(Dialog[Thing]):
    """Dismissed with what was chosen; with nothing, if nothing was."""

    CSS_PATH = "search.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("pagedown", "move(8)", "Page down", show=False),
        Binding("pageup", "move(-8)", "Page up", show=False),
    ]
    AUTO_FOCUS = "Input"

    def __init__(self, app: RoadcrewApp, open_trip: TripScreen | None) -> None:
        super().__init__()
        self._crew_app = app
        self._trip_screen = open_trip
        self._listed = _listed(app)
        self._plans: tuple[Trip, ...] = ()
        self._said: dict[ListChannel, dict[int, Item]] = {}
        """What is known of the talk of the trip that is open, by number."""
        self._counts: Mapping[ListChannel, int] = {}
        self._things: list[Thing] = []
        self._found: list[Thing] = []
        self._older = ""
        """What is said of older things in place of offering them."""

    def compose(self) -> ComposeResult:
        """A line to type in, what is found, what was looked through, and keys."""
        with Vertical(id="search"):
            yield Lines(id="search-title")
            yield Input(placeholder=HINT, compact=True, max_length=LONGEST, id="search-words")
            yield RowList(id="found", keeps_sign=True)
            yield Lines(id="search-note")
            yield PartsLine(id="search-keys", gap=3)

    def on_mount(self) -> None:
        """With what is known here; copies of other trips follow."""
        self.query_one("#search-title", Lines).show(lambda _: render.heading("Search"))
        keys = [("open", "enter", "go there"), ("leave", "esc", "close")]
        self.query_one("#search-keys", PartsLine).show([Part(i, render.key_hint(k, w)) for i, k, w in keys])
        self._hear()
        self._gather()
        self.run_worker(self._crew_app.guarded(self._load_copies()), group="search")

    # --- what there is to look through -----------------------------------------------------------

    def _hear(self) -> None:
        """What of the talk of the trip that is open is here already."""
        screen = self._trip_screen
        if screen is None:
            return
        entity, counts = Entity("trip", screen.trip_id), dict[ListChannel, int]()
        for channel in model.SAID:
            feed = self._crew_app.talk.states.get(entity.topic(channel))
            if isinstance(feed, Feed):
                counts[channel] = feed.count
                self._said.setdefault(channel, {}).update({item.no: item for item in feed.items})
        self._counts = counts

    async def _load_copies(self) -> None:
        ids = [trip_id for trip_id, _, _ in self._listed]

        async def load(client: Client) -> tuple[Trip, ...]:
            return await client.kept_trips(ids)

        if self._crew_app.user is not None:
            self._plans = await self._crew_app.link.call(load)
            self._gather()

    def _gather(self) -> None:
        """All that there is, of the trip that is open first; and look through it again."""
        screen, now = self._trip_screen, self._crew_app.talk.now()
        here = screen.trip if screen is not None else None
        self._things = model.of_list(self._listed)
        if here is not None:
            self._things += model.of_trip(here, now)
            for channel, items in self._said.items():
                newest = [items[no] for no in sorted(items, reverse=True)]
                self._things += model.of_talk(here.id, channel, newest, self._crew_app.muting.ids)
        for trip in self._plans:
            if here is None or trip.id != here.id:
                self._things += model.of_trip(trip, now, within=True)
        self._look()

    @property
    def _looked(self) -> model.Looked:
        here = self._trip_screen is not None and self._trip_screen.trip is not None
        others = sum(self._trip_screen is None or trip.id != self._trip_screen.trip_id for trip in self._plans)
        heard, said = sum(map(len, self._said.values())), sum(self._counts.values())
        return model.Looked(len(self._listed), others + here, heard, said if self._counts else None)

    @property
    def _lacks(self) -> list[ListChannel]:
        """The parts of talk of which there are older things that are not here."""
        return [channel for channel, count in self._counts.items() if len(self._said[channel]) < count]

    # --- looking ---------------------------------------------------------------------------------

    @property
    def _query(self) -> str:
        return self.query_one(Input).value

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look(begins=True)

    def _look(self, *, begins: bool = False) -> None:
        """Show what fits. `begins`: other words are looked for, and the cursor begins with the best."""
        query = self._query
        self._found = model.find(self._things, query)
        rows = [Row(_id(thing), _drawn(thing, query)) for thing in self._found[: model.MOST_SHOWN]]
        if query.strip() and self._lacks and not self._older:
            rows.append(Row(OLDER, lambda width: render.cut(render.ours(MORE, render.ACCENT), width)))
        found = self.query_one("#found", RowList)
        found.show(rows)
        if begins:
            found.settle()
            found.move_to(rows[0].id or "" if rows else "")
        self.query_one("#search-note", Lines).show(lambda width: self._note(query, width))

    def _note(self, query: str, width: int) -> Content:
        rows: list[str] = []
        if not query.strip():
            rows.append(NOTHING_YET)
        elif not self._found:
            rows.append(NO_HIT)
        elif len(self._found) > model.MOST_SHOWN:
            rows.append(
                f"The first {model.MOST_SHOWN} of {len(self._found):,} that fit. One more word narrows it down."
            )
        rows += [self._looked.words] if query.strip() else []
        rows += [self._older] if self._older else []
        return render.stack(line for words in rows for line in render.said(words, render.MUTED).wrap(max(1, width)))

    # --- keys and mouse --------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """The cursor moves in what is found, while one types."""
        self.query_one("#found", RowList).action_move(step)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#found", RowList).action_choose()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        if event.row == OLDER:
            self._older = "Asking for older ones…"
            self._look()
            self.run_worker(self._load_older(), group="search")
            return
        thing = next((thing for thing in self._found if _id(thing) == event.row), None)
        if thing is not None:
            self.dismiss(thing)

    @on(PartsLine.Clicked)
    def _clicked(self, event: PartsLine.Clicked) -> None:
        event.stop()
        if event.part == "open":
            self.query_one("#found", RowList).action_choose()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Nothing was chosen."""
        self.dismiss(None)

    # --- older things that were said -------------------------------------------------------------

    async def _load_older(self) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - it is there when this runs

        trouble = ""
        try:
            for channel in self._lacks:
                await self._load_pages(channel)
        except RoadcrewError as error:
            trouble = f"Older ones can't be asked for now. {error.detail}"
        self._older = trouble
        self._gather()

    async def _load_pages(self, channel: ListChannel) -> None:
        if self._trip_screen is None:
            return
        entity, here = Entity("trip", self._trip_screen.trip_id), self._said[channel]
        for _ in range(model.PAGES):
            before = min(here, default=self._counts[channel] + 1)
            if before <= 1:
                return
            page = await self._crew_app.link.call(partial(_page, entity=entity, channel=channel, before=before))
            if not page.items:
                return
            here.update({item.no: item for item in page.items})


async def _page(client: Client, *, entity: Entity, channel: ListChannel, before: int) -> TalkItems:
    return await client.talk_items(entity, channel, before, model.PAGE)


def _listed(app: RoadcrewApp) -> list[tuple[str, str, str]]:
    """My trips as they are listed: by the server, or as this terminal remembers them."""
    if app.trips is not None:
        return [(trip.id, trip.name, trip.destination or "") for trip in app.trips]
    known = app.memory.trips(app.server) if app.server else []
    return [(row.id, row.name, "") for row in rows_remembered(known, when.day_of(app.talk.now()))]


def _id(thing: Thing) -> str:
    return f"{thing.kind}:{thing.id}"


def _drawn(thing: Thing, query: str) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        kind = render.pad(render.ours(thing.kind, render.MUTED), KIND)
        beside = " · ".join(filter(None, (plain.safe(thing.more), plain.safe(thing.within))))
        right = _marked(plain.safe(beside), query, render.MUTED) if beside else render.BLANK
        right = render.cut(right, width // 3)
        room = max(1, width - KIND - right.cell_length - 2)
        left = render.cut(_marked(model.excerpt(thing.words, query, room) or "(nameless)", query), room)
        return render.join(kind, render.ends(left, right, width - KIND))

    return draw


def _marked(words: str, query: str, style: str = "") -> Content:
    """Somebody's words, with what fits in another look."""
    content = render.said(words, style)
    for begins, ends in model.marks(content.plain, query):
        content = content.stylize(f"bold underline {render.ACCENT}", begins, ends)
    return content
