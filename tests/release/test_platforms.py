"""What is for one system only is listed in docs/platforms.md, marked in the requirements, and in nobody's way."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "platforms.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LACKING = "termios|tty|pty|fcntl|resource|pwd|grp|msvcrt|winreg|uvloop"
"""Modules that one of the systems has not."""
ASKS = re.compile(
    rf"\bsys\.platform\b|\bos\.name\b|\bimport ({LACKING})\b|\bhasattr\((socket|signal|os), "
    r"|\bsuppress\(NotImplementedError\)|\bstart_new_session=True"
)
AT_ITS_TOP = re.compile(rf"^(import|from) ({LACKING})\b", re.MULTILINE)


def sources() -> dict[str, str]:
    """Every module of the packages, as in an installed one: `roadcrew_tui/cli.py`."""
    packages = [ROOT / folder for folder in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
    return {
        path.relative_to(package.parent).as_posix(): path.read_text("utf-8")
        for package in packages
        for path in package.rglob("*.py")
    }


def test_a_module_that_asks_for_the_system_is_in_the_list_and_no_other():
    asking = {name for name, text in sources().items() if ASKS.search(text)}
    assert set(re.findall(r"`(roadcrew_\w+/[\w/]+\.py)`", PAGE)) == asking


def test_no_module_imports_at_its_top_what_one_of_the_systems_lacks():
    assert [name for name, text in sources().items() if AT_ITS_TOP.search(text)] == []


def test_a_package_that_one_of_the_systems_lacks_is_required_by_the_others_only():
    optional = PROJECT["project"]["optional-dependencies"]
    asked = [*PROJECT["project"]["dependencies"], *(line for lines in optional.values() for line in lines)]
    marked = {
        requirement.name: [
            system for system in ("linux", "darwin", "win32") if requirement.marker.evaluate({"sys_platform": system})
        ]
        for requirement in map(Requirement, asked)
        if requirement.marker is not None
    }
    assert marked == {"uvloop": ["linux", "darwin"]}
    assert "| uvloop | Linux, macOS" in PAGE
