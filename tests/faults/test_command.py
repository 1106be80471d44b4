"""Faults in words, and the proxy as people start it."""

import asyncio
import subprocess
import sys

import pytest
from tests.faults import Answer, Cut, Faults, Hold
from tests.faults.conftest import CALL, OK, Upstream, soon
from tests.faults.words import NotUnderstood, said


def test_faults_in_words_add_up_and_are_taken_away():
    faults = Faults()
    for line in [
        "latency 300ms 1s",
        "slow 2kB",
        "cut 5-10 answers rst",
        "buffer-streams 4kB headers",
        "cut-streams 1m rst",
    ]:
        faults = said(faults, line)
    assert faults == Faults(
        latency=0.3,
        jitter=1.0,
        rate=2000,
        cut=Cut(5, 10, "answers", "rst"),
        hold=Hold(4000, headers=True),
        stream_life=60.0,
        cut_streams_by="rst",
    )
    faults = said(said(faults, "cut-streams off"), "slow off")
    assert (faults.stream_life, faults.cut_streams_by, faults.rate, faults.latency) == (None, "fin", None, 0.3)
    assert said(Faults(), "answer 503 at 5s streams") == Faults(answer=Answer(503, 5.0, as_date=True, kind="stream"))
    assert said(faults, "ok") == Faults()


NONSENSE = (
    *("", "late 3s", "latency", "latency soon", 'latency "', "slow 0", "cut 9-1", "cut x", "refuse now"),
    *("answer", "answer 99", "answer 503 now", "buffer-streams 0", "cut-streams 1s gently"),
)


@pytest.mark.parametrize("line", NONSENSE)
def test_what_is_not_understood_is_answered_and_changes_nothing(line: str):
    with pytest.raises(NotUnderstood):
        said(Faults(), line)


async def test_from_the_command_line_it_teaches_and_obeys_what_is_typed(upstream: Upstream):
    command = [sys.executable, "-m", "tests.faults"]
    help_ = await asyncio.to_thread(subprocess.run, [*command, "--help"], capture_output=True, text=True, timeout=30)
    assert "buffer-streams" in help_.stdout
    assert "Retry-After" in help_.stdout
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--to", upstream.url, "--port", "0", "--answer", "503", "after", "5s", "--seed", "3"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        first = (await soon(process.stdout.readline())).decode()
        port = int(first.split()[0].rpartition(":")[2])

        async def typed(line: str, wanted: bytes) -> None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(line.encode() + b"\n")
            while wanted not in await soon(process.stdout.readline()):
                pass

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CALL)
        assert b"Retry-After: 5\r\n" in await soon(reader.read(-1))
        writer.close()
        await typed("what", b"there is no fault")
        await typed("refuse", b"answer, refuse")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await typed("ok", b"no fault")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CALL)
        assert await soon(reader.readexactly(len(OK))) == OK
        writer.close()
        await typed("show", b"2 requests")
        process.stdin.write(b"quit\n")
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_from_the_command_line_nothing_but_this_computer_is_served():
    command = [sys.executable, "-m", "tests.faults", "--to", "http://example.org"]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert "not this computer" in ended.stderr
