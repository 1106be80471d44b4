"""What the keys are called. All keys of a topic are in one bucket, and so on one node of a cluster.

    PREFIX:{07}:topic:trip:1       hash      epoch, head, first, until; the newest snapshot as upto, upto_command, state
    PREFIX:{07}:log:trip:1         stream    event n has the id (n+1)-0, with c(ommand) and b(ody)
    PREFIX:{07}:done:trip:1        hash      record key -> until:outcome
    PREFIX:{07}:done_until:trip:1  zset      record key by the time at which it is forgotten
    PREFIX:{07}:here:trip:1        hash      connection -> until:value
    PREFIX:{07}:due                zset      topic by the time at which it is due
    PREFIX:record:KIND:KEY         string    until:value
    PREFIX:index:NAME              zset      item by its time
    PREFIX:{lease}:held:NAME       hash      holder, fence, until
    PREFIX:{lease}:fence           string    the newest fence of all leases
    PREFIX:hints, PREFIX:hints:N   channel; N is the database, but for the first: channels belong to the whole server
    PREFIX:format                  string    the number of this layout

What it is not for: what stands in them (`lua/`).
"""

import re
import zlib

FORMAT = b"1"
BUCKETS = 32
"""How many parts the topics are divided into. A script that touches a topic and its due time needs them on one node;
a cluster gains nothing beyond so many nodes. Never to be changed for a store that is in use."""

_PREFIX = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class Keys:
    """The names under one prefix. Raises ValueError for a prefix that could be taken for something else."""

    def __init__(self, prefix: str, database: int = 0) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise ValueError("A key prefix has 1 to 64 letters, digits and . : _ -")
        self._prefix = prefix
        self.buckets = [f"{prefix}:{{{number:02}}}:" for number in range(BUCKETS)]
        self.due = [f"{bucket}due" for bucket in self.buckets]
        self.topic_starts = [f"{bucket}topic:" for bucket in self.buckets]
        self.fence = f"{prefix}:{{lease}}:fence"
        self.hints = f"{prefix}:hints:{database}" if database else f"{prefix}:hints"
        self.any_topic = f"{prefix}:{{[0-9][0-9]}}:topic:*"
        self.format = f"{prefix}:format"

    @staticmethod
    def bucket_of(topic: str) -> int:
        """The number of a topic's bucket."""
        return zlib.crc32(topic.encode()) % BUCKETS

    def log(self, topic: str) -> tuple[str, str]:
        """The topic's facts and its events."""
        bucket = self.buckets[self.bucket_of(topic)]
        return f"{bucket}topic:{topic}", f"{bucket}log:{topic}"

    def done(self, topic: str) -> str:
        """The topic's command records."""
        return f"{self.buckets[self.bucket_of(topic)]}done:{topic}"

    def topic(self, topic: str) -> tuple[str, str, str, str, str]:
        """Facts, events, command records, their ends, and due times: all that an append touches."""
        bucket = self.buckets[self.bucket_of(topic)]
        return (
            f"{bucket}topic:{topic}",
            f"{bucket}log:{topic}",
            f"{bucket}done:{topic}",
            f"{bucket}done_until:{topic}",
            f"{bucket}due",
        )

    def here(self, topic: str) -> str:
        """Who is at a topic."""
        return f"{self.buckets[self.bucket_of(topic)]}here:{topic}"

    def record(self, kind: str, key: str) -> str:
        """A record."""
        return f"{self._prefix}:record:{kind}:{key}"

    def index(self, name: str) -> str:
        """An index."""
        return f"{self._prefix}:index:{name}"

    def lease(self, name: str) -> tuple[str, str]:
        """A lease, and the fence of all leases."""
        return f"{self._prefix}:{{lease}}:held:{name}", self.fence
