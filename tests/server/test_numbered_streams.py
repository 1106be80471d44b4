"""A run's log by plain numbers: from any of them, on any process, and from its first event to its last."""

from pathlib import Path

import pytest
from tests.support.hubs import two_servers
from tests.support.people import Person, connected
from tests.support.runs import PlayedRun, followed, polled
from tests.support.serving import Running, served

from roadcrew_domain.jobs_state import AddRows, Checkpoint, JobCommand, RequestImport
from roadcrew_domain.quotes_state import QuoteTick
from roadcrew_domain.running import StartRunner
from roadcrew_server.sse import wants_stream


async def run_of(running: Running, ana: Person, *, events: int = 0, **more) -> PlayedRun:
    """A run with so many events, and 0 and 1 are how it began."""
    run = await (await PlayedRun.ask(running.server.hub, ana.id, **more)).start()
    for n in range(events - 2):
        await run.say(n % 3, "Looking.")
    return run


def path_of(run: PlayedRun) -> str:
    return f"/api/quotes/{run.id}/stream"


# R: Q2
async def test_a_stream_begins_with_number_0_and_names_each_event(running: Running, ana: Person) -> None:
    run = await run_of(running, ana)
    async with followed(ana, path_of(run)) as stream:
        await run.say(0, "Looking.")
        await run.answer(0)
        await run.fail(1)
        await run.answer(2)
        await stream.until(lambda f: f.kind == "finished")
        assert [f.id for f in stream.frames] == [str(n) for n in range(len(stream.frames))]
        assert [f.kind for f in stream.frames] == [
            *("requested", "runner", "activity", "result", "progress"),
            *("failure", "progress", "result", "progress", "finished"),
        ]
        assert [f.data["seq"] for f in stream.frames] == list(range(len(stream.frames)))


# R: Q3
@pytest.mark.parametrize("read", [-1, 0, 3, 10, 11])
async def test_who_has_read_up_to_a_number_gets_the_next_one_streaming_and_polling(
    running: Running, ana: Person, read: int
) -> None:
    run = await run_of(running, ana, events=8)
    for n in (0, 1):
        await run.answer(n)
    assert running.server.hub.topics[run.topic].head == 11
    wanted = list(range(read + 1, 12))
    batch = await polled(ana, path_of(run), after=read)
    assert [e["seq"] for e in batch.json()["events"]] == wanted if wanted else batch.status_code == 204
    async with followed(ana, path_of(run), last_event_id=str(read), after=5) as stream:
        await run.answer(2)
        await stream.until(lambda f: f.kind == "finished")
        assert [int(f.id) for f in stream.frames] == [*wanted, 12, 13, 14]


# R: Q3
async def test_polling_from_batch_to_batch_loses_and_repeats_nothing(running: Running, ana: Person) -> None:
    run = await PlayedRun.ask(running.server.hub, ana.id, providers=32)
    await run.start()
    for n in range(32):
        for _ in range(6):
            await run.say(n, "Looking.")
    seen, seq, more = [], -1, True
    while more:
        answer = (await polled(ana, path_of(run), after=seq)).json()
        seen += [e["seq"] for e in answer["events"]]
        assert answer["seq"] == seen[-1]
        seq, more = answer["seq"], answer["more"]
    assert seen == list(range(194))
    assert (await polled(ana, path_of(run), after=seq)).status_code == 204


# R: Q3
@pytest.mark.parametrize("number", ["12", "999999999999999", "nonsense", "-2", "1e3", "٣", "9" * 40])
async def test_a_number_that_has_not_happened_or_is_none_gets_the_state(
    running: Running, ana: Person, number: str
) -> None:
    run = await run_of(running, ana, events=4)
    batch = (await polled(ana, path_of(run), after=number)).json()
    assert (batch["reset"]["seq"], batch["reset"]["state"]["id"], batch["events"]) == (3, run.id, [])
    async with followed(ana, path_of(run), after=number) as stream:
        reset = await stream.next()
        assert (reset.kind, reset.id, reset.data["seq"]) == ("reset", "3", 3)
        await run.answer(0)
        assert (await stream.next()).id == "4"


# R: Q3
async def test_at_another_process_that_had_not_heard_of_it_the_log_goes_on_where_it_was(tmp_path: Path) -> None:
    async with two_servers(tmp_path) as (one, two), connected(one.url) as here, connected(two.url) as there:
        ana = await Person.guest(here, "Ana")
        run = await run_of(one, ana, events=20)
        elsewhere = Person(there, ana.token)
        async with followed(elsewhere, path_of(run), last_event_id="10") as stream:
            await stream.until(lambda f: f.id == "19")
            assert [int(f.id) for f in stream.frames] == list(range(11, 20))
        await run.say(0, "One more, of which the other process has not heard.")
        assert (await polled(elsewhere, path_of(run), after=20)).status_code == 204
        async with followed(elsewhere, path_of(run), last_event_id="20") as stream:
            await run.say(1, "And one.")
            await two.server.hub.distrust()
            assert (await stream.next()).id == "21"


# R: Q3
async def test_a_run_is_its_whole_history_however_long_it_gets(tmp_path: Path) -> None:
    async with served(tmp_path, snapshot_every=10, ring=5) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        run = await PlayedRun.ask(running.server.hub, ana.id, providers=32)
        await run.start()
        for n in range(32):
            for _ in range(8):
                await run.say(n, "Looking.")
        async with followed(ana, path_of(run)) as stream:
            await stream.until(lambda f: f.id == "257")
            assert [int(f.id) for f in stream.frames] == list(range(258))
        assert running.server.hub.counters.snapshots == 0


# R: J1
async def test_an_import_whose_old_progress_is_gone_begins_with_its_state(tmp_path: Path) -> None:
    async with served(tmp_path, snapshot_every=20, ring=20) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        trip, hub = (await ana.create())["trip"]["id"], running.server.hub
        job = hub.new_id()
        name = f"job:{job}"
        request = RequestImport(trip, "hotels.csv", "csv", 10**6, 600, 7200)
        await hub.execute(name, JobCommand(job, ana.id, request))
        await hub.execute(name, JobCommand(hub.new_id(), None, StartRunner(1)))
        for n in range(1, 201):
            rows = AddRows(1, 10, 0, Checkpoint(n, ""), n * 100, page=f"{job}/1/{n}")
            await hub.execute(name, JobCommand(hub.new_id(), None, rows))
        async with followed(ana, f"/api/jobs/{job}/progress") as stream:
            reset = await stream.next()
            assert (reset.kind, reset.id) == ("reset", "201")
            assert reset.data["state"]["counts"]["good"] == 2000
            assert reset.data["state"]["pages"] == []
        kept = (await polled(ana, f"/api/jobs/{job}/progress", after=150)).json()
        assert [e["seq"] for e in kept["events"]] == list(range(151, 202))


# R: Q3
async def test_when_a_run_is_no_longer_kept_its_stream_ends_and_it_is_said_so(
    running: Running, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await run_of(running, ana, within=60, keep_for=60)
    async with followed(ana, path_of(run)) as stream:
        await stream.next("runner")
        later = run.state.keep_until
        monkeypatch.setattr(run.hub.store, "now", lambda: later)
        await run.do(QuoteTick())
        frames = await stream.end()
        assert [f.kind for f in frames] == ["requested", "runner", "interrupted", "expired", "gone"]
        assert frames[-1].data["reason"] == "ended"
        assert [f.id for f in frames] == ["0", "1", "2", "3", "3"]
    answer = await polled(ana, path_of(run))
    assert (answer.status_code, answer.json()["code"]) == (404, "quote-run-expired")


# R: T12
async def test_a_numbered_stream_says_bye_at_its_age_and_goes_on_from_its_last_number(tmp_path: Path) -> None:
    async with served(tmp_path, stream_life=0.2, heartbeat=0.05) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        run = await run_of(running, ana)
        async with followed(ana, path_of(run)) as stream:
            frames = await stream.end()
            assert [f.kind for f in frames] == ["requested", "runner", "bye"]
            last = stream.last_id
        async with followed(ana, path_of(run), last_event_id=last) as stream:
            await run.answer(0)
            assert [(await stream.next()).id for _ in range(2)] == ["2", "3"]


# R: Q2
async def test_numbered_streams_count_among_a_persons_streams(tmp_path: Path) -> None:
    async with served(tmp_path, streams_per_user=1) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        run = await run_of(running, ana)
        async with followed(ana, path_of(run)):
            again = await ana.request("GET", path_of(run), headers={"Accept": "text/event-stream"})
            assert (again.status_code, again.json()["code"]) == (429, "too-many-streams")
        await ana.request("DELETE", "/api/session")
        assert (await polled(ana, path_of(run))).status_code == 401


@pytest.mark.parametrize(
    ("accept", "stream", "unsaid"),
    [
        ("text/event-stream", True, True),
        ("application/json", False, False),
        ("*/*", False, True),
        ("", False, True),
        ("application/json, text/event-stream;q=0.5", False, False),
        ("text/event-stream;q=0", False, True),
    ],
)
def test_who_asks_for_neither_gets_what_the_address_is_named_for(accept: str, stream: bool, unsaid: bool) -> None:
    assert (wants_stream(accept), wants_stream(accept, unsaid=True)) == (stream, unsaid)
