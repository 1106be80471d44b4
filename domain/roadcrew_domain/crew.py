"""The rules of a crew: its members, its organiser, and the invite that lets people in."""

from __future__ import annotations  # rpds maps can't be subscripted when running

from collections.abc import Iterator
from datetime import datetime

from rpds import HashTrieMap

from roadcrew_domain import text
from roadcrew_domain.events import Fact
from roadcrew_domain.refusals import Refused, checked_ahead
from roadcrew_domain.values import Moment, Value

MAX_MEMBERS = 500
MAX_PERSON = 40
REMEMBERED_INVITES = 10
"""Ended invites that a trip remembers, so that a late guest is told what happened."""


class Member(Value, frozen=True):
    id: str
    name: str
    joined_at: Moment


class Invite(Value, frozen=True):
    """The trip's one current invite. `max_uses` None: as many as the crew has room for.

    `uses` counts joinings: who leaves and comes back has used it twice.
    """

    code: str
    expires_at: Moment | None
    max_uses: int | None
    uses: int = 0


class EndedInvite(Value, frozen=True):
    code: str
    ended_at: Moment


# --- facts ---------------------------------------------------------------------------------------


class MemberJoined(Fact, frozen=True):
    member_id: str
    name: str


class MemberRenamed(Fact, frozen=True):
    member_id: str
    name: str


class MemberLeft(Fact, frozen=True):
    member_id: str


class MemberRemoved(Fact, frozen=True):
    """Who removed them is the event's `by`."""

    member_id: str


class OrganiserChanged(Fact, frozen=True):
    member_id: str


class InviteRenewed(Fact, frozen=True):
    """The former invite, if any, ends with this."""

    code: str
    expires_at: Moment | None = None
    max_uses: int | None = None


class InviteRevoked(Fact, frozen=True):
    code: str


# --- commands ------------------------------------------------------------------------------------


class JoinTrip(Value, frozen=True):
    code: str
    name: str


class RenameMember(Value, frozen=True):
    name: str


class LeaveTrip(Value, frozen=True):
    pass


class RemoveMember(Value, frozen=True):
    member_id: str


class HandOver(Value, frozen=True):
    member_id: str


class RenewInvite(Value, frozen=True):
    """`code` is new and random, made by the server."""

    code: str
    expires_at: Moment | None = None
    max_uses: int | None = None


class RevokeInvite(Value, frozen=True):
    pass


# --- rules ---------------------------------------------------------------------------------------


def join(
    members: HashTrieMap[str, Member],
    invite: Invite | None,
    ended: tuple[EndedInvite, ...],
    who: str,
    c: JoinTrip,
    now: datetime,
) -> Fact | None:
    """None for somebody who is in already, whatever became of the invite (T2).

    Raises `Refused`: `invite-unknown`, `invite-ended`, `invite-used-up`, `crew-full`, or a text's.
    """
    if who in members:
        return None
    if invite is None or invite.code != c.code:
        past = next((e for e in ended if e.code == c.code), None)
        if past is None:
            raise Refused("invite-unknown", "missing", "There is no such invite. Check the code with who sent it.")
        raise _ended(past.ended_at)
    if invite.expires_at is not None and now >= invite.expires_at:
        raise _ended(invite.expires_at)
    if invite.max_uses is not None and invite.uses >= invite.max_uses:
        raise Refused(
            "invite-used-up",
            "gone",
            f"This invite was for {invite.max_uses} people, and they have joined. Ask for a new one.",
        )
    if len(members) >= MAX_MEMBERS:
        raise Refused("crew-full", "full", f"A crew has room for {MAX_MEMBERS} people.", limit=MAX_MEMBERS)
    return MemberJoined(who, person_name(c.name))


def _ended(at: datetime) -> Refused:
    return Refused("invite-ended", "gone", "This invite has ended. Ask for a new one.", endedAt=at)


def person_name(name: str) -> str:
    """The name as it will be shown. Raises `Refused` as `text.checked` does."""
    return text.checked(name, field="name", limit=MAX_PERSON)


def rename(member: Member, c: RenameMember) -> Fact | None:
    """None when they are called that already. Raises `Refused` as `person_name` does."""
    name = person_name(c.name)
    return None if name == member.name else MemberRenamed(member.id, name)


def leave(members: HashTrieMap[str, Member], organiser: str, who: str) -> Iterator[Fact]:
    """An organiser who leaves hands over to whoever has been in the crew longest."""
    if who == organiser and len(members) > 1:
        heir = min((m for m in members.values() if m.id != who), key=lambda m: (m.joined_at, m.id))
        yield OrganiserChanged(heir.id)
    yield MemberLeft(who)


def remove(members: HashTrieMap[str, Member], invite: Invite | None, who: str, c: RemoveMember) -> Iterator[Fact]:
    """The invite ends as well: they know it, and would be back at once.

    Raises `Refused`: `unknown-member`, `remove-self`.
    """
    if c.member_id not in members:
        raise unknown_member()
    if c.member_id == who:
        raise Refused("remove-self", "conflict", "You can't remove yourself; leave the trip instead.")
    yield MemberRemoved(c.member_id)
    if invite is not None:
        yield InviteRevoked(invite.code)


def hand_over(members: HashTrieMap[str, Member], organiser: str, c: HandOver) -> Fact | None:
    """Raises `Refused`: `unknown-member`."""
    if c.member_id not in members:
        raise unknown_member()
    return None if c.member_id == organiser else OrganiserChanged(c.member_id)


def unknown_member() -> Refused:
    """The refusal for a person who is not in the crew."""
    return Refused("unknown-member", "missing", "That person is not in this crew.")


def renew(invite: Invite | None, c: RenewInvite, now: datetime) -> Fact | None:
    """None when that code is the invite already. Raises `Refused` as `new_invite` does."""
    if invite is not None and invite.code == c.code:
        return None
    new = new_invite(c.code, c.expires_at, c.max_uses, now)
    return InviteRenewed(new.code, new.expires_at, new.max_uses)


def new_invite(code: str, expires_at: datetime | None, max_uses: int | None, now: datetime) -> Invite:
    """An invite that nobody has used. Raises `Refused`: `deadline-past`, `bad-limit`, `invalid`."""
    expires_at = checked_ahead(expires_at, now, field="expiresAt", past="The invite would be over already.")
    if max_uses is not None and not 1 <= max_uses <= MAX_MEMBERS:
        raise Refused("bad-limit", "invalid", f"An invite is for 1 to {MAX_MEMBERS} people.", field="maxUses")
    return Invite(code, expires_at, max_uses)


def remembered(ended: tuple[EndedInvite, ...], invite: Invite | None, at: datetime) -> tuple[EndedInvite, ...]:
    """The ended invites after `invite` ends at `at`."""
    if invite is None:
        return ended
    over = at if invite.expires_at is None else min(at, invite.expires_at)
    return (*ended, EndedInvite(invite.code, over))[-REMEMBERED_INVITES:]
