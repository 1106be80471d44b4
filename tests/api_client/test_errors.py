"""Problem documents as a kind server, a hostile one, and a proxy that is none write them."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import roadcrew_client as rc
from roadcrew_client.errors import from_reply, retry_after
from roadcrew_domain import text


def problem(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, rc.Rejected),
        (401, rc.NotSignedIn),
        (403, rc.Forbidden),
        (404, rc.NotFound),
        (408, rc.ServerTrouble),
        (409, rc.Rejected),
        (410, rc.Rejected),
        (422, rc.Rejected),
        (429, rc.TooManyRequests),
        (500, rc.ServerTrouble),
        (503, rc.ServerTrouble),
        (302, rc.ServerTrouble),
    ],
)
def test_each_status_has_its_class_and_every_class_is_a_roadcrew_error(status: int, kind: type[rc.RoadcrewError]):
    error = from_reply(status, {}, b"")
    assert type(error) is kind
    assert isinstance(error, rc.RoadcrewError)
    assert error.status == status
    assert error.detail
    assert not error.certain


# R: C4
def test_not_yet_is_another_kind_of_401_than_no_more():
    assert type(from_reply(401, {}, problem(code="session-not-ready"))) is rc.SessionNotReady
    assert not isinstance(from_reply(401, {}, problem(code="session-not-ready")), rc.NotSignedIn)
    assert type(from_reply(401, {}, problem(code="not-signed-in"))) is rc.NotSignedIn
    assert type(from_reply(403, {}, problem(code="session-not-ready"))) is rc.Forbidden


def test_a_problem_document_is_read_in_full():
    body = problem(
        type="x", title="Closed", status=409, code="poll-closed", detail="Too late.", requestId="r1", closedAt="2030"
    )
    error = from_reply(409, {"retry-after": "3"}, body)
    assert (error.code, error.detail, error.request_id, error.retry_after) == ("poll-closed", "Too late.", "r1", 3)
    assert error.facts == {"closedAt": "2030"}
    assert error.certain


def test_a_servers_sentence_can_neither_move_a_cursor_nor_fill_a_screen():
    error = from_reply(409, {}, problem(code="x", detail="\x1b[2Jhello\u202e" + "a" * 10_000))
    assert error.detail.startswith("[2Jhello")
    assert "\x1b" not in error.detail
    assert len(error.detail) <= 500


@pytest.mark.parametrize("code", ["", "a" * 200, "a\nb", 7, None, ["x"]])
def test_a_code_that_is_none_is_not_taken(code: object):
    assert from_reply(409, {}, problem(code=code)).code == "http-409"


# R: S8
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("-1", 0),
        ("1e9", 60),
        ("inf", 60),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_within_bounds(value: str | None, seconds: float | None):
    assert retry_after(value, most=60) == seconds


# R: S8
def test_retry_after_may_be_a_date():
    now = datetime(2030, 5, 1, 12, 0, 0, tzinfo=UTC)
    assert retry_after("Wed, 01 May 2030 12:00:20 GMT", most=60, now=now) == 20
    assert retry_after("Wed, 01 May 2030 11:00:00 GMT", most=60, now=now) == 0


# R: S8
@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_a_date_is_counted_from_the_servers_own_clock_however_wrong_ours_is(zone: str):
    headers = {"date": f"Wed, 01 May 2030 12:00:00 {zone}", "retry-after": f"Wed, 01 May 2030 12:00:20 {zone}"}
    assert from_reply(503, headers, b"").retry_after == 20
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=1000))
    assert from_reply(503, {"date": "today", "retry-after": soon}, b"").retry_after == pytest.approx(1000, abs=5)


@given(st.integers(300, 599), st.binary(max_size=200), st.text(max_size=30))
def test_no_answer_makes_reading_it_fail(status: int, body: bytes, header: str):
    error = from_reply(status, {"retry-after": header, "location": header, "date": header}, body)
    assert error.detail


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from([401, 404, 409, 429, 503]),
    st.dictionaries(st.sampled_from(["code", "detail", "title", "requestId", "retryAfter", "x"]), json_values),
)
def test_no_problem_document_makes_reading_it_fail(status: int, fields: dict[str, object]):
    error = from_reply(status, {}, json.dumps(fields).encode())
    assert error.retry_after is None or 0 <= error.retry_after <= 3600
    assert not any(text.is_forbidden(c) for c in error.detail)


def test_nesting_without_end_is_no_problem_document():
    assert from_reply(500, {}, b"[" * 100_000).code == "http-500"
