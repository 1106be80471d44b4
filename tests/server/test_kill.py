"""What a real process promised holds when it is killed; and readers that we did not write can read it."""

import asyncio
import contextlib
import http.client
import json
import shutil
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from httpx_sse import aconnect_sse
from tests.conftest import Count, Figure
from tests.support.people import Person, connected, crew, eventually
from tests.support.serving import Running, ServerProcess

from roadcrew_domain.events import decode_cursor


async def write(person: Person, trip_id: str, acknowledged: list[tuple[Person, Any, str, str]]) -> None:
    """Change the trip as fast as it goes, until the server is gone; what was acknowledged, with its cursor."""
    with contextlib.suppress(httpx.HTTPError):
        while True:
            key = str(uuid.uuid4())
            body = {"tripId": trip_id, "name": key}
            answer = await person.post("/update", body, key=key)
            assert answer.status_code == 200
            acknowledged.append((person, body, key, answer.json()["cursor"]))


def some(acknowledged: list[Any]) -> bool:
    return len(acknowledged) > 60


# R: G4 T9
async def test_nothing_that_was_acknowledged_is_missing_after_kill_9(tmp_path: Path, count: Count, figure: Figure):
    kills, looked_for = count(reduced=3, full=20), 0
    with ServerProcess(tmp_path, snapshot_every=40) as process:
        async with connected(process.url) as http:
            made, people = await crew(http, 4)
        trip_id = made["trip"]["id"]
        topic = f"trip:{trip_id}"
        for _ in range(kills):
            acknowledged: list[tuple[Person, Any, str, str]] = []
            async with connected(process.url) as http:
                for person in people:
                    person.http = http
                writing = [asyncio.create_task(write(p, trip_id, acknowledged)) for p in people]
                await eventually(partial(some, acknowledged), "some writing", 20)
                await asyncio.to_thread(process.kill)
                await asyncio.gather(*writing)
            await asyncio.to_thread(process.start)
            async with connected(process.url) as http:
                for person in people:
                    person.http = http
                before = decode_cursor((await people[0].poll(trip_id)).json()["cursor"])[topic].seq
                assert before >= max(decode_cursor(cursor)[topic].seq for *_, cursor in acknowledged)
                for person, body, key, cursor in acknowledged:
                    again = await person.post("/update", body, key=key)
                    assert (again.status_code, again.json()["cursor"]) == (200, cursor)
                batch = (await people[0].poll(trip_id, cursor=acknowledged[-1][3])).json()
                assert batch["resets"] == []  # its place in history is what it was
                after = decode_cursor((await people[0].poll(trip_id)).json()["cursor"])[topic].seq
                assert after == before
            looked_for += len(acknowledged)
    figure("kills, acknowledged changes, missing", f"{kills}, {looked_for}, 0")


async def by_curl(url: str, headers: Mapping[str, str], until: bytes) -> bytes:
    arguments = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    process = await asyncio.create_subprocess_exec("curl", "-sN", *arguments, url, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    got = bytearray()
    try:
        async with asyncio.timeout(10):
            while until not in got:
                more = await process.stdout.read(4096)
                assert more, "the stream ended"
                got += more
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return bytes(got)


async def by_socket(url: str, headers: Mapping[str, str], until: bytes) -> bytes:
    """What there is where nothing else is: a connection, and bytes."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = [f"GET {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*head, "", ""]).encode())
    got = bytearray()
    try:
        async with asyncio.timeout(10):
            while until not in got:
                more = await reader.read(4096)
                assert more, "the stream ended"
                got += more
    finally:
        writer.close()
    return bytes(got)


READERS = [by_socket, by_curl] if shutil.which("curl") else [by_socket]
"""What reads a stream here. Without curl, the other alone must do."""


# R: S1 G3
@pytest.mark.parametrize("read", READERS)
async def test_a_plain_reader_reads_a_stream_and_continues_with_last_event_id(
    ana: Person, running: Running, read: Callable[[str, Mapping[str, str], bytes], Awaitable[bytes]]
):
    trip_id = (await ana.create())["trip"]["id"]
    url, headers = f"{running.url}/api/sync?topic=trip:{trip_id}", {**ana.auth, "Accept": "text/event-stream"}
    first = await read(url, headers, b"event: presence")
    assert b"event: reset\ndata: {" in first
    last = first.split(b"\nid: ")[1].split(b"\n")[0].decode()
    await ana.do("/update", {"tripId": trip_id, "name": "Porto"})
    second = await read(url, headers | {"Last-Event-ID": last}, b"TripEdited")
    assert b"event: reset" not in second


# R: S1 G3
async def test_the_standard_library_alone_can_read_a_stream(ana: Person, running: Running):
    made = await ana.create()

    def read() -> list[bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", running.server.port, timeout=5)
        headers = {**ana.auth, "Accept": "text/event-stream"}
        connection.request("GET", f"/api/sync?topic=trip:{made['trip']['id']}", headers=headers)
        answer = connection.getresponse()
        lines = []
        while not (line := answer.readline()).startswith(b"data: "):
            lines.append(line)
        connection.close()
        return [*lines, line]

    lines = await asyncio.to_thread(read)
    assert [line.split(b":")[0] for line in lines] == [b"", b"retry", b"id", b"event", b"data"]
    assert json.loads(lines[-1][6:])["state"]["id"] == made["trip"]["id"]


# R: S1 G3
async def test_a_reader_by_others_sees_only_frames_with_data(ana: Person, http: httpx.AsyncClient, running: Running):
    made = await ana.create()
    params = {"topic": f"trip:{made['trip']['id']}"}
    seen: list[Any] = []
    async with aconnect_sse(http, "GET", "/api/sync", params=params, headers=ana.auth) as source:
        async for sse in source.aiter_sse():
            seen.append(sse)
            if len(seen) == 2:
                await ana.do("/update", {"tripId": made["trip"]["id"], "name": "Porto"})
            if len(seen) == 3:
                break
    assert [s.event for s in seen] == ["reset", "presence", "message"]
    assert all(s.data and s.id for s in seen)
    assert seen[0].retry == 100
