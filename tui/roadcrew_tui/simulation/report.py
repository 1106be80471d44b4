"""What came of a run, as text and as JSON. What a server said is shown as text, never as anything else."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from roadcrew_domain.text import cleaned
from roadcrew_tui.simulation.latency import Latencies
from roadcrew_tui.simulation.plan import KINDS, Plan
from roadcrew_tui.simulation.run import Now, Result

NAMED = 20
"""Names that the text report lists; the JSON has all."""


def line(now: Now) -> str:
    """How a run goes, in a line."""
    tally = now.tally
    return (
        f"{now.seconds:4.0f} s   {now.here} here   {tally.actions.total()} actions   "
        f"{tally.refusals.total()} refused   {now.offline} offline   p50 {_ms(tally.accepted.percentile(0.5))}"
    )


def as_json(plan: Plan, result: Result, server: str | None) -> str:
    """The report for programs. `server` None: the run's own."""
    tally, books = result.tally, result.counts
    return json.dumps(
        {
            "agreed": result.agreed,
            "interrupted": result.interrupted,
            "trouble": result.trouble,
            "server": server,
            "plan": {**asdict(plan), "digest": plan.digest},
            "seconds": round(result.seconds, 1),
            "people": result.people,
            "trips": result.trips,
            "actions": dict(_by_kind(tally.actions)),
            "nothingToDo": dict(_by_kind(tally.idle)),
            "leftOut": tally.left_out,
            "refusals": dict(tally.refusals.most_common()),
            "tooManyRequests": tally.too_many_requests,
            "failedCalls": tally.failed_calls,
            "latency": {
                "accepted": _latency(tally.accepted),
                "seen": _latency(tally.seen),
                "behindPlan": _latency(tally.late),
            },
            "transport": {"switches": tally.switches, "entered": dict(tally.modes.most_common())},
            "networkLosses": tally.losses,
            "badNetworks": tally.bad_times,
            "hiddenTimes": tally.hidden,
            "events": {"read": tally.events, "lost": tally.lost, "doubled": tally.doubled},
            "resets": {"again": tally.resets, "skippedEvents": tally.skipped},
            "changes": {
                "accepted": books.accepted,
                "changedNothing": books.unchanged,
                "missing": books.missing,
                "doubled": books.doubled,
                "contradicted": books.contradicted,
                "unverified": books.unverified,
                "unknown": tally.unknown,
            },
            "talk": {"accepted": result.said},
            "compared": result.compared,
            "different": result.different,
            "faulty": dict(tally.faulty),
            "crashed": dict(tally.crashed),
        },
        ensure_ascii=False,
    )


def as_text(plan: Plan, result: Result, server: str | None) -> str:
    """The report for people."""
    tally, books = result.tally, result.counts
    rows = [
        ("people", f"{result.people}, simulated, in {_many(result.trips, 'trip')}, for {result.seconds:.0f} s"),
        ("server", "its own" if server is None else server),
        ("plan", f"{plan.digest}, of seed {plan.seed}"),
        ("actions", f"{tally.actions.total()}: {_list(_by_kind(tally.actions))}"),
        ("nothing to do", f"{tally.idle.total()} times; no time left for {tally.left_out}"),
        ("refused", f"{tally.refusals.total()}: {_list(tally.refusals.most_common())}"),
        ("limits", f"{tally.too_many_requests} times too many requests; {tally.failed_calls} calls failed"),
        ("accepted after", _spread(tally.accepted)),
        ("seen after", _spread(tally.seen)),
        ("behind the plan", _spread(tally.late)),
        ("transport", f"{_many(tally.switches, 'switch', 'es')}; {_list(tally.modes.most_common())}"),
        ("network", f"lost {tally.losses} times, bad {tally.bad_times} times; hidden {tally.hidden} times"),
        ("events", f"{tally.events} read, {tally.lost} lost, {tally.doubled} doubled"),
        ("resets", f"{tally.resets}, for {_many(tally.skipped, 'event')}"),
        ("changes", f"{books.accepted} accepted, of which {books.unchanged} changed nothing"),
        ("talk", f"{result.said} accepted, each looked for in what the server has"),
        ("in the log", f"{books.missing} missing, {books.doubled} doubled, {books.contradicted} contradicted"),
        ("not checked", f"{books.unverified} changes; {tally.unknown} with no answer, since who made them left"),
        ("compared", f"{_many(result.compared, 'client')} with the server, {len(result.different)} different"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join([*(f"{name:<{width}}  {cleaned(said)}" for name, said in rows), "", *_verdict(result)])


def _verdict(result: Result) -> list[str]:
    if result.interrupted:
        return ["Interrupted: this is what was so far, and nothing was compared."]
    if result.trouble is not None:
        return [f"Nothing could be compared in the end. {cleaned(result.trouble)}"]
    if result.agreed:
        return ["Nothing was lost, nothing doubled, and all clients equal the server."]
    tally = result.tally
    said = ["Not everybody has what the server has." if result.compared else "Nobody got into a trip."]
    said += [*result.different, *(f"{name}: not every event once" for name in tally.faulty), *tally.crashed]
    more = len(said) - 1 - NAMED
    return [cleaned(s) if n == 0 else f"  {cleaned(s)}" for n, s in enumerate(said[: NAMED + 1])] + (
        [f"  and {more} more"] if more > 0 else []
    )


def _by_kind(counter: Counter[str]) -> list[tuple[str, int]]:
    return [(kind, counter[kind]) for kind in KINDS if counter[kind]]


def _list(counted: list[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counted) or "none"


def _many(n: int, what: str, plural: str = "s") -> str:
    return f"{n} {what}{'' if n == 1 else plural}"


def _ms(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.0f} ms"


def _spread(latencies: Latencies) -> str:
    p50, p99, most = latencies.percentile(0.5), latencies.percentile(0.99), latencies.longest
    return f"p50 {_ms(p50)}, p99 {_ms(p99)}, max {_ms(most)}, of {latencies.count}"


def _latency(latencies: Latencies) -> dict[str, Any]:
    figures = {
        "p50Ms": latencies.percentile(0.5),
        "p99Ms": latencies.percentile(0.99),
        "maxMs": latencies.longest,
    }
    return {"count": latencies.count} | {k: None if v is None else round(v, 2) for k, v in figures.items()}
