"""Prices from rate tables: worked examples, what is not covered, and what is wrong with the tables by line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.quoting import BMW, HONDA, asked, faults, hotel, loaded, stay, vehicle

from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import AskedHotel, QuoteRequest
from roadcrew_server.quotes.base import Failed
from roadcrew_server.quotes.rates import _rounded
from roadcrew_server.quotes.registry import SAMPLE_FILE, Providers, load

RATES = """\
    [[provider]]
    id = "tables"
    name = "Tables"
    use = "catalogue"
    currency = "EUR"
    valid_from = 2027-01-01
    valid_to = 2027-12-31
    weekdays = { fri = 110, sat = 125 }

    [[provider.season]]
    from = "06-15"
    to = "09-15"
    percent = 140

    [[provider.season]]
    from = "12-20"
    to = "01-06"
    percent = 120

    [[provider.season]]
    city = "Porto Alto"
    from = "07-01"
    to = "07-31"
    percent = 200

    [[provider.length]]
    nights = 3
    percent = 95

    [[provider.length]]
    nights = 7
    percent = 90

    [[provider.hotel]]
    id = "casa"
    name = "Casa"
    city = "Vila Azul"
    stars = 3
    price = 80.15

    [[provider.hotel]]
    id = "hostel"
    name = "Hostel"
    city = "Vila Azul"
    stars = 1
    price = 20
    per = "person"
    most_guests = 6

    [[provider.stars]]
    stars = 4
    price = 120
    sleeps = 3

    [[provider.stars]]
    stars = 4
    city = "Porto Alto"
    price = 150

    [provider.vehicle]
    extra_driver = 5

    [[provider.vehicle.class]]
    name = "Premium"
    makers = ["BMW", "Audi"]
    price = 60

    [[provider.vehicle.class]]
    name = "Standard"
    price = 33.33

    [[provider.vehicle.age]]
    from = 18
    to = 24
    percent = 160

    [[provider.vehicle.age]]
    from = 25
    to = 75
    percent = 100

    [[provider.vehicle.length]]
    days = 7
    percent = 85
    """

CASA, HOSTEL = hotel("CASA", "vila azul", hotel_id="h1"), hotel("Hostel", hotel_id="h2")


@pytest.fixture
def tables(tmp_path: Path) -> Providers:
    return loaded(tmp_path, RATES)


# R: Q6
@pytest.mark.parametrize(
    ("one", "begins", "ends", "guests", "total"),
    [
        (CASA, "2027-03-01", "2027-03-02", 1, 80_15),  # Monday: the table's
        (CASA, "2027-03-01", "2027-03-02", 2, 80_15),  # a room sleeps two
        (CASA, "2027-03-01", "2027-03-02", 3, 2 * 80_15),
        (CASA, "2027-03-05", "2027-03-06", 2, 88_17),  # Friday: 88.165, half up
        (CASA, "2027-03-05", "2027-03-07", 2, 88_17 + 100_19),  # and Saturday: 100.1875
        (CASA, "2027-03-01", "2027-03-03", 2, 2 * 80_15),  # two nights: no length is reached
        (CASA, "2027-03-01", "2027-03-04", 2, 3 * 76_14),  # three: 95 % of 80.15 are 76.1425, each night
        (CASA, "2027-03-01", "2027-03-08", 2, 5 * 72_14 + 79_35 + 90_17),  # seven: 72.135, 79.3485, 90.16875
        (CASA, "2027-06-14", "2027-06-16", 2, 80_15 + 112_21),  # the season begins: Monday without, Tuesday with
        (CASA, "2027-09-15", "2027-09-17", 2, 112_21 + 80_15),  # its last day is in it
        (CASA, "2027-12-20", "2027-12-21", 2, 96_18),  # a season over the new year, at its beginning
        (CASA, "2027-01-06", "2027-01-07", 2, 96_18),  # and at its end
        (CASA, "2027-01-07", "2027-01-08", 2, 80_15),
        (HOSTEL, "2027-03-01", "2027-03-02", 5, 5 * 20_00),  # by person
        (hotel("Other", "Lima", 4), "2027-03-01", "2027-03-02", 4, 2 * 120_00),  # by stars; three to a room
        (hotel("Other", "Porto Alto", 4), "2027-03-01", "2027-03-02", 4, 2 * 150_00),  # the city's before anybody's
        (hotel("Other", "PORTO ALTO", 4), "2027-07-01", "2027-07-02", 2, 300_00),  # so with its season
        (hotel("Other", "Lima", 4), "2027-07-01", "2027-07-02", 2, 168_00),
    ],
)
async def test_a_stay_costs_what_the_tables_say(
    tables: Providers, one: AskedHotel, begins: str, ends: str, guests: int, total: int
):
    assert await asked(tables, stay(one, begins=begins, ends=ends, guests=guests)) == {one.id: total}


# R: Q6
@pytest.mark.parametrize(
    ("ages", "vin", "begins", "ends", "total"),
    [
        ((40,), HONDA, "2027-03-01", "2027-03-01", 33_33),  # the first and the last day are paid for
        ((40,), HONDA, "2027-03-01", "2027-03-03", 3 * 33_33),
        ((40,), BMW, "2027-03-01", "2027-03-02", 2 * 60_00),  # by the maker that the VIN says
        ((24,), HONDA, "2027-03-01", "2027-03-01", 53_33),  # 53.328
        ((25,), HONDA, "2027-03-01", "2027-03-01", 33_33),
        (
            (40, 18),
            HONDA,
            "2027-03-01",
            "2027-03-02",
            2 * (53_33 + 5_00),
        ),  # whose it is most, and one more
        ((40, 41, 42), BMW, "2027-03-01", "2027-03-01", 60_00 + 2 * 5_00),
        ((40,), BMW, "2027-03-01", "2027-03-07", 7 * 51_00),  # a week: 85 %
        ((40,), BMW, "2027-06-14", "2027-06-15", 60_00 + 84_00),  # seasons are for vehicles too, weekdays are not
        ((40,), BMW, "2027-03-05", "2027-03-06", 2 * 60_00),
    ],
)
async def test_a_vehicle_costs_what_the_tables_say(
    tables: Providers, ages: tuple[int, ...], vin: str, begins: str, ends: str, total: int
):
    assert await asked(tables, vehicle(*ages, vin=vin, begins=begins, ends=ends)) == {None: total}


async def test_of_several_hotels_those_that_have_rates_have_prices(tables: Providers):
    found = await asked(tables, stay(CASA, hotel("Nowhere", stars=2), HOSTEL, guests=7))
    assert found == {"h1": 4 * 2 * 80_15}


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (stay(hotel("Nowhere", stars=2)), "It has no rates for these hotels."),
        (stay(HOSTEL, guests=7), "It has no rates for 7 guests."),
        (stay(CASA, begins="2026-12-31", ends="2027-01-02"), "Its rates are for 2027-01-01 to 2027-12-31."),
        (stay(CASA, begins="2027-12-31", ends="2028-01-02"), "Its rates are for 2027-01-01 to 2027-12-31."),
        (vehicle(17), "It has no rates for drivers of 17."),
        (vehicle(40, 76), "It has no rates for drivers of 76."),
    ],
)
async def test_what_the_tables_do_not_cover_is_said_and_is_no_fault(
    tables: Providers, request_: QuoteRequest, sentence: str
):
    failed = await asked(tables, request_)
    assert isinstance(failed, Failed)
    assert (failed.code, failed.sentence, failed.passing) == ("not-covered", sentence, False)


async def test_the_last_night_of_the_rates_is_covered_though_one_leaves_a_day_later(tables: Providers):
    assert await asked(tables, stay(CASA, begins="2027-12-31", ends="2028-01-01")) == {"h1": 105_80}  # Friday: 105.798


async def test_a_maker_without_a_class_is_not_covered_unless_there_is_one_for_all_others(tmp_path: Path):
    only = RATES.replace('name = "Standard"', 'name = "Standard"\n    makers = ["Fiat"]')
    failed = await asked(loaded(tmp_path, only), vehicle(40))
    assert (failed.code, failed.sentence) == ("not-covered", "It has no rates for vehicles of this maker.")


async def test_hotels_of_the_tables_can_be_asked_for_without_a_trip(tables: Providers):
    first, second = tables.hotels()
    assert (first.id, first.name, first.city, first.stars) == ("tables.casa", "Casa", "Vila Azul", 3)
    assert first.price_per_night == Money(80_15, "EUR")
    assert await asked(tables, stay(second)) == {"tables.hostel": 2 * 2 * 20_00}


async def test_a_currency_without_cents_has_whole_prices(tmp_path: Path):
    yen = RATES.replace('"EUR"', '"JPY"').replace("80.15", "8015").replace("33.33", "3333")
    assert await asked(loaded(tmp_path, yen), stay(CASA, begins="2027-03-05", ends="2027-03-06")) == {"h1": 8817}


@given(st.integers(1, 10**9), st.lists(st.integers(1, 1000), min_size=1, max_size=3))
def test_a_price_is_never_off_by_more_than_half_a_minor_unit(price: int, percents: list[int]):
    over = price
    for percent in percents:
        over *= percent
    under = 100 ** len(percents)
    assert abs(2 * (over - _rounded(price, *percents) * under)) <= under


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("price = 80.15", "price = 80.155", "price: 80.155 has more decimals than the 2 of EUR. Write an amount"),
        ("price = 80.15", "price = 0", "price: 0 is no price."),
        ("price = 80.15", "price = -1", 'price: "-1" is not right.'),
        ('currency = "EUR"', 'currency = "Euro"', 'currency: "Euro" is not known.'),
        ('per = "person"', 'per = "bed"', 'per: "bed" is not right. Write "room" or "person".'),
        ('per = "person"', 'per = "person"\n    sleeps = 2', "sleeps: A price per person is for one."),
        ('from = "06-15"', 'from = "15-06"', 'from: "15-06" is not right. Write a day of each year as MM-DD'),
        ('from = "06-15"', 'from = "02-30"', "from: 02-30 is not in the calendar."),
        ('from = "12-20"', 'from = "12-20"\n    name = "x"', '"name" is not known here. Known are from, to,'),
        ("percent = 140", "percent = 0", "percent: 0 is not right. Write a whole number from 1 to 1000"),
        ("nights = 7", "nights = 3", "nights: 3 stands there twice."),
        ('id = "hostel"', 'id = "casa"', 'id: "casa" is the hotel of line 34. Write another.'),
        ("weekdays = { fri = 110, sat = 125 }", "weekdays = { fry = 110 }", '"fry" is not known here. Is it fri?'),
        ("weekdays = { fri = 110, sat = 125 }", "weekdays = 3", "weekdays: Write such as { fri = 110, sat = 125 }."),
        ("extra_driver = 5", "extra_drivers = 5", '"extra_drivers" is not known here. Is it extra_driver?'),
        ('makers = ["BMW", "Audi"]', "makers = []", "makers: The list is empty."),
        ("days = 7", "days = 0", "days: 0 is not right."),
        ('name = "Casa"', "name = 3.5\n    fame = 1", '"fame" is not known here. Is it name?'),
        ('city = "Vila Azul"', "city = []", "city: A list is not right."),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(tmp_path: Path, old: str, new: str, fault: str):
    before, found, _ = RATES.partition(old)
    assert found
    line = before.count("\n") + new.count("\n") + 1
    said = faults(tmp_path, RATES.replace(old, new, 1))
    assert any(one.startswith(f"{line}: ") and fault in one for one in said), said


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('from = "12-20"', 'from = "09-15"', "This season has days of another one."),
        ("from = 25", "from = 24", "These ages are none, or some of them are in another table."),
        ("to = 24", "to = 17", "These ages are none, or some of them are in another table."),
        ('name = "Standard"', 'name = "Standard"\n    makers = ["audi"]', "makers: Some of these are in another class"),
        ('makers = ["BMW", "Audi"]', "", "makers: Some of these are in another class; all others are in one."),
    ],
)
def test_tables_that_contradict_each_other_are_refused(tmp_path: Path, old: str, new: str, fault: str):
    assert any(fault in one for one in faults(tmp_path, RATES.replace(old, new, 1)))


def test_a_provider_without_any_rates_is_refused(tmp_path: Path):
    head = RATES[: RATES.index("weekdays")]
    assert faults(tmp_path, head)[0].startswith("1: There are no rates.")


def test_the_sample_says_of_every_price_that_it_is_made_up():
    assert all(provider.simulated and "simulated" in provider.name for provider in load(SAMPLE_FILE).all)
