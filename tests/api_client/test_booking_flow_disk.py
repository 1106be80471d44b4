"""What waits of a booking, on a real disk and its thread."""

import contextlib
import json
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api_client.booking_desk import SLOT, STARTS
from tests.api_client.booking_program import SERVER, TWO

from roadcrew_client import pending_booking
from roadcrew_client.pending_booking import PendingBooking, PendingBookings


def a_booking(**more: Any) -> PendingBooking:
    made = PendingBooking("01a20373-275b-720f-8f1b-7b52675eca73", SERVER, SLOT, TWO, None, STARTS, "ana")
    return msgspec.structs.replace(made, **more)


@contextlib.asynccontextmanager
async def opened(folder: Path, *keeping: PendingBooking, within: float = 3.0) -> AsyncIterator[PendingBookings]:
    """What waits in a folder, on a real disk and its thread."""
    pendings = PendingBookings(folder, within=within)
    for booking in keeping:
        assert await pendings.keep(booking)
    try:
        yield pendings
    finally:
        await pendings.close()


async def on_disk(folder: Path, server: str = SERVER) -> PendingBooking | None:
    """What another program finds."""
    async with opened(folder) as pendings:
        return await pendings.load(server)


def files(folder: Path) -> list[Path]:
    """All there are."""
    return sorted(folder.iterdir())


# R: C3
async def test_what_waits_is_on_disk_for_its_person_alone_one_for_each_server(tmp_path: Path):
    folder = tmp_path / "data"
    other, newer = a_booking(server="http://other.example.org"), a_booking(tickets={"child": 1})
    async with opened(folder, a_booking(), other, newer) as pendings:
        assert await on_disk(folder) == newer
        assert await on_disk(folder, other.server) == other
        assert await on_disk(folder, "http://nobody.example.org") is None
        assert [stat.S_IMODE(path.stat().st_mode) for path in files(folder)] == [0o600] * 2
        assert stat.S_IMODE(files(tmp_path)[0].stat().st_mode) == 0o700
        await pendings.remove(other)
        await pendings.remove(a_booking(id="01a20373-275b-720f-8f1b-7b52675eca74"))
    assert len(files(folder)) == 1


def changed(**more: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        whole = json.loads(path.read_text())
        path.write_text(json.dumps({**whole, "booking": {**whole["booking"], **more}}))

    return change


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, 40),
    "empty": lambda path: os.truncate(path, 0),
    "huge": lambda path: os.truncate(path, pending_booking.MAX_FILE + 1),
    "nonsense": lambda path: path.write_bytes(b"\xff\x00"),
    "deep": lambda path: path.write_bytes(b"[" * 5000),
    "newer": lambda path: path.write_text(path.read_text().replace('"v":1', '"v":2')),
    "of another server": changed(server="http://evil.example.org"),
    "no id": changed(id="../../etc"),
    "no tickets": changed(tickets={}),
    "less than none": changed(tickets={"adult": -1}),
    "too many": changed(tickets={"adult": 10**6}),
    "a time of nowhere": changed(madeAt="2030-05-01T00:00:00"),
    "others can read it": lambda path: path.chmod(0o644),
}


# R: C3
@pytest.mark.parametrize("how", DAMAGES)
async def test_a_file_that_is_damaged_or_strange_is_put_aside(tmp_path: Path, how: str):
    async with opened(tmp_path, a_booking()):
        (path,) = files(tmp_path)
        DAMAGES[how](path)
    assert await on_disk(tmp_path) is None
    assert [p.name for p in files(tmp_path)] == [path.name + ".damaged"]
    async with opened(tmp_path, a_booking()):
        assert await on_disk(tmp_path) == a_booking()


# R: C3
async def test_what_the_disk_will_not_keep_waits_in_memory(tmp_path: Path):
    in_the_way = tmp_path / "data"
    in_the_way.touch()
    async with opened(in_the_way) as pendings:
        assert await pendings.keep(a_booking()) is False
        assert await pendings.load(SERVER) == a_booking()
        await pendings.remove(a_booking())
        assert await pendings.load(SERVER) is None


# R: C3
async def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    go = threading.Event()
    monkeypatch.setattr(pending_booking, "write", lambda *_, **__: go.wait(20))
    async with opened(tmp_path, within=0.05) as pendings:
        try:
            assert await pendings.keep(a_booking()) is False
            assert await pendings.load(SERVER) == a_booking()
            assert [t.daemon for t in threading.enumerate() if t.name == "roadcrew-bookings"] == [True]
        finally:
            go.set()
