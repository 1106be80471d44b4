"""Where the values of a TOML text stand, and changing some of them and nothing else of it: comments, order and what
another version knows stay as they are. A person may have written it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
"""A key, behind those of the tables that it is in."""
MOST_LINES = 100
"""Of one value: each further one is read with all before it."""


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, in which each key begins, also that of a table. Raises `ValueError` for what is not TOML, with
    the line in which that begins."""
    return {path: start for start, _, paths in _statements(text.split("\n")) for path in paths}


def _statements(lines: list[str]) -> Iterator[tuple[int, str, list[Path]]]:
    """Each statement with the line in which it begins, the text of that line, and the keys that it gives a value."""
    table: Path = ()
    begins, so_far = 1, ""
    for number, line in enumerate(lines, 1):
        so_far = f"{so_far}\n{line}" if so_far else line
        try:
            found = tomllib.loads(f"{so_far}\n")  # for one that ends in a carriage return
        except tomllib.TOMLDecodeError as error:
            if number == len(lines):
                why, _, _ = str(error).partition(" (at ")
                raise tomllib.TOMLDecodeError(f"{why} (at line {begins}, column 1)") from None
            if number - begins >= MOST_LINES:
                raise tomllib.TOMLDecodeError(
                    f"A value has more than {MOST_LINES} lines (at line {begins}, column 1)"
                ) from None
            continue  # it goes on in the next line
        paths = list(_paths(found))
        if so_far.lstrip().startswith("["):
            table, paths = paths[-1], paths[-1:]
        else:
            paths = [(*table, *path) for path in paths]
        yield begins, lines[begins - 1], paths
        begins, so_far = number + 1, ""


def _paths(found: Any) -> Iterator[Path]:
    inner = found[-1] if isinstance(found, list) and found else found
    if isinstance(inner, dict):
        for key, value in inner.items():
            yield (key,)
            yield from ((key, *path) for path in _paths(value))


def with_values(text: str, values: Mapping[Path, object]) -> str:
    """The text with these keys at these values; None: without them. Each is in no table, or in one of the outermost.

    Raises `ValueError` for what is not TOML, or is not written one key a line.
    """
    wanted = tomllib.loads(text)
    lines = text.removesuffix("\n").split("\n") if text else []
    for path, value in values.items():
        _put(wanted, path, value)
        at = {path: start - 1 for start, _, paths in _statements(lines) for path in paths}
        new = [] if value is None else [f"{_key(path)} = {toml(value)}"]
        if path in at:
            lines[at[path] : at[path] + 1] = new
        elif new:
            _add(lines, at, path, new)
    changed = "".join(line + "\n" for line in lines)
    if tomllib.loads(changed) != wanted:
        raise ValueError("it is not written one key a line")
    return changed


def _put(wanted: dict[str, Any], path: Path, value: object) -> None:
    *tables, key = path
    for table in tables:
        wanted = wanted.setdefault(table, {})
    if value is None:
        wanted.pop(key, None)
    else:
        wanted[key] = value


def _add(lines: list[str], at: Mapping[Path, int], path: Path, new: list[str]) -> None:
    """Below what else is in the same table, which may be no table yet."""
    if path[:-1] and path[:-1] not in at:
        lines += [*([""] if lines else []), f"[{_key(path[:-1])}]", *new]
        return
    begins = at[path[:-1]] + 1 if path[:-1] else 0
    end = next((n for n in range(begins, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
    while end > begins and not lines[end - 1].strip():
        end -= 1
    lines[end:end] = new


def _key(path: Path) -> str:
    """The last of the keys, as it is written: in quotes where it has to be."""
    bare = path[-1].replace("_", "").replace("-", "")
    return path[-1] if bare.isascii() and bare.isalnum() else toml(path[-1])


def toml(value: object) -> str:
    """A value as TOML writes it: text, a number, true or false."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
