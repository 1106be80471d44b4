"""A store whose failures are counted and whose appends are timed, for /metrics. All else is the store's own.

What it is not for: mending anything. What a call raises, its caller still gets.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any, cast

from roadcrew_server.stores.base import Store, StoreError

CALLS = frozenset(name for name, made in vars(Store).items() if inspect.iscoroutinefunction(made))
"""What of the protocol asks the store itself."""


def watched(store: Store, failed: Callable[[StoreError], None], appended: Callable[[float], None]) -> Store:
    """The same store. `failed` hears every `StoreError`, `appended` the seconds of every append that was answered."""
    return cast("Store", _Watched(store, failed, appended))


class _Watched:
    def __init__(self, store: Store, failed: Callable[[StoreError], None], appended: Callable[[float], None]) -> None:
        self._store = store
        self._failed = failed
        self._appended = appended

    def __getattr__(self, name: str) -> Any:
        if name not in CALLS:
            return getattr(self._store, name)

        async def call(*given: Any, **more: Any) -> Any:
            began = time.perf_counter()
            try:
                result = await getattr(self._store, name)(*given, **more)
            except StoreError as error:
                self._failed(error)
                raise
            if name == "append":
                self._appended(time.perf_counter() - began)
            return result

        self.__dict__[name] = call
        return call
