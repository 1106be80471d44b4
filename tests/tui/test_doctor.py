"""The doctor's judgements, each from what was seen, and what a terminal answers when it is asked."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from roadcrew_client import RoadcrewError, ServerInfo, ServerTrouble, Unreachable, User
from roadcrew_client.credentials import CredentialsError, Described, KeyringState
from roadcrew_client.probing import PollsSeen, StreamSeen
from roadcrew_tui.doctor import here, terminal, there
from roadcrew_tui.doctor.findings import Finding, State, as_json, closing, lines_of, status_of
from roadcrew_tui.doctor.terminal import Answers, TerminalSeen
from roadcrew_tui.settings import Folders, Settings, Trouble

PLAIN = TerminalSeen((120, 36), {"TERM": "xterm-256color"}, unicode=True)
HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2Jred\x9b31m \u202eevil"
ADDRESS = "https://trips.example.org"


def states(findings: list[Finding]) -> dict[str, State]:
    """The state of each, by what it begins with."""
    return {" ".join(f.words.split()[:3]): f.state for f in findings}


# --- all in all ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "status", "words"),
    [
        (["good", "note"], 0, "All well."),
        (["good", "bad"], 1, "One thing does not work."),
        (["bad", "unreachable"], 4, "2 things do not work."),
    ],
)
def test_the_exit_status_and_the_last_line_say_how_it_is(found: list[State], status: int, words: str) -> None:
    findings = [Finding("server", state, "…") for state in found]
    assert (status_of(findings), closing(findings)) == (status, words)
    assert (as_json(findings, ADDRESS)["ok"], as_json(findings, ADDRESS)["status"]) == (status == 0, status)


def test_what_to_do_stands_below_what_was_found() -> None:
    assert lines_of(Finding("server", "bad", "It is off.", "Switch it on.")) == ["  ✗ It is off.", "    Switch it on."]


# --- the terminal ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"", Answers()),
        (b"\x1b[?1004;2$y\x1b[?62;22;52c", Answers(focus=True, clipboard=True)),
        (b"\x1b[?1004;1$y\x1b[?1;2c", Answers(focus=True)),
        (b"\x1b[?1004;0$y\x1b[?152;520c", Answers(focus=False)),
        (b"\x1b[?1004;4$y\x1b[?6c", Answers(focus=False)),
        (b"typed ahead\x1b[?6c", Answers()),
    ],
)
def test_a_terminals_answers_are_read(said: bytes, expected: Answers) -> None:
    assert terminal.read_answers(said) == expected


@pytest.mark.parametrize(
    ("environment", "windows", "expected"),
    [
        ({"TERM": "xterm-256color"}, False, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, False, "16 million"),
        ({"TERM": "xterm-direct"}, False, "16 million"),
        ({"TERM": "linux"}, False, "16"),
        ({"TERM": "dumb"}, False, "none"),
        ({}, False, "none"),
        ({"WT_SESSION": "x"}, True, "16 million"),
    ],
)
def test_the_number_of_colours_is_what_the_environment_says(
    environment: dict[str, str], windows: bool, expected: str
) -> None:
    assert terminal.colours_of(environment, windows=windows) == expected


@pytest.mark.parametrize(
    ("seen", "words", "state"),
    [
        (PLAIN, "120 columns and 36 lines.", "good"),
        (replace(PLAIN, size=(79, 24)), "79 columns and 24 lines.", "note"),
        (replace(PLAIN, real=(100, 36)), "120 columns and 36 lines, though the terminal has 100 and 36.", "note"),
        (replace(PLAIN, size=None), "There is no terminal here", "note"),
        (replace(PLAIN, environment={"TERM": "dumb"}), "TERM is dumb", "bad"),
        (replace(PLAIN, environment={"TERM": "xterm", "NO_COLOR": "1"}), "NO_COLOR is set", "note"),
        (replace(PLAIN, unicode=False), "No Unicode", "note"),
        (PLAIN, "Whether it tells when it is looked at is not known.", "note"),
        (replace(PLAIN, answers=Answers(focus=True)), "It tells when it is looked at.", "good"),
        (replace(PLAIN, answers=Answers(focus=False)), "It does not tell when it is looked at.", "note"),
        (PLAIN, "Whether what you copy reaches the clipboard", "note"),
        (replace(PLAIN, answers=Answers(clipboard=True)), "What you copy reaches the clipboard", "good"),
        (replace(PLAIN, environment={"STY": "1"}), "GNU screen tells no program", "note"),
        (replace(PLAIN, tmux={}), "This is tmux, which could not be asked", "note"),
        (replace(PLAIN, tmux={"focus-events": "off"}), "tmux does not tell when it is looked at", "note"),
        (replace(PLAIN, tmux={"set-clipboard": "external"}), "tmux lets nothing that you copy", "note"),
    ],
)
def test_each_thing_about_a_terminal_is_a_sentence(seen: TerminalSeen, words: str, state: State) -> None:
    assert [f.state for f in terminal.judge(seen) if f.words.startswith(words)] == [state]


def test_a_tmux_that_is_set_well_is_all_well() -> None:
    seen = replace(PLAIN, tmux={"focus-events": "on", "set-clipboard": "on"})
    assert {f.state for f in terminal.judge(seen)} == {"good"}


# R: S3
@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is a POSIX thing")
@pytest.mark.parametrize("answer", [b"\x1b[?1004;2$y\x1b[?62;52c", b""], ids=["answers", "silent"])
def test_a_terminal_is_asked_and_one_that_says_nothing_holds_nobody_up(answer: bytes) -> None:
    ours, theirs = pty.openpty()
    code = "from roadcrew_tui.doctor.terminal import _ask; print(_ask(), flush=True)"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    read_until(ours, terminal.ASK)
    began = time.monotonic()
    os.write(ours, answer)
    known = b"True" if answer else b"None"
    read_until(ours, b"Answers(focus=%s, clipboard=%s)" % (known, known))
    assert time.monotonic() - began < terminal.ANSWER_WITHIN + 3
    assert process.wait(10) == 0
    os.close(ours)


def read_until(fd: int, wanted: bytes) -> None:
    """Read until that has come; fails after half a minute."""
    said, end = b"", time.monotonic() + 30
    while wanted not in said:
        assert select.select([fd], [], [], max(0.0, end - time.monotonic()))[0], said
        said += os.read(fd, 4096)


# --- this computer ---------------------------------------------------------------------------------


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "config", tmp_path / "state", tmp_path / "file" / "data")
    (tmp_path / "file").touch()
    writable = {f: here.can_write(f) for f in (folders.config, folders.state, folders.data)}
    assert [f.state for f in here.judge_folders(folders, writable)] == ["good", "good", "bad"]
    assert not folders.config.exists(), "looking makes nothing"


def test_a_settings_file_that_is_not_understood_is_told(tmp_path: Path) -> None:
    settings = Settings(troubles=(Trouble(f"Not understood: {HOSTILE}", "Delete it.", 3),))
    broken = here.judge_settings(settings, tmp_path / "c.toml", exists=True)
    assert (broken.state, "\x1b" in broken.words) == ("bad", False)
    assert here.judge_settings(Settings(), tmp_path / "c.toml", exists=False).state == "good"


@pytest.mark.parametrize(
    ("keyring", "in_keyring", "in_file", "expected"),
    [
        ("works", (), (), ["good"]),
        ("works", (ADDRESS,), ("http://127.0.0.1:8787",), ["good", "note"]),
        ("none", (), (), ["note"]),
        ("locked", (), (ADDRESS,), ["note"]),
        ("locked", (ADDRESS,), (), ["bad"]),
        ("slow", (ADDRESS,), (), ["bad"]),
        ("unused", (), (), ["note"]),
    ],
)
def test_the_store_in_use_is_told_and_a_keyring_that_keeps_sign_ins_must_work(
    tmp_path: Path, keyring: KeyringState, in_keyring: tuple[str, ...], in_file: tuple[str, ...], expected: list[State]
) -> None:
    seen = Described(None, keyring, "A Keyring", tmp_path / "credentials.json", True, in_file, in_keyring)
    found = here.judge_sign_ins(seen, may_use_file=True)
    assert [f.state for f in found] == expected
    assert found[0].facts["keyring"] == keyring
    if keyring != "works":
        assert seen.sentence in found[0].words
        assert ("keep_sign_in = false" in here.judge_sign_ins(seen, may_use_file=False)[0].words) == (not in_keyring)


@pytest.mark.parametrize(("server", "expected"), [("", "bad"), (ADDRESS, "note")])
def test_a_token_in_the_environment_is_told_with_the_server_that_it_is_for(
    tmp_path: Path, server: str, expected: State
) -> None:
    seen = Described(server, "works", None, tmp_path / "credentials.json", False, (), ())
    first = here.judge_sign_ins(seen, may_use_file=True)[0]
    assert (first.state, "ROADCREW_TOKEN is set" in first.words, server in first.words) == (expected, True, True)


def test_a_file_that_is_refused_is_told_with_its_mend() -> None:
    found = here.judge_sign_ins(CredentialsError("Others can read it. Run: chmod 600"), may_use_file=True)
    assert [(f.state, "chmod" in f.words) for f in found] == [("bad", True)]


# --- a server --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runs", "error", "state", "words"),
    [
        (False, Unreachable("no-connection", "The server can't be reached."), "unreachable", "can't be reached."),
        (False, Unreachable("bad-certificate", "Its certificate …"), "unreachable", "Its certificate …"),
        (False, ServerTrouble("http-404", "There is no such thing."), "bad", "not as a Roadcrew server"),
        (True, ServerTrouble("unavailable", "The store is away."), "bad", "The store is away."),
    ],
)
def test_a_server_that_is_not_there_and_one_that_is_none_are_told_apart(
    runs: bool, error: RoadcrewError, state: State, words: str
) -> None:
    (found,) = there.judge_server(there.ServerSeen(runs, error=error), ADDRESS)
    assert (found.state, words in found.words) == (state, True)


@pytest.mark.parametrize(
    ("ahead", "took", "state", "words"),
    [
        (0.2, 0.01, "good", "agree"),
        (-4.9, 0.01, "good", "agree"),
        (7.0, 6.0, "good", "agree"),
        (180.0, 0.01, "note", "3 min ahead of yours"),
        (-7200.0, 0.01, "note", "2 h behind yours"),
    ],
)
def test_a_clock_that_is_off_is_told_with_how_far(ahead: float, took: float, state: State, words: str) -> None:
    found = there.judge_clock(timedelta(seconds=ahead), timedelta(seconds=took))
    assert (found.state, words in found.words) == (state, True)


@pytest.mark.parametrize(
    ("url", "state"),
    [(ADDRESS, "good"), ("http://trips.example.org", "note"), ("http://127.0.0.1:8787", "note"), ("http://[x", "note")],
)
def test_an_address_that_nobody_else_can_use_is_told(url: str, state: State) -> None:
    seen = there.ServerSeen(True, ServerInfo("Ours", "0.0.1", url))
    assert there.judge_server(seen, ADDRESS)[-1].state == state


# R: S4
@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (StreamSeen(0.01, 0.02, 15.0), "good", "Streaming works: the first news came after 20 ms, a heartbeat after"),
        (StreamSeen(), "bad", "Streams are held back on the way here (a buffering proxy): Roadcrew polls instead."),
        (StreamSeen(0.01), "bad", "Streams are held back on the way here"),
        (StreamSeen(0.01, 0.02), "bad", "Streams begin, and are then held back"),
        (StreamSeen(0.01, 0.02, None, 5.0), "bad", "A stream was cut after 5.0 s"),
        (StreamSeen(0.01, None, None, 0.1, ServerTrouble("x", "Bad.")), "bad", "Streams are refused: Bad. Roadcrew"),
    ],
)  # fmt: skip
def test_what_a_stream_showed_is_said_with_what_roadcrew_does_about_it(
    seen: StreamSeen, state: State, words: str
) -> None:
    found = there.judge_stream(seen)
    assert (found.state, found.words.startswith(words)) == (state, True)


def test_polling_that_fails_is_told_with_what_it_means() -> None:
    assert there.judge_polls(PollsSeen((0.2, 0.1)), streams=False).words == "Polling works: an answer takes 200 ms."
    failed = PollsSeen((), ServerTrouble("http-503", HOSTILE))
    assert there.judge_polls(failed, streams=True).mend != there.judge_polls(failed, streams=False).mend


def test_words_of_a_server_bring_no_escape_sequences_and_no_other_direction_of_writing() -> None:
    error = ServerTrouble("x", HOSTILE, certain=False)
    info = ServerInfo(HOSTILE, HOSTILE, f"https://{HOSTILE}/")
    user = User("u", HOSTILE, HOSTILE)
    found = [
        *there.judge_server(there.ServerSeen(True, info, None, timedelta(0)), ADDRESS),
        *there.judge_server(there.ServerSeen(False, error=error), ADDRESS),
        there.judge_person(user, None, trips=1),
        there.judge_person(None, error, trips=0),
        there.judge_stream(StreamSeen(0.1, None, None, 0.1, error)),
        there.judge_stream(StreamSeen(0.1, 0.1, None, 0.2, error)),
        there.judge_polls(PollsSeen((), error), streams=True),
    ]
    shown = "\n".join(line for finding in found for line in lines_of(finding)) + str(as_json(found, ADDRESS))
    assert "evil" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
