"""Changing some values of a TOML text that a person may have written, and nothing else of it: comments, order and what
another version knows stay as they are. Not for values inside tables."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping


def with_values(text: str, values: Mapping[str, object]) -> str:
    """The text with these keys, which are in no table, at these values; None: without them.

    Raises `ValueError` for what is not TOML, or is not written one key a line.
    """
    wanted = {k: v for k, v in {**tomllib.loads(text), **values}.items() if v is not None}
    lines = [line + "\n" for line in text.removesuffix("\n").split("\n")] if text else []
    for key, value in values.items():
        new = [] if value is None else [f"{key} = {toml(value)}\n"]
        end = next((n for n, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
        at = next((n for n, line in enumerate(lines[:end]) if line.split("=")[0].strip() == key), None)
        if at is not None:
            lines[at : at + 1] = new
        else:
            while end and not lines[end - 1].strip():
                end -= 1
            lines[end:end] = new
    changed = "".join(lines)
    if tomllib.loads(changed) != wanted:
        raise ValueError("it is not written one key a line")
    return changed


def toml(value: object) -> str:
    """A value as TOML writes it: text, a number, true or false, or a mapping of such, in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in sorted(value.items())) + "}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
