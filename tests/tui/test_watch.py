"""How things stand, in words for the command line."""

from tests.tui.scenes import lisbon

from roadcrew_domain.hotels import CloseHotelVoting, ShortlistHotel, VoteHotel
from roadcrew_domain.money import Money
from roadcrew_tui.watch import summary


# R: G5, T4, T5
def test_the_summary_says_what_leads_and_what_is_decided() -> None:
    scene = lisbon()
    lines = list(summary(scene.world.trips[scene.trip_id]))
    assert lines[0] == "Plan: Lisbon."
    assert lines[1] == "Crew: Ana, Ben, Carla, Dev."
    assert "Where to? decided: Lisbon (Lisbon 2; Porto 0)." in lines
    assert "When do we fly? Wed 20 May leads (Wed 20 May 2; Thu 21 May 1)." in lines
    assert lines[-1] == "Hotels: Casa Azul leads (Casa Azul 2; Alfama 1)."


# R: T5
def test_the_summary_names_the_winner_and_not_who_led() -> None:
    scene = lisbon()
    scene.world.do(scene.trip_id, scene.carla.id, VoteHotel(scene.alfama))
    tied = list(summary(scene.world.trips[scene.trip_id]))[-1]
    assert tied == "Hotels: Alfama leads (Casa Azul 1; Alfama 2)."
    scene.world.do(scene.trip_id, scene.ana.id, VoteHotel(scene.azul))
    scene.world.do(scene.trip_id, scene.ana.id, CloseHotelVoting())
    assert list(summary(scene.world.trips[scene.trip_id]))[-1] == "Hotels: decided: Alfama (Casa Azul 2; Alfama 2)."


def test_of_a_long_shortlist_the_summary_names_those_with_the_most_votes() -> None:
    scene = lisbon()
    for n in range(40):
        scene.world.do(scene.trip_id, scene.ana.id, ShortlistHotel(f"Inn {n}", "Lisbon", 0, Money(5000, "EUR"), None))
    last = list(summary(scene.world.trips[scene.trip_id]))[-1]
    assert last.startswith("Hotels: Casa Azul leads (Casa Azul 2; Alfama 1; Inn 0 0; Inn 1 0; ")
    assert last.endswith("Inn 5 0; and 34 more).")
