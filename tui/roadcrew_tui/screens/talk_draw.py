"""How comments look: one with its writer, its words and its reactions, and the headings between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from textual.content import Content

from roadcrew_domain.feed_state import Reacted, Reaction
from roadcrew_domain.places import ListChannel
from roadcrew_tui import render, when
from roadcrew_tui.screens.talk_model import Changes, Day, New, Row, Said
from roadcrew_tui.screens.talk_parts import Talk
from roadcrew_tui.symbols import ASCII, sign
from roadcrew_tui.widgets.stream import Draw, Entry

MOST_LINES = 12
"""Lines of a comment that are shown unless it was opened."""
RECENT = timedelta(hours=24)
"""So long it is also said how long ago something was written."""
MOST_COMPANY = 8
"""People who are listed of those who are here, and of those who were."""
YOU = "you"
ON = {"sending": "sending", "waiting": "waits to be sent"}
"""How it stands with what is on its way."""
LOOKS: dict[Reaction, str] = {
    "thumbs-up": "👍",
    "heart": "💛",
    "laugh": "😄",
    "surprised": "😮",
    "sad": "😢",
    "celebrate": "🎉",
    "eyes": "👀",
    "done": "✅",
}
"""Each one sign, two cells wide in every terminal; in words where only ASCII is wanted."""
TITLES: dict[Reaction, str] = {
    "thumbs-up": "thumbs up",
    "heart": "heart",
    "laugh": "laughing",
    "surprised": "surprised",
    "sad": "sad",
    "celebrate": "celebrating",
    "eyes": "eyes",
    "done": "done",
}


def reaction(name: Reaction) -> str:
    """How a reaction is shown in a row; its name is said where it is chosen."""
    return TITLES[name] if sign() is ASCII else LOOKS[name]


def choice(name: Reaction, *, given: bool) -> Content:
    """A reaction with its name, where it is chosen."""
    mark = "" if sign() is ASCII else f"{LOOKS[name]}  "
    return render.join(f"{mark}{TITLES[name]}", render.ours("  yours: take it back" if given else "", render.MUTED))


def entry(row: Row, now: datetime | None, *, whole: bool = False) -> Entry:
    """A row of a stream; with `now`, it also says how long ago it was. `whole`: also what is longer than a few lines
    allow."""
    match row:
        case Said() as said:
            age = _age(said.item.at, now)
            return Entry(said.item.id, _said(said, age, whole), (said, age, whole))
        case Day() as day:
            return Entry(f"day {day.day}", _day(day), day, stands=False)
        case New(at=at):
            ago = "" if at is None or now is None else f", {when.ago(at, now)}"
            return Entry("new", _heading(f"New since you left{ago}", render.WARN), ago, stands=False)


def lead(words: str) -> Entry:
    """Our own words above the first row."""
    return Entry("older", lambda width: [*render.ours(words, render.MUTED).wrap(width), render.BLANK], words, False)


def opening(talk: Talk, channel: ListChannel) -> str:
    """Why nothing is shown yet."""
    if talk.entity.topic(channel) in talk.snapshot.gone:
        return "This can't be talked about any more."
    if talk.snapshot.status.state == "offline":
        return "This is shown when the server can be reached. What you write waits until then."
    return "Opening…"


def _age(at: datetime, now: datetime | None) -> str:
    clock = when.time_of(at)
    return f"{clock}, {when.ago(at, now)}" if now is not None and now - at < RECENT else clock


def _heading(words: str, style: str) -> Draw:
    def draw(width: int) -> list[Content]:
        words_ = render.ours(f"{words} ", style)
        rest = max(0, width - words_.cell_length)
        return [render.join(words_, render.ours(sign().rule * rest, "$ink-faint")), render.BLANK]

    return draw


def _day(day: Day) -> Draw:
    days = (day.today - day.day).days
    words = {0: "Today", 1: "Yesterday"}.get(days)
    if words is None:
        words = f"{when.DAYS[day.day.weekday()]} {when.day(day.day, day.today)}, {days} days ago"
    return _heading(words, render.MUTED)


def _said(said: Said, age: str, whole: bool) -> Draw:
    def draw(width: int) -> list[Content]:
        lines = [_who(said, age)]
        item = said.item
        if item.removed is not None:
            lines += removed(item.removed.name, back=said.back).wrap(width)
        elif said.muted:
            lines.append(render.ours("You do not read this person. M takes that back.", render.MUTED))
        else:
            if item.reply_to is not None:
                to = render.template("to {who}", render.MUTED, who=item.reply_to.name)
                lines.append(render.join(render.ours(f"{sign().quote} ", render.MUTED), to))
            lines += words_of(said, width, whole)
            if item.reactions:
                lines += reactions(item.reactions, said).wrap(width)
        return [*lines, render.BLANK]

    return draw


def removed(who: str, *, back: bool) -> Content:
    """That something was, and whether who looks at it can bring it back."""
    words = render.template("Removed by {who}.", render.MUTED, who=who)
    return render.join(words, render.ours(" You can bring it back: enter.", render.MUTED)) if back else words


def words_of(said: Said, width: int, whole: bool) -> list[Content]:
    """The words of a comment in lines; only the first of them where it is long and not `whole`."""
    marked = [f"@{name}" for name in said.names]
    lines = render.spoken(said.item.text, marked=marked).wrap(width)
    if whole or len(lines) <= MOST_LINES:
        return list(lines)
    more = render.ours(f"{sign().ellipsis} {len(lines) - MOST_LINES} more lines: enter", render.ACCENT)
    return [*lines[:MOST_LINES], more]


def _who(said: Said, age: str) -> Content:
    item = said.item
    name = render.said(said.name, "bold", width=render.MOST_NAME)
    notes: list[Content | str] = [name, you(said.name) if said.mine else ""]
    notes.append(render.ours(f"  {age}", render.MUTED))
    if item.edited_at is not None:
        notes.append(render.ours("  edited", render.WARN if said.changed else render.MUTED))
    elif said.changed:
        notes.append(render.ours("  since you left", render.WARN))
    if said.me:
        notes.append(render.ours("  mentions you", render.ACCENT))
    if said.on:
        notes.append(render.ours(f"  {sign().waiting} {ON[said.on]}", render.WARN))
    return render.join(*notes)


def you(name: str) -> Content:
    """The mark beside one's own name, unless that says so already, as in the demo."""
    return render.BLANK if name.casefold() == YOU else render.ours(f"  {YOU}", render.MUTED)


def reactions(given: Sequence[Reacted], said: Said) -> Content:
    """`👍 2, you too  🎉 1`."""
    parts: list[Content | str] = []
    for each in given:
        mine = each.reaction in said.mine_given
        yours = (", you too" if len(each.by) > 1 else ", you") if mine else ""
        parts += [render.ours(f"{reaction(each.reaction)} {len(each.by)}{yours}", render.MUTED), "   "]
    return render.join(*parts[:-1])


def changes(what: Changes, ago: str) -> Content:
    """What became of it since somebody left, in a line."""
    found: list[str] = []
    if what.new:
        found.append(f"{what.new} new")
    if what.edited:
        found.append(f"{what.edited} edited")
    if what.removed:
        found.append(f"{what.removed} removed")
    words = render.ours(f"Since you left, {ago}: {', '.join(found)}", render.WARN)
    if not what.by:
        return words
    names = render.said(what.by[0], render.WARN, width=render.MOST_NAME)
    more = f" and {len(what.by) - 1} more" if len(what.by) > 1 else ""
    return render.join(words, render.ours(", by ", render.WARN), names, render.ours(more, render.WARN))


def writing(names: Sequence[str]) -> Content:
    """`Ben is writing`."""
    if not names:
        return render.BLANK
    first = render.said(names[0], render.MUTED, width=render.MOST_NAME)
    others = len(names) - 1
    more = f" and {others} other{'s' * (others > 1)} are writing" if others else " is writing"
    return render.join(first, render.ours(more, render.MUTED))


def below(count: int) -> Content:
    """What is new under what is in sight."""
    return render.join(render.ours(f"{count} below", render.WARN), "  ", render.key_hint("end", "show"))


def offered(name: str, *, first: bool) -> Content:
    """A name that can be taken; the first one by tab."""
    words = render.join(render.ours("@", render.ACCENT), render.said(name, render.ACCENT, width=render.MOST_NAME))
    return render.join(render.key_hint("tab", ""), words) if first else words


def about(what: str, name: str, text: str) -> Content:
    """What is replied to or changed."""
    if what == "edit":
        return render.ours("Changing what you wrote", render.ACCENT)
    return render.join(render.template("Reply to {who}: ", render.ACCENT, who=name), render.said(text, render.MUTED))


def company(talk: Talk) -> Callable[[int], Content]:
    """Who looks at it, who of them writes, and who was here lately."""
    seen = talk.presence

    def draw(width: int) -> Content:
        here = () if seen is None else seen.present
        lately = () if seen is None else seen.seen
        rows: list[Content | str] = [render.heading("Here now")]
        for person in here[:MOST_COMPANY]:
            called = talk.name(person.id, person.name or "")
            note = render.ours("  writes" if person.typing else "", render.MUTED)
            note = you(called) if person.id == talk.me else note
            name = render.said(called, width=max(1, width - 10))
            rows.append(render.join(render.ours(f"{sign().here} ", render.GOOD), name, note))
        more = max(0, len(here) - MOST_COMPANY) + (0 if seen is None else seen.others)
        if more:
            rows.append(render.ours(f"  and {more} more", render.MUTED))
        if lately:
            rows += ["", render.heading("Here lately")]
        for last in lately[:MOST_COMPANY]:
            name = render.said(talk.name(last.id, last.name or ""), width=max(1, width - 14))
            ago = render.ours(f"  {when.ago(last.at, talk.now)}", render.MUTED)
            rows.append(render.join(render.ours(f"{sign().away} ", render.MUTED), name, ago))
        return render.stack(render.cut(row if isinstance(row, Content) else render.ours(row), width) for row in rows)

    return draw
