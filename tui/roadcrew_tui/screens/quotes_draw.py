"""How the tab of quotes draws what quotes_model.py says. What providers say is somebody's text like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content

from roadcrew_domain.runs import RunNote
from roadcrew_tui import money, render
from roadcrew_tui.screens.quotes_model import Remark, RunRow, Sheet
from roadcrew_tui.screens.quotes_rows import PriceRow, ProviderRow
from roadcrew_tui.symbols import sign

Draw = Callable[[int], Content]

TONES = {"warn": render.WARN, "bad": render.BAD, "muted": render.MUTED}
STATES = {"waiting": "", "working": render.ACCENT, "priced": render.GOOD, "failed": render.BAD, "nothing": render.MUTED}
SIMULATED = "simulated"
LEAST_WHO = 6
LEAST_BAR, BAR, WIDE_BAR = 4, 14, 30
LEAST_NAME, MOST_PROVIDER, MOST_HOTEL, MOST_VOTERS = 10, 28, 34, 24
GAP = "  "
MOST_DOTS = 4
ROOMY, NAMED = 62, 76
"""Cells in which a table has room for totals, and for voters too."""


# --- the list of runs ----------------------------------------------------------------------------


def run(row: RunRow) -> Draw:
    """What was asked; by whom and when, and what came of it."""

    def draw(width: int) -> Content:
        words = render.cut(render.template(row.words, name=row.name), width)
        end = render.ours("under way" if row.under_way else row.end, render.WARN)
        if not end and row.came:
            end = render.ours(row.came, render.GOOD)
        by = render.template(f"{{who}}, {row.ago}", render.MUTED, who=row.who)
        room = width - 3 - end.cell_length
        if end and LEAST_WHO <= room < by.cell_length:  # half of what came of it, or of when, says nothing
            by = render.pad(render.said(row.who, render.MUTED), room)
            return render.stack([words, render.join("  ", by, " ", end)])
        return render.stack([words, render.join("  ", render.ends(by, end, width - 2) if end else by)])

    return draw


# --- the head of one run -------------------------------------------------------------------------


def head(sheet: Sheet, more: Sequence[Remark]) -> Draw:
    """What was asked, how far it is, and what else there is to say."""

    def draw(width: int) -> Content:
        about = [part for name in sheet.about for part in (", ", render.said(name, render.MUTED))][1:]
        room = width - 1 - len(sheet.words)
        cells = max(LEAST_BAR, min(WIDE_BAR if width >= ROOMY else BAR, room))
        progress = render.join(render.bar(sheet.share, cells), " ", render.ours(sheet.words))
        return render.stack(
            [
                render.cut(render.join(render.ours(sheet.title, "bold"), render.ours(f", {sheet.all_of}")), width),
                render.cut(render.join(*about), width),
                render.cut(progress, width),
                *(line for remark in _together((*sheet.remarks, *more)) for line in _remark(remark, width)),
            ]
        )

    return draw


def _together(remarks: Sequence[Remark]) -> list[Remark]:
    """What is only mentioned needs no lines of its own."""
    grave = [remark for remark in remarks if remark.tone != "muted"]
    mentioned = " ".join(remark.words for remark in remarks if remark.tone == "muted")
    return [*grave, *([Remark(mentioned)] if mentioned else [])]


def _remark(remark: Remark, width: int) -> list[Content]:
    return render.wrapped(render.ours(remark.words, TONES[remark.tone]), width, 3)


def unseen(remark: Remark, chosen: RunNote) -> Draw:
    """Where there is no run to be seen, why; and what the trip knows of it."""

    def draw(width: int) -> Content:
        rows = _remark(remark, width)
        if chosen.best is not None:
            words = f"The lowest price was {money.written(chosen.best)}, from {{who}}."
            rows += render.wrapped(render.template(words, render.MUTED, who=chosen.best_of or ""), width, 2)
        return render.stack(rows)

    return draw


# --- prices --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Widths:
    """What the columns of prices want, measured over all rows."""

    hotel: int
    provider: int
    per: int
    total: int
    tail: int
    roomy_tail: int
    votes: int
    voters: int
    marks: bool
    """Whether some are simulated and others are not."""

    @classmethod
    def of(cls, rows: Sequence[PriceRow]) -> Widths:
        """Room for every price."""
        return cls(
            max((render.said(row.hotel).cell_length for row in rows if row.hotel), default=0),
            max((render.said(row.provider).cell_length for row in rows), default=0),
            max((len(money.written(row.per)) for row in rows), default=0),
            max((len(money.written(row.total)) for row in rows), default=0),
            max((len(_tail(row, roomy=False)) for row in rows), default=0),
            max((len(_tail(row, roomy=True)) for row in rows), default=0),
            max((len(_dots(row)) for row in rows), default=0),
            min(MOST_VOTERS, max((render.join(*_voters(row)).cell_length for row in rows), default=0)),
            not all_simulated(rows),
        )

    def names(self, width: int) -> tuple[int, int]:
        """Cells for a hotel and for a provider."""
        room = width - 2 - 1 - self.per - 1 - 1 - self.votes
        room -= 3 + self.total + self.roomy_tail if width >= ROOMY else self.tail
        room -= 1 + self.voters if width >= NAMED else 0
        if not self.hotel:
            return 0, max(LEAST_NAME, min(self.provider, MOST_PROVIDER + MOST_HOTEL, room))
        hotel = min(self.hotel, MOST_HOTEL)
        provider = min(self.provider, MOST_PROVIDER)
        room -= len(GAP)
        if hotel + provider > room:
            hotel = max(LEAST_NAME, min(hotel, max(room - provider, room // 2)))
            provider = max(LEAST_NAME, min(provider, room - hotel))
        return hotel, provider


def _tail(row: PriceRow, *, roomy: bool) -> str:
    """What it is among the others, and what it was; where not all has room, what it was: the best stand first."""
    words = [word for word in ("best" if row.best else "", row.change) if word]
    return ", ".join(words) if roomy else row.change or "".join(words)


def all_simulated(rows: Sequence[PriceRow]) -> bool:
    """Whether that can be said once for all of them."""
    return bool(rows) and all(row.simulated for row in rows)


def prices_heading(sheet: Sheet) -> Draw:
    """`PRICES  for a person and night`."""
    mark = render.ours(f", {SIMULATED}", render.WARN) if all_simulated(sheet.prices) else render.BLANK

    def draw(width: int) -> Content:
        words = f"{sheet.unit}, and in all" if width >= ROOMY else sheet.unit
        return render.cut(render.heading("Prices", render.join(render.ours(words, render.MUTED), mark)), width)

    return draw


def price(row: PriceRow, widths: Widths) -> Draw:
    """A hotel, who offers it, what it costs, what that was before, and who wants it."""
    s = sign()

    def draw(width: int) -> Content:
        roomy = width >= ROOMY
        hotel, provider = widths.names(width)
        tail = widths.roomy_tail if roomy else widths.tail
        cells: list[Content | str] = [render.ours(f"{s.yes} " if row.best else "  ", render.GOOD)]
        if widths.hotel:
            cells += [render.pad(render.said(row.hotel) if row.hotel else render.BLANK, hotel), GAP]
        cells += [render.pad(_offerer(row, provider, widths), provider)]
        per = render.ours(money.written(row.per), "bold" if row.best else render.MUTED if row.choice is None else "")
        cells += [GAP if roomy else " ", render.pad(per, widths.per, right=True)]
        if roomy:
            cells += [GAP, render.pad(render.ours(money.written(row.total), render.MUTED), widths.total, right=True)]
        cells += [" ", render.pad(render.ours(_tail(row, roomy=roomy), _tone(row)), tail), " "]
        cells += [render.pad(render.ours(_dots(row), render.GOOD), widths.votes)]
        if width >= NAMED:
            cells += [" ", render.cut(render.join(*_voters(row)), widths.voters)]
        return render.cut(render.join(*cells).rstrip(), width)

    return draw


def _offerer(row: PriceRow, room: int, widths: Widths) -> Content:
    if widths.marks:
        return _named(row.provider, row.simulated, room)
    return render.said(row.provider.removesuffix(f" ({SIMULATED})"), render.MUTED, width=room)


def _named(name: str, simulated: bool, width: int) -> Content:
    """A provider; that it is simulated is said also where its name is cut."""
    whole = render.said(name, render.MUTED)
    if not simulated or (SIMULATED in name and whole.cell_length <= width):
        return render.cut(whole, width)
    mark = render.ours(" (sim.)", render.WARN)
    rest = render.said(name.removesuffix(f" ({SIMULATED})"), render.MUTED)
    return render.join(render.cut(rest, max(3, width - mark.cell_length)), mark)


def _tone(row: PriceRow) -> str:
    if row.change:
        return render.MUTED if row.choice is None else render.WARN if row.dearer else render.GOOD
    return render.GOOD


def _dots(row: PriceRow) -> str:
    s, count = sign(), len(row.voters) + row.mine
    return s.vote * count if count <= MOST_DOTS else f"{s.vote} {count}"


def _voters(row: PriceRow, you: str = "your vote") -> list[Content | str]:
    mine = [render.ours("sending" if row.sending else you, render.WARN if row.sending else render.ACCENT)]
    names = [*(mine if row.mine else []), *(render.said(name, width=render.MOST_NAME) for name in row.voters)]
    return [part for name in names for part in (", ", name)][1:]


def chosen(row: PriceRow | None, prices: Sequence[PriceRow]) -> Draw:
    """What there is to say of the price under the cursor, among all of them."""
    several = len({price.total.currency for price in prices}) > 1
    marks = not all_simulated(prices)

    def draw(width: int) -> Content:
        if row is None:
            return render.BLANK
        total = money.written(row.total)
        if row.choice is None:
            return _said(render.ours(f"Gone: {total} in all was offered in the run before.", render.MUTED), width)
        note = render.join(". ", render.said(row.note, render.MUTED)) if row.note else render.BLANK
        lowest = ", the lowest" + (f" in {row.total.currency}" if several else "") if row.best else ""
        made_up = render.ours(f", {SIMULATED}", render.WARN) if row.simulated and marks else render.BLANK
        told = _said(render.join(render.ours(f"{total} in all{lowest}"), made_up, note), width)
        voters = _voters(row, "you")
        words = render.join("Votes: ", *voters) if voters else render.ours("Nobody has voted for it.", render.MUTED)
        return render.stack([told, render.cut(words, width)])

    return draw


def _said(content: Content, width: int) -> Content:
    return render.stack(render.wrapped(content, width, 2))


# --- providers -----------------------------------------------------------------------------------


def provider(row: ProviderRow, longest: int) -> Draw:
    """Who was asked, and where they stand."""
    s = sign()
    mark = {"waiting": s.waiting, "working": s.half, "priced": s.yes, "failed": s.no, "nothing": s.nothing}[row.state]
    tone = STATES[row.state]

    def draw(width: int) -> Content:
        room = max(LEAST_NAME, min(longest, MOST_PROVIDER, (width - 2) // 2))
        name = render.pad(_named(row.name, row.simulated, room), room)
        head = render.join(render.ours(f"{mark} ", tone), name, " ", render.ours(row.words, tone))
        if not row.said:
            return render.cut(head, width)
        said = render.said(row.said, render.MUTED)
        if head.cell_length + 2 + said.cell_length <= width:
            return render.join(head, ": ", said)
        below = [render.join("  ", line) for line in render.wrapped(said, max(1, width - 2), 3)]
        return render.stack([render.cut(head, width), *below])

    return draw


def longest(rows: Sequence[ProviderRow]) -> int:
    """Cells that the names of these want."""
    return max((render.said(row.name).cell_length for row in rows), default=0)
