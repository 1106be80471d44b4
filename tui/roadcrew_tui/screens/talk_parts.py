"""What can be looked at of a thing that is talked about: its comments, its images …, one part each, and what a part is
given to draw. Which parts there are is said here; what they look like is theirs, and how one goes between them is
talk_view.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Literal, cast

from textual.containers import Container

from roadcrew_domain.feed import restorable
from roadcrew_domain.feed_state import Feed, Item
from roadcrew_domain.marks_state import Marks
from roadcrew_domain.places import CHANNELS, Entity, ListChannel
from roadcrew_tui.snapshot import Saying, TalkNews, TalkSnapshot

if TYPE_CHECKING:
    from roadcrew_client.frames import Presence
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.screens.talk_view import TalkView

MOST_PAGES = 20
"""Pages of older ones that are loaded to come to an item."""


@dataclass(frozen=True)
class Talk:
    """All that there is to draw of a thing. `people` are names by id, as far as they are known: those of the crew;
    `muted` are those whom this person does not want to read; `chair`: this person may remove what others wrote."""

    entity: Entity
    snapshot: TalkSnapshot
    me: str
    people: Mapping[str, str]
    muted: frozenset[str]
    chair: bool
    now: datetime

    def feed(self, channel: str) -> Feed | None:
        """Its comments, images, posts or blogs; None while they are not known."""
        state = self.snapshot.states.get(self.entity.topic(channel))
        return state if isinstance(state, Feed) else None

    def marks(self, channel: str) -> Marks | None:
        """Its rating, likes or saves; None while they are not known."""
        state = self.snapshot.states.get(self.entity.topic(channel))
        return state if isinstance(state, Marks) else None

    def restorable(self, feed: Feed) -> frozenset[int]:
        """The numbers of what was removed there and this person can bring back."""
        return frozenset(b.no for b in feed.binned if restorable(b, self.me, self.now, chair=self.chair))

    @property
    def presence(self) -> Presence | None:
        """Who looks at it, who writes, and who was here lately; None while that is not known."""
        return self.snapshot.present.get(self.entity.topic("presence"))

    def sending(self, channel: str) -> tuple[Saying, ...]:
        """What this person has said or given there, and that is not confirmed."""
        topic = self.entity.topic(channel)
        return tuple(saying for saying in self.snapshot.sending if saying.topic == topic)

    def name(self, person: str, was: str) -> str:
        """What somebody is called now; `was`, if that is not known."""
        return self.people.get(person, was)


class TalkPart(Container):
    """One part. It is given everything that it draws, each time that something changed, while it is seen."""

    @property
    def view(self) -> TalkView:
        """What it is a part of."""
        from roadcrew_tui.screens.talk_view import TalkView  # noqa: PLC0415 - it imports this module

        return next(node for node in self.ancestors if isinstance(node, TalkView))

    @property
    def crew_app(self) -> RoadcrewApp:
        """The app, as what it is."""
        return cast("RoadcrewApp", self.app)

    @property
    def me(self) -> str:
        """Who looks at it."""
        return self.view.talk.me if self.view.talk is not None else ""

    @property
    def chair(self) -> bool:
        """Whether they may remove what others wrote."""
        return self.view.talk is not None and self.view.talk.chair

    def may_restore(self, item: Item) -> bool:
        """Whether this person can bring it back."""
        talk, state = self.view.talk, self.crew_app.talk.states.get(self.topic)
        return talk is not None and isinstance(state, Feed) and item.no in talk.restorable(state)

    def name_of(self, item: Item) -> str:
        """What the writer of an item is called now."""
        return self.view.talk.name(item.by, item.name) if self.view.talk is not None else item.name

    def is_muted(self, item: Item) -> bool:
        """Whether its words are not wanted."""
        return self.view.talk is not None and item.by in self.view.talk.muted

    def draw(self, talk: Talk) -> None:
        """Draw this."""
        raise NotImplementedError

    def start(self) -> None:
        """It was opened: put the focus where work begins."""
        raise NotImplementedError

    def leave(self) -> None:
        """It is not seen any more."""

    def happened(self, news: TalkNews) -> None:
        """Something has happened to its channel. It is drawn soon after."""

    @property
    def topic(self) -> str:
        """Where its items are."""
        return self.view.entity.topic((self.id or "").removeprefix("part-"))

    @property
    def item(self) -> Item | None:
        """The item under the cursor, while the person is among the items."""
        return None

    def select(self, item_id: str) -> None:
        """Put the cursor on an item, if it is here."""

    async def bring(self, item_id: str) -> None:
        """The same, and load older ones until it is here, within reason."""
        self.select(item_id)

    def edit(self, item: Item) -> None:
        """Have the person change what they wrote."""

    async def back(self) -> bool:
        """`esc`: one step back within it; False if there is none."""
        return False

    def hints(self) -> list[tuple[str, str, str]]:
        """What enter does here, for the last line."""
        return []


@dataclass(frozen=True)
class PartOf:
    """`part` is `module:class`, imported when it is opened."""

    channel: ListChannel | Literal["text"]
    title: str
    part: str

    def part_class(self) -> type[TalkPart]:
        module, name = self.part.split(":")
        return cast("type[TalkPart]", getattr(import_module(module), name))


TEXT = PartOf("text", "Text", "roadcrew_tui.screens.talk_text:TextPart")
"""Of a post or a blog, which is an item of its trip."""
PARTS = (
    PartOf("comments", "Comments", "roadcrew_tui.screens.talk_comments:CommentsPart"),
    PartOf("posts", "Posts", "roadcrew_tui.screens.talk_posts:PostsPart"),
    PartOf("blogs", "Blogs", "roadcrew_tui.screens.talk_blogs:BlogsPart"),
    PartOf("images", "Images", "roadcrew_tui.screens.gallery:ImagesPart"),
)
"""In the order in which they are shown; of a thing there are those whose channel it has."""


def parts_of(entity: Entity) -> tuple[PartOf, ...]:
    """The parts of a thing."""
    first = (TEXT,) if entity.type in ("post", "blog") else ()
    return (*first, *(part for part in PARTS if entity.has(part.channel)))


def topics_of(entity: Entity) -> tuple[str, ...]:
    """All that is followed while one looks at a thing."""
    return tuple(entity.topic(channel) for channel in sorted(CHANNELS) if entity.has(channel))
