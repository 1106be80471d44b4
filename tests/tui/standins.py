"""Stand-ins for the server and the client, for tests of the screen alone: they fold a local domain trip.

`World` stands for the server, `StandInClient` and `StandInLive` for `roadcrew_client`. They run where the real ones
do, on the link's own thread. What they do not do: networks, disks, retries. The real parts meet in tests/e2e.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.tui.bookings import WAYS, BookingCalls, Shop, StandInBook, StandInPendings
from tests.tui.histories import HistoryCalls
from tests.tui.importing import ImportCalls, Imports
from tests.tui.outbox import StandInDelivery
from tests.tui.quoting import Desk, QuoteCalls, StandInRun
from tests.tui.talking import TalkCalls, Talks

from roadcrew_client import Figures, SyncFigures, errors
from roadcrew_client.credentials import Kept
from roadcrew_client.models import Answer, Created, InviteLink, PaymentWay, ServerInfo, Session, TripSummary, User
from roadcrew_domain.crew import Invite, JoinTrip, RenameMember, RenewInvite, RevokeInvite
from roadcrew_domain.events import Event, event
from roadcrew_domain.ids import invite_code
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Bounds, Command, CreateTrip, Tick, Trip, decide, evolve

SERVER = "http://127.0.0.1:8787"
STATUS_OF = {
    "invalid": errors.Rejected,
    "conflict": errors.Rejected,
    "gone": errors.Rejected,
    "full": errors.Rejected,
    "forbidden": errors.Forbidden,
    "missing": errors.NotFound,
}


@dataclass
class Status:
    state: str = "live"
    interval: float | None = None
    waiting: int = 0


@dataclass(frozen=True)
class StandInChange:
    kind: str
    events: tuple[Event, ...] = ()
    pending: Any = None
    refusal: Any = None
    reason: str | None = None


@dataclass(frozen=True)
class StandInRefusal:
    code: str
    detail: str
    facts: Mapping[str, object]


@dataclass
class StandInPending:
    id: str
    act: Any
    since: datetime
    state: str = "sending"


@dataclass
class World:
    """The truth of all trips, and who listens. `ahead` moves its clock; `hold` keeps changes unanswered."""

    trips: dict[str, Trip] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    kept: dict[str, Trip] = field(default_factory=dict)
    """Copies of trips on this computer."""
    logs: dict[str, list[Event]] = field(default_factory=dict)
    forgotten: int = 0
    """Events before this one are not kept any more."""
    pace: tuple[float, float] | None = None
    """How often is asked where nothing can be listened to."""
    pages: list[tuple[int | None, int]] = field(default_factory=list)
    """Which pages of a log were asked for: before which event, and how many."""
    present: dict[str, dict[str, str]] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    ahead: timedelta = timedelta(0)
    hold: bool = False
    down: bool = False
    in_vain: int = 0
    """How often somebody asked while it was down."""
    recalls: bool = False
    """Who we are is known without asking."""
    public_url: str | None = None
    features: tuple[str, ...] = ("overview", "polls", "hotels")
    asked: int = 0
    """How often somebody asked what is served."""
    at: datetime | None = None
    figures: SyncFigures | None = None
    """What was measured of the link."""
    delivery: StandInDelivery = field(default_factory=StandInDelivery)
    ways: tuple[PaymentWay, ...] = WAYS
    shop: Shop = field(default_factory=Shop)
    """What can be booked, where `book` is among the features."""
    desk: Desk = field(default_factory=Desk)
    """The runs, where `quotes` is among the features."""
    talks: Talks = field(default_factory=Talks)
    """What is said and given, where `talk` is among the features."""
    imports: Imports = field(default_factory=Imports)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        self.lives: list[StandInLive] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def new_id(self) -> str:
        return f"00000000-0000-7000-8000-{next(self._ids):012x}"

    def user(self, name: str, *, guest: bool = True) -> User:
        user = User(self.new_id(), name, None if guest else name.lower(), guest)
        self.users[user.id] = user
        return user

    def create(self, by: User, name: str, **more: Any) -> Trip:
        trip_id = self.new_id()
        invite = Invite(invite_code(trip_id.encode()[-5:]), None, None)
        bounds = Bounds()
        act = CreateTrip(name, by.name, invite, bounds, 180 * 86400, **more)
        self.do(trip_id, by.id, act, command=trip_id)
        return self.trips[trip_id]

    def do(
        self, trip_id: str, by: str | None, act: Any, *, command: str | None = None, at: datetime | None = None
    ) -> str:
        """Decide and apply, and tell everybody who follows. Raises `Refused`."""
        with self._lock:
            now = at or self.at or self.now()
            command = command or self.new_id()
            trip = self.trips.get(trip_id)
            facts = decide(trip, Command(command, by, act), now)
            events = []
            for fact in facts:
                seq = self.heads.get(trip_id, -1) + 1
                e = event(f"trip:{trip_id}", seq, now, by, command, fact)
                trip = evolve(trip, e)
                self.heads[trip_id] = seq
                events.append(e)
            self.logs.setdefault(trip_id, []).extend(events)
            if trip is not None:
                self.trips[trip_id] = trip
            for live in list(self.lives):
                if live.trip_id == trip_id:
                    live.arrive(tuple(events), command)
            return command

    def join(self, trip_id: str, who: User) -> None:
        invite = self.trips[trip_id].invite
        assert invite is not None
        self.do(trip_id, who.id, JoinTrip(invite.code, who.name))

    def look(self, trip_id: str, who: str, where: str | None) -> None:
        here = self.present.setdefault(trip_id, {})
        if where is None:
            here.pop(who, None)
        else:
            here[who] = where
        for live in list(self.lives):
            if live.trip_id == trip_id:
                live.tell("presence")

    def set_status(self, **changes: Any) -> None:
        for live in list(self.lives):
            for name, value in changes.items():
                setattr(live.status, name, value)
            live.tell("status")

    def release(self) -> None:
        """Answer what was held back."""
        self.hold = False
        for live in list(self.lives):
            live.send_all()


class StandInLive:
    def __init__(self, world: World, trip_id: str, me: User, where: str) -> None:
        self.world, self.trip_id, self.me, self.where = world, trip_id, me, where
        self.confirmed: Trip | None = None
        self.status = Status()
        self._pending: list[StandInPending] = []
        self._callback: Callable[[Any], None] | None = None
        self._loop = asyncio.get_running_loop()
        self.signals: list[str] = []

    @property
    def pending(self) -> tuple[StandInPending, ...]:
        return tuple(self._pending)

    @property
    def present(self) -> Mapping[str, str]:
        return self.world.present.get(self.trip_id, {})

    @property
    def trip(self) -> Trip | None:
        trip = self.confirmed
        for p in self._pending:
            try:
                for fact in decide(trip, Command(p.id, self.me.id, p.act), self.world.now()):
                    trip = evolve(trip, event(f"trip:{self.trip_id}", 10_000, p.since, self.me.id, p.id, fact))
            except Refused:
                continue
        return trip

    def server_now(self) -> datetime:
        return self.world.now()

    def figures(self) -> SyncFigures | None:
        return self.world.figures

    def listen(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        self._callback = callback
        return lambda: setattr(self, "_callback", None)

    async def start(self) -> None:
        self.world.lives.append(self)
        self.confirmed = self.world.trips.get(self.trip_id)
        if self.confirmed is None or self.me.id not in self.confirmed.members:
            self._say(StandInChange("gone", reason="unknown"))
            return
        self.world.look(self.trip_id, self.me.id, self.where)
        self._say(StandInChange("reset"))

    async def stop(self) -> None:
        self.world.lives.remove(self)
        self.world.look(self.trip_id, self.me.id, None)

    def _say(self, change: StandInChange) -> None:
        if self._callback is not None:
            self._callback(change)

    def tell(self, kind: str) -> None:
        self._loop.call_soon_threadsafe(self._say, StandInChange(kind))

    def arrive(self, events: tuple[Event, ...], command: str) -> None:
        self._loop.call_soon_threadsafe(self._arrived, events, command)

    def _arrived(self, events: tuple[Event, ...], command: str) -> None:
        for e in events:
            self.confirmed = evolve(self.confirmed, e)
        self._pending = [p for p in self._pending if p.id != command]
        self._say(StandInChange("events", events))
        if self.confirmed is not None and self.me.id not in self.confirmed.members:
            self._say(StandInChange("gone", reason="removed"))
        elif self.confirmed is not None and self.confirmed.ended:
            self._say(StandInChange("gone", reason="ended"))

    def act(self, act: Any) -> StandInPending:
        command = self.world.new_id()
        try:
            decide(self.trip, Command(command, self.me.id, act), self.world.now())
        except Refused as refused:
            if refused.kind == "invalid":
                raise
        state = "waiting" if self.status.state == "offline" else "sending"
        pending = StandInPending(command, act, self.world.now(), state)
        self._pending.append(pending)
        self._say(StandInChange("pending", pending=pending))
        if not self.world.hold:
            self._loop.call_soon(self._send, pending)
        return pending

    def send_all(self) -> None:
        for pending in self.pending:
            self._loop.call_soon_threadsafe(self._send, pending)

    def _send(self, pending: StandInPending) -> None:
        try:
            self.world.do(self.trip_id, self.me.id, pending.act, command=pending.id)
        except Refused as refused:
            self._pending = [p for p in self._pending if p.id != pending.id]
            refusal = StandInRefusal(refused.code, refused.detail, refused.facts)
            self._say(StandInChange("refused", pending=pending, refusal=refusal))

    def look(self, where: str) -> None:
        self.world.look(self.trip_id, self.me.id, where)

    def key_pressed(self) -> None:
        self.signals.append("key_pressed")

    def hidden(self) -> None:
        self.signals.append("hidden")

    def suspended(self) -> None:
        self.signals.append("suspended")

    def resumed(self) -> None:
        self.signals.append("resumed")

    def shown(self) -> None:
        self.signals.append("shown")


class StandInClient(BookingCalls, QuoteCalls, ImportCalls, TalkCalls, HistoryCalls):
    server = SERVER

    def __init__(self, world: World, me: User | None) -> None:
        self.world, self.user = world, me
        self.lost_token: str | None = None
        self.figures = Figures()
        self.delivery = world.delivery
        self.on_token: Callable[[str | None], None] | None = None

    async def __aenter__(self) -> StandInClient:
        return self

    async def settle(self, seconds: float) -> int:
        return 0

    async def close(self) -> None:
        return

    def pace(self, fastest: float, slowest: float) -> None:
        self.world.pace = (fastest, slowest)

    def _check(self) -> None:
        if self.world.down:
            self.world.in_vain += 1
            raise errors.Unreachable("unreachable", "The server can't be reached.")

    @property
    def token(self) -> str | None:
        return None if self.user is None else self.user.id

    def new_id(self) -> str:
        return self.world.new_id()

    def server_now(self) -> datetime:
        return self.world.now()

    @property
    def knows_the_time(self) -> bool:
        return True

    def follow_book(self) -> StandInBook:
        return StandInBook(self, asyncio.get_running_loop())

    def follow_run(self, name: str) -> StandInRun:
        return StandInRun(self, name, asyncio.get_running_loop())

    async def recall(self) -> User | None:
        return self.user if self.world.recalls else None

    async def whoami(self) -> User:
        self._check()
        if self.user is None:
            raise errors.NotSignedIn("not-signed-in", "Sign in first.")
        return self.user

    def _got(self, user: User) -> Session:
        self.user = user
        if self.on_token is not None:
            self.on_token(user.id)
        return Session(user.id, user)

    async def guest(self, name: str) -> Session:
        self._check()
        return self._got(self.world.user(name))

    async def wait_for_session(self, **_: Any) -> None:
        self._check()

    async def login(self, username: str, password: str) -> Session:
        found = next((u for u in self.world.users.values() if u.username == username), None)
        if found is None or password != "correct horse":
            raise errors.NotSignedIn("wrong-credentials", "That name and password do not fit.")
        return self._got(found)

    async def logout(self) -> None:
        self.user = None
        if self.on_token is not None:
            self.on_token(None)

    async def rename(self, name: str) -> User:
        me = await self.whoami()
        self.user = User(me.id, name, me.username, me.guest)
        for trip in list(self.world.trips.values()):
            if me.id in trip.members:
                self.world.do(trip.id, me.id, RenameMember(name))
        return self.user

    async def upgrade(self, username: str, password: str) -> User:
        me = await self.whoami()
        self.user = self.world.users[me.id] = User(me.id, me.name, username, False)
        return self.user

    async def server_info(self) -> ServerInfo:
        self._check()
        self.world.asked += 1
        ways = self.world.ways if "book" in self.world.features else ()
        return ServerInfo("stand-in", "0", self.world.public_url, self.world.features, payments=ways)

    async def trips(self) -> list[TripSummary]:
        me = await self.whoami()
        return [
            TripSummary(
                t.id, t.name, t.destination, t.starts_on, t.ends_on, len(t.members), t.required_members, needs_me=1
            )
            for t in self.world.trips.values()
            if me.id in t.members and t.ended is None
        ]

    async def load_trips(self) -> list[TripSummary]:
        return await self.trips()

    async def trip(self, trip_id: str) -> Trip:
        return self.world.trips[trip_id]

    async def kept_trips(self, ids: Collection[str]) -> tuple[Trip, ...]:
        return tuple(self.world.kept[trip_id] for trip_id in ids if trip_id in self.world.kept)

    async def create_trip(self, name: str, *, key: str | None = None, **more: Any) -> Created:
        me = await self.whoami()
        trip = _refusing(lambda: self.world.create(me, name, **more))
        assert trip.invite is not None
        return Created(trip, InviteLink(trip.invite.code, f"{SERVER}/j/{trip.invite.code}"), "")

    async def join(self, invite: str, name: str | None = None) -> Trip:
        me = await self.whoami()
        for trip in self.world.trips.values():
            if trip.invite is not None and trip.invite.code == invite:
                _refusing(partial(self.world.do, trip.id, me.id, JoinTrip(invite, me.name)))
                return self.world.trips[trip.id]
        raise errors.NotFound("invite-unknown", "There is no such invite. Check the code with who sent it.")

    async def do(self, trip_id: str, act: Any, *, key: str | None = None) -> Answer:
        me = await self.whoami()
        if type(act).__name__ == "InviteRequest":
            code = invite_code(self.world.new_id().encode()[-5:])
            act = RevokeInvite() if act.revoke else RenewInvite(code, act.expires_at, act.max_uses)
        _refusing(lambda: self.world.do(trip_id, me.id, act))
        return Answer(self.world.trips.get(trip_id), "")

    def follow(self, trip_id: str, *, where: str = "overview") -> StandInLive:
        assert self.user is not None
        return StandInLive(self.world, trip_id, self.user, where)


def _refusing(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Refused as refused:
        raise STATUS_OF[refused.kind](refused.code, refused.detail, facts=refused.facts) from refused


class StandInVault:
    def __init__(self, token: str | None) -> None:
        self.token = token

    def find(self, server: str) -> Kept | None:
        return None if self.token is None else Kept(self.token, datetime.now(UTC), "file")

    def load(self, server: str) -> str | None:
        return self.token

    def save(self, server: str, token: str) -> None:
        self.token = token

    def forget(self, server: str, token: str | None) -> None:
        self.token = None


class StandInMaker:
    """What the link gets instead of the real client."""

    def __init__(self, world: World, me: User | None = None) -> None:
        self.world, self.me = world, me
        self._vault = StandInVault(me.id if me else None)

    def client(self, server: str, kept: Kept | None, reload: Callable[[], Awaitable[str | None]]) -> Any:
        return StandInClient(self.world, self.world.users.get(kept.token if kept else ""))

    def bookings(self) -> Any:
        return StandInPendings(self.world.shop.kept)

    def vault(self, may_write_file: Callable[[Path, str], bool]) -> StandInVault:
        return self._vault

    async def close(self) -> None:
        return


def tick(world: World, trip_id: str) -> None:
    """The server's timer has fired."""
    world.do(trip_id, None, Tick())
