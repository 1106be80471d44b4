"""Stands in for the app behind a page of `roadcrew web`: it speaks the same packets, says what it was told, and starts
in a fraction of the time. Run as a program. What it understands: `link URL`, `deliver`, `crash`, `deaf`; anything else
it repeats. At its start it says its arguments, size and time zone.
"""

import json
import os
import sys
import time


def tell(kind: bytes, said: bytes) -> None:
    """One packet."""
    os.write(1, kind + len(said).to_bytes(4, "big") + said)


def heard(count: int) -> bytes:
    """So many bytes; nobody at the other end is the end."""
    data = b""
    while len(data) < count:
        more = os.read(0, count - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data


def main() -> None:
    """Repeat until told to quit."""
    os.write(1, b"__GANGLION__\n")
    size = f"{os.environ['COLUMNS']}x{os.environ['ROWS']}"
    tell(b"D", f"begun {sys.argv[1:]} {size} {os.environ.get('TZ')}".encode())
    while True:
        kind, count = heard(1), int.from_bytes(heard(4), "big")
        said = heard(count)
        if kind == b"M":
            meta = json.loads(said)
            if meta["type"] == "quit":
                tell(b"M", b'{"type": "exit"}')
                return
            tell(b"D", b"meta " + said)
        elif said.startswith(b"link "):
            tell(b"M", json.dumps({"type": "open_url", "url": said[5:].decode(), "new_tab": True}).encode())
        elif said == b"deliver":
            meta = {"type": "deliver_file_start", "key": "k", "path": "/etc/passwd", "open_method": "download"}
            tell(b"M", json.dumps({**meta, "mime_type": "text/plain", "encoding": "", "name": None}).encode())
            tell(b"D", b"delivered")
        elif said == b"crash":
            sys.exit(3)
        elif said == b"deaf":
            tell(b"D", b"deaf")
            while True:
                time.sleep(3600)
        else:
            tell(b"D", said)


main()
