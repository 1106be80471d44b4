"""`roadcrew watch --channel …`: what is said and given of something, as lines for people or as JSON for scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from roadcrew_domain.events import encode_event
from roadcrew_domain.feed_state import Feed, ItemWritten
from roadcrew_tui.commands import talk_words
from roadcrew_tui.oneshot import data
from roadcrew_tui.watch import STATES

if TYPE_CHECKING:
    from roadcrew_client import Change, Client, LiveTalk
    from roadcrew_domain.places import Entity

FIRST = 10
"""Items that were there before, and are told at first."""
ENDS = {
    "removed": "You are no longer in that trip.",
    "ended": "That has ended.",
    "forbidden": "You are not in that trip.",
}


class Teller:
    """Turns changes of channels into lines, each event and each item once. `names` by id, of who may do something."""

    def __init__(self, live: LiveTalk, say: Callable[[str], None], names: dict[str, str], *, json: bool) -> None:
        self.ended: str | None = None
        self._live = live
        self._say = say
        self._names = names
        self._json = json
        self._told: dict[str, int] = {}
        self._left = set(live.topics)

    def tell(self, change: Change) -> None:
        """Say what is new in this change."""
        match change.kind:
            case "reset":
                self._reset(change.topic)
            case "events":
                for e in change.events:
                    if isinstance(e.data, ItemWritten) and e.by is not None:
                        self._names[e.by] = e.data.name
                    if self._json:
                        self._say(data(encode_event(e).decode()))
                    elif (words := talk_words.happened(e, self._names)) is not None:
                        self._words(words, e.at)
                self._reset(change.topic, silently=True)
            case "presence" if change.topic in self._live.present:
                presence = self._live.present[change.topic]
                if self._json:
                    self._say(data(msgspec.json.encode(presence).decode()))
                else:
                    self._words(talk_words.present(presence))
            case "gone":
                self._left.discard(change.topic)
                if not self._left:
                    self.ended = change.reason or "ended"
                    self._words(ENDS.get(self.ended, "There is no such thing to talk about."))

    def _reset(self, topic: str, *, silently: bool = False) -> None:
        """What a state tells besides its events: the newest items, and after a gap those that came in it."""
        state = self._live.confirmed.get(topic)
        if isinstance(state, Feed):
            told = self._told.get(topic, state.count - FIRST)
            self._told[topic] = max(told, state.count)
            for item in state.items:
                self._names.setdefault(item.by, item.name)
                if item.no > told and not silently and not self._json:
                    now = datetime.now(UTC)
                    self._words(talk_words.row(item, now), item.at)

    def _words(self, words: str, at: datetime | None = None) -> None:
        if not self._json:
            when = (at or datetime.now(UTC)).astimezone()
            self._say(f"{when:%H:%M:%S}  {words}")


async def watch(
    client: Client,
    thing: Entity,
    channels: Collection[str],
    say: Callable[[str], None],
    hint: Callable[[str], None],
    *,
    json: bool,
) -> int:
    """Say what happens in these channels until all are gone or somebody interrupts; the exit status.

    `say` gets data, `hint` gets words about the connection.
    """
    ended, state = asyncio.Event(), ""
    broken: OSError | None = None

    def changed(change: Change) -> None:
        nonlocal state, broken
        try:
            teller.tell(change)
        except OSError as error:  # whoever read our lines has gone; a listener that fails would not end anything
            broken = error
        if live.status.state != state:
            state = live.status.state
            if state in STATES:
                hint(STATES[state])
        if teller.ended is not None or state == "signed-out" or broken is not None:
            ended.set()

    names = await _names(client, thing)
    async with client.follow_talk(*(thing.topic(channel) for channel in channels)) as live:
        teller = Teller(live, say, names, json=json)
        live.listen(changed)
        await ended.wait()
    if broken is not None:
        raise broken
    return 3 if state == "signed-out" else 1 if teller.ended in ("unknown", "forbidden") else 0


async def _names(client: Client, thing: Entity) -> dict[str, str]:
    """What people are called who may do something there, as far as that can be asked."""
    trip_id = (await client.talk_summary(thing)).trip_id
    if trip_id is None:
        return {}
    return {member.id: member.name for member in (await client.trip(trip_id)).members.values()}
