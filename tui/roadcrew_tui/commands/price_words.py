"""What the sub-commands about prices and imports print for people: the same results as `--json`, line by line; and how
far something is. What a server has sent is cleaned (`receipts.safe`). Not for screens, which draw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from roadcrew_domain.jobs_state import ImportedHotel, ImportJob, RefusedRow
from roadcrew_domain.money import Money
from roadcrew_domain.quotes import QuoteRun, decode_run
from roadcrew_domain.runs import RunNote
from roadcrew_tui import when
from roadcrew_tui.money import written
from roadcrew_tui.receipts import safe
from roadcrew_tui.screens import imports_model, quotes_model
from roadcrew_tui.screens.inspector_model import size
from roadcrew_tui.screens.quotes_model import progress_words
from roadcrew_tui.screens.quotes_rows import PriceRow, ProviderRow

__all__ = ["Sending", "answered", "hotel_row", "job_progress", "progress_words", "size", "told"]

LEAST = 1.0
"""Seconds before anything is said of speed."""


def told(result: Mapping[str, Any]) -> list[str]:
    """The lines of one result. Raises `ValueError` for what no sub-command gives."""
    now = datetime.now(UTC)
    match result:
        case {"run": run}:
            changes = result.get("changes")
            return _run(decode_run(json.dumps(run)), now, changes)
        case {"runId": run_id}:
            return [f"Asked. See: roadcrew quote watch {safe(run_id)}"]
        case {"job": job}:
            return _job(msgspec.convert(job, ImportJob), now)
        case {"jobId": job_id}:
            return [f"Sent. See: roadcrew import watch {safe(job_id)}"]
        case {"runs": runs, "members": members}:
            return _notes(runs, members, now) or ["No quotes yet. Ask: roadcrew quote stay --help"]
        case {"imports": imports, "members": members}:
            return _notes(imports, members, now) or ["No imports yet. Begin: roadcrew import hotels.csv"]
        case {"providers": providers}:
            return [_offers(p) for p in providers] or ["This server asks nobody for prices."]
        case {"hotels": hotels, "total": total}:
            return _page([hotel_row(hotel) for hotel in hotels], total, result.get("next"), "hotel")
        case {"rows": rows, "total": total}:
            refused = [_refused(msgspec.convert(row, RefusedRow)) for row in rows]
            return _page(refused, total, result.get("next"), "refused row")
        case _:
            raise ValueError(f"no words for a result of {', '.join(result)}")


# --- how far it is -------------------------------------------------------------------------------


def answered(run: QuoteRun, now: datetime) -> list[tuple[str, str]]:
    """Those who have answered or failed, by id, and what there is to say of it."""
    rows = quotes_model.sheet(run, {}, "", now).providers
    return [(row.id, _provider(row)) for row in rows if run.answers[row.id].state in ("priced", "failed")]


class Sending:
    """How a file of `size` bytes is sent."""

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self._total = total
        self._clock = clock
        self._since = clock()

    def words(self, done: int) -> str:
        """`Sending, 1.2 MB of 2.6 MB, 3.1 MB a second, 1 s left`."""
        if not done:
            self._since = self._clock()  # the first time, or once more from its start
        parts = [f"Sending, {size(done)} of {size(self._total)}"]
        took = self._clock() - self._since
        if done and took >= LEAST:
            left = timedelta(seconds=max(1.0, (self._total - done) * took / done))
            parts += [f"{size(done / took)} a second", f"{when.amount_of(left)} left"]
        return ", ".join(parts)


def job_progress(job: ImportJob, pace: imports_model.Pace, now: datetime) -> tuple[float | None, str, str]:
    """The share that is read, what it does now, and that with its figures."""
    live = imports_model.live(job, pace, now)
    first = live.words.replace("{what}", safe(live.what))
    return live.share, first.split(",")[0], f"{first} {live.figures}".strip()


# --- quotes --------------------------------------------------------------------------------------


def _run(run: QuoteRun, now: datetime, changes: list[Any] | None) -> list[str]:
    sheet = quotes_model.sheet(run, {}, "", now)
    about = ", ".join(safe(name) for name in sheet.about)
    rows = [f"{sheet.title}, {sheet.all_of}: {about}", f"{sheet.words}  {safe(run.id)}"]
    rows += [remark.words for remark in sheet.remarks]
    rows += [_price(row, sheet.unit) for row in sheet.prices]
    rows += [f"  {_provider(row)}" for row in sheet.providers if row.state != "priced"]
    if changes is not None:
        rows += ["Since the run before:", *map(_change, changes)] if changes else ["The same as in the run before."]
    return rows


def _provider(row: ProviderRow) -> str:
    words = f"{row.words}: {safe(row.said)}" if row.said else row.words
    return f"{_name(row.name, simulated=row.simulated)}: {words}"


def _price(row: PriceRow, unit: str) -> str:
    votes = len(row.voters) + row.mine
    parts = [f"{written(row.per)} {unit}", f"{written(row.total)} in all"]
    parts += [safe(row.hotel)] if row.hotel else []
    parts += [_name(row.provider, simulated=row.simulated)]
    parts += [quotes_model.counted(votes, "vote")] if votes else []
    parts += ["best"] if row.best else []
    return f"  {'  '.join(parts)}"


def _name(name: str, *, simulated: bool) -> str:
    words = safe(name)
    return f"{words} (simulated)" if simulated and "simulated" not in words.casefold() else words


def _change(change: Mapping[str, Any]) -> str:
    provider, hotel = change["provider"], change["hotel"]
    of = [safe(hotel["name"])] if hotel else []
    of.append(_name(provider["name"], simulated=provider["simulated"]))
    before, after = (c and written(msgspec.convert(c, Money)) for c in (change["before"], change["after"]))
    what = f"{before}, now {after}" if before and after else f"new, {after}" if after else f"gone, was {before}"
    return f"  {', '.join(of)}: {what}"


def _notes(runs: list[Any], members: list[Any], now: datetime) -> list[str]:
    names = {member["id"]: safe(member["name"]) for member in members}
    return [_note(n, note, names, now) for n, note in enumerate(msgspec.convert(runs, list[RunNote]), 1)]


def _note(number: int, note: RunNote, names: Mapping[str, str], now: datetime) -> str:
    days = when.span(note.begins, note.ends, now.astimezone().date())
    what = {"stay": "Stay", "vehicle": "Vehicle", "import": "Import"}[note.kind]
    parts = [what, *([days] if days else []), *([safe(note.name)] if note.name else [])]
    noun = {"stay": "guest", "vehicle": "driver", "import": "hotel"}[note.kind]
    told = [", ".join(parts), f"{note.count:,} {noun}{'s' * (note.count != 1)}"]
    if note.best is not None:
        told.append(f"from {written(note.best)}{f' ({safe(note.best_of)})' if note.best_of else ''}")
    told += [f"by {names.get(note.by, 'somebody who has left')}, {when.ago(note.at, now)}", note.ended or "under way"]
    return "  ".join([str(number), *told, safe(note.id)])


def _offers(provider: Mapping[str, Any]) -> str:
    kinds = " and ".join(safe(kind) for kind in provider["kinds"])
    limit = f", at most {provider['timeout']:g} s" if provider["timeout"] else ""
    return f"{_name(provider['name'], simulated=provider['simulated'])}  {kinds}{limit}  {safe(provider['id'])}"


# --- imports -------------------------------------------------------------------------------------


def _job(job: ImportJob, now: datetime) -> list[str]:
    share, _, words = job_progress(job, imports_model.Pace(), now)
    far = f"{int(share * 100)} %  " if share is not None and job.status == "processing" else ""
    rows = [f"{safe(job.name)}, {size(job.size)}  {safe(job.id)}", f"{far}{words}"]
    if job.reasons:
        rows.append(f"Refused: {safe(imports_model.reasons(job))}")
        rows += [f"  {_refused(row)}" for row in job.refused[:5]]
        if job.counts.refused > len(job.refused[:5]):
            rows.append("  All of them: roadcrew import refused")
    if job.counts.good:
        rows.append("See them: roadcrew import hotels. To the shortlist: roadcrew import shortlist NAME")
    return rows


def hotel_row(hotel: Mapping[str, Any]) -> str:
    """`Casa Azul  Lisbon  4 stars  84 € (was 90 €)  line 17`."""
    h = msgspec.convert(hotel, ImportedHotel)
    was = f" (was {written(h.was)})" if h.was is not None else ""
    stars = f"{h.stars} star{'s' * (h.stars != 1)}"
    return f"{safe(h.name)}  {safe(h.city)}  {stars}  {written(h.price_per_night)}{was}  line {h.line}"


def _refused(row: RefusedRow) -> str:
    return f"line {row.line}  {safe(row.code)}: {safe(row.detail)}"


def _page(rows: list[str], total: int, after: Any, noun: str) -> list[str]:
    if not rows:
        return [f"No {noun}s."]
    more = [f"{len(rows):,} of {total:,}; the next ones: --after {safe(str(after))}"] if after is not None else []
    return [*rows, *more]
