"""What has happened, as it is to be listed: by day, since when and by whom, without gaps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from roadcrew_domain.dropped import DroppedHotel
from roadcrew_domain.hotels import Hotel
from roadcrew_domain.money import Money
from roadcrew_domain.trip import Recent
from roadcrew_tui.dates import NotADate
from roadcrew_tui.screens import history_model as model
from roadcrew_tui.screens.history_model import ALL, Since

TODAY = date(2027, 5, 2)
NOW = datetime(2027, 5, 2, 15, 40, tzinfo=UTC)


def done(seq: int, ago: timedelta, by: str = "b", type: str = "VoteCast", subject: str | None = "When?") -> Recent:  # noqa: A002
    return Recent(seq, NOW - ago, type, by, by.upper(), subject)


def known(*recents: Recent) -> model.Known:
    return model.merged({}, recents)


def trip(dropped: dict[str, Any] | None = None, members: tuple[str, ...] = ("a", "b")) -> Any:
    crew = {m: SimpleNamespace(id=m, name=m.upper(), joined_at=NOW) for m in members}
    return SimpleNamespace(organiser="a", members=crew, dropped=dropped or {})


H, D = timedelta(hours=1), timedelta(days=1)


def test_what_happened_is_listed_newest_first_a_day_at_a_time():
    rows = known(done(0, 3 * D, "a", "TripCreated", "Lisbon"), done(1, D), done(2, 2 * H), done(3, H, "a"))
    days = model.by_day(model.fitting(rows, ALL, zone=UTC), trip(), "a", NOW, UTC)
    assert [d.title for d in days] == ["Today", "Yesterday", "Thu 29 Apr"]
    assert [(line.seq, line.time, line.happening.who) for line in days[0].lines] == [
        (3, "14:40", "A"),
        (2, "13:40", "B"),
    ]
    assert days[2].lines[0].happening.words == "{who} started this trip"


def test_a_day_is_one_of_the_readers_clock():
    late = known(done(0, timedelta(hours=16)))  # 23:40 the day before by UTC
    east = timezone(timedelta(hours=2))
    assert model.by_day(model.fitting(late, ALL), trip(), "a", NOW, UTC)[0].title == "Yesterday"
    assert model.by_day(model.fitting(late, ALL), trip(), "a", NOW, east)[0].title == "Today"
    day = Since("day", day=TODAY)
    assert model.fitting(late, day, zone=UTC) == []
    assert len(model.fitting(late, day, zone=east)) == 1


def test_what_this_version_does_not_know_is_said_to_have_happened():
    (day,) = model.by_day([done(4, H, type="SomethingNew")], trip(), "a", NOW, UTC)
    assert day.lines[0].happening.words == "{who} did something that this version can't tell of"


def test_nothing_is_listed_below_a_gap():
    rows = known(done(0, D), done(1, D), done(5, H), done(6, H))
    assert [r.seq for r in model.fitting(rows, ALL)] == [6, 5]
    filled = model.merged(rows, [done(n, 2 * H) for n in (2, 3, 4)])
    assert [r.seq for r in model.fitting(filled, ALL)] == [6, 5, 4, 3, 2, 1, 0]
    assert [r.seq for r in model.fitting(filled, ALL, top=4)] == [4, 3, 2, 1, 0]


def test_one_may_ask_for_what_came_after_the_visit_before_or_since_a_day_or_by_somebody():
    rows = known(done(3, 2 * D, "a"), done(4, D), done(5, H, "a"), done(6, H))
    assert [r.seq for r in model.fitting(rows, Since("left", 4))] == [6, 5]
    assert [r.seq for r in model.fitting(rows, Since("day", day=TODAY - D), zone=UTC)] == [6, 5, 4]
    assert [r.seq for r in model.fitting(rows, ALL, "a")] == [5, 3]
    assert Since("left", 4).words(TODAY) == "since you left"
    assert Since("day", day=TODAY - D).words(TODAY) == "since yesterday"
    assert Since("day", day=date(2026, 4, 30)).words(TODAY) == "since Thu 30 Apr 2026"


def test_it_is_known_whether_older_ones_are_needed():
    rows = known(done(3, 2 * D), done(4, D), done(5, H))
    assert not model.reaches_back(rows, ALL)
    assert not model.reaches_back(rows, Since("left", 2))
    assert model.reaches_back(rows, Since("left", 3))
    assert model.reaches_back(rows, Since("day", day=TODAY - D), UTC)
    assert model.reaches_back(known(done(0, H)), ALL)
    assert not model.reaches_back({}, ALL)


def test_a_dropped_hotel_can_be_brought_back_where_it_was_dropped_by_the_organiser_and_who_dropped_it():
    dropped = done(4, H, "b", "HotelUnshortlisted", "Casa Azul")
    once = done(2, D, "b", "HotelUnshortlisted", "Casa Azul")
    hotel = Hotel("h", "Casa Azul", "Lisbon", 4, Money(8400, "EUR"), None, "a", NOW - D)
    ways = {"h": DroppedHotel(hotel, "b", "B", dropped.at)}

    def offered(me: str, now: datetime = NOW) -> list[str | None]:
        days = model.by_day([dropped, once, done(1, D)], trip(ways), me, now, UTC)
        return [line.dropped for day in days for line in day.lines]

    assert offered("a") == offered("b") == ["h", None, None]
    assert offered("c") == offered("a", NOW + 30 * D) == [None, None, None]


def test_those_who_have_gone_can_be_asked_for_as_well():
    rows = known(done(0, D, "z"), done(1, D, "y"), done(2, H, "a"))
    assert model.people(trip(), rows) == [("a", "A"), ("b", "B"), ("y", "Y"), ("z", "Z")]


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("yesterday", date(2027, 5, 1)),
        (" Today", TODAY),
        ("Sun", TODAY),
        ("mon", date(2027, 4, 26)),
        ("30 April", date(2027, 4, 30)),
        ("20 Dec", date(2026, 12, 20)),
        ("2026-05-21", date(2026, 5, 21)),
    ],
)
def test_a_day_that_has_been_is_said_as_people_say_it(said: str, day: date):
    assert model.parse_since(said, TODAY) == day


def test_the_29th_of_february_of_the_year_before_is_its_28th():
    assert model.parse_since("29 Feb", date(2028, 1, 3)) == date(2027, 2, 28)


@pytest.mark.parametrize("said", ["tomorrow", "2028-01-01", "soon", "", "Fri 1 May 2027"])
def test_what_is_no_day_that_has_been_is_refused_in_words(said: str):
    with pytest.raises(NotADate, match=r"\.$"):
        model.parse_since(said, TODAY)
