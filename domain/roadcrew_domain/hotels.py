"""The rules of hotels: shortlist, vote, change a vote, and a winner by a tie rule chosen beforehand.

Whether the person is in the crew is for trip.py; `chair` below says whether it is the organiser.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from typing import Literal
from urllib.parse import urlsplit

import msgspec
from rpds import HashTrieMap

from roadcrew_domain import text
from roadcrew_domain.events import Fact
from roadcrew_domain.money import Money, checked_price
from roadcrew_domain.refusals import Refused, id_taken
from roadcrew_domain.values import Moment, Value

TieRule = Literal["cheapest", "first-shortlisted", "organiser"]
DecidedBy = Literal["votes", "cheapest", "first-shortlisted", "organiser", "no-votes"]

MAX_HOTELS = 200
MAX_NAME = 120
MAX_CITY = 80
MAX_URL = 500
MAX_STARS = 5


class Hotel(Value, frozen=True):
    """`stars` 0 (unrated) to 5; `price_per_night` in minor units."""

    id: str
    name: str
    city: str
    stars: int
    price_per_night: Money
    url: str | None
    added_by: str
    added_at: Moment


class HotelOutcome(Value, frozen=True):
    """How a vote ended. `tied` are the hotels that led together, if it was a tie; `decided_by` is said."""

    winner_id: str | None
    tied: tuple[str, ...]
    decided_by: DecidedBy


class HotelVoting(Value, frozen=True):
    """The vote on the shortlist: `ballots` maps a member to a hotel that is on it."""

    open: bool = False
    tie_rule: TieRule = "cheapest"
    opened_by: str | None = None
    outcome: HotelOutcome | None = None
    ballots: HashTrieMap[str, str] = HashTrieMap()


# --- facts ---------------------------------------------------------------------------------------


class HotelShortlisted(Fact, frozen=True):
    """Who added it is the event's `by`."""

    hotel_id: str
    name: str
    city: str
    stars: int
    price_per_night: Money
    url: str | None = None


class HotelUnshortlisted(Fact, frozen=True):
    hotel_id: str


class HotelVotingOpened(Fact, frozen=True):
    """Starts a new round: earlier ballots and an earlier winner no longer count."""

    tie_rule: TieRule


class HotelVoteCast(Fact, frozen=True):
    """The voter is the event's `by`. None takes the vote back."""

    hotel_id: str | None


class HotelVotingClosed(Fact, frozen=True):
    outcome: HotelOutcome


# --- commands ------------------------------------------------------------------------------------


class ShortlistHotel(Value, frozen=True):
    name: str
    city: str
    stars: int
    price_per_night: Money
    url: str | None = None


class UnshortlistHotel(Value, frozen=True):
    hotel_id: str


class VoteHotel(Value, frozen=True):
    hotel_id: str | None


class OpenHotelVoting(Value, frozen=True):
    tie_rule: TieRule


class CloseHotelVoting(Value, frozen=True):
    """`winner_id` is the organiser's choice in a tie, where the rule leaves it to the organiser."""

    winner_id: str | None = None


# --- rules ---------------------------------------------------------------------------------------


def shortlist(hotels: HashTrieMap[str, Hotel], command: str, who: str, c: ShortlistHotel) -> Fact | None:
    """None when this command has added it already.

    Raises `Refused`: `id-taken`, `too-many-hotels`, `bad-stars`, `bad-price`, `bad-link`, `hotel-listed`, or a text's.
    """
    if command in hotels:
        if hotels[command].added_by == who:
            return None
        raise id_taken()
    check_room(hotels)
    if not 0 <= c.stars <= MAX_STARS:
        raise Refused("bad-stars", "invalid", "A hotel has 0 to 5 stars.", field="stars")
    name = text.checked(c.name, field="hotel's name", limit=MAX_NAME)
    city = text.checked(c.city, field="city", limit=MAX_CITY)
    check_unlisted(hotels, name, city)
    return HotelShortlisted(command, name, city, c.stars, checked_price(c.price_per_night, field="price"), _link(c.url))


def check_room(hotels: HashTrieMap[str, Hotel]) -> None:
    """Raises `Refused` (`too-many-hotels`) if the shortlist is full."""
    if len(hotels) >= MAX_HOTELS:
        raise Refused("too-many-hotels", "full", f"The shortlist has room for {MAX_HOTELS} hotels.", limit=MAX_HOTELS)


def check_unlisted(hotels: HashTrieMap[str, Hotel], name: str, city: str) -> None:
    """Raises `Refused` (`hotel-listed`) if a hotel of that name is on the shortlist."""
    if any((h.name.casefold(), h.city.casefold()) == (name.casefold(), city.casefold()) for h in hotels.values()):
        raise Refused("hotel-listed", "conflict", f"{name} in {city} is on the shortlist already.")


def _link(url: str | None) -> str | None:
    url = text.checked_or_none(url, field="link", limit=MAX_URL)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and " " not in url
        good = good and parts.port != 0  # reading the port raises ValueError for one that can't be
    except ValueError:
        good = False
    if not good:
        raise Refused("bad-link", "invalid", "A link starts with https:// or http:// and names a host.", field="url")
    return url


def unshortlist(hotel: Hotel, who: str, *, chair: bool) -> Fact:
    """Raises `Refused`: `not-yours-to-drop`."""
    if not (chair or who == hotel.added_by):
        raise Refused("not-yours-to-drop", "forbidden", "Only the organiser or who added a hotel can take it off.")
    return HotelUnshortlisted(hotel.id)


def open_voting(voting: HotelVoting, hotels: HashTrieMap[str, Hotel], c: OpenHotelVoting) -> Fact | None:
    """None when it is open with that rule already. Raises `Refused`: `voting-open`, `no-hotels`."""
    if voting.open:
        if voting.tie_rule == c.tie_rule:
            return None
        raise Refused("voting-open", "conflict", "Voting is open already, and its tie rule can't change now.")
    if not hotels:
        raise Refused("no-hotels", "conflict", "Add a hotel to the shortlist first.")
    return HotelVotingOpened(c.tie_rule)


def vote(voting: HotelVoting, hotels: HashTrieMap[str, Hotel], voter: str, c: VoteHotel) -> Fact | None:
    """None when the same vote stands already. Raises `Refused`: `voting-closed`, `unknown-hotel`."""
    if c.hotel_id is not None and c.hotel_id not in hotels:
        raise Refused("unknown-hotel", "missing", "That hotel is not on the shortlist.")
    if not voting.open:
        raise Refused("voting-closed", "conflict", "Voting on hotels is not open. Your vote was not counted.")
    if voting.ballots.get(voter) == c.hotel_id:
        return None
    return HotelVoteCast(c.hotel_id)


def votes_by_hotel(voting: HotelVoting, hotels: HashTrieMap[str, Hotel]) -> dict[str, list[str]]:
    """Member ids for each hotel of the shortlist that has votes, in no particular order."""
    votes: dict[str, list[str]] = {}
    for member, hotel in voting.ballots.items():
        if hotel in hotels:
            votes.setdefault(hotel, []).append(member)
    return votes


def leading(voting: HotelVoting, hotels: HashTrieMap[str, Hotel]) -> tuple[Hotel, ...]:
    """The hotels with the most votes, first shortlisted first; empty without votes."""
    votes = votes_by_hotel(voting, hotels)
    most = max((len(v) for v in votes.values()), default=0)
    tied = [hotels[h] for h, v in votes.items() if len(v) == most]
    return tuple(sorted(tied, key=lambda h: (h.added_at, h.id)))


def close_voting(
    voting: HotelVoting, hotels: HashTrieMap[str, Hotel], who: str, c: CloseHotelVoting, *, chair: bool
) -> Fact | None:
    """None when it is closed already.

    Raises `Refused`: `not-yours-to-close`, `organiser-decides` (a tie, and the rule leaves it to the
    organiser, who has not chosen or is somebody else), `not-a-tie` (a choice that nobody asked for).
    """
    if not voting.open:
        return None
    if not (chair or who == voting.opened_by):
        raise Refused("not-yours-to-close", "forbidden", "Only the organiser or who opened the vote can end it.")
    outcome = outcome_of(voting, hotels)
    if outcome.decided_by == "organiser":
        if c.winner_id is None or not chair:
            names = " and ".join(hotels[h].name for h in outcome.tied)
            raise Refused(
                "organiser-decides", "conflict", f"A tie between {names}: the organiser decides.", tied=outcome.tied
            )
        if c.winner_id not in outcome.tied:
            raise Refused("not-a-tie", "conflict", "That hotel is not among those that lead.", tied=outcome.tied)
        return HotelVotingClosed(HotelOutcome(c.winner_id, outcome.tied, "organiser"))
    if c.winner_id not in (None, outcome.winner_id):
        raise Refused("not-a-tie", "conflict", "The votes decide this; there is nothing to choose.")
    return HotelVotingClosed(outcome)


def dropped(voting: HotelVoting, hotel_id: str) -> HotelVoting:
    """The vote after a hotel was taken off: its ballots are gone, and so is a result that it had won."""
    ballots = voting.ballots
    for member, choice in voting.ballots.items():
        if choice == hotel_id:
            ballots = ballots.remove(member)
    outcome = voting.outcome
    if outcome is not None and outcome.winner_id == hotel_id:
        outcome = None
    return msgspec.structs.replace(voting, ballots=ballots, outcome=outcome)


def outcome_of(voting: HotelVoting, hotels: HashTrieMap[str, Hotel]) -> HotelOutcome:
    """What it would be if voting ended now. Decided by `organiser` means a choice is still needed.

    Prices in different currencies can't be compared: then the first shortlisted wins, and that is said.
    """
    tied = leading(voting, hotels)
    if not tied:
        return HotelOutcome(None, (), "no-votes")
    if len(tied) == 1:
        return HotelOutcome(tied[0].id, (), "votes")
    ids = tuple(h.id for h in tied)
    if voting.tie_rule == "organiser":
        return HotelOutcome(None, ids, "organiser")
    if voting.tie_rule == "cheapest" and len({h.price_per_night.currency for h in tied}) == 1:
        lowest = min(h.price_per_night.amount for h in tied)
        cheapest = [h for h in tied if h.price_per_night.amount == lowest]
        if len(cheapest) == 1:
            return HotelOutcome(cheapest[0].id, ids, "cheapest")
        return HotelOutcome(cheapest[0].id, ids, "first-shortlisted")
    return HotelOutcome(tied[0].id, ids, "first-shortlisted")
