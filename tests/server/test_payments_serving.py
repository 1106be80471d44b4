"""Payment providers in a server: which are there, what a plug-in's faults become, and webhooks over the network."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from tests.server.payment_contract import Bench, charge
from tests.server.test_limits import too_many
from tests.server.test_payments import SECRET, paid, said
from tests.support.people import connected, eventually
from tests.support.serving import Running, served, settings_for

from roadcrew_server.__main__ import main
from roadcrew_server.payments import registry
from roadcrew_server.payments.base import (
    BadNotice,
    Charge,
    Declined,
    Notice,
    Offer,
    Outcome,
    PaymentTrouble,
    Succeeded,
    Tools,
    Waiting,
)
from roadcrew_server.payments.guarded import Guarded
from roadcrew_server.payments.registry import GROUP, CantPay, Payments, installed, load, settings_of
from roadcrew_server.payments.signing import HEADER
from roadcrew_server.problems import Problem
from roadcrew_server.settings import Settings

URL = "/api/payments/venue"


class OnTrust:
    """A plug-in as somebody else may write it."""

    offer = Offer("trust", "On trust")

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.ended = False

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.ended = True

    async def charge(self, charge: Charge) -> Outcome:
        return Succeeded(charge.id)

    async def look(self, charge: Charge) -> Outcome | None:
        return None

    async def refund(self, charge: Charge, reference: str) -> str:
        return reference

    def verified(self, headers: Mapping[str, str], body: bytes) -> Notice:
        raise BadNotice("Nobody is believed.")


class Unwilling(OnTrust):
    def __init__(self, tools: Tools) -> None:
        raise ValueError("a key is missing")


class Misnamed(OnTrust):
    offer = Offer("other", "Other")


class NeverStarts(OnTrust):
    async def start(self) -> None:
        raise OSError("no route to the bank")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> dict[str, EntryPoint]:
    """Plug-ins as if they were installed beside the shipped ones; the module is this one."""
    module = ModuleType("plugged_in")
    vars(module).update(OnTrust=OnTrust, Unwilling=Unwilling, Misnamed=Misnamed, NeverStarts=NeverStarts, Nothing=None)
    monkeypatch.setitem(sys.modules, "plugged_in", module)
    named = {
        "trust": "plugged_in:OnTrust",
        "unwilling": "plugged_in:Unwilling",
        "misnamed": "plugged_in:Misnamed",
        "trusty": "plugged_in:NeverStarts",
        "gone": "plugged_in_no_more:Any",
        "nothing": "plugged_in:Nothing",
    }
    found = {**installed(), **{name: EntryPoint(name, value, GROUP) for name, value in named.items()}}
    monkeypatch.setattr(registry, "installed", lambda: found)
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# --- which are there -------------------------------------------------------------------------------


def test_the_shipped_providers_are_plug_ins_like_others(bench: Bench):
    assert set(installed()) >= {"simulated", "venue"}
    assert list(load(["simulated", "venue"], bench.tools)) == ["simulated", "venue"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("paypall", "no payment provider is called 'paypall'; there are: .*simulated.*venue"),
        ("unwilling", "the payment provider unwilling: a key is missing"),
        ("misnamed", "the payment provider misnamed calls itself 'other'"),
        ("gone", r"the payment provider gone \(plugged_in_no_more:Any\) failed: ModuleNotFoundError"),
        ("nothing", "the payment provider nothing .* failed: TypeError"),
    ],
)
def test_what_can_not_be_a_provider_is_said_by_name(name: str, why: str, bench: Bench, plugins: dict[str, EntryPoint]):
    with pytest.raises(CantPay, match=why):
        load(["venue", name], bench.tools)


def test_two_packages_can_not_use_one_name(monkeypatch: pytest.MonkeyPatch):
    twice = [EntryPoint("venue", f"{package}:Any", GROUP) for package in ("one", "two")]
    monkeypatch.setattr(registry, "entry_points", lambda group: twice)
    with pytest.raises(CantPay, match="two payment providers are called venue: one:Any and two:Any"):
        installed.__wrapped__()


def test_a_server_with_an_unknown_provider_says_so_and_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ROADCREW_PAYMENTS", "venue, paypall")
    assert main(["--port", "0", "--store", f"sqlite:///{tmp_path / 'store.sqlite'}"]) == 1
    assert "roadcrew: no payment provider is called 'paypall'" in capsys.readouterr().err


async def test_a_server_whose_provider_does_not_start_ends_those_that_did(
    bench: Bench, plugins: dict[str, EntryPoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(NeverStarts, "offer", Offer("trusty", "Trusty"))
    payments = Payments(bench.store, settings_for(tmp_path / "s", payments="trust,trusty"))
    with pytest.raises(CantPay, match="the payment provider trusty, start: OSError"):
        await payments.start()
    trust = payments.providers["trust"].inner
    assert isinstance(trust, OnTrust)
    assert trust.ended


@pytest.mark.parametrize(("text", "names"), [("", ()), (" , ", ()), ("venue", ("venue",)), (" b, a ,,b", ("b", "a"))])
def test_providers_are_offered_once_each_in_the_order_of_the_setting(text: str, names: tuple[str, ...]):
    assert Settings(payments=text).payment_names == names


def test_a_provider_sees_its_own_variables_only(monkeypatch: pytest.MonkeyPatch):
    for name, value in (("VENUE_SECRET", "s"), ("VENUE_A_KEY", "k"), ("VENUETWO_SECRET", "x"), ("OTHER_SECRET", "y")):
        monkeypatch.setenv(f"ROADCREW_PAYMENT_{name}", value)
    assert settings_of("venue") == {"secret": "s", "a_key": "k"}


# --- a plug-in's faults ----------------------------------------------------------------------------


async def test_a_fault_of_a_plug_in_is_never_read_as_not_charged(bench: Bench):
    # R: C2
    class Faulty(OnTrust):
        async def charge(self, charge: Charge) -> Outcome:
            raise KeyError(charge.id)

        async def look(self, charge: Charge) -> Outcome | None:
            return "paid"  # type: ignore[return-value]

        def refund(self, charge: Charge, reference: str) -> Any:
            raise RuntimeError("not even a coroutine")

    provider = Guarded(Faulty(bench.tools("trust")), 5)
    for answer in (provider.charge(charge()), provider.look(charge()), provider.refund(charge(), "r")):
        with pytest.raises(PaymentTrouble, match="the payment provider trust"):
            await answer


UNKEPT: list[Any] = [None, 7, "r" * 1001, "\ud800", object()]
"""What a plug-in may give for a text, and a cart could not be read with afterwards."""


@pytest.mark.parametrize("text", UNKEPT, ids=["nothing", "a number", "too much", "half a letter", "an object"])
async def test_what_a_cart_could_not_keep_is_no_answer(bench: Bench, text: Any):
    # R: C2
    class Odd(OnTrust):
        async def charge(self, charge: Charge) -> Outcome:
            return Succeeded(text)

        async def look(self, charge: Charge) -> Outcome | None:
            return Declined("card-declined", text)

        async def refund(self, charge: Charge, reference: str) -> str:
            return text  # type: ignore[no-any-return]

        async def mark_paid(self, charge_id: str, by: str) -> Succeeded:
            return Succeeded(text)

        def verified(self, headers: Mapping[str, str], body: bytes) -> Notice:
            return Notice("c1", text, Waiting("so"))

    odd = Guarded(Odd(bench.tools("trust")), 5)
    for answer in (odd.charge(charge()), odd.look(charge()), odd.refund(charge(), "r"), odd.mark_paid("c1", "ana")):
        with pytest.raises(PaymentTrouble, match="the payment provider trust"):
            await answer
    with pytest.raises(PaymentTrouble, match="the payment provider trust"):
        odd.verified({}, b"")


async def test_a_fault_of_a_plug_in_is_never_read_as_a_webhook_that_is_not_its_own(bench: Bench):
    class Faulty(OnTrust):
        async def book(self, notice: Notice) -> None:
            raise KeyError(notice.charge_id)

        async def give_up(self, charge: Charge) -> Outcome | None:
            raise BadNotice("It is not for this to say so.")

        def verified(self, headers: Mapping[str, str], body: bytes) -> Notice:
            raise KeyError("signature")

    faulty = Guarded(Faulty(bench.tools("trust")), 5)
    assert faulty.keeps_books
    with pytest.raises(PaymentTrouble):
        faulty.verified({}, b"")
    for answer in (faulty.book(Notice("c1", "r", Waiting("so"))), faulty.give_up(charge())):
        with pytest.raises(PaymentTrouble):
            await answer


async def test_a_provider_that_does_not_answer_is_not_waited_for_without_end(bench: Bench):
    # R: C2
    class Silent(OnTrust):
        async def charge(self, charge: Charge) -> Outcome:
            await asyncio.Event().wait()
            return Waiting("never")

        async def stop(self) -> None:
            await asyncio.Event().wait()

    provider = Guarded(Silent(bench.tools("trust")), 0.01)
    with pytest.raises(PaymentTrouble, match="no answer within"):
        await provider.charge(charge())
    await provider.stop()


async def test_what_a_sound_provider_says_is_passed_on(bench: Bench):
    provider = Guarded(OnTrust(bench.tools("trust")), 5)
    assert await provider.charge(charge()) == Succeeded("c1")
    assert await provider.look(charge()) is None
    assert await provider.refund(charge(), "r") == "r"


async def test_records_of_one_provider_are_not_anothers(bench: Bench):
    await bench.store.open()
    one, two = bench.tools("one").records, bench.tools("two").records
    await one.put("key", b"1")
    assert (await one.get("key"), await two.get("key")) == (b"1", None)
    assert await two.create("key", b"2")
    assert not await one.replace("key", b"2", b"3")
    bench.later(399 * 86_400)
    assert await one.get("key") == b"1"
    bench.later(2 * 86_400)
    assert await one.get("key") is None
    await bench.store.close()


async def test_what_nobody_listens_to_yet_is_put_off(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROADCREW_PAYMENT_VENUE_SECRET", SECRET)
    await bench.store.open()
    payments = Payments(bench.store, settings_for(tmp_path / "s"))
    await payments.providers["venue"].charge(charge())
    with pytest.raises(Problem) as refused:
        await payments.receive("venue", *said(paid(charge()), bench.store.now()))
    assert refused.value.status == 503
    await bench.store.close()


# --- over the network ------------------------------------------------------------------------------


class Office:
    """A server that takes the word of a box office; `heard` is what its orders would hear."""

    def __init__(self, running: Running, http: httpx.AsyncClient) -> None:
        self.running = running
        self.http = http
        self.heard: list[tuple[str, Notice]] = []
        running.server.payments.on_notice = self._hear

    async def _hear(self, provider_id: str, notice: Notice) -> None:
        self.heard.append((provider_id, notice))

    async def say(self, sent: object, url: str = URL, **more: str) -> httpx.Response:
        headers, body = said(sent, self.running.server.store.now())
        return await self.http.post(url, content=body, headers=headers | more)


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setenv("ROADCREW_PAYMENT_VENUE_SECRET", SECRET)
    monkeypatch.setenv("ROADCREW_PAYMENT_SIMULATED_SECONDS", "0")
    async with served(tmp_path, payments="simulated,venue") as running, connected(running.url) as http:
        yield Office(running, http)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_box_office_says_paid_and_the_order_hears_it_each_time(office: Office):
    venue = office.running.server.payments.providers["venue"]
    await venue.charge(charge())
    answers = [await office.say(paid(charge())) for _ in range(2)]
    assert [(a.status_code, a.content) for a in answers] == [(204, b"")] * 2
    outcome = await venue.look(charge())
    assert isinstance(outcome, Succeeded)
    assert office.heard == [("venue", Notice("c1", charge().reference, outcome))] * 2


async def test_what_does_not_fit_the_books_reaches_no_order(office: Office):
    assert refused(await office.say(paid(charge()))) == (400, "bad-notice")
    assert refused(await office.say(b"\xff")) == (400, "bad-notice")
    assert refused(await office.say(paid(charge()), **{HEADER: "t=1,v1=0"})) == (400, "bad-notice")
    assert refused(await office.http.post(URL)) == (400, "bad-notice")
    assert office.heard == []


async def test_nobody_outside_can_say_that_a_simulated_payment_succeeded(office: Office):
    simulated = office.running.server.payments.providers["simulated"]
    await simulated.charge(charge(method="refuse"))
    forged = {"charge_id": "c1", "reference": charge().reference, "outcome": {"type": "Succeeded", "reference": "x"}}
    assert refused(await office.say(forged, "/api/payments/simulated")) == (400, "bad-notice")
    assert office.heard == []


async def test_a_simulated_webhook_reaches_the_order(office: Office):
    await office.running.server.payments.providers["simulated"].charge(charge(method="slow"))
    (who, notice), *more = await eventually(lambda: office.heard)
    assert (who, notice.charge_id, type(notice.outcome), more) == ("simulated", "c1", Succeeded, [])


@pytest.mark.parametrize("name", ["paypal", "VENUE", "..%2Fvenue", "%00"])
async def test_a_webhook_of_no_provider_of_this_server_is_not_found(office: Office, name: str):
    assert (await office.http.post(f"/api/payments/{name}", content=b"{}")).status_code == 404


async def test_a_webhook_that_is_too_large_is_not_read(office: Office):
    answer = await office.say(b" " * (office.running.server.settings.max_body + 1))
    assert refused(answer) == (413, "body-too-large")


async def test_a_provider_is_told_to_come_again_when_the_books_are_out_of_reach(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    async def away(notice: Notice) -> None:
        raise PaymentTrouble("the store is away")

    monkeypatch.setattr(office.running.server.payments.providers["venue"].inner, "book", away)
    assert refused(await office.say(paid(charge()))) == (503, "unavailable")
    assert office.heard == []


async def test_signatures_can_not_be_guessed_without_end(tmp_path: Path):
    async with served(tmp_path, webhooks_per_address="3/minute") as running, connected(running.url) as http:
        answers = [await http.post(URL, content=b"{}", headers={HEADER: "t=1,v1=0"}) for _ in range(4)]
        assert [a.status_code for a in answers] == [400] * 3 + [429]
        too_many(answers[-1])
