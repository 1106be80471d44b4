"""Prices beside each other: the lowest for a person and a night first, and what a second run changed."""

from tests.domain.run_play import ANA, BEN, CASA, PENSAO, RATES, SLOW, WEB, a_stay, a_vehicle, price, running

from roadcrew_domain.money import Money
from roadcrew_domain.quotes import Change, changed, currencies, standings
from roadcrew_domain.quotes_state import Choice, VoteQuote


# R: Q8
def test_the_lowest_price_is_first_with_what_it_is_for_a_person_and_a_night():
    play = running(a_stay(guests=2, nights=3))
    assert standings(play.state) == ()
    play.answer("rates", price(50400, "casa"), price(30001, "pensao", note="Breakfast"))
    play.answer("web", price(49800, "casa"))
    play.do(BEN, VoteQuote(Choice("web", "casa")))
    play.do(ANA, VoteQuote(Choice("web", "casa")))
    found = standings(play.state)
    assert [(s.provider, s.hotel, s.total.amount, s.per_person_night.amount, s.best) for s in found] == [
        (RATES, PENSAO, 30001, 5000, True),
        (WEB, CASA, 49800, 8300, False),
        (RATES, CASA, 50400, 8400, False),
    ]
    assert [s.votes for s in found] == [(), (ANA, BEN), ()]
    assert [s.note for s in found] == ["Breakfast", None, None]
    assert found[1].choice == Choice("web", "casa")


# R: Q8
def test_of_a_vehicle_it_is_for_a_driver_and_a_day_and_half_a_cent_is_one():
    play = running(a_vehicle(30, 40, days=3))
    play.answer("web", price(9003, None))
    play.answer("rates", price(9002, None))
    assert [(s.provider.id, s.hotel, s.per_person_night.amount) for s in standings(play.state)] == [
        ("rates", None, 1500),
        ("web", None, 1501),
    ]


# R: Q8
def test_two_that_are_equally_low_are_both_the_best_in_the_order_in_which_they_were_asked():
    play = running()
    for provider in ("slow", "web"):
        play.answer(provider)
    assert [(s.provider, s.best) for s in standings(play.state)] == [(WEB, True), (SLOW, True)]


# R: Q8
def test_prices_in_different_currencies_are_never_compared():
    play = running()
    play.answer("rates", price(100, "casa", "JPY"))
    play.answer("web", price(50400, "casa"), price(30000, "pensao"))
    play.answer("slow", price(40000, "casa", "USD"))
    found = standings(play.state)
    assert [(s.total.currency, s.total.amount, s.best) for s in found] == [
        ("EUR", 30000, True),
        ("EUR", 50400, False),
        ("JPY", 100, True),
        ("USD", 40000, True),
    ]
    assert currencies(found) == ("EUR", "JPY", "USD")


# R: Q8
def test_a_second_run_says_what_is_dearer_cheaper_new_and_gone():
    before = running()
    before.answer("rates", price(50400), price(30000, "pensao"))
    before.answer("web", price(49800))
    before.answer("slow", price(1))
    after = running()
    after.answer("rates", price(52000), price(30000, "pensao"))
    after.answer("web", price(31000, "pensao"))
    assert changed(before.state, before.state) == ()
    found = changed(before.state, after.state)
    assert found == (
        Change(RATES, CASA, Money(50400, "EUR"), Money(52000, "EUR")),
        Change(WEB, PENSAO, None, Money(31000, "EUR")),
        Change(WEB, CASA, Money(49800, "EUR"), None),
    )
    assert [change.difference for change in found] == [Money(1600, "EUR"), None, None]
    after.fail("slow")
    assert changed(before.state, after.state)[-1] == Change(SLOW, CASA, Money(1, "EUR"), None)


def test_a_provider_that_is_asked_no_more_has_no_price_any_more_and_other_currencies_no_difference():
    before = running(None, RATES, WEB)
    before.answer("rates", price(50400))
    before.answer("web", price(49800))
    after = running(None, RATES)
    after.answer("rates", price(50400, currency="USD"))
    found = changed(before.state, after.state)
    assert [(change.provider.id, change.after, change.difference) for change in found] == [
        ("rates", Money(50400, "USD"), None),
        ("web", None, None),
    ]
