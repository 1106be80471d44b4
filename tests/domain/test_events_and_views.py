"""What is read: events, cursors and snapshots, from friends, from other versions, and from anybody."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Count
from tests.domain.playing import ANA, BEN, Play, crew_of

from roadcrew_domain.crew import MemberLeft
from roadcrew_domain.events import (
    MAX_CURSOR_CHARS,
    MAX_TOPICS,
    SCHEMA_VERSION,
    BadCursor,
    BadEvent,
    Event,
    Fact,
    Position,
    UnknownFact,
    decode_cursor,
    decode_event,
    encode_cursor,
    encode_event,
    event,
    facts,
)
from roadcrew_domain.trip import fold
from roadcrew_domain.views import SNAPSHOT_VERSION, BadView, crew_order, decode_trip, encode_trip

ENVELOPE: dict[str, Any] = {
    "topic": "trip:t",
    "seq": 3,
    "type": "MemberLeft",
    "at": "2026-05-01T12:00:00Z",
    "by": "ana",
    "command": "c",
    "data": {"memberId": "ana"},
    "v": 1,
}


def body(**changes: object) -> bytes:
    return json.dumps({**ENVELOPE, **changes}).encode()


def with_data(data: bytes, kind: str = "FromTheFuture") -> bytes:
    return body(type=kind, data="DATA").replace(b'"DATA"', data)


HOSTILE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"NaN",
    b'"\xff"',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"[" * 200_000 + b"]" * 200_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b"1" * 100_000,
    b'{"topic":"x"',
    with_data(b"NaN"),
    with_data(b"Infinity"),
    with_data(b'{"a":"\xff"}'),
    with_data(b"[" * 200_000 + b"]" * 200_000),
    with_data(b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    with_data(b'{"memberId":"\\ud800"}', "MemberLeft"),
    with_data(b'{"memberId":1}', "MemberLeft"),
    with_data(b"{}", "MemberLeft"),
    with_data(b"null", "MemberLeft"),
    with_data(b"[" * 200_000 + b"]" * 200_000, "MemberLeft"),
    body(seq=-1),
    body(seq=2**53),
    body(seq=10**400),
    body(seq=1.5),
    body(seq="3"),
    body(seq=True),
    body(v="1"),
    body(v=1e400),
    body(at="2026-05-01T12:00:00"),
    body(at="2026-13-01T12:00:00Z"),
    body(at=0),
    body(by=7),
    body(topic=None),
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_bytes_that_are_no_event_and_no_trip_are_said_to_be_that_and_nothing_else_is_raised(hostile: bytes):
    with pytest.raises(BadEvent):
        decode_event(hostile)
    with pytest.raises(BadView):
        decode_trip(hostile)


def test_text_with_lone_surrogates_is_no_event_and_no_trip():
    with pytest.raises(BadEvent):
        decode_event("\ud800")
    with pytest.raises(BadView):
        decode_trip("\ud800")


def test_mangled_bytes_never_raise_anything_else(count: Count):
    play = crew_of(BEN)
    play.vote(BEN, play.poll(), 0)
    seeds = [encode_trip(play.trip), *map(encode_event, play.events)]

    @settings(max_examples=count(reduced=1500, full=30_000), deadline=None)
    @given(st.sampled_from(seeds), st.data())
    def holds(seed: bytes, data: st.DataObject):
        at = data.draw(st.integers(0, len(seed) - 1))
        cut = data.draw(st.integers(0, 12))
        put = data.draw(
            st.one_of(st.binary(max_size=6), st.sampled_from([b"null", b"-1", b"1e999", b'""', b"[]", b"{}"]))
        )
        mangled = seed[:at] + put + seed[at + cut :]
        with suppress(BadEvent):
            encode_event(decode_event(mangled))
        with suppress(BadView):
            encode_trip(decode_trip(mangled))

    holds()


def test_every_kind_of_event_comes_back_as_it_was():
    play = crew_of(BEN)
    play.vote(BEN, play.poll(), 0)
    for e in play.events:
        assert decode_event(encode_event(e)) == e
        assert decode_event(encode_event(e).decode()) == e
    assert facts(play.events) == [e.data for e in play.events]


def test_json_names_are_camel_case_and_the_type_is_the_facts_name():
    sent = json.loads(encode_event(event("trip:t", 0, datetime(2026, 5, 1, tzinfo=UTC), ANA, "c", MemberLeft(ANA))))
    assert sent == {
        "topic": "trip:t",
        "seq": 0,
        "type": "MemberLeft",
        "at": "2026-05-01T00:00:00Z",
        "by": ANA,
        "command": "c",
        "data": {"memberId": ANA},
        "v": SCHEMA_VERSION,
    }


@pytest.mark.parametrize("kind", ["FromTheFuture", "UnknownFact", "Fact", "Event", "__class__", ""])
def test_an_event_of_an_unknown_type_is_carried_on_as_it_came(kind: str):
    data = b'{"a": [1, {"b": "\xc3\xa9"}], "raw": null}'
    e = decode_event(with_data(data, kind))
    assert isinstance(e.data, UnknownFact)
    assert (e.type, e.seq, bytes(e.data.raw)) == (kind, 3, data)
    again = decode_event(encode_event(e))
    assert isinstance(again.data, UnknownFact)
    assert bytes(again.data.raw) == data


def test_an_event_of_a_newer_version_is_unknown_even_when_its_type_is_known():
    e = decode_event(body(v=SCHEMA_VERSION + 1))
    assert isinstance(e.data, UnknownFact)
    with pytest.raises(ValueError):
        fold(crew_of().trip, [e])


def test_fields_that_a_newer_server_added_are_ignored():
    e = decode_event(body(data={"memberId": "ana", "reason": "holiday"}, trace="x"))
    assert e.data == MemberLeft("ana")


def test_an_event_without_a_version_is_of_the_first():
    without = {k: v for k, v in ENVELOPE.items() if k != "v"}
    assert decode_event(json.dumps(without)).v == 1


# --- snapshots -----------------------------------------------------------------------------------


# R: T11
def test_a_snapshot_has_the_names_of_the_contract():
    play = crew_of(BEN)
    poll = play.poll("Wed", "Thu", kind="yes-maybe-no")
    play.hotel("Casa")
    view = json.loads(encode_trip(play.trip))
    assert {"id", "name", "startsOn", "requiredMembers", "isDiscountUnlocked", "hotelVoting", "endsAt"} <= set(view)
    assert [m["role"] for m in view["members"]] == ["organiser", "member"]
    assert view["polls"][0]["options"][0] == {"id": f"{poll}.0", "text": "Wed", "votes": {}}
    assert view["hotels"][0]["pricePerNight"] == {"amount": 8400, "currency": "EUR"}
    assert view["hotelVoting"]["winnerId"] is None


def test_a_snapshot_with_fields_of_a_newer_server_is_read_and_one_of_a_newer_version_is_not():
    view = json.loads(encode_trip(crew_of(BEN).trip))
    assert decode_trip(json.dumps({**view, "weather": "fine"})) == decode_trip(json.dumps(view))
    with pytest.raises(BadView, match="version"):
        decode_trip(json.dumps({**view, "v": SNAPSHOT_VERSION + 1}))


def test_the_same_state_is_the_same_bytes_in_every_process():
    play = crew_of(*(f"m{n}" for n in range(40)))
    poll = play.poll()
    for n in range(40):
        play.vote(f"m{n}", poll, n % 2)
    assert encode_trip(decode_trip(encode_trip(play.trip))) == encode_trip(play.trip)
    assert [m.id for m in crew_order(play.trip)][:3] == [ANA, "m0", "m1"]


@pytest.mark.parametrize("change", [{"keepFor": 10**30}, {"keepFor": -(10**30)}, {"changedAt": "9999-12-31T23:59:59Z"}])
def test_a_snapshot_with_absurd_times_is_refused_or_has_an_end(change: dict[str, object]):
    view = json.loads(encode_trip(crew_of().trip))
    try:
        trip = decode_trip(json.dumps({**view, **change}))
    except BadView:
        return
    assert trip.warns_at <= trip.ends_at
    encode_trip(trip)


# --- cursors -------------------------------------------------------------------------------------

POSITIONS = st.dictionaries(
    st.text(max_size=30),
    st.builds(Position, st.text(max_size=20), st.integers(0, 2**53 - 1), st.text(max_size=8)),
    max_size=MAX_TOPICS,
)


# R: S1
@given(POSITIONS)
def test_a_cursor_reads_back_and_is_safe_in_a_url_a_header_and_an_sse_id(positions: dict[str, Position]):
    cursor = encode_cursor(positions)
    assert decode_cursor(cursor) == positions
    assert all(c.isascii() and (c.isalnum() or c in "-_") for c in cursor)
    assert encode_cursor(dict(reversed(positions.items()))) == cursor


# R: S1
def test_a_cursor_over_as_many_topics_as_may_be_followed_is_short_enough():
    topic = "feed:location:019de368-f600-7000-8000-0000000000{:02}:presence"
    positions = {
        topic.format(n): Position.after("01k0000000000-ffffffffffffffff", 2**53 - 1, "c") for n in range(MAX_TOPICS)
    }
    cursor = encode_cursor(positions)
    assert len(cursor) <= MAX_CURSOR_CHARS
    assert decode_cursor(cursor) == positions


def packed(rows: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(rows).encode()).decode().rstrip("=")


# R: S1
@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "x",
        "=",
        "====",
        "é",
        "\ud800",
        "\x00",
        "A" * (MAX_CURSOR_CHARS + 1),
        "A" * MAX_CURSOR_CHARS,
        packed(None),
        packed({}),
        packed([["t"]]),
        packed([["t", "e", -1, "c"]]),
        packed([["t", "e", 2**53, "c"]]),
        packed([["t", "e", 10**300, "c"]]),
        packed([["t", "e", 1.5, "c"]]),
        packed([["t", "e", "1", "c"]]),
        packed([["t", "e", True, "c"]]),
        packed([["t", "e", 1, "c", "more"]]),
        packed([["\ud800", "e", 1, "c"]]),
        packed([[f"t{n}", "e", 1, "c"] for n in range(MAX_TOPICS + 1)]),
        packed([["t", "e", 1, "c"], ["t", "e", 2, "c"]]),
        packed(json.loads("[" * 500 + "]" * 500)),
    ],
)
def test_a_bad_cursor_is_a_bad_cursor(garbage: str):
    with pytest.raises(BadCursor):
        decode_cursor(garbage)


@given(st.text(alphabet=st.characters(), max_size=200))
def test_no_text_makes_reading_a_cursor_raise_anything_else(garbage: str):
    with suppress(BadCursor):
        decode_cursor(garbage)


def test_positions_of_different_commands_differ():
    assert Position.after("e", 4, "one") != Position.after("e", 4, "two")


def test_folding_events_read_from_json_gives_what_folding_the_originals_gave():
    play = Play().create().join(BEN)
    read: list[Event] = [decode_event(encode_event(e)) for e in play.events]
    assert fold(None, read) == play.trip
    assert all(isinstance(e.data, Fact) for e in read)
