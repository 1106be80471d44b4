"""How far something is, in a terminal and in a pipe."""

import io

import pytest

from roadcrew_tui.commands.price_words import Sending
from roadcrew_tui.progress import CLEAR, Progress, bar


class Out(io.StringIO):
    """A terminal, or a pipe."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_in_a_terminal_one_line_is_drawn_over_at_most_ten_times_a_second(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = Out(terminal=True)
    progress = Progress(out=out, clock=clock)
    for step in range(100):
        progress.show(step / 100, f"{step} rows")
        clock.now += 0.01
    assert out.getvalue().count(CLEAR) == 10
    assert "\n" not in out.getvalue()
    progress.line("Done")
    assert out.getvalue().endswith(f"{CLEAR}roadcrew: Done\n")
    progress.done()
    assert out.getvalue().endswith("roadcrew: Done\n"), "there is nothing left to wipe"


def test_what_is_drawn_over_is_no_wider_than_the_terminal(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Out(terminal=True)
    Progress(out=out, clock=clock).show(0.5, "a great many words that have no room there")
    assert len(out.getvalue().removeprefix(CLEAR)) == 39


def test_in_a_pipe_there_is_a_plain_line_now_and_then_and_at_once_for_something_new(clock: Clock) -> None:
    out = Out(terminal=False)
    progress = Progress(out=out, clock=clock)
    for step in range(60):
        progress.show(step / 60, f"{step} rows", stage=step == 7)
        clock.now += 0.25
    assert out.getvalue().splitlines() == [f"roadcrew: {n} rows" for n in (0, 7, 27, 47)]
    assert "\x1b" not in out.getvalue()


def test_who_wants_lines_of_data_is_told_nothing_else(clock: Clock) -> None:
    out = Out(terminal=True)
    progress = Progress(quiet=True, out=out, clock=clock)
    progress.show(0.5, "half")
    progress.line("Done")
    progress.done()
    assert out.getvalue() == ""


@pytest.mark.parametrize(("share", "percent"), [(-1, 0), (0, 0), (0.5, 50), (0.999, 99), (1, 100), (7, 100)])
def test_a_bar_is_full_only_at_the_end(share: float, percent: int) -> None:
    drawn = bar(share)
    assert drawn.endswith(f"{percent:3} %")
    assert (drawn.count("."), len(drawn)) == (0 if percent == 100 else drawn.count("."), len(bar(0)))
    assert ("." not in drawn) == (percent == 100)


def test_how_a_file_is_sent_has_its_speed_and_the_time_left_and_begins_anew_with_another_attempt(clock: Clock) -> None:
    sending = Sending(10_000_000, clock)
    assert sending.words(0) == "Sending, 0 B of 10 MB"
    clock.now += 0.5
    assert sending.words(500_000) == "Sending, 500 kB of 10 MB"
    clock.now += 0.5
    assert sending.words(1_000_000) == "Sending, 1 MB of 10 MB, 1 MB a second, 9 s left"
    assert sending.words(0) == "Sending, 0 B of 10 MB"
    clock.now += 2
    assert sending.words(8_000_000) == "Sending, 8 MB of 10 MB, 4 MB a second, 1 s left"
