"""An import: what can be asked, rows that come in order and once, who may write, how it ends."""

from datetime import timedelta

import msgspec
import pytest
from tests.domain.booking_play import SECOND, START
from tests.domain.run_play import ANA, BEN, KEPT, SIZE, WITHIN, JobPlay, importing

from roadcrew_domain.events import Fact, event
from roadcrew_domain.jobs import decode_job, encode_job, evolve, next_due, without_pages
from roadcrew_domain.jobs_state import (
    LONGEST_PAUSE,
    MAX_CODE,
    MAX_DETAIL,
    MAX_FEED_NAME,
    MAX_PAGES,
    MAX_REASONS,
    OTHER_REASONS,
    SHOWN_REFUSED,
    CancelImport,
    Checkpoint,
    Counts,
    FailImport,
    FinishImport,
    ImportConnected,
    ImportFinished,
    ImportJob,
    JobAct,
    ReasonCount,
    RefusedRow,
    SayConnected,
    SayDisconnected,
)
from roadcrew_domain.running import LOOKED_AFTER, MOST_RUNNERS, StartRunner, TellEnd

replace = msgspec.structs.replace


# --- what can be asked ---------------------------------------------------------------------------


# R: J1
def test_an_import_begins_with_nothing_read_and_is_nobody_s_work_yet():
    play = JobPlay().ask()
    job = play.state
    assert (job.id, job.by, job.trip_id, job.name, job.size) == ("j", ANA, "t", "hotels.csv", SIZE)
    assert (job.status, job.counts, job.checkpoint, job.fence) == ("processing", Counts(), Checkpoint(), 0)
    assert (job.ends_by, job.keep_until) == (START + WITHIN, START + KEPT)
    assert play.do(ANA, play.asking(), "j") == []
    assert play.refusal(BEN, play.asking(), "j") == ("id-taken", "conflict")
    assert JobPlay().refusal(None, play.asking()) == ("forbidden", "forbidden")


@pytest.mark.parametrize(
    ("name", "size", "currency", "code"),
    [
        ("hotels.csv", 0, None, "bad-feed"),
        ("hotels.csv", 1, "euro", "bad-currency"),
        ("hotels.csv", 1, "", "bad-currency"),
        (" ", 1, None, "text-missing"),
        ("\x1b[2J", 1, None, "unsafe-text"),
        ("x" * (MAX_FEED_NAME + 1), 1, None, "text-too-long"),
    ],
)
def test_what_is_no_feed_is_refused(name: str, size: int, currency: str | None, code: str):
    play = JobPlay()
    assert play.refusal(ANA, play.asking(name, size, currency)) == (code, "invalid")
    assert play.refusal(ANA, replace(play.asking(), within=0.0)) == ("bad-limit", "invalid")
    assert play.do(ANA, play.asking("x" * MAX_FEED_NAME, 1, "EUR")) == ["ImportRequested"]


# --- rows ----------------------------------------------------------------------------------------


# R: J1 J3
def test_rows_are_counted_with_the_pages_that_hold_them_and_the_place_to_go_on_from():
    play = importing()
    assert play.do(None, SayConnected(1)) == ["ImportConnected"]
    assert play.do(None, SayConnected(1)) == []
    assert play.add(90, 10) == play.add(100, 0) == play.add(0, 5) == ["RowsImported"]
    job = play.state
    assert job.connected
    assert job.counts == Counts(190, 15, 3000)
    assert job.checkpoint == Checkpoint(3000, "t3000")
    assert job.pages == ("j/1/1", "j/1/2")
    assert job.refused_pages == ("j/1/1x", "j/1/3x")
    assert job.reasons == (ReasonCount("bad-price", 15),)
    assert play.do(None, FinishImport(1)) == ["ImportFinished"]
    assert (play.state.status, play.state.connected, play.state.ended_at) == ("finished", False, play.now)
    assert play.events[-1].data == ImportFinished(job.counts)


# R: J4
def test_the_same_rows_once_more_are_not_taken_over_twice():
    play = importing()
    rows = play.rows()
    assert play.do(None, rows) == ["RowsImported"]
    assert play.do(None, rows) == []
    moved = replace(rows, checkpoint=Checkpoint(2000, "t2000"), bytes=2000)
    assert play.do(None, moved) == []
    assert play.state.counts == Counts(90, 10, 1000)


# R: J4
@pytest.mark.parametrize(
    "wrong",
    [
        {"bytes": 999},
        {"bytes": SIZE + 1},
        {"checkpoint": Checkpoint(999, "x")},
        {"checkpoint": Checkpoint(SIZE + 1, "x")},
        {"good": -1},
        {"refused": -1},
        {"good": 0},
        {"page": None},
        {"refused": 0, "reasons": ()},
        {"refused_page": None},
        {"reasons": ()},
        {"reasons": (ReasonCount("a", 11), ReasonCount("b", -1))},
    ],
)
def test_counts_never_go_backwards_and_rows_have_pages_and_reasons(wrong: dict[str, object]):
    play = importing()
    play.add()
    rows = play.rows()
    assert play.refusal(None, replace(rows, **wrong)) == ("out-of-order", "conflict")
    assert play.do(None, rows) == ["RowsImported"]


# R: J3
def test_the_first_refused_rows_are_shown_tidy_and_reasons_past_the_fiftieth_are_counted_together():
    play = importing()
    shown = tuple(RefusedRow(n, "c\x1b" * 100, "d" * 1000) for n in range(15))
    assert play.do(None, replace(play.rows(), shown=shown)) == ["RowsImported"]
    play.do(None, replace(play.rows(), shown=shown))
    play.do(None, replace(play.rows(), shown=shown))
    assert len(play.state.refused) == SHOWN_REFUSED
    assert play.events[-1].data.shown == ()  # type: ignore[attr-defined]
    assert play.state.refused[0] == RefusedRow(0, "c" * MAX_CODE, "d" * MAX_DETAIL)
    kinds = tuple(ReasonCount(f"r{n}", 1) for n in range(2 * MAX_REASONS))
    play.do(None, replace(play.rows(refused=2 * MAX_REASONS), reasons=kinds))
    assert play.state.reasons[0] == ReasonCount("bad-price", 30)
    assert play.state.reasons[-1] == ReasonCount(OTHER_REASONS, MAX_REASONS + 1)
    assert len(play.state.reasons) == MAX_REASONS + 1
    assert sum(reason.rows for reason in play.state.reasons) == play.state.counts.refused


@pytest.mark.parametrize(("good", "refused"), [(1, 0), (0, 1)])
def test_a_feed_of_more_pages_than_there_is_room_for_fails_and_keeps_what_is_in(good: int, refused: int):
    play = importing()
    for _ in range(MAX_PAGES):
        assert play.do(None, play.rows(good, refused, read=1)) == ["RowsImported"]
    assert play.do(None, play.rows(refused, good, read=1)) == ["RowsImported"]
    assert play.do(None, play.rows(good, refused, read=1)) == ["ImportFailed"]
    assert (play.state.status, play.state.failure) == ("failed", "too-many-rows")
    assert play.state.counts.good + play.state.counts.refused == MAX_PAGES + 1


# --- the service, and who does the work ----------------------------------------------------------


# R: J4
def test_while_the_service_is_away_the_job_says_when_it_is_tried_again():
    play = importing()
    play.do(None, SayConnected(1))
    assert play.do(None, SayDisconnected(1, 2.5)) == ["ImportDisconnected"]
    assert (play.state.connected, play.state.retry_at) == (False, play.now + timedelta(seconds=2.5))
    assert play.do(None, SayDisconnected(1, 1e300)) == ["ImportDisconnected"]
    assert play.state.retry_at == play.now + timedelta(seconds=LONGEST_PAUSE)
    play.do(None, SayConnected(1))
    assert [field for field in ("connected", "retry_at") if getattr(play.state, field)] == ["connected"]


# R: J4
def test_whoever_takes_a_job_over_goes_on_where_it_was_and_the_one_before_can_write_nothing():
    play = importing()
    play.do(None, SayConnected(1))
    play.add()
    late = play.rows()
    assert play.start(7) == ["RunnerStarted"]
    assert (play.state.fence, play.state.runners, play.state.connected) == (7, 2, False)
    acts: list[JobAct] = [late, SayConnected(1), SayDisconnected(1, 1), FinishImport(1), StartRunner(6)]
    for act in (*acts, FailImport(1, "bad-feed", "x")):
        assert play.refusal(None, act) == ("fenced-off", "conflict")
    assert play.start(7) == []
    assert play.state.checkpoint == Checkpoint(1000, "t1000")
    assert play.add(fence=7) == ["RowsImported"]
    assert play.state.counts == Counts(180, 20, 2000)


def test_a_job_whose_processes_die_one_after_the_other_is_called_interrupted():
    play = JobPlay().ask()
    for fence in range(1, MOST_RUNNERS + 1):
        assert play.start(fence) == ["RunnerStarted"]
    assert play.start(MOST_RUNNERS + 1) == ["ImportInterrupted"]
    assert (play.state.status, play.state.because) == ("interrupted", "too-often")
    assert play.do(None, FinishImport(MOST_RUNNERS)) == []


# --- ends ----------------------------------------------------------------------------------------


# R: J4
def test_a_feed_that_can_not_be_read_ends_with_a_sentence():
    play = importing()
    assert play.do(None, FailImport(1, "bad-feed", "Line 1 has no\x07 header. " + "x" * 1000)) == ["ImportFailed"]
    assert (play.state.status, play.state.failure) == ("failed", "bad-feed")
    assert play.state.detail is not None
    assert play.state.detail.startswith("Line 1 has no header. x")
    assert len(play.state.detail) == MAX_DETAIL
    assert play.add() == play.do(None, FinishImport(1)) == play.start(2) == play.do(ANA, CancelImport()) == []


# R: J1
def test_who_began_an_import_cancels_it_and_the_organiser_and_nobody_else():
    play = importing()
    assert play.refusal(BEN, CancelImport()) == ("not-yours-to-cancel", "forbidden")
    assert play.refusal(None, CancelImport(chair=True)) == ("not-yours-to-cancel", "forbidden")
    assert play.do(BEN, CancelImport(chair=True)) == ["ImportCancelled"]
    assert play.state.status == "cancelled"
    assert importing().do(ANA, CancelImport()) == ["ImportCancelled"]


def test_an_import_never_stays_under_way_for_longer_than_it_may_and_is_gone_after_its_time():
    play = JobPlay().ask()
    assert next_due(play.state) == START + LOOKED_AFTER
    play.now = START + WITHIN - SECOND
    play.start()
    assert (play.tick(), next_due(play.state)) == ([], START + WITHIN)
    play.now = START + WITHIN
    assert play.do(None, SayConnected(1)) == ["ImportInterrupted"]
    assert (play.state.because, next_due(play.state)) == ("too-long", play.now + LOOKED_AFTER)
    assert (play.do(None, TellEnd()), play.do(None, TellEnd())) == (["EndTold"], [])
    assert next_due(play.state) == START + KEPT
    play.now = START + KEPT
    assert play.refusal(ANA, CancelImport()) == ("job-expired", "missing")
    assert play.tick() == ["ImportExpired"]
    assert (play.tick(), next_due(play.state)) == ([], None)
    assert play.refusal(ANA, CancelImport()) == ("job-expired", "missing")
    late = importing()
    late.now = START + KEPT
    assert late.tick() == ["ImportInterrupted", "ImportExpired"]
    assert next_due(late.state) == late.now + LOOKED_AFTER, "the trip does not know it"
    assert (late.do(None, TellEnd()), next_due(late.state)) == (["EndTold"], None)


# R: J3
def test_of_an_import_that_is_not_there_nothing_is_known():
    play = JobPlay()
    assert play.refusal(ANA, CancelImport()) == ("unknown-job", "missing")
    assert play.refusal(None, StartRunner(1)) == ("unknown-job", "missing")
    assert play.tick() == []


# --- state and JSON ------------------------------------------------------------------------------


def test_an_import_is_the_same_after_it_was_written_and_read():
    play = importing()
    play.do(None, SayConnected(1))
    play.do(None, replace(play.rows(), shown=(RefusedRow(3, "bad-price", "No price."),)))
    play.do(None, SayDisconnected(1, 2))
    assert decode_job(encode_job(play.state)) == play.state
    shown = msgspec.json.decode(encode_job(without_pages(play.state)))
    assert (shown["pages"], shown["refusedPages"]) == ([], [])
    assert shown["counts"] == {"good": 90, "refused": 10, "bytes": 1000}


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 100_000])
def test_what_is_no_import_is_not_read_as_one(body: bytes):
    with pytest.raises(ValueError, match=r".+"):
        decode_job(body)


def test_an_import_of_a_newer_version_is_not_read():
    body = encode_job(importing().state).replace(b'"v":1', b'"v":2')
    with pytest.raises(ValueError, match="version 2"):
        decode_job(body)


def test_events_that_can_not_follow_are_errors():
    play = importing()
    under_way, requested = play.state, play.events[0].data
    play.do(ANA, CancelImport())

    def said(job: ImportJob | None, fact: Fact) -> str:
        with pytest.raises(ValueError, match=r".+") as error:
            evolve(job, event("job:j", 9, play.now, None, "c", fact))
        return str(error.value)

    assert said(under_way, requested) == "an import is requested once"
    assert said(under_way, Fact()) == "no rule for Fact"
    assert said(None, ImportConnected()) == "an import begins with ImportRequested, not ImportConnected"
    assert said(None, requested) == "somebody requests an import"
    assert said(play.state, ImportConnected()) == "ImportConnected in an import that is over"
