"""A load generator that is cheaper than what it measures: raw sockets under epoll, which count events by their bytes.

It holds many streams open, publishes one event at a time, and notes when each stream has it. It reads no
frame, so a wrong one is not noticed here; that is for the tests. Linux only.
"""

import json
import os
import re
import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Address = tuple[str, int]
HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def cpu_seconds(pid: int) -> float:
    """CPU that all threads of a process have used: what /proc/PID/stat says in ticks, in nanoseconds' resolution."""
    return time.clock_gettime((~pid << 3) | 2)  # the kernel's number of another process's CPU clock


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in RAM, without what the kernel holds for its sockets."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Processes that start in here stay on one core. Without a second one, nothing is pinned."""
    before = os.sched_getaffinity(0)
    if core in before and len(before) > 1:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def off_core(core: int) -> Iterator[None]:
    """Processes that start in here have every core but this one. Without a second one, nothing is pinned."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {core} or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of an HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *(f"{n}: {v}" for n, v in headers.items())]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Caller:
    """One kept connection for calls that are answered with a length."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._answer = b""
        self.socket = self._connected()

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def again(self) -> None:
        """Connect anew: servers hang up on who is silent for a while."""
        self.socket.close()
        self.socket = self._connected()

    def send(self, sent: bytes) -> None:
        """Begin a call."""
        self._answer = b""
        self.socket.sendall(sent)

    def read(self) -> bytes | None:
        """Take what has come; the body once the answer is whole. Raises `RuntimeError` if it is not a 2xx."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise RuntimeError("the server hung up")
        self._answer += part
        head, _, body = self._answer.partition(HEAD_END)
        length = _LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return None
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"refused: {self._answer[:500]!r}")
        return body

    def call(self, sent: bytes) -> bytes:
        """Send and wait for the answer's body."""
        self.send(sent)
        while (body := self.read()) is None:
            pass
        return body

    def post(self, path: str, body: dict[str, Any], token: str | None = None) -> Any:
        """POST JSON; what comes back."""
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return json.loads(self.call(request("POST", path, headers, json.dumps(body).encode())))

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


class Crowd:
    """Open streams at one server. `marker` stands once in every event and nowhere else."""

    def __init__(self, address: Address, marker: bytes, publisher: Caller) -> None:
        self._address = address
        self._marker = marker
        self._publisher = publisher
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._ends: dict[int, bytes] = {}
        self._epoll.register(publisher.socket.fileno(), select.EPOLLIN)

    def __len__(self) -> int:
        return len(self._sockets)

    def open(self, sent: Sequence[bytes], greeting: bytes, *, at_once: int = 50, seconds: float = 60) -> None:
        """Open a stream for each of these requests; back when each has had `greeting`, and nothing comes any more."""
        deadline = time.monotonic() + seconds
        for first in range(0, len(sent), at_once):
            waiting: dict[int, bytes] = {}
            for one in sent[first : first + at_once]:
                connection = socket.create_connection(self._address, timeout=30)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(one)
                connection.setblocking(False)
                self._sockets[connection.fileno()] = connection
                self._ends[connection.fileno()] = b""
                self._epoll.register(connection.fileno(), select.EPOLLIN)
                waiting[connection.fileno()] = b""
            while waiting:
                if time.monotonic() > deadline:
                    raise RuntimeError(
                        f"{len(waiting)} streams were not greeted: {next(iter(waiting.values()))[:300]!r}"
                    )
                for fd, _ in self._epoll.poll(1):
                    if fd not in self._sockets:
                        self._epoll.unregister(fd)  # the server has hung up on the publisher
                        continue
                    part = self._sockets[fd].recv(1 << 18)
                    if not part:
                        raise RuntimeError(f"a stream was cut: {waiting.get(fd)!r}")
                    if fd in waiting:
                        waiting[fd] += part
                        if greeting in waiting[fd]:
                            del waiting[fd]
        self.drain()

    def ready(self) -> None:
        """Make ready to publish."""
        self.drain(0.01)
        with suppress(OSError):
            self._epoll.unregister(self._publisher.socket.fileno())
        self._publisher.again()
        self._epoll.register(self._publisher.socket.fileno(), select.EPOLLIN)

    def drain(self, quiet: float = 0.3, seconds: float = 60) -> None:
        """Read until nothing has come for a while."""
        deadline = time.monotonic() + seconds
        while ready := self._epoll.poll(quiet):
            if time.monotonic() > deadline:
                raise RuntimeError("the streams do not come to rest")
            for fd, _ in ready:
                if fd in self._sockets:
                    self._sockets[fd].recv(1 << 18)
                else:  # the server has hung up on the publisher
                    self._epoll.unregister(fd)

    def publish(self, sent: bytes, seconds: float = 30) -> list[float]:
        """Publish one event; back when every stream has it and the call is answered. Seconds to each arrival."""
        marker, overlap = self._marker, len(self._marker) - 1
        sockets, ends, calling = self._sockets, self._ends, self._publisher.socket.fileno()
        arrivals: list[float] = []
        answered = False
        began = time.perf_counter()
        self._publisher.send(sent)
        while len(arrivals) < len(sockets) or not answered:
            ready = self._epoll.poll(seconds)
            if not ready:
                raise RuntimeError(f"{len(arrivals)} of {len(sockets)} streams had the event after {seconds} s")
            for fd, _ in ready:
                if fd == calling:
                    answered = self._publisher.read() is not None
                    continue
                part = sockets[fd].recv(65536)
                if not part:
                    raise RuntimeError("a stream was cut")
                seen = ends[fd] + part
                if found := seen.count(marker):
                    arrivals += [time.perf_counter() - began] * found
                ends[fd] = seen[-overlap:]
        if len(arrivals) > len(sockets):
            raise RuntimeError("an event came twice")
        return arrivals

    def publish_unheard(self, sent: bytes) -> None:
        """Publish where nobody follows."""
        self._publisher.call(sent)

    def watch(self, sent: bytes) -> bytes:
        """Publish one event; the bytes that the first stream was sent."""
        first = next(iter(self._sockets))
        self.ready()
        self._publisher.call(sent)
        seen = b""
        while self._marker not in seen or not seen.rstrip(b"\r\n").endswith(b"}"):
            for fd, _ in self._epoll.poll(5):
                part = self._sockets[fd].recv(65536)
                seen += part if fd == first else b""
        self.drain()
        return seen

    def close(self) -> None:
        """Hang up, all of them."""
        self._epoll.close()
        for connection in self._sockets.values():
            connection.close()
        self._publisher.close()
