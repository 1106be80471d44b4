"""Who is told what changes on a followed trip. Not for what changes: that is `changes`."""

from __future__ import annotations

import logging
from collections.abc import Callable

from roadcrew_client.changes import Change

logger = logging.getLogger(__name__)


class Listeners:
    """Belongs to one event loop, on which all are called."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[Change], None]] = {}

    def listen(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call `callback` on each change. Returns what ends that."""
        mark = object()
        self._callbacks[mark] = callback
        return lambda: self._callbacks.pop(mark, None) and None

    def tell(self, change: Change) -> None:
        """Tell all of them."""
        for callback in tuple(self._callbacks.values()):
            try:
                callback(change)
            except Exception:
                # A listener's fault is its own; it must not stop the others, nor the sync.
                logger.exception("a listener failed")
