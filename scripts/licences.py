"""Write docs/licences.md: what comes with Roadcrew onto somebody's computer, and under which licences.

    uv run python scripts/licences.py            write the page
    uv run python scripts/licences.py --check    say whether it is the one that would be written

Packages are followed from `pyproject.toml` through what each one says that it requires, on Linux, macOS and Windows and
on every Python that we serve. What they are licensed under is what their metadata say. It reads no licence texts, and
judges none.
"""

from __future__ import annotations

import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"

SYSTEMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
)
PYTHONS = ("3.11.0", "3.11.9", "3.12.9", "3.13.9", "3.14.9")

SPELLINGS = {
    "any-OSI": "any that the OSI has approved",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
    "BSD-3-Clause": "BSD-3-Clause",
    "MIT": "MIT",
    "MIT License": "MIT",
    "MPL-2.0": "MPL-2.0",
    "PSF-2.0": "PSF-2.0",
}
"""What stands in the old field `License`."""
CLASSIFIERS = {
    "BSD License": "BSD",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "",  # said again, and better, beside it
    "MIT License": "MIT",
}


class Known(NamedTuple):
    """What a package says of itself."""

    licence: str
    requires: tuple[str, ...] = ()


# What is not installed everywhere, by system or by Python. Where one is, it has to say the same.
ELSEWHERE = {
    "async-timeout": Known("Apache-2.0"),
    "backports-tarfile": Known("MIT"),
    "cryptography": Known("Apache-2.0 OR BSD-3-Clause", ("cffi",)),
    "importlib-metadata": Known("Apache-2.0", ("lazy-importer", "zipp")),
    "jeepney": Known("MIT"),
    "lazy-importer": Known("Apache-2.0"),
    "pywin32-ctypes": Known("BSD-3-Clause"),
    "secretstorage": Known("BSD-3-Clause", ("cryptography", "jeepney")),
    "uvloop": Known("MIT"),
    "zipp": Known("MIT"),
}


class Unknown(Exception):
    """What a package is licensed under, nobody said in words that are known here."""


def licence_of(name: str) -> str:
    """What an installed package is licensed under. Raises `Unknown`, and `PackageNotFoundError`."""
    said = metadata(name).json
    if expression := said.get("license_expression"):
        return str(expression)
    if known := SPELLINGS.get(str(said.get("license"))):
        return known
    kinds = [c.rpartition(" :: ")[2] for c in said.get("classifier", ()) if c.startswith("License :: OSI")]
    if not kinds or not all(kind in CLASSIFIERS for kind in kinds):
        raise Unknown(f"{name}: {said.get('license')!r}, {kinds}. Say in scripts/licences.py what that is.")
    return " OR ".join(sorted({CLASSIFIERS[kind] for kind in kinds} - {""}))


@cache
def known(name: str) -> Known:
    """What a package says, or what is known of one that is not installed here. Raises `Unknown`."""
    try:
        return Known(licence_of(name), tuple(requires(name) or ()))
    except PackageNotFoundError:
        if name in ELSEWHERE:
            return ELSEWHERE[name]
    raise Unknown(f"{name} is not installed here. Say in scripts/licences.py (ELSEWHERE) what it is licensed under.")


def wanted(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Whether it is installed with these extras on any system and Python."""
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate(
            {**system, "python_version": python.rpartition(".")[0], "python_full_version": python, "extra": e}
        )
        for system in SYSTEMS
        for python in PYTHONS
        for e in extras or {""}
    )


def reached(lines: list[str]) -> dict[str, str]:
    """Every package that these requirements bring, with its licence. Raises `Unknown`."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    ahead = [(Requirement(line), frozenset[str]()) for line in lines]
    while ahead:
        requirement, extras = ahead.pop()
        name, own = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if not wanted(requirement, extras) or (name, own) in seen:
            continue
        seen.add((name, own))
        found[name], further = known(name)
        ahead += [(Requirement(line), own) for line in further]
    return found


def parts() -> dict[str, dict[str, str]]:
    """For `roadcrew` and each of its extras: every package that comes, with its licence. Raises `Unknown`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    base = project["dependencies"]
    extras = {f"roadcrew[{name}]": base + more for name, more in project["optional-dependencies"].items()}
    return {name: reached(lines) for name, lines in {"roadcrew": base, **extras}.items()}


def page() -> str:
    """The whole page. Raises `Unknown`."""
    base, *extras = parts().items()
    lines = [
        "# Licences",
        "",
        "<!-- Written by scripts/licences.py, not by hand. -->",
        "Roadcrew itself is MIT ([LICENSE](../LICENSE)). Its wheel holds nothing of others. These packages are",
        "installed beside it; what they are licensed under, their own metadata say. Some come on one system, or with",
        "one Python.",
    ]
    for title, found in (
        base,
        *((title, {n: c for n, c in more.items() if n not in base[1]}) for title, more in extras),
    ):
        besides = "" if title == base[0] else ", besides those"
        lines += ["", f"## `{title}`{besides}", "", "| package | licence |", "| --- | --- |"]
        lines += [f"| {name} | {found[name]} |" for name in sorted(found)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """0 when the page is written, or is what it should be; 1 when it is not."""
    try:
        now = page()
    except Unknown as problem:
        print(problem, file=sys.stderr)
        return 1
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(now, "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != now:
        print("docs/licences.md is stale. Run: uv run python scripts/licences.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
