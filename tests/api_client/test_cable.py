"""A network that is taken away: what runs ends at once, what comes next fails at once, and nothing is lost by it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.api_client.scripted import FAST, Log, Request, serving, until
from tests.support.serving import served

from roadcrew_client import Cable, Client, Unreachable
from roadcrew_domain.events import decode_cursor
from roadcrew_domain.ids import check_of
from roadcrew_domain.polls import OpenPoll
from roadcrew_domain.views import encode_trip
from roadcrew_server.topic import Topic

INFO = {"name": "Roadcrew", "version": "1"}


class Held:
    """A server that answers nothing until it is told to, and notes who hung up before."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def __call__(self, request: Request) -> None:
        self.asked.set()
        await self.answer.wait()
        await request.answer(200, INFO)


# R: S4
async def test_unplugged_a_call_fails_at_once_and_asks_nobody():
    async def script(request: Request) -> None:
        await request.answer(200, INFO)

    cable = Cable()
    async with serving(script) as server, Client(server.url, settings=FAST, cable=cable) as client:
        cable.unplug()
        with pytest.raises(Unreachable) as caught:
            await client.server_info()
        assert caught.value.code == "no-connection"
        assert server.requests == []
        cable.plug()
        assert cable.plugged
        assert (await client.server_info()).name == "Roadcrew"


# R: S4
async def test_a_call_under_way_is_cut_when_the_cable_is_pulled():
    script, cable = Held(), Cable()
    async with serving(script) as server, Client(server.url, settings=FAST, cable=cable) as client:
        transport = await client._connection.transport()
        calling = asyncio.create_task(transport.call("GET", "/api/server"))
        await script.asked.wait()
        cable.unplug()
        with pytest.raises(Unreachable) as caught:
            await calling
        assert caught.value.code == "cut"


async def test_a_call_that_is_torn_is_made_again_where_the_network_is_back_at_once():
    script, cable = Held(), Cable()
    async with serving(script) as server, Client(server.url, settings=FAST, cable=cable) as client:
        calling = asyncio.create_task(client.server_info())
        await script.asked.wait()
        script.answer.set()
        cable.tear()
        assert (await calling).name == "Roadcrew"
        assert len(server.requests) == 2


async def test_who_cancels_a_call_is_not_told_of_a_cable():
    script, cable = Held(), Cable()
    async with serving(script) as server, Client(server.url, settings=FAST, cable=cable) as client:
        calling = asyncio.create_task(client.server_info())
        await script.asked.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        cable.unplug()  # nothing is left that could be torn


async def test_a_call_that_takes_too_long_is_late_and_not_cut():
    script, hasty = Held(), replace(FAST, call_timeout=0.05, attempts=1)
    async with serving(script) as server, Client(server.url, settings=hasty, cable=Cable()) as client:
        with pytest.raises(Unreachable) as caught:
            await client.server_info()
        assert caught.value.code == "timeout"


class Puller:
    """Pulls the cable the moment the server has made a change, before its answer is on its way."""

    def __init__(self, cable: Cable, head: int) -> None:
        self.cable = cable
        self.head = head
        self.pulled = 0

    def wake(self, topic: Topic) -> None:
        if topic.head > self.head:
            self.head = topic.head
            self.pulled += 1
            self.cable.unplug()

    def failed(self) -> None:
        raise AssertionError("pulling the cable has failed")


# R: S4 S5 T9
async def test_a_change_whose_answer_is_lost_with_the_network_is_made_once(tmp_path: Path):
    cable = Cable()
    async with (
        served(tmp_path) as running,
        Client(running.url, settings=FAST) as ana,
        Client(running.url, settings=FAST, cable=cable) as ben,
    ):
        await ana.guest("Ana")
        created = await ana.create_trip("Lisbon")
        await ben.guest("Ben")
        await ben.join(created.invite.code)
        async with ben.follow(created.trip.id) as live:
            await until(lambda: live.status.state == "live")
            topic = await running.server.hub.topic(live.topic)
            puller = Puller(cable, topic.head)
            topic.followers.add(puller)
            for n in range(3):
                pending = live.act(OpenPoll(f"Question {n}?", "single", ("Yes", "No")))
                await until(lambda: live.status.state == "offline")
                assert not pending.done.done()
                cable.plug()
                assert (await asyncio.wait_for(pending.done, 10)).accepted
                await until(lambda: live.status.state == "live")
            assert puller.pulled == 3
            truth = await ana.trip(created.trip.id)
            assert sorted(p.question for p in truth.polls.values()) == [f"Question {n}?" for n in range(3)]
            await until(lambda: live.confirmed is not None and encode_trip(live.confirmed) == encode_trip(truth))


# R: S4
async def test_streams_that_are_torn_three_times_in_a_row_give_way_to_polling():
    log, cable = Log(), Cable()

    async def script(request: Request) -> None:
        await (log.follow(request) if request.streams else log.poll(request))

    async with (
        serving(script) as server,
        Client(server.url, token="t", settings=FAST, cable=cable) as client,
        client.follow("t") as live,
    ):
        for _ in range(FAST.strikes):
            await until(lambda: live.status.state == "live")
            cable.tear()
            await until(lambda: live.status.state != "live")
        await until(lambda: live.status.state == "polling")


async def test_an_outcome_says_where_the_servers_answer_stands_in_the_log(tmp_path: Path):
    async with served(tmp_path) as running, Client(running.url, settings=FAST) as ana:
        await ana.guest("Ana")
        created = await ana.create_trip("Lisbon")
        live = ana.follow(created.trip.id)  # not started: nothing is read, so the answer comes first
        pending = live.act(OpenPoll("When?", "single", ("May", "June")))
        sending = asyncio.create_task(live._pendings.sender.run())
        outcome = await pending.done
        sending.cancel()
        assert outcome.accepted
        assert outcome.cursor is not None
        position = decode_cursor(outcome.cursor)[live.topic]
        assert (position.seq, position.check) == (1, check_of(pending.id))
