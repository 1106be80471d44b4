"""The command in this process: what it returns when something is wrong, and how many files it may open."""

import argparse
import signal
import subprocess
import sys
from typing import Any

import pytest
from tests.tui.simulation.standins import Clumsy

from roadcrew_tui.simulation import command
from roadcrew_tui.simulation import run as running


def given(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers(), argparse.HelpFormatter, lambda run: run())
    return parser.parse_args(["simulate", *words])


# R: G2, S1, S4
def test_an_event_that_is_dropped_or_doubled_on_its_way_into_a_client_is_found_and_the_status_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    results: list[running.Result] = []
    real = running.run

    async def noted(*args: Any, **more: Any) -> running.Result:
        results.append(await real(*args, **more, make=Clumsy))
        return results[0]

    monkeypatch.setattr(running, "run", noted)
    handler = signal.getsignal(signal.SIGINT)
    words = given("--users", "4", "--seconds", "3", "--trips", "1", "--seed", "40")
    assert words.run(words) == 1
    said = capsys.readouterr()
    assert "1 lost, 1 doubled" in said.out
    assert "Not everybody has what the server has." in said.out
    assert "Ben (sim): at event" in said.out
    assert signal.getsignal(signal.SIGINT) is handler
    (result,) = results
    assert (result.tally.lost, result.tally.doubled) == (1, 1)
    assert set(result.tally.faulty) == {"Ben (sim)", "Carla (sim)"}
    assert [who.split(":")[0] for who in result.different] == ["Ben (sim)"]


LIMITED = """
import resource
from roadcrew_tui.simulation.command import _allow_files
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))
_allow_files(60)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
_allow_files(100)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
_allow_files(500)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_as_many_files_are_allowed_as_may_be_and_a_lack_of_them_is_said():
    done = subprocess.run([sys.executable, "-P", "-c", LIMITED], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["(64, 128)", "(100, 128)", "(128, 128)"]
    assert done.stderr.startswith("roadcrew: this system lets a program open 128 files, and 500 may be needed")
