"""Quote runs as topics: who may read them, and how long they are kept. Each is its whole history."""

from __future__ import annotations

from datetime import datetime

from roadcrew_domain import quotes
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.ids import is_id
from roadcrew_domain.quotes_state import QuoteExpired, QuoteTick
from roadcrew_server.problems import Problem
from roadcrew_server.topics import STORE_GRACE, Closed, Record, trip_topic


def quote_topic(run_id: str) -> str:
    """The topic of a quote run."""
    return f"quote:{run_id}"


class QuoteKind:
    """Quote runs: of a trip, read by its members; of no trip, by who asked."""

    prefix = "quote"
    presence = False
    keeps: int | None = None

    def decide(self, state: quotes.QuoteRun | None, command: quotes.QuoteCommand, now: datetime) -> tuple[Fact, ...]:
        return quotes.decide(state, command, now)

    def evolve(self, state: quotes.QuoteRun | None, event: Event) -> quotes.QuoteRun:
        return quotes.evolve(state, event)

    def encode(self, state: quotes.QuoteRun) -> bytes:
        return quotes.encode_run(state)

    def shown(self, state: quotes.QuoteRun) -> bytes:
        return quotes.encode_run(state)

    def told(self, state: quotes.QuoteRun, event: Event) -> Event:
        return event

    def decode(self, body: bytes) -> quotes.QuoteRun:
        return quotes.decode_run(body)

    def tick(self, command_id: str) -> quotes.QuoteCommand:
        return quotes.QuoteCommand(command_id, None, QuoteTick())

    async def opening(self, rest: str, user: str, command_id: str, now: datetime) -> None:
        """A run is asked for."""
        return

    def next_due(self, state: quotes.QuoteRun) -> datetime | None:
        return quotes.next_due(state)

    def keep_until(self, state: quotes.QuoteRun, now: datetime) -> datetime:
        return state.keep_until + STORE_GRACE

    def records(self, state: quotes.QuoteRun) -> tuple[Record, ...]:
        return ()

    def names(self, rest: str) -> bool:
        return is_id(rest)

    def guard(self, state: quotes.QuoteRun) -> str | None:
        return None if state.trip_id is None else trip_topic(state.trip_id)

    def closed_to(self, state: quotes.QuoteRun, user: str, now: datetime) -> Closed | None:
        """Nobody but who asked is told that a run of no trip is there."""
        if state.trip_id is None and user != state.by:
            return "unknown"
        return "ended" if state.expired or now >= state.keep_until else None

    def problem(self, closed: Closed) -> Problem:
        match closed:
            case "forbidden":
                return Problem(403, "not-a-member", "You are not in the trip of this quote run.")
            case "ended":
                return Problem(404, "quote-run-expired", "This quote run is no longer kept. Ask for prices again.")
            case "unknown":
                return Problem(404, "unknown-quote-run", "There is no such quote run.")

    def expels(self, event: Event, user: str) -> str | None:
        return "ended" if isinstance(event.data, QuoteExpired) else None
