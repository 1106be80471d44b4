"""Notices for who does not look: what is told, when, how, and that nobody else's escapes are in it."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tui.conftest import Stage, folders, staged
from textual import events

from roadcrew_client.errors import Unreachable
from roadcrew_domain.events import Event, event
from roadcrew_domain.feed_state import ItemEdited, ItemWritten
from roadcrew_domain.places import Entity
from roadcrew_domain.polls import CastVote, ClosePoll, OpenPoll
from roadcrew_tui import notices, plain, settings
from roadcrew_tui.messages import Mentioned, TalkChanged
from roadcrew_tui.notice_link import ASKED_EVERY, NoticeLink
from roadcrew_tui.notices import desktop
from roadcrew_tui.snapshot import TalkNews, TalkSnapshot

HOSTILE = "\x1b]0;gone\x07\x9b2J\u202eBen\x00[red];4;3\r\n\u2066"


class Away:
    """A trip at which nobody looks, and what its terminal was sent."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage, self.app = stage, stage.app
        self.sent: list[str] = []
        self.items = 0
        self.now = 1000.0
        self.app.clock = lambda: self.now
        monkeypatch.setattr(self.app, "send_terminal", self.sent.append)
        monkeypatch.setattr(notices, "GATHERED", 0.01)
        monkeypatch.setattr(notices, "POLL_LOOK", 0.01)

    @property
    def me(self) -> str:
        return self.stage.scene.ana.id

    @property
    def rung(self) -> list[str]:
        """All that was sent but titles."""
        return [sequence for sequence in self.sent if not sequence.startswith("\x1b]2;")]

    @property
    def title(self) -> str:
        return [s[4:-1] for s in self.sent if s.startswith("\x1b]2;")][-1]

    async def sign(self, event: events.Event) -> None:
        assert self.app._driver is not None
        self.app._driver.send_message(event)
        await self.stage.settle()

    async def mention(self, name: str = "Ben", by: str = "ben") -> None:
        self.items += 1
        self.app.post_message(Mentioned(f"item-{self.items}", by, name))
        await self.stage.settle()


@pytest.fixture
async def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Away]:
    """Ana's, who has just looked away from the trip."""
    async with staged(tmp_path) as stage:
        await stage.sees("Lisbon in May")
        away = Away(stage, monkeypatch)
        await away.sign(events.AppBlur())
        yield away


# R: F2
async def test_a_mention_rings_the_bell_of_who_looks_away_and_stands_in_the_title_until_they_look(away: Away):
    await away.mention()
    await away.stage.until(lambda: away.rung == ["\x07"], "the bell")
    assert away.title == "* Ben mentioned you in Lisbon in May - Roadcrew"
    await away.sign(events.AppFocus())
    assert away.title.endswith("Lisbon in May - Roadcrew")
    assert "*" not in away.title
    await away.mention()
    assert away.app.notices._waiting == [], "who looks is told nothing by a bell"


# R: F2
async def test_what_was_still_followed_when_somebody_looked_away_tells_of_mentions_too(away: Away):
    news = TalkNews("events", "feed:trip:t:comments", (happened(ItemWritten("Ben", "@Ana", mentions=(away.me,))),))
    away.app.post_message(TalkChanged(TalkSnapshot(), news))
    await away.stage.until(lambda: away.rung == ["\x07"], "the bell")
    assert away.title == "* Ben mentioned you in Lisbon in May - Roadcrew"


# R: F2
async def test_many_mentions_are_one_notice_and_there_is_no_second_for_a_while(away: Away):
    for name in ("Ben", "Carla", "Dev"):
        for _ in range(2):  # by what is followed, and by what listens
            away.app.notices.mentioned(Mentioned(f"of-{name}", name.lower(), name))
    await away.stage.until(lambda: away.rung == ["\x07"], "the bell")
    assert away.title == "* Ben mentioned you in Lisbon in May, and 2 more - Roadcrew"
    await away.mention("Eve", "eve")
    ringing = away.app.notices._ringing
    assert ringing is not None
    assert ringing._interval == pytest.approx(notices.REST)


# R: F2
async def test_who_is_muted_rings_nothing_and_neither_does_anybody_where_notices_are_off(away: Away):
    away.app.muting._muted = (SimpleNamespace(id="eve", name="Eve"),)  # type: ignore[assignment]
    away.app.muting._of = away.app.muting._who
    await away.mention("Eve", "eve")
    assert away.app.notices._waiting == []
    await away.sign(events.AppFocus())
    away.app.change_settings(notices="off")
    await away.sign(events.AppBlur())
    await away.mention()
    assert away.app.notices._waiting == []


# R: F2
async def test_a_notice_on_the_desktop_has_nothing_in_it_that_another_person_makes_a_terminal_obey(
    away: Away, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(notices, "environ", {"TERM": "foot"})
    away.app.change_settings(notices="desktop")
    await away.mention(HOSTILE)
    await away.stage.until(lambda: away.rung, "the notice")
    (notice,) = away.rung
    assert notice.startswith("\x1b]777;notify;Roadcrew;")
    assert notice.endswith("\x07")
    inside = notice.removeprefix("\x1b]777;notify;Roadcrew;").removesuffix("\x07")
    assert "Ben" in inside
    assert ";" not in inside
    assert [c for c in inside + away.title if unicodedata.category(c) in ("Cc", "Cf")] == []


# R: F2
@given(st.text(max_size=80), st.sampled_from([{"TERM": "xterm-kitty"}, {"TERM": "foot"}, {"TERM_PROGRAM": "WezTerm"}]))
def test_whatever_somebody_is_called_a_notice_holds_two_control_characters_which_are_ours(name: str, env: Any):
    words = plain.sentence("{who} mentioned you in {trip}", who=name, trip=name)
    sequence = desktop(words, env)
    assert sequence is not None
    assert [c for c in sequence if unicodedata.category(c) == "Cc"] == ["\x1b", "\x07"]


def test_where_a_terminal_is_not_known_to_show_notices_there_is_a_bell():
    for env in ({}, {"TERM": "xterm-256color"}, {"TERM": "tmux-256color"}, {"TERM": "foot", "TMUX": "/tmp/tmux"}):
        assert desktop("Somebody mentioned you", env) is None


# R: T4
async def test_who_has_not_voted_is_told_before_a_poll_closes_once_and_then_that_it_ended(away: Away):
    scene, world, app = away.stage.scene, away.stage.world, away.app
    deadline = datetime.now(UTC) + timedelta(minutes=10)
    for question, votes in (("Boat or train?", False), ("Who cooks?", True)):
        poll = world.do(scene.trip_id, scene.ben.id, OpenPoll(question, "single", ("A", "B"), deadline))
        if votes:
            world.do(scene.trip_id, scene.ana.id, CastVote(poll, (f"{poll}.0",)))
    await away.stage.until(lambda: away.rung == ["\x07"], "the bell")
    assert away.title == "* Boat or train? closes in 9 min, and you have not voted - Roadcrew"
    app.notices._look()
    await away.stage.settle()
    assert app.notices._waiting == [], "it is told once"
    trip = world.trips[scene.trip_id]
    me, since = scene.ana.id, datetime.now(UTC)
    ended = notices.closing(trip.polls.values(), me, since, deadline + timedelta(seconds=1))
    assert [words for _, words in ended] == ["The poll ended: Boat or train?", "The poll ended: Who cooks?"]
    assert notices.closing(trip.polls.values(), me, deadline, deadline + timedelta(seconds=1)) == []


# R: T4
async def test_who_voted_elsewhere_meanwhile_is_not_told_that_a_poll_closes(
    away: Away, monkeypatch: pytest.MonkeyPatch
):
    scene, world = away.stage.scene, away.stage.world
    monkeypatch.setattr(notices, "POLL_LOOK", 3600)
    await away.sign(events.AppFocus())
    await away.sign(events.AppBlur())
    poll = world.do(
        scene.trip_id,
        scene.ben.id,
        OpenPoll("Boat or train?", "single", ("Boat", "Train"), datetime.now(UTC) + timedelta(minutes=10)),
    )
    await away.stage.settle()
    known = away.stage.trip.snapshot.trip
    world.do(scene.trip_id, scene.ana.id, CastVote(poll, (f"{poll}.0",)))
    monkeypatch.setattr(type(away.app.notices), "_trip", property(lambda _: known))  # the copy rests
    away.app.notices._look()
    await away.stage.settle()
    assert away.app.notices._waiting == []


# R: T4
async def test_a_poll_that_somebody_closes_is_told_once_it_is_known(away: Away):
    scene, world = away.stage.scene, away.stage.world
    world.do(scene.trip_id, scene.ben.id, ClosePoll(scene.flight))
    await away.stage.until(lambda: away.rung == ["\x07"], "the bell")
    assert away.title == "* The poll ended: When do we fly? - Roadcrew"


async def test_who_looks_away_where_no_trip_is_open_is_told_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with staged(tmp_path, in_trip=False) as stage:
        away = Away(stage, monkeypatch)
        stage.app.open_talk(Entity("location", "exhibition.azulejo-light"), "Azulejo")
        await stage.sees("Azulejo")
        await away.sign(events.AppBlur())
        await away.mention()
        assert stage.app.notices._waiting == []


async def test_the_palette_changes_notices_and_keeps_the_choice(tmp_path: Path):
    async with staged(tmp_path) as stage:
        await stage.press("ctrl+p")
        await stage.type("Change notices")
        await stage.sees("Change notices")
        await stage.press("enter")
        await stage.sees("a notice on the desktop")
    assert settings.load(folders(tmp_path)).notices == "desktop"


READ = [
    ("", "bell", False),
    ('notices = "off"', "off", False),
    ('notices = "loud"', "bell", True),
    ("notices = 3", "bell", True),
]


@pytest.mark.parametrize(("line", "way", "trouble"), READ)
def test_notices_are_read_from_the_settings_and_checked(tmp_path: Path, line: str, way: str, trouble: bool):
    where = folders(tmp_path).settings_file
    where.parent.mkdir(parents=True)
    where.write_text(line)
    loaded = settings.load(folders(tmp_path))
    assert (loaded.notices, "notices" in (loaded.trouble or "")) == (way, trouble)


# --- listening -----------------------------------------------------------------------------------


class Told:
    """A client that tells these, and then fails or waits."""

    user = SimpleNamespace(id="ana")

    def __init__(self, *items: Any, error: Exception | None = None) -> None:
        self.items, self.error = items, error
        self.asked: list[Any] = []
        self.ended = False

    async def events(self, *topics: str, poll_every: float) -> AsyncIterator[Any]:
        self.asked.append((topics, poll_every))
        try:
            for item in self.items:
                yield item
            if self.error is not None:
                raise self.error
            await asyncio.Event().wait()
        finally:
            self.ended = True


class Here:
    """The client's thread is this one."""

    def soon(self, call: Callable[[], object]) -> None:
        call()


def happened(data: Any, by: str | None = "ben") -> Event:
    return event("feed:trip:t:comments", 1, datetime.now(UTC), by, "c1", data)


# R: F2 S3
async def test_of_what_is_said_while_nobody_looks_only_mentions_by_others_come_through_and_it_ends_with_a_look():
    mine = ItemWritten("Ana", "me", mentions=("ana",))
    client = Told(
        SimpleNamespace(topic="feed:trip:t:comments", state=None),
        happened(ItemWritten("Ben", "hello")),
        happened(mine, by="ana"),
        happened(ItemWritten("Ben", "hello", mentions=("carla",))),
        happened(ItemEdited("i", 1, "hello", mentions=("ana",))),
        happened(ItemWritten("Ben", "hello @Ana", mentions=("carla", "ana"))),
    )
    said: list[Any] = []
    link = NoticeLink(Here(), said.append, lambda: client)  # type: ignore[arg-type, return-value]
    link.listen("t")
    for _ in range(10):
        await asyncio.sleep(0)
    assert [(m.item, m.by, m.name) for m in said] == [("c1", "ben", "Ben")]
    assert client.asked == [(("feed:trip:t:comments", "feed:trip:t:posts"), ASKED_EVERY)]
    link.end()
    for _ in range(3):
        await asyncio.sleep(0)
    assert client.ended


async def test_a_server_that_is_away_is_not_told_of_by_who_only_listens():
    client = Told(error=Unreachable("unreachable", "Nobody answers."))
    link = NoticeLink(Here(), pytest.fail, lambda: client)  # type: ignore[arg-type, return-value]
    link.listen("t")
    await link.forget_server()
    assert client.ended or not client.asked
