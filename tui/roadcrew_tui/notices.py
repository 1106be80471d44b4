"""Notices for somebody who does not look at this terminal: that they were mentioned, that a poll closes. A bell, or a
notice on the desktop, as the settings say; told in our own words, with names in them that were cleaned as all are.

Not for who looks: the screen tells them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from os import environ
from typing import TYPE_CHECKING

from roadcrew_tui import plain
from roadcrew_tui.messages import Mentioned
from roadcrew_tui.notice_link import mention
from roadcrew_tui.snapshot import Snapshot
from roadcrew_tui.when import amount_of

if TYPE_CHECKING:
    from textual.timer import Timer

    from roadcrew_domain.events import Event
    from roadcrew_domain.polls import Poll
    from roadcrew_domain.trip import Trip
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.visibility import Told

CHOSEN = {
    "bell": "When you don't look: a bell if you are mentioned, or a poll closes.",
    "desktop": "When you don't look: a notice on the desktop if you are mentioned, or a poll closes.",
    "off": "When you don't look, nothing is told.",
}
"""What is said of a choice."""
GATHERED = 1.5
"""Seconds in which what is to be told is gathered into one notice."""
REST = 20.0
"""Seconds at least between two notices: a lively talk is no siren."""
POLL_LOOK = 15.0
"""Seconds between two looks at the deadlines of polls."""
SOON = timedelta(minutes=15)
"""Who has not voted is told so long before a poll closes."""
_OSC_9 = ("iTerm.app", "WezTerm", "ghostty")
_OSC_777 = ("foot", "rxvt-unicode")


class Notices:
    """Of one app. While nobody looks, what people say in the open trip is listened to (notice_link.py)."""

    def __init__(self, app: RoadcrewApp) -> None:
        self._app = app
        self._since: datetime | None = None
        self._waiting: list[str] = []
        self._heard: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self._rang = -REST
        self._looking: Timer | None = None
        self._ringing: Timer | None = None
        self.words = ""
        """The last notice, until somebody looks: the window's title has it."""

    def signal(self, told: Told) -> None:
        """Somebody looks away, or is back."""
        if told == "hidden":
            self._begin()
        elif self._since is not None:
            self._end()

    def mentioned(self, news: Mentioned) -> None:
        """Somebody has mentioned this person in the open trip. It may be heard of twice."""
        trip = self._trip
        if trip is None or self._since is None or news.item in self._heard or news.by in self._app.muting.ids:
            return
        self._heard.add(news.item)
        self._tell(plain.sentence("{who} mentioned you in {trip}", who=news.name, trip=trip.name))

    def talked(self, events: Iterable[Event]) -> None:
        """Something was said in what is followed, which does not rest at once when somebody looks away."""
        if self._since is None or self._app.me is None:
            return
        for event in events:
            if (news := mention(event, self._app.me.id)) is not None:
                self.mentioned(news)

    @property
    def _open(self) -> Snapshot | None:
        """The trip that is open; None if none is."""
        drawn = (getattr(screen, "snapshot", None) for screen in self._app.open_screens)
        return next((known for known in drawn if isinstance(known, Snapshot) and known.trip is not None), None)

    @property
    def _trip(self) -> Trip | None:
        return None if self._open is None else self._open.trip

    def _begin(self) -> None:
        known = self._open
        if self._since is not None or known is None or self._app.settings.notices == "off":
            return
        self._since = known.now()
        self._looking = self._app.set_interval(POLL_LOOK, self._look)
        if "talk" in self._app.served:
            self._app.link.notices.listen(known.trip_id)

    def _end(self) -> None:
        self._since = None
        self._app.link.notices.end()
        for timer in (self._looking, self._ringing):
            if timer is not None:
                timer.stop()
        self._looking = self._ringing = None
        self._waiting.clear()
        self._heard.clear()
        if self.words:
            self.words = ""
            self._app.title_again()

    # --- polls -----------------------------------------------------------------------------------

    def _look(self) -> None:
        known, trip = self._open, self._trip
        if known is not None and trip is not None and self._untold(trip, known.now()):
            self._app.run_worker(self._look_closely, group="notices", exclusive=True)  # type: ignore[arg-type]

    async def _look_closely(self) -> None:
        """Ask how it is: what is followed rests while nobody looks, and they may have voted elsewhere."""
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - not before the first paint

        known, trip = self._open, self._trip
        if known is None or trip is None:
            return
        with suppress(RoadcrewError, LookupError):  # then what is known has to do
            trip = await self._app.link.call(lambda client: client.trip(known.trip_id))
        for key, words in self._untold(trip, known.now()):
            self._told.add(key)
            self._tell(words)

    def _untold(self, trip: Trip, now: datetime) -> list[tuple[tuple[str, str], str]]:
        me = self._app.me
        if me is None or self._since is None:
            return []
        found = closing(trip.polls.values(), me.id, self._since, now)
        return [(key, words) for key, words in found if key not in self._told]

    # --- telling ---------------------------------------------------------------------------------

    def _tell(self, words: str) -> None:
        self._waiting.append(words)
        if self._ringing is None:
            wait = max(GATHERED, self._rang + REST - self._app.clock())
            self._ringing = self._app.set_timer(wait, self._ring)

    def _ring(self) -> None:
        """One notice for all that waits."""
        waiting, self._waiting, self._ringing = self._waiting, [], None
        more = len(waiting) - 1
        self.words = f"{waiting[0]}, and {more} more" if more else waiting[0]
        self._rang = self._app.clock()
        notice = desktop(self.words, environ) if self._app.settings.notices == "desktop" else None
        self._app.send_terminal(notice or "\x07")
        self._app.title_again()


def closing(polls: Iterable[Poll], me: str, since: datetime, now: datetime) -> list[tuple[tuple[str, str], str]]:
    """What there is to tell of polls to somebody who is away since then, each under a key of its own: those that close
    soon in which this person has not voted, and those that have ended."""
    found = []
    for poll in sorted(polls, key=lambda poll: poll.opened_at):
        ends = poll.closed_at or poll.closes_at
        if ends is not None and since < ends <= now:
            found.append(((poll.id, "ended"), plain.sentence("The poll ended: {poll}", poll=poll.question)))
        elif ends is not None and now < ends <= now + SOON and me not in poll.ballots:
            words = f"{{poll}} closes in {amount_of(ends - now)}, and you have not voted"
            found.append(((poll.id, "soon"), plain.sentence(words, poll=poll.question)))
    return found


def desktop(words: str, env: Mapping[str, str]) -> str | None:
    """What makes a terminal show this as a notice on the desktop; None where it is not known to be one that does. Of
    tmux nothing gets through, but it marks the window in which a bell rang."""
    term, program = env.get("TERM", ""), env.get("TERM_PROGRAM", "")
    words = words.replace(";", ",")  # it ends a part of these sequences
    if "TMUX" in env or term.startswith(("tmux", "screen")):
        return None
    if program in _OSC_9 or term in ("xterm-kitty", "xterm-ghostty"):
        return f"\x1b]9;Roadcrew: {words}\x07"
    if term.startswith(_OSC_777) or "VTE_VERSION" in env:
        return f"\x1b]777;notify;Roadcrew;{words}\x07"
    return None
