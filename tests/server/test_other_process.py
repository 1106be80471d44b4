"""What one process has answered, another does not deny: its memory is no reason for a no."""

from pathlib import Path

from tests.support.hubs import Deaf, trip_of, two_hubs, two_servers
from tests.support.people import Person, connected, crew

from roadcrew_domain import trip
from roadcrew_domain.crew import JoinTrip
from roadcrew_server.hub import Hub
from roadcrew_server.stores.base import Hint
from roadcrew_server.topics import TripKind


# R: T2 T9
async def test_who_joined_by_one_process_is_a_member_on_the_other_before_it_has_heard_of_it(tmp_path: Path):
    async with two_servers(tmp_path) as (one, two), connected(one.url) as here, connected(two.url) as there:
        made, (ana, ben) = await crew(here, 2)
        trip_id, there_ana = made["trip"]["id"], Person(there, ana.token)
        assert (await there_ana.trip(trip_id)).status_code == 200
        for n, ask in enumerate(("read", "poll", "stream", "where")):
            dev = await Person.guest(here, f"Dev {n}")
            await dev.do("/join", {"invite": made["invite"]["code"]})
            assert dev.id not in two.server.hub.topics[f"trip:{trip_id}"].state.members
            status = await asked(Person(there, dev.token), ask, trip_id)
            assert status in (200, 204), ask
        assert (await Person(there, ben.token).trip(trip_id)).status_code == 200
        eve = await Person.guest(here, "Eve")
        assert (await Person(there, eve.token).trip(trip_id)).json()["code"] == "not-a-member"


async def asked(who: Person, what: str, trip_id: str) -> int:
    """The status of one of the ways to look at a trip."""
    match what:
        case "read":
            return (await who.trip(trip_id)).status_code
        case "poll":
            return (await who.poll(trip_id)).status_code
        case "stream":
            async with who.stream(trip_id) as stream:
                await stream.next("reset")
            return 200
    body = {"topic": f"trip:{trip_id}", "where": "polls"}
    return (await who.post("/api/sync/where", body)).status_code


# R: T2
async def test_an_invite_that_was_made_by_one_process_is_good_on_the_other(tmp_path: Path):
    async with two_servers(tmp_path) as (one, two), connected(one.url) as here, connected(two.url) as there:
        made, (ana,) = await crew(here, 1)
        trip_id = made["trip"]["id"]
        await Person(there, ana.token).trip(trip_id)
        renewed = await ana.do("/invite", {"tripId": trip_id})
        page = await there.get(f"/j/{renewed['invite']['code']}", headers={"Accept": "application/json"})
        assert page.json()["active"] is True


# R: T9
async def test_a_process_that_stood_still_answers_nothing_from_memory(tmp_path: Path):
    store = Deaf(tmp_path / "store.sqlite", synchronous="NORMAL")
    async with two_hubs(store) as (one, _):
        moment = 1000.0
        paused = Hub(store, (TripKind(),), one.settings, monotonic=lambda: moment)
        topic, _, _ = await trip_of(one, ["ana"])
        await paused.topic(topic)
        await one.execute(topic, trip.Command(one.new_id(), "ben", JoinTrip("K7QM-2D4F", "Ben")))
        moment += 0.9
        assert "ben" not in (await paused.topic(topic)).state.members  # a second is what a copy may be behind
        moment += 1.3
        assert "ben" in (await paused.topic(topic)).state.members
        assert paused.counters.stalls == 1


# R: C9 T9
async def test_who_was_renamed_by_one_process_is_called_so_by_the_other(tmp_path: Path):
    async with two_servers(tmp_path) as (one, two), connected(one.url) as here, connected(two.url) as there:
        _, (ana, _) = await crew(here, 2)
        there_ana = Person(there, ana.token)
        eve = await Person.guest(here, "Eve")
        others = await eve.create()
        assert (await there_ana.get("/api/session")).json()["user"]["name"] == "Person 0"
        assert (await ana.request("PATCH", "/api/session", {"name": "Anna"})).is_success
        joined = await there_ana.do("/join", {"invite": others["invite"]["code"]})
        created = await there_ana.create()
        for trip in (joined["trip"], created["trip"]):
            assert "Anna" in {m["name"] for m in trip["members"]}
        assert (await there_ana.get("/api/session")).json()["user"]["name"] == "Anna"
        account = {"username": "anna", "password": "correct horse"}
        assert (await ana.post("/api/session/upgrade", account)).is_success
        assert (await there_ana.get("/api/session")).json()["user"]["username"] == "anna"


# R: S9 T9
async def test_what_is_signed_out_elsewhere_while_the_link_was_lost_is_signed_out_here(tmp_path: Path):
    async with two_servers(tmp_path) as (one, two), connected(one.url) as here, connected(two.url) as there:
        made, (ana, ben) = await crew(here, 2)
        trip_id, there_ana, there_ben = made["trip"]["id"], Person(there, ana.token), Person(there, ben.token)
        async with there_ana.stream(trip_id) as stream, there_ben.stream(trip_id) as bens:
            await stream.next("reset")
            await bens.next("reset")
            assert (await ana.request("DELETE", "/api/session")).is_success
            assert (await there_ana.trip(trip_id)).status_code == 200  # it has not heard of it
            await two.server.hub._take_hint(Hint("lost"))
            assert (await there_ana.trip(trip_id)).json()["code"] == "not-signed-in"
            bye = await stream.next("bye")
            assert bye.data["reason"] == "age"  # it could have been renewed: who has a good token comes back
            assert (await there_ben.trip(trip_id)).status_code == 200
            assert not bens.closed
