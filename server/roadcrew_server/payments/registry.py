"""The providers of one server: found by name among the installed plug-ins, made, started, and told of webhooks.

A plug-in is an entry point in the group `roadcrew.payments`. What it is not for: orders; who wants to hear what
webhooks say sets `on_notice`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points

from roadcrew_server.payments.base import Notice, PaymentProvider, PaymentTrouble, Tools
from roadcrew_server.payments.guarded import Guarded
from roadcrew_server.payments.records import StoreRecords, kept_for
from roadcrew_server.problems import unavailable
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Store

GROUP = "roadcrew.payments"
NAME = re.compile(r"[a-z][a-z0-9]{0,31}")
"""Without a hyphen or an underscore, so that no provider's variables look like another's."""


class CantPay(Exception):
    """A payment provider is unknown, or can't be made or started. An operator has to act; says what is wrong."""


@cache
def installed() -> Mapping[str, EntryPoint]:
    """The plug-ins that are there, by name. Raises `CantPay` when two packages use one name."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise CantPay(f"two payment providers are called {point.name}: {other.value} and {point.value}")
    return found


def load(
    names: Sequence[str], tools: Callable[[str], Tools], found: Mapping[str, EntryPoint] | None = None
) -> dict[str, PaymentProvider]:
    """The providers of these names, in their order. `tools` makes those of one of them. Raises `CantPay`."""
    found = installed() if found is None else found
    for name in names:
        if name not in found or not NAME.fullmatch(name):
            raise CantPay(f"no payment provider is called {name!r}; there are: {', '.join(sorted(found))}")
    return {name: _made(found[name], tools(name)) for name in names}


def _made(point: EntryPoint, tools: Tools) -> PaymentProvider:
    try:
        provider: PaymentProvider = point.load()(tools)
    except ValueError as error:
        raise CantPay(f"the payment provider {point.name}: {error}") from error
    except Exception as error:  # somebody else's code, at its import too
        raise CantPay(f"the payment provider {point.name} ({point.value}) failed: {error!r}") from error
    if provider.offer.id != point.name:
        raise CantPay(f"the payment provider {point.name} calls itself {provider.offer.id!r}")
    return provider


def settings_of(provider_id: str) -> dict[str, str]:
    """What the environment says to one provider: `ROADCREW_PAYMENT_<ID>_<NAME>`, as NAME in lower case."""
    prefix = f"ROADCREW_PAYMENT_{provider_id.upper()}_"
    given = {name.upper(): value for name, value in os.environ.items()}
    return {name.removeprefix(prefix).lower(): value for name, value in given.items() if name.startswith(prefix)}


class Payments:
    """`providers` by id, each with a bound on what it may take. `on_notice` hears what their webhooks say; until it
    is set they are put off."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Raises `CantPay`."""
        self._store = store
        self._kept = kept_for(settings.book_ahead_days)
        made = load(settings.payment_names, self._tools)
        self.providers = {name: Guarded(provider, settings.payment_timeout) for name, provider in made.items()}
        self.on_notice: Callable[[str, Notice], Awaitable[None]] = _nobody_listens

    async def start(self) -> None:
        """Start all. Raises `CantPay`."""
        for provider in self.providers.values():
            try:
                await provider.start()
            except PaymentTrouble as error:
                await self.stop()
                raise CantPay(str(error)) from error

    async def stop(self) -> None:
        """Stop all."""
        await asyncio.gather(*(provider.stop() for provider in self.providers.values()))

    async def receive(self, provider_id: str, headers: Mapping[str, str], body: bytes) -> None:
        """A webhook for one of the providers came. Raises `BadNotice`, `PaymentTrouble`, and what `on_notice` does."""
        provider = self.providers[provider_id]
        notice = provider.verified(headers, body)
        if provider.keeps_books:
            await provider.book(notice)
        await self.on_notice(provider_id, notice)

    def _tools(self, provider_id: str) -> Tools:
        return Tools(
            StoreRecords(self._store, provider_id, self._kept),
            settings_of(provider_id),
            self._store.now,
            asyncio.sleep,
            partial(self.receive, provider_id),
        )


async def _nobody_listens(provider_id: str, notice: Notice) -> None:
    """A provider sends again what was not taken."""
    raise unavailable()
