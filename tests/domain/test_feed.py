"""Comments, images, posts and blogs: who may do what, what stays of what was removed, and what becomes of the old."""

import msgspec
import pytest
from tests.domain.booking_play import SECOND, START
from tests.domain.feed_play import ANA, BEN, CARLA, PICTURE, FeedPlay, TalkPlay

from roadcrew_domain import feed
from roadcrew_domain.events import event
from roadcrew_domain.feed_state import (
    LOOKED_AFTER,
    MAX_MENTIONS,
    MAX_REACTIONS,
    MAX_TEXT,
    MAX_TITLE,
    OVERFULL,
    PAGE,
    REACTIONS,
    ClosePage,
    EditItem,
    Feed,
    FeedKept,
    FeedOpened,
    GiveReaction,
    ItemEdited,
    ItemWritten,
    KeepFeed,
    OpenFeed,
    PageClosed,
    PageTurned,
    Quoted,
    Reacted,
    Removed,
    RemoveItem,
    TakeReaction,
    Watching,
    WriteItem,
)
from roadcrew_domain.marks_state import GiveMark, MarkGiven, Marks

replace = msgspec.structs.replace


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch):
    """Three comments fill a page."""
    monkeypatch.setitem(PAGE, "comments", 3)


# --- writing -------------------------------------------------------------------------------------


# R: F1 F6
@pytest.mark.parametrize(
    ("channel", "kind"),
    [("comments", Feed), ("images", Feed), ("posts", Feed), ("blogs", Feed), ("rating", Marks), ("presence", Watching)],
)
def test_a_channel_is_opened_once_and_says_whose_it_is(channel: str, kind: type):
    play = TalkPlay(channel)
    assert isinstance(play.state, kind)
    assert (play.state.trip_id, play.state.opened_at, play.state.changed_at) == ("t", START, START)
    assert play.do(None, OpenFeed(channel, "t")) == []  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="once"):
        feed.evolve(play.state, event("x", 1, START, None, "c", FeedOpened("comments")))


# R: F2
def test_a_comment_has_a_number_its_writer_s_name_and_the_id_of_its_command():
    play = FeedPlay()
    first, second = play.say("  Alfama\r\nfirst  "), play.say(by=BEN, mentions=(ANA, ANA))
    one, two = play.feed.items
    assert (one.id, one.no, one.by, one.name, one.at, one.text) == (first, 1, ANA, "Ana", START, "Alfama\nfirst")
    assert (two.id, two.no, two.mentions, play.feed.count) == (second, 2, (ANA,), 2)


def test_the_same_command_again_writes_nothing_and_somebody_else_s_id_is_taken():
    play = FeedPlay()
    first = play.say()
    assert play.do(ANA, WriteItem("Ana", "other"), first) == []
    assert play.refusal(BEN, WriteItem("Ben", "other"), first) == ("id-taken", "conflict")


@pytest.mark.parametrize(
    ("channel", "act", "code"),
    [
        ("comments", WriteItem("Ana", " "), "text-missing"),
        ("comments", WriteItem("Ana", "x" * (MAX_TEXT["comments"] + 1)), "text-too-long"),
        ("comments", WriteItem("Ana", "x" * 1_000_000), "text-too-long"),
        ("comments", WriteItem("Ana", "\x1b]0;gone\x07"), "unsafe-text"),
        ("comments", WriteItem("Ana", "\u202eevil"), "unsafe-text"),
        ("comments", WriteItem("Ana", "x", "Title"), "bad-title"),
        ("comments", WriteItem("Ana", "x", picture=PICTURE), "bad-image"),
        ("posts", WriteItem("Ana", "x", reply_to="c1"), "bad-reply"),
        ("blogs", WriteItem("Ana", "x"), "bad-title"),
        ("blogs", WriteItem("Ana", "x", " "), "text-missing"),
        ("blogs", WriteItem("Ana", "x", "x" * (MAX_TITLE + 1)), "text-too-long"),
        ("blogs", WriteItem("Ana", "", "Title"), "text-missing"),
        ("images", WriteItem("Ana", "x"), "bad-image"),
        ("images", WriteItem("Ana", "x" * (MAX_TEXT["images"] + 1), picture=PICTURE), "text-too-long"),
    ],
)
def test_what_is_no_item_of_its_channel_is_refused(channel: str, act: WriteItem, code: str):
    play = FeedPlay(channel)
    play.say()
    assert play.refusal(ANA, act) == (code, "invalid")


def test_nobody_writes_nothing_and_no_marks_are_given_among_comments():
    play = FeedPlay()
    assert play.refusal(None, WriteItem("Ana", "x")) == ("forbidden", "forbidden")
    assert play.refusal(ANA, GiveMark(1)) == ("no-such-channel", "invalid")
    assert TalkPlay("rating").refusal(ANA, WriteItem("Ana", "x")) == ("no-such-channel", "invalid")
    assert TalkPlay("presence").refusal(ANA, WriteItem("Ana", "x")) == ("no-such-channel", "invalid")


# R: F6
def test_an_image_may_be_without_a_caption_and_a_blog_keeps_its_indents():
    images, blogs = FeedPlay("images"), FeedPlay("blogs")
    images.say("")
    assert (images.feed.items[0].text, images.feed.items[0].picture) == ("", PICTURE)
    blogs.say("- one\n  - two\n\n    code", title=" A  day ")
    assert (blogs.feed.items[0].text, blogs.feed.items[0].title) == ("- one\n  - two\n\n    code", "A day")


def test_no_text_can_make_a_state_large_by_whom_it_names():
    play = FeedPlay()
    play.say(mentions=tuple(map(str, range(1000))))
    assert len(play.feed.items[0].mentions) == MAX_MENTIONS


# R: F2
def test_a_reply_says_to_whom_and_not_to_what_words():
    play = FeedPlay()
    first = play.say("secret")
    play.say("no", BEN, reply_to=first)
    assert play.feed.items[1].reply_to == Quoted(first, 1, ANA, "Ana")
    assert play.refusal(BEN, WriteItem("Ben", "x", reply_to="gone")) == ("unknown-item", "missing")
    old = Quoted("older", 7, CARLA, "Carla")
    assert play.refusal(BEN, WriteItem("Ben", "x", reply_to="gone", quoted=old)) == ("unknown-item", "missing")
    play.say("x", BEN, reply_to="older", quoted=old)
    assert play.feed.items[2].reply_to == old
    play.do(ANA, RemoveItem(first, "Ana"))
    assert play.refusal(BEN, WriteItem("Ben", "x", reply_to=first)) == ("item-removed", "gone")


# --- changing and removing -----------------------------------------------------------------------


# R: F2
def test_who_wrote_it_edits_it_and_that_is_seen():
    play = FeedPlay()
    first = play.say()
    play.now += SECOND
    assert play.refusal(BEN, EditItem(first, "x")) == ("not-yours", "forbidden")
    assert play.edit(first, "Lisbon!") == []
    assert play.edit(first, "Porto!") == ["ItemEdited"]
    item = play.feed.items[0]
    assert (item.text, item.at, item.edited_at) == ("Porto!", START, START + SECOND)
    assert play.refusal(ANA, EditItem("gone", "x")) == ("unknown-item", "missing")
    assert play.refusal(ANA, EditItem(first, "")) == ("text-missing", "invalid")


# R: F2
@pytest.mark.parametrize("channel", ["comments", "images", "posts", "blogs"])
def test_what_was_removed_leaves_who_did_and_nothing_of_what_it_was(channel: str):
    play = FeedPlay(channel)
    first = play.say("secret word", mentions=(BEN,))
    play.say("x", BEN)
    play.do(BEN, GiveReaction(first, "heart"))
    play.now += SECOND
    assert play.refusal(BEN, RemoveItem(first, "Ben")) == ("not-yours", "forbidden")
    assert play.do(BEN, RemoveItem(first, "Ben", chair=True)) == ["ItemRemoved"]
    trace = play.feed.items[0]
    assert trace == replace(
        trace, text="", title=None, picture=None, mentions=(), reactions=(), removed=Removed(BEN, "Ben", play.now)
    )
    assert (trace.id, trace.no, trace.by, trace.name) == (first, 1, ANA, "Ana")
    assert b"secret" not in feed.encode_state(play.feed)
    assert PICTURE.full.encode() not in feed.encode_state(play.feed).partition(b'"c2"')[0]
    assert play.do(ANA, RemoveItem(first, "Ana")) == []
    assert play.refusal(ANA, EditItem(first, "x", "T" if channel == "blogs" else None)) == ("item-removed", "gone")
    assert play.refusal(CARLA, GiveReaction(first, "heart")) == ("item-removed", "gone")
    assert play.feed.count == 2


def test_reactions_are_counted_once_a_person_in_the_order_in_which_they_came():
    play = FeedPlay()
    first = play.say()
    play.do(BEN, GiveReaction(first, "heart"))
    play.do(ANA, GiveReaction(first, "eyes"))
    play.do(ANA, GiveReaction(first, "heart"))
    assert play.do(ANA, GiveReaction(first, "heart")) == []
    both = play.feed.items[0].reactions
    assert both == (Reacted("heart", (BEN, ANA)), Reacted("eyes", (ANA,)))
    assert play.do(CARLA, TakeReaction(first, "heart")) == []
    play.do(ANA, TakeReaction(first, "eyes"))
    play.do(BEN, TakeReaction(first, "heart"))
    assert play.feed.items[0].reactions == (Reacted("heart", (ANA,)),)
    assert play.refusal(ANA, GiveReaction(first, "skull")) == ("bad-reaction", "invalid")  # type: ignore[arg-type]


def test_no_crowd_can_make_an_item_large():
    play = FeedPlay()
    first = play.say()
    for n in range(MAX_REACTIONS):
        play.do(f"p{n}", GiveReaction(first, REACTIONS[n % len(REACTIONS)]))
    assert play.refusal(ANA, GiveReaction(first, "heart")) == ("too-many-reactions", "full")
    assert play.do("p0", TakeReaction(first, REACTIONS[0])) == ["ReactionTaken"]
    assert play.do(ANA, GiveReaction(first, "heart")) == ["ReactionGiven"]


# --- the old -------------------------------------------------------------------------------------


# R: F5
@pytest.mark.usefixtures("small_pages")
def test_the_oldest_go_into_a_page_and_keep_their_numbers():
    play = FeedPlay()
    ids = [play.say() for _ in range(6)]
    play.close()
    assert [item.id for item in play.feed.items] == ids[3:]
    assert play.say() == play.feed.items[-1].id
    assert (play.feed.items[-1].no, play.feed.count, len(play.feed.pages)) == (7, 7, 1)
    assert play.edit(ids[4], "Porto!") == ["ItemEdited"]
    assert play.feed.items[1].text == "Porto!"


@pytest.mark.usefixtures("small_pages")
def test_only_exactly_the_oldest_are_closed_and_only_once_there_are_two_pages_of_them():
    play = FeedPlay()
    ids = [play.say() for _ in range(5)]
    items = play.feed.items
    assert play.refusal(None, ClosePage("a" * 12, items[:3])) == ("page-turned", "conflict")
    play.say()
    play.edit(ids[0], "Porto!")
    for tag, wrong in (("a" * 12, items[:3]), ("a" * 12, play.feed.items[:2]), ("a" * 12, ()), ("../x", items[:3])):
        assert play.refusal(None, ClosePage(tag, wrong)) == ("page-turned", "conflict")
    oldest = play.feed.items[:3]
    assert play.do(None, ClosePage("a" * 12, oldest)) == ["PageClosed"]
    assert play.do(None, ClosePage("a" * 12, oldest)) == []


# R: F5
@pytest.mark.usefixtures("small_pages")
def test_an_old_item_is_changed_in_its_page_by_the_rules_of_the_new_and_by_one_at_a_time():
    play = FeedPlay()
    first, second = [play.say() for _ in range(6)][:2]
    play.close()
    assert play.refusal(ANA, EditItem(first, "x")) == ("unknown-item", "missing")
    assert play.refusal(BEN, EditItem(first, "x", old=play.old(first))) == ("not-yours", "forbidden")
    late = play.old(second)
    assert play.refusal(ANA, EditItem("other", "x", old=late)) == ("unknown-item", "missing")
    old = play.old(first)
    assert play.turn(ANA, EditItem(first, "Porto!"), old) == ["ItemEdited"]
    assert play.do(ANA, EditItem(first, "Porto!", old=old)) == []  # the answer to it got lost
    assert play.item(first).text == "Porto!"
    assert play.refusal(ANA, EditItem(second, "x", old=late)) == ("page-turned", "conflict")
    assert play.turn(BEN, GiveReaction(first, "heart"), play.old(first)) == ["ReactionGiven"]
    assert play.turn(ANA, RemoveItem(first, "Ana"), play.old(first)) == ["ItemRemoved"]
    assert (play.item(first).text, play.item(first).reactions, play.item(second).text) == ("", (), "Lisbon!")
    assert play.refusal(ANA, EditItem(first, "x", old=play.old(first))) == ("item-removed", "gone")
    assert play.do(ANA, RemoveItem(first, "Ana", old=play.old(first))) == []
    nowhere = replace(play.old(second), page=9)
    assert play.refusal(ANA, EditItem(second, "x", old=nowhere)) == ("page-turned", "conflict")


@pytest.mark.usefixtures("small_pages")
def test_a_feed_whose_pages_nobody_closes_takes_no_more_after_a_while():
    play = FeedPlay()
    for _ in range(3 * OVERFULL):
        play.say()
    assert play.refusal(ANA, WriteItem("Ana", "x")) == ("feed-full", "conflict")
    play.close()
    play.say()


# --- kept, shown, read ---------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["comments", "likes", "presence"])
def test_a_feed_is_looked_at_a_while_after_its_last_event(channel: str):
    play = TalkPlay(channel)
    assert feed.next_due(play.state) == START + LOOKED_AFTER
    play.now += SECOND
    assert play.do(None, KeepFeed()) == ["FeedKept"]
    assert feed.next_due(play.state) == START + SECOND + LOOKED_AFTER


@pytest.mark.usefixtures("small_pages")
def test_a_state_is_read_as_it_was_written_and_people_are_not_told_where_pages_are_kept():
    play = FeedPlay()
    ids = [play.say(by=by, mentions=(CARLA,)) for by in (ANA, BEN) * 3]
    play.do(BEN, GiveReaction(ids[3], "eyes"))
    play.do(ANA, RemoveItem(ids[4], "Ana"))
    play.close()
    assert feed.decode_state(feed.encode_state(play.state)) == play.state
    shown = feed.shown_state(play.state)
    assert shown == replace(play.feed, pages=())
    assert feed.decode_state(feed.encode_state(shown)) == shown
    for channel in ("images", "blogs", "presence"):
        other = TalkPlay(channel).state
        assert feed.decode_state(feed.encode_state(other)) == other


@pytest.mark.parametrize(
    "body", ["{}", "[]", "", '{"channel":"eve"}', '{"channel":"comments"}', '{"channel":"likes","v":2}']
)
def test_what_is_no_state_of_ours_is_a_value_error(body: str):
    with pytest.raises(ValueError, match=r"\w"):
        feed.decode_state(body)


def test_events_that_can_not_follow_are_value_errors():
    comments, presence = FeedPlay(), TalkPlay("presence")
    comments.say()
    elsewhere = ItemEdited("c1", 2, "x")
    unpaged = ItemEdited("c1", 1, "x", turned=PageTurned(3, "a" * 12))
    for state, fact in (
        (comments.state, FeedOpened("comments")),
        (comments.state, elsewhere),
        (comments.state, unpaged),
        (comments.state, PageClosed("a" * 12)),
        (comments.state, MarkGiven(1)),
        (presence.state, elsewhere),
        (None, elsewhere),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            feed.evolve(state, event("x", 1, START, ANA, "c", fact))
    with pytest.raises(ValueError, match="FeedKept"):
        feed.changed(comments.feed.items[0], event("x", 1, START, ANA, "c", FeedKept()))


@pytest.mark.usefixtures("small_pages")
def test_who_removes_a_comment_that_has_the_id_of_an_old_one_of_another_silences_only_their_own():
    play = FeedPlay()
    first, *_ = [play.say() for _ in range(6)]
    play.close()
    play.do(BEN, WriteItem("Ben", "Mine"), first)
    play.do(BEN, RemoveItem(first, "Ben"))
    told = [feed.told(play.feed, e) for e in play.events]
    assert {e.by: e.data.text for e in told if isinstance(e.data, ItemWritten) and e.command == first} == {
        ANA: "Lisbon!",
        BEN: "",
    }


@pytest.mark.parametrize("channel", ["comments", "images", "blogs"])
def test_an_event_is_told_without_the_words_of_what_was_removed_since_wherever_that_is(channel: str):
    play = FeedPlay(channel)
    size = PAGE[channel]
    ids = [play.say(f"Words {n}") for n in range(2 * size)]
    play.edit(ids[0], "Words said better")
    play.do(ANA, RemoveItem(ids[0], "Ana"))  # before it goes into a page
    play.close()
    play.turn(ANA, RemoveItem(ids[1], "Ana"), play.old(ids[1]))  # there
    play.do(ANA, RemoveItem(ids[-1], "Ana"))  # among the newest
    assert feed.decode_state(feed.encode_state(play.feed)) == play.feed
    told = [feed.told(play.feed, e) for e in play.events]
    silent = {e.command for e in told if isinstance(e.data, ItemWritten | ItemEdited) and not e.data.text}
    edited = next(e.command for e in play.events if isinstance(e.data, ItemEdited))
    assert silent == {ids[0], ids[1], ids[-1], edited}
    assert [e for e in told if e.command not in silent] == [e for e in play.events if e.command not in silent]
    assert all(e.data.picture is None for e in told if isinstance(e.data, ItemWritten) and e.command in silent)
    folded = None
    for e in told:  # who reads it so ends with the same
        folded = feed.evolve(folded, e)
    assert folded == play.feed
