"""`roadcrew quote …` at a real server with simulated providers: what is printed, in which shapes, and how each ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.commands import NO_KEYRING
from tests.support.serving import ServerProcess, server_process
from tests.tui.typist import Typist

from roadcrew_domain.quotes_state import Choice

PROVIDERS = """
[[provider]]
id = "quick"
name = "Quick (simulated)"
use = "simulated"
fastest = 0.0
slowest = 0.05

[[provider]]
id = "wrong"
name = "Wrong (simulated)"
use = "simulated"
kinds = ["stay"]
fastest = 0.0
slowest = 0.05
wrong = 100

[[provider]]
id = "hangs"
name = "Hangs (simulated)"
use = "simulated"
kinds = ["stay"]
hangs = 100
timeout = 0.3
tries = 1

[[provider]]
id = "slow"
name = "Slow (simulated)"
use = "simulated"
kinds = ["vehicle"]
hangs = 100
timeout = 60
"""
VIN = "1M8GDM9AXKP042788"
FROM = datetime.now(UTC).date() + timedelta(days=40)
DATES = f"{FROM} to {FROM + timedelta(days=3)}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    place = tmp_path_factory.mktemp("server")
    (place / "providers.toml").write_text(PROVIDERS)
    with server_process(place, quotes=place / "providers.toml", quotes_per_user="1000/hour") as running:
        yield running


New = Callable[..., Typist]


@pytest.fixture
def new(
    tmp_path: Path, server: ServerProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> New:
    """`new("Ana")`: a guest with a trip of their own and two hotels on its shortlist; `new()`: nobody yet."""
    for name, value in NO_KEYRING.items():
        monkeypatch.setenv(name, value)
    for name in ("ROADCREW_TOKEN", "ROADCREW_TRIP"):
        monkeypatch.delenv(name, raising=False)

    def make(name: str = "") -> Typist:
        person = Typist(tmp_path / (name or "nobody"), server.url, monkeypatch, capsys)
        if name:
            person.json("trip", "new", "Lisbon", "--as", name)
            person.json("hotel", "add", "Casa Azul", "Lisbon", "84 EUR", "--stars", "4")
            person.json("hotel", "add", "Ritz", "Lisbon", "200 EUR", "--stars", "5")
        return person

    return make


# R: Q4, Q8, G5
def test_prices_are_asked_for_by_words_and_come_one_by_one_the_best_on_top(new: New) -> None:
    ana = new("Ana")
    assert ana.done("quote", "list") == ["No quotes yet. Ask: roadcrew quote stay --help"]
    asked = ana.run("quote", "stay", "--dates", DATES, "--guests", "2")
    assert asked.status == 0, asked
    told = [line.removeprefix("roadcrew: ") for line in asked.err if "answered" not in line]
    assert sorted(re.sub(r"\d+\.\d s", "0.1 s", line) for line in told) == [
        "Hangs (simulated): failed, 0.1 s: No answer within 0.1 s.",
        "Quick (simulated): 2 prices, 0.1 s",
        "Wrong (simulated): failed, 0.1 s: It gave a price in no currency.",
    ]
    title, stands, best, other, *failed = asked.out
    assert re.fullmatch(r"Stay, .*, 2 guests, 3 nights: Casa Azul, Ritz", title)
    assert stands.startswith("1 of 3 answered, 2 failed, 0 s  ")
    assert re.fullmatch(r"  €[\d.]+ for a person and night  €[\d.]+ in all  Casa Azul  Quick \(simulated\)  best", best)
    assert "Ritz" in other
    assert "best" not in other
    assert sorted(row.split(":")[0] for row in failed) == ["  Hangs (simulated)", "  Wrong (simulated)"]
    told_to_its_trip(ana)
    (row,) = ana.done("quote", "list")
    assert re.match(r"1  Stay, .*  2 guests  from €[\d.]+ \(Quick \(simulated\)\)  by Ana, now  finished  ", row)
    assert ana.done("quote", "show") == asked.out
    assert ana.done("quote", "show", "1") == asked.out
    assert ana.done("quote", "show", row.split()[-1]) == asked.out
    assert ana.done("quote", "watch") == asked.out


# R: Q1, Q2, Q4, G5
def test_json_is_a_line_for_what_has_begun_for_each_event_and_for_what_came_of_it(new: New) -> None:
    ana = new("Ana")
    started, *lines, came = ana.lines("quote", "stay", "casa", "--dates", DATES)
    run = started["runId"]
    assert started == {"runId": run, "status": "processing", "streamUrl": f"/api/quotes/{run}/stream"}
    states = [line for line in lines if "run" in line]
    assert states
    assert all(set(line) == {"runId", "status", "run"} for line in states)
    events = [line for line in lines if "seq" in line]
    numbers = [line["seq"] for line in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert events == [e for e in all_events(ana, run) if e["seq"] in numbers]
    assert events[-1]["type"] == "QuoteFinished"
    assert came["status"] == came["run"]["status"] == "finished"
    told_to_its_trip(ana)
    read = ana.get(f"/api/quotes/{run}")
    assert came.keys() == read.keys()
    assert came["run"]["answers"] == read["run"]["answers"]
    assert {**ana.json("quote", "show"), "now": ""} == {**read, "now": ""}
    listed = ana.json("quote", "list")
    assert [note["id"] for note in listed["runs"]] == [run]
    assert ana.json("quote", "providers")["providers"] == ana.get("/api/server")["quotes"]["providers"]


def told_to_its_trip(person: Typist) -> None:
    """Wait until the trip knows that its newest run is over."""
    assert any(person.json("quote", "list")["runs"][0]["ended"] for _ in range(100))


def all_events(person: Typist, run: str) -> list[dict[str, object]]:
    events: list[dict[str, object]] = person.get(f"/api/quotes/{run}/stream")["events"]
    return events


# R: Q8, G5
def test_asking_again_tells_what_has_changed_since(new: New) -> None:
    ana = new("Ana")
    first = ana.lines("quote", "stay", "--dates", DATES)[-1]
    *_, second = ana.lines("quote", "again")
    assert second["run"]["againOf"] == first["runId"]
    assert second["run"]["request"] == first["run"]["request"]
    before, after = (
        {p["hotelId"]: p["total"]["amount"] for p in found["run"]["answers"]["quick"]["prices"]}
        for found in (first, second)
    )
    told = {c["hotel"]["id"]: (c["before"]["amount"], c["after"]["amount"]) for c in second["changes"]}
    assert told == {hotel: (before[hotel], after[hotel]) for hotel in before if before[hotel] != after[hotel]}
    again = ana.done("quote", "again", "2")
    assert any(line in again for line in ("Since the run before:", "The same as in the run before."))


# R: Q8, G5
def test_a_price_is_voted_for_by_name_and_the_vote_taken_back(new: New) -> None:
    ana = new("Ana")
    ana.done("quote", "stay", "--dates", DATES)
    unsaid = ana.run("quote", "vote", "Quick")
    assert unsaid.status == 1
    assert unsaid.err == ["roadcrew: Say for which hotel; there are prices for Casa Azul, Ritz."]
    voted = ana.json("quote", "vote", "Quick", "ritz")
    (choice,) = voted["run"]["ballots"].values()
    hotels = {hotel["name"]: hotel["id"] for hotel in voted["run"]["request"]["hotels"]}
    assert choice == {"provider": Choice("quick").provider, "hotelId": hotels["Ritz"]}
    assert any("Ritz" in line and "1 vote" in line for line in ana.done("quote", "show"))
    assert ana.json("quote", "vote", "--none", "--quote", "1")["run"]["ballots"] == {}
    nobody = ana.run("quote", "vote", "Acme")
    assert (nobody.status, nobody.err) == (1, ["roadcrew: There is no provider called Acme."])
    assert ana.run("quote", "vote").status == 2


# R: Q5, Q8, G5
def test_a_vehicle_is_asked_for_and_a_run_that_takes_too_long_is_stopped(new: New) -> None:
    ana = new("Ana")
    ages = ("--driver", "34", "--driver", "29")
    begun = ana.json("quote", "vehicle", VIN, *ages, "--dates", DATES, "--no-wait")
    assert set(begun) == {"runId", "status", "streamUrl"}
    assert any("working" in line for line in ana.done("quote", "show", begun["runId"]))
    stopped = ana.done("quote", "cancel")
    assert "Stopped. Prices that had come are here." in stopped
    watched = ana.run("quote", "watch")
    assert (watched.status, watched.err[-1]) == (1, "roadcrew: The run was stopped.")
    assert watched.out == stopped
    row = ana.done("quote", "list")[0].split("  ")
    assert (row[2], row[-2]) == ("2 drivers", "cancelled")
    wrong = ana.run("quote", "vehicle", VIN[:-1] + "9", *ages, "--dates", DATES)
    assert wrong.status == 1
    assert "check digit" in wrong.err[0]
    assert ana.run("quote", "vehicle", VIN, "--dates", DATES).status == 2
    assert ana.run("quote", "vehicle", VIN, "--driver", "old", "--dates", DATES).status == 2


# R: Q3, G5
def test_what_can_not_be_asked_is_refused_with_a_sentence(new: New) -> None:
    ana = new("Ana")
    days = ana.run("quote", "stay")
    assert (days.status, days.err) == (1, ["roadcrew: Say for which days: --dates '21 to 25 May'"])
    no_hotel = ana.run("quote", "stay", "Savoy", "--dates", DATES)
    assert (no_hotel.status, no_hotel.err) == (1, ["roadcrew: There is no hotel called Savoy."])
    unknown = ana.run("quote", "show", "01a20373-275b-720f-8f1b-7b52675eca73")
    assert unknown.status == 1
    assert ana.run("quote", "show", "3").status == 1
    alone = ana.run("quote", "stay", "--alone", "--dates", DATES)
    assert (alone.status, alone.out) == (1, [])
    nobody = ana.run("quote", "stay", "--guests", "0", "--dates", DATES)
    assert (nobody.status, nobody.err) == (1, ["roadcrew: A stay is for 1 to 50 guests."])
    ana.json("trip", "edit", "--dates", DATES)
    assert ana.run("quote", "stay", "ritz").status == 0
    assert new().run("quote", "list").status == 3
    assert ana.run("quote", "list", server="http://127.0.0.1:1").status in (3, 4)


# R: Q8
def test_a_member_of_the_trip_sees_the_run_and_a_stranger_does_not(new: New) -> None:
    ana, ben = new("Ana"), new("Ben")
    run = ana.lines("quote", "stay", "--dates", DATES)[-1]["runId"]
    strange = ben.run("quote", "show", run)
    assert strange.status == 1
    assert strange.out == []
    invite = ana.json("trip", "invite")["invite"]["url"]
    ben.json("join", invite)
    assert ben.json("quote", "show", run)["run"]["id"] == run
    stopped = ben.run("quote", "cancel", run)
    assert stopped.status == 1
    assert stopped.err == ["roadcrew: Only the organiser or who asked for prices can cancel this."]
