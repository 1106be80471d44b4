"""Where the bytes of images are, by the hash of them: in the store, in a folder, or in a bucket that speaks S3.

Not for who needs which (images.py). What is written again under its own hash is the same.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from roadcrew_server.stores.base import Store, StoreUnavailable

if TYPE_CHECKING:
    from obstore.store import S3Store

RECORD = "blob"
PIECE = 256 * 1024
"""Bytes of one record."""
PATIENCE = timedelta(seconds=30)
"""For one request to a bucket, and for all tries of it together."""


class Blobs(Protocol):
    """Bytes by their hash. Every method may raise `StoreUnavailable`."""

    async def open(self) -> str | None:
        """See whether bytes can be kept here; a warning if not now. Raises `StoreUnavailable` if never."""

    async def put(self, name: str, data: bytes) -> None:
        """Keep these bytes, all or nothing."""

    async def get(self, name: str) -> bytes | None:
        """The bytes; None: they are not here."""

    async def drop(self, name: str) -> None:
        """Keep them no longer. Idempotent."""


def blobs_for(place: str, store: Store) -> Blobs:
    """The place that the setting `blobs` names. Raises `StoreUnavailable`."""
    if place.startswith("file:"):
        return FolderBlobs(Path(unquote(urlsplit(place).path)))
    return BucketBlobs(place) if place else RecordBlobs(store)


class RecordBlobs:
    """In the store, in pieces. The first is written last and says how many there are, so what it begins is whole."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self) -> None:
        """The store is open."""

    async def put(self, name: str, data: bytes) -> None:
        """Keep these bytes."""
        pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
        for number, piece in reversed(list(enumerate(pieces))):
            head = len(pieces).to_bytes(4) if number == 0 else b""
            await self._store.put(RECORD, f"{name}/{number}", head + piece)

    async def get(self, name: str) -> bytes | None:
        """The bytes."""
        pieces = [await self._piece(name, 0)]
        for number in range(1, _count(pieces[0])):
            pieces.append(await self._piece(name, number))
        whole = [piece for piece in pieces if piece is not None]
        return b"".join(whole)[4:] if len(whole) == len(pieces) else None

    async def drop(self, name: str) -> None:
        """Keep them no longer. The first goes last, so that who is stopped in between can go on."""
        for number in reversed(range(_count(await self._piece(name, 0)))):
            await self._store.delete(RECORD, f"{name}/{number}")

    async def _piece(self, name: str, number: int) -> bytes | None:
        stored = await self._store.get(RECORD, f"{name}/{number}")
        return None if stored is None else stored.value


def _count(first: bytes | None) -> int:
    return 0 if first is None else int.from_bytes(first[:4])


class FolderBlobs:
    """Files in a folder that all processes share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self) -> None:
        """There is such a folder from here on, and files can be written to it."""
        await self._do(self._try)

    async def put(self, name: str, data: bytes) -> None:
        """Keep these bytes."""
        await self._do(self._write, name, data)

    async def get(self, name: str) -> bytes | None:
        """The bytes."""
        try:
            return await self._do(self._path(name).read_bytes)  # type: ignore[no-any-return]
        except FileNotFoundError:
            return None

    async def drop(self, name: str) -> None:
        """Keep them no longer."""
        await self._do(self._path(name).unlink, True)

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _try(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=self._folder).close()

    def _write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                file.close()
                Path(file.name).replace(path)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise

    async def _do(self, act: Any, *given: object) -> Any:
        """In a thread, since disks take their time."""
        try:
            return await asyncio.to_thread(act, *given)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreUnavailable(f"the folder of images, {self._folder}: {error.strerror}") from error


class BucketBlobs:
    """Objects in a bucket. Where it is and who we are there, the variables `AWS_…` say."""

    def __init__(self, place: str, *, tries: int = 3) -> None:
        try:  # who keeps images elsewhere needs no client for buckets
            from obstore.store import S3Store  # noqa: PLC0415
        except ImportError:
            raise StoreUnavailable("Images in a bucket need one package more: pip install 'roadcrew[s3]'") from None
        self._place = place
        parts = urlsplit(place)
        self._bucket: S3Store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            disable_bulk_delete=True,  # not every store that speaks S3 has that, and one object needs none
            client_options={
                "timeout": PATIENCE,
                "connect_timeout": timedelta(seconds=5),
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true",
            },
            retry_config={"max_retries": tries, "retry_timeout": PATIENCE},
        )

    async def open(self) -> str | None:
        """See whether the bucket answers. That it doesn't now is no reason to serve nobody."""
        try:
            await self.get("check")
        except StoreUnavailable as error:
            return f"{error}. Images can't be sent or seen until that is mended."
        return None

    async def put(self, name: str, data: bytes) -> None:
        """Keep these bytes."""
        await self._do(self._bucket.put_async(name, data))

    async def get(self, name: str) -> bytes | None:
        """The bytes."""
        try:
            found = await self._do(self._bucket.get_async(name))
            return bytes(await self._do(found.bytes_async()))
        except FileNotFoundError:
            return None

    async def drop(self, name: str) -> None:
        """Keep them no longer."""
        try:
            await self._do(self._bucket.delete_async(name))
        except FileNotFoundError:
            return

    async def _do(self, asked: Any) -> Any:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - it is there, or we were not

        try:
            return await asked
        except FileNotFoundError:
            raise
        except (BaseError, OSError, ValueError) as error:
            first = str(error).strip().partition("\n")[0][:200]
            raise StoreUnavailable(f"the bucket of images, {self._place}: {first}") from error
