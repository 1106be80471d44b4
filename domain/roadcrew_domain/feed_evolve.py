"""What each fact changes among comments, images, posts and blogs: the next state, or the next of one item. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from roadcrew_domain.events import Event
from roadcrew_domain.feed_state import (
    MOST_GONE,
    Binned,
    Feed,
    FeedKept,
    Item,
    ItemEdited,
    ItemRemoved,
    ItemRestored,
    ItemWritten,
    PageClosed,
    PageTurned,
    Reacted,
    ReactionGiven,
    ReactionTaken,
    Removed,
)

_OfItem = ItemEdited | ItemRemoved | ItemRestored | ReactionGiven | ReactionTaken


def evolve(feed: Feed, event: Event) -> Feed:
    """The state after `event`. Raises `ValueError` for an event that can't follow this state."""
    match event.data:
        case FeedKept(let_go=let_go):
            changes: dict[str, object] = {"binned": tuple(b for b in feed.binned if b.no not in let_go)}
        case PageClosed(tag=tag):
            changes = _closed(feed, tag)
        case ItemWritten() as f:
            changes = {"count": feed.count + 1, "items": (*feed.items, _written(event, f, feed.count + 1))}
        case ItemEdited() | ItemRemoved() | ItemRestored() | ReactionGiven() | ReactionTaken() as f:
            changes = _in_state(feed, event, f) if f.turned is None else _in_page(feed, f, f.turned)
            changes["binned"] = _binned(feed, event)
        case _:
            raise ValueError(f"no rule for {event.type}")
    return msgspec.structs.replace(feed, changed_at=event.at, **changes)


def changed(item: Item, event: Event) -> Item:
    """An item after an event that is about it, wherever it is kept. Raises `ValueError` for any other event."""
    match event.data:
        case ItemEdited(text=text, title=title, mentions=mentions):
            return msgspec.structs.replace(item, text=text, title=title, mentions=mentions, edited_at=event.at)
        case ItemRemoved(name=name, tag=tag):
            removed = Removed(event.by or "", name, event.at, kept=tag is not None)
            return Item(item.id, item.no, item.by, item.name, item.at, "", removed=removed)
        case ItemRestored() as f:
            return Item(
                id=item.id,
                no=item.no,
                by=item.by,
                name=item.name,
                at=item.at,
                text=f.text,
                title=f.title,
                picture=f.picture,
                reply_to=f.reply_to,
                mentions=f.mentions,
                reactions=f.reactions,
                edited_at=f.edited_at,
            )
        case ReactionGiven(reaction=reaction):
            given = {r.reaction: r.by for r in item.reactions}
            given[reaction] = (*given.get(reaction, ()), event.by or "")
        case ReactionTaken(reaction=reaction):
            given = {r.reaction: r.by for r in item.reactions}
            given[reaction] = tuple(person for person in given.get(reaction, ()) if person != event.by)
        case _:
            raise ValueError(f"{event.type} is not about an item that is there")
    reactions = tuple(Reacted(reaction, people) for reaction, people in given.items() if people)
    return msgspec.structs.replace(item, reactions=reactions)


def _written(event: Event, f: ItemWritten, no: int) -> Item:
    return Item(
        id=event.command,
        no=no,
        by=event.by or "",
        name=f.name,
        at=event.at,
        text=f.text,
        title=f.title,
        picture=f.picture,
        reply_to=f.reply_to,
        mentions=f.mentions,
    )


def _in_state(feed: Feed, event: Event, f: _OfItem) -> dict[str, object]:
    at = f.no - 1 - (feed.count - len(feed.items))  # numbers have no holes: what is removed leaves its trace
    if not 0 <= at < len(feed.items) or feed.items[at].id != f.id:
        raise ValueError(f"{event.type} of an item that is not there")
    return {"items": (*feed.items[:at], changed(feed.items[at], event), *feed.items[at + 1 :])}


def _in_page(feed: Feed, f: _OfItem, turned: PageTurned) -> dict[str, object]:
    if not feed.whole:
        return {}
    if not 0 <= turned.page < len(feed.pages):
        raise ValueError("a page that is not there was turned")
    pages = (*feed.pages[: turned.page], turned.tag, *feed.pages[turned.page + 1 :])
    if isinstance(f, ItemRestored) and f.id in feed.gone:  # once: somebody else's may have the same id, and be gone too
        at = feed.gone.index(f.id)
        return {"pages": pages, "gone": (*feed.gone[:at], *feed.gone[at + 1 :])}
    return {"pages": pages, "gone": _gone(feed, [f.id] if isinstance(f, ItemRemoved) else [])}


def _closed(feed: Feed, tag: str) -> dict[str, object]:
    size = feed.page_size
    if len(feed.items) < size:
        raise ValueError("a page was closed that is not full")
    gone = _gone(feed, [item.id for item in feed.items[:size] if item.removed is not None])
    return {"items": feed.items[size:], "pages": (*feed.pages, tag), "gone": gone}


def _gone(feed: Feed, more: Sequence[str]) -> tuple[str, ...]:
    return (*feed.gone, *more)[-MOST_GONE:]


def _binned(feed: Feed, event: Event) -> tuple[Binned, ...]:
    match event.data:
        case ItemRemoved(tag=str() as tag, of=str() as of) as f:
            return (*feed.binned, Binned(f.id, f.no, of, tag, event.by or "", event.at))
        case ItemRestored(no=no):
            return tuple(binned for binned in feed.binned if binned.no != no)
    return feed.binned
