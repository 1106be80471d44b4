"""What the keys of talk do: to the item under the cursor, in whichever part that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual.content import Content

from roadcrew_domain.feed_state import REACTIONS, FeedAct, GiveReaction, Item, RemoveItem, RestoreItem, TakeReaction
from roadcrew_domain.places import parse_topic
from roadcrew_tui import commands, render
from roadcrew_tui.commands.comments import comments_of, part_of, view_of
from roadcrew_tui.screens import talk_draw as draw
from roadcrew_tui.screens import talk_model as model
from roadcrew_tui.screens.ask import CANCEL, Answer, Ask
from roadcrew_tui.screens.form import Field, Form, FormProblem, Values

if TYPE_CHECKING:
    from roadcrew_domain.places import ListChannel
    from roadcrew_tui.screens.base import CommandScreen
    from roadcrew_tui.screens.talk_comments import CommentsPart
    from roadcrew_tui.screens.talk_parts import TalkPart
    from roadcrew_tui.screens.talk_view import TalkView

MORE = ("talk.links", "talk.whole", "talk.reply", "talk.react", "talk.edit", "talk.remove", "talk.restore", "talk.mute")
"""What is offered of an item, in this order."""
MUTED = "you do not read this person."
REMOVED = "this was removed."
LOOKED_BACK = 20
"""Pages that are loaded to find something."""


async def _ask(screen: CommandScreen, title: str, question: Content, answers: Sequence[Answer], cancel: str) -> str:
    return await screen.app.push_screen_wait(Ask(title, question, answers, cancel=cancel))


async def _act(part: TalkPart, item: Item, act: FeedAct) -> None:
    await part.crew_app.link.talk.act(part.topic, act, item.no)


async def comment(screen: CommandScreen) -> None:
    """To the line under the comments, whatever part is open."""
    view = view_of(screen)
    if view is not None:
        if view.part_of.channel == "comments":
            _write(screen)
        else:  # beside whatever else happens: it may take a moment
            screen.run_worker(_open_and_write(screen, view), group="commands")


async def _open_and_write(screen: CommandScreen, view: TalkView) -> None:
    await view.open("comments")
    _write(screen)


def _write(screen: CommandScreen) -> None:
    part = comments_of(screen)
    if part is not None:
        part.write()


async def more(screen: CommandScreen) -> None:
    """What can be done about the item under the cursor."""
    part = part_of(screen)
    item = None if part is None else part.item
    offered = {command.id: command for command in screen.offered()}
    found = [offered[name] for name in MORE if name in offered]
    if part is None or item is None or not found:
        return
    answers = [Answer(command.id, render.ours(command.title)) for command in found]
    about = render.template("{who}: ", "bold", who=part.name_of(item))
    words = REMOVED if item.removed is not None else MUTED if part.is_muted(item) else item.title or item.text
    question = render.join(about, render.said(words, render.MUTED, width=200))
    kind = part.topic.rpartition(":")[2].removesuffix("s")
    chosen = await _ask(screen, f"This {kind}", question, answers, "Nothing")
    if chosen != CANCEL and part.item is not None and part.item.id == item.id:
        await commands.find(chosen).on_screen(screen)


async def remove(screen: CommandScreen) -> None:
    """Take the item under the cursor away, after asking."""
    part = part_of(screen)
    item = None if part is None else part.item
    if part is None or item is None:
        return
    words = "Remove what you wrote?" if item.by == part.me else "Remove what {who} wrote?"
    words += " That it was there stays. For 30 days it can be brought back."
    question = render.template(words, who=part.name_of(item))
    answer = Answer("remove", render.ours("Remove it"), irreversible=True)
    if await _ask(screen, "Remove", question, [answer], "Keep it") != CANCEL:
        await _act(part, item, RemoveItem(item.id, "", chair=part.chair and item.by != part.me))


async def restore(screen: CommandScreen) -> None:
    """Bring back what is under the cursor, with its words from who keeps them: the server."""
    part = part_of(screen)
    item, place = (None, None) if part is None else (part.item, parse_topic(part.topic))
    if part is None or item is None or place is None:
        return
    entity, channel = place[0], cast("ListChannel", place[1])
    kept = await part.crew_app.link.call(lambda client: client.removed_items(entity, channel, item.no + 1, 1))
    was = next((each.item for each in kept.removed if each.item.no == item.no), None)
    if was is None:
        part.crew_app.say("It can't be brought back any more.", "warning")
    else:
        await _act(part, item, RestoreItem(item.id, item=was, chair=part.chair))


async def react(screen: CommandScreen) -> None:
    """Give one of the signs to the item under the cursor, or take it back."""
    part = part_of(screen)
    item = None if part is None else part.item
    if part is None or item is None:
        return
    mine = {each.reaction for each in item.reactions if part.me in each.by}
    answers = [Answer(name, draw.choice(name, given=name in mine)) for name in REACTIONS]
    question = render.template("To what {who} wrote.", render.MUTED, who=part.name_of(item))
    chosen = await _ask(screen, "React", question, answers, "Nothing")
    for name in REACTIONS:
        if name == chosen:
            act = TakeReaction(item.id, name) if name in mine else GiveReaction(item.id, name)
            await _act(part, item, act)


async def find(screen: CommandScreen) -> None:
    """To the newest comment with some words above the cursor."""
    part = comments_of(screen)
    if part is None:
        return

    async def look(values: Values) -> None:
        words = values["words"]
        if not words:
            raise FormProblem("words", "Say which words.")
        found = await _found(part, words)
        if found is None:
            raise FormProblem("words", _not_found(part))
        part.select(found.id)

    hint = "Who wrote it counts too. Again from the last find: older ones."
    field = Field("words", "Words", hint, value=part.looked_for)
    await screen.app.push_screen_wait(Form("Find in the comments", [field], look, button="find"))


async def _found(part: CommentsPart, words: str) -> Item | None:
    before = part.item.no if part.item is not None and words == part.looked_for else None
    part.looked_for = words
    for _ in range(LOOKED_BACK):
        found = model.with_words(part.shelf.items, words, before)
        if found is not None or not await part.load_more():
            return found
    return None


def _not_found(part: CommentsPart) -> str:
    if part.shelf.before:
        return f"Not among the newest {len(part.shelf.items):,}. Send it again to look further back."
    return "Nobody wrote that."
