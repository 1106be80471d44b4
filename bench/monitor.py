"""What server processes send to a Valkey, by its own MONITOR: by name, and what scripts do inside apart from it.

What it is not for: how long a command takes. MONITOR makes each one dearer.
"""

import socket
import threading
from collections import Counter

from tests.support.valkey import ValkeyProcess

from roadcrew_server.stores import _redis_scripts as scripts
from roadcrew_server.stores._redis_scripts import Script

NAMES = {s.sha: s.name for s in vars(scripts).values() if isinstance(s, Script)}
END = b'"that is all"'


class Monitor:
    """Reads MONITOR on a connection of its own, in a thread."""

    def __init__(self, valkey: ValkeyProcess) -> None:
        self.sent: Counter[str] = Counter()
        self.inner: Counter[str] = Counter()
        self._sock = socket.create_connection(("127.0.0.1", valkey.port), 5)
        self._sock.settimeout(None)
        self._sock.sendall(b"MONITOR\r\n")
        self._file = self._sock.makefile("rb")
        self._file.readline()
        self._mark = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._file:
            head, _, rest = line.partition(b"] ")
            command = rest.split(b'"')[1].decode("ascii", "replace").lower() if b'"' in rest else "?"
            if END in rest:
                self._mark.set()
            elif b" lua" in head:
                self.inner[command] += 1
            else:
                self.sent[_named(command, rest)] += 1

    def settle(self, valkey: ValkeyProcess) -> None:
        """Wait until all that was sent so far has been read."""
        self._mark.clear()
        valkey.say("ECHO", END.decode())
        self._mark.wait(20)

    def reset(self) -> None:
        """Count from here."""
        self.sent.clear()
        self.inner.clear()

    def close(self) -> None:
        """Hang up."""
        self._sock.close()


def _named(command: str, rest: bytes) -> str:
    if command not in ("evalsha", "eval"):
        return command
    sha = rest.split(b'"')[3].decode("ascii", "replace")
    return f"script {NAMES.get(sha, '(limits library)')}"
