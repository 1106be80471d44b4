"""What was, by the client against the real server: what happened, a change undone, what was deleted brought back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.api_client.scripted import until
from tests.api_client.test_with_server import QUICK, people
from tests.support.serving import Running, served

import roadcrew_client as rc
from roadcrew_client import _past_calls
from roadcrew_client.routes import act_of, call_of
from roadcrew_domain import dropped, hotels, polls
from roadcrew_domain.money import Money
from roadcrew_domain.trip import DeleteTrip, EditTrip, RestoreTrip, TripAct


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with served(tmp_path) as running:
        yield running


@pytest.mark.parametrize("act", [RestoreTrip(), dropped.RestoreHotel("casa")])
def test_what_brings_back_is_a_change_that_an_outbox_can_keep(act: TripAct):
    assert act_of(call_of("t", act)) == ("t", act)


# R: T10
async def test_a_history_is_read_page_by_page(running: Running):
    async with people(running.url, "Ana") as (ana,):
        trip = (await ana.create_trip("Lisbon")).trip.id
        for name in ("Porto", "Faro", "Braga"):
            await ana.do(trip, EditTrip(name=name))
        newest = await ana.history(trip, limit=3)
        assert ([e.type for e in newest.events], newest.more) == (["TripEdited"] * 3, True)
        first = await ana.history(trip, before=newest.events[0].seq)
        assert ([e.seq for e in first.events], first.more) == ([0], False)
        with pytest.raises(rc.NotFound):
            await ana.history("01a20373-275b-720f-8f1b-7b52675eca73")


# R: T4 T10
async def test_my_last_change_is_undone_however_far_back_it_lies(running: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_past_calls, "PAGE", 2)
    async with people(running.url, "Ana", "Ben") as (ana, ben):
        made = await ana.create_trip("Lisbon")
        trip = made.trip.id
        await ben.join(made.invite.code)
        poll = ana.new_id()
        await ana.do(trip, polls.OpenPoll("When?", "single", ("Wed", "Thu")), key=poll)
        for option in (0, 1):
            await ben.do(trip, polls.CastVote(poll, (f"{poll}.{option}",)))
        for name in ("Porto", "Faro", "Braga"):
            await ana.do(trip, EditTrip(name=name))
        undone = await ben.undo(trip)
        assert undone.act == polls.CastVote(poll, (f"{poll}.0",))
        assert (undone.about.what, undone.about.choices, undone.pending) == ("When?", (("Wed", "yes"),), None)
        assert ben.user is not None
        assert (await ana.trip(trip)).polls[poll].ballots[ben.user.id] == ((f"{poll}.0", "yes"),)
        assert (await ben.undo(trip)).act == polls.CastVote(poll, (f"{poll}.1",))
        async with rc.Client(running.url, token=ana.token, settings=QUICK) as again:  # who does not know yet who it is
            assert (await again.undo(trip)).act == EditTrip(name="Faro")
        monkeypatch.setattr(_past_calls, "FURTHEST", 4)
        for n in range(4):
            await ana.do(trip, EditTrip(name=f"Name {n}"))
        with pytest.raises(rc.Rejected) as no:
            await ben.undo(trip)
        assert no.value.code == "nothing-to-undo"


# R: T10
async def test_what_somebody_else_has_changed_since_is_not_undone_and_it_is_said_who_did(running: Running):
    async with people(running.url, "Ana", "Ben") as (ana, ben):
        made = await ana.create_trip("Lisbon")
        trip = made.trip.id
        await ben.join(made.invite.code)
        await ben.do(trip, EditTrip(destination="Sea"))
        await ana.do(trip, EditTrip(destination="Hills"))
        with pytest.raises(rc.Rejected, match="Ana has changed the destination since") as no:
            await ben.undo(trip)
        assert (no.value.code, no.value.facts["name"]) == ("changed-since", "Ana")
        assert (await ana.trip(trip)).destination == "Hills"


# R: T10
async def test_who_has_changed_nothing_is_told_so_and_what_can_not_be_undone_says_why(running: Running):
    async with people(running.url, "Ana", "Ben") as (ana, ben):
        made = await ana.create_trip("Lisbon")
        await ben.join(made.invite.code)
        with pytest.raises(rc.Rejected, match="Leave the trip instead") as no:
            await ben.undo(made.trip.id)
        assert no.value.code == "cannot-undo"
        with pytest.raises(rc.NotFound):
            await ben.undo("01a20373-275b-720f-8f1b-7b52675eca73")


# R: T10 S6
async def test_an_undo_in_a_trip_that_is_followed_is_painted_at_once_and_waits_for_what_is_not_sent(running: Running):
    cable = rc.Cable()
    async with people(running.url, "Ana") as (ana,):
        trip = (await ana.create_trip("Lisbon")).trip.id
        async with (
            rc.Client(running.url, token=ana.token, settings=QUICK, cable=cable) as mine,
            mine.follow(trip) as live,
        ):
            await until(lambda: live.status.state == "live" and live.trip is not None)
            live.act(EditTrip(name="Porto"))
            undone = await mine.undo(trip)
            assert live.trip is not None
            assert live.trip.name == "Lisbon"
            assert undone.act == EditTrip(name="Lisbon")
            assert undone.pending is not None
            assert (await undone.pending.done).accepted
            cable.unplug()
            live.act(EditTrip(name="Faro"))
            with pytest.raises(rc.Rejected) as no:
                await mine.undo(trip)
            assert no.value.code == "changes-wait"
            cable.plug()


# R: T5
async def test_a_hotel_is_brought_back_with_and_without_following(running: Running):
    async with people(running.url, "Ana") as (ana,):
        trip, casa = (await ana.create_trip("Lisbon")).trip.id, ana.new_id()
        await ana.do(trip, hotels.ShortlistHotel("Casa", "Lisbon", 3, Money(8400, "EUR")), key=casa)
        await ana.do(trip, hotels.UnshortlistHotel(casa))
        assert await ana.restore_hotel(trip, casa) is None
        assert casa in (await ana.trip(trip)).hotels
        async with ana.follow(trip) as live:
            await until(lambda: live.status.state == "live" and live.trip is not None)
            assert (await live.act(hotels.UnshortlistHotel(casa)).done).accepted
            pending = await ana.restore_hotel(trip, casa)
            assert live.trip is not None
            assert casa in live.trip.hotels
            assert pending is not None
            assert (await pending.done).accepted


# R: T6
async def test_a_deleted_trip_is_listed_and_brought_back_and_is_followed_again(running: Running):
    async with people(running.url, "Ana", "Ben") as (ana, ben):
        made = await ana.create_trip("Lisbon", destination="Portugal")
        trip = made.trip.id
        await ben.join(made.invite.code)
        await ana.do(trip, DeleteTrip())
        assert await ben.deleted_trips() == ()
        (there,) = await ana.deleted_trips()
        assert (there.id, there.name, there.destination, there.members) == (trip, "Lisbon", "Portugal", 2)
        assert (there.restorable_until - there.deleted_at).days == 30
        with pytest.raises(rc.Rejected) as no:
            await ben.restore_trip(trip)
        assert no.value.code == "trip-ended"
        restored = await ana.restore_trip(trip)
        assert (restored.ended, len(restored.members)) == (None, 2)
        assert await ana.deleted_trips() == ()
        async with ben.follow(trip) as live:
            await until(lambda: live.status.state == "live" and live.trip is not None)
            assert live.trip == restored
