"""The app: what outlives a screen (settings, memory, the link) and what all screens share.

Who we are at which server is standing.py's, what this person likes preferring.py's, and what is said beside the
screens saying.py's.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.geometry import Offset
from textual.scrollbar import ScrollBar
from textual.widgets import Input

from roadcrew_tui import graphics, host, plain
from roadcrew_tui import settings as prefs
from roadcrew_tui.booking import Booking
from roadcrew_tui.collector import spare_what_is_here
from roadcrew_tui.drafts import Drafts
from roadcrew_tui.keeping import Keeper
from roadcrew_tui.link import CLOSING, Link
from roadcrew_tui.maker import Maker, RealMaker
from roadcrew_tui.memory import Memory
from roadcrew_tui.messages import Mentioned, RunChanged, TalkChanged, TripChanged
from roadcrew_tui.muting import Muting
from roadcrew_tui.notices import Notices
from roadcrew_tui.screens.tabs import import_all
from roadcrew_tui.settings import Folders
from roadcrew_tui.snapshot import TalkSnapshot
from roadcrew_tui.thumbs import Thumbs
from roadcrew_tui.uploads import Uploads
from roadcrew_tui.visibility import Looked, Sign, step
from roadcrew_tui.widgets.thumb import Thumb

if TYPE_CHECKING:
    from roadcrew_domain.places import Entity

QUIT_WITHIN = 2.0
"""Seconds in which a second ctrl+c means it."""
TERMINAL_LOOK = 2.0
"""Seconds between two looks whether there still is a terminal."""
IDLE_LOOK = 10.0
"""Seconds between two looks at how long nobody has pressed anything."""
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
        self.memory = Memory(self.folders)
        self.keeper = Keeper()
        self.drafts = Drafts(self.folders.state / "drafts", self.keeper)
        self.muting = Muting(self)
        self.thumbs = Thumbs(self)
        self.uploads = Uploads(self)
        ScrollBar.renderer = Thumb
        super().__init__()
        self.server = self.host.server or server or os.environ.get("ROADCREW_SERVER") or self.settings.server
        if self.server is None and any(trouble.unreadable for trouble in self.settings.troubles):
            self.server = self.memory.last_server()
        self.invite = invite
        self.first_trip = trip
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

    def on_key(self, event: events.Key) -> None:
        """What is typed in a hurry after a key that led to a line to write in belongs to that line. It was on its way
        from where the focus was before; the line itself lets no letter come as far as here."""
        line = self.focused
        if getattr(line, "takes_keys", False) and line is not None and (event.is_printable or event.key == "enter"):
            event.prevent_default()
            line.post_message(events.Key(event.key, event.character))

    def remember(self) -> None:
        """Keep what this terminal remembers. It is a comfort: a full disk is no reason to stop, nor to say so."""
        self.keeper.keep(self.folders.memory_file, self.memory.written())

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

    # --- events ----------------------------------------------------------------------------------

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
            event.text = plain.pasted(event.text)
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
