"""A change that waits on disk, as a value, and as the row that it is there. Pure. A row is checked as if a stranger had
written it: another version of this program, or an editor, may have.

What is kept is the call itself, byte for byte: it may have reached the server before the program ended, and under one
id a server takes one body only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, cast, get_args

import msgspec

from roadcrew_client._outbox_db import OutboxTrouble
from roadcrew_client.about import About
from roadcrew_client.changes import Refusal
from roadcrew_client.routes import FEEDS, Call, act_of
from roadcrew_client.rules import Act

EntryState = Literal["waiting", "asks", "refused", "unreadable"]
Verdict = Literal["send", "asks", "gone"]

Said = tuple[object, object]
"""What a row has as its path and its body."""

UNREADABLE = (ValueError, RecursionError, msgspec.MsgspecError)
MAX_BODY = 128 * 1024
"""The longest blog is 80 kB."""
_WORDS = re.compile(r"[/ ?]")
MAX_FACTS = 4 * 1024
MAX_WORD = 200
COLUMNS = "n, id, server, person, trip, path, body, about, made_at, state, reason, owner"


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A change that waits. `user` made it, at `made_at` (this computer's clock), to a topic at `server`: `trip:ID`, or
    a channel of talk.

    `waiting` ones are sent in the order of `number`; one that `asks` is too old to be sent unasked; `refusal` says why
    the server did not take a `refused` one; an `unreadable` one has no act. `running`: a program that runs sees to it.
    """

    id: str
    server: str
    user: str
    topic: str
    call: Call
    about: About
    made_at: datetime
    act: Act | None = None
    state: EntryState = "waiting"
    refusal: Refusal | None = None
    running: bool = False
    number: int = 0

    @property
    def trip_id(self) -> str:
        """The trip that is changed, or talked about; empty where that can't be said."""
        words = self.topic.split(":")
        return words[1] if words[0] == "trip" else words[2] if words[:2] == ["feed", "trip"] else ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many changes there are of each kind."""

    waiting: int = 0
    asks: int = 0
    refused: int = 0
    unreadable: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.waiting + other.waiting,
            self.asks + other.asks,
            self.refused + other.refused,
            self.unreadable + other.unreadable,
        )

    @property
    def needing(self) -> int:
        """How many want something of the person."""
        return self.asks + self.refused + self.unreadable


class Row(NamedTuple):
    """What the database gave; any of it may be of any type."""

    n: Any
    id: Any
    server: Any
    person: Any
    trip: Any
    path: Any
    body: Any
    about: Any
    made_at: Any
    state: Any
    reason: Any
    owner: Any


class _Reason(msgspec.Struct):
    code: str
    detail: str
    facts: dict[str, Any] = {}


def values_of(entry: OutboxEntry) -> tuple[object, ...]:
    """The row's id, server, person, trip, path, body, about and made_at. Raises `OutboxTrouble`."""
    if len(entry.call.body) > MAX_BODY:
        raise OutboxTrouble("it is too large")
    made_at = int(entry.made_at.timestamp() * 1000)
    about = msgspec.json.encode(entry.about).decode()
    place = (entry.id, entry.server, entry.user, entry.topic.removeprefix("trip:"))
    return (*place, _line(entry.call), entry.call.body, about, made_at)


def entry_of(row: Row) -> OutboxEntry:
    """The change in a row; one of state `unreadable`, if it is none of ours."""
    bare = OutboxEntry(
        id=known_id(row.id, row.n),
        server=_text(row.server),
        user=_text(row.person),
        topic=_topic(_text(row.trip)),
        call=Call("", b""),
        about=_about(row.about),
        made_at=_time(row.made_at),
        state="unreadable",
        number=row.n,
    )
    try:
        call = _call(_checked(row.path, str), _checked(row.body, bytes))
        topic, act = _done_by(call)
    except ValueError:
        return bare
    whole = row.id == bare.id and row.state in get_args(EntryState) and topic == bare.topic
    if not whole or len(call.body) > MAX_BODY:
        return bare
    state = cast(EntryState, row.state)
    return replace(bare, call=call, act=act, state=state, refusal=_refusal(row.reason) if state == "refused" else None)


def _line(call: Call) -> str:
    """A call's path as it is kept; those that post, as all once did, are kept without saying so."""
    return call.path if call.method == "POST" else f"{call.method} {call.path}"


def _call(line: str, body: bytes) -> Call:
    method, space, path = line.partition(" ")
    return Call(path, body, method) if space else Call(line, body)


def _done_by(call: Call) -> tuple[str, Act]:
    """The topic that a call changes, and how. Raises `ValueError`."""
    if call.path.startswith(FEEDS):
        from roadcrew_client import talk_routes  # noqa: PLC0415 — only who talks needs the rules of it

        return talk_routes.act_of(call)
    trip_id, act = act_of(call)
    return f"trip:{trip_id}", act


def _topic(kept: str) -> str:
    """Of a trip, only its id is kept."""
    return kept if kept.startswith("feed:") else f"trip:{kept}"


def known_id(given: object, n: int) -> str:
    """What a change is called here: its id, or, if that is none, its number."""
    return _text(given) or f"#{n}"


def reason_of(refusal: Refusal) -> str:
    """A refusal as it is kept; facts that are too many are left out."""
    kept = _Reason(refusal.code[:MAX_WORD], refusal.detail[: 3 * MAX_WORD], dict(refusal.facts))
    encoded = msgspec.json.encode(kept)
    if len(encoded) > MAX_FACTS:
        encoded = msgspec.json.encode(_Reason(kept.code, kept.detail))
    return encoded.decode()


def _refusal(reason: object) -> Refusal:
    try:
        read = msgspec.json.decode(_checked(reason, str), type=_Reason)
    except UNREADABLE:
        return Refusal("unknown", "The server did not accept that.", {})
    return Refusal(read.code, read.detail, read.facts)


def _about(about: object) -> About:
    try:
        return msgspec.json.decode(_checked(about, str), type=About)
    except UNREADABLE:
        return About()


def _checked(value: object, kind: type[Any]) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"not {kind.__name__}")  # noqa: TRY004 — a row is wrong, not a program
    return value


def _text(value: object) -> str:
    return value[:MAX_WORD] if isinstance(value, str) and value.isprintable() else ""


def _time(value: object) -> datetime:
    try:
        return datetime.fromtimestamp(_checked(value, int) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


# --- what hangs on what --------------------------------------------------------------------------


def dependents(entries: Iterable[OutboxEntry], ids: Collection[str]) -> tuple[str, ...]:
    """The ids of the changes, among `entries` in their order, that make no sense without those in `ids`: a vote in a
    poll that is itself still waiting."""
    waiting = (e for e in entries if e.state in ("waiting", "asks"))
    return tuple(hanging(((e.id, (e.call.path, e.call.body)) for e in waiting), ids))


def hanging(changes: Iterable[tuple[str, Said]], ids: Collection[str]) -> Iterator[str]:
    """As `dependents`, of ids and of paths with bodies."""
    found = set(ids)
    for change, said in changes:
        if change not in found and not found.isdisjoint(names(said)):
            found.add(change)
            yield change


def names(said: Said) -> set[str]:
    """The ids of commands that a path and a body may speak of: what a command creates has its id, or one derived from
    it."""
    path, body = said
    texts = set(_WORDS.split(path)) if isinstance(path, str) else set()
    with suppress(*UNREADABLE):
        texts |= set(_texts(msgspec.json.decode(_checked(body, bytes))))
    return texts | {text.rpartition(".")[0] for text in texts}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
