"""The bytes of images: the same in the store, in a folder and in a bucket, and kept as long as an item names them."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support import images
from tests.support.buckets import bucket
from tests.support.redis_stores import opened
from tests.support.valkey import ValkeyProcess

from roadcrew_domain.feed_state import Item, Removed
from roadcrew_server.stores.base import Store, Stored, StoreUnavailable
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.talk.blobs import PIECE, Blobs, BucketBlobs, FolderBlobs, RecordBlobs, blobs_for
from roadcrew_server.talk.darkroom import Darkroom, Made
from roadcrew_server.talk.images import Images, named
from roadcrew_server.topic import KeyReused

NAME = "ab" * 32
DATA = random.Random(3).randbytes(3 * PIECE + 5)
NO_MORE = (None, None)


@pytest.fixture(params=["sqlite", "valkey"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "valkey":
        valkey: ValkeyProcess = request.getfixturevalue("valkey")
        async with opened(valkey.url) as shared:
            yield shared
        return
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    await store.open()
    yield store
    await store.close()


@pytest.fixture(params=["store", "folder", "bucket"])
async def blobs(
    request: pytest.FixtureRequest, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Blobs]:
    if request.param == "bucket":
        with bucket(tmp_path / "s3", monkeypatch) as there:
            yield blobs_for(there.url, store)
    else:
        yield blobs_for("" if request.param == "store" else (tmp_path / "new" / "images").as_uri(), store)


class Copier(Darkroom):
    """Makes of every image what was sent, and its beginning as a thumbnail."""

    async def make(self, data: bytes, media: str) -> Made:
        return Made(1, 1, "image/png", data, data[:4])


# R: F2
async def test_bytes_are_read_as_they_were_written_and_gone_when_they_were_dropped(blobs: Blobs):
    assert await blobs.open() is None
    for data in (DATA, DATA[:PIECE], b"x"):
        await blobs.put(NAME, data)
        await blobs.put(NAME, data)
        assert await blobs.get(NAME) == data
        await blobs.drop(NAME)
        await blobs.drop(NAME)
        assert await blobs.get(NAME) is None


# R: F2
async def test_an_image_is_kept_until_the_last_item_that_names_it_lets_it_go(store: Store, blobs: Blobs):
    kept = Images(store, blobs, Copier(1))
    first, second = await kept.take("one", DATA, "image/png"), await kept.take("two", DATA, "image/png")
    assert first == second == await kept.take("one", DATA, "image/png")
    assert await both(blobs, first) == (DATA, DATA[:4])
    await kept.let_go("one")
    await kept.let_go("one")
    assert await both(blobs, first) == (DATA, DATA[:4])
    await kept.let_go("two")
    assert await both(blobs, first) == NO_MORE
    assert await left(store) == []


async def test_an_item_has_one_image(store: Store):
    kept = Images(store, RecordBlobs(store), Copier(1))
    picture = await kept.take("one", DATA, "image/png")
    with pytest.raises(KeyReused):
        await kept.take("one", DATA[1:], "image/png")
    assert await both(kept.blobs, picture) == (DATA, DATA[:4])


async def test_who_takes_an_image_while_another_lets_go_of_the_same_finds_it_kept(store: Store, tmp_path: Path):
    """Every place at which the one can stand while the other goes through."""
    for step in range(1, 8):
        slow = Slow(FolderBlobs(tmp_path / str(step)), step)
        kept = Images(store, slow, Copier(1))
        picture = await kept.take("one", DATA, "image/png")
        slow.between = lambda: kept.take("two", DATA, "image/png")  # noqa: B023 - it is called in this round
        await kept.let_go("one")
        if slow.between is not None:
            await kept.take("two", DATA, "image/png")
        assert await both(slow, picture) == (DATA, DATA[:4]), step
        await kept.let_go("two")
        assert await both(slow, picture) == NO_MORE


async def test_a_hundred_thousand_comments_that_are_forgotten_take_no_look_for_their_images(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    kept = Images(store, RecordBlobs(store), Copier(1))
    await kept.take(named("feed", "ana", "removed"), DATA, "image/png")
    picture = await kept.take(named("feed", "ana", "shown"), DATA[1:], "image/png")
    now = store.now()
    plain = [Item(f"c{n}", n, "ana", "Ana", now, "Hello") for n in range(1, 4)]
    shown = msgspec.structs.replace(plain[0], id="shown", picture=picture)
    removed = msgspec.structs.replace(plain[0], id="removed", text="", removed=Removed("ana", "Ana", now))
    get, asked = store.get, Counter[str]()

    async def counted(kind: str, key: str) -> Stored | None:
        asked[kind] += 1
        return await get(kind, key)

    monkeypatch.setattr(store, "get", counted)
    await kept.gone("feed", [*plain, shown, removed])
    assert asked["image"] == 2
    assert await left(store) == []


class Slow:
    """Blobs before whose so-manieth change, from when it is set, `between` happens."""

    def __init__(self, blobs: Blobs, step: int) -> None:
        self.between: Callable[[], Awaitable[Any]] | None = None
        self._blobs = blobs
        self._step = step

    async def open(self) -> str | None:
        return await self._blobs.open()

    async def put(self, name: str, data: bytes) -> None:
        await self._count()
        await self._blobs.put(name, data)

    async def get(self, name: str) -> bytes | None:
        await self._count()
        return await self._blobs.get(name)

    async def drop(self, name: str) -> None:
        await self._count()
        await self._blobs.drop(name)

    async def _count(self) -> None:
        if self.between is None:
            return
        self._step -= 1
        if not self._step:
            between, self.between = self.between, None
            await between()


async def test_a_blob_of_which_a_piece_is_missing_is_not_given(store: Store):
    blobs = RecordBlobs(store)
    await blobs.put(NAME, DATA)
    await store.delete("blob", f"{NAME}/2")
    assert await blobs.get(NAME) is None


async def test_a_blob_of_which_only_some_pieces_could_be_dropped_is_dropped_whole_the_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    blobs, delete = RecordBlobs(store), store.delete
    done: list[str] = []

    async def once(kind: str, key: str) -> None:
        if done:
            raise StoreUnavailable("it is away")
        done.append(key)
        await delete(kind, key)

    await blobs.put(NAME, DATA)
    with monkeypatch.context() as broken:
        broken.setattr(store, "delete", once)
        with pytest.raises(StoreUnavailable):
            await blobs.drop(NAME)
    assert await blobs.get(NAME) is None
    await blobs.drop(NAME)
    assert await left(store) == []


async def test_a_folder_that_can_not_be_written_is_told_at_the_start(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreUnavailable, match=r"the folder of images, .*: Not a directory"):
        await FolderBlobs(tmp_path / "file" / "images").open()


async def test_a_bucket_that_is_away_keeps_no_server_from_starting_and_no_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with bucket(tmp_path, monkeypatch) as there:
        blobs = BucketBlobs(there.url, tries=0)
        await blobs.put(NAME, DATA)
        assert there.names() == {NAME}
    warning = await asyncio.wait_for(blobs.open(), 10)
    assert warning is not None
    assert warning.startswith("the bucket of images, s3://images/talk: ")
    assert warning.endswith("Images can't be sent or seen until that is mended.")
    for act in (blobs.get(NAME), blobs.put(NAME, b"x"), blobs.drop(NAME)):
        with pytest.raises(StoreUnavailable, match="the bucket of images"):
            await act


async def test_the_same_image_is_made_into_the_same_bytes_by_every_process(store: Store):
    taken = [
        await Images(store, RecordBlobs(store), Darkroom(10_000)).take(item, images.png(), "image/png")
        for item in ("one", "two")
    ]
    assert taken[0] == taken[1]


async def both(blobs: Blobs, picture: Any) -> tuple[bytes | None, bytes | None]:
    return await blobs.get(picture.full), await blobs.get(picture.thumb)


async def left(store: Store) -> list[str]:
    """What the store keeps of images."""
    records = [f"{r.kind} {r.key}" for r in (await store.walk_records()).items if r.kind in ("image", "blob")]
    return records + [item.index for item in (await store.walk_indexes()).items]
