"""The stories of tests/tapes, each told by several people at once: without a terminal always, in real ones too with
`--full`. What the three friends of `three_join` do, in both, is in test_pilot; what needs a slow or broken network, or
a session that ends, in test_booking_tapes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.conftest import Figure
from tests.e2e.test_pilot import TAPES, options, pilot, told

STORIES = [
    "discount_unlocked",
    "poll_tie",
    "hotel_voting",
    "member_removed",
    "server_restarted",
    "connection",
    "seats_gone",
    "prices",
    "talk",
]

BOOKING = ["booked_and_paid", "booking_connection", "booking_signed_out"]


def test_no_story_is_left_out() -> None:
    others = {"common", "three_join", *BOOKING}
    assert {folder.name for folder in TAPES.iterdir() if folder.is_dir()} - others == set(STORIES)


# R: T3, T4, T5, T6, S1, S5, S7, C2, C8, C10, Q8, J1, J3, J6, F2, F3
@pytest.mark.parametrize("story", STORIES)
def test_a_story_goes_as_it_should(story: str, tmp_path: Path, full: bool, figure: Figure) -> None:
    tapes = sorted(str(file) for file in (TAPES / story).glob("*.tape"))
    for file in (TAPES / story).glob("*.csv"):
        shutil.copy(file, tmp_path)
    for way in ("headless", "pty") if full else ("headless",):
        done = pilot(tmp_path, *tapes, "--report", "json", "--out", str(tmp_path / way), *options(way))
        report = told(done)
        failures = [tape["failure"] for tape in report["tapes"] if tape.get("failure")]
        assert done.returncode == 0, "\n".join(f"{f['file']}:{f['line']} {f['why']}\n{f['screen']}" for f in failures)
        figure(f"{story} {way}, seconds", max(tape["seconds"] for tape in report["tapes"]))
