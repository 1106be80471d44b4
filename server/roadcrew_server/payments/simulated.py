"""Simulated payments: no money moves, and everything happens that happens with real providers.

What it claims to have charged stands in the server's store, so a restart and other processes see the same. What it is
not for: earning anything.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from roadcrew_server.payments.base import (
    Charge,
    Declined,
    Method,
    Notice,
    Offer,
    Outcome,
    PaymentTrouble,
    Succeeded,
    Tools,
    Waiting,
)
from roadcrew_server.payments.ledger import Entry, Ledger, number
from roadcrew_server.payments.signing import HEADER, signature, signed

log = logging.getLogger(__name__)

DEFAULT_SECONDS = "5"
LONGEST = 3600.0
UNDER_WAY = 100
"""Webhooks that wait to be sent in one process. What would be one more is not sent: `look` tells the same."""
UNKNOWN_METHOD = Declined("unknown-method", "That way to pay is not offered. Nothing was charged.")
REFUSED = Declined("card-declined", "The simulated card was declined. Nothing was charged.")


class SimulatedPayments:
    """`PaymentProvider`. `ROADCREW_PAYMENT_SIMULATED_SECONDS` is how long the slow method takes, and a webhook."""

    offer = Offer(
        "simulated",
        "Simulated payments (no money moves)",
        (
            Method("accept", "Succeeds at once"),
            Method("refuse", "Is declined"),
            Method("slow", "Succeeds after a while"),
            Method("lost", "Succeeds, and the answer is lost"),
            Method("twice", "Succeeds, and is told of twice more"),
        ),
        simulated=True,
    )

    def __init__(self, tools: Tools, *, secret: bytes | None = None) -> None:
        """`secret` signs its webhooks. They never leave the process, so a secret for each will do."""
        self._tools = tools
        self._ledger = Ledger(tools.records)
        self._secret = secret or secrets.token_bytes(32)
        self._seconds = _seconds(tools.settings.get("seconds", DEFAULT_SECONDS))
        self._under_way: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Nothing to begin: what was under way when another process died is found by `look`."""

    async def stop(self) -> None:
        """Webhooks that were not sent yet are not."""
        under_way = tuple(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def charge(self, charge: Charge) -> Outcome:
        """As the method says."""
        paid = _paid(charge)
        method = self.offer.method(charge.method)
        due = None
        first: Outcome = paid
        if method is None:
            first = UNKNOWN_METHOD
        elif method == "refuse":
            first = REFUSED
        elif method == "slow":
            first = Waiting(f"The simulated bank takes about {self._seconds:g} s.")
            due = self._tools.now() + timedelta(seconds=self._seconds)
        outcome, new = await self._ledger.entered(charge, first, due)
        if not new:
            return await self.look(charge) or outcome
        if method == "slow":
            self._later(charge, 1)
        elif method == "twice":
            self._later(charge, 2)
        elif method == "lost":
            raise PaymentTrouble("the simulated answer was lost on its way")
        return outcome

    async def look(self, charge: Charge) -> Outcome | None:
        """What the books say; what is due by now has succeeded."""
        entry = await self._ledger.looked_for(charge)
        if entry.due is not None and entry.due <= self._tools.now():
            entry = await self._settled(charge)
        return entry.outcome

    async def refund(self, charge: Charge, reference: str) -> str:
        """Nothing moves back either."""
        await self.look(charge)  # what is due by now can be paid back
        return await self._ledger.refunded(charge, reference)

    def verified(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """A webhook of this very process."""
        return signed(self._secret, headers, body, self._tools.now(), Notice)

    def webhook(self, notice: Notice) -> tuple[dict[str, str], bytes]:
        """Headers and body of a webhook."""
        body = msgspec.json.encode(notice)
        return {HEADER: signature(self._secret, self._tools.now(), body)}, body

    def _later(self, charge: Charge, times: int) -> None:
        if len(self._under_way) >= UNDER_WAY:
            log.warning("too many simulated payments are under way: one is not told of")
            return
        task = asyncio.create_task(self._tell(charge, times))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _tell(self, charge: Charge, times: int) -> None:
        notice = Notice(charge.id, charge.reference, _paid(charge))
        await self._tools.sleep(self._seconds)
        for _ in range(times):
            try:
                await self._settled(charge)
                await self._tools.deliver(*self.webhook(notice))
            except Exception as error:  # noqa: BLE001 - whatever came of it, nobody waits here; `look` tells the same
                log.warning("a simulated webhook was not taken: %s", error)

    async def _settled(self, charge: Charge) -> Entry:
        return await self._ledger.changed(
            charge.id, lambda entry: msgspec.structs.replace(entry, outcome=_paid(charge), due=None)
        )


def _paid(charge: Charge) -> Succeeded:
    return Succeeded(number("simulated", charge.id))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"ROADCREW_PAYMENT_SIMULATED_SECONDS is a number from 0 to {LONGEST:.0f}, not {text!r}.")
    return seconds
