"""Which call each act of a trip is, and which act a call was: the one table between the domain's acts and the HTTP
contract. Pure.

A new act gets a row here and nowhere else in the client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from roadcrew_client.models import InviteRequest
from roadcrew_domain import crew, dropped, hotels, polls
from roadcrew_domain.trip import DeleteTrip, EditTrip, RestoreTrip, TripAct

BASE = "/api/social-cart"
FEEDS = "/api/feeds"
"""What is done to talk is for talk_routes.py."""


@dataclass(frozen=True, slots=True)
class Call:
    """A path under the server's address, and the JSON to send there; empty: none is sent."""

    path: str
    body: bytes
    method: str = "POST"


def _fields(act: Any) -> dict[str, Any]:
    """All fields by their JSON names; what an edit leaves alone is left out, None stays (it clears)."""
    fields: dict[str, Any] = msgspec.to_builtins(act)
    return fields


def _vote(act: polls.CastVote) -> dict[str, Any]:
    if act.answers:
        return {"pollId": act.poll_id, "answers": dict(act.answers)}
    return {"pollId": act.poll_id, "optionIds": list(act.option_ids)}


def _without_none(act: Any) -> dict[str, Any]:
    return {k: v for k, v in _fields(act).items() if v is not None}


def _renew(act: crew.RenewInvite) -> dict[str, Any]:
    return {k: v for k, v in _without_none(act).items() if k != "code"}


def _invite(act: InviteRequest) -> dict[str, Any]:
    return {"revoke": True} if act.revoke else {k: v for k, v in _without_none(act).items() if k != "revoke"}


def _ballot(body: dict[str, Any]) -> dict[str, Any]:
    """What `_vote` made of a vote, as its fields again."""
    answers = body.get("answers")
    return {**body, "answers": list(answers.items())} if isinstance(answers, dict) else body


_TABLE: dict[type, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    EditTrip: ("/update", _fields),
    DeleteTrip: ("/delete", _fields),
    RestoreTrip: ("/restore", _fields),
    InviteRequest: ("/invite", _invite),
    crew.RenewInvite: ("/invite", _renew),
    crew.RevokeInvite: ("/invite", lambda act: {"revoke": True}),
    crew.LeaveTrip: ("/leave", _fields),
    crew.RemoveMember: ("/remove-member", _fields),
    crew.HandOver: ("/organiser", _fields),
    polls.OpenPoll: ("/polls", _without_none),
    polls.CastVote: ("/polls/vote", _vote),
    polls.ClosePoll: ("/polls/close", _without_none),
    hotels.ShortlistHotel: ("/hotels/shortlist", _without_none),
    hotels.UnshortlistHotel: ("/hotels/unshortlist", _fields),
    dropped.RestoreHotel: ("/hotels/restore", _fields),
    hotels.VoteHotel: ("/hotels/vote", _fields),
    hotels.OpenHotelVoting: ("/hotels/open-voting", _fields),
    hotels.CloseHotelVoting: ("/hotels/close-voting", _without_none),
}


def call_of(trip_id: str, act: TripAct | InviteRequest) -> Call:
    """The call that `act` is. Raises `TypeError` for an act that no call on a trip is (creating and joining
    have methods of their own; `Tick` is the server's)."""
    row = _TABLE.get(type(act))
    if row is None:
        raise TypeError(f"{type(act).__name__} is not a change to a trip that a client sends")
    path, body = row
    return Call(BASE + path, msgspec.json.encode({"tripId": trip_id, **body(act)}))


def act_of(call: Call) -> tuple[str, TripAct]:
    """The trip's id and the act of a call that `call_of` has made, here or in another version of this program. An
    invite to be made has no code yet. Raises `ValueError` for what is none."""
    try:
        body = msgspec.json.decode(call.body, type=dict[str, Any])
        kind = _kind(call, body)
        act: TripAct = msgspec.convert({"code": "", **_ballot(body)}, type=kind)
        trip_id = msgspec.convert(body.get("tripId"), type=str)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not a change to a trip: {str(error)[:200]}") from error
    return trip_id, act


def _kind(call: Call, body: dict[str, Any]) -> Any:
    if call == Call(f"{BASE}/invite", call.body):
        return crew.RevokeInvite if body.get("revoke") is True else crew.RenewInvite
    for kind, (route, _) in _TABLE.items():
        if call == Call(BASE + route, call.body):
            return kind
    raise ValueError(f"{call.method[:9]} {call.path[:80]!r} is no change to a trip")
