"""The command lines that README and docs show, as a reader would type them. Not for running them.

A line of a block that is called `sh`, or of one that is called nothing and begins with a program's name or `$ `; and
what stands between backticks and begins with `roadcrew`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("[a-z]*/README.md")),
)
PROGRAMS = (
    "$",
    "roadcrew",
    "uv",
    "uvx",
    "pip",
    "pipx",
    "python",
    "python3",
    "curl",
    "ssh",
    "docker",
    "sudo",
    "systemctl",
)
FENCE = re.compile(r"^ *```(?P<of>\w*)[^\n]*\n(?P<lines>.*?)^ *```[ ]*$", re.M | re.S)
SPAN = re.compile(r"(`+)((?:[A-Z_]+=\S+ )*(?:uv run )?roadcrew(?: (?:(?!\1).)*)?)\1")
OPTIONAL = re.compile(r" ?\[([^\]]+)\]")
NEXT = ("&&", ";", "&")
INTO = (">", "<")


@dataclass(frozen=True)
class Shown:
    """A line, without its comment. `inline`: it stands in a sentence, perhaps only to name a command."""

    text: str
    where: str
    inline: bool = False


def shown() -> list[Shown]:
    """Each line once, in the order of the pages, and there blocks before sentences."""
    found: dict[str, Shown] = {}
    for page in PAGES:
        text = page.read_text("utf-8")
        name = page.relative_to(ROOT).as_posix()
        for line in (*_in_blocks(text, name), *_in_sentences(text, name)):
            found.setdefault(line.text, line)
    return list(found.values())


def _in_blocks(text: str, page: str) -> Iterator[Shown]:
    for block in FENCE.finditer(text):
        if block["of"] not in ("", "sh", "console"):
            continue
        number, open_line = text.count("\n", 0, block.start("lines")), ""
        for line in block["lines"].splitlines():
            number += 1
            begins = line.split(maxsplit=1)[0] if line.strip() else ""
            if not open_line and not (block["of"] == "sh" and begins) and not _program(line):
                continue
            open_line += line.strip().removeprefix("$ ")
            if open_line.endswith("\\"):
                open_line = open_line[:-1]
            elif _whole(open_line):
                if said := without_comment(open_line):
                    yield Shown(said, f"{page}:{number}")
                open_line = ""


def _program(line: str) -> bool:
    words = [word for word in line.split() if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    return bool(words) and words[0] in PROGRAMS


def _whole(line: str) -> bool:
    try:
        shlex.split(line)
    except ValueError:
        return False
    return True


def _in_sentences(text: str, page: str) -> Iterator[Shown]:
    sentences = FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)
    for span in SPAN.finditer(sentences):
        said, where = span[2].strip(), f"{page}:{sentences.count(chr(10), 0, span.start()) + 1}"
        if OPTIONAL.search(said):  # both ways
            yield Shown(OPTIONAL.sub(r" \1", said), where, inline=True)
            said = OPTIONAL.sub("", said)
        yield Shown(said, where, inline=True)


def without_comment(line: str) -> str:
    """The line up to a `#` that begins a word outside of quotes."""
    quote = ""
    for place, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#" and (place == 0 or line[place - 1].isspace()):
            return line[:place].strip()
    return line.strip()


@dataclass(frozen=True)
class Simple:
    """One command of a line: variables set for it, its words, where its output goes (a file, or another program that
    reads it) and where its input comes from."""

    variables: dict[str, str]
    words: list[str]
    into: str = ""
    reader: str = ""
    source: str = ""


def commands(line: str) -> list[Simple]:
    """The commands of a line, in the order in which a shell would run them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split, lexer.commenters = True, ""
    found: list[list[str]] = [[]]
    for token in lexer:
        if token in NEXT:
            found.append([])
        else:
            found[-1].append(token)
    return [_simple(tokens) for tokens in found if tokens]


def _simple(tokens: list[str]) -> Simple:
    reader = ""
    if "|" in tokens:
        place = tokens.index("|")
        tokens, reader = tokens[:place], shlex.join(tokens[place + 1 :])
    files = {sign: tokens[tokens.index(sign) + 1] for sign in INTO if sign in tokens}
    words = [w for n, w in enumerate(tokens) if w not in INTO and (n == 0 or tokens[n - 1] not in INTO)]
    variables: dict[str, str] = {}
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    if words[:1] == ["export"]:
        words = []
    if words[:3] == ["uv", "run", "roadcrew"]:
        words = words[2:]
    return Simple(variables, words, files.get(">", ""), reader, files.get("<", ""))
