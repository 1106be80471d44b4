"""The sub-commands as pages of the documentation site, from the parsers that run them.

    uv run python scripts/command_reference.py            print all pages
    uv run python scripts/command_reference.py --write    write what completions and `man` say of the server's programs
    uv run python scripts/command_reference.py --check    say of which sub-command or option nothing is said, and
                                                          whether that would be written as it is

The site is built with them (docs_pages.py), and nobody keeps them: so they can't be stale. Not for `man`, which has its
own language (roadcrew_tui/shell/manual.py).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import roadcrew_price_monitor.__main__ as price_monitor
import roadcrew_server.__main__ as server
from roadcrew_server import admin
from roadcrew_tui.cli import make_parser
from roadcrew_tui.shell import elsewhere
from roadcrew_tui.shell.manual import helps, subs

ELSEWHERE: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "serve": server.make_parser,
    "admin": admin.parser,
    "price-monitor": price_monitor.make_parser,
}
"""Sub-commands that hand their words over to another program, and its parser."""
WRITTEN = Path(elsewhere.__file__).with_name(elsewhere.TOLD)
SETTINGS = {"serve": "Everything else is a [setting](../docs/operating.md#settings)."}
"""What more is said of a sub-command, where it stands for itself."""

Pages = dict[str, str]


def commands() -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Every first word after `roadcrew`: what is said of it in a line, and its parser. Raises ValueError for one whose
    words are read by another program that is not named in `ELSEWHERE`."""
    root = make_parser()
    told = helps(root)
    found = {}
    for name, parser in subs(root).items():
        if not parser.add_help and name not in ELSEWHERE:
            raise ValueError(f"who reads the words after `roadcrew {name}`? Say it in scripts/command_reference.py")
        found[name] = (told[name], ELSEWHERE.get(name, lambda parser=parser: parser)())
    return found


def pages() -> Pages:
    """The pages by name: `index`, and one of each first word. Raises ValueError as `commands` does."""
    found = commands()
    made = {name: "\n\n".join(_page(name, parser, about)) + "\n" for name, (about, parser) in found.items()}
    rows = [f"| [`roadcrew {name}`]({name}.md) | {plain(found[name][0])} |" for name in sorted(found)]
    root = make_parser()
    return {
        "index": "\n\n".join(
            [
                "# Commands",
                "`roadcrew` alone opens the app. Every action of the screen is a sub-command too, and these pages are "
                "made from what reads the command line: they say what `--help` says.",
                "\n".join(("| command | what |", "| --- | --- |", *rows)),
                *_epilog(root, 2),
            ]
        )
        + "\n",
        **made,
    }


def _page(name: str, parser: argparse.ArgumentParser, about: str) -> Iterator[str]:
    yield f"# roadcrew {name}"
    if subs(parser):
        yield from _text(parser.description or f"{_sentence(about)}.")
        told = helps(parser)
        for action, inner in subs(parser).items():
            yield f"## {name} {action}"
            yield from _command(inner, told[action], 3)
        yield from _epilog(parser, 2)
    else:
        yield from _command(parser, about, 2)
    if name in SETTINGS:
        yield SETTINGS[name]


def _command(parser: argparse.ArgumentParser, about: str, level: int) -> Iterator[str]:
    yield f"```text\n{_usage(parser)}\n```"
    yield from _text(parser.description or f"{_sentence(about)}.")
    rows = [(_typed(action), _said(action)) for action in _shown(parser)]
    if rows:
        yield "\n".join(("| word | what |", "| --- | --- |", *(f"| `{typed}` | {said} |" for typed, said in rows)))
    yield from _epilog(parser, level)


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [a for a in parser._actions if a.dest != "help" and a.help is not argparse.SUPPRESS]


def _usage(parser: argparse.ArgumentParser) -> str:
    ways = {None: "{}", "?": "[{}]", "*": "[{} ...]", "+": "{} ..."}
    words = [parser.prog]
    words += [_typed(a) for a in _shown(parser) if a.option_strings and a.required]
    if any(a.option_strings and not a.required for a in _shown(parser)):
        words.append("[options]")
    words += [ways[a.nargs].format(_typed(a)) for a in _shown(parser) if not a.option_strings]  # type: ignore[index]
    return " ".join(words)


def _typed(action: argparse.Action) -> str:
    """An argument as it is typed: `--trip T`, `NAME`."""
    name = str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return name
    option = ", ".join(action.option_strings)
    return option if action.nargs == 0 else f"{option} {name}"


def _said(action: argparse.Action) -> str:
    choices = f" One of {', '.join(f'`{c}`' for c in action.choices)}." if action.choices else ""
    return plain(_sentence(action.help or "")).rstrip(".") + "." + choices


def _epilog(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    """Examples and the like: `examples:` and lines under it are a block of commands."""
    for block in (parser.epilog or "").split("\n\n"):
        title, colon, rest = block.partition(":")
        if not colon or "\n" in title:
            yield from _text(block)
        elif rest.startswith("\n"):
            lines = "\n".join(line.removeprefix("  ") for line in rest.strip("\n").splitlines())
            yield f"{'#' * level} {_sentence(title)}" if level == 2 else f"**{_sentence(title)}**"
            yield f"```sh\n{lines}\n```"
        else:
            yield f"**{_sentence(title)}**: {plain(rest.strip())}"


def _text(text: str) -> Iterator[str]:
    """Paragraphs. One with a line that is set in keeps its lines."""
    for paragraph in text.split("\n\n"):
        if any(line.startswith(" ") for line in paragraph.splitlines()):
            yield f"```text\n{paragraph.strip(chr(10))}\n```"
        elif paragraph.strip():
            yield plain(" ".join(paragraph.split()))


def _sentence(words: str) -> str:
    """With a capital letter, and the others as they are."""
    return words[:1].upper() + words[1:]


def plain(text: str) -> str:
    """Text in which nothing is markup; what stands between backticks stays code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _escaped(text)
    return "".join(f"`{part}`" if n % 2 else _escaped(part) for n, part in enumerate(parts))


def _escaped(text: str) -> str:
    text = re.sub(r"([\\`*_\[\]|#])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def words_elsewhere() -> str:
    """What `WRITTEN` holds."""
    told = {name: elsewhere.words_of(make()) for name, make in ELSEWHERE.items()}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def faults() -> list[str]:
    """Sub-commands and options that nothing is said of, and a stale `WRITTEN`. Raises ValueError as `commands` does."""

    def of(parser: argparse.ArgumentParser, about: str) -> Iterator[str]:
        if not about:
            yield f"{parser.prog}: nothing is said of it"
        yield from (f"{parser.prog} {_typed(a)}: nothing is said of it" for a in _shown(parser) if not a.help)

    found = []
    for about, parser in commands().values():
        if inner := subs(parser):
            told = helps(parser)
            found += [fault for name, action in inner.items() for fault in of(action, told[name])]
        else:
            found += of(parser, about)
    if not WRITTEN.exists() or WRITTEN.read_text("utf-8") != words_elsewhere():
        found.append(f"{WRITTEN.name} is stale: run scripts/command_reference.py --write")
    return found


def main() -> int:
    """0 when all is said, 1 when `--check` found what is not."""
    if "--write" in sys.argv[1:]:
        WRITTEN.write_text(words_elsewhere(), "utf-8")
        return 0
    if "--check" not in sys.argv[1:]:
        print("\n".join(pages().values()))
        return 0
    try:
        wrong = faults()
    except ValueError as error:
        wrong = [str(error)]
    for fault in wrong:
        print(fault, file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
