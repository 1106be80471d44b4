"""A form over the screen: a few fields, one way to send them, a sentence under the field that was not right.

Enter goes to the next field and sends from the last one; ctrl+s sends from anywhere; esc leaves without sending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input

from roadcrew_tui import plain, render
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.steps import TRY_AGAIN
from roadcrew_tui.widgets.checks import Checks
from roadcrew_tui.widgets.choice import Choice
from roadcrew_tui.widgets.lines import Lines, Part, PartsLine

Values = Mapping[str, str]


@dataclass(frozen=True)
class Field:
    """A line to fill in. `kind` `list` grows: one more line as long as the last one is filled; its value has one
    text a line; that of `checks` has one chosen option a line. `hint` is ours and stands under the field; `value` may
    be a person's words, and so may what options of `checks` say. `live` has a sentence on what is typed so far, in
    place of the hint."""

    id: str
    label: str
    hint: str = ""
    value: str = ""
    kind: Literal["text", "password", "choice", "list", "checks"] = "text"
    options: tuple[tuple[str, str], ...] = ()
    most: int = 20
    optional: bool = False
    live: Callable[[str], str] | None = None


class FormProblem(Exception):
    """What was typed can't be used; `field` says where (or None), `detail` says why in a sentence. `retry`: it may well
    be, if it is sent once more."""

    def __init__(self, field: str | None, detail: str, *, retry: bool = False) -> None:
        super().__init__(detail)
        self.field, self.detail, self.retry = field, detail, retry


Send = Callable[[Values], Awaitable[None]]


class Line(Input):
    """An input whose prefill goes when one types, until it was touched; how long a text may be is for the rules, which
    say so instead of swallowing the rest."""

    LONGEST = 2000

    def __init__(self, field: Field, value: str, n: int | None = None) -> None:
        self.prefill = plain.safe(value)
        super().__init__(
            self.prefill,
            password=field.kind == "password",
            compact=True,
            max_length=self.LONGEST,
            id=f"field-{field.id}" if n is None else f"field-{field.id}-{n}",
            classes=f"of-{field.id}",
        )

    def on_focus(self) -> None:
        """Decided before the input itself hears of it."""
        self.select_on_focus = self.value == self.prefill


class Form(Dialog[bool]):
    """Dismissed with True once `send` has accepted what was typed."""

    CSS_PATH = "form.tcss"
    # Before the focused input gets them: what is typed right after tab or enter belongs to the next field, however
    # fast it comes.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("tab", "step(1)", "Next field", show=False, priority=True),
        Binding("shift+tab", "step(-1)", "Field before", show=False, priority=True),
        Binding("enter", "enter", "Next field, or send", show=False, priority=True),
        Binding("ctrl+s", "send", "Send", show=False, priority=True),
    ]

    AUTO_FOCUS = ""
    STOPS = "Input, Choice, Checks"

    def __init__(
        self, title: str, fields: Sequence[Field], send: Send, *, button: str, lead: str = "", skip_filled: bool = False
    ) -> None:
        """`skip_filled`: begin in the first field that is empty, for a form that asks for what is missing."""
        super().__init__()
        self._skip_filled = skip_filled
        self._words = title
        self._fields = tuple(fields)
        self._send = send
        self._button = button
        self._lead = lead
        self.sending = False
        self._problem: FormProblem | None = None
        self._tried: Values = {}
        """What was sent last."""

    def compose(self) -> ComposeResult:
        """Fields one under another; the line of keys below."""
        with VerticalScroll(id="form", can_focus=False):
            yield Lines(id="form-title")
            for field in self._fields:
                yield Lines(id=f"label-{field.id}", classes="label")
                if field.kind == "choice":
                    yield Choice(field.options, field.value or field.options[0][0], id=f"field-{field.id}")
                elif field.kind == "checks":
                    yield Checks(field.options, field.value.split("\n"), id=f"field-{field.id}")
                elif field.kind == "list":
                    for n, text in enumerate([*field.value.split("\n"), ""] if field.value else ["", ""]):
                        yield Line(field, text, n)
                else:
                    yield Line(field, field.value)
                yield Lines(id=f"note-{field.id}", classes="note")
            yield Lines(id="form-problem")
            yield PartsLine(id="form-keys", gap=3)

    def on_mount(self) -> None:
        """Say what everything is, and begin in the first field, or the first that is empty."""
        lead = self._lead
        title = render.heading(self._words)
        self.query_one("#form-title", Lines).show(
            lambda _: render.stack([title, render.ours(lead, render.MUTED)]) if lead else title
        )
        for field in self._fields:
            label = render.ours(field.label)
            if field.optional:
                label = render.join(label, render.ours(" (optional)", render.MUTED))
            self.query_one(f"#label-{field.id}", Lines).show(lambda _, label=label: label)  # type: ignore[misc]
            self._note(field.id, self._hint(field), render.MUTED)
        self._show_keys()
        empty = next((line for line in self.query(Input) if not line.value), None)
        if self._skip_filled and empty is not None:
            self.set_focus(empty)
        else:  # nothing has its height yet: what Textual would scroll to now is elsewhere a moment later
            self.set_focus(self.query(self.STOPS).first(Widget), scroll_visible=False)

    def on_descendant_focus(self) -> None:
        """Enter means something else in the last field."""
        self._show_keys()

    def _show_keys(self) -> None:
        last = self._after(self.focused) is None or self._may_retry
        button = "retry" if self._may_retry else self._button
        enter = ("send", "enter", button) if last else ("next", "enter", "next")
        always = [] if last else [("send", "ctrl+s", button)]
        keys = [enter, *always, ("leave", "esc", "leave")]
        self.query_one("#form-keys", PartsLine).show([Part(i, render.key_hint(k, words)) for i, k, words in keys])

    @property
    def _may_retry(self) -> bool:
        return self._problem is not None and self._problem.retry

    def _note(self, field: str, words: str, style: str) -> None:
        note = self.query_one(f"#note-{field}", Lines)
        note.display = bool(words)
        text = render.said(words, style) if words else render.BLANK
        note.show(lambda width: render.stack(text.wrap(max(width, 1))))

    def _hint(self, field: Field) -> str:
        if field.live is not None:
            return field.live(self.query_one(f"#field-{field.id}", Input).value) or field.hint
        return field.hint

    def values(self) -> dict[str, str]:
        """What is typed, by field."""
        found: dict[str, str] = {}
        for field in self._fields:
            if field.kind == "choice":
                found[field.id] = self.query_one(f"#field-{field.id}", Choice).value
            elif field.kind == "checks":
                found[field.id] = self.query_one(f"#field-{field.id}", Checks).value
            else:
                lines = [i.value.strip() for i in self.query(f".of-{field.id}").results(Input)]
                found[field.id] = "\n".join(line for line in lines if line)
        return found

    def tell(self, words: str) -> None:
        """Say how far the sending is."""
        if self.sending:
            self._below(words, render.MUTED)

    def _below(self, words: str, style: str) -> Lines:
        line = self.query_one("#form-problem", Lines)
        line.display = True
        texts = [render.said(sentence, style) for sentence in words.split("\n")]
        line.show(lambda width: render.stack([row for text in texts for row in text.wrap(max(width, 1))]))
        return line

    def say(self, problem: FormProblem | None) -> None:
        """Show what was not right, where it was, or take it away."""
        self._problem = problem
        self._show_keys()
        for field in self._fields:
            mine = problem is not None and problem.field == field.id
            self._note(
                field.id,
                problem.detail if mine and problem else self._hint(field),
                render.BAD if mine else render.MUTED,
            )
        placed = problem is not None and any(f.id == problem.field for f in self._fields)
        self.query_one("#form-problem", Lines).display = False
        if problem is None:
            return
        if placed:
            place = self._place_of(problem)
            self.set_focus(place, scroll_visible=False)
            self.call_after_refresh(self._bring_to_sight, place, self.query_one(f"#note-{problem.field}"))
        else:
            line = self._below(problem.detail, render.BAD)
            self.call_after_refresh(self._bring_to_sight, line)

    def _place_of(self, problem: FormProblem) -> Widget:
        """The field of a problem; in a list, the line that says what another one has said, if there is one."""
        places = list(self.query(f"#field-{problem.field}, .of-{problem.field}").results(Widget))
        said: set[str] = set()
        for place in places:
            text = place.value.strip().casefold() if isinstance(place, Line) else ""
            if text and text in said:
                return place
            said.add(text)
        return places[0]

    @staticmethod
    def _bring_to_sight(*widgets: Widget) -> None:
        for widget in widgets:
            widget.scroll_visible(animate=False, immediate=True)

    # --- going through it ------------------------------------------------------------------------

    async def action_enter(self) -> None:
        """On to the next field; from the last one, send. The empty line at the end of a list is no field to stop at."""
        here = await self._typed_here()
        following = self._after(here)
        if following is None or self._may_retry:
            self.action_send()
        else:
            self._go_to(following)

    async def action_step(self, by: int) -> None:
        """To the next field or the one before, round and round, in the order in which they are written: Textual's goes
        by where they are drawn, and a line that has just been added is not drawn yet."""
        here = await self._typed_here()
        stops = [w for w in self.query("#form *").results(Widget) if w.focusable and w.display]
        at = stops.index(here) + by if here in stops else 0
        self._go_to(stops[at % len(stops)])

    def _go_to(self, widget: Widget) -> None:
        """At once, where `focus()` would wait for its turn; and without a scrolling that goes on while something else,
        such as what was not right, is brought to sight."""
        self.set_focus(widget, scroll_visible=False)
        mine = [f.id for f in self._fields if widget.id == f"field-{f.id}" or widget.has_class(f"of-{f.id}")]
        around = [self.query_one(f"#{part}-{field}") for field in mine for part in ("label", "note")]
        self.call_after_refresh(self._bring_to_sight, *(w for w in around if w.display), widget)

    async def _typed_here(self) -> Widget | None:
        """The field that has the focus, once it has all that was typed into it, and a list its next line."""
        here = self.focused
        if here is not None:
            await _has_taken_its_keys(here)
        if isinstance(here, Input):
            await self._grow(here)
        return here

    def _after(self, here: Widget | None) -> Widget | None:
        """Where enter goes from here; None from the last field."""
        stops = list(self.query(self.STOPS).results(Widget))
        rest = stops[stops.index(here) + 1 :] if here in stops else stops
        if isinstance(here, Input) and not here.value.strip() and self._list_of(here):
            rest = [w for w in rest if not isinstance(w, Input) or not self._list_of(w)]
        return rest[0] if rest else None

    @on(Input.Changed)
    async def _typed(self, event: Input.Changed) -> None:
        self._mended(event.input)
        for field in self._fields:
            if field.live is not None and event.input.has_class(f"of-{field.id}"):
                self._note(field.id, self._hint(field), render.MUTED)
        await self._grow(event.input)
        self._show_keys()

    @on(Choice.Changed)
    def _picked(self, event: Choice.Changed) -> None:
        self._mended(event.choice)

    @on(Checks.Changed)
    def _checked(self, event: Checks.Changed) -> None:
        self._mended(event.checks)

    def _mended(self, widget: Widget) -> None:
        """What was wrong with this field, or with all of it, was about what stood there before. A change that is told
        of only now may have come before the sending."""
        if self.values() == self._tried:
            return
        field = self._problem.field if self._problem is not None else None
        here = widget.id == f"field-{field}" or widget.has_class(f"of-{field}")
        if self._problem is not None and (here or not any(f.id == field for f in self._fields)):
            self.say(None)

    async def _grow(self, line: Input) -> None:
        """One more line for a list whose last one is filled."""
        field = self._list_of(line)
        lines = list(self.query(f".of-{field.id}").results(Input)) if field is not None else []
        if field is not None and lines[-1] is line and line.value.strip() and len(lines) < field.most:
            await self.mount(Line(field, "", len(lines)), after=line)

    def _list_of(self, line: Input) -> Field | None:
        return next((f for f in self._fields if f.kind == "list" and line.has_class(f"of-{f.id}")), None)

    @on(PartsLine.Clicked)
    def _clicked(self, event: PartsLine.Clicked) -> None:
        event.stop()
        if event.part == "send":
            self.action_send()
        elif event.part == "leave":
            self.action_leave()
        else:
            self.run_worker(self.action_enter(), group="form-keys")

    def action_leave(self) -> None:
        """Nothing is sent."""
        self.dismiss(False)

    def action_send(self) -> None:
        """Send once; a second enter while it is under way does nothing."""
        if not self.sending:
            self.sending = True
            self.run_worker(self._do_send(), group="form")

    async def _do_send(self) -> None:
        from roadcrew_client import errors  # noqa: PLC0415 - not before the first paint
        from roadcrew_client.retry import is_passing  # noqa: PLC0415 - not before the first paint
        from roadcrew_domain.refusals import Refused  # noqa: PLC0415 - not before the first paint

        await self._typed_here()
        self.say(None)
        self._tried = self.values()
        try:
            await self._send(self._tried)
        except FormProblem as problem:
            self.say(problem)
        except Refused as refused:
            self.say(FormProblem(_field_of(refused.code, refused.facts), refused.detail))
        except errors.Unreachable as error:
            asked = any(f.id == "server" for f in self._fields)
            self.say(FormProblem("server", error.detail if asked else f"{TRY_AGAIN}\n{error.detail}", retry=True))
        except errors.RoadcrewError as error:
            retry = is_passing(error) or isinstance(error, errors.SessionNotReady)
            self.say(FormProblem(_field_of(error.code, error.facts), error.detail, retry=retry))
        else:
            self.dismiss(True)
        finally:
            self.sending = False


async def _has_taken_its_keys(line: Widget) -> None:
    """Keys go through the queue of the widget that has the focus; wait until it has seen those typed so far."""
    taken = asyncio.Event()
    line.call_later(taken.set)
    with suppress(TimeoutError):
        await asyncio.wait_for(taken.wait(), 1)


_FIELDS = {
    "trip's name": "trip",
    "hotel's name": "name",
    "startsOn": "dates",
    "endsOn": "dates",
    "requiredMembers": "members",
    "discountPercent": "discount",
    "closesAt": "closes",
    "option": "options",
    "pricePerNight": "price",
    "link": "url",
}


_FIELD_OF_CODE = {
    "bad-options": "options",
    "invite-malformed": "invite",
    "invite-unknown": "invite",
    "invite-ended": "invite",
    "invite-used-up": "invite",
    "wrong-credentials": "password",
}
"""Where a problem belongs that names no field."""


def _field_of(code: str, facts: Mapping[str, object]) -> str | None:
    field = facts.get("field")
    return _FIELDS.get(field, field) if isinstance(field, str) else _FIELD_OF_CODE.get(code)
