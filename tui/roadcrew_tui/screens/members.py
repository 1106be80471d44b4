"""What can be done about a member: hand over to them, remove them. On oneself: rename, leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_domain.crew import HandOver, Member, RemoveMember
from roadcrew_tui import commands, plain, render
from roadcrew_tui.screens.ask import CANCEL, Answer
from roadcrew_tui.screens.overview import OverviewPane

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen


async def member_menu(screen: TripScreen) -> None:
    """Ask what to do about the member under the cursor."""
    trip = screen.trip
    pane = screen.query_one(OverviewPane)
    member = trip.members.get(pane.member or "") if trip is not None else None
    if trip is None or member is None:
        return
    if member.id == screen.me:
        answers = [
            Answer("rename", render.ours("Change your name")),
            Answer("leave", render.ours("Leave this trip"), True),
        ]
        chosen = await screen.ask("You", render.template("You are {name}.", name=member.name), answers)
        if chosen != CANCEL:
            screen.start(commands.find("you.rename" if chosen == "rename" else "trip.leave"))
        return
    if trip.organiser != screen.me:
        name = trip.members[trip.organiser].name if trip.organiser in trip.members else "the organiser"
        words = "Only {organiser}, the organiser, can hand the trip over or remove {name}."
        screen.crew_app.say(plain.sentence(words, organiser=name, name=member.name))
        return
    answers = [
        Answer("hand-over", render.ours("Make them the organiser")),
        Answer("remove", render.ours("Remove them from the trip"), irreversible=True),
    ]
    chosen = await screen.ask("Crew", render.said(member.name, "bold"), answers)
    if chosen == "hand-over":
        await hand_over(screen, member)
    elif chosen == "remove":
        await remove(screen, member)


async def hand_over(screen: TripScreen, member: Member) -> None:
    """Make somebody else the organiser, after asking."""
    question = render.template("Make {name} the organiser? Only they can hand it back.", name=member.name)
    answer = Answer("yes", render.template("Hand over to {name}", name=member.name), irreversible=True)
    if await screen.ask("Hand over", question, [answer]) != CANCEL:
        await screen.act(HandOver(member.id))


async def remove(screen: TripScreen, member: Member) -> None:
    """Take somebody out of the crew, after asking."""
    question = render.template(
        "Remove {name}? Their votes in what is open go with them, and the invite ends: they know it.", name=member.name
    )
    answer = Answer("yes", render.template("Remove {name}", name=member.name), irreversible=True)
    if await screen.ask("Remove", question, [answer]) != CANCEL:
        invited = screen.trip is not None and screen.trip.invite is not None
        await screen.act(RemoveMember(member.id))
        if invited:
            screen.crew_app.say(
                "The link that you have sent is no longer good. For a new one press i in the overview.", seconds=10
            )
