"""Vehicle identification numbers: which can be right, and what is certain of what they say."""

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vininfo.dicts import WMI

from roadcrew_domain.refusals import Refused
from roadcrew_domain.vin import CHARACTERS, YEAR_CODES, checked_vin, decoded, fault, tidy

TODAY = date(2026, 11, 23)
VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True))
"""What letters count for (49 CFR 565.15)."""
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
NUMBERS = st.text(alphabet=sorted(CHARACTERS), min_size=17, max_size=17)
AMERICAN = st.tuples(st.sampled_from(["1HG", "1G1", "2T1", "3VW", "4T1", "5YJ"]), NUMBERS).map(
    lambda t: t[0] + t[1][3:]
)


def with_check_digit(vin: str) -> str:
    """The number with the ninth character that it needs, reckoned as the rule is written."""
    total = sum(weight * int(VALUES.get(c, c)) for weight, c in zip(WEIGHTS, vin, strict=True))
    return f"{vin[:8]}{'0123456789X'[total % 11]}{vin[9:]}"


# R: Q5
@pytest.mark.parametrize(
    "vin",
    ["1M8GDM9AXKP042788", "5GZCZ43D13S812715", "1HGCM82633A004352", "11111111111111111", "JH4KA7561PC008269"],
)
def test_numbers_that_are_known_to_be_right_are_taken(vin: str):
    assert fault(vin) is None
    assert checked_vin(f" {vin[:3].lower()}-{vin[3:9]} {vin[9:]}\n") == vin


# R: Q5
@pytest.mark.parametrize(
    ("vin", "reason"),
    [
        ("", "length"),
        ("1HGCM82633A00435", "length"),
        ("1HGCM82633A0043522", "length"),
        ("1HGCM82633A004352" * 1000, "length"),
        ("1HGCM82633AO04352", "characters"),
        ("IHGCM82633A004352", "characters"),
        ("1HGCM82633A00435Q", "characters"),
        ("1HGCM82633A00435٢", "characters"),
        ("\x1b[2J\u202e", "characters"),
        ("1HGCM82633A004353", "check-digit"),
        ("1HGCM82636A004352", "check-digit"),
        ("WVWZZZ1JZXW000001", "check-digit"),
        ("WP0ZZZ99ZTS392124", "check-digit"),
    ],
)
def test_numbers_that_can_not_be_right_are_refused_with_the_reason(vin: str, reason: str):
    with pytest.raises(Refused) as refused:
        checked_vin(vin)
    assert (refused.value.code, refused.value.facts) == ("bad-vin", {"field": "vin", "reason": reason})
    assert refused.value.detail.endswith(".")


# R: Q5
@given(AMERICAN)
@settings(max_examples=200, deadline=None)
def test_exactly_one_check_digit_is_right(vin: str):
    right = with_check_digit(vin)
    good = [digit for digit in sorted(CHARACTERS) if fault(vin[:8] + digit + vin[9:]) is None]
    assert good == [right[8]]


# R: Q5
@given(st.one_of(st.text(), NUMBERS))
@example("1HGCM82633A004352")
@settings(max_examples=200, deadline=None)
def test_any_text_is_taken_tidy_or_has_a_fault(text: str):
    vin = tidy(text)
    if fault(vin) is None:
        assert checked_vin(text) == tidy(vin) == vin
        return
    with pytest.raises(Refused):
        checked_vin(text)


def test_no_maker_s_numbers_are_an_error():
    for n, wmi in enumerate(sorted(wmi for wmi in WMI if CHARACTERS.issuperset(wmi))):
        vin = with_check_digit(f"{wmi:1<3}{'ZZZ1KZ' if n % 2 else 'A1B2C3'}{'8M' if n % 3 else 'K1'}123456")
        assert fault(vin) is None or wmi == "6FP"  # Ford Australia, whose numbers have no check digit
        assert decoded(vin, TODAY).maker


# R: Q5
def test_a_maker_is_certain_when_all_three_characters_are_one_maker_s():
    def maker(vin: str) -> tuple[str | None, bool]:
        said = decoded(vin, TODAY)
        return said.maker, said.maker_certain

    assert maker("5YJSA1E26HF000337") == ("Tesla", True)
    assert maker("JHMCM82633A004352") == ("Honda", True)
    assert maker("1HGCM82633A004352") == ("Honda", False)  # 1H is Honda's; whose 1HG is, the tables don't say
    assert maker("1G1CM82633A004352") == ("Chevrolet", False)  # 1G is General Motors'
    assert maker("VF9CM82633A004352") == ("Bugatti", False)
    assert maker("00000000000000000")[1] is False
    assert maker("99900000000000000") == (None, False)


def years(seventh: str, code: str, first: str = "1") -> tuple[tuple[int, ...], bool]:
    said = decoded(f"{first}HG000{seventh}00{code}0000000", TODAY)
    return said.years, said.year_certain


# R: Q5
def test_a_model_year_comes_round_every_thirty_years_and_all_that_it_can_be_are_said():
    assert years("1", "5") == ((2005,), True)  # 2035 is not yet
    assert years("A", "5") == ((2005,), True)
    assert years("1", "A") == ((1980, 2010), False)
    assert years("A", "A") == ((2010, 1980), False)
    assert years("A", "V") == ((2027, 1997), False)  # next year's models are there
    assert years("A", "W") == ((1998,), True)
    assert years("A", "A", first="W") == ((2010, 1980), False)
    assert years("1", "A", first="W") == ((2010, 1980), False)  # the seventh says nothing in Europe
    assert years("1", "5", first="W") == ((2005,), False)  # nor need the tenth
    for code in "0UZ":
        assert years("A", code) == ((), False)
    assert {year for code in YEAR_CODES for year in years("1", code)[0]} == set(range(1980, 2028))
