"""The server put together: store, hub, streams, presence, auth, limits, routes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadcrew_server import openapi
from roadcrew_server.auth import Auth
from roadcrew_server.booking.book import Booking
from roadcrew_server.booking.kinds import CartKind, SlotKind
from roadcrew_server.catalogue import Catalogue
from roadcrew_server.endpoints import Endpoint, EndpointApp
from roadcrew_server.first_use import FirstUses
from roadcrew_server.hub import Hub
from roadcrew_server.jobs.feeds import Feeds
from roadcrew_server.jobs.kinds import JobKind
from roadcrew_server.jobs.pages import Pages
from roadcrew_server.jobs.runner import JobWork
from roadcrew_server.limits import Limits
from roadcrew_server.metrics import CountRequests, Metrics
from roadcrew_server.moving.restore import require_whole
from roadcrew_server.payments.registry import CantPay, Payments
from roadcrew_server.presence import Presence
from roadcrew_server.problems import Problem
from roadcrew_server.quotes.kinds import QuoteKind
from roadcrew_server.quotes.registry import Providers
from roadcrew_server.quotes.runner import QuoteWork
from roadcrew_server.routes import (
    cart,
    exhibitions,
    front,
    invites,
    jobs,
    past,
    payments,
    quotes,
    service,
    sessions,
    subscribe,
    sync,
    talk_images,
    talk_items,
    talk_marks,
    talk_mutes,
    talk_presence,
    talk_removed,
    trips,
)
from roadcrew_server.running import Runners, Work
from roadcrew_server.sessions import Sessions
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Hint, Store, StoreError, StoreFacts
from roadcrew_server.stores.watched import watched
from roadcrew_server.streams import Streams
from roadcrew_server.talk.blobs import blobs_for
from roadcrew_server.talk.darkroom import Darkroom
from roadcrew_server.talk.images import Images
from roadcrew_server.talk.talk import Talk
from roadcrew_server.topics import TripKind

ENDPOINTS: tuple[Endpoint, ...] = (
    *sessions.ENDPOINTS,
    *talk_mutes.ENDPOINTS,
    *trips.ENDPOINTS,
    *past.ENDPOINTS,
    *sync.ENDPOINTS,
    *invites.ENDPOINTS,
    *exhibitions.ENDPOINTS,
    *cart.ENDPOINTS,
    *payments.ENDPOINTS,
    *quotes.ENDPOINTS,
    *jobs.ENDPOINTS,
    *talk_marks.ENDPOINTS,
    *talk_presence.ENDPOINTS,
    *talk_removed.ENDPOINTS,
    *talk_images.ENDPOINTS,
    *talk_items.ENDPOINTS,
    *subscribe.ENDPOINTS,
    *service.ENDPOINTS,
    *front.ENDPOINTS,
)


class Server:
    """One server process: its parts, and their start and end. `worker` is its number among several on one address;
    without a `catalogue`, nothing can be booked, and without `quotes`, nobody is asked for prices."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        worker: int | None = None,
        catalogue: Catalogue | None = None,
        quotes: Providers | None = None,
    ) -> None:
        self.worker = worker
        self.catalogue = catalogue
        self.quotes = quotes
        self.metrics = Metrics()
        self.store = store = watched(store, self.metrics.store_failed, self.metrics.append_seconds.observe)
        self.settings = settings
        self.port = settings.port
        self.secret = b""
        self.facts: StoreFacts | None = None
        self.first_uses = FirstUses(store, self.metrics.establishment.observe)
        self.sessions = Sessions(store, settings)
        self.sessions.on_issued = lambda kind: self.metrics.sessions.labels(kind).inc()
        self.sessions.on_used = self.first_uses.used
        self.auth = Auth(store, self.sessions)
        self.limits = Limits(store.rate_storage(), settings)
        self.hub = Hub(store, (TripKind(), CartKind(), SlotKind(catalogue), QuoteKind(), JobKind()), settings)
        self.presence = Presence(self.hub, settings)
        self.streams = Streams(self.presence, settings, self.sessions.revoked, self.sessions.stands)
        self.sessions.followed = self.streams.follows
        self.payments = Payments(store, settings)
        self.booking = Booking(self.hub, catalogue, self.payments.providers, settings)
        self.payments.on_notice = self.booking.notified
        self.feeds = Feeds(store, settings.max_feed)
        self.pages = Pages(store)
        self.talk = Talk(self.hub, catalogue)
        self.images = Images(store, blobs_for(settings.blobs, store), Darkroom(settings.max_image_pixels))
        self.uploads = talk_images.Uploads()
        self.talk.upkeep.on_gone = self.images.gone
        self.runners = Runners(self.hub, store, self._works(), settings)
        self.hub.on_due = self._due
        self.hub.on_hint = self._hinted
        self.metrics.follow(self)
        self.hub.on_revoked = self._revoked
        self.hub.on_changed = self.sessions.forget
        self.hub.on_missed = self._missed

    @property
    def address(self) -> str:
        """Where people reach this server."""
        return self.settings.address(self.port)

    async def start(self) -> StoreFacts:
        """Open the store and begin, unless that was done. Raises `StoreError` and `CantPay`."""
        if self.facts is not None:
            return self.facts
        self.facts = await self.store.open()
        try:
            await require_whole(self.store)
            self.secret = await self._secret()
            await require_whole(self.store)  # an import that began meanwhile sees the secret, or we see its mark
            await self.payments.start()
            if (warning := await self.images.blobs.open()) is not None:
                self.facts.warnings.append(warning)
        except (StoreError, CantPay):
            await self.store.close()
            raise
        await self.hub.start()
        await self.streams.start()
        return self.facts

    async def stop(self) -> None:
        """Streams get `bye`; running commands finish; the store is closed."""
        await self.streams.drain()
        await self.streams.stop()
        await self.first_uses.stop()
        await self.payments.stop()
        await self.runners.stop()
        if self.quotes is not None:
            await self.quotes.close()
        await self.hub.stop()
        await self.store.close()

    def _works(self) -> tuple[Work, ...]:
        """What is done for topics, by this process or another."""
        imports = JobWork(self.hub, self.feeds, self.pages, self.settings)
        return (QuoteWork(self.hub, self.quotes or Providers(())), imports)

    async def _due(self, name: str) -> None:
        await self.booking.attend(name)
        await self.runners.attend(name)
        await self.talk.upkeep.attend(name)

    async def _secret(self) -> bytes:
        """A secret that all processes of one store share: made by the first."""
        await self.store.create("server", "secret", secrets.token_bytes(32))
        stored = await self.store.get("server", "secret")
        assert stored is not None  # noqa: S101 - it was created just now, and never expires
        return hashlib.sha256(stored.value).digest()

    def _revoked(self, token_hash: str) -> None:
        self.sessions.revoke(token_hash)
        self.streams.revoke(token_hash)

    def _hinted(self, hint: Hint) -> None:
        self.runners.hinted(hint)
        self.talk.unopened.hinted(hint)
        self.presence.hinted(hint)

    def _missed(self) -> None:
        self.talk.unopened.doubt()
        self.sessions.forget_all()
        self.streams.doubt()

    @cached_property
    def _openapi(self) -> dict[str, Any]:
        return openapi.document(ENDPOINTS, title="Roadcrew", version=version("roadcrew"), address=self.address)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self._openapi


def make_app(server: Server) -> Starlette:
    """The ASGI application of a server. It starts and stops with the application's lifespan."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await server.start()
        try:
            yield
        finally:
            await server.stop()

    routes = [Route(e.path, EndpointApp(server, e), methods=[e.method]) for e in ENDPOINTS]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(RequestId, server=server), Middleware(CountRequests, server=server)],
        exception_handlers={HTTPException: _not_routed},
    )
    app.router.redirect_slashes = False
    return app


def _not_routed(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    problem = (
        Problem(405, "method-not-allowed", "This address does not take that method.")
        if status == 405
        else Problem(404, "not-found", "There is nothing at this address.")
    )
    response = problem.response(request.scope.get("request_id", ""))
    if status == 405:
        response.headers["Allow"] = ", ".join(
            sorted(e.method for e in ENDPOINTS if compile_path(e.path)[0].match(request.url.path))
        )
    return response


class RequestId:
    """ASGI: every request has an id, ours, said in the answer and in problem documents.

    While the server drains, each answer is the last of its connection, so that the next request can go elsewhere.
    """

    def __init__(self, app: ASGIApp, server: Server) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = request_id = secrets.token_hex(8)

        async def naming(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
                if self._server.streams.draining:
                    extra.append((b"connection", b"close"))
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        await self._app(scope, receive, naming)
