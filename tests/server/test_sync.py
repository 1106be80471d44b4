"""One log, one cursor: streaming and polling read the same, and nobody reads what is not theirs."""

import asyncio
import base64
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.conftest import Count
from tests.support.people import JSON, SSE, Person, connected, crew, eventually, sync_params
from tests.support.serving import Running, served

from roadcrew_domain import trip
from roadcrew_domain.events import Position, decode_cursor, decode_event, encode_cursor
from roadcrew_domain.views import decode_trip, encode_trip
from roadcrew_server.reader import CHUNK
from roadcrew_server.routes.sync import POLL_FRAMES
from roadcrew_server.stores.base import KEPT_EVENTS
from roadcrew_server.topics import HISTORY, TripKind


async def rename(person: Person, trip_id: str, name: str) -> str:
    """One event; its cursor."""
    return str((await person.do("/update", {"tripId": trip_id, "name": name}))["cursor"])


def seqs(events: list[Any]) -> list[int]:
    return [e["seq"] for e in events]


# R: T11 S1
async def test_a_stream_begins_with_the_whole_state_and_goes_on_with_events_that_carry_the_next_cursor(
    ana: Person, running: Running
):
    made = await ana.create()
    trip_id = made["trip"]["id"]
    async with ana.stream(trip_id) as stream:
        reset = await stream.next()
        assert (reset.kind, reset.data["seq"], reset.data["topic"]) == ("reset", 0, f"trip:{trip_id}")
        assert reset.data["state"]["name"] == "Lisbon in May"
        assert reset.id == made["cursor"]
        cursors = [await rename(ana, trip_id, f"Name {n}") for n in range(3)]
        frames = [await stream.next("event") for _ in cursors]
        assert [f.id for f in frames] == cursors
        assert [f.data["seq"] for f in frames] == [1, 2, 3]
        assert {*frames[0].data} == {"topic", "seq", "type", "at", "by", "command", "data", "v"}
    assert stream.response.headers["cache-control"] == "no-store"
    assert stream.response.headers["x-accel-buffering"] == "no"


# R: S1
async def test_last_event_id_continues_and_wins_over_the_parameter(ana: Person):
    made = await ana.create()
    trip_id = made["trip"]["id"]
    cursors = [await rename(ana, trip_id, f"Name {n}") for n in range(4)]
    async with ana.stream(trip_id, last_event_id=cursors[1], cursor=cursors[3]) as stream:
        assert [(await stream.next()).data["seq"] for _ in range(2)] == [3, 4]
    batch = await ana.poll(trip_id, cursor=cursors[3], headers={"Last-Event-ID": cursors[1]})
    assert seqs(batch.json()["events"]) == [3, 4]
    assert batch.json()["resets"] == []


def bad_cursors(cursor: str, topic: str, other: str) -> Iterator[tuple[str, str]]:
    position = decode_cursor(cursor)[topic]

    def changed(**changes: Any) -> str:
        return encode_cursor({topic: msgspec.structs.replace(position, **changes)})

    yield "garbage", "garbage"
    yield "another trip's", other
    yield "ahead", changed(seq=position.seq + 1)
    yield "far ahead", changed(seq=2**53 - 1)
    yield "of another epoch", changed(epoch="0")
    yield "of another history", changed(check="00000000")
    yield "at an earlier event of another history", changed(seq=position.seq - 1)
    yield "before the beginning", changed(seq=0, check="00000000")
    yield "nobody's", base64.urlsafe_b64encode(b"[]").decode()


# R: S1 T11
async def test_a_cursor_that_can_not_be_honoured_gets_one_reset_on_both_transports(ana: Person):
    made = await ana.create()
    trip_id, topic = made["trip"]["id"], f"trip:{made['trip']['id']}"
    other = (await ana.create())["cursor"]
    good = [await rename(ana, trip_id, f"Name {n}") for n in range(3)][-1]
    for what, cursor in bad_cursors(good, topic, other):
        batch = (await ana.poll(trip_id, cursor=cursor)).json()
        assert (seqs(batch["resets"]), batch["events"]) == ([3], []), what
        assert (await ana.poll(trip_id, cursor=batch["cursor"], tag=batch["presenceTag"])).status_code == 204, what
        async with ana.stream(trip_id, cursor=cursor) as stream:
            frame = await stream.next()
            assert (frame.kind, frame.data["seq"], frame.id) == ("reset", 3, good), what
            async with ana.stream(trip_id, cursor=frame.id) as again:
                await again.next("presence")
                assert [f.kind for f in again.frames if f.kind != "presence"] == [], what


# R: F5 S1
@pytest.mark.parametrize("history", [KEPT_EVENTS, HISTORY])
async def test_a_cursor_that_is_older_than_what_is_kept_or_far_behind_gets_a_reset_and_one_that_is_not_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: int
):
    monkeypatch.setattr(TripKind, "keeps", history)
    async with served(tmp_path, snapshot_every=50, ring=8) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        made = await ana.create()
        trip_id = made["trip"]["id"]
        cursors = [made["cursor"]] + [await rename(ana, trip_id, f"Name {n}") for n in range(220)]
        await eventually(lambda: running.server.hub.counters.snapshots == 4, "the snapshot")
        old = (await ana.poll(trip_id, cursor=cursors[3])).json()
        assert seqs(old["resets"]) == [220]
        kept = (await ana.poll(trip_id, cursor=cursors[150])).json()
        assert (kept["resets"], seqs(kept["events"])) == ([], list(range(151, 221)))


# R: S1
async def test_polls_say_nothing_new_until_there_is(ana: Person):
    made = await ana.create()
    trip_id = made["trip"]["id"]
    first = (await ana.poll(trip_id, cursor=made["cursor"])).json()
    assert (first["events"], first["resets"], first["more"]) == ([], [], False)
    assert first["presence"] == [{"topic": f"trip:{trip_id}", "present": [{"id": ana.id, "where": "overview"}]}]
    quiet = await ana.poll(trip_id, cursor=first["cursor"], tag=first["presenceTag"])
    assert (quiet.status_code, quiet.content) == (204, b"")
    assert quiet.headers["cache-control"] == "no-store"
    news = await rename(ana, trip_id, "Porto")
    batch = (await ana.poll(trip_id, cursor=first["cursor"], tag=first["presenceTag"])).json()
    assert (seqs(batch["events"]), batch["presence"], batch["cursor"]) == ([1], [], news)


# R: S1
async def test_a_long_history_comes_in_batches_that_say_that_there_is_more(tmp_path: Path):
    async with served(tmp_path, snapshot_every=10_000, ring=64) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        made = await ana.create()
        trip_id, cursor = made["trip"]["id"], made["cursor"]
        await asyncio.gather(*(rename(ana, trip_id, f"Name {n}") for n in range(250)))
        got: list[int] = []
        mores: list[bool] = []
        while not mores or mores[-1]:
            batch = (await ana.poll(trip_id, cursor=cursor)).json()
            got += seqs(batch["events"])
            mores.append(batch["more"])
            cursor = batch["cursor"]
        assert got == list(range(1, 251))
        assert mores == [True] * (len(mores) - 1) + [False]
        assert len(mores) > 1


# R: T3
async def test_events_of_one_command_arrive_together_also_where_a_batch_ends(http: httpx.AsyncClient, running: Running):
    made, (ana, ben) = await crew(http, 2, requiredMembers=3)
    trip_id = made["trip"]["id"]
    start = await rename(ana, trip_id, "First")
    batch = min(CHUNK, POLL_FRAMES)
    for n in range(batch - 1):
        await rename(ana, trip_id, f"Name {n}")
    carla = await Person.guest(http, "Carla")
    await carla.do("/join", {"invite": made["invite"]["code"]})
    one = (await ben.poll(trip_id, cursor=start)).json()
    assert (len(one["events"]), one["more"]) == (batch - 1, True)
    two = (await ben.poll(trip_id, cursor=one["cursor"])).json()
    assert [e["type"] for e in two["events"]] == ["MemberJoined", "DiscountUnlocked"]
    async with ben.stream(trip_id, cursor=start) as stream:
        await eventually(lambda: len(stream.events()) == batch + 1, "all events")
        assert seqs(stream.events()) == list(range(3, batch + 4))


# R: S1
async def test_switching_between_stream_and_poll_after_every_event_loses_and_repeats_nothing(
    http: httpx.AsyncClient, running: Running
):
    made, (ana, ben) = await crew(http, 2)
    trip_id = made["trip"]["id"]
    for n in range(12):
        await rename(ana, trip_id, f"Name {n}")
        if n % 3 == 0:
            options = {"question": f"Question {n}?", "kind": "single", "options": ["a", "b"]}
            poll = (await ben.do("/polls", {"tripId": trip_id, **options}, key=str(uuid.uuid4())))["trip"]["polls"][-1]
            await ana.do(
                "/polls/vote", {"tripId": trip_id, "pollId": poll["id"], "optionIds": [poll["options"][0]["id"]]}
            )
    whole = (await ana.poll(trip_id, cursor=made["cursor"])).json()
    history = whole["events"]
    cursor, streaming = made["cursor"], True
    got: list[Any] = []
    while len(got) < len(history):
        if streaming:
            async with ana.stream(trip_id, cursor=cursor) as stream:
                frame = await stream.next("event", "reset")
                assert frame.kind == "event"
                got.append(frame.data)
                cursor = frame.id
        else:
            events = (await ana.poll(trip_id, cursor=cursor)).json()["events"]
            got.append(events[0])
            event = events[0]  # one event taken of a batch: its cursor is the one that the stream would give
            cursor = encode_cursor(
                {
                    f"trip:{trip_id}": Position.after(
                        decode_cursor(cursor)[f"trip:{trip_id}"].epoch, event["seq"], event["command"]
                    )
                }
            )
        streaming = not streaming
    assert got == history
    folded = trip.fold(None, (decode_event(json.dumps(e)) for e in await everything(ana, trip_id)))
    assert folded is not None
    state = (await ana.poll(trip_id)).json()["resets"][0]["state"]
    assert json.loads(encode_trip(folded)) == state
    assert json.loads(encode_trip(decode_trip(json.dumps(state)))) == state


async def everything(person: Person, trip_id: str) -> list[Any]:
    """The log from its first event: by the cursor of who has read nothing but the first, and that one."""
    reset = (await person.poll(trip_id)).json()
    epoch = decode_cursor(reset["cursor"])[f"trip:{trip_id}"].epoch
    first = encode_cursor({f"trip:{trip_id}": Position.after(epoch, 0, trip_id)})
    later = (await person.poll(trip_id, cursor=first)).json()["events"]
    state = reset["resets"][0]["state"]
    created = {
        "name": "Lisbon in May",
        "organiserName": "Person 0",
        "requiredMembers": state["requiredMembers"],
        "discountPercent": state["discountPercent"],
        "bounds": state["bounds"],
        "keepFor": state["keepFor"],
        "invite": {**state["invite"], "uses": 0},
    }
    envelope = {"topic": f"trip:{trip_id}", "seq": 0, "type": "TripCreated", "at": state["createdAt"]}
    return [envelope | {"by": person.id, "command": trip_id, "data": created}, *later]


# R: T8 S1
async def test_of_several_topics_a_forbidden_one_is_gone_and_the_others_go_on(ana: Person, ben: Person):
    mine, his = (await ana.create())["trip"]["id"], (await ben.create("Porto"))["trip"]["id"]
    nowhere = str(uuid.uuid4())
    batch = (await ana.poll(mine, his, nowhere, "cart:1")).json()
    assert [r["topic"] for r in batch["resets"]] == [f"trip:{mine}"]
    gone = [{"topic": f"trip:{his}", "reason": "forbidden"}, {"topic": f"trip:{nowhere}", "reason": "unknown"}]
    assert batch["gone"] == [*gone, {"topic": "cart:1", "reason": "unknown"}]
    assert "Porto" not in json.dumps(batch)
    async with ana.stream(his, mine, nowhere) as stream:
        kinds = [(f.kind, f.data.get("reason")) for f in [await stream.next() for _ in range(3)]]
        assert kinds == [("gone", "forbidden"), ("gone", "unknown"), ("reset", None)]
        await rename(ben, his, "Secret")
        await rename(ana, mine, "Open")
        assert (await stream.next("event")).data["data"] == {"name": "Open"}
    assert "Secret" not in str(stream.frames)


# R: T8
async def test_when_no_topic_may_be_read_the_answer_is_the_problem(ana: Person, ben: Person):
    his = (await ben.create())["trip"]["id"]
    ended = (await ana.create())["trip"]["id"]
    await ana.do("/delete", {"tripId": ended})
    for trips, status in (((his,), 403), ((str(uuid.uuid4()),), 404), ((ended,), 410), (("quote:1",), 404)):
        for accept in (JSON, SSE):
            answer = await ana.request("GET", "/api/sync", params=sync_params(trips), headers=accept)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_topics_are_one_to_thirty_two(ana: Person):
    one = (await ana.create())["trip"]["id"]
    others = [str(uuid.uuid4()) for _ in range(32)]
    for trips, status in ((others, 404), ([one, *others], 422), ([], 422), ([one] * 40, 200)):
        answer = await ana.request("GET", "/api/sync", params=sync_params(trips), headers=JSON)
        assert answer.status_code == status
    assert (await ana.get("/api/sync", topic=f"trip:{one}", where="kitchen")).status_code == 422


# R: S1
async def test_a_changed_set_of_topics_resets_the_new_ones_continues_the_others_and_drops_the_rest(ana: Person):
    one, two, three = [(await ana.create(f"Trip {n}"))["trip"]["id"] for n in range(3)]
    cursor = (await ana.poll(one, two)).json()["cursor"]
    await rename(ana, two, "Porto")
    batch = (await ana.poll(two, three, cursor=cursor)).json()
    assert [r["topic"] for r in batch["resets"]] == [f"trip:{three}"]
    assert [e["topic"] for e in batch["events"]] == [f"trip:{two}"]
    assert set(decode_cursor(batch["cursor"])) == {f"trip:{two}", f"trip:{three}"}


# R: T6 T8
async def test_whoever_is_removed_sees_the_removal_and_nothing_after_it(
    http: httpx.AsyncClient, running: Running, count: Count
):
    ana, ben, carla = [await Person.guest(http, name) for name in ("Ana", "Ben", "Carla")]
    for n in range(count(reduced=10, full=50)):
        made = await ana.create(f"Trip {n}")
        trip_id = made["trip"]["id"]
        for person in (ben, carla):
            await person.do("/join", {"invite": made["invite"]["code"]})
        async with ben.stream(trip_id) as stream, carla.stream(trip_id) as other:
            await stream.next("reset")
            await other.next("reset")
            await asyncio.gather(
                ana.do("/remove-member", {"tripId": trip_id, "memberId": ben.id}),
                *(
                    carla.do(
                        "/polls", {"tripId": trip_id, "question": f"q{i}", "kind": "single", "options": ["a", "b"]}
                    )
                    for i in range(10)
                ),
            )
            frames = await stream.end()
            await eventually(lambda: len(other.events()) == 12, "the others' events")
            events = [f.data for f in frames if f.kind == "event"]
            assert events[-1]["type"] == "MemberRemoved"
            assert events[-1]["data"] == {"memberId": ben.id}
            assert [f.kind for f in frames if f.kind != "presence"][-2:] == ["event", "gone"]
            assert frames[-1].data == {"topic": f"trip:{trip_id}", "reason": "removed"}
            assert seqs(events) == seqs(other.events())[: len(events)]
        assert (await ben.poll(trip_id, cursor=frames[-2].id)).status_code == 403


# R: T6 T10
async def test_somebody_far_behind_who_is_removed_reads_up_to_the_removal_and_no_further(tmp_path: Path):
    """The events are past the ring by then, so they come from the store, which knows what came after."""
    async with served(tmp_path, ring=4, snapshot_every=10_000) as running, connected(running.url) as http:
        made, (ana, ben) = await crew(http, 2)
        trip_id = made["trip"]["id"]
        start = (await ben.poll(trip_id)).json()["cursor"]
        for n in range(300):
            await rename(ana, trip_id, f"Name {n}")
        hub, read = running.server.hub, running.server.store.read
        began, removed, reads = asyncio.Event(), asyncio.Event(), iter(range(1000))

        async def slow(*args: Any) -> Any:
            if next(reads) > 0:  # the first looks whether the cursor is good
                began.set()
                await removed.wait()
            return await read(*args)

        running.server.store.read = slow  # type: ignore[method-assign,assignment]
        async with ben.stream(trip_id, cursor=start) as stream:
            await asyncio.wait_for(began.wait(), 5)
            await ana.do("/remove-member", {"tripId": trip_id, "memberId": ben.id})
            await rename(ana, trip_id, "Without Ben")
            assert hub.topics[f"trip:{trip_id}"].head > 301
            removed.set()
            frames = await stream.end()
        assert "Without Ben" not in str(frames)
        events = [f.data for f in frames if f.kind == "event"]
        assert seqs(events) == list(range(2, 303))
        assert events[-1]["type"] == "MemberRemoved"
        assert frames[-1].data["reason"] == "removed"


# R: T6
async def test_whoever_leaves_sees_that_and_the_stream_ends(ana: Person, ben: Person):
    made = await ana.create()
    await ben.do("/join", {"invite": made["invite"]["code"]})
    async with ben.stream(made["trip"]["id"]) as stream:
        await stream.next("reset")
        await ben.do("/leave", {"tripId": made["trip"]["id"]})
        frames = await stream.end()
        assert frames[-1].data["reason"] == "removed"


# R: T6
async def test_a_deleted_trip_is_gone_for_everybody_who_follows_it_and_other_topics_go_on(ana: Person, ben: Person):
    made, other = await ana.create(), await ana.create("Porto")
    trip_id = made["trip"]["id"]
    await ben.do("/join", {"invite": made["invite"]["code"]})
    async with ana.stream(trip_id, other["trip"]["id"]) as mine, ben.stream(trip_id) as his:
        await mine.next("reset")
        await his.next("reset")
        await ana.do("/delete", {"tripId": trip_id})
        for stream in (mine, his):
            ended = await stream.next("event")
            assert (ended.data["type"], ended.data["data"]) == ("TripEnded", {"reason": "deleted"})
            assert (await stream.next("gone")).data["reason"] == "ended"
        await his.end()
        await rename(ana, other["trip"]["id"], "Faro")
        assert (await mine.next("event")).data["data"] == {"name": "Faro"}
    assert (await ana.trip(trip_id)).status_code == 410


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        ("text/event-stream", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
        ("text/event-stream;q=0.5, application/json", False),
        ("application/json;q=0.5, text/event-stream", True),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=nonsense", False),
    ],
)
async def test_the_transport_is_what_is_more_wanted(ana: Person, accept: str, streams: bool):
    made = await ana.create()
    request = ana.http.build_request(
        "GET", "/api/sync", params=sync_params([made["trip"]["id"]]), headers=ana.auth | {"Accept": accept}
    )
    answer = await ana.http.send(request, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream") == streams
    await answer.aclose()
