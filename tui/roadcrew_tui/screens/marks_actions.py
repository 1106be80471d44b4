"""What the keys for stars, likes and saving do to the thing that is talked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from roadcrew_domain.marks_state import MOST_STARS, MarkAct
from roadcrew_domain.places import MarkChannel
from roadcrew_tui import render
from roadcrew_tui.screens.ask import CANCEL, Answer, Ask
from roadcrew_tui.screens.marks_draw import stars
from roadcrew_tui.screens.marks_model import rated, turned
from roadcrew_tui.widgets.rows import RowList

if TYPE_CHECKING:
    from roadcrew_tui.widgets.marks import MarksLine

BACK = "back"
MEANINGS = {1: "poor", 2: "fair", 3: "good", 4: "very good", 5: "excellent"}


class StarsAsk(Ask):
    """Answered by arrows and enter, or by a digit. The cursor begins on the stars that one gave before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(n), f"give({n})", MEANINGS[n], show=False) for n in range(1, MOST_STARS + 1)
    ]

    def __init__(self, mine: int | None) -> None:
        answers = [Answer(str(n), render.join(stars(n), f"  {n}, {MEANINGS[n]}")) for n in range(MOST_STARS, 0, -1)]
        if mine is not None:
            answers.append(Answer(BACK, render.ours("Take my stars back")))
        self._mine = mine
        super().__init__("Rate", render.ours("How many stars? Press 1 to 5, or choose."), answers)

    def on_mount(self) -> None:
        """At one's own stars."""
        super().on_mount()
        if self._mine is not None:
            self.query_one("#ask-answers", RowList).move_to(str(self._mine))

    def action_give(self, number: int) -> None:
        """So many stars."""
        self.dismiss(str(number))


async def rate(line: MarksLine) -> None:
    """Ask for stars, and give them."""
    chosen = await line.app.push_screen_wait(StarsAsk(line.standing.mine))
    if chosen != CANCEL:
        await _give(line, "rating", rated(None if chosen == BACK else int(chosen)))


async def like(line: MarksLine) -> None:
    """Like it, or no longer."""
    await _give(line, "likes", turned(line.standing.liked))


async def save(line: MarksLine) -> None:
    """Put it on the list of what one saved, or take it off."""
    await _give(line, "saves", turned(line.standing.saved))


async def _give(line: MarksLine, channel: MarkChannel, act: MarkAct) -> None:
    topic = line.entity.topic(channel)
    app = line.crew_app
    if topic not in app.talk.states:
        app.say("One moment: the server has not answered yet.")
        return
    await app.link.talk.act(topic, act)
