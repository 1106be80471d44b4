"""What people were told of their talk is looked for at the server: whatever is not so is said."""

import asyncio
from datetime import UTC, datetime

import pytest

from roadcrew_client import Outcome, Pending
from roadcrew_domain.feed_state import EditItem, Item, Removed, RemoveItem, WriteItem
from roadcrew_domain.marks_state import GiveMark, TakeMark
from roadcrew_tui.simulation.talker import Said, Truth

NOW = datetime(2030, 5, 1, tzinfo=UTC)


def answered(command: str, act: object, accepted: bool | None = True) -> Pending:
    """None: nobody ever hears of it."""
    done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    if accepted is None:
        done.cancel()
    else:
        done.set_result(Outcome(accepted))
    return Pending(command, act, NOW, done)


def comment(item_id: str, text: str, removed: Removed | None = None) -> Item:
    return Item(item_id, 1, "ben", "Ben", NOW, text, removed=removed)


def truth(*comments: Item, rating: tuple[int, ...] = (0, 0, 0, 0, 0), likes: int = 0) -> Truth:
    return Truth(list(comments), {"rating": rating, "likes": (likes,)})


async def test_what_was_accepted_and_is_there_once_is_right():
    said = Said()
    for command, act in (("a", WriteItem("", "one")), ("b", WriteItem("", "two")), ("c", EditItem("a", "three"))):
        said.take("comments", "ben", answered(command, act))
    said.take("comments", "ana", answered("d", RemoveItem("b", "")))
    said.take("comments", "ben", answered("e", WriteItem("", "no"), accepted=False))
    said.take("rating", "ben", answered("f", GiveMark(2)))
    said.take("rating", "ben", answered("g", GiveMark(5)))
    said.take("likes", "ben", answered("h", GiveMark()))
    said.take("likes", "ben", answered("i", TakeMark()))
    gone = comment("b", "", Removed("ana", "Ana", NOW))
    assert said.wrong(truth(comment("a", "three"), gone, rating=(0, 0, 0, 0, 1))) == []
    assert said.accepted == 8


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        (truth(), "comment a is missing"),
        (truth(comment("a", "one"), comment("a", "one")), "comment a is there 2 times"),
        (truth(comment("a", "two")), "comment a says two, not one"),
        (truth(comment("a", "one"), comment("x", "no")), "comment x is there though it was refused"),
        (truth(comment("a", "one"), likes=1), "likes are (1,), not (0,)"),
        (truth(comment("a", "one"), rating=(1, 0, 0, 0, 0)), "rating are (1, 0, 0, 0, 0), not (0, 0, 0, 0, 0)"),
    ],
)
async def test_each_thing_that_is_not_as_people_were_told_is_said(there: Truth, sentence: str):
    said = Said()
    said.take("comments", "ben", answered("a", WriteItem("", "one")))
    said.take("comments", "ben", answered("x", WriteItem("", "no"), accepted=False))
    assert said.wrong(there) == [sentence]


async def test_what_nobody_heard_of_any_more_may_be_either_way():
    said = Said()
    said.take("comments", "ben", answered("a", WriteItem("", "one")))
    for channel, act in (("comments", EditItem("a", "two")), ("comments", WriteItem("", "x")), ("likes", GiveMark())):
        said.take(channel, "ben", answered("u", act, accepted=None))
    for text in ("one", "two"):
        for likes in (0, 1):
            assert said.wrong(truth(comment("a", text), likes=likes)) == []
