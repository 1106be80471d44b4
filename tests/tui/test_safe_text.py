"""What people wrote is drawn as they wrote it, wherever it appears, and never read as anything else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.tui.conftest import Stage, staged
from tests.tui.scenes import NASTY, Scene
from tests.tui.standins import World
from textual.widgets import Input

import roadcrew_tui
from roadcrew_domain.hotels import OpenHotelVoting, ShortlistHotel, VoteHotel
from roadcrew_domain.money import Money
from roadcrew_domain.polls import CastVote, OpenPoll
from roadcrew_tui import plain, render

ROOT = Path(roadcrew_tui.__file__).parent

# --- the rule: only render.py makes something to draw --------------------------------------------

MAKERS = {"Content", "Text"}
FORBIDDEN_CALLS = {"from_markup", "from_rich_text", "from_text", "styled", "with_tooltip"}
DRAWN_BY_TEXTUAL = {"Static", "Label", "Option", "Button", "Checkbox", "RadioButton"}
DRAWN_ATTRIBUTES = {"tooltip", "border_title", "border_subtitle", "sub_title", "placeholder"}
OTHERS_WORDS = {"name", "question", "text", "city", "destination", "url", "subject", "detail", "who", "what"}


def _is_ours(node: ast.expr | None, maker: str = "render") -> bool:
    """A literal of ours, or something that render.py made, or what else is named."""
    if node is None or isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        return node.func.value.id == maker
    return False


def _named(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def offences(source: str) -> list[str]:
    """What a module does that only render.py may, by line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        where = f"line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in DRAWN_ATTRIBUTES and not _is_ours(node.value):
                    found.append(f"{where}: .{target.attr} reads markup")
        if not isinstance(node, ast.Call):
            continue
        name = _named(node)
        first = node.args[0] if node.args else None
        markup = next((k.value for k in node.keywords if k.arg == "markup"), None)
        if markup is not None and not (isinstance(markup, ast.Constant) and markup.value is False):
            found.append(f"{where}: markup is never on")
        if name in MAKERS and isinstance(node.func, ast.Name):
            found.append(f"{where}: {name}(…) belongs into render.py")
        if name in FORBIDDEN_CALLS:
            found.append(f"{where}: {name}(…) belongs into render.py")
        if name == "notify" and markup is None:
            found.append(f"{where}: notify reads markup unless markup=False")
        if name in DRAWN_BY_TEXTUAL and isinstance(node.func, ast.Name) and not _is_ours(first):
            found.append(f"{where}: {name} needs render.said or a literal")
        if name == "Input" and first is not None and not _is_ours(first, "plain"):
            found.append(f"{where}: Input needs plain.safe")
        if name == "ours" and first is not None:
            leaks = {n.attr for n in ast.walk(first) if isinstance(n, ast.Attribute)} & OTHERS_WORDS
            if leaks:
                found.append(f"{where}: render.ours is for our own words, not for {', '.join(sorted(leaks))}")
    return found


@pytest.mark.parametrize(
    "bad",
    [
        "Content(member.name)",
        "Content.from_markup('[b]x')",
        "Text.from_markup(x)",
        "Static(member.name)",
        "Static(plain.safe(member.name))",
        "Label(f'hello {name}')",
        "Option(hotel.name)",
        "self.notify(words)",
        "self.notify(words, markup=True)",
        "OptionList(markup=x)",
        "widget.border_title = trip.name",
        "widget.tooltip = words",
        "render.ours(f'{member.name} joined')",
        "render.ours(poll.question)",
        "Input(trip.name)",
    ],
)
def test_the_rule_catches(bad: str):
    assert offences(bad)


@pytest.mark.parametrize(
    "good",
    [
        "Static('Welcome')",
        "Static(render.said(member.name))",
        "self.notify(plain.safe(words), markup=False)",
        "render.ours(f'{count} voted')",
        "Input(plain.safe(value))",
    ],
)
def test_the_rule_lets_pass(good: str):
    assert offences(good) == []


def test_nobody_draws_peoples_text_past_render():
    modules = [p for p in ROOT.rglob("*.py") if p.name != "render.py"]
    assert len(modules) > 30
    found = {str(p.relative_to(ROOT)): o for p in modules if (o := offences(p.read_text("utf-8")))}
    assert found == {}


# --- render ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("width", [1, 2, 3, 9, 40])
def test_what_is_said_fits_its_cells_and_controls_nothing(text: str, width: int):
    drawn = render.said(text, width=width).plain
    assert cell_len(drawn) <= width
    assert drawn.isprintable()
    assert cell_len(render.pad(render.said(text), width).plain) == width


def test_a_cut_text_ends_in_an_ellipsis():
    assert render.said("Casa Azul", width=6).plain == "Casa…"
    assert render.said("宿宿宿宿", width=5).plain == "宿宿…"


def test_brackets_are_drawn_as_brackets():
    assert render.said("[bold]x[/]").plain == "[bold]x[/]"
    assert render.template("{who} voted", who="[red]Eve[/]").plain == "[red]Eve[/] voted"
    assert render.template("{who}", who="{what}").plain == "{what}"


def test_text_of_nothing_visible_still_has_a_name():
    assert render.said("\u202e\u200b").plain == "(nameless)"


# --- on the screen --------------------------------------------------------------------------------


def nasty_trip(text: str) -> Scene:
    """Everything that a person can name is named `text`, as if an old server had let it through."""
    world = World()
    ana = world.user("Ana")
    eve = world.user(text)
    raw = _Unchecked()
    with raw:
        trip = world.create(ana, text, destination=text)
        s = Scene(world, trip.id, ana, eve, eve, eve)
        world.join(trip.id, eve)
        s.flight = world.do(trip.id, eve.id, OpenPoll(text, "yes-maybe-no", (text, text + "2")))
        s.drivers = world.do(trip.id, eve.id, OpenPoll(text + "3", "single", (text, text + "2")))
        world.do(trip.id, eve.id, CastVote(s.flight, answers=((f"{s.flight}.0", "yes"),)))
        s.azul = world.do(
            trip.id, eve.id, ShortlistHotel(text, text, 3, Money(100, "EUR"), "https://x.example/" + text)
        )
        world.do(trip.id, eve.id, OpenHotelVoting("cheapest"))
        world.do(trip.id, eve.id, VoteHotel(s.azul))
    return s


class _Unchecked:
    """The domain's door held open, to see that the screen does not lean on it."""

    def __enter__(self) -> None:
        from roadcrew_domain import hotels, text

        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(text, "checked", lambda given, **_: given)
        self._patch.setattr(text, "checked_or_none", lambda given, **_: given)
        self._patch.setattr(hotels, "_link", lambda url: url)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


def shown(text: str, width: int = 12) -> str:
    """The beginning of a text as it should stand on the screen."""
    return render.said(text, width=width).plain.rstrip("….")


def harmless(s: Stage) -> None:
    assert s.app.is_running
    for line in s.text.split("\n"):
        assert line.isprintable()
        assert cell_len(line) == 80


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_nasty_names_are_drawn_literally_on_every_screen_of_a_trip(tmp_path: Path, text: str):
    scene = nasty_trip(text)
    async with staged(tmp_path, scene) as s:
        harmless(s)
        # Title, needs, plan, crew, happenings.
        assert s.text.count(shown(text, 7)) >= 5
        await s.press("2")
        await s.until(lambda: s.app.focused is not None and s.app.focused.id == "polls")
        harmless(s)
        assert s.text.count(shown(text, 7)) >= 3
        await s.press("down")
        harmless(s)
        await s.press("enter", "e")
        await s.until(lambda: s.app.screen.query("#ask"), "the question")
        harmless(s)
        assert shown(text, 7) in s.text
        await s.press("escape", "3")
        await s.until(lambda: s.app.focused is not None and s.app.focused.id == "hotels")
        harmless(s)
        assert shown(text, 7) in s.text
        await s.press("d")
        await s.until(lambda: s.app.screen.query("#ask"), "the question")
        harmless(s)
        await s.press("escape", "E")
        await s.until(lambda: s.app.screen.query("#form"), "the form")
        harmless(s)
        await s.press("escape", "i")
        await s.until(lambda: s.app.screen.query("#invite"), "the invite")
        harmless(s)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_nasty_names_are_drawn_literally_in_toasts_menus_and_the_lobby(tmp_path: Path, text: str):
    scene = nasty_trip(text)
    async with staged(tmp_path, scene) as s:
        with _Unchecked():
            scene.world.do(scene.trip_id, scene.ben.id, OpenPoll(text + "4", "single", ("a", "b")))
        await s.until(lambda: len(s.app._notifications) > 0, "a toast")
        await s.settle()
        assert shown(text, 7) in next(iter(s.app._notifications)).message
        harmless(s)
        s.rows("crew").focus()
        await s.press("down", "enter")
        await s.until(lambda: s.app.screen.query("#ask"), "the menu")
        harmless(s)
        await s.press("escape", "q")
        await s.until(lambda: s.app.screen.query("#trips"), "the lobby")
        await s.sees(shown(text, 7))
        harmless(s)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("keys", [("n",), ("colon",)], ids=["form", "palette"])
async def test_what_is_pasted_is_drawn_literally(tmp_path: Path, keys: tuple[str, ...], text: str):
    async with staged(tmp_path, in_trip=False) as s:
        await s.press(*keys)
        await s.until(lambda: s.app.screen.query(Input), "a field")
        await s.paste(f"{text}\tand more\nnot this line")
        field = s.app.screen.query(Input).first()
        assert field.value.endswith(" and more")
        assert field.value.isprintable()
        harmless(s)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["newline", "as terminals do", "both"])
def test_a_pasted_line_ends_where_it_ended(end: str):
    assert plain.pasted(f"one{end}two") == "one\ntwo"


def test_the_window_title_can_not_be_used_to_write_to_the_terminal():
    for text in NASTY.values():
        assert plain.sentence("{trip} - Roadcrew", trip=text).isprintable()


def test_a_scene_of_nasty_names_really_holds_them():
    trip = nasty_trip(NASTY["escape"]).world.trips
    assert all("\x1b" in t.name for t in trip.values())
