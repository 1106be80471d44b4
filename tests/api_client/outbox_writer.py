"""A program that makes changes until somebody kills it: `python outbox_writer.py URL TOKEN FOLDER TRIP NUMBER`.

Each change is numbered. It says `kept N` when change N is on disk, and pulls its own network out now and then.
"""

import asyncio
import random
import sys
from pathlib import Path

from roadcrew_client import Cable, Client, ClientSettings, Outbox, Pending
from roadcrew_domain.trip import EditTrip

QUICK = ClientSettings(backoff_base=0.02, backoff_cap=0.1, outbox_look=0.2)


async def say(number: int, pending: Pending) -> None:
    assert pending.kept is not None
    if await pending.kept == "disk":
        print("kept", number, flush=True)


async def main(url: str, token: str, folder: str, trip: str, first: str) -> None:
    cable, chance = Cable(), random.Random(int(first))
    async with Client(url, token=token, settings=QUICK, cable=cable, outbox=Outbox(Path(folder))) as client:
        await client.whoami()
        live = client.follow(trip)
        await live.start()
        print("begins", flush=True)
        async with asyncio.TaskGroup() as saying:
            for number in range(int(first), int(first) + 1000):
                saying.create_task(say(number, live.act(EditTrip(name=f"{number}"))))
                await asyncio.sleep(chance.choice((0, 0.01, 0.03)))
                if chance.random() < 0.1:
                    cable.unplug() if cable.plugged else cable.plug()


asyncio.run(main(*sys.argv[1:]))
