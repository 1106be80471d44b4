"""What waits of a booking, on a real disk and its thread."""

import contextlib
import errno
import json
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api_client.booking_desk import SLOT, STARTS, slot_info
from tests.api_client.booking_program import SERVER, TWO

import roadcrew_client as rc
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
@pytest.mark.parametrize("fault", [errno.EMFILE, errno.EIO])
async def test_a_file_that_can_not_be_read_for_now_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
):
    def broken(path: Path, most: int) -> bytes:
        raise OSError(fault, os.strerror(fault))

    async with opened(tmp_path, a_booking()):
        pass
    with monkeypatch.context() as patch:
        patch.setattr(pending_booking, "contents", broken)
        with pytest.raises(rc.RoadcrewError) as caught:
            await on_disk(tmp_path)
    assert caught.value.code == "disk-silent"
    assert await on_disk(tmp_path) == a_booking()


# R: C3
async def test_a_disk_that_is_slow_to_read_does_not_say_that_nothing_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    go = threading.Event()
    async with opened(tmp_path, a_booking()):
        pass
    monkeypatch.setattr(pending_booking, "contents", lambda *_: go.wait(20) and b"")
    async with opened(tmp_path, within=0.05) as pendings:
        try:
            with pytest.raises(rc.RoadcrewError):
                await pendings.load(SERVER)
        finally:
            go.set()


# R: C3
async def test_a_link_in_place_of_the_file_is_put_aside(tmp_path: Path):
    async with opened(tmp_path, a_booking()):
        (path,) = files(tmp_path)
        path.unlink()
        path.symlink_to(tmp_path / "elsewhere")
    assert await on_disk(tmp_path) is None
    assert [p.name for p in files(tmp_path)] == [path.name + ".damaged"]


# R: C3
async def test_each_person_has_a_file_of_their_own_until_the_slot_is_long_over(tmp_path: Path):
    bens = a_booking(id="01a20373-275b-720f-8f1b-7b52675eca74", person="ben")
    async with opened(tmp_path, a_booking(), bens) as pendings:
        assert len(files(tmp_path)) == 2
        assert (await pendings.load(SERVER, "ana"), await pendings.load(SERVER, "ben")) == (a_booking(), bens)
        later = SLOT.ends_at + timedelta(days=2)
        await pendings.keep(a_booking(person="cleo", made_at=later, slot=slot_info(starts_at=later)))
    assert len(files(tmp_path)) == 1


# R: C3
async def test_what_a_person_took_over_is_nobody_elses_though_the_program_died_before_that_was_tidied(tmp_path: Path):
    async with opened(tmp_path, a_booking(person=None)):
        (path,) = files(tmp_path)
        left = path.read_bytes()
    async with opened(tmp_path, a_booking()) as pendings:
        assert path not in files(tmp_path)
        path.write_bytes(left)
        path.chmod(0o600)
        assert await on_disk(tmp_path) == a_booking()
        async with opened(tmp_path) as fresh:
            assert await fresh.load(SERVER, "ben") is None
        await pendings.remove(a_booking())
    assert files(tmp_path) == []


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
