"""One event to many streams: who is told at once and who must wait read the same, and a crowd is looked at rarely."""

import asyncio
import logging
import socket
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import Count
from tests.server.test_streams import LONG, connections, edit, has, raw_socket, request_bytes, seqs_of
from tests.support.people import connected, crew, eventually
from tests.support.serving import served
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from roadcrew_server.http import BoundedProtocol, is_known
from roadcrew_server.reader import Reader
from roadcrew_server.stores.base import Stored


def read_events(sock: socket.socket, last: int) -> bytes:
    """Read until event `last` has come whole."""
    sock.settimeout(10)
    got = bytearray()
    while b'"seq":%d,' % last not in got or not got.rstrip(b"\r\n").endswith(b"}"):
        got += sock.recv(65536)
    return bytes(got)


# R: S1 T10
async def test_what_is_passed_on_at_once_and_what_had_to_wait_come_in_one_order(tmp_path: Path, count: Count):
    events = count(reduced=1000, full=5000)
    async with served(tmp_path, send_buffer=4096, snapshot_every=100_000) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        start = (await ben.poll(trip_id)).json()["cursor"]
        paused = 0
        with raw_socket(running.server.port) as slow:
            slow.sendall(request_bytes(ben, trip_id, start))
            async with ana.stream(trip_id) as stream:
                await stream.next("reset")
                await eventually(lambda: len(running.server.streams) == 2, "both streams")
                got = b""
                for at in range(0, events, 250):
                    for n in range(at, at + 250):
                        await edit(running, ana, trip_id, f"{LONG}{n}")
                    paused += any(c.flow.write_paused for c in connections(running))
                    if at // 250 % 2:  # they read only now and then
                        got += await asyncio.to_thread(read_events, slow, at + 250 + 1)
                await eventually(lambda: has(stream, events), "the news")
                assert [e["seq"] for e in stream.events()] == list(range(2, events + 2))
        assert paused, "nobody had to wait, so nothing was seen"
        assert seqs_of(got) == list(range(2, events + 2))


async def test_streams_at_one_place_are_told_the_same_bytes_made_once(tmp_path: Path):
    async with served(tmp_path) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        async with ana.stream(trip_id) as one, ben.stream(trip_id) as two, ana.stream(trip_id) as three:
            for stream in (one, two, three):
                await stream.next("reset")
            topic = running.server.hub.topics[f"trip:{trip_id}"]
            await eventually(lambda: len(topic.presence.present) == 2, "both people")
            await eventually(lambda: all(_knows(r) for r in topic.followers), "everybody to know who is here")
            await edit(running, ana, trip_id, "Porto")
            news = [n for n in topic.news.values() if n.frames]
            assert len(news) == 1
            assert news[0].wire
            for stream in (one, two, three):
                await eventually(partial(has, stream, 1), "the news")
            ids = {next(f.id for f in s.frames if f.kind == "event") for s in (one, two, three)}
            assert len(ids) == 1


def _knows(reader: Any) -> bool:
    assert isinstance(reader, Reader)
    return not reader.changed.is_set() and all(reader._presence.get(t.name) == t.presence_tag for t in reader.topics)


class OtherCycle(RequestResponseCycle):
    """A response of a uvicorn to come: its connection's loss is an event, not a flag."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self._lost = asyncio.Event()
        super().__init__(*args, **more)

    @property
    def disconnected(self) -> Any:
        return self._lost if self._lost.is_set() else None

    @disconnected.setter
    def disconnected(self, lost: bool) -> None:
        if lost:
            self._lost.set()


async def test_under_a_uvicorn_that_keeps_responses_otherwise_streams_go_on_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("uvicorn.protocols.http.httptools_impl.RequestResponseCycle", OtherCycle)
    monkeypatch.setattr(BoundedProtocol, "known", None)
    monkeypatch.setattr("roadcrew_server.http.Direct.write", lambda *_: pytest.fail("written directly"))
    with caplog.at_level(logging.WARNING):
        async with served(tmp_path) as running, connected(running.url) as http:
            made, (ana, ben) = await crew(http, 2)
            async with ana.stream(made["trip"]["id"]) as stream:
                async with ben.stream(made["trip"]["id"]):
                    await stream.next("reset")
                    await edit(running, ana, made["trip"]["id"], "Porto")
                    await eventually(lambda: has(stream, 1), "the news")
                await eventually(lambda: len(running.server.streams) == 1, "that Ben's end is noticed")
    assert [r.getMessage() for r in caplog.records if "keeps responses" in r.getMessage()] == [
        f"uvicorn {version('uvicorn')} keeps responses in a new way: streams take more CPU"
    ]


class Holder(SimpleNamespace):
    """A namespace that can be referred to weakly."""


def a_protocol() -> Any:
    """What a response that begins has, as far as it is looked at."""
    transport, flow = SimpleNamespace(), SimpleNamespace(write_paused=False)
    flags = dict.fromkeys(("response_started", "response_complete", "disconnected"), False)
    cycle = Holder(transport=transport, flow=flow, chunked_encoding=None, more_body=True, **flags)
    return SimpleNamespace(cycle=cycle, transport=transport, scope={})


@pytest.mark.parametrize("name", sorted(vars(a_protocol().cycle)))
def test_a_response_that_lacks_what_is_needed_or_has_it_in_another_shape_is_not_known(name: str):
    assert is_known(a_protocol())
    lacking, odd = a_protocol(), a_protocol()
    delattr(lacking.cycle, name)
    setattr(odd.cycle, name, "no")
    assert not is_known(lacking)
    assert not is_known(odd)


async def test_who_is_here_is_read_once_more_however_many_came_during_a_look(tmp_path: Path, monkeypatch: Any):
    async with served(tmp_path) as running, connected(running.url) as http:
        made, (ana,) = await crew(http, 1)
        trip_id = made["trip"]["id"]
        async with ana.stream(trip_id) as stream:
            await eventually(lambda: any(f.kind == "presence" for f in stream.frames), "herself")
            hub, store = running.server.hub, running.server.hub.store
            topic = hub.topics[f"trip:{trip_id}"]
            looks: list[asyncio.Event] = []
            real = store.presence_list

            async def slow(name: str) -> Mapping[str, Stored]:
                looks.append(asyncio.Event())
                await looks[-1].wait()
                return await real(name)

            monkeypatch.setattr(store, "presence_list", slow)
            for _ in range(50):
                hub.on_presence(topic)
            await eventually(lambda: len(looks) == 1, "a look")
            for _ in range(50):
                hub.on_presence(topic)
            looks[0].set()
            await eventually(lambda: len(looks) == 2, "another look")
            looks[1].set()
            hub.on_presence(topic)
            await eventually(lambda: len(looks) == 3, "a look for who came last")
            looks[2].set()
