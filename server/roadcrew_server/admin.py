"""`roadcrew admin …` (`python -P -m roadcrew_server.admin`): moving a store, copies of one in use, and a look at a
catalogue before it is served.

Exit status: 0 done, 1 refused or failed, 2 usage, 130 interrupted. What it is not for: anything that a running server
does; these are processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from roadcrew_domain.money import Money
from roadcrew_server import catalogue
from roadcrew_server.catalogue import BadCatalogue
from roadcrew_server.moving import export as exporting
from roadcrew_server.moving import restore as restoring
from roadcrew_server.moving.files import new_file, require_free
from roadcrew_server.moving.lines import Counts
from roadcrew_server.moving.reading import BadFile
from roadcrew_server.quotes import registry as quotes
from roadcrew_server.quotes.registry import BadQuotes
from roadcrew_server.settings import Settings
from roadcrew_server.stores import _sqlite_backup
from roadcrew_server.stores.base import Store, StoreError, StoreLocked
from roadcrew_server.stores.opening import check_url, is_redis, make_store, shown
from roadcrew_server.stores.sqlite import path_of

DONE, FAILED, INTERRUPTED, ENDED = 0, 1, 130, 143

TOLD_EVERY = 2.0
"""Seconds between two lines of progress."""

ABOUT = """Move a store to another place, copy one that is in use, or check a catalogue or a file of quote providers.

An export is one file with everything: trips with their history, members, passwords' hashes and sign-ins. After an
import into a new store nobody has to sign in again, and open terminals go on where they were. A backup is a copy of
an embedded store (a SQLite file), made while its server runs."""
EXAMPLES = """examples:
  roadcrew admin backup /backups/trips-monday.db
  roadcrew admin export trips.export                                     (stop the server first)
  roadcrew admin import trips.export --store redis://127.0.0.1:6379/0    (then start it with that store)
  roadcrew admin catalog exhibitions.toml                                (then: roadcrew serve --catalog ...)
  roadcrew admin quotes quotes.toml                                      (then: roadcrew serve --quotes ...)

Keep exports and backups as safe as the store itself. See docs/operating.md, "Moving and backups"."""

EXPORT = """Writes everything that a store holds into a new file. Stop the servers of that store first, and start
none on it afterwards: what they write later is not in the file. An embedded store that is in use is refused."""
IMPORT = """Fills a new, empty store with what an export holds. The file is checked from beginning to end before
anything is written. If the import breaks off, no server starts on that store: run the same import again, and it is
finished."""
BACKUP = """Copies an embedded store into a new file, as it is at one moment, also while its server runs and people
write. The copy is a store itself: to go back to it, stop the server and start it with --store sqlite:////THE/COPY.
A Redis or Valkey is backed up by its own means."""
CATALOG = """Reads a catalogue of exhibitions and says what a server would offer from it, or all that is wrong with it,
by line. How it is written: docs/operating.md, "Exhibitions". `sample` is the one that comes with the server."""

QUOTES = """Reads a file of quote providers and says whom a server would ask for prices, or all that is wrong with it,
by line. Nobody is asked. How it is written: docs/quote-providers.md. `sample` is the one that comes with the server.
What it names as `env:NAME` must be set here too."""


class Trouble(Exception):
    """It can't be done; says why."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("roadcrew admin", description=ABOUT, epilog=EXAMPLES, formatter_class=formatter)
    subs = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, words, example, run in (
        ("export", EXPORT, "roadcrew admin export trips.export", _export),
        ("import", IMPORT, "roadcrew admin import trips.export --store sqlite:////var/lib/roadcrew/new.db", _import),
        (
            "backup",
            BACKUP,
            "roadcrew admin backup /backups/trips.db --store sqlite:////var/lib/roadcrew/trips.db",
            _backup,
        ),
    ):
        sub = subs.add_parser(
            name,
            help=words.partition(".")[0].replace("\n", " ").lower(),
            description=words,
            epilog=f"example:\n  {example}",
            formatter_class=formatter,
        )
        sub.add_argument("file", type=Path, metavar="FILE", help="the export" if name == "import" else "the new file")
        sub.add_argument(
            "--store", metavar="URL", help="the store (default: ROADCREW_STORE, or where `serve` keeps it)"
        )
        sub.add_argument("--json", action="store_true", help="print what was done as JSON")
        sub.set_defaults(run=run)
    sub = subs.add_parser(
        "catalog",
        help="reads a catalogue of exhibitions, and says what is wrong with it",
        description=CATALOG,
        epilog="example:\n  roadcrew admin catalog exhibitions.toml",
        formatter_class=formatter,
    )
    sub.add_argument("file", metavar="FILE", help="the catalogue, .toml or .csv, or `sample`")
    sub.add_argument("--json", action="store_true", help="print what would be offered as JSON")
    sub.set_defaults(run=_catalog, store=None)
    sub = subs.add_parser(
        "quotes",
        help="reads a file of quote providers, and says what is wrong with it",
        description=QUOTES,
        epilog="example:\n  roadcrew admin quotes quotes.toml",
        formatter_class=formatter,
    )
    sub.add_argument("file", metavar="FILE", help="the file, .toml, or `sample`")
    sub.add_argument("--json", action="store_true", help="print who would be asked as JSON")
    sub.set_defaults(run=_quotes, store=None)
    return top


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The store for the length of a block."""
    store = make_store(settings)
    try:
        await store.open()
    except StoreLocked as error:
        raise Trouble(exporting.IN_USE) from error
    try:
        yield store
    finally:
        await store.close()


class Telling:
    """Progress as lines on stderr, now and then."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._next = time.monotonic() + TOLD_EVERY

    def __call__(self, so_far: object) -> None:
        """Say how far it is, unless that was said just now."""
        if time.monotonic() >= self._next:
            _say(f"{self._doing}: {so_far}")
            self._next = time.monotonic() + TOLD_EVERY


def _say(words: str) -> None:
    print(f"roadcrew: {words}", file=sys.stderr, flush=True)


def _export(given: argparse.Namespace, settings: Settings) -> tuple[str, dict[str, Any]]:
    require_free(given.file)
    if not is_redis(settings.store) and not path_of(settings.store).exists():  # opening would make an empty one
        raise Trouble(f"There is no store {path_of(settings.store)}.")

    async def work() -> Counts:
        async with opened(settings) as store:
            return await exporting.export(store, given.file, Telling("exporting"))

    counts = asyncio.run(work())
    size = given.file.stat().st_size
    return f"Exported {counts} to {given.file} ({size:,} bytes).", {**asdict(counts), "bytes": size}


def _import(given: argparse.Namespace, settings: Settings) -> tuple[str, dict[str, Any]]:
    with restoring.opened(given.file) as file:
        sha256 = restoring.check(file, Telling("checking"))

        async def work() -> Counts:
            async with opened(settings) as store:
                await restoring.mark(store, sha256)
                try:
                    return await restoring.restore(store, file, sha256, Telling("importing"))
                except BaseException:
                    _say(restoring.UNFINISHED)
                    raise

        counts = asyncio.run(work())
    left = f" {counts.run_out:,} things were left behind, since their time was over." if counts.run_out else ""
    return f"Imported {counts} into {shown(settings.store)}.{left}", asdict(counts)


def _backup(given: argparse.Namespace, settings: Settings) -> tuple[str, dict[str, Any]]:
    if is_redis(settings.store):
        raise Trouble("A Redis or Valkey is backed up by its own means; see its manual on persistence. Or export it.")
    source = path_of(settings.store)
    telling = Telling("copying")
    with new_file(given.file) as temporary:
        _sqlite_backup.copy(source, temporary, lambda done, of: telling(f"{100 * done // max(of, 1)} %"))
    size = given.file.stat().st_size
    return f"Copied {source} to {given.file} ({size:,} bytes), and checked the copy.", {"bytes": size}


def _catalog(given: argparse.Namespace, settings: Settings) -> tuple[str, dict[str, Any]]:
    # Whoever moves a store needs no currencies.
    from babel.numbers import format_currency, get_currency_precision  # noqa: PLC0415

    def price(of: Money) -> str:
        return format_currency(
            Decimal(of.amount).scaleb(-get_currency_precision(of.currency)), of.currency, locale="en"
        )

    offered = catalogue.named(given.file)
    if offered is None:
        raise Trouble("Name the catalogue's file.")
    lines = [f"{len(offered.exhibitions)} exhibitions. {offered.note}".rstrip()]
    for one in offered.exhibitions:
        prices = ", ".join(f"{kind.kind} {price(kind.price)}" for kind in one.tickets)
        lines.append(
            f"  {one.id}: {one.title}, {one.venue}, {one.city}; {one.starts_on} to {one.ends_on}, "
            f"{len(one.weekdays)} days a week, {len(one.times)} times a day, {one.capacity} seats; {prices}"
        )
    return "\n".join(lines), {"exhibitions": msgspec.to_builtins(offered.exhibitions), "note": offered.note}


def _quotes(given: argparse.Namespace, settings: Settings) -> tuple[str, dict[str, Any]]:
    asked = quotes.named(given.file)
    if asked is None:
        raise Trouble("Name the file of providers.")
    hotels = asked.hotels()
    lines = [f"{len(asked.all)} providers, who know {len(hotels)} hotels."]
    facts: list[dict[str, Any]] = []
    for one in asked.all:
        kinds = sorted(one.kinds)
        lines.append(f"  {one.id}: {one.name}; {', '.join(kinds)}; {one.timeout:g} s, tries: {one.tries}")
        facts.append({**msgspec.to_builtins(one.asked), "kinds": kinds, "tries": one.tries})
    return "\n".join(lines), {"providers": facts, "hotels": msgspec.to_builtins(hotels)}


def _settings(store: str | None) -> Settings:
    """The server's settings, with another store if one is named. Raises ValueError with a sentence."""
    try:
        settings = Settings(**({"workers": 1} if store is None else {"workers": 1, "store": store}))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        raise ValueError("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong)) from None
    check_url(settings.store)
    return settings


def _ended(number: int, frame: object) -> None:
    """SIGTERM: go by way of everything that tidies up."""
    raise SystemExit(ENDED)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; the exit status."""
    made = parser()
    given = made.parse_args(argv)
    try:
        settings = _settings(given.store)
    except ValueError as error:
        made.error(str(error))
    with contextlib.suppress(ValueError):  # in another thread than the main one
        signal.signal(signal.SIGTERM, _ended)
    try:
        words, facts = given.run(given, settings)
    except (StoreError, exporting.CantExport, restoring.CantImport, Trouble) as error:
        _say(str(error))
    except (BadCatalogue, BadQuotes) as error:
        print(error, file=sys.stderr)
    except BadFile as error:
        _say(f"{given.file} can't be believed, {error}. Nothing in it is used.")
    except OSError as error:
        _say(str(error) if error.strerror is None else f"{error.filename or given.file}: {error.strerror}")
    except KeyboardInterrupt:
        return INTERRUPTED
    else:
        print(json.dumps(facts) if given.json else words)
        return DONE
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
