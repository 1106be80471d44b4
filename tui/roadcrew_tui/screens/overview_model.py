"""What the overview says: what needs me, what is decided, what is new, who is here. Pure, without Textual."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from roadcrew_domain import hotels as hotel_rules
from roadcrew_domain import polls as poll_rules
from roadcrew_domain.polls import Poll
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import crew_order, poll_order
from roadcrew_tui import dates, when
from roadcrew_tui.happenings import Happening, by_others
from roadcrew_tui.screens.polls_model import unfinished, won_dates, won_text
from roadcrew_tui.screens.tabs import TITLES


@dataclass(frozen=True)
class Need:
    """`target` is where enter leads: `poll:ID`, `dates:ID` of a poll, `hotels`, `book:ID` of a hold or an order,
    `talk:ID` of a comment, `invite`. `words` are ours, with room for {what}, a person's text."""

    target: str
    words: str
    note: str
    what: str = ""


@dataclass(frozen=True)
class Decision:
    """A line of the plan. `words` has room for {what}, a person's text; None: nothing yet."""

    target: str
    label: str
    state: Literal["decided", "open", "nothing"]
    words: str
    what: str = ""


@dataclass(frozen=True)
class CrewRow:
    """`note` says where they are, or when they were last heard of."""

    id: str
    name: str
    here: bool
    you: bool
    organiser: bool
    note: str


@dataclass(frozen=True)
class Overview:
    needs: tuple[Need, ...]
    plan: tuple[Decision, ...]
    lately: tuple[Happening, ...]
    crew: tuple[CrewRow, ...]
    have: int
    need: int
    percent: int
    unlocked: bool
    ends: str
    polls_need_me: int
    hotels_need_me: int


def overview(
    trip: Trip,
    me: str,
    present: Mapping[str, str],
    now: datetime,
    *,
    seen: int,
    left: Mapping[str, datetime] | None = None,
    declined: Collection[str] = (),
    urgent: Sequence[Need] = (),
    booked: Decision | None = None,
    said: Sequence[Happening] = (),
) -> Overview:
    """`seen` is the last event that was on this person's screen before, `left` when somebody was last here; `declined`
    as for `needs`. `urgent` and `booked` are what bookings and talk add to needs and plan, `said` what talk adds to
    what is new."""
    wants = needs(trip, me, now, declined)
    return Overview(
        needs=(*urgent, *wants),
        plan=(*plan(trip, now), *([booked] if booked is not None else [])),
        lately=tuple(sorted((*said, *by_others(trip.recent, me, seen)), key=lambda h: h.at, reverse=True)),
        crew=tuple(crew(trip, me, present, now, left or {})),
        have=len(trip.members),
        need=trip.required_members,
        percent=trip.discount_percent,
        unlocked=trip.discount_unlocked,
        ends=when.until(trip.ends_at, now) if now >= trip.warns_at else "",
        polls_need_me=sum(n.target.startswith("poll:") for n in wants),
        hotels_need_me=sum(n.target == "hotels" for n in wants),
    )


def needs(trip: Trip, me: str, now: datetime, declined: Collection[str] = ()) -> list[Need]:
    """What waits for this person, what is most urgent first. `declined`: polls whose dates they did not want."""
    found: list[tuple[tuple[int, datetime], Need]] = []
    for poll in trip.polls.values():
        note = _poll_need(trip, poll, me, now)
        if note is not None:
            found.append(((0, poll.closes_at or trip.ends_at), Need(f"poll:{poll.id}", "{what}", note, poll.question)))
    dated = _dates_need(trip) if me == trip.organiser else None
    if dated is not None and dated.id not in declined:
        words = "{what} won: make it the trip's dates?"
        found.append(((1, dated.closed_at or now), Need(f"dates:{dated.id}", words, "", won_text(dated))))
    hotel_note = _hotel_need(trip, me)
    if hotel_note is not None:
        found.append(((1, now), Need("hotels", "Pick a hotel", hotel_note)))
    missing = trip.required_members - len(trip.members)
    if missing > 0:
        code = trip.invite.code if trip.invite is not None else "make an invite"
        found.append(((2, now), Need("invite", f"Invite {missing} more", code)))
    return [need for _, need in sorted(found, key=lambda pair: (pair[0], pair[1].target))]


def _may_end(trip: Trip, poll: Poll, me: str) -> bool:
    return me in (trip.organiser, poll.opened_by)


def _poll_need(trip: Trip, poll: Poll, me: str, now: datetime) -> str | None:
    if poll.closed:
        tie = poll.outcome is not None and poll.outcome.tie
        return "a tie: you decide" if tie and _may_end(trip, poll, me) else None
    if not poll.takes_votes(now):
        return None
    if me not in poll.ballots:
        return f"closes {when.until(poll.closes_at, now)}" if poll.closes_at else _voted(len(poll.ballots), trip)
    if _may_end(trip, poll, me) and not poll_rules.waiting_for(poll, trip.members) and len(trip.members) > 1:
        return "all voted: end it?" if not unfinished(trip, poll) else "voted, in part: end it?"
    return None


def _dates_need(trip: Trip) -> Poll | None:
    """The poll that ended last with a date, unless the trip has that already."""
    ended = [
        p
        for p in trip.polls.values()
        if p.closed_at is not None and dates.parse_span(won_text(p), p.opened_at.date()) is not None
    ]
    last = max(ended, key=lambda p: (p.closed_at or p.opened_at, p.id), default=None)
    return last if last is not None and won_dates(trip, last) is not None else None


def _hotel_need(trip: Trip, me: str) -> str | None:
    voting = trip.voting
    if not voting.open:
        return None
    voters = sum(h in trip.hotels for h in voting.ballots.values())
    if voting.ballots.get(me) not in trip.hotels:
        return _voted(voters, trip)
    if me in (trip.organiser, voting.opened_by) and voters == len(trip.members) > 1:
        return "all voted: end it?"
    return None


def _voted(count: int, trip: Trip) -> str:
    return f"{count} of {len(trip.members)} voted"


def plan(trip: Trip, now: datetime) -> list[Decision]:
    """Where, when and where to stay: decided, leading, or open."""
    return [_where(trip), _when(trip, now), _stay(trip)]


def _where(trip: Trip) -> Decision:
    if trip.destination:
        return Decision("edit", "Where", "decided", "{what}", trip.destination)
    return Decision("edit", "Where", "nothing", "not decided")


def _when(trip: Trip, now: datetime) -> Decision:
    today = now.astimezone().date()
    if trip.starts_on or trip.ends_on:
        return Decision("edit", "When", "decided", when.span(trip.starts_on, trip.ends_on, today))
    for poll in reversed(poll_order(trip)):
        if not is_about_dates(poll, today):
            continue
        leading = poll.outcome.winners if poll.outcome is not None else poll_rules.leaders(poll)
        texts = [o.text for o in poll.options if o.id in leading]
        if len(texts) == 1:
            return Decision(
                f"poll:{poll.id}", "When", "open", "{what} won" if poll.closed else "{what} leads", texts[0]
            )
        return Decision(f"poll:{poll.id}", "When", "open", "a tie" if texts else "nobody has voted")
    return Decision("edit", "When", "nothing", "not decided")


def is_about_dates(poll: Poll, today: date) -> bool:
    """Whether every option is a date or a range."""
    return all(dates.parse_span(o.text, today) is not None for o in poll.options)


def _stay(trip: Trip) -> Decision:
    voting = trip.voting
    winner = trip.hotels.get(voting.outcome.winner_id or "") if voting.outcome is not None else None
    if winner is not None:
        return Decision("hotels", "Stay", "decided", "{what}", winner.name)
    if voting.open:
        counts = sorted((len(v) for v in hotel_rules.votes_by_hotel(voting, trip.hotels).values()), reverse=True)
        leading = hotel_rules.leading(voting, trip.hotels)
        if len(leading) == 1:
            second = counts[1] if len(counts) > 1 else 0
            return Decision("hotels", "Stay", "open", f"{{what}} leads, {counts[0]} to {second}", leading[0].name)
        return Decision("hotels", "Stay", "open", f"a tie, {counts[0]} each" if leading else "nobody has voted")
    if trip.hotels:
        many = len(trip.hotels)
        return Decision("hotels", "Stay", "nothing", f"{many} hotel{'s' * (many > 1)} on the list")
    return Decision("hotels", "Stay", "nothing", "no hotels yet")


def crew(trip: Trip, me: str, present: Mapping[str, str], now: datetime, left: Mapping[str, datetime]) -> list[CrewRow]:
    """The crew: me, then who is here, then the others by when they were last heard of."""
    heard: dict[str, datetime] = {r.by: r.at for r in trip.recent if r.by is not None}
    rows = []
    for m in crew_order(trip):
        last = max((t for t in (heard.get(m.id), left.get(m.id)) if t is not None), default=None)
        here = m.id in present or m.id == me
        note = ""
        if m.id == me:
            note = "organiser" if m.id == trip.organiser else ""
        elif here:
            where = TITLES.get(present[m.id])
            note = f"in {where}" if where else "here"
        elif last is not None:
            note = when.ago(last, now)
        rows.append(CrewRow(m.id, m.name, here, m.id == me, m.id == trip.organiser, note))
    order = {r.id: n for n, r in enumerate(rows)}
    return sorted(rows, key=lambda r: (not r.you, not r.here, order[r.id]))
