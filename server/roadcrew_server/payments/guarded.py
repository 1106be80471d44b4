"""A provider as checkout calls it: every answer in time, and no fault of a plug-in taken for an answer.

Who sees `PaymentTrouble` knows that it must ask again; any other error could be read as "not charged". What it is not
for: trying again. Checkout does, by `look`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import ParamSpec, TypeVar

from roadcrew_server.payments.base import (
    Charge,
    Declined,
    Notice,
    Outcome,
    PaymentProvider,
    PaymentTrouble,
    Succeeded,
    Waiting,
)

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)


class Guarded:
    """`PaymentProvider` around another, whose calls get `seconds`."""

    def __init__(self, inner: PaymentProvider, seconds: float) -> None:
        self.inner = inner
        self.offer = inner.offer
        self._seconds = seconds

    async def start(self) -> None:
        """Begin."""
        await self._asked("start", self.inner.start)

    async def stop(self) -> None:
        """End, whatever the provider has to say against it."""
        try:
            await self._asked("stop", self.inner.stop)
        except PaymentTrouble as error:
            log.warning("%s", error)

    async def charge(self, charge: Charge) -> Outcome:
        """As the provider does."""
        return self._outcome(await self._asked("charge", self.inner.charge, charge))

    async def look(self, charge: Charge) -> Outcome | None:
        """As the provider does."""
        found = await self._asked("look", self.inner.look, charge)
        return None if found is None else self._outcome(found)

    async def refund(self, charge: Charge, reference: str) -> str:
        """As the provider does."""
        return await self._asked("refund", self.inner.refund, charge, reference)

    def verified(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """As the provider does."""
        return self.inner.verified(headers, body)

    async def _asked(self, what: str, ask: Callable[P, Awaitable[T]], *given: P.args, **more: P.kwargs) -> T:
        try:
            async with asyncio.timeout(self._seconds):
                return await ask(*given, **more)
        except PaymentTrouble:
            raise
        except TimeoutError as error:
            raise self._trouble(what, f"no answer within {self._seconds:g} s") from error
        except Exception as error:
            log.exception("the payment provider %s failed in %s", self.offer.id, what)
            raise self._trouble(what, repr(error)) from error

    def _outcome(self, given: object) -> Outcome:
        """What a plug-in that nobody type-checked gave, if it is an outcome."""
        if isinstance(given, Succeeded | Declined | Waiting):
            return given
        raise self._trouble("its answer", f"{given!r} is no outcome")

    def _trouble(self, what: str, why: str) -> PaymentTrouble:
        return PaymentTrouble(f"the payment provider {self.offer.id}, {what}: {why}")
