"""The page on the HTTP API lists every code that a problem can have, under its status, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import roadcrew_domain
import roadcrew_server
from roadcrew_domain.refusals import Kind
from roadcrew_server.http import _TOO_LONG
from roadcrew_server.problems import STATUS

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def said() -> Iterator[tuple[int, str, str]]:
    """Status and code of every `Refused(code, kind, …)` and `Problem(status, code, …)` in the code, and where."""
    for package in (roadcrew_domain, roadcrew_server):
        for path in sorted(Path(next(iter(package.__path__))).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                    continue
                where = f"{path.name}:{node.lineno}"
                first, *rest = [a.value if isinstance(a, ast.Constant) else None for a in node.args] or [None]
                if node.func.id == "Refused":
                    assert first is not None, f"{where}: a code is written where it is raised"
                    assert rest, where
                    assert rest[0] in get_args(Kind), where
                    yield {str(kind): status for kind, status in STATUS.items()}[str(rest[0])], str(first), where
                elif node.func.id == "Problem":
                    assert isinstance(first, int), where
                    assert rest, where
                    assert isinstance(rest[0], str), f"{where}: a code is written where it is raised"
                    yield first, rest[0], where


def listed() -> set[tuple[int, str]]:
    """Status and code of every row of the page's table."""
    table = PAGE.read_text().partition("## Problems")[2]
    rows = re.findall(r"^\| (\d{3}) \| (.+) \|$", table, re.MULTILINE)
    return {(int(status), code) for status, codes in rows for code in re.findall(r"`([^`]+)`", codes)}


# R: G3
def test_every_code_is_on_the_page_under_its_status_and_every_code_of_the_page_can_be_given():
    given = {(status, code): where for status, code, where in said()}
    head = re.search(rb'"status":(\d+).*"code":"([^"]+)"', _TOO_LONG)
    assert head is not None
    given[int(head[1]), head[2].decode()] = "http.py"
    assert len(given) > 50
    assert {at: given[at] for at in given.keys() - listed()} == {}
    assert listed() - given.keys() == set()
