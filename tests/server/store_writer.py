"""A process that writes to an embedded store until it is killed, for test_store_sqlite.py.

Prints one line for each append, after it was acknowledged. Run as a script with the file's path and
`hold` (open it and wait) or `write`.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from roadcrew_server.stores.base import NOTHING_YET, Appended, Commit
from roadcrew_server.stores.sqlite import SqliteStore

WRITERS = 8


async def write(store: SqliteStore, writer: int) -> None:
    """Append to one topic without end."""
    topic = f"trip:{writer}"
    loaded = await store.load(topic)
    epoch, head = (loaded.epoch, loaded.head) if loaded else (None, NOTHING_YET)
    while True:
        body = f"{writer}.{head + 1}"
        result = await store.append(
            topic,
            epoch,
            head,
            [Commit(body, (body.encode(),))],
            keep_until=store.now() + timedelta(days=1),
            due=None,
        )
        if not isinstance(result, Appended):
            raise SystemExit(f"unexpected: {result}")
        epoch, head = result.epoch, result.head
        print(topic, head, body, flush=True)


async def main(path: Path, mode: str) -> None:
    """Open the store and do what the mode says."""
    store = SqliteStore(path, checkpoint_pages=50)
    await store.open()
    print("open", flush=True)
    if mode == "hold":
        await asyncio.Event().wait()
    await asyncio.gather(*(write(store, writer) for writer in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
