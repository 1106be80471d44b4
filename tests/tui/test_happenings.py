"""What happened says by whom, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from roadcrew_domain.trip import Recent
from roadcrew_tui.happenings import told
from roadcrew_tui.plain import sentence

AT = datetime(2027, 5, 2, 15, 40, tzinfo=UTC)


def said(
    happened: str,
    subject: str | None = None,
    kind: str | None = None,
    detail: str | None = None,
    *,
    by: str | None = "a",
) -> str:
    """In words, done by Ana or, without `by`, by itself."""
    happening = told(Recent(1, AT, happened, by, "Ana" if by else None, subject, kind, detail))
    assert happening is not None
    return sentence(happening.words, **happening.people)


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        ("name", "{who} [x]", "Ana changed the name to {who} [x]"),
        ("starts_on ends_on", "2027-05-21 2027-05-25", "Ana changed the dates to 21 to 25 May"),
        ("ends_on", "2028-01-02", "Ana changed the last day to 2 Jan 2028"),
        ("starts_on ends_on", "2027-05-21 -", "Ana changed the dates"),
        ("ends_on", "soon", "Ana changed the last day"),
        ("ends_on", "", "Ana changed the last day"),
        ("starts_on ends_on", None, "Ana cleared the dates"),
        ("destination", None, "Ana cleared the destination"),
        ("discount_percent", "12", "Ana changed the discount to 12 %"),
        ("name starts_on ends_on", None, "Ana changed the name and the dates"),
        ("name destination ends_on", None, "Ana changed the name, the destination and the last day"),
        ("colour", "red", "Ana changed the trip"),
        (None, None, "Ana changed the trip"),
    ],
)
def test_who_changed_the_trip_changed_something_that_is_named(kind: str | None, detail: str | None, words: str):
    assert said("TripEdited", None, kind, detail) == words


def test_who_ended_a_poll_and_what_won_is_said():
    assert said("PollClosed", "When?", "won", "Thu 21 May") == "Ana ended When?: Thu 21 May won"
    assert said("PollClosed", "When?", "won", "Thu", by=None) == "Time was up for When?: Thu won"
    assert said("PollClosed", "When?", "tie") == "Ana ended When?: a tie"
    assert said("PollClosed", "When?", "no-votes", by=None) == "Time was up for When?: nobody had voted"
    assert said("PollClosed", "When?") == "The poll ended: When?", "told by an older version"
    assert said("PollTieSettled", "When?", None, "Thu") == "Ana settled the tie in When?: Thu"
    assert said("PollTieSettled", "When?") == "Ana settled the tie in When?"
    assert said("HotelVotingClosed", "Casa") == "Ana ended the vote on hotels: Casa won"
    assert said("HotelVotingClosed") == "Ana ended the vote on hotels, without a winner"


def test_who_deleted_a_trip_is_said():
    assert said("TripEnded", None, "deleted") == "Ana deleted this trip"
    assert said("TripEnded", None, "empty") == "Ana was the last one to leave: this trip ended"
    assert said("TripEnded", None, "expired", by=None) == "This trip ended: nobody had changed anything for long"
    assert said("TripEnded") == "This trip ended"
