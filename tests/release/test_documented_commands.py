"""Every command line of README and docs is run, as by a reader who goes through the pages from top to bottom.

Sub-commands run in this process, at a real server. What goes on until it is told to stop, or lasts, is started as a
process: in an ordinary run the first line of each such program, while the words of the others are read by its parser;
with `--full` each. A line that is none of these has to be named in `ELSEWHERE`, with the reason. What is new on a page
is found by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from tests.conftest import Count
from tests.support.documented import ROOT, Shown, Simple, commands, shown
from tests.support.reader import PATIENCE, Reader
from tests.support.serving import ServerProcess
from tests.support.terminal import Terminal, roadcrew
from tests.support.valkey import ValkeyProcess

from roadcrew_client.credentials import Credentials
from roadcrew_server.__main__ import arguments as settings_of
from roadcrew_tui.cli import make_parser
from roadcrew_tui.serving import OwnMonitor
from roadcrew_tui.shell.manual import subs

ELSEWHERE = {
    "python3 -m pip install uv": "changes the reader's Python; .ci/run begins with it",
    "uv run pytest": "that is this run",
    "uv run python scripts/": "is a gate, or writes into the repository; CI runs the gates",
    "uv run --no-project python scripts/pin.py": "asks a registry, and writes into the repository",
    "uv run python bench/": "measures for minutes, on a computer that does nothing else",
    "uv run python -m tests.faults": "tests/faults/test_command.py runs it",
    "ssh": "wants another computer",
    "docker": "is not everywhere; tests/release/test_container.py holds the files against the server",
    "systemctl": "stops a service of this computer",
    "sudo": "changes this computer; tests/release/test_ssh_visits.py runs what is installed",
    "BODY=": "is part of the notice below it",
    "SIGNED=": "is part of the notice below it; tests/server/test_payments.py signs as openssl does",
    "curl -sS --fail-with-body https://trips.example.org/api/payments/venue": "wants the charge of an order; "
    "tests/server/test_payments_serving.py sends such notices",
    "export PRICE_MONITOR_API_KEY=": "sets a variable for the lines below it, which have one here",
}
"""How commands begin that are not run here, and why not."""
NAMED = ("…", "...")
SERVING = ("serve", "price-monitor", "web")
"""They go on until they are told to stop, and say when they are ready."""
PLAYING = {"demo": "--headless --seconds 2", "simulate": "--users 4 --seconds 1", "pilot": ""}
"""They last, and end by themselves: what they are told besides in an ordinary run."""
REFUSED = {
    "waiting drop": (1, "nothing waits"),
    "cart pay": (1, "who ordered here pays at the venue"),
    "book resume": (1, "no booking has broken off"),
}
"""Commands that can only be refused here, with their exit status, and why."""
BEFORE = {
    "trip restore": ('roadcrew trip new "Lisbon in May"', 'roadcrew trip delete --trip "Lisbon in May" --yes'),
    "trip find": ('roadcrew poll new "Casa Azul, or the tram?" --option "Casa Azul" --option "The tram"',),
    "talk restore": ('roadcrew talk comment "Never mind"', "roadcrew talk remove 1 --yes"),
}
"""What the reader has done before, where the page does not say it."""
RATES = """[[provider]]
id = "rates"
name = "Rates"
use = "catalogue"
currency = "EUR"
stars = [{stars = 3, price = 60}, {stars = 4, price = 90}]
vehicle = {extra_driver = 5, class = [{name = "Standard", price = 35}]}
"""
"""Who is asked for prices: nobody slow."""
LINES = shown()


def script(name: str) -> ModuleType:
    """A module of scripts/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"{name}_for_tests", ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARSERS: Mapping[str, tuple[str, argparse.ArgumentParser]] = script("command_reference").commands()


def reason(text: str) -> str | None:
    """Why a command is not run here, if it is in the list."""
    return next((why for begin, why in ELSEWHERE.items() if text.startswith(begin)), None)


def ours() -> Iterator[tuple[Shown, Simple]]:
    """Each command of a line that is `roadcrew`."""
    for line in LINES:
        parts = commands(line.text) if not line.text.startswith(("BODY", "SIGNED", "export")) else []
        yield from ((line, part) for part in parts if part.words[:1] == ["roadcrew"])


def kind(line: Shown, command: Simple) -> str:
    """`app`; `named`, where a sentence only names it; the program, where it lasts; else `typed`."""
    words = command.words[1:]
    if not words:
        return "app"
    parser, rest = parser_of(words)
    if line.inline and (rest[-1:] == [*NAMED[:1]] or misses_words(parser, rest)):
        return "named"
    lasts = words[0] in (*SERVING, *PLAYING, "watch") and "--help" not in words
    return words[0] if lasts else "typed"


def parser_of(words: list[str]) -> tuple[argparse.ArgumentParser, list[str]]:
    """What reads the words after `roadcrew`, and those that are left for it. Fails where there is no such command."""
    if words[0].startswith("-"):
        return make_parser(), words
    assert words[0] in PARSERS, f"there is no `roadcrew {words[0]}`"
    parser, rest = PARSERS[words[0]][1], words[1:]
    inner = subs(parser)
    if not inner or not rest or rest[0] in NAMED:
        return parser, rest
    if rest[0] in inner:
        return inner[rest[0]], rest[1:]
    unsaid = getattr(parser, "unsaid", None)
    assert unsaid, f"there is no `roadcrew {' '.join(words[:2])}`"
    return inner[unsaid], rest


def misses_words(parser: argparse.ArgumentParser, rest: list[str]) -> bool:
    """Whether it wants more words than it is given here; its options must be known all the same."""
    unknown = [word for word in rest if word.startswith("--") and word not in parser._option_string_actions]
    assert unknown == [], f"{parser.prog} does not know {unknown}"
    given = any(not word.startswith("-") for word in rest)
    needs = [a for a in parser._actions if a.required and not (set(a.option_strings) & set(rest))]
    return any(a.option_strings or not given for a in needs) or bool(subs(parser) and not rest)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One with all that it can have."""
    place = tmp_path_factory.mktemp("server")
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in stack.enter_context(OwnMonitor(place / "monitor")).known_as.items():
            patch.setenv(name, value)
        (place / "quotes.toml").write_text(RATES, "utf-8")
        yield stack.enter_context(ServerProcess(place, catalog="sample", quotes=place / "quotes.toml", heartbeat=1))


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    """A store for many servers."""
    with ValkeyProcess(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
def reader(
    tmp_path: Path,
    server: ServerProcess,
    valkey: ValkeyProcess,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Reader:
    """Somebody who types what the pages show."""
    valkey.say("FLUSHALL")
    return Reader(tmp_path, server, valkey, monkeypatch, capsys)


def one(reader: Reader, line: Shown) -> Simple:
    """The command of a line, filled in."""
    return next(c for c in commands(reader.filled(line.text)) if c.words[:1] == ["roadcrew"])


def test_every_line_is_run_or_named_with_the_reason() -> None:
    strange = [
        f"{line.where}: {line.text}"
        for line in LINES
        if reason(line.text) is None
        for command in commands(line.text)
        if command.words[:1] not in (["roadcrew"], ["curl"]) and reason(" ".join(command.words)) is None
    ]
    assert strange == []
    unused = [begin for begin in ELSEWHERE if not any(begin in line.text for line in LINES)]
    assert unused == []


def test_files_that_the_lines_name_are_there() -> None:
    for line in LINES:
        for path in re.findall(r"\b(?:scripts|bench|deploy|tests)/[\w./-]+\.\w+", line.text):
            assert (ROOT / path).exists(), f"{line.where} names {path}"


# R: G5
def test_every_sub_command_of_the_pages_is_done(reader: Reader) -> None:
    wrong, done = [], 0
    for line, command in ours():
        if kind(line, command) != "typed":
            continue
        name = " ".join(command.words[1:3])
        for earlier in BEFORE.get(name, ()):
            reader.ana.done(*shlex.split(earlier)[1:])
        status, said = reader.types(one(reader, line))
        done += 1
        if status != REFUSED.get(name, (0, ""))[0]:
            wrong.append(f"{line.where}: {line.text}\n  status {status}: {said[-400:]}")
    assert wrong == [], "\n".join(wrong)
    assert done > 40


def test_every_request_of_the_pages_is_answered(reader: Reader) -> None:
    token = Credentials(reader.place / "ana" / "data").load(reader.server.url)
    assert token is not None
    asked = [line for line in LINES if line.text.startswith("curl") and reason(line.text) is None]
    assert asked
    for line in asked:
        filled = reader.filled(line.text.replace("$TRIP", reader.trip).replace("curl ", "curl --fail-with-body ", 1))
        status, said = reader.shell(filled, TOKEN=token)
        assert status == 0, f"{line.where}: {said}"


def lasting(*programs: str) -> list[tuple[Shown, Simple]]:
    """The lines that start these programs."""
    return [(line, command) for line, command in ours() if kind(line, command) in programs]


def started(lines: list[tuple[Shown, Simple]], count: Count) -> Iterator[tuple[Shown, int]]:
    """Those that are started in this run, numbered; the words of the others are read."""
    seen: set[str] = set()
    all_of_them = count(reduced=0, full=len(lines)) > 0
    for number, (line, command) in enumerate(lines):
        program = command.words[1] if len(command.words) > 1 else ""
        if all_of_them or program not in seen:
            seen.add(program)
            yield line, number
        elif program == "serve":
            settings_of(command.words[2:])
        elif program:
            parser, rest = parser_of(command.words[1:])
            parser.parse_args(rest)


# R: G5
def test_every_service_of_the_pages_starts_and_stops(reader: Reader, count: Count) -> None:
    for line, number in started(lasting(*SERVING), count):
        command = one(reader, line)
        more = () if "--port" in command.words else ("--port", "0")
        with reader.starts(command, f"service{number}", *more) as process:
            try:
                assert process.stdout is not None
                said = [next(process.stdout, "")]
                while "ready on" not in said[-1] and said[-1]:
                    said.append(process.stdout.readline())
                assert "ready on" in said[-1], f"{line.where}: {said}"
                process.terminate()
                assert process.wait(PATIENCE) == 0, line.where
            finally:
                process.kill()


def test_every_watch_of_the_pages_tells_what_happens(reader: Reader, count: Count) -> None:
    for line, number in started(lasting("watch"), count):
        command = one(reader, line)
        environment = reader.environment("ana", {"ROADCREW_SERVER": reader.server.url})
        with subprocess.Popen(
            roadcrew(*command.words[1:]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as watching:
            try:
                assert watching.stderr is not None
                assert watching.stdout is not None
                while "live" not in (said := watching.stderr.readline()):
                    assert said, f"{line.where} ended"
                reader.ana.done("trip", "edit", "--destination", f"Lisbon {number}")
                reader.ana.done("talk", "comment", "Who comes?")
                first = watching.stdout.readline()
                watching.send_signal(signal.SIGINT)
                assert watching.wait(PATIENCE) == 130, line.where
            finally:
                watching.kill()
        assert first.strip(), line.where
        if command.reader:
            assert reader.shell(command.reader, first)[0] == 0, line.where


@pytest.mark.timeout(400)  # in a full run the literal lines take a minute and a half
def test_every_play_of_the_pages_comes_to_a_good_end(reader: Reader, count: Count, full: bool) -> None:
    for line, number in started(lasting(*PLAYING), count):
        command = one(reader, line)
        more = () if full else tuple(PLAYING[command.words[1]].split())
        with reader.starts(command, f"play{number}", *more) as process:
            try:
                said, _ = process.communicate(timeout=PATIENCE * 1.5)
            finally:
                process.kill()
        assert process.returncode == 0, f"{line.where}: {said[-4000:]}"


# R: G5
def test_the_app_of_the_pages_opens_and_quits(reader: Reader, count: Count) -> None:
    for line, number in started(lasting("app"), count):
        environment = reader.environment(f"app{number}", one(reader, line).variables)
        with Terminal(roadcrew(), environment=environment) as terminal:
            terminal.wait_for(lambda shown: "Join a trip" in shown.text or "No trips yet" in shown.text)
            terminal.press("ctrl+c")
            terminal.press("ctrl+c")
            assert terminal.wait_end() == 0, line.where
