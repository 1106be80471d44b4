"""A catalogue's file: what is read from it, what is wrong with it and where, and the slots that come of it."""

import csv
import io
import json
import re
import subprocess
import sys
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadcrew_domain import text
from roadcrew_domain.exhibitions import MAX_CAPACITY, Exhibition, TicketKind
from roadcrew_domain.money import Money
from roadcrew_server import _catalogue_check as check
from roadcrew_server import admin
from roadcrew_server._catalogue_file import EXHIBITION_KEYS
from roadcrew_server._toml_file import MAX_FAULTS, MAX_FILE, MAX_LINE
from roadcrew_server._values import WEEKDAYS
from roadcrew_server.catalogue import SAMPLE_FILE, BadCatalogue, Catalogue, load, named

GOOD = """\
# Two of them
note = "Only a test."

[[exhibition]]
id = "tiles"
title = "Tiles [bold]"
venue = "Casa"
city = "Vila Azul"
description = \"\"\"
The text may have lines,
[[exhibition]]
and look = "like more".\"\"\"
starts_on = 2026-05-01
ends_on = 2026-05-31
weekdays = ["sat", "tue", "sun"]
closed_on = [2026-05-24]
times = ["14:00", "09:30"]
minutes = 90
time_zone = "Europe/Lisbon"
capacity = 40
currency = "EUR"

[[exhibition.ticket]]
kind = "adult"
name = "Adult"
price = 12.50

[[exhibition.ticket]]
kind = "child"
name = "Child"
price = 0

[[exhibition]]
id = "paper"
title = "Paper"
venue = "Shigure House"
city = "Hanamori"
starts_on = 2026-01-01
ends_on = 2027-12-31
weekdays = ["mon"]
times = ["10:00"]
minutes = 60
time_zone = "Asia/Tokyo"
capacity = 12
currency = "JPY"

[[exhibition.ticket]]
kind = "adult"
name = "Adult"
price = 1800
"""

TABLE = """\
# Only a test.
id,title,venue,city,description,starts_on,ends_on,weekdays,closed_on,times,minutes,time_zone,capacity,currency,kind,name,price
tiles,Tiles [bold],Casa,Vila Azul,"The text may have lines,
[[exhibition]] and look = ""like more"".",2026-05-01,2026-05-31,sat tue sun,2026-05-24,14:00 09:30,90,Europe/Lisbon,40,EUR,adult,Adult,12.50
,,,,,,,,,,,,,,child,Child,0

paper,Paper,Shigure House,Hanamori,,2026-01-01,2027-12-31,mon,,10:00,60,Asia/Tokyo,12,JPY,adult,Adult,1800
"""  # noqa: E501


KNOWN = f"Known are {', '.join(EXHIBITION_KEYS)}."
SAMPLE = load(SAMPLE_FILE)
PAPER = GOOD[: GOOD.rindex("[[exhibition]]\nid")].count("\n") + 1
"""The line in which the second exhibition begins."""


def loaded(folder: Path, written: str | bytes, name: str = "catalogue.toml") -> Catalogue:
    file = folder / name
    file.write_bytes(written if isinstance(written, bytes) else written.encode())
    return load(file)


def errors(folder: Path, written: str | bytes, name: str = "catalogue.toml") -> list[str]:
    """What is wrong with it, as `LINE: sentence`."""
    with pytest.raises(BadCatalogue) as bad:
        loaded(folder, written, name)
    file = str(folder / name)
    assert all(error.startswith(file + ":") for error in bad.value.errors)
    return [error.removeprefix(file + ":").strip() for error in bad.value.errors]


# R: C1
def test_a_catalogue_is_what_its_file_says(tmp_path: Path):
    found = loaded(tmp_path, GOOD)
    tiles, paper = found.exhibitions
    assert tiles == Exhibition(
        id="tiles",
        title="Tiles [bold]",
        venue="Casa",
        city="Vila Azul",
        description='The text may have lines, [[exhibition]] and look = "like more".',
        starts_on=date(2026, 5, 1),
        ends_on=date(2026, 5, 31),
        weekdays=(1, 5, 6),
        closed_on=(date(2026, 5, 24),),
        times=("09:30", "14:00"),
        minutes=90,
        time_zone="Europe/Lisbon",
        capacity=40,
        tickets=(TicketKind("adult", "Adult", Money(1250, "EUR")), TicketKind("child", "Child", Money(0, "EUR"))),
    )
    assert (paper.description, paper.closed_on) == ("", ())
    assert paper.tickets == (TicketKind("adult", "Adult", Money(1800, "JPY")),)  # a yen has no smaller unit
    assert (found.note, found.sample) == ("Only a test.", False)
    assert found.find("paper") is paper
    assert found.find("Paper") is None


# R: C1
@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_as_spreadsheets_write_it_says_the_same(tmp_path: Path, between: str, start: str, end: str):
    note, rest = TABLE.split("\n", 1)
    sheet = io.StringIO(newline="")
    csv.writer(sheet, delimiter=between, lineterminator=end).writerows(csv.reader(io.StringIO(rest)))
    found = loaded(tmp_path, f"{start}{note}{between * 3}{end}{sheet.getvalue()}", "sheet.CSV")
    assert found.exhibitions == loaded(tmp_path, GOOD).exhibitions
    assert found.note == "Only a test."


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('id = "tiles"', 'id = "Tiles"', 'id: "Tiles" is not right. Write 1 to 40 small letters'),
        ('id = "tiles"', f'id = "{"x" * 41}"', "is not right. Write 1 to 40"),
        ('id = "tiles"', "id = true", "id: true is not right."),
        ('id = "paper"', 'id = "tiles"', 'id: "tiles" is the exhibition of line 4. Write another.'),
        ('title = "Paper"', 'title = " "', "title: The title is empty. Write a text of up to 120"),
        ('title = "Paper"', f'title = "{"x" * 121}"', "title: The title has 121 characters; at most 120 are allowed."),
        ('title = "Paper"', 'title = "\\u202eevil"', "title: The title contains control characters"),
        ('title = "Paper"', 'title = "\\u001b[2J"', "title: The title contains control characters"),
        ('title = "Paper"', "title = { a = 1 }", "title: That is not right."),
        ('venue = "Casa"', 'venue = ["Casa"]', "venue: A list is not right."),
        ("starts_on = 2026-05-01", 'starts_on = "2026-02-30"', "starts_on: 2026-02-30 is not in the calendar."),
        ("starts_on = 2026-05-01", "starts_on = 1999-12-31", "starts_on: 1999-12-31 is not right. Write a day from"),
        ("starts_on = 2026-05-01", "starts_on = 2026-05-01T10:00:00", "is not right. Write a day from 2000 to 2199"),
        ("starts_on = 2026-05-01", 'starts_on = "1.5.2026"', 'starts_on: "1.5.2026" is not right. Write a day'),
        ("ends_on = 2026-05-31", "ends_on = 2026-04-30", "ends_on: 2026-04-30 is before 2026-05-01, its start."),
        ('weekdays = ["mon"]', 'weekdays = ["Monday"]', 'weekdays: "Monday" is not right. Write the days'),
        ('weekdays = ["mon"]', "weekdays = []", "weekdays: The list is empty."),
        ('weekdays = ["mon"]', 'weekdays = ["mon", "MON"]', 'weekdays: "MON" stands there twice.'),
        ("closed_on = [2026-05-24]", "closed_on = [7, 8]", 'closed_on: "7" is not right. "8" is not right. Write up'),
        ('times = ["10:00"]', 'times = ["24:00"]', 'times: "24:00" is not right. Write up to 96 times of the day'),
        ('times = ["10:00"]', 'times = ["9:30"]', 'times: "9:30" is not right.'),
        ('times = ["10:00"]', 'times = ["٠٩:٠٠"]', "is not right. Write up to 96 times"),
        ('times = ["10:00"]', 'times = ["10:00", "10:00"]', 'times: "10:00" stands there twice.'),
        ('times = ["10:00"]', f"times = {['10:00'] * 97}", "times: There are 97. Write up to 96"),
        ('times = ["10:00"]', 'times = ["23:30"]', "times: The slot at 23:30 would end after midnight."),
        ("minutes = 60", "minutes = 4", "minutes: 4 is not right. Write a whole number from 5 to 1440."),
        ("minutes = 60", "minutes = 1441", "minutes: 1441 is not right."),
        ("minutes = 60", "minutes = 60.5", 'minutes: "60.5" is not right.'),
        ("capacity = 12", "capacity = 0", f"capacity: 0 is not right. Write a whole number from 1 to {MAX_CAPACITY}."),
        ("capacity = 12", f"capacity = {MAX_CAPACITY + 1}", "capacity: 10001 is not right."),
        ("capacity = 12", f"capacity = 0x{'f' * 5000}", "capacity: The number is too large."),
        ("capacity = 12", "capacity = inf", 'capacity: "Infinity" is not right.'),
        ('"Asia/Tokyo"', '"Asia/Atlantis"', 'time_zone: "Asia/Atlantis" is not known. Write the name of a time zone'),
        ('"Asia/Tokyo"', '"../../etc/passwd"', 'time_zone: "../../etc/passwd" is not right.'),
        ('"Asia/Tokyo"', '"localtime"', 'time_zone: "localtime" is not right.'),
        ('"Asia/Tokyo"', '"America/Argentina"', 'time_zone: "America/Argentina" is not known.'),
        ('"JPY"', '"yen"', 'currency: "yen" is not known. Write three capital letters, such as EUR.'),
        ("price = 1800", "price = 1800.5", "price: 1800.5 has more decimals than the 0 of JPY."),
        ("price = 12.50", "price = 12.505", "price: 12.505 has more decimals than the 2 of EUR."),
        ("price = 12.50", "price = -1", 'price: "-1" is not right. Write an amount such as 12.50'),
        ("price = 12.50", 'price = "12,50 €"', 'price: "12,50 €" is not right.'),
        ("price = 12.50", "price = nan", 'price: "NaN" is not right.'),
        ("price = 12.50", "price = 1e999999", "is not right."),
        ("price = 12.50", "price = 10000000000.01", "price: 10000000000.01 is too much."),
        ('kind = "child"', 'kind = "adult"', 'kind: "adult" is the kind of ticket of line 23. Write another.'),
        ('kind = "child"', 'kind = "a child"', 'kind: "a child" is not right.'),
        ('kind = "child"', 'kind = "child"\nseats = 2', '"seats" is not known here. Known are kind, name, price.'),
        ("minutes = 60", "minuets = 60", '"minuets" is not known here. Is it minutes?'),
        ('note = "Only a test."', "sample = 1", "sample: Write true or false."),
        ('note = "Only a test."', 'note = "\\u0007"', "note: The note contains control characters"),
        ("minutes = 60", "minutes = = 60", "This is not TOML: Invalid value."),
        ("minutes = 60", "minutes = 60\nminutes = 60", "This is not TOML: Cannot overwrite a value."),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_with_what_would_be_right(
    tmp_path: Path, old: str, new: str, fault: str
):
    before, found, after = GOOD.partition(old)
    assert found
    assert old not in after
    line = before.count("\n") + new.count("\n") + 1
    said = errors(tmp_path, before + new + after)
    assert any(error.startswith(f"{line}: ") and fault in error for error in said), said


def test_a_key_that_would_move_the_cursor_is_shown_as_it_is_written(tmp_path: Path):
    said = errors(tmp_path, GOOD.replace("minutes = 60", 'minutes = 60\n"\\u001b[2J" = 60'))
    assert said == [f'{PAPER}: "\\u001b[2J" is not known here. {KNOWN}']


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file(tmp_path: Path):
    wrong = (
        GOOD.replace('kind = "child"\n', "")
        .replace("capacity = 40\n", "")
        .replace("minutes = 60", "minutes = 1")
        .replace('"JPY"', '"XYZ"')
        .replace("price = 1800", 'price = "free"')
    )
    assert errors(tmp_path, wrong) == [
        "4: capacity is missing. Write a whole number from 1 to 10000.",
        "27: kind is missing. Write 1 to 40 small letters, digits and hyphens, such as adult.",
        "40: minutes: 1 is not right. Write a whole number from 5 to 1440.",
        '43: currency: "XYZ" is not known. Write three capital letters, such as EUR.',
        '48: price: "free" is not right. Write an amount such as 12.50, without its currency; 0 if it is free.',
    ]


def test_an_exhibition_without_tickets_or_without_an_open_day_is_refused(tmp_path: Path):
    without = GOOD[: GOOD.rindex("[[exhibition.ticket]]")]
    assert errors(tmp_path, without)[0].startswith(f"{PAPER}: There is no kind of ticket.")
    never = GOOD.replace("starts_on = 2026-05-01", "starts_on = 2026-05-24").replace("2026-05-31", "2026-05-25")
    assert errors(tmp_path, never) == ["15: weekdays: It is not open on any day from starts_on to ends_on."]
    assert errors(tmp_path, "") == ["There is no exhibition in it."]
    assert errors(tmp_path, "", "empty.csv")[0].startswith("1: The first row names the columns: id, title")


def test_tables_that_are_something_else_are_refused(tmp_path: Path):
    assert "Begin each exhibition with a line [[exhibition]]." in errors(tmp_path, "exhibition = 3")[0]
    assert "Begin each exhibition" in errors(tmp_path, "[exhibition]\nid = 'x'")[0]
    some = GOOD[: GOOD.index("[[exhibition.ticket]]")]
    assert "Begin each kind of ticket with" in "".join(errors(tmp_path, some + "ticket = [1]"))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (",JPY,adult", ",JPY", "7: This row has 16 cells, and the first one 17."),
        ("40,EUR,adult", "none,EUR,adult", '3: capacity: "none" is not right.'),
        (
            ",,,,,,,,,,,,,,child",
            ",Other,,,,,,,,,,,,,child",
            '5: title: "Other" is not what stands in the exhibition\'s',
        ),
        ("paper,Paper", "tiles,Paper", '7: title: "Paper" is not what stands in the exhibition\'s first row.'),
        ("child,Child,0", "child,Child,free", '5: price: "free" is not right.'),
        ("minutes,time_zone", "minuets,time_zone", '2: "minuets" is not known here. Is it minutes?'),
        ("minutes,time_zone", "minutes,minutes", "2: The column minutes stands there 2 times."),
        ("Hanamori", '"Hana"mori', "7: This is not CSV: "),
        ("id,title", "Id,Title", "2: The first row names the columns: id, title"),
    ],
)
def test_what_is_wrong_in_a_table_is_said_with_its_row(tmp_path: Path, old: str, new: str, fault: str):
    assert old in TABLE
    assert any(error.startswith(fault) for error in errors(tmp_path, TABLE.replace(old, new), "sheet.csv"))


def test_a_column_that_is_not_known_is_said_once_and_as_it_is_written(tmp_path: Path):
    said = errors(tmp_path, TABLE.replace(",city,", ",\x1b[2J,"), "sheet.csv")
    assert '2: "\\u001b[2J" is not known here.' in said[0]
    assert [error.partition(".")[0] for error in said[1:]] == ["3: city is missing", "7: city is missing"]


def test_an_exhibition_that_stands_in_two_places_of_a_table_is_refused(tmp_path: Path):
    again = TABLE + TABLE.split("\n", 2)[2].replace("[bold]", "[b]")
    assert '8: id: "tiles" is the exhibition of line 3. Write another.' in errors(tmp_path, again, "sheet.csv")


def test_a_file_that_is_none_is_refused_with_a_sentence(tmp_path: Path):
    for file, fault in (
        (tmp_path / "absent.toml", "The file can't be read: No such file or directory."),
        (tmp_path, "That is no file."),
        (Path("/dev/zero"), "That is no file."),
    ):
        with pytest.raises(BadCatalogue) as bad:
            load(file)
        assert bad.value.errors == (f"{file}: {fault}",)
    assert errors(tmp_path, GOOD, "catalogue.json") == ["A catalogue is a file whose name ends in .toml or .csv."]


def test_a_file_that_is_too_long_or_in_another_encoding_is_refused(tmp_path: Path):
    assert errors(tmp_path, "#" * (MAX_FILE + 1)) == ["A catalogue has at most 1,048,576 bytes."]
    assert errors(tmp_path, GOOD + "a." * MAX_LINE + "a = 1") == [f"51: A line has at most {MAX_LINE} characters."]
    latin = GOOD.replace("Casa", "Câsa").encode("latin-1")
    assert errors(tmp_path, latin) == ["7: A letter is not in UTF-8. Save the file as UTF-8."]


def test_a_file_that_would_exhaust_its_reader_is_refused(tmp_path: Path):
    deep = "exhibition = " + "[" * 3000 + "]" * 3000
    long = "exhibition = " + "9" * 5000
    for hostile in (deep, long):
        assert "a number that is too long, or lists in lists in lists" in errors(tmp_path, hostile)[0]
    many = "[[exhibition]]\n" * 1000
    found = errors(tmp_path, many)
    assert len(found) == MAX_FAULTS + 1
    assert found[-1].startswith("There are ")


def test_there_is_a_most_of_exhibitions_and_of_kinds(tmp_path: Path):
    head, one = GOOD[: GOOD.index("[[exhibition]]")], GOOD[GOOD.rindex("[[exhibition]]\nid") :]
    full = head + "".join(one.replace('"paper"', f'"paper-{n}"') for n in range(check.MAX_EXHIBITIONS))
    assert len(loaded(tmp_path, full).exhibitions) == check.MAX_EXHIBITIONS
    assert "A catalogue has at most 500 exhibitions." in errors(tmp_path, full + one)[0]
    ticket = one[one.index("[[exhibition.ticket]]") :]
    kinds = "".join(ticket.replace('"adult"', f'"kind-{n}"') for n in range(check.MAX_KINDS))
    assert "An exhibition has at most 20 kinds of tickets." in errors(tmp_path, GOOD + kinds)[0]


WORDS = st.text(min_size=1, max_size=40).map(text.cleaned).filter(lambda t: 0 < len(t) <= 40)
IDS = st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)
DAYS = st.dates(date(2000, 1, 1), date(2199, 12, 31))


@st.composite
def exhibitions(draw: st.DrawFn) -> Exhibition:
    starts_on = draw(DAYS.filter(lambda day: day < date(2199, 1, 1)))
    currency = draw(st.sampled_from(["EUR", "JPY", "USD", "KWD"]))
    kinds = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    minutes = draw(st.integers(5, 600))
    starts = draw(st.lists(st.integers(0, 24 * 60 - minutes), min_size=1, max_size=5, unique=True))
    weekdays = draw(st.sets(st.integers(0, 6), min_size=1))
    return Exhibition(
        id=draw(IDS),
        title=draw(WORDS),
        venue=draw(WORDS),
        city=draw(WORDS),
        description=draw(st.just("") | WORDS),
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=draw(st.integers(14, 300))),
        weekdays=tuple(sorted(weekdays)),
        closed_on=tuple(sorted(draw(st.sets(DAYS, max_size=1)))),
        times=tuple(f"{at // 60:02}:{at % 60:02}" for at in sorted(starts)),
        minutes=minutes,
        time_zone=draw(st.sampled_from(["Europe/Lisbon", "Asia/Kolkata", "America/Argentina/Salta", "UTC"])),
        capacity=draw(st.integers(1, MAX_CAPACITY)),
        tickets=tuple(TicketKind(kind, draw(WORDS), Money(draw(st.integers(0, 10**9)), currency)) for kind in kinds),
    )


def row(one: Exhibition) -> dict[str, str]:
    """An exhibition's values, as they stand in a table."""
    return {
        **{name: getattr(one, name) for name in ("id", "title", "venue", "city", "description", "time_zone")},
        **{name: str(getattr(one, name)) for name in ("starts_on", "ends_on", "minutes", "capacity")},
        "weekdays": " ".join(WEEKDAYS[day] for day in one.weekdays),
        "closed_on": ", ".join(map(str, one.closed_on)),
        "times": " ".join(one.times),
        "currency": one.tickets[0].price.currency,
    }


def price(of: Money) -> str:
    return str(Decimal(of.amount).scaleb(-{"EUR": 2, "JPY": 0, "USD": 2, "KWD": 3}[of.currency]).__format__("f"))


def as_toml(every: list[Exhibition]) -> str:
    lines = []
    for one in every:
        lines.append("[[exhibition]]")
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row(one).items() if value]
        for kind in one.tickets:
            lines += ["[[exhibition.ticket]]", f'kind = "{kind.kind}"', f"price = {price(kind.price)}"]
            lines.append(f"name = {json.dumps(kind.name, ensure_ascii=False)}")
    return "\n".join(lines)


def as_csv(every: list[Exhibition]) -> str:
    sheet = io.StringIO(newline="")
    writer = csv.DictWriter(sheet, [*row(every[0]), "kind", "name", "price"])
    writer.writeheader()
    for one in every:
        for kind in one.tickets:
            writer.writerow({**row(one), "kind": kind.kind, "name": kind.name, "price": price(kind.price)})
    return sheet.getvalue()


# R: C1
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(exhibitions(), min_size=1, max_size=3, unique_by=lambda one: one.id))
def test_what_is_written_as_either_kind_of_file_is_read_back(tmp_path: Path, every: list[Exhibition]):
    assert loaded(tmp_path, as_toml(every)).exhibitions == tuple(every)
    assert loaded(tmp_path, as_csv(every), "sheet.csv").exhibitions == tuple(every)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["a.toml", "a.csv"]), st.integers(0, 1200), st.integers(0, 20), st.text(max_size=12))
def test_a_file_with_a_hole_is_read_or_refused_and_nothing_else(
    tmp_path: Path, name: str, start: int, size: int, filling: str
):
    whole = GOOD if name == "a.toml" else TABLE
    raw = (whole[:start] + filling + whole[start + size :]).encode("utf-8", "surrogatepass")
    try:
        found = loaded(tmp_path, raw, name)
    except BadCatalogue as bad:
        said = bad.errors
    else:
        assert all(text.cleaned(one.title) == one.title for one in found.exhibitions)
        said = ("read",)
    assert said
    assert all(words.isprintable() for words in said)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["a.toml", "a.csv"]), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_refused_with_sentences(tmp_path: Path, name: str, raw: bytes):
    assert errors(tmp_path, raw, name)


def test_the_examples_of_the_operating_guide_are_good_and_say_the_same(tmp_path: Path):
    guide = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")
    page = guide.partition("\n## Exhibitions")[2].partition("\n## ")[0]
    examples = {
        kind: re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) for kind in ("toml", "csv")
    }
    (toml,), (table,) = examples["toml"], examples["csv"]
    first, second = loaded(tmp_path, toml), loaded(tmp_path, table, "sheet.csv")
    assert first.exhibitions == second.exhibitions
    assert first.note == second.note == "Prices include VAT."
    assert [kind.price.amount for kind in first.exhibitions[0].tickets] == [1250, 0]


# R: C1
def test_the_sample_says_that_it_is_made_up_and_has_small_and_large_houses_in_two_zones_and_currencies():
    sample = named("sample")
    assert sample is not None
    assert sample.sample
    assert "Fictional" in sample.note
    assert "made up" in SAMPLE_FILE.read_text("utf-8").partition("\n")[0]
    assert {e.capacity for e in sample.exhibitions} >= {12, 200}
    assert {e.time_zone for e in sample.exhibitions} == {"Europe/Lisbon", "Asia/Tokyo"}
    assert {kind.price.currency for e in sample.exhibitions for kind in e.tickets} == {"EUR", "JPY"}
    assert len({e.weekdays for e in sample.exhibitions}) > 3
    for exhibition in sample.exhibitions:
        year = [date(2027, 1, 1) + timedelta(days=n) for n in range(365)]
        assert sum(len(sample.slots(exhibition, day)) for day in year) > 300
    assert named(None) is None
    assert named("") is None


def at(zone: str, *times: str) -> Exhibition:
    """An exhibition that is always open, with slots at these times."""
    return Exhibition(
        id="always",
        title="Always",
        venue="Casa",
        city="Vila",
        description="",
        starts_on=date(2020, 1, 1),
        ends_on=date(2030, 12, 31),
        weekdays=tuple(range(7)),
        closed_on=(),
        times=times,
        minutes=60,
        time_zone=zone,
        capacity=12,
        tickets=(TicketKind("adult", "Adult", Money(100, "EUR")),),
    )


def starts(exhibition: Exhibition, day: date) -> list[str]:
    """When its slots begin and end, in UTC."""
    slots = Catalogue([exhibition]).slots(exhibition, day)
    assert all(slot.info.starts_at.tzinfo is UTC for slot in slots)
    return [f"{slot.info.starts_at:%d %H:%M} to {slot.info.ends_at:%H:%M}" for slot in slots]


# R: C1
def test_a_slot_begins_by_the_clock_of_its_venue():
    assert starts(at("Europe/Lisbon", "09:30"), date(2026, 5, 21)) == ["21 08:30 to 09:30"]
    assert starts(at("Europe/Lisbon", "09:30"), date(2026, 12, 21)) == ["21 09:30 to 10:30"]
    assert starts(at("Asia/Tokyo", "09:00", "08:00"), date(2026, 5, 21)) == ["21 00:00 to 01:00", "20 23:00 to 00:00"]


def test_a_time_that_the_clock_skips_has_no_slot_and_one_that_it_shows_twice_is_the_first():
    lisbon = at("Europe/Lisbon", "00:30", "01:30", "02:30")
    assert starts(lisbon, date(2026, 3, 29)) == ["29 00:30 to 01:30", "29 01:30 to 02:30"]  # no 01:30 on that day
    assert starts(lisbon, date(2026, 10, 25)) == ["24 23:30 to 00:30", "25 00:30 to 01:30", "25 02:30 to 03:30"]
    catalogue = Catalogue([lisbon])
    assert catalogue.slot("always.20260329.0130") is None
    assert catalogue.slot("always.20260328.0130") is not None


def test_a_day_that_a_zone_left_out_has_no_slots():
    assert starts(at("Pacific/Apia", "10:00"), date(2011, 12, 30)) == []  # closed: it begins in 2020
    samoa = at("Pacific/Apia", "10:00")
    early = Exhibition(**{f: getattr(samoa, f) for f in samoa.__struct_fields__} | {"starts_on": date(2011, 1, 1)})
    assert starts(early, date(2011, 12, 30)) == []
    assert len(starts(early, date(2011, 12, 31))) == 1


# R: C1
def test_every_slot_is_found_by_its_id():
    for exhibition in SAMPLE.exhibitions:
        for slot in SAMPLE.slots(exhibition, date(2027, 5, 21)):
            assert SAMPLE.slot(slot.info.slot_id) == slot
            assert (slot.capacity, slot.tickets) == (exhibition.capacity, exhibition.tickets)
            assert slot.info.ends_at - slot.info.starts_at == timedelta(minutes=exhibition.minutes)


@pytest.mark.parametrize(
    "slot_id",
    [
        "",
        "big-sky",
        "big-sky.20270521",
        "big-sky.20270521.1101",  # not a time of it
        "big-sky.20271225.1100",  # closed
        "big-sky.20270230.1100",  # not in the calendar
        "big-sky.00000000.0000",
        "big-sky.99991231.1100",
        "big-sky.20270521.11:00",
        "big-sky.20270521.1100\n",
        " big-sky.20270521.1100",
        "big-sky.２０２７0521.1100",
        "BIG-SKY.20270521.1100",
        "azulejo-light.20270524.1000",  # a Monday
        "nothing.20270521.1100",
        "big-sky.20270521.1100.1",
        "../big-sky.20270521.1100",
        "x" * 100_000,
    ],
)
def test_an_id_of_no_slot_finds_none(slot_id: str):
    assert SAMPLE.slot("big-sky.20270521.1100") is not None
    assert SAMPLE.slot(slot_id) is None


@given(st.text() | st.from_regex(r"(big-sky|paper-rain)\.[0-9]{8}\.[0-9]{4}", fullmatch=True))
def test_any_text_is_a_slots_id_or_none(slot_id: str):
    found = SAMPLE.slot(slot_id)
    assert found is None or found.info.slot_id == slot_id


# R: G5
def test_a_server_with_a_bad_catalogue_says_what_is_wrong_and_starts_nothing(tmp_path: Path):
    file = tmp_path / "bad.toml"
    file.write_text(GOOD.replace("minutes = 60", "minutes = 1").replace("capacity = 40", "capacity = -1"))
    words = ["--port", "0", "--store", f"sqlite:///{tmp_path / 'store.db'}", "--catalog", str(file)]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "roadcrew_server", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f'{file}:20: capacity: "-1" is not right. Write a whole number from 1 to 10000.',
        f"{file}:42: minutes: 1 is not right. Write a whole number from 5 to 1440.",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]


# R: G5
def test_a_catalogue_can_be_looked_at_before_it_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "catalogue.toml"
    file.write_text(GOOD)
    assert admin.main(["catalog", str(file)]) == 0
    said = capsys.readouterr().out
    assert "2 exhibitions. Only a test." in said
    assert "tiles: Tiles [bold], Casa, Vila Azul; 2026-05-01 to 2026-05-31" in said
    assert "adult €12.50, child €0.00" in said
    assert "adult ¥1,800" in said
    assert admin.main(["catalog", str(file), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in facts["exhibitions"]] == ["tiles", "paper"]
    file.write_text(GOOD.replace("minutes = 60", "minutes = 1"))
    assert admin.main(["catalog", str(file)]) == 1
    said, wrong = capsys.readouterr()
    assert (said, wrong) == ("", f"{file}:42: minutes: 1 is not right. Write a whole number from 5 to 1440.\n")


def test_a_server_without_a_catalogue_reads_none():
    late = ("babel", "tomllib", "roadcrew_server._catalogue_file")
    code = f"import sys, roadcrew_server.__main__; print([name for name in {late} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
