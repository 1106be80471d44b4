"""The app: what outlives a screen (settings, memory, the link) and what all screens share.

Who we are at which server is standing.py's.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import constants, events, on
from textual.app import SuspendNotSupported, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.geometry import Offset
from textual.notifications import Notify
from textual.scrollbar import ScrollBar
from textual.widgets import Input

from roadcrew_tui import graphics, host, render, symbols, when
from roadcrew_tui import settings as prefs
from roadcrew_tui.booking import Booking
from roadcrew_tui.collector import spare_what_is_here
from roadcrew_tui.drafts import Drafts
from roadcrew_tui.keeping import Keeper
from roadcrew_tui.link import CLOSING, Link
from roadcrew_tui.maker import Maker, RealMaker
from roadcrew_tui.memory import Memory
from roadcrew_tui.muting import Muting
from roadcrew_tui.notices import CHOSEN, Notices
from roadcrew_tui.screens.base import CommandScreen
from roadcrew_tui.screens.tabs import import_all
from roadcrew_tui.settings import Folders, Settings, SettingsFile
from roadcrew_tui.snapshot import Mentioned, NotKept, RunChanged, TalkChanged, TalkSnapshot, TripChanged
from roadcrew_tui.themes import THEMES, look
from roadcrew_tui.thumbs import Thumbs
from roadcrew_tui.uploads import Uploads
from roadcrew_tui.visibility import Looked, Sign, step
from roadcrew_tui.widgets.thumb import Thumb

if TYPE_CHECKING:
    from roadcrew_domain.places import Entity

QUIT_WITHIN = 2.0
"""Seconds in which a second ctrl+c means it."""
MOST_TOASTS = 3
TERMINAL_LOOK = 2.0
"""Seconds between two looks whether there still is a terminal."""
IDLE_LOOK = 10.0
"""Seconds between two looks at how long nobody has pressed anything."""
SETTLED = 3.0
"""Seconds for what is to be kept of settings, before their file is read again."""
HERE = ("key_pressed", "shown", "resumed")
"""What the link is told of somebody who is here, or back."""
SIGNS: dict[type[events.Event], Sign] = {
    events.Key: "key",
    events.Paste: "key",
    events.MouseDown: "key",
    events.MouseScrollDown: "key",
    events.MouseScrollUp: "key",
    events.MouseMove: "pointer",
    events.AppFocus: "focus",
    events.AppBlur: "blur",
}


def _palette() -> type[Provider]:
    from roadcrew_tui.commands.palette import Palette  # noqa: PLC0415 - when it is opened

    return Palette


class RoadcrewApp(Booking):
    """Ends with None, or with `demo` when somebody wants to look around."""

    TITLE = "Roadcrew"
    # The default screen's own sheet is not loaded by Textual, so those two stand here.
    CSS_PATH = ["app.tcss", "screens/lobby.tcss", "screens/welcome.tcss"]  # noqa: RUF012 - as App has it
    COMMANDS = {_palette}  # noqa: RUF012 - as App has it
    COMMAND_PALETTE_BINDING = "ctrl+p"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as App has it
    NOTIFICATION_TIMEOUT = 6
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "interrupt", "Quit", show=False, system=True)]

    def __init__(
        self,
        *,
        server: str | None = None,
        invite: str | None = None,
        trip: str | None = None,
        folders: Folders | None = None,
        maker: Maker | None = None,
    ) -> None:
        """`server` instead of the last one, `invite` to join, `trip` to open at once.

        `server` is one that this person chose, never one that an invite names: `ROADCREW_TOKEN` may be for it.
        """
        self.host = host.here()
        self.folders = folders or Folders.of_this_person()
        self.settings: Settings = prefs.load(self.folders)
        self._settings_file = SettingsFile(self.folders, self.settings)
        self.memory = Memory(self.folders)
        self.keeper = Keeper()
        self.drafts = Drafts(self.folders.state / "drafts", self.keeper)
        self.muting = Muting(self)
        self.thumbs = Thumbs(self)
        self.uploads = Uploads(self)
        symbols.use(self.settings.symbols)
        when.use(self.settings.clock, self.settings.locale)
        ScrollBar.renderer = Thumb
        super().__init__()
        for theme in THEMES.values():
            self.register_theme(theme)
        self.wear(self.settings.theme)
        if not self.settings.animations:
            self.animation_level = "none"
        self.server = self.host.server or server or os.environ.get("ROADCREW_SERVER") or self.settings.server
        self.invite = invite
        self.first_trip = trip
        self.shared: str | None = None
        self.home = prefs.home_server(self.settings, self.host.server or server)
        keeps = self.settings.keep_sign_in is not False
        pace = (self.settings.poll_fastest, self.settings.poll_slowest)
        self.link = Link(self.post_message, maker or RealMaker(self.folders.data, self.home), keeps=keeps, pace=pace)
        self.talk = TalkSnapshot()
        """What is said of all that some screen looks at."""
        self.clock: Callable[[], float] = monotonic
        self._looked = Looked(self.clock())
        self._interrupted = -QUIT_WITHIN
        self.notices = Notices(self)
        self._window_title = "Roadcrew"
        self._farewell = ""
        self._waits = 0

    # --- start and end ---------------------------------------------------------------------------

    def get_default_screen(self) -> Any:
        """My trips, or the one question of a first run; an invite is asked about above either."""
        if self.server is None:
            from roadcrew_tui.screens.welcome import WelcomeScreen  # noqa: PLC0415 - one of the two

            return WelcomeScreen()
        from roadcrew_tui.screens.lobby import LobbyScreen  # noqa: PLC0415 - one of the two

        return LobbyScreen()

    def on_ready(self) -> None:
        """The first screen is painted: now the rest."""
        spare_what_is_here()
        threading.Thread(target=import_all, name="roadcrew-imports", daemon=True).start()
        self.link.start()
        if not self.is_headless and sys.__stdin__ is not None and sys.__stdin__.isatty():
            self.set_interval(TERMINAL_LOOK, self._end_without_terminal)
        self.app_suspend_signal.subscribe(self, lambda _: self._sign("suspend"))
        self.app_resume_signal.subscribe(self, lambda _: self._sign("resume"))
        self.set_interval(IDLE_LOOK, lambda: self._sign("time"))
        self.window_title()
        if self.settings.trouble:
            self.say(self.settings.trouble, "warning")
        if self.server is not None and self.invite is None:
            self.run_worker(self.guarded(self.begin(self.server)), group="link")
        elif self.invite is not None:
            self.run_worker(self.guarded(self.begin_with(self.invite)), group="link")

    def _end_without_terminal(self) -> None:
        """A terminal that vanished without a signal would be read for ever, as fast as the machine can."""
        if sys.__stdin__ is None or not sys.__stdin__.isatty():
            self.exit(return_code=1)

    async def begin(self, server: str) -> None:
        """Open the server of last time and list the trips there."""
        from roadcrew_client.links import base_address  # noqa: PLC0415 - not before the first paint

        try:
            base_address(server)
        except ValueError:  # from the settings or the environment; forms check what is typed
            self.trouble = "The server's address is not one. Look at ROADCREW_SERVER, and at server in the settings."
            self._tell_lobby()
            return
        self.be(await self.reaching(self.link.open(server)))
        if self.user is not None:
            self.run_worker(self.guarded(self.resume_booking()), group="booking")
        await self.list_trips()
        if self.first_trip is not None and self.user is not None:
            trip, self.first_trip = self.first_trip, None
            self.open_trip(trip)

    async def begin_with(self, invite: str) -> None:
        """Join by an invite; whoever thinks better of it gets the trips of the last server."""
        from roadcrew_tui.screens.entry import join_trip  # noqa: PLC0415 - only with an invite

        await join_trip(self, invite)
        if self.server is not None and self.user is None:
            await self.begin(self.server)

    async def on_unmount(self) -> None:
        """Leave cleanly: others see at once that we are gone."""
        self.remember()
        self._waits = await self.link.close()
        await asyncio.to_thread(self.keeper.settle, CLOSING)

    # --- a fault of ours -------------------------------------------------------------------------

    def run(self, *args: Any, **kwargs: Any) -> str | None:
        """Run until the end, and say what still waits; after a fault the program ends with status 1, whoever started
        the app."""
        graphics.ask()
        result = super().run(*args, **kwargs)
        if self._waits:
            many = f"{self._waits} changes wait and are" if self._waits > 1 else "1 change waits and is"
            print(f"{many} sent next time. To look: roadcrew waiting list", file=sys.stderr)
        if self.return_code:
            sys.exit(self.return_code)
        return result

    def _fatal_error(self) -> None:
        """Textual would print the traceback with all locals, and passwords are among them."""
        from roadcrew_tui.faults import keep_traceback  # noqa: PLC0415 - let us hope never

        self._farewell = self.host.told(keep_traceback(self.folders.state, self._exception))
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:
        """Nor what an error draws of itself."""
        self._fatal_error()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
        if self._farewell:
            self.error_console.print(self._farewell, markup=False, highlight=False, soft_wrap=True)
            self._farewell = ""

    # --- what screens ask for --------------------------------------------------------------------

    @property
    def looked_at(self) -> bool:
        """Whether somebody looks at this terminal, as far as it can tell."""
        return self._looked.state == "shown"

    def show_lobby(self) -> None:
        """The list of trips as the screen below everything."""
        from roadcrew_tui.screens.lobby import LobbyScreen  # noqa: PLC0415 - may not be needed

        if not any(isinstance(s, LobbyScreen) for s in self.screen_stack):
            self.push_screen(LobbyScreen())

    def open_trip(self, trip_id: str) -> None:
        """Show a trip."""
        from roadcrew_tui.screens.trip import TripScreen  # noqa: PLC0415 - not before the first paint

        self.push_screen(TripScreen(trip_id))

    def open_talk(
        self,
        entity: Entity,
        name: str,
        trip_id: str | None = None,
        *,
        of: str = "",
        left: Callable[[], object] = lambda: None,
    ) -> None:
        """Show what is said and given of something; `of` is where it is or whose. `left` is called when the person
        leaves it."""
        from roadcrew_tui.screens.talk_screen import TalkScreen  # noqa: PLC0415 - not before the first paint

        self.push_screen(TalkScreen(entity, name, of=of, trip_id=trip_id, left=left))

    def say(self, words: str, severity: str = "information", *, seconds: float | None = None) -> None:
        """A toast. The only way to one: it never reads markup. What is still there is not said twice."""
        told = render.safe(self.host.told(words))
        if any(shown.message == told and not shown.has_expired for shown in self._notifications):
            return
        self.notify(
            told,
            severity=severity,  # type: ignore[arg-type]
            timeout=seconds,
            markup=False,
        )

    def on_key(self, event: events.Key) -> None:
        """What is typed in a hurry after a key that led to a line to write in belongs to that line. It was on its way
        from where the focus was before; the line itself lets no letter come as far as here."""
        line = self.focused
        if getattr(line, "takes_keys", False) and line is not None and (event.is_printable or event.key == "enter"):
            event.prevent_default()
            line.post_message(events.Key(event.key, event.character))

    def on_notify(self, _: Notify) -> None:
        """Room for one more: the oldest goes, news before warnings."""
        shown = sorted(self._notifications, key=lambda n: (n.severity != "information", n.raised_at))
        for old in shown[: max(0, len(shown) + 1 - MOST_TOASTS)]:
            self._unnotify(old, refresh=False)

    def change_settings(self, **changes: object) -> None:
        """Keep a choice; a disk that won't is told of, and the choice holds until the app ends."""
        now = prefs.changed(self.settings, **changes)
        if now != self.settings:
            self.settings = now
            self.keeper.do(self.folders.settings_file, lambda: self._keep_settings(now), self._not_kept)

    def _keep_settings(self, now: Settings) -> None:
        trouble = self._settings_file.keep(now)
        if trouble:
            self.post_message(NotKept(trouble))

    def _not_kept(self, error: OSError) -> None:
        self.post_message(NotKept(f"Your settings can't be kept: {error.strerror}."))

    def remember(self) -> None:
        """Keep what this terminal remembers. It is a comfort: a full disk is no reason to stop, nor to say so."""
        self.keeper.keep(self.folders.memory_file, self.memory.written())

    def wear(self, name: str) -> None:
        """Have the look of this name."""
        self.register_theme(look(name))
        self.theme = name

    def next_look(self) -> None:
        """Dark, light, the terminal's own, and round again; any other is followed by dark."""
        at = prefs.LOOKS.index(self.theme) if self.theme in prefs.LOOKS else -1
        self.set_now(theme=prefs.LOOKS[(at + 1) % len(prefs.LOOKS)])

    async def read_settings_again(self) -> None:
        """Have what the file says now, which somebody has edited; what is wrong with it is said."""
        await asyncio.to_thread(self.keeper.settle, SETTLED)
        now = await asyncio.to_thread(prefs.load, self.folders)
        self._settings_file = SettingsFile(self.folders, now)
        self.settings = now
        self.set_now()
        if now.trouble:
            self.say(now.trouble, "warning")

    def next_symbols(self) -> None:
        """Unicode or ASCII signs."""
        self.set_now(symbols="unicode" if self.settings.symbols == "ascii" else "ascii")

    def set_now(self, **changes: object) -> None:
        """Change settings as `change_settings` does, and have what changes on the screens at once."""
        self.change_settings(**changes)
        mine = self.settings
        self.wear(mine.theme)
        self.animation_level = constants.TEXTUAL_ANIMATIONS if mine.animations else "none"
        symbols.use(mine.symbols)
        when.use(mine.clock, mine.locale)
        self.link.pace(mine.poll_fastest, mine.poll_slowest)
        self.link.keeps(mine.keep_sign_in is not False)
        for screen in self.open_screens:
            if isinstance(screen, CommandScreen):
                screen.map_keys()
        self.redraw_all()

    def next_notices(self) -> None:
        """A bell, a notice on the desktop, nothing, and round again."""
        chosen = prefs.NOTICES[(prefs.NOTICES.index(self.settings.notices) + 1) % len(prefs.NOTICES)]
        self.change_settings(notices=chosen)
        self.say(CHOSEN[chosen])

    def redraw_all(self) -> None:
        """Draw every screen anew."""
        for screen in self.open_screens:
            if hasattr(screen, "redraw") and screen.is_mounted:
                screen.redraw()

    @property
    def cursor_position(self) -> Offset:
        """Where Textual puts the terminal's own cursor with each paint: where this person is. It is not seen, but
        screen magnifiers and input methods follow it, and a tape's `Wait+Line` looks there."""
        here = self.focused
        if here is None:
            return self._cursor_set
        return getattr(here, "cursor_screen_offset", here.content_region.offset)

    @cursor_position.setter
    def cursor_position(self, position: Offset) -> None:
        self._cursor_set = position

    def window_title(self, trip: object = None, needs: int = 0) -> None:
        """Say in the terminal's title which trip this is and how many things need me."""
        words = render.sentence("{trip} - Roadcrew", trip=trip) if trip is not None else "Roadcrew"
        self._window_title = f"({needs}) {words}" if needs else words
        self.title_again()

    def title_again(self) -> None:
        """The title as it is to be now: a notice stands before it until somebody looks."""
        notice = self.notices.words
        self.send_terminal(f"\x1b]2;{f'* {notice} - Roadcrew' if notice else self._window_title}\x07")

    def send_terminal(self, sequence: str) -> None:
        """What a terminal obeys and does not draw. Of people's words only what `render` has cleaned may be in it."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def copy(self, text: str) -> None:
        """To the clipboard by OSC 52; nobody can know whether it arrived."""
        self.copy_to_clipboard(text)

    def share(self, text: str) -> None:
        """To the clipboard, with a way out when that did not work."""
        self.shared = text
        self.copy(text)
        self.say("Sent to your clipboard. If pasting fails, press p to print it.", seconds=8)

    def print_below(self, text: str) -> None:
        """Leave the screen for a moment and print, for terminals whose clipboard can't be reached. Whoever can't leave
        it sees the text on it."""
        if not self.host.lends("suspend") or self._driver is None or not self._driver.can_suspend:
            from roadcrew_tui.screens.shown_text import ShownText  # noqa: PLC0415 - seldom

            self.push_screen(ShownText(text))
            return
        with self.suspend():
            sys.stdout.write(f"\n{text}\n\nPress enter to go back. ")
            sys.stdout.flush()
            sys.stdin.readline()

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """As Textual has it; raises `SuspendNotSupported` also for visitors, who would be at the host's shell."""
        if not self.host.lends("suspend"):
            raise SuspendNotSupported(host.refusal("suspend"))
        with super().suspend():
            yield

    def action_suspend_process(self) -> None:
        """Likewise."""
        if self.host.lends("suspend"):
            super().action_suspend_process()

    # --- events ----------------------------------------------------------------------------------

    @on(NotKept)
    def _told_not_kept(self, event: NotKept) -> None:
        self.say(event.words, "warning")

    @on(TripChanged)
    def _trip_changed(self, event: TripChanged) -> None:
        for screen in self.open_screens:
            feed = getattr(screen, "feed", None)
            if feed is not None:
                feed(event.snapshot, event.news)

    @on(RunChanged)
    def _run_changed(self, event: RunChanged) -> None:
        for screen in self.open_screens:
            if hasattr(screen, "show_run"):
                screen.show_run(event.run)

    @on(TalkChanged)
    def _talk_changed(self, event: TalkChanged) -> None:
        self.talk = event.talk
        self.notices.talked(event.news.events)
        for screen in self.open_screens:
            if hasattr(screen, "show_talk"):
                screen.show_talk(event.news)

    @on(Mentioned)
    def _mentioned(self, event: Mentioned) -> None:
        self.notices.mentioned(event)

    async def on_event(self, event: events.Event) -> None:
        """Each sign of somebody here or away, whoever it is for. And what is pasted comes from anywhere; Textual would
        draw it as it came."""
        if type(event) in SIGNS and not event.is_forwarded:
            self._sign(SIGNS[type(event)])
        if isinstance(event, events.Paste):
            event.text = render.pasted(event.text)
        await super().on_event(event)

    def _sign(self, sign: Sign) -> None:
        self._looked, told = step(self._looked, sign, self.clock(), self.settings.idle_minutes * 60)
        if told is not None:
            self.link.signal(told)
            self.notices.signal(told)
        if told in HERE and self.open_screens and hasattr(self.screen, "somebody_is_here"):
            self.screen.somebody_is_here()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In an input only esc, tab and enter act."""
        if action == "command_palette" and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    def get_system_commands(self, screen: Any) -> Any:
        """None of Textual's own: ours are all there are."""
        no: list[SystemCommand] = []
        return no

    def action_interrupt(self) -> None:
        """Once copies what is selected; twice within two seconds quits."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy(selected)
            self.screen.clear_selection()
            return
        now = monotonic()
        if now - self._interrupted < QUIT_WITHIN:
            self.exit()
            return
        self._interrupted = now
        self.say("Press ctrl+c again to quit.", seconds=QUIT_WITHIN)
