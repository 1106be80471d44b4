"""Vehicle identification numbers (ISO 3779, 49 CFR 565): whether one can be right, and what it says of its maker and
model year. Pure.

The check digit is required of every number. Only North America and China prescribe it; what a maker elsewhere leaves
out can't be told from a typing error, so a number without it is not taken. Not for models, whose codes each maker has
for itself.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Value

if TYPE_CHECKING:
    from vininfo.common import Assembler

LENGTH = 17
CHARACTERS = frozenset("ABCDEFGHJKLMNPRSTUVWXYZ0123456789")
"""Digits and letters, but not I, O and Q, which look like 1 and 0."""
YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"
"""Of position 10: from 1980 on, and again every 30 years."""

Reason = Literal["length", "characters", "check-digit"]

_FIRST_YEAR = 1980
_NORTH_AMERICA = frozenset("12345")


class Decoded(Value, frozen=True):
    """What a number says. `years` has the likeliest first, and is empty where the number names none."""

    vin: str
    maker: str | None
    maker_certain: bool
    years: tuple[int, ...]
    year_certain: bool


def tidy(text: str) -> str:
    """As numbers are written: in capitals, without spaces and dashes."""
    return "".join(text[: 4 * LENGTH].split()).replace("-", "").upper()


def fault(vin: str) -> tuple[Reason, str] | None:
    """What is wrong with a tidy number, with a sentence; None if it can be right."""
    if not CHARACTERS.issuperset(vin):
        return "characters", "A VIN has digits and letters, but no I, O or Q."
    if len(vin) != LENGTH:
        return "length", f"A VIN has {LENGTH} characters; this one has {len(vin)}."
    from vininfo import Vin  # noqa: PLC0415 — its tables of makers take 10 ms to read

    if not Vin(vin).verify_checksum(check_year=False):
        return "check-digit", "The check digit, the ninth character, does not fit the others: one may be mistyped."
    return None


def checked_vin(text: str) -> str:
    """The tidy number. Raises `Refused` (`bad-vin`, with `reason`)."""
    vin = tidy(text)
    found = fault(vin)
    if found is not None:
        reason, sentence = found
        raise Refused("bad-vin", "invalid", sentence, field="vin", reason=reason)
    return vin


def decoded(vin: str, today: date) -> Decoded:
    """What a number that is not at fault says, as of `today`."""
    maker, exact = _maker(vin)
    years, certain = _years(vin, today)
    return Decoded(vin, maker, exact, years, certain)


def _maker(vin: str) -> tuple[str | None, bool]:
    """From the first three characters. Not certain: where the third is a 9, which small makers share; where only the
    first two are known, or are another's, for houses share those among brands; where the first is a 0, which is no
    region's."""
    from vininfo.dicts import WMI  # noqa: PLC0415 — as above

    own, of_house = (_name(WMI.get(vin[:length])) for length in (3, 2))
    certain = own is not None and of_house in (None, own) and vin[2] != "9" and vin[0] != "0"
    return own or of_house, certain


def _name(found: Assembler | str | None) -> str | None:
    return found if found is None or isinstance(found, str) else str(found.manufacturer)


def _years(vin: str, today: date) -> tuple[tuple[int, ...], bool]:
    """From position 10, which comes round every 30 years. Only North America prescribes it: there the seventh character
    of cars and light trucks is a letter from 2010 on, and a digit before, but that of heavy ones says nothing."""
    at = YEAR_CODES.find(vin[9])
    years = [] if at < 0 else list(range(_FIRST_YEAR + at, today.year + 2, len(YEAR_CODES)))
    prescribed = vin[0] in _NORTH_AMERICA
    if not (prescribed and vin[6].isdigit()):
        years.reverse()
    return tuple(years), prescribed and len(years) == 1
