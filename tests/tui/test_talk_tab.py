"""The tab of talk: comments are read, written, answered and changed there, and others never take the place away where
somebody is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len
from tests.tui.conftest import Stage, staged
from tests.tui.scenes import NASTY, Scene
from tests.tui.talk_stage import (
    answered,
    at_the_talk,
    chatter,
    does,
    in_pages,
    line,
    part,
    says,
    stream,
    talked,
    topic,
)

from roadcrew_client.frames import Here, Presence
from roadcrew_client.talk_models import Muted
from roadcrew_domain.events import event
from roadcrew_domain.feed_state import EditItem, Feed, GiveReaction, Item, ItemEdited, PageTurned, RemoveItem
from roadcrew_domain.places import Entity
from roadcrew_tui.memory import Memory
from roadcrew_tui.screens.ask import Ask
from roadcrew_tui.screens.talk_comments import CommentsPart
from roadcrew_tui.screens.talk_parts import topics_of

CHANNELS_OF_A_PLACE = ("comments", "images", "likes", "presence", "rating", "saves")


def feed_of(scene: Scene) -> Feed:
    feed = scene.world.talks.states[topic(scene)]
    assert isinstance(feed, Feed)
    return feed


def answer_all(s: Stage) -> None:
    """The server answers what was held back."""
    s.world.talks.lives[0].send_all()


def _cursor_row(s: Stage) -> str:
    """The line of the screen where the cursor is."""
    return next(row for row in s.text.split("\n") if row.startswith("›"))


# --- reading --------------------------------------------------------------------------------------


# R: F2
async def test_comments_are_shown_with_who_wrote_them_what_they_answer_and_how_they_were_taken(tmp_path: Path):
    scene = talked()
    answered(scene)
    async with at_the_talk(tmp_path, scene) as s:
        for words in ("Ben", "mentions you", "@Ana shall we take the tram?", "to Ben", "Yes, the 28.", "👍 1", "Today"):
            assert words in s.text
        s.app.next_symbols()
        await s.settle()
        assert "thumbs up 1" in s.text
        assert "".join(s.text.split("\n")[1:]).isascii()


async def test_an_empty_talk_says_so_and_enter_begins_it(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        assert "Nobody has said anything yet" in s.text
        await s.press("enter")
        assert s.app.focused is line(s)


async def test_a_server_that_serves_no_talk_has_no_tab_of_it(tmp_path: Path):
    scene = talked()
    scene.world.features = ("overview", "polls", "hotels")
    async with staged(tmp_path, scene) as s:
        assert "Talk" not in s.text
        assert scene.world.talks.lives == []


# R: F2
async def test_an_edit_and_a_removal_leave_their_mark(tmp_path: Path):
    scene = talked()
    first, second = says(scene, scene.ben, "We fly on Monday."), says(scene, scene.carla, "Rubbish!")
    does(scene, scene.ben, EditItem(first, "We fly on Tuesday."))
    does(scene, scene.ana, RemoveItem(second, "Ana", chair=True))
    async with at_the_talk(tmp_path, scene) as s:
        assert "We fly on Tuesday." in s.text
        assert "edited" in s.text
        assert "Removed by Ana." in s.text
        assert "Rubbish" not in s.text


async def test_what_was_not_read_is_counted_divided_off_and_gone_once_it_was_seen(tmp_path: Path):
    scene = talked()
    chatter(scene, 3)
    async with at_the_talk(tmp_path, scene) as s:
        assert "New since" not in s.text  # nobody had read before
        await s.press("1")
    says(scene, scene.ben, "The bus is late.")
    says(scene, scene.dev, "@Ana please wait for us.")
    async with staged(tmp_path, scene) as s:
        await s.sees("Talk •2")
        assert "Dev mentions you" in s.text
        assert "Dev and others wrote 2 comments" in s.text
        await s.press("6")
        await s.sees("New since you left")
        assert "Since you left, now: 2 new, by Ben and 1 more" in s.text
        assert s.text.index("3. We meet") < s.text.index("New since") < s.text.index("The bus is late.")
        await s.until(lambda: "Talk •" not in s.text, "it was read")


async def test_what_was_read_is_kept_though_the_terminal_is_lost(tmp_path: Path):
    scene = talked()
    chatter(scene, 3)
    async with at_the_talk(tmp_path, scene) as s:
        assert s.app.keeper.settle(5)
        assert Memory(s.app.folders).talked(s.app.server or "", topic(scene))[0] == 3


async def test_who_is_called_from_the_overview_comes_to_that_comment(tmp_path: Path):
    scene = talked()
    called = says(scene, scene.dev, "@Ana please wait for us.")
    chatter(scene, 12)
    async with staged(tmp_path, scene) as s:
        await s.sees("Dev mentions you")
        s.rows("needs").move_to(f"talk:{called}")
        s.rows("needs").focus()
        await s.press("enter")
        await s.until(lambda: s.app.screen.query(CommentsPart) and stream(s).cursor == called, "the comment")
        assert "please wait" in s.text


async def test_a_long_comment_is_cut_until_somebody_opens_it(tmp_path: Path):
    scene = talked()
    says(scene, scene.ben, "\n".join(f"line {n}" for n in range(30)))
    async with at_the_talk(tmp_path, scene, size=(80, 60)) as s:
        assert "line 11" in s.text
        assert "18 more lines" in s.text
        await s.press("enter", "enter")
        assert "line 29" in s.text


async def test_who_is_muted_is_shown_without_words(tmp_path: Path):
    scene = talked()
    says(scene, scene.ben, "Buy my watches!")
    scene.world.talks.muted[scene.ana.id] = (Muted(scene.ben.id, "Ben"),)
    async with at_the_talk(tmp_path, scene) as s:
        await s.until(lambda: "watches" not in s.text, "nothing of Ben")
        assert "You do not read this person" in s.text
        await s.press("up", "enter")
        await s.sees("This comment".upper())
        assert "watches" not in s.text


# --- others -----------------------------------------------------------------------------------------


async def test_what_others_do_moves_neither_focus_nor_cursor_nor_scroll(tmp_path: Path):
    scene = talked()
    ids = chatter(scene, 40)
    async with at_the_talk(tmp_path, scene) as s:
        await s.press("up", "up", "up")
        at, cursor, focused = _cursor_row(s), stream(s).cursor, s.app.focused
        place = s.text.split("\n").index(at)
        says(scene, scene.ben, "One more.")
        does(scene, scene.ben, EditItem(ids[-2], "many words " * 60))
        does(scene, scene.ana, RemoveItem(ids[0], "Ana", chair=True))
        does(scene, scene.carla, GiveReaction(ids[-1], "heart"))
        await s.sees("below")
        assert (stream(s).cursor, s.app.focused) == (cursor, focused)
        assert s.text.split("\n")[place] == at
        assert "One more." not in s.text
        await s.press("end")
        assert "One more." in s.text


async def test_who_writes_sees_what_comes_at_the_end(tmp_path: Path):
    scene = talked()
    chatter(scene, 40)
    async with at_the_talk(tmp_path, scene) as s:
        await s.press("c")
        await s.type("I think")
        says(scene, scene.ben, "One more.")
        await s.sees("One more.")
        assert (s.app.focused, line(s).text) == (line(s), "I think")


# R: F3
async def test_it_is_said_who_is_here_and_who_is_writing(tmp_path: Path):
    scene = talked()
    async with at_the_talk(tmp_path, scene) as s:
        here = (Here(scene.ana.id), Here(scene.ben.id, None, "Ben", typing=True), Here(scene.carla.id, None, "Carla"))
        name = topic(scene, "presence")
        scene.world.talks.present[name] = Presence(name, here)
        scene.world.talks.lives[0].tell("presence", name)
        await s.sees("Ben and Carla here")
        await s.sees("Ben is writing")
        scene.world.talks.present[name] = Presence(name, here, others=98)
        scene.world.talks.lives[0].tell("presence", name)
        await s.sees("Ben and 99 others here")


# --- writing ----------------------------------------------------------------------------------------


# R: S6
async def test_a_comment_is_painted_at_once_marked_and_then_confirmed(tmp_path: Path):
    scene = talked()
    chatter(scene, 30)
    async with at_the_talk(tmp_path, scene) as s:
        scene.world.hold = True
        await s.press("c")
        await s.type("See you there")
        await s.press("enter")
        await s.sees("sending")
        assert "See you there" in s.text
        answer_all(s)
        await s.until(lambda: "sending" not in s.text, "it was confirmed")
        assert "See you there" in s.text


# R: S5
async def test_comments_that_wait_are_counted_where_it_says_how_the_link_is(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        s.world.hold = True
        s.world.set_status(state="offline", waiting=1)
        live = s.world.talks.lives[0]
        live.status.state, live.status.waiting = "offline", 2
        live.tell("status")
        await s.sees("offline · 3 changes wait")


async def test_what_is_typed_in_a_hurry_after_enter_is_the_next_comment(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        await s.press("c")
        for key in (*"first", "enter", *"second", "enter", *"third"):
            s._send(key)
        await s.settle()
        assert [item.text for item in feed_of(s.scene).items] == ["first", "second"]
        assert line(s).text == "third"


async def test_what_is_typed_in_a_hurry_after_the_key_for_a_comment_is_the_comment(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        for key in ("c", *"1 was quick"):
            s._send(key)
        await s.settle()
        assert (line(s).text, s.trip.tab) == ("1 was quick", "talk")


@pytest.mark.parametrize(
    "keys", ["right escape c", "escape right right", "right escape W", "right right escape W right"]
)
async def test_keys_that_come_while_the_screen_is_left_break_nothing(tmp_path: Path, keys: str):
    async with at_the_talk(tmp_path) as s:
        for key in keys.split():
            s._send(key)
        await s.until(lambda: "MY TRIPS" in s.text, "back in the list of trips")


async def test_what_pops_up_covers_no_line_that_somebody_writes_in(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        await s.press("c")
        await s.type("first")
        await s.press("ctrl+j", "ctrl+j")
        s.app.say("Something of some length has happened to somebody, and that is said.")
        await s.settle()
        rack, rows = s.app.screen.query_one("#textual-toastrack"), s.text.split("\n")
        assert "that is said" in rows[line(s).region.y - 1]
        await s.press("escape", "right")
        assert rack.styles.margin.bottom == 2
        await s.press("1")
        assert rack.styles.margin.bottom == 1


# R: S6
async def test_a_refused_change_is_taken_back_with_its_reason(tmp_path: Path):
    scene = talked()
    said = says(scene, scene.ana, "Mine")
    async with at_the_talk(tmp_path, scene) as s:
        scene.world.hold = True
        await s.press("E")
        await s.type(", changed")
        await s.press("enter")
        await s.sees("Mine, changed")
        does(scene, scene.ana, RemoveItem(said, "Ana"))
        answer_all(s)
        await s.until(lambda: s.app._notifications, "a reason")
        assert "removed" in next(iter(s.app._notifications)).message
        assert "Removed by Ana." in s.text


async def test_a_comment_that_is_too_long_stays_to_be_shortened(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        await s.press("c")
        await s.paste("many words " * 190)
        assert "2,089 of 2,000 characters" in s.text
        await s.press("enter")
        await s.until(lambda: s.app._notifications, "a reason")
        assert line(s).text.startswith("many words")
        assert feed_of(s.scene).items == ()


async def test_a_reply_says_what_it_answers_and_escape_gives_it_up(tmp_path: Path):
    scene = talked()
    asked = says(scene, scene.ben, "Who drives?")
    async with at_the_talk(tmp_path, scene) as s:
        await s.press("R")
        assert "Reply to Ben: Who drives?" in s.text
        await s.press("escape")
        assert "Reply to Ben" not in s.text
        await s.press("R")
        await s.type("Me")
        await s.press("enter")
        await s.until(lambda: len(feed_of(scene).items) == 2, "the reply")
        reply = feed_of(scene).items[-1].reply_to
        assert reply is not None
        assert reply.id == asked


async def test_a_change_begins_with_what_was_said_and_gives_back_what_was_begun(tmp_path: Path):
    scene = talked()
    says(scene, scene.ana, "We fly on Monday")
    async with at_the_talk(tmp_path, scene) as s:
        await s.press("c")
        await s.type("half a thought")
        await s.press("up", "E")
        assert line(s).text == "We fly on Monday"
        await s.type("!")
        await s.press("enter")
        await s.until(lambda: feed_of(scene).items[0].text == "We fly on Monday!", "the change")
        assert line(s).text == "half a thought"


async def test_only_ones_own_can_be_changed_and_the_organiser_can_remove_anything(tmp_path: Path):
    scene = talked()
    says(scene, scene.ben, "Of Ben")
    async with at_the_talk(tmp_path, scene) as s:
        assert "edit" not in s.text.split("\n")[-1]
        await s.press("x")
        assert "Remove what Ben wrote?" in s.text
        await s.press("enter")  # the safe answer has the cursor
        assert feed_of(scene).items[0].removed is None
        await s.press("x", "down", "enter")
        await s.sees("Removed by Ana.")
    scene = talked()
    says(scene, scene.ana, "Of Ana")
    async with at_the_talk(tmp_path / "ben", scene, me=scene.ben) as s:
        await s.press("x")
        assert not isinstance(s.app.screen, Ask)


async def test_a_reaction_is_given_and_taken_back_by_arrows_and_enter(tmp_path: Path):
    scene = talked()
    says(scene, scene.ben, "Done!")
    async with at_the_talk(tmp_path, scene) as s:
        await s.press("enter")
        while "› React" not in s.text:
            await s.press("down")
        await s.press("enter", "down", "enter")
        await s.sees("💛 1, you")
        await s.press("plus", "down", "enter")
        await s.until(lambda: not feed_of(scene).items[0].reactions, "none")


async def test_names_are_offered_after_an_at_sign_and_tab_takes_them(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        await s.press("c")
        await s.type("hi @c")
        assert "@Carla" in s.text
        await s.press("tab")
        assert line(s).text == "hi @Carla "


async def test_others_are_told_that_one_writes_and_when_one_stops(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        trip, told = Entity("trip", s.scene.trip_id), s.world.talks.typing
        now = 100.0
        s.app.clock = lambda: now
        await s.press("c")
        await s.type("abc")
        assert told == [(trip, True)]
        now += 3.0
        await s.type("d")
        assert told == [(trip, True)] * 2
        await s.press("escape")
        assert told[-1] == (trip, False)


async def test_a_draft_stays_while_one_looks_elsewhere_and_letters_in_it_are_no_keys(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        await s.press("c")
        await s.type("cREx+q1/:?")
        assert (line(s).text, s.trip.tab) == ("cREx+q1/:?", "talk")
        await s.press("escape", "1", "6", "c")
        assert line(s).text == "cREx+q1/:?"


async def test_all_of_it_goes_by_mouse(tmp_path: Path):
    scene = talked()
    says(scene, scene.ben, "One")
    says(scene, scene.ben, "Two")
    async with at_the_talk(tmp_path, scene) as s:
        row = next(n for n, text in enumerate(s.text.split("\n")) if "One" in text)
        await s.pilot.click(offset=(5, row))
        await s.settle()
        assert getattr(part(s).item, "text", "") == "One"
        await s.pilot.click(offset=(5, row))
        await s.settle()
        assert isinstance(s.app.screen, Ask)
        await s.press("escape")
        await s.pilot.click(line(s))
        await s.settle()
        assert s.app.focused is line(s)


async def test_the_last_line_sends_begins_lines_and_leaves_when_it_is_clicked(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        await s.press("c")
        await s.type("One")
        foot = s.app.size.height - 1
        for words in ("new line", "send"):
            await s.pilot.click(offset=(s.text.split("\n")[foot].index(words), foot))
            await s.settle()
        assert [item.text for item in feed_of(s.scene).items] == ["One"]
        await s.pilot.click(offset=(s.text.split("\n")[foot].index("back"), foot))
        await s.until(lambda: s.app.focused is stream(s), "back among the comments")


# --- long talks -------------------------------------------------------------------------------------


async def test_older_comments_come_while_one_scrolls_and_nothing_jumps(tmp_path: Path):
    scene = talked()
    chatter(scene, 450)
    in_pages(scene, 120)
    async with at_the_talk(tmp_path, scene) as s:
        assert not [asked for asked in scene.world.talks.asked if asked.startswith("comments")]
        await s.press("home")
        await s.until(lambda: part(s).shelf.before == 230, "a page")
        assert stream(s).cursor == part(s).shelf.items[100].id
        assert s.text.count("331. We meet") == 1
        while part(s).shelf.before:
            await s.press("home")
        assert "1. We meet" in s.text
        assert [item.no for item in part(s).shelf.items] == list(range(1, 451))


async def test_older_comments_that_can_not_be_loaded_are_said_to_be_so_and_asked_for_again(tmp_path: Path):
    scene = talked()
    chatter(scene, 250)
    in_pages(scene, 120)
    async with at_the_talk(tmp_path, scene) as s:
        scene.world.down = True
        await s.press("home", "up")
        await s.sees("can't be loaded now")
        scene.world.down = False
        await s.press("up")
        await s.until(lambda: part(s).shelf.before == 30, "a page")
        assert "can't be loaded" not in s.text


async def test_an_old_comment_is_changed_where_it_stands(tmp_path: Path):
    scene = talked()
    ids = chatter(scene, 250)
    in_pages(scene, 120)
    async with at_the_talk(tmp_path, scene) as s:
        await s.press("home")
        await s.until(lambda: part(s).shelf.before == 30, "a page")
        fact = ItemEdited(ids[40], 41, "Changed since", turned=PageTurned(0, "0" * 12))
        told = event(topic(scene), 10_000, scene.world.now(), scene.ben.id, scene.world.new_id(), fact)
        scene.world.talks.lives[0].arrive(topic(scene), (told,))
        await s.until(lambda: getattr(part(s).shelf.find(ids[40]), "text", "") == "Changed since", "the change")


async def test_what_came_while_away_is_loaded_behind_what_is_read(tmp_path: Path):
    scene = talked()
    chatter(scene, 30)
    async with at_the_talk(tmp_path, scene) as s:
        await s.press("up")
        at, cursor = s.text.split("\n").index(_cursor_row(s)), stream(s).cursor
        scene.world.talks.lives.remove(live := scene.world.talks.lives[0])  # it hears of nothing
        chatter(scene, 300)
        in_pages(scene, 120)
        scene.world.talks.lives.append(live)
        live.tell("reset", topic(scene))
        await s.until(lambda: len(part(s).shelf.items) == 330, "all of it")
        assert stream(s).cursor == cursor
        assert s.text.split("\n").index(_cursor_row(s)) == at


async def test_words_are_found_also_in_older_comments(tmp_path: Path):
    scene = talked()
    says(scene, scene.dev, "The password is swordfish.")
    chatter(scene, 300)
    in_pages(scene, 120)
    async with at_the_talk(tmp_path, scene) as s:
        await s.press("slash")
        await s.type("SWORDfish")
        await s.press("enter")
        await s.sees("swordfish.")
        assert getattr(part(s).item, "no", 0) == 1


async def test_who_opens_one_thing_above_another_follows_the_latest_and_no_more_than_can_be_followed(tmp_path: Path):
    async with at_the_talk(tmp_path) as s:
        talk = s.app.link.talk
        for n in range(9):
            talk.look(f"thing {n}", [f"feed:location:exhibition.e{n}:{channel}" for channel in CHANNELS_OF_A_PLACE])
        await s.settle()
        live = s.world.talks.lives[0]
        assert len(live.topics) == 32
        assert set(live.topics) >= {f"feed:location:exhibition.e8:{channel}" for channel in CHANNELS_OF_A_PLACE}
        for n in range(9):
            talk.look(f"thing {n}", ())
        await s.settle()
        assert set(live.topics) == set(topics_of(Entity("trip", s.scene.trip_id)))


# --- hostile text -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (44, 14)])
async def test_nothing_that_people_write_breaks_the_screen(tmp_path: Path, size: tuple[int, int]):
    scene = talked()
    scene.world.talks.open(Entity("trip", scene.trip_id), scene.world.now())
    for text in (*NASTY.values(), "e" + "\u0301" * 1_900, "x" * 2_000, "\n" * 5 + "down", "مرحبا abc שלום 宿 👩‍👩‍👧‍👦"):
        feed = feed_of(scene)  # as a server would have it that checks nothing
        item = Item(scene.world.new_id(), feed.count + 1, scene.ben.id, text[:80], scene.world.now(), text)
        planted = msgspec.structs.replace(feed, items=(*feed.items, item), count=feed.count + 1)
        scene.world.talks.states[topic(scene)] = planted
    async with at_the_talk(tmp_path, scene, size=size) as s:
        for _ in range(12):
            rows = s.text.split("\n")
            assert {cell_len(row) for row in rows} == {size[0]}
            assert all(row.replace("\u200d", "").isprintable() for row in rows)
            await s.press("up")
