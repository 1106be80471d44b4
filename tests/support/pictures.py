"""What is drawn in the SVG of a screen. Not for how it looks to the eye: for that, open it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from rich.cells import split_graphemes


def drawn(svg: str) -> set[tuple[int, int, str, str]]:
    """Each sign and each ground: column, row, what, and how it looks, however they are gathered in the picture."""
    return set(_drawn(svg))


def _drawn(svg: str) -> Iterator[tuple[int, int, str, str]]:
    rules = dict(re.findall(r"\.terminal-\d+-(r\d+) \{ (.*?) \}", svg))
    for element in ElementTree.fromstring(svg).iter():
        column = round(float(element.get("x", 0)) / 12.2)
        if element.get("shape-rendering"):
            row = round((float(element.get("y", 0)) - 1.5) / 24.4)
            for n in range(round(float(element.get("width", 0)) / 12.2)):
                yield column + n, row, "ground", element.get("fill", "")
        elif (rule := rules.get((element.get("class") or "").rpartition("-")[2])) is not None:
            text = (element.text or "").rstrip("\n").replace("\xa0", " ")
            row = round((float(element.get("y", 0)) - 20) / 24.4)
            for start, end, width in split_graphemes(text)[0]:
                if text[start:end] != " ":
                    yield column, row, text[start:end], rule
                column += width
