"""What this person saved, wherever that was: hotels, exhibitions, trips, posts and blogs. Nobody else sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from roadcrew_domain.places import Entity
from roadcrew_tui import render
from roadcrew_tui.commands.base import Place
from roadcrew_tui.screens.base import CommandScreen, bindings
from roadcrew_tui.screens.places_model import kind_words
from roadcrew_tui.widgets.lines import KeyLine, Lines, TitleLine
from roadcrew_tui.widgets.rows import Draw, Row, RowList

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_client.talk_models import SavedThing, SavedThings

MORE = "more"
"""The row below those that are here, when there are more."""


class SavedScreen(CommandScreen):
    """A list; enter opens what is under the cursor."""

    CSS_PATH = "people.tcss"
    MODULES = ("saved", "everywhere")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("saved", "everywhere")]

    def __init__(self) -> None:
        super().__init__()
        self._things: tuple[SavedThing, ...] | None = None
        self._next: str | None = None
        self._dropped: set[Entity] = set()
        """What was taken off the list here, and may be put back."""

    @property
    def places(self) -> tuple[Place, ...]:
        """The saved list."""
        return ("saved",)

    @property
    def thing(self) -> SavedThing | None:
        """What is under the cursor."""
        rows = self.query("#saved")
        here = rows.first(RowList).cursor if rows else None
        return next((thing for thing in self._things or () if _id(thing) == here), None)

    @property
    def is_saved(self) -> bool:
        """Whether that is still saved."""
        return self.thing is not None and _entity(self.thing) not in self._dropped

    def compose(self) -> ComposeResult:
        """Title, list, a sentence, keys."""
        yield TitleLine(id="title")
        yield RowList(id="saved", keeps_sign=True)
        yield Lines(id="people-note")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Ask at once."""
        self.query_one("#saved", RowList).focus()
        self.redraw()
        self._look(None)

    def _look(self, after: str | None) -> None:
        self.look_up(self._load(after), "saved")

    async def _load(self, after: str | None) -> None:
        async def ask(client: Client) -> SavedThings:
            return await client.saved_things(after)

        found = await self.crew_app.link.call(ask)
        known = {} if after is None else {_id(thing): thing for thing in self._things or ()}
        self._things = tuple((known | {_id(thing): thing for thing in found.saved}).values())
        self._next = found.next
        self.redraw()

    def redraw(self) -> None:
        """Draw everything."""
        self.query_one("#title", TitleLine).show_ends(render.heading("Saved"), render.BLANK)
        rows = [Row(_id(thing), self._drawn(thing)) for thing in self._things or ()]
        if self._next is not None:
            rows.append(Row(MORE, lambda width: render.cut(render.ours("Show more", render.ACCENT), width)))
        self.query_one("#saved", RowList).show(rows)
        self.query_one("#people-note", Lines).show(lambda width: _wrapped(self._note(), width))
        self.show_keys()

    def _drawn(self, thing: SavedThing) -> Draw:
        gone = _entity(thing) in self._dropped
        kind = kind_words(_entity(thing))
        words = render.ours(f"{kind}, no longer saved" if gone else kind, render.MUTED)
        name = render.said(thing.name or "something without a name", render.MUTED if gone else "")
        return lambda width: render.ends(name, words, width)

    def _note(self) -> str:
        if self._things is None:
            return self.looking
        if not self._things:
            return "Nothing yet. Press b where you read about a hotel, an exhibition, a trip, a post or a blog."
        return "Only you see this list."

    def hints(self) -> list[tuple[str, str, str]]:
        """Enter opens it."""
        return [("open", "enter", "open")] if self.thing is not None else []

    @on(RowList.Moved, "#saved")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.show_keys()

    @on(RowList.Chosen, "#saved")
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        if event.row == MORE:
            self._look(self._next)
        elif self.thing is not None:
            thing = self.thing
            self.crew_app.open_talk(_entity(thing), thing.name or kind_words(_entity(thing)), thing.trip_id)

    async def turn(self) -> None:
        """Take what is under the cursor off the list, or put it back."""
        thing = self.thing
        if thing is None:
            return
        entity, on_list = _entity(thing), self.is_saved

        async def do(client: Client) -> object:
            return await client.save(entity, not on_list)

        await self.crew_app.link.call(do)
        (self._dropped.add if on_list else self._dropped.discard)(entity)
        self.redraw()


def _entity(thing: SavedThing) -> Entity:
    return Entity(thing.type, thing.id)


def _id(thing: SavedThing) -> str:
    return f"{thing.type}:{thing.id}"


def _wrapped(words: str, width: int) -> Content:
    return render.stack(render.ours(words, render.MUTED).wrap(max(1, width)))
