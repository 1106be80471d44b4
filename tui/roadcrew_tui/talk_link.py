"""What is said and given of the things that somebody looks at: followed as long as they do, and told as snapshots.

As link.py, it has two sides: screens call `look`, `act` and `typing` on theirs, and the rest is done on the client's
thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from roadcrew_tui.client_thread import ClientThread
from roadcrew_tui.following import Signal
from roadcrew_tui.messages import TalkChanged
from roadcrew_tui.snapshot import Refusal, Saying, Status, TalkNews, TalkSnapshot

if TYPE_CHECKING:
    from textual.message import Message

    from roadcrew_client import Change, Client, LiveTalk
    from roadcrew_client.talk_routes import TalkAct
    from roadcrew_domain.places import Entity


class TalkLink:
    """All topics that some place of the screen shows, in one `LiveTalk`."""

    def __init__(
        self, thread: ClientThread, say: Callable[[Message], None], opened: Callable[[], Client | None]
    ) -> None:
        self._thread = thread
        self._say = say
        self._opened = opened
        self._wanted: dict[str, tuple[str, ...]] = {}
        self._live: LiveTalk | None = None
        self._unlisten: Callable[[], None] | None = None
        self._turning: asyncio.Task[None] | None = None
        self._followed: tuple[str, ...] = ()
        self._telling: set[asyncio.Task[None]] = set()
        self._gone: dict[str, str] = {}
        """Why nothing more comes of some that are looked at."""
        self._away: Signal | None = None

    # --- for screens -----------------------------------------------------------------------------

    def look(self, place: str, topics: Collection[str]) -> None:
        """A place shows these topics now. `TalkChanged` comes as long as there are any."""

        def run() -> None:
            self._wanted.pop(place, None)
            if topics:
                self._wanted[place] = tuple(topics)
            if self._turning is None or self._turning.done():
                self._turning = asyncio.get_running_loop().create_task(self._turn())

        self._thread.soon(run)

    async def act(self, topic: str, act: TalkAct, no: int | None = None) -> str:
        """Say or give something in a topic that is looked at; it is painted at once, by `TalkChanged`. `no`: the number
        of the item that it is about. Returns the command's id, which is that of an item that is written.

        Raises `Refused` when it is malformed; other refusals come as news.
        """

        async def run() -> str:
            if self._live is None:
                raise LookupError("nothing that can be talked about is looked at")
            return self._live.act(topic, act, no=no).id

        return await self._thread.run(run())

    def typing(self, entity: Entity, on: bool) -> None:
        """Tell that this person writes something, or not any more. It is for a moment: if it does not arrive, nobody
        is told."""

        async def tell(client: Client) -> None:
            from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - on the client's thread

            with suppress(RoadcrewError):
                await client.typing(entity, on)

        def run() -> None:
            client = self._opened()
            if client is not None:
                task = asyncio.get_running_loop().create_task(tell(client))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

        self._thread.soon(run)

    # --- on the client's thread ------------------------------------------------------------------

    async def forget_server(self) -> None:
        """The client is about to be closed; nothing there is looked at any more."""
        self._wanted.clear()
        if self._turning is not None:
            await asyncio.wait([self._turning])
        await self._turn()
        for task in self._telling:
            task.cancel()

    def signal(self, what: Signal) -> None:
        """Tell what the policy of syncing wants to know."""
        self._away = what if what in ("hidden", "suspended") else None
        if self._live is not None:
            getattr(self._live, what)()

    async def _turn(self) -> None:
        """Until what is followed is what is looked at."""
        while (topics := self._topics()) != self._followed:
            if not topics:
                await self._end()
            elif self._live is None:
                await self._begin(topics)
            else:
                self._live.watch(topics)
            self._followed = topics if self._live is not None else ()

    def _topics(self) -> tuple[str, ...]:
        """All of them; where they are too many, those of the places that were looked at last."""
        from roadcrew_domain.events import MAX_TOPICS  # noqa: PLC0415 - not before the first paint

        latest = reversed(self._wanted.values())
        return tuple(dict.fromkeys(topic for topics in latest for topic in topics))[:MAX_TOPICS]

    async def _begin(self, topics: tuple[str, ...]) -> None:
        client = self._opened()
        if client is None:
            self._wanted.clear()
            return
        live = client.follow_talk(*topics)
        if self._away is not None:
            getattr(live, self._away)()
        self._live = live
        self._unlisten = live.listen(lambda change: self._tell(live, change))
        await live.start()
        self._say(TalkChanged(self._snapshot(live), TalkNews("status")))

    async def _end(self) -> None:
        if self._unlisten is not None:
            self._unlisten()
        if self._live is not None:
            live, self._live, self._unlisten = self._live, None, None
            self._gone.clear()
            await live.stop()

    def _tell(self, live: LiveTalk, change: Change) -> None:
        if change.kind == "gone":
            self._gone[change.topic] = change.reason or "unknown"
        refused = change.refusal
        refusal = Refusal(refused.code, refused.detail, MappingProxyType(dict(refused.facts))) if refused else None
        act = cast("TalkAct", change.pending.act) if change.pending is not None else None
        self._say(TalkChanged(self._snapshot(live), TalkNews(change.kind, change.topic, change.events, refusal, act)))

    def _snapshot(self, live: LiveTalk) -> TalkSnapshot:
        status = live.status
        # While the link is live, what is on its way is marked where it stands; only what is held back is counted.
        held = sum(p.state == "waiting" for p in live.pending) if status.state == "live" else status.waiting
        return TalkSnapshot(
            states=live.states,
            present=MappingProxyType(dict(live.present)),
            sending=tuple(Saying(p.id, p.topic, cast("TalkAct", p.act), p.state == "waiting") for p in live.pending),
            gone=MappingProxyType({topic: why for topic, why in self._gone.items() if topic not in live.states}),
            status=Status(status.state, status.interval, held),
            ahead=live.server_now() - datetime.now(UTC),
        )
