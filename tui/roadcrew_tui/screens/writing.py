"""Writing something longer, such as a blog: a title, a text, a look at what becomes of it; also in one's own editor.

What is typed is kept as a draft while one writes, until it is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Input, TextArea

from roadcrew_domain.refusals import Refused
from roadcrew_tui import outside_editor, plain, render
from roadcrew_tui.drafts import About, Draft
from roadcrew_tui.host import refusal
from roadcrew_tui.messages import NotKept
from roadcrew_tui.outside_editor import EditorFailed
from roadcrew_tui.screens.ask import CANCEL, Answer, Ask
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.when import clock
from roadcrew_tui.widgets.buttons import Buttons
from roadcrew_tui.widgets.lines import Lines, Part, PartsLine, TitleLine
from roadcrew_tui.widgets.pad import Pad
from roadcrew_tui.widgets.reader import Reader

if TYPE_CHECKING:
    from roadcrew_tui.app import RoadcrewApp

KEPT_AFTER = 1.0
"""Seconds without a key after which a draft is kept."""
NEAR = 0.95
"""The share of the longest text from which on its length is a warning."""

Send = Callable[[str, str], Awaitable[None]]
"""Takes title and text; raises `Refused`."""


@dataclass(frozen=True)
class Sheet:
    """What is to be written. `longest` counts characters; `longest_title` 0: it has no title. `title` and `text` are
    what it was before."""

    heading: str
    button: str
    longest: int
    longest_title: int = 0
    title: str = ""
    text: str = ""


class Writing(Dialog[bool]):
    """Dismissed with True once `send` has accepted it."""

    CSS_PATH = "writing.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("tab", "app.focus_next", "Next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "Before", show=False, priority=True),
        Binding("ctrl+s", "do('send')", "Send", show=False, priority=True),
        Binding("ctrl+r", "do('preview')", "Preview", show=False, priority=True),
        Binding("ctrl+o", "do('editor')", "Your editor", show=False, priority=True),
    ]
    AUTO_FOCUS = "Input, Pad"

    def __init__(self, sheet: Sheet, about: About, send: Send) -> None:
        super().__init__()
        self._sheet = sheet
        self._about = about
        self._send = send
        self._sending = False
        self._timer: Timer | None = None
        self._title, self._text = sheet.title, sheet.text
        self._done = False
        """It was sent, or thrown away: nothing of it is kept."""

    @property
    def _app(self) -> RoadcrewApp:
        return cast("RoadcrewApp", self.app)

    @property
    def _changed(self) -> bool:
        return (self._title, self._text.strip()) != (self._sheet.title, self._sheet.text.strip())

    @property
    def _previews(self) -> bool:
        return bool(self.query_one(Reader).display)

    def compose(self) -> ComposeResult:
        """Title, text or what becomes of it, a sentence, what can be done."""
        with Vertical(id="writing"):
            yield TitleLine(id="writing-title")
            if self._sheet.longest_title:
                yield Lines(id="title-label")
                yield Input(
                    plain.safe(self._sheet.title),
                    compact=True,
                    max_length=4 * self._sheet.longest_title,
                    select_on_focus=False,
                    id="title-field",
                )
            yield Pad(self._sheet.text, 2 * self._sheet.longest)
            yield Reader(id="preview")
            yield Lines(id="writing-note")
            yield Buttons(id="writing-keys", gap=3)

    def on_mount(self) -> None:
        """With the draft of last time, if there is one."""
        self.query_one(Reader).display = False
        if self._sheet.longest_title:
            self.query_one("#title-label", Lines).show(lambda _: render.ours("Title", render.MUTED))
        self._note("")
        self._draw()
        self.run_worker(self._app.guarded(self._recall()), group="draft")

    async def _recall(self) -> None:
        draft = await self._app.link.aside(lambda: self._app.drafts.find(self._about))
        if draft is not None and not self._changed:  # who types already has no use for it
            self._fill(draft)

    def _fill(self, draft: Draft) -> None:
        if self._sheet.longest_title:
            self.query_one("#title-field", Input).value = plain.safe(draft.title)
        self._replace(plain.pasted(draft.text)[: 2 * self._sheet.longest])
        words = f"Your draft, last typed at {clock(draft.at, datetime.now(UTC))}."
        if draft.of != self._sheet.text:
            words += " What it changes has changed since."
        self._note(words)

    def _replace(self, text: str) -> None:
        """As something that can be undone."""
        pad = self.query_one(Pad)
        pad.replace(text, (0, 0), pad.document.end, maintain_selection_offset=False)

    # --- what is typed ---------------------------------------------------------------------------

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _typed(self, event: Input.Changed | TextArea.Changed) -> None:
        event.stop()
        if isinstance(event, Input.Changed):
            self._title = event.value.strip()
        else:
            self._text = event.text_area.text
        self._draw()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(KEPT_AFTER, self._keep)

    @on(Input.Submitted)
    def _title_done(self, event: Input.Submitted) -> None:
        event.stop()
        self.set_focus(self.query_one(Pad))

    @on(Pad.Full)
    def _too_much(self, event: Pad.Full) -> None:
        event.stop()
        self._note("There was no room for all of it.", render.WARN)

    def _keep(self) -> None:
        """The draft as it is now; none, if nothing was changed."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._done or not self._changed:
            self._app.drafts.drop(self._about)
        else:
            self._app.drafts.keep(self._about, self._title, self._text, self._sheet.text, self._not_kept)

    def _not_kept(self, error: OSError) -> None:
        """On the keeper's thread."""
        self._app.post_message(NotKept(f"Your draft can't be kept: {error.strerror}."))

    def on_unmount(self) -> None:
        """Whichever way it ends, and be it with the app."""
        if self._timer is not None:
            self._keep()

    # --- drawing ---------------------------------------------------------------------------------

    def redraw(self) -> None:
        """With other signs or colours."""
        self._draw()

    def _draw(self) -> None:
        length, longest = len(self._text), self._sheet.longest
        tone = render.BAD if length > longest else render.WARN if length > NEAR * longest else render.MUTED
        right = render.ours(f"{length:,} of {longest:,}", tone)
        self.query_one("#writing-title", TitleLine).show_ends(render.heading(self._sheet.heading), right)
        keys = [("send", "ctrl+s", self._sheet.button), ("preview", "ctrl+r", "write" if self._previews else "preview")]
        keys += [("editor", "ctrl+o", "editor")] if self._app.host.lends("editor") else []
        keys += [("leave", "esc", "leave")]
        parts = [Part(i, render.key_hint(key, words)) for i, key, words in keys]
        if self._changed:
            parts.append(Part("discard", render.ours("throw away", render.MUTED)))
        self.query_one(Buttons).show(parts)

    def _note(self, words: str, style: str = render.MUTED) -> None:
        line = self.query_one("#writing-note", Lines)
        line.display = bool(words)
        said = render.said(words, style) if words else render.BLANK
        line.show(lambda width: render.stack(said.wrap(max(1, width))))

    # --- what can be done ------------------------------------------------------------------------

    @on(PartsLine.Clicked)
    async def _pressed(self, event: PartsLine.Clicked) -> None:
        event.stop()
        await self.action_do(event.part)

    async def action_do(self, what: str) -> None:
        """One of the things below."""
        match what:
            case "send":
                self._start(self._do_send(), "send")
            case "preview":
                self._preview(not self._previews)
            case "editor":
                self._edit_outside()
            case "discard":
                self._start(self._discard(), "discard")
            case _:
                self.action_leave()

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self.run_worker(self._app.guarded(work), group=name)

    def action_leave(self) -> None:
        """From the preview to the text; from there, out of here. What was typed stays as a draft."""
        if self._previews:
            self._preview(False)
            return
        self._keep()
        if self._changed:
            self._app.say("Kept as a draft on this computer. Open it again to go on.")
        self.dismiss(False)

    async def _discard(self) -> None:
        away = Answer("away", render.ours("Throw it away"), irreversible=True)
        question = render.ours("Throw away what you have typed here? Nobody else has it.")
        if await self.app.push_screen_wait(Ask("Throw away", question, [away], cancel="Keep it")) != CANCEL:
            self._done = True
            self._keep()
            self.dismiss(False)

    async def _do_send(self) -> None:
        if self._sending:
            return
        self._sending = True
        try:
            await self._send(self._title, self._text)
        except Refused as refused:
            self._note(refused.detail, render.BAD)
            self._preview(False)
        else:
            self._done = True
            self._keep()
            self.dismiss(True)
        finally:
            self._sending = False

    def _preview(self, on: bool) -> None:
        pad, reader = self.query_one(Pad), self.query_one(Reader)
        if on == self._previews:
            return
        reader.display, pad.display = on, not on
        if on:
            reader.show(self._text)
        self.set_focus(reader if on else pad)
        self._draw()

    @on(Reader.Chosen)
    def _seen(self, event: Reader.Chosen) -> None:
        event.stop()
        self._preview(False)

    def _edit_outside(self) -> None:
        """Leave the screen to the person's editor. Nothing else is done until it has ended."""
        if not self._app.host.lends("editor"):
            self._note(refusal("editor"), render.WARN)
            return
        try:
            command = outside_editor.chosen()
            if not command:
                self._note("No editor is named. Set VISUAL or EDITOR to the one that you like.", render.WARN)
                return
            with self.app.suspend():
                text = outside_editor.edit(self._text, command, longest=2 * self._sheet.longest)
        except EditorFailed as problem:
            self._note(str(problem), render.BAD)
        except SuspendNotSupported:
            self._note("This terminal can't be left to an editor.", render.WARN)
        else:
            self._preview(False)
            self._replace(text)
            self._keep()
        self.refresh()
