"""One of the crowd: a real client, with a network cable that the plan pulls out and plugs in again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from roadcrew_client import (
    Change,
    Client,
    ClientSettings,
    LiveTalk,
    LiveTrip,
    Pending,
    RoadcrewError,
    ServerTrouble,
    TooManyRequests,
    Unreachable,
)
from roadcrew_domain.crew import LeaveTrip
from roadcrew_domain.events import BadCursor, Position, decode_cursor
from roadcrew_domain.ids import check_of
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Command, TripAct
from roadcrew_domain.views import encode_trip
from roadcrew_tui.crowd import PLACES, pause
from roadcrew_tui.simulation.choices import act_for
from roadcrew_tui.simulation.crew import Crew, Made
from roadcrew_tui.simulation.network import Network
from roadcrew_tui.simulation.plan import Step
from roadcrew_tui.simulation.talker import Talker
from roadcrew_tui.simulation.tally import Modes, Reading, Tally, count

T = TypeVar("T")

SETTINGS = ClientSettings(attempts=1, hidden_grace=1.0)
"""What an app has, but for two numbers: who is hidden stops asking after 1 s, not 30, so that a short run shows it;
and calls are tried again in here, where each failure is counted."""
LONGEST_WAIT = 5.0
"""Seconds between two tries of a call that failed; a server that asks for more is given more."""


class Person:
    """Takes the steps of the plan, one after the other, until `over`."""

    def __init__(self, name: str, server: str, crew: Crew, tally: Tally, over: asyncio.Event) -> None:
        self.name = name
        self.crew = crew
        self.live: LiveTrip | None = None
        self.talker: Talker | None = None
        self._network = Network()
        self._client = Client(server, settings=SETTINGS, cable=self._network.cable)
        self._server = server
        self._tally = tally
        self._over = over
        self._modes = Modes(tally)
        self._live_since: float | None = None
        self._reading = Reading(name, tally)
        self._sent: dict[str, int] = {}
        self._in_trip = False
        self._limited: RoadcrewError | None = None

    # --- what others may know ---------------------------------------------------------------------

    @property
    def uncut(self) -> int | None:
        """See `Actor`."""
        in_touch = self._network.good and self.state in ("live", "polling")
        return self._network.cuts if in_touch else None

    @property
    def state(self) -> str:
        """How they keep in touch; empty for who follows no trip."""
        return self._modes.state if self.live is not None else ""

    @property
    def last(self) -> int | None:
        """The last event that they were given."""
        return self._reading.last

    def differs(self, wanted: bytes, head: int) -> str | None:
        """How what they see differs from what the server has: this trip, as of event `head`. None if it does not."""
        live = self.live
        if live is None:
            return None
        self._reading.end(head)
        trip, waiting = live.confirmed, len(live.pending)
        if trip is not None and encode_trip(trip) == wanted and not waiting:
            return None
        status = live.status
        why = f", {status.last_error.code}" if status.last_error is not None else ""
        return f"at event {self.last} of {head}, {status.state}{why}, {waiting} changes wait"

    # --- taking steps -----------------------------------------------------------------------------

    async def act_out(self, steps: Iterator[Step], began: float) -> None:
        """Take each step when its time has come (`began`: the loop's time of the start), or as soon as possible."""
        clock = asyncio.get_running_loop().time
        try:
            for step in steps:
                due = began + step.at / 1000
                if due > clock():
                    await pause(due - clock(), self._over)
                if self._over.is_set():
                    self._tally.left_out += 1
                    continue
                self._tally.late.add(max(0.0, clock() - due))
                await self._take(step)
        except asyncio.CancelledError:
            self._tally.left_out += 1 + sum(1 for _ in steps)
            raise

    async def _take(self, step: Step) -> None:
        match step.kind:
            case "create":
                await self._create()
            case "join" | "join-again":
                await self._join()
            case "lose-network":
                self._tally.losses += 1
                self._network.lose()
            case "bad-network":
                self._tally.bad_times += 1
                self._network.worsen()
            case "get-network" | "good-network":
                self._network.mend()
            case _ if self.live is None or not await self._take_in_trip(step, self.live):
                count(self._tally.idle, step.kind)
                return
        count(self._tally.actions, step.kind)

    async def _take_in_trip(self, step: Step, live: LiveTrip) -> bool:
        """False if there was nothing to do."""
        match step.kind:
            case "leave":
                await self._leave(live)
            case "hide":
                self._tally.hidden += 1
                for seen in self._screens():
                    seen.hidden()
            case "show":
                for seen in self._screens():
                    seen.shown()
            case "say" | "edit" | "remove" | "react" | "rate" | "like":
                return self.talker is not None and self.talker.take(step)
            case "look":
                live.look(PLACES[step.which % len(PLACES)])
            case _:
                return self._act(step, live)
        return True

    def come_back(self) -> None:
        """The last part of the time: the network is there, and the person is seen."""
        self._network.mend()
        for seen in self._screens():
            seen.shown()

    async def close(self) -> None:
        """Stop following, close all connections."""
        self._network.mend()
        self.live = self.talker = None  # what is heard from now on is our own going
        await self._client.close()

    # --- a trip -----------------------------------------------------------------------------------

    async def _create(self) -> None:
        key = str(uuid.uuid4())
        if not await self._signed_in():
            return
        trip_name = f"Trip of {self.name}"
        created = await self._patiently(lambda: self._client.create_trip(trip_name, key=key))
        if created is None:
            return
        witness = Client(self._server, token=self._client.token, renews=False)
        await self.crew.found(created.trip.id, created.invite.code, witness)
        await self._follow()

    async def _join(self) -> None:
        if self.live is not None or not await self._signed_in():
            return
        if not await self.crew.opens(self._over):
            return
        key, new = str(uuid.uuid4()), not self._in_trip
        trip = await self._patiently(lambda: self._client.join(self.crew.code, key=key))
        if trip is None:
            return
        self._in_trip = True
        if new:
            self.crew.ledger.accepted(key, trip.recent[-1].seq)
        await self._follow()

    async def _leave(self, live: LiveTrip) -> None:
        self.live = None  # from now on they look no more, whether or not the server hears of it in time
        key = str(uuid.uuid4())
        answer = await self._patiently(lambda: self._client.do(live.trip_id, LeaveTrip(), key=key))
        if answer is not None:
            self._in_trip = False
            self._book(Command(key, self._me, LeaveTrip()), answer.cursor)
        await live.stop()
        if self.talker is not None:
            talker, self.talker = self.talker, None
            await talker.stop()

    async def _signed_in(self) -> bool:
        if self._client.user is None:
            await self._patiently(lambda: self._client.guest(self.name))
        return self._client.user is not None

    async def _follow(self) -> None:
        self.live = self._client.follow(self.crew.trip_id)
        self._reading = Reading(self.name, self._tally)
        self._modes, self._live_since = Modes(self._tally), None
        self.live.listen(self._heard)
        await self.live.start()
        if self.crew.talks:
            self.talker = Talker(self._client, self.crew.trip_id, self._me, self._tally, self.crew.said)
            await self.talker.start()

    def _screens(self) -> list[LiveTrip | LiveTalk]:
        followed = [self.live, None if self.talker is None else self.talker.live]
        return [live for live in followed if live is not None]

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """The result of a call that may be repeated, tried until there is one or the time is up; None without."""
        wait = 0.5
        while not self._over.is_set():
            try:
                return await call()
            except TooManyRequests as error:
                self._tally.too_many_requests += 1
                wait = max(wait, error.retry_after or 0.0)
            except (Unreachable, ServerTrouble):
                self._tally.failed_calls += 1
            except (RoadcrewError, Refused) as error:
                self._tally.refuse(error.code)
                return None
            await pause(wait, self._over)
            wait = min(LONGEST_WAIT, wait * 2)
        return None

    # --- changes ----------------------------------------------------------------------------------

    @property
    def _me(self) -> str:
        return self._client.user.id if self._client.user is not None else ""

    def _act(self, step: Step, live: LiveTrip) -> bool:
        trip = live.trip
        act = None if trip is None or self._me not in trip.members else act_for(step, trip, self._me, live.server_now())
        if act is None:
            return False
        made = Made(self, asyncio.get_running_loop().time(), self.uncut)
        try:
            pending = live.act(act)
        except (Refused, TooManyRequests) as error:
            self._tally.refuse(error.code)
            return True
        self._sent[pending.id] = -1
        self.crew.remember(pending.id, made)
        pending.done.add_done_callback(lambda _: self._settled(pending, act, made))
        return True

    def _settled(self, pending: Pending, act: TripAct, made: Made) -> None:
        seq = self._sent.pop(pending.id)
        if pending.done.cancelled():
            self._tally.unknown += 1
            return
        outcome = pending.done.result()
        if not outcome.accepted:
            self._tally.refuse(outcome.refusal.code if outcome.refusal is not None else "refused")
            self.crew.ledger.refused(pending.id)
            return
        if made.steady:
            self._tally.accepted.add(asyncio.get_running_loop().time() - made.at)
        self._book(Command(pending.id, self._me, act), outcome.cursor, seq)

    def _book(self, command: Command, cursor: str | None, seq: int = -1) -> None:
        """Into the books: it was accepted, by an answer with this cursor or by event `seq`. If the event that a
        cursor names is not of this command, the command made none."""
        place = self._place(cursor)
        if place is not None and place.check != check_of(command.id):
            self.crew.ledger.unchanged(command, place.seq)
        else:
            self.crew.ledger.accepted(command.id, seq if place is None else place.seq)

    def _place(self, cursor: str | None) -> Position | None:
        with suppress(BadCursor):
            return decode_cursor(cursor).get(f"trip:{self.crew.trip_id}") if cursor is not None else None
        return None

    # --- what they are given ----------------------------------------------------------------------

    def _heard(self, change: Change) -> None:
        live = self.live
        if live is None:
            return
        now = asyncio.get_running_loop().time()
        if change.kind == "reset" and live.confirmed is not None:
            self._reading.reset(live.confirmed.recent[-1].seq)
        for event in change.events:
            self._reading.event(event.seq)
            if event.command in self._sent:
                self._sent[event.command] = event.seq
            if event.by == self._me:
                continue
            made = self.crew.made(event.command)
            if made is not None and made.steady and self._live_since is not None and self._live_since <= made.at:
                self._tally.seen.add(now - made.at)
        if change.kind in ("status", "pending"):
            self._moved(live, now)

    def _moved(self, live: LiveTrip, now: float) -> None:
        status = live.status
        if self._modes.now(status):
            self._live_since = now if status.state == "live" else None
        error = status.last_error
        if isinstance(error, TooManyRequests) and error is not self._limited:
            self._tally.too_many_requests += 1
        self._limited = error
