"""The catalogue of exhibitions that a server offers: each by its id, and its time slots by day.

It is read once, at the start, and never changes. Not for who has which seat: that is in the slots' topics. Nor for how
a catalogue is written, which is for _catalogue_file.py and _catalogue_check.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from roadcrew_domain.exhibitions import Exhibition, SlotInfo, TicketKind, in_slot_id, slot_id

SAMPLE = "sample"
"""The name of the catalogue that comes with the server."""
SAMPLE_FILE = Path(__file__).with_name("sample_catalogue.toml")


class BadCatalogue(Exception):
    """It can't be offered. `errors` is all that is wrong, each as `FILE:LINE: what, and what would be right`."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(self.errors))


@dataclass(frozen=True, slots=True)
class Slot:
    """A time slot as the catalogue has it: `capacity` seats, to be had by these kinds of tickets."""

    info: SlotInfo
    capacity: int
    tickets: tuple[TicketKind, ...]


class Catalogue:
    """What a server offers. `note` is said wherever it is shown; `sample`: it is made up."""

    def __init__(self, exhibitions: Iterable[Exhibition], *, note: str = "", sample: bool = False) -> None:
        self.exhibitions = tuple(exhibitions)
        self.note = note
        self.sample = sample
        self._by_id = {exhibition.id: exhibition for exhibition in self.exhibitions}

    def find(self, exhibition_id: str) -> Exhibition | None:
        """The exhibition of that id."""
        return self._by_id.get(exhibition_id)

    def slots(self, exhibition: Exhibition, day: date) -> tuple[Slot, ...]:
        """The slots of a day, first to last; none when it is closed."""
        if not exhibition.open_on(day):
            return ()
        made = (_slot(exhibition, day, at) for at in exhibition.times)
        return tuple(slot for slot in made if slot is not None)

    def slot(self, slot_id: str) -> Slot | None:
        """The slot of that id, whatever text it is; None if there is no such slot."""
        found = in_slot_id(slot_id)
        if found is None:
            return None
        exhibition_id, day, at = found
        exhibition = self.find(exhibition_id)
        if exhibition is None:
            return None
        return _slot(exhibition, day, at) if at in exhibition.times and exhibition.open_on(day) else None


def _slot(exhibition: Exhibition, day: date, at: str) -> Slot | None:
    """The slot that begins then by the venue's clock. None when that clock skips this time on that day; of a time that
    it shows twice, the first is meant (`fold` is 0)."""
    zone = ZoneInfo(exhibition.time_zone)
    local = datetime.combine(day, time.fromisoformat(at), zone)
    starts_at = local.astimezone(UTC)
    if starts_at.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        return None
    info = SlotInfo(
        slot_id=slot_id(exhibition.id, day, at),
        exhibition_id=exhibition.id,
        title=exhibition.title,
        venue=exhibition.venue,
        city=exhibition.city,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=exhibition.minutes),
        time_zone=exhibition.time_zone,
    )
    return Slot(info, exhibition.capacity, exhibition.tickets)


def load(path: Path) -> Catalogue:
    """The catalogue in a file, TOML or CSV by its ending. Raises `BadCatalogue`."""
    # A server without a catalogue reads none.
    from roadcrew_server import _catalogue_check, _catalogue_file, _toml_file  # noqa: PLC0415

    faults = _toml_file.Faults(path)
    written = _catalogue_file.read(path, faults)
    exhibitions, note, sample = _catalogue_check.checked(written, faults)
    if faults:
        raise BadCatalogue(faults.lines())
    return Catalogue(exhibitions, note=note, sample=sample)


def named(name: str | None) -> Catalogue | None:
    """What the setting `catalog` names: a file, `sample`, or nothing. Raises `BadCatalogue`."""
    if not name:
        return None
    return load(SAMPLE_FILE if name == SAMPLE else Path(name))
