"""Actions on people: hand over, remove, and the menu of one member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_tui.commands.base import Args, Argument, trip_of
from roadcrew_tui.commands.trip import TripCommand, is_organiser

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_domain.crew import Member
    from roadcrew_tui.screens.trip import TripScreen


def other_member(screen: TripScreen) -> Member | None:
    """The member under the cursor, unless that is this person."""
    pane = screen.pane
    member = getattr(pane, "member", None)
    trip = screen.trip
    return trip.members.get(member) if trip is not None and member and member != screen.me else None


class CrewCommand(TripCommand):
    """About the member under the cursor in the crew list."""

    group = "Crew"
    places = ("overview",)

    def available(self, screen: TripScreen) -> bool:
        return is_organiser(screen) and screen.tab == "overview" and other_member(screen) is not None


class MemberMenu(TripCommand):
    id = "crew.member"
    title = "Choose what to do about somebody"
    help = "Enter on somebody in the crew: hand the trip over to them, or remove them. On yourself: rename or leave."
    group = "Crew"
    places = ("overview",)

    def available(self, screen: TripScreen) -> bool:
        return screen.trip is not None and getattr(screen.pane, "member", None) is not None

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.members import member_menu  # noqa: PLC0415 - when it is opened

        await member_menu(screen)


class HandOver(CrewCommand):
    id = "crew.hand-over"
    keys = "H"
    title = "Hand over to this person"
    help = "Makes somebody else the organiser. Only they can hand it back."
    sub = ("trip", "hand-over")
    arguments = (Argument("member", "name or id", required=True),)
    examples = ("roadcrew trip hand-over Ben",)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.members import hand_over  # noqa: PLC0415 - when it is used

        member = other_member(screen)
        if member is not None:
            await hand_over(screen, member)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_domain.crew import HandOver as Act  # noqa: PLC0415 - for a fast start
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        trip = await client.trip(trip_of(args))
        return await headless.do(client, trip.id, Act(headless.member_id(trip, str(args["member"]))))


class Remove(CrewCommand):
    id = "crew.remove"
    keys = "X"
    title = "Remove this person"
    help = "Takes somebody out of the crew. Only the organiser can."
    sub = ("trip", "remove-member")
    arguments = (Argument("member", "name or id", required=True),)
    examples = ("roadcrew trip remove-member Dev",)

    async def on_screen(self, screen: TripScreen) -> None:
        from roadcrew_tui.screens.members import remove  # noqa: PLC0415 - when it is used

        member = other_member(screen)
        if member is not None:
            await remove(screen, member)

    async def run(self, client: Client, args: Args) -> object:
        from roadcrew_domain.crew import RemoveMember  # noqa: PLC0415 - for a fast start
        from roadcrew_tui.commands import headless  # noqa: PLC0415 - for a fast start

        trip = await client.trip(trip_of(args))
        return await headless.do(client, trip.id, RemoveMember(headless.member_id(trip, str(args["member"]))))
