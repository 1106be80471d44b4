"""What the hotels tab says. Pure, without Textual."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roadcrew_domain import hotels as rules
from roadcrew_domain.hotels import ShortlistHotel, VoteHotel
from roadcrew_domain.money import Money
from roadcrew_domain.trip import Trip
from roadcrew_domain.views import crew_order, hotel_ranking
from roadcrew_tui.screens.polls_model import under_way
from roadcrew_tui.snapshot import Sending

TIE_RULES = (
    ("cheapest", "the cheapest"),
    ("first-shortlisted", "the first on the list"),
    ("organiser", "the organiser decides"),
)
_TIE_SENTENCE = {
    "cheapest": "A tie goes to the cheapest.",
    "first-shortlisted": "A tie goes to the one that was added first.",
    "organiser": "In a tie the organiser decides.",
}
_DECIDED = {
    "votes": "{what} won.",
    "cheapest": "{what} won a tie: it is the cheapest.",
    "first-shortlisted": "{what} won a tie: it was added first.",
    "organiser": "{what} won a tie: the organiser decided.",
}


@dataclass(frozen=True)
class HotelRow:
    """`voters` are people's names; `mine` is my vote, `under_way` how it is with what is not confirmed yet."""

    id: str
    name: str
    city: str
    stars: int
    price: Money
    votes: int
    voters: tuple[str, ...]
    mine: bool
    under_way: str
    won: bool
    url: str | None
    added_by: str


@dataclass(frozen=True)
class Shortlist:
    """`words` has room for {what} and {who}, people's text."""

    rows: tuple[HotelRow, ...]
    open: bool
    ended: bool
    words: str
    what: str
    waiting: tuple[str, ...]
    waiting_for_me: bool
    rule: str
    may_end: bool


def shortlist(trip: Trip, me: str, sending: Iterable[Sending]) -> Shortlist:
    """The table: most votes first, then in the order in which hotels were added."""
    voting = trip.voting
    by_hotel = rules.votes_by_hotel(voting, trip.hotels)
    votes = [s for s in sending if isinstance(s.act, VoteHotel)]
    added = {s.id: [s] for s in sending if isinstance(s.act, ShortlistHotel)}
    winner = voting.outcome.winner_id if voting.outcome is not None else None
    names = {m.id: m.name for m in crew_order(trip)}
    rows = []
    for h in hotel_ranking(trip):
        mine = voting.ballots.get(me) == h.id
        rows.append(
            HotelRow(
                id=h.id,
                name=h.name,
                city=h.city,
                stars=h.stars,
                price=h.price_per_night,
                votes=len(by_hotel.get(h.id, ())),
                voters=tuple(names[m] for m in names if m in by_hotel.get(h.id, ())),
                mine=mine,
                under_way=under_way(added.get(h.id) or (votes if mine else ())),
                won=h.id == winner and not voting.open,
                url=h.url,
                added_by=names.get(h.added_by, "somebody who has left"),
            )
        )
    waiting = [m for m in names if voting.ballots.get(m) not in trip.hotels] if voting.open else []
    words, what = _words(trip, len(names) - len(waiting))
    return Shortlist(
        rows=tuple(rows),
        open=voting.open,
        ended=voting.outcome is not None and not voting.open,
        words=words,
        what=what,
        waiting=tuple(names[m] for m in waiting if m != me),
        waiting_for_me=me in waiting,
        rule=_TIE_SENTENCE[voting.tie_rule] if voting.open else "",
        may_end=me in (trip.organiser, voting.opened_by),
    )


def _words(trip: Trip, voted: int) -> tuple[str, str]:
    voting = trip.voting
    if voting.open:
        return f"{voted} of {len(trip.members)} voted", ""
    if voting.outcome is not None:
        winner = trip.hotels.get(voting.outcome.winner_id or "")
        if winner is not None:
            return _DECIDED.get(voting.outcome.decided_by, "{what} won."), winner.name
        return "The vote ended without a winner.", ""
    if not trip.hotels:
        return "No hotels yet. Press a to add one.", ""
    return "Nobody votes yet. Press o to open the vote.", ""
