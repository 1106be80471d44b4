"""What comes from Redis or Valkey, as our own values.

What it is not for: sending or waiting.
"""

from collections.abc import Sequence

from roadcrew_server.stores.base import Hint, StoredEvent


def event_of(entry: Sequence[object]) -> StoredEvent:
    """An entry of a stream: `[id, [c, command, b, body]]`."""
    entry_id, fields = entry
    assert isinstance(entry_id, bytes)  # noqa: S101 - what Redis answers to XRANGE
    assert isinstance(fields, list)  # noqa: S101
    return StoredEvent(int(entry_id.partition(b"-")[0]) - 1, fields[1].decode(), fields[3])


def events_of(entries: Sequence[Sequence[object]]) -> tuple[StoredEvent, ...]:
    """What XRANGE answers."""
    return tuple(event_of(entry) for entry in entries)


def netstrings(data: bytes) -> list[bytes]:
    """Take `3:abc1:x` apart. Raises ValueError if it is anything else."""
    found, at = [], 0
    while at < len(data):
        colon = data.index(b":", at)
        start = colon + 1
        at = start + int(data[at:colon])
        if at < start or at > len(data):
            raise ValueError("a length that is not true")
        found.append(data[start:at])
    return found


def heard(data: bytes) -> tuple[str, Hint]:
    """A message of the hint channel: its token and the hint. Raises ValueError for what no script of ours has sent."""
    token, kind, topic, *rest = netstrings(data)
    name, sender = topic.decode(), token.decode()
    match kind:
        case b"log":
            epoch, first, before, *pairs = rest
            commands, bodies = pairs[::2], pairs[1::2]
            events = tuple(
                StoredEvent(int(first) + n, command.decode(), body)
                for n, (command, body) in enumerate(zip(commands, bodies, strict=True))
            )
            return sender, Hint("log", name, epoch.decode(), events, before.decode())
        case b"presence":
            return sender, Hint("presence", name)
        case b"revoked":
            return sender, Hint("revoked", name)
        case b"changed":
            return sender, Hint("changed", name)
        case _:
            raise ValueError("a hint of an unknown kind")
