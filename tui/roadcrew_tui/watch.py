"""`roadcrew watch`: what happens in a trip, as lines for people or as JSON for scripts. Also the demo's voice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from roadcrew_domain.events import encode_event
from roadcrew_domain.hotels import leading
from roadcrew_domain.polls import leaders
from roadcrew_tui import happenings
from roadcrew_tui.render import safe, sentence

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
                    self._words(sentence(told.words, who=told.who, what=told.what), recent.at)

    def _words(self, words: str, at: datetime | None = None) -> None:
        if not self._json:
            when = (at or datetime.now().astimezone()).astimezone()
            self._say(f"{when:%H:%M:%S}  {words}")


def summary(trip: Trip) -> Iterator[str]:
    """How things stand."""
    names = ", ".join(safe(m.name) for m in sorted(trip.members.values(), key=lambda m: (m.joined_at, m.id)))
    yield f"Crew: {names}."
    yield (
        f"Group discount of {trip.discount_percent} %: unlocked."
        if trip.discount_unlocked
        else f"Group discount: {trip.required_members - len(trip.members)} more needed."
    )
    for poll in sorted(trip.polls.values(), key=lambda p: (p.opened_at, p.id)):
        texts = {o.id: o.text for o in poll.options}
        ahead = poll.outcome.winners if poll.outcome else leaders(poll)
        verb = "decided" if poll.closed else "a tie" if len(ahead) > 1 else "leads"
        what = " and ".join(safe(texts[i]) for i in ahead) if ahead else "no votes yet"
        yield f"{safe(poll.question)} {what}" + (f" ({verb}, {len(poll.ballots)} voted)." if ahead else ".")
    first = leading(trip.voting, trip.hotels)
    if first:
        yield f"Hotels: {' and '.join(safe(h.name) for h in first)} {'lead' if len(first) > 1 else 'leads'}."


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
