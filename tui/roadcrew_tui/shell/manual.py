"""The pages of `man`: roadcrew(1) of the whole command line, and one of each group of sub-commands. All that they say
is what the parser says in its `--help`, so that no page can be stale.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from itertools import pairwise

from roadcrew_tui.shell import elsewhere


def pages(root: argparse.ArgumentParser, day: date) -> dict[str, str]:
    """The pages by name (`roadcrew`, `roadcrew-trip`), in the language of man(7), as made on a day."""
    elsewhere.put_in(root)
    groups = {name: parser for name, parser in subs(root).items() if subs(parser)}
    about, _, more = (root.description or "").partition("\n\n")
    found = {
        "roadcrew": _page(
            "roadcrew",
            day,
            about.rstrip("."),
            ".B roadcrew\n.RI [ COMMAND ]",
            [
                *_text(more),
                ".SH COMMANDS",
                *_commands(root),
                *_epilog(root, ".SH"),
                *_see(*(f"roadcrew-{name}" for name in groups)),
            ],
        )
    }
    told = helps(root)
    for name, parser in groups.items():
        about = parser.description or f"{_sentence(told[name])}."
        body = [*_text(about), ".SH ACTIONS", *_commands(parser), *_epilog(parser, ".SH"), *_see("roadcrew")]
        synopsis = f".B roadcrew {_plain(name)}\n.I ACTION"
        found[f"roadcrew-{name}"] = _page(f"roadcrew-{name}", day, told[name], synopsis, body)
    return found


def _page(name: str, day: date, about: str, synopsis: str, body: list[str]) -> str:
    head = [
        f'.TH {_plain(name).upper()} 1 "{day.isoformat()}" "roadcrew {_plain(version("roadcrew"))}"',
        ".SH NAME",
        f"{_plain(name)} \\- {_plain(' '.join(about.split()))}",
        ".SH SYNOPSIS",
        synopsis,
        ".SH DESCRIPTION",
    ]
    lines = [*head, *body]
    # A heading begins a paragraph by itself, and a second beginning is warned of.
    kept = [line for before, line in pairwise(["", *lines]) if line != ".PP" or not before.startswith(".S")]
    return "\n".join(kept) + "\n"


def subs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The sub-commands of a parser by name; none for one that is an action."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def helps(parser: argparse.ArgumentParser) -> dict[str, str]:
    """What is said of each sub-command in one line."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {choice.dest: choice.help or "" for choice in action._choices_actions}
    return {}


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    told = helps(parser)
    for name, inner in subs(parser).items():
        yield f".SS {_plain(inner.prog)}"
        if subs(inner):
            yield from _text(f"{_sentence(told[name])}: see roadcrew-{name}(1).")
        else:
            yield from _usage(inner)
            yield from _text(inner.description or told[name])
            yield from _arguments(inner)
            yield from _epilog(inner, ".PP")


def _usage(parser: argparse.ArgumentParser) -> Iterator[str]:
    """One line of how it is typed."""
    shown = [f"\\fB{_plain(parser.prog)}\\fR"]
    told = [a for a in parser._actions if a.dest != "help"]
    shown += [_typed(a) for a in told if a.option_strings and a.required]
    if any(a.option_strings and not a.required for a in told):
        shown.append("[\\fIoptions\\fR]")
    ways = {None: "{}", "?": "[{}]", "*": "[{} ...]", "+": "{} ..."}
    shown += [ways[a.nargs].format(_typed(a)) for a in told if not a.option_strings]  # type: ignore[index]
    yield from (".PP", " ".join(shown))


def _typed(action: argparse.Action) -> str:
    """An argument as it is typed: `--trip T`, `NAME`."""
    name = f"\\fI{_plain(str(action.metavar or action.dest.upper()))}\\fR"
    if not action.option_strings:
        return name
    option = f"\\fB{_plain(', '.join(action.option_strings))}\\fR"
    return option if action.nargs == 0 else f"{option} {name}"


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if action.dest != "help":
            choices = f" One of: {', '.join(map(str, action.choices))}." if action.choices else ""
            yield from (".TP", _typed(action), _plain(f"{action.help or ''}{'.' if choices else ''}{choices}"))


def _epilog(parser: argparse.ArgumentParser, heading: str) -> Iterator[str]:
    """Examples and the like: `examples:` and lines under it, or `exit status: …`."""
    for block in (parser.epilog or "").split("\n\n"):
        title, colon, rest = block.partition(":")
        if not colon:
            continue
        yield from ((f".SH {_plain(title.upper())}",) if heading == ".SH" else (".PP", _plain(f"{title}:")))
        yield from _text(rest.strip("\n") if "\n" in rest else rest.strip())


def _text(text: str) -> Iterator[str]:
    """Paragraphs. One with a line that is set in keeps its lines."""
    for paragraph in text.split("\n\n"):
        lines = paragraph.splitlines()
        if any(line.startswith(" ") for line in lines):
            yield from (".PP", ".nf", *map(_plain, lines), ".fi")
        elif lines:
            yield from (".PP", *map(_plain, lines))


def _see(*names: str) -> Iterator[str]:
    yield ".SH SEE ALSO"
    yield ",\n".join(f"\\fB{_plain(name)}\\fR(1)" for name in names)


def _sentence(words: str) -> str:
    """With a capital letter, and the others as they are."""
    return words[:1].upper() + words[1:]


def _plain(text: str) -> str:
    """Text in which nothing is an order to the formatter."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
