"""Imports of hotels without a screen, as the sub-commands run them: a file to the server, answers to the shapes of
HTTP. What people read of it is price_words.py's.

Raises the client's `RoadcrewError` and the domain's `Refused`.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from roadcrew_domain.events import encode_event
from roadcrew_domain.hotels import ShortlistHotel
from roadcrew_domain.jobs import encode_job
from roadcrew_domain.jobs_state import ImportedHotel, ImportJob
from roadcrew_domain.refusals import Refused
from roadcrew_domain.runs import RunKind
from roadcrew_tui import feed_files, money
from roadcrew_tui.commands import price_words
from roadcrew_tui.commands.base import Args
from roadcrew_tui.commands.headless import do, shape
from roadcrew_tui.commands.headless_runs import AWAY, follow, is_away, its_trip, listed, meant
from roadcrew_tui.oneshot import data, hint, show
from roadcrew_tui.progress import Progress
from roadcrew_tui.receipts import safe
from roadcrew_tui.screens.imports_model import Pace

if TYPE_CHECKING:
    from roadcrew_client import Client, ImportJobAnswer, LiveRun, RunChange

KINDS: tuple[RunKind, ...] = ("import",)
MANY, MOST = 200, 20
"""Hotels of an answer, and answers, that are looked through for one of a name."""


def job_shape(job: ImportJob) -> Any:
    """`{jobId, status, job}`."""
    return {"jobId": job.id, "status": job.status, "job": msgspec.json.decode(encode_job(job))}


def answer_shape(answer: ImportJobAnswer) -> Any:
    """`{jobId, status, job, seq, now}` as the contract has it."""
    return {**job_shape(answer.job), "seq": answer.seq, "now": shape(answer.now)}


# --- sending a file ------------------------------------------------------------------------------


async def start(client: Client, args: Args) -> Any:
    """`import FILE`: sends it, and follows the import to its end. Raises `ValueError` for what is no such file."""
    feed = await asyncio.to_thread(feed_files.feed, str(args["file"]), Path.cwd())
    trip = await its_trip(client, args)
    served = (await client.server_info()).imports
    if served is None:
        raise Refused("no-imports", "missing", "This server has no price monitor, so nothing can be imported there.")
    if served.max_bytes is not None and feed.size > served.max_bytes:
        most = price_words.size(served.max_bytes)
        raise Refused("feed-too-large", "invalid", f"That file is larger than the {most} that this server takes.")
    json = bool(args.get("json"))
    progress = Progress(quiet=json)
    sending = price_words.Sending(feed.size, time.monotonic)
    try:
        started = await client.start_import(
            trip.id,
            feed.path,
            str(args.get("name") or feed.name),
            feed.format,
            args.get("currency"),
            sent=lambda done: progress.show(done / feed.size, sending.words(done)),
        )
    finally:
        progress.done()
    if args.get("no-wait"):
        return shape(started)
    if json:
        show(shape(started), json=True)
    else:
        hint("It goes on when this command ends; roadcrew import cancel stops it.")
    return await _followed(client, started.job_id, args)


async def watch(client: Client, args: Args) -> Any:
    """`import watch`: until it is over."""
    return await _followed(client, await meant(client, args, KINDS, "import"), args)


async def _followed(client: Client, job_id: str, args: Args) -> Any:
    """Lines as it goes on: of data with `--json`, else of words. Returns how it is at its end."""
    json, progress = bool(args.get("json")), Progress(quiet=bool(args.get("json")))
    pace, stage = Pace(), ""

    def tell(live: LiveRun, change: RunChange | None) -> bool:
        nonlocal pace, stage
        job = live.state
        if not isinstance(job, ImportJob):
            return False
        if json and change is not None and change.event is not None:
            print(data(encode_event(change.event).decode()), flush=True)
        elif json and change is not None and change.kind == "reset":
            show(job_shape(job), json=True)
        now = live.server_now()
        pace = pace.after(job, now)
        share, first, words = price_words.job_progress(job, pace, now)
        if is_away(live):
            first = words = AWAY
        if job.status == "processing":
            progress.show(share, words, stage=first != stage)
            stage = first
        return job.status != "processing"

    try:
        await follow(client, f"job:{job_id}", tell)
    finally:
        progress.done()
    return answer_shape(await client.import_job(job_id))


# --- one import ----------------------------------------------------------------------------------


async def imports(client: Client, args: Args) -> Any:
    """`import list`: of a trip, newest first."""
    return listed(await its_trip(client, args), KINDS, "imports")


async def show_import(client: Client, args: Args) -> Any:
    """`import show`."""
    return answer_shape(await client.import_job(await meant(client, args, KINDS, "import")))


async def cancel(client: Client, args: Args) -> Any:
    """`import cancel`."""
    return answer_shape(await client.cancel_import(await meant(client, args, KINDS, "import")))


async def hotels(client: Client, args: Args) -> Any:
    """`import hotels`: sorted and filtered by the server."""
    job_id = await meant(client, args, KINDS, "import")
    most = args.get("max")
    try:
        max_price = None if most is None else money.parse_price(str(most)).amount
    except money.NotAPrice as problem:
        raise Refused("bad-price", "invalid", str(problem), field="max") from problem
    found = await client.imported_hotels(
        job_id,
        args.get("sort") or "price",
        bool(args.get("descending")),
        args.get("city"),
        args.get("search"),
        args.get("stars"),
        max_price,
        args.get("limit") or 50,
        args.get("after"),
    )
    return shape(found)


async def refused(client: Client, args: Args) -> Any:
    """`import refused`: which rows were not taken over, and why."""
    job_id = await meant(client, args, KINDS, "import")
    return shape(await client.refused_rows(job_id, args.get("after"), args.get("limit") or 50))


async def shortlist(client: Client, args: Args) -> Any:
    """`import shortlist`: hotels by name to the trip's shortlist. Returns `{trip, cursor}` after the last."""
    trip = await its_trip(client, args)
    job_id = await meant(client, args, KINDS, "import")
    wanted = [await _named(client, job_id, str(said), args) for said in args["hotel"]]
    result: Any = None
    for h in wanted:
        result = await do(client, trip.id, ShortlistHotel(h.name, h.city, h.stars, h.price_per_night, None))
    return result


async def _named(client: Client, job_id: str, said: str, args: Args) -> ImportedHotel:
    found, after = list[ImportedHotel](), None
    for _ in range(MOST):
        page = await client.imported_hotels(job_id, "line", q=said, city=args.get("city"), limit=MANY, after=after)
        found += page.hotels
        after = page.next
        if after is None:
            break
    exact = [hotel for hotel in found if hotel.name.casefold() == said.casefold()]
    fitting = exact or found
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise Refused("unknown-hotel", "missing", f"Nothing called {said} was imported.")
    rows = "\n".join(f"  {price_words.hotel_row(shape(hotel))}" for hotel in fitting[:10])
    raise Refused("ambiguous-hotel", "invalid", f"Say more of {safe(said)}, or --city:\n{rows}")


def not_finished(result: Any) -> Exception | None:
    """What is said of an import that came to no good end."""
    status = result.get("status")
    if status == "failed":
        detail = result["job"].get("detail")
        return Refused("import-failed", "conflict", safe(detail) if detail else "The import failed.")
    if status in ("cancelled", "interrupted"):
        return Refused(f"import-{status}", "conflict", f"The import was {status}. What had come by then stays.")
    return None
