"""The servers that tests start are the real thing."""

import asyncio
from pathlib import Path

from tests.support.people import Person, connected, crew
from tests.support.serving import Running, ServerProcess


# R: G4
async def test_a_server_in_the_tests_own_loop_answers(running: Running, ana: Person):
    made = await ana.create()
    async with ana.stream(made["trip"]["id"]) as stream:
        assert (await stream.next()).kind == "reset"


# R: G4
async def test_a_server_process_says_where_it_is_keeps_its_port_and_ends_with_its_standard_input(tmp_path: Path):
    with ServerProcess(tmp_path) as process:
        async with connected(process.url) as http:
            made, people = await crew(http, 2)
            url = process.url
            await asyncio.to_thread(process.restart)
            assert process.url == url
            seen = await people[1].trip(made["trip"]["id"])
            assert len(seen.json()["trip"]["members"]) == 2
        assert await asyncio.to_thread(process.stop) == 0
    assert process.log.read_text() == ""
