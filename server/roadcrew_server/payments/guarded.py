"""A provider as checkout calls it: every answer in time, and no fault of a plug-in taken for an answer.

Who sees `PaymentTrouble` knows that it must ask again; any other error could be read as "not charged". What it is not
for: trying again. Checkout does, by `look`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

import msgspec

from roadcrew_server.payments.base import (
    BadNotice,
    Charge,
    KeepsBooks,
    Notice,
    Outcome,
    PaymentProvider,
    PaymentTrouble,
    Succeeded,
    TakesWord,
    Text,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

_OUTCOME: msgspec.json.Decoder[Outcome] = msgspec.json.Decoder(Outcome)
_FOUND: msgspec.json.Decoder[Outcome | None] = msgspec.json.Decoder(Outcome | None)
_SUCCEEDED = msgspec.json.Decoder(Succeeded)
_NOTICE = msgspec.json.Decoder(Notice)
_TEXT: msgspec.json.Decoder[str] = msgspec.json.Decoder(Text)


class Guarded:
    """`PaymentProvider` around another, whose calls get `seconds`."""

    def __init__(self, inner: PaymentProvider, seconds: float) -> None:
        self.inner = inner
        self.offer = inner.offer
        self._seconds = seconds

    @property
    def keeps_books(self) -> bool:
        """Whether this server itself keeps what the provider was told."""
        return isinstance(self.inner, KeepsBooks)

    @property
    def takes_word(self) -> bool:
        """Whether it takes an organiser's word."""
        return isinstance(self.inner, TakesWord)

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
        return self._checked("charge", await self._asked("charge", partial(self.inner.charge, charge)), _OUTCOME)

    async def look(self, charge: Charge) -> Outcome | None:
        """As the provider does."""
        return self._checked("look", await self._asked("look", partial(self.inner.look, charge)), _FOUND)

    async def refund(self, charge: Charge, reference: str) -> str:
        """As the provider does."""
        given = await self._asked("refund", partial(self.inner.refund, charge, reference))
        return self._checked("refund", given, _TEXT)

    def verified(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """As the provider does. Raises `PaymentTrouble` too."""
        try:
            given = self.inner.verified(headers, body)
        except BadNotice:
            raise
        except Exception as error:
            raise self._failed("verified", error) from error
        return self._checked("verified", given, _NOTICE)

    async def book(self, notice: Notice) -> None:
        """As one that keeps books does; nothing for another."""
        if isinstance(self.inner, KeepsBooks):
            await self._asked("book", partial(self.inner.book, notice), may_refuse=True)

    async def give_up(self, charge: Charge) -> Outcome | None:
        """As one that keeps books does. Another one is asked what came of it, and can be paid still."""
        ask = self.inner.give_up if isinstance(self.inner, KeepsBooks) else self.inner.look
        return self._checked("give_up", await self._asked("give_up", partial(ask, charge)), _FOUND)

    async def mark_paid(self, charge_id: str, by: str) -> Succeeded:
        """As one that takes an organiser's word does; no other one is asked."""
        if not isinstance(self.inner, TakesWord):
            raise BadNotice("There is nobody here who takes a word for it.")
        given = await self._asked("mark_paid", partial(self.inner.mark_paid, charge_id, by), may_refuse=True)
        return self._checked("mark_paid", given, _SUCCEEDED)

    async def _asked(self, what: str, ask: Callable[[], Awaitable[object]], *, may_refuse: bool = False) -> object:
        try:
            async with asyncio.timeout(self._seconds):
                return await ask()
        except PaymentTrouble:
            raise
        except TimeoutError as error:
            raise self._trouble(what, f"no answer within {self._seconds:g} s") from error
        except Exception as error:
            if may_refuse and isinstance(error, BadNotice):
                raise
            raise self._failed(what, error) from error

    def _checked(self, what: str, given: object, kind: msgspec.json.Decoder[T]) -> T:
        """What a plug-in that nobody type-checked gave, as a log gives it back: what can't be read from there would
        make the whole cart unreadable."""
        try:
            return kind.decode(msgspec.json.encode(given))
        except Exception as error:
            raise self._trouble(what, f"its answer can't be kept: {error}") from error

    def _failed(self, what: str, error: Exception) -> PaymentTrouble:
        log.error("the payment provider %s failed in %s", self.offer.id, what, exc_info=error)
        return self._trouble(what, repr(error))

    def _trouble(self, what: str, why: str) -> PaymentTrouble:
        return PaymentTrouble(f"the payment provider {self.offer.id}, {what}: {why}")
