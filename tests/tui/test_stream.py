"""A stream of what people wrote: what is in sight stays there, whatever comes; and only that is laid out."""

from __future__ import annotations

from dataclasses import replace
from time import thread_time

import pytest
from rich.cells import cell_len
from tests.tui.streams import ODD, entries, entry, frame, lines, streaming
from textual import events
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input

from roadcrew_tui.widgets.stream import Entry, Stream

LEAST_FRAMES = 30.0
"""Frames a second, as the issue of talk has it; bench/scroll.py says how many there are."""


async def _turn(pilot: Pilot[None], stream: Stream, *, up: int = 0, down: int = 0) -> None:
    for turn in (events.MouseScrollUp,) * up + (events.MouseScrollDown,) * down:
        stream.post_message(turn(stream, 5, 5, 0, 0, 0, False, False, False))
    await pilot.pause()


async def test_a_stream_begins_at_its_end():
    async with streaming(range(1, 60)) as (app, stream, _):
        assert stream.at_end
        assert stream.cursor == "59"
        assert "no. 59" in "\n".join(lines(app))


async def test_a_terminal_of_one_column_has_room_for_nothing_and_breaks_nothing():
    async with streaming(range(1, 60)) as (app, stream, pilot):
        await pilot.resize_terminal(1, 20)
        frame(app)
        await pilot.resize_terminal(60, 20)
        assert (stream.cursor, stream.at_end) == ("59", True)


async def test_what_comes_while_one_reads_moves_nothing():
    async with streaming(range(1, 60)) as (app, stream, pilot):
        await pilot.press("up", "up", "up")
        before, cursor = lines(app), stream.cursor
        stream.show(entries(range(1, 90)))
        await pilot.pause()
        assert (lines(app), stream.cursor) == (before, cursor)
        stream.show(entries(range(-40, 90)))  # older ones were loaded
        await pilot.pause()
        assert (lines(app), stream.cursor) == (before, cursor)


async def test_what_comes_at_the_end_is_followed_only_if_that_is_asked_for():
    async with streaming(range(1, 60)) as (app, stream, pilot):
        before = lines(app)
        stream.show(entries(range(1, 61)))
        await pilot.pause()
        assert lines(app) == before
        stream.to_end()
        stream.show(entries(range(1, 62)), follow=True)
        await pilot.pause()
        assert "no. 61" in "\n".join(lines(app))
        assert stream.cursor == "60"  # where it was put


async def test_an_entry_above_that_grows_or_goes_leaves_the_cursor_where_it_is_on_the_screen():
    async with streaming(range(1, 60)) as (app, stream, pilot):
        await pilot.press("up")
        at = next(y for y, line in enumerate(lines(app)) if line.startswith("›"))
        grown = [entry(n, "long " * 90) if n == 57 else entry(n) for n in range(1, 60)]
        for shown in (grown, entries(n for n in range(1, 60) if n != 57)):
            stream.show(shown)
            await pilot.pause()
            assert lines(app)[at].startswith("› Person")


async def test_the_cursor_of_an_entry_that_is_gone_stands_on_the_next_one():
    async with streaming(range(1, 60)) as (_, stream, pilot):
        await pilot.press("up")
        stream.show(entries(n for n in range(1, 60) if n != 58))
        assert stream.cursor == "59"


async def test_older_entries_are_asked_for_once_when_the_first_come_near():
    async with streaming(range(1000, 1100), before=999) as (app, stream, pilot):
        assert not [t for t in app.told if t[0] == "older"]
        await pilot.press("home")
        await pilot.press("down", "up")
        assert app.told.count(("older", "")) == 1
        stream.ask_again()
        stream.show(entries(range(1000, 1101)), before=999)
        await pilot.pause()
        assert app.told.count(("older", "")) == 1  # nobody has moved
        await pilot.press("down")
        assert app.told.count(("older", "")) == 2
        stream.show(entries(range(900, 1100)), before=899)
        await pilot.press("home")
        assert app.told.count(("older", "")) == 3


async def test_going_down_at_the_end_leads_out_of_the_stream():
    async with streaming(range(1, 3)) as (app, _, pilot):
        await pilot.press("up", "down")
        assert ("below", "") not in app.told
        await pilot.press("down")
        assert ("below", "") in app.told


async def test_a_heading_never_has_the_cursor_and_is_seen_above_its_first_entry():
    async with streaming() as (app, stream, pilot):
        day = replace(entry(0, "A day"), id="day", stands=False)
        stream.show([day, *entries(range(1, 40))])
        await pilot.press("home")
        assert stream.cursor == "1"
        assert "A day" in lines(app)[1]
        await pilot.press("up")
        assert stream.cursor == "1"


async def test_a_long_entry_is_read_to_its_end_before_the_next_one():
    async with streaming(range(1, 4), size=(40, 11)) as (app, stream, pilot):
        stream.show([entry(1), entry(2, " ".join(str(n) for n in range(300))), entry(3)])
        await pilot.press("home", "down")
        seen = set()
        while stream.cursor == "2":
            seen |= {word for line in lines(app) for word in line.split()}
            await pilot.press("down")
        assert {str(n) for n in range(300)} <= seen


async def test_wheel_and_bar_scroll_and_leave_the_cursor():
    async with streaming(range(1, 200)) as (app, stream, pilot):
        await _turn(pilot, stream, up=10)
        assert not stream.at_end
        assert stream.cursor == "199"
        await pilot.click(stream, offset=(59, 0))
        assert "no. 1" in lines(app)[0]
        assert stream.cursor == "199"
        await pilot.press("down")  # from out of sight, to what is in sight
        assert stream.cursor == "1"


async def test_a_click_goes_to_an_entry_and_another_one_opens_it():
    async with streaming(range(1, 4)) as (app, stream, pilot):
        await pilot.click(stream, offset=(5, 0))
        assert (stream.cursor, app.told[-1]) == ("1", ("moved", "1"))
        await pilot.click(stream, offset=(5, 1))
        assert app.told[-1] == ("chosen", "1")


async def test_pages_overlap_and_reach_both_ends():
    async with streaming(range(1, 40)) as (app, stream, pilot):
        for _ in range(16):
            before = lines(app)[0].removeprefix("›").strip()
            await pilot.press("pageup")
            if stream.cursor == "1":
                break
            assert any(before in line for line in lines(app))
        assert stream.cursor == "1"
        for _ in range(16):
            await pilot.press("pagedown")
            if stream.cursor == "39":
                break
        assert stream.cursor == "39"


@pytest.mark.parametrize("width", [4, 7, 20, 61])
async def test_no_line_is_wider_than_the_screen_whatever_people_write(width: int):
    async with streaming(size=(width, 60)) as (app, stream, pilot):
        nasty = ["Z" + "\u0301" * 100_000, "x" * 1_000_000, "\x1b[31m\x07]2;owned", "\u202eevil", "\n" * 500, *ODD]
        stream.show([entry(n, text) for n, text in enumerate(nasty)])
        await pilot.press("home")
        drawn = app.screen._compositor.render_strips()
        assert {cell_len(strip.text) for strip in drawn} == {width}
        assert all(character.isprintable() for strip in drawn for character in strip.text if character not in "\u200d")


async def test_another_width_keeps_the_cursor_in_its_place_and_the_end_at_the_end():
    async with streaming(range(1, 100)) as (app, stream, pilot):
        await pilot.resize_terminal(33, 20)
        await pilot.pause()
        assert stream.at_end
        await pilot.press("pageup", "pageup")
        await pilot.resize_terminal(90, 20)
        await pilot.pause()
        assert any(line.startswith("›") for line in lines(app))


async def test_the_focus_of_another_is_not_taken():
    async with streaming(range(1, 100)) as (app, stream, pilot):
        app.query_one(Input).focus()
        await pilot.pause()
        stream.show(entries(range(1, 120)), follow=True)
        await pilot.pause()
        assert app.focused is app.query_one(Input)


@pytest.mark.usefixtures("timed")
async def test_ten_thousand_entries_scroll_at_thirty_frames_a_second():
    async with streaming(range(10_000), size=(120, 36)) as (app, stream, _):
        frame(app)
        began, frames = thread_time(), 100  # others have the processors too
        for _ in range(frames):
            stream.action_page(-1)
            frame(app)
        assert frames / (thread_time() - began) >= LEAST_FRAMES
        assert int(stream.cursor or 0) < 9_700


async def test_only_what_is_near_is_laid_out():
    drawn: list[int] = []

    def counted(n: int) -> Entry:
        shown = entry(n)

        def draw(width: int) -> list[Content]:
            drawn.append(n)
            return list(shown.draw(width))

        return Entry(shown.id, draw, shown.stamp)

    async with streaming() as (_, stream, pilot):
        stream.show([counted(n) for n in range(10_000)])
        await pilot.press("pageup", "home")
        assert len(set(drawn)) < 60
