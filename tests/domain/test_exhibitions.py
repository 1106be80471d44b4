"""An exhibition is open when it says so, and its slots have ids that can be read."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadcrew_domain.exhibitions import Exhibition, TicketKind, in_slot_id, slot_id
from roadcrew_domain.money import Money

TILES = Exhibition(
    id="tiles",
    title="Tiles",
    venue="Casa",
    city="Vila Azul",
    description="",
    starts_on=date(2026, 5, 1),
    ends_on=date(2026, 5, 31),
    weekdays=(1, 5, 6),
    closed_on=(date(2026, 5, 24),),
    times=("09:30", "14:00"),
    minutes=90,
    time_zone="Europe/Lisbon",
    capacity=40,
    tickets=(TicketKind("adult", "Adult", Money(1400, "EUR")),),
)


# R: C1
@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2026, 5, 2), True),  # its first Saturday
        (date(2026, 5, 31), True),  # its last day, a Sunday
        (date(2026, 5, 24), False),  # a Sunday on which it is closed
        (date(2026, 5, 21), False),  # a Thursday
        (date(2026, 4, 28), False),  # a Tuesday before
        (date(2026, 6, 2), False),  # a Tuesday afterwards
        (date.min, False),
        (date.max, False),
    ],
)
def test_it_is_open_on_its_weekdays_from_the_first_day_to_the_last_but_for_those_named(day: date, is_open: bool):
    assert TILES.open_on(day) is is_open


@given(st.dates(date(2026, 4, 1), date(2026, 6, 30)))
def test_it_is_open_on_no_day_that_is_not_one_of_its_weekdays(day: date):
    assert not TILES.open_on(day) or day.weekday() in TILES.weekdays


# R: C1
def test_a_slots_id_says_which_exhibition_and_when():
    assert slot_id("tiles", date(2026, 5, 21), "09:30") == "tiles.20260521.0930"


# R: C1
def test_a_slots_id_is_taken_apart_as_it_was_made_and_nothing_else_is():
    assert in_slot_id("tiles.20260521.0930") == ("tiles", date(2026, 5, 21), "09:30")
    for text in (
        "",
        "tiles",
        "tiles.20260230.0930",
        "tiles.20260521.930",
        "tiles.20260521.0930\n",
        "Tiles.20260521.0930",
    ):
        assert in_slot_id(text) is None


def test_no_two_slots_of_an_exhibition_share_an_id():
    days = [TILES.starts_on + timedelta(days=n) for n in range(31)]
    ids = [slot_id(TILES.id, day, at) for day in days for at in TILES.times]
    assert len(set(ids)) == len(ids) == 62


# R: G3
def test_an_exhibition_is_written_with_names_for_programs_and_read_back():
    written = msgspec.json.encode(TILES)
    said = msgspec.json.decode(written)
    assert said["startsOn"] == "2026-05-01"
    assert said["tickets"] == [{"kind": "adult", "name": "Adult", "price": {"amount": 1400, "currency": "EUR"}}]
    assert msgspec.json.decode(written, type=Exhibition) == TILES


@pytest.mark.parametrize(
    ("name", "value"),
    [("weekdays", [7]), ("weekdays", [-1]), ("times", ["24:00"]), ("times", ["9:30"]), ("times", ["09:30\n"])],
)
def test_a_weekday_or_a_time_that_is_none_is_not_read(name: str, value: object):
    said = {**msgspec.to_builtins(TILES), name: value}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(said, Exhibition)
