"""Which providers a server asks: the file that names them, plug-ins that are found, the simulated one, and the page."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.support.quoting import Said, asked, faults, hotel, loaded, stay, vehicle
from tests.support.serving import settings_for

from roadcrew_domain.quotes_state import AskedHotel, Driver, Stay, Vehicle
from roadcrew_server import admin
from roadcrew_server.__main__ import main
from roadcrew_server.quotes import registry
from roadcrew_server.quotes.base import HIDDEN, Failed, Secrets
from roadcrew_server.quotes.registry import GROUP, SAMPLE_FILE, BadQuotes, Providers, installed, load, named

PAGE = (Path(__file__).parents[2] / "docs" / "quote-providers.md").read_text("utf-8")

SIMULATED = """\
    [[provider]]
    id = "sim"
    name = "Sim"
    use = "simulated"
    fastest = 0
    slowest = 0
    """


def blocks(language: str) -> list[str]:
    """The examples of the page."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


# --- the file --------------------------------------------------------------------------------------------


# R: Q6
def test_the_shipped_providers_are_plug_ins_like_others():
    assert {name: point.group for name, point in installed().items()} == dict.fromkeys(
        ("catalogue", "http", "simulated"), GROUP
    )


def test_the_sample_is_asked_by_its_name_and_nobody_without_one():
    sample = named("sample")
    assert sample is not None
    assert len(sample.asked("stay")) == len(sample.all) > len(sample.asked("vehicle")) > 1
    assert len({one.id for one in sample.hotels()}) == len(sample.hotels()) > 0
    assert named(None) is None
    assert named("") is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "Begin each provider with a line [[provider]]; there is at least one."),
        ("provider = 3", "Begin each provider with a line [[provider]]"),
        ("[[provider]]\n[[providers]]", '2: "providers" is not known here. Is it provider?'),
        ("[[provider]]\nid = 'x", "2: This is not TOML: "),
        (SIMULATED.replace('"sim"', '"Sim!"'), '2: id: "Sim!" is not right. Write 1 to 40 small letters'),
        (SIMULATED.replace('"Sim"', '"\\u001b[2J"'), "3: name: The name contains control characters"),
        (
            SIMULATED.replace('"simulated"', '"magic"'),
            '4: use: "magic" is not there; there are: catalogue, http, simul',
        ),
        (SIMULATED.replace("fastest = 0", "timeout = 0"), "5: timeout: 0 is not right. Write seconds from 0.1 to 60."),
        (SIMULATED.replace("fastest = 0", "timeout = inf"), '5: timeout: "Infinity" is not right.'),
        (SIMULATED.replace("fastest = 0", "tries = 6"), "5: tries: 6 is not right."),
        (SIMULATED.replace("fastest = 0", "faster = 0"), '5: "faster" is not known here. Is it fastest?'),
        (SIMULATED.replace("fastest = 0", "fastest = 9"), "5: fastest: 9 is more than the slowest, 0."),
        (SIMULATED.replace("fastest = 0", "flaky = 101"), "5: flaky: 101 is not right."),
        (SIMULATED.replace("fastest = 0", 'kinds = ["boat"]'), '5: kinds: "boat" is not right.'),
        (SIMULATED + SIMULATED, '8: id: "sim" is the provider of line 1. Write another.'),
        ("[[provider]]\n" * 40, "33: There are at most 32 providers."),
    ],
)
def test_what_is_wrong_with_the_file_is_said_with_its_line(tmp_path: Path, text: str, fault: str):
    assert any(one.startswith(fault) for one in faults(tmp_path, text)), faults(tmp_path, text)


def test_a_file_that_is_not_there_ends_the_start_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "none.toml"
    assert main(["--port", "0", "--store", f"sqlite:///{tmp_path / 's.db'}", "--quotes", str(file)]) == 2
    assert capsys.readouterr().err == f"{file}: The file can't be read: No such file or directory.\n"


def test_a_file_can_be_checked_before_it_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "quotes.toml"
    file.write_text(SIMULATED, "utf-8")
    assert admin.main(["quotes", str(file)]) == 0
    said = "1 providers, who know 0 hotels.\n  sim: Sim (simulated); stay, vehicle; 10 s, tries: 2\n"
    assert capsys.readouterr().out == said
    assert admin.main(["quotes", "sample", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [one["simulated"] for one in facts["providers"]] == [True] * 6
    file.write_text(SIMULATED.replace("slowest", "slower"), "utf-8")
    assert admin.main(["quotes", str(file)]) == 1
    assert capsys.readouterr().err.startswith(f'{file}:6: "slower" is not known here.')


def test_the_setting_is_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROADCREW_QUOTES", "sample")
    assert settings_for(tmp_path / "store").quotes == "sample"


def test_who_makes_prices_up_says_so_in_the_name(tmp_path: Path):
    long = SIMULATED.replace('"Sim"', f'"{"x" * 60}"')
    names = [
        loaded(tmp_path, text).all[0].asked.name for text in (SIMULATED, SIMULATED.replace("Sim", "Simulated"), long)
    ]
    assert names[:2] == ["Sim (simulated)", "Simulated"]
    assert names[2].endswith("x (simulated)")
    assert len(names[2]) == 60


def test_a_hotel_that_two_providers_know_can_be_asked_for_once(tmp_path: Path):
    table = '[[provider]]\nid = "{}"\nname = "R"\nuse = "catalogue"\ncurrency = "EUR"\n[[provider.hotel]]\nid = "a"\n'
    hotels = 'name = "Casa"\ncity = "{}"\nstars = 3\nprice = 10\n'
    text = table.format("one") + hotels.format("Vila") + table.format("two") + hotels.format("VILA")
    assert [one.id for one in loaded(tmp_path, text).hotels()] == ["one.a"]


# --- secrets ---------------------------------------------------------------------------------------------


def test_a_secret_is_taken_out_however_it_was_written():
    secrets = Secrets({"KEY": "a+b/c d%e!", "LONGER": "a+b/c d%e! and more"})
    assert secrets.filled("Bearer env:KEY") == "Bearer a+b/c d%e!"
    secrets.filled("env:LONGER")
    said = "a+b/c d%e! a%2Bb%2Fc%20d%25e%21 a%2Bb/c%20d%25e%21 (a+b/c d%e! and more)"
    assert secrets.clean(said) == f"{HIDDEN} {HIDDEN} {HIDDEN} ({HIDDEN})"


@pytest.mark.parametrize("value", ["", "short", "with\nlines in it", "ümlaut-ümlaut"])
def test_what_could_not_be_taken_out_is_no_secret(value: str):
    with pytest.raises(ValueError, match="KEY is to hold a secret of 8 or more plain characters"):
        Secrets({"KEY": value}).filled("env:KEY")


# --- plug-ins --------------------------------------------------------------------------------------------


class Fine:
    kinds = frozenset({"stay"})
    simulated = False

    async def quote(self, request: object, say: object) -> Any:
        return []

    async def close(self) -> None:
        raise RuntimeError("no")


def without(**more: Any) -> Callable[..., Any]:
    return lambda table, tools: type("Odd", (Fine,), more)()


def unwilling(table: object, tools: Any) -> Any:
    raise ValueError(f"not with {tools.secrets.filled('env:KEY')}\x1b[2J")


def broken(table: object, tools: Any) -> Any:
    raise KeyError("x")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> dict[str, EntryPoint]:
    module = ModuleType("plugged_in")
    made = {
        "fine": lambda table, tools: Fine(),
        "unwilling": unwilling,
        "broken": broken,
        "nothing": lambda table, tools: None,
        "boat": without(kinds=frozenset({"boat"})),
        "listed": without(kinds=["stay"]),
        "kindless": without(kinds=frozenset()),
        "mute": without(quote=None),
    }
    for name, make in made.items():
        setattr(module, name, make)
    monkeypatch.setitem(sys.modules, "plugged_in", module)
    points = {name: EntryPoint(name, f"plugged_in:{name}", GROUP) for name in made}
    return points | {"gone": EntryPoint("gone", "plugged_in_no_more:make", GROUP)}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("unwilling", "1: odd: not with •••[2J"),
        ("broken", "1: odd: plugged_in:broken failed: KeyError('x')"),
        ("nothing", "1: odd: plugged_in:nothing failed: AttributeError"),
        ("boat", "1: odd: plugged_in:boat made no quote provider."),
        ("listed", "1: odd: plugged_in:listed made no quote provider."),
        ("kindless", "1: odd: plugged_in:kindless made no quote provider."),
        ("mute", "1: odd: plugged_in:mute made no quote provider."),
        ("gone", "1: odd: plugged_in_no_more:make failed: ModuleNotFoundError"),
    ],
)
def test_what_can_not_be_a_provider_is_said_with_its_line(
    tmp_path: Path, plugins: dict[str, EntryPoint], name: str, fault: str
):
    text = f'[[provider]]\nid = "odd"\nname = "Odd"\nuse = "{name}"\n'
    (said,) = faults(tmp_path, text, found=plugins, environment={"KEY": "a secret of theirs"})
    assert said.startswith(fault)


async def test_a_plug_in_that_will_not_close_keeps_nobody_from_stopping(
    tmp_path: Path, plugins: dict[str, EntryPoint], caplog: pytest.LogCaptureFixture
):
    await loaded(tmp_path, '[[provider]]\nid = "a"\nname = "A"\nuse = "fine"\n', found=plugins).close()
    assert "the quote provider a did not close: RuntimeError('no')" in caplog.text


def test_two_plug_ins_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch):
    twice = [EntryPoint("http", value, GROUP) for value in ("one:make", "other:make")]
    monkeypatch.setattr(registry, "entry_points", lambda group: twice)
    installed.cache_clear()
    try:
        with pytest.raises(BadQuotes, match="Two quote providers are called http: one:make and other:make"):
            installed()
    finally:
        installed.cache_clear()


# --- the simulated one -----------------------------------------------------------------------------------


def simulated(folder: Path, **more: int) -> Providers:
    return loaded(folder, SIMULATED + "".join(f"    {key} = {value}\n" for key, value in more.items()))


async def test_a_run_gets_the_same_simulated_prices_wherever_it_is_taken_up(tmp_path: Path):
    request = stay(hotel("A"), hotel("B"), guests=3)
    runs = ["run-1", "run-2", "run-1"]
    first, other, again = [await asked(simulated(tmp_path), request, said=Said(run)) for run in runs]
    assert first == again != other
    assert all(amount > 0 for amount in first.values())


async def test_a_simulated_price_is_near_the_one_that_a_hotel_is_known_for(tmp_path: Path):
    known = load(SAMPLE_FILE).hotels()[0]
    assert known.price_per_night is not None
    found = await asked(simulated(tmp_path), stay(known))
    assert 0.8 * 2 * known.price_per_night.amount <= found[known.id] <= 1.25 * 2 * known.price_per_night.amount


async def test_it_is_flaky_wrong_full_and_silent_as_often_as_it_is_told_to(tmp_path: Path):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    request = stay(hotel("A"))

    async def outcomes(**more: int) -> list[Any]:
        provider = simulated(tmp_path, **more)
        object.__setattr__(provider.all[0].inner._tools, "sleep", sleep)  # type: ignore[attr-defined]
        return [await asked(provider, request, said=Said(f"run-{n}")) for n in range(100)]

    failed = [one.code for one in await outcomes(flaky=30) if isinstance(one, Failed)]
    assert set(failed) == {"unreachable"}
    assert 15 <= len(failed) <= 45
    assert {one.code for one in await outcomes(full=100)} == {"not-covered"}
    assert await outcomes(wrong=100) == [{"no hotel at all": -1}] * 100
    slept.clear()
    await outcomes(hangs=100)
    assert slept.count(3600.0) == 100


async def test_who_was_flaky_may_answer_when_asked_again(tmp_path: Path):
    provider = simulated(tmp_path, flaky=50)
    tries = [await asked(provider, vehicle(), said=Said("run-1", tried)) for tried in range(1, 20)]
    assert any(isinstance(one, Failed) for one in tries)
    priced = [one for one in tries if not isinstance(one, Failed)]
    assert len({str(one) for one in priced}) == 1


# --- the page --------------------------------------------------------------------------------------------


@pytest.fixture
def flatrate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The plug-in of the page as `pip` would lay it down, and what else is installed."""
    (code,) = blocks("python")
    project = next(block for block in blocks("toml") if block.startswith("[project]"))
    name, point = re.findall(r'^name = "(.+)"$|^(flatrate) = "', project, re.MULTILINE)[0][0], "flatrate"
    place = tmp_path / "site"
    about = place / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir(parents=True)
    (place / "roadcrew_flatrate.py").write_text(code, "utf-8")
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    value = re.findall(r'^flatrate = "(.+)"$', project, re.MULTILINE)[0]
    (about / "entry_points.txt").write_text(f"[{GROUP}]\n{point} = {value}\n", "utf-8")
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setenv("FLATRATE_KEY", "a key of theirs")
    installed.cache_clear()
    yield place
    sys.modules.pop("roadcrew_flatrate", None)
    monkeypatch.undo()
    installed.cache_clear()


# R: Q6
@pytest.mark.usefixtures("flatrate")
async def test_the_plug_in_of_the_page_is_found_and_has_prices(tmp_path: Path):
    text = next(block for block in blocks("toml") if 'use = "flatrate"' in block)
    file = tmp_path / "quotes.toml"
    file.write_text(text, "utf-8")
    providers = load(file)
    assert await asked(providers, stay(hotel("A"), hotel("B"))) == {"a": 11_000, "b": 11_000}
    assert (await asked(providers, stay(hotel("A"), guests=9))).sentence == "It takes 8 guests at most."
    file.write_text(text.replace("5500", '"x"'), "utf-8")
    with pytest.raises(BadQuotes, match=r"5: price: Write whole cents\."):
        load(file)


@pytest.mark.parametrize("text", [block for block in blocks("toml") if "[provider." in block])
def test_the_examples_of_the_page_are_right(tmp_path: Path, text: str):
    assert loaded(tmp_path, text, environment={"ACME_KEY": "a key of theirs"}).all


async def test_the_totals_of_the_page_are_what_its_tables_come_to(tmp_path: Path):
    tables = loaded(tmp_path, next(block for block in blocks("toml") if 'use = "catalogue"' in block))
    stays = re.findall(r"^\| (\w+), (\S+) to (\S+), (\d+) guests \| (\S+) \|$", PAGE, re.MULTILINE)
    cars = re.findall(r"^\| vehicle (\w+), (\S+) to (\S+), drivers of (.+) \| (\S+) \|$", PAGE, re.MULTILINE)
    assert (len(stays), len(cars)) == (4, 3)
    for name, begins, ends, guests, total in stays:
        one = AskedHotel("h", name, "Vila Azul", 3)
        request = Stay((one,), date.fromisoformat(begins), date.fromisoformat(ends), int(guests))
        assert await asked(tables, request) == {"h": int(total.replace(".", ""))}, name
    for vin, begins, ends, ages, total in cars:
        drivers = tuple(Driver(int(age)) for age in ages.split(" and "))
        car = Vehicle(vin, drivers, date.fromisoformat(begins), date.fromisoformat(ends))
        assert await asked(tables, car) == {None: int(total.replace(".", ""))}, vin
