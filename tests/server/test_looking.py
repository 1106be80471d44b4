"""A topic that is born by looking at it is there for everybody who looks, however many do so in the same moment."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from random import Random

from tests.support.booking import shop

from roadcrew_domain.exhibitions import slot_id


# R: C1 T9
async def test_a_slot_that_many_look_at_first_is_there_for_all_of_them(tmp_path: Path) -> None:
    random, days = Random(1), [date(2034, 6, 8) + timedelta(weeks=n) for n in range(60)]
    async with shop(tmp_path) as opened:
        ana = await opened.guest("Ana")

        async def look(slot: str) -> str:
            await asyncio.sleep(random.random() / 250)
            topic, _ = await opened.server.hub.look(f"slot:{slot}", ana.id)
            return topic.name

        for day in days:
            slot = slot_id("azulejo-light", day, "10:00")
            assert await asyncio.gather(*(look(slot) for _ in range(12))) == [f"slot:{slot}"] * 12
            assert len((await opened.server.hub.topic(f"slot:{slot}")).ring) == 1
