"""Payments of orders: asked of a provider, and written into the cart's log, which alone says what an order is.

Between "a payment has begun" and "this came of it" anybody may die; whoever comes next asks the provider. Money that
comes for an order that is over goes back, and who has it still is told to give it back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache

from roadcrew_domain import cart
from roadcrew_domain.booking_ids import charge_of, order_in, reference_of
from roadcrew_domain.cart_acts import DeclinePayment, LapseOrder, MarkPaid, NoteRefund
from roadcrew_domain.money import Money
from roadcrew_domain.refusals import Refused
from roadcrew_server.booking.desk import Desk
from roadcrew_server.payments.base import (
    Charge,
    Declined,
    Notice,
    Outcome,
    PaymentTrouble,
    Succeeded,
)
from roadcrew_server.payments.guarded import Guarded

log = logging.getLogger(__name__)

Providers = Mapping[str, Guarded]


def charge(user: str, order: cart.Order, attempt: cart.Attempt | None) -> Charge:
    """What the provider is asked for; `attempt` None for an order that is paid later."""
    return Charge(
        _charge_id(user, order.id, None if attempt is None else attempt.id),
        reference_of(user, order.id),
        Money(order.total, order.currency),
        f"Roadcrew {order.number}",
        "" if attempt is None else attempt.method,
    )


def _charge_id(user: str, order_id: str, attempt_id: str | None) -> str:
    """An attempt's id is a key that its sender chose, and may have been another order's long ago, whose payment must
    not pay for this one."""
    return charge_of(user, order_id if attempt_id is None else f"{order_id} {attempt_id}")


async def begin(desk: Desk, providers: Providers, user: str, order: cart.Order) -> None:
    """Ask for the money of the payment that is open. What is not known afterwards is asked again later."""
    attempt, provider = order.open_attempt, _provider(providers, order)
    if attempt is None or provider is None:
        return
    try:
        outcome = await provider.charge(charge(user, order, attempt))
    except PaymentTrouble as trouble:
        log.warning("a payment of order %s is not known: %s", order.number, trouble)
        return
    await _note(desk, user, order, attempt.id, outcome)


async def begin_later(desk: Desk, providers: Providers, user: str, order: cart.Order) -> None:
    """Let a provider that is paid later know of the order. Raises `PaymentTrouble`."""
    if order.pays_later and order.total and (provider := _provider(providers, order)) is not None:
        await _note(desk, user, order, None, await provider.charge(charge(user, order, None)))


async def look(desk: Desk, providers: Providers, user: str, order: cart.Order) -> None:
    """Ask what became of the payment that is open, and see to it that it becomes nothing if it was never made."""
    attempt, provider = order.open_attempt, _provider(providers, order)
    if attempt is None or provider is None:
        return
    try:
        outcome = await provider.look(charge(user, order, attempt))
    except PaymentTrouble as trouble:
        log.warning("a payment of order %s is not known still: %s", order.number, trouble)
        return
    if outcome is None:
        outcome = Declined("never-made", "This payment was interrupted. Nothing was charged.")
    await _note(desk, user, order, attempt.id, outcome)


async def hear(desk: Desk, providers: Providers, user: str, order: cart.Order) -> None:
    """Ask whether an order that is paid later was paid: who was told so may have died before the cart knew. Raises
    `PaymentTrouble`."""
    if order.pays_later and order.total and (provider := _provider(providers, order)) is not None:
        await _note(desk, user, order, None, await provider.look(charge(user, order, None)))


async def give_up(desk: Desk, providers: Providers, user: str, order: cart.Order) -> None:
    """See to it that an order that is paid later, and is over, is paid no more, and hear if it was. Raises
    `PaymentTrouble`."""
    if order.pays_later and order.total and (provider := _provider(providers, order)) is not None:
        await _note(desk, user, order, None, await provider.give_up(charge(user, order, None)))


async def end(desk: Desk, providers: Providers, user: str, order: cart.Order) -> None:
    """It was to be paid by now: paid it is, or it lapses. Raises `PaymentTrouble`."""
    await give_up(desk, providers, user, order)
    await desk.cart_does(user, LapseOrder(order.id))


def heard_here(providers: Providers, order: cart.Order) -> bool:
    """Whether this server itself keeps what its provider was told of an order that waits to be paid."""
    provider = _provider(providers, order) if order.state == "awaiting" and order.pays_later else None
    return provider is not None and provider.keeps_books


def _provider(providers: Providers, order: cart.Order) -> Guarded | None:
    """Who takes an order's payments; None if that was taken out of the settings, until it is there again."""
    provider = providers.get(order.provider)
    if provider is None:
        _say_gone(order.provider)
    return provider


@cache
def _say_gone(provider_id: str) -> None:
    """Once in a process is enough."""
    log.error("there are orders for the payment provider %s, which ROADCREW_PAYMENTS does not name", provider_id)


async def _note(desk: Desk, user: str, order: cart.Order, attempt_id: str | None, outcome: Outcome | None) -> None:
    if isinstance(outcome, Succeeded):
        await desk.cart_does(user, MarkPaid(order.id, attempt_id, outcome.reference))
    elif isinstance(outcome, Declined) and attempt_id is not None:
        await desk.cart_does(user, DeclinePayment(order.id, attempt_id, outcome.reason, outcome.detail))


async def refund(desk: Desk, providers: Providers, user: str, order: cart.Order) -> None:
    """Give back what is owed."""
    provider = _provider(providers, order)
    for owed in order.refunds:
        if owed.state != "owed" or provider is None:
            continue
        attempt = next((a for a in order.attempts if a.id == owed.attempt_id), None)
        try:
            reference = await provider.refund(charge(user, order, attempt), owed.payment)
        except PaymentTrouble as trouble:
            log.warning("order %s is not refunded yet: %s", order.number, trouble)
            continue
        await desk.cart_does(user, NoteRefund(order.id, owed.payment, reference))


async def notice(desk: Desk, provider_id: str, said: Notice) -> str | None:
    """Write down what a provider's webhook says; whose order it was, None where there is no such payment."""
    meant = order_in(said.reference)
    if meant is None:
        return None
    user, order_id = meant
    order = (await desk.cart(user, fresh=True)).order(order_id)  # another process may have begun it just now
    if order is None or order.provider != provider_id:
        log.warning("%s tells of a payment that is not there: %r", provider_id, said.reference[:200])
        return None
    attempts: list[cart.Attempt | None] = [None] if order.pays_later else list(order.attempts)
    for attempt in attempts:
        attempt_id = None if attempt is None else attempt.id
        if _charge_id(user, order_id, attempt_id) == said.charge_id:
            await _note(desk, user, order, attempt_id, said.outcome)
            return user
    return None


def chosen(providers: Providers, provider_id: str | None, method: str = "") -> Guarded:
    """The provider that somebody named, or the first. Raises `Refused`."""
    provider = next(iter(providers.values()), None) if provider_id is None else providers.get(provider_id)
    if provider is None:
        raise Refused("unknown-provider", "invalid", "This server does not take that kind of payment.")
    if provider.offer.method(method) is None:
        raise Refused("unknown-method", "invalid", "There is no such way to pay here.", field="method")
    return provider
