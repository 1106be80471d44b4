"""Whom a text names."""

import time

import pytest

from roadcrew_domain.feed_state import MAX_MENTIONS
from roadcrew_domain.mentions import mentioned

PEOPLE = {"1": "Ana", "2": "Ana Lima", "3": "Ben", "4": "José", "5": "Ben", "6": "Straße", "7": "李雷", "8": "O'Neil-X"}


# R: F2
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", ()),
        ("@", ()),
        ("@Ana", ("1",)),
        ("@ana lima, see", ("2",)),
        ("@Ana Limas", ("1",)),
        ("@ANA @ana @Ana", ("1",)),
        ("hi @Ben!", ("3", "5")),
        ("@Ben and @Ana", ("3", "5", "1")),
        ("@Benny", ()),
        ("@Ben_", ()),
        ("@Ana\u0301", ()),
        ("mail@ana.pt", ()),
        ("(@ana)", ("1",)),
        ("@@Ana", ("1",)),
        ("@JOSÉ", ("4",)),
        ("@STRASSE 7", ("6",)),
        ("你好 @李雷,", ("7",)),
        ("@o'neil-x", ("8",)),
        ("@ Ana", ()),
        ("@Ana@Ben", ("1",)),
    ],
)
def test_the_longest_name_that_fits_is_meant_and_everybody_who_has_it(text: str, named: tuple[str, ...]):
    assert mentioned(text, PEOPLE) == named


def test_nobody_is_named_by_nothing_and_no_text_names_a_whole_city():
    assert mentioned("@ @x", {"1": ""}) == ()
    crowd = {str(n): f"P{n}" for n in range(100)}
    assert mentioned(" ".join(f"@{name}" for name in crowd.values()), crowd) == tuple(crowd)[:MAX_MENTIONS]


@pytest.mark.parametrize("text", ["@", "@S", "@Somebody of a long nam", "@\u0301", "@Somebody of a long name 7 "])
def test_no_text_and_no_names_make_the_search_slow(text: str):
    people = {str(n): "Somebody of a long name " + "x" * (n % 17) + str(n) for n in range(500)}
    began = time.perf_counter()
    mentioned(text * (160_000 // len(text)), people)
    assert time.perf_counter() - began < 1.5
