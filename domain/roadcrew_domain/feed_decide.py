"""What is allowed among comments, images, posts and blogs: a command becomes facts or is refused. Pure.

Not for who may read or write there at all: that is the server's to know, and so is who may remove what others wrote.
"""

from __future__ import annotations

import re
from datetime import datetime

from roadcrew_domain import text
from roadcrew_domain.crew import MAX_PERSON
from roadcrew_domain.events import Fact
from roadcrew_domain.feed_state import (
    BRING_BACK,
    MAX_MENTIONS,
    MAX_REACTIONS,
    MAX_TEXT,
    MAX_TITLE,
    MOST_BINNED,
    MOST_BINNED_BY_ONE,
    OVERFULL,
    REACTIONS,
    Binned,
    ClosePage,
    EditItem,
    Feed,
    FeedAct,
    FeedKept,
    GiveReaction,
    Item,
    ItemAct,
    ItemEdited,
    ItemRemoved,
    ItemRestored,
    ItemWritten,
    KeepFeed,
    Kept,
    OldItem,
    OpenFeed,
    PageClosed,
    PageTurned,
    Quoted,
    ReactionGiven,
    ReactionTaken,
    RemoveItem,
    RestoreItem,
    WriteItem,
)
from roadcrew_domain.places import ListChannel
from roadcrew_domain.refusals import Refused, id_taken

_TAG = re.compile(r"[0-9a-f]{12}")
_NOUN: dict[str, str] = {"comments": "comment", "images": "image", "posts": "post", "blogs": "blog"}


def decide(feed: Feed, command_id: str, by: str | None, act: FeedAct, now: datetime) -> tuple[Fact, ...]:
    """What happens if `act` is accepted; nothing, if it changes nothing.

    Raises `Refused`: `forbidden`, `id-taken`, `feed-full`, `unknown-item`, `item-removed`, `not-yours`,
    `not-kept`, `bad-reaction`, `too-many-reactions`, `bad-image`, `bad-reply`, `page-turned`, or a text's.
    """
    match act:
        case OpenFeed():
            return ()
        case KeepFeed(let_go=let_go):
            return (FeedKept(let_go),)
        case ClosePage():
            return _closed(feed, act)
        case WriteItem():
            return _written(feed, command_id, by, act)
    item = found(feed, act.id) if act.old is None else act.old.item
    if item is None or item.id != act.id:
        raise Refused("unknown-item", "missing", "There is no such item among the newest. Say its number.")
    if act.old is not None and _is_done(feed, act.old):
        return ()  # the answer of the first time got lost
    turned = None if act.old is None else _turned(feed, act.old)
    fact = judged(feed.channel, item, by, act, turned)
    if fact is None:
        return ()
    match act:
        case RemoveItem(kept=Kept() as kept) if kept.item != item or (kept.tag and not has_room(feed, by)):
            raise _page_turned()
        case RestoreItem():
            _require_kept(feed, item, act, now)
    return (fact,)


def found(feed: Feed, item_id: str, no: int | None = None) -> Item | None:
    """The item of this id among those in the state, and of this number, if it is said: somebody may have given a new
    item the id of an old one. None if it is in a page, or nowhere."""
    item = next((item for item in reversed(feed.items) if item.id == item_id), None)
    return item if item is None or no is None or item.no == no else None


def judged(
    channel: ListChannel, item: Item, by: str | None, act: ItemAct, turned: PageTurned | None = None
) -> Fact | None:
    """What `act` makes of an item, wherever it is kept; None if nothing changes. Raises `Refused`."""
    noun = _NOUN[channel]
    if by is None:
        raise _nobody()
    match act:
        case EditItem():
            if item.by != by:
                raise Refused("not-yours", "forbidden", f"Only who wrote a {noun} can change it.")
            _require_there(item, noun)
            words, title = _words(channel, act.text, act.title)
            mentions = _mentions(act.mentions)
            if (words, title, mentions) == (item.text, item.title, item.mentions):
                return None
            return ItemEdited(item.id, item.no, words, title, mentions, turned)
        case RemoveItem():
            if item.removed is not None:
                return None
            if not (act.chair or item.by == by):
                raise Refused("not-yours", "forbidden", f"Only who wrote a {noun}, or the organiser, can remove it.")
            tag, of = (act.kept.tag, item.by) if act.kept is not None and act.kept.tag else (None, None)
            return ItemRemoved(item.id, item.no, text.cut(act.name, MAX_PERSON), turned, tag, of)
        case RestoreItem():
            return _restored(item, by, act, noun, turned)
        case GiveReaction():
            people = _reacting(item, act.reaction, noun)
            if by in people:
                return None
            if sum(len(given.by) for given in item.reactions) >= MAX_REACTIONS:
                sentence = f"One {noun} has room for {MAX_REACTIONS} reactions."
                raise Refused("too-many-reactions", "full", sentence, limit=MAX_REACTIONS)
            return ReactionGiven(item.id, item.no, act.reaction, turned)
        case _:
            if by not in _reacting(item, act.reaction, noun):
                return None
            return ReactionTaken(item.id, item.no, act.reaction, turned)


def restorable(binned: Binned, by: str, now: datetime, *, chair: bool) -> bool:
    """Whether somebody may bring this back now, and so read it."""
    return now < binned.at + BRING_BACK and _restores(binned.of, binned.by, by, chair=chair)


def _restores(of: str, removed_by: str, by: str, *, chair: bool) -> bool:
    """What its writer took away is theirs; what others did is for who may remove what others wrote."""
    return by == of if removed_by == of else chair


def _restored(item: Item, by: str, act: RestoreItem, noun: str, turned: PageTurned | None) -> ItemRestored | None:
    if item.removed is None:
        return None
    if not _restores(item.by, item.removed.by, by, chair=act.chair):
        own = item.removed.by == item.by
        sentence = "Only who wrote it can bring it back." if own else f"Only an organiser can bring this {noun} back."
        raise Refused("not-yours", "forbidden", sentence)
    was = act.item
    if was is None or (was.id, was.no, was.by) != (item.id, item.no, item.by):
        raise _not_kept(noun)
    return ItemRestored(
        id=item.id,
        no=item.no,
        text=was.text,
        title=was.title,
        picture=was.picture,
        reply_to=was.reply_to,
        mentions=was.mentions,
        reactions=was.reactions,
        edited_at=was.edited_at,
        turned=turned,
    )


def _require_kept(feed: Feed, item: Item, act: RestoreItem, now: datetime) -> None:
    """It may have been brought back, changed and removed again since its words were read."""
    if not any((b.no, b.tag) == (item.no, act.tag) and now < b.at + BRING_BACK for b in feed.binned):
        raise _not_kept(_NOUN[feed.channel])


def has_room(feed: Feed, by: str | None) -> bool:
    """Whether what this person removes can be brought back."""
    return len(feed.binned) < MOST_BINNED and sum(b.by == by for b in feed.binned) < MOST_BINNED_BY_ONE


def _written(feed: Feed, command_id: str, by: str | None, act: WriteItem) -> tuple[Fact, ...]:
    if by is None:
        raise _nobody()
    same = found(feed, command_id)
    if same is not None:
        if same.by == by:
            return ()
        raise id_taken()
    if len(feed.items) >= OVERFULL * feed.page_size:
        raise Refused("feed-full", "conflict", "Too much is being written here at once. Try again in a moment.")
    if (act.picture is not None) != (feed.channel == "images"):
        raise Refused("bad-image", "invalid", "An image is shown among the images, and nowhere else.")
    words, title = _words(feed.channel, act.text, act.title)
    name, mentions = text.cut(act.name, MAX_PERSON), _mentions(act.mentions)
    return (ItemWritten(name, words, title, act.picture, _quoted(feed, act), mentions),)


def _words(channel: ListChannel, said: str, title: str | None) -> tuple[str, str | None]:
    """Text and title, tidy. An image may be without a caption; only a blog has a title."""
    limit = MAX_TEXT[channel]
    if (title is not None) != (channel == "blogs"):
        raise Refused("bad-title", "invalid", "A blog has a title, and nothing else has.", field="title")
    if channel == "images":
        return text.checked_or_none(said, field="caption", limit=limit) or "", None
    if title is not None:
        title = text.checked(title, field="title", limit=MAX_TITLE)
    return text.checked(said, field=_NOUN[channel], limit=limit, lines=True, indents=channel == "blogs"), title


def _mentions(mentions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mentions))[:MAX_MENTIONS]


def _quoted(feed: Feed, act: WriteItem) -> Quoted | None:
    if act.reply_to is None:
        return None
    if feed.channel != "comments":
        raise Refused("bad-reply", "invalid", "Only comments are replies.", field="replyTo")
    if act.quoted is not None and act.quoted.id == act.reply_to:
        return act.quoted
    item = found(feed, act.reply_to)
    if item is None:
        raise Refused("unknown-item", "missing", "What you reply to is not among the newest. Say its number.")
    _require_there(item, "comment")
    return Quoted(item.id, item.no, item.by, item.name)


def _reacting(item: Item, reaction: str, noun: str) -> tuple[str, ...]:
    """Who gave this reaction. Raises `Refused` where none can be given."""
    if reaction not in REACTIONS:
        raise Refused("bad-reaction", "invalid", f"A reaction is one of: {', '.join(REACTIONS)}.", field="reaction")
    _require_there(item, noun)
    return next((given.by for given in item.reactions if given.reaction == reaction), ())


def _require_there(item: Item, noun: str) -> None:
    if item.removed is not None:
        raise Refused("item-removed", "gone", f"This {noun} was removed.")


def _is_done(feed: Feed, old: OldItem) -> bool:
    """Whether the page is as this very change has made it: no two of them write the same tag."""
    return old.after != old.before and old.after in feed.pages[old.page : old.page + 1]


def _turned(feed: Feed, old: OldItem) -> PageTurned:
    """What becomes of the page. Raises `Refused` (`page-turned`) if somebody else has changed it since."""
    if not 0 <= old.page < len(feed.pages) or feed.pages[old.page] != old.before or not _TAG.fullmatch(old.after):
        raise _page_turned()
    return PageTurned(old.page, old.after)


def _closed(feed: Feed, act: ClosePage) -> tuple[Fact, ...]:
    if act.tag in feed.pages:
        return ()  # whoever else closed it has written the same
    size = feed.page_size
    oldest = feed.items[:size]
    if len(feed.items) < 2 * size or act.items != oldest or not _TAG.fullmatch(act.tag):
        raise _page_turned()
    return (PageClosed(act.tag),)


def _page_turned() -> Refused:
    return Refused("page-turned", "conflict", "Somebody else has changed this at the same time. Try again.")


def _nobody() -> Refused:
    return Refused("forbidden", "forbidden", "Somebody says it.")


def _not_kept(noun: str) -> Refused:
    return Refused("not-kept", "gone", f"This {noun} can't be brought back any more.")
