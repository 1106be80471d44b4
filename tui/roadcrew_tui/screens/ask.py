"""A question with a few answers. The cursor begins on the first useful one, or, where that can't be undone, on the
safe one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from roadcrew_tui import render
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.widgets.lines import Lines
from roadcrew_tui.widgets.rows import GUTTER, Row, RowList


@dataclass(frozen=True)
class Answer:
    """`words` are drawn as they are; `irreversible` ones are marked."""

    id: str
    words: Content
    irreversible: bool = False


CANCEL = "cancel"
LEAST, MOST, FRAME = 60, 80, 5
"""Columns of a question, at least and at most; and those of its frame."""
MOST_LINES = 3
"""Of one answer."""


class Ask(Dialog[str]):
    """Dismissed with the id of the answer, or `cancel`."""

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "Cancel", show=False)]

    def __init__(self, title: str, question: Content, answers: Sequence[Answer], *, cancel: str = "Cancel") -> None:
        """`title` and `cancel` are our own words."""
        super().__init__()
        self._words = title
        self._question = question
        nothing = Answer(CANCEL, render.ours(cancel))
        self._answers = (nothing, *answers) if answers[0].irreversible else (*answers, nothing)

    def compose(self) -> ComposeResult:
        """Question above, answers below."""
        with Vertical(id="ask"):
            yield Lines(id="ask-question")
            yield RowList(id="ask-answers", keeps_sign=True)

    def on_mount(self) -> None:
        """The first answer has the cursor. It is as wide as the longest wants, within reason."""
        widest = max(a.words.cell_length for a in self._answers)
        self.query_one("#ask").styles.width = min(MOST, max(LEAST, widest + GUTTER + FRAME))
        self.query_one("#ask-question", Lines).show(
            lambda width: render.stack([render.heading(self._words), "", *self._question.wrap(max(1, width))])
        )
        answers = self.query_one("#ask-answers", RowList)
        answers.show([Row(a.id, _drawn(a)) for a in self._answers])
        answers.focus()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss(event.row)

    def action_leave(self) -> None:
        """Nothing happens."""
        self.dismiss(CANCEL)


def _drawn(answer: Answer) -> Callable[[int], Content]:
    content = answer.words.stylize(render.BAD) if answer.irreversible else answer.words
    return lambda width: render.stack(render.wrapped(content, width, MOST_LINES))
