"""A quote API that takes its time, and counts who asked it: `/p3?seconds=2` answers after two seconds."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

PROVIDER = """
[[provider]]
id = "{id}"
name = "Provider {id}"
use = "http"
timeout = 30
tries = 1
allow_private = true

[provider.vehicle]
url = "{url}/{id}?seconds={seconds}"

[provider.vehicle.answer]
prices = "offers[*]"
total = "total"
currency = "EUR"
"""


@dataclass
class CountingApi:
    """Where it listens, and how often each provider was asked, and has answered somebody who was still there."""

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)

    def providers(self, place: Path, seconds: Mapping[str, float]) -> Path:
        """A file of providers that are all of this API, with the seconds that each takes."""
        file = place / "quotes.toml"
        tables = (PROVIDER.format(id=name, url=self.url, seconds=wait) for name, wait in seconds.items())
        file.write_text("".join(tables), "utf-8")
        return file

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request; who hangs up while they wait gets no answer."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            target = urlsplit((await reader.readuntil(b"\r\n\r\n")).split()[1].decode())
            name, seconds = target.path[1:], float(parse_qs(target.query)["seconds"][0])
            self.asked[name] += 1
            gone = asyncio.create_task(reader.read(1))
            await asyncio.wait({gone}, timeout=seconds)
            if not gone.done():
                self.answered[name] += 1
                body = json.dumps({"offers": [{"total": f"{100 + self.answered.total()}.50"}]}).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
                await writer.drain()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        writer.close()


@contextlib.asynccontextmanager
async def counting_api() -> AsyncIterator[CountingApi]:
    """On a free port of this computer."""
    api = CountingApi()
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield api
    finally:
        server.close()
