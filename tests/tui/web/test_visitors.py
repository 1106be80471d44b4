"""Visitors of a site: a folder each, which nobody else finds; and so many at a time."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from roadcrew_tui.web import visitors as module
from roadcrew_tui.web.room import Full, Room, network_of
from roadcrew_tui.web.visitors import KEPT_SECONDS, SIGNED_IN, TooMany, Visitors, is_secret, name_of

DAY = 24 * 3600


class Today:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def today() -> Today:
    return Today()


@pytest.fixture
def visitors(tmp_path: Path, today: Today) -> Visitors:
    return Visitors(tmp_path / "web", today)


def sign_in(home: Path) -> None:
    (home / SIGNED_IN).parent.mkdir()
    (home / SIGNED_IN).write_text("{}")


# R: G1
def test_a_visitors_secret_has_256_bits_and_their_folder_does_not_tell_it(visitors: Visitors):
    assert Visitors(Path(), lambda: 0, lambda count: f"{count} bytes").new_secret() == "32 bytes"
    secrets = {visitors.new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(map(is_secret, secrets))
    secret = secrets.pop()
    home = visitors.enter(secret)
    assert secret not in str(home)
    assert home.name == name_of(secret)
    assert {folder.stat().st_mode & 0o777 for folder in (home, home.parent, home / "empty")} == {0o700}
    assert visitors.enter(secret) == home
    assert visitors.enter(secrets.pop()) != home


@pytest.mark.parametrize("text", [None, "", "a" * 42, "a" * 44, "../" * 14 + "a", "a" * 42 + "\n", "é" * 43])
def test_what_is_no_secret_of_ours_is_none(text: str | None):
    assert not is_secret(text)


# R: G1
def test_a_link_in_the_place_of_a_folder_leads_to_nobody(visitors: Visitors, tmp_path: Path):
    secret, victim = visitors.new_secret(), visitors.enter(visitors.new_secret())
    (tmp_path / "web" / name_of(secret)).symlink_to(victim)
    with pytest.raises(NotADirectoryError):
        visitors.enter(secret)


def test_who_never_signed_in_leaves_nothing_and_who_did_is_known_for_thirty_days(visitors: Visitors, today: Today):
    looked, joined = visitors.enter(visitors.new_secret()), visitors.enter(visitors.new_secret())
    sign_in(joined)
    visitors.leave(looked)
    visitors.leave(joined)
    assert (looked.exists(), joined.exists()) == (False, True)
    today.now += 30 * DAY - 1
    assert visitors.sweep(()) == 0
    today.now += 2
    assert visitors.sweep({joined.name}) == 0  # a page of theirs is open
    assert visitors.sweep(()) == 1
    assert not joined.exists()
    assert KEPT_SECONDS == 30 * DAY


def test_a_visit_counts_from_its_end(visitors: Visitors, today: Today):
    secret = visitors.new_secret()
    home = visitors.enter(secret)
    sign_in(home)
    today.now += 20 * DAY
    visitors.leave(home)
    today.now += 20 * DAY
    assert visitors.sweep(()) == 0


def test_sweeping_follows_no_link_and_touches_nothing_else(visitors: Visitors, today: Today, tmp_path: Path):
    assert visitors.sweep(()) == 0  # nobody was ever here
    home = visitors.enter(visitors.new_secret())
    other, precious = home.parent / "notes.txt", tmp_path / "precious"
    other.write_text("mine")
    precious.mkdir()
    link = home.parent / ("0" * 64)
    link.symlink_to(precious)
    for path in (home, link, other):
        os.utime(path, (1, 1), follow_symlinks=False)
    assert visitors.sweep(()) == 2
    assert (precious.exists(), other.exists(), home.exists(), os.path.lexists(link)) == (True, True, False, False)


def test_there_is_room_for_so_many_folders(visitors: Visitors, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    secret = visitors.new_secret()
    visitors.enter(secret)
    visitors.enter(visitors.new_secret())
    with pytest.raises(TooMany):
        visitors.enter(visitors.new_secret())
    visitors.enter(secret)  # who is known is let in


async def test_places_are_counted_in_all_and_for_each_visitor():
    room = Room(3, each=2, wait=0)
    async with room.place("ana"), room.place("ana"):
        assert "2 pages open here" in str(room.trouble("ana"))
        with pytest.raises(Full, match="Close one of them"):
            async with room.place("ana"):
                pass
        async with room.place("ben"):
            assert room.here == {"ana", "ben"}
            with pytest.raises(Full, match="All places here are taken"):
                async with room.place("carla"):
                    pass
        assert room.trouble("carla") is None
    assert (room.here, room.trouble("ana")) == (frozenset(), None)


async def test_who_reloads_a_page_gets_the_place_that_becomes_free():
    room = Room(1, wait=20)
    came = asyncio.Event()

    async def comes_back() -> None:
        async with room.place("ana"):
            came.set()

    async with room.place("ana"):
        room.leaving("ana")
        assert room.trouble("ana") is None
        again = asyncio.create_task(comes_back())
        await asyncio.sleep(0)
        assert not came.is_set()  # as long as the process of before runs
    await again
    assert room.here == frozenset()


async def test_so_many_wait_for_a_place_and_no_more(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roadcrew_tui.web.room.MOST_WAITING", 2)
    room = Room(1, wait=20)
    async with room.place("ana"):
        room.leaving("ana")
        waiting = [asyncio.create_task(room.place("ana").__aenter__()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Full, match="Many people"):
            async with room.place("ben"):
                pass
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_place_that_does_not_become_free_is_not_waited_for_long():
    room = Room(1, wait=0)
    async with room.place("ana"):
        room.leaving("ana")
        with pytest.raises(Full):
            async with room.place("ana"):
                pass
    assert room.here == frozenset()


# R: T2
async def test_one_network_never_takes_all_places_however_many_visitors_it_sends():
    room = Room(8, each=2, wait=0)
    async with AsyncExitStack() as places:
        for n in range(4):
            await places.enter_async_context(room.place(f"nobody {n}", "198.51.100.7"))
        assert "From your network 4 pages" in str(room.trouble("nobody 4", "198.51.100.7"))
        with pytest.raises(Full, match="From your network"):
            await places.enter_async_context(room.place("nobody 4", "198.51.100.7"))
        for n in range(4):
            await places.enter_async_context(room.place(f"ana {n}", "203.0.113.9" if n else None))
        assert "All places" in str(room.trouble("eve"))
        room.leaving("nobody 0", "198.51.100.7")
        assert room.trouble("nobody 0", "198.51.100.7") is None  # who reloads a page
    assert room.here == frozenset()


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("::ffff:198.51.100.7", "", "198.51.100.7"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("8.8.8.8", "9.9.9.9", "8.8.8.8"),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "203.0.113.9, 8.8.8.8", "8.8.8.8"),
        ("10.0.0.2", "8.8.8.8", "8.8.8.8"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("::1", "nonsense", None),
        (None, "8.8.8.8", None),
    ],
)
def test_where_a_page_comes_from_is_what_connected_or_what_a_proxy_beside_us_says(
    peer: str | None, forwarded: str, network: str | None
):
    assert network_of(peer, forwarded) == network
