"""What is allowed in a quote run: `decide` turns a command into facts or refuses it. Pure.

What may be asked for stands in quotes_request.py. Who may read a run, and so vote in it, is the server's to say.
"""

from __future__ import annotations

from datetime import datetime

from roadcrew_domain import text
from roadcrew_domain.events import Fact
from roadcrew_domain.money import checked_price
from roadcrew_domain.quotes_request import checked_providers, checked_request
from roadcrew_domain.quotes_state import (
    MAX_ACTIVITIES,
    MAX_DETAIL,
    MAX_PRICES,
    MAX_SAID,
    MAX_VOTES,
    AddFailure,
    AddResult,
    Answer,
    CancelRun,
    Choice,
    Price,
    QuoteActivity,
    QuoteCancelled,
    QuoteCommand,
    QuoteExpired,
    QuoteFailure,
    QuoteFinished,
    QuoteInterrupted,
    QuoteProgress,
    QuoteRequested,
    QuoteResult,
    QuoteRun,
    QuoteTick,
    QuoteVoted,
    RequestQuote,
    SayActivity,
    Stay,
    VoteQuote,
)
from roadcrew_domain.refusals import Refused, id_taken
from roadcrew_domain.running import (
    MOST_RUNNERS,
    EndTold,
    RunnerStarted,
    StartRunner,
    TellEnd,
    kept,
    require_fence,
    time_passed,
    untold,
)


def decide(run: QuoteRun | None, command: QuoteCommand, now: datetime) -> tuple[Fact, ...]:
    """What happens if `command` is accepted at `now`; nothing, if it changes nothing.

    Raises `Refused`: `unknown-quote-run`, `quote-run-expired`, `id-taken`, `fenced-off`, `unknown-provider`,
    `bad-prices`, `bad-price`, `not-yours-to-cancel`, `unknown-price`, `too-many-votes`, `bad-limit`, or what
    `checked_request` and `checked_providers` say.
    """
    act = command.act
    if isinstance(act, QuoteTick):
        return () if run is None else _tick(run, now)
    if isinstance(act, RequestQuote):
        return _requested(run, command, act, now)
    if run is None:
        raise Refused("unknown-quote-run", "missing", "There is no such quote run.")
    if isinstance(act, TellEnd):
        return (EndTold(),) if untold(run) else ()
    if run.expired or now >= run.keep_until:
        raise Refused("quote-run-expired", "missing", "This quote run is no longer kept. Ask for prices again.")
    if isinstance(act, VoteQuote):
        return _voted(run, command.by, act.choice)
    if isinstance(act, CancelRun):
        return _cancelled(run, command.by, act, now)
    return _by_runner(run, act, now)


def _requested(run: QuoteRun | None, command: QuoteCommand, act: RequestQuote, now: datetime) -> tuple[Fact, ...]:
    if command.by is None:
        raise Refused("forbidden", "forbidden", "Somebody asks for prices.")
    if run is not None:
        if run.by == command.by:
            return ()
        raise id_taken()
    request, providers = checked_request(act.request, now.date()), checked_providers(act.providers)
    ends_by, keep_until = kept(now, act.within, act.keep_for)
    return (QuoteRequested(request, providers, ends_by, keep_until, act.trip_id, act.again_of),)


def _tick(run: QuoteRun, now: datetime) -> tuple[Fact, ...]:
    return time_passed(run, now, QuoteInterrupted("too-long"), QuoteExpired())


def _cancelled(run: QuoteRun, by: str | None, act: CancelRun, now: datetime) -> tuple[Fact, ...]:
    if by is None or not (act.chair or by == run.by):
        raise Refused("not-yours-to-cancel", "forbidden", "Only the organiser or who asked for prices can cancel this.")
    if run.status != "processing":
        return ()
    return _tick(run, now) or (QuoteCancelled(),)


def _voted(run: QuoteRun, by: str | None, choice: Choice | None) -> tuple[Fact, ...]:
    if by is None:
        raise Refused("forbidden", "forbidden", "Somebody votes.")
    if choice is not None:
        answer = run.answers.get(choice.provider) or Answer()
        if not any(price.hotel_id == choice.hotel_id for price in answer.prices):
            raise Refused("unknown-price", "missing", "There is no such price in this run.")
    if run.ballots.get(by) == choice:
        return ()
    if run.votes >= MAX_VOTES:
        raise Refused("too-many-votes", "full", "Votes in this run were changed too often.", limit=MAX_VOTES)
    return (QuoteVoted(choice),)


# --- the runner ----------------------------------------------------------------------------------


def _by_runner(
    run: QuoteRun, act: StartRunner | SayActivity | AddResult | AddFailure, now: datetime
) -> tuple[Fact, ...]:
    """Nothing, when the run is over: who did the work finds that out by the state."""
    if isinstance(act, StartRunner):
        if act.fence == run.fence:
            return ()  # the same once more: no two leases have one fence
        require_fence(max(run.fence, act.fence), act.fence)
    else:
        require_fence(run.fence, act.fence)
    if run.status != "processing":
        return ()
    if now >= run.ends_by:
        return _tick(run, now)
    if isinstance(act, StartRunner):
        return (QuoteInterrupted("too-often"),) if run.runners >= MOST_RUNNERS else (RunnerStarted(act.fence),)
    answer = run.answers.get(act.provider)
    if answer is None:
        raise Refused("unknown-provider", "missing", "That provider was not asked in this run.")
    if answer.state in ("priced", "failed"):
        return ()
    return _of_provider(run, act, answer, now)


def _of_provider(
    run: QuoteRun, act: SayActivity | AddResult | AddFailure, answer: Answer, now: datetime
) -> tuple[Fact, ...]:
    seconds = round(max(0.0, (now - run.started_at).total_seconds()), 3)
    match act:
        case SayActivity(provider=provider, text=said):
            said = text.cut(said, MAX_SAID)
            return (QuoteActivity(provider, said),) if said and answer.activities < MAX_ACTIVITIES else ()
        case AddResult(provider=provider, prices=prices):
            result = QuoteResult(provider, _checked_prices(run, prices), seconds)
            return (result, *_progress(run, priced=1))
        case AddFailure(provider=provider, failure=failure, detail=detail):
            return (QuoteFailure(provider, failure, text.cut(detail, MAX_DETAIL), seconds), *_progress(run, failed=1))


def _checked_prices(run: QuoteRun, prices: tuple[Price, ...]) -> tuple[Price, ...]:
    if not 0 < len(prices) <= MAX_PRICES:
        raise Refused("bad-prices", "invalid", f"A provider gives 1 to {MAX_PRICES} prices.", limit=MAX_PRICES)
    request = run.request
    asked = {hotel.id for hotel in request.hotels} if isinstance(request, Stay) else {None}
    if not asked.issuperset(price.hotel_id for price in prices):
        raise Refused("bad-prices", "invalid", "A provider gives prices for what was asked, and for nothing else.")
    if len({price.hotel_id for price in prices}) < len(prices):
        raise Refused("bad-prices", "invalid", "A provider gives one price for each thing that was asked.")
    return tuple(
        Price(checked_price(p.total, field="price"), p.hotel_id, text.cut(p.note or "", MAX_SAID) or None)
        for p in prices
    )


def _progress(run: QuoteRun, *, priced: int = 0, failed: int = 0) -> tuple[Fact, ...]:
    """What comes with one more answer; with the last one, the end."""
    priced += sum(answer.state == "priced" for answer in run.answers.values())
    failed += sum(answer.state == "failed" for answer in run.answers.values())
    progress = QuoteProgress(priced + failed, len(run.providers))
    return (progress,) if progress.done < progress.total else (progress, QuoteFinished(priced, failed))
