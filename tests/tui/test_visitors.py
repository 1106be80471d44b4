"""Somebody who visits another person's computer, by ssh or in a browser, uses nothing of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.tui.book_stage import at_the_desk, bookable
from tests.tui.conftest import Stage, staged
from tests.tui.scenes import lisbon
from tests.tui.test_gallery import at_images, offering
from tests.tui.test_imports_screen import at_imports
from tests.tui.test_receipts import order
from tests.tui.test_writing import writing
from textual.app import SuspendNotSupported

from roadcrew_domain.refusals import Refused
from roadcrew_tui import commands, host, outside_editor, plan_file
from roadcrew_tui.cli import main
from roadcrew_tui.commands.palette import Palette
from roadcrew_tui.maker import RealMaker
from roadcrew_tui.oneshot import footing
from roadcrew_tui.screens.links import open_link
from roadcrew_tui.screens.receipt import ReceiptScreen
from roadcrew_tui.screens.shown_text import ShownText
from roadcrew_tui.screens.trip import TripScreen

NEEDS = {
    "app.look-around": {"processes"},
    "import.new": {"files"},
    "image.show": {"files"},
    "say.fetch": {"files"},
    "settings.edit": {"files", "editor", "suspend"},
}
"""Every other action is for visitors."""
NEEDS_OF_ARGUMENTS = {("trip.export", "file"): {"files"}, ("book.receipt", "ics"): {"files"}}
OF_A_FILE = {"file", "ics", "path", "folder", "out", "picture"}


# R: T2
def test_whether_an_action_is_for_visitors_is_said_of_each():
    for c in commands.everything():
        assert c.needs == NEEDS.get(c.id, set()), c.id
        for a in c.arguments:
            assert a.needs == NEEDS_OF_ARGUMENTS.get((c.id, a.name), set()), f"{c.id} {a.name}"
            if a.name in OF_A_FILE:
                assert "files" in c.needs | a.needs, f"{c.id} takes a file of the host"


def test_a_visitor_is_whoever_the_environment_says_and_owns_nothing_here():
    assert host.here({}) == host.OWN == host.here({"ROADCREW_VISITOR": "0"})
    for word in ("1", "yes", "off"):
        assert host.here({"ROADCREW_VISITOR": word}).parts == frozenset()
    assert host.OWN.reaches("https://anywhere.example")


def test_a_visitor_reaches_the_hosts_server_alone_however_it_is_spelled():
    there = host.here({"ROADCREW_VISITOR": "1", "ROADCREW_SERVER": "https://trips.example/"})
    assert there.reaches("https://trips.example:443")
    for other in (
        "http://trips.example",
        "https://trips.example/x",
        "https://ana@trips.example",
        "",
        "https://[",
        "::",
    ):
        assert not there.reaches(other), other
    assert host.here({"ROADCREW_VISITOR": "1"}).reaches("http://127.0.0.1:8787")


def test_a_visitor_without_a_folder_of_their_own_is_not_let_in():
    assert host.trouble({"ROADCREW_VISITOR": "1"}) == host.NO_HOME
    assert host.trouble({"ROADCREW_VISITOR": "1", "ROADCREW_HOME": "/v"}) is None is host.trouble({})


# --- without a screen ----------------------------------------------------------------------------


@pytest.fixture
def visiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Somebody who visits. Returns a folder of the host, in which their terminal was started."""
    theirs = tmp_path / "host"
    theirs.mkdir()
    (theirs / "hotels.csv").write_text("name,city\nCasa Azul,Lisbon\n")
    (theirs / "beach.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.chdir(theirs)
    for name, value in (
        ("VISITOR", "1"), ("HOME", str(tmp_path / "visitor")), ("TOKEN", "of-the-host"), ("SERVER", "http://127.0.0.1:8787")
    ):  # fmt: skip
        monkeypatch.setenv(f"ROADCREW_{name}", value)
    for name, value in (("EDITOR", "vi"), ("VISUAL", "vi"), ("DISPLAY", ":0"), ("HOME", str(theirs))):
        monkeypatch.setenv(name, value)
    return theirs


@pytest.mark.usefixtures("visiting")
@pytest.mark.parametrize(
    "line",
    [
        "demo", "serve", "admin", "price-monitor", "pilot x.tape", "simulate", "doctor", "web", "config path",
        "config edit", "man --out .", "nothing-known", "-- demo", "import hotels.csv", "talk image a.png",
        "talk fetch 1 a.png", "trip export a.txt", "cart receipt --ics a.ics",
    ],
)  # fmt: skip
def test_no_sub_command_starts_programs_or_touches_files_for_a_visitor(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for starts in ("os.execv", "subprocess.Popen"):  # a server would take this very process
        monkeypatch.setattr(starts, None)
    assert main(line.split()) == 1
    assert "You are a visitor on this computer" in capsys.readouterr().err


@pytest.mark.usefixtures("visiting")
def test_a_sub_command_reaches_no_other_server(capsys: pytest.CaptureFixture[str]):
    for line in ("trip list", "whoami", "watch", "login --username ana"):
        assert main([*line.split(), "--server", "http://127.0.0.1:9999"]) == 1
    assert main(["trip", "join", "K7QM-2D4F@127.0.0.1:9999"]) == 1
    assert capsys.readouterr().err.count("other servers than its own can't be used from here") == 5


@pytest.mark.usefixtures("visiting")
def test_what_is_about_to_touch_the_computer_is_refused_besides(tmp_path: Path):
    with pytest.raises(Refused, match="its files"):
        plan_file.file_of("plan.txt")
    with pytest.raises(Refused, match="its files"):
        plan_file.put(tmp_path / "plan.txt", "", over=True)
    with pytest.raises(Refused, match="an editor"):
        outside_editor.edit("words", ["true"], longest=10)


def test_whose_computer_it_is_may_do_all(tmp_path: Path):
    assert plan_file.file_of("plan.txt") == Path("plan.txt")
    plan_file.put(tmp_path / "plan.txt", "all", over=False)
    assert outside_editor.edit("words", ["true"], longest=10) == "words"


# R: S7
@pytest.mark.usefixtures("visiting")
def test_a_token_of_the_hosts_is_never_a_visitors_and_theirs_goes_into_a_file_unasked(tmp_path: Path):
    vault = RealMaker(tmp_path / "visitor" / "data", "http://127.0.0.1:8787").vault(lambda *_: True)
    at = footing(None)
    assert vault.find("http://127.0.0.1:8787") is None is at.credentials.find(at.address)
    assert vault.save("http://127.0.0.1:8787", "mine") == "file"
    assert (tmp_path / "visitor" / "data" / "credentials.json").stat().st_mode & 0o777 == 0o600
    found = at.credentials.find(at.address)
    assert found is not None
    assert (found.token, found.place) == ("mine", "file")


OUT_OF_REACH = ("demo", "serving", "doctor", "pilot", "simulation", "shell", "web")
"""What is behind sub-commands that are not for visitors."""
ASKS_FIRST = {
    "commands/headless_cart.py", "commands/headless_talk.py", "feed_files.py", "image_files.py", "outside_editor.py",
    "plan_file.py", "screens/links.py", "screens/path_form.py",
}  # fmt: skip
"""What names files of the host or starts programs, and asks `must_lend` before."""
NEEDS_NOT = {
    "commands/headless_imports.py": "its files are read by feed_files.py",
    "screens/export.py": "its file is put there by plan_file.py",
    "screens/receipt.py": "it asks the app's host",
    "settings.py": "the folder of this person",
}
TOUCHES = re.compile(
    r"subprocess|webbrowser|Path\.cwd\(|expanduser\(|\.home\(\)|os\.(scandir|listdir|walk|exec|spawn|system|popen)"
)


def test_a_module_that_names_files_of_the_host_or_starts_programs_asks_whether_it_may():
    root = Path(host.__file__).parent
    sources = {file.relative_to(root).as_posix(): file.read_text("utf-8") for file in root.rglob("*.py")}
    touching = {n for n, text in sources.items() if TOUCHES.search(text)}
    touching = {n for n in touching if n.removesuffix(".py").split("/")[0] not in OUT_OF_REACH}
    assert touching == ASKS_FIRST | set(NEEDS_NOT)
    assert {n for n in ASKS_FIRST if "must_lend(" not in sources[n]} == set()


# --- at the screen -------------------------------------------------------------------------------

_ears: list[tuple[str, str]] | None = None


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if _ears is not None and event in ("open", "os.listdir", "os.scandir", "subprocess.Popen", "os.exec", "os.system"):
        _ears.append((event, str(args[0])))


sys.addaudithook(_hear)  # which can't be taken away; it hears while somebody listens


@pytest.fixture
def untouched(visiting: Path) -> Iterator[Path]:
    """All that was opened, listed or started is looked through at the end: nothing of the host is among it."""
    global _ears
    heard: list[tuple[str, str]] = []
    _ears = heard
    yield visiting
    _ears = None
    assert heard, "nothing was heard at all"
    started = [what for event, what in heard if event in ("subprocess.Popen", "os.exec", "os.system")]
    of_the_host = [what for _, what in heard if what in (".", "") or str(visiting) in what]
    assert (started, of_the_host) == ([], [])
    assert sorted(file.name for file in visiting.iterdir()) == ["beach.png", "hotels.csv"]


def toasts(s: Stage) -> str:
    return "\n".join(n.message for n in s.app._notifications)


async def palette(s: Stage) -> set[str]:
    return {str(hit.text) async for hit in Palette(s.app.screen).discover()}


async def refused(s: Stage, command_id: str, why: str = "its files") -> None:
    """It is offered nowhere, and does nothing all the same."""
    command = commands.find(command_id)
    assert command.title not in await palette(s)
    for key in filter(None, command.keys.split(",")):
        await s.press(key)
    before = s.app.screen
    s.app.screen.start(command)  # type: ignore[attr-defined]
    await s.until(lambda: why in toasts(s), f"no to {command_id}")
    assert s.app.screen is before


async def test_a_visitor_imports_no_file_of_the_host(tmp_path: Path, untouched: Path):
    scene = lisbon()
    scene.world.features = ("overview", "polls", "hotels", "quotes", "imports")
    async with at_imports(tmp_path, scene) as s:
        assert "for the whole crew." in " ".join(s.text.split())
        assert "Press n" not in s.text
        await refused(s, "import.new")


async def test_a_visitor_shows_no_image_of_the_host(tmp_path: Path, untouched: Path):
    async with at_images(tmp_path, offering()) as s:
        assert "Enter chooses" not in s.text
        await s.press("enter")
        await s.until(lambda: "its files" in toasts(s))
        await refused(s, "image.show")


async def test_a_visitor_keeps_no_plan_in_a_file_and_sees_what_would_be_printed(tmp_path: Path, untouched: Path):
    async with staged(tmp_path) as s:
        await s.press("K")
        await s.press("enter")
        await s.sees("Show it")
        assert "Save it" not in s.text
        await s.press("down", "enter")
        await s.until(lambda: isinstance(s.app.screen, ShownText))
        await s.sees("Lisbon in May")
        await s.press("escape")
        await s.until(lambda: isinstance(s.app.screen, TripScreen))


async def test_a_visitors_text_goes_to_no_editor_and_their_screen_to_no_shell(tmp_path: Path, untouched: Path):
    async with staged(tmp_path) as s:
        await writing(s)
        assert "editor" not in s.text
        await s.press("ctrl+o")
        await s.sees("an editor on it can't be used from here")
        await s.press("ctrl+z")
        with pytest.raises(SuspendNotSupported), s.app.suspend():
            pass
        s.app.action_suspend_process()


async def test_a_visitor_opens_no_browser_on_the_hosts_desktop(tmp_path: Path, untouched: Path):
    async with staged(tmp_path) as s:
        s.app.run_worker(open_link(s.app, ["https://example.org"]))
        await s.sees("Copy the address")
        assert "Open it in the browser" not in s.text


async def test_a_visitor_keeps_no_receipt_in_a_file(tmp_path: Path, untouched: Path):
    async with at_the_desk(tmp_path, bookable()) as s:
        s.app.push_screen(ReceiptScreen("ana", order(), "Simulated"))
        await s.sees("RECEIPT")
        assert "save for a calendar" not in s.text
        await s.press("s")
        await s.until(lambda: "its files" in toasts(s))


async def test_what_a_visitor_shares_is_shown_on_the_screen_instead_of_below_it(tmp_path: Path, untouched: Path):
    async with staged(tmp_path) as s:
        await s.press("s")
        await s.until(lambda: s.app.shared)
        await s.press("p")
        await s.until(lambda: isinstance(s.app.screen, ShownText))
        await s.sees("Join Lisbon in May on Roadcrew")


async def test_a_visitor_is_offered_what_is_theirs_in_each_place_and_help_tells_of_nothing_else(
    tmp_path: Path, untouched: Path
):
    forbidden = {commands.find(name).title for name in NEEDS}
    async with staged(tmp_path, offering()) as s:
        for key in ("1", "2", "3", "6"):
            await s.press(key)
            offered = await palette(s)
            assert "Keep or mail the plan" in offered
            assert forbidden & offered == set()
        await s.press("question_mark")
        await s.until(lambda: s.app.screen.query("#help"))
        assert not any(f"{title}." in s.text for title in forbidden)


# R: T2
async def test_a_visitor_joins_at_the_hosts_server_alone_also_by_its_public_address(tmp_path: Path, untouched: Path):
    scene = lisbon()
    scene.world.public_url = "https://trips.example"
    async with staged(tmp_path, scene, in_trip=False, first_run=True) as s:
        assert "Look around" not in s.text  # a server is known, so this is the lobby
        invite = scene.world.trips[scene.trip_id].invite
        assert invite is not None
        code = invite.code
        await s.press("j")
        await s.type(f"https://evil.example/j/{code}")
        await s.press("enter")
        await s.type("Zoe")
        await s.press("enter")
        await s.sees("This invite is for another server")
        assert scene.world.asked == 1
        s.app.screen.query_one("#field-invite").value = f"https://trips.example/j/{code}"  # type: ignore[attr-defined]
        await s.press("ctrl+s")
        await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.app.screen.trip is not None, "the trip")
        assert s.app.server == "http://127.0.0.1:8787"


async def test_nothing_that_is_said_to_a_visitor_tells_where_their_folder_is(tmp_path: Path, untouched: Path):
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.toml").write_text("theme = [")
    async with staged(tmp_path) as s:
        s.app.host = replace(s.app.host, folder=str(tmp_path))  # as ROADCREW_HOME has it where it is not a test
        s.app.say(f"It is kept in {tmp_path}/data/credentials.json.")
        await s.until(lambda: "It is kept here." in toasts(s))
        s.app.say(f"{tmp_path}/config/config.toml:3: this is not TOML.")
        await s.until(lambda: "your folder/config/config.toml:3: this" in toasts(s))
        assert str(tmp_path) not in "".join(toasts(s).split("\n")[-2:])
        await s.press("comma")
        await s.sees("SETTINGS")
        assert s.text.split("\n")[0].split() == ["SETTINGS"]
