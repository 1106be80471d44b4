"""docs/licences.md names every package that somebody gets, under the licence that the package itself says."""

import importlib.util
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "licences.py"


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("licences_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_list_is_the_one_that_the_metadata_of_all_packages_give(licences: ModuleType):
    assert licences.PAGE.read_text("utf-8") == licences.page(), "stale: uv run python scripts/licences.py"


def test_what_is_known_by_heart_is_what_the_package_says_where_it_is_installed(licences: ModuleType):
    comes = {name for found in licences.parts().values() for name in found}
    here = 0
    for name, by_heart in licences.ELSEWHERE.items():
        assert name in comes
        try:
            distribution(name)
        except PackageNotFoundError:
            continue
        here += 1
        said = licences.known(name)
        assert said.licence == by_heart.licence, name
        assert set(licences.reached(list(by_heart.requires))) == set(licences.reached(list(said.requires))), name
    assert here


def test_a_package_whose_licence_is_in_unknown_words_is_not_listed_as_if_it_were_known(
    licences: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(licences, "CLASSIFIERS", {})
    with pytest.raises(licences.Unknown, match="textual-image"):
        licences.licence_of("textual-image")
    with pytest.raises(licences.Unknown, match="not-to-be-found"):
        licences.reached(["not-to-be-found"])


def test_joining_brings_nothing_under_the_gpl_or_lgpl(licences: ModuleType):
    assert {licence for licence in licences.parts()["roadcrew"].values() if "GPL" in licence} == set()
