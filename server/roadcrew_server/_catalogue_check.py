"""From what stands in a catalogue's file to exhibitions, or to everything that is wrong, in sentences.

Whatever is written as a number or a day in TOML is text in CSV, so all of it is read as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from roadcrew_domain.exhibitions import MAX_CAPACITY, Exhibition, TicketKind
from roadcrew_domain.money import Money
from roadcrew_server._catalogue_file import Written
from roadcrew_server._toml_file import Entry, Faults, is_tables
from roadcrew_server._values import (
    WEEKDAYS,
    YEARS,
    Parser,
    currency,
    day,
    each,
    like,
    once,
    price,
    taken,
    weekday,
    whole,
    words,
    zone,
)

MAX_EXHIBITIONS = 500
MAX_KINDS = 20
MAX_TIMES = 96
MAX_CLOSED = 400
MAX_TEXT = 120
MAX_DESCRIPTION = 1000
MINUTES = (5, 24 * 60)

_ID = re.compile(r"[a-z0-9-]{1,40}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def checked(written: Written, faults: Faults) -> tuple[list[Exhibition], str, bool]:
    """The exhibitions that are right, the note, and whether all of it is a sample. What is wrong is among the
    faults."""
    head = taken(written.head, {"note": (words("note", MAX_DESCRIPTION), "")}, faults, optional={"note": ""})
    sample, line = written.head.get("sample", False), written.head.line("sample")
    if not isinstance(sample, bool):
        faults.add(line, "sample: Write true or false.")
    if not written.exhibitions and not faults:
        faults.add(0, "There is no exhibition in it.")
    if len(written.exhibitions) > MAX_EXHIBITIONS:
        faults.add(written.exhibitions[MAX_EXHIBITIONS].at, f"A catalogue has at most {MAX_EXHIBITIONS} exhibitions.")
    entries = written.exhibitions[:MAX_EXHIBITIONS]
    once(entries, "id", "exhibition", faults)
    made = [_exhibition(entry, faults) for entry in entries]
    return [one for one in made if one is not None], head["note"] or "", sample is True


def _exhibition(entry: Entry, faults: Faults) -> Exhibition | None:
    before = len(faults)
    values = taken(entry, EXHIBITION, faults, optional={"description": "", "closed_on": ()})
    values["tickets"] = _tickets(entry, values.pop("currency"), faults)
    if values["starts_on"] and values["ends_on"] and values["starts_on"] > values["ends_on"]:
        faults.add(entry.line("ends_on"), f"ends_on: {values['ends_on']} is before {values['starts_on']}, its start.")
    for at in values["times"] or ():
        if values["minutes"] and int(at[:2]) * 60 + int(at[3:]) + values["minutes"] > MINUTES[1]:
            sentence = f"times: The slot at {at} would end after midnight. Begin earlier, or take fewer minutes."
            faults.add(entry.line("times"), sentence)
    if len(faults) > before:
        return None
    exhibition = Exhibition(**values)
    days = (exhibition.ends_on - exhibition.starts_on).days + 1
    if not any(exhibition.open_on(exhibition.starts_on + timedelta(days=n)) for n in range(days)):
        faults.add(entry.line("weekdays"), "weekdays: It is not open on any day from starts_on to ends_on.")
    return exhibition


def _tickets(entry: Entry, money: str | None, faults: Faults) -> tuple[TicketKind, ...]:
    tickets = entry.get("ticket", [])
    if not is_tables(tickets) or not tickets:
        faults.add(entry.at, "There is no kind of ticket. Write [[exhibition.ticket]] with kind, name and price.")
        return ()
    if len(tickets) > MAX_KINDS:
        faults.add(tickets[MAX_KINDS].at, f"An exhibition has at most {MAX_KINDS} kinds of tickets.")
    once(tickets, "kind", "kind of ticket", faults)
    parsers = {**TICKET, "price": (lambda value: price(value, money), TICKET["price"][1])}
    made = []
    for ticket in tickets[:MAX_KINDS]:
        values = taken(ticket, parsers, faults)
        if money is not None and None not in values.values():
            made.append(TicketKind(values["kind"], values["name"], Money(values["price"], money)))
    return tuple(made)


_AN_ID = "1 to 40 small letters, digits and hyphens"
_A_DAY = f"a day from {YEARS[0]} to {YEARS[1]}, such as 2026-05-21"

EXHIBITION: Mapping[str, tuple[Parser, str]] = {
    "id": (lambda value: like(_ID, value), f"{_AN_ID}, such as azulejo-light"),
    "title": (words("title", MAX_TEXT), f"a text of up to {MAX_TEXT} characters"),
    "venue": (words("venue", MAX_TEXT), "the house that shows it"),
    "city": (words("city", MAX_TEXT), "the city where that is"),
    "description": (words("description", MAX_DESCRIPTION), f"a text of up to {MAX_DESCRIPTION} characters"),
    "starts_on": (day, _A_DAY),
    "ends_on": (day, _A_DAY),
    "weekdays": (each(weekday, 7), f"the days on which it is open, out of {' '.join(WEEKDAYS)}, each once"),
    "closed_on": (each(day, MAX_CLOSED, least=0), f"up to {MAX_CLOSED} days such as 2026-12-25, each once"),
    "times": (
        each(lambda value: like(_TIME, value), MAX_TIMES),
        f"up to {MAX_TIMES} times of the day such as 09:30, each once",
    ),
    "minutes": (whole(*MINUTES), f"a whole number from {MINUTES[0]} to {MINUTES[1]}"),
    "time_zone": (zone, "the name of a time zone, such as Europe/Lisbon"),
    "capacity": (whole(1, MAX_CAPACITY), f"a whole number from 1 to {MAX_CAPACITY}"),
    "currency": (currency, "three capital letters, such as EUR"),
}
"""How each value of an exhibition is read, and what is right."""

TICKET: Mapping[str, tuple[Parser, str]] = {
    "kind": (lambda value: like(_ID, value), f"{_AN_ID}, such as adult"),
    "name": (words("name", MAX_TEXT), "what people call it, such as Adult"),
    "price": (lambda value: value, "an amount such as 12.50, without its currency; 0 if it is free"),
}
"""The same of a kind of ticket; a price's decimals are the currency's."""
