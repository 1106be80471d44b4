"""The language of tapes, whatever the text: it is a tape or wrong at a place within, soon; and what is printed from
steps is read back to them.
"""

import re
import string
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Count

from roadcrew_domain.text import INVISIBLE, JOINERS, is_forbidden
from roadcrew_tui.pilot import language
from roadcrew_tui.pilot.keys import MODIFIERS, WORDS, combined
from roadcrew_tui.pilot.language import parse
from roadcrew_tui.pilot.tape import (
    Act,
    Copy,
    Expect,
    Paste,
    Press,
    Scope,
    Screenshot,
    Server,
    Sleep,
    Sync,
    TapeErrors,
    Tell,
    Type,
    Wait,
)

FILE = Path("crew.tape")

WORDS_OF_TAPES = [
    *(sorted(language.COMMANDS) + sorted(language.SETTINGS)),
    *("Screen", "Line", "Stop", "dark", "ascii", "ms", "s", "m", "foo", "../a.svg", "a.svg", "a.tape", "sh", "TZ"),
    *("@", "+", "%", "[", "1", "0.5", "1.2.3", "99999", ".", "/a/", "/(/", r"/\//", "/[[a]/", "'a'", '"', "`b`", "/"),
    *("{", "}", "#", "\n", "\r", "\r\n", " ", "\t", "\x1b", "\x00", "\u2028", "\u202e", "é", "👩‍💻", "\ud800", "\\"),
]


def ends_in_a_tape_or_in_errors_within(text: str) -> None:
    try:
        parse(text, FILE)
    except TapeErrors as wrong:
        lines = re.split(r"\r\n|\n|\r", text)
        for error in wrong.errors:
            assert 1 <= error.place.line <= len(lines)
            assert 1 <= error.place.column <= len(lines[error.place.line - 1]) + 1
            assert error.found
            assert error.expected
            assert all(character.isprintable() or character in JOINERS for character in str(error))


def test_any_text_is_a_tape_or_wrong_at_a_place_within(count: Count):
    @settings(max_examples=count(reduced=400, full=10_000), deadline=None)
    @given(st.text(st.characters()) | st.text(string.printable))
    def holds(text: str):
        ends_in_a_tape_or_in_errors_within(text)

    holds()


def test_any_row_of_a_tapes_words_is_a_tape_or_wrong_at_a_place_within(count: Count):
    @settings(max_examples=count(reduced=600, full=15_000), deadline=None)
    @given(st.lists(st.sampled_from(WORDS_OF_TAPES)), st.sampled_from(["", " ", "\n"]))
    def holds(words: list[str], between: str):
        ends_in_a_tape_or_in_errors_within(between.join(words))

    holds()


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "/",
            "/\n",
            "/\\",
            '"\n',
            "{\n",
            "#\n",
            "a",
            "1.",
            "@",
            "👩",
            "Type a ",
            "Hide ",
            "Ctrl+Shift+",
            "Require sh ",
        ),
        *("Env TZ 'a'\n", "Set WaitPattern /[[a]b/\n"),
    ],
)
def test_no_text_is_read_slowly(piece: str, count: Count):
    length = count(reduced=language.LONGEST_TAPE // 4, full=language.LONGEST_TAPE)
    text = piece * (length // len(piece.encode()))
    begun = time.process_time()
    ends_in_a_tape_or_in_errors_within(text)
    assert time.process_time() - begun < length / 40_000


QUOTES = "\"'`"
SEEN = st.text(
    st.characters(categories=["L", "M", "N", "P", "S"], include_characters=" ").filter(
        lambda c: not is_forbidden(c) and c.isprintable() and c not in INVISIBLE
    ),
    max_size=30,
).filter(lambda text: any(quote not in text for quote in QUOTES))
TIMES = st.integers(0, 3_600_000)
WAITS = st.integers(1, 3_600_000)
PATTERNS = SEEN.map(lambda text: re.escape(text).replace("/", "\\/"))
COMBINATIONS = st.tuples(
    st.lists(st.sampled_from(sorted(MODIFIERS)), min_size=1, unique=True),
    st.sampled_from([*WORDS, *(c for c in string.printable if not c.isspace())]),
).filter(lambda pressed: combined(*pressed) is not None)


def quoted(text: str) -> str:
    quote = next(quote for quote in QUOTES if quote not in text)
    return f"{quote}{text}{quote}"


def _wait(scope: Scope, ms: int, pattern: str | None) -> tuple[str, Act]:
    regex = None if pattern is None else re.compile(pattern, re.MULTILINE)
    written = f"Wait{'+Line' if scope == 'line' else ''}@{ms}ms{'' if pattern is None else f' /{pattern}/'}"
    return written, Wait(regex, scope, ms / 1000)


def _expect(absent: bool, ms: int, pattern: str) -> tuple[str, Act]:
    regex = re.compile(pattern, re.MULTILINE)
    written = f"{'Reject' if absent else 'Expect'}+Screen@{ms}ms /{pattern}/"
    return written, Expect(regex, "screen", ms / 1000, absent)


def _combination(pressed: tuple[list[str], str], times: int) -> tuple[str, Act]:
    held, key = pressed
    name = combined(held, key)
    assert name is not None
    written = key if key.isalpha() else quoted(key)
    return f"{'+'.join(held)}+{written} {times}", Press(name, times, 0)


SCOPES: st.SearchStrategy[Scope] = st.sampled_from(["screen", "line"])
STEPS = st.one_of(
    st.builds(lambda text, ms: (f"Type@{ms}ms {quoted(text)}", Type(text, ms / 1000)), SEEN, TIMES),
    st.builds(
        lambda word, ms, times: (f"{word}@{ms}ms {times}", Press(WORDS[word], times, ms / 1000)),
        st.sampled_from(sorted(WORDS)),
        TIMES,
        st.integers(1, 1000),
    ),
    st.builds(_combination, COMBINATIONS, st.integers(1, 1000)),
    st.builds(lambda ms: (f"Sleep {ms}ms", Sleep(ms / 1000)), TIMES),
    st.builds(_wait, SCOPES, WAITS, st.none() | PATTERNS),
    st.builds(_expect, st.booleans(), TIMES, PATTERNS),
    st.builds(
        lambda name, ms: (f"Sync@{ms}ms {quoted(name)}", Sync(name, ms / 1000)), SEEN.filter(lambda t: t.strip()), WAITS
    ),
    st.builds(lambda text: (f"Copy {quoted(text)}", Copy(text)), SEEN),
    st.sampled_from(
        [
            ("Paste", Paste()),
            ("Server Kill", Server("kill")),
            ("Hide", Tell(False)),
            ("Screenshot a.svg", Screenshot("a.svg")),
        ]
    ),
)


def test_a_tape_printed_from_steps_reads_back_to_the_same_steps(count: Count):
    @settings(max_examples=count(reduced=200, full=3_000), deadline=None)
    @given(st.lists(st.tuples(STEPS, st.sampled_from([" ", "\n", "\r\n", " # Enter\n\n\t"]))))
    def holds(steps: list[tuple[tuple[str, Act], str]]):
        tape = parse("".join(written + between for (written, _), between in steps), FILE)
        assert [step.act for step in tape.steps] == [act for (_, act), _ in steps]
        again = parse("\n".join(step.words for step in tape.steps), FILE)
        assert [step.act for step in again.steps] == [step.act for step in tape.steps]

    holds()
