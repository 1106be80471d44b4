"""What happened is told of a part of the log as it was told when it happened."""

from datetime import date, timedelta
from random import Random

import msgspec
import pytest
from tests.conftest import Count
from tests.domain.playing import ANA, BEN, CARLA, Play, crew_of
from tests.domain.test_random_commands import Crowd, long_walk

from roadcrew_domain.crew import LeaveTrip, RenameMember
from roadcrew_domain.history import tell
from roadcrew_domain.hotels import UnshortlistHotel
from roadcrew_domain.polls import ClosePoll
from roadcrew_domain.trip import DeleteTrip, EditTrip, Recent, RestoreTrip, Trip, evolve


def told_as_it_happened(play: Play) -> list[Recent]:
    """What each event put into the state."""
    trip: Trip | None = None
    recents: list[Recent] = []
    for e in play.events:
        trip = evolve(trip, e)
        recents.append(trip.recent[-1])
    return recents


def forgetful(trip: Trip) -> Trip:
    """The trip without what it remembers of lately."""
    return msgspec.structs.replace(trip, recent=())


# R: T10
def test_the_whole_log_is_told_as_it_was_told_when_it_happened(count: Count):
    for seed in range(count(reduced=15, full=200)):
        crowd = Crowd()
        long_walk(crowd, Random(seed), steps=150)
        play = crowd.play
        for told, then in zip(tell(forgetful(play.trip), play.events), told_as_it_happened(play), strict=True):
            # The log knows who somebody was who has left; the state of then did not.
            known = {f: None for f in ("name", "subject", "detail") if getattr(then, f) is None}
            assert msgspec.structs.replace(told, **known) == then
        assert list(tell(play.trip, play.events[-20:])) == told_as_it_happened(play)[-20:]


# R: T10
def test_a_part_of_the_log_takes_the_names_that_it_does_not_say_from_the_trip():
    play = crew_of(BEN)
    poll, casa = play.poll(question="When?"), play.hotel("Casa Azul")
    after = len(play.events)
    play.vote(BEN, poll, 0)
    play.do(BEN, RenameMember("Benedict"))
    play.vote(BEN, poll, 1)
    play.do(ANA, UnshortlistHotel(casa))
    told = tell(forgetful(play.trip), play.events[after:])
    assert [(r.type, r.name, r.subject) for r in told] == [
        ("VoteCast", "Benedict", "When?"),  # what they were called then is not in this part
        ("MemberRenamed", "Benedict", "Benedict"),
        ("VoteCast", "Benedict", "When?"),
        ("HotelUnshortlisted", "Ana", "Casa Azul"),
    ]
    assert [r.name for r in tell(play.trip, play.events[after:])][:2] == ["Ben", "Ben"]  # but lately is remembered


# R: T10
def test_who_is_not_in_the_crew_any_more_has_a_name_only_where_the_log_says_it():
    play = crew_of(BEN, CARLA)
    joined = len(play.events)
    play.poll(by=CARLA)
    play.do(CARLA, LeaveTrip())
    assert [r.name for r in tell(forgetful(play.trip), play.events)][-2:] == ["Carla", "Carla"]
    assert [r.name for r in tell(forgetful(play.trip), play.events[joined:])] == [None, None]


@pytest.mark.parametrize("part", [slice(0, 0), slice(-1, None)])
def test_a_trip_that_came_back_says_so(part: slice):
    play = crew_of()
    play.do(ANA, DeleteTrip())
    play.do(ANA, RestoreTrip())
    told = tell(forgetful(play.trip), play.events[part])
    assert [(r.type, r.subject) for r in told] == [("TripRestored", "Lisbon in May")][: len(told)]


# R: T10
def test_what_came_of_an_edit_a_poll_and_an_end_is_told():
    play = crew_of(BEN)
    tram, tie, _ = (play.poll("Tram", "Bus", question=q, closes_in=timedelta(days=1)) for q in "abc")
    for who, votes in ((ANA, (0,)), (BEN, (0, 1))):
        play.vote(who, tram, votes[0])
        play.vote(who, tie, votes[-1])
    began = len(play.events)
    play.do(ANA, EditTrip(name="Porto"))
    play.do(ANA, EditTrip(starts_on=date(2027, 5, 21), ends_on=date(2027, 5, 25)))
    play.do(ANA, EditTrip(name="Faro", required_members=9))
    play.do(ANA, EditTrip(destination="Faro", ends_on=None))
    play.do(ANA, EditTrip(starts_on=None))
    play.do(ANA, ClosePoll(tram))
    play.wait_until(play.now + timedelta(days=2))
    play.tick()
    play.do(ANA, ClosePoll(tie, f"{tie}.1"))
    play.do(ANA, DeleteTrip())
    told = [(r.type, r.by, r.subject, r.kind, r.detail) for r in tell(forgetful(play.trip), play.events)[began:]]
    assert told == [
        ("TripEdited", ANA, None, "name", "Porto"),
        ("TripEdited", ANA, None, "starts_on ends_on", "2027-05-21 2027-05-25"),
        ("TripEdited", ANA, None, "name required_members", None),
        ("TripEdited", ANA, None, "destination ends_on", None),
        ("TripEdited", ANA, None, "starts_on", None),
        ("PollClosed", ANA, "a", "won", "Tram"),
        ("PollClosed", None, "b", "tie", None),
        ("PollClosed", None, "c", "no-votes", None),
        ("PollTieSettled", ANA, "b", None, "Bus"),
        ("TripEnded", ANA, None, "deleted", None),
    ]


def test_a_snapshot_from_before_that_was_told_is_read():
    before = b'{"seq":1,"at":"2027-05-01T10:00:00Z","type":"TripEdited","by":"a","name":"Ana","subject":null}'
    read = msgspec.json.decode(before, type=Recent)
    assert (read.kind, read.detail) == (None, None)
