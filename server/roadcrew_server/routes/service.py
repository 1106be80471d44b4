"""What operators and programs ask a server about itself."""

from datetime import datetime
from importlib.metadata import version

from starlette.responses import JSONResponse, PlainTextResponse, Response

from roadcrew_server.endpoints import Answer, Call, Endpoint
from roadcrew_server.problems import unavailable

FEATURES = ("overview", "polls", "hotels")
"""The tabs that every server serves."""


class ServerAnswer(Answer):
    name: str
    version: str
    public_url: str
    features: tuple[str, ...]
    time: datetime


async def about(call: Call) -> ServerAnswer:
    """What this server is and can do."""
    return ServerAnswer(
        name=call.server.settings.server_name,
        version=version("roadcrew"),
        public_url=call.server.address,
        features=(*FEATURES, "book") if call.server.catalogue else FEATURES,
        time=call.server.store.now(),
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
