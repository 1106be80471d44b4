"""What every test may ask for: how much to do (`count`, `full`), a place for figures (`figure`), its turn (`timed`).

An ordinary run does each thing a reduced number of times; `--full` does it as often as the project
promises. Not for fixtures of one room: those stand in that room's own conftest.
"""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Protocol

import pytest
from filelock import FileLock

FIGURE = "figure"
"""What a test's figures are called among the properties of its report, which also come back from another process."""
FULL_SECONDS = 400
"""After which a test has failed in a full run, if it says nothing else; in an ordinary one that is `timeout` in
pyproject.toml."""


class Count(Protocol):
    """How often to do a thing: `count(reduced=20, full=500)`."""

    def __call__(self, *, reduced: int, full: int) -> int: ...


class Figure(Protocol):
    """Keep a figure for the end of the run: `figure("votes lost", 0)`."""

    def __call__(self, name: str, value: object) -> None: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--full` and `--pictures`."""
    parser.addoption("--full", action="store_true", help="as many rounds as the project promises")
    parser.addoption("--pictures", metavar="FOLDER", help="where the snapshot tests leave every screen as an SVG")


def pytest_configure(config: pytest.Config) -> None:
    """No keyring is used but where a test brings one, so that nobody's own has tokens of tests in it.

    Where Python is told to keep no bytecode, as in many containers, tests keep it all the same, in a place of
    their own: at every start of a server, half of what that cost was to compile what it imports."""
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in the background of a script; programs inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.dont_write_bytecode:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(config.rootpath / ".pytest_cache" / "bytecode")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where all tests are run, each worker first imports a part of them that is its own: else, in a clean clone, all of
    them compile the same file at the same time, one after another."""
    worker = getattr(session.config, "workerinput", None)
    if worker is not None and session.config.args == session.config.getini("testpaths"):
        files = sorted(Path(__file__).parent.rglob("test_*.py"))
        for file in files[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
            with suppress(Exception):  # it is imported once more, and what is wrong with it told
                import_module(".".join(file.relative_to(session.config.rootpath).with_suffix("").parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What lasts for a minute by its nature is left to `--full`; an ordinary run has the same by another clock. What
    a full run does as often as is promised may last longer."""
    if config.getoption("full"):
        for item in items:
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(FULL_SECONDS))
    else:
        left = [item for item in items if item.get_closest_marker("only_full")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)


def pytest_collection_finish() -> None:
    """Spare the collector what stays to the end: looking at it again and again was a quarter of the work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether this is a `--full` run."""
    return bool(pytestconfig.getoption("full"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Record a figure, `figure("votes lost", 0)`, to be listed when the run ends."""

    def record(name: str, value: object) -> None:
        request.node.user_properties.append((FIGURE, f"{name}: {value}"))

    return record


@pytest.fixture
def count(full: bool, figure: Figure) -> Count:
    """The number of rounds for this run. A `--full` run lists the counts that it used."""
    is_full = full

    def choose(*, reduced: int, full: int) -> int:
        chosen = full if is_full else reduced
        if is_full:
            figure("count", f"{chosen} (reduced: {reduced})")
        return chosen

    return choose


@pytest.fixture
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For a test that measures real seconds: no two of these run at once, whichever worker has them."""
    with FileLock(tmp_path_factory.getbasetemp().parent / "timed.lock"):
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the figures by test."""
    reports = [report for several in terminalreporter.stats.values() for report in several]
    ended = [report for report in reports if isinstance(report, pytest.TestReport) and report.when == "teardown"]
    figures = [(report.nodeid, given) for report in ended for kind, given in report.user_properties if kind == FIGURE]
    if figures:
        terminalreporter.section("figures")
    for test, given in sorted(figures, key=lambda row: row[0]):
        terminalreporter.write_line(f"{test}  {given}")
