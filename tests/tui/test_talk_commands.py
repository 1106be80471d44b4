"""`roadcrew talk …` at a real server: what is printed, in which shapes, and how each ends."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from tests.support.commands import NO_KEYRING
from tests.support.serving import ServerProcess, server_process
from tests.tui.typist import Typist

from roadcrew_client.frames import Here, Presence
from roadcrew_domain.text import is_forbidden
from roadcrew_tui.commands import talk_words


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("server"), catalog="sample") as running:
        yield running


New = Callable[..., Typist]


@pytest.fixture
def new(
    tmp_path: Path, server: ServerProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> New:
    """`new("Ana")`: a guest with a trip of their own and a hotel on its shortlist; `new("Ben", invite)`: one who
    joined."""
    for name, value in NO_KEYRING.items():
        monkeypatch.setenv(name, value)
    for name in ("ROADCREW_TOKEN", "ROADCREW_TRIP"):
        monkeypatch.delenv(name, raising=False)

    def make(name: str, invite: str = "") -> Typist:
        person = Typist(tmp_path / name, server.url, monkeypatch, capsys)
        if invite:
            person.json("trip", "join", invite, "--name", name)
        else:
            person.json("trip", "new", "Lisbon", "--as", name)
            person.json("hotel", "add", "Casa Azul", "Lisbon", "84 EUR", "--stars", "4")
        return person

    return make


def invite_of(person: Typist) -> str:
    return str(person.json("trip", "invite")["invite"]["code"])


# R: F2, G5
def test_people_talk_by_words_and_read_what_the_others_did(new: New) -> None:
    ana = new("Ana")
    ben = new("Ben", invite_of(ana))
    assert ana.done("talk", "list") == ["Nothing was said yet. Begin: roadcrew talk comment TEXT"]
    assert ana.done("talk", "comment", "Shall we meet at nine, @Ben?") == ["1  Ana, now: Shall we meet at nine, @Ben?"]
    assert ben.done("talk", "comment", "At ten", "--reply", "1") == ["2  Ben, now, to 1 of Ana: At ten"]
    assert ben.done("talk", "edit", "2", "At eleven") == ["2  Ben, now, to 1 of Ana: At eleven (edited)"]
    assert ana.done("talk", "react", "2", "heart") == ["2  Ben, now, to 1 of Ana: At eleven (edited)  heart 1"]
    ana.done("talk", "unreact", "2", "heart")
    assert ben.done("talk", "list") == [
        "1  Ana, now: Shall we meet at nine, @Ben?",
        "2  Ben, now, to 1 of Ana: At eleven (edited)",
    ]
    assert ana.done("talk", "list", "--limit", "1")[0] == "There are older ones: --before 2"
    assert ana.done("talk", "mute", "Ben")[0].startswith("Ben  ")
    assert ana.done("talk", "list")[1] == "2  of somebody whom you do not read"
    assert ana.done("talk", "unmute", "Ben") == ["You read everybody."]
    assert ana.done("talk", "remove", "2", "--yes") == ["2  Ben, now: removed by Ana"]
    assert ben.done("talk", "read", "2") == ["2  Ben, now: removed by Ana"]


# R: F2, G5
def test_what_was_removed_is_listed_for_who_may_bring_it_back_and_brought_back_by_them(new: New) -> None:
    ana = new("Ana")
    ben = new("Ben", invite_of(ana))
    assert ana.done("talk", "removed") == ["There is nothing that you can bring back."]
    for text in ("Rubbish!", "Never mind"):
        ben.done("talk", "comment", text)
    ana.done("talk", "remove", "1", "--yes")
    ben.done("talk", "remove", "2", "--yes")
    (mine,), (theirs,) = ana.done("talk", "removed"), ben.done("talk", "removed")
    assert re.fullmatch(r"1  Ben, now: Rubbish!  until \S.*", mine)
    assert theirs.startswith("2  Ben, now: Never mind  until ")
    assert set(ben.json("talk", "removed")["removed"][0]) == {"item", "by", "at", "until"}
    assert ana.done("talk", "restore", "1") == ["1  Ben, now: Rubbish!"]
    assert ben.json("talk", "restore", "2")["item"]["text"] == "Never mind"
    assert ana.done("talk", "list") == ["1  Ben, now: Rubbish!", "2  Ben, now: Never mind"]


# R: F2
def test_places_are_rated_liked_and_saved_and_told_in_numbers(new: New) -> None:
    ana = new("Ana")
    assert ana.done("talk", "rate", "4", "--hotel", "casa") == ["4.0 of 5 stars, by 1, yours 4"]
    assert ana.done("talk", "like", "--hotel", "casa") == ["1 like, one of them yours"]
    assert ana.done("talk", "save", "--hotel", "casa") == ["Saved by 1, also by you"]
    name, *numbers = ana.done("talk", "summary", "--hotel", "casa")
    assert re.fullmatch(r"Casa Azul  location:hotel\.[0-9a-f]{16}", name)
    assert numbers == [
        "0 comments, 0 images",
        "4.0 of 5 stars, by 1, yours 4",
        "1 like, one of them yours",
        "Saved by 1, also by you",
    ]
    assert ana.done("talk", "saved") == [name]
    assert ana.done("talk", "save", "--none", "--hotel", "casa") == ["Saved by 0"]
    assert ana.done("talk", "saved") == ["You saved nothing yet. Save it: roadcrew talk save"]
    assert ana.done("talk", "rate", "--none", "--hotel", "casa") == ["Nobody has rated it yet."]
    title = ana.json("book", "list")["exhibitions"][0]["title"]
    assert ana.done("talk", "rate", "5", "--exhibition", title)[0].endswith("yours 5")


# R: F6
def test_posts_and_blogs_are_written_from_files_and_talked_about_themselves(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = new("Ana")
    assert ana.done("talk", "post", "Landed") == ["1  Ana, now: Landed"]
    assert ana.done("talk", "comment", "Welcome", "--post", "1") == ["1  Ana, now: Welcome"]
    markdown = "# Sun\n\n    and code\n\nand a \x1b[31mbeach"
    monkeypatch.setattr("sys.stdin", io.StringIO(markdown))
    assert ana.run("talk", "blog", "Day one", "-").status == 1  # a terminal would obey what is in it
    monkeypatch.setattr("sys.stdin", io.StringIO(markdown.replace("\x1b[31m", "")))
    assert ana.done("talk", "blog", "Day one", "-") == ["1  Ana, now: Day one"]
    assert ana.done("talk", "read", "1", "--channel", "blogs") == [
        "1  Ana, now: Day one", "# Sun", "", "    and code", "", "and a beach"
    ]  # fmt: skip
    ana.done("talk", "edit", "1", "Rain", "--channel", "blogs")
    assert ana.json("talk", "read", "1", "--channel", "blogs")["item"]["title"] == "Day one"


# R: F2
def test_an_image_is_shown_and_fetched_again_into_a_new_file_only(new: New, tmp_path: Path) -> None:
    ana = new("Ana")
    Image.new("RGB", (40, 30), "red").save(tmp_path / "beach.png")
    assert ana.done("talk", "image", str(tmp_path / "beach.png"), "--caption", "Red") == ["1  Ana, now: Red"]
    out = tmp_path / "again.png"
    fetched = ana.json("talk", "fetch", "1", str(out))
    assert fetched["bytes"] == out.stat().st_size > 0
    with Image.open(out) as image:
        assert image.size == (40, 30)
    assert ana.run("talk", "fetch", "1", str(out)).status == 2
    (tmp_path / "no.png").write_bytes(b"no image")
    assert ana.run("talk", "image", str(tmp_path / "no.png")).status == 2


# R: G5
def test_json_is_what_http_says(new: New) -> None:
    ana = new("Ana")
    said = ana.json("talk", "comment", "Hello")
    assert set(said) == {"item", "seq", "cursor"}
    trip = ana.json("trip", "list")["trips"][0]["id"]
    assert ana.json("talk", "list") == ana.get(f"/api/feeds/trip/{trip}/comments")
    assert ana.json("talk", "summary") == ana.get(f"/api/feeds/trip/{trip}")
    assert ana.json("talk", "saved") == ana.get("/api/feeds/saved")
    assert ana.json("talk", "muted") == ana.get("/api/session/mutes")
    assert set(ana.json("talk", "rate", "3")) == {"rating", "seq", "cursor"}
    here = ana.json("talk", "here")
    assert here["topic"] == f"feed:trip:{trip}:presence"
    assert [who["name"] for who in here["present"]] == ["Ana"]


# R: G5
def test_what_can_not_be_done_is_said_in_a_sentence(new: New) -> None:
    ana = new("Ana")
    for words, status, said in (
        (("comment", "  "), 1, "The comment is empty."),
        (("rate", "6"), 1, "A rating is 1 to 5 stars."),
        (("rate",), 1, "Say how many stars, 1 to 5, or --none to take yours back."),
        (("edit", "7", "x"), 1, "There is none of number 7. See: roadcrew talk list"),
        (("list", "--hotel", "Ritz"), 1, "There is no hotel called Ritz."),
        (("list", "--hotel", "casa", "--post", "1"), 1, "Say one thing to talk about, not hotel and post."),
        (("fetch", "1", "x"), 1, "There is none of number 1. See: roadcrew talk list"),
        (("remove", "7"), 2, "Remove this for everybody? For 30 days it can be brought back. Add --yes."),
    ):
        ended = ana.run("talk", *words)
        assert (ended.status, ended.err) == (status, [f"roadcrew: {said}"]), words


HOSTILE = "\x1b]0;owned\x07[@click=app.quit]x[/] \u202e\u2066\x9b31m\ntwo\r\x00"


# R: G5
def test_nothing_that_somebody_wrote_or_is_called_is_obeyed_by_a_terminal() -> None:
    at = "2030-05-01T10:00:00Z"
    item = {
        "id": "i", "no": 1, "by": "b", "name": HOSTILE, "at": at, "text": HOSTILE, "title": HOSTILE,
        "replyTo": {"id": "j", "no": 2, "by": "c", "name": HOSTILE},
    }  # fmt: skip
    removed = {**item, "removed": {"by": "c", "name": HOSTILE, "at": at}}
    marks = {"rating": {"spread": [0, 0, 0, 0, 0]}, "likes": {}, "saves": {}, "comments": {}, "images": {}}
    thing = {"type": "location", "id": HOSTILE, "name": HOSTILE}
    person = {"id": HOSTILE, "name": HOSTILE, "at": at}
    for result in (
        {"items": [item, removed], "channel": "comments", "unread": [], "more": True},
        {"item": item},
        {"item": item, "whole": True},
        {"item": removed, "whole": True},
        {**thing, **marks},
        {"saved": [thing], "next": HOSTILE},
        {"muted": [person]},
        {"removed": [{"item": item, "by": "c", "at": at, "until": at}], "more": True},
        {"topic": "t", "present": [person], "seen": [person]},
        {"itemId": "i", "file": HOSTILE, "bytes": 1},
    ):
        lines = talk_words.told(result)
        assert lines
        assert not [c for line in lines for c in line if is_forbidden(c) or c == "\n"], lines


def test_of_a_crowd_it_is_said_how_many_more_are_here() -> None:
    crowd = Presence("feed:trip:t:presence", (Here("b", None, "Ben"),), others=4_900)
    assert talk_words.present(crowd) == "Here: Ben and 4900 more"
    assert talk_words.present(Presence(crowd.topic)) == "Nobody is here."
