"""The books of a provider that has nobody else to ask: what became of each charge, in the server's store.

Each entry is made once and only goes on: from waiting to an end, from paid to paid back. A charge that was looked for
before it was made gets an entry too, which says that it never will be. What it is not for: deciding who has paid.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

import msgspec

from roadcrew_domain.money import Money
from roadcrew_server.payments.base import (
    BadNotice,
    Charge,
    Declined,
    Outcome,
    PaymentTrouble,
    Records,
    Succeeded,
    Waiting,
)

GIVEN_UP = Declined("given-up", "This payment was given up before it was made. Nothing was charged.")
"""What somebody hears who charges after `look` has said None, and what becomes of what waits and is given up."""
TRIES = 100
"""Times that a change is tried again because others were faster; each time one of them has got through."""


class Entry(msgspec.Struct, frozen=True):
    """One charge. `outcome` None: it was given up before it was made. `due`: when what is waiting succeeds by itself.
    `by`: who said that it is paid. `refund`: the number of the refund, if it was paid back."""

    reference: str
    amount: Money
    outcome: Outcome | None
    due: datetime | None = None
    by: str = ""
    refund: str = ""


class Ledger:
    """The entries of one provider, by the charge's id. Everything may raise `PaymentTrouble`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def entered(self, charge: Charge, first: Outcome, due: datetime | None = None) -> tuple[Outcome, bool]:
        """What became of it, and whether that was only entered now, as `first`."""
        entry = Entry(charge.reference, charge.amount, first, due)
        if await self._records.create(charge.id, msgspec.json.encode(entry)):
            return first, True
        there = await self._there(charge.id)
        if (there.reference, there.amount) != (entry.reference, entry.amount):
            raise PaymentTrouble("another charge has had this id")
        return (GIVEN_UP if there.outcome is None else there.outcome), False

    async def looked_for(self, charge: Charge) -> Entry:
        """The entry; if there was none, one that says that the charge was given up."""
        there = await self._records.get(charge.id)
        if there is not None:
            return msgspec.json.decode(there, type=Entry)
        given_up = Entry(charge.reference, charge.amount, None)
        if await self._records.create(charge.id, msgspec.json.encode(given_up)):
            return given_up
        return await self._there(charge.id)

    async def given_up(self, charge: Charge) -> Entry:
        """The entry; one that waits is at its end by this."""

        def end(entry: Entry) -> Entry:
            waits = isinstance(entry.outcome, Waiting)
            return msgspec.structs.replace(entry, outcome=GIVEN_UP, due=None) if waits else entry

        await self.looked_for(charge)
        return await self.changed(charge.id, end)

    async def changed(self, charge_id: str, step: Callable[[Entry], Entry]) -> Entry:
        """The entry after `step`, which may be asked several times, and may raise. `BadNotice` if there is none."""
        for _ in range(TRIES):
            old = await self._records.get(charge_id)
            if old is None:
                raise BadNotice("There is no such charge.")
            before = msgspec.json.decode(old, type=Entry)
            after = step(before)
            if after == before or await self._records.replace(charge_id, old, msgspec.json.encode(after)):
                return after
        raise PaymentTrouble("others change this charge all the time")

    async def refunded(self, charge: Charge, reference: str) -> str:
        """The number of the refund, which is entered once."""

        def pay_back(entry: Entry) -> Entry:
            if entry.outcome != Succeeded(reference):
                raise PaymentTrouble(f"{reference} was never paid for this charge")
            return msgspec.structs.replace(entry, refund=entry.refund or number("refund", charge.id))

        try:
            return (await self.changed(charge.id, pay_back)).refund
        except BadNotice as error:
            raise PaymentTrouble(str(error)) from error

    async def _there(self, charge_id: str) -> Entry:
        found = await self._records.get(charge_id)
        if found is None:
            raise PaymentTrouble("a record has gone that was there just now")
        return msgspec.json.decode(found, type=Entry)


def number(kind: str, charge_id: str) -> str:
    """The number of a charge's payment or refund: the same whoever makes it."""
    return f"{kind}-{hashlib.blake2b(charge_id.encode(), digest_size=8).hexdigest()}"
