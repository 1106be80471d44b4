"""`roadcrew web`: its words on the command line. Imports nothing heavy, for it is read for every sub-command."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable
from typing import Any

HOST, PORT, VISITORS, IDLE = "127.0.0.1", 8788, 20, 30.0
ABOUT = """Serves the app to browsers: each page that somebody opens is a terminal with an app of its own, which may use
nothing of this computer. All speak to one server. A browser stays the same person for 30 days after it was last here.

An invite opens by its code: http://127.0.0.1:8788/j/K7QM-2D4F"""
EXAMPLES = """examples:
  roadcrew web
  roadcrew web --server http://127.0.0.1:8787 --public-url https://app.example.org
  roadcrew web --port 9000 --visitors 5 --idle 10

exit status: 0 stopped, 2 usage, 4 it can't be served, 130 interrupted"""
NOT_INSTALLED = "What shows the app in a browser is not installed. Run: pip install 'roadcrew[web]'"


def add_parser(subs: Any, formatter: type, told: Callable[[Callable[[], int]], int]) -> None:
    """Add the sub-command. `told` runs it, and turns what goes wrong into a sentence and a status."""
    web = subs.add_parser(
        "web", help="the app in a browser", description=ABOUT, epilog=EXAMPLES, formatter_class=formatter
    )
    web.add_argument("--host", default=HOST, help=f"the address to listen on (default {HOST})", metavar="H")
    web.add_argument("--port", type=int, default=PORT, help=f"and the port; 0: any (default {PORT})", metavar="P")
    web.add_argument("--server", help="the server of all visitors (default: the last one)", metavar="URL")
    web.add_argument("--public-url", help="how browsers reach this, where it is not HOST:PORT", metavar="URL")
    web.add_argument(
        "--visitors", type=int, default=VISITORS, help=f"open pages at a time (default {VISITORS})", metavar="N"
    )
    web.add_argument(
        "--idle",
        type=float,
        default=IDLE,
        help=f"minutes without a key after which a page is closed (default {IDLE:.0f})",
        metavar="MINUTES",
    )
    web.set_defaults(run=lambda given: told(lambda: _run(given)))


def _run(given: argparse.Namespace) -> int:
    from roadcrew_tui.serving import CantServe  # noqa: PLC0415 - only here

    if any(importlib.util.find_spec(package) is None for package in ("aiohttp", "textual_serve")):
        raise CantServe(NOT_INSTALLED)
    from roadcrew_tui import settings  # noqa: PLC0415 - only here
    from roadcrew_tui.web.address import Address  # noqa: PLC0415 - only here
    from roadcrew_tui.web.serve import Options, serve  # noqa: PLC0415 - only here

    folders = settings.Folders.of_this_person()
    last = os.environ.get("ROADCREW_SERVER") or settings.load(folders).server
    options = Options(
        host=given.host,
        port=given.port,
        server=given.server or last or settings.LOCAL_SERVER,
        public=Address.of(given.public_url) if given.public_url else None,
        folder=folders.data / "web",
        visitors=given.visitors,
        idle=given.idle * 60,
    )
    return serve(options, lambda line: print(line, flush=True))
