"""`roadcrew pilot`: tapes played by the true command, with no terminal attached."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Count, Figure
from tests.support.serving import server_process
from tests.support.terminal import roadcrew

TAPES = Path(__file__).parent.parent / "tapes"
LOBBY = "Wait@30s /No trips yet/\n"
WAYS = ["headless", "pty"]
PROC = Path("/proc")


def options(way: str) -> list[str]:
    return ["--pty"] if way == "pty" else []


def written(folder: Path, **tapes: str) -> list[str]:
    """Tapes by their names, as files."""
    for name, text in tapes.items():
        (folder / f"{name}.tape").write_text(text)
    return [f"{name}.tape" for name in tapes]


def pilot(folder: Path, *arguments: str, seconds: float = 100) -> subprocess.CompletedProcess[str]:
    """Run it in a folder, as a script would: in no terminal, with nothing to read."""
    return subprocess.run(
        roadcrew("pilot", *arguments),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        start_new_session=True,
    )


def told(done: subprocess.CompletedProcess[str]) -> Any:
    """The report as JSON."""
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


# R: T2, G2
@pytest.mark.parametrize("way", ["headless", pytest.param("pty", marks=pytest.mark.only_full)])
def test_three_friends_plan_a_trip(way: str, tmp_path: Path, figure: Figure, count: Count) -> None:
    tapes = sorted(str(file) for file in (TAPES / "three_join").glob("*.tape"))
    slowest = 0.0
    for _ in range(count(reduced=1, full=10)):
        began = time.monotonic()
        done = pilot(tmp_path, *tapes, *options(way))
        slowest = max(slowest, time.monotonic() - began)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("\nok ") + done.stdout.startswith("ok ") == 3
    figure("the slowest, s", f"{slowest:.1f}")
    assert (tmp_path / "pilot-out" / "three_join" / "ben-votes.svg").read_text().startswith("<svg")


# R: G2
def test_a_wrong_tape_is_said_with_its_place_and_nothing_is_played(tmp_path: Path) -> None:
    names = written(tmp_path, good=LOBBY, one="Screenshot a.svg\nTpye x", two='Type "a"\n  Expect')
    done = pilot(tmp_path, *names, "missing.tape", seconds=20)
    assert done.returncode == 2
    assert done.stdout == ""
    places = [line.split(" ")[0] for line in done.stderr.splitlines()]
    assert [p for p in places if p.startswith("one")] == ["one.tape:2:1:"]
    assert any(p.startswith("two.tape:2:") for p in places)
    assert any(p.startswith("missing.tape:1:1:") for p in places)
    assert not any(p.startswith("good") for p in places)
    assert not (tmp_path / "pilot-out").exists()


# R: G2
@pytest.mark.parametrize("way", WAYS)
def test_a_failing_expectation_shows_the_screen_and_leaves_a_picture(way: str, tmp_path: Path) -> None:
    names = written(tmp_path, sad=f"Set Columns 60\nSet Rows 10\n{LOBBY}Expect@50ms /Samarkand/\nScreenshot not.svg")
    done = pilot(tmp_path, *names, *options(way), "--out", "left/here")
    assert done.returncode == 1
    assert "sad.tape:4:1: Expect@50ms /Samarkand/\n  It was not on the screen after 0.05 s.\n" in done.stdout
    framed = [line for line in done.stdout.splitlines() if line.startswith("  | ")]
    assert len(framed) == 10
    assert any("No trips yet." in line for line in framed)
    assert "\x1b" not in done.stdout
    assert "MY&#160;TRIPS" in (tmp_path / "left" / "here" / "sad-failed.svg").read_text()
    assert os.listdir(tmp_path / "left" / "here") == ["sad-failed.svg"]


def test_the_same_tape_shows_the_same_screen_in_both_kinds_of_terminal(tmp_path: Path) -> None:
    tape = 'Env ROADCREW_SERVER ""\nSet Theme light\nSet Symbols ascii\nSet Columns 100\nWait /What brings you here/\n'
    tape += 'Down\nExpect+Line /> Plan a trip/\nEnter\nWait /Your name/\nType "Ré, 宿?"\nTab\nType "x"\nWait\n'
    screens = set()
    for way in WAYS:
        done = pilot(tmp_path, *written(tmp_path, one=f"{tape}Screenshot {way}.txt\n"), *options(way))
        assert done.returncode == 0, done.stdout
        screens.add((tmp_path / "pilot-out" / f"{way}.txt").read_text())
    assert len(screens) == 1, "\n".join(screens)


def test_a_tape_fails_at_once_when_one_that_it_waits_for_has_failed(tmp_path: Path) -> None:
    names = written(tmp_path, ana=f"{LOBBY}Expect@1ms /Samarkand/\nSync in", ben=f"{LOBBY}Sync@90s in")
    done = pilot(tmp_path, *names, "--report", "json", seconds=60)
    assert done.returncode == 1
    report = told(done)
    assert [t["passed"] for t in report["tapes"]] == [False, False]
    failure = report["tapes"][1]["failure"]
    assert (failure["step"], failure["line"]) == ("Sync@90s in", 2)
    assert failure["why"] == (
        "ana.tape has failed at ana.tape:2:1: Expect@1ms /Samarkand/: It was not on the screen after 0.001 s."
    )
    assert "No trips yet" in failure["screen"]


# R: G2
def test_a_tape_stops_the_server_and_starts_it_again_where_it_was(tmp_path: Path) -> None:
    tape = f'{LOBBY}Type "n"\nWait /Your name/\nType "Lisbon" Tab 2 Type "Ana"\nServer Kill\nEnter\n'
    tape += "Expect@20s /can't be reached/\nServer Start\nEnter\nExpect@30s /live · you are Ana/\n"
    tape += "Server Stop\nServer Start\nServer Start\n"
    done = pilot(tmp_path, *written(tmp_path, one=tape))
    assert done.returncode == 1
    assert "one.tape:13:1: Server Start\n  The server runs already.\n" in done.stdout


def test_a_given_server_is_played_at_and_left_alone(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        name = server.url.removeprefix("http://")
        names = written(tmp_path, one=f"Wait@30s /{name}/\n{LOBBY}", two="Server Kill\nServer Start\n")
        done = pilot(tmp_path, names[0], "--server", server.url, "--report", "json")
        assert (done.returncode, told(done)["server"]) == (0, server.url)
        wrong = pilot(tmp_path, *names, "--server", server.url, seconds=20)
        assert wrong.returncode == 2
        assert [line[:13] for line in wrong.stderr.splitlines()] == ["two.tape:1:1:", "two.tape:2:1:"]
        assert server.process is not None
        assert server.process.poll() is None


def test_a_tape_knows_nothing_of_whoever_plays_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "mine"
    for name, value in {
        "ROADCREW_TOKEN": "rc_mine",
        "ROADCREW_HOME": str(home),
        "ROADCREW_SERVER": "http://127.0.0.1:9",
        "ROADCREW_PUBLIC_URL": "https://mine.example",
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    tape = f'{LOBBY}Type "n"\nWait /Your name/\nType "Lisbon" Tab 2 Type "Ana" Enter\nExpect@20s /Invite/\nType "i"\n'
    tape += "Expect@20s /http:..127/\nReject@0 /mine.example/\n"
    done = pilot(tmp_path, *written(tmp_path, one=tape))
    assert done.returncode == 0, done.stdout
    assert not home.exists()


def test_a_tape_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    done = pilot(tmp_path, *written(tmp_path, one=f"Sleep 90s\n{LOBBY}"), "--limit", "1", seconds=60)
    assert done.returncode == 1
    assert "one.tape:1:1: Sleep 90s\n  The tape was not done after 1 s.\n  +-" in done.stdout


def test_what_is_passed_over_is_noted(tmp_path: Path) -> None:
    done = pilot(tmp_path, *written(tmp_path, one=f"Output one.gif\nSet FontSize 20\n{LOBBY}Sync alone\n"))
    assert done.returncode == 0
    notes = [line for line in done.stdout.splitlines() if line.startswith("one.tape:")]
    assert [note.split(" ")[0] for note in notes] == ["one.tape:1:1:", "one.tape:2:1:", "one.tape:4:1:"]


# --- the end of processes ------------------------------------------------------------------------

needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="looks into /proc")


def children(pid: int) -> list[int]:
    """All processes below one."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found + [below for child in found for below in children(child)]


def plays_a_tape(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"roadcrew_tui.pilot.process" in (PROC / str(pid) / "cmdline").read_bytes()
    return False


def lives(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def comes_true(holds: Any, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.02)
    return bool(held)


@contextlib.contextmanager
def playing(folder: Path, way: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A pilot whose tape has come to a long sleep, and all processes below it."""
    tape = f"{LOBBY}Screenshot here.txt\nSleep 200s\n"
    command = roadcrew("pilot", *written(folder, one=tape), *options(way))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            assert comes_true((folder / "pilot-out" / "here.txt").exists)
            yield process, children(process.pid)
        finally:
            if process.poll() is None:
                process.kill()


@needs_proc
@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_ends_all_that_was_started(way: str, tmp_path: Path) -> None:
    with playing(tmp_path, way) as (process, below):
        assert sum(map(plays_a_tape, below)) == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        assert not [pid for pid in below if lives(pid)]


@needs_proc
@pytest.mark.parametrize("way", WAYS)
def test_nothing_outlives_a_pilot_that_is_killed(way: str, tmp_path: Path) -> None:
    with playing(tmp_path, way) as (process, below):
        process.kill()
        assert comes_true(lambda: not [pid for pid in below if lives(pid)])


@needs_proc
def test_a_process_that_dies_is_a_failure_of_its_tape(tmp_path: Path) -> None:
    with playing(tmp_path, "headless") as (process, below):
        for pid in filter(plays_a_tape, below):
            os.kill(pid, signal.SIGKILL)
        said, _ = process.communicate(timeout=20)
        assert process.returncode == 1
        assert "one.tape:3:1: Sleep 200s\n  The process that played it ended with status -9." in said
