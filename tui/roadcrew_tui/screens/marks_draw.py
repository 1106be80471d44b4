"""How rating, likes, saves and the number of comments are drawn: as a line with things to do, and beside a row."""

from __future__ import annotations

from textual.content import Content

from roadcrew_domain.marks_state import MOST_STARS
from roadcrew_tui import render
from roadcrew_tui.screens.marks_model import Standing, average_words
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.lines import Part


def parts(s: Standing) -> list[Part]:
    """`★★★★☆ 4.2 (5), you 5`, `♥ 3, you too`, `⚑ saved`."""
    signs = sign()
    return [
        Part("talk.rate", _rating(s)),
        Part("talk.like", _with_mine(signs.like, str(s.likes), ", you too" if s.liked else "", s.liked)),
        Part("talk.save", _with_mine(signs.saved, "saved" if s.saved else "save", "", s.saved)),
    ]


def _rating(s: Standing) -> Content:
    if s.average is None:
        return render.join(stars(0), render.ours(" not rated yet", render.MUTED))
    yours = f", you {s.mine}" if s.mine is not None else ""
    words = render.ours(f" ({s.rated}){yours}", render.MUTED)
    return render.join(stars(int(s.average + 0.5)), f" {average_words(s.average)}", words)


def _with_mine(mark: str, words: str, more: str, mine: bool) -> Content:
    tone = render.ACCENT if mine else render.MUTED
    return render.join(render.ours(f"{mark} ", tone), render.ours(f"{words}{more}", "" if mine else render.MUTED))


def stars(number: int) -> Content:
    """Of five."""
    signs = sign()
    full, rest = signs.star * number, signs.no_star * (MOST_STARS - number)
    return render.join(render.ours(full, render.WARN), render.ours(rest, render.MUTED))


def beside(s: Standing | None, *, wide: bool) -> Content:
    """`★ 4.2 (5)  ❝3` for a row; shorter where there is little room, and nothing where nothing was said or given."""
    signs = sign()
    found: list[Content | str] = []
    if s is not None and s.average is not None:
        gap, count = (" ", f" ({_short(s.rated)})") if wide else ("", "")
        found.append(render.ours(f"{signs.star}{gap}{average_words(s.average)}{count}", render.WARN))
    if s is not None and s.comments:
        found += [" "] * bool(found) + [render.ours(f"{signs.talk}{_short(s.comments)}", render.ACCENT)]
    return render.join(*found)


def _short(count: int) -> str:
    return str(count) if count < 1_000 else f"{min(count // 1_000, 999)}k"
