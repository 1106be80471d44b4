"""What a payment provider must do for checkout; all pass one contract suite (tests/server/payment_contract.py).

The server writes down that it is about to charge, charges, and writes down what came of it. It may die anywhere, and
whoever comes next asks `look`. So a provider must know by a charge's id what became of it, whoever asks how often.

What it is not for: orders, seats and people. A provider knows amounts and references.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol, runtime_checkable

import msgspec

from roadcrew_domain.money import Money

Text = Annotated[str, msgspec.Meta(max_length=1000)]
"""What a provider says is kept in people's carts, so all of it has a bound. More is taken for no answer."""


class Charge(msgspec.Struct, frozen=True):
    """What somebody is to pay.

    `id` is the idempotency key: opaque, the same for every repetition, and never that of another charge. `reference`
    is ours, under 200 characters and safe in a URL; webhooks give it back. `description` is plain text for a
    statement. `method` is one of the offer's; empty means the first of them, or that there are none.
    """

    id: str
    reference: str
    amount: Money
    description: str
    method: str = ""


class Succeeded(msgspec.Struct, frozen=True, tag=True):
    """The money is ours. `reference` is the provider's own number of the payment."""

    reference: Text


class Declined(msgspec.Struct, frozen=True, tag=True):
    """Nothing was charged, nor will be under this id. `reason` is a code for programs, `detail` a sentence."""

    reason: Text
    detail: Text


class Waiting(msgspec.Struct, frozen=True, tag=True):
    """Not known yet: the provider will say so by a webhook, or is asked again by `look`. `detail` is a sentence."""

    detail: Text


Outcome = Succeeded | Declined | Waiting


class Method(msgspec.Struct, frozen=True):
    """A way to pay among those of one provider."""

    id: str
    label: str


class Offer(msgspec.Struct, frozen=True):
    """What people are shown. `pays_later`: the order is kept until its first slot begins and waits for somebody's
    "paid". `simulated`: no money moves."""

    id: str
    label: str
    methods: tuple[Method, ...] = ()
    pays_later: bool = False
    simulated: bool = False

    def method(self, chosen: str) -> str | None:
        """The id of the method that is meant by `Charge.method`; None if it is none of these."""
        ids = [method.id for method in self.methods] or [""]
        return ids[0] if not chosen else chosen if chosen in ids else None


class Notice(msgspec.Struct, frozen=True):
    """What a webhook said. `reference` is ours: the charge's."""

    charge_id: Text
    reference: Text
    outcome: Outcome


class PaymentTrouble(Exception):
    """The provider could not be asked, or its answer was lost: it is not known whether it did it. Asking again is
    safe."""


class BadNotice(Exception):
    """A webhook is not the provider's, too old, malformed, or does not fit what was charged. Its words are shown to
    whoever sent it."""


class PaymentProvider(Protocol):
    """The protocol. An entry point in the group `roadcrew.payments`, named as `offer.id`, is called with `Tools` to
    make one; it raises ValueError with a sentence when its settings won't do. Calls may come from several processes
    at once, for the same charge too."""

    offer: Offer

    async def start(self) -> None:
        """Begin; nothing was asked before."""

    async def stop(self) -> None:
        """End, also what runs in the background. Nothing is asked afterwards. May come without a `start`."""

    async def charge(self, charge: Charge) -> Outcome:
        """Charge it, or say what came of it if that was done before. A method that is not offered, and an id for
        which `look` has said None, are declined. Raises `PaymentTrouble`: it may have been charged."""

    async def look(self, charge: Charge) -> Outcome | None:
        """What came of it. None: it never was made, and from now on none with this id is honoured, so that it is safe
        to let the order go. Raises `PaymentTrouble`."""

    async def refund(self, charge: Charge, reference: str) -> str:
        """Give the whole payment `reference` back, once however often it is asked; the refund's number. Raises
        `PaymentTrouble`, also when that was never paid."""

    def verified(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """What a webhook says; names of headers are in lower case. It may come twice, late, and out of order. Raises
        `BadNotice`."""


@runtime_checkable
class KeepsBooks(Protocol):
    """A provider that has nobody else to ask: what `look` knows is what it has written down itself."""

    async def book(self, notice: Notice) -> None:
        """Write down what a verified webhook says; the order hears of it afterwards. Raises `BadNotice` when it does
        not fit the books, and `PaymentTrouble`."""

    async def give_up(self, charge: Charge) -> Outcome | None:
        """What came of it, as `look` says; what waits still is declined, and from now on nobody is taken at their word
        that it is paid. Raises `PaymentTrouble`."""


@runtime_checkable
class TakesWord(Protocol):
    """A provider of what is paid later, who takes an organiser's word that it was."""

    async def mark_paid(self, charge_id: str, by: str) -> Succeeded:
        """Write down that it was paid, and who said so. Raises `BadNotice` when nothing waits there to be paid, and
        `PaymentTrouble`."""


class Records(Protocol):
    """Small records of one provider in the server's store, shared by all its processes. They are kept for longer than
    the orders that they are about (records.py). Every method may raise `PaymentTrouble`."""

    async def get(self, key: str) -> bytes | None:
        """The record; None: there is none."""

    async def create(self, key: str, value: bytes) -> bool:
        """Write it if there is none. False: there is one already."""

    async def put(self, key: str, value: bytes) -> None:
        """Write it, whatever was there."""

    async def replace(self, key: str, old: bytes, value: bytes) -> bool:
        """Write it if the record is `old` still. False: it is another, or gone."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the server gives a provider on making it.

    `settings` are the variables `ROADCREW_PAYMENT_<ID>_<NAME>`, as NAME in lower case. `now` is the store's time.
    `deliver` hands in a webhook of its own, as if it had come over the network.
    """

    records: Records
    settings: Mapping[str, str]
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    deliver: Callable[[Mapping[str, str], bytes], Awaitable[None]]
