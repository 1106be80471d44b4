"""Prices and imports by the client against the real server: asked for, followed by everybody of the trip, voted for,
sent, cut and sent again; and the README's script as it stands."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api_client.scripted import until
from tests.price_monitor.server import KEY, Process
from tests.support.pricing import VIN, Played, day, providers, ready
from tests.support.serving import Running, served

import roadcrew_client as rc
from roadcrew_client.settings import ClientSettings
from roadcrew_domain.crew import RemoveMember
from roadcrew_domain.hotels import ShortlistHotel
from roadcrew_domain.jobs_state import ImportJob
from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import Choice, QuoteRun

ROOT = Path(__file__).parents[2]
QUICK = ClientSettings(backoff_base=0.05, backoff_cap=0.5, retry_initial=0.05, look_throttle=0.05)
WAIT = 10.0
FEED = b"name,city,stars,price,currency\n" + b"".join(
    b"Hotel %d,Lisbon,%d,%d,EUR\n" % (n, n % 5 + 1, 40 + n % 90) for n in range(30_000)
)


@pytest.fixture
async def slow() -> Played:
    """A provider that answers when it may."""
    return Played(amount=90_000)


@pytest.fixture
async def running(tmp_path: Path, slow: Played) -> AsyncIterator[Running]:
    async with served(tmp_path, asked=providers(ready(), slow)) as running:
        yield running


async def crew(running: Running) -> tuple[rc.Client, rc.Client, str, str]:
    """Ana and Ben, their trip, and the hotel on its shortlist."""
    ana, ben = (rc.Client(running.url, settings=QUICK) for _ in range(2))
    await ana.guest("Ana")
    await ben.guest("Ben")
    made = await ana.create_trip("Lisbon")
    await ben.join(made.invite.code)
    hotel = ShortlistHotel("Casa Azul", "Lisbon", 4, Money(8_400, "EUR"), None)
    answer = await ana.do(made.trip.id, hotel)
    assert answer.trip is not None
    return ana, ben, made.trip.id, next(iter(answer.trip.hotels))


# R: Q1 Q2 Q4 Q8
async def test_a_run_is_seen_by_the_whole_trip_from_the_question_to_the_last_answer(running: Running, slow: Played):
    ana, ben, trip, hotel = await crew(running)
    async with ana, ben:
        info = await ana.server_info()
        assert info.quotes is not None
        assert [p.id for p in info.quotes.providers] == ["p0", "p1"]
        started = await ana.request_stay([hotel], day(30), day(33), 2, trip)
        name = f"quote:{started.run_id}"
        async with ana.follow_run(name) as here, ben.follow_run(name) as there:
            lives = (here, there)
            await until(lambda: all(has_answers(live, 1) for live in lives), WAIT)
            voted = await ben.vote_quote(started.run_id, Choice("p0", hotel))
            await until(lambda: all(live.state == voted.run for live in lives), WAIT)
            slow.answer.set()
            await until(lambda: all(has_answers(live, 2) for live in lives), WAIT)
            await until(lambda: all(live.state and live.state.status == "finished" for live in lives), WAIT)
        over = (await ben.quote_run(started.run_id)).run
        assert over.status == "finished"
        assert over.answers["p1"].prices[0].total == Money(90_000, "EUR")
        again = await ben.request_stay([hotel], day(30), day(33), 2, trip, started.run_id)
        assert (await ben.quote_run(again.run_id)).run.again_of == started.run_id


def has_answers(live: rc.LiveRun, count: int) -> bool:
    state = live.state
    return isinstance(state, QuoteRun) and sum(bool(a.prices) for a in state.answers.values()) == count


# R: Q1 Q5 Q8
async def test_a_vehicle_is_asked_for_once_however_often_that_is_sent_and_stopped(running: Running, slow: Played):
    ana, ben, trip, _ = await crew(running)
    async with ana, ben:
        key = ana.new_id()
        first = await ana.request_vehicle(VIN, [40], day(30), day(33), trip, key=key)
        assert await ana.request_vehicle(VIN, [40], day(30), day(33), trip, key=key) == first
        async with ben.follow_run(f"quote:{first.run_id}") as live:
            await until(lambda: has_answers(live, 1), WAIT)
            assert (await ana.cancel_quote(first.run_id)).run.status == "cancelled"
            await until(lambda: live.state is not None and live.state.status == "cancelled", WAIT)
        assert len(slow.asked) == 1
        for attempt, code in (
            (lambda: ana.request_vehicle(VIN[:-1] + "9", [40], day(30), day(33), trip), "bad-vin"),
            (lambda: ana.request_vehicle(VIN, [7], day(30), day(33), trip), "bad-drivers"),
            (lambda: ana.request_stay(["no"], day(30), day(33), 2, trip), "unknown-hotel"),
            (lambda: ana.quote_run(ana.new_id()), "unknown-quote-run"),
        ):
            with pytest.raises(rc.RoadcrewError) as caught:
                await attempt()
            assert caught.value.code == code


# R: J3 Q8
async def test_who_is_removed_from_the_trip_follows_its_run_no_further(running: Running):
    ana, ben, trip, hotel = await crew(running)
    async with ana, ben:
        started = await ana.request_stay([hotel], day(30), day(33), 2, trip)
        async with ben.follow_run(f"quote:{started.run_id}") as live:
            await until(lambda: has_answers(live, 1), WAIT)
            assert ben.user is not None
            await ana.do(trip, RemoveMember(ben.user.id))
            await until(lambda: live.status.state == "gone", WAIT)
            assert live.state is None


# R: J1 J2 J3 J5 J6
async def test_a_file_is_sent_through_a_torn_line_imported_once_and_looked_through(tmp_path: Path):
    file = tmp_path / "hotels.csv"
    file.write_bytes(FEED + b"Broken,Lisbon,4,cheap,EUR\n")
    cable, told = rc.Cable(), list[int]()

    def sent(done: int) -> None:
        told.append(done)
        if told.count(0) == 1 and done > len(FEED) // 2:
            cable.tear()

    with Process(tmp_path / "monitor") as monitor:
        where: dict[str, Any] = {"MONITOR_PRICE_APP_HOST": f"127.0.0.1:{monitor.port}", "PRICE_MONITOR_API_KEY": KEY}
        async with (
            served(tmp_path, **where) as running,
            rc.Client(running.url, settings=QUICK, cable=cable) as ana,
        ):
            await ana.guest("Ana")
            trip = (await ana.create_trip("Lisbon")).trip.id
            info = await ana.server_info()
            assert info.imports is not None
            assert info.imports.max_bytes is not None
            started = await ana.start_import(trip, file, "Spring", "csv", sent=sent)
            assert told.count(0) == 2, "it was sent from its start again"
            async with ana.follow_run(f"job:{started.job_id}") as live:
                await until(lambda: live.state is not None and live.state.status != "processing", 30)
                job = live.state
            assert isinstance(job, ImportJob)
            assert (job.status, job.counts.good, job.counts.refused) == ("finished", 30_000, 1)
            assert len([run for run in (await ana.trip(trip)).runs.values() if run.kind == "import"]) == 1
            page = await ana.imported_hotels(started.job_id, "price", max_price=4_100, limit=3)
            assert [hotel.price_per_night.amount for hotel in page.hotels] == [4_000] * 3
            later = await ana.imported_hotels(started.job_id, "price", max_price=4_100, limit=3, after=page.next)
            assert not set(later.hotels) & set(page.hotels)
            refused = await ana.refused_rows(started.job_id)
            assert [(row.line, row.code) for row in refused.rows] == [(30_002, "bad-price")]
            assert (await ana.cancel_import(started.job_id)).job.status == "finished"
            hotel = page.hotels[0]
            act = ShortlistHotel(hotel.name, hotel.city, hotel.stars, hotel.price_per_night, None)
            answer = await ana.do(trip, act)
            assert answer.trip is not None
            assert [h.name for h in answer.trip.hotels.values()] == [hotel.name]


# R: Q1 G3
async def test_the_readmes_script_asks_for_prices_as_it_stands(tmp_path: Path):
    scripts = re.findall(r"```python\n(.*?)```", (ROOT / "api_client" / "README.md").read_text(), re.DOTALL)
    (script,) = [found for found in scripts if "request_stay" in found]
    async with served(tmp_path, asked=providers(ready(), ready(amount=9_000))) as running:
        ana, ben, trip, _ = await crew(running)
        async with ana, ben:
            assert ana.token is not None
            environ = {
                **os.environ,
                "ROADCREW_SERVER": running.url,
                "ROADCREW_TOKEN": ana.token,
                "TRIP": trip,
                "DAY": day(30).isoformat(),
            }
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-c", script, cwd=tmp_path, env=environ, stdout=pipe, stderr=pipe
            )
            said, errors = await process.communicate()
            assert errors == b""
            assert said.decode().splitlines()[-1] == "best Provider 1 Casa Azul 9000 EUR"
