"""What can be talked about, and what the topics of that are called."""

import pytest

from roadcrew_domain.ids import uuid7
from roadcrew_domain.places import (
    CHANNELS,
    OF_TRIPS,
    Entity,
    entity,
    exhibition_place,
    hotel_place,
    is_place,
    parse_topic,
)

TRIP = uuid7(1_700_000_000_000, bytes(10))


# R: F1 F6
@pytest.mark.parametrize(
    ("kind", "id_"),
    [
        ("trip", TRIP),
        ("post", f"{TRIP}.0"),
        ("blog", TRIP),
        ("location", hotel_place("Casa Azul", "Lisbon")),
        ("location", exhibition_place("tile-museum")),
    ],
)
def test_a_topic_s_name_leads_back_to_its_entity_and_channel(kind: str, id_: str):
    thing = entity(kind, id_)
    assert thing is not None
    for channel in CHANNELS:
        expected = (thing, channel) if kind == "trip" or channel not in OF_TRIPS else None
        assert parse_topic(thing.topic(channel)) == expected


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "feed",
        "feed:trip",
        f"trip:{TRIP}",
        f"feed:trip:{TRIP}",
        f"feed:trip:{TRIP}:",
        f"feed:trip:{TRIP}:eve",
        f"feed:eve:{TRIP}:comments",
        f"feed:trip:{TRIP}:comments:comments",
        f"feed:trip:{TRIP.upper()}:comments",
        f"feed:location:{TRIP}:comments",
        "feed:trip:../../x:comments",
        "feed:location:hotel.00000000000000000:comments",
        "feed:location:hotel.000000000000000G:comments",
        "feed:location:exhibition.:comments",
        f"feed:location:exhibition.{'a' * 41}:comments",
        "feed:location:exhibition.a\n:comments",
    ],
)
def test_what_is_no_feed_s_topic_is_none(topic: str):
    assert parse_topic(topic) is None


# R: F6
def test_a_hotel_is_one_place_however_its_name_is_spaced_and_cased_and_no_other_hotel_s():
    place = hotel_place("Casa Azul", "Lisbon")
    assert is_place(place)
    assert {hotel_place("  CASA\u00a0azul", "lisbon "), hotel_place("Ｃasa Azul", "Lisbon")} == {place}
    others = [("Casa Azul", "Porto"), ("Casa", "Azul Lisbon"), ("Casa AzulLisbon", ""), ("\ud800", "\udfff")]
    assert len({hotel_place(*names) for names in others} | {place}) == 5


def test_an_entity_knows_its_channels():
    assert Entity("trip", TRIP).has("posts")
    assert not Entity("post", TRIP).has("posts")
    assert not Entity("trip", TRIP).has("open")
