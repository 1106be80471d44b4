"""CSV feeds: dialects, quotes, encodings, and what is hostile on purpose. Bad rows are told by line."""

import pytest
from tests.price_monitor.feeding import HEAD, read, small_bounds

from roadcrew_price_monitor.reading import MOST_ROW

GOOD = "Casa Azul,Lisbon,4,84.50,EUR\n"


# R: J1
@pytest.mark.parametrize(
    "feed",
    [
        HEAD + GOOD,
        (HEAD + GOOD).replace("\n", "\r\n"),
        (HEAD + GOOD).removesuffix("\n"),
        "\ufeff" + HEAD + GOOD,
        "sep=,\n" + HEAD + GOOD,
        "\n\n,,,,\n" + HEAD + "\n\n" + GOOD + "\n\n",
        (HEAD + GOOD).replace(",", ";"),
        (HEAD + GOOD).replace(",", "\t"),
        (HEAD + GOOD).replace(",", "|"),
        'City;"Hotel Name";Price (EUR);Extra;Stars\nLisboa;"Casa ""Azul""";84,50;x;4*\n'.replace('""', ""),
        HEAD + 'Casa Azul, "Lisbon" ,4,84.50,EUR\n'.replace(" ,", ","),
        HEAD + '"Casa\nAzul","Lisbon","4","84.50","EUR"\n',
        HEAD + '"Casa\r\n\r\nAzul",Lisbon,4,84.50,EUR\n',
        HEAD + "Casa Azul,Lisbon,4,84.50,EUR,,\n",
    ],
)
def test_a_feed_is_read_in_any_of_the_dialects_that_spreadsheets_write(feed: str):
    said = read(feed)
    assert [(h.name, h.city, h.stars, h.price_per_night.amount) for h in said.hotels] == [
        ("Casa Azul", "Lisbon", 4, 8450)
    ]
    assert (said.refused, said.ended) == ([], None)


def test_a_quote_that_is_doubled_is_a_quote():
    assert read(HEAD + '"Casa ""Azul""",Lisbon,4,84,EUR\n').names == ['Casa "Azul"']


# R: J3
def test_bad_rows_are_told_by_line_and_the_others_are_taken():
    feed = (
        HEAD
        + GOOD
        + "Two,Lisbon,9,84,EUR\n"  # 3
        + "Three,Lisbon,4\n"
        + '"Four\nlines\nlong",Lisbon,4,1.50,EUR\n'  # 5 to 7
        + 'Five "Six" ,Lisbon,4,84,EUR\n'  # 8: a quote in the middle is text
        + '"Nine" Ten,Lisbon,4,84,EUR\n'
        + ",,,,\n"
        + "Casa  azul,LISBOA,1,99,EUR\n"  # 11
        + "Last,Lisbon,4,84,50,EUR\n"
    )
    said = read(feed)
    assert said.codes == [
        (3, "bad-stars"),
        (4, "bad-row"),
        (9, "bad-quotes"),
        (11, "duplicate"),
        (12, "bad-row"),
    ]
    assert [(h.line, h.name) for h in said.hotels] == [
        (2, "Casa Azul"),
        (5, "Four lines long"),
        (8, 'Five "Six"'),
    ]
    assert "line 2" in said.refused[3].detail
    assert said.rows == 8


# R: J3
def test_bytes_that_are_no_utf8_cost_their_row_alone():
    said = read((HEAD + GOOD + "Caf\xe9,Lisbon,4,84,EUR\n").encode("latin-1") + b"Last,Lisbon,4,84,EUR\n")
    assert said.codes == [(3, "bad-encoding")]
    assert "0xE9" in said.refused[0].detail
    assert said.names == ["Casa Azul", "Last"]


def test_half_a_surrogate_written_as_utf8_is_no_utf8():
    assert read(HEAD.encode() + b"a\xed\xa0\x80b,Lisbon,4,84,EUR\n").codes == [(2, "bad-encoding")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_is_refused_with_a_sentence(encoding: str):
    assert "Save it as UTF-8" in str(read((HEAD + GOOD).encode(encoding)).ended)


@pytest.mark.parametrize(
    ("feed", "why"),
    [
        (b"", "empty"),
        (b"\n\n ;;\n", "empty"),
        (b"PK\x03\x04\x00\x00", "has to name the columns"),
        (b"Casa Azul,Lisbon,4,84,EUR\n", "has to name the columns"),
        (b"name,city,pr\xe9ce\n", "Line 1 is not UTF-8"),
        (b'name,city,"price\n' + GOOD.encode(), "broken"),
        (b"name,city,price\rCasa,Lisbon,84\r", "broken"),
        (b"name,city,price" + b"," * 100_000 + b"\n", "No line in the first 64 KiB"),
        (b"name,city,price" + b"," * 300 + b"\n", "at most 200"),
        (b"\n" * 70_000 + HEAD.encode(), "No line in the first 64 KiB"),
        (b"\xff" * 100, "not UTF-8"),
    ],
)
def test_a_feed_whose_first_line_says_nothing_is_refused_with_a_sentence(feed: bytes, why: str):
    said = read(feed)
    assert why in str(said.ended)
    assert said.hotels == []


# R: J3
def test_a_quote_that_is_never_closed_costs_its_line_alone():
    said = read(HEAD + GOOD + '"Open,Lisbon,4,84,EUR\n' + "".join(f"Hotel {n},Porto,3,50,EUR\n" for n in range(9_000)))
    assert said.codes in ([(3, "row-too-long")], [(3, "bad-quotes")])
    assert len(said.hotels) == 9_001


def test_a_quote_that_is_never_closed_in_a_short_feed_costs_its_line_alone():
    said = read(HEAD + '"Open,Lisbon,4,84,EUR\n' + GOOD)
    assert (said.codes, said.names) == ([(2, "bad-quotes")], ["Casa Azul"])


# R: J3
def test_a_line_without_end_costs_no_memory_and_is_told_once():
    feed = HEAD + GOOD + "x" * 5_000_000 + "\nLast,Lisbon,4,84,EUR\n"
    said = read(feed, cuts=range(0, len(feed), 997))
    assert (said.codes, said.names) == ([(3, "row-too-long")], ["Casa Azul", "Last"])


@pytest.mark.parametrize("over", [0, 1])
def test_a_row_may_have_just_so_many_bytes(over: int):
    name = "x" * (MOST_ROW - len(",Lisbon,4,84,EUR") + over)
    said = read(HEAD + name + ",Lisbon,4,84,EUR\n" + GOOD)
    assert said.codes == [(2, ("name-too-long", "row-too-long")[over])]
    assert said.names == ["Casa Azul"]


def test_controls_and_formulas_in_a_feed_are_text():
    said = read(HEAD.encode() + b'"\x00=cmd|\x1b[2J",Lis\x00bon,4,84,EUR\n')
    assert [(h.name, h.city) for h in said.hotels] == [("=cmd|[2J", "Lisbon")]


def test_a_feed_of_line_ends_alone_is_read_in_steps():
    said = read(HEAD + "\n" * 20_000 + GOOD)
    assert (said.names, said.rows, said.hotels[0].line) == (["Casa Azul"], 1, 20_002)
    assert len(said.checkpoints) > 40


def test_rows_that_are_all_broken_take_no_longer_than_good_ones():
    said = read(HEAD + '"a"b\n' * 20_000)
    assert said.codes[0] == (2, "bad-quotes")
    assert said.rows == 20_000


def test_the_import_has_a_currency_for_rows_that_name_none():
    said = read("name,city,price\nOne,Lisbon,84\nTwo,Lisbon,$9\n", currency="USD")
    assert [h.price_per_night.currency for h in said.hotels] == ["USD", "USD"]


def test_a_currency_that_there_is_not_ends_the_import():
    assert "currency" in str(read(HEAD + GOOD, currency="ZZZ").ended)


def test_a_row_that_is_too_long_because_of_its_line_ends_costs_one_line():
    with small_bounds(row=48):
        said = read(HEAD + '"a\n' + "b\n" * 40 + 'c"\n' + GOOD)
    assert said.codes[0] == (2, "row-too-long")
    assert said.names == ["Casa Azul"]
