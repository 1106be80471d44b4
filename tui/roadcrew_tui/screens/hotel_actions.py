"""What the keys of the hotels tab do."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from roadcrew_domain import hotels as rules
from roadcrew_domain.hotels import CloseHotelVoting, OpenHotelVoting, ShortlistHotel, TieRule, UnshortlistHotel
from roadcrew_domain.refusals import Refused
from roadcrew_tui import money, render
from roadcrew_tui.commands.hotels import shown_hotel
from roadcrew_tui.screens.ask import CANCEL, Answer
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values
from roadcrew_tui.screens.hotels import HotelsPane
from roadcrew_tui.screens.hotels_model import TIE_RULES
from roadcrew_tui.typed_link import whole

if TYPE_CHECKING:
    from roadcrew_tui.screens.trip import TripScreen


async def add_hotel(screen: TripScreen) -> None:
    """The form of a hotel."""
    trip = screen.trip
    if trip is None:
        return
    last = max(trip.hotels.values(), key=lambda h: h.added_at, default=None)
    currency = last.price_per_night.currency if last else "EUR"
    stars = (("0", "none"), *((str(n), str(n)) for n in range(1, 6)))
    fields = [
        Field("name", "Hotel"),
        Field("city", "City", value=last.city if last else trip.destination or ""),
        Field("price", "Price for a night", f"Such as 84 or 84.50; {currency} unless you say another currency."),
        Field("stars", "Stars", kind="choice", value="0", options=stars),
        Field("url", "Link", "Its page.", optional=True),
    ]

    added: list[str] = []

    async def send(values: Values) -> None:
        try:
            price = money.parse_price(values["price"], currency=currency)
        except money.NotAPrice as problem:
            raise FormProblem("price", str(problem)) from problem
        await screen.propose(
            ShortlistHotel(values["name"], values["city"], int(values["stars"]), price, whole(values["url"]))
        )
        mine = [change.id for change in screen.snapshot.sending if isinstance(change.act, ShortlistHotel)]
        added.append(mine[-1] if mine else "")

    if await screen.app.push_screen_wait(Form("Add a hotel", fields, send, button="add")):
        screen.query_one(HotelsPane).show_new(added[-1])


async def drop_hotel(screen: TripScreen) -> None:
    """Take a hotel off the list, after asking if it has votes."""
    hotel = shown_hotel(screen)
    trip = screen.trip
    if hotel is None or trip is None:
        return
    votes = len(rules.votes_by_hotel(trip.voting, trip.hotels).get(hotel.id, ())) if trip.voting.open else 0
    words = "Drop {name}?" + (f" Its {votes} vote{'s' * (votes > 1)} will count for nothing." if votes else "")
    answer = Answer("drop", render.template("Drop {name}", name=hotel.name), irreversible=True)
    if await screen.ask("Drop", render.template(words, name=hotel.name), [answer]) != CANCEL:
        await screen.act(UnshortlistHotel(hotel.id))


async def open_voting(screen: TripScreen) -> None:
    """Open the vote, with the tie rule chosen beforehand."""
    trip = screen.trip
    if trip is None:
        return
    words = "Everybody has one vote and can change it. What shall a tie mean?"
    if trip.voting.outcome is not None:
        words = "This starts a new vote; the old result no longer counts. What shall a tie mean?"
    answers = [Answer(rule, render.ours(f"Open it; in a tie, {meaning}")) for rule, meaning in TIE_RULES]
    chosen = await screen.ask("Open the vote", render.ours(words), answers)
    rule: TieRule | None = next((r for r in get_args(TieRule) if r == chosen), None)
    if rule is not None:
        await screen.act(OpenHotelVoting(rule))


async def end_voting(screen: TripScreen) -> None:
    """End the vote; in a tie that is left to the organiser, the organiser chooses."""
    trip = screen.trip
    if trip is None:
        return
    outcome = rules.outcome_of(trip.voting, trip.hotels)
    if outcome.decided_by == "organiser":
        if screen.me != trip.organiser:
            raise Refused("organiser-decides", "conflict", "A tie, and the organiser decides. Ask them to end it.")
        answers = [Answer(i, render.said(trip.hotels[i].name)) for i in outcome.tied]
        chosen = await screen.ask("A tie", render.ours("A tie: which one shall it be?"), answers)
        if chosen != CANCEL:
            await screen.act(CloseHotelVoting(chosen))
        return
    waiting = len(trip.members) - sum(h in trip.hotels for h in trip.voting.ballots.values())
    winner = trip.hotels.get(outcome.winner_id or "")
    words = "{name} would win." if winner else "Nobody has voted: there would be no winner."
    have = "has" if waiting == 1 else "have"
    words += f" {waiting} of {len(trip.members)} {have} not voted." if waiting else " All have voted."
    question = render.template(words, name=winner.name if winner else "")
    if (
        await screen.ask("End the vote", question, [Answer("end", render.ours("End the vote"), irreversible=True)])
        != CANCEL
    ):
        await screen.act(CloseHotelVoting())
