"""A stand-in for a server that books: carts and slots by the real rules, in logs that can be followed; and it can be
asked without a network, by a client whose time is moved by hand."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from tests.api_client.scripted import NOW, Request

import roadcrew_client as rc
from roadcrew_client.errors import from_reply
from roadcrew_client.transport import Params, Reply
from roadcrew_domain import cart, seats
from roadcrew_domain.cart import Cart, CartBounds, CartCommand, Ticket
from roadcrew_domain.cart_acts import CartAct, CartTick, ConfirmAdd, FailAdd, OpenCart, StartAdd
from roadcrew_domain.events import Event, Fact, Position, decode_cursor, encode_cursor, encode_event, event
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.money import Money
from roadcrew_domain.prices import prices
from roadcrew_domain.refusals import Refused
from roadcrew_domain.seats_state import HoldSeats, OpenSlot, SlotAct, SlotCommand
from roadcrew_domain.seats_views import encode_count

HOUR = timedelta(hours=1)
STARTS = NOW + timedelta(days=20)
STATUS = {"invalid": 422, "forbidden": 403, "missing": 404, "conflict": 409, "gone": 410, "full": 409}


def slot_info(slot_id: str = "monet.20300521.1200", starts_at: datetime = STARTS) -> SlotInfo:
    """A slot of two hours."""
    return SlotInfo(slot_id, "monet", "Monet", "Museu", "Lisbon", starts_at, starts_at + 2 * HOUR, "Europe/Lisbon")


SLOT = slot_info()
OTHER = slot_info("monet.20300521.1400")


class TopicLog:
    """One topic: its events, and their fold by the real rules."""

    def __init__(
        self, topic: str, decide: Callable[..., Any], evolve: Callable[..., Any], encode: Callable[[Any], bytes]
    ) -> None:
        self.topic, self.decide, self.evolve, self.encode = topic, decide, evolve, encode
        self.state: Any = None
        self.events: list[Event] = []
        self.epoch = "e"

    def run(self, command: Any, by: str | None, now: datetime) -> list[Fact]:
        """Raises `Refused`."""
        facts = list(self.decide(self.state, command, now))
        for fact in facts:
            self.put(event(self.topic, len(self.events), now, by, command.id, fact))
        return facts

    def put(self, e: Event) -> None:
        """An event, whatever the rules say."""
        self.events.append(e)
        self.state = self.evolve(self.state, e)

    @property
    def position(self) -> Position:
        """Where the log is."""
        return self.place(len(self.events) - 1)

    def place(self, seq: int) -> Position:
        """The place after that event."""
        return Position.after(self.epoch, seq, self.events[seq].command)

    def encoded(self) -> Any:
        """What a reset tells."""
        return json.loads(self.encode(self.state))


class Logs:
    """Topics that can be followed. Tokens are people's ids. `now` is moved by tests."""

    def __init__(self) -> None:
        self.now = NOW
        self.logs: dict[str, TopicLog] = {}
        self.grown = asyncio.Event()
        self.made = 0

    def grow(self) -> None:
        """Something has happened in one of them."""
        self.grown.set()
        self.grown = asyncio.Event()

    def new_id(self) -> str:
        """The id of the next command."""
        self.made += 1
        return f"00000000-0000-7000-8000-{self.made:012}"

    def log_of(self, topic: str, user: str) -> TopicLog | None:
        """What this person may read of it."""
        return self.logs.get(topic)

    async def call(self, request: Request) -> None:
        """A call over a real socket."""
        await request.problem(404, "not-found")

    async def sync(self, request: Request) -> None:
        """`/api/sync` over a real socket, and any call."""
        if request.path != "/api/sync":
            return await self.call(request)
        follower = _Follower(self, request)
        if request.streams:
            return await follower.stream()
        return await follower.poll()


class Desk(Logs):
    """Of one who books."""

    def __init__(self, capacity: int = 10, *slots: SlotInfo) -> None:
        super().__init__()
        self.capacity = capacity
        self.infos = {info.slot_id: info for info in (slots or (SLOT, OTHER))}
        self.records: dict[str, tuple[bytes, str]] = {}
        self.adds: list[tuple[str, str]] = []
        """Who asked for seats, and under which key."""

    # --- what happens ---------------------------------------------------------------------------

    def cart_log(self, user: str = "ana") -> TopicLog:
        """A person's cart, opened by looking."""
        if f"cart:{user}" not in self.logs:
            self.logs[f"cart:{user}"] = TopicLog(f"cart:{user}", cart.decide, cart.evolve, cart.encode_cart)
            self.do(OpenCart(), user=user)
        return self.logs[f"cart:{user}"]

    def cart(self, user: str = "ana") -> Cart:
        """As it is."""
        return cast(Cart, self.cart_log(user).state)

    def slot_log(self, slot_id: str = SLOT.slot_id) -> TopicLog:
        """A slot, opened by looking."""
        topic = f"slot:{slot_id}"
        if topic not in self.logs:
            self.logs[topic] = TopicLog(topic, seats.decide, seats.evolve, encode_count)
            info = self.infos[slot_id]
            self.do_slot(OpenSlot(self.capacity, info.starts_at, info.ends_at), slot_id)
        return self.logs[topic]

    def do(self, act: CartAct, command: str | None = None, user: str = "ana") -> str:
        """To a cart; the command's id."""
        command = command or self.new_id()
        self.cart_log(user).run(CartCommand(command, user, act), user, self.now)
        self.grow()
        return command

    def do_slot(self, act: SlotAct, slot_id: str = SLOT.slot_id) -> None:
        """To a slot."""
        self.slot_log(slot_id).run(SlotCommand(self.new_id(), act), None, self.now)
        self.grow()

    def hold(self, count: int, slot_id: str = SLOT.slot_id) -> str:
        """Somebody else holds seats."""
        hold, info = self.new_id(), self.infos[slot_id]
        opening = OpenSlot(self.capacity, info.starts_at, info.ends_at)
        self.do_slot(HoldSeats(hold, count, self.now + HOUR, self.now + HOUR, opening), slot_id)
        return hold

    def add(self, count: int = 2, slot_id: str = SLOT.slot_id, key: str | None = None, user: str = "ana") -> str:
        """Seats into a cart; the line. Raises `Refused`."""
        info, line = self.infos.get(slot_id), key or self.new_id()
        if info is None:
            raise Refused("unknown-slot", "missing", "There is no such time slot.")
        tickets = (Ticket("adult", "Adult", count, Money(1250, "EUR")),)
        self.do(StartAdd(info, tickets, None, CartBounds(book_ahead_days=3650)), line, user)
        opening = OpenSlot(self.capacity, info.starts_at, info.ends_at)
        until = self.now + 15 * timedelta(minutes=1)
        self.slot_log(slot_id)
        self.do_slot(HoldSeats(line, count, until, until, opening), slot_id)
        self.do(ConfirmAdd(line), None, user)
        return line

    def tick(self, user: str = "ana") -> None:
        """Announce what has run out."""
        self.do(CartTick(), user=user)

    def holds(self, slot_id: str = SLOT.slot_id) -> list[int]:
        """Seats of each hold of a slot."""
        log = self.logs.get(f"slot:{slot_id}")
        return [] if log is None else [hold.seats for hold in log.state.holds.values()]

    # --- calls ----------------------------------------------------------------------------------

    def answer(self, user: str = "ana", **more: object) -> dict[str, object]:
        """What a call about the cart is answered with."""
        log = self.cart_log(user)
        return {
            "cart": log.encoded(),
            "prices": json.loads(msgspec.json.encode(prices(log.state))),
            "cursor": encode_cursor({log.topic: log.position}),
            **more,
        }

    def handle(self, method: str, path: str, token: str, key: str, body: bytes) -> tuple[int, dict[str, object]]:
        """A call, answered."""
        if not token:
            return 401, {"code": "not-signed-in", "detail": "Sign in first."}
        try:
            match path.removeprefix("/api/"):
                case "session":
                    return 200, {"user": {"id": token, "name": token.title(), "guest": True}}
                case "cart/load":
                    return 200, self.answer(token)
                case "cart/add":
                    return 200, self._added(token, key, body)
                case _:
                    return 404, {"code": "not-found", "detail": f"No {method} {path}."}
        except Refused as refused:
            facts = json.loads(msgspec.json.encode(refused.facts))
            return STATUS[refused.kind], {"code": refused.code, "detail": refused.detail, **facts}

    def _added(self, user: str, key: str, body: bytes) -> dict[str, object]:
        self.adds.append((user, key))
        if key in self.records:
            if self.records[key][0] != body:
                raise Refused("key-reused", "invalid", "That key was used for something else.")
            return self.answer(user, lineId=key)
        asked = json.loads(body)
        try:
            line = self.add(sum(asked["tickets"].values()), asked["slotId"], key, user)
        except Refused as refused:
            if self.cart(user).line(key) is not None:
                self.do(FailAdd(key, refused.code), user=user)
            raise
        self.records[key] = (body, line)
        return self.answer(user, lineId=line)

    async def call(self, request: Request) -> None:
        """A call over a real socket."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = request.headers.get("idempotency-key", "")
        status, answer = self.handle(request.method, request.path, token, key, request.body)
        await request.answer(status, answer)

    def log_of(self, topic: str, user: str) -> TopicLog | None:
        """Looking opens it."""
        kind, _, name = topic.partition(":")
        if (kind == "slot" and name not in self.infos) or (kind == "cart" and name != user):
            return None
        return self.slot_log(name) if kind == "slot" else self.cart_log(name)


class _Follower:
    """One reader of some topics."""

    def __init__(self, desk: Logs, request: Request) -> None:
        self.desk, self.request = desk, request
        self.topics = list(request.query["topic"])
        given = decode_cursor(request.cursor) if request.cursor else {}
        self.at = {topic: place for topic, place in given.items() if topic in self.topics}

    def frames(self) -> list[tuple[str | None, dict[str, Any] | Event, str]]:
        """What is new."""
        found: list[tuple[str | None, dict[str, Any] | Event, str]] = []
        for topic in tuple(self.topics):
            log = self.desk.log_of(topic, self.request.headers["authorization"].removeprefix("Bearer "))
            if log is None:
                self.topics.remove(topic)
                self.at.pop(topic, None)
                found.append(("gone", {"topic": topic, "reason": "unknown"}, self.cursor))
                continue
            place = self.at.get(topic)
            if place is None or place.epoch != log.epoch or place.seq >= len(log.events):
                self.at[topic] = log.position
                now = self.desk.now.isoformat()
                reset = {"topic": topic, "seq": log.position.seq, "state": log.encoded(), "now": now}
                found.append(("reset", reset, self.cursor))
                continue
            for e in log.events[place.seq + 1 :]:
                self.at[topic] = log.place(e.seq)
                found.append((None, e, self.cursor))
        return found

    @property
    def cursor(self) -> str:
        """Where this reader is."""
        return encode_cursor(self.at)

    async def stream(self) -> None:
        """For ever."""
        await self.request.open_stream()
        await self.request.raw(b"retry: 0\n: hello\n\n")
        while True:
            grown = self.desk.grown
            for kind, frame, cursor in self.frames():
                data = encode_event(frame) if isinstance(frame, Event) else json.dumps(frame).encode()
                name = b"" if kind is None else f"event: {kind}\n".encode()
                await self.request.raw(name + f"id: {cursor}\n".encode() + b"data: " + data + b"\n\n")
            await grown.wait()

    async def poll(self) -> None:
        """Once."""
        frames = self.frames()
        if not frames:
            return await self.request.answer(204)
        named = {"reset": "resets", None: "events", "gone": "gone"}
        batch: dict[str, Any] = {"events": [], "resets": [], "gone": [], "more": False, "cursor": self.cursor}
        for kind, frame, _ in frames:
            batch[named[kind]].append(json.loads(encode_event(frame)) if isinstance(frame, Event) else frame)
        return await self.request.answer(200, batch)


# --- without a network ---------------------------------------------------------------------------

Fault = Callable[[str], object]
"""Told of a call's path: what goes wrong with it. None; `lost`, before it is there; `unheard`, after it was done; or
what is answered instead: a status and a code, and perhaps seconds of `Retry-After`."""


class Wire:
    """Between a client and a desk, in place of HTTP. Each way takes `latency` seconds."""

    def __init__(self, desk: Desk, fault: Fault = lambda path: None, latency: float = 0.05) -> None:
        self.desk, self.fault, self.latency = desk, fault, latency
        self.asked: list[tuple[float, str]] = []
        """When what was asked."""
        self.on_asked: Callable[[str], None] = lambda path: None

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """As `HttpTransport.call`."""
        given = headers or {}
        self.asked.append((asyncio.get_running_loop().time(), path))
        self.on_asked(path)
        fault = self.fault(path)
        await asyncio.sleep(self.latency)
        if fault == "lost":
            raise rc.Unreachable("no-connection", "The server can't be reached.")
        if isinstance(fault, tuple):
            status, code, *wait = fault
            told = {"retry-after": str(wait[0])} if wait else {}
            raise from_reply(status, told, json.dumps({"code": code, "detail": f"It is {code}."}).encode())
        token = given.get("Authorization", "").removeprefix("Bearer ")
        status, answer = self.desk.handle(method, path, token, given.get("Idempotency-Key", ""), body or b"")
        await asyncio.sleep(self.latency)
        if fault == "unheard":
            raise rc.Unreachable("cut", "The connection was cut.")
        if status >= 300:
            raise from_reply(status, {}, json.dumps(answer).encode())
        return Reply(status, {}, json.dumps(answer).encode())

    async def close(self) -> None:
        """Nothing to close."""

    def times(self, path: str) -> list[float]:
        """When it was asked."""
        return [at for at, asked in self.asked if asked == path]
