"""What each fact changes in a quote run: `evolve` gives the next state. Pure."""

from __future__ import annotations  # rpds maps can't be subscripted when running

import msgspec
from rpds import HashTrieMap

from roadcrew_domain.events import Event
from roadcrew_domain.quotes_state import (
    Answer,
    QuoteActivity,
    QuoteCancelled,
    QuoteExpired,
    QuoteFailure,
    QuoteFinished,
    QuoteInterrupted,
    QuoteProgress,
    QuoteRequested,
    QuoteResult,
    QuoteRun,
    QuoteVoted,
)
from roadcrew_domain.running import EndTold, RunnerStarted


def evolve(run: QuoteRun | None, event: Event) -> QuoteRun:
    """The state after `event`. Raises `ValueError` for an event that can't follow this state."""
    if isinstance(event.data, QuoteRequested):
        if run is not None:
            raise ValueError("a quote run is requested once")
        return _requested(event, event.data)
    if run is None:
        raise ValueError(f"a quote run begins with QuoteRequested, not {event.type}")
    try:
        return msgspec.structs.replace(run, **_changes(run, event))
    except KeyError as error:
        raise ValueError(f"{event.type} of something that is not there: {error}") from error


def _requested(event: Event, f: QuoteRequested) -> QuoteRun:
    if event.by is None:
        raise ValueError("somebody requests a quote run")
    return QuoteRun(
        id=event.command,
        by=event.by,
        trip_id=f.trip_id,
        request=f.request,
        providers=f.providers,
        again_of=f.again_of,
        started_at=event.at,
        ends_by=f.ends_by,
        keep_until=f.keep_until,
        answers=HashTrieMap({provider.id: Answer() for provider in f.providers}),
    )


def _changes(run: QuoteRun, event: Event) -> dict[str, object]:
    match event.data:
        case QuoteVoted(choice=choice):
            by, old = event.by or "", run.ballots
            ballots = old.insert(by, choice) if choice is not None else old.discard(by)
            return {"ballots": ballots, "votes": run.votes + 1}
        case QuoteExpired():
            return {"expired": True}
        case EndTold():
            return {"told": True}
    if run.status != "processing":
        raise ValueError(f"{event.type} in a run that is over")
    match event.data:
        case RunnerStarted(fence=fence):
            return {"fence": fence, "runners": run.runners + 1, "runner_at": event.at, "alive_at": event.at}
        case QuoteActivity(provider=provider, text=said):
            activities = run.answers[provider].activities + 1
            said_so = _answered(run, provider, state="working", said=said, activities=activities)
            return {**said_so, "alive_at": event.at}
        case QuoteResult(provider=provider, prices=prices, seconds=seconds):
            return _answered(run, provider, state="priced", prices=prices, seconds=seconds)
        case QuoteFailure(provider=provider) as f:
            return _answered(run, provider, state="failed", failure=f.failure, detail=f.detail, seconds=f.seconds)
        case QuoteProgress():
            return {"alive_at": event.at}  # the answers say the rest
        case QuoteFinished():
            return {"status": "finished", "ended_at": event.at}
        case QuoteCancelled():
            return {"status": "cancelled", "ended_at": event.at}
        case QuoteInterrupted(because=because):
            return {"status": "interrupted", "because": because, "ended_at": event.at}
        case _:
            raise ValueError(f"no rule for {event.type}")


def _answered(run: QuoteRun, provider: str, **changes: object) -> dict[str, object]:
    before = run.answers[provider]
    if before.state in ("priced", "failed"):
        raise ValueError(f"{provider} has answered already")
    return {"answers": run.answers.insert(provider, msgspec.structs.replace(before, **changes))}
