"""What was removed can be brought back for a while: by whom, until when, and that all of it is as it was."""

from datetime import timedelta

import msgspec
import pytest
from tests.domain.booking_play import SECOND
from tests.domain.feed_play import ANA, BEN, CARLA, FeedPlay

from roadcrew_domain import feed
from roadcrew_domain.events import decode_event, encode_event
from roadcrew_domain.feed_state import (
    BRING_BACK,
    LET_GO,
    LOOKED_AFTER,
    MOST_BINNED,
    MOST_BINNED_BY_ONE,
    PAGE,
    Binned,
    EditItem,
    Feed,
    GiveReaction,
    ItemRestored,
    ItemWritten,
    KeepFeed,
    Kept,
    RemoveItem,
    RestoreItem,
)
from roadcrew_domain.refusals import Refused

replace = msgspec.structs.replace


def said(play: FeedPlay) -> str:
    """An item with everything that one can have."""
    first = play.say("Hello")
    item_id = play.say("secret words", reply_to=first if play.channel == "comments" else None, mentions=(BEN,))
    play.edit(item_id, "secret words, said better")
    play.do(BEN, GiveReaction(item_id, "heart"))
    return item_id


@pytest.mark.parametrize("channel", ["comments", "images", "posts", "blogs"])
def test_what_somebody_removed_they_bring_back_as_it_was_in_its_place(channel: str):
    play = FeedPlay(channel)
    item_id = said(play)
    before = play.feed
    assert play.remove(item_id, ANA) == ["ItemRemoved"]
    assert b"secret" not in feed.encode_state(play.feed)
    play.now += BRING_BACK - SECOND
    assert play.restore(item_id, ANA) == ["ItemRestored"]
    assert replace(play.feed, changed_at=before.changed_at) == before
    assert play.restore(item_id, ANA) == []


@pytest.mark.parametrize(("removed_by", "own"), [(ANA, True), (BEN, False)])
def test_what_its_writer_took_away_is_theirs_and_what_an_organiser_did_is_an_organiser_s(removed_by: str, own: bool):
    play = FeedPlay()
    item_id = said(play)
    play.remove(item_id, removed_by, chair=True)
    (binned,) = play.feed.binned
    for who in (ANA, BEN, CARLA):
        for chair in (False, True):
            may = who == ANA if own else chair
            assert feed.restorable(binned, who, play.now, chair=chair) == may
            if not may:
                with pytest.raises(Refused, match="bring"):
                    play.restore(item_id, who, chair=chair)
    assert play.restore(item_id, ANA if own else CARLA, chair=not own) == ["ItemRestored"]


def test_after_thirty_days_it_is_not_brought_back_and_the_feed_is_due_to_let_go_of_it():
    play = FeedPlay()
    item_id = said(play)
    play.remove(item_id, ANA)
    removed_at = play.now
    assert feed.next_due(play.feed) == removed_at + LOOKED_AFTER == removed_at + BRING_BACK
    play.now += timedelta(days=20)
    play.say("Later")
    assert feed.next_due(play.feed) == removed_at + LET_GO
    play.now = removed_at + BRING_BACK
    (binned,) = play.feed.binned
    assert not feed.restorable(binned, ANA, play.now, chair=True)
    assert play.refused(lambda: play.restore(item_id, ANA)) == ("not-kept", "gone")
    assert play.do(None, KeepFeed((binned.no,))) == ["FeedKept"]
    assert play.feed.binned == ()
    assert feed.next_due(play.feed) == play.now + LOOKED_AFTER


def test_words_that_were_read_before_it_was_brought_back_and_changed_bring_nothing_back():
    play = FeedPlay()
    item_id = said(play)
    play.remove(item_id, ANA)
    (stale,) = play.feed.binned
    was = play.kept[stale.tag]
    play.restore(item_id, ANA)
    play.edit(item_id, "without the secret")
    play.remove(item_id, ANA)
    assert play.refusal(ANA, RestoreItem(item_id, stale.tag, was)) == ("not-kept", "gone")
    other = play.item(play.say("Another"))
    (binned,) = play.feed.binned
    assert play.refusal(ANA, RestoreItem(item_id, binned.tag, other)) == ("not-kept", "gone")
    assert play.refusal(ANA, RestoreItem(item_id, binned.tag)) == ("not-kept", "gone")
    assert play.refusal(ANA, RestoreItem("nothing", binned.tag, was)) == ("unknown-item", "missing")


def test_an_item_that_changed_since_it_was_kept_aside_is_not_removed_by_that():
    play = FeedPlay()
    item_id = said(play)
    kept = Kept("a" * 12, play.item(item_id))
    play.edit(item_id, "Changed since")
    assert play.refusal(ANA, RemoveItem(item_id, "Ana", kept=kept)) == ("page-turned", "conflict")
    assert play.do(ANA, RemoveItem(item_id, "Ana")) == ["ItemRemoved"]  # an older server keeps nothing
    assert play.feed.binned == ()
    assert play.refusal(ANA, RestoreItem(item_id, kept.tag, kept.item)) == ("not-kept", "gone")


def test_no_crowd_can_make_a_state_large_by_what_it_removes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PAGE, "comments", MOST_BINNED)
    play = FeedPlay()
    for who in range(MOST_BINNED // MOST_BINNED_BY_ONE + 1):
        for _ in range(MOST_BINNED_BY_ONE + 1):
            assert play.remove(play.say(by=f"person {who}"), f"person {who}") == ["ItemRemoved"]
    assert play.feed.items[-1].removed is not None
    assert not play.feed.items[-1].removed.kept
    kept = Kept("a" * 12, play.item(play.say()))
    assert play.refusal(ANA, RemoveItem(kept.item.id, "Ana", kept=kept)) == ("page-turned", "conflict")
    assert len(play.feed.binned) == MOST_BINNED
    assert max(sum(b.by == f"person {n}" for b in play.feed.binned) for n in range(10)) == MOST_BINNED_BY_ONE


# R: S6
@pytest.mark.parametrize("channel", ["comments", "images", "blogs"])
def test_what_is_in_a_page_is_brought_back_there_and_its_words_are_told_again(channel: str):
    play = FeedPlay(channel)
    item_id = said(play)
    for _ in range(2 * PAGE[channel]):
        play.say()
    play.remove(item_id, ANA)
    play.close()
    assert play.feed.gone == (item_id,)
    assert play.restore(item_id, ANA) == ["ItemRestored"]
    back = play.item(item_id)
    assert (back.text, back.removed, back.no) == ("secret words, said better", None, 2)
    after = play.feed
    assert (after.gone, after.binned) == ((), ())
    assert [feed.told(after, e) for e in play.events] == play.events
    play.remove(item_id, BEN, chair=True)
    told = [feed.told(play.feed, decode_event(encode_event(e))) for e in play.events]
    assert b"secret" not in b"".join(encode_event(e) for e in told)
    assert [b.by for b in play.feed.binned] == [BEN]
    folded = None
    for e in told:
        folded = feed.evolve(folded, e)
    assert folded == play.feed
    assert feed.decode_state(feed.encode_state(play.feed)) == play.feed


def test_who_removes_again_what_was_brought_back_silences_the_event_that_did():
    play = FeedPlay()
    item_id = said(play)
    play.remove(item_id, BEN, chair=True)
    play.restore(item_id, BEN, chair=True)
    assert all(feed.told(play.feed, e) == e for e in play.events)
    play.remove(item_id, ANA)
    told = [feed.told(play.feed, e).data for e in play.events]
    assert [d.text for d in told if isinstance(d, ItemRestored)] == [""]
    assert [d.text for d in told if isinstance(d, ItemWritten)] == ["Hello", ""]


def test_a_state_from_before_anything_could_be_brought_back_is_read():
    play = FeedPlay()
    play.do(ANA, RemoveItem(play.say(), "Ana"))
    body = feed.encode_state(play.feed)
    assert b"binned" not in body
    read = feed.decode_state(body)
    assert isinstance(read, Feed)
    assert read.binned == ()
    assert feed.shown_state(replace(read, binned=(Binned("i", 1, ANA, "t", ANA, play.now),))).binned  # type: ignore[union-attr]


def test_what_was_edited_before_it_was_removed_can_be_edited_again():
    play = FeedPlay()
    item_id = said(play)
    play.remove(item_id, ANA)
    assert play.refusal(ANA, EditItem(item_id, "x")) == ("item-removed", "gone")
    play.restore(item_id, ANA)
    assert play.edit(item_id, "And better") == ["ItemEdited"]
