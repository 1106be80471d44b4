"""Markdown that people wrote is read as text with a look, and nothing in it acts."""

from __future__ import annotations

from time import process_time

import pytest
from textual.content import Content

from roadcrew_domain.text import is_forbidden
from roadcrew_tui import markdown
from roadcrew_tui.markdown import LONGEST, read, web_address
from roadcrew_tui.widgets.reader import lines

WIDTH = 60


def drawn(text: str, width: int = WIDTH) -> list[str]:
    return [line.plain.rstrip() for line in lines(read(text), width)]


def looks(content: Content) -> set[str]:
    return {str(span.style) for span in content.spans}


# R: F6
def test_headings_lists_quotes_code_and_tables_are_drawn_in_lines() -> None:
    text = (
        "# Day one\n\nWe *walked* to **Belém**.\n\n- custard tarts\n- the tower\n  1. up\n  2. down\n\n"
        "> never again\n\n```\nif rain:\n    stay\n```\n\n---\n\n| what | cost |\n|--|--|\n| tram | 3 € |\n"
    )
    assert drawn(text) == [
        "Day one",
        "",
        "We walked to Belém.",
        "",
        "• custard tarts",
        "• the tower",
        "  1. up",
        "  2. down",
        "",
        "│ never again",
        "",
        "if rain:",
        "    stay",
        "",
        "─" * 30,
        "",
        "what  cost",
        "──────────",
        "tram  3 €",
    ]


# R: F6
def test_a_link_has_a_number_and_its_address_stands_below() -> None:
    page = read("See [the bank](https://evil.example/login) and <https://roadcrew.example>.")
    assert page.links == ("https://evil.example/login", "https://roadcrew.example")
    assert drawn("See [the bank](https://evil.example/login).") == [
        "See the bank [1].",
        "",
        "LINKS",
        "[1] https://evil.example/login",
    ]


# R: F6
@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "ftp://example.org/x",
        "mailto:ana@example.org",
        "/relative",
        "//example.org/x",
        "https://bank.example@evil.example/",
        "http://",
        "https://[x",
        "https://example.org:99999999/",
        "https://example.org/" + "a" * 2_000,
    ],
)
def test_only_addresses_of_the_web_are_links(target: str) -> None:
    page = read(f"[here]({target})")
    assert page.links == ()
    assert "here" in "".join(piece.text for block in page.blocks for piece in block.words)
    assert web_address(target) is None


# R: F6
def test_a_host_in_other_letters_is_shown_as_the_network_knows_it() -> None:
    assert read("[apple](https://аpple.com)").links == ("https://xn--pple-43d.com",)


# R: F6
def test_html_is_text_and_a_picture_is_its_description() -> None:
    assert drawn('<a href="https://x.example">x</a> <script>1</script>') == [
        '<a href="https://x.example">x</a> <script>1</script>'
    ]
    assert drawn("![a tram](https://x.example/t.png)")[0] == "picture: a tram [1]"


# R: F6
@pytest.mark.parametrize(
    "text",
    [
        "&#27;[31mred&#155;0m",
        "\x1b]8;;https://x.example\x07click\x1b]8;;\x07",
        "&#x202e;txt.exe",
        "`\x1b[2J`",
        "```\n\x1b[2J&#27;\n```",
        "| \x1b[2J |\n|--|\n| &#x1b;c |",
        "[\x1b[2J](https://x.example/\x1b[2J)",
        "# \x9b31m",
        "![&#27;[2J](x)",
    ],
)
def test_no_escape_comes_through_neither_as_it_is_nor_as_an_entity(text: str) -> None:
    assert not any(is_forbidden(c) or c == "\x1b" for line in lines(read(text), WIDTH) for c in line.plain)


def test_marks_that_come_as_entities_do_not_stack_up() -> None:
    (line,) = drawn("a" + "&#769;" * 3_000 + "b")
    assert len(line) < 10


def test_our_markup_is_text() -> None:
    (line,) = lines(read("[@click=app.quit]press[/] [bold]x[/bold] [/]"), WIDTH)
    assert line.plain == "[@click=app.quit]press[/] [bold]x[/bold] [/]"
    assert looks(line) <= {""}


def test_what_stands_on_the_ground_of_another_look_keeps_its_spaces() -> None:
    assert drawn("one *two* three`four` five") == ["one two threefour five"]


HOSTILE = {
    "open brackets": "[" * LONGEST,
    "pictures": "![" * LONGEST,
    "items": "* a\n\n" * LONGEST,
    "deep lists": "".join("  " * n + "- a\n" for n in range(200)),
    "quotes": ">" * LONGEST,
    "a table without cells": "|a" * 100 + "|\n" + "|-" * 100 + "|\n" + "|\n" * LONGEST,
    "many columns": "|a" * 2_000 + "|\n" + "|-" * 2_000 + "|\n" + "|b" * 2_000,
    "a long table": "a|b\n-|-\n" + "c|d\n" * LONGEST,
    "rules": "---\n" * LONGEST,
    "emphasis": "*_" * LONGEST,
    "links": "[a](http://b.c) " * LONGEST,
    "one line": "a" * 1_000_000,
    "marks": "a" + "\u0301" * LONGEST,
}


# R: F6
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_and_laid_out_in_bounds(name: str) -> None:
    """Of processor time; alone, each takes a second at most, and most take a tenth."""
    begun = process_time()
    found = lines(read(HOSTILE[name]), 76)
    assert process_time() - begun < 10
    assert len(found) <= LONGEST
    assert all(line.cell_length <= 76 for line in found)


def test_a_list_in_too_many_lists_is_indented_no_further() -> None:
    deep = "".join("  " * n + f"- level{n}\n" for n in range(9))
    assert [len(line) - len(line.lstrip()) for line in drawn(deep)] == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    assert all(line for line in drawn("> " * (markdown.DEEPEST - 2) + "x", 20))


def test_in_a_narrow_terminal_cells_have_more_lines() -> None:
    text = "| one | two |\n|--|--|\n| a long sentence of words | short |\n"
    assert drawn(text, 20) == [
        "one            two",
        "────────────────────",
        "a long         short",
        "sentence of",
        "words",
    ]
