"""Whether somebody looks: what the little machine says, and what the app makes of keys, reports and time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tui.conftest import Stage, folders, staged
from tests.tui.standins import StandInLive
from textual import events

from roadcrew_tui.settings import load
from roadcrew_tui.visibility import Looked, Sign, Told, step

IDLE = 1800.0


class Person:
    """A machine, and a clock that is moved by hand."""

    def __init__(self, idle: float = IDLE) -> None:
        self.now = 100.0
        self.idle = idle
        self.looked = Looked(self.now)

    def sign(self, sign: Sign, after: float = 0.0) -> Told | None:
        self.now += after
        self.looked, told = step(self.looked, sign, self.now, self.idle)
        return told


# R: S3
def test_what_the_terminal_reports_of_its_focus_is_passed_on_once():
    person = Person()
    assert [person.sign(s) for s in ("blur", "blur", "focus", "focus")] == ["hidden", None, "shown", None]


# R: S3
def test_a_terminal_that_never_reports_its_focus_is_hidden_when_nobody_has_pressed_anything_for_half_an_hour():
    person = Person()
    assert person.sign("time", 1799) is None
    assert person.sign("time", 1) == "hidden"
    assert person.sign("time", 1e6) is None, "it is said once"
    assert person.sign("key") == "key_pressed"
    assert person.looked.state == "shown"
    assert person.sign("time", 1799) is None, "it counts from the last key"
    assert person.sign("time", 1) == "hidden"


# R: S3
def test_a_terminal_that_says_it_has_the_focus_is_shown_however_long_nobody_presses_a_key():
    person = Person()
    person.sign("blur")
    person.sign("focus")
    assert person.sign("time", 1e6) is None
    assert person.looked.state == "shown"


# R: S3
def test_a_terminal_that_said_it_is_away_and_was_shown_by_a_key_may_be_idle_again():
    person = Person()
    assert [person.sign("blur"), person.sign("key")] == ["hidden", "key_pressed"]
    assert person.sign("time", IDLE) == "hidden"


# R: S3
def test_a_mouse_that_moves_shows_who_was_away_and_does_not_ask_more_often():
    person = Person()
    assert person.sign("pointer", 1000) is None
    assert person.sign("time", 1000) is None, "somebody was here"
    assert person.sign("time", 1000) == "hidden"
    assert person.sign("pointer") == "shown"


# R: S3
def test_who_is_suspended_stays_so_until_resumed_whatever_the_terminal_reports():
    person = Person()
    assert person.sign("suspend") == "suspended"
    assert [person.sign("blur"), person.sign("time", 1e6)] == [None, None]
    assert person.sign("resume") == "resumed"
    assert person.sign("time", 1) is None, "who resumes it is here"


def test_never_is_never():
    person = Person(idle=0)
    assert person.sign("time", 1e9) is None


# R: S3
@given(st.lists(st.tuples(st.sampled_from(["key", "pointer", "focus", "blur", "suspend", "resume", "time"]),
                          st.floats(0, 4000))))  # fmt: skip
def test_whatever_comes_the_link_knows_what_holds_and_nobody_here_is_taken_to_be_away(signs: list[tuple[Sign, float]]):
    person = Person()
    known = "shown"
    for sign, after in signs:
        before = person.looked
        told = person.sign(sign, after)
        known = {None: known, "key_pressed": "shown", "resumed": "shown"}.get(told, told or known)
        assert known == person.looked.state
        if sign in ("key", "pointer", "focus", "resume"):
            assert known == "shown"
        if sign == "time" and told is not None:
            assert told == "hidden"
            assert before.focused is not True
            assert person.now - before.at >= IDLE


# --- in the app ----------------------------------------------------------------------------------


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def heard(stage: Stage) -> list[str]:
    live: StandInLive = stage.world.lives[0]
    return live.signals


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadcrew_tui.app.IDLE_LOOK", 0.01)


async def sent(stage: Stage, event: events.Event) -> None:
    assert stage.app._driver is not None
    stage.app._driver.send_message(event)
    await stage.settle()


# R: S2 S3
async def test_in_a_terminal_without_focus_reports_the_app_is_away_after_half_an_hour_until_a_key(tmp_path: Path):
    async with staged(tmp_path) as s:
        s.app.clock = clock = Clock()
        await s.press("down")
        heard(s).clear()
        clock.now += 29.9 * 60
        await s.settle()
        assert heard(s) == []
        clock.now += 0.2 * 60
        await s.until(lambda: heard(s) == ["hidden"], "away")
        s.world.set_status(state="paused")
        await s.sees("paused while you are away")
        await s.press("up")
        await s.until(lambda: heard(s) == ["hidden", "key_pressed"], "back")


# R: S3
async def test_the_app_passes_on_focus_paste_click_and_suspension_and_each_once(tmp_path: Path):
    async with staged(tmp_path) as s:
        s.app.clock = Clock()
        heard(s).clear()
        await sent(s, events.AppBlur())
        await sent(s, events.AppFocus())
        await s.paste("x")
        await sent(s, events.MouseScrollDown(None, 1, 1, 0, 1, 0, False, False, False))
        await sent(s, events.MouseMove(None, 2, 2, 0, 1, 0, False, False, False))
        s.app.app_suspend_signal.publish(s.app)
        s.app.app_resume_signal.publish(s.app)
        await s.until(lambda: "resumed" in heard(s), "all of it")
        assert heard(s) == ["hidden", "shown", "key_pressed", "key_pressed", "suspended", "resumed"]


# R: S3
async def test_who_looks_away_before_a_trip_is_there_is_away_in_it(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        await sent(s, events.AppBlur())
        s.app.open_trip(s.scene.trip_id)
        await s.until(lambda: s.world.lives, "the trip")
        assert heard(s) == ["hidden"]


@pytest.mark.parametrize(
    ("line", "minutes", "trouble"),
    [
        ("", 30, False),
        ("idle_minutes = 0", 0, False),
        ("idle_minutes = 1.5", 1.5, False),
        *((f"idle_minutes = {bad}", 30, True) for bad in ("-1", "nan", "inf", "true", '"soon"', "1000000")),
    ],
)
def test_idle_minutes_is_read_from_the_settings_and_checked(tmp_path: Path, line: str, minutes: float, trouble: bool):
    where = folders(tmp_path).settings_file
    where.parent.mkdir(parents=True)
    where.write_text(line)
    settings = load(folders(tmp_path))
    assert (settings.idle_minutes, "idle_minutes" in (settings.trouble or "")) == (minutes, trouble)
