"""`roadcrew price-monitor`, `serve`, `import` and `quote` as they are typed: a bar in a terminal, lines in a pipe, and
a key that nobody sees."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.commands import NO_KEYRING, Commander
from tests.support.serving import ServerProcess, server_process
from tests.support.terminal import Terminal, roadcrew

KEY = "a-key-that-nobody-is-to-see"
READY = "Roadcrew price monitor ready on ws://"
FEED = "name,city,stars,price,currency\n" + "".join(
    f"Hotel {n},Lisbon,{n % 5 + 1},{'x' if n % 100 == 7 else 40 + n % 90},EUR\n" for n in range(20_000)
)
FROM = datetime.now(UTC).date() + timedelta(days=40)
DATES = f"{FROM} to {FROM + timedelta(days=3)}"


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the service listens that `roadcrew price-monitor` has become."""
    place = tmp_path_factory.mktemp("monitor")
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            roadcrew("price-monitor", "--port", "0", "--data", str(place), "--end-with-stdin"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PRICE_MONITOR_API_KEY": KEY},
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith(READY), (place / "log").read_text()
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert b"roadcrew_price_monitor" in command
        assert KEY.encode() not in command
        yield line.removeprefix(READY).strip()
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
    assert KEY not in (place / "log").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, monitor: str) -> Iterator[ServerProcess]:
    place = tmp_path_factory.mktemp("server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRICE_MONITOR_API_KEY", KEY)
        program = ("-P", "-m", "roadcrew_tui", "serve", "--quotes", "sample", "--price-monitor", monitor)
        with server_process(place, program=program) as running:
            yield running
    assert KEY not in running.log.read_text()


@pytest.fixture
def ana(tmp_path: Path, server: ServerProcess) -> Commander:
    """A guest with a trip and a file."""
    person = Commander(tmp_path / "ana", server.url)
    person.json("trip", "new", "Lisbon", "--as", "Ana")
    (tmp_path / "hotels.csv").write_text(FEED)
    return person


# R: J1, J2, J3, J5, G5
def test_a_file_is_imported_with_lines_in_a_pipe_and_with_data_for_programs(ana: Commander, tmp_path: Path) -> None:
    done = ana.run("import", str(tmp_path / "hotels.csv"))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    said = done.stderr.splitlines()
    assert said[0].startswith("roadcrew: Sending, 0 B of ")
    assert any(line.startswith("roadcrew: Reading.") for line in said)
    assert done.stdout.splitlines()[1].endswith("19,800 hotels, 200 rows refused")
    lines = ana.run("import", str(tmp_path / "hotels.csv"), "--name", "Again", "--json")
    assert (lines.returncode, lines.stderr) == (0, "")
    first, *_, last = map(json.loads, lines.stdout.splitlines())
    assert first["streamUrl"] == f"/api/jobs/{first['jobId']}/progress"
    assert (last["jobId"], last["status"]) == (first["jobId"], "finished")
    assert last["job"]["counts"]["good"] == 19_800
    assert KEY not in done.stdout + done.stderr + lines.stdout


# R: G5
def test_who_stops_reading_the_lines_ends_it_without_a_word(ana: Commander, tmp_path: Path) -> None:
    with subprocess.Popen(
        roadcrew("import", str(tmp_path / "hotels.csv"), "--json"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ana.environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


# R: J1, G5
def test_in_a_terminal_there_is_a_bar_that_gives_way_to_what_came_of_it(ana: Commander, tmp_path: Path) -> None:
    command = roadcrew("import", str(tmp_path / "hotels.csv"))
    with Terminal(command, columns=100, environment={**ana.own, **NO_KEYRING}) as terminal:
        terminal.wait_for("] ")
        assert any("[" in line and " %" in line for line in terminal.lines)
        terminal.wait_for("19,800 hotels, 200 rows refused")
        assert terminal.wait_end() == 0
        assert not any(line.startswith("[") for line in terminal.lines)


# R: Q1, Q4, Q6, Q8, G5
def test_prices_of_the_sample_come_as_lines_of_data_until_somebody_waits_no_longer(ana: Commander) -> None:
    alone = ana.json("quote", "stay", "--alone", "--dates", DATES, "--no-wait")
    ana.json("hotel", "add", "Casa dos Oleiros", "Vila Azul", "82 EUR", "--stars", "3")
    with subprocess.Popen(
        roadcrew("quote", "stay", "--dates", DATES, "--json"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ana.environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = json.loads(process.stdout.readline())
        assert first["streamUrl"] == f"/api/quotes/{first['runId']}/stream"
        for line in map(json.loads, process.stdout):
            priced = [a for a in line.get("run", {}).get("answers", {}).values() if a["prices"]]
            if line.get("type") == "QuoteResult" or priced:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read() == b""
    shown = ana.json("quote", "show")
    assert shown["runId"] == first["runId"]
    assert any(answer["prices"] for answer in shown["run"]["answers"].values())
    assert all(provider["simulated"] for provider in shown["run"]["providers"])
    ana.json("quote", "cancel")
    of_the_server = ana.json("quote", "show", alone["runId"])["run"]["request"]["hotels"]
    assert "Casa dos Oleiros" in [hotel["name"] for hotel in of_the_server]
