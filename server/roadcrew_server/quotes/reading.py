"""The file of providers: what stands in every `[[provider]]`, and the plug-in that makes it one, or all that is wrong.

What a plug-in's own keys mean is for the plug-in to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from roadcrew_domain import text
from roadcrew_domain.quotes_request import MAX_PROVIDER_NAME
from roadcrew_domain.quotes_state import MAX_PROVIDERS
from roadcrew_server import _toml_file
from roadcrew_server._toml_file import Entry, Faults, is_tables, known, shown
from roadcrew_server._values import Parser, like, number, once, taken, whole, words
from roadcrew_server.quotes.base import QuoteProvider, Secrets, Tools
from roadcrew_server.quotes.registry import Provider

KINDS = frozenset({"stay", "vehicle"})
KEYS = ("id", "name", "use", "timeout", "tries")
"""What is said of every provider; the other keys are the plug-in's."""
MAX_SAID = 300
"""Characters of what a plug-in says is wrong."""
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COMMON: Mapping[str, tuple[Parser, str]] = {
    "id": (lambda value: like(_ID, value), "1 to 40 small letters, digits and hyphens, such as acme-rooms"),
    "name": (words("name", MAX_PROVIDER_NAME), f"what people call it, in up to {MAX_PROVIDER_NAME} characters"),
    "use": (words("use", 60), "which plug-in it is, such as http"),
    "timeout": (number(0.1, 60), "seconds from 0.1 to 60"),
    "tries": (whole(1, 5), "a whole number from 1 to 5"),
}
_OPTIONAL = {"timeout": 10.0, "tries": 2}


def read(
    path: Path, found: Mapping[str, EntryPoint], environment: Mapping[str, str] | None, faults: Faults
) -> list[Provider]:
    """The providers that are right. What is wrong is among the faults."""
    written = _toml_file.text_of(path, faults, "A file of providers")
    document = None if written is None else _toml_file.read(written, faults)
    return [] if document is None else _made(document, found, environment, faults)


def _made(
    document: Entry, found: Mapping[str, EntryPoint], environment: Mapping[str, str] | None, faults: Faults
) -> list[Provider]:
    tables = document.get("provider", [])
    known(document, ("provider",), faults)
    if not is_tables(tables) or not tables:
        faults.add(0, "Begin each provider with a line [[provider]]; there is at least one.")
        return []
    if len(tables) > MAX_PROVIDERS:
        faults.add(tables[MAX_PROVIDERS].at, f"There are at most {MAX_PROVIDERS} providers.")
    once(tables, "id", "provider", faults)
    made = [_provider(table, found, environment, faults) for table in tables[:MAX_PROVIDERS]]
    return [provider for provider in made if provider is not None]


def _provider(
    table: Entry, found: Mapping[str, EntryPoint], environment: Mapping[str, str] | None, faults: Faults
) -> Provider | None:
    values = taken(table, _COMMON, faults, optional=_OPTIONAL)
    use = values["use"]
    if use is not None and use not in found:
        faults.add(table.line("use"), f"use: {shown(use)} is not there; there are: {', '.join(sorted(found))}.")
    if None in values.values() or use not in found:
        return None
    before = len(faults)
    secrets = Secrets(environment)
    try:
        inner = found[use].load()(table, Tools(faults, secrets, values["timeout"]))
        right = _is_provider(inner)
    except ValueError as error:
        faults.add(table.at, f"{values['id']}: {_said(error, secrets)}")
        return None
    except Exception as error:  # noqa: BLE001 - somebody else's code, at its import too
        faults.add(table.at, f"{values['id']}: {found[use].value} failed: {_said(repr(error), secrets)}")
        return None
    if len(faults) > before:
        return None
    if not right:
        faults.add(table.at, f"{values['id']}: {found[use].value} made no quote provider.")
        return None
    return Provider(values["id"], _name(values["name"], inner), values["timeout"], values["tries"], inner, secrets)


def _is_provider(inner: Any) -> bool:
    """Whether what somebody else's code made can be asked."""
    return (
        isinstance(inner.kinds, frozenset)
        and bool(inner.kinds)
        and inner.kinds <= KINDS
        and isinstance(inner.simulated, bool)
        and callable(inner.quote)
        and callable(inner.close)
    )


def _name(name: str, inner: QuoteProvider) -> str:
    """Who makes prices up says so in the name."""
    mark = " (simulated)"
    return name if not inner.simulated or "simulated" in name.lower() else name[: MAX_PROVIDER_NAME - len(mark)] + mark


def _said(error: object, secrets: Secrets) -> str:
    return text.cut(secrets.clean(str(error)), MAX_SAID)
