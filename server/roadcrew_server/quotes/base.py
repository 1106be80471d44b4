"""What a provider of prices must do, what it is given, and how it says that it has none.

A plug-in runs in the server's process and is trusted with it; what it gives back is not, and is checked by runner.py.
What it is not for: who asks, trips, and votes. A provider knows requests and prices.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import quote

from roadcrew_domain.quotes_state import AskedHotel, FailureCode, Price, QuoteRequest

if TYPE_CHECKING:  # a server that asks nobody reads no file
    from roadcrew_server._toml_file import Entry, Faults

SHORTEST_SECRET = 8
"""Characters. A shorter one could not be told from words when it is taken out of texts."""
HIDDEN = "•••"
"""What stands where a secret was."""

_FROM_ENVIRONMENT = re.compile(r"\benv:([A-Za-z_][A-Za-z0-9_]{0,99})")


class Failed(Exception):
    """A provider has no price. `sentence` is for people: without secrets, and without what somebody else's program
    said. `passing`: it may have one if it is asked again."""

    def __init__(self, code: FailureCode, sentence: str, *, passing: bool = False) -> None:
        super().__init__(sentence)
        self.code: FailureCode = code
        self.sentence = sentence
        self.passing = passing


class Say(Protocol):
    """What a provider tells while it works: `say("The rooms are being counted.")`. More than `MAX_ACTIVITIES` are not
    kept. `run` is the id of the quote run, the same when it is asked again; `tried` says how often that was, from 1."""

    run: str
    tried: int

    def __call__(self, text: str, /) -> None:
        """Tell that."""


class QuoteProvider(Protocol):
    """The protocol. Several runs may ask at once, also from several processes; one run may ask again."""

    kinds: frozenset[str]
    """What it has prices for: `stay`, `vehicle`."""
    simulated: bool
    """Its prices are made up; that is shown with each of them."""

    async def quote(self, request: QuoteRequest, say: Say) -> Sequence[Price]:
        """The prices: one for each hotel that it has one for, or one for the vehicle. Raises `Failed`. It is cancelled
        when its time is over."""

    async def close(self) -> None:
        """Nothing is asked any more."""


@runtime_checkable
class KnowsHotels(Protocol):
    """A provider that says itself which hotels it has prices for, so that one can ask without a trip."""

    def hotels(self) -> Sequence[AskedHotel]:
        """All of them."""


class Secrets:
    """What the settings of one provider name as `env:NAME`: never written in a file, and taken out of every text."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._known: set[str] = set()

    def filled(self, text: str, into: Callable[[object], str] = str) -> str:
        """The text with the variable in place of each `env:NAME`, written as `into` says. Raises ValueError with a
        sentence."""
        return _FROM_ENVIRONMENT.sub(lambda found: into(self._value(found)), text)

    def clean(self, text: str) -> str:
        """The text without any secret, however it came into it."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text

    def _value(self, found: re.Match[str]) -> str:
        value = self._environment.get(found[1], "")
        if len(value) < SHORTEST_SECRET or not value.isascii() or not value.isprintable():
            raise ValueError(
                f"The variable {found[1]} is to hold a secret of {SHORTEST_SECRET} or more plain characters."
            )
        self._known |= {value, quote(value), quote(value, safe=""), repr(value)[1:-1], json.dumps(value)[1:-1]}
        return value


def names_secret(text: str) -> bool:
    """Whether a text has an `env:NAME` in it."""
    return _FROM_ENVIRONMENT.search(text) is not None


@dataclass(frozen=True, slots=True)
class Tools:
    """What a provider is given when it is made, beside its table. `faults` takes what is wrong, by line
    (`faults.add(table.line("url"), "url: …")`); `timeout` is how long it may take, in seconds."""

    faults: Faults
    secrets: Secrets
    timeout: float
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[str], random.Random] = field(default=random.Random)
    """Chance from a seed."""


Make = Callable[["Entry", Tools], QuoteProvider]
"""What an entry point names: from the `[[provider]]` table of the file. Raises ValueError with a sentence."""
