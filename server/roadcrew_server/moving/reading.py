"""An exported file, read line by line and believed in nothing: sizes, shapes, order, numbers, doubles, the checksum.

What it is not for: who wrote it. The checksum finds damage, not malice: whoever can write a file with a right one can
make anybody an account, as whoever can write to the store can.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from roadcrew_server.moving.lines import (
    MAX_LINE,
    VERSION,
    AnyLine,
    Command,
    Content,
    End,
    Event,
    Header,
    Item,
    Record,
    Topic,
    decode,
)
from roadcrew_server.moving.seen import Seen

MARKED = "moving"
"""The kind of the record that a store has while an import into it is under way; no file has one."""


class BadFile(Exception):
    """The file can't be believed; says where and why."""


class Reading:
    """One pass over a file from its beginning. `header` and `sha256` are there when the pass is over."""

    def __init__(self, file: BinaryIO, seen: Seen) -> None:
        self._file = file
        self._order = _Order(seen)
        self._number = 0
        self.header: Header | None = None
        self.sha256 = ""

    def __iter__(self) -> Iterator[Content]:
        """Every line between the first and the last. Raises `BadFile`, perhaps after many good lines: nothing that
        came out is sure before the end."""
        self._file.seek(0)
        digest = hashlib.sha256()
        while True:
            raw, line = self._next()
            if isinstance(line, End):
                break
            digest.update(raw)
            if self._number == 1:
                self.header = self._first(line)
            elif isinstance(line, Header):
                raise self._bad("a second header")
            else:
                if problem := self._order.problem(line):
                    raise self._bad(problem)
                yield line
        if self._number == 1:
            raise self._bad("it has no header")
        if problem := self._order.unfinished():
            raise self._bad(problem)
        if line.lines != self._number - 1 or line.sha256 != digest.hexdigest():
            raise self._bad("the checksum is another one, so something was altered or lost on the way")
        if self._file.read(1):
            raise self._bad("something follows the end")
        self.sha256 = line.sha256

    def _next(self) -> tuple[bytes, AnyLine]:
        self._number += 1
        raw = self._file.readline(MAX_LINE + 1)
        if len(raw) > MAX_LINE:
            raise self._bad(f"it is longer than {MAX_LINE:,} bytes")
        if not raw.endswith(b"\n"):
            raise self._bad("the file ends here, and too early: a part of it is missing")
        try:
            return raw, decode(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise self._bad(f"not understood ({error})") from error

    def _first(self, line: AnyLine) -> Header:
        if not isinstance(line, Header):
            raise self._bad("not the header of an export")
        if line.version != VERSION:
            raise self._bad(f"the file has form {line.version}, and this Roadcrew knows form {VERSION}; upgrade it")
        return line

    def _bad(self, why: str) -> BadFile:
        return BadFile(f"line {self._number}: {why}")


class _Order:
    """What lines mean together."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._topic: Topic | None = None
        self._seq = 0

    def problem(self, line: Content | End) -> str | None:
        """Why this line can't come here; None if it can."""
        match line:
            case Topic():
                return self.unfinished() or self._begin(line)
            case Event():
                return self._event(line)
            case Command():
                return self._command(line)
            case Record():
                if line.kind == MARKED:
                    return "a record of a kind that is never moved"
                new = self._seen.add("record", line.kind, line.key)
            case Item():
                new = self._seen.add("index", line.index, line.item)
            case _:
                new = self._seen.add("fence")
        return None if new else "the same thing a second time"

    def unfinished(self) -> str | None:
        """Whether events of the last topic are missing."""
        if self._topic is None or self._seq == self._topic.head + 1:
            return None
        return f"events of {self._topic.topic} are missing, from number {self._seq} on"

    def _begin(self, topic: Topic) -> str | None:
        if not self._seen.add("topic", topic.topic):
            return "the same topic a second time"
        snapshot = topic.snapshot
        if topic.first > topic.head:
            return "a topic without events"
        if snapshot is None and topic.first > 0:
            return "a topic whose beginning is lost"
        if snapshot is not None and not topic.first - 1 <= snapshot.seq <= topic.head:
            return "a snapshot that does not fit to the events"
        self._topic, self._seq = topic, topic.first
        return None if snapshot is None else _body_problem(snapshot.body)

    def _event(self, event: Event) -> str | None:
        if self._topic is None or event.seq != self._seq or event.seq > self._topic.head:
            return "an event out of order"
        self._seq += 1
        return _body_problem(event.body)

    def _command(self, command: Command) -> str | None:
        if self._topic is None or self.unfinished():
            return "a command before the events of its topic"
        if not self._seen.add("command", self._topic.topic, command.key):
            return "the same command a second time"
        return _body_problem(command.outcome)


def _body_problem(body: bytes) -> str | None:
    """Events go to streams as they are, so they must be JSON and stay on one line."""
    try:
        msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "what it carries is not JSON"
    return "what it carries has line breaks" if b"\n" in body or b"\r" in body else None
