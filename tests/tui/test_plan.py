"""A trip that is kept or mailed: what stands in it, that nobody's words do anything there, and where it is put."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from icalendar import Calendar
from markdown_it import MarkdownIt
from tests.tui.conftest import staged
from tests.tui.scenes import NASTY, Scene, lisbon
from tests.tui.standins import SERVER, StandInClient

from roadcrew_domain.bookings import Booking
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.hotels import VoteHotel
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import EditTrip, Trip
from roadcrew_domain.views import decode_trip
from roadcrew_tui import commands, plan, plan_file
from roadcrew_tui.cli import make_parser
from roadcrew_tui.screens.hotels_model import shortlist

NOW = datetime(2027, 1, 5, 12, 0, tzinfo=UTC)
STARTS = datetime(2027, 5, 22, 9, 0, tzinfo=UTC)
LINK = "https://trips.example/j/K7QM-2D4F"
MARKED = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = (
    "[pay](https://evil.example)", "![x](https://evil.example/a.png)", "<script>x</script>", "<https://evil.example>",
    "https://evil.example/a", "www.evil.example", "ana@evil.example", "*loud* **louder** _so_ __so__ ~~gone~~",
    "# Title", "- item", "+ item", "1. item", "2) item", "> said", "=== ---", "***", "- - -", "```sh", "`a` ``b``",
    "`https://evil.example`", "``https://a`", "[x]: https://evil.example", "[ ] task", "&#27;[2J &lt;b&gt; &amp;",
    "a | b", "|-|-|", "ends \\", "\\[a](b)", "$x^2$", "{#id}", "[^1]", "<!-- hidden -->", ":-: x", "Casa Azul, 5.5 km",
)  # fmt: skip


def trip_of(scene: Scene, **more: Any) -> Trip:
    given = {"starts_on": date(2027, 5, 21), "ends_on": date(2027, 5, 25), **more}
    return msgspec.structs.replace(scene.world.trips[scene.trip_id], **given)


def booked(trip: Trip, member: str, title: str = "Walls of Light", zone: str = "Europe/Lisbon") -> Trip:
    slot = SlotInfo(f"s-{member}", "tiles", title, "Casa", "Lisbon", STARTS, STARTS + timedelta(minutes=90), zone)
    booking = Booking(f"b-{member}", member, slot, 3, NOW)
    return msgspec.structs.replace(trip, bookings=trip.bookings.insert(booking.id, booking))


def nasty(words: str) -> Trip:
    """A trip in which everything that people name is called so."""
    scene = lisbon()
    trip = booked(trip_of(scene, name=words, destination=words), scene.ana.id, words)
    named = msgspec.structs.replace
    members, polls, hotels = trip.members, trip.polls, trip.hotels
    for member in trip.members.values():
        members = members.insert(member.id, named(member, name=words))
    for poll in trip.polls.values():
        options = tuple(named(option, text=words) for option in poll.options)
        polls = polls.insert(poll.id, named(poll, question=words, options=options))
    for hotel in trip.hotels.values():
        hotels = hotels.insert(hotel.id, named(hotel, name=words, city=words, url=f"https://a.example/{words}"))
    return named(trip, members=members, polls=polls, hotels=hotels)


def test_the_text_says_who_when_where_and_what_is_decided_and_what_is_not() -> None:
    scene = lisbon()
    text = plan.as_text(booked(trip_of(scene), scene.ben.id), NOW)
    closes = scene.world.trips[scene.trip_id].polls[scene.flight].closes_at
    assert closes is not None
    assert text.splitlines() == [
        "Lisbon in May",
        "",
        "WHEN AND WHERE",
        "  When: Fri 21 May 2027 to Tue 25 May 2027",
        "  Where: Lisbon",
        "",
        "CREW, 4",
        "  Ana, organiser",
        "  Ben",
        "  Carla",
        "  Dev",
        "  2 more for 10 % off bookings",
        "",
        "DECIDED",
        "  Where to? Lisbon",
        "",
        "STILL OPEN",
        f"  When do we fly? 2 of 4 voted{', time is up' if closes <= NOW else f', closes {said(closes)} (UTC)'}",
        "    Wed 20 May: 2 votes",
        "    Thu 21 May: 1 vote, 1 maybe",
        "  Who drives? 2 of 4 voted",
        "    Ben: 0 votes",
        "    Dev: 1 vote",
        "    We take the train: 2 votes",
        "  Which hotel? 3 of 4 voted",
        "",
        "HOTELS",
        "  Casa Azul, Lisbon, 4 stars, €84 a night, 2 votes",
        "    https://casa-azul.example/rooms",
        "  Alfama, Lisbon, 2 stars, €48 a night, 1 vote",
        "",
        "BOOKED",
        "  Ben: Walls of Light, 3 seats",
        "    Sat 22 May 2027, 10:00 to 11:30 (Europe/Lisbon), Casa, Lisbon",
        "",
        "As of Tue 5 Jan 2027, 12:00 (UTC), from Roadcrew.",
    ]


def test_hotels_stand_in_the_order_of_the_screen() -> None:
    scene = lisbon()
    for who in (scene.ben, scene.carla):
        scene.world.do(scene.trip_id, who.id, VoteHotel(scene.alfama))
    trip = trip_of(scene)
    seen = [row.name for row in shortlist(trip, scene.ana.id, ()).rows]
    text = plan.as_text(trip, NOW)
    assert seen == ["Alfama", "Casa Azul"] == sorted(seen, key=text.index)


def entries(trip: Trip, me: str = "") -> list[Any]:
    """What a calendar reads."""
    return Calendar.from_ical(plan.as_calendar(trip, me)).walk("VEVENT")


def said(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M}"


def test_how_to_join_is_told_only_where_it_is_asked_for() -> None:
    trip = trip_of(lisbon())
    assert trip.invite is not None
    for fmt in ("text", "markdown", "json", "ics"):
        assert trip.invite.code not in plan.written(trip, fmt, "", NOW)
    assert f"uvx roadcrew join {LINK}" in plan.as_text(trip, NOW, LINK)
    assert f"`{LINK}`" in plan.as_markdown(trip, NOW, LINK)
    assert trip.invite.code in plan.written(trip, "json", "", NOW, LINK)


@pytest.mark.parametrize("words", HOSTILE)
def test_what_people_say_is_read_as_the_same_words_and_as_no_markup(words: str) -> None:
    (*_, inline, _, _, _) = MARKED.parse(f"- {plan.literal(words)}")
    assert {child.type for child in inline.children or ()} <= {"text", "code_inline"}
    assert "".join(child.content for child in inline.children or ()) == words
    for child in inline.children or ():
        assert child.type == "code_inline" or not any(sign in child.content for sign in ("://", "@", "www."))


def test_no_word_makes_a_plan_of_another_shape_or_does_anything_where_it_is_shown() -> None:
    shapes = set()
    for words in (*NASTY.values(), *HOSTILE, "\r\nEND:VEVENT\r\nBEGIN:VALARM", "a\u2028b\x9bc"):
        trip = nasty(words)
        for fmt in ("text", "markdown", "json", "ics"):
            written = plan.written(trip, fmt, next(iter(trip.members)), NOW)
            kept = written.replace("\r\n", "\n").replace("\n", "")
            assert not [c for c in kept if not c.isprintable()], (fmt, words)
        shapes.add(tuple(token.type for token in MARKED.parse(plan.as_markdown(trip, NOW))))
        calendar = Calendar.from_ical(plan.as_calendar(trip, lisbon().ana.id))
        assert {part.name for part in calendar.walk()} == {"VCALENDAR", "VEVENT"}
        assert all(set(entry) <= ENTRY for entry in calendar.walk("VEVENT"))
    assert len(shapes) == 1


ENTRY = {"UID", "DTSTAMP", "SEQUENCE", "SUMMARY", "DTSTART", "DTEND", "LOCATION", "DESCRIPTION"}


def test_a_calendar_gets_the_days_of_the_trip_and_what_oneself_has_booked_in_utc() -> None:
    scene = lisbon()
    trip = booked(booked(trip_of(scene), scene.ben.id), scene.ana.id, "Big, blue; sky\\", "No/Such")
    days, mine = entries(trip, scene.ana.id)
    assert (days["dtstart"].dt, days["dtend"].dt) == (date(2027, 5, 21), date(2027, 5, 26))
    assert (str(days["summary"]), str(days["uid"])) == ("Lisbon in May", f"{trip.id}@roadcrew")
    assert (str(mine["summary"]), mine["dtstart"].dt, mine["dtend"].dt - mine["dtstart"].dt) == (
        "Big, blue; sky\\",
        STARTS,
        timedelta(minutes=90),
    )


def test_a_later_file_changes_the_entry_of_an_earlier_one() -> None:
    trip = trip_of(lisbon())
    later = msgspec.structs.replace(trip, changed_at=trip.changed_at + timedelta(hours=1), ends_on=date.max)
    (first,), (second,) = map(entries, (trip, later))
    assert first["uid"] == second["uid"]
    assert first["sequence"] < second["sequence"]


def test_a_trip_without_dates_or_bookings_makes_no_empty_calendar() -> None:
    with pytest.raises(Refused, match="no dates yet"):
        plan.as_calendar(trip_of(lisbon(), starts_on=None, ends_on=None), "")


# --- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Lisbon in May", "lisbon-in-may.md"),
        ("../../.ssh/config", "ssh-config.md"),
        ("宿", "trip.md"),
        ("-rf *", "rf.md"),
    ],
)
def test_a_file_is_called_after_its_trip_and_is_never_anywhere_else(name: str, file: str) -> None:
    assert plan_file.name_of(name, "markdown") == file


def test_nothing_is_written_over_unasked_nor_left_in_half(tmp_path: Path) -> None:
    file = tmp_path / "plan.ics"
    plan_file.put(file, "one\r\n", over=False)
    with pytest.raises(FileExistsError):
        plan_file.put(file, "two", over=False)
    assert file.read_bytes() == b"one\r\n"
    plan_file.put(file, "two", over=True)
    assert file.read_text() == "two"
    for elsewhere in (tmp_path / "no" / "such", tmp_path):
        with pytest.raises(OSError, match=r"no such folder|not a file"):
            plan_file.put(elsewhere, "three", over=True)
    assert list(tmp_path.iterdir()) == [file]


# --- without a screen ------------------------------------------------------------------------------


def run(scene: Scene, *words: str) -> Any:
    """What `roadcrew trip export WORDS` comes to."""
    given = vars(make_parser().parse_args(["trip", "export", *words]))
    client: Any = StandInClient(scene.world, scene.ana)
    client.server = SERVER
    return asyncio.run(_run(client, {**given, "trip": scene.trip_id}))


async def _run(client: Any, args: Mapping[str, Any]) -> Any:
    return await commands.find("trip.export").run(client, args)


# R: G5
def test_a_plan_is_printed_or_written_by_its_files_ending(tmp_path: Path) -> None:
    scene = lisbon()
    assert run(scene)["text"].startswith("Lisbon in May\n")
    assert run(scene, "-", "--format", "markdown")["text"].startswith("# Lisbon in May\n")
    assert run(scene, "--invite")["text"].count("/j/") == 2
    shape = run(scene, "--json")
    assert (shape["trip"]["name"], shape["trip"]["invite"]) == ("Lisbon in May", None)
    assert json.loads(run(scene, "--format", "json")["text"]) == json.loads(json.dumps(shape))
    file = tmp_path / "Plan.JSON"
    assert run(scene, str(file)) == {"format": "json", "file": str(file)}
    assert decode_trip(json.dumps(json.loads(file.read_text("utf-8"))["trip"])).name == "Lisbon in May"


def test_who_is_told_a_link_is_told_what_is_wrong_with_sending_it(capsys: pytest.CaptureFixture[str]) -> None:
    scene = lisbon()
    scene.world.public_url = "http://localhost:8787"
    run(scene)
    assert capsys.readouterr().err == ""
    run(scene, "--invite")
    assert "works only on this computer" in capsys.readouterr().err


def test_a_plan_that_says_how_to_join_makes_no_invite_where_there_is_none() -> None:
    scene = lisbon()
    scene.world.trips[scene.trip_id] = trip_of(scene, invite=None)
    with pytest.raises(Refused, match="no invite now"):
        run(scene, "--invite")
    assert scene.world.trips[scene.trip_id].invite is None


def test_a_file_that_is_there_stays_as_it_is_until_somebody_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, scene = tmp_path / "plan.md", lisbon()
    file.write_text("mine")
    with pytest.raises(Refused, match="Add --force"):
        run(scene, str(file))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("roadcrew_tui.commands.headless_plan.confirmed", lambda _: False)
    with pytest.raises(Refused, match="is as it was"):
        run(scene, str(file))
    assert file.read_text() == "mine"
    run(scene, str(file), "--force")
    assert file.read_text("utf-8").startswith("# Lisbon in May\n")
    with pytest.raises(Refused, match="no such folder"):
        run(scene, str(tmp_path / "no" / "plan.md"))


# --- on the screen ---------------------------------------------------------------------------------


async def test_the_plan_is_copied_or_saved_from_the_screen_and_writes_over_nothing_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    file = tmp_path / "here" / "lisbon-in-may.md"
    copied: list[str] = []
    async with staged(tmp_path) as s:
        monkeypatch.setattr(s.app, "copy_to_clipboard", copied.append)
        await s.press("K", "enter", "enter")
        await s.sees("Sent to your clipboard.")
        assert copied[0].startswith("Lisbon in May\n")
        save = ("K", "down", "enter", "down", "enter")
        await s.press(*save)
        await s.until(file.exists)
        file.write_text("mine")
        await s.press(*save)
        await s.sees("Write over it")
        await s.press("enter")
        assert file.read_text() == "mine"
        await s.press(*save)
        await s.sees("Write over it")
        await s.press("down", "enter")
        await s.until(lambda: file.read_text("utf-8").startswith("# Lisbon in May"))


@pytest.mark.parametrize(("downs", "begins"), [(2, '{\n  "trip": {'), (3, "BEGIN:VCALENDAR")])
async def test_what_programs_read_is_copied_too_and_where_it_is_too_much_for_terminals_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, downs: int, begins: str
) -> None:
    copied: list[str] = []
    scene = lisbon()
    scene.world.do(scene.trip_id, scene.ana.id, EditTrip(starts_on=date(2027, 5, 21)))
    async with staged(tmp_path, scene) as s:
        monkeypatch.setattr(s.app, "copy_to_clipboard", copied.append)
        await s.press("K", *["down"] * downs, "enter")
        await s.sees("Copy it")
        await s.press("enter")
        await s.sees("Sent to your clipboard.")
        assert copied[0].startswith(begins)
        assert "many terminals take less" not in s.text
        monkeypatch.setattr("roadcrew_tui.screens.export.MOST_COPIED", 100)
        await s.press("K", *["down"] * downs, "enter", "enter")
        await s.sees("many terminals take less")
