"""What people and programs read of tapes. Nothing in it can move a terminal's cursor."""

from __future__ import annotations

import json

from rich.cells import cell_len

from roadcrew_tui.pilot.report import Failed, Played, Report, framed

FAILURE = Failed("t/宿.tape", 12, 3, "Expect /x/", "It was not on the screen after 5 s.", "one\n宿 two", "out/a.svg")
REPORT = Report(
    "http://127.0.0.1:1",
    (
        Played("t/ana.tape", 41, 12, 2.94, ("out/crew.svg",), ("t/ana.tape:1:1: Output a.gif: no video is made",)),
        Played("t/宿.tape", 1, 0, 10.0, failure=FAILURE),
    ),
)


def test_the_text_has_a_line_for_each_tape_and_below_it_what_there_is_to_say() -> None:
    assert (
        REPORT.as_text()
        == """\
ok      t/ana.tape    41 steps   12 expected     2.9 s  1 picture
FAILED  t/宿.tape      1 step    0 expected    10.0 s
t/ana.tape:1:1: Output a.gif: no video is made
t/ana.tape: kept out/crew.svg

t/宿.tape:12:3: Expect /x/
  It was not on the screen after 5 s.
  +--------+
  | one    |
  | 宿 two |
  +--------+
  Kept in out/a.svg"""
    )


def test_json_has_all_of_it() -> None:
    told = json.loads(REPORT.as_json())
    assert (told["passed"], told["server"]) == (False, "http://127.0.0.1:1")
    ana, other = told["tapes"]
    assert ana == {
        "tape": "t/ana.tape",
        "passed": True,
        "steps": 41,
        "expectations": 12,
        "seconds": 2.94,
        "pictures": ["out/crew.svg"],
        "notes": ["t/ana.tape:1:1: Output a.gif: no video is made"],
        "failure": None,
    }
    assert other["failure"] == {
        "file": "t/宿.tape",
        "line": 12,
        "column": 3,
        "step": "Expect /x/",
        "why": "It was not on the screen after 5 s.",
        "screen": "one\n宿 two",
        "svg": "out/a.svg",
        "log": None,
    }


def test_nothing_that_is_printed_is_obeyed_by_a_terminal() -> None:
    nasty = "a\x1b]52;c;eA==\x07b\x9b31m\u202ec\td\re"
    failed = Failed(nasty, 1, 1, nasty, nasty, f"{nasty}\n{nasty}", nasty, nasty)
    report = Report(nasty, (Played(nasty, 1, 1, 1.0, (nasty,), (nasty,), failed),), (nasty,))
    for text in (report.as_text(), report.as_json()):
        assert all(c == "\n" or c.isprintable() for c in text)


def test_a_frame_is_as_wide_as_the_widest_line_in_cells() -> None:
    assert len({cell_len(line) for line in framed("a\n宿宿宿\n\nabc")}) == 1
