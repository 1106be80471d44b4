"""A trip with posts and blogs, hotels that were rated, and an organiser who saved and muted: with texts as no server of
ours would have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tests.tui.scenes import Scene

from roadcrew_client.talk_models import Muted
from roadcrew_domain.feed_state import MAX_TITLE, Feed, GiveReaction, Item, Quoted, Reacted, Removed, WriteItem
from roadcrew_domain.marks_state import GiveMark
from roadcrew_domain.places import Entity
from roadcrew_tui.screens.places_model import of_hotel

FEATURES = ("overview", "polls", "hotels", "talk")


def markdown(text: str) -> str:
    """A text in all the places that Markdown has."""
    return (
        f"# {text}\n\n{text} *{text}* [{text}](https://example.org/{text[:20]}) ![{text}](javascript:{text})\n\n"
        f"- {text}\n  1. {text}\n\n> {text}\n\n| {text} | b |\n|--|--|\n| {text} | `{text}` |\n\n```\n  {text}\n```\n"
    )


def placed(scene: Scene, texts: Sequence[str]) -> None:
    """The newest blog holds all texts; one of the others was removed, and one is by somebody who is muted."""
    world, trip = scene.world, Entity("trip", scene.trip_id)
    world.features = FEATURES
    now = world.now() - timedelta(hours=3)
    world.talks.open(trip, now)
    crew = (scene.ben, scene.carla, scene.dev)
    blogs = [
        Item(world.new_id(), n, crew[n % 3].id, crew[n % 3].name, now + timedelta(minutes=n), markdown(text), text)
        for n, text in enumerate(texts, 1)
    ]
    gone = Item(blogs[0].id, 1, crew[1].id, crew[1].name, now, "", removed=Removed(scene.ana.id, scene.ana.name, now))
    whole = Item(
        world.new_id(),
        len(blogs) + 1,
        scene.ben.id,
        scene.ben.name,
        now + timedelta(hours=2),
        "\n\n".join(map(markdown, texts)),
        " ".join(texts)[:MAX_TITLE],
        reactions=(Reacted("heart", (scene.ana.id, scene.carla.id)),),
        edited_at=now + timedelta(hours=2, minutes=30),
        reply_to=Quoted(gone.id, 1, crew[1].id, crew[1].name),
    )
    items = (gone, *blogs[1:], whole)
    topic = trip.topic("blogs")
    world.talks.states[topic] = Feed("blogs", trip.id, now, now, len(items), items)
    for item in items:
        blog = Entity("blog", item.id)
        world.talks.trips[blog], world.talks.names[blog] = trip.id, item.title or ""
    world.talks.muted[scene.ana.id] = (Muted(scene.carla.id, texts[0], now), Muted("nobody", texts[-1], now))
    for n, hotel in enumerate(sorted(world.trips[scene.trip_id].hotels.values(), key=lambda hotel: hotel.id)):
        place = of_hotel(hotel)
        world.talks.names[place] = hotel.name
        for person in crew[: n % 3 + 1]:
            world.talks.do(world, place.topic("rating"), person, GiveMark(5 - n % 4), at=now)
        world.talks.do(world, place.topic("comments"), scene.ben, WriteItem("", "Quiet rooms"), at=now)
        world.talks.saved.setdefault(scene.ana.id, []).append(place)
    world.talks.saved.setdefault(scene.ana.id, []).append(Entity("blog", whole.id))
    world.talks.do(world, topic, scene.carla, GiveReaction(blogs[-1].id, "eyes"), at=now)
