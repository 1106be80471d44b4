"""`/api/social-cart`: trips, their crews, polls and hotels.

Every change is the same: read the body, make the domain's command, let the hub execute it, answer with
the state and a cursor. Who may do it and whether it is allowed is the domain's to say.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from msgspec import UNSET

from roadcrew_domain import crew, dropped, hotels, polls, trip
from roadcrew_domain.events import encode_cursor
from roadcrew_domain.ids import invite_code, parse_invite_code
from roadcrew_domain.money import Money
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Command, Trip
from roadcrew_domain.views import encode_trip
from roadcrew_server.endpoints import Access, Body, Call, Endpoint, Handler
from roadcrew_server.problems import Problem
from roadcrew_server.routes.trip_shapes import (
    ClosePollBody,
    CloseVotingBody,
    CreateBody,
    CreatedAnswer,
    HotelBody,
    HotelVoteBody,
    InviteAnswer,
    InviteBody,
    InviteView,
    JoinBody,
    LeftAnswer,
    MemberBody,
    OpenVotingBody,
    PollBody,
    RenewInviteBody,
    ShortlistBody,
    Summary,
    TripAnswer,
    TripBody,
    TripsAnswer,
    UpdateBody,
    VoteBody,
)
from roadcrew_server.stores.base import StoreError
from roadcrew_server.topic import Done, TopicMissing
from roadcrew_server.topics import Closed, TripKind, invite_record, trip_topic

MY_TRIPS = 200
"""Trips in one person's list."""
ALL_TRIPS = 1_000
"""Trips of one person that are told of a new name, the newest first."""
UNPROVEN = timedelta(seconds=60)
"""An entry of "my trips" that is younger may wait for its event still."""
RESERVED = timedelta(days=30)
"""An invite's record is made to last this much longer than a trip that nobody changes; changes prolong it."""


def my_trips_index(user: str) -> str:
    """The index of the trips that a person is in, or was."""
    return f"trips:{user}"


# --- the common way --------------------------------------------------------------------------------


async def change(call: Call, trip_id: str, act: trip.TripAct) -> Done:
    """Execute one act on one trip for the person who asks."""
    command, key = call.command()
    return await call.server.hub.execute(
        trip_topic(trip_id),
        Command(command, call.user_id, act),
        key=key,
        body=call.body_hash,
        status=call.endpoint.status,
    )


def stated(call: Call, topic: str, done: Done) -> dict[str, object]:
    """The answer `{trip, cursor}`, unless it is a second one and the trip is no longer theirs to see."""
    closed = _closed(done.state, call)
    if closed is not None:
        raise TripKind.problem(closed)
    return {"trip": msgspec.Raw(encode_trip(done.state)), "cursor": encode_cursor({topic: done.position})}


def _closed(state: Trip | None, call: Call, user: str | None = None) -> Closed | None:
    """Why a trip is closed to who asks, or to `user`; None if it is open."""
    if state is None:
        return "unknown"
    return TripKind.closed_to(state, user or call.user_id, call.server.store.now())


def acting(make: Callable[..., trip.TripAct]) -> Callable[[Call], object]:
    """A handler that turns a body into an act and answers `{trip, cursor}`."""

    async def handler(call: Call) -> tuple[int, dict[str, object]]:
        done = await change(call, call.body.trip_id, make(call.body))
        return done.status, stated(call, trip_topic(call.body.trip_id), done)

    return handler


def leaving(act: trip.TripAct) -> Handler:
    """A handler after which the trip is no longer theirs to see."""

    async def handler(call: Call) -> tuple[int, LeftAnswer]:
        began = call.server.store.now()
        done = await change(call, call.body.trip_id, act)
        await _unlist(call, done, [call.user_id, *(done.state.members if done.state is not None else ())], began)
        cursor = encode_cursor({trip_topic(call.body.trip_id): done.position})
        return done.status, LeftAnswer(call.body.trip_id, cursor)

    return handler


async def _unlist(call: Call, done: Done, people: Iterable[str], before: datetime) -> None:
    """Take the trip from the lists of those to whom it is closed now, unless they joined it again since `before`.

    What is left out by a store that fails is found dead by `mine`.
    """
    closed = [p for p in people if _closed(done.state, call, p) is not None]
    with suppress(StoreError):
        await asyncio.gather(
            *(call.server.store.index_remove(my_trips_index(p), call.body.trip_id, before) for p in closed)
        )


# --- handlers --------------------------------------------------------------------------------------


async def create(call: Call) -> tuple[int, dict[str, object]]:
    """A new trip, whose id is the command's id."""
    b: CreateBody = call.body
    command, key = call.command()
    topic, invite = trip_topic(command), b.invite or InviteBody()
    if (done := await again(call, topic, key)) is not None:
        code = await reserve_code(call, command, command)
        return done.status, stated(call, topic, done) | {"invite": _invite(call, code, invite)}
    if invite.expires_at is not None and invite.expires_at <= call.server.store.now():
        raise Refused("deadline-past", "invalid", "The invite would be over already.", field="invite.expiresAt")
    code = await reserve_code(call, command, command)
    act = trip.CreateTrip(
        name=b.name,
        organiser_name=await _my_name(call),
        invite=crew.Invite(code, invite.expires_at, invite.max_uses),
        bounds=call.server.settings.bounds,
        keep_for=int(call.server.settings.trip_days * 86400),
        destination=b.destination,
        starts_on=b.starts_on,
        ends_on=b.ends_on,
        required_members=b.required_members,
        discount_percent=b.discount_percent,
    )
    await call.server.store.index_add(my_trips_index(call.user_id), command, call.server.store.now())
    done = await call.server.hub.execute(
        topic, Command(command, call.user_id, act), key=key, body=call.body_hash, status=call.endpoint.status
    )
    return done.status, stated(call, topic, done) | {"invite": _invite(call, code, invite)}


async def _my_name(call: Call) -> str:
    """What who asks is called."""
    return (await call.server.sessions.fresh(call.session)).user.name


async def again(call: Call, topic: str, key: str | None) -> Done | None:
    """What this very command was answered before, for handlers that look at something before they ask the hub."""
    return None if key is None else await call.server.hub.replayed(topic, key, call.body_hash)


async def reserve_code(call: Call, command: str, trip_id: str) -> str:
    """An invite code that points to this trip; the same one for the same command, however often it is sent."""
    store, kept = call.server.store, timedelta(days=call.server.settings.trip_days) + RESERVED
    for attempt in range(20):
        digest = hmac.digest(call.server.secret, f"{call.user_id} {command} {attempt}".encode(), hashlib.sha256)
        code = invite_code(digest[:5])
        kind, key, value = invite_record(code, trip_id)
        if await store.create(kind, key, value, store.now() + kept):
            return code
        taken = await store.get(kind, key)
        if taken is not None and taken.value == value:
            return code
    raise Problem(503, "unavailable", "No invite code could be found. Try again.", retry_after=1)


def invite_link(call: Call, code: str) -> str:
    """What an organiser sends to people; `code_in` takes it apart."""
    return f"{call.server.address}/j/{code}"


def _invite(call: Call, code: str, asked: InviteBody | RenewInviteBody) -> InviteView:
    """The invite that this command made, with its link; the same one whenever it is answered."""
    return InviteView(code, invite_link(call, code), asked.expires_at, asked.max_uses)


async def join(call: Call) -> tuple[int, dict[str, object]]:
    """Become a member by an invite."""
    await call.server.limits.invite(call.address)
    code = code_in(call.body.invite)
    trip_id = await trip_of(call, code)
    name = await _my_name(call) if call.body.name is None else call.body.name
    added = call.server.store.now()
    await call.server.store.index_add(my_trips_index(call.user_id), trip_id, added)
    try:
        done = await change(call, trip_id, crew.JoinTrip(code, name))
    except Refused:
        await call.server.store.index_remove(my_trips_index(call.user_id), trip_id, added + timedelta(milliseconds=1))
        raise
    return done.status, stated(call, trip_topic(trip_id), done)


def code_in(text: str) -> str:
    """The invite code in a code, a `CODE@host`, or a link. Raises `Refused`."""
    text = text.strip()
    if "/j/" in text:
        text = text.rpartition("/j/")[2].partition("?")[0].partition("#")[0].rstrip("/")
    return parse_invite_code(text.partition("@")[0])


async def trip_of(call: Call, code: str) -> str:
    """The trip that an invite code belongs to. Raises `Refused` (`invite-unknown`)."""
    stored = await call.server.store.get("invite", code)
    if stored is None:
        raise Refused("invite-unknown", "missing", "There is no such invite. Check the code with who sent it.")
    return stored.value.decode()


async def read(call: Call) -> dict[str, object]:
    """The whole trip and the cursor at which it was read (T11)."""
    trip_id = call.query.get("tripId", "")
    topic, closed = await call.server.hub.look(trip_topic(trip_id), call.user_id)
    if closed is not None:
        raise topic.kind.problem(closed)
    return {"trip": msgspec.Raw(topic.encoded()), "cursor": encode_cursor({topic.name: topic.position})}


async def mine(call: Call) -> TripsAnswer:
    """My trips. The index was written before the event, so each entry is verified, and an old dead one goes."""
    index = my_trips_index(call.user_id)
    found: list[Summary] = []
    for trip_id in await call.server.store.index_list(index, MY_TRIPS):
        state = await _if_mine(call, trip_id)
        if state is not None:
            found.append(_summary(state, call.user_id))
        else:
            with suppress(StoreError):
                await call.server.store.index_remove(index, trip_id, call.server.store.now() - UNPROVEN)
    return TripsAnswer(sorted(found, key=lambda s: s.changed_at, reverse=True))


async def _if_mine(call: Call, trip_id: str) -> Trip | None:
    """The trip, if this person is in it; a no of ours is asked of the store."""
    try:
        topic, closed = await call.server.hub.look(trip_topic(trip_id), call.user_id)
    except TopicMissing:
        return None
    return topic.state if closed is None else None


def _summary(t: Trip, me: str) -> Summary:
    waiting = [p for p in t.polls.values() if not p.closed]
    unvoted = sum(me not in p.ballots for p in waiting) + (t.voting.open and t.voting.ballots.get(me) not in t.hotels)
    return Summary(
        id=t.id,
        name=t.name,
        destination=t.destination,
        starts_on=t.starts_on,
        ends_on=t.ends_on,
        member_count=len(t.members),
        required_members=t.required_members,
        is_discount_unlocked=t.discount_unlocked,
        open_polls=len(waiting),
        voting_open=t.voting.open,
        needs_me=unvoted,
        role="organiser" if t.organiser == me else "member",
        changed_at=t.changed_at,
        ends_at=t.ends_at,
    )


async def invite(call: Call) -> tuple[int, dict[str, object]]:
    """A new invite in place of the former one, or none."""
    b: RenewInviteBody = call.body
    topic = trip_topic(b.trip_id)
    if b.revoke:
        done = await change(call, b.trip_id, crew.RevokeInvite())
        return done.status, stated(call, topic, done) | {"invite": None}
    command, key = call.command()
    done_before = await again(call, topic, key)
    if done_before is None:
        await _may_renew(call, topic, command)
    code = await reserve_code(call, command, b.trip_id)
    done = done_before or await change(call, b.trip_id, crew.RenewInvite(code, b.expires_at, b.max_uses))
    return done.status, stated(call, topic, done) | {"invite": _invite(call, code, b)}


async def _may_renew(call: Call, name: str, command: str) -> None:
    """No code is reserved for somebody who may not use it. Raises `Refused`."""
    topic = await call.server.hub.topic(name)
    if call.user_id != topic.state.organiser:
        await call.server.hub.refresh(topic)
        trip.decide(topic.state, Command(command, call.user_id, crew.RevokeInvite()), call.server.store.now())


async def remove_member(call: Call) -> tuple[int, dict[str, object]]:
    """Somebody is no longer a member."""
    b: MemberBody = call.body
    began = call.server.store.now()
    done = await change(call, b.trip_id, crew.RemoveMember(b.member_id))
    await _unlist(call, done, [b.member_id], began)
    return done.status, stated(call, trip_topic(b.trip_id), done)


def _edit(b: UpdateBody) -> trip.EditTrip:
    given = b.model_fields_set - {"trip_id"}
    return trip.EditTrip(**{f: getattr(b, f) if f in given else UNSET for f in trip.EditTrip.__struct_fields__})


async def shortlist(call: Call) -> tuple[int, dict[str, object]]:
    """A hotel for the crew to vote on, which can be talked about from then on."""
    b: ShortlistBody = call.body
    with suppress(TopicMissing):  # as the rules say
        _, closed = await call.server.hub.look(trip_topic(b.trip_id), call.user_id)
        if closed is None:
            await call.server.talk.entities.keep_hotel(b.name, b.city)
    done = await change(call, b.trip_id, _shortlist(b))
    return done.status, stated(call, trip_topic(b.trip_id), done)


def _shortlist(b: ShortlistBody) -> hotels.ShortlistHotel:
    price = Money(b.price_per_night.amount, b.price_per_night.currency)
    return hotels.ShortlistHotel(b.name, b.city, b.stars, price, b.url)


def post(
    path: str, handler: object, summary: str, body: type[Body], access: Access = "member", **more: object
) -> Endpoint:
    """A route under `/api/social-cart` that changes a trip."""
    more.setdefault("answer", TripAnswer)
    return Endpoint("POST", f"/api/social-cart{path}", handler, access, summary, body=body, takes_key=True, **more)  # type: ignore[arg-type]


ENDPOINTS = (
    post("/create", create, "Create a trip", CreateBody, "signed-in", answer=CreatedAnswer, status=201),
    post("/join", join, "Join by an invite", JoinBody, "signed-in"),
    Endpoint(
        "GET",
        "/api/social-cart/join",
        read,
        "member",
        "Read a trip and its cursor",
        answer=TripAnswer,
        query={"tripId": "The trip's id."},
    ),
    post("/update", acting(_edit), "Edit a trip", UpdateBody),
    post("/invite", invite, "Renew or revoke the invite", RenewInviteBody, "organiser", answer=InviteAnswer),
    post("/organiser", acting(lambda b: crew.HandOver(b.member_id)), "Hand over", MemberBody, "organiser"),
    post("/remove-member", remove_member, "Remove a member", MemberBody, "organiser"),
    post("/leave", leaving(crew.LeaveTrip()), "Leave a trip", TripBody, answer=LeftAnswer),
    post(
        "/polls",
        acting(lambda b: polls.OpenPoll(b.question, b.kind, tuple(b.options), b.closes_at)),
        "Open a poll",
        PollBody,
    ),
    post(
        "/polls/vote",
        acting(lambda b: polls.CastVote(b.poll_id, tuple(b.option_ids), tuple(b.answers.items()))),
        "Vote in a poll",
        VoteBody,
    ),
    post(
        "/polls/close",
        acting(lambda b: polls.ClosePoll(b.poll_id, b.option_id)),
        "End a poll, or settle its tie",
        ClosePollBody,
        "opener-or-organiser",
    ),
    post("/hotels/shortlist", shortlist, "Shortlist a hotel", ShortlistBody),
    post(
        "/hotels/unshortlist",
        acting(lambda b: hotels.UnshortlistHotel(b.hotel_id)),
        "Take a hotel off the shortlist",
        HotelBody,
        "adder-or-organiser",
    ),
    post(
        "/hotels/restore",
        acting(lambda b: dropped.RestoreHotel(b.hotel_id)),
        "Put a hotel that was taken off on the shortlist again",
        HotelBody,
        "dropper-or-organiser",
    ),
    post("/hotels/vote", acting(lambda b: hotels.VoteHotel(b.hotel_id)), "Vote for a hotel", HotelVoteBody),
    post("/hotels/open-voting", acting(lambda b: hotels.OpenHotelVoting(b.tie_rule)), "Open the vote", OpenVotingBody),
    post(
        "/hotels/close-voting",
        acting(lambda b: hotels.CloseHotelVoting(b.winner_id)),
        "End the vote",
        CloseVotingBody,
        "opener-or-organiser",
    ),
)
