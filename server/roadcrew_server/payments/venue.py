"""Pay at the venue: an order is kept, and the box office says when it is paid.

It says so by a webhook that is signed with `ROADCREW_PAYMENT_VENUE_SECRET`; without a secret there are none. What it is
not for: moving money. Who refunds at the venue is told by the order, not by us.
"""

import logging
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from roadcrew_server.payments.base import BadNotice, Charge, Declined, Notice, Offer, Outcome, Succeeded, Tools, Waiting
from roadcrew_server.payments.ledger import Entry, Ledger, number
from roadcrew_server.payments.signing import signed

log = logging.getLogger(__name__)

BOX_OFFICE = "the box office"
"""Who has the money. Others only say so."""
SHORTEST_SECRET = 16
"""Characters."""
AT_THE_VENUE = Waiting("To be paid at the venue.")
NO_METHODS = Declined("unknown-method", "At the venue there is nothing to choose. Nothing was charged.")

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Paid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the box office sends: the charge and its reference, as the order shows them."""

    type: Literal["paid"]
    charge: _Text
    reference: _Text


class VenuePayments:
    """`PaymentProvider`, and `KeepsBooks`: what is paid stands in the server's store."""

    offer = Offer("venue", "Pay at the venue", pays_later=True)

    def __init__(self, tools: Tools) -> None:
        self._ledger = Ledger(tools.records)
        self._now = tools.now
        self._secret = tools.settings.get("secret", "").encode()
        if 0 < len(self._secret) < SHORTEST_SECRET:
            raise ValueError(f"ROADCREW_PAYMENT_VENUE_SECRET needs at least {SHORTEST_SECRET} characters.")

    async def start(self) -> None:
        """Nothing to begin."""

    async def stop(self) -> None:
        """Nothing to end."""

    async def charge(self, charge: Charge) -> Outcome:
        """Waiting, until somebody has said that it is paid."""
        first = NO_METHODS if self.offer.method(charge.method) is None else AT_THE_VENUE
        return (await self._ledger.entered(charge, first))[0]

    async def look(self, charge: Charge) -> Outcome | None:
        """What the books say."""
        return (await self._ledger.looked_for(charge)).outcome

    async def give_up(self, charge: Charge) -> Outcome | None:
        """Nobody need come to pay any more."""
        return (await self._ledger.given_up(charge)).outcome

    async def refund(self, charge: Charge, reference: str) -> str:
        """The venue pays back; that it is to do so, and by whose word it was paid, is written down and logged."""
        refund = await self._ledger.refunded(charge, reference)
        by = (await self._ledger.looked_for(charge)).by
        log.warning(
            "the venue is to pay back %d %s (minor units) for %s, which was paid by the word of %s",
            charge.amount.amount,
            charge.amount.currency,
            charge.reference,
            by,
        )
        return refund

    async def mark_paid(self, charge_id: str, by: str, *, reference: str | None = None) -> Succeeded:
        """Write down that it was paid, and who said so: the box office, or else the first. With `reference`, only if
        it is the charge's. Raises `BadNotice` when nothing waits there to be paid, also when another's word was enough
        and it was paid back since."""
        paid = Succeeded(number("venue", charge_id))

        def pay(entry: Entry) -> Entry:
            if reference not in (None, entry.reference):
                raise BadNotice("The reference is another charge's.")
            if entry.outcome == paid and entry.by == by:
                return entry
            if entry.refund or not isinstance(entry.outcome, Waiting | Succeeded):
                raise BadNotice("This order was given up. Give the money back.")
            known = entry.by if by != BOX_OFFICE else ""
            return msgspec.structs.replace(entry, outcome=paid, by=known or by)

        await self._ledger.changed(charge_id, pay)
        return paid

    def verified(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """A box office's "paid"."""
        if not self._secret:
            raise BadNotice("This server takes no word from a box office: it has no ROADCREW_PAYMENT_VENUE_SECRET.")
        said = signed(self._secret, headers, body, self._now(), Paid)
        return Notice(said.charge, said.reference, Succeeded(number("venue", said.charge)))

    async def book(self, notice: Notice) -> None:
        """It is paid, if it is a charge of ours that waits."""
        await self.mark_paid(notice.charge_id, BOX_OFFICE, reference=notice.reference)
