"""Streams cut and joined at every byte, with every kind of line end, and streams that mean harm."""

from collections.abc import AsyncIterator

import pytest
from tests.api_client.scripted import Log

from roadcrew_client.errors import ServerTrouble
from roadcrew_client.frames import Bye, Frame, Presence, Reset
from roadcrew_client.sync.sse import frames
from roadcrew_client.transport import OpenStream
from roadcrew_domain.events import Event
from roadcrew_domain.trip import Command, EditTrip, Trip

HEADERS = {"content-type": "text/event-stream"}


async def read(
    *chunks: bytes,
    headers: dict[str, str] = HEADERS,
    most: int = 1 << 20,
    proofs: list[int] | None = None,
    wishes: list[float] | None = None,
    anew: bool = True,
) -> list[tuple[Frame, str | None]]:
    async def coming() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    told, wished = [] if proofs is None else proofs, [] if wishes is None else wishes
    opened = OpenStream(headers, coming())
    stream = frames(opened, most=most, proven=lambda: told.append(1), wished=wished.append, anew=anew)
    return [frame async for frame in stream]


@pytest.fixture
def log() -> Log:
    log = Log()
    log.do(Command("r", "ana", EditTrip(name="Köln · 東京")))
    return log


def whole(log: Log) -> bytes:
    return b"".join(
        [
            b"retry: 2500\n: roadcrew\n\n",
            log.reset_frame(),
            b": heartbeat\n\n",
            b'event: presence\ndata: {"topic":"trip:t","present":[{"id":"ana","where":"polls"}]}\n\n',
            log.frame(2),
            b'event: somethingnew\ndata: {"x":1}\n\n',
            b'event: bye\nretry: 4000\ndata: {"reason":"restart"}\n\n',
        ]
    )


# R: S1
async def test_every_frame_arrives_with_its_cursor_wherever_the_bytes_are_cut(log: Log):
    data = whole(log)
    expected = await read(data)
    assert [type(f) for f, _ in expected] == [Reset, Presence, Event, Bye]
    reset, presence, happened, bye = expected
    assert isinstance(reset[0], Reset)
    assert isinstance(reset[0].state, Trip)
    assert reset[1] == log.cursor(2)
    assert presence[1] == log.cursor(2), "the last id stays, as the standard says"
    assert happened[0] == log.events[2]
    assert bye == (Bye("restart", 4.0), log.cursor(2))
    for cut in range(1, len(data)):
        assert await read(data[:cut], data[cut:]) == expected, cut
    assert await read(*(bytes([b]) for b in data)) == expected


# R: S1
async def test_a_stream_that_ends_anywhere_gives_whole_frames_only(log: Log):
    data = whole(log)
    expected = await read(data)
    counts = set()
    for end in range(len(data)):
        got = await read(data[:end])
        assert got == expected[: len(got)], end
        counts.add(len(got))
    assert counts == {0, 1, 2, 3}


@pytest.mark.parametrize("ending", [b"\r\n", b"\r"])
async def test_the_other_line_ends_of_the_standard_mean_the_same(log: Log, ending: bytes):
    data = whole(log)
    other = data.replace(b"\n", ending) + (b": end" + ending if ending == b"\r" else b"")
    assert await read(other) == await read(data)
    assert await read(*(bytes([b]) for b in other)) == await read(data)


# R: S4
@pytest.mark.parametrize("first", [b": hello\n\n", b"retry: 5\r\n\r\n", b": a\r\r"])
async def test_a_comment_proves_that_frames_come_through(first: bytes):
    proofs: list[int] = []
    assert await read(*(bytes([b]) for b in first * 3), proofs=proofs) == []
    assert proofs == [1]


# R: S4
async def test_half_a_frame_proves_nothing_where_the_whole_state_is_to_come():
    proofs: list[int] = []
    await read(b": hello\n", b"data: {", proofs=proofs)
    assert proofs == []


# R: S4
async def test_a_first_line_proves_a_stream_that_goes_on_where_nothing_is_new():
    proofs: list[int] = []
    await read(b": hel", proofs=proofs, anew=False)
    assert proofs == []
    await read(b": hel", b"lo\nretry: 5\n", proofs=proofs, anew=False)
    assert proofs == [1]


async def test_an_empty_frame_after_an_id_is_no_event(log: Log):
    assert len(await read(log.frame(2), b": heartbeat\n\n" * 5)) == 1


async def test_a_line_without_end_is_given_up_before_it_eats_the_memory():
    with pytest.raises(ServerTrouble) as caught:
        await read(*[b"data: " + b"x" * 1000] * 100, most=50_000)
    assert caught.value.code == "frame-too-large"


async def test_a_frame_of_endless_lines_is_given_up_too():
    with pytest.raises(ServerTrouble):
        await read(*[b"data: x\n" * 100] * 100, most=50_000)


async def test_many_small_frames_are_not_one_large_one(log: Log):
    assert len(await read(*[log.frame(2)] * 500, most=5_000)) == 500


@pytest.mark.parametrize("kind", ["text/html", "", "application/json; charset=utf-8"])
async def test_what_is_no_stream_is_trouble(kind: str):
    with pytest.raises(ServerTrouble) as caught:
        await read(b"<html>", headers={"content-type": kind})
    assert caught.value.code == "not-a-stream"


async def test_another_charset_in_the_header_does_not_change_the_text(log: Log):
    odd = {"content-type": "text/event-stream; charset=utf-16"}
    assert await read(whole(log), headers=odd) == await read(whole(log))


@pytest.mark.parametrize(
    "frame",
    [
        b"data: {\n\n",
        b"data: " + b"[" * 5000 + b"\n\n",
        b"data: 1e999999\n\n",
        b'data: {"topic": 7}\n\n',
        b"event: reset\ndata: {}\n\n",
        b'event: reset\ndata: {"topic":"trip:t","seq":1,"state":{"v":999}}\n\n',
        b'event: gone\ndata: {"topic":null}\n\n',
        b"data: \xff\xfe\n\n",
    ],
)
async def test_a_frame_that_says_nothing_sensible_is_trouble_and_nothing_worse(frame: bytes):
    with pytest.raises(ServerTrouble):
        await read(frame)


# R: S8
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
async def test_what_the_server_wishes_is_heard_at_once_also_between_frames_and_a_byes_own_is_not_taken_for_it(
    ending: bytes, log: Log
):
    data = whole(log) + b": heartbeat\nretry: 700\n: end\n"
    other = data.replace(b"\n", ending)
    for chunks in ([other], [bytes([b]) for b in other], [b": " + b"x" * 200, b"retry: 9\n", other]):
        wishes: list[float] = []
        await read(*chunks, wishes=wishes)
        assert wishes == [2.5, 0.7]


# R: S8
@pytest.mark.parametrize("retry", [b"-5", b"x", b"9" * 400, b"9" * 12, b"1e3", b""])
async def test_a_senseless_retry_is_bounded_or_passed_over(retry: bytes, log: Log):
    wishes: list[float] = []
    line = b"retry: " + retry + b"\n"
    *_, (bye, _) = await read(line, b"\n", log.frame(2), b"event: bye\n" + line + b"\n", wishes=wishes)
    assert wishes == [] or wishes == [300]
    assert isinstance(bye, Bye)
    assert bye.wait is None or bye.wait == 300
