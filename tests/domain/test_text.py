"""What a person's text may contain, and how it is made tidy."""

import sys
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Count

from roadcrew_domain.refusals import Refused
from roadcrew_domain.text import (
    BIDI_CONTROLS,
    INVISIBLE,
    JOINERS,
    MAX_MARKS,
    MAX_UNTIDY,
    checked,
    checked_or_none,
    cleaned,
    cut,
    is_forbidden,
)

EVERY_CHARACTER = [chr(point) for point in range(sys.maxunicode + 1)]

NASTY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "a b\u0301\u0300\u0327\u0344\u200d\u200c\ufe0f\ufe0e\u20e3\n\r\t\u2028\u0085\u1100\u1161\u11a8\u0b47\u0b3e"
            "\ud800\udfff\u202e\u2066\u2069\u2060\u200b\u00a0\u3000\x00\x1b\x9b[]@=/\u2800\u0646\u05d0\U000e0067\U0001f3f4"
        ),
    ),
    max_size=40,
)


def refusal(text: str, limit: int = 40) -> str | None:
    try:
        checked(text, field="name", limit=limit)
    except Refused as refused:
        return refused.code
    return None


def test_exactly_controls_surrogates_noncharacters_bidi_controls_and_tags_are_forbidden():
    forbidden = {c for c in EVERY_CHARACTER if is_forbidden(c)}
    by_category = {c for c in EVERY_CHARACTER if unicodedata.category(c) in ("Cc", "Cs")} - {"\n", "\t"}
    bidi = {
        c for c in EVERY_CHARACTER
        if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    }  # fmt: skip
    noncharacters = {c for c in EVERY_CHARACTER if ord(c) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(c) <= 0xFDEF}
    tags = {chr(point) for point in range(0xE0000, 0xE0080)}
    assert bidi == BIDI_CONTROLS
    assert forbidden == by_category | bidi | noncharacters | tags
    assert {"\x00", "\x07", "\x08", "\x1b", "\x7f", "\x9b", "\ud800"} <= forbidden


def test_every_forbidden_character_is_refused_at_the_door_and_taken_out_when_cleaned():
    line_ends = set("\r\x85")  # controls that are line ends first: they become blanks
    for character in EVERY_CHARACTER:
        if is_forbidden(character) and character not in line_ends:
            assert refusal(f"a{character}b") == "unsafe-text", hex(ord(character))
            assert cleaned(f"a{character}b") == "ab"


def test_no_format_character_survives_but_joiners_and_visible_signs():
    """A new Unicode version may bring more of category Cf; then this fails and somebody decides."""
    survivors = {c for c in EVERY_CHARACTER if unicodedata.category(c) == "Cf" and cleaned(f"ب{c}ب") != "بب"}
    arabic_signs = {chr(c) for c in (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2)}
    kaithi_signs = {chr(0x110BD), chr(0x110CD)}
    assert survivors - JOINERS <= arabic_signs | kaithi_signs
    assert survivors >= JOINERS


def test_two_names_do_not_look_alike_and_differ_by_what_nobody_sees():
    for hidden in sorted(INVISIBLE | JOINERS):
        assert cleaned(f"An{hidden}a") == "Ana", hex(ord(hidden))
    assert cleaned("Ana\U000e0120\U000e0130") == "Ana"
    assert cleaned("\u200fAna\u200e") == "Ana"


@pytest.mark.parametrize(
    "text",
    [
        "👩‍❤️‍👨",
        "👨🏽‍🚀 to the moon",
        "🏳️‍🌈",
        "🇵🇹🇩🇪",
        "1️⃣ ✈️",
        "می‌خواهم",
        "क्‍ष",
        "שָׁלוֹם עולם",
        "مرحبا بالعالم",
        "葛飾区 東京",
        "한국어 여행",
        "ไปเที่ยวกัน",
        "Ελλάδα · Über · naïve",
        "Tiếng Việt",
        "[@click=app.quit]x[/]",
        "[bold red]x[/] [/]",
        "\\[escaped] {braces} %s <b>&amp;</b>",
        "$(rm -rf ~) `id`",
    ],
)
def test_what_people_write_survives_as_it_is_and_markup_is_plain_data(text: str):
    composed = unicodedata.normalize("NFC", text)
    assert checked(text, field="name", limit=80) == composed
    assert cleaned(text) == composed


@pytest.mark.parametrize("flag", ["gbeng", "gbsct", "gbwls"])
def test_flags_of_subdivisions_are_refused_at_the_door_and_cleaned_to_the_black_flag(flag: str):
    """Their tags can spell any hidden text; the flag of a country is made of two visible letters."""
    tagged = "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in flag) + "\U000e007f"
    assert refusal(tagged) == "unsafe-text"
    assert cleaned(tagged) == "\U0001f3f4"


def test_marks_stack_no_higher_than_natural_scripts_need():
    zalgo = "Z" + "\u0335\u0321\u0322\u0316\u0317\u0318\u0319" * 9
    for text in (zalgo, zalgo.replace("\u0316", "\u0316\u200d"), "\u1100" + "\u1161" * 30, "x" + "\ufe0f" * 30):
        assert len(cleaned(text).replace("\u200d", "")) <= 1 + MAX_MARKS
    assert cleaned("x" + "\ufe00\ufe01\ufe02") == "x\ufe00"


@pytest.mark.parametrize("text", ["\u0301Ana", " \u0301\u0301 Ana", "\ufe0fAna", "\u200dAna", "\u20ddAna"])
def test_a_mark_without_a_base_is_dropped_so_that_it_can_not_mark_what_stands_before(text: str):
    assert cleaned(text) == "Ana"


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t\u3000", "\u200b\ufeff", "\u2800 \u2800", "\u200d\ufe0f", "\u3164", "\u115f"]
)
def test_a_text_of_nothing_that_is_seen_is_missing(text: str):
    assert refusal(text) == "text-missing"
    assert cleaned(text) == ""
    assert checked_or_none(text, field="name", limit=40) is None


def test_the_limit_counts_characters_after_tidying():
    assert checked("  a" + " " * 50 + "b" * 38 + "\u200b" * 9, field="name", limit=40) == "a " + "b" * 38
    assert refusal("a " + "b" * 39) == "text-too-long"
    assert refusal("e\u0301" * 40) is None


def test_no_end_of_a_text_is_lost_without_a_word():
    assert refusal("a" + " " * 5000 + "b") == "text-too-long"
    assert refusal("a" * 10_000_000) == "text-too-long"
    assert refusal("\x1b" * 10_000_000) == "text-too-long"


def test_line_ends_of_every_kind_are_blanks_or_kept_where_lines_are_wanted():
    text = "one\r\ntwo\rthree\u2028four\x85five\n\n\n\nsix  \n \n"
    assert cleaned(text) == "one two three four five six"
    assert cleaned(text, lines=True) == "one\ntwo\nthree\nfour\nfive\n\nsix"


def test_lines_begin_as_they_were_written_where_indents_are_wanted():
    text = "\n \n    code\n\tmore\u3000x\n\n\n- one  \n  - two  a\n "
    assert cleaned(text, lines=True, indents=True) == "    code\n    more x\n\n- one\n  - two  a"
    assert checked(text, field="blog", limit=80, lines=True, indents=True) == cleaned(text, lines=True, indents=True)
    assert cleaned(text, lines=True) == "code\n more x\n\n- one\n - two a"


def test_the_costliest_order_of_combining_marks_is_tidied_about_as_quickly_as_letters():
    """Sorting marks into their canonical order takes time that grows with the square of their number."""
    letters, marks = ("ab" * 50_000, "a" + "\u0315\u0300" * 50_000)
    seconds = {}
    for text in (letters, marks):
        began = time.perf_counter()
        cleaned(text, lines=True)
        seconds[text] = time.perf_counter() - began
    assert len(cleaned(marks)) == 1 + MAX_MARKS
    assert seconds[marks] < 0.2 + 5 * seconds[letters]


# R: S6
def test_cleaning_twice_is_cleaning_once_and_the_door_takes_what_was_cleaned(count: Count):
    @settings(max_examples=count(reduced=1500, full=50_000), deadline=None)
    @given(NASTY, st.booleans(), st.booleans())
    def holds(text: str, lines: bool, indents: bool):
        clean = cleaned(text, lines=lines, indents=indents)
        assert cleaned(clean, lines=lines, indents=indents) == clean
        assert not any(is_forbidden(c) for c in clean)
        assert lines or "\n" not in clean
        clean.encode()
        if clean:
            assert checked(clean, field="name", limit=1000, lines=lines, indents=indents) == clean

    holds()


def test_the_door_gives_what_cleaning_gives_or_refuses(count: Count):
    @settings(max_examples=count(reduced=1000, full=30_000), deadline=None)
    @given(NASTY)
    def holds(text: str):
        code = refusal(text, limit=20)
        clean = cleaned(text)
        if code is None:
            assert checked(text, field="name", limit=20) == clean
            assert 0 < len(clean) <= 20
        else:
            assert code in ("unsafe-text", "text-missing", "text-too-long")
            assert code != "text-missing" or clean == ""

    holds()


def test_what_a_program_said_is_cut_tidy_and_stays_as_it_is_when_cut_again(count: Count):
    @settings(max_examples=count(reduced=300, full=10_000), deadline=None)
    @given(NASTY, st.integers(1, 12))
    def holds(text: str, limit: int):
        short = cut(text, limit)
        assert len(short) <= limit
        assert cut(short, limit) == cleaned(short) == short

    holds()
    assert cut("\x1b[31mNo\u202e answer \n in 10 s. " + "x" * 10**6, 24) == "[31mNo answer in 10 s. x"
    assert cut("one two", 4) == "one"


def test_a_refusal_names_the_field_and_never_repeats_the_text():
    with pytest.raises(Refused) as refused:
        checked("\x1b]0;pwned", field="hotel's name", limit=40)
    assert refused.value.facts == {"field": "hotel's name"}
    assert "pwned" not in refused.value.detail
    assert MAX_UNTIDY * 40 == 320
