"""What every payment provider must do, as tests: `payments/base.py` made runnable.

A test class for one provider inherits `PaymentContract` and gives three fixtures: `make`, which makes the provider anew
as another process would; `pay`, which does whatever leads to a payment; and `webhook`, the provider's own word that a
charge was paid. A provider over the network is tried with its own test account, or a stand-in for it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Count
from tests.support.people import eventually

from roadcrew_domain.money import Money
from roadcrew_server.payments.base import (
    BadNotice,
    Charge,
    Declined,
    Outcome,
    PaymentProvider,
    PaymentTrouble,
    Succeeded,
    Tools,
    Waiting,
)
from roadcrew_server.payments.records import StoreRecords, kept_for
from roadcrew_server.payments.registry import NAME
from roadcrew_server.stores.clock import StoreClock
from roadcrew_server.stores.sqlite import SqliteStore

Make = Callable[[], PaymentProvider]
Pay = Callable[[PaymentProvider, Charge], Awaitable[Succeeded]]
Webhook = Callable[[PaymentProvider, Charge], tuple[dict[str, str], bytes]]


def charge(name: str = "c1", method: str = "") -> Charge:
    return Charge(name, f"cart:ana/{name}", Money(1250, "EUR"), "Two tickets", method)


class Bench:
    """The store that the processes of a test share, and its time, which stands still until it is moved."""

    def __init__(self, place: Path) -> None:
        self.passed = 0.0
        clock = StoreClock(lambda: datetime(2026, 5, 20, 12, tzinfo=UTC), lambda: self.passed)
        self.store = SqliteStore(place / "store.sqlite", clock=clock, synchronous="NORMAL")
        self.lose_answers = False
        self.delivered: list[tuple[Any, bytes]] = []
        self._asleep: list[tuple[float, asyncio.Future[None]]] = []

    def tools(self, provider_id: str, **settings: str) -> Tools:
        return Tools(_Records(self, provider_id), settings, self.store.now, self._sleep, self._deliver)

    def later(self, seconds: float) -> None:
        """Let time pass; who has slept long enough wakes up."""
        self.passed += seconds
        self.wake(self.passed)

    def wake(self, until: float = float("inf")) -> None:
        """Wake who sleeps until then, whatever the store's clock says."""
        for at, sleeper in self._asleep:
            if at <= until and not sleeper.done():
                sleeper.set_result(None)

    async def _sleep(self, seconds: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asleep.append((self.passed + seconds, sleeper))
        await sleeper

    async def _deliver(self, headers: Any, body: bytes) -> None:
        self.delivered.append((headers, body))

    @property
    def sleeping(self) -> int:
        """How many wait for time to pass."""
        return sum(not sleeper.done() for _, sleeper in self._asleep)


class _Records(StoreRecords):
    """Records whose answers can be lost after the store has done what it was told."""

    def __init__(self, bench: Bench, provider_id: str) -> None:
        super().__init__(bench.store, provider_id, kept_for(365))
        self._bench = bench

    async def create(self, key: str, value: bytes) -> bool:
        return self._answer(await super().create(key, value))

    async def replace(self, key: str, old: bytes, value: bytes) -> bool:
        return self._answer(await super().replace(key, old, value))

    def _answer(self, answer: bool) -> bool:
        if self._bench.lose_answers:
            raise PaymentTrouble("the answer was lost")
        return answer


async def asked(answer: Coroutine[Any, Any, Outcome]) -> Outcome | None:
    """What a charge answered; None when its answer was lost."""
    try:
        return await answer
    except PaymentTrouble:
        return None


class PaymentContract:
    """Inherit, and give `make`, `pay` and `webhook`."""

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        bench = Bench(tmp_path)
        await bench.store.open()
        yield bench
        await bench.store.close()

    @pytest.fixture
    async def provider(self, make: Make) -> AsyncIterator[PaymentProvider]:
        provider = make()
        await provider.start()
        yield provider
        await provider.stop()

    def test_the_offer_can_be_shown(self, make: Make):
        offer = make().offer
        assert NAME.fullmatch(offer.id)
        ids = [method.id for method in offer.methods]
        assert len(set(ids)) == len(ids)
        for text in (offer.label, *(m.label for m in offer.methods), *ids):
            assert re.fullmatch(r"\S.{0,60}", text)
            assert text.isprintable()

    async def test_a_charge_that_is_repeated_is_one_payment(self, provider: PaymentProvider, make: Make, pay: Pay):
        # R: C2
        paid = await pay(provider, charge())
        assert await provider.charge(charge()) == paid
        assert await make().charge(charge()) == paid

    async def test_other_charges_are_other_payments(self, provider: PaymentProvider, pay: Pay):
        assert await pay(provider, charge("c1")) != await pay(provider, charge("c2"))

    async def test_look_says_in_every_process_what_charge_said(self, provider: PaymentProvider, make: Make):
        # R: C2
        for method in [method.id for method in provider.offer.methods] or [""]:
            one = charge(f"by {method}", method)
            said = await asked(provider.charge(one))
            found = await make().look(one)
            assert found is not None
            assert said in (None, found)
            assert await provider.look(one) == await provider.charge(one) == found

    async def test_a_charge_that_never_was_is_nothing_and_is_not_honoured_afterwards(
        self, provider: PaymentProvider, make: Make
    ):
        # R: C2
        assert await provider.look(charge()) is None
        assert isinstance(await provider.charge(charge()), Declined)
        assert isinstance(await make().charge(charge()), Declined)
        assert await make().look(charge()) is None

    async def test_of_a_charge_and_a_look_at_the_same_time_one_is_first(self, make: Make, count: Count):
        # R: C2
        for n in range(count(reduced=30, full=500)):
            one, two = make(), make()
            looking, charging = one.look(charge(f"c{n}")), two.charge(charge(f"c{n}"))
            if n % 2:
                found, said = await asyncio.gather(looking, charging)
            else:
                said, found = await asyncio.gather(charging, looking)
            assert isinstance(said, Declined) if found is None else said == found
            await two.stop()

    async def test_a_process_that_dies_while_it_charges_leaves_one_truth(self, make: Make, count: Count):
        # R: C2
        for n in range(count(reduced=40, full=400)):
            one, dying = charge(f"c{n}"), make()
            task = asyncio.create_task(dying.charge(one))
            for _ in range(n % 20):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            await dying.stop()
            heir = make()
            found = await heir.look(one)
            said = await asked(heir.charge(one))
            assert isinstance(said, Declined) if found is None else said == found
            assert await heir.look(one) == found
            await heir.stop()

    async def test_processes_that_charge_at_the_same_time_make_one_payment(self, make: Make, pay: Pay):
        # R: C2
        paid = await asyncio.gather(*(pay(make(), charge()) for _ in range(5)))
        assert len(set(paid)) == 1

    async def test_an_answer_that_was_lost_is_found_by_looking(
        self, bench: Bench, provider: PaymentProvider, make: Make
    ):
        # R: C2
        bench.lose_answers = True
        with pytest.raises(PaymentTrouble):
            await provider.charge(charge())
        bench.lose_answers = False
        found = await make().look(charge())
        assert found is not None
        assert await provider.charge(charge()) == found

    async def test_what_can_not_be_asked_is_trouble_and_no_answer(
        self, bench: Bench, provider: PaymentProvider, pay: Pay
    ):
        # R: C2
        paid = await pay(provider, charge())
        await bench.store.close()
        for answer in (provider.charge(charge()), provider.look(charge()), provider.refund(charge(), paid.reference)):
            with pytest.raises(PaymentTrouble):
                await answer

    async def test_a_method_that_is_not_offered_is_declined(self, provider: PaymentProvider):
        said = await provider.charge(charge(method="gold"))
        assert isinstance(said, Declined)
        assert said.reason == "unknown-method"

    async def test_a_payment_is_given_back_once(self, provider: PaymentProvider, make: Make, pay: Pay):
        # R: C2
        paid = await pay(provider, charge())
        many = await asyncio.gather(*(make().refund(charge(), paid.reference) for _ in range(5)))
        assert len({*many, await provider.refund(charge(), paid.reference)}) == 1
        assert await provider.look(charge()) == paid

    async def test_what_was_not_paid_is_not_given_back(self, provider: PaymentProvider, make: Make, pay: Pay):
        paid = await pay(provider, charge())
        for one, reference in ((charge("other"), paid.reference), (charge(), "another")):
            with pytest.raises(PaymentTrouble):
                await make().refund(one, reference)

    async def test_a_webhook_says_what_look_says(self, provider: PaymentProvider, pay: Pay, webhook: Webhook):
        paid = await pay(provider, charge())
        for _ in range(2):
            notice = provider.verified(*webhook(provider, charge()))
            assert (notice.charge_id, notice.reference, notice.outcome) == ("c1", charge().reference, paid)

    async def test_a_webhook_of_another_time_is_refused(
        self, bench: Bench, provider: PaymentProvider, webhook: Webhook
    ):
        sent = webhook(provider, charge())
        bench.later(299)
        assert provider.verified(*sent).charge_id == "c1"
        bench.later(2)
        with pytest.raises(BadNotice, match="too old"):
            provider.verified(*sent)

    async def test_a_webhook_of_which_one_letter_is_another_is_refused(
        self, provider: PaymentProvider, webhook: Webhook
    ):
        headers, body = webhook(provider, charge())

        @settings(max_examples=60, deadline=None)
        @given(st.data())
        def one_letter(data: st.DataObject) -> None:
            name = data.draw(st.sampled_from(["", *headers]))
            whole = headers[name].encode() if name else body
            at = data.draw(st.integers(0, len(whole) - 1))
            letter = bytes([data.draw(st.integers(33, 126).filter(lambda c: c != whole[at]))])
            other = whole[:at] + letter + whole[at + 1 :]
            with pytest.raises(BadNotice):
                provider.verified(headers | {name: other.decode()} if name else headers, body if name else other)

        one_letter()

    async def test_a_webhook_without_a_signature_is_refused(self, provider: PaymentProvider, webhook: Webhook):
        with pytest.raises(BadNotice):
            provider.verified({}, webhook(provider, charge())[1])

    async def test_nothing_runs_on_after_the_end(self, bench: Bench, make: Make):
        provider = make()
        await provider.start()
        for method in [method.id for method in provider.offer.methods] or [""]:
            await asked(provider.charge(charge(f"by {method}", method)))
        await provider.stop()
        await eventually(lambda: asyncio.all_tasks() == {asyncio.current_task()}, "the end of all tasks")

    async def test_one_that_was_not_started_can_be_stopped(self, make: Make):
        await make().stop()


def undecided(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Waiting)
