"""What one of the crowd says and gives of their trip, and what must be there of it in the end.

A step's `which` picks the comment, its `how` what is done with it. Not for the trip itself: that is person.py's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from roadcrew_client import Client, LiveTalk, Pending, TooManyRequests
from roadcrew_domain.feed_state import (
    REACTIONS,
    EditItem,
    Feed,
    GiveReaction,
    Item,
    RemoveItem,
    TakeReaction,
    WriteItem,
)
from roadcrew_domain.marks_rules import most
from roadcrew_domain.marks_state import GiveMark, Marks, TakeMark
from roadcrew_domain.places import Entity
from roadcrew_domain.refusals import Refused
from roadcrew_tui.simulation.choices import BOLD
from roadcrew_tui.simulation.plan import Step
from roadcrew_tui.simulation.tally import Tally

MARKS = ("rating", "likes")
SHOWN = 100
"""Newest comments in which clients are compared with the server, which tells no more of them in one answer."""

Act = WriteItem | EditItem | RemoveItem | GiveReaction | TakeReaction | GiveMark | TakeMark


@dataclass
class Truth:
    """The talk of a trip as the server has it: all comments, and how many gave which mark."""

    comments: list[Item]
    spreads: dict[str, tuple[int, ...]]


@dataclass
class Said:
    """What people were told was accepted, in one trip. `unsure`: marks of which nobody heard any more what became."""

    texts: dict[str, str | None] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    marks: dict[tuple[str, str], int] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    accepted: int = 0

    def take(self, channel: str, who: str, pending: Pending) -> None:
        """One change was answered, or never will be."""
        act = pending.act
        if pending.done.cancelled():
            if isinstance(act, EditItem | RemoveItem):
                self.texts[act.id] = None
            self.unsure.add(channel)
        elif not pending.done.result().accepted:
            self.denied.add(pending.id)
        else:
            self.accepted += 1
            match act:
                case WriteItem(text=text):
                    self.texts.setdefault(pending.id, text)
                case EditItem(id=item_id, text=text):
                    if self.texts.get(item_id, "") is not None:
                        self.texts[item_id] = text
                case RemoveItem(id=item_id):
                    self.texts[item_id] = None
                case GiveMark(value=value):
                    self.marks[channel, who] = value
                case TakeMark():
                    self.marks.pop((channel, who), None)

    def wrong(self, truth: Truth) -> list[str]:
        """What is not as people were told, in sentences."""
        found: list[str] = []
        times = Counter(item.id for item in truth.comments)
        by_id = {item.id: item for item in truth.comments}
        found += [f"comment {item} is there {n} times" for item, n in times.items() if n > 1]
        found += [f"comment {item} is there though it was refused" for item in times if item in self.denied]
        for item_id, text in self.texts.items():
            item = by_id.get(item_id)
            if item is None:
                found.append(f"comment {item_id} is missing")
            elif text is not None and item.removed is None and item.text != text:
                found.append(f"comment {item_id} says {item.text}, not {text}")
        for channel in MARKS:
            given = Counter(value for (where, _), value in self.marks.items() if where == channel)
            spread = tuple(given[value] for value in range(1, len(truth.spreads[channel]) + 1))
            if channel not in self.unsure and spread != truth.spreads[channel]:
                found.append(f"{channel} are {truth.spreads[channel]}, not {spread}")
        return found


class Talker:
    """Follows the talk of one trip, from `start` to `stop`."""

    def __init__(self, client: Client, trip_id: str, me: str, tally: Tally, said: Said) -> None:
        self._trip = Entity("trip", trip_id)
        self._me = me
        self._tally = tally
        self._said = said
        self.live: LiveTalk = client.follow_talk(*map(self._trip.topic, ("comments", *MARKS)))

    async def start(self) -> None:
        """Begin to follow."""
        await self.live.start()

    async def stop(self) -> None:
        """Follow no longer."""
        await self.live.stop()

    # --- acting -----------------------------------------------------------------------------------

    def take(self, step: Step) -> bool:
        """False if there was nothing to do."""
        channel, act = self._act(step)
        if act is None:
            return False
        try:
            pending = self.live.act(self._trip.topic(channel), act)
        except (Refused, TooManyRequests) as error:
            self._tally.refuse(error.code)
            return True
        pending.done.add_done_callback(lambda _: self._settled(channel, pending))
        return True

    def _act(self, step: Step) -> tuple[str, Act | None]:
        if step.kind in ("rate", "like"):
            channel = "rating" if step.kind == "rate" else "likes"
            taken = step.how % BOLD == 0
            return channel, TakeMark() if taken else GiveMark(1 + step.which % most(channel))  # type: ignore[arg-type]
        state = self.live.states.get(self._trip.topic("comments"))
        items = [item for item in state.items if item.removed is None] if isinstance(state, Feed) else []
        text = f"number {step.how}"
        if step.kind == "say":
            reply_to = items[step.which % len(items)].id if items and step.how % 3 == 0 else None
            return "comments", WriteItem("", text, reply_to=reply_to)
        if step.kind != "react" and step.how % BOLD:
            items = [item for item in items if item.by == self._me]
        return "comments", _about(items[step.which % len(items)], step, text) if items else None

    def _settled(self, channel: str, pending: Pending) -> None:
        self._said.take(channel, self._me, pending)
        if not pending.done.cancelled() and (refusal := pending.done.result().refusal) is not None:
            self._tally.refuse(refusal.code)

    # --- comparing --------------------------------------------------------------------------------

    def differs(self, truth: Truth) -> str | None:
        """How what this client has differs from what the server has; None if it does not."""
        if waiting := len(self.live.pending):
            return f"{self.live.status.state}, {waiting} changes of talk wait"
        confirmed = self.live.confirmed
        feed = confirmed.get(self._trip.topic("comments"))
        if not isinstance(feed, Feed) or feed.count != len(truth.comments):
            return "other comments"
        shown = min(SHOWN, len(feed.items))
        if list(feed.items[len(feed.items) - shown :]) != truth.comments[len(truth.comments) - shown :]:
            return "comments that are not as the server's"
        for channel in MARKS:
            marks = confirmed.get(self._trip.topic(channel))
            if not isinstance(marks, Marks) or marks.spread != truth.spreads[channel]:
                return f"other {channel}"
        return None


def _about(item: Item, step: Step, text: str) -> Act:
    if step.kind == "edit":
        return EditItem(item.id, text)
    if step.kind == "remove":
        return RemoveItem(item.id, "")
    reaction = REACTIONS[step.how % len(REACTIONS)]
    given = next((r.by for r in item.reactions if r.reaction == reaction), ())
    return TakeReaction(item.id, reaction) if given and step.which % 2 else GiveReaction(item.id, reaction)


async def truth_of(client: Client, trip_id: str) -> Truth:
    """What the server has. Raises the client's errors."""
    trip, comments, before = Entity("trip", trip_id), list[Item](), None
    while True:
        page = await client.talk_items(trip, "comments", before, SHOWN)
        comments[:0] = page.items
        if not page.more or not page.items:
            break
        before = page.items[0].no
    summary = await client.talk_summary(trip)
    return Truth(comments, {"rating": summary.rating.spread, "likes": (summary.likes.count,)})
