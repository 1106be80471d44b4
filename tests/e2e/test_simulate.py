"""`roadcrew simulate` as it is typed."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import IO

from tests.conftest import Count, Figure
from tests.support.terminal import Terminal, roadcrew


def simulate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(roadcrew("simulate", *words), capture_output=True, text=True, timeout=110, check=False)


# R: G2, S1, S4, T9
def test_a_crowd_that_loses_its_network_and_comes_back_equals_the_server_in_the_end(count: Count, figure: Figure):
    users, seconds = count(reduced=10, full=50), count(reduced=3, full=20)
    done = simulate("--users", str(users), "--seconds", str(seconds), "--seed", "15", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["agreed"]
    assert said["events"]["lost"] == said["events"]["doubled"] == 0
    assert said["changes"]["missing"] == said["changes"]["doubled"] == 0
    assert said["different"] == []
    assert said["compared"] == users + said["trips"]
    assert said["talk"]["accepted"] > 0
    assert said["events"]["read"] > users
    assert said["networkLosses"] > 0
    planned = simulate("--users", str(users), "--seconds", str(seconds), "--seed", "15", "--plan")
    assert planned.returncode == 0
    steps = sum(said["actions"].values()) + sum(said["nothingToDo"].values()) + said["leftOut"]
    assert steps == len(planned.stdout.splitlines()) - 1
    progress = done.stderr.splitlines()
    assert all(" here " in line and "\x1b" not in line for line in progress)
    assert len(progress) >= seconds - 1
    figure("accepted after, ms", said["latency"]["accepted"])
    figure("seen after, ms", said["latency"]["seen"])


def test_a_plan_is_printed_without_a_server_and_the_same_each_time():
    one, other = (simulate("--users", "5", "--seconds", "10", "--seed", "3", "--plan") for _ in range(2))
    assert one.returncode == 0
    assert one.stdout == other.stdout
    assert json.loads(one.stdout.splitlines()[0])["seed"] == 3
    assert one.stderr == ""


def test_a_server_that_is_not_there_is_said_in_a_sentence():
    done = simulate("--users", "2", "--seconds", "1", "--server", "http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "roadcrew: The server can't be reached.\n"


def test_numbers_out_of_bounds_and_an_address_that_is_none_are_usage():
    for words in (["--users", "2001"], ["--users", "3", "--trips", "4"], ["--users", "1", "--server", "nonsense"]):
        done = simulate("--seconds", "1", *words)
        assert done.returncode == 2, words
        assert done.stderr.startswith("roadcrew: ")


def first_line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def test_ctrl_c_ends_it_with_a_report_of_what_was_so_far():
    process = subprocess.Popen(
        roadcrew("simulate", "--users", "4", "--seconds", "600"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert " here " in first_line(process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out.splitlines()[-1] == "Interrupted: this is what was so far, and nothing was compared."
    assert "Traceback" not in err


def test_on_a_terminal_the_line_of_progress_is_written_over():
    with Terminal(roadcrew("simulate", "--users", "3", "--seconds", "2"), columns=100, rows=40) as terminal:
        terminal.wait_for("   1 s ")
        terminal.wait_for("   2 s ")
        assert terminal.text.count(" here ") == 1
        assert terminal.wait_end(30) == 0
        terminal.settle()
        assert "Nothing was lost, nothing doubled, and all clients equal the server." in terminal.text
