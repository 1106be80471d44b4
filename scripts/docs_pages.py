"""What MkDocs is told while it builds the documentation site (`hooks` in mkdocs.yml).

The pages are those of the repository, which are read there as well. Here stands what is otherwise on the site: the
README is its first page, pages of the rooms and pictures come along, references are made, and a link leads to where a
page is now. A link to code that the site does not have stays as its words. Not for building or checking: docs_site.py.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import api_reference
import command_reference

LOG = logging.getLogger(f"mkdocs.hooks.{__name__}")
"""What it is warned of ends a strict build."""
ROOT = Path(__file__).resolve().parent.parent
ROOMS = sorted(page.parent.name for page in ROOT.glob("[a-z]*/README.md"))
PLACES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    **{f"{room}/README.md": f"rooms/{room}.md" for room in ROOMS},
    "docs/README.md": "tasks.md",
}
"""Pages that stand elsewhere on the site than in the repository. The others are those in `docs/`."""
BESIDES = ("screenshots/*.svg", "deploy/**/*", "LICENSE")
"""Files that pages show or link to; they stand at the same place."""
REFERENCES = {"commands": command_reference.pages, "http": api_reference.pages}
"""Folders of pages that are made here."""
SECTIONS = {"commands": "Commands", "http": "All calls", "decisions": "Decisions", "rooms": "The house"}
"""Entries of the navigation that are a folder, all pages of it, and what they are called there."""
FURTHER = "More"
"""Where a page of `docs/` stands in the navigation that mkdocs.yml does not name."""

FENCE, CODE = r"^(?P<in> *)```.*?^(?P=in)```[ ]*$", r"`[^`\n]+`"
LINK = r"\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<to>[^()\s]+)\)"
SOURCE = r'\b(?P<name>src|srcset)="(?P<from>[^"]+)"'
MARKUP = re.compile(f"(?P<fence>{FENCE})|{LINK}|(?P<code>{CODE})|{SOURCE}", re.M | re.S)
ITEM = re.compile(r"( *)([-*]|\d+\.) ")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the sections of the navigation that are folders, and add what nobody put anywhere."""
    entries = [_entry(entry) for entry in config.nav or []]
    named = set(_paths(entries))
    own = (path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs").glob("*.md")))
    if rest := [path for path in own if path not in named and f"docs/{path}" not in PLACES]:
        entries.append({FURTHER: rest})
    config.nav = entries
    config.watch += [str(ROOT / path) for path in PLACES]
    return config


def _entry(entry: object) -> object:
    """An entry of the navigation, with folders made into their pages."""
    match entry:
        case {**one}:
            return {title: _entry(inner) for title, inner in one.items()}
        case [*several]:
            return [_entry(inner) for inner in several]
        case str(path) if path in SECTIONS:
            return {SECTIONS[path]: _pages_of(path)}
    return entry


def _pages_of(folder: str) -> list[str]:
    if folder in REFERENCES:
        names = sorted(REFERENCES[folder](), key=lambda name: (name != "index", name))
        return [f"{folder}/{name}.md" for name in names]
    moved = [place for place in PLACES.values() if place.startswith(f"{folder}/")]
    own = sorted((ROOT / "docs" / folder).glob("*.md"), key=lambda path: (path.name != "README.md", path.name))
    return [*moved, *(f"{folder}/{path.name}" for path in own)]


def _paths(entry: object) -> list[str]:
    match entry:
        case {**one}:
            return [path for inner in one.values() for path in _paths(inner)]
        case [*several]:
            return [path for inner in several for path in _paths(inner)]
    return [str(entry)]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in `docs/`."""
    for path, place in PLACES.items():
        if (there := files.get_file_from_path(path.removeprefix("docs/"))) and path.startswith("docs/"):
            files.remove(there)
        files.append(File.generated(config, place, content=(ROOT / path).read_text("utf-8")))
    for pattern in BESIDES:
        for found in sorted(ROOT.glob(pattern)):
            if found.is_file():
                files.append(File.generated(config, found.relative_to(ROOT).as_posix(), abs_src_path=str(found)))
    for folder, made in REFERENCES.items():
        for name, text in made().items():
            files.append(File.generated(config, f"{folder}/{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page as MkDocs reads it: links to where things are on the site, and lists that it sees as such."""
    here = page.file.src_uri
    return _spaced(MARKUP.sub(lambda found: _placed(found, here, files), markdown))


def _placed(found: re.Match[str], here: str, files: Files) -> str:
    if found["fence"]:
        return found[0]
    if found["code"]:  # in a table, where elsewhere `\|` is what `|` is here
        begin = found.string.rfind("\n", 0, found.start()) + 1
        return found[0].replace(r"\|", "|") if found.string[begin] == "|" else found[0]
    if found["name"]:
        return f'{found["name"]}="{_target(found["from"], here, files) or found["from"]}"'
    target = _target(found["to"], here, files)
    return f"[{found['words']}]({target})" if target else found["words"]


def _target(to: str, here: str, files: Files) -> str | None:
    """Where a link of a page leads on the site, from there; None for a file that is not on it."""
    path, sharp, anchor = to.partition("#")
    if not path or ":" in path:
        return to
    home = {place: original for original, place in PLACES.items()}.get(here)
    if home is None:
        home = here if here.partition("/")[0] in REFERENCES else f"docs/{here}"
    there = posixpath.normpath(posixpath.join(posixpath.dirname(home), path))
    place = PLACES.get(there, there.removeprefix("docs/"))
    if files.get_file_from_path(place) is None:
        if not (ROOT / there).exists():
            LOG.warning("%s links to %s, which is not there", home, to)
        return None
    return posixpath.relpath(place, posixpath.dirname(here) or ".") + sharp + anchor


def _spaced(markdown: str) -> str:
    """With an empty line before each list, and what belongs to an item set in by four, as MkDocs wants them."""
    lines: list[str] = []
    inside = fenced = False
    for line in markdown.splitlines():
        item = ITEM.match(line)
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and item and not inside and lines and lines[-1].strip() and not item[1]:
            lines.append("")
        if not fenced:
            inside = bool(item) or (inside and (not line.strip() or line.startswith(" ")))
        lines.append(re.sub(r"^( {2,3})(?=\S)", "    ", line) if inside and not (item and not item[1]) else line)
    return "\n".join(lines) + "\n"
