"""`POST /api/payments/{provider}`: what payment providers say by webhook. Whether it is theirs, they know."""

from roadcrew_server.endpoints import Call, Endpoint
from roadcrew_server.payments.base import BadNotice, PaymentTrouble
from roadcrew_server.problems import Problem, unavailable


async def receive(call: Call) -> None:
    """Hand a webhook to its provider, and what it says to the order."""
    await call.server.limits.webhook(call.address)
    provider_id = call.request.path_params["provider"]
    payments = call.server.payments
    if provider_id not in payments.providers:
        raise Problem(404, "not-found", "This server takes no payments by that provider.")
    try:
        await payments.receive(provider_id, call.headers, call.raw)
    except BadNotice as error:
        raise Problem(400, "bad-notice", str(error)) from None
    except PaymentTrouble:
        raise unavailable() from None


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/payments/{provider}",
        receive,
        "open",
        "What a payment provider says, signed by it",
        status=204,
        tag="payments",
    ),
)
