"""The provider `http`: what it sends, what it reads, whom it does not speak to, and APIs that misbehave."""

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpcore
import pytest
from tests.support.hostile_api import HostileApi, hostile_api, whole
from tests.support.people import eventually
from tests.support.quoting import BMW, Said, asked, faults, hotel, loaded, stay, vehicle

from roadcrew_domain.money import Money
from roadcrew_server.quotes.amounts import money
from roadcrew_server.quotes.base import Failed
from roadcrew_server.quotes.guarded import Line, NotPublic, PublicOnly, Question, is_public
from roadcrew_server.quotes.paths import MAX_FOUND
from roadcrew_server.quotes.paths import Path as JsonPath
from roadcrew_server.quotes.registry import Providers

TLS = Path(__file__).parent / "tls"
KEY = "sk-live-0123456789+/%"
CASA, FOZ = hotel("Casa [b] & Söhne/..", hotel_id="h1"), hotel("Foz", hotel_id="h2")

ONE = """\
    [[provider]]
    id = "acme"
    name = "Acme"
    use = "http"
    timeout = 5
    allow_private = true

    [provider.vehicle]
    url = "{url}"

    [provider.vehicle.answer]
    prices = "offers[*]"
    total = "price.total"
    currency = "price.currency"
    """


@pytest.fixture
async def api() -> AsyncIterator[HostileApi]:
    async with hostile_api() as api:
        yield api


def one(folder: Path, url: str, **more: Any) -> Providers:
    """A provider of prices for vehicles at that address."""
    return loaded(folder, ONE.replace("{url}", url), **more)


async def told(providers: Providers, request: Any = None, said: Said | None = None) -> Any:
    """What it answered; it is closed afterwards."""
    try:
        async with asyncio.timeout(20):
            return await asked(providers, request or vehicle(40, 19), said=said)
    finally:
        await providers.close()


# --- what is sent, and what is read ------------------------------------------------------------------


# R: Q6
async def test_each_hotel_is_asked_for_with_what_somebody_asked_for_and_the_key(tmp_path: Path, api: HostileApi):
    api.answers["/rooms/Casa%20%5Bb%5D%20%26%20S%C3%B6hne%2F.."] = {"rooms": [{"sum": 99.5}, {"sum": 80.25}]}
    api.answers["/rooms/Foz"] = {"rooms": []}
    providers = loaded(
        tmp_path,
        f"""\
        [[provider]]
        id = "acme"
        name = "Acme"
        use = "http"
        allow_private = true

        [provider.stay]
        url = "{api.url}/rooms/{{hotel.name}}?in={{check_in}}&n={{nights}}&key=env:ACME_KEY"
        method = "POST"
        headers = {{ Authorization = "Bearer env:ACME_KEY", X-Shop = "us" }}
        body = {{ guests = "{{guests}}", text = "{{nights}} n", all = [1.5, true], at = {{ city = "{{hotel.city}}" }} }}

        [provider.stay.answer]
        prices = "$.rooms[*]"
        total = "sum"
        currency = "CHF"
        """,
        environment={"ACME_KEY": KEY},
    )
    said = Said()
    assert await told(providers, stay(CASA, FOZ, guests=3), said) == {"h1": 80_25}
    line, headers, body = next(one for one in api.asked if "Casa" in one[0])
    assert line.startswith("POST /rooms/Casa%20%5Bb%5D%20%26%20S%C3%B6hne%2F..?in=2027-03-01&n=2&key=sk-live-")
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["X-Shop"] == "us"
    assert headers["Accept-Encoding"] == "identity"
    assert json.loads(body) == {"guests": 3, "text": "2 n", "all": [1.5, True], "at": {"city": "Vila Azul"}}
    assert said.texts == []


# R: Q6
async def test_one_request_can_ask_for_all_hotels_and_the_lowest_price_of_each_counts(tmp_path: Path, api: HostileApi):
    api.answers["/all"] = {
        "found": [
            {"hotel": "h2", "cents": 5000, "money": "EUR", "room": "Twin"},
            {"hotel": "h2", "cents": 4500, "money": "EUR", "room": "Attic"},
            {"hotel": "h2", "cents": 10, "money": "JPY", "room": "in another currency"},
            {"hotel": "h1", "cents": None, "money": "EUR", "room": "sold out"},
            {"hotel": "nobody asked", "cents": 1, "money": "EUR", "room": ""},
        ]
    }
    providers = loaded(
        tmp_path,
        f"""\
        [[provider]]
        id = "acme"
        name = "Acme"
        use = "http"
        allow_private = true

        [provider.stay]
        url = "{api.url}/all"
        each = "run"
        body.hotels = "{{hotels}}"

        [provider.stay.answer]
        prices = "found[*]"
        hotel = "hotel"
        total = "cents"
        currency = "money"
        amounts = "minor"
        note = "room"
        """,
    )
    prices = await providers.all[0].inner.quote(stay(CASA, FOZ), Said())
    assert [(p.hotel_id, p.total, p.note) for p in prices] == [("h2", Money(4500, "EUR"), "Attic")]
    sent = json.loads(api.asked[0][2])
    assert sent["hotels"][1] == {"id": "h2", "name": "Foz", "city": "Vila Azul", "stars": 3}
    await providers.close()


async def test_a_vehicle_is_asked_for_by_vin_and_drivers(tmp_path: Path, api: HostileApi):
    api.answers["/v"] = {"offers": [{"price": {"total": 90, "currency": "EUR"}}]}
    url = f"{api.url}/v?vin={{vin}}&ages={{ages}}&y={{youngest}}&o={{oldest}}&d={{days}}&n={{drivers}}&{{from}}&{{to}}"
    assert await told(one(tmp_path, url), vehicle(40, 19, vin=BMW)) == {None: 90_00}
    assert f"vin={BMW}&ages=40%2C19&y=19&o=40&d=2&n=2&2027-03-01&2027-03-02" in api.asked[0][0]


async def test_what_somebody_asked_for_never_names_a_secret(tmp_path: Path, api: HostileApi):
    api.answers["/x"] = {"offers": []}
    text = ONE.replace("vehicle", "stay").replace("{url}", f"{api.url}/x?{{hotel.name}}&env:ACME_KEY")
    providers = loaded(tmp_path, text, environment={"ACME_KEY": KEY, "OTHER_KEY": "not for them"})
    await told(providers, stay(hotel("env:OTHER_KEY {guests}", hotel_id="h1")))
    assert "?env%3AOTHER_KEY%20%7Bguests%7D&sk-live" in api.asked[0][0]


async def test_a_name_leads_to_no_other_part_of_an_address(tmp_path: Path, api: HostileApi):
    api.answers["/rooms//price"] = api.answers["/rooms/..%2F..%2Fadmin/price"] = {"offers": []}
    for name in ("..", "../../admin"):
        text = ONE.replace("vehicle", "stay").replace("{url}", f"{api.url}/rooms/{{hotel.name}}/price")
        await told(loaded(tmp_path, text), stay(hotel(name, hotel_id="h1")))
    assert api.paths() == ["/rooms//price", "/rooms/..%2F..%2Fadmin/price"]


async def test_an_api_that_is_a_sandbox_is_marked_as_simulated(tmp_path: Path):
    text = ONE.replace("allow_private = true", "sample = true").replace("{url}", "https://x.example/")
    (asked,) = loaded(tmp_path, text).asked("vehicle")
    assert (asked.name, asked.simulated) == ("Acme (simulated)", True)


async def test_some_hotels_without_a_price_leave_the_others_theirs(tmp_path: Path, api: HostileApi):
    text = ONE.replace("vehicle", "stay").replace("{url}", f"{api.url}/{{hotel.name}}")
    said = Said()
    providers = loaded(tmp_path, text)
    assert await told(providers, stay(hotel("good"), hotel("500"), hotel("html")), said) == {"good": 120_50}
    assert said.texts == ["2 of 3 hotels have no price."]


@pytest.mark.parametrize(
    ("value", "currency", "minor", "amount"),
    [
        ("12.50", "EUR", False, 1250),
        (Decimal("12.500"), "EUR", False, 1250),
        (Decimal("0.29"), "EUR", False, 29),  # 0.29 * 100 is 28.999999999999996 in floats
        (1800, "JPY", False, 1800),
        (1800, "JPY", True, 1800),
        (1250, "EUR", True, 1250),
        ("1.234", "KWD", False, 1234),
        (1234, "KWD", True, 1234),
        (Decimal("1E+3"), "EUR", False, 100_000),
        (120_000, "RSD", True, 1200),  # ISO has two decimals, and nobody uses them
    ],
)
def test_amounts_are_exact(value: object, currency: str, minor: bool, amount: int):
    assert money(value, currency, minor=minor) == Money(amount, currency)


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        (12.5, "EUR"),
        (True, "EUR"),
        (None, "EUR"),
        ("12,50", "EUR"),
        ("1e3", "EUR"),
        ("-1", "EUR"),
        (-1, "EUR"),
        (0, "EUR"),
        ("12.505", "EUR"),
        (Decimal("0.1") + Decimal("1e-17"), "EUR"),
        ("100.5", "JPY"),
        (Decimal("NaN"), "EUR"),
        (Decimal("Infinity"), "EUR"),
        (Decimal("1E+999999999"), "EUR"),
        (Decimal("1E-999999999"), "EUR"),
        (10**4000, "EUR"),
        (10**13, "EUR"),
        (10, "XYZ"),
        (10, "eur"),
        (10, 978),
        ("١٢", "EUR"),
    ],
)
def test_what_is_no_exact_amount_is_refused(value: object, currency: object):
    with pytest.raises(ValueError, match=r"(amount|price)"):
        money(value, currency)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [{"a": [{"b": 1}, {"b": 2}, 3], "x y": {"c-d": None}}]),
        ("a[*].b", [1, 2]),
        ("$.a[1].b", [2]),
        ('$["x y"].c-d', [None]),
        ("a[7]", []),
        ("a.b", []),
        ("[*]", [[{"b": 1}, {"b": 2}, 3], {"c-d": None}]),
    ],
)
def test_a_path_finds_what_stands_there(path: str, found: list[Any]):
    assert JsonPath(path).all({"a": [{"b": 1}, {"b": 2}, 3], "x y": {"c-d": None}}) == found


@pytest.mark.parametrize(
    "path", ["a..b", "$a", "a[", "a[-1]", "a[?x]", "a b", "$$", '["a"]b', "a[1:2]", "x" * 300, "."]
)
def test_what_is_no_path_is_refused(path: str):
    with pytest.raises(ValueError, match="A path is written such as"):
        JsonPath(path)


def test_a_path_finds_only_so_much():
    with pytest.raises(ValueError, match="too many"):
        JsonPath("[*][*]").all([[1] * 100] * (MAX_FOUND // 100 + 1))


# --- APIs that misbehave -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "code", "sentence", "passing"),
    [
        ("/500", "http-status", "It answered with HTTP 500.", True),
        ("/429", "http-status", "It answered with HTTP 429.", True),
        ("/404", "http-status", "It answered with HTTP 404.", False),
        ("/401", "refused", "It did not accept our key (HTTP 401).", False),
        ("/huge", "too-large", "Its answer is longer than 262,144 bytes.", False),
        ("/huge-said", "too-large", "Its answer is longer than 262,144 bytes.", False),
        ("/html", "nonsense", "Its answer is not JSON.", False),
        ("/nonsense", "nonsense", "Its answer is not JSON that can be read.", False),
        ("/latin", "nonsense", "Its answer is not JSON that can be read.", False),
        ("/deep", "nonsense", "Its answer is not JSON that can be read.", False),
        ("/many", "nonsense", "Its answer has too many values.", False),
        ("/bomb", "nonsense", "Its answer is compressed, though we asked that it is not.", False),
        ("/cut", "nonsense", "It does not speak HTTP as it should.", True),
        ("/gone", "nonsense", "It does not speak HTTP as it should.", True),
        ("/not-http", "nonsense", "It does not speak HTTP as it should.", True),
        ("/headers", "nonsense", "It does not speak HTTP as it should.", True),
    ],
)
async def test_an_api_that_misbehaves_is_a_readable_failure(
    tmp_path: Path, api: HostileApi, path: str, code: str, sentence: str, passing: bool
):
    failed = await told(one(tmp_path, api.url + path))
    assert isinstance(failed, Failed)
    assert (failed.code, failed.sentence, failed.passing) == (code, sentence, passing)
    assert failed.__cause__ is None  # nothing of what was sent goes along with it


async def test_of_an_answer_that_is_too_long_only_its_beginning_is_read(tmp_path: Path, api: HostileApi):
    await told(one(tmp_path, f"{api.url}/huge"))
    assert api.sent < 20 * 1024 * 1024  # of 50: what the kernels hold between us


async def test_a_status_can_mean_that_it_has_no_price(tmp_path: Path, api: HostileApi):
    text = ONE.replace('url = "{url}"', f'url = "{api.url}/404"\n    not_covered = [404, 410]')
    failed = await told(loaded(tmp_path, text))
    assert (failed.code, failed.sentence) == ("not-covered", "It has no price for this.")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"offers": [{"price": {"currency": "EUR"}}]}, "There is no price in its answer where the settings say."),
        ({"offers": [{"price": {"total": "ten", "currency": "EUR"}}]}, "An amount is not a number."),
        ({"offers": [{"price": {"total": [1], "currency": "EUR"}}]}, "An amount is not a number."),
        ({"offers": [{"price": {"total": -5, "currency": "EUR"}}]}, "An amount is no price."),
        ({"offers": [{"price": {"total": 5, "currency": {"a": 1}}}]}, "A price is in no currency."),
        ({"offers": [{"price": {"total": 1.999, "currency": "EUR"}}]}, "An amount has more decimals than EUR."),
    ],
)
async def test_an_answer_of_another_shape_is_nonsense(
    tmp_path: Path, api: HostileApi, answer: dict[str, Any], sentence: str
):
    api.answers["/x"] = answer
    failed = await told(one(tmp_path, f"{api.url}/x"))
    assert (failed.code, failed.sentence) == ("nonsense", sentence)


@pytest.mark.parametrize("answer", [{"offers": []}, {}, [], "text", 7, None])
async def test_an_answer_without_offers_has_no_prices(tmp_path: Path, api: HostileApi, answer: Any):
    api.answers["/x"] = answer
    assert await told(one(tmp_path, f"{api.url}/x")) == {}


async def test_a_redirect_is_not_followed(tmp_path: Path, api: HostileApi):
    api.answers["/x"] = whole(b"", "302 Found", Location=f"{api.url}/good")
    failed = await told(one(tmp_path, f"{api.url}/x"))
    assert (failed.code, failed.sentence) == (
        "http-status",
        "It sends us to another address (HTTP 302), where we don't go.",
    )
    assert api.paths() == ["/x"]


async def test_so_many_connections_and_no_more_are_open_to_one_provider(tmp_path: Path, api: HostileApi):
    text = ONE.replace("timeout = 5", "timeout = 5\n    connections = 3").replace("{url}", f"{api.url}/held")
    providers = loaded(tmp_path, text)
    asking = [asyncio.create_task(asked(providers, vehicle(40))) for _ in range(40)]
    async with asyncio.timeout(10):
        await eventually(lambda: api.open == 3, "three connections")
        api.release.set()
        assert await asyncio.gather(*asking) == [{None: 120_50}] * 40
    assert api.most_open == 3
    await providers.close()


# --- whom it does not speak to --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "2001:0:7f00:1::1",
        "fc00::1",
        "fd12::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "no address",
        "",
    ],
)
def test_an_address_that_is_not_of_the_internet_is_known(address: str):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_internet_is_known(address: str):
    assert is_public(address)


# R: Q6
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "2130706433",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "169.254.169.254",
        "10.1.2.3",
        "localhost",
        "LOCALHOST",
    ],
)
async def test_a_service_inside_is_not_spoken_to_however_it_is_written(tmp_path: Path, api: HostileApi, host: str):
    """By the system's own resolver. Every one of these would reach the API, or a metadata service."""
    port = api.url.rpartition(":")[2]
    url = f"http://{host}:{port}/good"
    failed = await told(loaded(tmp_path, ONE.replace("allow_private = true", "").replace("{url}", url)))
    assert (failed.code, failed.sentence) == ("refused", "Its address is not public, so it is not asked.")
    assert api.asked == []


class Resolver:
    """Gives one answer after another, as a name does that is rebound."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Iterable[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def watched(backend: PublicOnly, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses to which the backend connects; none is really connected to."""
    found: list[str] = []

    async def connect(host: str, *_: Any) -> httpcore.AsyncNetworkStream:
        found.append(host)
        raise httpcore.ConnectError("not here")

    monkeypatch.setattr(backend._inner, "connect_tcp", connect)
    return found


async def test_the_connection_goes_to_the_very_address_that_was_checked(monkeypatch: pytest.MonkeyPatch):
    resolver = Resolver(["93.184.216.34"], ["127.0.0.1"])
    backend = PublicOnly(resolve=resolver)
    reached = watched(backend, monkeypatch)
    with pytest.raises(httpcore.ConnectError):
        await backend.connect_tcp("rebinding.example", 443)
    assert (resolver.asked, reached) == (["rebinding.example"], ["93.184.216.34"])  # looked up once
    with pytest.raises(NotPublic):
        await backend.connect_tcp("rebinding.example", 443)
    assert reached == ["93.184.216.34"]


@pytest.mark.parametrize("answer", [["93.184.216.34", "10.0.0.1"], ["::1"], ["::ffff:10.0.0.1"], ["what?"]])
async def test_a_name_with_an_address_inside_among_others_is_not_spoken_to(
    monkeypatch: pytest.MonkeyPatch, answer: list[str]
):
    backend = PublicOnly(resolve=Resolver(answer))
    reached = watched(backend, monkeypatch)
    with pytest.raises(NotPublic):
        await backend.connect_tcp("mixed.example", 80)
    assert reached == []


async def test_a_certificate_must_be_that_of_the_name_though_the_connection_goes_to_an_address(tmp_path: Path):
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(TLS / "server.pem", TLS / "server.key")
    trusted = ssl.create_default_context(cafile=TLS / "ca.pem")

    async def here(host: str, port: int) -> Iterable[str]:
        return ["127.0.0.1"]

    async def ask(host: str, tls: ssl.SSLContext | None) -> int | str:
        line = Line(PublicOnly(allow_private=True, resolve=here), connections=1, most=1024, timeout=5, tls=tls)
        try:
            return (await line.ask(Question("GET", httpcore.URL(f"https://{host}:{port}/good"), {})))[0]
        except Failed as failed:
            return failed.code
        finally:
            await line.close()

    async with hostile_api(theirs) as api:
        port = api.url.rpartition(":")[2]
        assert await ask("127.0.0.1", trusted) == 200
        assert await ask("localhost", trusted) == "unreachable"  # another name than the certificate's
        assert await ask("127.0.0.1", None) == "unreachable"  # an authority that nobody trusts


async def test_a_name_without_an_address_can_not_be_reached(tmp_path: Path):
    async def nobody(host: str, port: int) -> Iterable[str]:
        raise socket.gaierror(-2, "Name or service not known")

    line = Line(PublicOnly(resolve=nobody), connections=1, most=1024, timeout=5)
    with pytest.raises(Failed) as failed:
        await line.ask(Question("GET", httpcore.URL("http://nobody.example/?key=secret"), {}))
    assert (failed.value.code, failed.value.passing) == ("unreachable", True)
    await line.close()


async def test_no_proxy_of_the_environment_is_used(tmp_path: Path, api: HostileApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    assert await told(one(tmp_path, f"{api.url}/good")) == {None: 120_50}


# --- secrets ------------------------------------------------------------------------------------------


# R: J6
@pytest.mark.parametrize("path", ["/500", "/nonsense", "/huge", "/cut", "/not-http", "/401", "/302", "/echo", "/good"])
async def test_the_key_is_in_no_error_and_no_log_line(
    tmp_path: Path, api: HostileApi, path: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    api.answers["/302"] = whole(b"", "302 Found", Location=f"http://127.0.0.1:9/?{KEY}")
    api.answers["/echo"] = {"offers": [{"price": {"total": KEY, "currency": KEY}}]}
    text = ONE.replace(
        'url = "{url}"', f'url = "{api.url}{path}?key=env:ACME_KEY"\n    headers = {{ X-Key = "env:ACME_KEY" }}'
    )
    outcome = await told(loaded(tmp_path, text, environment={"ACME_KEY": KEY}))
    assert api.asked[0][1]["X-Key"] == KEY
    shown = "\n".join([repr(outcome), str(outcome), *map(str, getattr(outcome, "args", ())), caplog.text])
    assert "sk-live" not in shown


# --- the settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('url = "{url}"', 'url = "ftp://x/"', 'url: "ftp://x/" is not right. Write an address such as https://'),
        ('url = "{url}"', 'url = "http://user:pass@x.example/"', "is not right."),
        ('url = "{url}"', 'url = "http://{vin}.example/"', "is not right."),
        ('url = "{url}"', 'url = "http://x.example:99999/"', "url: The port is not right."),
        ('url = "{url}"', 'url = "http://x.example/ü"', "is not right."),
        ('url = "{url}"', 'url = "http://x.example/{wine}"', "url: {wine} is not known here. Known are vin, from, to"),
        (
            'url = "{url}"',
            'url = "https://x.example/env:NOT_SET"',
            "url: The variable NOT_SET is to hold a secret of 8",
        ),
        ('url = "{url}"', 'url = "https://x.example/env:SHORT"', "url: The variable SHORT is to hold a secret of 8"),
        ('url = "{url}"', 'method = "DELETE"\n    url = "http://x.example/"', 'method: "DELETE" is not right.'),
        ('url = "{url}"', 'each = "run"\n    url = "http://x.example/"', '"each" is not known here.'),
        ('total = "price.total"', 'total = "price..total"', "total: A path is written such as"),
        ('currency = "price.currency"', 'currency = "a b"', "currency: A path is written such as"),
        ('currency = "price.currency"', 'currancy = "EUR"', '"currancy" is not known here. Is it currency?'),
        ("allow_private = true", 'allow_private = "yes"', "allow_private: That is not right. Write true or false."),
        ("allow_private = true", "max_bytes = 5", "max_bytes: 5 is not right."),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, fault: str):
    before, found, _ = ONE.partition(old)
    assert found
    line = before.count("\n") + 1
    said = faults(
        tmp_path, ONE.replace(old, new).replace("{url}", "http://x.example/"), environment={"SHORT": "1234567"}
    )
    assert any(int(one.partition(":")[0]) in (line, line + 1) and fault in one for one in said), said


def test_a_secret_goes_to_https_only_unless_the_address_is_one_of_ours(tmp_path: Path):
    text = ONE.replace('url = "{url}"', 'url = "http://x.example/"\n    headers = { X = "env:KEY" }')
    assert loaded(tmp_path, text, environment={"KEY": KEY}).all
    said = faults(tmp_path, text.replace("allow_private = true", ""), environment={"KEY": KEY})
    assert said == ["9: url: A secret goes to https:// only."]


@pytest.mark.parametrize(
    "header", ['Host = "x"', 'Content-Length = "1"', '"X Y" = "1"', 'X = "a\\nb"', 'X = "ü"', "X = 1"]
)
def test_headers_that_are_ours_or_no_headers_are_refused(tmp_path: Path, header: str):
    text = ONE.replace('url = "{url}"', f'url = "http://x.example/"\n    headers = {{ {header} }}')
    assert faults(tmp_path, text)[0].startswith("10: headers: ")


def test_what_a_provider_has_prices_for_must_be_said(tmp_path: Path):
    head = ONE[: ONE.index("    [provider.vehicle]")]
    assert faults(tmp_path, head)[0].startswith("1: Say what it has prices for")
    assert "answer is missing" in faults(tmp_path, head + '    [provider.stay]\n    url = "http://x.example/"')[0]
