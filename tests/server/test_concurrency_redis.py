"""Many at once, on several processes over one Valkey: nothing is lost, nothing happens twice. And a control."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
import uvloop
from tests.conftest import Count, Figure
from tests.support.hubs import trip_of
from tests.support.people import Person, connected, crew, eventually
from tests.support.serving import ServerProcess, served
from tests.support.shared_hubs import ballots, hubs_over, join, vote_at_once
from tests.support.valkey import ValkeyProcess

from roadcrew_domain import polls, trip
from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores.base import AppendResult, Commit
from roadcrew_server.stores.redis import RedisStore
from roadcrew_server.topic import Topic

LOOP = uvloop.new_event_loop

CUT = """
local kept = redis.call('XRANGE', KEYS[2], '-', ARGV[1] + 1)
redis.call('DEL', KEYS[2])
for _, entry in ipairs(kept) do
    redis.call('XADD', KEYS[2], entry[1], unpack(entry[2]))
end
redis.call('HSET', KEYS[1], 'head', ARGV[1])
"""
"""Makes ARGV[1] the last event."""


class LastWriterWins(RedisStore):
    """The control: a store without the compare. It drops what others wrote and puts its own in its place."""

    turn = asyncio.Lock()

    async def append(
        self,
        topic: str,
        epoch: str | None,
        expected_last: int,
        commits: Sequence[Commit],
        *,
        expected_command: str = "",
        keep_until: datetime,
        due: datetime | None,
    ) -> AppendResult:
        async with self.turn:
            if epoch is not None:
                await self._link.send("EVAL", CUT, 2, *self._keys.log(topic), expected_last)
            return await super().append(topic, epoch, expected_last, commits, keep_until=keep_until, due=due)


def over(valkey: ValkeyProcess, kind: type[RedisStore] = RedisStore) -> RedisStore:
    return kind(address_of(valkey.url))


async def votes_after(valkey: ValkeyProcess, people: int, kind: type[RedisStore] = RedisStore) -> tuple[int, int]:
    """Everybody votes in the same instant: how many votes were acknowledged, and how many the store has then."""
    members = [f"member {n}" for n in range(people)]
    async with hubs_over(over(valkey, kind), over(valkey, kind)) as hubs:
        topic, poll, options = await trip_of(hubs[0], members)
        await hubs[1].topic(topic)
        acknowledged = await vote_at_once(hubs, topic, poll, options, members)
        return acknowledged, await ballots(hubs[0].store, topic, poll)


# R: T9
async def test_a_hundred_votes_in_the_same_instant_on_two_hubs_are_a_hundred_votes(
    valkey: ValkeyProcess, count: Count, figure: Figure
):
    for _ in range(count(reduced=3, full=50)):
        assert await votes_after(valkey, 100) == (100, 100)
    figure("votes lost of 100, on two hubs over a Valkey", 0)


# R: T9
@pytest.mark.only_full  # test_concurrency.py has a control in an ordinary run too
async def test_the_control_without_the_compare_does_lose_votes(valkey: ValkeyProcess, figure: Figure):
    acknowledged, votes = await votes_after(valkey, 100, LastWriterWins)
    figure("acknowledged votes lost by the control", f"{acknowledged - votes} of {acknowledged}")
    assert votes < acknowledged


# R: T2 T9
async def test_an_invite_for_five_lets_in_five_on_two_hubs(valkey: ValkeyProcess):
    async with hubs_over(over(valkey), over(valkey)) as hubs:
        topic, _, _ = await trip_of(hubs[0], ["ana"], max_uses=5)
        await hubs[1].topic(topic)
        assert sum(await asyncio.gather(*(join(hubs[n % 2], topic, f"p{n}") for n in range(60)))) == 5
        assert sum(hub.counters.conflicts for hub in hubs) > 0


# R: T9 T10
async def test_all_processes_agree_to_the_byte(valkey: ValkeyProcess, count: Count):
    members = [f"member {n}" for n in range(30)]
    async with hubs_over(*(over(valkey) for _ in range(3))) as hubs:
        for _ in range(count(reduced=2, full=50)):
            topic, poll, options = await trip_of(hubs[0], members)
            copies = [await hub.topic(topic) for hub in hubs]
            for copy in copies:
                copy.followers.add(Reader())
            assert await vote_at_once(hubs, topic, poll, options, members) == len(members)
            await eventually(partial(agree, copies), "the hints")
            assert len({copy.encoded() for copy in copies}) == 1
            assert len(copies[0].state.polls[poll].ballots) == len(members)


def agree(copies: Sequence[Topic]) -> bool:
    return len({copy.position for copy in copies}) == 1


class Reader:
    """A follower that only follows."""

    def wake(self, topic: Topic) -> None:
        pass

    def failed(self) -> None:
        pass


# R: T9
async def test_a_member_who_joined_on_one_process_is_one_on_the_other(valkey: ValkeyProcess):
    async with hubs_over(over(valkey), over(valkey)) as hubs:
        topic, poll, options = await trip_of(hubs[0], ["ana"])
        await hubs[1].topic(topic)
        for n in range(20):
            assert await join(hubs[n % 2], topic, f"p{n}")
            vote = trip.Command(hubs[0].new_id(), f"p{n}", polls.CastVote(poll, (options[0],)))
            done = await hubs[1 - n % 2].execute(topic, vote)
            assert f"p{n}" in done.state.members


# R: T9 G4
async def test_the_server_works_over_a_valkey_as_over_a_file(valkey: ValkeyProcess, tmp_path: Path):
    async with served(tmp_path, store=over(valkey)) as running, connected(running.url) as http:
        made, people = await crew(http, 20)
        trip_id = made["trip"]["id"]
        poll = (
            await people[0].do("/polls", {"tripId": trip_id, "question": "?", "kind": "single", "options": ["a", "b"]})
        )["trip"]["polls"][0]
        choice = {"tripId": trip_id, "pollId": poll["id"], "optionIds": [poll["options"][0]["id"]]}
        await asyncio.gather(*(p.do("/polls/vote", choice, key="1") for p in people))
        again = await asyncio.gather(*(p.do("/polls/vote", choice, key="1") for p in people))  # replayed
        assert sorted(again[0]["trip"]["polls"][0]["options"][0]["votes"]) == sorted(p.id for p in people)


# R: T1 T10 G4
async def test_two_server_processes_over_one_valkey_are_one_server(valkey: ValkeyProcess, tmp_path: Path):
    async with AsyncExitStack() as stack:
        servers = [ServerProcess(tmp_path / str(n), store=valkey.url) for n in range(2)]
        for n, server in enumerate(servers):
            (tmp_path / str(n)).mkdir()
            await asyncio.to_thread(server.start)
            stack.push_async_callback(asyncio.to_thread, server.stop)
        assert servers[0].ready_line.endswith(f"(store: redis://127.0.0.1:{valkey.port})\n")
        one, two = [await stack.enter_async_context(connected(server.url)) for server in servers]
        ana, ben = await Person.guest(one, "Ana"), await Person.guest(two, "Ben")
        made = await ana.create()
        trip_id = made["trip"]["id"]
        await ben.do("/join", {"invite": made["invite"]["code"]})
        poll = await ana.do("/polls", {"tripId": trip_id, "question": "?", "kind": "single", "options": ["a", "b"]})
        options = [option["id"] for option in poll["trip"]["polls"][0]["options"]]
        async with ana.stream(trip_id) as hers, ben.stream(trip_id) as his:
            await hers.next("reset")
            await his.next("reset")
            vote = {"tripId": trip_id, "pollId": poll["trip"]["polls"][0]["id"], "optionIds": options[:1]}
            await ben.do("/polls/vote", vote)
            await eventually(lambda: len(hers.events()) == 1, "Ben's vote, at Ana's server")
            await ana.do("/polls/vote", vote)
            await eventually(lambda: len(his.events()) == 2, "Ana's vote, at Ben's server")
            assert [event["by"] for event in hers.events()] == [ben.id, ana.id]
            assert hers.events() == his.events()
        seen = [(await person.trip(trip_id)).json()["trip"] for person in (ana, ben)]
        assert seen[0] == seen[1]
        # A session that one process made is good at the other, and its end is told.
        ana.http = two
        assert (await ana.trip(trip_id)).status_code == 200
