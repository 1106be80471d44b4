"""What operators and programs ask a server about itself."""

from datetime import datetime
from importlib.metadata import version

from starlette.responses import JSONResponse, PlainTextResponse, Response

from roadcrew_server.endpoints import Answer, Call, Endpoint
from roadcrew_server.payments.base import Offer
from roadcrew_server.problems import unavailable

FEATURES = ("overview", "polls", "hotels")
"""The tabs that every server serves."""


class PaymentMethod(Answer):
    id: str
    label: str


class PaymentOffer(Answer):
    """A way to pay, as people are shown it."""

    id: str
    label: str
    methods: tuple[PaymentMethod, ...]
    pays_later: bool
    simulated: bool


class ServerAnswer(Answer):
    """`payments`: in the order in which people are offered them; none where nothing can be booked."""

    name: str
    version: str
    public_url: str
    features: tuple[str, ...]
    payments: tuple[PaymentOffer, ...]
    time: datetime


async def about(call: Call) -> ServerAnswer:
    """What this server is and can do."""
    providers = call.server.payments.providers.values() if call.server.catalogue else ()
    return ServerAnswer(
        name=call.server.settings.server_name,
        version=version("roadcrew"),
        public_url=call.server.address,
        features=(*FEATURES, "book") if call.server.catalogue else FEATURES,
        payments=tuple(_shown(provider.offer) for provider in providers),
        time=call.server.store.now(),
    )


def _shown(offer: Offer) -> PaymentOffer:
    methods = tuple(PaymentMethod(id=method.id, label=method.label) for method in offer.methods)
    return PaymentOffer(
        id=offer.id, label=offer.label, methods=methods, pays_later=offer.pays_later, simulated=offer.simulated
    )


async def alive(call: Call) -> Response:
    """The process runs."""
    return PlainTextResponse("ok\n")


async def ready(call: Call) -> Response:
    """Requests can be served: the store answers, and the server is not stopping."""
    if call.server.streams.draining:
        raise unavailable(retry_after=5)
    await call.server.store.ping()
    return PlainTextResponse("ready\n")


async def metrics(call: Call) -> Response:
    """Figures for Prometheus."""
    body, content_type = call.server.metrics.render()
    return Response(body, media_type=content_type)


async def description(call: Call) -> Response:
    """The OpenAPI document of this server."""
    return JSONResponse(call.server.openapi())


def _get(path: str, handler: object, summary: str, answer: type | None = None, *media: str) -> Endpoint:
    return Endpoint("GET", path, handler, "open", summary, answer=answer, tag="service", media=media)  # type: ignore[arg-type]


ENDPOINTS = (
    _get("/api/server", about, "What this server is and can do", ServerAnswer),
    _get("/healthz", alive, "The process runs", None, "text/plain"),
    _get("/readyz", ready, "Requests can be served", None, "text/plain"),
    _get("/metrics", metrics, "Figures for Prometheus", None, "text/plain"),
    _get("/openapi.json", description, "This document", None, "application/json"),
)
