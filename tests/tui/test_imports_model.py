"""What the screen of imports says of a job, of its speed, of earlier imports, and how its list is kept in pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tui.scenes import lisbon

from roadcrew_client.models import User
from roadcrew_domain.jobs_state import Counts, ImportJob, ReasonCount
from roadcrew_domain.runs import NoteRun, NoteRunEnd, RunEnd
from roadcrew_tui.screens import imports_model as model

NOW = datetime(2027, 5, 2, 15, 40, tzinfo=UTC)
SIZE = 1_000_000


def job(good: int = 0, refused: int = 0, read: int = 0, **more: Any) -> ImportJob:
    fields: dict[str, Any] = {
        "name": "algarve.csv",
        "format": "csv",
        "size": SIZE,
        "currency": None,
        "started_at": NOW - timedelta(seconds=90),
        "ends_by": NOW + timedelta(hours=1),
        "keep_until": NOW + timedelta(days=7),
        "runners": 1,
        "counts": Counts(good, refused, read),
    }
    return ImportJob("j", "u", "t", **{**fields, **more})


def paced(*points: tuple[float, int, int]) -> model.Pace:
    """Seconds ago, rows, bytes."""
    pace = model.Pace()
    for ago, rows, read in points:
        pace = pace.after(job(rows, 0, read), NOW - timedelta(seconds=ago))
    return pace


AWAY = NOW + timedelta(seconds=4)
OVER: dict[str, Any] = {"ended_at": NOW, "connected": False}


# R: J1 J4
@pytest.mark.parametrize(
    ("state", "share", "words", "figures"),
    [
        (job(runners=0), 0.0, "Waiting for its turn.", ""),
        (job(), 0.0, "Connecting to the price monitor.", ""),
        (job(retry_at=AWAY), 0.0, "The service can't be reached, trying again in 4 s.", ""),
        (job(41_200, 1, 500_000, retry_at=AWAY), 0.5, "The service went away, trying again in 4 s.",
         "41,200 hotels, 1 row refused"),
        (job(1, 0, 500_000, retry_at=NOW - timedelta(seconds=2)), 0.5, "The service went away, trying again now.",
         "1 hotel"),
        (job(1, 2, 250_000, connected=True), 0.25, "Reading.", "1 hotel, 2 rows refused"),
        (job(99_000, 1_000, SIZE, status="finished", **OVER), 1.0, "Done in 1 min.",
         "99,000 hotels, 1,000 rows refused"),
        (job(2, 0, SIZE, status="finished", ended_at=NOW, started_at=NOW - timedelta(seconds=0.9)), 1.0,
         "Done in less than a second.", "2 hotels"),
        (job(0, 0, SIZE // 2, status="cancelled", **OVER), 0.5, "Cancelled after 1 min.", "0 hotels"),
        (job(7, 0, SIZE // 2, status="cancelled", **OVER), 0.5,
         "Cancelled after 1 min. What had come by then stays.", "7 hotels"),
        (job(7, 0, 0, status="failed", detail="Line 3 is no CSV.", **OVER), 0.0,
         "It failed: {what} What had come by then stays.", "7 hotels"),
        (job(status="interrupted", because="too-often", **OVER), 0.0,
         "It was stopped after 1 min: it was begun too often.", "0 hotels"),
        (job(status="interrupted", because="too-long", **OVER), 0.0,
         "It was stopped after 1 min: it took too long.", "0 hotels"),
        (job(status="finished", expired=True, **OVER), None, "It is kept no longer.", ""),
    ],
)  # fmt: skip
def test_how_an_import_stands_is_said_in_words(state: ImportJob, share: float | None, words: str, figures: str):
    live = model.live(state, model.Pace(), NOW)
    assert (live.share, live.words, live.figures) == (share, words, figures)


# R: J1
@pytest.mark.parametrize(
    ("points", "speed", "left"),
    [
        ((), 0, None),
        (((0, 100, 1000),), 0, None),
        (((0.5, 0, 0), (0, 100, 1000)), 0, None),
        (((5, 0, 0), (0, 60_000, 500_000)), 12_000, 5),
        (((20, 0, 0), (12, 1, 1), (8, 1_000, 100_000), (0, 9_000, 900_000)), 1_000, 1),
        (((5, 9_000, 900_000), (2, 0, 0), (0, 10, 100_000)), 5, 18),
    ],
)
def test_speed_and_time_left_are_those_of_the_last_seconds(
    points: tuple[tuple[float, int, int], ...], speed: float, left: int | None
):
    pace = paced(*points)
    assert pace.rows_a_second(NOW) == pytest.approx(speed)
    found = pace.left(SIZE, NOW)
    assert found == (None if left is None else timedelta(seconds=left))


def test_speed_and_time_left_stand_beside_what_was_counted():
    pace = paced((5, 0, 0), (0, 61_726, 500_000))
    live = model.live(job(61_726, 0, 500_000, connected=True), pace, NOW)
    assert live.figures == "61,726 hotels, 12,000 rows a second, 5 s left"


def test_a_service_that_stands_still_has_no_end_in_sight_for_ever_longer():
    pace = paced((5, 0, 0), (0, 60_000, 500_000))
    assert pace.left(SIZE, NOW + timedelta(seconds=5)) == timedelta(seconds=10)


def test_reasons_are_said_by_their_number_and_the_seldom_ones_together():
    codes = ("bad-price", "duplicate", "no-city", "no-name", "bad-stars", "bad-currency")
    counted = tuple(ReasonCount(code, n) for n, code in enumerate(codes, 1))
    assert model.reasons(job(reasons=counted)) == "6 bad currency, 5 bad stars, 4 no name, 3 no city and 2 more kinds"
    assert model.reasons(job()) == ""


# R: J1
def test_imports_of_a_trip_are_listed_newest_first_with_whose_they_are_and_what_came_of_them():
    scene = lisbon()
    world, trip = scene.world, scene.trip_id
    begun: tuple[tuple[User, str, int, RunEnd | None], ...] = (
        (scene.ana, "old.csv", 50, "finished"),
        (scene.ben, "broken.json", 30, "failed"),
        (scene.ben, "new.csv", 10, None),
    )
    for who, name, at, ended in begun:
        then = world.now() - timedelta(minutes=at)
        run = world.new_id()
        world.do(trip, who.id, NoteRun(run, "import", name), at=then)
        if ended is not None:
            world.do(trip, None, NoteRunEnd(run, ended, 1200), at=then)
    world.do(trip, scene.ana.id, NoteRun(world.new_id(), "stay"))
    rows = model.import_rows(world.trips[trip], scene.ana.id, world.now())
    assert [(r.name, r.by, r.words) for r in rows] == [
        ("new.csv", "Ben", "under way"),
        ("broken.json", "Ben", "failed, 1,200 hotels, 30 min ago"),
        ("old.csv", "you", "1,200 hotels, 50 min ago"),
    ]


# R: J6
@given(st.lists(st.sampled_from(["below", "above"]), max_size=60), st.integers(0, 12))
def test_whatever_way_one_scrolls_the_pages_that_are_kept_are_neighbours_and_few(ways: list[str], pages: int):
    everything = [tuple(f"{n}.{i}" for i in range(3)) for n in range(pages + 1)]
    window: model.Window[str] = model.Window()

    def put(number: int) -> model.Window[str]:
        following = number + 1 if number < pages else None
        return window.put(number, everything[number], 3 * (pages + 1), following)

    window = put(0)
    for way in ways:
        number = getattr(window, way)
        if number is not None:
            window = put(number)
        assert 1 <= len(window.pages) <= model.KEPT
        assert list(window.pages) == everything[window.first : window.first + len(window.pages)]
        assert window.starts[: window.first + 1] == (None, *range(1, window.first + 1))


def test_a_page_that_belongs_nowhere_changes_nothing():
    window = model.Window[str]().put(0, ["a"], 9, 1).put(1, ["b"], 9, 2)
    assert window.put(5, ["x"], 9, 6) is window
    assert window.put(0, ["x"], 9, 1) is window


def test_orders_go_round_and_a_filter_stays():
    wanted = model.Wanted(city="Porto")
    seen = []
    for _ in model.ORDERS:
        seen.append(wanted.order.words)
        wanted = wanted.next_order()
    assert len(set(seen)) == len(model.ORDERS)
    assert wanted == model.Wanted(city="Porto")
    assert wanted.filtered
    assert not model.Wanted().next_order().filtered
