"""Where the command lines of the pages are typed: a folder, a server, and a reader who has a trip there with a crew."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.commands import NO_KEYRING, PASSWORD, sign_up
from tests.support.documented import ROOT, Simple
from tests.support.images import png
from tests.support.serving import ServerProcess
from tests.support.terminal import roadcrew
from tests.support.valkey import ValkeyProcess
from tests.tui.typist import Typist

import roadcrew_server
from roadcrew_server import admin
from roadcrew_tui.cli import main

PATIENCE = 60.0
"""Seconds for anything that ends by itself."""
NEWCOMERS = ("trip new", "trip join", "trip restore", "join", "login", "logout", "you upgrade")
"""Typed by somebody who is new: the reader stays the organiser of one trip."""
SAMPLES = Path(roadcrew_server.__file__).parent
TAPE = re.compile(r"^```tape\n# (?P<name>\w+\.tape)\n(?P<lines>.*?)^```$", re.M | re.S)
HOTELS = """name,city,stars,price,currency
Casa Azul,Lisbon,4,84.00,EUR
Pensão Alfama,Lisbon,2,48,EUR
Inn,Porto,x,1,EUR
"""


class Answers(io.StringIO):
    """Somebody at a keyboard who says the same to every question."""

    def isatty(self) -> bool:
        return True


class Reader:
    """Ana, who organises a trip to Lisbon. Ben is in it, and has booked seats that are paid at the venue."""

    def __init__(
        self,
        place: Path,
        server: ServerProcess,
        valkey: ValkeyProcess,
        patch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.place, self.server, self.valkey = place, server, valkey
        self._patch, self._capsys = patch, capsys
        self._own = {**NO_KEYRING, "HOME": str(place), "ROADCREW_PASSWORD": PASSWORD, "VISUAL": "true"}
        self._newcomers = 0
        (place / "hotels.csv").write_text(HOTELS, "utf-8")
        (place / "sunset.jpg").write_bytes(png())
        for tape in TAPE.finditer((ROOT / "docs" / "tapes.md").read_text("utf-8")):
            (place / tape["name"]).write_text(tape["lines"], "utf-8")
        self.patched(place / "ana", {})
        self.ana, ben = (Typist(place / who, server.url, patch, capsys) for who in ("ana", "ben"))
        planned = self.ana.json("trip", "new", "Lisbon", "--as", "Ana", "--dates", "21 to 25 May")
        self.invite, self.trip = planned["invite"]["url"], planned["trip"]["id"]
        ben.done("join", self.invite, "--name", "Ben")
        ben.done("book", "add", "Big Sky", "6 June", "11:00", "--ticket", "adult", "--trip", "Lisbon")
        ben.done("cart", "checkout", "--pay", "venue")
        self.ana.done("hotel", "add", "Baixa Rooms", "Lisbon", "60 EUR", "--stars", "3")
        (place / "var").mkdir()
        assert admin.main(["backup", str(place / "var" / "trips.db"), "--store", server.store_url]) == 0

    def patched(self, home: Path, variables: Mapping[str, str]) -> None:
        """This process has the environment of somebody with that folder."""
        for name, value in {**self._own, "ROADCREW_HOME": str(home), **variables}.items():
            self._patch.setenv(name, value)
        self._patch.chdir(self.place)

    def filled(self, text: str) -> str:
        """The line, with what stands for something replaced by what there is here."""
        host, code = self.server.url.removeprefix("http://"), self.invite.rpartition("/")[2]
        puts = (
            (r"https?://[\w.:]+/j/K7QM-2D4F", self.invite),
            (r"\b(?:CODE|K7QM-2D4F)@[\w.:]+", f"{code}@{host}"),
            (r"(?<=catalog )FILE", f"{SAMPLES}/sample_catalogue.toml"),
            (r"(?<=quotes )FILE", f"{SAMPLES}/quotes/sample_quotes.toml"),
            (r"\$\(date \+%F\)", "2027-05-20"),
            (r"/var/lib/roadcrew\b", f"{self.place}/var"),
            (r"/backups\b", str(self.place)),
            (r"~/", f"{self.place}/"),
            (r"redis://127\.0\.0\.1:6379/0", self.valkey.url),
            (r"http://127\.0\.0\.1:(?:8787|9000)", self.server.url),
            (r"https://trips\.example\.org(?=/api)", self.server.url),
            (r"--host 0\.0\.0\.0", "--host 127.0.0.1"),
            (r"--port \d+", "--port 0"),
            (r"(?<=--server )URL", self.server.url),
            (r"\bNAME\b", "nia"),
            (r"\bTRIP\b", "Lisbon"),
            (r"\bWORDS\b", "azul"),
            (r"\bDAY\b", "yesterday"),
        )
        for what, by in puts:
            text = re.sub(what, lambda _, by=by: by, text)  # type: ignore[misc]
        return text

    def types(self, command: Simple) -> tuple[int, str]:
        """Run it in this process; its exit status, and what it said."""
        words = command.words[1:]
        home, said = self.place / "ana", "y\n"
        new = " ".join(words[:2]).startswith(NEWCOMERS)
        if new:
            self._newcomers += 1
            home = self.place / f"new{self._newcomers}"
        server = {} if words[0] == "join" else {"ROADCREW_SERVER": self.server.url}
        with self._patch.context() as patch:
            patch.delenv("ROADCREW_SERVER", raising=False)
            for name, value in {"ROADCREW_HOME": str(home), **server, **command.variables}.items():
                patch.setenv(name, value)
            if new and words[0] in ("logout", "you"):
                assert main(["join", self.invite, "--name", "Nia"]) == 0
            if words[:2] == ["trip", "restore"]:
                assert main(["trip", "new", words[2], "--as", "Nia"]) == main(["trip", "delete", "--yes"]) == 0
            if words[0] == "login":
                sign_up(self.server.url, "ana-who-has-an-account")
                said = "ana-who-has-an-account\n"
            patch.setattr("sys.stdin", Answers(said))
            self._capsys.readouterr()
            try:
                status = admin.main(words[1:]) if words[0] == "admin" else main(words)
            except SystemExit as ended:
                status = int(str(ended.code or 0))
        told = self._capsys.readouterr()
        if command.into:
            into = Path(command.into)
            into.parent.mkdir(parents=True, exist_ok=True)  # as the page says
            into.write_text(told.out, "utf-8")
        if status == 0 and command.reader and shutil.which(command.reader.split()[0]):
            return self.shell(command.reader, told.out)
        return status, told.err + told.out

    def shell(self, line: str, given: str = "", **variables: str) -> tuple[int, str]:
        """Have a shell run a line that is none of ours; its exit status, and what it said."""
        done = subprocess.run(
            ["sh", "-c", line],
            input=given,
            capture_output=True,
            text=True,
            cwd=self.place,
            env={**os.environ, **variables},
            timeout=PATIENCE,
            check=False,
        )
        return done.returncode, done.stderr + done.stdout

    def starts(self, command: Simple, home: str, *more: str) -> subprocess.Popen[str]:
        """Start it as a process, with a folder of that name."""
        return subprocess.Popen(
            roadcrew(*command.words[1:], *more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.place,
            env=self.environment(home, command.variables),
        )

    def environment(self, home: str, variables: Mapping[str, str]) -> dict[str, str]:
        """What a process of somebody with a folder of that name has."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ROADCREW_")}
        return {**ours, **self._own, "ROADCREW_HOME": str(self.place / home), **variables}
