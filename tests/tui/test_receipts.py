"""Receipts: an order as a text and as a calendar's entries, whatever a server calls its things."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from icalendar import Calendar

from roadcrew_domain.booking_ids import charge_of, reference_of
from roadcrew_domain.cart import Order, OrderLine, Refund, Ticket
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.money import Money
from roadcrew_tui import receipts

STARTS = datetime(2027, 7, 6, 9, 0, tzinfo=UTC)
HOSTILE = (
    "Tiles\r\nEND:VEVENT\r\nBEGIN:VALARM\r\nACTION:PROCEDURE"
    "\x1b]52;c;ZXZpbA==\x07\u202e, a; b\\ \u2028\udcff[@click=quit]x"
)
"""A title that would like to be a line of its own, an alarm, a clipboard, and markup."""


def line(number: int = 1, title: str = "Walls of Light", zone: str = "Europe/Lisbon", **more: Any) -> OrderLine:
    starts = STARTS + timedelta(days=number - 1)
    slot = SlotInfo(f"s{number}", "tiles", title, "Casa", "Vila Azul", starts, starts + timedelta(minutes=90), zone)
    tickets = (Ticket("adult", "Adult", 2, Money(1400, "EUR")), Ticket("child", "Child", 1, Money(505, "EUR")))
    given = {"amount": 3305, "discount_percent": 10, "discount": 331, **more}
    return OrderLine(f"line-{number}", slot, tickets, "trip", trip_seq=4, limit=starts, **given)


def order(*lines: OrderLine, **more: Any) -> Order:
    given: dict[str, Any] = {"state": "paid", "payment": "simulated-7", "provider": "simulated", "pays_later": False}
    given |= more
    return Order(
        id="0198-aaaa-5f3a90c1",
        lines=lines or (line(),),
        currency="EUR",
        total=2974,
        placed_at=STARTS - timedelta(days=3),
        changed_at=STARTS - timedelta(days=2, microseconds=5),
        pay_by=STARTS - timedelta(days=1),
        **given,
    )


def entries(order: Order) -> list[Any]:
    """What a calendar reads."""
    return Calendar.from_ical(receipts.as_calendar(order)).walk("VEVENT")


# R: C12, C13
def test_the_text_has_every_price_the_discount_the_total_and_the_times_of_the_venue() -> None:
    assert receipts.as_text("ana", order(), "Simulated payments").splitlines() == [
        "Order 5F3A90C1: paid",
        "Placed Sat 3 Jul 2027, 10:00 (Europe/Lisbon)",
        "",
        "Walls of Light",
        "  Casa, Vila Azul",
        "  Tue 6 Jul 2027, 10:00 to 11:30 (Europe/Lisbon)",
        "  2 Adult, €14 each                                      €28",
        "  1 Child, €5.05 each                                  €5.05",
        "  Group discount, 10 %                                -€3.31",
        "",
        "Total                                                 €29.74",
        "Paid: Simulated payments, number simulated-7.",
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"state": "awaiting", "pays_later": True},
            "€29.74 to be paid at the venue, until Mon 5 Jul 2027, 10:00 (Europe/Lisbon).",
        ),
        ({"state": "awaiting"}, "€29.74 to be paid until Mon 5 Jul 2027, 10:00 (Europe/Lisbon): Cards."),
        ({"state": "paying"}, "A payment is under way: Cards."),
        ({"state": "paid", "payment": ""}, "Paid: Cards."),
        ({"state": "lapsed"}, "It was not paid in time. Its seats are free again."),
        ({"state": "rejected"}, "It was not placed: seats of it were gone."),
    ],
)
def test_the_text_says_how_it_was_paid_or_what_is_to_be_paid(more: dict[str, Any], said: str) -> None:
    assert said in receipts.as_text("ana", order(**more), "Cards").splitlines()


def test_who_pays_at_the_venue_can_tell_the_box_office_what_the_server_calls_it() -> None:
    waits = order(state="awaiting", pays_later=True)
    charge, reference = charge_of("ana", waits.id), reference_of("ana", waits.id)
    text = receipts.as_text("ana", waits)
    assert text.splitlines()[-3:] == ["For the box office, charge and reference:", f"  {charge}", f"  {reference}"]
    for other in (order(pays_later=True), order(state="awaiting"), order(state="lapsed", pays_later=True)):
        assert "box office" not in receipts.as_text("ana", other)


def test_what_the_box_office_is_told_fits_a_terminal_of_80_columns() -> None:
    user = "0198c0de-7357-89a7-9ce3-c569bab8f1de"
    waits = msgspec.structs.replace(order(state="awaiting", pays_later=True), id=user)
    assert max(map(len, receipts.as_text(user, waits).splitlines())) <= 80


def test_the_text_says_what_is_owed_back_and_what_was_given_back() -> None:
    refunds = (Refund("a", "p1", "done", "r-1"), Refund(None, "p2"))
    text = receipts.as_text("ana", order(state="cancelled", refunds=refunds))
    assert text.splitlines()[-3:] == ["It was cancelled.", "€29.74 was paid back: r-1.", "€29.74 will be paid back."]


@pytest.mark.parametrize("refund", [Refund(None, "p1", "done", "r-1"), Refund(None, "p1")])
def test_what_was_paid_at_the_venue_the_venue_pays_back(refund: Refund) -> None:
    text = receipts.as_text("ana", order(state="cancelled", refunds=(refund,), pays_later=True))
    assert text.splitlines()[-2:] == ["It was cancelled.", "It was €29.74. The venue pays it back."]


@pytest.mark.parametrize("zone", ["No/Such", "../../etc/passwd", "Europe", "", "x" * 500, "\x00"])
def test_a_zone_that_nobody_knows_is_told_in_utc(zone: str) -> None:
    assert "Tue 6 Jul 2027, 09:00 to 10:30 (UTC)" in receipts.as_text("ana", order(line(zone=zone)))


def test_a_slot_that_ends_on_another_day_says_which() -> None:
    late = line(zone="Pacific/Auckland", title="Night")
    late = msgspec.structs.replace(late, slot=msgspec.structs.replace(late.slot, ends_at=STARTS + timedelta(hours=4)))
    assert "Tue 6 Jul 2027, 21:00 to Wed 7 Jul 2027, 01:00 (Pacific/Auckland)" in receipts.as_text("ana", order(late))


def test_a_calendar_reads_back_what_was_booked_a_line_an_entry() -> None:
    found = entries(order(line(1), line(2, "Big, blue; sky\\")))
    assert [str(e["summary"]) for e in found] == ["Walls of Light", "Big, blue; sky\\"]
    assert [e["dtstart"].dt for e in found] == [STARTS, STARTS + timedelta(days=1)]
    assert [e["dtend"].dt - e["dtstart"].dt for e in found] == [timedelta(minutes=90)] * 2
    assert [str(e["uid"]) for e in found] == ["line-1@roadcrew", "line-2@roadcrew"]
    assert {e["dtstamp"].dt for e in found} == {STARTS - timedelta(days=2, seconds=1)}
    assert str(found[0]["location"]) == "Casa, Vila Azul"
    assert str(found[0]["description"]).splitlines()[0] == "2 Adult, 1 Child"
    assert {str(e["status"]) for e in found} == {"CONFIRMED"}


@pytest.mark.parametrize(
    ("state", "pays_later", "status"),
    [
        ("awaiting", False, "TENTATIVE"),
        ("awaiting", True, "CONFIRMED"),
        ("cancelled", False, "CANCELLED"),
        ("lapsed", True, "CANCELLED"),
        ("rejected", False, "CANCELLED"),
    ],
)
def test_an_entry_says_whether_the_seats_are_ours(state: str, pays_later: bool, status: str) -> None:
    assert str(entries(order(state=state, pays_later=pays_later))[0]["status"]) == status


def test_what_becomes_of_an_order_changes_the_entry_that_a_calendar_has() -> None:
    before, after = (entries(order(state=state))[0] for state in ("paid", "cancelled"))
    assert before["uid"] == after["uid"]
    assert int(before["sequence"]) < int(after["sequence"])


def test_a_hostile_title_is_one_harmless_text() -> None:
    bad = line(title=HOSTILE)
    slot = msgspec.structs.replace(bad.slot, venue=HOSTILE, city=HOSTILE)
    tickets = (Ticket("adult", HOSTILE, 1, Money(1400, "EUR")),)
    evil = order(msgspec.structs.replace(bad, id=HOSTILE, slot=slot, tickets=tickets), payment=HOSTILE)
    evil = msgspec.structs.replace(evil, id="x\r\nA:\x1bB")
    text, calendar = receipts.as_text(HOSTILE, evil, HOSTILE), receipts.as_calendar(evil, HOSTILE)
    assert len(text.splitlines()) == len(receipts.as_text("ana", order(line(discount=0))).splitlines())
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    waits = msgspec.structs.replace(evil, state="awaiting", pays_later=True)
    assert not [c for c in receipts.as_text(HOSTILE, waits) if not c.isprintable() and c != "\n"]
    names = [row.partition(b":")[0] for row in calendar.replace(b"\r\n ", b"").split(b"\r\n")]
    assert names.count(b"BEGIN") == names.count(b"END") == 2
    assert b"ACTION" not in names
    assert not any(c in calendar.replace(b"\r\n", b"") for c in b"\r\n\x1b\x07")
    (entry,) = Calendar.from_ical(calendar).walk("VEVENT")
    assert str(entry["summary"]).startswith("Tiles END:VEVENT BEGIN:VALARM")
    assert entry.subcomponents == []
