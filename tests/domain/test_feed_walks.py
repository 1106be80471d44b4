"""Whatever people say, change, remove and react to, in whatever order: what is kept is what a naive list would hold,
and who looks on sees what the server shows."""

from collections import Counter
from dataclasses import dataclass, field
from dataclasses import replace as copied
from random import Random

import pytest
from msgspec.structs import replace
from tests.conftest import Count, Figure
from tests.domain.booking_play import SECOND
from tests.domain.feed_play import ANA, BEN, CARLA, FeedPlay

from roadcrew_domain import feed
from roadcrew_domain.events import decode_event, encode_event, event
from roadcrew_domain.feed import FeedCommand
from roadcrew_domain.feed_state import (
    PAGE,
    EditItem,
    Feed,
    FeedAct,
    GiveReaction,
    Item,
    ItemAct,
    KeepFeed,
    Kept,
    RemoveItem,
    RestoreItem,
    TakeReaction,
    WriteItem,
)
from roadcrew_domain.refusals import Refused

PEOPLE = (ANA, BEN, CARLA)


@dataclass
class Said:
    """An item as anybody would keep it."""

    id: str
    by: str
    text: str
    edited: bool = False
    removed_by: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    was: "Said | None" = None
    """As it was before it was removed."""

    def alike(self, item: Item) -> bool:
        removed_by = None if item.removed is None else item.removed.by
        given = {r.reaction: list(r.by) for r in item.reactions}
        same = (self.id, self.by, self.text, self.edited, self.removed_by, self.reactions)
        return same == (item.id, item.by, item.text, item.edited_at is not None, removed_by, given)


class Walk:
    """Three people, a server that closes pages now and then, and a terminal that looks on."""

    def __init__(self, seed: int, met: Counter[str]) -> None:
        self.chance, self.met, self.play = Random(seed), met, FeedPlay()
        self.naive: list[Said] = []
        self.looks_on: feed.FeedState = feed.shown_state(self.play.state)
        self.seen = len(self.play.events)

    @property
    def shown(self) -> Feed:
        assert isinstance(self.looks_on, Feed)
        return self.looks_on

    def step(self) -> None:
        self.play.now += SECOND
        chance, play = self.chance, self.play
        if not self.naive or chance.random() < 0.4:
            self.say()
        elif chance.random() < 0.85:
            self.change()
        elif chance.random() < 0.5:
            play.do(None, KeepFeed())
        else:
            self.looks_on = feed.decode_state(feed.encode_state(feed.shown_state(play.state)))
            self.seen = len(play.events)
        if len(play.feed.items) >= 2 * play.feed.page_size and chance.random() < 0.5:
            play.close()
            self.met["closed"] += 1

    def say(self) -> None:
        by, text = self.chance.choice(PEOPLE), f"secret {len(self.naive)}"
        reply_to = self.chance.choice([None, *(item.id for item in self.play.feed.items)])
        act = WriteItem(by.title(), text, reply_to=reply_to)
        item_id = self.play.new_id()
        if self.do(by, act, item_id):
            self.naive.append(Said(item_id, by, text))

    def change(self) -> None:
        chance = self.chance
        said, by = chance.choice(self.naive), chance.choice(PEOPLE)
        reaction = chance.choice(["heart", "eyes"])
        tag, kept = self.play.new_id(), self.play.item(said.id)
        binned = next((b for b in self.play.feed.binned if b.id == said.id), None)
        back = RestoreItem(said.id, chair=chance.random() < 0.2)
        if binned is not None:
            back = replace(back, tag=binned.tag, item=self.play.kept[binned.tag])
        acts: list[ItemAct] = [
            EditItem(said.id, f"secret {chance.randrange(3)}"),
            RemoveItem(said.id, by.title(), chair=chance.random() < 0.2, kept=Kept(tag, kept)),
            back,
            GiveReaction(said.id, reaction),  # type: ignore[arg-type]
            TakeReaction(said.id, reaction),  # type: ignore[arg-type]
        ]
        act = back if binned is not None and chance.random() < 0.3 else chance.choice(acts)
        if self.do(by, act, self.play.new_id()):
            self.play.kept[tag] = kept
            self.note(said, by, act)

    def do(self, by: str, act: FeedAct, command: str) -> list[str]:
        """As the server does it; the terminal has painted the same before."""
        play = self.play
        old = act if isinstance(act, ItemAct) and feed.found(play.feed, act.id) is None else None
        painted, happened, code = self.painted(by, act, command), [], None
        try:
            happened = play.do(by, act, command) if old is None else self.turn(by, old, command)
        except Refused as refused:
            code = refused.code
        self.met.update(happened or [code or "nothing"])
        self.met["old"] += old is not None and bool(happened)
        assert old is not None or painted == (code or feed.shown_state(play.state))
        return happened

    def painted(self, by: str, act: FeedAct, command: str) -> feed.FeedState | str:
        """What the terminal draws before the server answers; the code of a refusal."""
        self.catch_up()
        state, play = self.looks_on, self.play
        try:
            for fact in feed.decide(state, FeedCommand(command, by, act), play.now):
                state = feed.evolve(state, event(play.topic, len(play.events), play.now, by, command, fact))
        except Refused as refused:
            return refused.code
        return feed.shown_state(state)

    def turn(self, by: str, act: ItemAct, command: str) -> list[str]:
        play = self.play
        old = play.old(act.id)
        if feed.judged(play.feed.channel, old.item, by, act) is None:
            return play.do(by, replace(act, old=old), command)
        return play.turn(by, act, old, command)

    def note(self, said: Said, by: str, act: FeedAct) -> None:
        match act:
            case EditItem(text=text):
                said.text, said.edited = text, True
            case RemoveItem():
                said.was = copied(said, was=None)
                said.text, said.edited, said.reactions, said.removed_by = "", False, {}, by
            case RestoreItem():
                assert said.was is not None
                said.text, said.edited, said.reactions = said.was.text, said.was.edited, said.was.reactions
                said.removed_by = None
            case GiveReaction(reaction=reaction):
                said.reactions.setdefault(reaction, []).append(by)
            case TakeReaction(reaction=reaction):
                said.reactions[reaction].remove(by)
                if not said.reactions[reaction]:
                    del said.reactions[reaction]

    def catch_up(self) -> None:
        for e in self.play.events[self.seen :]:
            self.looks_on = feed.evolve(self.looks_on, decode_event(encode_event(e)))
        self.seen = len(self.play.events)

    def check(self) -> None:
        play = self.play
        kept = [item for n, tag in enumerate(play.feed.pages) for item in play.pages[n, tag]]
        everything = [*kept, *play.feed.items]
        assert [item.no for item in everything] == list(range(1, play.feed.count + 1))
        assert len(everything) == len(self.naive)
        assert all(said.alike(item) for said, item in zip(self.naive, everything, strict=True))
        assert all(not (item.text or item.mentions or item.reply_to) for item in everything if item.removed)
        self.catch_up()
        assert feed.shown_state(self.looks_on) == feed.shown_state(play.state)
        assert feed.decode_state(feed.encode_state(play.state)) == play.state


# R: F2 F5 S6
def test_in_whatever_order_people_talk_nothing_is_lost_or_doubled_and_who_looks_on_sees_the_same(
    count: Count, figure: Figure, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(PAGE, "comments", 3)
    met: Counter[str] = Counter()
    for seed in range(count(reduced=60, full=3000)):
        walk = Walk(seed, met)
        for _ in range(70):
            walk.step()
        walk.check()
    figure("met on walks through talk", dict(met))
    changes = {"ItemWritten", "ItemEdited", "ItemRemoved", "ItemRestored", "ReactionGiven", "ReactionTaken"}
    assert not (changes | {"closed", "old", "not-yours", "item-removed"}) - set(met)
