"""The systemd unit of `deploy/` fits the server that it starts: its command, its times, its bounds, its files."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from roadcrew_server.__main__ import arguments
from roadcrew_server.settings import Settings
from roadcrew_server.stores.sqlite import path_of
from roadcrew_server.workers import STOP_SECONDS

UNIT = Path(__file__).parents[2] / "deploy" / "roadcrew.service"


def lines(name: str) -> list[str]:
    """What is said of a name, in order."""
    return [
        said for key, _, said in (line.partition("=") for line in UNIT.read_text("utf-8").splitlines()) if key == name
    ]


def one(name: str) -> str:
    """What is said of it once."""
    (said,) = lines(name)
    return said


def test_the_command_of_the_unit_is_understood_and_its_store_is_in_its_state_folder(monkeypatch: pytest.MonkeyPatch):
    for variable in lines("Environment"):
        monkeypatch.setenv(*variable.split("=", 1))
    program, *given = shlex.split(one("ExecStart"))
    assert (Path(program).name, given[0]) == ("roadcrew", "serve")
    settings, _ = arguments(given[1:])
    assert path_of(settings.store).parent == Path("/var/lib") / one("StateDirectory")


def test_it_waits_for_the_streams_and_for_the_workers_and_has_room_for_all_streams():
    settings = Settings()
    assert int(one("TimeoutStopSec")) > settings.drain_window + STOP_SECONDS
    assert int(one("LimitNOFILE")) > settings.max_streams + 1000
    assert one("KillMode") == "mixed"  # else workers are told twice, and one that ends early is started again


def test_every_line_is_understood_also_by_systemd_where_it_is(tmp_path: Path):
    said = [line for line in UNIT.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert [line for line in said if line.startswith("[")] == ["[Unit]", "[Service]", "[Install]"]
    assert all(re.fullmatch(r"\[\w+\]|[A-Z][A-Za-z]+=.*", line) for line in said)
    if shutil.which("systemd-analyze") is None:
        return
    unit = tmp_path / UNIT.name
    program = shlex.split(one("ExecStart"))[0]
    unit.write_text(UNIT.read_text("utf-8").replace(program, "/bin/true"), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
