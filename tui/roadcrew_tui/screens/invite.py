"""Letting others in: the code, the link, a QR code; to the clipboard, or printed."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content

from roadcrew_domain.crew import Invite
from roadcrew_tui import plain, render, when
from roadcrew_tui.plan import JOINS
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.screens.form import Field, Form, Values
from roadcrew_tui.snapshot import Snapshot
from roadcrew_tui.widgets.buttons import Buttons
from roadcrew_tui.widgets.lines import Lines, Part, PartsLine

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp
    from roadcrew_tui.screens.trip import TripScreen

LASTS = (("1", "1 day"), ("7", "7 days"), ("0", "no end"))
HOW_MANY = (("0", "any"), ("1", "1"), ("5", "5"), ("10", "10"))
ENDS = "The present link and code will let nobody in any more."


def link_of(base: str, code: str) -> str:
    """The address of an invite's page."""
    return f"{base.rstrip('/')}/j/{code}"


def warning_about(link: str) -> str | None:
    """What is wrong with sending this link to somebody, in a sentence."""
    try:
        parts = urlsplit(link)
    except ValueError:  # a server may say anything of its address
        return "This link is no address. Whoever runs the server has set its public address wrong."
    host = parts.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or host.endswith(".localhost")
    if loopback:
        return "This link works only on this computer. Set a public address first: roadcrew serve --public-url URL."
    if parts.scheme != "https":
        return "This link is plain http: what you write can be read on the way. Fine at home, not across the internet."
    return None


def lines_to_share(trip_name: str, link: str) -> str:
    """What goes into a chat."""
    return "\n".join(
        [plain.sentence("Join {name} on Roadcrew: {link}", name=trip_name, link=link, longest=200),
         plain.safe(f"In a terminal: {JOINS} {link}")]
    )  # fmt: skip


class InviteScreen(Dialog[str]):
    """Dismissed with `renew` or `revoke`, or with nothing."""

    CSS_PATH = "invite.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,i,enter", "dismiss('')", "Close", show=False),
        Binding("c", "copy", "Copy", show=False),
        Binding("p", "print", "Print", show=False),
        Binding("n", "dismiss('renew')", "New invite", show=False),
        Binding("x", "dismiss('revoke')", "End invite", show=False),
        Binding("up,down,left,right", "to_keys", "To what can be done", show=False),
    ]
    AUTO_FOCUS = ""  # enter closes, until somebody goes along what can be done

    def __init__(
        self, app: RoadcrewApp, trip_name: str, invite: Invite | None, link: str, snapshot: Snapshot, *, organiser: bool
    ) -> None:
        super().__init__()
        self._crew_app = app
        self._trip_name = trip_name
        self._invite = invite
        self._link = link
        self._snapshot = snapshot
        self._organiser = organiser

    def compose(self) -> ComposeResult:
        """Words left, QR code right."""
        with VerticalScroll(id="invite", can_focus=False):
            with Horizontal(id="invite-both"):
                yield Lines(id="invite-words")
                yield Lines(id="invite-qr")
            yield Buttons(id="invite-keys")

    def on_mount(self) -> None:
        """Everything is known when this opens."""
        self.query_one("#invite-words", Lines).show(self._words)
        qr = self.query_one("#invite-qr", Lines)
        qr.display = self._invite is not None
        if self._invite is not None:
            code = render.qr(self._link)
            qr.styles.width = code.split("\n")[0].cell_length
            qr.show(lambda _: code)
        keys = [("copy", "c", "copy"), ("print", "p", "print")] if self._invite is not None else []
        if self._organiser:
            keys += [("renew", "n", "new invite")]
            keys += [("revoke", "x", "end it")] if self._invite is not None else []
        self.query_one("#invite-keys", Buttons).show(
            [Part(i, render.key_hint(k, w)) for i, k, w in (*keys, ("", "esc", "close"))]
        )

    def _words(self, width: int) -> Content:
        if self._invite is None:
            who = "Press n to make one." if self._organiser else "The organiser can make one."
            return render.stack([render.heading("Invite"), "", "There is no invite now.", who])
        now = self._snapshot.now()
        rows: list[Content | str] = [render.heading("Invite"), *render.said(self._trip_name).wrap(width), ""]
        rows += [render.join(render.ours("Code  ", render.MUTED), render.said(self._invite.code, "bold"))]
        if self._invite.expires_at is not None:
            ends = f"ends {when.clock(self._invite.expires_at, now)}, {when.until(self._invite.expires_at, now)}"
            rows += [render.ours(ends, render.MUTED)]
        if self._invite.max_uses is not None:
            rows += [render.ours(f"{self._invite.uses} of {self._invite.max_uses} used", render.MUTED)]
        rows += ["", render.ours("Link", render.MUTED), *_broken(self._link, width), ""]
        rows += [render.ours("In a terminal", render.MUTED), render.ours(JOINS), *_broken(self._link, width)]
        warning = warning_about(self._link)
        if warning is not None:
            rows += ["", *render.ours(warning, render.WARN).wrap(width)]
        return render.stack(rows)

    def action_to_keys(self) -> None:
        """To what has a letter for a key, by keys that everybody has."""
        self.query_one("#invite-keys", Buttons).focus()

    def on_parts_line_clicked(self, event: PartsLine.Clicked) -> None:
        """The keys by mouse, and by arrows."""
        event.stop()
        if event.part in ("copy", "print"):
            getattr(self, f"action_{event.part}")()
        else:
            self.dismiss(event.part)

    def action_copy(self) -> None:
        """The link alone."""
        if self._invite is not None:
            self._crew_app.share(plain.safe(self._link))

    def action_print(self) -> None:
        """For terminals whose clipboard can't be reached."""
        if self._invite is not None:
            self._crew_app.print_below(lines_to_share(self._trip_name, self._link))


def _broken(link: str, width: int) -> list[Content]:
    """A link has no spaces to wrap at, and is of no use when it is cut."""
    text = plain.safe(link)
    return [render.ours(text[at : at + width], "bold") for at in range(0, len(text), max(1, width))]


async def public_base(screen: TripScreen) -> str:
    """The address under which others reach this server."""
    from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - not before the first paint

    app = screen.crew_app
    if app.public_url is None:
        with suppress(RoadcrewError):
            app.public_url = (await app.link.call(lambda client: client.server_info())).public_url
    return app.public_url or app.server or ""


async def show_invite(screen: TripScreen) -> None:
    """The invite, and what to do with it."""
    from roadcrew_tui.screens.ask import CANCEL, Answer  # noqa: PLC0415 - seldom

    trip = screen.trip
    if trip is not None and trip.invite is None and trip.organiser == screen.me and not await new_invite(screen):
        return
    base = await public_base(screen)
    while (trip := screen.trip) is not None:
        link = link_of(base, trip.invite.code) if trip.invite is not None else ""
        organiser = trip.organiser == screen.me
        shown = InviteScreen(screen.crew_app, trip.name, trip.invite, link, screen.snapshot, organiser=organiser)
        chosen = await screen.app.push_screen_wait(shown)
        if not chosen:
            return
        if chosen == "renew":
            await new_invite(screen)
            continue
        end = Answer(chosen, render.ours("End it"), irreversible=True)
        if await screen.ask("Invite", render.ours(ENDS), [end]) != CANCEL:
            await screen.renew_invite(revoke=True)


async def new_invite(screen: TripScreen) -> bool:
    """Choose how long a new invite holds and for how many, and make it. False when it was left."""
    fields = [
        Field("days", "How long shall it hold?", kind="choice", value="0", options=LASTS),
        Field("uses", "For how many people?", kind="choice", value="0", options=HOW_MANY),
    ]
    before = screen.trip.invite if screen.trip is not None else None

    async def send(values: Values) -> None:
        days, uses = int(values["days"]), int(values["uses"])
        ends = screen.snapshot.now() + timedelta(days=days) if days else None
        await screen.renew_invite(expires_at=ends, max_uses=uses or None)

    lead = ENDS if before is not None else ""
    return await screen.app.push_screen_wait(Form("New invite", fields, send, button="make it", lead=lead))


async def share(screen: TripScreen) -> None:
    """A line for a chat, to the clipboard."""
    trip = screen.trip
    if trip is None:
        return
    if trip.invite is None:
        screen.crew_app.say("There is no invite now. Press i to make one.")
        return
    link = link_of(await public_base(screen), trip.invite.code)
    screen.crew_app.share(lines_to_share(trip.name, link))
    warning = warning_about(link)
    if warning is not None:
        screen.crew_app.say(warning, "warning")
