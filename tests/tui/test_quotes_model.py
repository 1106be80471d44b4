"""What the tab of quotes says: words for each state of a run, of a provider and of a price."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from rpds import HashTrieMap
from tests.tui.quoting import PROVIDERS, euros

from roadcrew_domain.money import Money
from roadcrew_domain.quotes import QuoteRun
from roadcrew_domain.quotes_state import Answer, AskedHotel, Choice, Driver, Price, QuoteRequest, Stay, Vehicle
from roadcrew_domain.runs import RunEnd, RunNote
from roadcrew_tui.screens import quotes_draw
from roadcrew_tui.screens import quotes_model as model
from roadcrew_tui.screens.quotes_rows import FAILURES
from roadcrew_tui.screens.quotes_vin import vin_words
from roadcrew_tui.snapshot import RunSnapshot, Status

START = datetime(2027, 5, 2, 12, 0, tzinfo=UTC)
AZUL, ALFAMA = AskedHotel("h1", "Casa Azul", "Lisbon", 4), AskedHotel("h2", "Alfama", "Lisbon", 2)
STAY = Stay((AZUL, ALFAMA), date(2027, 5, 21), date(2027, 5, 25), 4)
CAR = Vehicle("1HGCM82633A004352", (Driver(34), Driver(41)), date(2027, 5, 21), date(2027, 5, 25))
NAMES = {"ana": "Ana", "ben": "Ben", "carla": "Carla"}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")


def run(request: QuoteRequest = STAY, /, *, ballots: dict[str, Choice] | None = None, **more: Any) -> QuoteRun:
    """One of three providers who wait, but for what is said of them by their ids."""
    answers = {p.id: more.pop(p.id, Answer()) for p in PROVIDERS}
    fields: dict[str, Any] = {
        "id": "r",
        "by": "ben",
        "trip_id": "t",
        "request": request,
        "providers": PROVIDERS,
        "again_of": None,
        "started_at": START,
        "ends_by": START + timedelta(minutes=1),
        "keep_until": START + timedelta(hours=2),
        "answers": HashTrieMap(answers),
        "ballots": HashTrieMap(ballots or {}),
        **more,
    }
    return QuoteRun(**fields)


def priced(*prices: Price, seconds: float = 2.0) -> Answer:
    return Answer("priced", prices, seconds=seconds)


def failed(failure: Any = "timeout", detail: str | None = None) -> Answer:
    return Answer("failed", failure=failure, detail=detail, seconds=20.0)


def sheet(shown: QuoteRun, seconds: float = 12, **more: Any) -> model.Sheet:
    return model.sheet(shown, NAMES, "ana", START + timedelta(seconds=seconds), **more)


# --- how it stands -------------------------------------------------------------------------------


# R: Q8
@pytest.mark.parametrize(
    ("shown", "share", "words"),
    [
        (run(), 0, "0 of 3 answered, 12 s"),
        (run(rates=priced(euros(99, "h1"))), 1 / 3, "1 of 3 answered, 12 s"),
        (run(rates=priced(euros(99, "h1")), slow=failed()), 2 / 3, "1 of 3 answered, 1 failed, 12 s"),
        (run(rates=failed("not-covered"), slow=failed()), 2 / 3, "1 of 3 answered, 1 failed, 12 s"),
        (run(status="cancelled", ended_at=START + timedelta(seconds=3)), 0, "0 of 3 answered, 3 s"),
    ],
)
def test_how_far_a_run_is_stands_in_words_beside_its_bar(shown: QuoteRun, share: float, words: str):
    found = sheet(shown)
    assert found.share == pytest.approx(share)
    assert found.words == words


# R: Q7 Q8
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"status": "cancelled"}, ["Stopped. Prices that had come are here."]),
        ({"status": "interrupted", "because": "too-long"}, ["Interrupted: its time was over."]),
        (
            {"status": "interrupted", "because": "too-often"},
            ["Interrupted: too many servers went down while they asked."],
        ),
        ({"status": "finished"}, ["All are done, and nobody has a price."]),
        ({"runners": 2, "runner_at": START}, ["Taken over by another server, now."]),
        (
            {"runners": 2, "runner_at": START - timedelta(minutes=3)},
            ["Taken over by another server, 3 min ago."],
        ),
        (
            {"runners": 2, "status": "finished", "rates": priced(euros(9, "h1"))},
            ["Taken over by another server on the way."],
        ),
        (
            {"rates": priced(Price(Money(900, "EUR"), "h1")), "stays": priced(Price(Money(900, "USD"), "h1"))},
            ["Currencies are not compared."],
        ),
    ],
)
def test_what_befell_a_run_is_said_in_sentences(changes: dict[str, Any], words: list[str]):
    assert [remark.words for remark in sheet(run(**changes)).remarks] == words


@pytest.mark.parametrize(
    ("status", "gone", "lost", "words"),
    [
        ("live", None, False, []),
        ("polling", None, False, []),
        ("offline", None, False, ["Offline: as it was seen here last."]),
        ("signed-out", None, False, ["Signed out: as it was seen here last."]),
        ("live", "unknown", False, ["It is no longer kept. This is how it was seen here last."]),
        ("live", None, True, ["The run before is no longer kept, so nothing is compared."]),
    ],
)
def test_how_a_run_is_known_here_is_said_too(status: str, gone: str | None, lost: bool, words: list[str]):
    seen = RunSnapshot("quote:r", run(), Status(status), gone)
    assert [remark.words for remark in model.more_remarks(seen, lost=lost)] == words


@pytest.mark.parametrize(
    ("kind", "seen", "words"),
    [
        ("import", None, "An import of hotels"),
        ("stay", None, "Looking it up"),
        ("stay", RunSnapshot("quote:r", status=Status("offline")), "Offline, and not seen here before"),
        ("stay", RunSnapshot("quote:r", gone="unknown"), "no longer kept"),
    ],
)
def test_where_there_is_nothing_to_be_seen_it_says_why(kind: Any, seen: RunSnapshot | None, words: str):
    assert words in model.unseen(RunNote("r", kind, "ana", START), seen).words


# R: Q5
def test_what_was_asked_for_stands_above():
    found, car = sheet(run()), sheet(run(CAR))
    assert (found.title, found.all_of, found.about) == (
        "Stay, 21 to 25 May",
        "4 guests, 4 nights",
        ("Casa Azul", "Alfama"),
    )
    assert (car.title, car.all_of, car.about) == (
        "Vehicle, 21 to 25 May",
        "5 days",
        (CAR.vin, "drivers of 34 and 41"),
    )
    assert (found.unit, car.unit) == ("for a person and night", "for a driver and day")


# --- providers -----------------------------------------------------------------------------------


# R: Q4 Q8
@pytest.mark.parametrize(
    ("answer", "more", "state", "words", "said"),
    [
        (Answer(), {}, "waiting", "waiting", ""),
        (Answer("working"), {}, "working", "working", ""),
        (Answer("working", said="Asking a partner"), {}, "working", "working", "Asking a partner"),
        (priced(euros(336, "h1")), {}, "priced", "€336, 2.0 s", ""),
        (priced(euros(336, "h1"), euros(9, "h2")), {}, "priced", "2 prices, 2.0 s", ""),
        (failed("not-covered"), {}, "nothing", "has no price for this, 20 s", ""),
        (failed("timeout", "Not within 20 s."), {}, "failed", "failed, 20 s", "Not within 20 s."),
        *((failed(code), {}, "failed", "failed, 20 s", FAILURES[code]) for code in FAILURES if code != "not-covered"),
        (Answer(), {"status": "cancelled"}, "nothing", "was not asked", ""),
        (Answer("working"), {"status": "interrupted"}, "nothing", "was not waited for", ""),
    ],
)
def test_where_a_provider_stands_is_said_in_words(
    answer: Answer, more: dict[str, Any], state: str, words: str, said: str
):
    row = sheet(run(slow=answer, **more)).providers[-1]
    assert (row.state, row.words, row.said, row.simulated) == (state, words, said, True)


# --- prices --------------------------------------------------------------------------------------


# R: Q8
def test_prices_stand_by_what_they_are_for_a_person_and_night_with_the_lowest_marked():
    answers: dict[str, Any] = {"rates": priced(euros(336, "h1"), euros(192, "h2")), "slow": priced(euros(200, "h1"))}
    rows = sheet(run(**answers)).prices
    assert [(row.hotel, row.per.amount, row.best, row.simulated) for row in rows] == [
        ("Alfama", 1200, True, False),
        ("Casa Azul", 1250, False, True),
        ("Casa Azul", 2100, False, False),
    ]


# R: Q8
def test_each_currency_has_a_lowest_price():
    dollars = Price(Money(90_000, "USD"), "h1")
    rows = sheet(run(rates=priced(euros(336, "h1"), euros(192, "h2")), stays=priced(dollars))).prices
    assert [(row.total.currency, row.best) for row in rows] == [("EUR", True), ("EUR", False), ("USD", True)]


# R: Q8
@pytest.mark.parametrize(
    ("sending", "mine"),
    [(None, ["rates/h1"]), ((Choice("rates", "h2"),), ["rates/h2"]), ((None,), [])],
    ids=["as it is", "moves", "is taken back"],
)
def test_votes_have_names_and_mine_is_drawn_before_it_is_confirmed(sending: Any, mine: list[str]):
    first = Choice("rates", "h1")
    voted = run(rates=priced(euros(336, "h1"), euros(192, "h2")), ballots={"ana": first, "ben": first, "gone": first})
    rows = sheet(voted, sending=sending).prices
    assert [row.id for row in rows if row.mine] == mine
    assert [row.id for row in rows if row.sending] == (mine if sending else [])
    assert {row.id: row.voters for row in rows} == {"rates/h2": (), "rates/h1": ("Ben", "Somebody")}


# R: Q8
def test_a_second_run_says_what_went_up_and_down_and_what_is_new_or_gone():
    before = run(
        rates=priced(euros(336, "h1"), euros(192, "h2")), stays=priced(euros(352, "h1")), slow=priced(euros(9, "h1"))
    )
    after = run(
        rates=priced(euros(300, "h1"), euros(200, "h2")), stays=priced(euros(352, "h1"), euros(99, "h2")), slow=failed()
    )
    found = sheet(after, before=before)
    assert {row.id: (row.change, row.dearer, row.choice is None) for row in found.prices} == {
        "rates/h1": ("down €36", False, False),
        "rates/h2": ("up €8", True, False),
        "stays/h1": ("", False, False),
        "stays/h2": ("new", False, False),
        "gone:slow/h1": ("gone", False, True),
    }
    assert found.remarks[-1].words.startswith("Compared with the run of ")


# R: Q8
def test_who_has_not_answered_the_second_time_yet_has_lost_no_price():
    before = run(rates=priced(euros(336, "h1")))
    assert sheet(run(), before=before).prices == ()


# --- the list ------------------------------------------------------------------------------------


def test_runs_stand_newest_first_with_who_asked_how_they_ended_and_the_lowest_price():
    from tests.tui.quote_stage import answered, begun, quotable, vehicle

    scene = quotable()
    now = scene.world.now()
    then = now - timedelta(minutes=30)
    answered(scene, begun(scene, at=then), at=then)
    begun(scene, vehicle(), by=scene.carla)
    rows = model.run_rows(scene.world.trips[scene.trip_id], scene.world.now())
    assert [(row.words.partition(",")[0], row.who, row.ago, row.under_way) for row in rows] == [
        ("Vehicle", "Carla", "now", True),
        ("Stay", "Ben", "30 min ago", False),
    ]
    assert (rows[1].came, rows[0].came) == ("from €192", "")


def test_an_import_stands_among_them_by_its_name():
    from tests.tui.quote_stage import quotable

    from roadcrew_domain.runs import NoteRun

    scene = quotable()
    scene.world.do(scene.trip_id, scene.dev.id, NoteRun("j", "import", "hotels.csv"))
    (row,) = model.run_rows(scene.world.trips[scene.trip_id], scene.world.now())
    assert (row.words, row.name, row.who, row.came) == ("Import of {name}", "hotels.csv", "Dev", "")


@pytest.mark.parametrize(
    ("ended", "count", "came"),
    [
        ("finished", 100_000, "100,000 hotels"),
        ("finished", 1, "1 hotel"),
        ("finished", 0, "0 hotels"),
        ("failed", 3, ""),
    ],
)
def test_what_came_of_an_import_stands_with_it(ended: RunEnd, count: int, came: str):
    from tests.tui.quote_stage import quotable

    scene = quotable()
    trip = scene.world.trips[scene.trip_id]
    note = RunNote("j", "import", scene.dev.id, scene.world.now(), "hotels.csv", count=count, ended=ended)
    (row,) = model.run_rows(msgspec.structs.replace(trip, runs=HashTrieMap({"j": note})), scene.world.now())
    assert row.came == came


def test_in_a_narrow_list_what_came_of_a_request_is_whole_and_who_asked_too():
    row = model.RunRow("j", "Import of {name}", "a.csv", "Ana", "11 min ago", "", False, "100,000 hotels")
    assert quotes_draw.run(row)(25).plain.split("\n")[1].split() == ["Ana", "100,000", "hotels"]
    assert "Ana, 11 min ago" in quotes_draw.run(row)(40).plain


def test_how_a_run_ended_is_said_in_a_word():
    from tests.tui.quote_stage import quotable

    scene = quotable()
    trip = scene.world.trips[scene.trip_id]
    ends: tuple[RunEnd, ...] = ("finished", "cancelled", "failed", "interrupted")
    notes = {end: RunNote(end, "stay", scene.ana.id, START, ended=end) for end in ends}
    rows = model.run_rows(msgspec.structs.replace(trip, runs=HashTrieMap(notes)), scene.world.now())
    assert {row.id: row.end for row in rows} == {
        "finished": "", "cancelled": "stopped", "failed": "failed", "interrupted": "interrupted"
    }  # fmt: skip


# --- a vehicle's number --------------------------------------------------------------------------


# R: Q5
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", ""),
        ("1hg cm8", "6 of 17 characters."),
        ("1HGo", "A VIN has digits and letters, but no I, O or Q."),
        ("1HGCM82633A0043521", "A VIN has 17 characters; this one has 18."),
        ("1HGCM82634A004352", "The check digit, the ninth character, does not fit"),
        ("1HGCM82633A004352", "The check digit fits."),
        ("1HGCM82633A004352", "(uncertain)"),
        ("1HGCM82633A004352", "2003"),
    ],
)
def test_a_vin_is_judged_while_it_is_typed(typed: str, words: str):
    found = vin_words(typed, START.date())
    assert words in found if words else found == ""
