"""What is said and given of several things, in numbers, for rows that stand for them: asked of the server while
somebody looks at these rows. What is followed as it happens is one thing that is open, not all that are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import monotonic
from typing import TYPE_CHECKING

from textual.content import Content

from roadcrew_tui import render
from roadcrew_tui.screens import marks_draw
from roadcrew_tui.screens.marks_model import of_summary

if TYPE_CHECKING:
    from textual.widget import Widget

    from roadcrew_client import Client
    from roadcrew_client.talk_models import TalkSummary
    from roadcrew_domain.places import Entity
    from roadcrew_tui.app import RoadcrewApp

ASKED_EVERY = 20.0
"""Seconds after which they are asked for again."""
MOST = 200
"""Things that are asked for; who has more in a list sees the numbers of the first."""


class Sums:
    """Of the things that one widget lists."""

    def __init__(self, widget: Widget, drawn: Callable[[], None], clock: Callable[[], float] = monotonic) -> None:
        """`drawn` is called when something is new."""
        self._widget = widget
        self._drawn = drawn
        self._clock = clock
        self._known: dict[Entity, TalkSummary] = {}
        self._asked: frozenset[Entity] = frozenset()
        self._at = -ASKED_EVERY
        self._asking = False

    def beside(self, entity: Entity, *, wide: bool = False) -> Content:
        """What to draw beside the row of one; nothing, where nothing was said or given, or that is not known."""
        known = self._known.get(entity)
        return render.BLANK if known is None else marks_draw.beside(of_summary(known), wide=wide)

    def forget(self) -> None:
        """Ask anew the next time: something may have been given or said by this person."""
        self._at = -ASKED_EVERY

    def want(self, entities: Collection[Entity]) -> None:
        """These are listed now. To be called whenever they are drawn: asks when there are others, or when the answer is
        old."""
        wanted = frozenset(list(entities)[:MOST])
        stale = self._clock() - self._at >= ASKED_EVERY
        app: RoadcrewApp = self._widget.app  # type: ignore[assignment]
        seen = app.looked_at and self._widget.screen.is_current
        if "talk" not in app.served or app.user is None or not seen or not wanted or self._asking:
            return
        if stale or not wanted <= self._asked:
            self._asked, self._at, self._asking = wanted, self._clock(), True
            self._widget.run_worker(self._ask(app, wanted), group="sums")

    async def _ask(self, app: RoadcrewApp, wanted: frozenset[Entity]) -> None:
        from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - not before the first paint

        async def ask(client: Client) -> tuple[TalkSummary, ...]:
            return await client.talk_summaries(sorted(wanted, key=lambda entity: (entity.type, entity.id)))

        try:
            found = await app.link.call(ask)
        except RoadcrewError:
            return  # asked again in a while; nobody waits for it
        finally:
            self._asking = False
        before = self._known
        self._known = {entity: known for known in found if (entity := _entity(known)) in wanted}
        if before != self._known:
            self._drawn()


def _entity(summary: TalkSummary) -> Entity:
    from roadcrew_domain.places import Entity  # noqa: PLC0415 - not before the first paint

    return Entity(summary.type, summary.id)
