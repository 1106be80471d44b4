"""What operators and programs ask a server about itself."""

from datetime import datetime
from importlib.metadata import version

from starlette.responses import JSONResponse, PlainTextResponse, Response

from roadcrew_server.endpoints import Answer, Call, Endpoint
from roadcrew_server.payments.base import Offer
from roadcrew_server.problems import unavailable
from roadcrew_server.quotes.registry import Provider

FEATURES = ("overview", "polls", "hotels", "talk")
"""What every server serves; there is more where an operator gave it what that needs."""


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


class PriceProvider(Answer):
    """Who is asked for prices, of what (`stay`, `vehicle`), and the seconds that it has."""

    id: str
    name: str
    simulated: bool
    kinds: tuple[str, ...]
    timeout: float


class QuoteOffer(Answer):
    providers: tuple[PriceProvider, ...]


class ImportOffer(Answer):
    """`max_bytes` of one feed."""

    max_bytes: int


class TalkOffer(Answer):
    """What one image may have, as it is sent."""

    max_image_bytes: int
    max_image_pixels: int


class ServerAnswer(Answer):
    """`payments`: in the order in which people are offered them; none where nothing can be booked. `quotes` and
    `imports` are null where there are none."""

    name: str
    version: str
    public_url: str
    features: tuple[str, ...]
    payments: tuple[PaymentOffer, ...]
    quotes: QuoteOffer | None
    imports: ImportOffer | None
    talk: TalkOffer
    time: datetime


async def about(call: Call) -> ServerAnswer:
    """What this server is and can do."""
    settings, quotes = call.server.settings, call.server.quotes
    providers = call.server.payments.providers.values() if call.server.catalogue else ()
    more = {"book": call.server.catalogue, "quotes": quotes, "imports": settings.monitor_price_app_host}
    return ServerAnswer(
        name=settings.server_name,
        version=version("roadcrew"),
        public_url=call.server.address,
        features=(*FEATURES, *(feature for feature, there in more.items() if there)),
        payments=tuple(_shown(provider.offer) for provider in providers),
        quotes=None if quotes is None else QuoteOffer(providers=tuple(map(_asked, quotes.all))),
        imports=ImportOffer(max_bytes=settings.max_feed) if settings.monitor_price_app_host else None,
        talk=TalkOffer(max_image_bytes=settings.max_image_bytes, max_image_pixels=settings.max_image_pixels),
        time=call.server.store.now(),
    )


def _shown(offer: Offer) -> PaymentOffer:
    methods = tuple(PaymentMethod(id=method.id, label=method.label) for method in offer.methods)
    return PaymentOffer(
        id=offer.id, label=offer.label, methods=methods, pays_later=offer.pays_later, simulated=offer.simulated
    )


def _asked(provider: Provider) -> PriceProvider:
    return PriceProvider(
        id=provider.id,
        name=provider.name,
        simulated=provider.simulated,
        kinds=tuple(sorted(provider.kinds)),
        timeout=provider.timeout,
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
