"""`roadcrew watch`: what happens in a trip, as lines for people or as JSON for scripts. Also the demo's voice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from roadcrew_domain.events import encode_event
from roadcrew_domain.hotels import leading, votes_by_hotel
from roadcrew_domain.polls import Poll, leaders, tally
from roadcrew_domain.views import crew_order, hotel_order, poll_order
from roadcrew_tui import happenings
from roadcrew_tui.plain import safe, sentence

if TYPE_CHECKING:
    from roadcrew_client import Change, Client, LiveTrip
    from roadcrew_domain.trip import Trip

STATES = {
    "live": "live",
    "connecting": "connecting",
    "polling": "polling",
    "paused": "paused",
    "offline": "offline, trying again",
    "signed-out": "signed out",
}
MOST_NAMED = 8
"""Hotels that the summary names; those with the most votes, where there are more."""
ENDS = {
    "removed": "You are no longer in this trip.",
    "ended": "This trip has ended.",
    "unknown": "There is no such trip.",
    "forbidden": "You are not in this trip.",
}


class Teller:
    """Turns changes of a trip into lines, each event once."""

    def __init__(self, say: Callable[[str], None], *, json: bool = False) -> None:
        self.events = 0
        self.ended: str | None = None
        self._say = say
        self._json = json
        self._told = -1

    def tell(self, live: LiveTrip, change: Change) -> None:
        """Say what is new in this change."""
        if change.kind == "gone":
            self.ended = change.reason or "ended"
            self._words(ENDS.get(self.ended, "This trip has ended."))
        trip = live.confirmed
        if trip is None:
            return
        if self._json:
            for event in change.events:
                self.events += 1
                self._say(encode_event(event).decode())
            return
        for recent in trip.recent:
            if recent.seq > self._told:
                self._told = recent.seq
                self.events += 1
                told = happenings.told(recent)
                if told is not None:
                    self._words(sentence(told.words, **told.people), recent.at)

    def _words(self, words: str, at: datetime | None = None) -> None:
        if not self._json:
            when = (at or datetime.now().astimezone()).astimezone()
            self._say(f"{when:%H:%M:%S}  {words}")


def summary(trip: Trip) -> Iterator[str]:
    """How things stand, in a few lines."""
    where = [safe(trip.destination)] if trip.destination else []
    when = [f"{trip.starts_on} to {trip.ends_on}"] if trip.starts_on and trip.ends_on else []
    if where or when:
        yield f"Plan: {', '.join(where + when)}."
    yield f"Crew: {', '.join(safe(m.name) for m in crew_order(trip))}."
    yield (
        f"Group discount of {trip.discount_percent} %: unlocked."
        if trip.discount_unlocked
        else f"Group discount: {trip.required_members - len(trip.members)} more needed."
    )
    for poll in poll_order(trip):
        yield _poll(poll)
    if trip.hotels:
        yield _hotels(trip)


def _poll(poll: Poll) -> str:
    counts = "; ".join(f"{safe(t.option.text)} {len(t.yes)}" for t in tally(poll))
    ahead = poll.outcome.winners if poll.outcome else leaders(poll)
    names = " and ".join(safe(o.text) for o in poll.options if o.id in ahead)
    if not ahead:
        state = "ended without votes" if poll.closed else "no votes yet"
    elif poll.closed:
        state = f"ended, a tie: {names}" if len(ahead) > 1 else f"decided: {names}"
    else:
        state = f"a tie: {names}" if len(ahead) > 1 else f"{names} leads"
    return f"{safe(poll.question)} {state} ({counts})."


def _hotels(trip: Trip) -> str:
    votes = votes_by_hotel(trip.voting, trip.hotels)
    shown = hotel_order(trip)
    if len(shown) > MOST_NAMED:
        shown = sorted(shown, key=lambda h: -len(votes.get(h.id, ())))[:MOST_NAMED]
    counts = "; ".join(f"{safe(h.name)} {len(votes.get(h.id, ()))}" for h in shown)
    if len(trip.hotels) > len(shown):
        counts += f"; and {len(trip.hotels) - len(shown)} more"
    outcome, first = trip.voting.outcome, leading(trip.voting, trip.hotels)
    winner = trip.hotels.get(outcome.winner_id or "") if outcome else None
    names = " and ".join(safe(h.name) for h in first)
    if winner is not None:
        state = f"decided: {safe(winner.name)}"
    elif not trip.voting.open:
        state = "the vote is not open"
    elif not first:
        state = "no votes yet"
    else:
        state = f"a tie: {names}" if len(first) > 1 else f"{names} leads"
    return f"Hotels: {state} ({counts})."


async def watch(
    client: Client, trip_id: str, say: Callable[[str], None], hint: Callable[[str], None], *, json: bool
) -> int:
    """Say what happens in a trip until it ends or somebody interrupts; the exit status.

    `say` gets data, `hint` gets words about the connection.
    """
    teller = Teller(say, json=json)
    ended = asyncio.Event()
    state = ""

    def changed(change: Change) -> None:
        nonlocal state
        teller.tell(live, change)
        if live.status.state != state:
            state = live.status.state
            if state in STATES:
                hint(STATES[state])
        if teller.ended is not None or state == "signed-out":
            ended.set()

    async with client.follow(trip_id) as live:
        live.listen(changed)
        await ended.wait()
    return 3 if state == "signed-out" else 1 if teller.ended in ("unknown", "forbidden") else 0
