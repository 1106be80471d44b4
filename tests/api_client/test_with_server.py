"""The client against the real server: sessions, changes, following, a kill in the middle, the README's script."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.api_client.scripted import until
from tests.conftest import Count, Figure
from tests.support.serving import Running, ServerProcess, served

import roadcrew_client as rc
from roadcrew_client.settings import ClientSettings
from roadcrew_domain import crew, hotels, polls
from roadcrew_domain.money import Money
from roadcrew_domain.trip import DeleteTrip, EditTrip, TripAct
from roadcrew_domain.views import to_view

ROOT = Path(__file__).parents[2]
QUICK = ClientSettings(backoff_base=0.05, backoff_cap=0.5, retry_initial=0.05)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with served(tmp_path) as running:
        yield running


@contextlib.asynccontextmanager
async def people(url: str, *names: str) -> AsyncIterator[list[rc.Client]]:
    """Guests at a server."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(rc.Client(url, settings=QUICK)) for _ in names]
        for client, name in zip(clients, names, strict=True):
            await client.guest(name)
        yield clients


async def test_a_session_from_guest_to_account_to_signed_out(running: Running):
    async with rc.Client(running.url, settings=QUICK) as client:
        tokens: list[str | None] = []
        client.on_token = tokens.append
        session = await client.guest("Ana")
        assert (session.user.guest, client.user) == (True, session.user)
        user = await client.upgrade("ana", "correct horse battery")
        assert (user.id, user.guest, user.username) == (session.user.id, False, "ana")
        assert (await client.rename("Ana B")).name == "Ana B"
        assert (await client.whoami()).name == "Ana B"
        with pytest.raises(rc.NotSignedIn) as caught:
            await client.login("ana", "wrong horse battery")
        assert caught.value.code == "wrong-credentials"
        assert client.token == session.token
        await client.logout()
        assert tokens == [session.token, None]
        with pytest.raises(rc.NotSignedIn):
            await client.trips()
        assert (await client.login("ana", "correct horse battery")).user.id == user.id
        with pytest.raises(rc.Rejected) as taken:
            await client.signup("ana", "correct horse battery", "Other")
        assert taken.value.code == "username-taken"


# R: T1 T2 T8
async def test_create_preview_join_list_and_read(running: Running):
    async with people(running.url, "Ana", "Ben") as (ana, ben):
        assert "overview" in (await ana.server_info()).features
        made = await ana.create_trip("Lisbon", destination="Portugal", required_members=2, invite_max_uses=3)
        assert made.invite.max_uses == 3
        async with rc.Client(running.url) as nobody:
            preview = await nobody.preview(made.invite.url)
        assert (preview.trip_name, preview.invited_by, preview.active) == ("Lisbon", "Ana", True)
        with pytest.raises(rc.Forbidden):
            await ben.trip(made.trip.id)
        joined = await ben.join(made.invite.url)
        again = await ben.join(f"{made.invite.code}@{running.url.removeprefix('http://')}")
        assert len(joined.members) == len(again.members) == 2
        assert joined.discount_unlocked
        assert [t.member_count for t in await ben.trips()] == [2]
        assert await ben.trip(made.trip.id) == again
        with pytest.raises(rc.NotFound):
            await ben.trip("01a20373-275b-720f-8f1b-7b52675eca73")
        with pytest.raises(rc.Rejected, match="eight letters"):
            await ben.join("nope")


# R: T4 T5 T6
async def test_every_act_has_its_call_and_the_server_takes_it(running: Running):
    async with people(running.url, "Ana", "Ben", "Carla") as (ana, ben, carla):
        made = await ana.create_trip("Lisbon")
        trip = made.trip.id
        for guest in (ben, carla):
            await guest.join(made.invite.code)
        assert ben.user is not None
        assert carla.user is not None

        poll = (await ana.do(trip, polls.OpenPoll("When?", "yes-maybe-no", ("Wed", "Thu")))).trip
        assert poll is not None
        (poll_id,) = poll.polls
        key = ana._context.new_id()
        first = await ana.do(trip, polls.OpenPoll("Where?", "multiple", ("Sea", "Hills")), key=key)
        again = await ana.do(trip, polls.OpenPoll("Where?", "multiple", ("Sea", "Hills")), key=key)
        assert first.cursor == again.cursor
        assert again.trip is not None
        assert again.trip.polls[key].question == "Where?"

        for act in (
            EditTrip(name="Porto", destination=None),
            polls.CastVote(poll_id, answers=((f"{poll_id}.0", "yes"), (f"{poll_id}.1", "maybe"))),
            polls.CastVote(key, option_ids=(f"{key}.0", f"{key}.1")),
            polls.CastVote(key),
            polls.ClosePoll(poll_id),
            polls.ClosePoll(key),
        ):
            assert (await ana.do(trip, act)).trip is not None
        hotel_key = ana._context.new_id()
        casa = hotels.ShortlistHotel("Casa", "Porto", 3, Money(8400, "EUR"), "https://casa.example.org")
        await ana.do(trip, casa, key=hotel_key)
        other = ana._context.new_id()
        await ana.do(trip, hotels.ShortlistHotel("Sol", "Porto", 0, Money(1, "EUR")), key=other)
        choices: tuple[TripAct, ...] = (
            hotels.UnshortlistHotel(other),
            hotels.OpenHotelVoting("cheapest"),
            hotels.VoteHotel(hotel_key),
            hotels.VoteHotel(None),
            hotels.CloseHotelVoting(),
            crew.RemoveMember(carla.user.id),
        )
        for choice in choices:
            await ana.do(trip, choice)
        renewed = await ana.do(trip, rc.InviteRequest(max_uses=2))
        assert renewed.invite is not None
        assert renewed.invite.code != made.invite.code
        assert (await ana.do(trip, rc.InviteRequest(revoke=True))).invite is None
        last = await ana.do(trip, crew.HandOver(ben.user.id))
        assert last.trip is not None
        assert (last.trip.organiser, last.trip.name, last.trip.destination) == (ben.user.id, "Porto", None)
        assert (await ana.do(trip, crew.LeaveTrip())).trip is None
        assert (await ben.do(trip, DeleteTrip())).trip is None


# R: T2 S1 S6
async def test_three_people_see_each_other_live_and_a_change_is_painted_before_the_answer(running: Running):
    async with people(running.url, "Ana", "Ben", "Carla") as clients:
        ana, ben, carla = clients
        made = await ana.create_trip("Lisbon")
        for guest in (ben, carla):
            await guest.join(made.invite.code)
        async with (
            ana.follow(made.trip.id) as a,
            ben.follow(made.trip.id, where="polls") as b,
            carla.follow(made.trip.id) as c,
        ):
            lives = [a, b, c]
            await until(lambda: all(live.status.state == "live" and live.trip for live in lives))
            assert ben.user is not None
            await until(lambda: all(live.present.get(ben.user.id) == "polls" for live in lives))  # type: ignore[union-attr]
            opened = a.act(polls.OpenPoll("When?", "single", ("Wed", "Thu")))
            vote = a.act(polls.CastVote(opened.id, (f"{opened.id}.0",)))
            assert a.trip is not None
            assert len(a.trip.polls[opened.id].ballots) == 1
            assert a.confirmed is not None
            assert len(a.confirmed.polls) == 0
            assert (await vote.done).accepted
            await until(lambda: all(live.trip and opened.id in live.trip.polls for live in lives))
            b.look("hotels")
            await until(lambda: all(live.present.get(ben.user.id) == "hotels" for live in lives))  # type: ignore[union-attr]
            wrong = c.act(polls.ClosePoll(opened.id))
            outcome = await wrong.done
            assert outcome.refusal is not None
            assert outcome.refusal.code == "not-yours-to-close"
            await until(lambda: not any(live.pending for live in lives))
            assert a.trip == b.trip == c.trip


# R: T9 S7
async def test_a_server_that_is_killed_again_and_again_loses_and_doubles_no_change(
    tmp_path: Path, count: Count, figure: Figure
):
    kills = count(reduced=2, full=10)
    server = await asyncio.to_thread(ServerProcess(tmp_path).start)
    try:
        async with people(server.url, "Ana", "Ben") as (ana, ben):
            made = await ana.create_trip("Lisbon")
            await ben.join(made.invite.code)
            async with ana.follow(made.trip.id) as a, ben.follow(made.trip.id) as b:
                await until(lambda: a.status.state == b.status.state == "live" and a.trip and b.trip)
                pendings: list[rc.Pending] = []
                for _ in range(kills):
                    pendings += [live.act(polls.OpenPoll("When?", "single", ("x", "y"))) for live in (a, b)]
                    await asyncio.to_thread(server.kill)
                    pendings += [live.act(polls.OpenPoll("Where?", "single", ("x", "y"))) for live in (a, b)]
                    await until(lambda: a.status.state == b.status.state == "offline", 10)
                    assert a.status.waiting >= 1
                    await asyncio.to_thread(server.start)
                    await until(lambda: not a.pending and not b.pending, 20)
                assert all(p.done.result().accepted for p in pendings)
                await until(lambda: a.trip == b.trip)
                assert a.trip is not None
                assert sorted(a.trip.polls) == sorted(p.id for p in pendings)
                assert to_view(await ana.trip(made.trip.id)) == to_view(a.trip)
                figure("changes over kills of the server, none lost", f"{len(pendings)} over {kills}")
    finally:
        await asyncio.to_thread(server.stop)


# R: T6
async def test_who_is_removed_is_told_and_hears_nothing_more(running: Running):
    async with people(running.url, "Ana", "Ben") as (ana, ben):
        made = await ana.create_trip("Lisbon")
        await ben.join(made.invite.code)
        assert ben.user is not None
        async with ben.follow(made.trip.id) as b:
            reasons: list[str | None] = []
            b.listen(lambda change: reasons.append(change.reason) if change.kind == "gone" else None)
            await until(lambda: b.trip)
            await ana.do(made.trip.id, crew.RemoveMember(ben.user.id))
            await until(lambda: b.status.state == "gone")
            assert reasons == ["removed"]
            assert b.trip is not None
            assert ben.user.id not in b.trip.members


async def test_who_is_in_a_trip_that_is_deleted_hears_by_whom(running: Running):
    async with people(running.url, "Ana", "Ben") as (ana, ben):
        made = await ana.create_trip("Lisbon")
        await ben.join(made.invite.code)
        async with ben.follow(made.trip.id) as b:
            await until(lambda: b.status.state == "live")
            await ana.do(made.trip.id, DeleteTrip())
            await until(lambda: b.status.state == "gone")
            assert b.trip is not None
            end = b.trip.recent[-1]
            assert (b.trip.ended, end.type, end.name, end.kind) == ("deleted", "TripEnded", "Ana", "deleted")


# R: S1
async def test_polling_and_streaming_in_turn_see_the_same_log(running: Running):
    async with people(running.url, "Ana", "Ben") as (ana, ben):
        made = await ana.create_trip("Lisbon")
        await ben.join(made.invite.code)
        async with ben.follow(made.trip.id) as b:
            seqs: list[int] = []
            b.listen(lambda change: seqs.extend(e.seq for e in change.events))
            await until(lambda: b.trip and b.status.state == "live")
            for n in range(6):
                b.suspended()
                await ana.do(made.trip.id, EditTrip(name=f"Lisbon {n}"))
                b.resumed()
                await ana.do(made.trip.id, EditTrip(name=f"Porto {n}"))
                await until(lambda n=n: b.trip and b.trip.name == f"Porto {n}")  # type: ignore[misc]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            assert len(seqs) == 12


# R: G3
@pytest.mark.parametrize(
    ("readme", "first", "edited"),
    [("README.md", b"Reset(", b"TripEdited\n"), ("api_client/README.md", b"Reset(", b"TripEdited")],
)
async def test_a_readmes_script_runs_as_it_stands_and_prints_what_happens(
    readme: str, first: bytes, edited: bytes, running: Running, tmp_path: Path
):
    script = re.search(r"```python\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
    assert script is not None
    file = tmp_path / "script.py"
    async with people(running.url, "Ana") as (ana,):
        made = await ana.create_trip("Lisbon")
        # Its example of an address and of a code, where it does not take them from the environment.
        file.write_text(script[1].replace("http://127.0.0.1:8787", running.url).replace("K7QM-2D4F", made.invite.code))
        environ = {
            **os.environ,
            "ROADCREW_SERVER": running.url,
            "ROADCREW_INVITE": made.invite.url,
            "PYTHONUNBUFFERED": "1",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, file, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            async with asyncio.timeout(20):
                line = await process.stdout.readline()
                assert line.startswith(first), (line, await process.stderr.read())
                await ana.do(made.trip.id, EditTrip(name="Porto"))
                while edited not in await process.stdout.readline():
                    pass
                await ana.do(made.trip.id, DeleteTrip())
                _, errors = await process.communicate()
            assert errors == b""
            assert process.returncode == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
