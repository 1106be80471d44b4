"""Which call each act of talk is, and what is believed of what a server says of talk."""

from datetime import UTC, datetime

import msgspec
import pytest

import roadcrew_client as rc
from roadcrew_client import talk_models
from roadcrew_client.frames import RawReset, read_reset
from roadcrew_client.routes import Call
from roadcrew_client.talk_routes import act_of, call_of
from roadcrew_domain.feed import encode_state
from roadcrew_domain.feed_state import (
    EditItem,
    Feed,
    GiveReaction,
    Item,
    OpenFeed,
    RemoveItem,
    RestoreItem,
    TakeReaction,
    Watching,
    WriteItem,
)
from roadcrew_domain.marks_state import GiveMark, Marks, TakeMark
from roadcrew_domain.places import Entity, hotel_place
from roadcrew_domain.trip import EditTrip

ID = "01a206b3-ce48-7c3e-ba20-058b18491d40"
OTHER = "01a206b3-ce48-7c3e-ba20-058b18491d41"
TRIP = Entity("trip", ID)
HOTEL = Entity("location", hotel_place("Casa Azul", "Lisbon"))
POST = Entity("post", ID)
AT = datetime(2030, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("thing", "channel", "act", "method", "rest", "body"),
    [
        (TRIP, "comments", WriteItem("", "Hi\nthere"), "POST", "comments", {"text": "Hi\nthere"}),
        (POST, "comments", WriteItem("", "Yes", reply_to=OTHER), "POST", "comments", {"text": "Yes", "replyTo": OTHER}),
        (TRIP, "posts", WriteItem("", "Landed"), "POST", "posts", {"text": "Landed"}),
        (TRIP, "blogs", WriteItem("", "# Sun", "Day one"), "POST", "blogs", {"title": "Day one", "text": "# Sun"}),
        (HOTEL, "comments", EditItem(OTHER, "Better"), "PATCH", f"comments/{OTHER}", {"text": "Better"}),
        (TRIP, "blogs", EditItem(OTHER, "x", "y"), "PATCH", f"blogs/{OTHER}", {"text": "x", "title": "y"}),
        (HOTEL, "images", RemoveItem(OTHER, ""), "DELETE", f"images/{OTHER}", None),
        (HOTEL, "images", RestoreItem(OTHER), "POST", f"images/{OTHER}/restore", {}),
        (HOTEL, "images", GiveReaction(OTHER, "eyes"), "POST", f"images/{OTHER}/reactions", {"reaction": "eyes"}),
        (HOTEL, "comments", TakeReaction(OTHER, "eyes"), "DELETE", f"comments/{OTHER}/reactions/eyes", None),
        (HOTEL, "rating", GiveMark(4), "POST", "rating", {"stars": 4}),
        (HOTEL, "rating", TakeMark(), "DELETE", "rating", None),
        (TRIP, "likes", GiveMark(), "POST", "like", {}),
        (TRIP, "likes", TakeMark(), "DELETE", "like", None),
        (POST, "saves", GiveMark(), "POST", "save", {}),
        (POST, "saves", TakeMark(), "DELETE", "save", None),
    ],
)
def test_each_act_is_one_call_and_can_be_read_back_from_it(thing, channel, act, method, rest, body):
    call = call_of(thing.topic(channel), act)
    assert (call.method, call.path) == (method, f"/api/feeds/{thing.type}/{thing.id}/{rest}")
    assert (msgspec.json.decode(call.body) if call.body else None) == body
    assert act_of(call) == (thing.topic(channel), act)


def test_the_number_of_an_old_item_is_said_where_the_contract_has_it():
    topic = HOTEL.topic("comments")
    assert call_of(topic, RemoveItem(OTHER, ""), 7).path.endswith(f"/{OTHER}?no=7")
    assert call_of(topic, TakeReaction(OTHER, "eyes"), 7).path.endswith("/eyes?no=7")
    assert msgspec.json.decode(call_of(topic, RestoreItem(OTHER, "tag", item(7)), 7).body) == {"no": 7}
    assert msgspec.json.decode(call_of(topic, EditItem(OTHER, "x"), 7).body)["no"] == 7
    assert msgspec.json.decode(call_of(topic, GiveReaction(OTHER, "eyes"), 7).body)["no"] == 7
    assert msgspec.json.decode(call_of(topic, WriteItem("", "x", reply_to=OTHER), 7).body)["replyNo"] == 7
    assert act_of(call_of(topic, RemoveItem(OTHER, ""), 7)) == (topic, RemoveItem(OTHER, ""))


@pytest.mark.parametrize(
    ("topic", "act"),
    [
        (HOTEL.topic("images"), WriteItem("", "a file is no act")),
        (HOTEL.topic("presence"), GiveMark()),
        (HOTEL.topic("comments"), GiveMark()),
        (HOTEL.topic("rating"), WriteItem("", "x")),
        (HOTEL.topic("comments"), OpenFeed("comments")),
        (HOTEL.topic("comments"), EditTrip()),
        ("trip:t", WriteItem("", "x")),
        ("feed:location:casa:comments", WriteItem("", "x")),
    ],
)
def test_what_no_call_is_can_not_be_sent(topic, act):
    with pytest.raises(TypeError):
        call_of(topic, act)


@pytest.mark.parametrize(
    "call",
    [
        Call("/api/feeds", b"{}"),
        Call("/api/feeds/trip", b"{}"),
        Call(f"/api/feeds/trip/{ID}", b"{}"),
        Call(f"/api/feeds/trip/{ID}/nonsense", b'{"text": "x"}'),
        Call(f"/api/feeds/post/{ID}/posts", b'{"text": "x"}'),
        Call("/api/feeds/location/../../x/comments", b'{"text": "x"}'),
        Call(f"/api/feeds/trip/{ID}/comments", b'{"text": 5}'),
        Call(f"/api/feeds/trip/{ID}/comments", b"["),
        Call(f"/api/feeds/trip/{ID}/comments", b"[" * 100_000),
        Call(f"/api/feeds/trip/{ID}/comments", b'{"text": "x"}', "PUT"),
        Call(f"/api/feeds/trip/{ID}/comments/nonsense", b'{"text": "x"}', "PATCH"),
        Call(f"/api/feeds/trip/{ID}/comments/{OTHER}/reactions", b'{"reaction": "rage"}'),
        Call(f"/api/feeds/trip/{ID}/comments/{OTHER}/reactions/rage", b"", "DELETE"),
        Call(f"/api/feeds/trip/{ID}/rating", b'{"stars": "many"}'),
        Call(f"/api/feeds/trip/{ID}/presence", b"{}"),
    ],
)
def test_a_call_that_is_nothing_of_ours_is_not_read_as_one(call: Call):
    with pytest.raises(ValueError, match="nothing that is done to talk"):
        act_of(call)


def item(no: int) -> Item:
    return Item(f"i{no}", no, "ana", "Ana", AT, "x")


@pytest.mark.parametrize(
    "state",
    [
        Feed("comments", None, AT, AT, 2, (item(2), item(1))),
        Feed("comments", None, AT, AT, 2, (item(1), item(1))),
        Feed("comments", None, AT, AT, 1, (item(2),)),
        Feed("comments", None, AT, AT, 1, (item(0),)),
        Marks("rating", None, AT, AT, (0, 0, 1)),
        Marks("likes", None, AT, AT, (-1,)),
        Marks("saves", None, AT, AT, ()),
    ],
)
def test_a_state_that_can_not_be_is_not_believed(state: Feed | Marks):
    raw = RawReset(HOTEL.topic(state.channel), 3, msgspec.Raw(encode_state(state)))
    with pytest.raises(rc.ServerTrouble):
        read_reset(raw)


@pytest.mark.parametrize(
    "state",
    [
        Feed("comments", None, AT, AT, 7, (item(5), item(7))),
        Marks("rating", None, AT, AT, (0, 0, 1, 0, 0), whole=False),
        Watching(None, AT, AT),
    ],
)
def test_a_state_is_read_as_the_domain_has_it(state):
    assert read_reset(RawReset(HOTEL.topic("comments"), 3, msgspec.Raw(encode_state(state)))).state == state


@pytest.mark.parametrize(
    "rating",
    [
        {"count": 2, "total": 7, "spread": [0, 1, 0, 1, 0]},
        {"count": 2, "total": 6, "spread": [0, 1, 0, 0, 0]},
        {"count": 2, "total": 6, "spread": [0, 1, 0, 1]},
        {"count": 0, "total": 0, "spread": [0, -1, 1, 0, 0]},
        {"count": 1, "total": "5", "spread": [0, 0, 0, 0, 1]},
    ],
)
def test_a_rating_whose_sums_are_wrong_is_not_believed(rating):
    body = msgspec.json.encode({"type": "location", "id": HOTEL.id, "rating": rating})
    with pytest.raises(rc.ServerTrouble):
        talk_models.read_summary(body)


def test_the_average_is_none_where_nobody_has_rated():
    assert talk_models.RatingOf().average is None
    assert talk_models.RatingOf(2, 7, (0, 0, 1, 1, 0)).average == 3.5
