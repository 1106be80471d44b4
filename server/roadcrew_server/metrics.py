"""Figures for Prometheus, read from the parts that count them when somebody asks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from roadcrew_server.app import Server

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The registry of one server."""

    def __init__(self, server: Server) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter("roadcrew_requests", "Requests answered", ("method", "status"), registry=self._registry)
        self.seconds = Histogram(
            "roadcrew_request_seconds", "Time to answer, streams aside", buckets=BUCKETS, registry=self._registry
        )
        self._registry.register(_Parts(server))

    def render(self) -> tuple[bytes, str]:
        """The text that Prometheus reads, and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class _Parts(Collector):
    def __init__(self, server: Server) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        hub, streams = self._server.hub, self._server.streams
        counters = hub.counters
        yield GaugeMetricFamily("roadcrew_streams", "Open streams", len(streams))
        yield GaugeMetricFamily("roadcrew_topics", "Topics in memory", len(hub.topics))
        yield CounterMetricFamily("roadcrew_frames_sent", "Frames sent on streams", streams.frames_sent)
        for name in ("commands", "refusals", "conflicts", "reloads", "snapshots"):
            yield CounterMetricFamily(f"roadcrew_{name}", f"{name.capitalize()} so far", getattr(counters, name))
        events = CounterMetricFamily("roadcrew_events", "Events appended", labels=("type",))
        for kind, count in counters.by_type.items():
            events.add_metric((kind,), count)
        yield events


class CountRequests:
    """ASGI: counts and times every request."""

    def __init__(self, app: ASGIApp, server: Server) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        metrics, began = self._server.metrics, time.perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                metrics.requests.labels(
                    scope["method"] if scope["method"] in METHODS else "other", message["status"]
                ).inc()
                metrics.seconds.observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counting)


METHODS = frozenset(("GET", "POST", "PATCH", "DELETE", "HEAD"))
