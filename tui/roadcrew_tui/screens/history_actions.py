"""What the keys of the history do: since when, by whom, and undoing one's last change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from roadcrew_tui import dates, plain, render, when
from roadcrew_tui.screens import history_model as model
from roadcrew_tui.screens.ask import CANCEL, Answer, Ask
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values
from roadcrew_tui.screens.history_model import ALL, Since

if TYPE_CHECKING:
    from roadcrew_client import Client, Undone
    from roadcrew_tui.screens.history import HistoryScreen
    from roadcrew_tui.screens.trip import TripScreen

EVERYBODY = ""


async def choose_since(screen: HistoryScreen) -> None:
    """Since when?"""
    today = when.day_of(screen.below.snapshot.now())
    answers = [
        Answer("yesterday", render.ours("Since yesterday")),
        Answer("day", render.ours("Since a day that you say")),
        Answer("all", render.ours("All that has happened")),
    ]
    if screen.below.seen >= 0:
        answers.insert(0, Answer("left", render.ours(f"Since your last visit; you were away for {screen.below.away}")))
    chosen = await screen.app.push_screen_wait(Ask("Since when", render.ours("What do you want to see?"), answers))
    if chosen == "left":
        screen.show(since=Since("left", seq=screen.below.seen))
    elif chosen == "yesterday":
        screen.show(since=Since("day", day=today - timedelta(days=1)))
    elif chosen == "all":
        screen.show(since=ALL)
    elif chosen == "day":
        await _say_day(screen)


async def _say_day(screen: HistoryScreen) -> None:
    found: list[Since] = []

    async def read(values: Values) -> None:
        try:
            day = model.parse_since(values["day"], when.day_of(screen.below.snapshot.now()))
        except dates.NotADate as problem:
            raise FormProblem("day", str(problem)) from problem
        found.append(Since("day", day=day))

    field = Field("day", "Since which day?", "Such as Mon, 20 May, or 2026-05-20.")
    if await screen.app.push_screen_wait(Form("Since a day", [field], read, button="show")):
        screen.show(since=found[-1])


async def choose_person(screen: HistoryScreen) -> None:
    """By whom?"""
    trip = screen.trip
    if trip is None:
        return
    answers = [Answer("everybody", render.ours("Everybody"))]
    for member, name in model.people(trip, screen.known):
        you = render.ours("  you", render.MUTED) if member == screen.me else render.BLANK
        gone = render.ours("  has left", render.MUTED) if member not in trip.members else render.BLANK
        answers.append(Answer(f"by:{member}", render.join(render.said(name), you, gone)))
    chosen = await screen.app.push_screen_wait(Ask("By whom", render.ours("Whose doing do you want to see?"), answers))
    if chosen != CANCEL:
        screen.show(by=EVERYBODY if chosen == "everybody" else chosen.removeprefix("by:"))


async def undo(screen: TripScreen | HistoryScreen) -> None:
    """Take this person's last change of the trip back, and say what that was."""
    trip_id = screen.trip_id

    async def ask(client: Client) -> Undone:
        return await client.undo(trip_id)

    done = await screen.crew_app.link.call(ask)
    words, what = model.undone(done.act, done.about.what)
    screen.crew_app.say(plain.sentence(words, what=what))
