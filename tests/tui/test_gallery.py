"""The images of a thing in the terminal: drawn small and in full, sent with how far they are, changed and removed."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.support import images
from tests.tui.conftest import SIZES, Stage, staged
from tests.tui.scenes import Scene, lisbon
from tests.tui.showing import TALKING, show, topic
from textual.widgets import Input

from roadcrew_client import errors
from roadcrew_domain.feed_state import Feed, GiveReaction, RemoveItem
from roadcrew_domain.places import Entity
from roadcrew_tui import graphics, pictures, symbols, thumbs
from roadcrew_tui.image_files import image_file
from roadcrew_tui.pictures import NoPicture
from roadcrew_tui.screens.gallery import ImagesPart
from roadcrew_tui.screens.picture import PictureScreen
from roadcrew_tui.screens.picture_form import PictureForm
from roadcrew_tui.widgets.picture import DrawnPicture, PictureView

BLUE, RED = (30, 60, 220), (200, 40, 40)


def offering() -> Scene:
    scene = lisbon()
    scene.world.features = TALKING
    return scene


@contextlib.asynccontextmanager
async def at_images(path: Path, scene: Scene, **more: Any) -> AsyncIterator[Stage]:
    async with staged(path, scene, **more) as s:
        await s.press("6")
        await s.until(lambda: s.app.screen.query("#talk-parts"), "talk")
        s.app.screen.query_one("TalkView").go("images")  # type: ignore[attr-defined]
        await s.until(lambda: s.app.screen.query(ImagesPart) and part(s)._begun, "the images")
        await s.settle()
        yield s


def part(s: Stage) -> ImagesPart:
    return s.app.screen_stack[1].query_one(ImagesPart)


def colours(s: Stage) -> set[tuple[int, int, int]]:
    """All that is drawn with half-blocks now."""
    found: set[tuple[int, int, int]] = set()
    for strip in s.app.screen._compositor.render_strips():
        for segment in strip:
            if "▀" in segment.text and segment.style is not None:
                for colour in (segment.style.color, segment.style.bgcolor):
                    assert colour is not None
                    found.add(tuple(colour.get_truecolor()))  # type: ignore[arg-type]
    return found


# --- looking -----------------------------------------------------------------------------------------


# R: F2
@pytest.mark.parametrize("size", SIZES)
async def test_images_are_drawn_small_with_their_words_and_one_in_full(tmp_path: Path, size: tuple[int, int]):
    scene = offering()
    first = show(scene, scene.ben, "The harbour [b]at night[/b]", images.png())
    second = show(scene, scene.carla, "", images.png(colour=(0, 90, 0)))
    scene.world.talks.do(scene.world, topic(scene), scene.dev, GiveReaction(second, "heart"))
    async with at_images(tmp_path, scene, size=size) as s:
        await s.until(lambda: {BLUE, RED, (0, 90, 0)} <= colours(s), "the pictures")
        assert "The harbour [b]at night[/b]" in s.text
        assert "64 × 48" in s.text
        assert part(s).item is not None
        assert part(s).item.id == second  # type: ignore[union-attr]
        await s.press("enter")
        assert isinstance(s.app.screen, PictureScreen)
        await s.until(lambda: (0, 90, 0) in colours(s))
        assert "Carla" in s.text
        assert "2 of 2" in s.text
        await s.press("left")
        await s.until(lambda: RED in colours(s))
        assert "The harbour [b]at night[/b]" in s.text
        await s.press("left", "escape")
        assert part(s).stream.cursor == first
        assert {"full 1", "full 2", "thumb 1", "thumb 2"} <= set(scene.world.talks.asked)


@pytest.mark.parametrize("how", ["sixel", "kitty"])
async def test_what_a_terminal_draws_itself_is_made_beside_the_screen_and_anew_for_another_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: graphics.Kind
):
    monkeypatch.setattr(graphics, "_found", [how])
    made: list[tuple[bool, graphics.Encoded]] = []
    real = graphics.encoded

    def encoded(pixels: pictures.Pixels, room: tuple[int, int]) -> graphics.Encoded | None:
        found = real(pixels, room)
        assert found is not None
        made.append((threading.current_thread() is threading.main_thread(), found))
        return found

    monkeypatch.setattr(graphics, "encoded", encoded)
    scene = offering()
    show(scene, scene.ben, "The harbour", images.png())
    async with at_images(tmp_path, scene) as s:
        await s.press("enter")
        await s.until(lambda: len(made) == 1 and s.app.screen.query(DrawnPicture))
        await s.pilot.resize_terminal(60, 20)
        await s.until(lambda: len(made) == 2 and s.app.screen.query(DrawnPicture))
        assert [on_screen for on_screen, _ in made] == [False, False]
        (_, wide), (_, narrow) = made
        assert s.app.screen.query_one(DrawnPicture).size == narrow.size != wide.size
        assert narrow.size[1] <= s.app.screen.query_one("#picture-room").size.height


# R: F2
async def test_only_pictures_that_are_in_sight_are_asked_for(tmp_path: Path):
    scene = offering()
    for n in range(60):
        show(scene, scene.ben, f"Number {n + 1}", images.png(width=60 + n))
    async with at_images(tmp_path, scene) as s:
        await s.until(lambda: colours(s))
        asked = [word for word in scene.world.talks.asked if word.startswith("thumb")]
        assert "thumb 60" in asked
        assert len(asked) <= 6
        await s.press("home")
        await s.until(lambda: "thumb 1" in scene.world.talks.asked)
        assert len([word for word in scene.world.talks.asked if word.startswith("thumb")]) <= 12


# R: F2
async def test_the_first_one_is_asked_for_where_there_is_none(tmp_path: Path):
    async with at_images(tmp_path, offering()) as s:
        assert "Nobody has shown an image yet." in s.text
        await s.press("enter")
        assert isinstance(s.app.screen, PictureForm)


# R: F2
async def test_what_was_removed_leaves_its_trace_and_what_is_broken_says_so(tmp_path: Path):
    scene = offering()
    gone = show(scene, scene.ben, "Soon gone", images.png())
    show(scene, scene.carla, "Broken", images.png()[:60])
    async with at_images(tmp_path, scene) as s:
        await s.until(lambda: "It is broken, or no" in s.text)
        scene.world.talks.do(scene.world, topic(scene), scene.ana, RemoveItem(gone, "Ana", chair=True))
        await s.until(lambda: "Removed by Ana." in s.text)
        assert "Soon gone" not in s.text


async def test_a_picture_that_can_not_come_now_comes_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(thumbs, "WAITS", (0.01,) * 100)
    scene = offering()
    scene.world.talks.away = 3
    show(scene, scene.ben, "The harbour", images.png())
    async with at_images(tmp_path, scene) as s:
        await s.until(lambda: RED in colours(s))
        assert scene.world.talks.away == 0


async def test_with_ascii_signs_and_without_the_packages_there_are_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    scene = offering()
    show(scene, scene.ben, "The harbour", images.png())
    async with at_images(tmp_path, scene) as s:
        await s.until(lambda: colours(s))
        symbols.use("ascii")
        s.app.redraw_all()
        await s.settle()
        assert "The harbour" in s.text
        assert s.text.isascii() or not colours(s)
    monkeypatch.setattr(pictures, "can_draw", lambda: False)
    async with at_images(tmp_path / "b", scene) as s:
        assert 'pip install "roadcrew[images]"' in " ".join(s.text.split())
        assert "The harbour" in s.text
        assert not colours(s)


# --- sending -----------------------------------------------------------------------------------------


@pytest.fixture
def beach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    file = tmp_path / "here" / "beach.png"
    file.write_bytes(images.png())
    (tmp_path / "here" / "notes.txt").write_text("no image")
    return file


async def seen(s: Stage, holds: Callable[[], object]) -> None:
    """Wait for something while an image is on its way."""
    for _ in range(1000):
        if holds():
            return
        await s.pilot.pause(0.01)
    raise AssertionError(f"never seen\n{s.text}")


async def choose(s: Stage, caption: str, *, waits: bool = True) -> None:
    await s.press("u")
    await s.until(lambda: isinstance(s.app.screen, PictureForm) and "beach.png" in s.text, "the form")
    assert "notes.txt" not in s.text
    await s.press("down", "enter")
    await s.type(caption)
    if waits:
        await s.press("enter")
    else:
        await s.pilot.press("enter")
    await seen(s, lambda: not isinstance(s.app.screen, PictureForm))


# R: F2 S6
async def test_an_image_is_seen_at_once_with_how_far_it_is_and_then_as_all_see_it(tmp_path: Path, beach: Path):
    scene = offering()
    show(scene, scene.ben, "Before", images.png(colour=(0, 90, 0)))
    async with at_images(tmp_path, scene) as s:
        scene.world.hold = True
        await choose(s, "My beach", waits=False)
        await seen(s, lambda: RED in colours(s) and "49 %" in s.text)
        assert "My beach" in s.text
        feed = scene.world.talks.states[topic(scene)]
        assert isinstance(feed, Feed)
        assert feed.count == 1
        scene.world.hold = False
        await s.until(lambda: scene.world.talks.states[topic(scene)].count == 2)  # type: ignore[union-attr]
        await s.until(lambda: "64 × 48" in s.text and "49 %" not in s.text)
        assert s.text.count("My beach") == 1
        assert s.app.uploads.of(Entity("trip", scene.trip_id)) == ()
        assert part(s).item is not None
        assert part(s).item.text == "My beach"  # type: ignore[union-attr]


# R: F2 S6
async def test_an_image_that_is_refused_says_why_and_can_be_sent_again_or_given_up(tmp_path: Path, beach: Path):
    scene = offering()
    async with at_images(tmp_path, scene) as s:
        scene.world.talks.refusing = errors.Rejected("bad-image", "The image is animated (9 frames).")
        await choose(s, "Again")
        await s.until(lambda: "Not shown: The image is animated (9 frames)." in " ".join(s.text.split()))
        await s.press("enter")
        await s.until(lambda: scene.world.talks.images)
        await s.until(lambda: "64 × 48" in s.text)
        assert s.text.count("Again") == 1
        scene.world.talks.refusing = errors.Rejected("bad-image", "The image is broken.")
        await choose(s, "Never")
        await s.until(lambda: "The image is broken." in s.text)
        await s.press("x")
        await s.until(lambda: "Never" not in s.text)


def test_an_image_with_the_name_of_another_kind_is_what_it_is(tmp_path: Path) -> None:
    pixels = Image.new("RGB", (4, 3))
    for kind, name in (("JPEG", "a.png"), ("WEBP", "b.jpg"), ("PNG", "c.webp")):
        pixels.save(tmp_path / name, kind)
        assert image_file(name, tmp_path).media == f"image/{kind.lower()}"


# R: F2
async def test_a_file_that_is_no_image_is_told_in_the_form(tmp_path: Path, beach: Path):
    (beach.parent / "empty.jpg").touch()
    (beach.parent / "words.png").write_text("no image at all")
    os.mkfifo(beach.parent / "pipe.png")
    async with at_images(tmp_path, offering()) as s:
        await s.press("u")
        for typed, words in (
            ("", "Say which file, such as beach.jpg."),
            ("notes.txt", "It must be a PNG, JPEG or WebP image"),
            ("empty.jpg", "That file is empty."),
            ("words.png", "There is no PNG, JPEG or WebP image in it."),
            ("pipe.png", "That is not a file."),
            ("nowhere.png", "That file can't be read: No such file or directory."),
        ):
            s.app.screen.query_one("#field-path", Input).value = typed
            await s.press("ctrl+s")
            await s.settle()
            assert words in " ".join(s.text.split())


# R: F2
async def test_what_is_said_of_an_image_can_be_changed_and_the_image_removed(tmp_path: Path):
    scene = offering()
    show(scene, scene.ana, "Bech", images.png())
    async with at_images(tmp_path, scene) as s:
        await s.press("E")
        s.app.screen.query_one("#field-caption", Input).value = "Beach"
        await s.press("enter")
        await s.until(lambda: "Beach" in s.text and "edited" in s.text)
        await s.press("x")
        await s.press("down", "enter")
        await s.until(lambda: "Removed by Ana." in s.text)


# --- pixels ------------------------------------------------------------------------------------------


def test_an_image_keeps_its_proportions_in_any_box() -> None:
    wide, tall = pictures.opened(images.png(width=90, height=30)), pictures.opened(images.png(width=30, height=90))
    for box in ((28, 8), (40, 12), (3, 1), (1, 1)):
        for pixels in (wide, tall):
            rows = pixels.boxed(*box)
            assert 0 < len(rows[0]) <= box[0]
            assert 2 <= len(rows) <= 2 * box[1]
            assert len(rows) % 2 == 0
    assert (len(wide.boxed(28, 8)[0]), len(wide.boxed(28, 8))) == (28, 10)
    assert (len(tall.boxed(28, 8)[0]), len(tall.boxed(28, 8))) == (5, 16)


def test_what_is_no_image_or_too_large_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"", b"\x1b]0;mine\x07", images.encoded(images.drawn(), "GIF"), images.png()[:50]):
        with pytest.raises(NoPicture):
            pictures.opened(data)
    monkeypatch.setattr(pictures, "MOST_PIXELS", 100)
    with pytest.raises(NoPicture, match="too many pixels"):
        pictures.opened(images.png())


def test_what_is_transparent_is_seen_on_something() -> None:
    clear = pictures.opened(images.encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0))))
    assert clear.boxed(2, 1)[0][0] == pictures.BEHIND


@pytest.mark.usefixtures("each_frame")
async def test_a_view_without_room_or_signs_is_no_fault(tmp_path: Path) -> None:
    scene = offering()
    show(scene, scene.ben, "x" * 300, images.png())
    async with at_images(tmp_path, scene, size=(30, 12)) as s:
        await s.press("enter")
        await s.settle()
        assert isinstance(s.app.screen, PictureScreen)
        assert s.app.screen.query_one(PictureView).is_mounted
