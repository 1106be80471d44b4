"""Prices as feeds write them: one meaning, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadcrew_domain.money import MAX_AMOUNT, Money
from roadcrew_domain.text import is_forbidden
from roadcrew_price_monitor.amounts import price_of, price_of_number
from roadcrew_price_monitor.refused import BadRow


# R: J5
@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("84", 8400, "EUR"),
        ("84.5", 8450, "EUR"),
        ("84,50", 8450, "EUR"),
        ("84.50 €", 8450, "EUR"),
        ("€84", 8400, "EUR"),
        ("1,234.50", 123450, "EUR"),
        ("1.234,50", 123450, "EUR"),
        ("1 234,50", 123450, "EUR"),
        ("1\u202f234,50\u00a0€", 123450, "EUR"),
        ("1'234.50", 123450, "EUR"),
        ("1’234.50", 123450, "EUR"),
        ("1 234", 123400, "EUR"),
        ("1.234.567", 123456700, "EUR"),
        ("1234,5", 123450, "EUR"),
        ("84.5000", 8450, "EUR"),
        ("0", 0, "EUR"),
        ("0,99", 99, "EUR"),
        ("12000 JPY", 12000, "JPY"),
        ("JPY 12 000", 12000, "JPY"),
        ("0.125 KWD", 125, "KWD"),
        ("US$1,234.00", 123400, "USD"),
        ("99 zł", 9900, "PLN"),
        ("８４ EUR", 8400, "EUR"),
    ],
)
def test_a_price_with_one_meaning_is_read(text: str, amount: int, currency: str):
    assert price_of(text, "", "EUR") == Money(amount, currency)


# R: J3
@pytest.mark.parametrize(
    "text",
    [
        *("1,234", "1.234", "12,345", "999.000"),  # thousands, or decimals?
        *("84.505 ", "84,5051", "0.125", "1 EUR 2"),
        *("-84", "+84", "84-", "84,-", "free", "NaN", "inf", "1e3", "0x54", "1,23,456", "1.234.56", "1,2,3"),
        *(
            "84..5",
            "84,.5",
            ".5",
            "5.",
            "1 2",
            "1  234",
            "1' 234",
            "٨٤",
            "8" * 41,
            "8" * 19,
            "",
            " ",
            "€84€",
            "EUR 84 €",
        ),
        str(MAX_AMOUNT),
    ],
)
def test_what_has_two_meanings_or_none_is_no_price(text: str):
    with pytest.raises(BadRow) as refused:
        price_of(text, "", "EUR")
    assert refused.value.code == "bad-price"


# R: J3
@pytest.mark.parametrize(
    ("text", "named", "fallback", "code"),
    [
        ("84", "", None, "no-currency"),
        ("84", "dollars", "EUR", "bad-currency"),
        ("84", "XXX", "EUR", "bad-currency"),
        ("$84", "", "EUR", "bad-currency"),
        ("$84", "", None, "bad-currency"),
        ("€84", "USD", None, "bad-currency"),
        ("kr 84", "", None, "bad-currency"),
        ("84 Q", "", "EUR", "bad-currency"),
        ("=84", "", "EUR", "bad-currency"),
        ("84", "E" * 100, "EUR", "bad-price"),
    ],
)
def test_a_currency_that_is_missing_or_could_be_several_is_refused(
    text: str, named: str, fallback: str | None, code: str
):
    with pytest.raises(BadRow) as refused:
        price_of(text, named, fallback)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "named", "fallback", "currency"),
    [
        ("$84", "cad", None, "CAD"),
        ("84", "$", "AUD", "AUD"),
        ("$84", "", "USD", "USD"),
        ("¥84", "", "CNY", "CNY"),
        ("84", "eur", "USD", "EUR"),
        ("84", "€", None, "EUR"),
        ("kr 84", "NOK", "SEK", "NOK"),
    ],
)
def test_a_sign_for_several_currencies_is_taken_where_the_row_or_the_import_says_which(
    text: str, named: str, fallback: str | None, currency: str
):
    assert price_of(text, named, fallback).currency == currency


@pytest.mark.parametrize(
    ("literal", "amount"), [("84", 8400), ("84.5", 8450), ("1.2e2", 12000), ("84.50000", 8450), ("1E0", 100)]
)
def test_the_dot_of_a_json_number_is_decimal(literal: str, amount: int):
    assert price_of_number(literal, "EUR", None) == Money(amount, "EUR")


@pytest.mark.parametrize("literal", ["-1", "1e9999", "1e-9999", "84.505", "true", "{}", "1e99999999", "9" * 41, "1e30"])
def test_a_json_number_that_can_be_no_price_is_refused(literal: str):
    with pytest.raises(BadRow) as refused:
        price_of_number(literal, "EUR", None)
    assert refused.value.code == "bad-price"


@given(st.integers(0, MAX_AMOUNT // 1000), st.sampled_from(["{:,}", "{:_}"]), st.booleans())
def test_however_thousands_and_decimals_are_marked_the_amount_is_the_same(minor: int, form: str, comma: bool):
    whole, part = divmod(minor, 100)
    text = form.format(whole).replace("_", " ") + f".{part:02d}"
    if comma:
        text = text.translate(str.maketrans(",.", ".,"))
    assert price_of(text, "EUR", None) == Money(minor, "EUR")


@given(st.text(max_size=60), st.text(max_size=6), st.sampled_from([None, "EUR", "JPY"]))
def test_whatever_a_row_says_is_a_price_or_refused(text: str, named: str, fallback: str | None):
    try:
        price, said = price_of(text, named, fallback), ""
    except BadRow as refused:
        price, said = Money(0, "EUR"), refused.detail
    assert 0 <= price.amount <= MAX_AMOUNT
    assert not any(map(is_forbidden, said))
