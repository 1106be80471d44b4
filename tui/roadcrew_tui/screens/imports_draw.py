"""How the screen of imports draws: an import and how it goes, imported hotels as a table, refused rows as sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.content import Content

from roadcrew_domain.jobs_state import ImportedHotel, RefusedRow
from roadcrew_tui import money, render
from roadcrew_tui.screens.imports_model import ImportRow, Live, Tone, Wanted
from roadcrew_tui.symbols import sign

Draw = Callable[[int], Content]

TONES: dict[Tone, str] = {"good": render.GOOD, "warn": render.WARN, "bad": render.BAD, "muted": render.MUTED, "": ""}
BAR = 30
STARS, STANDS, LINE = 5, 12, 9
"""Cells of stars, of how it stands with a hotel, and of a refused row's line."""
LEAST_PRICE, MOST_PRICE = 8, 20
"""Cells; a price that is cut is a wrong price."""


# --- imports ---------------------------------------------------------------------------------------


def job(row: ImportRow) -> Draw:
    """An import of the trip: what it is called, whose it is, and what came of it."""

    def draw(width: int) -> Content:
        by = render.said(row.by, render.MUTED, width=render.MOST_NAME)
        return render.ends(render.said(row.name), render.ours(row.words, TONES[row.tone]), width, by)

    return draw


def live(state: Live) -> Draw:
    """How an import goes: a bar and a sentence, and figures below."""

    def draw(width: int) -> Content:
        style = TONES[state.tone]
        words = render.wrapped(render.template(state.words, style, what=state.what), width, 2)
        rows = words
        if state.share is not None:
            percent = f" {int(state.share * 100):>3} %  "
            bar = render.bar(state.share, min(BAR, max(0, width // 4)))
            first, *rest = render.wrapped(
                render.template(state.words, style, what=state.what), width - bar.cell_length - len(percent), 3
            )
            rows = [render.join(bar, percent, first), *rest]
        if state.figures:
            rows = [*rows, *render.wrapped(render.ours(state.figures, render.MUTED), width, 2)]
        return render.stack(rows)

    return draw


def sending(name: str, sent: str, size: str, share: float) -> Draw:
    """A file on its way to the server."""
    words = f"Sending {{what}}: {sent} of {size}."
    return live(Live(share, words, what=name))


def words(text: str) -> Draw:
    """A sentence of ours."""
    return lambda width: render.stack(render.ours(text, render.MUTED).wrap(max(1, width)))


# --- hotels ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Widths:
    """What the columns of a table want, measured over all rows that are kept."""

    price: int
    was: int

    @classmethod
    def of(cls, hotels: tuple[ImportedHotel, ...]) -> Widths:
        """Room for every price."""
        prices = (len(money.written(h.price_per_night)) for h in hotels)
        before = (len(was(h)) for h in hotels)
        return cls(
            max(LEAST_PRICE, min(MOST_PRICE, max(prices, default=0))), min(MOST_PRICE + 4, max(before, default=0))
        )

    def place(self, width: int) -> int:
        """Cells for a hotel's name and its city."""
        return max(14, min(60, width - STARS - self.price - self.was - STANDS - 7))


def was(h: ImportedHotel) -> str:
    """`was 92 €`, where the service knew another price before."""
    return f"was {money.written(h.was)}" if h.was is not None else ""


def hotels_heading(wanted: Wanted, total: int, fresh: int) -> Draw:
    """`HOTELS  cheapest first, 4 stars or more, 310 of them`; and how many have come since."""

    def draw(width: int) -> Content:
        parts: list[Content | str] = [render.ours(wanted.order.words, render.MUTED)]
        if wanted.q:
            parts += [render.template(", with {q}", render.MUTED, q=wanted.q)]
        if wanted.city:
            parts += [render.template(", in {city}", render.MUTED, city=wanted.city)]
        if wanted.min_stars:
            more = " or more" if wanted.min_stars < STARS else ""
            parts += [render.ours(f", {wanted.min_stars} star{'s' * (wanted.min_stars > 1)}{more}", render.MUTED)]
        if wanted.max_price is not None:
            parts += [render.ours(f", at most {money.written(wanted.max_price)}", render.MUTED)]
        parts += [render.ours(f", {total:,}", render.MUTED)]
        if fresh > 0:
            parts += [render.ours(f", {fresh:,} more have come", render.WARN)]
        return render.cut(render.heading("Hotels", render.join(*parts)), width)

    return draw


def hotel(h: ImportedHotel, widths: Widths, stands: str) -> Draw:
    """Where it is, its stars, what a night costs and did cost, and whether it is on the shortlist (`stands`)."""
    s = sign()

    def draw(width: int) -> Content:
        place = render.join(render.said(h.name), "  ", render.said(h.city, render.MUTED))
        stars = render.pad(render.ours(s.star * max(0, min(STARS, h.stars)), render.WARN), STARS)
        price = render.pad(render.ours(money.written(h.price_per_night)), widths.price, right=True)
        before = render.pad(render.ours(was(h), render.WARN), widths.was)
        row = render.join(render.pad(place, widths.place(width)), " ", stars, "  ", price, "  ", before, "  ")
        return render.cut(render.join(row, render.ours(stands, render.GOOD)), width)

    return draw


# --- refused rows ----------------------------------------------------------------------------------


def refused_heading(total: int, reasons: str) -> Draw:
    """`REFUSED ROWS  112: 60 bad price, 40 duplicate`."""
    note = f"{total:,}: {reasons}" if reasons else f"{total:,}"
    return lambda width: render.cut(render.heading("Refused rows", render.said(note, render.MUTED)), width)


def refused(row: RefusedRow) -> Draw:
    """Which line, and why; the whole sentence."""

    def draw(width: int) -> Content:
        line = render.pad(render.ours(f"line {row.line}", render.MUTED), max(LINE, len(f"line {row.line}")))
        room = max(10, width - line.cell_length - 2)
        first, *rest = render.wrapped(render.said(row.detail), room, 3)
        return render.stack(
            [render.join(line, "  ", first), *(render.join(" " * (line.cell_length + 2), r) for r in rest)]
        )

    return draw
