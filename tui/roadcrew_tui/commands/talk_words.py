"""What the sub-commands of talk print for people: the same results as `--json`, line by line; and what happens in a
channel, as one line an event. What people and servers have sent is cleaned (`receipts.safe`). Not for screens, which
draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from roadcrew_client.frames import Presence
from roadcrew_client.talk_models import LikesOf, Muted, RatingOf, RemovedItem, SavedThing, SavesOf, TalkSummary
from roadcrew_domain.events import Event
from roadcrew_domain.feed_state import (
    Item,
    ItemEdited,
    ItemRemoved,
    ItemRestored,
    ItemWritten,
    ReactionGiven,
    ReactionTaken,
)
from roadcrew_domain.marks_state import MarkGiven, MarkTaken
from roadcrew_domain.places import parse_topic
from roadcrew_domain.text import cleaned
from roadcrew_tui import when
from roadcrew_tui.receipts import safe
from roadcrew_tui.screens.inspector_model import size

NONE_YET = {
    "comments": "Nothing was said yet. Begin: roadcrew talk comment TEXT",
    "images": "No images yet. Show one: roadcrew talk image FILE",
    "posts": "No posts yet. Write one: roadcrew talk post TEXT",
    "blogs": "No blogs yet. Write one: roadcrew talk blog TITLE FILE",
}
SOMEBODY = "Somebody"
THINGS = {"trip": "Trip", "location": "Place", "post": "Post", "blog": "Blog"}


def told(result: Mapping[str, Any]) -> list[str]:
    """The lines of one result. Raises `ValueError` for what no sub-command gives."""
    now = datetime.now(UTC)
    match result:
        case {"items": items, "channel": channel}:
            return _page([msgspec.convert(i, Item) for i in items], channel, result["unread"], now, more=result["more"])
        case {"removed": removed, "more": more}:
            return _removed([msgspec.convert(each, RemovedItem) for each in removed], now, more=more)
        case {"item": None}:
            return ["Done."]
        case {"item": item, "whole": True}:
            return _whole(msgspec.convert(item, Item), now)
        case {"item": item}:
            return [row(msgspec.convert(item, Item), now)]
        case {"type": _, "rating": _}:
            return _summary(msgspec.convert(result, TalkSummary))
        case {"rating": rating}:
            return [_rating(msgspec.convert(rating, RatingOf))]
        case {"likes": likes}:
            return [_likes(msgspec.convert(likes, LikesOf))]
        case {"saves": saves}:
            return [_saves(msgspec.convert(saves, SavesOf))]
        case {"saved": saved}:
            rows = [_thing(msgspec.convert(thing, SavedThing)) for thing in saved]
            return [*rows, *_next(result.get("next"))] or ["You saved nothing yet. Save it: roadcrew talk save"]
        case {"muted": muted}:
            people = [msgspec.convert(person, Muted) for person in muted]
            return [f"{safe(p.name)}  {safe(p.id)}" for p in people] or ["You read everybody."]
        case {"present": _, "topic": _}:
            return _here(msgspec.convert(result, Presence), now)
        case {"file": file, "bytes": count}:
            return [f"{safe(file)}, {size(count)}"]
        case _:
            raise ValueError(f"no words for a result of {', '.join(result)}")


# --- items ---------------------------------------------------------------------------------------


def _page(items: list[Item], channel: str, unread: list[str], now: datetime, *, more: bool) -> list[str]:
    if not items:
        return [NONE_YET[channel]]
    older = [f"There are older ones: --before {items[0].no}"] if more else []
    return [*older, *(f"{i.no}  of somebody whom you do not read" if i.by in unread else row(i, now) for i in items)]


def _removed(removed: list[RemovedItem], now: datetime, *, more: bool) -> list[str]:
    """`7  Ben, 3 min ago: Hello  until 20 Jun`."""
    older, today = [f"There are older ones: --before {removed[0].item.no}"] if more else [], when.day_of(now)
    rows = [f"{row(r.item, now)}  until {when.day(when.day_of(r.until), today)}" for r in removed]
    return [*older, *rows] or ["There is nothing that you can bring back."]


def row(item: Item, now: datetime) -> str:
    """`7  Ana, 3 min ago, to 5 of Ben: Yes (edited)  heart 2`."""
    if item.removed is not None:
        return f"{item.no}  {safe(item.name)}, {when.ago(item.at, now)}: removed by {safe(item.removed.name)}"
    to = "" if item.reply_to is None else f", to {item.reply_to.no} of {safe(item.reply_to.name)}"
    said = item.title if item.title is not None else item.text
    words = f"{item.no}  {safe(item.name)}, {when.ago(item.at, now)}{to}: {safe(said) if said else 'an image'}"
    edited = " (edited)" if item.edited_at is not None else ""
    given = ", ".join(f"{each.reaction} {len(each.by)}" for each in item.reactions)
    return f"{words}{edited}{f'  {given}' if given else ''}"


def _whole(item: Item, now: datetime) -> list[str]:
    if item.removed is not None:
        return [row(item, now)]
    first = row(msgspec.structs.replace(item, reactions=()), now) if item.title is not None else ""
    head = first or f"{item.no}  {safe(item.name)}, {when.ago(item.at, now)}"
    return [head, *cleaned(item.text, lines=True, indents=True).split("\n")]


# --- in numbers ----------------------------------------------------------------------------------


def _summary(s: TalkSummary) -> list[str]:
    counts = f"{_count(s.comments.count, 'comment')}, {_count(s.images.count, 'image')}"
    name = safe(s.name) if s.name else THINGS[s.type]
    return [f"{name}  {s.type}:{safe(s.id)}", counts, _rating(s.rating), _likes(s.likes), _saves(s.saves)]


def _rating(rating: RatingOf) -> str:
    if rating.average is None:
        return "Nobody has rated it yet."
    mine = "" if rating.mine is None else f", yours {rating.mine}"
    return f"{rating.average:.1f} of 5 stars, by {rating.count}{mine}"


def _likes(likes: LikesOf) -> str:
    return f"{_count(likes.count, 'like')}{', one of them yours' if likes.mine else ''}"


def _saves(saves: SavesOf) -> str:
    return f"Saved by {saves.count}{', also by you' if saves.mine else ''}"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _thing(thing: SavedThing) -> str:
    return f"{safe(thing.name) if thing.name else THINGS[thing.type]}  {thing.type}:{safe(thing.id)}"


def _next(after: object) -> list[str]:
    return [] if after is None else [f"There are more: --after {safe(str(after))}"]


def _here(presence: Presence, now: datetime) -> list[str]:
    """Who is here, and who was."""
    writing = {True: ", writing", False: ""}
    rows = [f"{safe(who.name or SOMEBODY)}{writing[who.typing]}" for who in presence.present]
    rows += [f"and {presence.others} more"] if presence.others else []
    rows += [f"{safe(who.name or SOMEBODY)}, {when.ago(who.at, now)}" for who in presence.seen]
    return rows or ["Nobody is here."]


# --- what happens --------------------------------------------------------------------------------


def happened(e: Event, names: Mapping[str, str]) -> str | None:
    """An event as words; None for what is nobody's doing. `names` by id, as far as they are known."""
    who = safe(names.get(e.by or "", SOMEBODY))
    match e.data:
        case ItemWritten(name=name, title=title, text=text, picture=picture):
            what = "shows an image" if picture is not None else "writes" if title is not None else ""
            said = safe(title or text) if title or text else ""
            return f"{safe(name)}{' ' * bool(what)}{what}{': ' * bool(said)}{said}"
        case ItemEdited(no=no, text=text, title=title):
            return f"{who} changed {no}: {safe(title or text)}"
        case ItemRemoved(no=no, name=name):
            return f"{safe(name)} removed {no}"
        case ItemRestored(no=no, text=text, title=title):
            return f"{who} brought {no} back: {safe(title or text)}"
        case ReactionGiven(no=no, reaction=reaction):
            return f"{who} gave {reaction} to {no}"
        case ReactionTaken(no=no, reaction=reaction):
            return f"{who} took {reaction} back from {no}"
        case MarkGiven(value=value):
            return {"rating": f"{who} gave {_count(value, 'star')}", "likes": f"{who} likes it"}.get(
                _channel(e), "It was saved"
            )
        case MarkTaken():
            return {"rating": f"{who} took the rating back", "likes": f"{who} does not like it any more"}.get(
                _channel(e), "It is saved by one less"
            )
    return None


def present(presence: Presence) -> str:
    """Who is here, on one line."""
    here = ", ".join(f"{safe(p.name or SOMEBODY)}{' (writing)' if p.typing else ''}" for p in presence.present)
    here += f" and {presence.others} more" if presence.others else ""
    return f"Here: {here}" if here else "Nobody is here."


def _channel(e: Event) -> str:
    place = parse_topic(e.topic)
    return "" if place is None else place[1]
