"""`python -m tests.faults --to http://127.0.0.1:8787 --port 9000 --buffer-streams`: a bad network to try."""

import argparse
import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Sequence

from tests.faults.plan import Faults
from tests.faults.proxy import FaultProxy
from tests.faults.words import WORDS, NotUnderstood, changed, lesson, names, said

INTRODUCTION = """\
A bad network on this computer, between a client and a server. Start a server, start this, and go through it:

  roadcrew serve
  python -m tests.faults --to http://127.0.0.1:8787 --port 9000 --buffer-streams
  ROADCREW_SERVER=http://127.0.0.1:9000 roadcrew

While it runs, type a fault and press enter, and watch the first line of the app: `refuse`, then `ok`, then
`latency 300ms`. Faults add up; NAME off takes one away, ok takes all away. drop cuts what is open at this moment, show
says what is wrong now, quit ends it.

Faults, as options or typed:
"""
TYPED = "Type a fault, NAME off, ok, drop, show, help or quit."


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        usage="python -m tests.faults --to URL [--port N] [--FAULT …] …",
        description=INTRODUCTION + lesson(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--to", required=True, metavar="URL", help="the server, on this computer: http://127.0.0.1:8787"
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen: 127.0.0.1 (the default) or ::1")
    parser.add_argument("--port", type=int, default=9000, help="9000 by default; 0 for any that is free")
    parser.add_argument("--seed", type=int, default=0, help="another number, other random choices")
    for name, word in WORDS.items():
        parser.add_argument(f"--{name}", nargs="*", metavar="…", help=word.usage or "from the start")
    return parser.parse_args(arguments)


def faults_of(given: argparse.Namespace) -> Faults:
    """What is wrong from the start. Raises `NotUnderstood`."""
    faults = Faults()
    for name in WORDS:
        words = getattr(given, name.replace("-", "_"))
        if words is not None:
            faults = changed(faults, name, words)
    return faults


async def obey(proxy: FaultProxy, line: str) -> str | None:
    """Do what was typed. Returns what to say, or None to end."""
    match line.strip():
        case "":
            return TYPED
        case "quit" | "exit":
            return None
        case "help":
            return lesson()
        case "show":
            return f"{names(proxy.faults)}; {proxy.open} connections open, {len(proxy.requests())} requests so far"
        case "drop":
            proxy.drop()
            return "what was open is cut"
        case fault:
            try:
                await proxy.be(said(proxy.faults, fault))
            except NotUnderstood as error:
                return f"{error}."
            return names(proxy.faults)


async def serve(given: argparse.Namespace, faults: Faults) -> None:
    """Pass connections on until told to quit."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue(100)
    over = asyncio.Event()

    def listen() -> None:
        # A thread of its own: a terminal, a pipe and a file can all be read so, on every platform.
        for line in sys.stdin:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    async def take() -> None:
        while (told := await obey(proxy, await lines.get())) is not None:
            print(told, flush=True)
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows, ctrl+c ends us without
            loop.add_signal_handler(number, over.set)
    async with FaultProxy(given.to, faults, host=given.host, port=given.port, seed=given.seed) as proxy:
        print(f"{proxy.url} passes on to {given.to}: {names(proxy.faults)}", flush=True)
        print(TYPED, flush=True)
        threading.Thread(target=listen, daemon=True).start()
        taking = asyncio.create_task(take())
        try:
            await over.wait()
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it. Returns the exit status."""
    given = options(arguments)
    try:
        asyncio.run(serve(given, faults_of(given)))
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError) as error:
        print(f"{error}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
