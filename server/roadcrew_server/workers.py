"""Several server processes on one address: started, watched, started again when one dies, and ended together.

The supervisor holds the listening socket and hands it to every worker; who connects while one is being started again
waits for nobody but the others. It answers no request and touches no store. A worker ends when its standard input
does, so none outlives a supervisor that was killed. `kill -TERM` of one worker drains it and puts a new one in its
place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Sequence

log = logging.getLogger(__name__)

START_SECONDS = 60.0
"""Until a worker must have said that it is ready."""
STOP_SECONDS = 15.0
"""What a worker may take to stop, on top of the time that streams have to end."""
BACKOFF_BASE = 0.25
BACKOFF_CAP = 30.0
"""Seconds until a worker that died is started again: doubled with each death in a row."""
STEADY_SECONDS = 10.0
"""A worker that was ready for so long is not one that dies again and again."""


class _CannotStart(Exception):
    """A worker ended before any of them was ready; carries its exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Supervisor:
    """Keeps `count` workers running. `arguments` are the command line that each gets, besides what makes it a worker;
    `stop` is set by whoever wants an end; `drain_window` is the setting of that name, in seconds."""

    def __init__(
        self, count: int, arguments: Sequence[str], sock: socket.socket, stop: asyncio.Event, *, drain_window: float
    ) -> None:
        self._count = count
        self._arguments = tuple(arguments)
        self._sock = sock
        self._patience = drain_window + STOP_SECONDS
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._stopping = stop
        self._ready: set[int] = set()
        self._all_ready = asyncio.Event()

    async def run(self, ready_line: str) -> int:
        """Serve until told to stop; the exit status. `ready_line` is printed once, when all workers are ready."""
        workers = {asyncio.create_task(self._keep(number)) for number in range(1, self._count + 1)}
        saying = asyncio.create_task(self._say(ready_line))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({stopping, *workers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            saying.cancel()
            stopping.cancel()
            forced = await self._stop()
            ends = await asyncio.gather(*workers, return_exceptions=True)
        for end in ends:
            if isinstance(end, _CannotStart):
                return end.status
            if isinstance(end, BaseException):
                raise end
        return 1 if forced or any(ends) else 0

    async def _say(self, line: str) -> None:
        await self._all_ready.wait()
        print(line, flush=True)

    async def _keep(self, number: int) -> int:
        """Have worker `number` running until we stop; the exit status of the last one."""
        deaths = 0
        while True:
            status, steady = await self._run(number)
            if self._stopping.is_set():
                return 0 if status == -signal.SIGTERM else status  # it had only begun
            if not self._all_ready.is_set():
                raise _CannotStart(status if status > 0 else 1)
            deaths = 0 if steady or status == 0 else deaths + 1
            wait = 0.0 if status == 0 else min(BACKOFF_CAP, BACKOFF_BASE * 2 ** max(0, deaths - 1))
            log.warning("worker %d ended (%s); it is started again in %.2g s", number, _why(status), wait)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._stopping.wait()
            if self._stopping.is_set():
                return 0

    async def _run(self, number: int) -> tuple[int, bool]:
        """One life of a worker: its exit status, and whether it was ready for a good while."""
        fd = self._sock.fileno()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "roadcrew_server", *self._arguments),
                *("--end-with-stdin", "--worker", str(number), "--socket", str(fd)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=(fd,),
            )
        except OSError as error:  # no memory for it just now; the others go on
            log.warning("worker %d could not be started: %s", number, error)
            return 1, False
        self._processes[number] = process
        if self._stopping.is_set():
            _signal(process, signal.SIGTERM)
        ready_at: float | None = None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(START_SECONDS):
                if await process.stdout.readline():  # type: ignore[union-attr]
                    ready_at = loop.time()
                    self._ready.add(number)
                    if len(self._ready) == self._count:
                        self._all_ready.set()
        except TimeoutError:
            log.warning("worker %d was not ready after %.0f s", number, START_SECONDS)
            _signal(process, signal.SIGKILL)
        status = await process.wait()
        del self._processes[number]
        return status, ready_at is not None and loop.time() - ready_at >= STEADY_SECONDS

    async def _stop(self) -> bool:
        """Ask all to end, and see that they do; True if one had to be killed."""
        self._stopping.set()
        running = tuple(self._processes.values())
        for process in running:
            _signal(process, signal.SIGTERM)
        ends = [asyncio.create_task(process.wait()) for process in running]
        late = (await asyncio.wait(ends, timeout=self._patience))[1] if ends else set()
        for process, end in zip(running, ends, strict=True):
            if end in late:
                log.warning("a worker (process %d) did not end within %.0f s; killed", process.pid, self._patience)
                _signal(process, signal.SIGKILL)
        return bool(late)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _why(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
