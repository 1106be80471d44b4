"""What our screens have in common: actions by key, by the last line and by palette. No layout."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual import events, on
from textual.binding import Binding, BindingsMap
from textual.screen import Screen
from textual.widget import Widget

from roadcrew_tui import commands, render
from roadcrew_tui.commands.base import Command, Place, shown_key
from roadcrew_tui.screens.layout import TellingCompositor
from roadcrew_tui.widgets.lines import KeyLine, Part, TitleLine

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp


W = TypeVar("W", bound=Widget)

QUIT_SAID = 3.0
"""Seconds for which it is said how to quit."""
LOOKING = "Looking…"
NOT_FOUND = "That can't be looked up now. Go back, and come again later."
STAYS = Binding("escape", "stay", "Stay", show=False)
"""For screens that have nothing behind them."""


def bindings(*modules: str) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """The bindings of the actions of some modules."""
    return [
        Binding(c.keys, f"command('{c.id}')", c.title, show=False, id=c.id)
        for module in modules
        for c in commands.of(module)
        if c.keys
    ]


class CommandScreen(Screen[None]):
    """A screen whose actions are `Command`s."""

    MODULES: ClassVar[tuple[str, ...]] = ("everywhere",)
    back_words: ClassVar[str] = "back"
    looking = LOOKING
    """What is said where there is nothing yet of what `look_up` asks for."""
    _is_mapped = False

    def __init__(self) -> None:
        super().__init__()
        self._compositor = TellingCompositor()
        self._found: dict[type[Widget], Widget] = {}

    @on(events.Mount)
    def _mounted(self) -> None:
        self.map_keys()

    def map_keys(self) -> None:
        """Have the keys that the settings say. Textual's own keymap would take a key away from all actions that have
        it, and one key means another thing in each tab."""
        keymap = self.crew_app.settings.keymap
        if keymap or self._is_mapped:
            from roadcrew_tui.keymap import mapped  # noqa: PLC0415 - few have other keys

            own = self._merged_bindings or BindingsMap()
            self._bindings.key_to_bindings = mapped(own.key_to_bindings, keymap, self.MODULES)
            self._is_mapped = bool(keymap)

    @property
    def crew_app(self) -> RoadcrewApp:
        """The app, as what it is."""
        return cast("RoadcrewApp", self.app)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where we are, for what is available."""
        raise NotImplementedError

    def one(self, kind: type[W]) -> W | None:
        """The part of this screen that is of this kind; None while there is none. As long as it is there it is looked
        for once: each action asks where it is, for each key."""
        found = self._found.get(kind)
        if found is None or not found.is_attached:
            found = next(iter(self.query(kind)), None)
            if found is not None:
                self._found[kind] = found
        return cast("W | None", found)

    def offered(self) -> list[Command]:
        """What can be done right now."""
        return [c for module in self.MODULES for c in commands.of(module) if self._offers(c)]

    def _offers(self, command: Command) -> bool:
        lent = self.crew_app.host.lends(*command.needs)
        return lent and any(place in self.places for place in command.places) and command.available(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of actions that are not offered do nothing."""
        if action == "command":
            return any(c.id == parameters[0] and self._offers(c) for m in self.MODULES for c in commands.of(m))
        return super().check_action(action, parameters)

    async def action_command(self, command_id: str) -> None:
        """Run an action; whatever goes wrong is said in its own words."""
        command = commands.find(command_id)
        if command.at_once:
            await self.crew_app.guarded(command.on_screen(self))
        else:
            self.start(command)

    def start(self, command: Command) -> None:
        """Run an action that may ask something, beside whatever else happens."""
        self.run_worker(self._carry_out(command), group="commands", name=command.id)

    async def _carry_out(self, command: Command) -> None:
        """An action before this one may have left the screen: what is asked there would go down with it, and take the
        app along (a dialog that opens does what is left to do for the app, in a worker of the screen that goes)."""
        if self in self.app.screen_stack:
            await self.crew_app.guarded(command.on_screen(self))

    # --- what the server is asked for ------------------------------------------------------------

    def look_up(self, work: Coroutine[Any, Any, None], group: str) -> None:
        """Do what asks the server for what is shown here. If that fails, `looking` says so too."""
        self.run_worker(self.crew_app.guarded(self._looked_up(work)), group=group)

    async def _looked_up(self, work: Coroutine[Any, Any, None]) -> None:
        self.looking = LOOKING
        try:
            await work
        except Exception:
            self.looking = NOT_FOUND
            self.redraw()
            raise

    def redraw(self) -> None:
        """Draw everything."""

    async def go_back(self) -> None:
        """What `esc` and `q` do."""
        self.leave()

    def action_stay(self) -> None:
        """`esc` where there is nothing behind: one too many must not end the app."""
        end = commands.find("app.quit")
        key = shown_key(self.crew_app.settings.keymap.get(end.id, end.keys))
        self.crew_app.say(f"Press {key} to quit." if key else "Press ctrl+c twice to quit.", seconds=QUIT_SAID)

    def leave(self) -> bool:
        """Take this screen away; whether it was still there. A second key of a burst comes too late: it would take
        away what is below."""
        here = self.app.screen is self
        if here:
            self.app.pop_screen()
        return here

    # --- the last line ---------------------------------------------------------------------------

    def hints(self) -> list[tuple[str, str, str]]:
        """More of the last line, before the actions: (id, key, words)."""
        return []

    def show_keys(self) -> None:
        """Draw the last line anew, unless the screen is being left."""
        if not self.query(KeyLine):
            return
        keymap = self.crew_app.settings.keymap
        first = [Part(f"={i}", render.key_hint(key, words)) for i, key, words in self.hints()]
        if getattr(self.focused, "takes_keys", False):
            self.query_one(KeyLine).show(first)
            return
        shown: list[Part] = []
        kept: list[Part] = []
        # What belongs to the tab comes before what belongs to the whole trip.
        for c in sorted(
            self.offered(), key=lambda c: (not c.first_in_footer, c.always_in_footer or "trip" in c.places)
        ):
            words = self.back_words if c.id == "app.back" else c.footer_words(self)
            if words:
                part = Part(c.id, render.key_hint(shown_key(keymap.get(c.id, c.keys)), words))
                (kept if c.always_in_footer else shown).append(part)
        self.query_one(KeyLine).show([*first, *shown], kept)

    @on(TitleLine.Clicked)
    def _title_clicked(self, event: TitleLine.Clicked) -> None:
        """Where it says that changes wait, a click leads to them."""
        event.stop()
        show = commands.find("waiting.show")
        if show in self.offered() and show.footer_words(self):
            self.start(show)

    @on(KeyLine.Clicked, "KeyLine")
    async def _key_clicked(self, event: KeyLine.Clicked) -> None:
        event.stop()
        hint = event.part.removeprefix("=")
        if hint == event.part:
            self.start(commands.find(event.part))
        elif hint == "leave":
            await self.go_back()
        else:
            choose = getattr(self.focused, "action_choose", None)
            act = getattr(self.focused, f"action_{hint}", choose)
            if act is not None:
                act()
