"""Every screen as it looked when somebody last looked at it, with people who mean harm and with no end of everything.

CONTRIBUTING says how to look at the pictures, and how to keep new ones. What is drawn depends on no clock, zone,
locale or habit of the computer that draws it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import time_machine
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from tests.tui.conftest import SIZES, Stage, folders, staged
from tests.tui.drawing import drawn, picture
from tests.tui.extremes import FAMILY, ONE_WORD, SENTENCE, WIDE, booking, endless, hostile, open_door, quoting
from tests.tui.importing import importing
from tests.tui.measured import POLLING
from tests.tui.outbox import all_kinds
from tests.tui.placing import placed
from tests.tui.scenes import NASTY, Scene
from tests.tui.showing import gallery
from tests.tui.talk_stage import conversation, had_read
from textual.widgets import Input, TextArea

from roadcrew_client.figures import Noted
from roadcrew_domain.hotels import UnshortlistHotel, VoteHotel
from roadcrew_domain.trip import DeleteTrip
from roadcrew_tui.messages import TokenChanged
from roadcrew_tui.settings import Settings, save

MOMENT = "2027-05-02T15:40:00+00:00"
LEFT_IN = Path(__file__).parents[2] / "snapshot-failures"
SCENES: dict[str, tuple[Callable[[], Scene], str]] = {
    "hostile": (hostile, NASTY["click"] + NASTY["escape"]),
    "endless": (endless, SENTENCE * 3),
}
"""Trips, and what is pasted there."""
STARTS = {"book": booking, "quotes": quoting, "images": gallery, "talk": conversation, "places": placed}
"""What more there is where some views begin."""
PASTED = "what the scene says"


def offline(s: Stage) -> None:
    """Changes wait."""
    s.world.set_status(state="offline", waiting=3)


def signed_out(s: Stage) -> None:
    """The session has ended, and nobody asked for that."""
    s.app.post_message(TokenChanged(False))


def changes_wait(s: Stage) -> None:
    """Changes of every kind wait."""
    s.world.delivery.waiting = all_kinds(s.scene)
    s.world.delivery.tell()


def told(s: Stage) -> None:
    """Somebody else does something, while a sentence of this length is there."""
    s.world.do(s.scene.trip_id, s.scene.ben.id, VoteHotel(s.scene.alfama))
    s.app.say(s.scene.ana.name * 8, "warning")


def dropped(s: Stage) -> None:
    """A hotel is not on the list any more."""
    s.world.do(s.scene.trip_id, s.scene.ana.id, UnshortlistHotel(s.scene.azul))


def deleted(s: Stage) -> None:
    """The trip is not there any more."""
    s.world.do(s.scene.trip_id, s.scene.ana.id, DeleteTrip())


def polls(s: Stage) -> None:
    """Streams do not get through, and the server's words are those of the scene."""
    words = s.scene.ana.name
    s.world.figures = replace(
        POLLING,
        error=Noted(POLLING.at, "x", words),
        epoch=words,
        cursor=words,
        events=(*POLLING.events[:-1], replace(POLLING.events[-1], type=words)),
        moves=(*POLLING.moves[:-1], replace(POLLING.moves[-1], error=words)),
    )
    client = s.app.link._client
    assert client is not None
    client.figures.bytes_in, client.figures.bytes_out = 1_234_567, 89_000


def at_home(s: Stage) -> None:
    """The settings file is where it is on every computer."""
    s.app.folders = replace(s.app.folders, config=Path("/home/ana/.config/roadcrew"))


@dataclass(frozen=True)
class View:
    """A screen: where it begins, what happens there, the keys that lead to it, and what must be there then."""

    name: str
    keys: tuple[str, ...]
    wanted: str
    start: str = "trip"
    event: Callable[[Stage], None] | None = None
    toasts: int = 0


VIEWS = (
    View("welcome", (), "#welcome-choices", "welcome"),
    View("welcome-join", ("j", PASTED, "tab"), "#form", "welcome"),
    View("welcome-plan", ("n", PASTED, "tab", "enter"), "#form", "welcome"),
    View("welcome-sign-in", ("S", PASTED, "tab", PASTED, "tab"), "#form", "welcome"),
    View("welcome-help", ("question_mark",), "#help", "welcome"),
    View("lobby", (), "#trips", "lobby"),
    View("lobby-offline", (), "#trips", "lobby"),
    View("lobby-signed-out", (), "#trips", "lobby", signed_out),
    View("lobby-sign-in", ("S", PASTED, "tab", PASTED), "#form", "lobby"),
    View("lobby-join", ("j", PASTED), "#form", "lobby"),
    View("lobby-plan-refused", ("n", PASTED, PASTED, PASTED, PASTED, "ctrl+s"), "#form", "lobby"),
    View("lobby-help", ("question_mark", "end"), "#help", "lobby"),
    View("lobby-palette", ("colon",), "CommandList", "lobby"),
    View("overview", (), "#tab-overview"),
    View("overview-offline", (), "#tab-overview", event=offline),
    View("overview-signed-out", (), "#tab-overview", event=signed_out, toasts=1),
    View("overview-sign-in-again", ("S",), "#form", event=signed_out),
    View("overview-crew-end", ("tab", "tab", "end"), "#tab-overview"),
    View("overview-member", ("tab", "tab", "down", "enter"), "#ask"),
    View("overview-remove", ("tab", "tab", "down", "enter", "down", "enter"), "#ask"),
    View("overview-toasts", (), "#tab-overview", event=told, toasts=2),
    View("overview-help", ("question_mark",), "#help"),
    View("overview-palette", ("colon", "a"), "CommandList"),
    View("lobby-waiting", (), "#trips", "lobby", changes_wait, toasts=1),
    View("overview-waiting", (), "#tab-overview", event=changes_wait, toasts=1),
    View("waiting", ("w",), "#changes", event=changes_wait),
    View("waiting-drop", ("w", "end", "up", "d"), "#ask", event=changes_wait),
    View("waiting-help", ("w", "question_mark"), "#help", event=changes_wait),
    View("inspector", ("I",), "#inspector", event=polls),
    View("inspector-end", ("I", "end"), "#inspector", event=polls),
    View("inspector-lobby", ("I",), "#inspector", "lobby"),
    View("inspector-help", ("I", "question_mark"), "#help", event=polls),
    View("history", ("h",), "#history", event=dropped),
    View("history-by", ("h", "b"), "#ask", event=dropped),
    View("deleted", ("D",), "#deleted", "lobby", deleted),
    View("deleted-restore", ("D", "enter"), "#ask", "lobby", deleted),
    View("invite", ("i",), "#invite"),
    View("invite-new", ("i", "n"), "#form"),
    View("edit", ("E",), "#form"),
    View("rename", ("N",), "#form"),
    View("polls", (), "#sheet", "polls"),
    View("polls-end", ("end",), "#sheet", "polls"),
    View("polls-matrix", ("enter", "y", "down", "m"), "#sheet", "polls"),
    View("polls-matrix-end", ("enter", "end"), "#sheet", "polls"),
    View("polls-bars", ("down", "enter", "space", "down"), "#sheet", "polls"),
    View("polls-bars-end", ("down", "enter", "end"), "#sheet", "polls"),
    View("polls-new", ("n", PASTED, "tab", "right", "tab", PASTED, "enter", PASTED, "enter"), "#form", "polls"),
    View("polls-new-refused", ("n", PASTED, "ctrl+s"), "#form", "polls"),
    View("polls-ask-end", ("e",), "#ask", "polls"),
    View("hotels", (), "#hotels", "hotels"),
    View("hotels-end", ("end", "space"), "#hotels", "hotels"),
    View("hotels-add", ("a", PASTED, "tab", "tab", PASTED, "tab"), "#form", "hotels"),
    View("hotels-drop", ("d",), "#ask", "hotels"),
    View("hotels-ask-end", ("e",), "#ask", "hotels"),
    View("imports", ("f", "down", "enter", "down"), "#imported", "quotes"),
    View("imports-refused", ("f", "r", "enter", "end"), "#refused", "quotes"),
    View("imports-file", ("f", "n", PASTED), "#files", "quotes"),
    View("imports-cancel", ("f", "x"), "#ask", "quotes"),
    View("quotes", ("enter", "space", "down"), "#qu-head", "quotes"),
    View("quotes-end", ("enter", "end", "tab", "end"), "#qu-head", "quotes"),
    View("quotes-over", ("down", "down", "enter", "down"), "#qu-head", "quotes"),
    View("quotes-stay", ("n", "enter", "down", "space"), "#form", "quotes"),
    View("quotes-vehicle", ("n", "down", "enter", PASTED), "#form", "quotes"),
    View("quotes-stop", ("x",), "#ask", "quotes"),
    View("talk", (), "#co-stream", "talk"),
    View("talk-end", ("end",), "#co-stream", "talk"),
    View("talk-line", ("c", PASTED, "ctrl+j", "@"), "#line", "talk"),
    View("talk-more", ("end", "enter"), "#ask", "talk"),
    View("posts", ("right",), "#part-posts", "places"),
    View("blogs", ("right", "right", "end"), "#blogs", "places"),
    View("blog", ("right", "right", "home", "enter"), "#text", "places"),
    View("blog-end", ("right", "right", "home", "enter", "end"), "#text", "places"),
    View("blog-link", ("right", "right", "home", "enter", "o", "enter"), "#ask", "places"),
    View("blog-write", ("right", "right", "W", PASTED, "tab", PASTED, "tab"), "#writing", "places"),
    View("rate", ("asterisk",), "#ask", "places"),
    View("hotels-talked", ("3",), "#hotels", "places"),
    View("hotel-talk", ("3", "T"), "#talk-view", "places"),
    View("saved", ("B", "b"), "#saved", "places"),
    View("images", ("6", "left"), "#part-images", "images"),
    View("images-full", ("6", "left", "up", "enter"), "#picture-view", "images"),
    View("images-send", ("6", "left", "u", PASTED), "#files", "images"),
    View("book", ("enter", "enter", "enter", "plus", "down", "plus"), "#bk-sum", "book"),
    View("book-cart", ("tab",) * 3, "#cart", "book"),
    View("book-pay", ("tab", "tab", "tab", "p"), "#ask", "book"),
    View("book-receipt", ("tab", "tab", "tab", "tab", "c"), "#receipt", "book"),
    View("settings", ("comma", "down", "down", "down"), "#settings", event=at_home),
    View("settings-name", ("comma", "end", "up", "up", "enter", PASTED), "#form", event=at_home),
    View("settings-looks", ("comma", "enter", "down", "down", "down"), "#looks", event=at_home),
    View("search", ("ctrl+f", "a", "down"), "#search", "talk"),
    View("search-nothing", ("ctrl+f", PASTED, "q", "q"), "#search", "lobby"),
)


def each() -> Iterator[Any]:
    """Every screen in one of the two trips; with `--full` in both."""
    for n, view in enumerate(VIEWS):
        for k, scene in enumerate(SCENES):
            marks = () if k == n % len(SCENES) else (pytest.mark.only_full,)
            yield pytest.param(view, scene, marks=marks, id=f"{view.name}-{scene}")


EACH = tuple(each())


class TextFile(SingleFileSnapshotExtension):
    """One file a screen."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def kept(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(TextFile)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A moment that stands, and a computer that has no habits."""
    for name in ("NO_COLOR", "LC_ALL", "LC_MONETARY", "LC_CTYPE", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _: None)
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda _: None)
    with time_machine.travel(MOMENT, tick=False):
        yield
    monkeypatch.undo()
    time.tzset()


async def lead(s: Stage, view: View, text: str) -> None:
    """Go where the view is."""
    if view.event is not None:
        view.event(s)
        await s.until(lambda: len(s.app._notifications) >= view.toasts, "toasts")
        await s.settle()
    for key in view.keys:
        await (s.paste(text) if key is PASTED else s.press(key))
    await s.until(lambda: s.app.screen.query(view.wanted), view.wanted)
    if not view.toasts:
        s.app.clear_notifications()
    await s.settle()


def leave(folder: Path, name: str, s: Stage) -> Path:
    """Leave the screen as a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.svg"
    file.write_text(picture(s.app, name), "utf-8")
    return file


@pytest.mark.parametrize(("view", "scene"), EACH)
@pytest.mark.usefixtures("each_frame")
async def test_a_screen_looks_as_it_did(
    view: View,
    scene: str,
    tmp_path: Path,
    kept: SnapshotAssertion,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
):
    make, text = SCENES[scene]
    made = make()
    save(folders(tmp_path), Settings(), name=made.ana.name)
    if view.name == "lobby-offline":
        async with staged(tmp_path, made, in_trip=False):
            made.world.down = True
    if view.name.startswith("imports"):
        monkeypatch.chdir(tmp_path)
        with open_door():
            importing(made, [*NASTY.values()] if scene == "hostile" else [SENTENCE, ONE_WORD, WIDE, FAMILY])
    if view.start == "images":
        monkeypatch.chdir(tmp_path)
    more = STARTS.get(view.start)
    if more is not None and not view.name.startswith("imports"):
        more(made, [*NASTY.values()] if scene == "hostile" else [SENTENCE, ONE_WORD, WIDE, FAMILY])
    if view.start == "talk":
        had_read(tmp_path, made, 3)
    at = "talk" if view.start == "places" else view.start
    tab = at if at in ("polls", "hotels", "quotes", "book", "talk") else ""
    first_run, in_trip = view.start == "welcome", view.start != "lobby"
    async with staged(tmp_path, made, size=SIZES[0], tab=tab, in_trip=in_trip, first_run=first_run) as s:
        await lead(s, view, text)
        for columns, rows in SIZES:
            await s.resize(columns, rows)
            name = f"{scene}-{view.name}-{columns}x{rows}"
            pictures = pytestconfig.getoption("pictures")
            if pictures:
                leave(Path(pictures), name, s)
            if scene == "hostile":  # elsewhere Rich loses a cell where the edge of a dialog cuts an emoji family
                assert {(cell_len(line), line.isprintable()) for line in s.text.split("\n")} == {(columns, True)}, name
            now = drawn(s.app)
            assert now == kept(name=f"{columns}x{rows}"), f"look at {leave(LEFT_IN, name, s)}"
        if full:  # without room nothing can be read, and nothing breaks
            for columns, rows in ((1, 1), (2, 9), (9, 2)):
                await s.resize(columns, rows)


def test_no_screen_is_kept_that_nobody_draws():
    kept_in = Path(__file__).parent / "__snapshots__" / "test_snapshots"
    sizes = [f"{columns}x{rows}" for columns, rows in SIZES]
    drawn_here = {f"test_a_screen_looks_as_it_did[{one.id}][{size}].txt" for one in EACH for size in sizes}
    assert {file.name for file in kept_in.iterdir()} == drawn_here
