"""Times, dates, prices and happenings as people read and type them; the view models, without Textual."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from babel import Locale
from tests.tui.scenes import lisbon

from roadcrew_domain.money import Money
from roadcrew_domain.trip import Recent
from roadcrew_tui import dates, happenings, money, when
from roadcrew_tui.screens import hotels_model, overview_model, polls_model
from roadcrew_tui.screens.invite import warning_about
from roadcrew_tui.screens.trip_model import status_words
from roadcrew_tui.snapshot import Status

NOW = datetime(2026, 5, 18, 15, 0, tzinfo=UTC)
TODAY = NOW.date()


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-05-21", (2026, 5, 21), (2026, 5, 21)),
        ("21 to 25 May", (2026, 5, 21), (2026, 5, 25)),
        ("21-25 May 2027", (2027, 5, 21), (2027, 5, 25)),
        ("28 May to 2 June", (2026, 5, 28), (2026, 6, 2)),
        ("28 Dec – 3 Jan", (2026, 12, 28), (2027, 1, 3)),
        ("2026-05-21 to 2026-05-25", (2026, 5, 21), (2026, 5, 25)),
        ("Wed 20 May", (2026, 5, 20), (2026, 5, 20)),
        ("Wednesday, May 20th", (2026, 5, 20), (2026, 5, 20)),
        ("Fri 29 May to Sun 2 June", (2026, 5, 29), (2026, 6, 2)),
        ("3 Jan", (2027, 1, 3), (2027, 1, 3)),
        ("26.11.2026", (2026, 11, 26), (2026, 11, 26)),
        ("26.11.2026 to 28.11.2026", (2026, 11, 26), (2026, 11, 28)),
        ("Sat 5 June 2027", (2027, 6, 5), (2027, 6, 5)),
    ],
)
def test_dates_are_understood(text: str, first: tuple[int, int, int], last: tuple[int, int, int]):
    assert dates.parse_span(text, TODAY) == (date(*first), date(*last))


@pytest.mark.parametrize("text", ["", "Casa Azul", "31 Feb", "25 to 21 May", "May", "2 of us", "21 Smarch", "- to -"])
def test_what_is_no_date_is_none(text: str):
    assert dates.parse_span(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Fri 5 June 2027", "5 Jun 2027 is a Saturday, not a Friday."),
        ("Tues, May 20", "20 May 2026 is a Wednesday, not a Tuesday."),
        ("mo 3 jan", "3 Jan 2027 is a Sunday, not a Monday."),
    ],
)
def test_a_weekday_that_is_not_that_dates_is_refused_and_no_other_year_is_guessed(text: str, said: str):
    with pytest.raises(dates.NotADate, match=said):
        dates.parse_day(text, TODAY)
    with pytest.raises(dates.NotADate, match=said):
        dates.parse_deadline(f"{text} 18:00", NOW, UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [("Wed", (2026, 5, 20)), ("sunday", (2026, 5, 24)), ("Mon", (2026, 5, 18)), ("20 May", (2026, 5, 20))],
)
def test_a_weekday_alone_is_the_next_one(text: str, day: tuple[int, int, int]):
    assert dates.parse_day(text, TODAY) == date(*day)


@pytest.mark.parametrize("text", ["w", "wedge", "2026-02-30", "31.2.2026", "5.6.", "Wen 20 May"])
def test_what_is_no_day_is_none(text: str):
    assert dates.parse_day(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "closes"),
    [
        ("18:00", datetime(2026, 5, 18, 18, 0, tzinfo=UTC)),
        ("9:00", datetime(2026, 5, 19, 9, 0, tzinfo=UTC)),
        ("in 2 h", NOW + timedelta(hours=2)),
        ("in 3 days", NOW + timedelta(days=3)),
        ("tomorrow 18:00", datetime(2026, 5, 19, 18, 0, tzinfo=UTC)),
        ("fri 18:00", datetime(2026, 5, 22, 18, 0, tzinfo=UTC)),
        ("20 May", datetime(2026, 5, 20, 23, 59, tzinfo=UTC)),
        ("2026-05-20 18:00", datetime(2026, 5, 20, 18, 0, tzinfo=UTC)),
        ("2026-05-20T18:00", datetime(2026, 5, 20, 18, 0, tzinfo=UTC)),
    ],
)
def test_deadlines_are_understood(text: str, closes: datetime):
    assert dates.parse_deadline(text, NOW, UTC) == closes


@pytest.mark.parametrize("text", ["someday", "25:00", "18:75", "in a while"])
def test_a_deadline_that_is_none_says_what_would_be(text: str):
    with pytest.raises(dates.NotADate, match="Try 18:00"):
        dates.parse_deadline(text, NOW, UTC)


def test_times_are_said_in_the_readers_zone_with_a_relative_part():
    lisbon_time = timezone(timedelta(hours=1))
    closes = NOW + timedelta(hours=2)
    assert when.clock(closes, NOW, lisbon_time) == "18:00"
    assert when.until(closes, NOW) == "in 2 h"
    assert when.clock(NOW + timedelta(hours=10), NOW, lisbon_time) == "tomorrow 02:00"
    assert when.clock(NOW + timedelta(days=4), NOW, UTC) == "Fri 15:00"
    assert when.ago(NOW - timedelta(minutes=3), NOW) == "3 min ago"
    assert when.ago(NOW, NOW) == "now"
    assert when.until(NOW + timedelta(minutes=119, seconds=50), NOW) == "in 2 h"


@pytest.mark.parametrize(
    ("starts", "ends", "words"),
    [
        (date(2026, 5, 21), date(2026, 5, 25), "21 to 25 May"),
        (date(2026, 5, 28), date(2026, 6, 2), "28 May to 2 Jun"),
        (date(2027, 5, 21), date(2027, 5, 25), "21 to 25 May 2027"),
        (date(2026, 12, 28), date(2027, 1, 3), "28 Dec 2026 to 3 Jan 2027"),
        (date(2026, 5, 21), None, "from 21 May"),
        (None, None, ""),
    ],
)
def test_spans_are_short_and_read_back(starts: date | None, ends: date | None, words: str):
    assert when.span(starts, ends, TODAY) == words
    if starts and ends:
        assert dates.parse_span(words, TODAY) == (starts, ends)


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "words"),
    [
        (8400, "EUR", "de", "84 €"),
        (8450, "EUR", "de", "84,50 €"),
        (8400, "EUR", "en", "€84"),
        (12000, "JPY", "en", "¥12,000"),
        (120000, "USD", "en", "$1,200"),
        (12345, "KWD", "en", "KWD 12.345"),
    ],
)
def test_prices_are_written_as_the_readers_locale_does(amount: int, currency: str, locale: str, words: str):
    assert money.written(Money(amount, currency), Locale(locale)) == words


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("84", (8400, "EUR")),
        ("84,50 €", (8450, "EUR")),
        ("$1,200.00", (120000, "USD")),
        ("1.200 EUR", (120000, "EUR")),
        ("12000 jpy", (12000, "JPY")),
        ("99.5 GBP", (9950, "GBP")),
    ],
)
def test_prices_are_understood(text: str, price: tuple[int, str]):
    assert money.parse_price(text) == Money(*price)


@pytest.mark.parametrize("text", ["", "cheap", "-5", "84 XXZ", "8 4 5 EUR x", "€", "1e9"])
def test_a_price_that_is_none_says_what_would_be(text: str):
    with pytest.raises(money.NotAPrice, match="Try 84 EUR"):
        money.parse_price(text)


def test_the_same_thing_done_again_is_told_once_and_ones_own_deeds_not_at_all():
    def recent(seq: int, by: str, kind: str = "VoteCast") -> Recent:
        return Recent(seq, NOW, kind, by, by.title(), "When?")

    told = happenings.by_others([recent(1, "ben"), recent(2, "ben"), recent(3, "ana"), recent(4, "dev")], "ana", 0)
    assert [(h.seq, h.who) for h in told] == [(4, "Dev"), (2, "Ben")]
    assert happenings.by_others([recent(1, "ben", "SomethingNew")], "ana", 0) == []


@pytest.mark.parametrize(
    ("kind", "subject", "words"),
    [
        ("stay", None, "{who} asked for prices of hotels"),
        ("import", "hotels.csv", "{who} began to import {what}"),
        ("stay-finished", "Rates", "The prices of hotels are there: the lowest is {what}'s"),
        ("stay-finished", None, "Nobody had a price of a hotel"),
        ("import-finished", "hotels.csv", "The import of {what} is done"),
        ("import-failed", "hotels.csv", "The import of {what} failed"),
    ],
)
def test_of_a_run_it_is_told_what_was_asked_and_what_came_of_it(kind: str, subject: str | None, words: str):
    event_type = "RunEnded" if "-" in kind else "RunStarted"
    told = happenings.told(Recent(1, NOW, event_type, "ben", "Ben", subject, kind))
    assert told is not None
    assert (told.words, told.who, told.what) == (words, "Ben", subject or "")


def test_what_is_most_urgent_comes_first():
    scene = lisbon()
    trip = scene.world.trips[scene.trip_id]
    needs = overview_model.needs(trip, scene.ana.id, scene.world.now())
    assert [n.target for n in needs] == [f"poll:{scene.flight}", "hotels", "invite"]
    assert [n.target for n in overview_model.needs(trip, scene.ben.id, scene.world.now())][:1] == [
        f"poll:{scene.drivers}"
    ]


def test_a_single_choice_replaces_and_several_choices_add():
    scene = lisbon()
    poll = scene.world.trips[scene.trip_id].polls[scene.drivers]
    assert polls_model.vote(poll, scene.ana.id, f"{poll.id}.0", "yes").option_ids == (f"{poll.id}.2", f"{poll.id}.0")
    assert polls_model.vote(poll, scene.ana.id, f"{poll.id}.2", None).option_ids == ()
    assert polls_model.next_answer(poll, scene.ana.id, f"{poll.id}.2") is None


def test_the_table_of_hotels_has_most_votes_on_top():
    scene = lisbon()
    table = hotels_model.shortlist(scene.world.trips[scene.trip_id], scene.ana.id, ())
    assert [(r.name, r.votes, r.voters) for r in table.rows] == [
        ("Casa Azul", 2, ("Ben", "Carla")),
        ("Alfama", 1, ("Dev",)),
    ]
    assert table.waiting_for_me


# R: S5
def test_the_state_of_the_link_is_never_a_colour_alone():
    states = ("live", "connecting", "polling", "paused", "offline", "gone", "signed-out")
    assert len({status_words(Status(state, 2.0))[1] for state in states}) == len(states)
    assert status_words(Status("offline", waiting=1))[1] == "offline · 1 change waits"
    assert status_words(Status("polling", 2.25))[1] == "polling every 2.2 s"


# R: T2
def test_links_that_others_can_not_use_are_warned_of():
    assert "only on this computer" in (warning_about("http://127.0.0.1:8787/j/X") or "")
    assert "only on this computer" in (warning_about("http://localhost/j/X") or "")
    assert "only on this computer" in (warning_about("https://[::1]/j/X") or "")
    assert "plain http" in (warning_about("http://192.168.1.5:8787/j/X") or "")
    assert warning_about("https://trips.example.org/j/X") is None


def test_the_ends_of_the_calendar_are_drawn_in_any_zone():
    now = datetime(2026, 5, 2, tzinfo=UTC)
    last, first = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    for hours in (-12, 0, 14):
        zone = timezone(timedelta(hours=hours))
        assert when.clock(last, now, zone).startswith(("31 Dec 9999", "1 Jan"))
        assert when.clock(first, now, zone)
