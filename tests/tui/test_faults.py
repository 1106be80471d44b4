"""A fault of ours ends the app calmly: a sentence, a log file, exit status 1, and nothing that somebody typed."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from roadcrew_tui.faults import keep_traceback

PROGRAM = """
from textual.screen import Screen
from roadcrew_tui.app import RoadcrewApp

class Broken(Screen):
    def on_mount(self):
        password = "not" + "-to-be-seen"
        FAULT

    async def work(self, password):
        raise LookupError("of this test")

RoadcrewApp.get_default_screen = lambda self: Broken()
RoadcrewApp().run(headless=True)
print("not to be reached")
"""


@pytest.mark.parametrize(
    "fault",
    [
        'raise LookupError("of this test")',
        'self.run_worker(self.work(password), name="of this test")',
        'raise type("Drawn", (Exception,), {"__rich__": lambda self: password})("of this test")',
    ],
)
def test_a_fault_is_a_sentence_and_a_log_without_what_was_typed(tmp_path: Path, fault: str):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("FAULT", fault)],
        env={"ROADCREW_HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    log = tmp_path / "state" / "crash.log"
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert said.strip() == f"Something went wrong in Roadcrew, and it had to stop. Where it happened is kept in {log}"
    kept = log.read_text("utf-8")
    assert "Traceback" in kept
    assert "of this test" in kept
    assert "not-to-be-seen" not in said + kept
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_log_that_can_not_be_kept_is_said(tmp_path: Path):
    (tmp_path / "state").write_text("a file where the folder should be")
    assert keep_traceback(tmp_path / "state", LookupError("x")).startswith("Something went wrong in Roadcrew")
