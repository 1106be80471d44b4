"""A row to a hotel: tidy text, one name for a city, whole stars, and when two rows mean one hotel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadcrew_domain import text
from roadcrew_domain.text import is_forbidden
from roadcrew_price_monitor.cities import ALIASES, city_of
from roadcrew_price_monitor.columns import columns_of
from roadcrew_price_monitor.refused import BadFeed, BadRow, quoted
from roadcrew_price_monitor.rows import Row, hotel_of, identity, stars_of, tidy


def row(
    name: str = "Casa Azul", city: str = "Lisbon", stars: str = "4", price: str = "84", currency: str = "EUR"
) -> Row:
    """A good row, but for what a test changes."""
    return Row(7, name, city, stars, price, currency)


# R: J5
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        *(("LISBOA", "Lisbon"), ("lisbon", "Lisbon"), ("Lissabon", "Lisbon"), ("köln", "Cologne"), ("Koln", "Cologne")),
        *(("東京", "Tokyo"), ("Αθήνα", "Athens"), ("NYC", "New York"), ("  Den   Haag ", "The Hague")),
        *(("ＲＯＭＡ", "Rome"), ("zurich", "Zürich"), ("'s-Gravenhage", "The Hague")),
        *(("RIO DE JANEIRO", "Rio de Janeiro"), ("la paz", "La Paz"), ("saint-émilion", "Saint-Émilion")),
        *(("ST. JOHN'S", "St. John's"), ("McAllen", "McAllen"), ("Évora", "Évora")),
    ],
)
def test_a_city_has_one_name(said: str, kept: str):
    assert hotel_of(row(city=said), None).city == kept


def test_no_name_stands_for_two_cities():
    for kept, others in ALIASES.items():
        assert {city_of(name) for name in (kept, *others, *(o.upper() for o in others))} == {kept}


@pytest.mark.parametrize(
    ("words", "stars"),
    [("", 0), ("0", 0), ("4", 4), ("4.0", 4), ("4*", 4), ("5 stars", 5), ("3-star", 3), ("****", 4), ("★★★☆☆", 3)],
)
def test_stars_are_a_whole_number_or_signs(words: str, stars: int):
    assert stars_of(words) == stars


# R: J3
@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (row(name=""), "no-name"),
        (row(name=" \u200b\u2800 "), "no-name"),
        (row(name="x" * 121), "name-too-long"),
        (row(name="\u200b" * 50_000), "name-too-long"),
        (row(city=""), "no-city"),
        (row(city="y" * 81), "city-too-long"),
        (row(city="y" * 60_000), "city-too-long"),
        (row(stars="6"), "bad-stars"),
        (row(stars="4.5"), "bad-stars"),
        (row(stars="-1"), "bad-stars"),
        (row(stars="4" * 50_000), "bad-stars"),
        (row(price="a lot"), "bad-price"),
        (row(price=""), "bad-price"),
        (row(currency=""), "no-currency"),
    ],
)
def test_a_bad_row_says_why_in_a_short_sentence(bad: Row, code: str):
    with pytest.raises(BadRow) as refused:
        hotel_of(bad, None)
    assert refused.value.code == code
    assert refused.value.detail.endswith((".", "”"))
    assert len(refused.value.detail) < 200


def test_escapes_and_marks_of_direction_are_taken_out_of_names():
    hotel = hotel_of(row(name="\x1b[31mCasa\x07\u202e Azul\u2066\x00", city="Lis\u200bbon\x9b"), None)
    assert (hotel.name, hotel.city) == ("[31mCasa Azul", "Lisbon")


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "@SUM(A1)", "[bold]x[/]", "<script>", "'; drop table seen"])
def test_what_is_a_formula_or_markup_elsewhere_is_only_text(name: str):
    assert hotel_of(row(name=name), None).name == name


@given(st.text())
def test_text_is_tidied_as_everywhere(words: str):
    assert tidy(words) == text.cleaned(words)


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=100))
def test_no_name_that_is_taken_can_do_harm(name: str, city: str):
    try:
        hotel = hotel_of(row(name=name, city=city), None)
        said = (hotel.name, hotel.city)
    except BadRow as refused:
        said = (refused.code, refused.detail)
    assert all(said)
    assert not any(map(is_forbidden, "".join(said)))


def test_a_sentence_repeats_little_of_the_feed_and_nothing_that_harms():
    assert quoted("a\x1b[2Jb") == "“a[2Jb”"
    assert len(quoted("x" * 10_000)) == 43


# R: J5
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (row(), row(name="CASA  AZUL!", city="lisboa")),
        (row(name="Hôtel Café"), row(name="hotel cafe")),
        (row(name="Ｇｒａｎｄ"), row(name="Grand")),
        (row(name="Straße"), row(name="STRASSE")),
        (row(), row(price="99", currency="USD", stars="1")),
    ],
)
def test_two_rows_mean_one_hotel_however_they_are_written(one: Row, other: Row):
    assert identity(hotel_of(one, None)) == identity(hotel_of(other, None))


@pytest.mark.parametrize("other", [row(name="Casa Azul 2"), row(city="Porto"), row(name="★★"), row(name="☆☆")])
def test_another_name_or_city_is_another_hotel(other: Row):
    assert identity(hotel_of(row(), None)) != identity(hotel_of(other, None))


def test_columns_are_found_by_any_of_their_names():
    assert columns_of(["Id", "HOTEL_NAME", "Town", "Price (USD)", "Star rating"]) == ((1, 2, 4, 3, None), "USD")
    assert columns_of(["Title", "name", "city", "amount", "pricePerNight", "ccy"]) == ((1, 2, None, 4, 5), None)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (["name", "city"], "price"),
        (["hotel", "Hotel", "city", "price"], "both called"),
        (["x" * 10_000], "name and city"),
    ],
)
def test_columns_that_are_missing_or_there_twice_are_told(head: list[str], why: str):
    with pytest.raises(BadFeed, match=why):
        columns_of(head)
