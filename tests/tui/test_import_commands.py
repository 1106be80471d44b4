"""`roadcrew import …` at a real server with a real price monitor: what is printed, in which shapes, how each ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.price_monitor.server import KEY, Process
from tests.support.commands import NO_KEYRING
from tests.support.serving import ServerProcess, server_process
from tests.tui.typist import Typist

FEED = """name,city,stars,price,currency
Casa Azul,Lisbon,4,84,EUR
Ritz,Lisbon,5,200,EUR
Ritz,Porto,5,180,EUR
Broken,Lisbon,4,cheap,EUR
Alfama,lisbon,2,48,
"""
MOST = 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    place = tmp_path_factory.mktemp("server")
    with Process(place / "monitor") as monitor, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONITOR_PRICE_APP_HOST", f"127.0.0.1:{monitor.port}")
        patch.setenv("PRICE_MONITOR_API_KEY", KEY)
        with server_process(place, max_feed=MOST, feeds_per_user="1000/hour") as running:
            yield running


New = Callable[..., Typist]


@pytest.fixture
def new(
    tmp_path: Path, server: ServerProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> New:
    """`new("Ana")`: a guest with a trip of their own."""
    for name, value in NO_KEYRING.items():
        monkeypatch.setenv(name, value)
    for name in ("ROADCREW_TOKEN", "ROADCREW_TRIP"):
        monkeypatch.delenv(name, raising=False)

    def make(name: str) -> Typist:
        person = Typist(tmp_path / name, server.url, monkeypatch, capsys)
        person.json("trip", "new", "Lisbon", "--as", name)
        return person

    return make


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "hotels.csv"
    path.write_text(FEED)
    return str(path)


# R: J1, J3, J6, G5
def test_a_file_is_imported_looked_through_and_shortlisted_by_words(new: New, file: str) -> None:
    ana = new("Ana")
    assert ana.done("import", "list") == ["No imports yet. Begin: roadcrew import hotels.csv"]
    came = ana.run("import", file, "--currency", "EUR", "--name", "Spring")
    assert came.status == 0, came
    assert came.err[0].startswith("roadcrew: Sending, 0 B of ")
    assert "roadcrew: It goes on when this command ends; roadcrew import cancel stops it." in came.err
    assert came.out[0].startswith("Spring, 146 B  ")
    assert came.out[1].endswith("4 hotels, 1 row refused")
    assert came.out[2:4] == ["Refused: 1 bad price", "  line 5  bad-price: “cheap” is no price."]
    assert ana.done("import", "show") == came.out
    assert ana.done("import", "show", "spring") == came.out
    assert ana.done("import", "watch", "1") == came.out
    assert ana.done("import", "hotels") == [
        "Alfama  Lisbon  2 stars  €48  line 6",
        "Casa Azul  Lisbon  4 stars  €84  line 2",
        "Ritz  Porto  5 stars  €180  line 4",
        "Ritz  Lisbon  5 stars  €200  line 3",
    ]
    assert ana.done("import", "hotels", "--sort", "stars", "--descending", "--city", "lisbon", "--max", "84") == [
        "Casa Azul  Lisbon  4 stars  €84  line 2",
        "Alfama  Lisbon  2 stars  €48  line 6",
    ]
    assert ana.done("import", "hotels", "--search", "savoy") == ["No hotels."]
    first, more = ana.done("import", "hotels", "--limit", "1")
    assert first.startswith("Alfama")
    after = more.removeprefix("1 of 4; the next ones: --after ")
    assert ana.done("import", "hotels", "--limit", "1", "--after", after)[0].startswith("Casa Azul")
    assert ana.done("import", "refused") == ["line 5  bad-price: “cheap” is no price."]
    both = ana.run("import", "shortlist", "Ritz")
    assert both.status == 1
    assert both.err[1:] == ["  Ritz  Lisbon  5 stars  €200  line 3", "  Ritz  Porto  5 stars  €180  line 4"]
    listed = ana.json("import", "shortlist", "casa", "Ritz", "--city", "Lisbon")
    assert [(h["name"], h["pricePerNight"]["amount"]) for h in listed["trip"]["hotels"]] == [
        ("Casa Azul", 8400),
        ("Ritz", 20000),
    ]


# R: J1, G5
def test_json_is_a_line_for_what_has_begun_for_each_event_and_for_what_came_of_it(new: New, file: str) -> None:
    ana = new("Ana")
    started, *lines, came = ana.lines("import", file, "--currency", "EUR")
    job = started["jobId"]
    assert started == {"jobId": job, "status": "processing", "streamUrl": f"/api/jobs/{job}/progress"}
    assert all(set(line) == {"jobId", "status", "job"} for line in lines if "job" in line)
    assert lines  # how it was when it was first seen, and each event since; it may have been over by then
    numbers = [line["seq"] for line in lines if "seq" in line]
    assert all(later == earlier + 1 for earlier, later in pairwise(numbers))
    read = ana.get(f"/api/jobs/{job}")
    assert came.keys() == read.keys()
    assert came["status"] == "finished"
    assert came["job"]["counts"] == read["job"]["counts"] == {"good": 4, "refused": 1, "bytes": len(FEED)}
    assert ana.json("import", "hotels", job) == ana.get(f"/api/jobs/{job}/hotels?sort=price")
    assert ana.json("import", "refused", job) == ana.get(f"/api/jobs/{job}/refused")
    assert [note["id"] for note in ana.json("import", "list")["imports"]] == [job]


# R: J1, J3, G5
def test_what_can_not_be_imported_is_refused_before_it_is_sent(new: New, tmp_path: Path, file: str) -> None:
    ana = new("Ana")
    large = tmp_path / "large.csv"
    large.write_text(FEED + "x" * MOST)
    refused = ana.run("import", str(large))
    assert (refused.status, refused.err) == (
        1,
        ["roadcrew: That file is larger than the 100 kB that this server takes."],
    )
    for name, words in (("no.csv", "can't be read"), (".", "folder"), ("hotels.txt", "can't be read")):
        wrong = ana.run("import", str(tmp_path / name))
        assert wrong.status == 2
        assert words in wrong.err[0]
    assert ana.run("import").status == 2
    assert ana.run("import", "show").status == 1
    assert ana.run("import", file, server="http://127.0.0.1:1").status in (3, 4)


# R: J1, J3
def test_a_feed_that_is_none_fails_with_its_reason(new: New, tmp_path: Path) -> None:
    ana, feed = new("Ana"), tmp_path / "hotels.json"
    feed.write_text("nonsense")
    failed = ana.run("import", str(feed))
    assert failed.status == 1
    assert any("It failed:" in line for line in failed.out)
    assert failed.err[-1].removeprefix("roadcrew: ") in " ".join(failed.out)


# R: J2
def test_a_server_without_a_price_monitor_says_so(
    new: New, tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new("Ana")
    for name in ("MONITOR_PRICE_APP_HOST", "PRICE_MONITOR_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with server_process(tmp_path) as bare:
        ben = Typist(tmp_path / "ben", bare.url, monkeypatch, capsys)
        ben.json("trip", "new", "Lisbon", "--as", "Ben")
        refused = ben.run("import", file)
        assert refused.status == 1
        assert refused.err == ["roadcrew: This server has no price monitor, so nothing can be imported there."]
        assert ben.done("quote", "providers") == ["This server asks nobody for prices."]
        nobody = ben.run("quote", "vehicle", "1M8GDM9AXKP042788", "--driver", "34", "--dates", "2027-05-21")
        assert (nobody.status, nobody.out) == (1, [])
