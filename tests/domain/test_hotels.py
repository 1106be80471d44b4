"""Hotels: shortlist, vote, change a vote, close with a winner, ties by a rule chosen beforehand."""

import pytest
from tests.domain.playing import ANA, BEN, CARLA, DEV, Play, crew_of

from roadcrew_domain.crew import LeaveTrip
from roadcrew_domain.hotels import (
    MAX_HOTELS,
    CloseHotelVoting,
    DecidedBy,
    HotelOutcome,
    OpenHotelVoting,
    ShortlistHotel,
    TieRule,
    UnshortlistHotel,
    VoteHotel,
    votes_by_hotel,
)
from roadcrew_domain.money import MAX_AMOUNT, Money
from roadcrew_domain.trip import fold
from roadcrew_domain.views import decode_trip, encode_trip, to_view

EUR = Money(8400, "EUR")


def voting(rule: TieRule = "cheapest", *prices: int, currencies: tuple[str, ...] = ()) -> tuple[Play, list[str]]:
    """An open vote, opened by Ben, on as many hotels as there are prices."""
    play = crew_of(BEN, CARLA, DEV)
    chosen = currencies or ("EUR",) * len(prices)
    hotels = [
        play.hotel(f"Hotel {n}", price=p, currency=c) for n, (p, c) in enumerate(zip(prices, chosen, strict=True))
    ]
    play.do(BEN, OpenHotelVoting(rule))
    return play, hotels


def outcome(play: Play) -> HotelOutcome | None:
    return play.trip.voting.outcome


def votes(play: Play) -> dict[str, list[str]]:
    return {h: sorted(v) for h, v in votes_by_hotel(play.trip.voting, play.trip.hotels).items()}


# R: T5
def test_any_member_adds_a_hotel_whose_id_is_the_commands():
    play = crew_of(BEN)
    hotel = play.hotel("Casa Azul", by=BEN)
    assert play.trip.hotels[hotel].added_by == BEN
    assert play.refusal(DEV, ShortlistHotel("A", "B", 1, EUR)) == "not-a-member"


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (ShortlistHotel("A", "B", 6, EUR), "bad-stars"),
        (ShortlistHotel("A", "B", -1, EUR), "bad-stars"),
        (ShortlistHotel("A", "B", 10**40, EUR), "bad-stars"),
        (ShortlistHotel("", "B", 1, EUR), "text-missing"),
        (ShortlistHotel("A", "\u200b", 1, EUR), "text-missing"),
        (ShortlistHotel("A\x1b[31m", "B", 1, EUR), "unsafe-text"),
        (ShortlistHotel("A" * 121, "B", 1, EUR), "text-too-long"),
        (ShortlistHotel("A", "B", 1, Money(-1, "EUR")), "bad-price"),
        (ShortlistHotel("A", "B", 1, Money(MAX_AMOUNT + 1, "EUR")), "bad-price"),
        (ShortlistHotel("A", "B", 1, Money(1, "eur")), "bad-price"),
        (ShortlistHotel("A", "B", 1, Money(1, "EUR\n")), "bad-price"),
        (ShortlistHotel("A", "B", 1, Money(1, "ЕUR")), "bad-price"),
    ],
)
# R: T5 C13
def test_a_hotel_that_can_not_be_is_refused(act: ShortlistHotel, code: str):
    assert crew_of().refusal(ANA, act) == code


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "//host",
        "https://user@host/",
        "https://user:pw@host/",
        "https://a b/",
        "http://[::1",
        "http://host:99999/",
        "https://host\n.evil/",
        "x" * 501,
        "https://ho\u202est/",
    ],
)
# R: T5
def test_a_link_that_could_mislead_is_refused(url: str):
    assert crew_of().refusal(ANA, ShortlistHotel("A", "B", 1, EUR, url)) in ("bad-link", "text-too-long", "unsafe-text")


@pytest.mark.parametrize("url", ["https://casa.example/rooms?a=1#x", "HTTP://10.0.0.1:8080", "https://[2001:db8::1]/"])
def test_a_web_link_is_kept_as_it_was_written(url: str):
    play = crew_of()
    hotel = play.new_id()
    play.do(ANA, ShortlistHotel("A", "B", 1, EUR, url), hotel)
    assert play.trip.hotels[hotel].url == url


def test_a_blank_link_is_none():
    play = crew_of()
    hotel = play.new_id()
    play.do(ANA, ShortlistHotel("A", "B", 1, EUR, " \u200b "), hotel)
    assert play.trip.hotels[hotel].url is None


# R: T5
def test_the_same_hotel_in_the_same_city_is_listed_once():
    play = crew_of(BEN)
    play.hotel("Casa Azul")
    assert play.refusal(BEN, ShortlistHotel(" casa  AZUL", "lisbon", 3, EUR)) == "hotel-listed"
    play.do(BEN, ShortlistHotel("Casa Azul", "Porto", 3, EUR))


# R: T5
def test_adding_the_same_hotel_twice_is_adding_it_once_and_nobody_replaces_it_under_its_id():
    play = crew_of(BEN)
    hotel = play.hotel("Casa Azul")
    assert play.do(ANA, ShortlistHotel("Casa Azul", "Lisbon", 4, EUR), command=hotel) == []
    assert play.refusal(BEN, ShortlistHotel("Other", "Lisbon", 4, EUR), command=hotel) == "id-taken"


def test_the_shortlist_has_room_for_two_hundred_hotels():
    play = crew_of()
    for n in range(MAX_HOTELS):
        play.hotel(f"Hotel {n}")
    assert play.refusal(ANA, ShortlistHotel("One more", "Lisbon", 1, EUR)) == "too-many-hotels"


# R: T5
def test_only_the_organiser_and_who_added_it_take_a_hotel_off():
    play = crew_of(BEN, CARLA)
    hotel, other = play.hotel("One", by=BEN), play.hotel("Two", by=BEN)
    assert play.refusal(CARLA, UnshortlistHotel(hotel)) == "not-yours-to-drop"
    play.do(BEN, UnshortlistHotel(hotel))
    play.do(ANA, UnshortlistHotel(other))
    assert play.refusal(ANA, UnshortlistHotel(other)) == "unknown-hotel"


# R: T5 T6
def test_the_hotel_of_somebody_who_left_stays_and_the_organiser_may_take_it_off():
    play = crew_of(BEN)
    hotel = play.hotel("One", by=BEN)
    play.do(BEN, LeaveTrip())
    assert hotel in play.trip.hotels
    play.do(ANA, UnshortlistHotel(hotel))


# R: T5
def test_voting_needs_a_hotel_and_is_opened_once_with_one_rule():
    play = crew_of(BEN)
    assert play.refusal(BEN, OpenHotelVoting("cheapest")) == "no-hotels"
    play.hotel("One")
    play.do(BEN, OpenHotelVoting("cheapest"))
    assert play.do(ANA, OpenHotelVoting("cheapest")) == []
    assert play.refusal(ANA, OpenHotelVoting("organiser")) == "voting-open"


# R: T5
def test_a_vote_can_be_changed_and_taken_back_and_the_same_again_changes_nothing():
    play, (one, two) = voting("cheapest", 1, 2)
    play.do(BEN, VoteHotel(one))
    play.do(BEN, VoteHotel(two))
    assert votes(play) == {two: [BEN]}
    assert play.do(BEN, VoteHotel(two)) == []
    play.do(BEN, VoteHotel(None))
    assert votes(play) == {}
    assert play.do(BEN, VoteHotel(None)) == []


# R: T5
def test_a_vote_before_opening_after_closing_or_for_no_hotel_is_refused():
    play = crew_of(BEN)
    hotel = play.hotel("One")
    assert play.refusal(BEN, VoteHotel(hotel)) == "voting-closed"
    play.do(BEN, OpenHotelVoting("cheapest"))
    assert play.refusal(BEN, VoteHotel("nowhere")) == "unknown-hotel"
    assert play.refusal(BEN, VoteHotel("")) == "unknown-hotel"
    play.do(BEN, CloseHotelVoting())
    assert play.refusal(BEN, VoteHotel(hotel)) == "voting-closed"
    assert play.refusal(BEN, VoteHotel(None)) == "voting-closed"


# R: T5
def test_votes_for_a_hotel_taken_off_are_gone_in_memory_and_in_the_snapshot_alike():
    play, (one, two) = voting("cheapest", 1, 2)
    play.do(BEN, VoteHotel(one))
    play.do(CARLA, VoteHotel(two))
    play.do(ANA, UnshortlistHotel(one))
    assert votes(play) == {two: [CARLA]}
    assert decode_trip(encode_trip(play.trip)) == play.trip
    assert play.refusal(BEN, VoteHotel(one)) == "unknown-hotel"
    # The same id again brings no old vote back.
    play.do(ANA, ShortlistHotel("Again", "Lisbon", 1, EUR), command=one)
    assert votes(play) == {two: [CARLA]}


# R: T5
def test_only_the_organiser_and_who_opened_the_vote_close_it():
    play, _ = voting("cheapest", 1)
    assert play.refusal(CARLA, CloseHotelVoting()) == "not-yours-to-close"
    play.do(BEN, CloseHotelVoting())
    assert play.do(CARLA, CloseHotelVoting()) == []


# R: T5
def test_most_votes_win_whatever_the_rule():
    for rule in ("cheapest", "first-shortlisted", "organiser"):
        play, (one, two) = voting(rule, 1, 2)
        for who, hotel in ((ANA, two), (BEN, two), (CARLA, one)):
            play.do(who, VoteHotel(hotel))
        assert play.refusal(ANA, CloseHotelVoting(one)) == "not-a-tie"
        play.do(ANA, CloseHotelVoting())
        assert outcome(play) == HotelOutcome(two, (), "votes")
        assert to_view(play.trip).hotel_voting.winner_id == two


# R: T5
def test_no_votes_is_no_winner_and_nothing_to_choose():
    play, (one, _) = voting("organiser", 1, 2)
    assert play.refusal(ANA, CloseHotelVoting(one)) == "not-a-tie"
    play.do(ANA, CloseHotelVoting())
    assert outcome(play) == HotelOutcome(None, (), "no-votes")


@pytest.mark.parametrize(
    ("rule", "prices", "currencies", "wins", "said"),
    [
        ("cheapest", (300, 200), ("EUR", "EUR"), 1, "cheapest"),
        ("cheapest", (200, 200), ("EUR", "EUR"), 0, "first-shortlisted"),
        ("cheapest", (300, 200), ("EUR", "JPY"), 0, "first-shortlisted"),
        ("first-shortlisted", (300, 200), ("EUR", "EUR"), 0, "first-shortlisted"),
    ],
)
# R: T5
def test_a_tie_goes_by_the_rule_chosen_when_voting_opened_and_that_is_said(
    rule: TieRule, prices: tuple[int, ...], currencies: tuple[str, ...], wins: int, said: DecidedBy
):
    play, hotels = voting(rule, *prices, currencies=currencies)
    play.do(ANA, VoteHotel(hotels[0]))
    play.do(BEN, VoteHotel(hotels[1]))
    play.do(BEN, CloseHotelVoting())
    assert outcome(play) == HotelOutcome(hotels[wins], tuple(hotels), said)


# R: T5
def test_where_the_organiser_decides_only_they_do_and_among_those_that_lead():
    play, (one, two, three) = voting("organiser", 1, 2, 3)
    play.do(ANA, VoteHotel(one))
    play.do(BEN, VoteHotel(two))
    assert play.refusal(BEN, CloseHotelVoting()) == "organiser-decides"
    assert play.refusal(BEN, CloseHotelVoting(two)) == "organiser-decides"
    assert play.refusal(ANA, CloseHotelVoting()) == "organiser-decides"
    assert play.refusal(ANA, CloseHotelVoting(three)) == "not-a-tie"
    play.do(ANA, CloseHotelVoting(two))
    assert outcome(play) == HotelOutcome(two, (one, two), "organiser")
    assert play.do(ANA, CloseHotelVoting(two)) == []


# R: T5
def test_opening_again_starts_a_new_round_without_old_votes_or_winner():
    play, (one, _) = voting("cheapest", 1, 2)
    play.do(BEN, VoteHotel(one))
    play.do(BEN, CloseHotelVoting())
    play.do(CARLA, OpenHotelVoting("organiser"))
    assert (votes(play), outcome(play), play.trip.voting.opened_by) == ({}, None, CARLA)


# R: T5 T6
def test_a_vote_leaves_an_open_round_with_its_member_and_stays_in_a_closed_one():
    play, (one, two) = voting("cheapest", 1, 2)
    play.do(BEN, VoteHotel(one))
    play.do(CARLA, VoteHotel(two))
    play.do(BEN, LeaveTrip())
    assert votes(play) == {two: [CARLA]}
    play.do(ANA, CloseHotelVoting())
    play.do(CARLA, LeaveTrip())
    assert votes(play) == {two: [CARLA]}
    assert fold(None, play.events) == decode_trip(encode_trip(play.trip)) == play.trip


# R: T5
def test_taking_off_the_hotel_that_won_leaves_no_winner_that_is_not_there():
    play, (one, two) = voting("cheapest", 1, 2)
    play.do(BEN, VoteHotel(one))
    play.do(BEN, CloseHotelVoting())
    play.do(ANA, UnshortlistHotel(two))
    assert outcome(play) == HotelOutcome(one, (), "votes")
    play.do(ANA, UnshortlistHotel(one))
    assert outcome(play) is None
