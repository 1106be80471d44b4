"""What people say of something, as a value: lists of items (comments, images, posts, blogs), what can happen to them
(facts) and what can be asked (commands).

The newest items are in the state; older ones are in pages that the server keeps, of which the state knows only a tag
each. An item keeps its number for ever, so the page of an old one is known by it. What is allowed is for
feed_decide.py, and what a fact changes for feed_evolve.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, get_args

from roadcrew_domain.events import Fact
from roadcrew_domain.places import Channel, ListChannel
from roadcrew_domain.values import Moment, Value

SNAPSHOT_VERSION = 1

MAX_TEXT: dict[str, int] = {"comments": 2_000, "images": 300, "posts": 2_000, "blogs": 20_000}
"""Characters of an item's text; of an image that is its caption."""
MAX_TITLE = 120
"""Characters of a blog's title."""
MAX_MENTIONS = 20
MAX_REACTIONS = 300
"""To one item, of all kinds: who gave each stands in the state, which everybody reads who opens the feed."""
PAGE: dict[str, int] = {"comments": 100, "images": 100, "posts": 100, "blogs": 10}
"""Items of one page."""
MOST_GONE = 1_000
"""Removed items in pages that a state knows of: more than a log says anything of."""
OVERFULL = 10
"""Pages that a state may hold items of; then nothing more is written until some were closed."""
LOOKED_AFTER = timedelta(days=30)
"""So long after its last event a feed is looked at: whether what it is about is still there."""
BRING_BACK = timedelta(days=30)
"""So long what was removed can be brought back."""
LET_GO = BRING_BACK + timedelta(hours=1)
"""So long it is kept: whoever was allowed to bring it back a moment ago still finds it."""
MOST_BINNED = 500
"""Removed items of one feed that can be brought back; of what is removed beyond that, nothing is kept."""
MOST_BINNED_BY_ONE = 100
"""Those of them that one person has removed."""

Reaction = Literal["thumbs-up", "heart", "laugh", "surprised", "sad", "celebrate", "eyes", "done"]
REACTIONS: tuple[Reaction, ...] = get_args(Reaction)
"""By name; how they look is for who draws them."""


class Picture(Value, frozen=True):
    """An image as the server made it anew: blobs by the hash of their bytes, sizes in pixels and bytes."""

    full: str
    thumb: str
    width: int
    height: int
    bytes: int
    media: Literal["image/jpeg", "image/png"]


class Quoted(Value, frozen=True):
    """The item that is replied to, and whose it is. Its words are not repeated: they may be removed one day."""

    id: str
    no: int
    by: str
    name: str


class Removed(Value, frozen=True, omit_defaults=True):
    """Who took an item away, and when. `name` as they were called then; `kept`: it could be brought back from then on,
    for a while."""

    by: str
    name: str
    at: Moment
    kept: bool = False


class Reacted(Value, frozen=True):
    """Who gave one reaction, in the order in which they did."""

    reaction: Reaction
    by: tuple[str, ...]


class Item(Value, frozen=True, omit_defaults=True):
    """A comment, an image, a post or a blog. `id` is the command's, `no` its number in this feed, from 1; `name` is
    what its writer was called then. `text` is a caption for an image, Markdown for a blog; one that was `removed` has
    no text, title, picture, reply, mentions and reactions any more."""

    id: str
    no: int
    by: str
    name: str
    at: Moment
    text: str
    title: str | None = None
    picture: Picture | None = None
    reply_to: Quoted | None = None
    mentions: tuple[str, ...] = ()
    reactions: tuple[Reacted, ...] = ()
    edited_at: Moment | None = None
    removed: Removed | None = None


class Binned(Value, frozen=True):
    """An item that was removed (`by` whom, when) and can be brought back: its words are kept by the server under `tag`,
    and told to nobody but who may do that. `of` is who wrote it."""

    id: str
    no: int
    of: str
    tag: str
    by: str
    at: Moment


class Feed(Value, frozen=True):
    """The state of a list channel. `items` are the newest, oldest first; all before them are in `pages`, which are
    tags of what the server keeps. `count` counts all that were ever written, so it is the newest one's number. `gone`
    are ids of what was removed and is in pages, the latest: the log may have its words still. `binned`: what can be
    brought back, in the order in which it was removed."""

    channel: ListChannel
    trip_id: str | None
    opened_at: Moment
    changed_at: Moment
    count: int = 0
    items: tuple[Item, ...] = ()
    pages: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    binned: tuple[Binned, ...] = ()

    @property
    def page_size(self) -> int:
        """Items of one page."""
        return PAGE[self.channel]

    @property
    def whole(self) -> bool:
        """Whether `pages` are known, which in what people are shown they are not once there are any."""
        return len(self.pages) * self.page_size + len(self.items) == self.count


class Watching(Value, frozen=True):
    """The state of a presence channel: nothing is ever written there; who is here is not a matter of the log."""

    trip_id: str | None
    opened_at: Moment
    changed_at: Moment


class OldItem(Value, frozen=True):
    """An item that is in a page, as the server found it there: the page's place among all, its tag, and the tag of the
    page as it is once the change is done (which the server has written already)."""

    item: Item
    page: int
    before: str
    after: str


class Kept(Value, frozen=True):
    """An item as it is before it is removed, which the server has written under `tag` already; under none, where there
    is no room for it."""

    tag: str
    item: Item


class PageTurned(Value, frozen=True):
    """A page is now kept under another tag."""

    page: int
    tag: str


# --- facts ---------------------------------------------------------------------------------------


class FeedOpened(Fact, frozen=True):
    """The first event of every channel of every entity. `trip_id`: whose members alone may read it."""

    channel: Channel
    trip_id: str | None = None


class ItemWritten(Fact, frozen=True, omit_defaults=True):
    """Who wrote it is the event's `by`; its id is the event's command."""

    name: str
    text: str
    title: str | None = None
    picture: Picture | None = None
    reply_to: Quoted | None = None
    mentions: tuple[str, ...] = ()


class ItemEdited(Fact, frozen=True, omit_defaults=True):
    """The text and title as they are now. `turned` where the item is in a page, as in the facts below."""

    id: str
    no: int
    text: str
    title: str | None = None
    mentions: tuple[str, ...] = ()
    turned: PageTurned | None = None


class ItemRemoved(Fact, frozen=True, omit_defaults=True):
    """Who removed it is the event's `by`; `name` is what they were called. Where it can be brought back, `tag` and `of`
    are as in `Binned`."""

    id: str
    no: int
    name: str
    turned: PageTurned | None = None
    tag: str | None = None
    of: str | None = None


class ItemRestored(Fact, frozen=True, omit_defaults=True):
    """All of it is as it was, in its place. Who brought it back is the event's `by`."""

    id: str
    no: int
    text: str
    title: str | None = None
    picture: Picture | None = None
    reply_to: Quoted | None = None
    mentions: tuple[str, ...] = ()
    reactions: tuple[Reacted, ...] = ()
    edited_at: Moment | None = None
    turned: PageTurned | None = None


class ReactionGiven(Fact, frozen=True, omit_defaults=True):
    id: str
    no: int
    reaction: Reaction
    turned: PageTurned | None = None


class ReactionTaken(Fact, frozen=True, omit_defaults=True):
    """It was taken back by who gave it."""

    id: str
    no: int
    reaction: Reaction
    turned: PageTurned | None = None


class PageClosed(Fact, frozen=True):
    """The oldest items of the state are in a page from here on."""

    tag: str


class FeedKept(Fact, frozen=True, omit_defaults=True):
    """What it is about was looked for, and is still there. `let_go` are numbers of removed items of which nothing is
    kept any more."""

    let_go: tuple[int, ...] = ()


# --- commands ------------------------------------------------------------------------------------


class OpenFeed(Value, frozen=True):
    """Sent by the server, which knows that there is such an entity, and whose it is."""

    channel: Channel
    trip_id: str | None = None


class WriteItem(Value, frozen=True):
    """`name` is what the writer is called; `mentions` are ids that the text was found to name (feed.mentioned). The
    item that is replied to is looked for in the state; `quoted`: it is in a page, where the server found it.
    `picture` comes from the server."""

    name: str
    text: str
    title: str | None = None
    reply_to: str | None = None
    mentions: tuple[str, ...] = ()
    picture: Picture | None = None
    quoted: Quoted | None = None


class EditItem(Value, frozen=True):
    """Only who wrote it does. `old`: it is in a page, as in the commands below."""

    id: str
    text: str
    title: str | None = None
    mentions: tuple[str, ...] = ()
    old: OldItem | None = None


class RemoveItem(Value, frozen=True):
    """`chair`: the server knows that they may remove what others wrote. `name` is what they are called. `kept` comes
    from the server: nothing is removed but an item that is like this, and with a tag it can be brought back."""

    id: str
    name: str
    chair: bool = False
    old: OldItem | None = None
    kept: Kept | None = None


class RestoreItem(Value, frozen=True):
    """What its writer removed, they bring back; what others did, whoever may do that (`chair`). `tag` and `item`, as it
    was, come from what the server keeps."""

    id: str
    tag: str = ""
    item: Item | None = None
    chair: bool = False
    old: OldItem | None = None


class GiveReaction(Value, frozen=True):
    id: str
    reaction: Reaction
    old: OldItem | None = None


class TakeReaction(Value, frozen=True):
    id: str
    reaction: Reaction
    old: OldItem | None = None


class ClosePage(Value, frozen=True):
    """Sent by the server, which has written these items, the oldest of the state, under that tag."""

    tag: str
    items: tuple[Item, ...]


class KeepFeed(Value, frozen=True):
    """Sent by the server, which has seen that what it is about is still there, and keeps nothing more of the removed
    items of these numbers."""

    let_go: tuple[int, ...] = ()


ItemAct = EditItem | RemoveItem | RestoreItem | GiveReaction | TakeReaction
"""What is done to an item that is there."""
FeedAct = OpenFeed | WriteItem | ItemAct | ClosePage | KeepFeed
