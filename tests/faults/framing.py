"""Where HTTP/1.1 messages begin and end in a stream of bytes, so that a proxy can look at heads and pass every byte on
as it came. Not for what messages mean. Raises `NotHttp` for what it can't follow; such bytes can only be passed on."""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_HEAD = 64 * 1024
MAX_LINE = 4096
_REQUEST = re.compile(r"\S+ \S+ HTTP/1\.\d")
_ANSWER = re.compile(r"HTTP/1\.\d \d{3}(?: .*)?")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,12}")


class NotHttp(ValueError):
    """These bytes are not messages of HTTP/1.1. `rest`: those of them that were in no piece yet."""

    rest = b""


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the headers, with lower-case names; `raw` as they came."""

    raw: bytes
    start: str
    headers: Mapping[str, str]

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.start.split(" ")[1])

    @property
    def method(self) -> str:
        """Of a request."""
        return self.start.split(" ")[0]

    @property
    def path(self) -> str:
        """Of a request, without its query."""
        return self.start.split(" ")[1].partition("?")[0]


@dataclass(frozen=True, slots=True)
class End:
    """The message is complete."""


Piece = Head | bytes | End


class Framer:
    """One direction of one connection. `feed` gives the pieces that have become whole. `methods`: for answers, those
    of the requests that wait for one, oldest first."""

    def __init__(self, methods: deque[str] | None = None) -> None:
        self._methods = methods
        self._head = bytearray()
        self._left = 0
        self._body = "none"
        self._line = b""

    def feed(self, data: bytes) -> Iterator[Piece]:
        """What `data` completes, in order. Joined, all raw bytes are what was fed, but for a head that is not whole."""
        try:
            while data:
                if self._body == "none":
                    head, data = self._take_head(data)
                    if head is None:
                        return
                    yield head
                    done = self._begins_no_body(head)
                else:
                    body, data, done = self._take_body(data)
                    yield body
                if done:
                    self._body = "none"
                    yield End()
        except NotHttp as error:
            error.rest = bytes(self._head) or data
            raise

    # --- heads ------------------------------------------------------------------------------------

    def _take_head(self, data: bytes) -> tuple[Head | None, bytes]:
        searched = max(0, len(self._head) - 3)
        self._head += data
        end = self._head.find(b"\r\n\r\n", searched)
        if end < 0:
            if len(self._head) > MAX_HEAD:
                raise NotHttp("a head without end")
            if (line := self._head.find(b"\r\n")) >= 0:
                self._check_start(self._head[:line].decode("latin-1"))  # others may wait for an answer to just this
            return None, b""
        raw, rest = bytes(self._head[: end + 4]), bytes(self._head[end + 4 :])
        start, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        self._check_start(start)
        self._head.clear()
        pairs = (line.partition(":") for line in lines)
        return Head(raw, start, {name.strip().lower(): value.strip() for name, _, value in pairs}), rest

    def _check_start(self, line: str) -> None:
        if not (_REQUEST if self._methods is None else _ANSWER).fullmatch(line):
            raise NotHttp(f"{line[:60]!r} begins no message")

    def _begins_no_body(self, head: Head) -> bool:
        """Find out how the body ends. True if there is none."""
        answer = self._methods is not None
        method = ""
        if self._methods is not None:
            if head.status < 200 and head.status != 101:
                return False  # an interim answer; the real one follows, and what has no body has no end here
            method = self._methods.popleft() if self._methods else ""
            if method == "HEAD" or head.status in (204, 304):
                return True
        if "chunked" in head.headers.get("transfer-encoding", "").lower():
            self._body, self._left, self._line = "size", 0, b""
            return False
        length = head.headers.get("content-length")
        if length is None:
            self._body = "until-close" if answer else "none"
            return not answer
        if not (length.isascii() and length.isdigit()):
            raise NotHttp(f"{length[:60]!r} is no length")
        self._left = int(length)
        self._body = "length" if self._left else "none"
        return not self._left

    # --- bodies -----------------------------------------------------------------------------------

    def _take_body(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """The part of `data` that belongs to this body, the rest, and whether the body is complete."""
        if self._body == "until-close":
            return data, b"", False
        if self._body == "length":
            part = data[: self._left]
            self._left -= len(part)
            return part, data[len(part) :], not self._left
        at, done = 0, False
        while at < len(data) and not done:
            if self._body == "data":
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                if not self._left:
                    self._body = "size"
                continue
            at, done = self._take_line(data, at)
        return data[:at], data[at:], done

    def _take_line(self, data: bytes, at: int) -> tuple[int, bool]:
        """A chunk's size, or a line after the last chunk. True when that was the last line."""
        end = data.find(b"\n", at)
        self._line += data[at : len(data) if end < 0 else end]
        if len(self._line) > MAX_LINE:
            raise NotHttp("a chunk's line without end")
        if end < 0:
            return len(data), False
        line, self._line = self._line.rstrip(b"\r"), b""
        if self._body == "trailer":
            return end + 1, not line
        digits = line.partition(b";")[0].strip()
        if not _SIZE.fullmatch(digits):
            raise NotHttp(f"{line[:60]!r} is no size of a chunk")
        size = int(digits, 16)
        self._body = "data" if size else "trailer"
        self._left = size + 2
        return end + 1, False
