"""The channels of talk that are followed: what is confirmed of each, what waits to be sent, and both as one picture.

Not for which channels those are, nor for asking the server: that is `LiveTalk`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping

from roadcrew_client._listeners import Listeners
from roadcrew_client._pendings import Pendings
from roadcrew_client.changes import Change
from roadcrew_client.context import Context
from roadcrew_client.delivery import Delivery
from roadcrew_client.figures import Recorder
from roadcrew_client.replica import Replica, Verdict
from roadcrew_client.sync.engine import Engine
from roadcrew_client.talk_models import TalkSummary
from roadcrew_client.talk_rules import TalkRules, marked
from roadcrew_domain.events import Event
from roadcrew_domain.feed import FeedState, with_mine
from roadcrew_domain.marks_state import Marks

LOOKS = 5
"""Times that it is asked which mark is ours, while the answers' sums are others than ours."""


class Desk:
    """One channel. `task` runs its sender; `asks`: whether our own mark has still to be asked for."""

    def __init__(
        self,
        context: Context,
        rules: TalkRules,
        engine: Engine,
        recorder: Recorder,
        listeners: Listeners[Change],
        answered: set[str],
    ) -> None:
        self.topic = rules.topic
        self.rules = rules
        self.asks = False
        self.task: asyncio.Task[None] | None = None
        self.replica: Replica[FeedState] = Replica(rules)
        self.pendings = Pendings(context, self.replica, engine, recorder, listeners, answered)
        self._ended: tuple[str, ...] = ()
        self._seen: set[str] = set()
        """Whose marks have changed while ours was asked for."""
        self._looks = 0

    @property
    def confirmed(self) -> FeedState | None:
        """What the server has confirmed; None until that is known."""
        return self.replica.confirmed

    async def run(self, delivery: Delivery | None) -> None:
        """Send what waits, until cancelled; what was made before this program began goes first."""
        if delivery is not None:
            await delivery.hand_over(self.pendings)
        await self.pendings.sender.run()

    def close(self) -> None:
        """Nobody looks any more."""
        if self.task is not None:
            self.task.cancel()
        self.pendings.let_go()

    def disown(self) -> None:
        """Somebody else signs in."""
        self.replica.forget()
        self.rules.sure, self.rules.word, self.asks = False, None, False
        self.pendings.disown()

    # --- what the server says -----------------------------------------------------------------------

    def reset(self, state: FeedState, seq: int, epoch: str | None) -> bool:
        """The whole state. False if it can't be this channel's."""
        if not self.rules.fits(state):
            return False
        self.rules.sure = False
        self._ended += self.replica.reset(state, seq, epoch)
        self.asks, self._looks = self.rules.is_open(state), 0
        self._seen.clear()
        return True

    def confirm(self, e: Event) -> Verdict:
        """An event."""
        verdict, ended = self.replica.confirm(e)
        self._ended += ended
        who = marked(e) if verdict == "applied" else None
        if who is not None and who == self.rules.me:
            self.rules.sure, self.asks = True, False
        elif who is not None and self.asks:
            self._seen.add(who)
        return verdict

    def settle(self) -> None:
        """The changes that this has ended are over."""
        ended, self._ended = self._ended, ()
        self.pendings.confirm(ended)

    def learn(self, summary: TalkSummary) -> bool:
        """Which mark is ours. False while that is not clear: an answer with other sums than ours may be an old one, and
        is asked for again, a few times."""
        self.rules.word = summary.saves.me or None
        spread, mine = _told(summary, self.rules.channel)
        me, state = self.rules.me, self.confirmed
        self._looks += 1
        if me is None or not isinstance(state, Marks):
            self.asks = False
            return False
        if me not in self._seen:  # else its event has told
            if state.spread != spread and self._looks < LOOKS:
                return False
            self.replica.revise(lambda state: with_mine(state, me, mine) if isinstance(state, Marks) else state)
        self.rules.sure, self.asks = True, False
        return True


def _told(summary: TalkSummary, channel: str) -> tuple[tuple[int, ...], int | None]:
    """The marks of a channel by value, and ours."""
    if channel == "rating":
        return summary.rating.spread, summary.rating.mine
    of = summary.likes if channel == "likes" else summary.saves
    return (of.count,), 1 if of.mine else None


class Desks:
    """All of them, by topic. What `LiveTopics` tells goes to the one that it is about."""

    def __init__(self) -> None:
        self._desks: dict[str, Desk] = {}

    def __iter__(self) -> Iterator[Desk]:
        return iter(tuple(self._desks.values()))

    def get(self, topic: str) -> Desk | None:
        """That of a topic."""
        return self._desks.get(topic)

    def add(self, desk: Desk) -> None:
        """One more."""
        self._desks[desk.topic] = desk

    def remove(self, desk: Desk) -> None:
        """One less."""
        self._desks.pop(desk.topic, None)

    @property
    def states(self) -> Mapping[str, FeedState]:
        """What is drawn, as far as it is known."""
        drawn = {topic: desk.replica.drawn for topic, desk in self._desks.items()}
        return {topic: state for topic, state in drawn.items() if state is not None}

    @property
    def confirmed(self) -> Mapping[str, FeedState]:
        """What the server has confirmed, as far as it is known."""
        return {desk.topic: desk.confirmed for desk in self if desk.confirmed is not None}

    def keep_only(self, topics: Collection[str]) -> bool:
        """Those that are followed no more were taken away already."""
        return False

    def drop(self, topic: str) -> None:
        """There is no such topic any more."""
        desk = self._desks.get(topic)
        if desk is not None:
            desk.replica.forget()

    def reset(self, topic: str, state: FeedState, seq: int, epoch: str | None) -> bool:
        """The whole state as of `seq`."""
        desk = self._desks.get(topic)
        return desk is not None and desk.reset(state, seq, epoch)

    def confirm(self, e: Event) -> Verdict:
        """An event."""
        desk = self._desks.get(e.topic)
        return "old" if desk is None else desk.confirm(e)
