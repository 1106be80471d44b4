"""What every store must do, as tests: `stores/base.py` made runnable.

A test class for one store inherits `StoreContract` and gives two fixtures: `store`, an open and empty
store, and `advance`, which lets that many seconds of the store's time pass. Only the protocol is used
here; what is true of one store alone is tested beside it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import pytest
from tests.conftest import Count
from tests.support.whole import everything, walked

from roadcrew_server.stores.base import (
    KEPT_EVENTS,
    NOTHING_YET,
    Appended,
    AppendResult,
    CommandRecord,
    Commit,
    Conflict,
    Hint,
    HintStream,
    IndexItem,
    KeyedRecord,
    Known,
    Limits,
    Page,
    Snapshot,
    Store,
    Stored,
    StoredEvent,
    TopicFacts,
)

Advance = Callable[[float], Awaitable[None]]

LONG = timedelta(days=180)
LIMITS = Limits(conflict_events=20, read_events=50, index_items=10, walk_items=4, hints=8)
"""What the store under test is to be opened with: small, so that bounds are met."""


def commit(store: Store, name: str, *bodies: str, record: bool = True, keep: timedelta = LONG) -> Commit:
    """One command's events; with no bodies given, one that is named like the command."""
    kept = CommandRecord(f"ana:{name}", f"outcome of {name}".encode(), store.now() + keep) if record else None
    return Commit(name, tuple(body.encode() for body in (bodies or (name,))), kept)


async def append(
    store: Store,
    topic: str,
    epoch: str | None,
    expected_last: int,
    *commits: Commit,
    after: str = "",
    keep: timedelta = LONG,
    due: datetime | None = None,
) -> AppendResult:
    until = store.now() + keep
    return await store.append(topic, epoch, expected_last, commits, expected_command=after, keep_until=until, due=due)


async def born(store: Store, topic: str = "trip:1", events: int = 1, **options: object) -> Appended:
    """A new topic with that many events, `e0`, `e1` …"""
    first = Commit("birth", tuple(f"e{number}".encode() for number in range(events)))
    keep = options.get("keep", LONG)
    due = options.get("due")
    assert isinstance(keep, timedelta)
    assert due is None or isinstance(due, datetime)
    result = await append(store, topic, None, NOTHING_YET, first, keep=keep, due=due)
    assert isinstance(result, Appended)
    return result


async def bodies(store: Store, topic: str = "trip:1") -> list[bytes]:
    """Everything that can still be read, in pages; the numbers must have no gaps."""
    found: list[bytes] = []
    after, first = NOTHING_YET, True
    while True:
        part = await store.read(topic, after, 50)
        assert part is not None
        for event in part.events:
            assert first or event.seq == after + 1, "a gap in the numbers"
            found.append(event.body)
            after, first = event.seq, False
        if after >= part.head:
            return found


async def taken(stream: HintStream, number: int) -> list[Hint]:
    """The next hints; the test's own time limit catches one that never comes."""
    return [await anext(stream) for _ in range(number)]


def said(listed: Mapping[str, Stored]) -> dict[str, bytes]:
    """What everybody who is here is said to be."""
    return {key: kept.value for key, kept in listed.items()}


class StoreContract:
    """Inherit, and give `store` and `advance`."""

    # --- append ----------------------------------------------------------------------------------

    async def test_what_was_appended_is_read_back_in_order(self, store: Store) -> None:
        # R: S1
        first = await append(store, "trip:1", None, NOTHING_YET, commit(store, "c1", "a", "b"))
        assert isinstance(first, Appended)
        assert first.head == 1
        second = await append(store, "trip:1", first.epoch, 1, commit(store, "c2", "c"))
        assert second == Appended(first.epoch, 2)
        part = await store.read("trip:1", 0, 10)
        assert part is not None
        assert (part.epoch, part.head, part.first_kept) == (first.epoch, 2, 0)
        assert [(event.seq, event.command, event.body) for event in part.events] == [
            (1, "c1", b"b"),
            (2, "c2", b"c"),
        ]

    async def test_topics_do_not_see_each_other(self, store: Store) -> None:
        # R: T9
        await born(store, "trip:1", 2)
        await born(store, "trip:2", 3)
        assert await bodies(store, "trip:1") == [b"e0", b"e1"]
        assert await bodies(store, "trip:2") == [b"e0", b"e1", b"e2"]

    async def test_an_unknown_topic_is_nothing(self, store: Store) -> None:
        # R: T8
        assert await store.load("trip:none") is None
        assert await store.read("trip:none", NOTHING_YET, 10) is None
        assert await store.recorded("trip:none", "ana:c1") is None
        assert await append(store, "trip:none", "old", 4, commit(store, "c1")) == Conflict(None, NOTHING_YET, None)
        assert await store.load("trip:none") is None

    async def test_a_stale_writer_is_told_what_it_missed_and_writes_nothing(self, store: Store) -> None:
        # R: T9
        topic = await born(store, events=3)
        result = await append(store, "trip:1", topic.epoch, 0, commit(store, "late"))
        assert isinstance(result, Conflict)
        assert (result.epoch, result.head) == (topic.epoch, 2)
        assert result.missing is not None
        assert [(event.seq, event.body) for event in result.missing] == [(1, b"e1"), (2, b"e2")]
        assert await bodies(store) == [b"e0", b"e1", b"e2"]
        assert await store.recorded("trip:1", "ana:late") is None

    async def test_a_writer_from_another_life_of_the_topic_is_refused(self, store: Store) -> None:
        # R: T9
        topic = await born(store)
        result = await append(store, "trip:1", "another", topic.head, commit(store, "c1"))
        assert result == Conflict(topic.epoch, 0, None)

    async def test_a_writer_ahead_of_the_log_is_refused_and_loads_again(self, store: Store) -> None:
        # R: T9
        topic = await born(store)
        assert await append(store, "trip:1", topic.epoch, 5, commit(store, "c1")) == Conflict(topic.epoch, 0, None)

    async def test_a_writer_who_has_another_event_of_the_expected_number_is_refused_and_loads_again(
        self, store: Store
    ) -> None:
        # R: T9
        topic = await born(store)
        assert await append(store, "trip:1", topic.epoch, 0, commit(store, "c1"), after="birth") == Appended(
            topic.epoch, 1
        )
        for number in (0, 1):  # behind by one event, which is not the next one of theirs; and at the head
            result = await append(store, "trip:1", topic.epoch, number, commit(store, "c2"), after="lost")
            assert result == Conflict(topic.epoch, 1, None)
        behind = await append(store, "trip:1", topic.epoch, 0, commit(store, "c2"), after="birth")
        assert behind == Conflict(topic.epoch, 1, (StoredEvent(1, "c1", b"c1"),))
        assert await bodies(store) == [b"e0", b"c1"]
        assert await append(store, "trip:1", topic.epoch, 1, commit(store, "c2"), after="c1") == Appended(
            topic.epoch, 2
        )

    async def test_a_reader_is_told_which_command_made_the_event_that_they_have(self, store: Store) -> None:
        # R: S1 T9
        topic = await born(store, events=KEPT_EVENTS)
        await append(store, "trip:1", topic.epoch, topic.head, commit(store, "c1"))
        await append(store, "trip:1", topic.epoch, topic.head + 1, commit(store, "c2"))
        head = topic.head + 2
        assert await store.compact("trip:1", topic.epoch, head, "c2", b"state")
        befores = {NOTHING_YET: "", 1: "", 2: "birth", head - 1: "c1", head: "c2", head + 1: ""}
        for after, command in befores.items():
            for limit in (0, 5):
                part = await store.read("trip:1", after, limit)
                assert part is not None
                assert (part.before, len(part.events)) == (command, min(limit, max(head - max(after, 1), 0)))

    async def test_a_conflict_that_is_too_far_behind_carries_no_events(self, store: Store) -> None:
        # R: T9
        bound = LIMITS.conflict_events
        topic = await born(store, events=bound + 2)
        near = await append(store, "trip:1", topic.epoch, 1, commit(store, "c1"))
        far = await append(store, "trip:1", topic.epoch, 0, commit(store, "c1"))
        assert isinstance(near, Conflict)
        assert near.missing is not None
        assert len(near.missing) == bound
        assert far == Conflict(topic.epoch, bound + 1, None)

    async def test_a_replayed_command_is_known_and_writes_nothing(self, store: Store) -> None:
        # R: T9 S7
        topic = await born(store)
        once = commit(store, "c1")
        assert await append(store, "trip:1", topic.epoch, 0, once) == Appended(topic.epoch, 1)
        for expected_last in (1, 0):  # known comes before conflict
            again = await append(store, "trip:1", topic.epoch, expected_last, once)
            assert again == Known({"ana:c1": b"outcome of c1"})
        assert await bodies(store) == [b"e0", b"c1"]
        assert await store.recorded("trip:1", "ana:c1") == b"outcome of c1"

    async def test_a_batch_of_which_a_part_is_known_writes_nothing(self, store: Store) -> None:
        # R: T9 S7
        topic = await born(store)
        old, new = commit(store, "old"), commit(store, "new")
        await append(store, "trip:1", topic.epoch, 0, old)
        result = await append(store, "trip:1", topic.epoch, 1, new, old)
        assert result == Known({"ana:old": b"outcome of old"})
        assert await bodies(store) == [b"e0", b"old"]
        assert await store.recorded("trip:1", "ana:new") is None

    async def test_a_command_is_known_in_its_own_topic_only(self, store: Store) -> None:
        # R: T9
        one, two = await born(store, "trip:1"), await born(store, "trip:2")
        assert isinstance(await append(store, "trip:1", one.epoch, 0, commit(store, "c1")), Appended)
        assert isinstance(await append(store, "trip:2", two.epoch, 0, commit(store, "c1")), Appended)

    async def test_a_command_that_changed_nothing_is_recorded_without_events(self, store: Store) -> None:
        # R: S7
        topic = await born(store)
        record = CommandRecord("ana:c1", b"same as before", store.now() + LONG)
        assert await append(store, "trip:1", topic.epoch, 0, Commit("c1", (), record)) == Appended(topic.epoch, 0)
        assert await store.recorded("trip:1", "ana:c1") == b"same as before"

    async def test_a_topic_is_not_born_without_an_event(self, store: Store) -> None:
        # R: T8
        with pytest.raises(ValueError, match="first event"):
            await append(store, "trip:1", None, NOTHING_YET, Commit("c1", ()))
        assert await store.load("trip:1") is None

    async def test_a_batch_with_one_command_twice_is_refused_whole(self, store: Store) -> None:
        # R: T9
        topic = await born(store)
        with pytest.raises(ValueError, match="twice"):
            await append(store, "trip:1", topic.epoch, 0, commit(store, "c1"), commit(store, "c1"))
        assert await bodies(store) == [b"e0"]

    async def test_of_two_births_one_wins_and_the_other_sees_it(self, store: Store) -> None:
        # R: T9
        results = await asyncio.gather(
            *(append(store, "trip:1", None, NOTHING_YET, commit(store, name)) for name in ("ana", "ben"))
        )
        won = [result for result in results if isinstance(result, Appended)]
        lost = [result for result in results if isinstance(result, Conflict)]
        assert (len(won), len(lost)) == (1, 1)
        assert lost[0].epoch == won[0].epoch
        assert lost[0].missing is not None
        assert [event.body for event in lost[0].missing] == await bodies(store)
        assert len(await bodies(store)) == 1

    async def test_many_writers_on_one_topic_lose_nothing(self, store: Store, count: Count) -> None:
        # R: T9
        writers, each = count(reduced=10, full=50), count(reduced=10, full=40)
        topic = await born(store)

        async def write(writer: int) -> None:
            head = topic.head
            for number in range(each):
                name = f"{writer}.{number}"
                while True:
                    result = await append(store, "trip:1", topic.epoch, head, commit(store, name))
                    head = result.head if isinstance(result, Appended | Conflict) else head
                    if isinstance(result, Appended):
                        break
                    assert isinstance(result, Conflict)

        await asyncio.gather(*(write(writer) for writer in range(writers)))
        written = await bodies(store)
        assert len(written) == writers * each + 1
        assert set(written[1:]) == {f"{w}.{n}".encode() for w in range(writers) for n in range(each)}

    async def test_a_cancelled_append_happens_once_and_is_known_on_replay(self, store: Store, count: Count) -> None:
        # R: T9 S7
        topic = await born(store)
        for number in range(count(reduced=20, full=200)):
            sent = commit(store, f"c{number}")
            task = asyncio.create_task(append(store, "trip:1", topic.epoch, number, sent))
            await asyncio.sleep(0)  # it is on its way now
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            replay = await append(store, "trip:1", topic.epoch, number, sent)
            # Written as a whole before the replay, or by it; never twice, never half.
            assert isinstance(replay, Known | Appended)
            assert len(await bodies(store)) == number + 2
            assert await append(store, "trip:1", topic.epoch, number, sent) == Known(
                {f"ana:c{number}": f"outcome of c{number}".encode()}
            )

    # --- snapshots -------------------------------------------------------------------------------

    async def test_a_compacted_topic_loads_as_snapshot_and_rest(self, store: Store) -> None:
        # R: F5
        topic = await born(store, events=KEPT_EVENTS + 50)
        head = KEPT_EVENTS + 49
        assert await store.compact("trip:1", topic.epoch, head - 1, "birth", b"state")
        loaded = await store.load("trip:1")
        assert loaded is not None
        assert loaded.snapshot is not None
        assert (loaded.snapshot.seq, loaded.snapshot.command, loaded.snapshot.body) == (head - 1, "birth", b"state")
        assert (loaded.epoch, loaded.head) == (topic.epoch, head)
        assert [event.seq for event in loaded.events] == [head]

    async def test_the_newest_events_stay_readable_after_compaction(self, store: Store) -> None:
        # R: F5
        topic = await born(store, events=KEPT_EVENTS + 50)
        await store.compact("trip:1", topic.epoch, topic.head, "birth", b"state")
        part = await store.read("trip:1", NOTHING_YET, 1)
        assert part is not None
        assert part.first_kept == 50
        assert [event.seq for event in part.events] == [50]
        assert len(await bodies(store)) == KEPT_EVENTS

    @pytest.mark.parametrize("keeps", [1, 120, 1000])
    async def test_as_many_of_the_newest_events_stay_as_are_asked_for(self, store: Store, keeps: int) -> None:
        # R: F5 T10
        topic = await born(store, events=KEPT_EVENTS + 50)
        assert await store.compact("trip:1", topic.epoch, topic.head, "birth", b"state", keeps)
        loaded, part = await store.load("trip:1"), await store.read("trip:1", NOTHING_YET, 1)
        assert loaded is not None
        assert (loaded.head, list(loaded.events)) == (topic.head, [])
        assert part is not None
        assert part.first_kept == max(KEPT_EVENTS + 50 - keeps, 0)
        assert len(await bodies(store)) == min(keeps, KEPT_EVENTS + 50)

    async def test_a_short_log_is_kept_whole(self, store: Store) -> None:
        # R: F5
        topic = await born(store, events=5)
        assert await store.compact("trip:1", topic.epoch, 4, "birth", b"state")
        assert await bodies(store) == [b"e0", b"e1", b"e2", b"e3", b"e4"]

    async def test_events_after_the_snapshot_are_never_trimmed(self, store: Store) -> None:
        # R: F5
        topic = await born(store, events=KEPT_EVENTS * 3)
        assert await store.compact("trip:1", topic.epoch, 10, "birth", b"state")
        loaded = await store.load("trip:1")
        assert loaded is not None
        assert [event.seq for event in loaded.events] == list(range(11, KEPT_EVENTS * 3))

    async def test_a_reader_behind_the_snapshot_can_tell(self, store: Store) -> None:
        # R: S1 F5
        topic = await born(store, events=KEPT_EVENTS + 50)
        await store.compact("trip:1", topic.epoch, topic.head, "birth", b"state")
        behind = await store.read("trip:1", 20, 10)
        just = await store.read("trip:1", 49, 10)
        assert behind is not None
        assert just is not None
        assert behind.first_kept - 1 > 20  # it has missed something for good
        assert just.first_kept - 1 == 49  # it has not
        assert just.events[0].seq == 50

    async def test_a_stale_writer_behind_the_snapshot_gets_no_events(self, store: Store) -> None:
        # R: T9
        topic = await born(store, events=KEPT_EVENTS + 50)
        await store.compact("trip:1", topic.epoch, topic.head, "birth", b"state")
        result = await append(store, "trip:1", topic.epoch, 5, commit(store, "c1"))
        assert result == Conflict(topic.epoch, topic.head, None)

    async def test_a_stale_compaction_changes_nothing(self, store: Store) -> None:
        # R: F5
        topic = await born(store, events=KEPT_EVENTS + 50)
        assert await store.compact("trip:1", topic.epoch, 30, "birth", b"true")
        before = await store.load("trip:1")
        assert not await store.compact("trip:1", "another", 40, "birth", b"wrong")
        assert not await store.compact("trip:1", topic.epoch, 29, "birth", b"wrong")
        assert not await store.compact("trip:1", topic.epoch, 30, "birth", b"wrong")
        assert not await store.compact("trip:1", topic.epoch, 40, "lost", b"wrong")
        assert not await store.compact("trip:1", topic.epoch, topic.head + 1, "birth", b"wrong")
        assert not await store.compact("trip:1", topic.epoch, NOTHING_YET, "birth", b"wrong")
        assert not await store.compact("trip:none", topic.epoch, 0, "birth", b"wrong")
        assert await store.load("trip:1") == before

    async def test_appending_goes_on_after_compaction(self, store: Store) -> None:
        # R: F5
        topic = await born(store, events=KEPT_EVENTS + 50)
        await store.compact("trip:1", topic.epoch, topic.head, "birth", b"state")
        result = await append(store, "trip:1", topic.epoch, topic.head, commit(store, "c1"))
        assert result == Appended(topic.epoch, topic.head + 1)

    async def test_a_load_is_one_view_however_fast_the_log_moves(self, store: Store, count: Count) -> None:
        # R: T11 S1
        topic = await born(store)
        moving = True

        async def move() -> None:
            head = topic.head
            while moving:
                result = await append(store, "trip:1", topic.epoch, head, Commit(f"c{head + 1}", (b"x",)))
                assert isinstance(result, Appended)
                head = result.head
                await store.compact("trip:1", topic.epoch, head, f"c{head}", b"state")

        mover = asyncio.create_task(move())
        for _ in range(count(reduced=300, full=3000)):
            loaded = await store.load("trip:1")
            assert loaded is not None
            after = loaded.snapshot.seq if loaded.snapshot else NOTHING_YET
            assert [event.seq for event in loaded.events] == list(range(after + 1, loaded.head + 1))
            part = await store.read("trip:1", loaded.head - 1, 10)
            assert part is not None
            assert [event.seq for event in part.events] == list(range(loaded.head, min(part.head, loaded.head + 9) + 1))
        moving = False
        await mover

    async def test_a_read_is_bounded_by_the_caller_and_the_store(self, store: Store) -> None:
        # R: S9
        await born(store, events=LIMITS.read_events + 10)
        for asked, got in ((3, 3), (10_000, LIMITS.read_events), (0, 0)):
            part = await store.read("trip:1", NOTHING_YET, asked)
            assert part is not None
            assert len(part.events) == got

    # --- the end of a topic ----------------------------------------------------------------------

    async def test_a_forgotten_topic_is_gone_and_can_be_born_again(self, store: Store) -> None:
        # R: T6 T8
        old = await born(store, events=3, due=store.now())
        await append(store, "trip:1", old.epoch, 2, commit(store, "c1"), due=store.now())
        await store.compact("trip:1", old.epoch, 2, "birth", b"state")
        await store.forget("trip:1")
        await store.forget("trip:1")
        assert await store.load("trip:1") is None
        assert await store.read("trip:1", NOTHING_YET, 10) is None
        assert await store.recorded("trip:1", "ana:c1") is None
        assert await store.due_take(store.now(), 10, timedelta(minutes=1)) == ()
        new = await append(store, "trip:1", None, NOTHING_YET, commit(store, "c1"))
        assert isinstance(new, Appended)
        assert new.epoch != old.epoch
        loaded = await store.load("trip:1")
        assert loaded is not None
        assert loaded.snapshot is None
        assert [event.body for event in loaded.events] == [b"c1"]

    async def test_an_expired_topic_is_absent_at_once(self, store: Store, advance: Advance) -> None:
        # R: T7
        old = await born(store, keep=timedelta(seconds=2), due=store.now())
        await append(store, "trip:1", old.epoch, 0, commit(store, "c1"), keep=timedelta(seconds=2), due=store.now())
        await advance(3)
        assert await store.load("trip:1") is None
        assert await store.recorded("trip:1", "ana:c1") is None
        assert await store.due_next() is None
        assert await append(store, "trip:1", old.epoch, 1, commit(store, "c2")) == Conflict(None, NOTHING_YET, None)
        assert not await store.compact("trip:1", old.epoch, 1, "c1", b"state")
        new = await append(store, "trip:1", None, NOTHING_YET, commit(store, "c1"))
        assert isinstance(new, Appended)
        assert new.epoch != old.epoch
        assert await bodies(store) == [b"c1"]

    async def test_each_append_replaces_the_topics_expiry(self, store: Store, advance: Advance) -> None:
        # R: T7
        topic = await born(store, keep=timedelta(seconds=2))
        await append(store, "trip:1", topic.epoch, 0, commit(store, "c1"), keep=timedelta(seconds=60))
        await advance(3)
        assert await bodies(store) == [b"e0", b"c1"]

    async def test_a_command_is_forgotten_when_its_time_is_over(self, store: Store, advance: Advance) -> None:
        # R: S7
        topic = await born(store)
        short = timedelta(seconds=2)
        await append(store, "trip:1", topic.epoch, 0, commit(store, "c1", keep=short))
        await advance(3)
        assert await store.recorded("trip:1", "ana:c1") is None
        again = await append(store, "trip:1", topic.epoch, 1, commit(store, "c1", keep=short))
        assert again == Appended(topic.epoch, 2)
        assert await store.recorded("trip:1", "ana:c1") == b"outcome of c1"

    # --- records and indexes ---------------------------------------------------------------------

    async def test_a_record_is_written_read_and_deleted(self, store: Store) -> None:
        # R: T2
        await store.put("invite", "K7QM", b"one")
        await store.put("invite", "K7QM", b"two")
        await store.put("name", "K7QM", b"other")
        found = await store.get("invite", "K7QM")
        assert found is not None
        assert (found.value, found.expires_at) == (b"two", None)
        await store.delete("invite", "K7QM")
        await store.delete("invite", "K7QM")
        assert await store.get("invite", "K7QM") is None
        assert await store.get("name", "K7QM") is not None

    async def test_of_many_creators_one_wins(self, store: Store) -> None:
        # R: T9
        names = [f"member {number}".encode() for number in range(10)]
        won = await asyncio.gather(*(store.create("user", "ana", name) for name in names))
        assert won.count(True) == 1
        found = await store.get("user", "ana")
        assert found is not None
        assert found.value == names[won.index(True)]

    async def test_an_expired_record_is_absent_and_can_be_created_anew(self, store: Store, advance: Advance) -> None:
        # R: T2
        until = store.now() + timedelta(seconds=2)
        assert await store.create("invite", "K7QM", b"old", until)
        found = await store.get("invite", "K7QM")
        assert found is not None
        assert found.expires_at == until
        await advance(3)
        assert await store.get("invite", "K7QM") is None
        assert not await store.replace("invite", "K7QM", b"old", b"new")
        assert await store.create("invite", "K7QM", b"new")
        assert await store.get("invite", "K7QM") is not None

    async def test_a_record_is_replaced_only_if_it_is_what_was_read(self, store: Store) -> None:
        # R: T9
        assert not await store.replace("session", "s", b"", b"a")
        await store.put("session", "s", b"a")
        assert not await store.replace("session", "s", b"x", b"b")
        until = store.now() + LONG
        assert await store.replace("session", "s", b"a", b"b", until)
        found = await store.get("session", "s")
        assert found is not None
        assert (found.value, found.expires_at) == (b"b", until)
        swaps = await asyncio.gather(*(store.replace("session", "s", b"b", f"c{n}".encode()) for n in range(10)))
        assert swaps.count(True) == 1

    async def test_a_record_is_revoked_and_all_are_told_in_one_step(self, store: Store) -> None:
        # R: T9 T10
        await store.put("session", "s", b"a")
        streams = [store.listen() for _ in range(2)]
        for _ in range(2):  # the second time there is none
            await store.revoke("session", "s")
            for stream in streams:
                assert await anext(stream) == Hint("revoked", "s")
                assert await store.get("session", "s") is None

    async def test_a_replacement_is_told_only_if_that_was_asked_for_and_it_was_made(self, store: Store) -> None:
        # R: T9 T10
        await store.put("session", "s", b"a")
        stream = store.listen()
        assert await store.replace("session", "s", b"a", b"b")
        assert not await store.replace("session", "s", b"x", b"c", tell=True)
        assert await store.replace("session", "s", b"b", b"c", store.now() + LONG, tell=True)
        assert await anext(stream) == Hint("changed", "s")

    async def test_an_index_lists_the_newest_first_within_bounds(self, store: Store) -> None:
        # R: F2
        start = store.now()
        for number in range(LIMITS.index_items + 5):
            await store.index_add("saved:ana", f"hotel {number}", start + timedelta(seconds=number))
        await store.index_add("saved:ben", "hotel 0", start)
        await store.index_add("saved:ana", "hotel 0", start + timedelta(seconds=99))  # moves up
        await store.index_remove("saved:ana", "hotel 13")
        await store.index_remove("saved:ana", "hotel 13")
        assert await store.index_list("saved:ana", 3) == ("hotel 0", "hotel 14", "hotel 12")
        assert len(await store.index_list("saved:ana", 10_000)) == LIMITS.index_items
        assert await store.index_list("saved:ana", 0) == ()
        assert await store.index_list("saved:ben", 10) == ("hotel 0",)
        assert await store.index_list("saved:carla", 10) == ()

    async def test_an_item_that_was_added_again_meanwhile_is_not_removed(self, store: Store) -> None:
        # R: F2
        start = store.now()
        await store.index_add("trips:ana", "lisbon", start)
        await store.index_remove("trips:ana", "lisbon", start)
        assert await store.index_list("trips:ana", 10) == ("lisbon",)
        await store.index_add("trips:ana", "lisbon", start + timedelta(seconds=2))
        await store.index_remove("trips:ana", "lisbon", start + timedelta(seconds=1))
        await store.index_remove("trips:ben", "lisbon", start + timedelta(seconds=9))
        assert await store.index_list("trips:ana", 10) == ("lisbon",)
        await store.index_remove("trips:ana", "lisbon", start + timedelta(seconds=3))
        assert await store.index_list("trips:ana", 10) == ()

    # --- due times -------------------------------------------------------------------------------

    async def test_a_due_topic_is_handed_out_once_and_again_later(self, store: Store, advance: Advance) -> None:
        # R: T4 C2
        again = timedelta(seconds=30)
        await born(store, "poll:1", due=store.now() + timedelta(seconds=10))
        await born(store, "poll:2", due=store.now() + timedelta(seconds=5))
        await born(store, "poll:3", due=store.now() + timedelta(days=1))
        await born(store, "poll:4")
        assert await store.due_take(store.now(), 10, again) == ()
        await advance(11)
        takes = await asyncio.gather(*(store.due_take(store.now(), 1, again) for _ in range(4)))
        assert sorted(topic for take in takes for topic in take) == ["poll:1", "poll:2"]
        await advance(31)  # whoever took them is gone
        assert set(await store.due_take(store.now(), 10, again)) == {"poll:1", "poll:2"}

    async def test_the_longest_overdue_comes_first(self, store: Store) -> None:
        # R: T4
        for number in (2, 1, 3):
            await born(store, f"poll:{number}", due=store.now() - timedelta(minutes=10 - number))
        assert await store.due_take(store.now(), 2, timedelta(hours=1)) == ("poll:1", "poll:2")

    async def test_each_append_replaces_the_due_time(self, store: Store) -> None:
        # R: T4
        soon, later = store.now() + timedelta(seconds=5), store.now() + timedelta(seconds=50)
        topic = await born(store, due=soon)
        assert await store.due_next() == soon
        await append(store, "trip:1", topic.epoch, 0, commit(store, "c1"), due=later)
        assert await store.due_next() == later
        await append(store, "trip:1", topic.epoch, 1, commit(store, "c2"))
        assert await store.due_next() is None

    # --- leases ----------------------------------------------------------------------------------

    async def test_a_lease_has_one_holder(self, store: Store) -> None:
        # R: Q7
        ttl = timedelta(seconds=10)
        takes = await asyncio.gather(*(store.lease_take("run:1", f"process {n}", ttl) for n in range(5)))
        assert len([lease for lease in takes if lease is not None]) == 1
        assert await store.lease_take("run:2", "process 9", ttl) is not None

    async def test_fences_grow_after_release_expiry_and_retaking(self, store: Store, advance: Advance) -> None:
        # R: Q7
        ttl = timedelta(seconds=10)
        first = await store.lease_take("run:1", "a", ttl)
        assert first is not None
        await store.lease_release(first)
        await store.lease_release(first)
        second = await store.lease_take("run:1", "b", ttl)
        assert second is not None
        await advance(11)
        third = await store.lease_take("run:1", "c", ttl)
        assert third is not None
        own = await store.lease_take("run:1", "c", ttl)
        assert own is not None
        assert first.fence < second.fence < third.fence < own.fence

    async def test_a_lease_that_was_lost_is_neither_renewed_nor_released(self, store: Store, advance: Advance) -> None:
        # R: Q7
        ttl = timedelta(seconds=10)
        old = await store.lease_take("run:1", "a", ttl)
        assert old is not None
        await advance(6)
        renewed = await store.lease_renew(old, ttl)
        assert renewed is not None
        assert renewed.fence == old.fence
        assert renewed.expires_at > old.expires_at
        await advance(6)
        assert await store.lease_take("run:1", "b", ttl) is None
        await advance(6)
        assert await store.lease_renew(renewed, ttl) is None
        new = await store.lease_take("run:1", "b", ttl)
        assert new is not None
        assert await store.lease_renew(renewed, ttl) is None
        await store.lease_release(renewed)
        assert await store.lease_take("run:1", "c", ttl) is None

    # --- presence --------------------------------------------------------------------------------

    async def test_who_is_here_is_listed_until_they_leave_or_run_out(self, store: Store, advance: Advance) -> None:
        # R: F3
        await store.presence_set("trip:1", "ana/1", b"Ana", timedelta(seconds=60))
        await store.presence_set("trip:1", "ben/1", b"Ben", timedelta(seconds=5))
        await store.presence_set("trip:1", "dev/1", b"Dev", timedelta(seconds=60))
        await store.presence_set("trip:2", "carla/1", b"Carla", timedelta(seconds=60))
        await store.presence_drop("trip:1", "dev/1")
        await store.presence_drop("trip:1", "dev/1")
        assert said(await store.presence_list("trip:1")) == {"ana/1": b"Ana", "ben/1": b"Ben"}
        await advance(6)
        assert said(await store.presence_list("trip:1")) == {"ana/1": b"Ana"}
        assert await store.presence_list("trip:3") == {}

    async def test_of_who_is_here_it_is_said_until_when_unless_they_are_renewed(
        self, store: Store, advance: Advance
    ) -> None:
        # R: F3
        began = store.now()
        await store.presence_set("trip:1", "ana/1", b"Ana", timedelta(seconds=45))
        until = (await store.presence_list("trip:1"))["ana/1"].expires_at
        assert until is not None
        assert timedelta(seconds=45) <= until - began < timedelta(seconds=50)
        await advance(20)
        renewed = (await store.presence_renew("trip:1", {"ana/1": b"Ana"}, timedelta(seconds=45)))["ana/1"].expires_at
        assert renewed is not None
        assert timedelta(seconds=20) <= renewed - until < timedelta(seconds=25)

    async def test_presence_hints_at_changes_only(self, store: Store) -> None:
        # R: F3 S9
        stream = store.listen()
        ttl = timedelta(seconds=60)
        await store.presence_set("trip:1", "ana/1", b"Ana", ttl)
        await store.presence_set("trip:1", "ana/1", b"Ana", ttl)  # a sign of life, nothing new
        await store.presence_set("trip:1", "ana/1", b"Ana, in Polls", ttl)
        await store.presence_drop("trip:1", "ana/1")
        await store.presence_drop("trip:1", "ana/1")
        await store.revoke("session", "end")
        assert await taken(stream, 4) == [Hint("presence", "trip:1")] * 3 + [Hint("revoked", "end")]

    async def test_all_of_a_process_are_renewed_in_one_step_that_says_who_is_here(
        self, store: Store, advance: Advance
    ) -> None:
        # R: F3 S9
        stream = store.listen()
        ttl = timedelta(seconds=10)
        await store.presence_set("trip:1", "carla/1", b"Carla", ttl)
        mine = {"ana/1": b"Ana", "ben/1": b"Ben"}
        assert said(await store.presence_renew("trip:1", mine, ttl)) == {**mine, "carla/1": b"Carla"}
        await advance(6)
        again = await store.presence_renew("trip:1", mine, ttl)  # nothing new
        assert said(again) == {**mine, "carla/1": b"Carla"}
        await advance(6)
        assert said(await store.presence_renew("trip:1", {}, ttl)) == mine
        assert await store.presence_renew("trip:2", {}, ttl) == {}
        await store.revoke("session", "end")
        kinds = [hint.kind for hint in await taken(stream, 3)]  # in any order, on a cluster
        assert kinds.count("presence") >= 2

    # --- hints -----------------------------------------------------------------------------------

    async def test_every_listener_hears_of_an_append_from_the_call_of_listen_on(self, store: Store) -> None:
        # R: T10 S1
        await born(store, "trip:0")
        streams = [store.listen() for _ in range(3)]  # nobody awaits them yet
        topic = await born(store, events=2)
        for stream in streams:
            hint = await anext(stream)
            assert (hint.kind, hint.topic, hint.epoch) == ("log", "trip:1", topic.epoch)
            assert [event.body for event in hint.events] in ([], [b"e0", b"e1"])
            assert hint.before == ""
        await append(store, "trip:1", topic.epoch, 1, commit(store, "c1"))
        assert {(await anext(stream)).before for stream in streams} == {"birth"}

    async def test_what_wrote_nothing_hints_nothing(self, store: Store) -> None:
        # R: S9
        topic = await born(store)
        await append(store, "trip:1", topic.epoch, 0, commit(store, "c1"))
        stream = store.listen()
        await append(store, "trip:1", topic.epoch, 1, commit(store, "c1"))  # known
        await append(store, "trip:1", topic.epoch, 0, commit(store, "c2"))  # conflict
        await store.revoke("session", "token")
        assert await anext(stream) == Hint("revoked", "token")

    async def test_a_slow_listener_is_told_that_it_lost_something(self, store: Store) -> None:
        # R: T10
        slow = store.listen()
        for number in range(LIMITS.hints + 1):
            await store.revoke("session", f"t{number}")
        await store.revoke("session", "after")
        assert await taken(slow, 2) == [Hint("lost"), Hint("revoked", "after")]

    async def test_one_listener_that_goes_does_not_disturb_the_others(self, store: Store) -> None:
        # R: T10
        gone, stays = store.listen(), store.listen()
        waiting = asyncio.create_task(taken(gone, 1))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await gone.aclose()
        await store.revoke("session", "token")
        assert await anext(stays) == Hint("revoked", "token")
        assert [hint async for hint in gone] == []

    # --- the whole store -------------------------------------------------------------------------

    async def test_a_walk_gives_every_topic_record_and_index_item(self, store: Store, advance: Advance) -> None:
        # R: G4
        assert await everything(store) == {"topics": {}, "records": {}, "indexes": {}, "due": None, "fence": 0}
        soon, start = store.now() + timedelta(seconds=2), store.now()
        topics = {f"trip:{number}" for number in range(3 * LIMITS.walk_items)}
        for name in topics:
            await born(store, name)
        await born(store, "trip:over", keep=timedelta(seconds=2))
        await born(store, "trip:gone")
        await store.forget("trip:gone")
        kept = {
            ("invite" if n % 2 else "user", f"{n}"): Stored(b"%d" % n, start + LONG if n % 3 else None)
            for n in range(9)
        }
        for (kind, key), stored in kept.items():
            await store.put(kind, key, stored.value, stored.expires_at)
        await store.put("invite", "over", b"", soon)
        items = {(f"trips:{n % 2}", f"trip {n}"): start + timedelta(milliseconds=n) for n in range(9)}
        for (index, item), at in items.items():
            await store.index_add(index, item, at)
        await advance(3)
        assert set(await walked(store.walk_topics)) == topics
        records = await walked(store.walk_records)
        assert {(record.kind, record.key): record.stored for record in records} == kept
        assert all(isinstance(record, KeyedRecord) for record in records)
        found = await walked(store.walk_indexes)
        assert {(entry.index, entry.item): entry.at for entry in found} == items
        assert all(isinstance(entry, IndexItem) for entry in found)

    async def test_a_store_that_nobody_else_has_open_is_not_in_use(self, store: Store) -> None:
        # R: G4
        async with asyncio.timeout(10):
            while await store.in_use():  # noqa: ASYNC110 - the store hears of the end of the one before
                await asyncio.sleep(0.01)

    async def test_a_walk_goes_on_while_others_write(self, store: Store) -> None:
        # R: G4
        for number in range(30):
            await store.put("name", f"stays {number}", b"")
        seen: set[str] = set()
        cursor: str | None = ""
        turn = 0
        while cursor is not None:
            page = await store.walk_records(cursor)
            seen |= {record.key for record in page.items}
            for other in range(5):
                await store.put("name", f"comes {turn} {other}", b"")
                await store.delete("name", f"comes {turn - 1} {other}")
            cursor, turn = page.next, turn + 1
            assert turn < 1000, "a walk without an end"
        assert {f"stays {number}" for number in range(30)} <= seen

    async def test_a_cursor_that_no_walk_gave_is_refused(self, store: Store) -> None:
        # R: G4
        for walk in (store.walk_topics, store.walk_records, store.walk_indexes):
            for cursor in ("no such cursor", "[1, 2, 3]", "{"):
                with pytest.raises(ValueError, match="cursor"):
                    await walk(cursor)

    async def test_the_facts_of_a_topic_are_all_that_is_kept_beside_its_events(self, store: Store) -> None:
        # R: G4 F5
        due, start = store.now() + timedelta(hours=1), store.now()
        topic = await born(store, events=KEPT_EVENTS + 20)
        result = await store.append(
            "trip:1", topic.epoch, topic.head, (commit(store, "c1"),), keep_until=start + LONG, due=due
        )
        assert isinstance(result, Appended)
        await store.compact("trip:1", topic.epoch, result.head, "c1", b"state")
        facts = await store.topic_facts("trip:1")
        snapshot = Snapshot(result.head, "c1", b"state")
        assert facts == TopicFacts("trip:1", topic.epoch, result.head, 21, start + LONG, due, snapshot)
        assert await store.topic_facts("trip:none") is None

    async def test_the_commands_of_a_topic_are_walked_while_they_are_remembered(
        self, store: Store, advance: Advance
    ) -> None:
        # R: G4 S7
        topic = await born(store)
        long = [commit(store, f"c{number}") for number in range(2 * LIMITS.walk_items)]
        await append(store, "trip:1", topic.epoch, 0, *long, commit(store, "short", keep=timedelta(seconds=2)))
        await advance(3)
        found: list[CommandRecord] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await store.walk_commands("trip:1", cursor)
            found += page.items
            cursor = page.next
        assert sorted({record.key for record in found}) == sorted(f"ana:c{n}" for n in range(2 * LIMITS.walk_items))
        assert {record.key: record for record in found} == {c.record.key: c.record for c in long if c.record}
        assert await store.walk_commands("trip:none") == Page((), None)

    async def test_a_restored_topic_is_as_it_was_and_goes_on(self, store: Store) -> None:
        # R: G4 S1 S7 T9
        await born(store, "trip:1", 3)  # in the way, of another epoch
        start, due = store.now(), store.now() + timedelta(hours=1)
        facts = TopicFacts("trip:1", "15c-other", 7, 4, start + LONG, due, Snapshot(6, "c6", b"state"))
        events = [StoredEvent(seq, f"c{seq}", b"e%d" % seq) for seq in range(4, 8)]
        known = [CommandRecord(f"ana:c{seq}", b"done %d" % seq, start + LONG) for seq in range(8)]
        for _ in range(2):  # a second time, after one that broke off
            await store.restore_topic(facts)
            await store.restore_log(facts, events[:3], known[:5])
            await store.restore_log(facts, events[3:], known[5:])
        assert (await everything(store))["topics"] == {"trip:1": (facts, events, {k.key: k for k in known})}
        loaded = await store.load("trip:1")
        assert loaded is not None
        assert (loaded.head, loaded.snapshot, list(loaded.events)) == (7, facts.snapshot, events[3:])
        part = await store.read("trip:1", 2, 1)
        assert part is not None
        assert (part.epoch, part.head, part.first_kept, list(part.events)) == ("15c-other", 7, 4, events[:1])
        assert await store.due_next() == due
        assert await append(store, "trip:1", "15c-other", 7, commit(store, "c3")) == Known({"ana:c3": b"done 3"})
        stale = await append(store, "trip:1", "15c-other", 5, commit(store, "new"))
        assert stale == Conflict("15c-other", 7, tuple(events[2:]))
        assert await append(store, "trip:1", "15c-other", 7, commit(store, "new")) == Appended("15c-other", 8)

    async def test_a_restored_topic_expires_as_it_would_have(self, store: Store, advance: Advance) -> None:
        # R: G4 T7
        soon = store.now() + timedelta(seconds=2)
        facts = TopicFacts("trip:1", "15c-other", 0, 0, soon, soon, None)
        await store.restore_topic(facts)
        await store.restore_log(facts, [StoredEvent(0, "c0", b"e0")], [CommandRecord("ana:c0", b"", soon)])
        assert await bodies(store) == [b"e0"]
        await advance(3)
        assert await store.load("trip:1") is None
        assert await store.due_next() is None
        assert await walked(store.walk_topics) == []

    async def test_nothing_is_restored_into_another_life_of_a_topic(self, store: Store) -> None:
        # R: G4
        topic = await born(store)
        other = TopicFacts("trip:1", "15c-other", 1, 0, store.now() + LONG, None, None)
        with pytest.raises(ValueError, match="epoch"):
            await store.restore_log(other, [StoredEvent(1, "c1", b"e1")], [])
        assert await append(store, "trip:1", topic.epoch, 0, commit(store, "c1")) == Appended(topic.epoch, 1)
        assert await bodies(store) == [b"e0", b"c1"]

    async def test_fences_grow_beyond_a_restored_one(self, store: Store) -> None:
        # R: Q7 G4
        ttl = timedelta(seconds=10)
        await store.restore_fence(41)
        first = await store.lease_take("run:1", "a", ttl)
        assert first is not None
        assert first.fence > 41
        assert await store.newest_fence() >= first.fence
        await store.restore_fence(5)
        second = await store.lease_take("run:2", "a", ttl)
        again = await store.lease_take("run:1", "a", ttl)
        assert second is not None
        assert again is not None
        assert second.fence > 41
        assert again.fence > first.fence

    # --- time ------------------------------------------------------------------------------------

    async def test_time_goes_forward_in_milliseconds_of_utc(self, store: Store, advance: Advance) -> None:
        # R: T4
        before = store.now()
        assert before.utcoffset() == timedelta(0)
        assert before.microsecond % 1000 == 0
        await advance(2)
        passed = store.now() - before
        assert timedelta(seconds=2) <= passed < timedelta(seconds=4)

    async def test_an_open_store_answers_and_counts_requests(self, store: Store) -> None:
        # R: G4
        await store.ping()
        rates = store.rate_storage()
        assert await rates.incr("ana", 60) == 1
        assert await rates.incr("ana", 60) == 2
