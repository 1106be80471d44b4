"""Many at once: nothing is lost, nothing happens twice, on one process and on two. And a control that does lose."""

import asyncio
import uuid
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Count, Figure
from tests.support.hubs import Deaf, LastWriterWins, Muted, trip_of, two_hubs
from tests.support.people import Person, Stream, connected, crew, eventually
from tests.support.serving import Running, served

from roadcrew_domain import crew as crew_rules
from roadcrew_domain import polls, trip
from roadcrew_domain.crew import JoinTrip
from roadcrew_domain.refusals import Refused
from roadcrew_server.hub import Hub
from roadcrew_server.stores.base import AppendResult, Hint, StoreUnavailable
from roadcrew_server.stores.sqlite import SqliteStore
from roadcrew_server.topic import Topic
from roadcrew_server.topics import TripKind


async def votes_after(store: SqliteStore, people: int) -> int:
    """Everybody votes in the same instant, on two hubs in turn; how many votes the store has afterwards."""
    members = [f"member {n}" for n in range(people)]
    async with two_hubs(store) as (one, two):
        topic, poll, options = await trip_of(one, members)
        await two.topic(topic)
        await asyncio.gather(
            *(
                (one, two)[n % 2].execute(
                    topic, trip.Command(one.new_id(), m, polls.CastVote(poll, (options[n % 2],))), key=m, body="b"
                )
                for n, m in enumerate(members)
            ),
            return_exceptions=isinstance(store, LastWriterWins),
        )
        fresh = Hub(store, (TripKind(),), one.settings)
        state: trip.Trip = (await fresh.topic(topic)).state
        return len(state.polls[poll].ballots)


# R: T9
async def test_a_hundred_votes_in_the_same_instant_on_two_hubs_are_a_hundred_votes(
    tmp_path: Path, count: Count, figure: Figure
):
    for n in range(count(reduced=3, full=50)):
        votes = await votes_after(SqliteStore(tmp_path / f"{n}.sqlite", synchronous="NORMAL"), 100)
        assert votes == 100
    figure("votes lost of 100, on two hubs", 0)


# R: T9
async def test_the_control_without_the_compare_does_lose_votes(tmp_path: Path, figure: Figure):
    votes = await votes_after(LastWriterWins(tmp_path / "store.sqlite", synchronous="NORMAL"), 100)
    figure("votes lost of 100, by the control", 100 - votes)
    assert votes < 100


# R: T9
async def test_votes_are_not_lost_either_when_every_hint_is(tmp_path: Path):
    assert await votes_after(Deaf(tmp_path / "store.sqlite", synchronous="NORMAL"), 40) == 40


# R: T9
async def test_a_hundred_members_who_vote_by_http_in_the_same_instant_have_a_hundred_votes(
    http: httpx.AsyncClient, running: Running, count: Count
):
    size = count(reduced=100, full=100)
    made, people = await crew(http, size)
    trip_id, poll = made["trip"]["id"], str(uuid.uuid4())
    body = {"tripId": trip_id, "question": "When?", "kind": "single", "options": ["May", "June"]}
    await people[0].do("/polls", body, key=poll)
    async with people[0].stream(trip_id) as stream:
        await stream.next("reset")
        for rounds in range(count(reduced=1, full=20)):
            choice = [f"{poll}.{rounds % 2}"]
            vote = {"tripId": trip_id, "pollId": poll, "optionIds": choice}
            await asyncio.gather(*(p.do("/polls/vote", vote, key=f"{rounds}") for p in people))
            options = (await people[-1].trip(trip_id)).json()["trip"]["polls"][0]["options"]
            assert sorted(options[rounds % 2]["votes"]) == sorted(p.id for p in people)
            await eventually(partial(has, stream, size * (rounds + 1)), "each vote once")


# R: T2 T9
async def test_of_a_hundred_who_use_an_invite_for_five_at_once_exactly_five_get_in(
    http: httpx.AsyncClient, running: Running, count: Count, figure: Figure
):
    people = await asyncio.gather(*(Person.guest(http, f"Person {n}") for n in range(100)))
    for _ in range(count(reduced=1, full=20)):
        ana = await Person.guest(http, "Ana")
        made = await ana.create(invite={"maxUses": 5})
        answers = await asyncio.gather(*(p.post("/join", {"invite": made["invite"]["code"]}) for p in people))
        assert sorted(a.status_code for a in answers) == [200] * 5 + [410] * 95
        assert {a.json()["code"] for a in answers if a.status_code == 410} == {"invite-used-up"}
        members = (await ana.trip(made["trip"]["id"])).json()["trip"]["members"]
        assert len(members) == 6
    figure("joined of 100, invite for 5", 5)


# R: T2 T9
async def test_an_invite_for_five_lets_in_five_on_two_hubs(tmp_path: Path):
    async with two_hubs(SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")) as (one, two):
        topic, _, _ = await trip_of(one, ["ana"], max_uses=5)
        await two.topic(topic)

        async def join(n: int) -> bool:
            try:
                await (one, two)[n % 2].execute(
                    topic, trip.Command(one.new_id(), f"p{n}", JoinTrip("K7QM-2D4F", f"p{n}"))
                )
            except Refused as refused:
                return refused.code != "invite-used-up"
            return True

        assert sum(await asyncio.gather(*map(join, range(60)))) == 5
        assert one.counters.conflicts + two.counters.conflicts > 0


# R: T9
async def test_a_refusal_is_answered_only_after_the_stores_head_has_been_seen(tmp_path: Path):
    async with two_hubs(Deaf(tmp_path / "store.sqlite", synchronous="NORMAL")) as (one, two):
        topic, poll, options = await trip_of(one, ["ana"])
        copy = await two.topic(topic)
        await one.execute(topic, trip.Command(one.new_id(), "ben", JoinTrip("K7QM-2D4F", "Ben")))
        assert "ben" not in copy.state.members
        done = await two.execute(topic, trip.Command(two.new_id(), "ben", polls.CastVote(poll, (options[0],))))
        assert "ben" in done.state.members
        await one.execute(topic, trip.Command(one.new_id(), "ana", crew_rules.RemoveMember("ben")))
        with pytest.raises(Refused, match="not in this trip"):
            await two.execute(topic, trip.Command(two.new_id(), "ben", polls.CastVote(poll, (options[1],))))


def has(stream: Stream, events: int) -> bool:
    return len(stream.events()) == events


class Woken:
    """A follower that only notes that it was woken."""

    def __init__(self) -> None:
        self.heads: list[int] = []

    def wake(self, topic: Topic) -> None:
        self.heads.append(topic.head)

    def failed(self) -> None:
        raise AssertionError("being told can't fail here")


# R: T10
async def test_readers_of_the_other_hub_are_told_by_hints_and_after_lost_ones_by_lost(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, two):
        topic, poll, options = await trip_of(one, ["ana"])
        copy, woken = await two.topic(topic), Woken()
        copy.followers.add(woken)
        vote = polls.CastVote(poll, (options[0],))
        done = await one.execute(topic, trip.Command(one.new_id(), "ana", vote))
        await eventually(lambda: copy.position == done.position, "the hint")
        with Muted(store):
            done = await one.execute(topic, trip.Command(one.new_id(), "ana", polls.CastVote(poll, (options[1],))))
        assert copy.head == done.position.seq - 1
        store._hints.publish([Hint("lost")])
        await eventually(lambda: copy.position == done.position, "what was lost")
        assert woken.heads[-1] == done.position.seq


# R: T10
async def test_a_hint_with_a_gap_while_commands_run_is_made_good_when_they_have_ended(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, two):
        topic, poll, options = await trip_of(one, ["ana"])
        copy = await two.topic(topic)
        copy.followers.add(Woken())
        append = store.append

        async def slow(*args: Any, **more: Any) -> AppendResult:
            """The other hub appends after ours is in the store, and its hint comes before our answer; ours is lost."""
            store.append = append  # type: ignore[method-assign]
            with Muted(store):
                result = await append(*args, **more)
            await one.refresh(await one.topic(topic))
            await one.execute(topic, trip.Command(one.new_id(), "ana", trip.EditTrip(name="From the other")))
            await asyncio.sleep(0.02)
            return result

        store.append = slow  # type: ignore[method-assign]
        await two.execute(topic, trip.Command(two.new_id(), "ana", polls.CastVote(poll, (options[0],))))
        await eventually(lambda: copy.state.name == "From the other", "the other's event")


# R: T9
async def test_a_cancelled_request_has_happened_whole_or_not_at_all_and_is_answered_when_it_comes_again(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, _):
        topic, poll, options = await trip_of(one, ["ana"])
        before = (await one.topic(topic)).head
        for n in range(20):
            command = trip.Command(one.new_id(), "ana", polls.CastVote(poll, (options[n % 2],)))
            asking = asyncio.create_task(one.execute(topic, command, key=f"{n}", body="b"))
            for _ in range(n % 5):
                await asyncio.sleep(0)
            asking.cancel()
            done = await one.execute(topic, command, key=f"{n}", body="b")
            assert done.position.seq == before + n + 1


async def test_a_slow_load_does_not_set_a_copy_back(tmp_path: Path):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, _):
        topic, poll, options = await trip_of(one, ["ana"])
        copy = await one.topic(topic)
        load, loaded, go = store.load, asyncio.Event(), asyncio.Event()

        async def slow(name: str) -> Any:
            old = await load(name)
            loaded.set()
            await go.wait()
            return old

        store.load = slow  # type: ignore[method-assign,assignment]
        loading = asyncio.create_task(one._copies.load(copy))
        await loaded.wait()
        done = await one.execute(topic, trip.Command(one.new_id(), "ana", polls.CastVote(poll, (options[0],))))
        go.set()
        await loading
        assert copy.position == done.position
        assert "ana" in copy.state.polls[poll].ballots


async def test_a_store_that_fails_is_said_and_the_next_command_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    class Failing(SqliteStore):
        fails = False

        async def append(self, *args: Any, **more: Any) -> AppendResult:
            if self.fails:
                raise StoreUnavailable("the disk is full")
            return await super().append(*args, **more)

    store = Failing(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with served(tmp_path, store=store) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        made = await ana.create()
        store.fails = True
        answer = await ana.post("/update", {"tripId": made["trip"]["id"], "name": "Porto"}, key="1")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "disk" not in answer.text
        store.fails = False
        again = await ana.post("/update", {"tripId": made["trip"]["id"], "name": "Porto"}, key="1")
        assert (again.status_code, again.json()["trip"]["name"]) == (200, "Porto")


async def test_one_command_that_breaks_a_rule_of_ours_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, _):
        topic, _, _ = await trip_of(one, ["ana"])
        decide = TripKind.decide

        def broken(self: TripKind, state: Any, command: trip.Command, now: datetime) -> Any:
            if isinstance(command.act, trip.EditTrip) and command.act.name == "Bang":
                raise ZeroDivisionError
            return decide(self, state, command, now)

        monkeypatch.setattr(TripKind, "decide", broken)
        names = ("One", "Bang", "Two")
        answers = await asyncio.gather(
            *(one.execute(topic, trip.Command(one.new_id(), "ana", trip.EditTrip(name=n))) for n in names),
            return_exceptions=True,
        )
        assert [type(a).__name__ for a in answers] == ["Done", "ZeroDivisionError", "Done"]


async def test_a_hint_that_carries_nothing_says_that_there_is_something_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A store does not publish what is too long; who is told of it reads it."""

    async def deaf(hint: Hint) -> None:
        """Hears nothing."""

    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, two):
        topic, poll, options = await trip_of(one, ["ana", "ben"])
        copy = await two.topic(topic)
        before = copy.head
        hear = two._take_hint
        monkeypatch.setattr(two, "_take_hint", deaf)
        await one.execute(topic, trip.Command(one.new_id(), "ana", polls.CastVote(poll, (options[0],))))
        assert copy.head == before
        await hear(Hint("log", topic, str(copy.epoch), ()))
        assert copy.head == before + 1
