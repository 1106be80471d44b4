"""A provider's records in the server's store."""

from datetime import timedelta

from roadcrew_domain.cart import KEPT
from roadcrew_server.payments.base import PaymentTrouble
from roadcrew_server.stores.base import Store, StoreError

GRACE = timedelta(days=5)
"""A slot lasts for hours, and who finishes an order may be late."""


def kept_for(book_ahead_days: int) -> timedelta:
    """For so long after it was last written a record can be asked for: longer than any order is kept that is booked so
    far ahead."""
    return timedelta(days=book_ahead_days) + KEPT + GRACE


class StoreRecords:
    """`Records` under a kind of their own, kept for `kept`. What the store can't do is `PaymentTrouble`."""

    def __init__(self, store: Store, provider_id: str, kept: timedelta) -> None:
        self._store = store
        self._kept = kept
        self._kind = f"payment-{provider_id}"

    async def get(self, key: str) -> bytes | None:
        """The record; None: there is none."""
        try:
            stored = await self._store.get(self._kind, key)
        except StoreError as error:
            raise _trouble(error) from error
        return None if stored is None else stored.value

    async def create(self, key: str, value: bytes) -> bool:
        """Write it if there is none. False: there is one already."""
        try:
            return await self._store.create(self._kind, key, value, self._store.now() + self._kept)
        except StoreError as error:
            raise _trouble(error) from error

    async def put(self, key: str, value: bytes) -> None:
        """Write it, whatever was there."""
        try:
            await self._store.put(self._kind, key, value, self._store.now() + self._kept)
        except StoreError as error:
            raise _trouble(error) from error

    async def replace(self, key: str, old: bytes, value: bytes) -> bool:
        """Write it if the record is `old` still. False: it is another, or gone."""
        try:
            return await self._store.replace(self._kind, key, old, value, self._store.now() + self._kept)
        except StoreError as error:
            raise _trouble(error) from error


def _trouble(error: StoreError) -> PaymentTrouble:
    return PaymentTrouble(f"the store: {error}")
