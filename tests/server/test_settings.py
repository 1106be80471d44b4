"""What an operator says is checked before anything is served, and a wrong word is answered with a sentence."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from roadcrew_server.__main__ import arguments
from roadcrew_server.http import HttpServer
from roadcrew_server.settings import Settings, default_store
from roadcrew_server.stores.sqlite import path_of


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PUBLIC_URL", "TRUSTED_PROXIES", "STORE", "HOME"):
        monkeypatch.delenv(f"ROADCREW_{name}", raising=False)
    for name in ("MONITOR_PRICE_APP_HOST", "PRICE_MONITOR_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "url",
    [
        "trips.example.org",
        "ftp://trips.example.org",
        "https://",
        "https:///trips",
        "https://ana:secret@trips.example.org",
        "https://trips.example.org?a=b",
        "https://trips.example.org/#top",
        "https://trips.example.org:port",
        "https://trips.example.org:70000",
        "https://trips .example.org",
        "https://trips.example.org\n",
    ],
)
def test_a_public_address_that_is_none_is_refused_with_a_sentence(url: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        arguments(["--public-url", url])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "error: A public address is http:// or https:// with a host and perhaps a path, such as" in said
    assert "validation error" not in said


def test_a_public_address_in_the_environment_is_checked_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ROADCREW_PUBLIC_URL", "javascript:alert(1)")
    with pytest.raises(SystemExit) as ended:
        arguments([])
    assert ended.value.code == 2
    assert "A public address is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://trips.example.org", "https://trips.example.org"),
        ("http://[2001:db8::1]:8787/", "http://[2001:db8::1]:8787"),
        ("https://example.org/trips/", "https://example.org/trips"),
        ("", "http://127.0.0.1:1"),
    ],
)
def test_links_begin_with_a_good_public_address(url: str, link: str):
    assert Settings(public_url=url).address(1) == link


@pytest.mark.parametrize("store", ["trips.db", "sqlite:///", "sqlite://host/trips.db", "sqlite:///a.db?mode=ro"])
def test_a_store_that_is_none_is_refused(store: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        arguments(["--store", store])
    assert ended.value.code == 2
    assert "is not a store" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["crew", "100% of us #1?"])
def test_one_folder_for_everything_holds_the_store_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str):
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path / folder))
    settings, _ = arguments([])
    assert path_of(settings.store) == tmp_path / folder / "data" / "roadcrew.db"
    assert path_of(arguments(["--store", "sqlite:///trips.db"])[0].store) == Path("trips.db")


def test_without_it_the_store_is_in_the_platforms_folder(monkeypatch: pytest.MonkeyPatch):
    assert path_of(default_store()).is_absolute()
    assert path_of(default_store()).name == "roadcrew.db"


# R: F2
@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("MODERATORS", ("ana", "0190f1a2-6c3e-7b14-9d55-3f0a1c2b4d5e,ana", "*"), "Moderators are the ids of people"),
        (
            "BLOBS",
            ("/srv/images", "file://host/images", "http://a/b", "s3://", "s3://B", "s3://b/?x"),
            "Images are kept in file:///FOLDER or s3://BUCKET/PATH",
        ),
    ],
)
def test_a_moderator_is_an_id_and_images_are_kept_in_a_folder_or_a_bucket(
    name: str, values: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for value in values:
        monkeypatch.setenv(f"ROADCREW_{name}", value)
        with pytest.raises(SystemExit):
            arguments([])
        assert f"error: {said}" in capsys.readouterr().err, value


@pytest.mark.parametrize("rate", ["", "often", "10", "10/fortnight"])
def test_a_rate_is_a_number_in_a_while(rate: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("ROADCREW_REQUESTS_PER_USER", rate)
    with pytest.raises(SystemExit) as ended:
        arguments([])
    assert ended.value.code == 2
    assert "error: A rate is a number of times in a while, such as 240/minute" in capsys.readouterr().err


def test_every_setting_is_explained():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("proxies", ["localhost", "10.0.0.0/40", "127.0.0.1 10.0.0.1"])
def test_a_trusted_proxy_is_an_address_or_a_network(proxies: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROADCREW_TRUSTED_PROXIES", proxies)
    with pytest.raises(SystemExit) as ended:
        arguments([])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("trusted", "connected", "seen"),
    [
        ("", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.5", "10.0.0.5"),
        ("127.0.0.1, 10.0.0.0/8", "10.0.0.5", "203.0.113.9"),
        ("*", "10.0.0.5", "203.0.113.9"),
    ],
)
async def test_only_a_trusted_proxy_is_believed_where_a_request_comes_from(
    trusted: str, connected: str, seen: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # what uvicorn would look at by itself
    came: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        came.append(scope["client"][0])

    config = HttpServer(app, trusted_proxies=Settings(trusted_proxies=trusted).trusted_proxies).config
    config.load()
    headers = [(b"x-forwarded-for", b"203.0.113.9")]
    scope = {"type": "http", "client": (connected, 5), "scheme": "http", "headers": headers}

    async def nothing(*_: Any) -> Any:
        return {}

    await config.loaded_app(scope, nothing, nothing)
    assert came == [seen]


# R: J2
@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("prices.example.org", "wss://prices.example.org"),
        ("prices.example.org:9000", "wss://prices.example.org:9000"),
        ("wss://prices.example.org/", "wss://prices.example.org"),
        ("127.0.0.1:8790", "ws://127.0.0.1:8790"),
        ("localhost:8790", "ws://localhost:8790"),
        ("[::1]:8790", "ws://[::1]:8790"),
        ("wss://127.0.0.1:8790", "wss://127.0.0.1:8790"),
        ("", ""),
    ],
)
def test_a_price_monitor_is_spoken_to_by_tls_but_for_one_on_this_computer(
    host: str, url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MONITOR_PRICE_APP_HOST", host)
    monkeypatch.setenv("PRICE_MONITOR_API_KEY", "a-key")
    assert Settings().monitor_price_app_host == url


@pytest.mark.parametrize(
    "host", ["http://x", "x:y", "x/y", "ws://ana:secret@127.0.0.1", ":90", "127.0.0.1:0", "a b", "x?y", "x\x00", "//x"]
)
def test_a_price_monitor_that_is_no_host_is_refused_with_a_sentence_that_repeats_nothing(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(ValueError, match="A price-monitor service is HOST:PORT") as refused:
        Settings(monitor_price_app_host=host, price_monitor_api_key=SecretStr("a-key"))
    assert "secret" not in str(refused.value).partition("[type=")[0]


# R: J2
def test_a_price_monitor_elsewhere_without_tls_must_be_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MONITOR_PRICE_APP_HOST", "ws://prices.example.org")
    monkeypatch.setenv("PRICE_MONITOR_API_KEY", "a-key")
    with pytest.raises(ValueError, match="ROADCREW_PRICE_MONITOR_INSECURE"):
        Settings()
    monkeypatch.setenv("ROADCREW_PRICE_MONITOR_INSECURE", "1")
    assert Settings().monitor_price_app_host == "ws://prices.example.org"


# R: J2
def test_a_price_monitor_without_a_key_is_refused_and_a_key_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MONITOR_PRICE_APP_HOST", "127.0.0.1:8790")
    with pytest.raises(SystemExit):
        arguments([])
    assert "PRICE_MONITOR_API_KEY" in capsys.readouterr().err
    monkeypatch.setenv("PRICE_MONITOR_API_KEY", "do-not show")
    with pytest.raises(SystemExit):
        arguments([])
    assert "do-not" not in capsys.readouterr().err
    monkeypatch.setenv("PRICE_MONITOR_API_KEY", "do-not-show")
    assert "do-not-show" not in repr(Settings())
