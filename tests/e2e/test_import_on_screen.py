"""An import as somebody of the crew sees it in a real terminal, while the service that reads it is not there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.terminal import Terminal, roadcrew

from roadcrew_client import Client
from roadcrew_tui.serving import OwnMonitor, OwnServer

ROWS = "name,city,stars,price\nCasa Azul,Lisbon,4,84\nNowhere,,2,50\n"


# R: J3, J4, J6
async def test_a_service_that_is_not_there_is_said_and_waited_for_and_then_the_hotels_come(tmp_path: Path):
    monitor = OwnMonitor(tmp_path)
    monitor.start()
    store = f"sqlite:///{tmp_path / 'trips.db'}"
    try:
        with OwnServer(["--port", "0", "--store", store, "--quotes", "sample"], monitor.known_as) as server:
            monitor.kill()
            async with Client(server.url) as ana:
                await ana.guest("Ana")
                made = await ana.create_trip("Lisbon in May")
                assert made.invite is not None
                await ana.start_import(made.trip.id, ROWS.encode(), "lisbon.csv", "csv", "EUR")
                with Terminal(
                    roadcrew("join", f"{server.url}/j/{made.invite.code}"),
                    environment={"ROADCREW_HOME": str(tmp_path / "ben")},
                ) as ben:
                    await asyncio.to_thread(ben.wait_for, "Your name")
                    await asyncio.to_thread(ben.settle)
                    await asyncio.to_thread(ben.enter, *"Ben", "enter")
                    await asyncio.to_thread(ben.wait_for, "4 Quotes")
                    await asyncio.to_thread(ben.enter, "4")
                    await asyncio.to_thread(ben.wait_for, "REQUESTS")
                    await asyncio.to_thread(ben.enter, "f")
                    await asyncio.to_thread(ben.wait_for, "The service can't be reached, trying again")
                    await asyncio.to_thread(monitor.start)
                    await asyncio.to_thread(ben.wait_for, "Done in", 40)
                    await asyncio.to_thread(ben.wait_for, "1 hotel, 1 row refused")
                    await asyncio.to_thread(ben.enter, "enter", "s")
                    await asyncio.to_thread(ben.wait_for, "on the list")
                trip = await ana.trip(made.trip.id)
                assert [hotel.name for hotel in trip.hotels.values()] == ["Casa Azul"]
    finally:
        monitor.kill()
