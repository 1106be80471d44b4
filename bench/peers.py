"""What the fan-out is compared with: FastAPI's own SSE and sse-starlette, each as its documentation has it.

    python bench/peers.py fastapi|sse-starlette

A queue for each subscriber, one event object for all, uvicorn with uvloop and httptools as our server has them,
no access log. `POST /publish` takes the id of an event in its first line and the JSON after it; `GET /stream`
follows. `POST /unheard` does the same where nobody follows. Prints its port.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Channel:
    """Everybody who listens has a queue."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Any]] = set()

    @contextmanager
    def subscribe(self) -> Any:
        """A queue for as long as somebody listens."""
        queue: asyncio.Queue[Any] = asyncio.Queue(1000)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def publish(self, item: Any) -> None:
        """Give it to all."""
        for queue in self._queues:
            queue.put_nowait(item)


def with_fastapi() -> Any:
    """The path operation yields; FastAPI makes frames of what it yields."""
    from fastapi import FastAPI  # noqa: PLC0415 - each process has one of them
    from fastapi.sse import EventSourceResponse, ServerSentEvent  # noqa: PLC0415 - each process has one of them

    app, channel, nobody = FastAPI(), Channel(), Channel()

    @app.get("/stream", response_class=EventSourceResponse)
    async def stream() -> AsyncIterator[ServerSentEvent]:
        with channel.subscribe() as queue:
            yield ServerSentEvent(comment="hello")
            while True:
                yield await queue.get()

    @app.post("/publish")
    @app.post("/unheard")
    async def publish(request: Request) -> Response:
        name, _, data = (await request.body()).decode().partition("\n")
        (channel if request.url.path == "/publish" else nobody).publish(ServerSentEvent(raw_data=data, id=name))
        return Response(b"{}")

    return app


def with_sse_starlette() -> Any:
    """The response reads a generator."""
    from sse_starlette import EventSourceResponse, ServerSentEvent  # noqa: PLC0415 - each process has one of them

    channel, nobody = Channel(), Channel()

    async def events() -> AsyncIterator[ServerSentEvent]:
        with channel.subscribe() as queue:
            yield ServerSentEvent(comment="hello")
            while True:
                yield await queue.get()

    async def stream(_: Request) -> Response:
        return EventSourceResponse(events())

    async def publish(request: Request) -> Response:
        name, _, data = (await request.body()).decode().partition("\n")
        (channel if request.url.path == "/publish" else nobody).publish(ServerSentEvent(data, id=name))
        return Response(b"{}")

    posts = [Route(path, publish, methods=["POST"]) for path in ("/publish", "/unheard")]
    return Starlette(routes=[Route("/stream", stream), *posts])


PEERS = {"fastapi": with_fastapi, "sse-starlette": with_sse_starlette}


def main() -> None:
    """Serve one of them until killed."""
    app = PEERS[sys.argv[1]]()
    sock = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(sock.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app, http="httptools", loop="uvloop", ws="none", access_log=False, log_level="error", proxy_headers=False
    )
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main()
