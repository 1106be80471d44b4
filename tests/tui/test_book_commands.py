"""`roadcrew book …` and `roadcrew cart …` at a real server: what is printed, in which shapes, and how each ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from icalendar import Calendar
from tests.support.commands import NO_KEYRING
from tests.support.serving import ServerProcess, server_process
from tests.tui.typist import Typist

from roadcrew_client.settings import SystemClock
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.refusals import Refused
from roadcrew_server.payments.signing import HEADER, signature
from roadcrew_tui.commands.headless_book import ahead

STEPS = [
    "roadcrew: Preparing your booking…",
    "roadcrew: Establishing secure connection…",
    "roadcrew: Adding booking to cart…",
    "roadcrew: Booking added to cart successfully!",
]
DAY = next(
    day
    for day in (datetime.now(UTC).date() + timedelta(days=n) for n in range(30, 60))
    if day.strftime("%a") == "Thu" and (day.month, day.day) not in ((12, 24), (12, 25), (1, 1))
)
"""A Thursday, on which all of the sample is open but for Salt and Glass."""
ON = DAY.isoformat()
SAID, PAST = (f"{day:%a} {day.day} {day:%b} {day.year}" for day in (DAY, DAY - timedelta(weeks=9)))
PAID = "--pay", "simulated"
SECRET = "a secret of the venue"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """With the sample catalogue, and payments that take an hour when they are slow."""
    more = {"catalog": "sample", "payments": "simulated,venue", "payment_simulated_seconds": 3600}
    more |= {"payment_venue_secret": SECRET}
    with server_process(tmp_path_factory.mktemp("server"), **more) as running:
        yield running


class ImpatientClock(SystemClock):
    """Its waits take no time."""

    jumped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.jumped

    async def sleep(self, seconds: float) -> None:
        self.jumped += seconds
        await asyncio.sleep(0)


class Person(Typist):
    """Who books."""

    def add(self, exhibition: str = "Azulejo", time: str = "10:00", *more: str) -> Any:
        return self.json("book", "add", exhibition, ON, time, *(more or ("--ticket", "adult=2")))


New = Callable[..., Person]


@pytest.fixture
def new(
    tmp_path: Path, server: ServerProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> New:
    """`new("Ana")`: a guest with a trip of their own; `new()`: nobody yet."""
    for name, value in NO_KEYRING.items():
        monkeypatch.setenv(name, value)
    for name in ("ROADCREW_TOKEN", "ROADCREW_TRIP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("roadcrew_client.client.SystemClock", ImpatientClock)

    def make(name: str = "") -> Person:
        person = Person(tmp_path / (name or "nobody"), server.url, monkeypatch, capsys)
        if name:
            person.json("trip", "new", "Lisbon", "--as", name, "--members", "2", "--discount", "10")
        return person

    return make


# --- from the list to the receipt ----------------------------------------------------------------


# R: C1, C2, C7, G5
def test_seats_are_found_held_ordered_and_paid_by_words_alone(new: New, tmp_path: Path) -> None:
    ana = new("Ana")
    assert "Fictional" in ana.done("book", "list")[0]
    assert any(row.startswith("Azulejo: Walls of Light  Casa dos Oleiros") for row in ana.done("book", "list"))
    said = f"{DAY:%a} {DAY.day} {DAY:%B} {DAY.year}"
    slots = ana.done("book", "slots", "big sky", said)
    assert slots[:2] == [SAID, f"11:00 to 11:50  200 of 200 left  big-sky.{DAY:%Y%m%d}.1100"]
    added = ana.run("book", "add", "Big Sky", said, "11.00", "--ticket", "adult=2", "--ticket", "chi")
    assert (added.status, added.err) == (0, STEPS)
    assert added.out[0].startswith("1  Big Sky: A Planetarium in the Old Cannery, Thu ")
    assert added.out[1].startswith("   2 Adult, 1 Child (4 to 14): €30, held until ")
    assert added.out[2] == "Total €30"
    assert ana.done("book", "slots", "big", said)[1].startswith("11:00 to 11:50  197 of 200 left")
    assert ana.done("cart", "show") == added.out
    assert ana.done("cart", "extend")[2] == "Total €30"
    ordered = ana.done("cart", "checkout", *PAID)
    assert ordered[0].endswith(": to be paid")
    number = ordered[0].split()[1].rstrip(":")
    assert ana.done("cart", "pay", number)[0] == f"Order {number}: paid"
    (row,) = ana.done("cart", "orders")
    assert row.startswith(f"{number}  paid, €30  Big Sky")
    receipt = ana.done("cart", "receipt", "--ics", str(tmp_path / "visit.ics"))
    assert receipt[-2].startswith("Paid: Simulated payments (no money moves), number simulated-")
    assert receipt[-1].endswith("visit.ics")
    (entry,) = Calendar.from_ical((tmp_path / "visit.ics").read_bytes()).walk("VEVENT")
    assert (str(entry["location"]), str(entry["status"])) == ("Conserveira Grande, Ponte Branca", "CONFIRMED")
    assert ana.done("cart", "cancel", number, "--yes")[0] == f"Order {number}: cancelled"
    assert ana.done("book", "slots", "big", said)[1].startswith("11:00 to 11:50  200 of 200 left")


# R: C1, G5
def test_json_is_what_the_server_says(new: New) -> None:
    ana = new("Ana")
    assert ana.json("book", "list") == ana.get("/api/exhibitions")
    told = ana.json("book", "slots", "paper-rain", ON)
    assert told.pop("timeZone") == "Asia/Tokyo"
    assert told == ana.get(f"/api/exhibitions/paper-rain/slots?date={ON}")
    for words in (
        ("book", "add", "river", ON, "9:30", "--ticket", "adult"),
        ("cart", "extend", "the river"),
        ("cart", "show"),
        ("cart", "checkout", "1", *PAID),
        ("cart", "pay", "--method", "accept"),
        ("cart", "cancel", "--yes"),
    ):
        answer, loaded = ana.json(*words), ana.get("/api/cart/load")
        about = {"add": "lineId", "checkout": "orderId", "pay": "orderId", "cancel": "orderId"}.get(words[1])
        assert set(answer) == {"cart", "prices", "cursor"} | ({about} if about else set()), words
        assert {name: answer[name] for name in ("cart", "prices", "cursor")} == loaded, words
    (order,) = ana.get("/api/cart/load")["cart"]["orders"]
    assert ana.json("cart", "orders") == {"orders": [order]}
    receipt = ana.json("cart", "receipt", order["id"])
    assert receipt["order"] == order
    assert receipt["text"].startswith("Order ")
    ana.add()
    assert set(ana.json("cart", "remove", "azulejo")) == {"cart", "prices", "cursor"}


# R: C1
def test_what_a_receipt_says_for_the_box_office_is_what_the_box_office_has_to_say(new: New) -> None:
    ana = new("Ana")
    ana.add()
    said = ana.done("cart", "checkout", "--pay", "venue")
    receipt = ana.done("cart", "receipt")
    assert receipt[-3:] == said[-3:]
    assert receipt[-3] == "For the box office, charge and reference:"
    body = json.dumps({"type": "paid", "charge": receipt[-2].strip(), "reference": receipt[-1].strip()}).encode()
    headers = {HEADER: signature(SECRET.encode(), datetime.now(UTC), body)}
    url = f"{ana.server}/api/payments/venue"
    assert httpx.post(url, content=body, headers=headers, trust_env=False).status_code == 204
    assert ana.done("cart", "receipt")[0].endswith(": paid")


# R: C12, G5
def test_who_sits_with_whom_and_who_paid_at_the_venue(new: New) -> None:
    ana, ben = new("Ana"), new()
    invite = ana.json("trip", "invite")["invite"]["url"]
    ben.json("join", invite, "--name", "Ben")
    booked = ben.add("Azulejo", "14:00", "--ticket", "adult=2", "--trip", "Lis")
    assert booked["prices"][0]["discount"] == 280
    ben.json("cart", "checkout", "--pay", "venue")
    (row,) = ana.done("book", "crew")
    assert row.startswith("Ben  Azulejo: Walls of Light, Thu ")
    assert ben.done("book", "crew") == ["Nothing yet."]
    told = ana.json("book", "crew")
    trip = ana.json("trip", "show")["trip"]
    assert told == {"tripId": trip["id"], "members": trip["members"], "bookings": trip["bookings"]}
    sitting = ana.json("book", "with", "Ben", "--exhibition", "azu", "--ticket", "child=3")
    assert sitting["cart"]["lines"][0]["slot"] == trip["bookings"][0]["slot"]
    assert sitting["cart"]["lines"][0]["tripId"] == trip["id"]
    theirs = {"tripId": trip["id"], "bookingId": trip["bookings"][0]["id"]}
    assert ben.run("cart", "paid", "Ben").status == 1
    assert ana.json("cart", "paid", "ben") == theirs
    assert ben.json("cart", "orders")["orders"][0]["state"] == "paid"
    assert ana.run("cart", "paid", "Ana").err == ["roadcrew: Ana has booked nothing like that. See: roadcrew book crew"]


# --- what is refused -----------------------------------------------------------------------------


# R: G5
@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("book", "slots", "Louvre", ON), 1, "There is no exhibition called Louvre."),
        (("book", "slots", "Azulejo", "2027-02-30"), 1, "A day is such as Wed, 21 May, tomorrow, or 2026-05-21."),
        (("book", "slots", "Azulejo", f"Fri {SAID[4:]}"), 1, f"{SAID[4:]} is a Thursday, not a Friday."),
        (
            ("book", "add", "Azulejo", f"Fri {SAID[4:]}", "10:00", "--ticket", "adult"),
            1,
            f"{SAID[4:]} is a Thursday, not a Friday.",
        ),
        (
            ("book", "add", "Azulejo", PAST, "10:00", "--ticket", "adult"),
            1,
            f"Azulejo: Walls of Light, {PAST}, 10:00 to 11:30 (Europe/Lisbon) is over.",
        ),
        (
            ("book", "add", "Azulejo", ON, "12:15", "--ticket", "adult"),
            1,
            f"Azulejo: Walls of Light has no slot at 12:15 on {SAID}, but at 10:00, 11:30, 14:00, 15:30.",
        ),
        (
            ("book", "add", "Salt", ON, "10:00", "--ticket", "adult"),
            1,
            f"Salt and Glass is closed on {SAID}. See: roadcrew book list",
        ),
        (("book", "add", "Azulejo", ON, "10:00", "--ticket", "dog=1"), 1, "There is no kind called dog."),
        (
            ("book", "add", "Azulejo", ON, "10:00", "--ticket", "adult=two"),
            2,
            "adult=two is no number of tickets. Try --ticket adult=2",
        ),
        (("book", "add", "Azulejo", ON, "10:00", "--ticket", "adult=-1"), 2, "adult=-1 is no number of tickets."),
        (
            ("book", "add", "Azulejo", ON, "10:00"),
            2,
            "Say which tickets, such as --ticket adult=2: adult, concession, child, infant.",
        ),
        (("book", "with", "Ana", "--ticket", "adult"), 1, "Ana has booked nothing like that."),
        (("book", "resume"), 1, "No booking waits."),
        (("cart", "extend"), 1, "There is nothing in your cart."),
        (("cart", "remove", "9"), 1, "There is no line called 9."),
        (("cart", "checkout"), 1, "There is nothing in your cart."),
        (("cart", "checkout", "--pay", "gold"), 1, "There is no provider called gold."),
        (("cart", "pay"), 1, "No order waits to be paid here."),
        (("cart", "receipt"), 1, "You have no order that stands."),
        (("cart", "cancel"), 2, "Add --yes."),
        (("cart", "receipt", "12345678"), 1, "There is no order called 12345678."),
    ],
)
def test_what_can_not_be_is_said_in_a_sentence(new: New, words: tuple[str, ...], status: int, said: str) -> None:
    ended = new("Ana").run(*words)
    assert (ended.status, ended.out) == (status, [])
    assert said in ended.err[-1]


@pytest.mark.parametrize(("minutes", "past"), [(0, "has begun already"), (89, "has begun already"), (90, "is over")])
def test_of_a_slot_that_is_no_longer_ahead_it_is_said_whether_it_goes_on(minutes: int, past: str) -> None:
    starts = datetime(2027, 7, 6, 9, 0, tzinfo=UTC)
    slot = SlotInfo("s", "tiles", "Tiles", "Casa", "Vila Azul", starts, starts + timedelta(minutes=90), "UTC")
    assert ahead(slot, starts - timedelta(seconds=1)) == slot
    with pytest.raises(Refused, match=rf"^Tiles, Tue 6 Jul 2027, 09:00 to 10:30 \(UTC\) {past}\.$"):
        ahead(slot, starts + timedelta(minutes=minutes))


# R: G5
def test_of_several_it_is_asked_which(new: New, tmp_path: Path) -> None:
    ana = new("Ana")
    ana.add("Azulejo", "10:00")
    ana.add("Azulejo", "11:30")
    ended = ana.run("cart", "extend")
    assert (ended.status, ended.err[0]) == (1, "roadcrew: Say which line:")
    assert ended.err[1:] == [
        f"  1  Azulejo: Walls of Light, {SAID}, 10:00 to 11:30 (Europe/Lisbon)",
        f"  2  Azulejo: Walls of Light, {SAID}, 11:30 to 13:00 (Europe/Lisbon)",
    ]
    assert ana.run("cart", "extend", "azul").err == ["roadcrew: 2 start with azul; say more of it."]
    left = ana.json("cart", "remove", "1")["cart"]["lines"]
    assert [line["slot"]["slotId"][-4:] for line in left] == ["1130"]
    ana.json("cart", "checkout", *PAID)
    nowhere = ana.run("cart", "receipt", "--ics", str(tmp_path / "no" / "visit.ics"))
    assert (nowhere.status, nowhere.out) == (2, [])
    assert "can't be written" in nowhere.err[0]


# R: G5
def test_of_several_orders_it_is_asked_which_as_they_are_listed_by_what_names_one(new: New) -> None:
    ana = new("Ana")
    for time in ("10:00", "11:30"):
        ana.add("Azulejo", time)
        ana.json("cart", "checkout", *PAID)
    listed = ana.done("cart", "orders")
    ended = ana.run("cart", "receipt")
    assert (ended.status, ended.err) == (1, ["roadcrew: Say which order:", *(f"  {row}" for row in listed)])
    assert "11:30 to 13:00" in listed[0]
    for row in listed:
        assert ana.done("cart", "receipt", row.split()[0])[0].startswith(f"Order {row.split()[0]}: ")


# R: C8, G5
def test_rules_and_seats_that_are_gone_are_said_and_nothing_waits(new: New) -> None:
    ana, ben = new("Ana"), new("Ben")
    ended = ana.run("book", "add", "Clock", ON, "10:30", "--ticket", "adult=11")
    assert (ended.status, ended.err[-1]) == (1, "roadcrew: One person can have 10 seats of a time slot.")
    ana.add("Clock", "10:30", "--ticket", "adult=10")
    ended = ben.run("book", "add", "Clock", ON, "10:30", "--ticket", "adult=3")
    assert ended.status == 1
    assert ended.err == [*STEPS[:3], "roadcrew: Seats are no longer available. Please select different tickets."]
    assert ben.json("book", "forget") == {"pending": None}


# R: C3, C8, C9, G5
def test_who_is_not_signed_in_goes_on_when_they_are(new: New) -> None:
    ana = new()
    ended = ana.run("book", "add", "Azulejo", ON, "15:30", "--ticket", "adult")
    assert (ended.status, ended.out) == (3, [])
    assert ended.err[-1].startswith("roadcrew: Sign in, or go on as a guest, to book these seats.")
    assert "As a guest: roadcrew book resume --as NAME." in ended.err[-1]
    assert ana.run("cart", "show").status == 3
    assert ana.json("book", "resume", "--as", "Ana")["cart"]["lines"][0]["slot"]["slotId"].endswith("1530")
    assert ana.run("book", "resume").status == 1


# R: C9
def test_a_guest_is_made_for_a_booking_if_that_is_said(new: New) -> None:
    ana = new()
    assert len(ana.add("Azulejo", "15:30", "--ticket", "adult", "--as", "Ana")["cart"]["lines"]) == 1
    assert ana.json("you", "rename", "Anna")["user"]["guest"]


# R: C3, C8, G5
def test_whose_session_is_over_is_asked_to_sign_in_and_can_drop_the_booking(new: New, server: ServerProcess) -> None:
    ana = new("Ana")
    httpx.delete(f"{server.url}/api/session", headers=ana.headers(), trust_env=False)
    ended = ana.run("book", "add", "Azulejo", ON, "15:30", "--ticket", "adult")
    assert ended.status == 3
    assert ended.err[-1].startswith("roadcrew: Please sign in again to continue. Sign in: roadcrew login.")
    assert ana.done("book", "forget") == ["Dropped: Azulejo: Walls of Light"]
    assert ana.done("book", "forget") == ["No booking waits."]


# R: C3, C8, G5
def test_without_a_network_a_booking_waits_and_goes_on_when_there_is_one(new: New, tmp_path: Path) -> None:
    with server_process(tmp_path, catalog="sample") as own:
        ana = replace(new(), server=own.url)
        assert ana.run("book", "add", "Azulejo", ON, "15:30", "--ticket", "adult").status == 3
        ana.json("trip", "new", "Lisbon", "--as", "Ana")
        own.kill()
        assert ana.run("book", "list").status == 4
        ended = ana.run("book", "resume")
        assert (ended.status, ended.out) == (4, [])
        assert ended.err[-1].startswith("roadcrew: Connection issue. Please try again. It waits: roadcrew book resume")
        own.start()
        assert len(ana.json("book", "resume")["cart"]["lines"]) == 1


# R: C1, G5
def test_a_payment_that_is_declined_or_not_known_yet_is_told_from_one_that_was_made(new: New) -> None:
    ana = new("Ana")
    ana.add("River", "11:00")
    ana.json("cart", "checkout", *PAID)
    declined = ana.run("cart", "pay", "--method", "refuse")
    assert (declined.status, declined.err) == (
        1,
        ["roadcrew: The simulated card was declined. Nothing was charged."],
    )
    assert declined.out[0].endswith(": to be paid")
    unknown = ana.run("cart", "pay", "--method", "slow", "--json")
    assert unknown.status == 4
    assert json.loads(unknown.out[0])["cart"]["orders"][0]["state"] == "paying"
    again = ana.run("cart", "pay")
    assert (again.status, again.err) == (
        1,
        ["roadcrew: A payment of this order is under way. Wait for its end."],
    )
