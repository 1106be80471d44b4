"""What every test may ask for: how much to do (`count`, `full`), a place for figures (`figure`).

An ordinary run does each thing a reduced number of times; `--full` does it as often as the project
promises. Not for fixtures of one room: those stand in that room's own conftest.
"""

from typing import Protocol

import pytest

FIGURES: pytest.StashKey[list[tuple[str, str, str]]] = pytest.StashKey()


class Count(Protocol):
    """How often to do a thing: `count(reduced=20, full=500)`."""

    def __call__(self, *, reduced: int, full: int) -> int: ...


class Figure(Protocol):
    """Keep a figure for the end of the run: `figure("votes lost", 0)`."""

    def __call__(self, name: str, value: object) -> None: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--full`."""
    parser.addoption("--full", action="store_true", help="as many rounds as the project promises")


def pytest_configure(config: pytest.Config) -> None:
    """Start with no figures."""
    config.stash[FIGURES] = []


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether this is a `--full` run."""
    return bool(pytestconfig.getoption("full"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Record a figure, `figure("votes lost", 0)`, to be listed when the run ends."""

    def record(name: str, value: object) -> None:
        request.config.stash[FIGURES].append((request.node.nodeid, name, str(value)))

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List the figures by test."""
    figures = config.stash[FIGURES]
    if not figures:
        return
    terminalreporter.section("figures")
    for test, name, value in sorted(figures, key=lambda row: row[0]):
        terminalreporter.write_line(f"{test}  {name}: {value}")
