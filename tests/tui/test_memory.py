"""What a terminal remembers of each server: whose it is, and how much of it there may be."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.tui.conftest import folders, staged
from tests.tui.standins import SERVER

from roadcrew_client import User
from roadcrew_tui.memory import Memory

AT = datetime(2030, 5, 1, tzinfo=UTC)
LISBON = {"id": "t", "name": "Lisbon"}


def of_ana(tmp_path: Path) -> Memory:
    memory = Memory(folders(tmp_path))
    memory.be(SERVER, "ana")
    memory.keep_trips(SERVER, [LISBON])
    memory.keep_seen(SERVER, "t", 7, AT)
    memory.decline(SERVER, "t", "p")
    return memory


# R: T12
def test_what_was_another_persons_is_forgotten_when_somebody_is_signed_in(tmp_path: Path):
    memory = of_ana(tmp_path)
    assert not memory.be(SERVER, "ana")
    assert (memory.trips(SERVER), memory.seen(SERVER, "t")) == ([LISBON], (7, AT))
    assert memory.be(SERVER, "ben")
    assert (memory.trips(SERVER), memory.seen(SERVER, "t"), memory.declined(SERVER, "t")) == ([], None, frozenset())
    assert "Lisbon" not in memory.written()


# R: T12
def test_what_another_server_knows_of_us_is_not_touched(tmp_path: Path):
    memory = of_ana(tmp_path)
    memory.be("https://elsewhere.example.org", "ben")
    assert memory.trips(SERVER) == [LISBON]


def test_who_was_not_known_so_far_may_well_be_who_it_is(tmp_path: Path):
    where = folders(tmp_path).memory_file
    where.parent.mkdir(parents=True)
    where.write_text(json.dumps({SERVER: {"lobby": {"trips": [LISBON]}}}))
    memory = Memory(folders(tmp_path))
    assert not memory.be(SERVER, "ana")
    assert memory.trips(SERVER) == [LISBON]
    assert memory.be(SERVER, "ben")


def test_only_the_newest_trips_are_remembered(tmp_path: Path):
    memory = of_ana(tmp_path)
    for n in range(199):
        memory.keep_seen(SERVER, f"t{n}", n, AT + timedelta(seconds=n))
        memory.decline(SERVER, f"t{n}", "p")
    memory.keep_seen(SERVER, "t", 8, AT)
    memory.decline(SERVER, "t", "q")
    for trip in ("one more", "two more"):
        memory.keep_seen(SERVER, trip, 1, AT)
        memory.decline(SERVER, trip, "p")
    kept = json.loads(memory.written())[SERVER]
    assert (len(kept["seen"]), len(kept["declined"])) == (200, 200)
    assert (memory.seen(SERVER, "t"), memory.declined(SERVER, "t")) == ((8, AT), frozenset({"p", "q"}))
    assert (memory.seen(SERVER, "t0"), memory.declined(SERVER, "t0")) == (None, frozenset())
    assert (memory.seen(SERVER, "t2"), memory.declined(SERVER, "t2")) == (
        (2, AT + timedelta(seconds=2)),
        frozenset({"p"}),
    )


# R: T12
async def test_who_signs_in_as_somebody_else_sees_no_trip_of_the_former_person(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        await s.sees("Lisbon")
        s.app.be(User("eve", "Eve"))
        await s.until(lambda: "Lisbon" not in s.text, "nothing of the former person")
        assert s.app.memory.trips(SERVER) == []
        s.app.keeper.settle(5)
        assert "Lisbon" not in s.app.folders.memory_file.read_text()
