"""A quote run of a trip is read by the trip's members, and by nobody a moment longer than they are that."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.conftest import Guest
from tests.support.hubs import two_servers
from tests.support.people import Person, connected, crew
from tests.support.runs import PlayedRun, followed, polled
from tests.support.serving import Running

from roadcrew_domain.quotes_state import VoteQuote
from roadcrew_server.reader import Reader


async def run_of(running: Running, people: list[Person], made: Any) -> PlayedRun:
    run = await PlayedRun.ask(running.server.hub, people[0].id, made["trip"]["id"])
    return await run.start()


async def removed(by: Person, who: Person, made: Any) -> None:
    await by.do("/remove-member", {"tripId": made["trip"]["id"], "memberId": who.id})


def seen(stream: Any) -> list[str]:
    """The types of events that were told, and the names of other frames."""
    return [f.data["type"] if "type" in (f.data or {}) else f.kind for f in stream.frames]


# R: Q2
async def test_members_read_a_run_of_their_trip_and_nobody_else_does(running: Running, http, guest: Guest) -> None:
    made, (ana, ben) = await crew(http, 2)
    run = await run_of(running, [ana, ben], made)
    eve = await guest("Eve")
    for path in (f"/api/quotes/{run.id}", f"/api/quotes/{run.id}/stream"):
        assert (await polled(ben, path)).status_code == 200
        answer = await polled(eve, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-a-member")
    async with ben.stream(run.topic, made["trip"]["id"]) as both:
        assert {(await both.next("reset")).data["topic"], (await both.next("reset")).data["topic"]} == {
            run.topic,
            f"trip:{made['trip']['id']}",
        }
    assert (await eve.poll(run.topic)).status_code == 403


# R: Q2
async def test_a_run_of_no_trip_is_there_for_who_asked_and_for_nobody_else(running: Running, guest: Guest) -> None:
    ana, eve = await guest("Ana"), await guest("Eve")
    run = await PlayedRun.ask(running.server.hub, ana.id)
    assert (await polled(ana, f"/api/quotes/{run.id}")).status_code == 200
    answer = await polled(eve, f"/api/quotes/{run.id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-quote-run")


# R: Q2
async def test_who_is_removed_from_the_trip_is_told_so_and_nothing_of_the_run_that_comes_after(
    running: Running, http
) -> None:
    made, (ana, ben) = await crew(http, 2)
    run = await run_of(running, [ana, ben], made)
    path = f"/api/quotes/{run.id}/stream"
    async with followed(ben, path) as bens, followed(ana, path) as anas:
        await run.answer(0)
        await bens.until(lambda f: f.kind == "progress")
        # Nothing is waited for in between, so that the answer is there before the stream has had its turn.
        await asyncio.gather(removed(ana, ben, made), run.answer(1), run.answer(2))
        await anas.until(lambda f: f.kind == "finished")
        frames = await bens.end()
        assert frames[-1].kind == "gone"
        assert frames[-1].data == {"topic": run.topic, "reason": "removed"}
    async with followed(ana, path) as anas:
        await run.do(VoteQuote(None), ana.id)
        assert (await polled(ben, path)).json()["code"] == "not-a-member"


# R: Q2
@pytest.mark.parametrize("trip_first", [True, False])
async def test_who_follows_trip_and_run_sees_the_removal_and_then_neither(
    running: Running, http, trip_first: bool
) -> None:
    made, (ana, ben) = await crew(http, 2)
    run = await run_of(running, [ana, ben], made)
    topics = [f"trip:{made['trip']['id']}", run.topic][:: 1 if trip_first else -1]
    async with ben.stream(*topics) as stream:
        for _ in topics:
            await stream.next("reset")
        await removed(ana, ben, made)
        await run.say(0, "Nobody else hears this.")
        frames = await stream.end()
        assert [f.data for f in frames if f.kind == "gone"] == [{"topic": t, "reason": "removed"} for t in topics]
        assert [e["type"] for e in stream.events()] == ["MemberRemoved"]


# R: Q2
async def test_when_the_trip_ends_its_runs_end_for_those_who_follow_them(running: Running, http) -> None:
    made, (ana, ben) = await crew(http, 2)
    run = await run_of(running, [ana, ben], made)
    async with followed(ben, f"/api/quotes/{run.id}/stream") as stream:
        await stream.next("runner")
        await ana.do("/delete", {"tripId": made["trip"]["id"]})
        frames = await stream.end()
        assert (frames[-1].kind, frames[-1].data["reason"]) == ("gone", "ended")
    answer = await polled(ben, f"/api/quotes/{run.id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "quote-run-expired")


# R: Q2
async def test_what_happens_in_the_trip_is_not_told_to_who_follows_the_run_alone(running: Running, http) -> None:
    made, (ana, ben) = await crew(http, 2)
    run = await run_of(running, [ana, ben], made)
    async with followed(ben, f"/api/quotes/{run.id}/stream") as stream:
        await stream.next("runner")
        await ana.do("/update", {"tripId": made["trip"]["id"], "name": "Porto"})
        await run.answer(0)
        await stream.next("progress")
        assert seen(stream) == ["QuoteRequested", "RunnerStarted", "QuoteResult", "QuoteProgress"]


# R: Q2
async def test_events_of_a_run_pass_on_the_short_way_and_the_trips_wake_no_reader_of_the_run(
    running: Running, http
) -> None:
    made, (ana, ben) = await crew(http, 2)
    hub = running.server.hub
    run = await run_of(running, [ana, ben], made)
    with await Reader.open(hub, ben.id, [run.topic]) as reader:
        await reader.take(10)
        run_topic, trip_topic = hub.topics[run.topic], hub.topics[f"trip:{made['trip']['id']}"]
        await run.answer(0)
        news = reader.news(run_topic)
        assert news is not None
        assert len(news.frames) == 2
        reader.heard(run_topic, news)
        await ana.do("/update", {"tripId": made["trip"]["id"], "name": "Porto"})
        quiet = reader.news(trip_topic)
        assert quiet is not None
        assert quiet.frames == ()
        trip_topic.distrust()  # somebody may have been removed, of which this process has not heard
        await run.say(1, "Looking.")
        assert reader.news(run_topic) is None


# R: Q2
async def test_a_process_that_missed_something_asks_for_the_trip_before_it_tells_of_its_run(tmp_path: Path) -> None:
    async with two_servers(tmp_path) as (one, two), connected(one.url) as here, connected(two.url) as there:
        made, (ana, ben) = await crew(here, 2)
        run = await run_of(two, [ana, ben], made)
        async with followed(Person(there, ben.token), f"/api/quotes/{run.id}/stream") as stream:
            await stream.next("runner")
            await removed(ana, ben, made)  # at the other process, which this one does not hear
            assert ben.id in two.server.hub.topics[f"trip:{made['trip']['id']}"].state.members
            two.server.hub._distrust()
            await run.say(0, "Nobody else hears this.")
            frames = await stream.end()
            assert seen(stream) == ["QuoteRequested", "RunnerStarted", "gone"]
            assert frames[-1].data["reason"] == "removed"
        answer = await polled(Person(there, ben.token), f"/api/quotes/{run.id}")
        assert (answer.status_code, answer.json()["code"]) == (403, "not-a-member")


# R: Q2
async def test_who_joined_by_another_process_reads_the_trips_runs_at_this_one_at_once(tmp_path: Path) -> None:
    async with two_servers(tmp_path) as (one, two), connected(one.url) as here, connected(two.url) as there:
        made, (ana,) = await crew(here, 1)
        run = await run_of(two, [ana], made)
        assert (await polled(Person(there, ana.token), f"/api/quotes/{run.id}")).status_code == 200
        ben = await Person.guest(here, "Ben")
        await ben.do("/join", {"invite": made["invite"]["code"]})
        assert ben.id not in two.server.hub.topics[f"trip:{made['trip']['id']}"].state.members
        assert (await polled(Person(there, ben.token), f"/api/quotes/{run.id}")).status_code == 200


# R: Q8
async def test_who_became_the_organiser_at_another_process_can_cancel_at_this_one_at_once(tmp_path: Path) -> None:
    async with two_servers(tmp_path) as (one, two), connected(one.url) as here, connected(two.url) as there:
        made, (ana, ben) = await crew(here, 2)
        run = await run_of(two, [ana], made)
        bens = Person(there, ben.token)
        refused = await bens.request("DELETE", f"/api/quotes/{run.id}")
        assert (refused.status_code, refused.json()["code"]) == (403, "not-yours-to-cancel")
        await ana.do("/organiser", {"tripId": made["trip"]["id"], "memberId": ben.id})
        assert two.server.hub.topics[f"trip:{made['trip']['id']}"].state.organiser == ana.id
        assert (await bens.request("DELETE", f"/api/quotes/{run.id}")).json()["status"] == "cancelled"
