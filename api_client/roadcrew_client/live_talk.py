"""Talk that stays as it is at the server: channels of trips, locations, posts and blogs, followed, changed, and drawn
at once. The object that a screen of talk holds.

Each channel has a desk of its own, with what is confirmed and what waits to be sent. Not for images, which are files,
nor for items that are older than a channel tells: those are the client's calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from roadcrew_client._desks import Desk, Desks
from roadcrew_client._listeners import Listeners
from roadcrew_client._live_topics import LiveTopics
from roadcrew_client.changes import Change, Pending, SyncStatus
from roadcrew_client.context import Context
from roadcrew_client.delivery import Delivery
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.figures import Recorder
from roadcrew_client.frames import Item, Presence
from roadcrew_client.retry import is_passing
from roadcrew_client.sync import policy
from roadcrew_client.sync.backoff import jittered
from roadcrew_client.sync.sides import Taken
from roadcrew_client.talk_models import read_summary
from roadcrew_client.talk_routes import TalkAct, call_of, path_of
from roadcrew_client.talk_rules import TalkRules
from roadcrew_domain.events import MAX_TOPICS, Event
from roadcrew_domain.feed import FeedState, found
from roadcrew_domain.feed_state import Feed, ItemAct, Watching, WriteItem
from roadcrew_domain.marks_state import Marks

logger = logging.getLogger(__name__)


class LiveTalk(LiveTopics[FeedState]):
    """Made by `Client.follow_talk`; syncs between `start` and `stop`. All of it belongs to one event loop.

    `present` says who is there now, by presence topic. What is pending when a topic is left is sent all the same where
    there is an outbox; its `done` is cancelled.
    """

    def __init__(
        self,
        context: Context,
        topics: Collection[str],
        *,
        delivery: Delivery | None,
        on_stop: Callable[[LiveTalk], None],
    ) -> None:
        self._desks = Desks()
        super().__init__(context, self._desks, (Feed, Marks, Watching), on_stop)
        self.present: Mapping[str, Presence] = {}
        self._delivery = delivery
        self._listeners = Listeners[Change]()
        self._recorder = Recorder(context.clock)
        self._answered: set[str] = set()
        self._opened = asyncio.Event()
        self._doubt = asyncio.Event()
        self._told: policy.Mode = "stopped"
        self._watched: tuple[str, ...] = ()
        self.watch(topics)

    # --- what there is to see -----------------------------------------------------------------------

    @property
    def topics(self) -> tuple[str, ...]:
        """What is followed."""
        return self._watched

    @property
    def states(self) -> Mapping[str, FeedState]:
        """What is drawn, by topic: the confirmed states, as far as they are known, plus pending changes. An item that
        is pending has its change's id."""
        return self._desks.states

    @property
    def confirmed(self) -> Mapping[str, FeedState]:
        """What the server has confirmed, by topic."""
        return self._desks.confirmed

    @property
    def pending(self) -> tuple[Pending, ...]:
        """The changes that are not confirmed; those of one topic in the order in which they were made."""
        return tuple(pending for desk in self._desks for pending in desk.pendings.all)

    @property
    def status(self) -> SyncStatus:
        """Which of live, polling, paused … holds, and how many changes wait."""
        desks = [desk.pendings for desk in self._desks]
        errors = [desk.error for desk in desks if desk.error is not None]
        latencies = [desk.latency for desk in desks if desk.latency is not None]
        status = super().status
        return replace(
            status,
            waiting=sum(len(desk.made()) for desk in desks),
            last_error=status.last_error or (errors[0] if errors else None),
            latency=latencies[-1] if latencies else None,
        )

    def mine(self, topic: str) -> int | None:
        """The mark that I gave there, as it is drawn: stars, or 1 for a like and for what is saved. None where I gave
        none, and while it is not known."""
        desk, state = self._desks.get(topic), self.states.get(topic)
        if desk is None or desk.rules.me is None or not isinstance(state, Marks):
            return None
        return state.marks.get(desk.rules.me)

    def listen(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call `callback` on each change, on the client's event loop. Returns what ends that."""
        return self._listeners.listen(callback)

    # --- what to look at ----------------------------------------------------------------------------

    def watch(self, topics: Collection[str]) -> None:
        """Follow these (`feed:TYPE:ID:CHANNEL`), at most 32, and no others. Who goes on looking at one misses nothing;
        the server hears of it at most once a second. Raises `ValueError` for what can't be followed so."""
        wanted = tuple(dict.fromkeys(topics))
        if len(wanted) > MAX_TOPICS:
            raise ValueError(f"at most {MAX_TOPICS} topics can be followed at once")
        for desk in [self._desk(topic) for topic in wanted if self._desks.get(topic) is None]:
            self._desks.add(desk)
        if set(wanted) != set(self._watched):
            self._watched = wanted
            self._opened.set()
            self._turned.set()

    def _turn(self) -> None:
        """Ask for what is looked at now. Who looked away and back meanwhile has missed nothing."""
        for desk in self._desks:
            if desk.topic not in self._watched:
                self._close(desk)
        super()._turn()

    def _desk(self, topic: str) -> Desk:
        rules = TalkRules(topic, lambda: self._context.session.user)
        return Desk(self._context, rules, self._engine, self._recorder, self._listeners, self._answered)

    def _close(self, desk: Desk) -> None:
        self._desks.remove(desk)
        self.present = {topic: seen for topic, seen in self.present.items() if topic != desk.topic}
        desk.close()
        if self._delivery is not None:
            self._delivery.left(desk.pendings)
        self._listeners.tell(Change("reset", topic=desk.topic))

    async def stop(self) -> None:
        """Stop syncing."""
        await super().stop()
        for desk in tuple(self._desks):
            self._close(desk)

    # --- changing it --------------------------------------------------------------------------------

    def act(self, topic: str, act: TalkAct, *, no: int | None = None) -> Pending:
        """Say or give something: painted at once, sent in order. `no`: the number of the item that it is about, where
        that is older than what is here. Raises `Refused` (of the domain) if it is malformed, `ValueError` for a topic
        that is not followed, `TypeError` for an act that is none there, `TooManyRequests` when too many wait already.
        """
        desk = self._desks.get(topic)
        if desk is None:
            raise ValueError(f"{topic[:80]!r} is not followed")
        return desk.pendings.act(act, call_of(topic, act, no or _number(desk.confirmed, act)))

    async def at_rest(self) -> None:
        """Wait until no change is on its way: each is answered, or held up by something."""
        for desk in tuple(self._desks):
            await desk.pendings.at_rest()

    # --- the work -----------------------------------------------------------------------------------

    def _wanted(self) -> tuple[str, ...]:
        return self._watched

    async def _begin(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._learn())
            while True:
                self._opened.clear()
                for desk in self._desks:
                    if desk.task is None:
                        desk.task = group.create_task(desk.run(self._delivery))
                await self._opened.wait()

    async def _learn(self) -> None:
        """Ask which marks are ours, where we are not told whose all of them are."""
        await self._introduce()
        tries = 0
        while True:
            desk = next((desk for desk in self._desks if desk.asks), None)
            if desk is None or self._engine.state.mode not in ("live", "polling"):
                self._doubt.clear()
                await self._doubt.wait()
                continue
            thing = desk.rules.entity
            try:
                summary = read_summary((await self._context.session.call("GET", path_of(thing))).body)
            except RoadcrewError as error:
                if not is_passing(error):
                    desk.asks = False
                    continue
                wait = jittered(tries, self._context.chance(), self._context.settings)
                tries += 1
                await self._context.clock.sleep(max(wait, error.retry_after or 0.0))
                continue
            for one in self._desks:
                if one.rules.entity == thing and one.asks and one.learn(summary):
                    self._listeners.tell(Change("reset", topic=one.topic))
            tries = tries + 1 if desk.asks else 0
            if desk.asks:
                await self._context.clock.sleep(jittered(tries, self._context.chance(), self._context.settings))

    # --- signals ------------------------------------------------------------------------------------

    def signed_in(self) -> None:
        """There is a token again."""
        super().signed_in()
        self._kick()

    def disown(self) -> None:
        """Somebody else signs in: what waits here was not theirs, and what is shown may not be for them."""
        self.present = {}
        for desk in self._desks:
            desk.disown()
        self._engine.forget_place()
        self._engine.signal(policy.Ended("signed-out"))  # what is open was asked for in another name
        self._engine.signal(policy.SignedIn())
        self._listeners.tell(Change("reset"))

    def _kick(self) -> None:
        self._doubt.set()
        for desk in self._desks:
            desk.pendings.sender.kick()

    # --- from the engine ----------------------------------------------------------------------------

    def take_frame(self, frame: Item, cursor: str | None) -> Taken:
        """Apply what the server says."""
        if isinstance(frame, Presence):
            self.present = {**self.present, frame.topic: frame}
            self._listeners.tell(Change("presence", topic=frame.topic))
            return "applied"
        return super().take_frame(frame, cursor)

    def _changed(self, topic: str, event: Event | None) -> None:
        change = Change("reset", topic=topic) if event is None else Change("events", (event,), topic=topic)
        self._listeners.tell(change)
        desk = self._desks.get(topic)
        if desk is not None:
            desk.settle()
            if desk.asks:
                self._doubt.set()

    def _dropped(self) -> None:
        """Said when they were left."""

    def _gone(self, topic: str, reason: str) -> None:
        self._listeners.tell(Change("gone", reason=reason, topic=topic))

    def _moved(self) -> None:
        mode = self._engine.state.mode
        if mode != self._told:
            self._told = mode
            if mode in ("live", "polling"):
                self._kick()
            elif mode != "connecting" and self.present:
                # Who is here now, nobody can say who does not ask.
                self.present = {}
                self._engine.forget_presence()
                self._listeners.tell(Change("presence"))
        self._listeners.tell(Change("status"))


def _number(state: FeedState | None, act: TalkAct) -> int | None:
    """The number of the item that an act is about, where it is known: by the time that it is sent, it may be old."""
    item_id = act.id if isinstance(act, ItemAct) else act.reply_to if isinstance(act, WriteItem) else None
    item = found(state, item_id) if isinstance(state, Feed) and item_id is not None else None
    return None if item is None else item.no
