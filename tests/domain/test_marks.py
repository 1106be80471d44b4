"""Ratings, likes and saves: one mark a person, sums that are exact, and nobody's name where none is due."""

from collections import Counter
from random import Random

import pytest
from tests.conftest import Count
from tests.domain.booking_play import START
from tests.domain.feed_play import ANA, BEN, CARLA, MarksPlay

from roadcrew_domain import feed
from roadcrew_domain.events import decode_event, encode_event, event
from roadcrew_domain.feed import FeedCommand, with_mine
from roadcrew_domain.feed_state import FeedOpened
from roadcrew_domain.marks_state import SHOWN, GiveMark, MarkGiven, Marks, MarkTaken, TakeMark

CHANNELS = ("rating", "likes", "saves")


# R: F2
def test_a_rating_is_one_a_person_and_changeable_and_its_average_is_exact():
    play = MarksPlay("rating")
    assert play.give(ANA, 5) == ["MarkGiven"]
    assert play.give(ANA, 5) == []
    play.give(BEN, 2)
    play.give(ANA, 4)
    assert (play.marks.count, play.marks.total, play.marks.spread) == (2, 6, (0, 1, 0, 1, 0))
    assert play.take(BEN) == ["MarkTaken"]
    assert play.take(BEN) == []
    assert (play.marks.count, play.marks.total, dict(play.marks.marks.items())) == (1, 4, {ANA: 4})


@pytest.mark.parametrize(("channel", "value"), [("rating", 0), ("rating", 6), ("likes", 2), ("saves", 0)])
def test_what_is_no_mark_is_refused(channel: str, value: int):
    play = MarksPlay(channel)
    who = ANA if channel == "saves" else None
    assert play.refusal(None if who else ANA, GiveMark(value, who)) == ("bad-stars", "invalid")


def test_nobody_marks_for_another_and_a_save_names_nobody():
    likes, saves = MarksPlay("likes"), MarksPlay("saves")
    assert likes.refusal(ANA, GiveMark(1, BEN)) == ("forbidden", "forbidden")
    assert likes.refusal(None, GiveMark(1, BEN)) == ("forbidden", "forbidden")
    assert likes.refusal(None, TakeMark()) == ("forbidden", "forbidden")
    assert saves.refusal(ANA, GiveMark(1, ANA)) == ("forbidden", "forbidden")
    assert saves.refusal(None, GiveMark(1)) == ("forbidden", "forbidden")
    assert saves.give("5f1d") == ["MarkGiven"]
    assert saves.events[-1].by is None


# R: F2
def test_people_are_shown_of_saves_only_how_many_and_of_others_whose_while_they_are_not_too_many():
    likes, saves = MarksPlay("likes"), MarksPlay("saves")
    saves.give("5f1d")
    for n in range(SHOWN):
        likes.give(f"p{n}")
    assert feed.shown_state(likes.state) == likes.state
    likes.give(ANA)
    for play in (likes, saves):
        shown = feed.shown_state(play.state)
        assert isinstance(shown, Marks)
        assert (shown.whole, len(shown.marks), shown.count) == (False, 0, play.marks.count)
        assert b"5f1d" not in feed.encode_state(shown)


def test_who_knows_only_sums_and_their_own_mark_counts_on_rightly():
    play = MarksPlay("rating")
    for n in range(SHOWN + 1):
        play.give(f"p{n}", 3)
    shown = feed.shown_state(play.state)
    assert isinstance(shown, Marks)
    mine = with_mine(shown, "p7", 3)
    assert (mine.count, dict(mine.marks.items())) == (SHOWN + 1, {"p7": 3})
    facts = feed.decide(mine, FeedCommand("c", "p7", GiveMark(5)), play.now)
    assert facts == (MarkGiven(5, 3),)
    after = feed.evolve(mine, event(play.topic, 1, play.now, "p7", "c", facts[0]))
    play.give("p7", 5)
    assert isinstance(after, Marks)
    assert (after.spread, after.count) == (play.marks.spread, SHOWN + 1)
    assert dict(with_mine(after, "p7", None).marks.items()) == {}
    assert with_mine(play.marks, "p7", None) is play.marks  # where all are known there is nothing to learn


def test_marks_that_can_not_follow_are_value_errors():
    marks = MarksPlay("likes").state
    for fact in (MarkGiven(2), MarkTaken(1), MarkGiven(0), FeedOpened("likes")):
        with pytest.raises(ValueError, match=r"no such mark|nobody gave|no rule|once"):
            feed.evolve(marks, event("x", 1, START, ANA, "c", fact))
    with pytest.raises(ValueError, match="nobody"):
        feed.evolve(marks, event("x", 1, START, None, "c", MarkGiven(1)))


# R: F2 T9
@pytest.mark.parametrize("channel", CHANNELS)
def test_however_people_give_and_take_the_sums_are_theirs_and_who_looks_on_counts_the_same(
    channel: str, count: Count, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("roadcrew_domain.marks_rules.SHOWN", 4)
    most = 5 if channel == "rating" else 1
    for seed in range(count(reduced=40, full=2000)):
        chance, play, naive = Random(seed), MarksPlay(channel), dict[str, int]()
        looks_on, seen = feed.shown_state(play.state), len(play.events)
        for _ in range(60):
            who, value = chance.choice([ANA, BEN, CARLA, "dev", "eve", "fay"]), chance.randint(1, most)
            if chance.random() < 0.4:
                play.take(who)
                naive.pop(who, None)
            else:
                play.give(who, value)
                naive[who] = value
            for e in play.events[seen:]:
                looks_on = feed.evolve(looks_on, decode_event(encode_event(e)))
            seen = len(play.events)
            if chance.random() < 0.1:
                looks_on = feed.decode_state(feed.encode_state(feed.shown_state(play.state)))
            stars = Counter(naive.values())
            assert play.marks.spread == tuple(stars[star] for star in range(1, most + 1))
            assert (play.marks.count, play.marks.total) == (len(naive), sum(naive.values()))
            assert dict(play.marks.marks.items()) == naive
            assert isinstance(looks_on, Marks)
            assert looks_on.spread == play.marks.spread
            if looks_on.whole:
                assert looks_on.marks == play.marks.marks
        assert feed.decode_state(feed.encode_state(play.state)) == play.state
