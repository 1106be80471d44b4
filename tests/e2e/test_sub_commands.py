"""Every action without the screen: data on stdout, words on stderr, and an exit status that says how it went."""

import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.serving import ServerProcess, server_process
from tests.support.shapes import faults
from tests.support.terminal import roadcrew
from tests.tui.typist import Typist

from roadcrew_tui.commands import everything


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for sub-commands."""
    with server_process(tmp_path_factory.mktemp("server"), catalog="sample") as running:
        yield running


SAID_ONCE = ("Your sign-in is kept in", "The crew sees you as")
"""What somebody new is told, on stderr."""


class Person:
    """Somebody who only uses sub-commands, with settings of their own."""

    def __init__(self, home: Path, server: str) -> None:
        self._environment = {**os.environ, "ROADCREW_HOME": str(home), "ROADCREW_SERVER": server}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `roadcrew WORDS` without a terminal."""
        return subprocess.run(
            roadcrew(*words),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self._environment,
            stdin=subprocess.DEVNULL,
        )

    def json(self, *words: str) -> Any:
        """What `--json` prints; fails unless it is done."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        said = [line for line in done.stderr.splitlines() if not any(once in line for once in SAID_ONCE)]
        assert said == []
        return json.loads(done.stdout)


# R: G5, T1, T2, T4, T5
def test_a_trip_is_planned_from_start_to_end_without_a_screen(tmp_path: Path, server: ServerProcess) -> None:
    ana, ben = Person(tmp_path / "ana", server.url), Person(tmp_path / "ben", server.url)
    created = ana.json("trip", "new", "Lisbon in May", "--destination", "Lisbon", "--as", "Ana")
    assert created["trip"]["members"][0]["name"] == "Ana"
    assert created["trip"]["name"] == "Lisbon in May"
    joined = ben.json("join", created["invite"]["url"], "--name", "Ben")
    assert [m["name"] for m in joined["trip"]["members"]][1] == "Ben"
    asked = ana.json("poll", "new", "When?", "--option", "20 May", "--option", "21 May", "--kind", "single")
    assert asked["trip"]["polls"][0]["question"] == "When?"
    assert len(ben.json("poll", "vote", "When?", "--yes", "21 May")["trip"]["polls"][0]["options"][1]["votes"]) == 1
    ended = ana.json("poll", "end", "When?")["trip"]["polls"][0]
    assert ended["outcome"]["winners"] == [ended["options"][1]["id"]]
    ana.json("hotel", "add", "Casa Azul", "Lisbon", "84 EUR", "--stars", "4")
    ana.json("hotel", "open-voting")
    assert len(ben.json("hotel", "vote", "Casa Azul")["trip"]["hotels"][0]["votes"]) == 1
    voting = ana.json("hotel", "end-voting")["trip"]
    assert voting["hotelVoting"]["winnerId"] == voting["hotels"][0]["id"]
    assert [t["name"] for t in ben.json("trip", "list")["trips"]] == ["Lisbon in May"]


# R: G5
def test_the_exit_status_says_how_it_went(
    tmp_path: Path, server: ServerProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = Person(tmp_path / "ana", server.url).run("trip", "list")
    assert (stranger.returncode, stranger.stdout) == (3, "")
    assert "sign in" in stranger.stderr
    ana = Typist(tmp_path / "ana", server.url, monkeypatch, capsys)
    assert ana.run("trip", "new", "Lisbon").status == 0
    assert ana.run("trip", "new").status == 2
    assert ana.run("trip", "show", "--trip", "Nowhere").status == 2
    refused = ana.run("poll", "vote", "No such poll", "--yes", "1")
    assert (refused.status, len(refused.err)) == (1, 1)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    unsure = ana.run("trip", "delete")
    assert unsure.status == 2
    assert "--yes" in unsure.err[0]
    assert ana.run("trip", "delete", "--yes").status == 0
    assert ana.run("trip", "new", "X", server="http://127.0.0.1:1").status == 4


CART = "/api/social-cart"
AS_ANSWERED = (
    ("trip list", "GET", f"{CART}/trips"),
    ("trip edit --name Porto", "POST", f"{CART}/update"),
    ("poll new When? --option a --option b", "POST", f"{CART}/polls"),
    ("poll vote When? --yes a", "POST", f"{CART}/polls/vote"),
    ("poll end When?", "POST", f"{CART}/polls/close"),
    ("hotel add Azul Lisbon 84EUR --stars 4", "POST", f"{CART}/hotels/shortlist"),
    ("hotel open-voting", "POST", f"{CART}/hotels/open-voting"),
    ("hotel vote Azul", "POST", f"{CART}/hotels/vote"),
    ("hotel end-voting", "POST", f"{CART}/hotels/close-voting"),
    ("hotel drop Azul", "POST", f"{CART}/hotels/unshortlist"),
    ("hotel restore Azul", "POST", f"{CART}/hotels/restore"),
    ("trip history", "GET", f"{CART}/history"),
    ("talk comment Hello", "POST", "/api/feeds/{type}/{id}/comments"),
    ("book list", "GET", "/api/exhibitions"),
    ("cart show", "GET", "/api/cart/load"),
    ("trip delete --yes", "POST", f"{CART}/delete"),
    ("trip deleted", "GET", f"{CART}/trips"),
    ("trip restore Porto", "POST", f"{CART}/restore"),
    ("trip hand-over Ben", "POST", f"{CART}/organiser"),
    ("trip leave", "POST", f"{CART}/leave"),
)
"""Sub-commands in an order in which they can be done, and the calls whose answers `--json` prints."""


# R: G5
def test_what_json_prints_is_what_the_description_of_the_api_says(
    tmp_path: Path, server: ServerProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = httpx.get(f"{server.url}/openapi.json", trust_env=False).json()

    def wrong(printed: Any, method: str, path: str) -> list[str]:
        responses = document["paths"][path][method.lower()]["responses"]
        done = next(response for status, response in responses.items() if status.startswith("2"))
        return faults(printed, done["content"]["application/json"]["schema"], document["components"]["schemas"])

    ana, ben = (Typist(tmp_path / name, server.url, monkeypatch, capsys) for name in ("ana", "ben"))
    created = ana.json("trip", "new", "Lisbon", "--as", "Ana")
    assert wrong(created, "POST", f"{CART}/create") == []
    # What is only for a client that goes on, or was asked for by nobody, is left out; the rest is as it is.
    assert wrong(ana.json("trip", "show"), "GET", f"{CART}/join") == [": no cursor"]
    joined = ben.json("trip", "join", created["invite"]["url"], "--name", "Ben")
    assert wrong(joined, "POST", f"{CART}/join") == [": no cursor"]
    assert wrong(ana.json("trip", "invite", "--uses", "5"), "POST", f"{CART}/invite") == [": no trip"]
    assert wrong(ana.json("you", "rename", "Anna"), "PATCH", "/api/session") == [": no expiresAt"]
    for words, method, path in AS_ANSWERED:
        assert wrong(ana.json(*words.split()), method, path) == [], words


# R: G5
def test_watch_prints_each_event_once_as_json(tmp_path: Path, server: ServerProcess) -> None:
    ana = Person(tmp_path / "ana", server.url)
    ana.json("trip", "new", "Lisbon")
    watching = subprocess.Popen(
        roadcrew("watch", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ana._environment,
    )
    try:
        assert watching.stderr is not None
        assert watching.stdout is not None
        while "live" not in watching.stderr.readline():
            assert watching.poll() is None
        ana.json("poll", "new", "When?", "--option", "a", "--option", "b", "--kind", "single")
        event = json.loads(watching.stdout.readline())
        assert (event["type"], event["seq"]) == ("PollOpened", 1)
        ana.json("trip", "delete", "--yes")
        assert json.loads(watching.stdout.readline())["type"] == "TripEnded"
        assert watching.wait(20) == 0
    finally:
        watching.kill()
        watching.communicate()


# R: G5
def test_every_action_of_the_screen_that_changes_something_is_a_sub_command() -> None:
    about_the_screen = {"Everywhere"}
    without = {c.id for c in everything() if c.sub is None and c.group not in about_the_screen}
    assert without <= SCREEN_ONLY, without - SCREEN_ONLY


SCREEN_ONLY = {
    "app.look-around",  # roadcrew demo
    "you.sign-in",  # roadcrew login
    "you.sign-in-again",
    "you.who",  # roadcrew whoami
    "you.sign-out",  # roadcrew logout
    "trip.share",  # roadcrew trip invite prints the link
    "trip.print",
    "poll.yes",  # roadcrew poll vote --yes, --maybe, --no
    "poll.maybe",
    "poll.no",
    "poll.use-dates",  # roadcrew trip edit --dates
    "poll.take-back",
    "crew.member",  # a menu of other actions
    "hotel.link",
    "history.since",  # roadcrew trip history --since, --by
    "history.by",
    "import.filter",  # roadcrew import hotels --city, --search, --stars, --max
    "import.fresh",
    "book.more",  # roadcrew book add --ticket adult=2
    "book.fewer",
    "book.talk",  # roadcrew talk list --exhibition, --hotel
    "hotel.talk",
    "talk.reply",  # roadcrew talk comment --reply
    "talk.write",  # roadcrew talk post, roadcrew talk blog
    "talk.whole",  # roadcrew talk list prints all of it
    "talk.find",
    "talk.links",
    "talk.more",  # a menu of other actions
    "saved.turn",  # roadcrew talk save --none
    "image.stop",  # ctrl+c
}
"""Actions that are about the screen itself, or have a sub-command of another shape."""
