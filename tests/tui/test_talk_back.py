"""What was removed from talk comes back where it was: offered to who may bring it back, and to nobody else."""

from pathlib import Path

import pytest
from tests.tui.scenes import Scene
from tests.tui.talk_stage import at_the_talk, does, part, says, stream, talked, topic, view
from tests.tui.test_talk_screen import says as writes
from tests.tui.test_talk_screen import talking, trip_of

from roadcrew_domain.feed_state import Feed, RemoveItem
from roadcrew_tui.screens.ask import Ask


def removable() -> Scene:
    """A trip at a server that keeps what is removed, and Ben's comment, which the organiser has removed."""
    scene = talked()
    scene.world.talks.keeps = True
    said = says(scene, scene.ben, "Rubbish, all of it!")
    does(scene, scene.ana, RemoveItem(said, "Ana", chair=True))
    return scene


# R: F2
async def test_the_organiser_brings_back_what_they_removed_by_enter(tmp_path: Path):
    async with at_the_talk(tmp_path, removable()) as s:
        assert "Removed by Ana. You can bring it back: enter." in s.text
        assert "Rubbish" not in s.text
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, Ask), "what can be done")
        await s.sees("Bring this back")
        assert "Reply to this comment" not in s.text
        await s.press("enter")
        await s.sees("Rubbish, all of it!")
        assert "Removed by" not in s.text
        state = s.world.talks.states[topic(s.scene)]
        assert isinstance(state, Feed)
        assert state.binned == ()


# R: F2
async def test_who_wrote_it_is_offered_what_they_removed_themselves_and_not_what_the_organiser_did(
    tmp_path: Path,
):
    scene = removable()
    does(scene, scene.ben, RemoveItem(says(scene, scene.ben, "Never mind."), "Ben"))
    async with at_the_talk(tmp_path, scene, me=scene.ben) as s:
        assert s.text.count("You can bring it back") == 1
        await s.press("home")
        assert "talk.restore" not in [command.id for command in s.trip.offered()]
        await s.press("enter")
        assert not isinstance(s.app.screen, Ask)
        await s.press("end")
        assert "talk.restore" in [command.id for command in s.trip.offered()]
        await s.press("enter", "enter")
        await s.sees("Never mind.")
        assert "Rubbish" not in s.text


async def test_what_ran_out_meanwhile_is_said_to_have_and_a_server_that_is_away_as_well(tmp_path: Path):
    async with at_the_talk(tmp_path, removable()) as s:
        s.world.down = True
        await s.press("enter", "enter")
        await s.sees("The server can't be reached.")
        s.world.down = False
        s.world.talks.kept.clear()
        await s.press("enter", "enter")
        await s.sees("can't be brought back any more")


@pytest.mark.parametrize("channel", ["posts", "blogs"])
async def test_a_post_and_a_blog_come_back_from_their_list(tmp_path: Path, channel: str):
    async with talking(tmp_path, part=channel) as s:
        s.world.talks.keeps = True
        item = writes(s, channel, "We have landed.", *(["Day one"] if channel == "blogs" else []))
        await s.sees("We have landed.")
        s.world.talks.do(s.world, trip_of(s).topic(channel), s.scene.ana, RemoveItem(item.id, "", chair=True))
        await s.sees("You can bring it back: enter.")
        assert "We have landed." not in s.text
        await s.press("enter")
        await s.sees("Bring this back")
        await s.press("enter")
        await s.sees("We have landed.")


async def test_a_line_that_can_be_brought_back_does_not_move_when_that_changes(tmp_path: Path):
    scene = removable()
    last = says(scene, scene.carla, "Shall we go on?")
    async with at_the_talk(tmp_path, scene) as s:
        await s.press("end")
        assert stream(s).cursor == last
        assert part(s).item is not None
        does(scene, scene.ana, RemoveItem(last, "Ana", chair=True))
        await s.until(lambda: s.text.count("You can bring it back") == 2, "the removal")
        assert stream(s).cursor == last
        assert view(s).is_open
