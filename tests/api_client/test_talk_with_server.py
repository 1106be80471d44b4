"""Talk by the client against the real server: painted at once, the same on all terminals, through cuts and restarts."""

import asyncio
import os
import random
import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.api_client.scripted import until
from tests.support.serving import Running, served

import roadcrew_client as rc
from roadcrew_client.settings import ClientSettings
from roadcrew_domain import marks_rules
from roadcrew_domain.crew import RemoveMember
from roadcrew_domain.feed_state import (
    PAGE,
    EditItem,
    Feed,
    GiveReaction,
    Item,
    RemoveItem,
    RestoreItem,
    TakeReaction,
    WriteItem,
)
from roadcrew_domain.marks_state import GiveMark, Marks, TakeMark
from roadcrew_domain.places import Entity, exhibition_place
from roadcrew_domain.refusals import Refused

ROOT = Path(__file__).parents[2]
QUICK = ClientSettings(
    backoff_base=0.05, backoff_cap=0.5, retry_initial=0.05, look_throttle=0.05, outbox_look=0.2, outage_spread=0.1
)
SKY = Entity("location", exhibition_place("big-sky"))


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with served(tmp_path / "server", catalog="sample") as running:
        yield running


class Crew:
    """Ana, with an outbox, and Ben, on one trip. Ana's network can be taken away."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.url, self.folder, self.cable = running.url, folder, rc.Cable()
        self.outbox = rc.Outbox(folder)
        self.ana = rc.Client(running.url, settings=QUICK, cable=self.cable, outbox=self.outbox)
        self.ben = rc.Client(running.url, settings=QUICK)

    async def __aenter__(self) -> "Crew":
        await self.ana.guest("Ana")
        await self.ben.guest("Ben")
        made = await self.ana.create_trip("Lisbon")
        await self.ben.join(made.invite.code)
        self.trip = Entity("trip", made.trip.id)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ana.close()
        await self.outbox.close()
        await self.ben.close()


@pytest.fixture
async def crew(running: Running, tmp_path: Path) -> AsyncIterator[Crew]:
    async with Crew(running, tmp_path / "ana") as crew:
        yield crew


def items(live: rc.LiveTalk, topic: str) -> tuple[Item, ...]:
    state = live.states.get(topic)
    return state.items if isinstance(state, Feed) else ()


def texts(live: rc.LiveTalk, topic: str) -> list[str]:
    return [item.text for item in items(live, topic)]


def marks(live: rc.LiveTalk, topic: str) -> Marks | None:
    state = live.states.get(topic)
    return state if isinstance(state, Marks) else None


# R: F2 S6
async def test_what_one_says_and_does_to_it_is_painted_at_once_and_is_soon_the_same_on_the_other_terminal(crew: Crew):
    topic = crew.trip.topic("comments")
    async with crew.ana.follow_talk(topic) as here, crew.ben.follow_talk(topic) as there:
        await until(lambda: topic in here.states and topic in there.states)
        said = here.act(topic, WriteItem("", "Hello @Ben"))
        assert [(item.id, item.name, item.text) for item in items(here, topic)] == [(said.id, "Ana", "Hello @Ben")]
        assert here.pending == (said,)
        assert here.status.waiting == 1
        await until(lambda: here.states == there.states and not here.pending)
        (item,) = items(there, topic)
        assert crew.ben.user is not None
        assert (item.id, item.no, item.mentions) == (said.id, 1, (crew.ben.user.id,))

        answer = there.act(topic, WriteItem("", "Hi", reply_to=item.id))
        there.act(topic, GiveReaction(item.id, "heart"))
        assert items(there, topic)[1].reply_to is not None
        assert items(there, topic)[0].reactions[0].by == (crew.ben.user.id,)
        await until(lambda: here.states == there.states and not there.pending)

        there.act(topic, TakeReaction(item.id, "heart"))
        here.act(topic, EditItem(item.id, "Hello, Ben"))
        assert items(here, topic)[0].edited_at is not None
        here.act(topic, RemoveItem(answer.id, "", chair=True))
        removed = items(here, topic)[1]
        assert (removed.text, removed.removed and removed.removed.name) == ("", "Ana")
        await until(lambda: here.states == there.states and not here.pending and not there.pending)
        assert texts(there, topic) == ["Hello, Ben", ""]
        assert items(there, topic)[0].reactions == ()


# R: F2 S6
async def test_what_was_removed_is_back_at_once_where_somebody_brings_it_back_and_soon_elsewhere(crew: Crew):
    topic = crew.trip.topic("comments")
    said = (await crew.ben.comment(crew.trip, "Hello")).item
    assert said is not None
    async with crew.ana.follow_talk(topic) as here, crew.ben.follow_talk(topic) as there:
        await until(lambda: topic in here.states and topic in there.states)
        here.act(topic, RemoveItem(said.id, "", chair=True))
        await until(lambda: texts(there, topic) == [""] and here.states == there.states and not here.pending)
        assert (await crew.ben.removed_items(crew.trip, "comments")).removed == ()
        (kept,) = (await crew.ana.removed_items(crew.trip, "comments")).removed
        assert crew.ana.user is not None
        assert (kept.item, kept.by, (kept.until - kept.at).days) == (said, crew.ana.user.id, 30)
        back = here.act(topic, RestoreItem(said.id, item=kept.item, chair=True))
        assert here.pending == (back,)
        assert items(here, topic) == (said,)
        await until(lambda: here.states == there.states and not here.pending)
        assert items(there, topic) == (said,)
    again = await crew.ben.remove_item(crew.trip, "comments", said.id)
    assert again.item is not None
    assert again.item.removed is not None
    with pytest.raises(rc.Forbidden):
        await crew.ana.restore_item(crew.trip, "comments", said.id)
    assert (await crew.ben.restore_item(crew.trip, "comments", said.id, said.no)).item == said


# R: F2 S6
async def test_marks_are_counted_at_once_and_what_is_mine_is_known_although_nobody_is_named(
    crew: Crew,
):
    channels = [SKY.topic(channel) for channel in ("rating", "likes", "saves")]
    rating, likes, saves = channels
    await crew.ana.save(SKY)
    async with crew.ana.follow_talk(*channels) as here, crew.ben.follow_talk(*channels) as there:
        await until(lambda: all(set(live.states) == set(channels) for live in (here, there)))
        await until(lambda: here.mine(saves) == 1)
        assert there.mine(saves) is None
        here.act(rating, GiveMark(4))
        here.act(likes, GiveMark())
        here.act(saves, TakeMark())
        assert _counts(here, channels) == [(0, 0, 0, 1, 0), (1,), (0,)]
        assert [here.mine(topic) for topic in channels] == [4, 1, None]
        await until(lambda: not here.pending)
        there.act(rating, GiveMark(1))
        there.act(saves, GiveMark())
        await until(lambda: not there.pending and _counts(here, channels) == _counts(there, channels))
        assert _counts(here, channels) == [(1, 0, 0, 1, 0), (1,), (1,)]
        here.act(rating, GiveMark(5))
        await until(lambda: not here.pending)
    summary = await crew.ana.talk_summary(SKY)
    assert (summary.rating.average, summary.rating.mine, summary.likes.mine, summary.saves.mine) == (
        3.0,
        5,
        True,
        False,
    )
    assert [(thing.type, thing.id) for thing in (await crew.ben.saved_things()).saved] == [("location", SKY.id)]
    assert (await crew.ana.saved_things()).saved == ()


def _counts(live: rc.LiveTalk, channels: list[str]) -> list[tuple[int, ...]]:
    return [state.spread for state in (marks(live, topic) for topic in channels) if state is not None]


# R: S6
async def test_what_is_refused_is_taken_back_with_its_reason_and_what_is_malformed_is_not_even_painted(
    crew: Crew,
):
    topic, ratings = crew.trip.topic("comments"), crew.trip.topic("rating")
    ben = crew.ben.user
    assert ben is not None
    async with crew.ana.follow_talk(topic) as here, crew.ben.follow_talk(topic, ratings) as there:
        await until(lambda: topic in here.states and ratings in there.states)
        with pytest.raises(Refused, match="empty"):
            there.act(topic, WriteItem("", " "))
        with pytest.raises(Refused, match="1 to 5"):
            there.act(ratings, GiveMark(6))
        with pytest.raises(ValueError, match="not followed"):
            here.act(ratings, GiveMark(3))
        told: list[rc.Change] = []
        there.listen(told.append)
        await crew.ana.do(crew.trip.id, RemoveMember(ben.id))
        await until(lambda: any(c.kind == "gone" and c.topic == topic and c.reason == "removed" for c in told))
        assert topic not in there.states
        late = there.act(topic, WriteItem("", "And me?"))
        outcome = await late.done
        assert outcome.refusal is not None
        assert outcome.refusal.code == "not-a-member"
        assert [(c.topic, c.pending) for c in told if c.kind == "refused"] == [(topic, late)]
        assert there.pending == ()


# R: S7
async def test_what_is_said_without_a_network_is_kept_and_sent_once_and_in_order_by_the_next_program(crew: Crew):
    topic = crew.trip.topic("comments")
    async with crew.ana.follow_talk(topic) as here:
        await until(lambda: topic in here.states)
        crew.cable.unplug()
        first = here.act(topic, WriteItem("", "one"))
        second = here.act(topic, WriteItem("", "two"))
        here.act(topic, EditItem(first.id, "one, edited"))
        here.act(topic, RemoveItem(second.id, ""))
        assert [item.text for item in items(here, topic)] == ["one, edited", ""]
        assert second.kept is not None
        assert await second.kept == "disk"
    waiting = await crew.outbox.entries(crew.ana.server)
    assert [(e.topic, e.trip_id, e.call.method, e.about.what) for e in waiting] == [
        (topic, crew.trip.id, "POST", "one"),
        (topic, crew.trip.id, "POST", "two"),
        (topic, crew.trip.id, "PATCH", "one, edited"),
        (topic, crew.trip.id, "DELETE", "two"),
    ]
    await crew.ana.close()
    await crew.outbox.close()
    crew.outbox = rc.Outbox(crew.folder)
    crew.ana = rc.Client(crew.url, settings=QUICK, token=crew.ana.token, outbox=crew.outbox)
    async with crew.ana.follow_talk(topic) as here:
        await until(lambda: topic in here.states and texts(here, topic) == ["one, edited", ""] and not here.pending)
        assert [(item.id, item.no) for item in items(here, topic)] == [(first.id, 1), (second.id, 2)]
    assert await crew.outbox.entries(crew.ana.server) == []
    assert [item.text for item in (await crew.ben.talk_items(crew.trip, "comments")).items] == ["one, edited", ""]


# R: S7
async def test_what_waits_when_one_looks_elsewhere_is_sent_in_the_background(crew: Crew):
    topic, other = crew.trip.topic("comments"), crew.trip.topic("likes")
    async with crew.ana.follow_talk(topic) as here:
        await until(lambda: topic in here.states)
        crew.cable.unplug()
        said = here.act(topic, WriteItem("", "still here"))
        assert said.kept is not None
        await said.kept
        here.watch([other])
        await until(said.done.cancelled)
        assert here.pending == ()
        crew.cable.plug()
        await until(lambda: other in here.states)
        async with crew.ben.follow_talk(topic) as there:
            await until(lambda: texts(there, topic) == ["still here"])


# R: S6
async def test_who_looks_away_and_back_at_once_goes_on_where_they_were(crew: Crew):
    topic, other = crew.trip.topic("comments"), crew.trip.topic("likes")
    async with crew.ana.follow_talk(topic) as here:
        await until(lambda: topic in here.states)
        said = here.act(topic, WriteItem("", "one"))
        here.watch([other])
        here.watch([topic, other])
        assert texts(here, topic) == ["one"]
        assert (await said.done).accepted
        await crew.ben.comment(crew.trip, "two")
        await until(lambda: texts(here, topic) == ["one", "two"] and other in here.states)
        here.watch([other])
        await until(lambda: topic not in here.states)
        here.watch([topic])
        await until(lambda: texts(here, topic) == ["one", "two"])


# R: S2 S6
async def test_after_a_cut_both_terminals_say_the_same_without_a_reload(crew: Crew):
    topics = [crew.trip.topic(channel) for channel in ("comments", "rating", "posts")]
    comments, rating, posts = topics
    async with crew.ana.follow_talk(*topics) as here, crew.ben.follow_talk(*topics) as there:
        await until(lambda: all(set(live.states) == set(topics) for live in (here, there)))
        crew.cable.unplug()
        here.act(comments, WriteItem("", "from the tunnel"))
        here.act(rating, GiveMark(5))
        for n in range(5):
            there.act(comments, WriteItem("", f"outside {n}"))
        there.act(posts, WriteItem("", "We are there"))
        there.act(rating, GiveMark(2))
        await until(lambda: not there.pending)
        crew.cable.plug()
        await until(lambda: not here.pending and here.states == there.states, 10)
        assert texts(here, comments) == [*(f"outside {n}" for n in range(5)), "from the tunnel"]
        ratings = marks(here, rating)
        assert ratings is not None
        assert (ratings.count, ratings.total) == (2, 7)


# R: F3
async def test_who_looks_at_a_thing_and_who_writes_something_is_seen_and_who_leaves_is_gone_within_a_second(crew: Crew):
    topic = SKY.topic("presence")
    async with crew.ana.follow_talk(topic) as here:
        async with crew.ben.follow_talk(topic):
            await until(lambda: names(here, topic) == [("Ana", False), ("Ben", False)])
            await crew.ben.typing(SKY)
            await until(lambda: ("Ben", True) in names(here, topic))
        left = asyncio.get_running_loop().time()
        await until(lambda: names(here, topic) == [("Ana", False)])
        assert asyncio.get_running_loop().time() - left < 2.0


def names(live: rc.LiveTalk, topic: str) -> list[tuple[str | None, bool]]:
    seen = live.present.get(topic)
    return [] if seen is None else sorted((who.name, who.typing) for who in seen.present)


# R: F2 F6
async def test_scripts_do_everything_with_one_call_each(crew: Crew):
    ana, trip = crew.ana, crew.trip
    said = (await ana.comment(trip, "One")).item
    assert said is not None
    reply = (await crew.ben.comment(trip, "Two", said.id)).item
    assert reply is not None
    assert reply.reply_to is not None
    assert reply.reply_to.id == said.id
    assert _of(await ana.edit_item(trip, "comments", said.id, "One, edited")).text == "One, edited"
    assert _of(await ana.react(trip, "comments", reply.id, "laugh")).reactions[0].reaction == "laugh"
    assert _of(await ana.unreact(trip, "comments", reply.id, "laugh")).reactions == ()
    assert _of(await ana.remove_item(trip, "comments", reply.id)).removed is not None
    blog = _of(await ana.blog(trip, "Day one", "# Sun\n\n    and a beach"))
    assert (blog.title, blog.text) == ("Day one", "# Sun\n\n    and a beach")
    post = _of(await ana.post(trip, "Landed"))
    assert _of(await crew.ben.comment(Entity("post", post.id), "Welcome")).no == 1
    rated = await ana.rate(trip, 4)
    assert rated.rating is not None
    assert (rated.rating.count, rated.rating.mine) == (1, 4)
    assert (await ana.like(trip)).likes == (await ana.talk_summary(trip)).likes
    unrated = await ana.rate(trip, None)
    assert unrated.rating is not None
    assert unrated.rating.count == 0
    told = await ana.talk_summaries([trip, SKY, Entity("post", post.id)])
    assert [(s.type, s.comments.count) for s in told] == [("trip", 2), ("location", 0), ("post", 1)]
    assert [m.id for m in await ana.mute(_id(crew.ben), "Ben")] == [_id(crew.ben)]
    assert [m.name for m in await ana.mutes()] == ["Ben"]
    assert await ana.unmute(_id(crew.ben)) == ()


# R: F2
async def test_an_image_goes_from_disk_piece_by_piece_and_is_told_how_far_it_is(crew: Crew, tmp_path: Path):
    from PIL import Image

    file = tmp_path / "beach.png"
    Image.effect_noise((900, 700), 90).save(file)
    size, far = file.stat().st_size, list[tuple[int, int]]()
    assert size > 300_000
    key = crew.ana.new_id()
    topic = crew.trip.topic("images")
    async with crew.ben.follow_talk(topic) as there:
        await until(lambda: topic in there.states)
        shown = _of(await crew.ana.upload_image(crew.trip, file, "image/png", "The beach", sent=_keep(far), key=key))
        assert (shown.id, shown.text, shown.picture and shown.picture.width) == (key, "The beach", 900)
        assert far[0] == (0, size)
        assert far[-1] == (size, size)
        assert len(far) > 2
        await until(lambda: [item.id for item in items(there, topic)] == [key])
        assert (await crew.ben.image_bytes(crew.trip, key, "full"))[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0")
        there.act(topic, GiveReaction(key, "celebrate"))
        await until(lambda: not there.pending)
    with pytest.raises(rc.Rejected) as refused:
        await crew.ana.upload_image(crew.trip, b"not an image", "image/png")
    assert refused.value.code == "bad-image"
    with pytest.raises(rc.Rejected) as missing:
        await crew.ana.upload_image(crew.trip, tmp_path / "nothing.png", "image/png")
    assert missing.value.code == "image-unreadable"


def _keep(far: list[tuple[int, int]]) -> Callable[[int, int], None]:
    return lambda done, size: far.append((done, size))


def _of(answer: rc.ItemAnswer) -> Item:
    assert answer.item is not None
    return answer.item


def _id(client: rc.Client) -> str:
    assert client.user is not None
    return client.user.id


# R: S6
async def test_where_too_many_have_marked_it_to_say_who_mine_is_asked_for_and_then_known(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(marks_rules, "SHOWN", 0)
    rating = SKY.topic("rating")
    await crew.ana.rate(SKY, 2)
    await crew.ben.rate(SKY, 4)
    async with crew.ana.follow_talk(rating) as here:
        await until(lambda: here.mine(rating) == 2)
        state = marks(here, rating)
        assert state is not None
        assert (state.spread, state.whole, dict(state.marks.items())) == ((0, 1, 0, 1, 0), False, {_id(crew.ana): 2})
        here.act(rating, GiveMark(5))
        assert (here.mine(rating), _counts(here, [rating])) == (5, [(0, 0, 0, 1, 1)])
        await until(lambda: not here.pending)
        await crew.ana.rate(SKY, None)  # on another terminal
        await until(lambda: here.mine(rating) is None)
        assert _counts(here, [rating]) == [(0, 0, 0, 1, 0)]


# R: S6
async def test_an_answer_about_my_mark_that_is_older_than_what_was_read_since_is_not_believed(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
):
    saves, held, asked, call = SKY.topic("saves"), asyncio.Event(), list[str](), crew.ana._session.call

    async def slow(method: str, path: str, **more: Any) -> Any:
        reply = await call(method, path, **more)
        if path.endswith(SKY.id) and method == "GET":
            asked.append(path)
            await held.wait()
        return reply

    monkeypatch.setattr(crew.ana._session, "call", slow)
    other = rc.Client(crew.url, settings=QUICK, token=crew.ana.token)
    await crew.ana.save(SKY)
    async with other, crew.ana.follow_talk(saves) as here:
        await until(lambda: asked)
        await crew.ben.save(SKY)
        await until(lambda: _counts(here, [saves]) == [(2,)])
        assert here.mine(saves) is None
        held.set()
        await until(lambda: here.mine(saves) == 1)
        assert len(asked) > 1  # the first answer knew nothing of Ben's
        held.clear()
        asked.clear()
        here.watch([])
        await until(lambda: saves not in here.states)
        here.watch([saves])
        await until(lambda: asked)
        await other.save(SKY, False)
        await until(lambda: _counts(here, [saves]) == [(1,)])
        held.set()
        desk = here._desks.get(saves)
        await until(lambda: desk is not None and not desk.asks)
        assert here.mine(saves) is None


# R: S6
async def test_while_it_is_not_known_which_mark_is_mine_a_new_one_is_sent_and_not_guessed_at(crew: Crew):
    saves = SKY.topic("saves")
    await crew.ana.save(SKY)
    async with crew.ana.follow_talk(saves) as here:
        await until(lambda: saves in here.states)
        desk = here._desks.get(saves)
        assert desk is not None
        desk.rules.sure, desk.rules.word = False, None  # the summary has not been answered yet
        desk.replica.revise(lambda state: state)
        here.act(saves, GiveMark())
        assert _counts(here, [saves]) == [(1,)]
        await until(lambda: not here.pending)
    assert (await crew.ben.talk_summary(SKY)).saves.count == 1


# R: F5
async def test_of_a_long_feed_the_newest_are_followed_and_what_is_old_is_changed_by_its_number(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(PAGE, "comments", 10)
    topic = crew.trip.topic("comments")
    async with crew.ana.follow_talk(topic) as here:
        await until(lambda: topic in here.states)
        first = here.act(topic, WriteItem("", "0"))
        for n in range(1, 25):
            here.act(topic, WriteItem("", str(n)))
        assert len(texts(here, topic)) == 25
        await until(lambda: not here.pending and len(texts(here, topic)) == 15, 20)
        assert items(here, topic)[0].no == 11
        assert (await here.act(topic, EditItem(first.id, "nought"), no=1).done).accepted
        assert (await here.act(topic, WriteItem("", "to the first", reply_to=first.id), no=1).done).accepted
    old = await crew.ben.talk_items(crew.trip, "comments", before=3)
    assert ([item.text for item in old.items], old.more, old.count) == (["nought", "1"], False, 26)
    newest = await crew.ben.talk_items(crew.trip, "comments", limit=1)
    assert newest.items[0].reply_to is not None
    assert newest.items[0].reply_to.no == 1


# R: S7
async def test_what_waits_is_not_sent_in_the_name_of_somebody_else_who_signs_in(crew: Crew):
    topic = crew.trip.topic("comments")
    ana = _id(crew.ana)
    async with crew.ana.follow_talk(topic) as here:
        await until(lambda: topic in here.states)
        crew.cable.unplug()
        said = here.act(topic, WriteItem("", "mine"))
        assert said.kept is not None
        await said.kept
        crew.ana._session.adopt(await _guest(crew.url, "Eve"))
        crew.cable.plug()
        refused = (await said.done).refusal
        assert refused is not None
        assert refused.code == "another-person"
        await until(lambda: here.status.state == "gone")  # Eve is not in that trip
        assert dict(here.states) == {}
    assert [(e.user, e.about.what) for e in await crew.outbox.entries(crew.ana.server)] == [(ana, "mine")]
    assert (await crew.ben.talk_items(crew.trip, "comments")).count == 0


# R: S6 S7
@pytest.mark.parametrize("seed", range(2))
async def test_however_two_terminals_change_the_same_things_through_cuts_they_end_with_the_same(crew: Crew, seed: int):
    chance = random.Random(seed)
    topics = [crew.trip.topic(channel) for channel in ("comments", "rating", "likes", "saves", "posts")]
    comments = topics[0]
    other = rc.Client(crew.url, settings=QUICK, token=crew.ana.token)
    async with (
        other,
        crew.ana.follow_talk(*topics) as here,
        crew.ben.follow_talk(*topics) as there,
        other.follow_talk(*topics) as again,
    ):
        lives = (here, there, again)
        await until(lambda: all(set(live.states) == set(topics) for live in lives))
        for step in range(60):
            if step % 20 == 5:
                crew.cable.unplug()
            if step % 20 == 15:
                crew.cable.plug()
            _one(chance.choice(lives), topics, comments, chance)
            await asyncio.sleep(chance.choice((0, 0, 0.01)))
        await until(lambda: not any(live.pending for live in lives), 20)
        await until(lambda: _shown(here, topics) == _shown(there, topics) == _shown(again, topics), 10)
        mine = [lambda live=live: [live.mine(topic) for topic in topics[1:4]] for live in (here, again)]
        await until(lambda: mine[0]() == mine[1]())
        summary = await crew.ben.talk_summary(crew.trip)
        told = [summary.rating.spread, (summary.likes.count,), (summary.saves.count,)]
        assert told == _counts(here, topics[1:4])


def _one(live: rc.LiveTalk, topics: list[str], comments: str, chance: random.Random) -> None:
    known = items(live, comments)
    item = chance.choice(known) if known else None
    topic = chance.choice(topics)
    if topic not in (comments, topics[4]):
        live.act(topic, chance.choice((GiveMark(1), GiveMark(1 if topic != topics[1] else 4), TakeMark())))
    elif topic == topics[4] or item is None or chance.random() < 0.5:
        live.act(topic, WriteItem("", f"{chance.random()}"))
    else:
        act = chance.choice((EditItem(item.id, "x"), RemoveItem(item.id, ""), GiveReaction(item.id, "heart")))
        live.act(comments, act)


def _shown(live: rc.LiveTalk, topics: list[str]) -> list[object]:
    return [(s.spread if isinstance(s, Marks) else s) for s in (live.states.get(topic) for topic in topics)]


async def _guest(url: str, name: str) -> rc.Session:
    async with rc.Client(url, settings=QUICK) as client:
        return await client.guest(name)


# R: F2 G3
async def test_the_readmes_script_talks_as_it_stands(crew: Crew, tmp_path: Path):
    scripts = re.findall(r"```python\n(.*?)```", (ROOT / "api_client" / "README.md").read_text(), re.DOTALL)
    (script,) = [found for found in scripts if "follow_talk" in found]
    assert crew.ana.token is not None
    environ = {**os.environ, "ROADCREW_SERVER": crew.url, "ROADCREW_TOKEN": crew.ana.token, "TRIP": crew.trip.id}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", script, cwd=tmp_path, env=environ, stdout=pipe, stderr=pipe
    )
    said, errors = await process.communicate()
    assert errors == b""
    assert said.decode().splitlines() == ["Are we there yet? eyes", "5.0"]
