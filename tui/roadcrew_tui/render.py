"""Where text becomes something drawn: the only module that builds textual `Content`.

A person's text is data for ever. `said` cleans it again (an older server or a file may not have) and nothing
here ever reads markup. Widths are terminal cells, not characters. What a screen says, and when, is not for here.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from textual.color import Color
from textual.content import Content
from textual.style import Style

from roadcrew_domain.text import cleaned
from roadcrew_tui.plain import NAMELESS, pasted, safe
from roadcrew_tui.symbols import sign

BLANK = Content("")
LONGEST_SPOKEN = 2_400
"""Characters that are looked at of a person's text that has lines; a comment is no longer than 2,000."""

LEAST_NAME, MOST_NAME = 8, 24
"""Cells of a name that stay, whatever stands beside it; and those that it may take where much else must be said."""

MUTED, STRONG, ACCENT = "$ink-muted", "bold", "$ink-accent"
GOOD, WARN, BAD = "$ink-good", "$ink-warn", "$ink-bad"


def said(text: object, style: str = "", *, width: int | None = None) -> Content:
    """Somebody's words: literal, cleaned, cut to `width` cells with an ellipsis when they are longer."""
    content = Content.styled(safe(text) or NAMELESS, style)
    return content if width is None else cut(content, width)


def spoken(text: str, style: str = "", *, marked: Collection[str] = (), mark: str = ACCENT) -> Content:
    """Somebody's words of several lines: literal and cleaned; `marked` parts of them, as names, in another look."""
    words = cleaned(text[:LONGEST_SPOKEN], lines=True)
    content = Content.styled(words, style)
    for part in filter(None, marked):
        at = words.find(part)
        while at >= 0:
            content = content.stylize(mark, at, at + len(part))
            at = words.find(part, at + len(part))
    return content


def piece(text: str, style: str = "") -> Content:
    """Some of a longer text of a person: literal, and as `pasted` leaves it, with its spaces and line ends."""
    return Content.styled(pasted(text), style)


def ours(text: str, style: str = "") -> Content:
    """Our own words. Literal too; control characters are dropped, spaces and line ends kept."""
    return Content.styled(text, style)


def join(*parts: Content | str) -> Content:
    """Parts side by side. Strings among them are our own words."""
    return Content.assemble(*parts)


def stack(rows: Iterable[Content | str]) -> Content:
    """One row under another."""
    return Content("\n").join([row if isinstance(row, Content) else ours(row) for row in rows])


def pressable(content: Content, **meta: object) -> Content:
    """Our own words, with what a widget finds under a click on them."""
    return content.stylize(Style.from_meta(meta))


def template(words: str, style: str = "", /, **people: object) -> Content:
    """`template("{who} voted in {what}", who=…, what=…)`: our words around what people said."""
    parts: list[Content] = []
    rest = words
    while rest:
        before, opened, rest = rest.partition("{")
        if before:
            parts.append(ours(before, style))
        if opened:
            field, _, rest = rest.partition("}")
            parts.append(said(people[field], style))
    return join(*parts)


def cut(content: Content, width: int) -> Content:
    """The content in at most `width` cells, ending in an ellipsis when something was left out."""
    if content.cell_length <= width:
        return content
    mark = sign().ellipsis
    if width <= len(mark):
        return content.truncate(max(width, 0))
    return join(content.truncate(width - len(mark)).rstrip(), mark)


def wrapped(content: Content, width: int, most: int) -> list[Content]:
    """The content in `most` lines at most; only what has no room there is cut."""
    lines = content.wrap(max(1, width))
    if len(lines) > most:
        rest: list[Content | str] = [part for line in lines[most - 1 :] for part in (line, " ")]
        lines = [*lines[: most - 1], join(*rest)]
    return [cut(line, width) for line in lines]


def pad(content: Content, width: int, *, right: bool = False) -> Content:
    """The content in exactly `width` cells; `right` puts it at the right end."""
    content = cut(content, width)
    blank = " " * max(0, width - content.cell_length)
    return join(blank, content) if right else join(content, blank)


def ends(left: Content, right: Content, width: int, kept: Content = BLANK) -> Content:
    """Two texts at the two ends of a line. The left one gives way, down to a few cells, and last what is `kept`
    beside it."""
    right = cut(right, max(0, width - LEAST_NAME - 2))
    if kept:
        room = width - right.cell_length - kept.cell_length - 4
        left = join(cut(left, max(room, LEAST_NAME)), "  ", kept)
    if right.cell_length + 2 > width:
        return cut(left or right, width)
    return join(pad(left, width - right.cell_length - 1), " ", right)


def heading(words: str, note: Content = BLANK) -> Content:
    """A heading in small capitals, with a note beside it."""
    title = ours(words.upper(), "bold $ink-heading")
    return join(title, "  ", note) if note else title


def bare(content: Content) -> Content:
    """The same words without colours, for a row that is shown reversed."""
    return content.without_spans


def reversed_row(content: Content, width: int) -> Content:
    """A whole row in the terminal's own two colours, changed about, for themes that own no colours."""
    return Content.styled(pad(bare(content), width).plain, "reverse bold")


def key_hint(key: str, words: str) -> Content:
    """A key and what it does, as in the last line of a screen."""
    return join(ours(key, "bold $ink-accent"), " ", ours(words, MUTED))


def meter(have: int, need: int, *, width: int = 12) -> Content:
    """`have` of `need` as dots, or as a count when there are too many of them."""
    s = sign()
    filled = min(have, need)
    if need > width:
        filled, need = round(filled * width / need), width
    return join(ours(s.full * filled, GOOD), ours(s.empty * (need - filled), MUTED))


def bar(share: float, width: int) -> Content:
    """A bar of `width` cells, filled to `share` (0 to 1)."""
    s = sign()
    filled = round(max(0.0, min(1.0, share)) * width)
    return join(ours(s.bar * filled, ACCENT), ours(s.bar_rest * (width - filled), "$ink-faint"))


def half_blocks(rows: Sequence[Sequence[tuple[int, int, int]]]) -> list[Content]:
    """Colours (red, green, blue) as cells, each of two rows: the upper one is the colour of its sign, the lower one of
    what is behind. Nothing of anybody's bytes is in it but how bright something is."""
    return [_cells(zip(top, low, strict=True)) for top, low in zip(rows[::2], rows[1::2], strict=True)]


def _cells(pairs: Iterable[tuple[tuple[int, int, int], tuple[int, int, int]]]) -> Content:
    runs = ((pair, sum(1 for _ in run)) for pair, run in groupby(pairs))
    return Content.assemble(*(("▀" * length, _two_colours(*pair)) for pair, length in runs))


def _two_colours(upper: tuple[int, int, int], lower: tuple[int, int, int]) -> Style:
    return Style(foreground=Color(*upper), background=Color(*lower))


def qr(text: str) -> Content:
    """A QR code in half blocks, two modules a character, dark on light whatever the theme."""
    import segno  # noqa: PLC0415 - only when an invite is shown

    rows = [[bool(m) for m in row] for row in segno.make(text, error="l", micro=False).matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    glyphs = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    drawn = [
        "".join(glyphs[pair] for pair in zip(top, low, strict=True))
        for top, low in zip(rows[::2], rows[1::2], strict=True)
    ]
    return Content.styled("\n".join(drawn), "#000000 on #ffffff")
