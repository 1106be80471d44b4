"""Images on a stage: what somebody shows, and what that looks like as a file."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support import images
from tests.tui.scenes import Scene

from roadcrew_client.models import User
from roadcrew_domain.feed_state import GiveReaction, Picture, RemoveItem, WriteItem
from roadcrew_domain.places import Entity
from roadcrew_domain.text import cleaned

TALKING = ("overview", "polls", "hotels", "talk")


def topic(scene: Scene) -> str:
    """Of the images of the scene's trip."""
    return Entity("trip", scene.trip_id).topic("images")


def show(scene: Scene, who: User, caption: str, data: bytes) -> str:
    """Somebody shows an image; its id."""
    talks, item = scene.world.talks, scene.world.new_id()
    talks.images[item] = data
    picture = Picture("f" * 64, item.replace("-", "") * 2, 64, 48, len(data), "image/png")
    talks.do(scene.world, topic(scene), who, WriteItem(who.name, caption, picture=picture), command=item)
    return item


def gallery(scene: Scene, texts: Sequence[str]) -> None:
    """One that was removed, one with a sign in answer, one that is broken, and a tall one of this person's."""
    scene.world.features = TALKING
    captions = [cleaned(text)[:300] for text in texts]
    gone = show(scene, scene.ben, captions[0], images.png())
    scene.world.talks.do(scene.world, topic(scene), scene.ana, RemoveItem(gone, scene.ana.name, chair=True))
    show(scene, scene.ben, captions[0], images.png()[:60])
    liked = show(scene, scene.carla, captions[1], images.png())
    scene.world.talks.do(scene.world, topic(scene), scene.ana, GiveReaction(liked, "heart"))
    show(scene, scene.ana, captions[2], images.png(width=30, height=60, colour=(0, 90, 0)))
