"""Figures for Prometheus: what happens is counted where it happens, the rest is read when somebody asks.

Labels are words of our own (routes, codes, types of events), never anything that came from outside. What each
figure says, and which are worth an alert, is in docs/operating.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadcrew_server.endpoints import EndpointApp
from roadcrew_server.stores.base import StoreError

if TYPE_CHECKING:
    from roadcrew_server.app import Server

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ESTABLISHING = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 60, 300)
"""Seconds until a session was used. A terminal gives up after 17 (C4)."""
OTHER = "other"
"""The route of what is not routed, the method that nobody has heard of."""
NOT_READY = "session-not-ready"
METHODS = frozenset(("GET", "POST", "PATCH", "DELETE", "HEAD"))


class Metrics:
    """The registry of one server process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "roadcrew_requests", "Requests answered", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "roadcrew_request_seconds", "Time until an answer or a stream began", buckets=BUCKETS, registry=registry
        )
        self.problems = Counter("roadcrew_problems", "Problem documents sent", ("code",), registry=registry)
        self.append_seconds = Histogram(
            "roadcrew_append_seconds", "Time until a change was durable", buckets=BUCKETS, registry=registry
        )
        self._store_errors = Counter(
            "roadcrew_store_errors", "Calls that the store failed", ("error",), registry=registry
        )
        self.sessions = Counter("roadcrew_sessions_issued", "Sessions issued", ("kind",), registry=registry)
        self.not_ready = Counter(
            "roadcrew_sessions_not_ready", "Requests of sessions that could not be used yet", registry=registry
        )
        self.establishment = Histogram(
            "roadcrew_session_establishment_seconds",
            "Time from a session's issue to its first use",
            buckets=ESTABLISHING,
            registry=registry,
        )

    def follow(self, server: Server) -> None:
        """Read that server's figures too, whenever somebody asks."""
        self._registry.register(_Parts(server))
        self._shown = self._registry
        if server.worker is not None:
            self._shown = CollectorRegistry()
            self._shown.register(_OfWorker(self._registry, server.worker))

    def render(self) -> tuple[bytes, str]:
        """The text that Prometheus reads, and its media type."""
        return generate_latest(self._shown), CONTENT_TYPE_LATEST

    def problem(self, code: str) -> None:
        """Count a problem document by its code."""
        self.problems.labels(code).inc()
        if code == NOT_READY:
            self.not_ready.inc()

    def store_failed(self, error: StoreError) -> None:
        """Count an error of the store by its class."""
        self._store_errors.labels(type(error).__name__).inc()


class _Parts(Collector):
    def __init__(self, server: Server) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        hub, streams = self._server.hub, self._server.streams
        counters = hub.counters
        yield GaugeMetricFamily("roadcrew_streams", "Open streams", len(streams))
        yield GaugeMetricFamily("roadcrew_topics", "Topics in memory", len(hub.topics))
        yield CounterMetricFamily("roadcrew_streams_opened", "Streams opened", streams.opened)
        yield CounterMetricFamily("roadcrew_frames_sent", "Frames sent on streams", streams.frames_sent)
        for name, what in COUNTED.items():
            yield CounterMetricFamily(f"roadcrew_{name}", what, getattr(counters, name))
        resets = CounterMetricFamily("roadcrew_resets", "Readers that were sent the whole state", labels=("reader",))
        resets.add_metric(("new",), counters.first_resets)
        resets.add_metric(("lost",), counters.lost_resets)
        yield resets
        events = CounterMetricFamily("roadcrew_events", "Events appended", labels=("type",))
        for kind, count in counters.by_type.items():
            events.add_metric((kind,), count)
        yield events
        for name, (what, label, words) in TOLD_BY_EVENTS.items():
            told = CounterMetricFamily(f"roadcrew_{name}", what, labels=(label,))
            for word, kind in words.items():
                told.add_metric((word,), counters.by_type.get(kind, 0))
            if name == "cart_adds":
                told.add_metric(("refused",), self._server.booking.adds_refused)
            yield told
        runners = self._server.runners
        yield GaugeMetricFamily("roadcrew_runners", "Quote runs and imports that this process works on", len(runners))
        yield CounterMetricFamily(
            "roadcrew_runs_taken_over", "Quote runs and imports whose process had died", runners.taken_over
        )


COUNTED = {
    "commands": "Commands that became durable",
    "refusals": "Commands that a rule refused",
    "conflicts": "Appends that somebody else was faster than",
    "reloads": "Topics read from the store as a whole",
    "snapshots": "Snapshots written",
    "hints_lost": "Times that hints of the store were lost, and all was read again",
    "stalls": "Times that this process stood still for more than a second",
}


TOLD_BY_EVENTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "cart_adds": ("Adds to carts", "result", {"held": "LineHeld", "seats-gone": "AddFailed"}),
    "orders": (
        "Orders, each once for every state that it came to",
        "state",
        {
            "placed": "OrderPlaced",
            "rejected": "OrderRejected",
            "paid": "Paid",
            "lapsed": "Lapsed",
            "cancelled": "OrderCancelled",
        },
    ),
    "payments": (
        "Payments that were begun, and what came of them",
        "outcome",
        {"begun": "PaymentStarted", "declined": "PaymentDeclined", "owed-back": "RefundOwed", "paid-back": "Refunded"},
    ),
    "quote_runs": (
        "Quote runs, and what became of them",
        "outcome",
        {
            "begun": "QuoteRequested",
            "finished": "QuoteFinished",
            "cancelled": "QuoteCancelled",
            "interrupted": "QuoteInterrupted",
        },
    ),
    "provider_answers": (
        "Answers of providers in quote runs",
        "outcome",
        {"priced": "QuoteResult", "failed": "QuoteFailure"},
    ),
    "imports": (
        "Imports, and what became of them",
        "outcome",
        {
            "begun": "ImportRequested",
            "finished": "ImportFinished",
            "cancelled": "ImportCancelled",
            "failed": "ImportFailed",
            "interrupted": "ImportInterrupted",
        },
    ),
}
"""Figures that events tell: name, what it is, label, and the event that each of the label's words counts. A log has
each event once, so a change that is sent again counts once."""


class _OfWorker(Collector):
    """Another registry's figures, each saying which worker's it is (`worker="2"`).

    With `--workers N`, a request for figures reaches whichever worker accepts it, and they are that one's alone. By
    the label, rates and sums over workers are right; a series has gaps between the scrapes that reached its worker.
    Who wants every process at every scrape gives each a port of its own and puts a proxy in front.
    """

    def __init__(self, registry: CollectorRegistry, worker: int) -> None:
        self._registry = registry
        self._label = {"worker": str(worker)}

    def collect(self) -> Iterable[Metric]:
        for metric in self._registry.collect():
            metric.samples = [s._replace(labels={**self._label, **s.labels}) for s in metric.samples]
            yield metric


class CountRequests:
    """ASGI: counts and times every request."""

    def __init__(self, app: ASGIApp, server: Server) -> None:
        self._app = app
        self._metrics = server.metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        metrics, began = self._metrics, time.perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in METHODS else OTHER
                metrics.requests.labels(method, _route(scope, message["status"]), message["status"]).inc()
                metrics.seconds.observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counting)


def _route(scope: Scope, status: int) -> str:
    """The path that the router found, as it is declared. A method that it does not take (405) was not routed."""
    found = scope.get("endpoint")
    return found.endpoint.path if isinstance(found, EndpointApp) and status != 405 else OTHER
