"""What the gate of the documentation site finds. That the site itself is in order, the gate says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts"


@pytest.fixture(scope="module")
def docs_site() -> ModuleType:
    """The script, which is no package."""
    spec = importlib.util.spec_from_file_location("docs_site_for_tests", SCRIPTS / "docs_site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ELSEWHERE = [
    ("a.html", '<script src="https://cdn.example/x.js"></script>'),
    ("a.html", '<script src="//cdn.example/x.js"></script>'),
    ("a.html", '<link rel="stylesheet" href="https://cdn.example/x.css">'),
    ("a.html", '<link rel="preconnect" href="https://cdn.example/">'),
    ("a.html", '<img src="own.png" srcset="https://cdn.example/x.png 2x">'),
    ("a.html", "<style>@import 'https://cdn.example/x.css';</style>"),
    ("a.html", '<p style="background: url(https://cdn.example/x.png)">'),
    ("a.css", "@font-face { src: url('https://cdn.example/x.woff2') }"),
    ("a.svg", '<svg><image href="https://cdn.example/x.png"/></svg>'),
]


@pytest.mark.parametrize(("name", "text"), ELSEWHERE)
def test_what_is_loaded_from_elsewhere_is_found(name: str, text: str, tmp_path: Path, docs_site: ModuleType) -> None:
    (tmp_path / "own.png").touch()
    (tmp_path / name).write_text(text, "utf-8")
    (found,) = docs_site.outside(tmp_path)
    assert found.startswith(f"{name} loads ")
    assert "cdn.example" in found


def test_a_link_to_follow_and_what_is_its_own_are_nobodys_business(tmp_path: Path, docs_site: ModuleType) -> None:
    (tmp_path / "own.png").touch()
    (tmp_path / "a.html").write_text(
        '<link rel="next" href="https://example.org/"><a href="https://example.org/">x</a><img src="own.png?1#2">'
        "<style>p { background: url(data:image/png;base64,x) }</style><p>url(https://example.org/)</p>",
        "utf-8",
    )
    assert docs_site.outside(tmp_path) == []


def test_what_is_loaded_and_is_not_there_is_found(tmp_path: Path, docs_site: ModuleType) -> None:
    (tmp_path / "a.html").write_text('<img src="gone.png">', "utf-8")
    assert docs_site.outside(tmp_path) == ["a.html loads gone.png, which is not there"]


def test_a_sub_command_whose_words_nobody_is_known_to_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import command_reference

    monkeypatch.delitem(command_reference.ELSEWHERE, "serve")
    with pytest.raises(ValueError, match="roadcrew serve"):
        command_reference.commands()
