"""The true command in a real terminal, behind a proxy that buffers streams: what the person reads there."""

import asyncio
from pathlib import Path
from time import perf_counter

import pytest
from tests.conftest import Figure
from tests.faults import FaultProxy, Faults, Hold
from tests.support.people import eventually
from tests.support.serving import server_process
from tests.support.terminal import Terminal, roadcrew

from roadcrew_client import Client
from roadcrew_domain.polls import OpenPoll

WITHIN = 5.0
"""Seconds from the first request for a stream."""


# R: S1, S4, S5
@pytest.mark.usefixtures("timed")
async def test_the_app_says_polling_within_5_s_behind_a_buffering_proxy_and_live_when_that_is_gone(
    tmp_path: Path, full: bool, figure: Figure
):
    with server_process(tmp_path) as server:
        async with Client(server.url) as ana, FaultProxy(server.url, Faults(hold=Hold())) as proxy:
            await ana.guest("Ana")
            made = await ana.create_trip("Lisbon in May")
            with Terminal(
                roadcrew("join", f"{proxy.url}/j/{made.invite.code}"),
                environment={"ROADCREW_HOME": str(tmp_path / "ben")},
            ) as ben:
                await asyncio.to_thread(ben.wait_for, "Your name")
                await asyncio.to_thread(ben.settle)
                await asyncio.to_thread(ben.enter, *"Ben", "enter")
                seen = asyncio.create_task(asyncio.to_thread(ben.wait_for, "polling every"))
                await eventually(lambda: proxy.requests("stream"), "the request for a stream", 15)
                took = await seen
                took -= perf_counter() - (asyncio.get_running_loop().time() - proxy.requests("stream")[0].at)
                figure("seconds until the app says polling", f"{took:.1f}")
                assert took < WITHIN

                await ana.do(made.trip.id, OpenPoll("Where to?", "single", ("Porto", "Faro")))
                await asyncio.to_thread(ben.wait_for, "Where to?")
                assert "● live" not in ben.text

                if (
                    not full
                ):  # who changes to another network is without any for a moment; else, it is probed in a minute
                    await proxy.change(refuse=True)
                    await asyncio.to_thread(ben.wait_for, "offline")
                await proxy.be(Faults())
                await asyncio.to_thread(ben.wait_for, "● live", 100)
                await ana.do(made.trip.id, OpenPoll("When?", "single", ("May", "June")))
                await asyncio.to_thread(ben.wait_for, "When?", 3)
