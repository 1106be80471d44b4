"""`/api/feeds/{type}/{id}/{channel}`: what was removed there, for who may bring it back, and that they do. Who that is,
the domain says; where it is kept meanwhile, talk/bin.py. Not for removing it (talk_items.py)."""

from __future__ import annotations

from roadcrew_domain import feed
from roadcrew_domain.feed_state import BRING_BACK, PAGE, Feed, RestoreItem
from roadcrew_server.endpoints import Call, Endpoint
from roadcrew_server.routes.talk_common import OF, TAG, chairs, does, list_channel, opened, when
from roadcrew_server.routes.talk_shapes import ItemAnswer, NumberBody, RemovedAnswer, RemovedItem

MOST_REMOVED = 100


async def read(call: Call) -> RemovedAnswer:
    """What I may bring back, as it was. To others it is as if there were nothing."""
    channel = list_channel(call)
    before = call.number("before")
    limit = min(call.number("limit", most=MOST_REMOVED) or MOST_REMOVED, PAGE[channel])
    topic = await opened(call, channel, changes=True)
    await call.server.hub.refresh(topic)
    chair = await chairs(call, topic)
    state: Feed = topic.state
    now = call.server.store.now()
    mine = [b for b in state.binned if feed.restorable(b, call.user_id, now, chair=chair)]
    some = sorted((b for b in mine if before is None or b.no < before), key=lambda b: b.no)
    found = await call.server.talk.bin.items(topic, some[-limit:])
    removed = tuple(RemovedItem(item, b.by, b.at, b.at + BRING_BACK) for b, item in found)
    return RemovedAnswer(removed, len(some) > limit)


async def restore(call: Call) -> dict[str, object]:
    """It is there again, as it was, in its place."""
    b: NumberBody = call.body
    await call.server.limits.talk(call.user_id)
    topic = await opened(call, list_channel(call), changes=True)
    act = RestoreItem(call.request.path_params["itemId"], chair=await chairs(call, topic))
    done, item = await call.server.talk.change(topic, call.user_id, act, b.no, lambda act: does(call, topic, act))
    return {"item": item, **when(topic, done)}


ENDPOINTS = (
    Endpoint(
        "GET",
        f"{OF}/{{channel}}/removed",
        read,
        "reader",
        "What I may bring back of what was removed",
        answer=RemovedAnswer,
        query={
            "before": "The number of an item: those before it. Without it, the newest.",
            "limit": f"1 to {MOST_REMOVED}; at most a page, as of what is there.",
        },
        tag=TAG,
    ),
    Endpoint(
        "POST",
        f"{OF}/{{channel}}/{{itemId}}/restore",
        restore,
        "writer-or-organiser",
        "Bring back what was removed",
        body=NumberBody,
        answer=ItemAnswer,
        takes_key=True,
        tag=TAG,
    ),
)
