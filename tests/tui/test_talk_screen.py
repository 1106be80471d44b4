"""What is said of a hotel, a post or a blog on a screen of its own; the posts and blogs of a trip; moderation."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.tui.conftest import Stage, staged
from tests.tui.placing import placed
from tests.tui.scenes import NASTY, Scene, lisbon

from roadcrew_client.models import User
from roadcrew_client.talk_models import Muted
from roadcrew_domain.feed_state import EditItem, Feed, GiveReaction, Item, RemoveItem, WriteItem
from roadcrew_domain.marks_state import GiveMark
from roadcrew_domain.places import Entity
from roadcrew_tui.screens.places_model import of_hotel
from roadcrew_tui.screens.talk_screen import TalkScreen
from roadcrew_tui.screens.writing import Writing
from roadcrew_tui.widgets.marks import MarksLine
from roadcrew_tui.widgets.pad import Pad
from roadcrew_tui.widgets.reader import Reader

TALKS = ("overview", "polls", "hotels", "talk")


@contextlib.asynccontextmanager
async def talking(
    path: Path, *, me: User | None = None, scene: Scene | None = None, part: str = "", **more: Any
) -> AsyncIterator[Stage]:
    """In the tab of talk of a trip; `part` is reached by going right."""
    scene = scene or lisbon()
    scene.world.features = TALKS
    async with staged(path, scene, me=me, **more) as s:
        await s.until(lambda: any(tab.id == "talk" for tab in s.trip.tabs))
        await s.press("6")
        await s.sees("not rated yet")
        for _ in range({"": 0, "posts": 1, "blogs": 2}[part]):
            await s.press("right")
        yield s


def trip_of(s: Stage) -> Entity:
    return Entity("trip", s.scene.trip_id)


def says(s: Stage, channel: str, text: str, title: str | None = None, *, by: User | None = None) -> Item:
    """Somebody writes something; Ben, unless said otherwise."""
    topic = trip_of(s).topic(channel)
    item_id, _ = s.world.talks.do(s.world, topic, by or s.scene.ben, WriteItem("", text, title))
    return next(item for item in feed(s, channel).items if item.id == item_id)


def feed(s: Stage, channel: str) -> Feed:
    state = s.world.talks.states[trip_of(s).topic(channel)]
    assert isinstance(state, Feed)
    return state


# --- hotels ------------------------------------------------------------------------------------------


# R: F1, F2
async def test_a_hotel_is_talked_about_and_rated_where_it_stands(tmp_path: Path) -> None:
    scene = lisbon()
    scene.world.features = TALKS
    async with staged(tmp_path, scene, tab="hotels") as s:
        await s.sees("T talk")
        hotel = s.trip.trip.hotels[s.rows("hotels").cursor or ""]  # type: ignore[union-attr]
        place = of_hotel(hotel)
        await s.press("T")
        await s.sees("not rated yet")
        assert isinstance(s.app.screen, TalkScreen)
        assert hotel.city in s.text
        await s.press("asterisk", "4")
        await s.sees("★★★★☆ 4 (1), you 4")
        s.world.talks.do(s.world, place.topic("rating"), s.scene.ben, GiveMark(5))
        await s.sees("4.5 (2), you 4")
        await s.press("l", "b")
        await s.sees("♥ 1, you too   ⚑ saved")
        await s.press("c")
        await s.type("Quiet rooms")
        await s.press("enter", "escape", "escape")
        await s.sees("★4.5 ❝1")


async def test_where_nobody_talks_nothing_is_offered_and_no_room_is_taken(tmp_path: Path) -> None:
    async with staged(tmp_path, tab="hotels") as s:
        assert "hotel.talk" not in [command.id for command in s.trip.offered()]
        assert "talk" not in s.text
        assert s.world.talks.asked == []


# R: F2
async def test_stars_are_given_by_arrows_and_taken_back(tmp_path: Path) -> None:
    async with talking(tmp_path) as s:
        await s.press("asterisk", "down", "down", "enter")
        await s.sees("★★★☆☆ 3 (1), you 3")
        await s.press("asterisk")
        await s.sees("› ★★★☆☆")
        await s.press("end", "up", "enter")
        await s.sees("not rated yet")


# R: F2, S6
async def test_what_one_gives_is_painted_at_once_and_taken_back_when_refused(tmp_path: Path) -> None:
    async with talking(tmp_path) as s:
        s.world.hold = True
        await s.press("l")
        await s.sees("♥ 1, you too")
        assert s.world.talks.states[trip_of(s).topic("likes")].count == 0  # type: ignore[union-attr]
        (live,) = s.world.talks.lives
        live.pending = ()
        live.tell("refused", trip_of(s).topic("likes"))
        await s.sees("♥ 0")


async def test_marks_are_reached_by_tab_and_arrows_too(tmp_path: Path) -> None:
    async with talking(tmp_path) as s:
        while not isinstance(s.app.focused, MarksLine):
            await s.press("shift+tab")
        await s.press("right", "enter")
        await s.sees("♥ 1, you too")


# --- posts and blogs ---------------------------------------------------------------------------------


# R: F6
async def test_a_post_is_written_in_a_line_and_talked_about(tmp_path: Path) -> None:
    async with talking(tmp_path, part="posts") as s:
        await s.press("W")
        await s.type("Flights are cheaper on Thursday")
        await s.press("enter")
        await s.until(lambda: feed(s, "posts").count == 1)
        assert "R reply" not in s.text
        await s.press("escape", "enter")
        await s.sees("Post  by Ana")
        await s.sees("Flights are cheaper on Thursday")
        await s.press("c")
        await s.type("Nice")
        await s.press("enter")
        post = Entity("post", feed(s, "posts").items[0].id)
        await s.until(lambda: s.world.talks.states[post.topic("comments")].count == 1)  # type: ignore[union-attr]
        assert feed(s, "posts").count == 1


# R: F6
async def test_a_blog_is_written_read_and_changed(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, Writing))
        await s.type("Day one")
        await s.press("enter")
        await s.type("# Trams")
        await s.press("ctrl+s")
        await s.sees("› Day one")
        await s.press("enter")
        await s.sees("Trams")
        assert "# Trams" not in s.text
        await s.press("E")
        await s.until(lambda: isinstance(s.app.screen, Writing))
        assert s.app.screen.query_one(Pad).text == "# Trams"
        await s.press("tab", "end")
        await s.type(" and tarts")
        await s.press("ctrl+s")
        await s.sees("Trams and tarts")
        assert "edited" in s.text
        assert feed(s, "blogs").items[0].text == "# Trams and tarts"


# R: F6
async def test_what_others_change_in_a_blog_that_one_reads_moves_nothing(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        item = says(s, "blogs", "\n\n".join(f"line {n}" for n in range(200)), "Long")
        await s.sees("Long")
        await s.press("enter")
        await s.sees("line 3")
        await s.press("pagedown", "pagedown")
        reader, focused = s.app.screen.query_one(Reader), s.app.focused
        at = reader.scroll_offset.y
        text = "\n\n".join(f"changed {n}" for n in range(200))
        s.world.talks.do(s.world, trip_of(s).topic("blogs"), s.scene.ben, EditItem(item.id, text, "Long"))
        await s.sees("changed 20")
        assert (reader.scroll_offset.y, s.app.focused) == (at, focused)


async def test_who_has_written_a_blog_comes_back_to_it(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        says(s, "blogs", "one", "First")
        await s.sees("› First")
        s.world.hold = True
        await s.press("W")
        await s.until(lambda: isinstance(s.app.screen, Writing))
        await s.type("Second")
        await s.press("enter")
        await s.type("two")
        await s.press("ctrl+s")
        await s.sees("› Second")
        assert "sending" in s.text
        assert s.text.index("Second") < s.text.index("First")


async def test_news_of_blogs_moves_no_cursor(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        says(s, "blogs", "one", "First")
        says(s, "blogs", "two", "Second")
        await s.sees("Second")
        rows = s.rows("blogs")
        here = rows.cursor
        says(s, "blogs", "three", "Third")
        await s.sees("Third")
        assert rows.cursor == here


async def test_a_blog_that_is_old_is_looked_for_at_the_server(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        item = says(s, "blogs", "# Trams", "Day one")
        says(s, "blogs", "new", "Day two")
        s.world.talks.close_page(trip_of(s).topic("blogs"), 1)
        s.app.open_talk(Entity("blog", item.id), "Day one", s.scene.trip_id)
        await s.sees("  Trams")
        assert "blogs before None" in s.world.talks.asked


async def test_older_blogs_are_shown_when_they_are_asked_for(tmp_path: Path) -> None:
    scene = lisbon()
    trip = Entity("trip", scene.trip_id)
    for n in range(4):
        scene.world.talks.do(scene.world, trip.topic("blogs"), scene.ben, WriteItem("", "text", f"Day {n}"))
    scene.world.talks.close_page(trip.topic("blogs"), 3)
    async with talking(tmp_path, scene=scene, part="blogs") as s:
        await s.sees("Day 3")
        assert "Day 0" not in s.text
        await s.press("end", "enter")
        await s.sees("Day 0")


# R: F6
async def test_hostile_blogs_are_drawn_as_text(tmp_path: Path) -> None:
    scene = lisbon()
    placed(scene, [*NASTY.values()])
    async with talking(tmp_path, scene=scene, part="blogs") as s:
        await s.sees("[@click=app.quit]x[/]")
        assert not any(c in s.text for c in "\x1b\x07\u202e\x9b")
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TalkScreen))
        await s.sees("• [@click=app.quit]x[/]")
        assert not any(c in s.text for c in "\x1b\x07\u202e\x9b")
        reader = s.app.screen.query_one(Reader)
        assert len(reader.addresses) > 0
        assert all(address.startswith("https://example.org/") for address in reader.addresses)


# --- moderation --------------------------------------------------------------------------------------


# R: F2
async def test_the_organiser_removes_what_another_wrote_and_the_trace_stays(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        says(s, "blogs", "advertising", "Buy this")
        await s.sees("Buy this")
        await s.press("x")
        await s.sees("days it can be brought back.")
        await s.press("enter")
        await s.sees("Buy this")
        await s.press("x", "down", "enter")
        await s.sees("Removed by Ana.")
        assert "Buy this" not in s.text
        assert feed(s, "blogs").items[0].removed is not None


async def test_who_is_not_the_organiser_is_not_offered_to_remove_what_others_wrote(tmp_path: Path) -> None:
    scene = lisbon()
    async with talking(tmp_path, me=scene.ben, scene=scene, part="blogs") as s:
        says(s, "blogs", "mine to keep", "Ana's", by=s.scene.ana)
        await s.sees("Ana's")
        offered = [command.id for command in s.trip.offered()]
        assert "talk.remove" not in offered
        assert "talk.edit" not in offered
        assert {"talk.react", "talk.mute"} <= set(offered)


async def test_a_blog_that_is_removed_while_one_reads_it_says_so(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        item = says(s, "blogs", "secret plans", "Plans")
        await s.sees("Plans")
        await s.press("enter")
        await s.sees("secret plans")
        s.world.talks.do(s.world, trip_of(s).topic("blogs"), s.scene.ben, RemoveItem(item.id, ""))
        await s.sees("Removed by Ben")
        assert "secret plans" not in s.text


# R: F2
async def test_who_is_muted_is_not_read_anywhere_and_read_again_by_the_same_key(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        says(s, "blogs", "noise", "Hear me")
        await s.sees("noise")
        await s.press("M")
        await s.sees("You do not read Ben any more.")
        await s.until(lambda: "noise" not in s.text)
        assert s.world.talks.muted[s.scene.ana.id][0].id == s.scene.ben.id
        await s.press("M")
        await s.sees("noise")


async def test_who_was_muted_at_another_terminal_is_not_read_here(tmp_path: Path) -> None:
    scene = lisbon()
    scene.world.talks.muted[scene.ana.id] = (Muted(scene.ben.id, "Ben", datetime.now(UTC) - timedelta(days=1)),)
    async with talking(tmp_path, scene=scene, part="blogs") as s:
        says(s, "blogs", "noise", "Hear me")
        await s.sees("You do not read this person.")
        assert "noise" not in s.text


async def test_reactions_to_a_blog_are_seen_where_it_is_read(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        item = says(s, "blogs", "text", "Day one")
        s.world.talks.do(s.world, trip_of(s).topic("blogs"), s.scene.ben, GiveReaction(item.id, "heart"))
        await s.sees("Day one")
        await s.press("enter")
        await s.sees("💛 1")
        await s.press("enter", "enter", "down", "enter")
        await s.sees("💛 2, you too")


# R: F6
async def test_a_link_in_a_blog_asks_before_it_leads_anywhere(tmp_path: Path) -> None:
    async with talking(tmp_path, part="blogs") as s:
        says(s, "blogs", "See [the map](https://maps.example/lisbon)", "Day one")
        await s.sees("Day one")
        await s.press("enter")
        await s.sees("the map [1]")
        await s.press("o")
        await s.sees("This leads to a page outside of Roadcrew:")
        assert "https://maps.example/lisbon" in s.text


async def test_no_word_of_a_long_blog_is_lost_where_a_bar_stands_beside_it(tmp_path: Path) -> None:
    words = [f"word{n}" for n in range(120)]
    async with talking(tmp_path, part="blogs") as s:
        says(s, "blogs", " ".join(words) + "\n\n" + "\n\n".join("x" * 30), "Long")
        await s.sees("Long")
        await s.press("enter")
        await s.sees("word119")
        assert re.findall(r"word\d+", s.text) == words
