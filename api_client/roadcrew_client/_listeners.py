"""Who is told what changes on something that is followed. Not for what changes: that is `changes`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Listeners(Generic[T]):
    """Belongs to one event loop, on which all are called."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[T], None]] = {}

    def listen(self, callback: Callable[[T], None]) -> Callable[[], None]:
        """Call `callback` on each change. Returns what ends that."""
        mark = object()
        self._callbacks[mark] = callback
        return lambda: self._callbacks.pop(mark, None) and None

    def tell(self, change: T) -> None:
        """Tell all of them."""
        for callback in tuple(self._callbacks.values()):
            try:
                callback(change)
            except Exception:
                # A listener's fault is its own; it must not stop the others, nor the sync.
                logger.exception("a listener failed")
