"""Threads for what may block, such as a disk or a lookup of a name, that do not keep the program from ending: Python
waits at the end for the threads of its own pools, however long a dead disk takes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
MOST = 16
"""Threads at once; what comes then waits for one of them."""


class Daemons(ThreadPoolExecutor):
    """An event loop takes nothing but a `ThreadPoolExecutor` for its calls; none of that one's threads ever begins."""

    def __init__(self) -> None:
        super().__init__(MOST)
        self._mine = threading.Lock()
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._working = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call this on one of the threads."""
        future: Future[T] = Future()
        with self._mine:
            self._calls.append((future, lambda: fn(*args, **kwargs)))
            if self._working < MOST:
                self._working += 1
                threading.Thread(target=self._work, name="roadcrew-call", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            with self._mine:
                if not self._calls:
                    self._working -= 1
                    return
                future, call = self._calls.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001 - whatever it is, it is for who asked
                    future.set_exception(error)
