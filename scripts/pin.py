"""Write, or check, the exact version of everything that Roadcrew installs.

    uv run --no-project python scripts/pin.py                 pin what is new, keep the rest
    uv run --no-project python scripts/pin.py --upgrade       all to their newest versions
    uv run --no-project python scripts/pin.py --upgrade NAME  that one to its newest version
    uv run --no-project python scripts/pin.py --check         are the pins whole? change nothing

Two files carry the pins, neither with an address to download from: `pyproject.toml`
(`constraint-dependencies`, `build-constraint-dependencies`) and `requirements.lock` (the same
versions with hashes). Resolving happens in a temporary folder from those files alone, so it does
not matter whether a `uv.lock` or a `.venv` is there. Needs only the standard library and uv.
Why not a committed `uv.lock`: docs/decisions/0002-pins-without-uv-lock.md
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
REQUIREMENTS = ROOT / "requirements.lock"
HEADER = (
    "# Every version with its hashes, extras and groups included.\n"
    "# Written by: uv run --no-project python scripts/pin.py\n"
)
BLOCK = re.compile(r"(?<=^# >>> pins: written by scripts/pin\.py, not by hand\n).*?(?=^# <<< pins$)", re.M | re.S)
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+))?$")
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
ADDRESS = re.compile(r"://|--(extra-)?index-url|--find-links|file:|@ ")
NO_NETWORK = re.compile(r"error sending request|dns error|failed to fetch|network|connect", re.I)
# Hatchling asks for this one only when it builds an editable install.
EDITABLE_BUILDS = ("editables",)


class PinError(Exception):
    """Resolving failed; the message is uv's own."""


def uv(*arguments: str, cwd: Path, stdin: str | None = None) -> str:
    """Run uv away from this project's own environment and give its output."""
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    done = subprocess.run(
        ["uv", "--no-progress", *arguments],
        cwd=cwd,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PinError(done.stderr.strip())
    return done.stdout


def name_of(requirement: str) -> str:
    """The normalised project name at the start of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    if found is None:
        raise PinError(f"not a requirement: {requirement!r}")
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def with_pins(text: str, pins: list[str], build_pins: list[str]) -> str:
    """The text of a pyproject.toml with its block of pins replaced."""

    def listed(key: str, values: list[str]) -> str:
        return f"{key} = [\n" + "".join(f'    "{value}",\n' for value in values) + "]\n"

    block = listed("constraint-dependencies", pins) + listed("build-constraint-dependencies", build_pins)
    changed, times = BLOCK.subn(lambda _: block, text)
    if times != 1:
        raise PinError("pyproject.toml has lost the comment lines around its pins")
    return changed


def resolve(text: str, *, offline: bool = False) -> tuple[list[str], list[str], str]:
    """Resolve a pyproject.toml from nothing: pins, build pins, text of requirements.lock."""
    more = ("--offline",) if offline else ()
    project = tomllib.loads(text)
    oldest = project["project"]["requires-python"].removeprefix(">=")
    with tempfile.TemporaryDirectory(prefix="pin-") as folder:
        here, building = Path(folder, "project"), Path(folder, "building")
        here.mkdir()
        building.mkdir()
        (here / "pyproject.toml").write_text(text, encoding="utf-8")
        uv("lock", *more, cwd=here)
        lock = tomllib.loads((here / "uv.lock").read_text(encoding="utf-8"))
        exported = uv(
            *("export", "--frozen", "--format", "requirements-txt", "--all-extras", "--all-groups"),
            *("--no-emit-project", "--no-header", "--no-annotate", *more),
            cwd=here,
        )
        known = project["tool"]["uv"]["build-constraint-dependencies"]
        (building / "known.txt").write_text("\n".join(known), encoding="utf-8")
        compiled = uv(
            *("pip", "compile", "-", "--constraints", "known.txt", "--universal"),
            *("--python-version", oldest, "--no-header", "--no-annotate", *more),
            cwd=building,
            stdin="\n".join([*project["build-system"]["requires"], *EDITABLE_BUILDS]),
        )
    build_pins = sorted(line.strip() for line in compiled.splitlines() if line.strip())
    return pins_of(lock), build_pins, HEADER + exported


def pins_of(lock: dict[str, Any]) -> list[str]:
    """An exact pin for each package of a lock, with a marker where several versions are needed."""
    versions: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for package in lock["package"]:
        if "registry" in package["source"]:
            versions[package["name"]].append(package)
    pins = []
    for name, packages in versions.items():
        for package in packages:
            pin = f"{name}=={package['version']}"
            if len(packages) > 1:
                pin += " ; " + " or ".join(f"({marker})" for marker in package["resolution-markers"])
            pins.append(pin)
    return sorted(pins)


def versions_in(requirements: str) -> dict[str, set[str]]:
    """Each `name==version ; marker` line of a requirements file, with its hashes."""
    found: dict[str, set[str]] = {}
    for entry in requirements.replace("\\\n", "").splitlines():
        if entry.strip() and not entry.startswith("#"):
            found[entry.split("--hash", 1)[0].strip()] = set(HASH.findall(entry))
    return found


def pin(upgrade: list[str] | None) -> None:
    """Resolve and write both files.

    `upgrade` None keeps what is pinned, empty keeps nothing, names keep all but those.
    """
    text = PYPROJECT.read_text(encoding="utf-8")
    settings = tomllib.loads(text)["tool"]["uv"]
    kept, kept_build = (
        settings["constraint-dependencies"],
        settings["build-constraint-dependencies"],
    )
    if upgrade is not None:
        names = {name_of(name) for name in upgrade}
        kept = [line for line in kept if names and name_of(line) not in names]
        kept_build = [line for line in kept_build if names and name_of(line) not in names]
    pins, build_pins, _ = resolve(with_pins(text, kept, kept_build))
    pinned = with_pins(text, pins, build_pins)
    # Once more, from the pins alone: what a clean clone will get.
    again, again_build, requirements = resolve(pinned)
    if (again, again_build) != (pins, build_pins):
        raise PinError("the pins do not lead back to themselves:\n" + differences(pins, again))
    if ADDRESS.search(requirements):
        raise PinError("uv wrote an address into the requirements")
    PYPROJECT.write_text(pinned, encoding="utf-8")
    REQUIREMENTS.write_text(requirements, encoding="utf-8")
    print(f"{len(pins)} packages and {len(build_pins)} for building are pinned")


def differences(before: list[str], after: list[str]) -> str:
    """Two lists of pins compared, one line for each that is in one of them only."""
    gone = [f"  - {line}" for line in before if line not in after]
    new = [f"  + {line}" for line in after if line not in before]
    return "\n".join(gone + new)


def faults_on_paper(project: dict[str, Any], requirements: str) -> list[str]:
    """What is wrong with the two files as they stand, without asking anybody."""
    settings, faults = project["tool"]["uv"], []
    pinned: defaultdict[str, set[str]] = defaultdict(set)
    for line in settings["constraint-dependencies"] + settings["build-constraint-dependencies"]:
        found = PIN.match(line)
        if found is None or "*" in found["version"]:
            faults.append(f"not an exact pin: {line}")
        elif line in settings["constraint-dependencies"]:
            pinned[found["name"]].add(found["version"])
    wanted = [
        *project["project"]["dependencies"],
        *(line for lines in project["project"]["optional-dependencies"].values() for line in lines),
        *(line for lines in project["dependency-groups"].values() for line in lines),
    ]
    ours = project["project"]["name"]
    faults += [f"not pinned: {line}" for line in wanted if name_of(line) not in pinned and name_of(line) != ours]
    locked: defaultdict[str, set[str]] = defaultdict(set)
    for line, hashes in versions_in(requirements).items():
        found = PIN.match(line)
        if found is None:
            faults.append(f"requirements.lock: not an exact version: {line}")
            continue
        locked[found["name"]].add(found["version"])
        if not hashes:
            faults.append(f"requirements.lock: without a hash: {line}")
    faults += [
        f"{name}: pyproject.toml {sorted(pinned[name])}, requirements.lock {sorted(locked[name])}"
        for name in sorted(pinned.keys() | locked.keys())
        if pinned[name] != locked[name]
    ]
    if ADDRESS.search(requirements):
        faults.append("requirements.lock carries an address")
    return faults


def faults_when_resolved(text: str, requirements: str) -> list[str]:
    """What a resolution from nothing gives that the two files do not say."""
    try:
        pins, build_pins, fresh = resolve(text, offline=True)
    except PinError:
        pins, build_pins, fresh = resolve(text)
    settings, faults = tomllib.loads(text)["tool"]["uv"], []
    for before, after in (
        (settings["constraint-dependencies"], pins),
        (settings["build-constraint-dependencies"], build_pins),
    ):
        if before != after:
            faults.append("a fresh resolution differs:\n" + differences(before, after))
    expected, committed = versions_in(fresh), versions_in(requirements)
    if expected.keys() != committed.keys():
        faults.append("requirements.lock differs:\n" + differences(list(committed), list(expected)))
    # A wheel may be added to a release later; one that we list must still be one of its files.
    faults += [
        f"requirements.lock has hashes that {line} does not have"
        for line in expected.keys() & committed.keys()
        if not committed[line] <= expected[line]
    ]
    return faults


def check() -> int:
    """Print what is wrong with the pins; with neither network nor cache, what the files show."""
    text = PYPROJECT.read_text(encoding="utf-8")
    requirements = REQUIREMENTS.read_text(encoding="utf-8") if REQUIREMENTS.exists() else ""
    project = tomllib.loads(text)
    faults = faults_on_paper(project, requirements)
    scope = "complete, and what a fresh resolution gives"
    if not faults:
        try:
            faults = faults_when_resolved(text, requirements)
        except PinError as error:
            if not NO_NETWORK.search(str(error)):
                faults = [str(error)]
            scope = "complete on paper; not resolved afresh, for want of a network"
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        print("mend with: uv run --no-project python scripts/pin.py", file=sys.stderr)
        return 1
    print(f"{len(project['tool']['uv']['constraint-dependencies'])} pins: {scope}")
    return 0


def main() -> int:
    """Read the command line; 0 when done or in order, 1 when not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="change nothing, say whether the pins are whole")
    what.add_argument("--upgrade", nargs="*", metavar="NAME", help="to the newest versions: all, or those named")
    chosen = parser.parse_args()
    try:
        if chosen.check:
            return check()
        pin(chosen.upgrade)
    except PinError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
