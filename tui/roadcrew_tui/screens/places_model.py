"""What kinds of things can be talked about, in words. Pure, without Textual."""

from __future__ import annotations

from roadcrew_domain.exhibitions import Exhibition
from roadcrew_domain.hotels import Hotel
from roadcrew_domain.places import Entity, exhibition_place, hotel_place


def kind_words(entity: Entity) -> str:
    """`hotel`, `exhibition`, `trip`, `post`, `blog`."""
    if entity.type == "location":
        return "hotel" if entity.id.startswith("hotel.") else "exhibition"
    return entity.type


def of_hotel(hotel: Hotel) -> Entity:
    """The place that a hotel is: the same on all trips of a server."""
    return Entity("location", hotel_place(hotel.name, hotel.city))


def of_exhibition(exhibition: Exhibition) -> Entity:
    """The place that an exhibition is."""
    return Entity("location", exhibition_place(exhibition.id))
