"""A server of our own: for the demo, and for tapes, which may stop it and start it again."""

from pathlib import Path

import httpx
import pytest

from roadcrew_tui.serving import CantServe, OwnServer


def name_at(url: str) -> str:
    """How a server calls itself."""
    told: str = httpx.get(f"{url}/api/server", timeout=10).raise_for_status().json()["name"]
    return told


def test_our_own_server_comes_back_where_it_was_and_is_not_set_up_by_what_is_set_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADCREW_SERVER_NAME", "The office")
    monkeypatch.setenv("ROADCREW_PORT", "1")
    store = f"sqlite:///{tmp_path / 'own.db'}"
    with OwnServer(["--port", "0", "--store", store], {"ROADCREW_SERVER_NAME": "Ours"}) as server:
        url = server.url
        assert name_at(url) == "Ours"
        server.kill()
        assert not server.runs()
        with pytest.raises(httpx.ConnectError):
            name_at(url)
        server.start()
        assert server.runs()
        assert server.url == url
        assert name_at(url) == "Ours"
    assert not server.runs()


def test_our_own_server_that_can_not_start_says_why(tmp_path: Path) -> None:
    server = OwnServer(["--port", "0", "--store", f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'x.db'}"])
    (tmp_path / "no").write_text("in the way")
    with pytest.raises(CantServe, match=r"\w+ \w+"):
        server.start()
    assert not server.runs()
