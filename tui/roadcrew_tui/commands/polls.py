"""Actions on polls: ask, vote, end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Args, Argument
from roadcrew_tui.commands.trip import TripCommand

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_domain.polls import Answer, Poll
    from roadcrew_tui.screens.polls import PollsPane
    from roadcrew_tui.screens.trip import TripScreen

POLL = Argument("poll", "its question, the start of it, or its id", required=True)


class PollCommand(TripCommand):
    """An action of the polls tab."""

    group = "Polls"
    places = ("polls",)

    def available(self, screen: TripScreen) -> bool:
        return screen.trip is not None and screen.tab == "polls"


def pane_of(screen: TripScreen) -> PollsPane | None:
    """The polls tab, while it is open."""
    if screen.trip is None or screen.tab != "polls":
        return None
    from roadcrew_tui.screens.polls import PollsPane  # noqa: PLC0415 - for a fast start

    return screen.one(PollsPane)


def shown_poll(screen: TripScreen) -> Poll | None:
    """The poll under the cursor."""
    pane = pane_of(screen)
    return None if pane is None or screen.trip is None else pane.chosen_poll(screen.trip)


def in_options(screen: TripScreen) -> bool:
    """Whether the cursor is among the options of a poll."""
    pane = pane_of(screen)
    return pane is not None and pane.in_options and shown_poll(screen) is not None


def answers_options(screen: TripScreen) -> bool:
    """Whether it is among those of a poll that takes yes, maybe or no, and takes them now."""
    poll = shown_poll(screen)
    now = screen.snapshot.now()
    return poll is not None and poll.kind == "yes-maybe-no" and poll.takes_votes(now) and in_options(screen)


class PollAction(PollCommand):
    """A vote in the poll under the cursor, while it takes votes. In the list of polls it only leads into the options:
    the option that would be voted for is not one that is looked at."""

    def available(self, screen: TripScreen) -> bool:
        poll = shown_poll(screen)
        return poll is not None and poll.takes_votes(screen.snapshot.now())


class Vote(PollAction):
    id = "poll.vote"
    at_once = True
    keys = "space"
    title = "Vote"
    help = "Votes for the option under the cursor, or goes to the next answer; again takes it back."
    footer = ""
    sub = ("poll", "vote")
    sub_help = "Votes in a poll: --yes for what you choose; --maybe and --no too, where the poll asks that."
    arguments = (
        POLL,
        Argument("yes", "an option: its text, number (from 1) or id", many=True),
        Argument("maybe", "an option that you could live with", many=True),
        Argument("no", "an option that you can't", many=True),
    )
    examples = (
        'roadcrew poll vote "When do we fly?" --yes "Wed 20 May"',
        'roadcrew poll vote "When" --yes 1 --maybe 2 --no 3',
    )

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.poll_actions import vote_next  # noqa: PLC0415 - for a fast start

        await vote_next(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.vote(client, args)


class _Say(PollAction):
    answer: Answer
    at_once = True

    def footer_words(self, screen: TripScreen) -> str:
        return self.footer if answers_options(screen) else ""

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.poll_actions import vote_for  # noqa: PLC0415 - for a fast start

        await vote_for(screen, self.answer)


class SayYes(_Say):
    id = "poll.yes"
    keys = "y"
    title = "Yes"
    help = "Says yes to the option under the cursor."
    footer = "yes"
    answer = "yes"


class SayMaybe(_Say):
    id = "poll.maybe"
    keys = "m"
    title = "Maybe"
    help = "Says that you could live with the option under the cursor."
    footer = "maybe"
    answer = "maybe"

    def available(self, screen: TripScreen) -> bool:
        poll = shown_poll(screen)
        return poll is not None and poll.kind == "yes-maybe-no" and super().available(screen)


class SayNo(_Say):
    """Before `OpenPoll`, whose key means this one among the options of such a poll."""

    id = "poll.no"
    keys = "n,x"
    title = "No"
    help = "Says no to the option under the cursor, in a poll that takes yes, maybe and no."
    footer = "no"
    answer = "no"

    def available(self, screen: TripScreen) -> bool:
        return answers_options(screen)


class TakeBack(PollAction):
    id = "poll.take-back"
    at_once = True
    keys = "x"
    title = "Take the vote back"
    help = "Takes your vote for the option under the cursor back, in a poll of choices."

    def available(self, screen: TripScreen) -> bool:
        return in_options(screen) and not answers_options(screen) and super().available(screen)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.poll_actions import take_back  # noqa: PLC0415 - for a fast start

        await take_back(screen)


class OpenPoll(PollCommand):
    id = "poll.new"
    keys = "n"
    title = "New poll"
    help = "Asks the crew: one choice, several, or yes, maybe, no for each option; with a deadline if you like."
    footer = "new poll"
    sub = ("poll", "new")
    arguments = (
        Argument("question", "what to ask", required=True),
        Argument("option", "an option; give it at least twice", required=False, many=True),
        Argument("kind", "how to vote", choices=("single", "multiple", "yes-maybe-no")),
        Argument("closes", 'a deadline, such as "18:00" or "in 2 h"', kind="time"),
    )
    examples = ('roadcrew poll new "When do we fly?" --option "20 May" --option "21 May" --kind yes-maybe-no',)

    def footer_words(self, screen: TripScreen) -> str:
        return "" if answers_options(screen) else self.footer

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.poll_actions import ask_crew  # noqa: PLC0415 - when it is opened

        await ask_crew(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.open_poll(client, args)


class End(PollCommand):
    id = "poll.end"
    keys = "e"
    title = "End this poll"
    help = "Closes the poll under the cursor, or settles its tie. Only the organiser or who asked can."
    footer = "end"
    sub = ("poll", "end")
    arguments = (POLL, Argument("option", "settles a tie: its text, number or id"))
    examples = ('roadcrew poll end "When do we fly?"', 'roadcrew poll end "When" --option "Wed 20 May"')

    def available(self, screen: TripScreen) -> bool:
        poll = shown_poll(screen)
        if poll is None or screen.trip is None or screen.me not in (screen.trip.organiser, poll.opened_by):
            return False
        return not poll.closed or (poll.outcome is not None and poll.outcome.tie)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.poll_actions import end_poll  # noqa: PLC0415 - for a fast start

        await end_poll(screen)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        return await headless.end_poll(client, args)


class UseDates(PollCommand):
    id = "poll.use-dates"
    title = "Set the trip's dates to the winner"
    help = "When the winner of this poll is a date or a range: makes it the dates of the trip."

    def available(self, screen: TripScreen) -> bool:
        from roadcrew_tui.screens.polls_model import won_dates  # noqa: PLC0415 - for a fast start

        poll = shown_poll(screen)
        return poll is not None and screen.trip is not None and won_dates(screen.trip, poll) is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.poll_actions import offer_dates  # noqa: PLC0415 - for a fast start

        poll = shown_poll(screen)
        if poll is not None:
            await offer_dates(screen, poll.id)
