"""The language of tapes: what is read, and what is wrong, and where."""

import os
import re
import time
from pathlib import Path

import pytest

from roadcrew_tui.pilot import language
from roadcrew_tui.pilot.language import parse, read_tape
from roadcrew_tui.pilot.tape import (
    Act,
    Copy,
    Expect,
    Paste,
    Press,
    Screenshot,
    Server,
    Sleep,
    Sync,
    Tape,
    TapeErrors,
    Tell,
    Type,
    Wait,
)

FILE = Path("crew.tape")
VHS = Path(__file__).parent / "vhs"
LISBON = re.compile("Lisbon", re.MULTILINE)


def acts(text: str) -> list[Act]:
    return [step.act for step in parse(text, FILE).steps]


def errors(text: str) -> list[str]:
    with pytest.raises(TapeErrors) as wrong:
        parse(text, FILE)
    assert str(wrong.value).splitlines() == [str(error) for error in wrong.value.errors]
    return [str(error) for error in wrong.value.errors]


# R: G2
@pytest.mark.parametrize(
    ("text", "act"),
    [
        ('Type "Ana"', Type("Ana", 0)),
        ("Type 'say \"hi\"'", Type('say "hi"', 0)),
        ('Type `it\'s "so"`', Type('it\'s "so"', 0)),
        (r'Type "C:\"', Type("C:\\", 0)),
        ('Type@50ms "a"', Type("a", 0.05)),
        ('Type@.5"a"', Type("a", 0.5)),
        ('Type "a"\n  "b" # c\n\'d\'', Type("a b d", 0)),
        ("Type git status", Type("git status", 0)),
        ('Type ""', Type("", 0)),
        ('Type "Größe 🧳 👩‍💻"', Type("Größe 🧳 👩‍💻", 0)),
        ("Enter", Press("enter", 1, 0)),
        ("Backspace 18", Press("backspace", 18, 0)),
        ("Down@25ms 20", Press("down", 20, 0.025)),
        ("PageUp@1 3", Press("pageup", 3, 1)),
        ("Enter\n2", Press("enter", 2, 0)),
        ("Home", Press("home", 1, 0)),
        ("Ctrl+C", Press("ctrl+c", 1, 0)),
        ("Ctrl + c", Press("ctrl+c", 1, 0)),
        ("Ctrl+Shift+P@1s 2", Press("ctrl+shift+p", 2, 1)),
        ("Shift+Ctrl+Left", Press("ctrl+shift+left", 1, 0)),
        ("Shift+Tab", Press("shift+tab", 1, 0)),
        ("Shift+a", Press("A", 1, 0)),
        ("Alt+.", Press("alt+full_stop", 1, 0)),
        ("Ctrl+5 2", Press("ctrl+5", 2, 0)),
        ("Ctrl+@@1s", Press("ctrl+at", 1, 1)),
        ("Ctrl++", Press("ctrl+plus", 1, 0)),
        ('Ctrl+"/"', Press("ctrl+slash", 1, 0)),
        ("Sleep 500ms", Sleep(0.5)),
        ("Sleep 2s", Sleep(2)),
        ("Sleep 1m", Sleep(60)),
        ("Sleep .5", Sleep(0.5)),
        ("Sleep 0", Sleep(0)),
        ("Sleep 60m", Sleep(3600)),
        ("Wait", Wait(None, "screen", 15)),
        ("Wait /Lisbon/", Wait(LISBON, "screen", 15)),
        ("Wait+Screen@10ms /Lisbon/", Wait(LISBON, "screen", 0.01)),
        ("Wait+Line /Lisbon/", Wait(LISBON, "line", 15)),
        ("Wait@1s", Wait(None, "screen", 1)),
        ("Expect /Lisbon/", Expect(LISBON, "screen", 5, absent=False)),
        ("Expect+Line@2s /Lisbon/", Expect(LISBON, "line", 2, absent=False)),
        ("Reject@0 /Lisbon/", Expect(LISBON, "screen", 0, absent=True)),
        (r"Expect /a\/b\\/", Expect(re.compile(r"a\/b\\", re.MULTILINE), "screen", 5, absent=False)),
        ("Screenshot lobby.svg", Screenshot("lobby.svg")),
        ('Screenshot "a b/lobby 2.txt"', Screenshot("a b/lobby 2.txt")),
        ("Sync everybody-in", Sync("everybody-in", 15)),
        ('Sync@30s "everybody is in"', Sync("everybody is in", 30)),
        ('Copy "K7QM" "2D4F"', Copy("K7QM 2D4F")),
        ("Paste", Paste()),
        ("Server Stop", Server("stop")),
        ("Server Kill", Server("kill")),
        ("Server Start", Server("start")),
        ("Hide", Tell(shown=False)),
        ("Show", Tell(shown=True)),
    ],
)
def test_a_command_is_read(text: str, act: Act):
    assert acts(text) == [act]


def test_what_cannot_be_seen_is_typed_and_shown_as_an_escape():
    (step,) = parse('Type "a\u200bb"', FILE).steps
    assert step.act == Type("a\u200bb", 0)
    assert step.words == 'Type "a\\u200bb"'


def test_line_ends_are_white_space_and_comments_are_nothing():
    assert acts('# nothing # "\x1b\nType "a" Enter # Escape\r\nSleep 1 Tab\rDown#x') == [
        Type("a", 0),
        Press("enter", 1, 0),
        Sleep(1),
        Press("tab", 1, 0),
        Press("down", 1, 0),
    ]
    assert acts("") == acts("\n\n# only a comment") == []


def test_settings_are_the_tapes():
    tape = parse(
        'Set Columns 120 Set Rows 36 Set Theme light Set Symbols ascii Env TZ "UTC" Env ROADCREW_SERVER "" Env LANG C',
        FILE,
    )
    assert (tape.size, tape.theme, tape.symbols) == ((120, 36), "light", "ascii")
    assert tape.environment == {"TZ": "UTC", "ROADCREW_SERVER": "", "LANG": "C"}
    assert parse("", FILE) == Tape(FILE, ())


def test_speeds_and_timeouts_hold_for_what_follows():
    text = """
    Type "a" Wait Expect /Lisbon/ Sync in
    Set TypingSpeed 10ms Set WaitTimeout 2s Set WaitPattern /Lisbon/ Set ExpectTimeout 1s
    Type "b" Type@1s "c" Tab Wait Expect /Lisbon/ Sync in
    """
    assert acts(text) == [
        *(Type("a", 0), Wait(None, "screen", 15), Expect(LISBON, "screen", 5, absent=False), Sync("in", 15)),
        *(Type("b", 0.01), Type("c", 1), Press("tab", 1, 0.01)),
        *(Wait(LISBON, "screen", 2), Expect(LISBON, "screen", 1, absent=False), Sync("in", 2)),
    ]


def test_a_step_says_where_it_stands_and_how_it_was_written():
    tape = parse('Hide\n  Type@50ms  # slowly\n "a"\n\tCtrl + C  2 Enter', FILE)
    assert [(step.place.line, step.place.column, step.words) for step in tape.steps] == [
        (1, 1, "Hide"),
        (2, 3, 'Type@50ms "a"'),
        (4, 2, "Ctrl + C 2"),
        (4, 14, "Enter"),
    ]


# R: G2
@pytest.mark.parametrize("name", ["shell", "hidden", "filter", "nested"])
def test_tapes_of_vhs_are_read(name: str):
    tape = read_tape(VHS / f"{name}.tape")
    assert tape.steps
    assert tape.size == (None, None)


def test_what_concerns_a_video_is_noted_and_passed_over():
    notes = [str(note.place.line) + " " + note.words for note in read_tape(VHS / "shell.tape").notes]
    assert notes[0] == "5 Output shell.gif: the pilot makes no video; Screenshot keeps a screen"
    assert "12 Set FontSize 46: this concerns a video, and the pilot makes none" in notes
    assert '25 Set Theme "Catppuccin Frappe": a theme of VHS; here they are dark, light or terminal' in notes
    assert notes[-2].startswith('23 Set Theme { "name": "Whimsy", "black"...: a theme of VHS')
    assert len(notes) == 3 + 12 + 2


def test_a_setting_of_vhs_may_stand_anywhere_as_it_does_nothing():
    assert len(parse("Enter Set FontSize 22 Set LoopOffset 5% Enter", FILE).steps) == 2


def test_a_sourced_tape_is_read_in_its_place(tmp_path: Path):
    (tmp_path / "common").mkdir()
    (tmp_path / "a.tape").write_text("Source common/b.tape\nEnter")
    (tmp_path / "common" / "b.tape").write_text("Set Columns 100\nSource 'c.tape'\nSet TypingSpeed 1s")
    (tmp_path / "common" / "c.tape").write_text('\ufeffType "c"', encoding="utf-8")
    tape = read_tape(tmp_path / "a.tape")
    assert [step.act for step in tape.steps] == [Type("c", 0), Press("enter", 1, 1)]
    assert [str(step.place) for step in tape.steps] == [f"{tmp_path}/common/c.tape:1:1", f"{tmp_path}/a.tape:2:1"]
    assert tape.size == (100, None)


# R: G2
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Entr", "1:1: found Entr: expected a command; the nearest is Enter"),
        ("enter", "1:1: found enter: expected a command; the nearest is Enter"),
        ('Type "a"\nExpct /x/', "2:1: found Expct: expected a command; the nearest is Expect"),
        ("Type a\nEntr", "2:1: found Entr: expected a command; the nearest is Enter"),
        ("Type a\n  Entr", "2:3: found Entr: expected a command; the nearest is Enter"),
        ("Set Theme {\n1\r\n2\r3}Entr", "4:3: found Entr: expected a command; the nearest is Enter"),
        ('Type "a" Entr', "1:10: found Entr: expected a command; the nearest is Enter"),
        ("Qwxyz", "1:1: found Qwxyz: expected a command"),
        ("Enter 2 3", "1:9: found 3: expected a command"),
        ("?", "1:1: found ?: expected a command, or a text in quotes"),
        ("Type", '1:5: found the end of the tape: expected a text to type, such as "Lisbon"'),
        ("Type Enter", '1:6: found Enter: expected a text to type, such as "Lisbon"'),
        ("Type\nfoo", '2:1: found foo: expected a text to type, such as "Lisbon"'),
        ('Type "a\nEnter', '1:6: found a text without its end: expected " in the same line'),
        ('Type "a\x1b[2J"', "1:8: found \\x1b in a text: expected characters that can be seen"),
        ("Type 'a\tb'", "1:8: found \\t in a text: expected characters that can be seen"),
        ("Type `a\u202eb`", "1:8: found \\u202e in a text: expected characters that can be seen"),
        ("Expect /a\x07/", "1:10: found \\x07 in a pattern: expected characters that can be seen"),
        ("\x1b", "1:1: found \\x1b: expected a command, or a text in quotes"),
        ("Enter@", "1:7: found the end of the tape: expected a time such as 500ms, 2s or 1m"),
        ("Enter@fast", "1:7: found fast: expected a time such as 500ms, 2s or 1m"),
        ("Sleep 1.2.3", "1:7: found 1.2.3: expected a time such as 500ms, 2s or 1m"),
        ("Sleep 2h", "1:8: found h: expected ms, s or m"),
        ("Sleep 61m", "1:7: found 61m: expected a time of at most 60m"),
        ("Sleep 3601", "1:7: found 3601: expected a time of at most 60m"),
        ("Wait@0 /a/", "1:6: found 0: expected a time of 1ms or more"),
        ("Enter 0", "1:7: found 0: expected a number of times from 1 to 1000"),
        ("Enter 1001", "1:7: found 1001: expected a number of times from 1 to 1000"),
        ("Enter 1.5", "1:7: found 1.5: expected a number of times from 1 to 1000"),
        ("Ctrl", "1:5: found the end of the tape: expected + and a key, as in Ctrl+C"),
        ("Ctrl+Shift Enter", "1:12: found Enter: expected + and a key, as in Ctrl+C"),
        ("Ctrl+Ctrl+C", "1:6: found Ctrl: expected each of Ctrl, Alt and Shift once"),
        (
            "Ctrl+Entr",
            "1:6: found Entr: expected a letter, the name of a key, or a character in quotes; the nearest is Enter",
        ),
        ("Shift+1", "1:7: found 1: expected a letter, the name of a key, or a character in quotes"),
        ("Wait+Scren", "1:6: found Scren: expected Screen or Line; the nearest is Screen"),
        ("Expect Lisbon", "1:8: found Lisbon: expected a pattern such as /Lisbon/"),
        ("Reject@1s", "1:10: found the end of the tape: expected a pattern such as /Lisbon/"),
        ("Expect /Lisbon", "1:8: found a pattern without its end: expected / in the same line"),
        (
            "Expect /Lis(bon/",
            "1:12: found (bon: expected a regular expression (missing ), unterminated subpattern)",
        ),
        ("Wait+Line /a**/", "1:14: found *: expected a regular expression (multiple repeat)"),
        ("Expect /a{99999999999}/", "1:9: found a{99999999999}: expected a regular expression (the repetition number"),
        ("Set WaitPattern '['", "1:18: found [: expected a regular expression (unterminated character set)"),
        (f"Expect /{'a' * 1001}/", f"1:8: found /{'a' * 36}...: expected a pattern of at most 1000 characters"),
        ("Screenshot lobby.png", "1:12: found lobby.png: expected a relative path without .. that ends in .svg or"),
        ("Screenshot '/lobby.svg'", "1:12: found '/lobby.svg': expected a relative path without .."),
        ("Screenshot ../lobby.svg", "1:12: found ../lobby.svg: expected a relative path without .."),
        (r"Screenshot 'a\..\..\b.svg'", r"1:12: found 'a\..\..\b.svg': expected a relative path without .."),
        ("Screenshot 'c:lobby.svg'", "1:12: found 'c:lobby.svg': expected a relative path without .."),
        ("Screenshot .svg", "1:12: found .svg: expected a relative path without .."),
        ("Sync\nEnter", "2:1: found Enter: expected the name of a meeting point"),
        ("Sync ' '", "1:6: found ' ': expected the name of a meeting point"),
        ("Server Restart", "1:8: found Restart: expected Stop, Kill or Start; the nearest is Start"),
        ("Set Colums 80", "1:5: found Colums: expected a setting; the nearest is Columns"),
        ("Set Columns 19", "1:13: found 19: expected a number of columns from 20 to 400"),
        ("Set Columns 401", "1:13: found 401: expected a number of columns from 20 to 400"),
        ("Set Rows 4", "1:10: found 4: expected a number of rows from 5 to 200"),
        ("Set Rows 24px", "1:12: found px: expected a command"),
        ("Set Theme lite", "1:11: found lite: expected dark, light or terminal; the nearest is light"),
        ("Set Theme {", "1:11: found JSON without its end: expected }"),
        ("Set Symbols emoji", "1:13: found emoji: expected unicode or ascii"),
        ("Set Width\nEnter", "2:1: found Enter: expected a value"),
        ("Enter Set Columns 80", "1:7: found Set Columns: expected it before the first step, where the terminal opens"),
        ('Enter\nEnv TZ "UTC"', '2:1: found Env TZ "UTC": expected it before the first step, where the terminal opens'),
        ('Env PATH "/"', "1:5: found PATH: expected TZ, LANG, LC_ALL, NO_COLOR, COLORTERM or TERM, or ROADCREW_..."),
        ('Env ROADCREW_HOME "/"', "1:5: found ROADCREW_HOME: expected TZ, LANG"),
        ('Env "ROADCREW_A=B" "/"', '1:5: found "ROADCREW_A=B": expected TZ, LANG'),
        ("Env TZ", "1:7: found the end of the tape: expected a value for TZ"),
        ("Require no-such-program", "1:9: found no-such-program: expected a program that is installed here"),
        ("Source no-such.tape", "1:8: found no such file: expected a tape"),
        ("Source notes.txt", "1:8: found notes.txt: expected a file whose name ends in .tape"),
        ("Output", "1:7: found the end of the tape: expected a file"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_was_expected(text: str, error: str):
    said = errors(text)
    assert len(said) == 1
    assert said[0].startswith(f"crew.tape:{error}")


def test_hide_and_show_are_not_yet_something_that_the_terminal_sees():
    assert parse('Hide Env TZ "UTC" Set Rows 30 Show Enter', FILE).size == (None, 30)


def test_all_that_is_wrong_is_said_at_once():
    assert [error.split(":")[1:3] for error in errors('Entr\nExpect Lisbon\nTab\nTyp "x" Enter\nSleep 2h Entr\n')] == [
        ["1", "1"],
        ["2", "8"],
        ["4", "1"],
        ["5", "8"],
    ]


def test_errors_are_said_up_to_a_number():
    assert len(errors("Entr\n" * 1000)) == language.MOST_ERRORS


def test_what_an_error_cites_is_short_and_harmless():
    assert errors("Entr" * 99)[0] == f"crew.tape:1:1: found {('Entr' * 99)[:37]}...: expected a command"
    with pytest.raises(TapeErrors) as wrong:
        parse("Entr", Path("a\x1b[2J\u202e.tape"))
    assert str(wrong.value).startswith("a\\x1b[2J\\u202e.tape:1:1:")


def test_too_many_steps_are_refused():
    assert len(parse("Enter\n" * 10_000, FILE).steps) == 10_000
    assert errors("Enter\n" * 10_001) == ["crew.tape:10001:1: found one step more: expected at most 10000 steps"]


def wrong_file(file: Path) -> str:
    with pytest.raises(TapeErrors) as wrong:
        read_tape(file)
    return str(wrong.value)


def test_a_file_that_is_no_tape_is_refused(tmp_path: Path):
    file = tmp_path / "a.tape"
    assert wrong_file(file) == f"{file}:1:1: found no such file: expected a tape"
    assert wrong_file(tmp_path) == f"{tmp_path}:1:1: found a folder: expected a tape"
    file.write_bytes(b'Enter\r\nType "\xc3\xa9\xff"')
    assert wrong_file(file) == f"{file}:2:8: found a byte 0xff: expected text in UTF-8"
    file.write_bytes(b"#" * (256 * 1024))
    assert read_tape(file).steps == ()
    file.write_bytes(b"#" * (256 * 1024 + 1))
    assert wrong_file(file) == f"{file}:1:1: found more: expected at most 256 KiB, with all that is sourced"
    assert "expected a tape" in wrong_file(tmp_path / ("x" * 300))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "a.tape")
    assert "found something else: expected a tape" in wrong_file(tmp_path / "a.tape")


def test_tapes_that_source_each_other_in_a_circle_are_refused(tmp_path: Path):
    (tmp_path / "a.tape").write_text("Enter Source b.tape")
    (tmp_path / "b.tape").write_text("\nSource ./a.tape")
    assert wrong_file(tmp_path / "a.tape") == (
        f"{tmp_path}/b.tape:2:8: found ./a.tape: expected a tape that does not source itself"
    )


def test_tapes_source_each_other_only_so_deep(tmp_path: Path):
    for number in range(9):
        (tmp_path / f"{number}.tape").write_text(f"Source '{number + 1}.tape'")
    (tmp_path / "9.tape").write_text("Enter")
    assert len(read_tape(tmp_path / "1.tape").steps) == 1
    assert wrong_file(tmp_path / "0.tape").endswith("expected tapes that source each other at most 8 deep")


def test_tapes_that_multiply_by_sourcing_end_at_the_bound(tmp_path: Path):
    for number in range(8):
        (tmp_path / f"{number}.tape").write_text(f"Source '{number + 1}.tape'\n" * 100)
    (tmp_path / "8.tape").write_text("")
    begun = time.process_time()
    assert "at most 256 KiB" in wrong_file(tmp_path / "0.tape")
    assert time.process_time() - begun < 5


def test_what_is_wrong_in_a_sourced_tape_stands_there(tmp_path: Path):
    (tmp_path / "a.tape").write_text("Entr\nSource b.tape\nTabb")
    (tmp_path / "b.tape").write_text("Downn")
    assert [line.split(": ")[0] for line in wrong_file(tmp_path / "a.tape").splitlines()] == [
        f"{tmp_path}/a.tape:1:1",
        f"{tmp_path}/b.tape:1:1",
        f"{tmp_path}/a.tape:3:1",
    ]


def test_the_users_page_has_every_command_and_setting():
    page = (Path(__file__).parents[3] / "docs" / "tapes.md").read_text(encoding="utf-8")
    names = {*language.COMMANDS, *language.SETTINGS, *language.OF_A_VIDEO, *language.FREE_VARIABLES}
    assert {name for name in names if f"`{name}" not in page} == set()


def test_the_examples_of_the_users_page_are_tapes():
    page = (Path(__file__).parents[3] / "docs" / "tapes.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```tape\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 2
    for example in examples:
        assert parse(example, FILE).steps
