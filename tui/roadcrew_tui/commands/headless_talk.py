"""Talk without a screen, as the sub-commands run it: people's words to calls, answers to the shapes of HTTP. What
people read of it is talk_words.py's.

Raises the client's `RoadcrewError` and the domain's `Refused`; `ValueError` for a file that is none.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from roadcrew_domain.feed_state import MAX_TEXT, Reaction
from roadcrew_domain.places import ListChannel
from roadcrew_domain.refusals import Refused
from roadcrew_domain.text import MAX_UNTIDY
from roadcrew_tui.commands.base import Args
from roadcrew_tui.commands.headless import shape
from roadcrew_tui.commands.headless_talk_things import item_of, person_of, thing_of
from roadcrew_tui.host import must_lend
from roadcrew_tui.progress import Progress

if TYPE_CHECKING:
    from roadcrew_client import Client, MarkAnswer, Muted

LOOK_WITHIN = 10.0
"""Seconds in which a server says who is here."""


def channel_of(args: Args) -> ListChannel:
    """Which list is meant."""
    return cast(ListChannel, args.get("channel") or "comments")


def _mark_shape(answer: MarkAnswer) -> Any:
    """`{rating|likes|saves, seq, cursor}` as the contract has it."""
    return {name: value for name, value in shape(answer).items() if value is not None}


def _mutes_shape(muted: tuple[Muted, ...]) -> Any:
    return {"muted": shape(muted)}


# --- reading -------------------------------------------------------------------------------------


async def listed(client: Client, args: Args) -> Any:
    """`talk list`. For people it says besides whom they do not read."""
    thing, channel = await thing_of(client, args), channel_of(args)
    told = shape(await client.talk_items(thing, channel, args.get("before"), int(args.get("limit") or 30)))
    if args.get("json"):
        return told
    return {**told, "channel": channel, "unread": [person.id for person in await client.mutes()]}


async def removed(client: Client, args: Args) -> Any:
    """`talk removed`."""
    thing, channel = await thing_of(client, args), channel_of(args)
    return shape(await client.removed_items(thing, channel, args.get("before"), int(args.get("limit") or 30)))


async def read(client: Client, args: Args) -> Any:
    """`talk read`: one item in full."""
    item = await item_of(client, await thing_of(client, args), channel_of(args), str(args["item"]))
    return {"item": shape(item), "whole": True}


async def summary(client: Client, args: Args) -> Any:
    """`talk summary`."""
    return shape(await client.talk_summary(await thing_of(client, args)))


async def saved(client: Client, args: Args) -> Any:
    """`talk saved`."""
    return shape(await client.saved_things(args.get("after"), int(args.get("limit") or 50)))


async def here(client: Client, args: Args) -> Any:
    """`talk here`: `{topic, present, seen}`, as it is told in a stream. Raises `Unreachable`."""
    from roadcrew_client.errors import NotFound, Unreachable  # noqa: PLC0415 - not for a fast start

    topic, turned = (await thing_of(client, args)).topic("presence"), asyncio.Event()
    async with client.follow_talk(topic) as live:
        live.listen(lambda _: turned.set())
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                while topic not in live.present:
                    if live.status.state == "gone":
                        raise NotFound("unknown-entity", "There is no such thing to talk about.")
                    turned.clear()
                    await turned.wait()
        except TimeoutError as error:
            raise Unreachable("timeout", "The server did not answer in time.") from error
        return shape(live.present[topic])


# --- saying --------------------------------------------------------------------------------------


async def comment(client: Client, args: Args) -> Any:
    """`talk comment`."""
    thing, text = await thing_of(client, args), _text(args["text"], "comments")
    to = await item_of(client, thing, "comments", str(args["reply"])) if args.get("reply") else None
    if to is None:
        return shape(await client.comment(thing, text))
    return shape(await client.comment(thing, text, to.id, to.no))


async def post(client: Client, args: Args) -> Any:
    """`talk post`."""
    return shape(await client.post(await thing_of(client, args), _text(args["text"], "posts")))


async def blog(client: Client, args: Args) -> Any:
    """`talk blog`."""
    thing, text = await thing_of(client, args), _text(args["text"], "blogs")
    return shape(await client.blog(thing, str(args["title"]), text))


async def edit(client: Client, args: Args) -> Any:
    """`talk edit`: of a blog, the title stays if no other is said."""
    thing, channel = await thing_of(client, args), channel_of(args)
    item, text = await item_of(client, thing, channel, str(args["item"])), _text(args["text"], channel)
    title = args.get("title") or item.title
    return shape(await client.edit_item(thing, channel, item.id, text, title, item.no))


async def remove(client: Client, args: Args) -> Any:
    """`talk remove`."""
    thing, channel = await thing_of(client, args), channel_of(args)
    item = await item_of(client, thing, channel, str(args["item"]))
    return shape(await client.remove_item(thing, channel, item.id, item.no))


async def restore(client: Client, args: Args) -> Any:
    """`talk restore`."""
    thing, channel = await thing_of(client, args), channel_of(args)
    item = await item_of(client, thing, channel, str(args["item"]))
    return shape(await client.restore_item(thing, channel, item.id, item.no))


async def react(client: Client, args: Args, *, on: bool) -> Any:
    """`talk react` and `talk unreact`."""
    thing, channel = await thing_of(client, args), channel_of(args)
    item, reaction = await item_of(client, thing, channel, str(args["item"])), cast(Reaction, args["reaction"])
    call = client.react if on else client.unreact
    return shape(await call(thing, channel, item.id, reaction, item.no))


def _text(said: object, channel: ListChannel) -> str:
    """What was said, or what comes on standard input for `-`; no more than can be meant."""
    return sys.stdin.read(MAX_TEXT[channel] * MAX_UNTIDY + 1) if said == "-" else str(said)


# --- giving --------------------------------------------------------------------------------------


async def rate(client: Client, args: Args) -> Any:
    """`talk rate`."""
    stars, none = args.get("stars"), bool(args.get("none"))
    if none == (stars is not None):
        raise Refused("bad-stars", "invalid", "Say how many stars, 1 to 5, or --none to take yours back.")
    return _mark_shape(await client.rate(await thing_of(client, args), stars))


async def like(client: Client, args: Args) -> Any:
    """`talk like`."""
    return _mark_shape(await client.like(await thing_of(client, args), not args.get("none")))


async def save(client: Client, args: Args) -> Any:
    """`talk save`."""
    return _mark_shape(await client.save(await thing_of(client, args), not args.get("none")))


# --- images --------------------------------------------------------------------------------------


async def show_image(client: Client, args: Args) -> Any:
    """`talk image`: a file to the server, which makes the image anew."""
    from roadcrew_tui import image_files  # noqa: PLC0415 - only who shows one
    from roadcrew_tui.commands.price_words import Sending  # noqa: PLC0415 - as above

    file = await asyncio.to_thread(image_files.image_file, str(args["file"]), Path.cwd())
    thing, caption = await thing_of(client, args), str(args.get("caption") or "")
    progress, sending = Progress(quiet=bool(args.get("json"))), Sending(file.size, time.monotonic)
    try:
        return shape(
            await client.upload_image(
                thing,
                file.path,
                file.media,
                caption,
                sent=lambda done, size: progress.show(done / size, sending.words(done)),
            )
        )
    finally:
        progress.done()


async def fetch_image(client: Client, args: Args) -> Any:
    """`talk fetch`: an image into a file that there is not yet."""
    must_lend("files")
    thing, file = await thing_of(client, args), Path(str(args["file"]))
    item = await item_of(client, thing, "images", str(args["item"]))
    image = await client.image_bytes(thing, item.id, "thumb" if args.get("small") else "full", item.no)

    def write() -> None:
        with file.open("xb") as out:
            out.write(image)

    try:
        await asyncio.to_thread(write)
    except OSError as error:
        raise ValueError(f"{file} can't be written: {error.strerror}.") from error
    return {"itemId": item.id, "file": str(file), "bytes": len(image)}


# --- whom I read ---------------------------------------------------------------------------------


async def mute(client: Client, args: Args) -> Any:
    """`talk mute`."""
    return _mutes_shape(await client.mute(*await person_of(client, args, str(args["person"]))))


async def unmute(client: Client, args: Args) -> Any:
    """`talk unmute`."""
    from roadcrew_tui.commands.headless import find  # noqa: PLC0415 - where it is used

    known = await client.mutes()
    person = find(str(args["person"]), known, lambda p: p.name, lambda p: p.id, "person")
    return _mutes_shape(await client.unmute(person.id))


async def muted(client: Client) -> Any:
    """`talk muted`."""
    return _mutes_shape(await client.mutes())
