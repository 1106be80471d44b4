"""Without a network: what a person does is kept, survives `kill -9`, and arrives once and in order when it is back."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Figure
from tests.support.commands import PASSWORD, Commander, sign_up
from tests.support.serving import ServerProcess, server_process
from tests.support.terminal import Terminal, roadcrew

CHANGES = 20


class Crew:
    """Ben, who started the trip and asks by HTTP, and Ana, who sits at a terminal."""

    def __init__(self, server: ServerProcess, place: Path) -> None:
        self.server = server
        sign_up(server.url, "ben")
        self._ben = self.post("/api/session/login", {"username": "ben", "password": PASSWORD})["token"]
        made = self.post("/api/social-cart/create", {"name": "Lisbon"})
        self.trip = made["trip"]["id"]
        options = ["Wed", "Thu", "Fri"]
        asked = self.ben("/polls", question="When?", kind="yes-maybe-no", options=options)
        self.poll = asked["trip"]["polls"][0]["id"]
        self.cursor = asked["cursor"]
        self.ana = Commander(place / "ana", server.url)
        self.ana.json("join", made["invite"]["url"], "--name", "Ana")
        self.me = self.ana.json("whoami")["user"]["id"]
        self.file = place / "ana" / "data" / "outbox" / "changes.sqlite"

    _ben = ""

    def post(self, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._ben}"} if self._ben else {}
        answer = httpx.post(self.server.url + path, json=body, headers=headers, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json()

    def ben(self, path: str, **body: Any) -> Any:
        return self.post(f"/api/social-cart{path}", {"tripId": self.trip, **body})

    def votes(self) -> list[str]:
        """The commands of all votes that the server has, in the order in which it took them."""
        answer = httpx.get(
            f"{self.server.url}/api/sync",
            params={"topic": f"trip:{self.trip}", "cursor": self.cursor},
            headers={"Authorization": f"Bearer {self._ben}", "Accept": "application/json"},
            trust_env=False,
        )
        events = answer.json()["events"]
        return [e["command"] for e in events if e["type"] == "VoteCast" and e["by"] == self.me]

    def kept(self) -> list[str]:
        """The ids of what is on Ana's disk, in the order in which she made it."""
        if not self.file.exists():
            return []
        with closing(sqlite3.connect(self.file)) as db:
            return [row[0] for row in db.execute("SELECT id FROM changes WHERE state = 'waiting' ORDER BY n")]

    @contextmanager
    def terminal(self) -> Iterator[Terminal]:
        with Terminal(roadcrew(), environment=self.ana.own) as terminal:
            yield terminal

    def votes_offline(self, times: int) -> list[str]:
        """Ana votes so often while there is no server, and her terminal is killed. Returns what was kept."""
        with self.terminal() as ana:
            ana.wait_for(lambda t: "you are Ana" in t.text and "Lisbon" in t.text)
            ana.enter("enter")
            ana.wait_for("● live")
            ana.enter("2")
            ana.wait_for("When?")
            ana.enter("enter")
            self.server.kill()
            for n in range(times):
                ana.press("ym"[n % 2])
            ana.wait_for(f"{times} change{'s' * (times > 1)} wait")
            ana.wait_for(lambda t: len(self.kept()) == times)  # painted at once, and on disk a moment later
            ana.kill()
        return self.kept()


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with server_process(tmp_path) as server:
        yield Crew(server, tmp_path)


# R: S5 S6 S7
def test_twenty_changes_made_offline_survive_kill_9_and_arrive_once_each_and_in_order(
    crew: Crew, figure: Figure
) -> None:
    kept = crew.votes_offline(CHANGES)
    assert len(kept) == CHANGES
    with crew.terminal() as ana:
        ana.wait_for(f"offline · {CHANGES} changes wait")
        ana.enter("w")
        ana.wait_for("Vote Wed maybe in When? · Lisbon")
        assert "kept on this computer" in ana.text
        crew.server.start()
        ana.wait_for("Nothing waits", 60)
        assert crew.votes() == kept
        ana.enter("escape")
        ana.wait_for(lambda t: "you are Ana" in t.text and "2 of 4" in t.text)
        ana.enter("enter")
        ana.wait_for("● live")
        ana.enter("2")
        ana.wait_for("1 voted")
    assert crew.votes() == kept
    figure("changes made offline that were there once and in order after kill -9", len(kept))


# R: S5 S6 S7
def test_after_a_restart_without_a_network_a_trip_opens_and_what_is_done_there_is_sent_once_and_in_order(
    crew: Crew, figure: Figure
) -> None:
    kept = crew.votes_offline(2)
    with crew.terminal() as ana:
        ana.wait_for("offline · 2 changes wait")
        ana.wait_for("Lisbon")
        ana.enter("enter")
        ana.wait_for(lambda t: "○ offline · 2 changes wait · you are Ana" in t.text and "Ben" in t.text)
        ana.enter("2")
        ana.wait_for("When?")
        ana.wait_for("1 voted")  # what waits is painted over the copy
        ana.enter("enter", "y")
        ana.wait_for("3 changes wait")
        ana.wait_for(lambda t: len(crew.kept()) == 3)
        kept = crew.kept()
        crew.server.start()
        ana.wait_for(lambda t: "● live" in t.text and "wait" not in t.lines[0], 60)
        assert crew.votes() == kept
    figure("changes made in a trip opened without a network, sent once and in order", len(kept))


# R: S7 T12
def test_of_a_trip_that_was_left_or_by_somebody_who_signed_out_nothing_is_left_to_see(crew: Crew) -> None:
    def copies() -> list[Path]:
        return list((crew.file.parents[1] / "copies").glob("*/*.trip"))

    with crew.terminal() as ana:
        ana.wait_for(lambda t: "you are Ana" in t.text and "Lisbon" in t.text)
        ana.enter("enter")
        ana.wait_for("● live")
        ana.wait_for(lambda t: len(copies()) == 1)
        ana.enter("escape", "q")
        assert ana.wait_end() == 0
    assert [path.stat().st_mode & 0o777 for path in copies()] == [0o600]
    crew.server.kill()
    assert crew.ana.run("logout", "--yes").returncode == 0
    assert list((crew.file.parents[1] / "copies").rglob("*")) == []
    memory = crew.file.parents[2] / "state" / "memory.json"
    assert json.loads(memory.read_text("utf-8"))[crew.server.url]["lobby"]["trips"] == []
    with crew.terminal() as ana:
        ana.wait_for("not signed in")
        ana.wait_for("No trips yet.")


# R: S7
def test_who_quits_while_changes_wait_is_told_so_in_one_line_and_they_are_sent_next_time(crew: Crew) -> None:
    with crew.terminal() as ana:
        ana.wait_for(lambda t: "you are Ana" in t.text and "Lisbon" in t.text)
        ana.enter("enter")
        ana.wait_for("● live")
        ana.enter("2")
        ana.wait_for("When?")
        ana.enter("enter")
        ana.press("y")
        ana.enter("q", "q", "q")
        assert ana.wait_end() == 0
        assert "next time" not in ana.text
    assert (crew.kept(), len(crew.votes())) == ([], 1), "what was on its way was waited for"
    crew.server.kill()
    with crew.terminal() as ana:
        ana.wait_for("offline")
        ana.enter("enter")
        ana.wait_for("○ offline")
        ana.enter("2")
        ana.wait_for("When?")
        ana.enter("enter", "m", "n")
        ana.wait_for("2 changes wait")
        ana.enter("escape", "escape", "q")
        assert ana.wait_end() == 0
        ana.wait_for("2 changes wait and are sent next time. To look: roadcrew waiting list")
    crew.server.start()
    assert [c["state"] for c in crew.ana.json("waiting", "send")["changes"]] == ["sent", "sent"]
    assert len(crew.votes()) == 3


# R: S6 S7
def test_a_vote_that_came_back_to_a_closed_poll_is_told_with_the_reason_and_a_way_on(crew: Crew) -> None:
    (kept,) = crew.votes_offline(1)
    crew.server.start()
    crew.ben("/polls/close", pollId=crew.poll)
    with crew.terminal() as ana:
        ana.wait_for("1 change needs you")
        ana.enter("w")
        ana.wait_for("before your vote arrived. It was not counted.")
        ana.wait_for("not accepted")
    with crew.terminal() as ana:  # and again after the next start, until it is dismissed
        ana.wait_for("1 change was not accepted. Press w to look.")
        ana.wait_for("you are Ana")
        ana.enter("w")
        ana.wait_for("That poll closed at")
        ana.enter("enter")
        ana.wait_for("● live")
        ana.wait_for("When?")
        ana.enter("w")
        ana.wait_for("d dismiss")
        ana.enter("d")
        ana.wait_for("Nothing waits")
    assert crew.kept() == []
    assert kept not in crew.votes()


# R: G5 S7
def test_what_waits_can_be_listed_dropped_and_sent_without_a_screen(crew: Crew) -> None:
    kept = crew.votes_offline(3)
    listed = crew.ana.json("waiting", "list")["changes"]
    assert [c["id"] for c in listed] == kept
    assert [c["change"]["answers"] for c in listed] == [
        {f"{crew.poll}.0": answer} for answer in ("yes", "maybe", "yes")
    ]
    assert {(c["state"], c["tripName"], c["running"]) for c in listed} == {("waiting", "Lisbon", False)}
    assert crew.ana.run("waiting", "send").returncode == 4, "there is no server"
    assert crew.ana.run("waiting", "drop", kept[0][-8:]).returncode == 2, "nobody was there to be asked"
    assert [c["id"] for c in crew.ana.json("waiting", "drop", kept[0][-8:], "--yes")["changes"]] == kept[:1]
    with closing(sqlite3.connect(crew.file)) as db:
        row = db.execute("SELECT * FROM changes WHERE id = ?", (kept[2],)).fetchone()
        db.execute("UPDATE changes SET made_at = made_at - 90000000 WHERE id = ?", (kept[1],))
        db.commit()
    crew.server.start()
    sent = crew.ana.json("waiting", "send")["changes"]
    assert [(c["id"], c["state"]) for c in sent] == [(kept[1], "asks"), (kept[2], "sent")]
    assert crew.votes() == kept[2:]
    said = crew.ana.run("waiting", "list")
    assert "Vote Wed maybe in When? · Lisbon · 25 h ago · old, not sent" in said.stdout
    assert [c["state"] for c in crew.ana.json("waiting", "send", "--old")["changes"]] == ["sent"]
    assert crew.votes() == [kept[2], kept[1]]
    assert crew.ana.run("waiting", "list").stdout == "Nothing waits.\n"
    crew.ben("/polls/close", pollId=crew.poll)
    with closing(sqlite3.connect(crew.file)) as db:  # as if she had voted a last time without a network
        again = (f"{kept[0][:-4]}0000", *row[2:-1], None)
        db.execute(f"INSERT INTO changes VALUES (NULL, {', '.join('?' * len(again))})", again)
        db.commit()
    refused = crew.ana.run("waiting", "send")
    assert "not accepted" in refused.stdout
    assert (refused.returncode, "1 change was not accepted" in refused.stderr) == (1, True)
    missing = crew.ana.run("waiting", "drop", "nonsense", "--yes")
    assert (missing.returncode, "No waiting change has the id nonsense" in missing.stderr) == (1, True)


# R: S7
def test_two_terminals_of_one_person_send_a_change_once_and_one_goes_on_for_the_other(crew: Crew) -> None:
    with crew.terminal() as other:
        other.wait_for("you are Ana")
        kept = crew.votes_offline(3)
        other.wait_for("3 changes wait", 30)
        crew.server.start()
        other.wait_for(lambda t: "changes wait" not in t.text, 60)
        assert crew.votes() == kept
        assert json.loads(crew.ana.run("waiting", "list", "--json").stdout) == {"changes": []}
