"""What a trip tells of its quote runs and imports."""

from datetime import date

import msgspec
from tests.domain.playing import ANA, BEN, DAY, Play, crew_of

from roadcrew_domain.crew import LeaveTrip, RemoveMember
from roadcrew_domain.money import Money
from roadcrew_domain.runs import MAX_RUNS, NoteRun, NoteRunEnd, RunNote
from roadcrew_domain.trip import DeleteTrip
from roadcrew_domain.views import decode_trip, encode_trip


def noting(run: str = "r1") -> NoteRun:
    return NoteRun(run, "stay", begins=date(2026, 5, 21), ends=date(2026, 5, 25), count=4)


def ending(run: str = "r1") -> NoteRunEnd:
    return NoteRunEnd(run, "finished", best=Money(33600, "EUR"), best_of="Rates")


def recent(play: Play) -> tuple[str, str | None, str | None, str | None]:
    r = play.trip.recent[-1]
    return r.type, r.kind, r.name, r.subject


# R: Q8
def test_a_run_is_told_to_the_trip_once_when_it_begins_and_once_when_it_is_over():
    play = crew_of(BEN)
    assert [e.type for e in play.do(BEN, noting())] == ["RunStarted"]
    at = play.now
    assert recent(play) == ("RunStarted", "stay", "Ben", None)
    assert play.do(BEN, noting()) == []
    assert [e.type for e in play.do(BEN, ending())] == ["RunEnded"]
    assert recent(play) == ("RunEnded", "stay-finished", "Ben", "Rates")
    assert play.do(BEN, ending()) == []
    assert play.do(BEN, NoteRunEnd("r1", "cancelled")) == []
    days = (date(2026, 5, 21), date(2026, 5, 25))
    note = RunNote("r1", "stay", BEN, at, None, *days, 4, "finished", Money(33600, "EUR"), "Rates")
    assert dict(play.trip.runs.items()) == {"r1": note}


def test_an_import_is_told_by_its_name_with_the_rows_that_were_taken_over():
    play = crew_of(BEN)
    play.do(BEN, NoteRun("r1", "import", "hotels\x1b[2J\u202e.csv"))
    assert recent(play) == ("RunStarted", "import", "Ben", "hotels[2J.csv")
    play.do(BEN, NoteRunEnd("r1", "failed", 120))
    assert recent(play) == ("RunEnded", "import-failed", "Ben", "hotels[2J.csv")
    assert play.trip.runs["r1"].count == 120


def test_a_run_ends_also_when_who_began_it_has_left_the_trip():
    play = crew_of(BEN)
    play.do(BEN, noting())
    play.do(BEN, noting("r2"))
    play.do(BEN, LeaveTrip())
    assert [e.type for e in play.do(BEN, ending())] == ["RunEnded"]
    assert [e.type for e in play.do(None, ending("r2"))] == ["RunEnded"]
    assert {run.ended for run in play.trip.runs.values()} == {"finished"}


def test_only_who_is_in_a_trip_that_stands_starts_a_run_for_it():
    play = crew_of(BEN)
    assert play.refusal("eve", noting()) == "not-a-member"
    assert play.refusal(None, noting()) == "not-a-member"
    play.do(ANA, RemoveMember(BEN))
    assert play.refusal(BEN, noting()) == "not-a-member"
    play.do(ANA, DeleteTrip())
    assert play.refusal(ANA, noting()) == "trip-ended"
    assert play.do(None, ending()) == []  # a deleted trip is told what ends, but of this run it knows nothing


def test_the_oldest_run_makes_room_and_its_end_is_no_news_any_more():
    play = crew_of(BEN)
    for n in range(MAX_RUNS + 1):
        play.do(BEN, noting(f"r{n}"))
    assert len(play.trip.runs) == MAX_RUNS
    assert "r0" not in play.trip.runs
    assert play.do(BEN, ending("r0")) == []


def test_a_trip_that_was_kept_before_there_were_runs_is_read_without_any():
    play = crew_of(BEN)
    play.do(BEN, noting())
    assert decode_trip(encode_trip(play.trip)) == play.trip
    kept = msgspec.json.decode(encode_trip(play.trip))
    del kept["runs"]
    for happened in kept["recent"]:
        del happened["kind"]
    old = decode_trip(msgspec.json.encode(kept))
    assert len(old.runs) == 0
    assert {r.kind for r in old.recent} == {None}
    assert old.members == play.trip.members


def test_the_end_of_a_run_that_the_server_notes_is_no_change_that_keeps_a_trip_for_longer():
    play = crew_of(BEN)
    play.do(BEN, noting())
    changed = play.trip.changed_at
    play.now += DAY
    play.do(None, ending())
    assert play.trip.changed_at == changed
