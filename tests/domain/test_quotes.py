"""A quote run: what can be asked, one answer for each provider, who may write, how it ends."""

from datetime import timedelta

import msgspec
import pytest
from tests.domain.booking_play import SECOND, START
from tests.domain.run_play import (
    ANA,
    BEN,
    CASA,
    KEPT,
    PENSAO,
    RATES,
    SLOW,
    TODAY,
    VIN,
    WEB,
    WITHIN,
    QuotePlay,
    a_stay,
    a_vehicle,
    price,
    running,
)

from roadcrew_domain.events import Fact, event
from roadcrew_domain.money import Money
from roadcrew_domain.quotes import decode_run, encode_run, evolve, next_due
from roadcrew_domain.quotes_state import (
    MAX_ACTIVITIES,
    MAX_ASKED_HOTELS,
    MAX_DETAIL,
    MAX_DRIVERS,
    MAX_GUESTS,
    MAX_NIGHTS,
    MAX_PRICES,
    MAX_PROVIDERS,
    MAX_SAID,
    MAX_VOTES,
    AddResult,
    AskedHotel,
    AskedProvider,
    CancelRun,
    Choice,
    Price,
    QuoteAct,
    QuoteFinished,
    QuoteRequest,
    QuoteResult,
    QuoteRun,
    QuoteVoted,
    SayActivity,
    Stay,
    Vehicle,
    VoteQuote,
)
from roadcrew_domain.running import LONGEST, LOOKED_AFTER, MOST_RUNNERS, StartRunner, TellEnd
from roadcrew_domain.seats_state import SlotOpened

# --- what can be asked ---------------------------------------------------------------------------


# R: Q1 Q5
def test_a_run_waits_for_all_its_providers_from_the_start_and_is_nobody_s_work_yet():
    play = QuotePlay().ask()
    run = play.state
    assert (run.id, run.by, run.trip_id, run.status, run.fence) == ("q", ANA, "t", "processing", 0)
    assert {p: a.state for p, a in run.answers.items()} == dict.fromkeys(("rates", "web", "slow"), "waiting")
    assert (run.ends_by, run.keep_until) == (START + WITHIN, START + KEPT)
    assert play.do(ANA, play.asking(), "q") == []
    assert play.refusal(BEN, play.asking(), "q") == ("id-taken", "conflict")
    assert QuotePlay().refusal(None, play.asking()) == ("forbidden", "forbidden")


def test_what_is_asked_is_kept_tidy():
    untidy = a_stay(AskedHotel("h", " Casa \u200b Azul ", "Lisbon", 4))
    play = QuotePlay().ask(untidy, AskedProvider("p", "\x1b[2J", True, 5))
    assert isinstance(play.state.request, Stay)
    assert play.state.request.hotels[0].name == "Casa Azul"
    assert play.state.providers[0].name == "[2J"
    play = QuotePlay().ask(a_vehicle(vin=" 1hgcm-82633 a004352"))
    assert isinstance(play.state.request, Vehicle)
    assert play.state.request.vin == VIN


def hotels(count: int) -> tuple[AskedHotel, ...]:
    return tuple(AskedHotel(f"h{n}", f"H {n}", "Lisbon", 3) for n in range(count))


# R: Q5
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (a_stay(guests=0), "bad-guests"),
        (a_stay(guests=MAX_GUESTS + 1), "bad-guests"),
        (a_stay(nights=0), "bad-dates"),
        (a_stay(nights=-1), "bad-dates"),
        (a_stay(nights=MAX_NIGHTS + 1), "bad-dates"),
        (a_stay(check_in=TODAY - timedelta(days=2)), "bad-dates"),
        (a_stay(check_in=TODAY + timedelta(days=733)), "bad-dates"),
        (a_stay(*hotels(MAX_ASKED_HOTELS + 1)), "bad-hotels"),
        (a_stay(CASA, CASA), "bad-hotels"),
        (Stay((), TODAY, TODAY + timedelta(days=1), 2), "bad-hotels"),
        (a_stay(msgspec.structs.replace(CASA, stars=6)), "bad-hotels"),
        (a_stay(msgspec.structs.replace(CASA, price_per_night=Money(-1, "EUR"))), "bad-price"),
        (a_stay(msgspec.structs.replace(CASA, name="\x1b[2J")), "unsafe-text"),
        (a_vehicle(days=0), "bad-dates"),
        (a_vehicle(days=MAX_NIGHTS + 2), "bad-dates"),
        (a_vehicle(15), "bad-drivers"),
        (a_vehicle(30, 100), "bad-drivers"),
        (a_vehicle(*[30] * (MAX_DRIVERS + 1)), "bad-drivers"),
        (msgspec.structs.replace(a_vehicle(), drivers=()), "bad-drivers"),
        (a_vehicle(vin="1HGCM82633A004353"), "bad-vin"),
    ],
)
def test_what_nobody_can_have_is_refused_before_anybody_is_asked(request_: QuoteRequest, code: str):
    play = QuotePlay()
    assert play.refusal(ANA, play.asking(request_)) == (code, "invalid")


# R: Q5
@pytest.mark.parametrize(
    "request_",
    [
        a_stay(guests=MAX_GUESTS, nights=MAX_NIGHTS),
        a_stay(*hotels(MAX_ASKED_HOTELS)),
        a_stay(check_in=TODAY - timedelta(days=1)),
        a_stay(check_in=TODAY + timedelta(days=732)),
        a_vehicle(16, 99, days=1),
        a_vehicle(*[30] * MAX_DRIVERS, days=MAX_NIGHTS + 1),
    ],
)
def test_the_most_that_is_allowed_is_allowed(request_: QuoteRequest):
    assert QuotePlay().ask(request_).state.request == request_


def test_at_least_one_provider_is_asked_and_each_once_within_a_time_that_ends():
    play = QuotePlay()
    many = tuple(AskedProvider(f"p{n}", "P", False, 5.0) for n in range(MAX_PROVIDERS + 1))
    asking = play.asking()
    replace = msgspec.structs.replace
    assert play.refusal(ANA, replace(asking, providers=())) == ("no-provider", "conflict")
    assert play.refusal(ANA, replace(asking, providers=many)) == ("too-many-providers", "invalid")
    assert play.refusal(ANA, replace(asking, providers=(RATES, RATES))) == ("too-many-providers", "invalid")
    for within, keep_for in ((0, 60), (60, 59), (60, LONGEST.total_seconds() + 1), (float("nan"), 60)):
        assert play.refusal(ANA, replace(asking, within=within, keep_for=keep_for)) == ("bad-limit", "invalid")
    assert play.do(ANA, replace(asking, providers=many[1:])) == ["QuoteRequested"]


# --- answers -------------------------------------------------------------------------------------


# R: Q4
def test_each_provider_has_one_answer_with_the_progress_beside_it_and_the_last_one_is_the_end():
    play = running()
    assert play.say("web", "Asking…") == ["QuoteActivity"]
    assert play.state.answers["web"].state == "working"
    play.now += timedelta(seconds=1.5)
    assert play.answer("web", price(50400, note="Breakfast\x07 included ")) == ["QuoteResult", "QuoteProgress"]
    web = play.state.answers["web"]
    assert (web.state, web.seconds, web.said) == ("priced", 1.5, "Asking…")
    assert web.prices == (price(50400, note="Breakfast included"),)
    assert play.fail("slow", "Nobody\x1b there.") == ["QuoteFailure", "QuoteProgress"]
    assert (play.state.answers["slow"].failure, play.state.answers["slow"].detail) == ("timeout", "Nobody there.")
    assert play.state.status == "processing"
    assert play.answer("rates") == ["QuoteResult", "QuoteProgress", "QuoteFinished"]
    assert play.events[-2].data.done == play.events[-2].data.total == 3  # type: ignore[attr-defined]
    assert play.events[-1].data == QuoteFinished(priced=2, failed=1)
    assert (play.state.status, play.state.ended_at) == ("finished", play.now)


# R: Q4 Q7
def test_a_second_answer_of_a_provider_changes_nothing():
    play = running()
    play.answer("web")
    play.fail("slow")
    for again in (play.answer, play.fail, lambda p: play.say(p, "More")):
        assert again("web") == again("slow") == []
    assert play.state.answers["web"].prices == (price(50400),)


def test_a_provider_that_was_not_asked_has_no_say():
    play = running()
    for act in (SayActivity(1, "eve", "x"), AddResult(1, "eve", (price(1),))):
        assert play.refusal(None, act) == ("unknown-provider", "missing")


# R: Q4
@pytest.mark.parametrize(
    ("prices", "code"),
    [
        ((), "bad-prices"),
        ((price(1, "elsewhere"),), "bad-prices"),
        ((price(1, None),), "bad-prices"),
        ((price(1), price(2)), "bad-prices"),
        (tuple(price(n, f"h{n}") for n in range(MAX_PRICES + 1)), "bad-prices"),
        ((price(-1),), "bad-price"),
        ((price(10**13),), "bad-price"),
        ((price(1, currency="euro"),), "bad-price"),
    ],
)
def test_prices_are_for_what_was_asked_one_each_and_amounts_that_can_be(prices: tuple[Price, ...], code: str):
    assert running().refusal(None, AddResult(1, "web", prices)) == (code, "invalid")


def test_a_vehicle_has_one_price_which_is_for_no_hotel():
    play = running(a_vehicle())
    assert play.refusal(None, AddResult(1, "web", (price(1),))) == ("bad-prices", "invalid")
    assert play.answer("web", price(9000, None)) == ["QuoteResult", "QuoteProgress"]


def test_what_a_provider_says_is_cut_tidy_and_told_so_many_times():
    play = running()
    assert play.say("web", "\x1b\u202e \n") == []
    assert play.say("web", "x" * 10**6) == ["QuoteActivity"]
    assert play.state.answers["web"].said == "x" * MAX_SAID
    for _ in range(2 * MAX_ACTIVITIES):
        play.say("web", "y")
    assert play.state.answers["web"].activities == MAX_ACTIVITIES
    play.fail("web", "z" * 10**6)
    assert play.state.answers["web"].detail == "z" * MAX_DETAIL


# --- who may write -------------------------------------------------------------------------------


# R: Q7
def test_who_was_taken_over_from_can_write_nothing_more():
    play = running()
    assert play.answer("rates") == ["QuoteResult", "QuoteProgress"]
    assert play.start(5) == ["RunnerStarted"]
    assert (play.state.fence, play.state.runners, play.state.runner_at) == (5, 2, play.now)
    for act in (SayActivity(1, "web", "x"), AddResult(1, "web", (price(1),)), StartRunner(1), StartRunner(4)):
        assert play.refusal(None, act) == ("fenced-off", "conflict")
    assert play.start(5) == []
    assert play.refusal(None, AddResult(6, "web", (price(1),))) == ("fenced-off", "conflict")
    assert play.answer("web", fence=5) == ["QuoteResult", "QuoteProgress"]
    assert play.state.answers["rates"].state == "priced"


# R: Q7
def test_a_run_whose_processes_die_one_after_the_other_is_called_interrupted():
    play = QuotePlay().ask()
    for fence in range(1, MOST_RUNNERS + 1):
        assert play.start(fence) == ["RunnerStarted"]
    assert play.start(MOST_RUNNERS + 1) == ["QuoteInterrupted"]
    assert (play.state.status, play.state.because) == ("interrupted", "too-often")
    assert play.start(MOST_RUNNERS + 2) == []
    assert play.answer("web", fence=MOST_RUNNERS) == []


# R: Q7
def test_others_look_after_a_run_until_its_trip_knows_what_came_of_it_and_then_when_it_is_forgotten():
    play = QuotePlay().ask()
    assert next_due(play.state) == START + LOOKED_AFTER
    play.now += 5 * SECOND
    play.start()
    assert next_due(play.state) == START + 5 * SECOND + LOOKED_AFTER
    play.now = START + WITHIN - SECOND
    play.start(2)
    assert next_due(play.state) == START + WITHIN
    play.do(ANA, CancelRun())
    assert next_due(play.state) == play.now + LOOKED_AFTER, "the trip may not know what came of it"
    assert play.do(None, TellEnd()) == ["EndTold"]
    assert play.do(None, TellEnd()) == []
    assert next_due(play.state) == START + KEPT
    play.now = START + KEPT
    assert play.tick() == ["QuoteExpired"]
    assert next_due(play.state) is None


# R: Q7
def test_a_run_that_was_forgotten_as_it_was_found_is_looked_after_until_its_trip_knows():
    play = running()
    play.now = START + KEPT
    assert play.tick() == ["QuoteInterrupted", "QuoteExpired"]
    assert next_due(play.state) == play.now + LOOKED_AFTER
    assert (play.do(None, TellEnd()), play.do(None, TellEnd())) == (["EndTold"], [])
    assert next_due(play.state) is None


# --- ends ----------------------------------------------------------------------------------------


# R: Q7
def test_a_run_never_stays_under_way_for_longer_than_it_may():
    play = running()
    play.answer("web")
    play.now = START + WITHIN - SECOND
    assert play.tick() == []
    play.now = START + WITHIN
    assert play.tick() == ["QuoteInterrupted"]
    assert (play.state.status, play.state.because, play.state.ended_at) == ("interrupted", "too-long", play.now)
    assert play.state.answers["web"].state == "priced"
    assert play.answer("slow") == play.tick() == []


# R: Q7
@pytest.mark.parametrize("late", [StartRunner(2), SayActivity(1, "slow", "x"), AddResult(1, "slow", (price(1),))])
def test_what_comes_too_late_ends_the_run_also_before_the_timer_does(late: QuoteAct):
    play = running()
    play.now = START + WITHIN
    assert play.do(None, late) == ["QuoteInterrupted"]


# R: Q8
def test_who_asked_cancels_and_the_organiser_and_nobody_else():
    play = running()
    assert play.refusal(BEN, CancelRun()) == ("not-yours-to-cancel", "forbidden")
    assert play.refusal(None, CancelRun(chair=True)) == ("not-yours-to-cancel", "forbidden")
    assert play.do(BEN, CancelRun(chair=True)) == ["QuoteCancelled"]
    assert play.state.status == "cancelled"
    assert play.do(ANA, CancelRun()) == play.answer("web") == []
    assert running().do(ANA, CancelRun()) == ["QuoteCancelled"]


# R: Q3
def test_after_its_time_a_run_can_only_be_gone():
    play = running()
    play.answer("web")
    play.now = START + KEPT
    acts: list[tuple[str | None, QuoteAct]] = [
        (ANA, VoteQuote(Choice("web", "casa"))),
        (ANA, CancelRun()),
        (None, StartRunner(2)),
        (None, SayActivity(1, "slow", "x")),
    ]
    for by, act in acts:
        assert play.refusal(by, act) == ("quote-run-expired", "missing")
    assert play.tick() == ["QuoteInterrupted", "QuoteExpired"]
    assert play.tick() == []
    for by, act in acts:
        assert play.refusal(by, act) == ("quote-run-expired", "missing")


def test_of_a_run_that_is_not_there_nothing_is_known():
    play = QuotePlay()
    for by, act in ((ANA, CancelRun()), (None, StartRunner(1)), (ANA, VoteQuote(None))):
        assert play.refusal(by, act) == ("unknown-quote-run", "missing")
    assert play.tick() == []


# --- votes ---------------------------------------------------------------------------------------


# R: Q8
def test_each_member_has_one_vote_for_a_price_that_is_there_and_may_change_it_or_take_it_back():
    play = running()
    play.answer("web", price(50400), price(30000, "pensao"))
    casa, pensao = Choice("web", "casa"), Choice("web", "pensao")
    assert play.do(BEN, VoteQuote(casa)) == ["QuoteVoted"]
    assert play.do(BEN, VoteQuote(casa)) == []
    play.do(ANA, VoteQuote(casa))
    play.do(ANA, CancelRun())
    assert play.do(BEN, VoteQuote(pensao)) == ["QuoteVoted"]
    assert dict(play.state.ballots.items()) == {ANA: casa, BEN: pensao}
    assert play.do(BEN, VoteQuote(None)) == ["QuoteVoted"]
    assert play.do(BEN, VoteQuote(None)) == []
    assert dict(play.state.ballots.items()) == {ANA: casa}


@pytest.mark.parametrize("choice", [Choice("rates", "casa"), Choice("web", "pensao"), Choice("web"), Choice("eve")])
def test_nobody_votes_for_a_price_that_is_not_there(choice: Choice):
    play = running()
    play.answer("web")
    assert play.refusal(BEN, VoteQuote(choice)) == ("unknown-price", "missing")
    assert play.refusal(None, VoteQuote(Choice("web", "casa"))) == ("forbidden", "forbidden")


def test_votes_can_be_changed_often_and_not_for_ever():
    play = running()
    play.answer("web", price(1), price(2, "pensao"))
    for n in range(MAX_VOTES):
        assert play.do(BEN, VoteQuote(Choice("web", ("casa", "pensao")[n % 2]))) == ["QuoteVoted"]
    assert play.refusal(BEN, VoteQuote(None)) == ("too-many-votes", "full")


# --- state and JSON ------------------------------------------------------------------------------


def test_a_run_is_the_same_after_it_was_written_and_read():
    play = running(a_stay(CASA, PENSAO), RATES, WEB, SLOW)
    play.say("rates", "Asking…")
    play.answer("web", price(50400, note="Breakfast"))
    play.fail("slow")
    play.do(BEN, VoteQuote(Choice("web", "casa")))
    assert decode_run(encode_run(play.state)) == play.state
    said = msgspec.json.decode(encode_run(play.state))
    assert said["answers"]["web"]["prices"][0]["total"] == {"amount": 50400, "currency": "EUR"}
    assert said["ballots"] == {BEN: {"provider": "web", "hotelId": "casa"}}
    vehicle = running(a_vehicle(30, 40)).state
    assert decode_run(encode_run(vehicle)) == vehicle
    assert msgspec.json.decode(encode_run(vehicle))["request"]["from"] == "2026-05-21"


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 100_000, b'{"v":2}'])
def test_what_is_no_run_is_not_read_as_one(body: bytes):
    with pytest.raises(ValueError, match=r".+"):
        decode_run(body)


def test_a_run_of_a_newer_version_is_not_read():
    body = encode_run(running().state).replace(b'"v":1', b'"v":2')
    with pytest.raises(ValueError, match="version 2"):
        decode_run(body)


def test_events_that_can_not_follow_are_errors():
    play = running()
    play.answer("web")
    under_way, requested = play.state, play.events[0].data
    play.do(ANA, CancelRun())

    def said(run: QuoteRun | None, fact: Fact) -> str:
        with pytest.raises(ValueError, match=r".+") as error:
            evolve(run, event("quote:q", 9, play.now, None, "c", fact))
        return str(error.value)

    assert said(under_way, requested) == "a quote run is requested once"
    assert said(under_way, QuoteResult("web", (), 1.0)) == "web has answered already"
    assert said(under_way, QuoteResult("eve", (), 1.0)) == "QuoteResult of something that is not there: 'eve'"
    assert said(under_way, SlotOpened(1, START, START)) == "no rule for SlotOpened"
    assert said(None, QuoteVoted(None)) == "a quote run begins with QuoteRequested, not QuoteVoted"
    assert said(None, requested) == "somebody requests a quote run"
    assert said(play.state, QuoteFinished(1, 0)) == "QuoteFinished in a run that is over"
