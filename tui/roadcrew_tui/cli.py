"""`roadcrew …`: the sub-commands. Data goes to stdout, words to stderr; `--json` prints the HTTP shapes.

Exit status: 0 done, 1 refused, 2 usage, 3 sign in, 4 unreachable, 130 interrupted. The sub-commands of trips,
polls, hotels and bookings are made from the same `Command` classes as the keys of the screen (G5).
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from roadcrew_tui import config_command, host
from roadcrew_tui.commands import everything, talking
from roadcrew_tui.commands.base import Argument, Command, NeedsTrip
from roadcrew_tui.doctor import command as doctor
from roadcrew_tui.pilot import command as pilot
from roadcrew_tui.shell import command as shell
from roadcrew_tui.signing import command as signing
from roadcrew_tui.simulation import command as simulation
from roadcrew_tui.web import command as web

if TYPE_CHECKING:
    from roadcrew_client import Client

CHANNELS = ("comments", "images", "posts", "blogs", "rating", "likes", "saves", "presence")
DONE, REFUSED, USAGE, SIGN_IN, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130
DEMO_NAME = "You"
BECOMES_SOMEBODY = ("trip.join", "trip.new")
"""Actions that make a guest of somebody whom the server does not know."""
FOR_VISITORS = ("join", "watch", "login", "logout", "whoami", "completions", "-h", "--help", "--version")
"""What somebody may run besides actions who does not own this computer."""

ABOUT = """Plan a trip with your crew, live, from the terminal.

Without a sub-command this opens the app."""
EXAMPLES = """examples:
  roadcrew                                    the app
  roadcrew demo                               a sample trip with simulated members
  roadcrew join https://example.org/j/K7QM-2D4F
  roadcrew serve --host 0.0.0.0 --public-url https://trips.example.org
  roadcrew trip new "Lisbon in May" --json
  roadcrew quote stay --dates "21 to 25 May"
  roadcrew import hotels.csv
  roadcrew talk comment "Shall we meet at nine?"
  roadcrew watch --json | jq .type

exit status: 0 done, 1 refused, 2 usage, 3 sign in, 4 unreachable, 130 interrupted"""
UNSAID = {"import": "file"}
"""`roadcrew import hotels.csv` imports that file."""
GROUP_EPILOG = {
    "import": "examples:\n  roadcrew import hotels.csv\n  roadcrew import list",
    "talk": 'examples:\n  roadcrew talk comment "Shall we meet at nine, @Ben?"\n  roadcrew talk list\n'
    '  roadcrew talk rate 4 --hotel "Casa Azul"\n  roadcrew talk image beach.jpg --caption "The first evening"',
}
GROUP_HELP = {
    "trip": "trips and their crews",
    "poll": "polls",
    "hotel": "the shortlist and its vote",
    "quote": "prices of a stay or a vehicle, asked of all providers at once",
    "import": "hotels from a file, and imports of before",
    "book": "exhibitions, and seats there",
    "cart": "what you hold, your orders and their payment",
    "talk": "comments, ratings, images, posts and blogs",
    "you": "your name and account",
    "waiting": "your changes that wait to be sent",
}


def main(argv: Sequence[str]) -> int:
    """Run one sub-command; the exit status."""
    if argv and not host.here().lends("processes") and not _is_for_visitors(argv[0]):
        return _say(host.refusal("processes"), REFUSED)
    if argv and argv[0] == "serve":
        return _guarded(lambda: _serve(argv[1:]))
    if argv and argv[0] == "admin":
        return _guarded(lambda: _administer(argv[1:]))
    if argv and argv[0] == "price-monitor":
        return _guarded(lambda: _monitor_prices(argv[1:]))
    parser = make_parser()
    given = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], int] | None = getattr(given, "run", None)
    if run is None:
        getattr(given, "parser", parser).print_help(sys.stderr)
        return USAGE
    return _guarded(lambda: run(given))


def _is_for_visitors(word: str) -> bool:
    """What is neither here nor an action's group is for the person whose computer this is; so is what comes later."""
    return word in FOR_VISITORS or any(c.sub is not None and c.sub[0] == word for c in everything())


def _guarded(run: Callable[[], int]) -> int:
    from roadcrew_tui.serving import CantServe  # noqa: PLC0415 - for a fast --help

    try:
        return run()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our lines has gone; don't let the interpreter complain while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except CantServe as error:
        return _say(str(error), UNREACHABLE)


def _say(words: str, status: int) -> int:
    print(f"roadcrew: {host.here().told(words)}", file=sys.stderr)
    return status


# --- the parser ------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """With `unsaid`, an action that is meant where none is named."""

    unsaid: str | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse has it."""
        if self.unsaid is not None and args and args[0] not in ("-h", "--help") and not self._names(args[0]):
            args = [self.unsaid, *args]
        return super().parse_known_args(args, namespace)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse has it, but where something like it is there, that alone is named."""
        if action.choices is not None and value not in action.choices:
            from difflib import get_close_matches  # noqa: PLC0415 - for a fast start

            if near := get_close_matches(str(value), [str(choice) for choice in action.choices], 1):
                raise argparse.ArgumentError(action, f"invalid choice: {value!r}. Did you mean {near[0]}?")
        super()._check_value(action, value)

    def _names(self, word: str) -> bool:
        return any(word in action.choices for action in self._actions if isinstance(action.choices, dict))


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = _Parser("roadcrew", description=ABOUT, epilog=EXAMPLES, formatter_class=formatter)
    parser.add_argument("--version", action="version", version=f"roadcrew {_version()}")
    subs = parser.add_subparsers(title="sub-commands", metavar="COMMAND")
    subs.add_parser("serve", help="run a server", add_help=False)
    subs.add_parser("admin", help="move what a server keeps to another store, or back it up", add_help=False)
    subs.add_parser("price-monitor", help="run the service that reads imports for a server", add_help=False)
    _demo_parser(subs, formatter)
    _join_parser(subs, formatter)
    _watch_parser(subs, formatter)
    pilot.add_parser(subs, formatter)
    simulation.add_parser(subs, formatter, _told)
    signing.add_parsers(subs, formatter, _told)
    web.add_parser(subs, formatter, _told)
    doctor.add_parser(subs, formatter, _told)
    shell.add_parsers(subs, formatter, parser)
    groups: dict[str, Any] = {}
    for command in everything():
        if command.sub is None:
            continue
        group, name = command.sub
        if group not in groups:
            group_parser = subs.add_parser(
                group, help=GROUP_HELP.get(group, group), epilog=GROUP_EPILOG.get(group), formatter_class=formatter
            )
            group_parser.set_defaults(parser=group_parser)
            groups[group] = group_parser.add_subparsers(title="actions", metavar="ACTION")
            group_parser.unsaid = UNSAID.get(group)
        _action_parser(groups[group], name, command, formatter)
    config_command.add_parser(subs, formatter)
    return parser


def _demo_parser(subs: Any, formatter: type) -> None:
    demo = subs.add_parser(
        "demo",
        help="a sample trip with simulated members, on this computer only",
        description="Starts a server of its own, a sample trip and simulated members (marked so), and opens the app.\n"
        "Without a terminal, or with --headless, it prints what happens instead.",
        epilog="examples:\n  roadcrew demo\n  roadcrew demo --bots 8\n  roadcrew demo --headless --seconds 20",
        formatter_class=formatter,
    )
    demo.add_argument("--bots", type=_number(1, 40), default=5, help="simulated members (default 5)", metavar="N")
    demo.add_argument("--seconds", type=_number(1, 3600), help="how long they act, headless (default 12)", metavar="S")
    demo.add_argument("--seed", type=int, default=1, help="another seed, other members' minds (default 1)")
    demo.add_argument("--headless", action="store_true", help="print what happens; no app")
    demo.set_defaults(run=_demo)


def _join_parser(subs: Any, formatter: type) -> None:
    join = subs.add_parser(
        "join",
        help="join a trip by a link or CODE@HOST, and open it",
        description="Joins a trip and opens it. Without a terminal it joins and prints the trip's id.",
        epilog="examples:\n  roadcrew join https://example.org/j/K7QM-2D4F\n"
        "  roadcrew join K7QM-2D4F@example.org --name Ana",
        formatter_class=formatter,
    )
    join.add_argument("invite", help="the link or CODE@HOST that somebody sent you")
    join.add_argument("--name", help="how the crew sees you")
    join.add_argument("--json", action="store_true", help="join without opening the app, and print the trip as JSON")
    join.set_defaults(run=_join)


def _watch_parser(subs: Any, formatter: type) -> None:
    watch = subs.add_parser(
        "watch",
        help="what happens in a trip, or is said of something, as lines",
        description="Prints what happens in a trip, one line an event, until it ends or you press ctrl+c.\n"
        "With --channel it prints what is said and given of the trip, or of a hotel, an exhibition, a post or a blog.",
        epilog="examples:\n  roadcrew watch\n  roadcrew watch --trip Lisbon --json | jq .type\n"
        '  roadcrew watch --channel comments --channel rating --hotel "Casa Azul"\n'
        "  roadcrew watch --channel posts --json | jq -r .data.text",
        formatter_class=formatter,
    )
    watch.add_argument(
        "--channel", action="append", choices=CHANNELS, help="what is said or given; again for another one"
    )
    for argument in talking.ABOUT:
        if argument.name != "trip":
            _add(watch, argument)
    _common(watch, trip=True)
    watch.set_defaults(run=_watch)


def _action_parser(subs: Any, name: str, command: Command, formatter: type) -> None:
    examples = "\n  ".join(command.examples)
    parser = subs.add_parser(
        name,
        help=(command.sub_help or command.help).partition(". ")[0].rstrip("."),
        description=command.sub_help or command.help,
        epilog=f"examples:\n  {examples}" if examples else None,
        formatter_class=formatter,
    )
    for argument in command.arguments:
        _add(parser, argument)
    _common(parser, trip=command.needs_trip)
    parser.set_defaults(run=lambda given: _act(command, given))


def _add(parser: argparse.ArgumentParser, argument: Argument) -> None:
    words: dict[str, Any] = {"help": argument.help}
    if argument.kind == "flag":
        parser.add_argument(f"--{argument.name}", action="store_true", help=argument.help)
        return
    if argument.kind == "number":
        words["type"] = int
    if argument.choices:
        words["choices"] = argument.choices
    if argument.required or argument.positional:
        count = ("+" if argument.required else "*") if argument.many else (None if argument.required else "?")
        parser.add_argument(argument.name, nargs=count, **words)
    else:
        parser.add_argument(f"--{argument.name}", action="append" if argument.many else "store", **words)


def _common(parser: argparse.ArgumentParser, *, trip: bool) -> None:
    if trip:
        parser.add_argument(
            "--trip", help="which trip: its id or a part of its name (default: your only one)", metavar="T"
        )
    parser.add_argument("--server", help="the server's address (default: the last one)", metavar="URL")
    parser.add_argument("--json", action="store_true", help="print the HTTP shapes as JSON")


def _number(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"from {low} to {high}")
        return value

    return number


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - for a fast start

    return version("roadcrew")


# --- sub-commands ----------------------------------------------------------------------------------


def _serve(argv: Sequence[str]) -> int:
    from roadcrew_tui.serving import serve  # noqa: PLC0415 - only here

    return serve(argv)


def _administer(argv: Sequence[str]) -> int:
    from roadcrew_tui.serving import administer  # noqa: PLC0415 - only here

    return administer(argv)


def _monitor_prices(argv: Sequence[str]) -> int:
    from roadcrew_tui.serving import monitor_prices  # noqa: PLC0415 - only here

    return monitor_prices(argv)


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _demo(given: argparse.Namespace) -> int:
    from roadcrew_tui import demo  # noqa: PLC0415 - only here

    if given.headless or not _has_terminal():
        seconds = float(given.seconds or demo.HEADLESS_SECONDS)
        return demo.headless(given.bots, DEMO_NAME, given.seed, seconds, lambda line: print(line, flush=True))
    return demo.on_screen(given.bots, DEMO_NAME, given.seed)


def _join(given: argparse.Namespace) -> int:
    from roadcrew_client.links import parse_invite  # noqa: PLC0415 - not for a fast start
    from roadcrew_domain.refusals import Refused  # noqa: PLC0415 - not for a fast start

    if _has_terminal() and not given.json:
        try:
            parse_invite(given.invite)
        except Refused as refused:
            return _say(refused.detail, USAGE)
        from roadcrew_tui.app import RoadcrewApp  # noqa: PLC0415 - only with a terminal

        RoadcrewApp(invite=given.invite).run()
        return DONE
    given.server = None
    from roadcrew_tui.commands import find  # noqa: PLC0415 - only here

    return _act(find("trip.join"), given)


def _watch(given: argparse.Namespace) -> int:
    from roadcrew_tui.oneshot import session, which_trip  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui.watch import watch  # noqa: PLC0415 - not for a fast start

    if not given.channel and (given.hotel or given.exhibition or given.post or given.blog):
        return _say("Say what of it is watched, such as --channel comments.", USAGE)

    def say(line: str) -> None:
        print(line, flush=True)

    def hint(words: str) -> None:
        print(f"roadcrew: {words}", file=sys.stderr, flush=True)

    async def talk(client: Client) -> int:
        from roadcrew_tui import watch_talk  # noqa: PLC0415 - only here
        from roadcrew_tui.commands.headless_talk_things import thing_of  # noqa: PLC0415 - only here

        thing = await thing_of(client, vars(given))
        return await watch_talk.watch(client, thing, given.channel, say, hint, json=given.json)

    async def work(client: Client) -> int:
        if given.channel:
            return await talk(client)
        return await watch(client, await which_trip(client, given.trip), say, hint, json=given.json)

    return _told(lambda: asyncio.run(session(given.server, None, work)))


def _act(command: Command, given: argparse.Namespace) -> int:
    from roadcrew_client.errors import Unreachable  # noqa: PLC0415 - not for a fast start
    from roadcrew_client.links import parse_invite  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui.oneshot import confirmed, session, show, which_trip  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui.steps import host_named  # noqa: PLC0415 - only here

    arguments: dict[str, Any] = {a.name: getattr(given, a.name.replace("-", "_"), None) for a in command.arguments}
    arguments["json"] = given.json
    needs = command.needs.union(*(a.needs for a in command.arguments if arguments[a.name] not in (None, False, "-")))
    missing = sorted(part for part in needs if not host.here().lends(part))
    if missing:
        return _say(host.refusal(missing[0]), REFUSED)

    if command.asks and not arguments.get("yes") and not confirmed(command.asks):
        return USAGE
    for name in command.secrets:
        arguments[name] = os.environ.get(f"ROADCREW_{name.upper()}") or getpass.getpass(f"{name.capitalize()}: ")

    async def work(client: Client) -> int:
        if command.needs_trip:
            arguments["trip"] = await which_trip(client, given.trip)
        result = await command.run(client, arguments)
        show(result, json=given.json)
        if (failed := command.failed(result)) is not None:
            raise failed
        return DONE

    async def at_its_server() -> int:
        server, invited, may_be_new = given.server, False, None
        becomes_guest = command.id in BECOMES_SOMEBODY or bool(arguments.get("as"))
        if becomes_guest:
            may_be_new = arguments.get("name" if command.id == "trip.join" else "as")
        if command.id == "trip.join" and server is None:
            server = parse_invite(arguments["invite"]).server
            invited = server is not None
        try:
            return await session(server, may_be_new, work, becomes_guest=becomes_guest, invited=invited)
        except Unreachable as error:
            if server is None or not invited:
                raise
            raise Unreachable(error.code, host_named(error.detail, server)) from error

    return _told(lambda: asyncio.run(at_its_server()))


def _told(run: Callable[[], int]) -> int:
    """Run, and turn what goes wrong into a sentence and a status."""
    from roadcrew_client import errors  # noqa: PLC0415 - not for a fast start
    from roadcrew_client.credentials import CredentialsError  # noqa: PLC0415 - not for a fast start
    from roadcrew_domain.refusals import Refused  # noqa: PLC0415 - not for a fast start
    from roadcrew_tui.oneshot import NeedsSignIn  # noqa: PLC0415 - not for a fast start

    try:
        return run()
    except errors.NotSignedIn:
        return _say("Please sign in first: roadcrew login. Or join a trip: roadcrew join LINK.", SIGN_IN)
    except (CredentialsError, NeedsSignIn) as error:
        return _say(str(error), SIGN_IN)
    except (errors.Unreachable, errors.SessionNotReady) as error:
        return _say(error.detail, UNREACHABLE)
    except (errors.RoadcrewError, Refused) as error:
        return _say(error.detail, REFUSED)
    except (NeedsTrip, ValueError) as error:
        return _say(str(error), USAGE)
