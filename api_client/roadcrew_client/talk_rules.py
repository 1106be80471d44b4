"""The rules of a channel of talk, as one person's terminal runs them before the server does: with what the server would
put to an act by itself, such as how its writer is called. Not for what is pending, nor for sending.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from roadcrew_client.about import About
from roadcrew_client.models import User
from roadcrew_client.talk_routes import TalkAct
from roadcrew_domain import feed
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.feed import FeedCommand, FeedState
from roadcrew_domain.feed_state import EditItem, Feed, GiveReaction, RemoveItem, RestoreItem, TakeReaction, WriteItem
from roadcrew_domain.marks_state import GiveMark, MarkGiven, Marks, MarkTaken, TakeMark
from roadcrew_domain.places import parse_topic

LONGEST = 200
"""Characters of an item that say which one it is."""


class TalkRules:
    """Of one channel. `user` gives who we are. `sure`: what mark we gave is known, though not everybody's are; `word`
    stands for us among saves, where that is known. Raises `ValueError` for what is no topic of talk."""

    def __init__(self, topic: str, user: Callable[[], User | None]) -> None:
        place = parse_topic(topic)
        if place is None:
            raise ValueError(f"{topic[:80]!r} is no topic of talk: feed:TYPE:ID:CHANNEL")
        self.topic = topic
        self.entity, self.channel = place
        self.sure = False
        self.word: str | None = None
        self._user = user

    def fits(self, state: FeedState) -> bool:
        """Whether it can be this channel's."""
        return (state.channel if isinstance(state, Feed | Marks) else "presence") == self.channel

    # --- our own mark -------------------------------------------------------------------------------

    @property
    def me(self) -> str | None:
        """What our mark stands under; None while that is not known."""
        if self.channel == "saves":
            return self.word
        user = self._user()
        return None if user is None else user.id

    def is_open(self, state: FeedState | None) -> bool:
        """Whether there is a mark to be asked for: nobody has told us ours."""
        return isinstance(state, Marks) and not state.whole and not self.sure

    # --- as of any topic ------------------------------------------------------------------------------

    def command(self, command: str, by: str | None, act: TalkAct) -> FeedCommand:
        """The command of this id."""
        return FeedCommand(command, by, act)

    def about(self, state: FeedState | None, act: TalkAct) -> About:
        """What an act is about: what is said, or the item that it changes."""
        match act:
            case WriteItem() | EditItem():
                return About(what=(act.title or act.text)[:LONGEST])
            case RemoveItem(id=item_id) | GiveReaction(id=item_id) | TakeReaction(id=item_id):
                item = feed.found(state, item_id) if isinstance(state, Feed) else None
                return About() if item is None else About(what=(item.title or item.text)[:LONGEST])
            case RestoreItem(item=item) if item is not None:
                return About(what=(item.title or item.text)[:LONGEST])
        return About()

    def paints(self, state: FeedState, command: FeedCommand) -> bool:
        """What a mark changes can be said by who knows the one that it replaces."""
        return not self.is_open(state)

    def decide(self, state: FeedState, command: FeedCommand, at: datetime) -> tuple[Fact, ...]:
        """What happens if it is accepted."""
        return feed.decide(state, self._whole(state, command), at)

    def evolve(self, state: FeedState | None, e: Event) -> FeedState:
        """The channel after an event."""
        return feed.evolve(state, e)

    def _whole(self, state: FeedState, command: FeedCommand) -> FeedCommand:
        """With what the server would put to it."""
        user, replace = self._user(), msgspec.structs.replace
        match command.act:
            case WriteItem(name="") | RemoveItem(name="") as act if user is not None:
                return replace(command, act=replace(act, name=user.name))
            case RestoreItem(tag="", item=item) as act if item is not None and isinstance(state, Feed):
                tag = next((binned.tag for binned in state.binned if binned.no == item.no), "")
                return replace(command, act=replace(act, tag=tag))
            case GiveMark() | TakeMark() as act if self.channel == "saves" and self.word is not None:
                return FeedCommand(command.id, None, replace(act, who=self.word))
        return command


def marked(e: Event) -> str | None:
    """Under what a mark stands that an event changes; None for one that changes none."""
    return e.data.who or e.by if isinstance(e.data, MarkGiven | MarkTaken) else None
