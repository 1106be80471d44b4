"""The hotels of a trip: the shortlist as a table, with votes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from roadcrew_domain.places import Entity, hotel_place
from roadcrew_domain.trip import Trip
from roadcrew_tui import commands, money, render
from roadcrew_tui.screens.hotels_model import HotelRow, Shortlist, shortlist
from roadcrew_tui.screens.pane import Pane
from roadcrew_tui.screens.sums import Sums
from roadcrew_tui.snapshot import Snapshot
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.rows import Row, RowList

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

STARS, VOTES, TAIL = 5, 9, 12
MORE = (("who", 20), ("added by", 14), ("link", 16))
"""Columns that a wider terminal has, and what each wants."""
WIDE, LEAST_TALK, MOST_TALK = 95, 10, 17
"""From how many cells of a row on there is more of what was said of a hotel; and cells for that."""
LEAST_PRICE, MOST_PRICE = 10, 20
"""Cells; a price that is cut is a wrong price."""


class HotelsPane(Pane):
    """One table and one sentence."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sums = Sums(self, lambda: cast("TripScreen", self.screen).redraw())

    def compose(self) -> ComposeResult:
        """Table above, sentence below."""
        yield RowList(id="hotels", keeps_sign=True)
        yield Lines(id="hotels-words")

    def start(self) -> None:
        """In the table."""
        self.query_one("#hotels", RowList).focus()

    def hints(self) -> list[tuple[str, str, str]]:
        """Nothing: voting is an action of its own."""
        return []

    @property
    def hotel_id(self) -> str | None:
        """The hotel under the cursor."""
        return self.query_one("#hotels", RowList).cursor

    def select(self, thing: str) -> None:
        """Put the cursor on a hotel."""
        table = self.query_one("#hotels", RowList)
        table.move_to(thing)
        table.focus()

    def show_new(self, hotel_id: str) -> None:
        """A hotel that this person has added: with the cursor on it."""
        cast("TripScreen", self.screen).redraw()
        table = self.query_one("#hotels", RowList)
        table.settle()
        table.move_to(hotel_id)
        table.focus()

    def draw(self, snapshot: Snapshot, trip: Trip, me: str, now: datetime) -> None:
        """Draw the table."""
        m = shortlist(trip, me, snapshot.sending)
        table = self.query_one("#hotels", RowList)
        places = max((_place(r).cell_length for r in m.rows), default=0)
        prices = max((len(money.written(r.price)) for r in m.rows), default=0)
        known_as = {r.id: Entity("location", hotel_place(r.name, r.city)) for r in m.rows}
        self.sums.want(known_as.values())
        talked = any(self.sums.beside(entity) for entity in known_as.values())
        widths = Widths(places, max(LEAST_PRICE, min(MOST_PRICE, prices)), talked)
        table.show(
            [Row(r.id, _hotel(r, widths, partial(self.sums.beside, known_as[r.id]))) for r in m.rows],
            heading=(lambda width: _heading(widths, width)) if m.rows else None,
        )
        self.query_one("#hotels-words", Lines).show(_words(m))

    @on(RowList.Chosen, "#hotels")
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        screen = cast("TripScreen", self.screen)
        if commands.find("hotel.vote").available(screen):
            await screen.action_command("hotel.vote")

    @on(RowList.Moved, "#hotels")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        cast("TripScreen", self.screen).show_keys()


def _place(r: HotelRow) -> Content:
    return render.join(render.said(r.name, "bold" if r.won else ""), "  ", render.said(r.city, render.MUTED))


@dataclass(frozen=True)
class Widths:
    """How the table shares out a width: `longest` is what its longest place wants, `price` what all prices have;
    `talked`: something was said or given of one of them."""

    longest: int
    price: int
    talked: bool = False

    def place(self, width: int) -> int:
        """Cells for a hotel's name and its city."""
        return max(14, min(34, self.longest, width - STARS - self.price - 28 - self.talk(width)))

    def talk(self, width: int) -> int:
        """Cells for what was said and given of a hotel."""
        return (MOST_TALK if width >= WIDE else LEAST_TALK) if self.talked else 0

    def more(self, width: int) -> dict[str, int]:
        """The columns that there is room for besides, with the gaps between them; the last one has what is left."""
        left = width - self.place(width) - 2 - STARS - 2 - self.price - 3 - self.talk(width) - VOTES - TAIL
        found: dict[str, int] = {}
        for title, cells in MORE:
            if left < cells:
                break
            found[title], left = cells, left - cells
        if len(found) == len(MORE):
            found["link"] += left
        return found


def _heading(widths: Widths, width: int) -> Content:
    place, price = render.ours("Hotel", render.MUTED), render.ours("night", render.MUTED)
    cells = [render.pad(place, widths.place(width) + 2 + STARS + 2), render.pad(price, widths.price, right=True)]
    titles = {"talk": widths.talk(width), "votes": VOTES + TAIL, **widths.more(width)}
    cells += [render.pad(render.ours(title, render.MUTED), room) for title, room in titles.items() if room]
    return render.cut(render.join(*cells[:2], "   ", *cells[2:]), width)


def _hotel(r: HotelRow, widths: Widths, talked: Callable[..., Content]) -> Callable[[int], Content]:
    s = sign()

    def draw(width: int) -> Content:
        stars = render.pad(render.ours(s.star * r.stars, render.WARN), STARS)
        price = render.pad(render.ours(money.written(r.price)), widths.price, right=True)
        dots = s.vote * r.votes if r.votes < VOTES else f"{s.vote} {r.votes}"
        votes = render.pad(render.ours(dots, render.GOOD), VOTES)
        talk = render.pad(talked(wide=width >= WIDE), widths.talk(width)) if widths.talked else render.BLANK
        row = render.join(render.pad(_place(r), widths.place(width)), "  ", stars, "  ", price, "   ", talk, votes)
        said = {
            "who": render.join(*_listed(r.voters)),
            "added by": render.said(r.added_by, render.MUTED),
            "link": render.said(r.url.removeprefix("https://"), render.MUTED) if r.url else render.BLANK,
        }
        more = [render.pad(render.cut(said[title], room - 2), room) for title, room in widths.more(width).items()]
        return render.cut(render.join(row, render.pad(_tail(r), TAIL), *more), width)

    return draw


def _tail(r: HotelRow) -> Content:
    if r.under_way:
        return render.ours(r.under_way, render.WARN)
    if r.won:
        return render.ours("chosen", render.GOOD)
    return render.ours("your vote", render.ACCENT) if r.mine else render.BLANK


def _listed(names: tuple[str, ...]) -> list[Content | str]:
    parts: list[Content | str] = []
    for name in names:
        parts += [", " if parts else "", render.said(name)]
    return parts


def _words(m: Shortlist) -> Callable[[int], Content]:
    def draw(width: int) -> Content:
        parts: list[Content | str] = [render.template(m.words, what=m.what)]
        if m.open:
            names: list[Content | str] = ["you"] if m.waiting_for_me else []
            for name in m.waiting[:3]:
                names += [", " if names else "", render.said(name, width=render.MOST_NAME)]
            more = len(m.waiting) - 3
            parts += [", waiting for ", *names, f" and {more} more" if more > 0 else ""] if names else []
            parts += [". " if names else ", that is everybody. ", m.rule]
        return render.stack(render.join(*parts).wrap(max(20, width)))

    return draw
