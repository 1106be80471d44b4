"""The part of `Client` that is about trips: one call for each thing that can be done with one, without following it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING

from roadcrew_client._calls import Calls
from roadcrew_client._own_copies import OwnCopies
from roadcrew_client.errors import Rejected, not_ours
from roadcrew_client.links import parse_invite
from roadcrew_client.models import (
    Answer,
    Created,
    InvitePreview,
    InviteRequest,
    TripList,
    TripSummary,
    read,
    read_answer,
)
from roadcrew_client.routes import BASE, call_of
from roadcrew_domain.crew import LeaveTrip
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import DeleteTrip, Trip, TripAct

if TYPE_CHECKING:
    from roadcrew_client.transport import Reply

MOST_KEPT = 50
"""Copies of trips that are read at once."""
KEPT_WITHIN = 2.0
"""Seconds for all of them."""


class TripCalls:
    """What it needs, `Client` sets."""

    _calls: Calls
    _own_copies: OwnCopies

    async def create_trip(
        self,
        name: str,
        *,
        destination: str | None = None,
        starts_on: date | None = None,
        ends_on: date | None = None,
        required_members: int | None = None,
        discount_percent: int | None = None,
        invite_expires_at: datetime | None = None,
        invite_max_uses: int | None = None,
        key: str | None = None,
    ) -> Created:
        """A new trip, with us as its organiser, and its invite."""
        invite = _given(expiresAt=invite_expires_at, maxUses=invite_max_uses)
        body = _given(
            name=name,
            destination=destination,
            startsOn=starts_on,
            endsOn=ends_on,
            requiredMembers=required_members,
            discountPercent=discount_percent,
            invite=invite or None,
        )
        answer = read_answer((await self._calls.post(f"{BASE}/create", body, key)).body)
        if answer.trip is None or answer.invite is None:
            raise not_ours("The server made a trip and did not say which.")
        return Created(answer.trip, answer.invite, answer.cursor)

    async def join(self, invite: str, name: str | None = None, *, key: str | None = None) -> Trip:
        """Join by a code, a link or `CODE@host` of this server; joining twice is the same membership."""
        body = _given(invite=_code(invite), name=name)
        return trip_in(read_answer((await self._calls.post(f"{BASE}/join", body, key)).body))

    async def trips(self) -> list[TripSummary]:
        """My trips, newest first."""
        return self._listed(await self._calls.call("GET", f"{BASE}/trips"))

    async def load_trips(self) -> list[TripSummary] | None:
        """My trips, for a screen that lists them (C6): None after a 401, which is no news to it."""
        reply = await self._calls.load(f"{BASE}/trips")
        return None if reply is None else self._listed(reply)

    def _listed(self, reply: Reply) -> list[TripSummary]:
        trips = list(read(reply.body, TripList).trips)
        self._own_copies.keep_only(trip.id for trip in trips)
        return trips

    async def trip(self, trip_id: str) -> Trip:
        """The trip as it is now. Raises `NotFound`, `Forbidden`."""
        reply = await self._calls.call("GET", f"{BASE}/join", params=[("tripId", trip_id)])
        return trip_in(read_answer(reply.body))

    async def kept_trips(self, ids: Collection[str]) -> tuple[Trip, ...]:
        """Of these trips the ones that this computer keeps a copy of, as it was confirmed last: for looking something
        up without asking. At most `MOST_KEPT` are read, for `KEPT_WITHIN` seconds."""
        found: list[Trip] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(KEPT_WITHIN):
                for trip_id in list(ids)[:MOST_KEPT]:
                    trip = await self._own_copies.trip(trip_id)
                    found += [] if trip is None else [trip]
        return tuple(found)

    async def do(self, trip_id: str, act: TripAct | InviteRequest, *, key: str | None = None) -> Answer:
        """Make one change, and wait for the answer. Raises `RoadcrewError`; `TypeError` for an act that is none."""
        call = call_of(trip_id, act)
        answer = read_answer((await self._calls.post(call.path, call.body, key)).body)
        if isinstance(act, LeaveTrip | DeleteTrip):
            self._own_copies.forget(trip_id)
        return answer

    async def preview(self, invite_or_link: str) -> InvitePreview:
        """What an invite says to somebody who has not joined. Needs no token, changes nothing."""
        return read((await self._calls.open_get(f"/j/{_code(invite_or_link)}")).body, InvitePreview)


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _code(invite: str) -> str:
    try:
        return parse_invite(invite).code
    except Refused as refused:
        raise Rejected(refused.code, refused.detail, facts=refused.facts) from refused


def trip_in(answer: Answer) -> Trip:
    """The trip of an answer that has one. Raises `ServerTrouble`."""
    if answer.trip is None:
        raise not_ours("The server answered without the trip.")
    return answer.trip
