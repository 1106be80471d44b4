"""Files that hotels can be imported from, as a person half types them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from roadcrew_tui.feed_files import NotAFeed, entries, feed

ROWS = "name,city,stars,price\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hotels.csv").write_text(ROWS)
    (tmp_path / "Hostels.JSON").write_text("[]")
    (tmp_path / "notes.txt").write_text("no")
    (tmp_path / ".hidden.csv").write_text(ROWS)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "porto.csv").write_text(ROWS * 3)
    return tmp_path


# R: J1
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", ["empty.csv", "Hostels.JSON", "hotels.csv", "house/"]),
        ("ho", ["Hostels.JSON", "hotels.csv", "house/"]),
        ("HOT", ["hotels.csv"]),
        ("house/", ["house/porto.csv"]),
        (".", [".hidden.csv"]),
        ("notes", []),
        ("house/../house/", ["house/../house/porto.csv"]),
    ],
)
def test_what_is_half_typed_means_csv_and_json_files_and_folders(folder: Path, typed: str, meant: list[str]):
    assert [e.typed for e in entries(typed, folder)] == meant


def test_a_file_says_its_size_and_a_folder_has_none(folder: Path):
    sizes = {e.name: e.size for e in entries("ho", folder)}
    assert sizes == {"hotels.csv": len(ROWS), "Hostels.JSON": 2, "house/": None}


def test_a_folder_that_is_not_there_is_an_error_of_the_system(folder: Path):
    with pytest.raises(OSError):
        entries("nowhere/", folder)


def test_links_that_lead_nowhere_are_left_out(folder: Path):
    (folder / "round.csv").symlink_to(folder / "round.csv")
    (folder / "gone.csv").symlink_to(folder / "not-there.csv")
    assert [e.name for e in entries("", folder)] == ["empty.csv", "Hostels.JSON", "hotels.csv", "house/"]


def test_of_a_folder_without_end_the_first_entries_are_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roadcrew_tui.feed_files.MOST_SEEN", 2)
    assert len(entries("", folder)) <= 2
    monkeypatch.setattr("roadcrew_tui.feed_files.MOST_SHOWN", 1)
    monkeypatch.setattr("roadcrew_tui.feed_files.MOST_SEEN", 100)
    assert len(entries("", folder)) == 1


# R: J1
@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "Say which file"),
        ("  ", "Say which file"),
        ("house", "That is a folder."),
        ("notes.txt", "CSV or JSON"),
        ("empty.csv", "empty"),
        ("missing.csv", "No such file"),
        ("bad\0name.csv", "can't be read"),
    ],
)
def test_what_can_not_be_imported_says_why(folder: Path, typed: str, why: str):
    with pytest.raises(NotAFeed, match=why):
        feed(typed, folder)


def test_a_pipe_is_not_a_file(folder: Path):
    os.mkfifo(folder / "pipe.csv")
    with pytest.raises(NotAFeed, match="not a file"):
        feed("pipe.csv", folder)


def test_a_feed_has_its_place_its_format_and_its_size(folder: Path):
    found = feed(" Hostels.JSON ", folder)
    assert (found.path, found.name, found.format, found.size) == (folder / "Hostels.JSON", "Hostels.JSON", "json", 2)
    assert feed(str(folder / "hotels.csv"), Path("/")).format == "csv"


def test_a_hostile_name_becomes_a_harmless_one(folder: Path):
    name = "a\x1b[31m\u202e" + "x" * 200 + ".csv"
    (folder / name).write_text(ROWS)
    assert feed(name, folder).name == ("a[31m" + "x" * 200)[:120]
