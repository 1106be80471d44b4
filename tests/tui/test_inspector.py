"""How am I connected?: what is said of the link, live while it is open, free while it is closed, harmless always."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.tui.conftest import SIZES, Stage, staged
from tests.tui.measured import LIVE, NOW, OFFLINE, POLLING
from textual.message import Message

from roadcrew_client import SyncFigures
from roadcrew_client.credentials import Place
from roadcrew_client.figures import Arrived, Move, Noted, Why
from roadcrew_tui import symbols
from roadcrew_tui.screens import inspector_model as model
from roadcrew_tui.screens.inspector import InspectorScreen
from roadcrew_tui.snapshot import Inspection

SECRET = "kJ3_9sVbQw-1xZ7TqLmN4pR8yUeA2cD5"
SEEN = Inspection("http://127.0.0.1:8787", True, "keyring", 3, 4.1, 0, 34_160, 512, LIVE)


def words(seen: Inspection) -> dict[str, str]:
    return {fact.label: fact.words.replace("{said}", fact.said) for fact in model.facts(seen)}


def seeing(sync: SyncFigures) -> dict[str, str]:
    return words(replace(SEEN, sync=sync))


async def opened(s: Stage, sync: SyncFigures) -> None:
    s.world.figures = sync
    await s.press("I")
    await s.until(lambda: isinstance(s.app.screen, InspectorScreen) and s.app.screen.inspection is not None, "a look")
    await s.settle()


# R: C10, S5
def test_a_live_link_is_said_in_words():
    told = seeing(LIVE)
    assert told["state"].startswith("● live for 3 min, since ")
    assert told["because"] == "a stream brought its first news"
    assert told["last trouble"] == "The server can't be reached. (4 min ago)"
    assert told["news by"] == "a stream: it comes by itself"
    assert told["in the log"] == "event 142 of log 0f3a…e24b55, cursor W1si…2MiXV0"
    assert told["so far"].startswith("2 reconnects, 1 change of transport, since ")
    assert told["traffic"] == "152 frames; asked for 5 streams and 12 polls"
    assert told["bytes"] == "34.2 kB in, 512 B out, all trips together"
    assert told["changes"] == "none wait"
    assert told["answers"] == "last 40 ms, half within 26 ms, longest 80 ms, of 4"
    assert told[""] == "▂▂█▅"
    assert told["session"] == "was usable after 4.1 s and 3 looks"
    assert told["sign-in kept"] == "in the system's keyring"


# R: C10, S3, S5
def test_polling_says_its_pace_why_and_when_streaming_is_tried_again():
    told = seeing(POLLING)
    assert told["because"].endswith("something on the way holds it back")
    assert told["news by"] == "asking every 4.5 s, next in 3.2 s"
    assert told["streaming"] == "does not get through here; tried again in 52 s"
    assert told["changes"] == "2 wait, the oldest for 2 min"
    assert told["clock"] == "the server's is 2 min behind yours; the server's counts"


# R: C10, S5
def test_offline_says_when_it_is_tried_again_and_a_sleeping_link_that_it_asks_nobody():
    assert seeing(OFFLINE)["news by"] == "a stream, next try in 8.0 s; 3 in a row came to nothing"
    paused = replace(LIVE, state="paused", moves=(Move(NOW, "paused", "hidden"),))
    assert seeing(paused)["news by"] == "nothing: no requests are made"
    assert seeing(paused)["because"] == "nobody looked"
    assert words(Inspection("http://127.0.0.1:8787"))["session"] == "you are not signed in"


def test_bytes_are_said_in_the_unit_that_fits_and_also_where_no_trip_is_open():
    for n, said in ((0, "0 B"), (999, "999 B"), (1000, "1 kB"), (2_345_678, "2.35 MB"), (7_000_000_000, "7 GB")):
        assert words(Inspection("http://127.0.0.1:8787", bytes_in=n))["bytes"].startswith(f"{said} in, 0 B out")


def test_every_reason_has_words():
    assert set(model.WHY) == set(get_args(Why))
    assert set(model.KEPT) == set(get_args(Place))


def test_answers_are_drawn_with_plain_signs_too():
    assert model.sparkline((0.0, 0.0)) == "▁▁"
    symbols.use("ascii")
    drawn = model.sparkline((0.01, 0.08, 0.04))
    assert drawn.isascii()
    assert drawn == ".@+"


# R: C10, T12
@pytest.mark.parametrize("size", SIZES)
async def test_it_opens_with_a_key_shows_all_of_it_and_closes_with_esc(tmp_path: Path, size: tuple[int, int]):
    async with staged(tmp_path, size=size) as s:
        await opened(s, POLLING)
        for fact in model.facts(replace(SEEN, sync=POLLING)):
            assert fact.label in s.text
        assert "polling every 4.5 s" in s.text
        assert max(len(row.rstrip()) for row in s.text.split("\n")) <= size[0]
        await s.press("end")
        assert "HOW IT WENT" in s.text
        assert "Hotel vote cast" in s.text or size[0] < 100
        await s.press("escape")
        assert s.trip is not None


async def test_the_palette_and_the_help_know_it(tmp_path: Path):
    async with staged(tmp_path) as s:
        await s.press("colon")
        await s.type("how am i")
        await s.sees("How am I connected?")
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, InspectorScreen))
        await s.press("question_mark")
        await s.sees("Copy a report")


# R: C10
async def test_it_is_live_while_it_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roadcrew_tui.screens.inspector.LOOK_EVERY", 0.05)
    async with staged(tmp_path) as s:
        await opened(s, LIVE)
        await s.sees("event 142")
        s.world.figures = replace(LIVE, seq=143)
        await s.sees("event 143")


# R: C10, T12
async def test_closed_it_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roadcrew_tui.screens.inspector.LOOK_EVERY", 0.02)
    looks: list[Any] = []
    posted: list[Message] = []
    async with staged(tmp_path) as s:
        inspect, post = s.app.link.inspect, s.app.link._post

        async def counted() -> Inspection:
            looks.append(1)
            return await inspect()

        def passed_on(message: Message) -> object:
            posted.append(message)
            return post(message)

        monkeypatch.setattr(s.app.link, "inspect", counted)
        monkeypatch.setattr(s.app.link, "_post", passed_on)
        await opened(s, LIVE)
        await s.until(lambda: len(looks) > 3)
        assert posted == [], "looking sends no messages of its own"
        await s.press("escape")
        await s.settle()
        seen = len(looks)
        for n in range(10):
            s.world.figures = replace(LIVE, seq=200 + n)
            await s.pilot.pause(0.02)
        assert len(looks) == seen
        assert posted == []


# R: T12
async def test_what_the_server_says_is_text_and_nothing_else(tmp_path: Path):
    evil = "[@click=app.exit]gone[/] [/] \x1b[31mred \u202ereversed"
    hostile = replace(
        LIVE,
        error=Noted(NOW, "x", evil),
        events=(Arrived(NOW, 1, evil),),
        epoch=evil,
        cursor=evil,
        moves=(Move(NOW, "offline", "trouble", evil),),
    )
    async with staged(tmp_path, size=(120, 36)) as s:
        await opened(s, hostile)
        assert "[@click=app.exit]gone[/]" in s.text
        assert "\x1b" not in s.text
        assert "\u202e" not in s.text
        assert "\x1b" not in model.report(replace(SEEN, sync=hostile), "roadcrew 1")


# R: C10
async def test_a_report_goes_to_the_clipboard_without_a_token_a_code_or_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    telltale = f"The token {SECRET} of K7QM-2D4F is not known."
    told = replace(
        POLLING, error=Noted(NOW, "x", telltale), moves=(*POLLING.moves, Move(NOW, "offline", "trouble", telltale))
    )
    copied: list[str] = []
    async with staged(tmp_path) as s:
        monkeypatch.setattr(s.app, "copy_to_clipboard", copied.append)
        await opened(s, told)
        await s.press("c")
        await s.sees("Sent to your clipboard")
        report = copied[-1]
        for n in ("Ana", "Ben", SECRET, "K7QM-2D4F", s.scene.trip_id, "Lisbon"):
            assert n not in report
        assert re.match(r"roadcrew \S+, Textual ", report)
        assert "The token (left out) of (left out) is not known." in report
        assert "asking every 4.5 s" in report
        assert report.count("Hotel vote cast") == 10
