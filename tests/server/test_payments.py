"""The shipped payment providers: the contract of all providers, and what only one of them promises."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.payment_contract import Bench, Make, Pay, PaymentContract, Webhook, asked, charge, undecided
from tests.support.people import eventually

from roadcrew_server.payments.base import BadNotice, Charge, Declined, Notice, PaymentProvider, Succeeded
from roadcrew_server.payments.ledger import number
from roadcrew_server.payments.records import StoreRecords, kept_for
from roadcrew_server.payments.signing import HEADER, MAX_HEADER, TOLERANCE, check, signature
from roadcrew_server.payments.simulated import UNDER_WAY, SimulatedPayments
from roadcrew_server.payments.venue import BOX_OFFICE, VenuePayments

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
SECRET = "a secret of the venue"


def said(sent: object, at: datetime = NOW, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    """What a box office sends."""
    body = sent if isinstance(sent, bytes) else msgspec.json.encode(sent)
    return {HEADER: signature(secret.encode(), at, body)}, body


def paid(one: Charge) -> dict[str, str]:
    return {"type": "paid", "charge": one.id, "reference": one.reference}


async def at_once(provider: PaymentProvider, one: Charge) -> Succeeded:
    """Pay by what succeeds without anybody's doing."""
    outcome = await provider.charge(one)
    assert isinstance(outcome, Succeeded)
    return outcome


class TestVenue(PaymentContract):
    @pytest.fixture
    def make(self, bench: Bench) -> Make:
        return lambda: VenuePayments(bench.tools("venue", secret=SECRET))

    @pytest.fixture
    def pay(self) -> Pay:
        async def at_the_venue(provider: PaymentProvider, one: Charge) -> Succeeded:
            assert isinstance(provider, VenuePayments)
            await provider.charge(one)
            return await provider.mark_paid(one.id, "till 3")

        return at_the_venue

    @pytest.fixture
    def webhook(self, bench: Bench) -> Webhook:
        return lambda _, one: said(paid(one), bench.store.now())

    async def test_it_waits_until_somebody_says_that_it_is_paid(self, make: Make, bench: Bench):
        venue = make()
        assert venue.offer.pays_later
        assert undecided(await venue.charge(charge()))
        bench.later(timedelta(days=200).total_seconds())
        assert undecided(await make().look(charge()))
        assert isinstance(venue, VenuePayments)
        assert await venue.mark_paid("c1", "till 3") == await venue.mark_paid("c1", "till 4")
        assert isinstance(await make().look(charge()), Succeeded)
        assert b"till 3" in (await bench.tools("venue").records.get("c1") or b"")

    async def test_the_word_of_a_box_office_is_written_down_before_the_order_hears_it(self, make: Make):
        venue = make()
        assert isinstance(venue, VenuePayments)
        await venue.charge(charge())
        notice = venue.verified(*said(paid(charge())))
        assert undecided(await venue.look(charge()))
        for _ in range(2):
            await venue.book(notice)
        assert await make().look(charge()) == notice.outcome

    async def test_of_two_who_say_at_the_same_time_that_it_is_paid_the_first_counts(self, bench: Bench):
        tools = bench.tools("venue")
        first = VenuePayments(tools)
        await first.charge(charge())

        class Late(StoreRecords):
            async def get(self, key: str) -> bytes | None:
                seen = await super().get(key)
                await first.mark_paid(key, "till 3")  # done before who asks here has read what it gets
                return seen

        second = VenuePayments(replace(tools, records=Late(bench.store, "venue", kept_for(365))))
        assert await second.mark_paid("c1", "till 4") == await first.look(charge())
        kept = await tools.records.get("c1")
        assert kept is not None
        assert b"till 3" in kept

    async def test_what_is_given_up_is_paid_no_more_and_what_was_paid_is_not_given_up(self, make: Make):
        # R: C2
        venue = make()
        assert isinstance(venue, VenuePayments)
        for one in (charge("waits"), charge("paid")):
            await venue.charge(one)
        said = await venue.mark_paid("paid", "till 3")
        for _ in range(2):
            assert await venue.give_up(charge("paid")) == said == await make().look(charge("paid"))
            assert isinstance(await venue.give_up(charge("waits")), Declined)
            assert await venue.give_up(charge("never was")) is None
        for name in ("waits", "never was"):
            assert isinstance(await make().charge(charge(name)), Declined)
            with pytest.raises(BadNotice, match="Give the money back"):
                await venue.mark_paid(name, "till 3")

    async def test_of_a_word_that_it_is_paid_and_the_end_of_the_order_one_is_first(self, bench: Bench):
        # R: C2
        tools = bench.tools("venue")
        first = VenuePayments(tools)
        await first.charge(charge())

        class Late(StoreRecords):
            async def replace(self, key: str, old: bytes, value: bytes) -> bool:
                await first.mark_paid(key, "till 3")  # done before who asks here has written what it means to
                return await super().replace(key, old, value)

        second = VenuePayments(replace(tools, records=Late(bench.store, "venue", kept_for(365))))
        assert isinstance(await second.give_up(charge()), Succeeded)

    async def test_who_took_the_money_is_known_also_when_somebody_else_had_said_so(self, make: Make, bench: Bench):
        venue = make()
        assert isinstance(venue, VenuePayments)
        for by, whose in (("ana", b"ana"), ("ben", b"ana"), (BOX_OFFICE, BOX_OFFICE.encode()), ("ana", b"box")):
            await venue.charge(charge())
            await venue.mark_paid("c1", by)
            assert whose in (await bench.tools("venue").records.get("c1") or b"")

    async def test_money_for_what_was_paid_back_on_a_mere_word_is_not_taken(
        self, make: Make, caplog: pytest.LogCaptureFixture
    ):
        # R: C2
        venue = make()
        assert isinstance(venue, VenuePayments)
        await venue.charge(charge())
        said = await venue.mark_paid("c1", "ana")
        await venue.refund(charge(), said.reference)
        assert "1250 EUR (minor units) for cart:ana/c1, which was paid by the word of ana" in caplog.text
        with pytest.raises(BadNotice, match="Give the money back"):
            await venue.mark_paid("c1", BOX_OFFICE)

    async def test_a_box_office_that_says_so_again_after_it_was_paid_back_is_not_told_to_pay_twice(self, make: Make):
        # R: C2
        venue = make()
        assert isinstance(venue, VenuePayments)
        await venue.charge(charge())
        said = await venue.mark_paid("c1", BOX_OFFICE)
        await venue.refund(charge(), said.reference)
        assert await venue.mark_paid("c1", BOX_OFFICE) == said

    async def test_nothing_is_taken_for_what_never_was_was_given_up_or_is_another_order(self, make: Make):
        venue = make()
        assert isinstance(venue, VenuePayments)
        await venue.look(charge("given up"))
        await venue.charge(charge("waits"))
        for one, why in (
            (charge("never was"), "no such charge"),
            (charge("given up"), "Give the money back"),
            (msgspec.structs.replace(charge("waits"), reference="cart:ben/waits"), "another charge's"),
        ):
            with pytest.raises(BadNotice, match=why):
                await venue.book(venue.verified(*said(paid(one))))
        assert undecided(await venue.look(charge("waits")))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[" * 10_000,
            b'{"type": "paid", "charge": "c1"}',
            b'{"type": "unpaid", "charge": "c1", "reference": "r"}',
            b'{"type": "paid", "charge": "", "reference": "r"}',
            b'{"type": "paid", "charge": 1, "reference": "r"}',
            b'{"type": "paid", "charge": "c1", "reference": "r", "amount": 0}',
            b'{"type": "paid", "charge": "\xff", "reference": "r"}',
            b'{"type": "paid", "charge": "\\ud800", "reference": "r"}',
            b'{"type": "paid", "charge": "' + b"c" * 300 + b'", "reference": "r"}',
        ],
    )
    async def test_what_is_signed_but_says_nothing_is_refused(self, make: Make, body: bytes):
        with pytest.raises(BadNotice):
            make().verified(*said(body))

    async def test_without_a_secret_nobody_is_believed(self, bench: Bench):
        venue = VenuePayments(bench.tools("venue"))
        for secret in ("", SECRET):
            with pytest.raises(BadNotice, match="ROADCREW_PAYMENT_VENUE_SECRET"):
                venue.verified(*said(paid(charge()), secret=secret))

    async def test_a_secret_that_can_be_guessed_is_refused(self, bench: Bench):
        with pytest.raises(ValueError, match="at least 16"):
            VenuePayments(bench.tools("venue", secret="short"))


class TestSimulated(PaymentContract):
    @pytest.fixture
    def make(self, bench: Bench) -> Make:
        return lambda: SimulatedPayments(bench.tools("simulated"), secret=b"one for all processes of a test")

    @pytest.fixture
    def pay(self) -> Pay:
        return at_once

    @pytest.fixture
    def webhook(self) -> Webhook:
        def sent(provider: PaymentProvider, one: Charge) -> tuple[dict[str, str], bytes]:
            assert isinstance(provider, SimulatedPayments)
            return provider.webhook(Notice(one.id, one.reference, Succeeded(number("simulated", one.id))))

        return sent

    async def test_each_method_does_what_its_label_says(self, provider: PaymentProvider):
        outcomes = {m.id: await asked(provider.charge(charge(m.id, m.id))) for m in provider.offer.methods}
        assert provider.offer.simulated
        assert isinstance(outcomes["accept"], Succeeded)
        assert isinstance(outcomes["refuse"], Declined)
        assert undecided(outcomes["slow"])
        assert outcomes["lost"] is None
        assert isinstance(await provider.look(charge("lost", "lost")), Succeeded)
        assert isinstance(outcomes["twice"], Succeeded)

    async def test_a_slow_payment_succeeds_by_webhook(self, bench: Bench, provider: PaymentProvider):
        slow = charge(method="slow")
        await provider.charge(slow)
        await eventually(lambda: bench.sleeping)
        bench.later(4.9)
        assert undecided(await provider.look(slow))
        bench.later(0.1)
        await eventually(lambda: bench.delivered)
        notice = provider.verified(*bench.delivered[0])
        assert (notice.charge_id, notice.reference) == (slow.id, slow.reference)
        assert await provider.look(slow) == await provider.charge(slow) == notice.outcome
        assert isinstance(notice.outcome, Succeeded)

    async def test_a_slow_payment_whose_process_died_is_found_by_looking_and_can_be_given_back(
        self, bench: Bench, provider: PaymentProvider, make: Make
    ):
        slow = charge(method="slow")
        await provider.charge(slow)
        await provider.stop()
        bench.later(5)
        assert await make().refund(slow, number("simulated", slow.id))
        assert isinstance(await make().look(slow), Succeeded)
        assert bench.delivered == []

    async def test_look_says_what_a_webhook_has_said_also_while_clocks_differ(
        self, bench: Bench, provider: PaymentProvider
    ):
        await provider.charge(charge(method="slow"))
        await eventually(lambda: bench.sleeping)
        bench.later(4.999)
        bench.wake()
        await eventually(lambda: bench.delivered)
        assert await provider.look(charge()) == provider.verified(*bench.delivered[0]).outcome

    async def test_a_payment_is_told_of_twice(self, bench: Bench, provider: PaymentProvider):
        await provider.charge(charge(method="twice"))
        await eventually(lambda: bench.sleeping)
        bench.later(5)
        await eventually(lambda: len(bench.delivered) == 2)
        assert len({provider.verified(*sent) for sent in bench.delivered}) == 1

    async def test_webhooks_under_way_are_bounded_and_look_knows_the_rest(
        self, bench: Bench, provider: PaymentProvider, caplog: pytest.LogCaptureFixture
    ):
        many = [charge(f"c{n}", "slow") for n in range(UNDER_WAY + 5)]
        with caplog.at_level(logging.ERROR):
            await asyncio.gather(*(provider.charge(one) for one in many))
        await eventually(lambda: bench.sleeping == UNDER_WAY)
        bench.later(5)
        found = await asyncio.gather(*(provider.look(one) for one in many))
        assert all(isinstance(outcome, Succeeded) for outcome in found)

    async def test_a_webhook_that_nobody_takes_does_no_harm(
        self, bench: Bench, provider: PaymentProvider, monkeypatch: pytest.MonkeyPatch
    ):
        async def refuse(headers: Mapping[str, str], body: bytes) -> None:
            bench.delivered.append((headers, body))
            raise RuntimeError("the order is busy")

        monkeypatch.setattr(bench, "_deliver", refuse)
        other = SimulatedPayments(bench.tools("simulated"))
        await other.charge(charge(method="twice"))
        await eventually(lambda: bench.sleeping)
        bench.later(5)
        await eventually(lambda: len(bench.delivered) == 2)
        await other.stop()

    async def test_the_webhook_of_another_process_is_not_believed(self, bench: Bench):
        one, two = (SimulatedPayments(bench.tools("simulated")) for _ in range(2))
        notice = Notice("c1", "r", Succeeded("forged"))
        assert one.verified(*one.webhook(notice)) == notice
        with pytest.raises(BadNotice):
            two.verified(*one.webhook(notice))

    @pytest.mark.parametrize("seconds", ["", "soon", "-1", "nan", "inf", "3601"])
    async def test_how_slow_it_is_must_be_a_number(self, bench: Bench, seconds: str):
        with pytest.raises(ValueError, match="from 0 to 3600"):
            SimulatedPayments(bench.tools("simulated", seconds=seconds))


class TestTheExampleOfTheOperatingGuide(PaymentContract):
    @pytest.fixture
    def make(self, bench: Bench) -> Make:
        page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")
        written: dict[str, Any] = {}
        exec(page.partition("```python\n")[2].partition("```")[0], written)
        return lambda: written["OnAccount"](bench.tools("account", secret=SECRET))

    @pytest.fixture
    def pay(self) -> Pay:
        return at_once

    @pytest.fixture
    def webhook(self, bench: Bench) -> Webhook:
        def sent(_: PaymentProvider, one: Charge) -> tuple[dict[str, str], bytes]:
            return said(Notice(one.id, one.reference, Succeeded(number("account", one.id))), bench.store.now())

        return sent


# --- signatures ------------------------------------------------------------------------------------


def test_a_signature_is_what_openssl_says():
    # printf '%s.%s' 1800000000 "$BODY" | openssl dgst -sha256 -hmac 'a secret of the venue'
    body = b'{"type":"paid","charge":"c1","reference":"r1"}'
    made = signature(SECRET.encode(), datetime.fromtimestamp(1_800_000_000, UTC), body)
    assert made == "t=1800000000,v1=9db965bb0c915eeb67c1d382026070ae7fc398a8ee8c610043e54a5169891e36"


def good(secret: bytes, header: str, body: bytes, now: datetime) -> bool:
    try:
        check(secret, {HEADER: header}, body, now)
    except BadNotice:
        return False
    return True


@given(st.binary(min_size=1, max_size=40), st.binary(max_size=200), st.binary(max_size=200), st.integers(-1000, 1000))
def test_a_signature_is_good_for_its_secret_its_body_and_five_minutes(
    secret: bytes, body: bytes, other: bytes, apart: int
):
    header = signature(secret, NOW, body)
    in_time = abs(apart) <= TOLERANCE.total_seconds()
    assert good(secret, header, body, NOW + timedelta(seconds=apart)) == in_time
    assert good(secret, header, other, NOW) == (other == body)
    assert not good(secret + b"x", header, body, NOW)


@given(st.text(st.characters(codec="latin-1"), max_size=80))
def test_no_other_header_is_good_and_none_is_a_fault_of_ours(header: str):
    for text in (header, f"t={header},v1={header}", f"{signature(b's', NOW, b'')},t={header}"):
        assert not good(b"s", text, b"", NOW)


def test_one_good_signature_among_others_will_do_while_a_secret_is_changed():
    seconds, _, new = signature(b"new", NOW, b"body").partition(",")
    old = signature(b"old", NOW, b"body").partition(",")[2]
    assert good(b"new", f"{seconds},{old},{new},v0=whatever", b"body", NOW)
    assert not good(b"new", f"{seconds},{old}", b"body", NOW)
    assert not good(b"new", f"{seconds},{seconds},{new}", b"body", NOW)  # whose time would it be?
    assert not good(b"new", f"{seconds},{new},v0={'x' * MAX_HEADER}", b"body", NOW)
