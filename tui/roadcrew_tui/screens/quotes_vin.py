"""What is said of a vehicle's number while somebody types it: how far it is, what is wrong, whose it is. Pure."""

from __future__ import annotations

from datetime import date

from roadcrew_domain.vin import LENGTH, Decoded, decoded, fault, tidy


def vin_words(text: str, today: date) -> str:
    """A sentence or two; empty for nothing."""
    vin = tidy(text)
    if not vin:
        return ""
    wrong = fault(vin)
    if wrong is None:
        return f"The check digit fits. {_says(decoded(vin, today))}"
    reason, sentence = wrong
    if reason == "length" and len(vin) < LENGTH:
        return f"{len(vin)} of {LENGTH} characters."
    return sentence


def _says(found: Decoded) -> str:
    maker = "Its maker is not known" if found.maker is None else found.maker + _unless(found.maker_certain)
    if not found.years:
        return f"{maker}; it names no year."
    return f"{maker}, {' or '.join(map(str, found.years))}{_unless(found.year_certain)}."


def _unless(certain: bool) -> str:
    return "" if certain else " (uncertain)"
