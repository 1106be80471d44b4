"""`roadcrew waiting …`: this person's outbox, without a screen. Works beside a running app, which keeps what it has in
hand. Raises the client's `RoadcrewError`, and `Refused` for a change that there is not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from roadcrew_client.errors import Unreachable
from roadcrew_client.outbox import Outbox, OutboxEntry
from roadcrew_domain.refusals import Refused
from roadcrew_tui.maker import OUTBOX
from roadcrew_tui.oneshot import hint
from roadcrew_tui.screens import waiting_model as model
from roadcrew_tui.settings import Folders

if TYPE_CHECKING:
    from roadcrew_client import Client

SEND_WITHIN = 45.0
"""Seconds for which answers are waited for."""


async def listed(client: Client) -> Any:
    """`waiting list`: of who is signed in. What others left here is counted, on stderr, and not shown."""
    async with _opened() as outbox:
        own, others = await _entries(outbox, client)
        if others:
            hint(f"{model.counted(others)} of another person wait{'s' * (others == 1)} too.")
        return _shape(own)


async def dropped(client: Client, said: Sequence[str]) -> Any:
    """`waiting drop`. Returns what is gone, which is more than was named if something makes no sense without it."""
    async with _opened() as outbox:
        own, _ = await _entries(outbox, client)
        gone = await outbox.drop([_find(own, one).id for one in said])
        return _shape([e for e in own if e.id in gone])


async def dismissed(client: Client) -> Any:
    """`waiting dismiss`. Returns what was refused, and is not listed any more."""
    async with _opened() as outbox:
        own, _ = await _entries(outbox, client)
        refused = [e for e in own if e.state == "refused"]
        await outbox.drop([e.id for e in refused])
        return _shape(refused)


async def sent(client: Client, said: Sequence[str], *, old: bool) -> Any:
    """`waiting send`. Returns what was to be sent, each with what has become of it."""
    async with _opened() as outbox:
        me = await client.whoami()
        before = await outbox.entries(client.server, me.id)
        named = {_find(before, one).id for one in said}
        agreed = await outbox.agree([e.id for e in before if e.state == "asks" and (old or e.id in named)])
        await client.deliver(outbox, SEND_WITHIN)
        after = {e.id: e for e in await outbox.entries(client.server, me.id)}
        meant = [e for e in before if e.state == "waiting" or e.id in agreed]
        return _shape([after.get(e.id, e) for e in meant], sent={e.id for e in meant if e.id not in after})


def not_sent(result: Any) -> Exception | None:
    """What is said of changes that were to be sent and are not: refused, or without an answer so far."""
    left = [c["state"] for c in result["changes"] if not c["running"]]
    if refused := left.count("refused"):
        were = "was" if refused == 1 else "were"
        return Refused("not-accepted", "conflict", f"{model.counted(refused)} {were} not accepted.")
    if waiting := left.count("waiting"):
        return Unreachable("timeout", f"{model.counted(waiting)} could not be sent now. Try again later.")
    return None


@asynccontextmanager
async def _opened() -> AsyncIterator[Outbox]:
    outbox = Outbox(Folders.of_this_person().data / OUTBOX)
    try:
        yield outbox
    finally:
        await outbox.close()


async def _entries(outbox: Outbox, client: Client) -> tuple[list[OutboxEntry], int]:
    """What waits for who is signed in, and how much more for others. Who that is need not be asked if it is known from
    before; raises the client's errors if it is neither known nor can be asked."""
    me = await client.recall()
    if me is None and client.token is not None:
        me = await client.whoami()
    found = await outbox.entries(client.server)
    own = [e for e in found if me is not None and e.user == me.id]
    return own, len(found) - len(own)


def _find(entries: Sequence[OutboxEntry], said: str) -> OutboxEntry:
    """The change with that id, or the only one whose id starts or ends so. Raises `Refused`."""
    exact = [e for e in entries if e.id == said]
    found = exact or [e for e in entries if said and (e.id.startswith(said) or e.id.endswith(said))]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused("unknown-change", "missing", f"No waiting change has the id {said}. See: roadcrew waiting list")
    raise Refused("ambiguous-change", "invalid", f"{len(found)} changes fit {said}; say more of the id.")


def _shape(entries: Sequence[OutboxEntry], sent: frozenset[str] | set[str] = frozenset()) -> Any:
    """`{changes}`; `change` is the body of the call, as the contract has it."""
    now = datetime.now(UTC)
    changes = []
    for e in model.in_order(entries):
        changes.append(
            {
                "id": e.id,
                "topic": e.topic,
                "tripId": e.trip_id,
                "tripName": e.about.trip,
                "said": model.as_text(e, now, sent=e.id in sent),
                "method": e.call.method,
                "path": e.call.path,
                "change": msgspec.json.decode(e.call.body) if e.call.body else None,
                "madeAt": e.made_at.isoformat(),
                "state": "sent" if e.id in sent else e.state,
                "running": e.running,
                "reason": None if e.refusal is None else {"code": e.refusal.code, "detail": e.refusal.detail},
            }
        )
    return {"changes": changes}
