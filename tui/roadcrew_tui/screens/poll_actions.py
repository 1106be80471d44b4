"""What the keys of the polls tab do."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from roadcrew_domain import polls as rules
from roadcrew_domain.polls import Answer as Vote
from roadcrew_domain.polls import ClosePoll, OpenPoll, Poll, PollKind
from roadcrew_domain.trip import EditTrip
from roadcrew_tui import dates, render, when
from roadcrew_tui.commands.polls import pane_of, shown_poll
from roadcrew_tui.screens import polls_model as model
from roadcrew_tui.screens.ask import CANCEL, Answer
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen

KINDS: tuple[tuple[PollKind, str], ...] = (
    ("yes-maybe-no", "yes, maybe, no"),
    ("single", "one choice"),
    ("multiple", "several"),
)


async def ask_crew(screen: TripScreen) -> None:
    """The form of a new poll."""
    fields = [
        Field("question", "What do you want to know?"),
        Field("kind", "How shall they vote?", kind="choice", options=KINDS),
        Field("options", "Options", "One on each line. Dates can become the trip's dates.", kind="list"),
        Field(
            "closes",
            "Until when?",
            "Such as 18:00, tomorrow 18:00, in 2 d. Empty: until somebody ends it.",
            optional=True,
        ),
    ]
    opened: list[str] = []

    async def send(values: Values) -> None:
        kinds: dict[str, PollKind] = {k: k for k, _ in KINDS}
        options = tuple(values["options"].split("\n")) if values["options"] else ()
        try:
            closes = dates.parse_deadline(values["closes"], screen.snapshot.now())
        except dates.NotADate as problem:
            raise FormProblem("closes", str(problem)) from problem
        if len(options) < 2:
            raise FormProblem("options", "A poll needs at least two options.")
        await screen.propose(OpenPoll(values["question"], kinds[values["kind"]], options, closes))
        mine = [change.id for change in screen.snapshot.sending if isinstance(change.act, OpenPoll)]
        opened.append(mine[-1] if mine else "")

    if await screen.app.push_screen_wait(Form("Ask the crew", fields, send, button="ask")):
        pane = pane_of(screen)
        if pane is not None:
            pane.show_new(opened[-1])


async def vote_next(screen: TripScreen) -> None:
    """Space: vote, go to the next answer, take it back."""
    found = _option(screen)
    if found is not None:
        poll, option = found
        await screen.act(model.vote(poll, screen.me, option, model.next_answer(poll, screen.me, option)))


async def vote_for(screen: TripScreen, answer: Vote) -> None:
    """y, m, n: exactly that."""
    found = _option(screen)
    if found is not None:
        await screen.act(model.vote(found[0], screen.me, found[1], answer))


async def take_back(screen: TripScreen) -> None:
    """x: my vote for this choice goes, if there is one."""
    found = _option(screen)
    if found is not None and found[1] in dict(found[0].ballots.get(screen.me, ())):
        await screen.act(model.vote(found[0], screen.me, found[1], None))


def _option(screen: TripScreen) -> tuple[Poll, str] | None:
    """The option that is voted on; from the list of polls, none yet, but the focus goes to the options."""
    poll, pane = shown_poll(screen), pane_of(screen)
    if pane is None:
        return None
    if not pane.in_options:
        pane.enter()
        return None
    return (poll, pane.option_id) if poll is not None and pane.option_id is not None else None


async def end_poll(screen: TripScreen) -> None:
    """Close the poll under the cursor; settle a tie; offer the winner as the trip's dates."""
    poll = shown_poll(screen)
    if poll is None or screen.trip is None:
        return
    outcome = poll.outcome if poll.outcome is not None else rules.outcome_of(poll)
    texts = {o.id: o.text for o in poll.options}
    if outcome.tie:
        answers = [Answer(i, render.said(texts[i])) for i in outcome.winners]
        if not poll.closed:
            answers.append(Answer("tie", render.ours("End it as a tie"), irreversible=True))
        question = render.stack([render.said(poll.question, "bold"), "Which one shall it be?"])
        chosen = await screen.ask("A tie", question, answers)
        if chosen == CANCEL:
            return
        await screen.act(ClosePoll(poll.id, None if chosen == "tie" else chosen))
    else:
        words = f"No more votes will be counted. {model.turnout(screen.trip, poll)}"
        question = render.stack([render.said(poll.question, "bold"), words])
        end = Answer("end", render.ours("End this poll"), irreversible=True)
        if await screen.ask("End the poll", question, [end]) == CANCEL:
            return
        await screen.act(ClosePoll(poll.id))
    await screen.settled(poll.id)
    await offer_dates(screen, poll.id)


async def offer_dates(screen: TripScreen, poll_id: str) -> None:
    """Ask whether the trip shall have the dates that won. A single day becomes the first one. No is remembered."""
    trip = screen.trip
    poll = trip.polls.get(poll_id) if trip is not None else None
    span = model.won_dates(trip, poll) if trip is not None and poll is not None else None
    if trip is None or span is None:
        return
    starts = span[0]
    last: date | None = span[1]
    if starts == last:
        # The winner names a day to start on; how long the trip lasts stays as it is, if that is known.
        length = trip.ends_on - trip.starts_on if trip.starts_on and trip.ends_on else None
        last = starts + length if length is not None else None
    words = when.span(starts, last, screen.snapshot.now().astimezone().date())
    answers = [Answer("set", render.ours(f"Set the trip to {words}")), Answer("no", render.ours("No, leave its dates"))]
    question = render.ours(f"The winner is a date. Shall the trip be {words}?")
    chosen = await screen.ask("Dates", question, answers, cancel="Not now")
    if chosen == "set":
        await screen.act(EditTrip(starts_on=starts, ends_on=last))
    elif chosen == "no":
        screen.decline_dates(poll_id)
