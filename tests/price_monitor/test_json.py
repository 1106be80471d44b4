"""JSON feeds: a list, a list within an object, an object a line; and what is hostile on purpose."""

import json
from typing import Any

import pytest
from tests.price_monitor.feeding import read

from roadcrew_price_monitor.reading import MOST_ROW

CASA = {"name": "Casa Azul", "city": "Lisboa", "stars": 4, "price": 84.5, "currency": "EUR"}
ALFAMA = {"Hotel": 'Alfama {["]}', "town": "Lisbon", "Price (EUR)": "48", "tags": [{"a": ["]"]}]}


# R: J1
@pytest.mark.parametrize(
    "feed",
    [
        json.dumps([CASA, ALFAMA]),
        json.dumps([CASA, ALFAMA], indent=2),
        "\ufeff  \n" + json.dumps([CASA, ALFAMA]),
        json.dumps({"hotels": [CASA, ALFAMA]}),
        json.dumps({"v": {"hotels": [1]}, "hotels": [CASA, ALFAMA], "more": [1]}, indent=1),
        f"{json.dumps(CASA)}\n{json.dumps(ALFAMA)}\n",
        f"{json.dumps(CASA)}\r\n\r\n{json.dumps(ALFAMA)}",
    ],
)
def test_a_feed_is_a_list_an_object_with_one_or_an_object_a_line(feed: str):
    said = read(feed, "json")
    assert [(h.name, h.price_per_night.amount) for h in said.hotels] == [("Casa Azul", 8450), ('Alfama {["]}', 4800)]
    assert (said.refused, said.ended) == ([], None)


# R: J3
@pytest.mark.parametrize(
    ("element", "code"),
    [
        ("5", "bad-row"),
        ('"Casa"', "bad-row"),
        ("null", "bad-row"),
        ("[]", "bad-row"),
        ("{}", "no-name"),
        ('{"name": "\\ud800", "city": "x", "price": 1}', "bad-row"),
        ('{"name": "a", "city": "x", "price": NaN}', "bad-row"),
        ('{"name": "a", "city": "x", "price": Infinity}', "bad-row"),
        ('{"name": "a", "city": "x", "price": 1e400}', "bad-price"),
        ('{"name": "a", "city": "x", "price": ' + "9" * 5_000 + "}", "bad-price"),
        ('{"name": "a", "city": "x", "price": -1}', "bad-price"),
        ('{"name": "a", "city": "x", "price": {"amount": 1}}', "bad-row"),
        ('{"name": "a", "city": "x", "price": true}', "bad-row"),
        ('{"name": "a", "city": "x", "price": null}', "bad-price"),
        ('{"name": "a", "city": "x", "stars": 4.5, "price": 1}', "bad-stars"),
        ('{"name": ["a"], "city": "x", "price": ' + "[" * 3_000 + "]" * 3_000 + "}", "bad-row"),
        ('{"name": "' + "x" * MOST_ROW + '"}', "row-too-long"),
        ('{"name": "a" "city"}', "bad-row"),
        ("{'name': 'a'}", "bad-row"),
    ],
)
def test_a_bad_element_is_told_by_its_number_and_the_others_are_taken(element: str, code: str):
    said = read(
        f'[{json.dumps(CASA)}, {element}, {{"name": "B", "city": "C", "price": "1 EUR"}}]', "json", currency="EUR"
    )
    assert [row for row in said.codes if row[0] == 2] == [(2, code)]
    assert [h.name for h in said.hotels] == ["Casa Azul", "B"]
    assert said.hotels[-1].line == 3


# R: J3
@pytest.mark.parametrize(
    "element", ['"' + "x" * 3_000_000 + '"', "[" * 300_000 + "]" * 300_000, '{"a": "' + "\\" * 400_000 + '"}']
)
def test_an_element_without_end_costs_no_memory_and_is_told_once(element: str):
    feed = f"[{json.dumps(CASA)}, {element}, {json.dumps(ALFAMA)}]"
    said = read(feed, "json", cuts=range(0, len(feed), 1_009))
    assert said.codes == [(2, "row-too-long")]
    assert said.names == ["Casa Azul", 'Alfama {["]}']


@pytest.mark.parametrize(
    ("feed", "why", "taken"),
    [
        ("", "empty", 0),
        ("  \n ", "empty", 0),
        ("5", "list of hotels", 0),
        ('"[]"', "list of hotels", 0),
        (json.dumps({"rooms": [CASA]}, indent=1), "list of hotels", 0),
        ('{"a": "' + "x" * 70_000 + '"}', "list of hotels", 0),
        ("[", "ends before", 0),
        (f"[{json.dumps(CASA)}", "ends before", 1),
        (f'[{json.dumps(CASA)}, {{"name": "B', "ends before", 1),
        (f'[{json.dumps(CASA)}, "B\\', "ends before", 1),
        (f"[{json.dumps(CASA)}}}", "no JSON", 1),
        ("[" + "x" * 70_000, "no JSON", 0),
    ],
)
def test_a_feed_that_is_none_ends_with_a_sentence_after_what_was_good(feed: str, why: str, taken: int):
    said = read(feed, "json")
    assert why in str(said.ended)
    assert len(said.hotels) == taken


def test_where_two_keys_mean_the_same_the_better_name_is_it():
    element: dict[str, Any] = {"title": "T", "name": "N", "city": "C", "rate": 1, "price": 2, "currency": "EUR"}
    (hotel,) = read(json.dumps([element]), "json").hotels
    assert (hotel.name, hotel.price_per_night.amount) == ("N", 200)


def test_a_line_that_is_too_long_costs_itself():
    said = read(f"{json.dumps(CASA)}\n{'x' * 200_000}\n{json.dumps(ALFAMA)}\n", "json")
    assert (said.codes, len(said.hotels)) == ([(2, "row-too-long")], 2)
