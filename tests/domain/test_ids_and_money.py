"""Ids, invite codes, prices."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadcrew_domain.ids import (
    CODE_ALPHABET,
    check_of,
    command_id,
    derived,
    invite_code,
    is_id,
    parse_invite_code,
    uuid7,
)
from roadcrew_domain.money import MAX_AMOUNT, Money, checked_price
from roadcrew_domain.refusals import Refused

ANY_TEXT = st.text(alphabet=st.characters(), max_size=60)
ID = "019de368-f600-7000-8000-000000000003"


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_a_uuid7_has_its_time_its_version_and_its_variant(milliseconds: int, random: bytes):
    made = uuid.UUID(uuid7(milliseconds, random))
    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, milliseconds)
    assert is_id(str(made))


@given(st.lists(st.tuples(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10)), min_size=2, max_size=2))
def test_uuid7s_sort_by_time_as_text(pair: list[tuple[int, bytes]]):
    first, second = sorted(pair, key=lambda p: p[0])
    assert first[0] == second[0] or uuid7(*first) < uuid7(*second)


@pytest.mark.parametrize("size", [0, 9, 11])
def test_a_uuid7_takes_ten_random_bytes(size: int):
    with pytest.raises(ValueError):
        uuid7(0, b"x" * size)
    with pytest.raises(ValueError):
        invite_code(b"x" * size)


def test_a_key_that_is_a_uuid_is_the_commands_id():
    assert command_id(ID, "ana", "/polls") == ID


@pytest.mark.parametrize("key", [ID.upper(), "{" + ID + "}", ID.replace("-", ""), "urn:uuid:" + ID, ID + "\n", "x", ""])
def test_any_other_key_stands_for_an_id_of_its_own_for_each_person_and_route(key: str):
    made = command_id(key, "ana", "/polls")
    assert made == command_id(key, "ana", "/polls")
    assert is_id(made)
    assert len({made, command_id(key, "ben", "/polls"), command_id(key, "ana", "/vote"), ID}) == 4


@given(ANY_TEXT, ANY_TEXT)
def test_every_text_has_a_command_id_and_a_check(key: str, scope: str):
    assert is_id(command_id(key, scope))
    assert len(check_of(key)) == 8


def test_an_id_is_a_uuid_or_derived_from_one_and_ends_there():
    assert is_id(ID)
    assert is_id(derived(ID, 19))
    for other in (ID + "\n", ID.upper(), ID + ".", ID + ".1000", ID + ".١", ID + ".1\n", "x", "", ID + ".1.1"):
        assert not is_id(other), other


# R: T2
@given(st.binary(min_size=5, max_size=5))
def test_an_invite_code_reads_back_however_it_was_typed(random: bytes):
    code = invite_code(random)
    assert set(code.replace("-", "")) <= set(CODE_ALPHABET)
    sloppy = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")
    assert parse_invite_code(code) == parse_invite_code(sloppy) == parse_invite_code(f"\t{code} ") == code


# R: T2
@given(ANY_TEXT)
def test_whatever_is_typed_is_a_code_or_is_refused_in_words(typed: str):
    try:
        code = parse_invite_code(typed)
    except Refused as refused:
        code = refused.code
    assert code == "invite-malformed" or parse_invite_code(code) == code


# R: C13
@pytest.mark.parametrize("amount", [0, 1, MAX_AMOUNT])
def test_a_price_is_zero_to_the_bound_in_minor_units(amount: int):
    price = Money(amount, "JPY")
    assert checked_price(price, field="price") is price


# R: C13
@pytest.mark.parametrize(
    "price",
    [Money(-1, "EUR"), Money(MAX_AMOUNT + 1, "EUR"), Money(10**5000, "EUR"), Money(-(10**5000), "EUR")]
    + [Money(1, c) for c in ("", "EU", "EURO", "eur", "EUR\n", "\nEUR", "ЕUR", "E\x00R", "\ud800UR")],
)
def test_any_other_price_is_refused(price: Money):
    with pytest.raises(Refused) as refused:
        checked_price(price, field="price")
    assert refused.value.code == "bad-price"
    assert refused.value.detail.isascii()
