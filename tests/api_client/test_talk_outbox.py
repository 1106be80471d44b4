"""Talk in the outbox: beside changes to trips, in the same file, which other versions of the program may have open."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import roadcrew_client as rc
from roadcrew_client import _outbox_rows
from roadcrew_client.outbox import Outbox, OutboxEntry, dependents
from roadcrew_client.routes import Call, act_of, call_of
from roadcrew_client.talk_routes import TalkAct
from roadcrew_client.talk_routes import call_of as talk_call_of
from roadcrew_domain.feed_state import MAX_TEXT, EditItem, GiveReaction, RemoveItem, WriteItem
from roadcrew_domain.marks_state import GiveMark
from roadcrew_domain.places import Entity
from roadcrew_domain.trip import EditTrip

TRIP = Entity("trip", "01a206b3-ce48-7c3e-ba20-058b18491d40")
COMMENTS, RATING = TRIP.topic("comments"), TRIP.topic("rating")
LONG_AGO = datetime.now(UTC) - timedelta(days=1)


def entry(n: int, topic: str, act: TalkAct) -> OutboxEntry:
    call = talk_call_of(topic, act)
    return OutboxEntry(ids(n), "s", "ana", topic, call, rc.About(what="x"), datetime.now(UTC), act)


def ids(n: int) -> str:
    return f"00000000-0000-7000-9000-{n:012x}"


def of_trip(n: int) -> OutboxEntry:
    act = EditTrip(name="x")
    return OutboxEntry(ids(n), "s", "ana", "trip:t", call_of("t", act), rc.About(), datetime.now(UTC), act)


@pytest.fixture
def an_older_version(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One that knows nothing of talk: to it, what is done to talk is no change to a trip."""

    def done_by(call: Call) -> tuple[str, object]:
        trip_id, act = act_of(Call(call.path, call.body))
        return f"trip:{trip_id}", act

    monkeypatch.setattr(_outbox_rows, "_done_by", done_by)
    monkeypatch.setattr(_outbox_rows, "MAX_BODY", 64 * 1024)
    return monkeypatch


# R: S7
async def test_every_kind_of_it_is_read_back_as_it_was_kept(tmp_path: Path):
    blog = WriteItem("", "ü" * MAX_TEXT["blogs"], "Day one")
    kept = [
        entry(1, COMMENTS, WriteItem("", "Hi", reply_to=ids(9))),
        entry(2, COMMENTS, EditItem(ids(1), "Ho")),
        entry(3, COMMENTS, RemoveItem(ids(1), "")),
        entry(4, RATING, GiveMark(3)),
        entry(5, TRIP.topic("blogs"), blog),
    ]
    outbox = Outbox(tmp_path)
    for each in kept:
        assert await outbox.keep(each) == "disk"
    await outbox.close()
    taken = await (again := Outbox(tmp_path)).take("s", "ana", LONG_AGO)
    await again.close()
    assert [(e.id, e.topic, e.call, e.act, e.state) for e in taken] == [
        (e.id, e.topic, e.call, e.act, "waiting") for e in kept
    ]


# R: S7
async def test_an_older_version_that_finds_it_goes_on_with_its_own_and_a_newer_one_sends_it_after_all(
    tmp_path: Path, an_older_version: pytest.MonkeyPatch
):
    outbox = Outbox(tmp_path)
    said, removed = entry(2, COMMENTS, WriteItem("", "Hi")), entry(4, COMMENTS, RemoveItem(ids(2), ""))
    for each in (of_trip(1), said, of_trip(3), removed):
        assert await outbox.keep(each) == "disk"
    await outbox.close()

    older = Outbox(tmp_path)
    assert [e.id for e in await older.take("s", "ana", LONG_AGO)] == [ids(1), ids(3)]
    assert (await older.tally("s", "ana")).unreadable == 2
    assert [e.state for e in await older.entries("s")] == ["waiting", "unreadable", "waiting", "unreadable"]
    await older.close()

    an_older_version.undo()
    newer = Outbox(tmp_path)
    assert [e.id for e in await newer.take("s", "ana", LONG_AGO)] == [ids(1), ids(2), ids(3), ids(4)]
    assert await newer.tally("s", "ana") == rc.Tally(waiting=4)
    assert [await newer.check(ids(n), LONG_AGO) for n in (2, 4)] == ["send", "send"]
    await newer.close()


# R: S7
async def test_what_no_version_can_read_is_not_looked_at_as_if_it_waited(tmp_path: Path):
    outbox = Outbox(tmp_path)
    await outbox.keep(entry(1, COMMENTS, WriteItem("", "Hi")))
    await outbox.close()
    with sqlite3.connect(tmp_path / "changes.sqlite") as db:
        db.execute("UPDATE changes SET path = 'PUT /api/feeds/trip/x/comments', owner = NULL")
    db.close()
    for _ in range(2):
        outbox = Outbox(tmp_path)
        assert await outbox.take("s", "ana", LONG_AGO) == []
        assert await outbox.tally("s", "ana") == rc.Tally(unreadable=1)
        await outbox.close()


# R: S7
async def test_who_takes_a_comment_back_before_it_is_sent_takes_back_what_was_done_to_it(tmp_path: Path):
    post = Entity("post", ids(5))
    made = [
        entry(1, COMMENTS, WriteItem("", "Hi")),
        entry(2, COMMENTS, EditItem(ids(1), "Ho")),
        entry(3, COMMENTS, WriteItem("", "Yes", reply_to=ids(1))),
        entry(4, COMMENTS, WriteItem("", "else")),
        entry(5, TRIP.topic("posts"), WriteItem("", "Landed")),
        entry(6, post.topic("comments"), WriteItem("", "Welcome")),
        entry(7, post.topic("comments"), GiveReaction(ids(6), "heart")),
    ]
    assert dependents(made, [ids(1)]) == (ids(2), ids(3))
    assert dependents(made, [ids(5)]) == (ids(6), ids(7))
    outbox = Outbox(tmp_path)
    for each in made:
        await outbox.keep(each)
    assert await outbox.drop([ids(1)]) == (ids(1), ids(2), ids(3))
    assert await outbox.drop([ids(5)]) == (ids(5), ids(6), ids(7))
    assert [e.id for e in await outbox.entries("s")] == [ids(4)]
    await outbox.close()
