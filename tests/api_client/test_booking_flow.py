"""From a choice to a line in the cart, by a clock that jumps: the words of C7, the failures of C8, and whose it is."""

import asyncio
import errno
from datetime import timedelta
from pathlib import Path

import pytest
from tests.api_client.booking_desk import OTHER, SLOT, STARTS, Desk, slot_info
from tests.api_client.booking_program import SERVER, TWO, Program, adds, played
from tests.support.jumping import LoopClock

import roadcrew_client as rc
from roadcrew_client import pending_booking
from roadcrew_client.models import SessionInfo

WORDS = [
    "Preparing your booking…",
    "Establishing secure connection…",
    "Adding booking to cart…",
    "Booking added to cart successfully!",
]
LADDER = [0, 1.5, 3.75, 7.125, 12.125, 17.125]


# --- what goes well ------------------------------------------------------------------------------


# R: C1 C7
def test_a_booking_says_its_four_steps_and_is_in_the_cart(tmp_path: Path):
    desk = Desk()

    async def main() -> None:
        program = Program(tmp_path, desk)
        outcome = await program.flow.book(SLOT, TWO)
        assert isinstance(outcome, rc.Added)
        assert outcome.words == WORDS[-1]
        assert [line.id for line in outcome.answer.cart.lines] == [outcome.pending.id]
        assert program.words == WORDS
        assert [path for _, path in program.wire.asked] == ["/api/session", "/api/cart/load", "/api/cart/add"]
        assert await program.waits() is None
        assert await program.flow.resume() is None
        book = program.client.figures.book
        assert (book.adds_tried, book.adds_done, book.adds_failed) == (1, 1, {})
        assert program.client.figures.session_attempts == 1

    played(main)
    assert desk.holds() == [2]


# R: C3 C7
def test_who_is_not_signed_in_is_asked_to_and_the_booking_goes_on_by_itself(tmp_path: Path):
    desk = Desk()

    async def main() -> None:
        program = Program(tmp_path, desk, token=None)
        first = await program.flow.book(SLOT, TWO)
        assert isinstance(first, rc.SignInFirst)
        assert (first.keeps, program.wire.asked) == (True, [])
        program.sign_in("ana")
        outcome = await program.flow.resume()
        assert isinstance(outcome, rc.Added)
        assert outcome.pending.id == first.pending.id
        assert program.words == WORDS

    played(main)
    assert desk.adds == [("ana", desk.cart().lines[0].id)]


# R: C3
def test_a_booking_that_waits_for_signing_in_survives_the_program(tmp_path: Path):
    desk = Desk()

    async def main() -> None:
        chosen = await Program(tmp_path, desk, token=None).flow.book(SLOT, {**TWO, "child": 0}, "trip-1")
        later = Program(tmp_path, desk, token=None)
        assert isinstance(await later.flow.resume(), rc.SignInFirst)
        waits = await later.flow.waiting()
        assert waits == chosen.pending
        assert waits is not None
        assert (waits.tickets, waits.trip_id, waits.person, waits.server) == (TWO, "trip-1", None, SERVER)
        later.sign_in("ana")
        assert isinstance(await later.flow.resume(), rc.Added)

    played(main)
    assert desk.holds() == [2]


# R: C9
def test_a_guest_who_becomes_an_account_in_the_middle_goes_on_with_the_same_booking(tmp_path: Path):
    desk, faults = Desk(), adds(*["unheard"] * 3)

    async def main() -> None:
        program = Program(tmp_path, desk, fault=faults)
        failed = await program.flow.book(SLOT, TWO)
        assert isinstance(failed, rc.Connection)
        # What `upgrade` is answered with: the same person, who is no guest any more.
        program.client._session.know(SessionInfo(rc.User("ana", "Ana", "ana", guest=False)))
        outcome = await program.flow.resume()
        assert isinstance(outcome, rc.Added)
        assert outcome.pending.id == failed.pending.id

    played(main)
    assert desk.holds() == [2]
    assert {key for _, key in desk.adds} == {desk.cart().lines[0].id}


# --- the three failures --------------------------------------------------------------------------


# R: C4 C8
def test_a_connection_that_fails_is_said_and_the_booking_waits_for_another_try(tmp_path: Path):
    desk, net = Desk(), {"up": False}

    async def main() -> None:
        program = Program(tmp_path, desk, fault=lambda path: None if net["up"] else "lost")
        outcome = await program.flow.book(SLOT, TWO)
        assert isinstance(outcome, rc.Connection)
        assert (outcome.words, outcome.keeps) == ("Connection issue. Please try again.", True)
        looks = program.wire.times("/api/session")
        assert [round(at - 0.05 * n, 3) for n, at in enumerate(looks)] == LADDER
        assert [step.look.seen for step in program.told if step.look] == ["unreachable"] * 5
        assert program.words == WORDS[:2]
        assert await program.waits() is not None
        net["up"] = True
        again = await program.flow.resume()
        assert isinstance(again, rc.Added)
        assert again.pending.id == outcome.pending.id

    played(main)
    assert desk.holds() == [2]


# R: C5 C8
@pytest.mark.parametrize(
    "fault", ["lost", "unheard", (503, "busy"), (429, "too-many-requests"), (500, "trouble"), (502, "")], ids=str
)
def test_an_add_that_fails_for_now_is_tried_three_times_under_one_key_and_waits_then(tmp_path: Path, fault: object):
    desk, broken = Desk(), {"add": True}

    async def main() -> None:
        def faults(path: str) -> object:
            return fault if path.endswith("add") and broken["add"] else None

        program = Program(tmp_path, desk, fault=faults)
        outcome = await program.flow.book(SLOT, TWO)
        assert isinstance(outcome, rc.Connection)
        assert len(program.wire.times("/api/cart/add")) == 3
        book = program.client.figures.book
        assert (book.adds_tried, book.adds_done, book.adds_failed) == (1, 0, {"connection": 1})
        waits = await program.waits()
        assert waits is not None
        assert (waits.id, waits.person) == (outcome.pending.id, "ana")
        broken["add"] = False
        # Choosing the same again is trying again.
        again = await program.flow.book(SLOT, TWO)
        assert isinstance(again, rc.Added)
        assert again.pending.id == outcome.pending.id

    played(main)
    assert desk.holds() == [2]
    assert len({key for _, key in desk.adds}) == 1


# R: C5 S8
def test_a_retry_after_is_obeyed(tmp_path: Path):
    faults = adds((429, "too-many-requests", 7))

    async def main() -> None:
        program = Program(tmp_path, Desk(), fault=faults)
        assert isinstance(await program.flow.book(SLOT, TWO), rc.Added)
        first, second = program.wire.times("/api/cart/add")
        assert 7 <= second - first < 8.2

    played(main)


# R: C8
@pytest.mark.parametrize("why", ["seats-gone", "slot-past", "unknown-slot"])
def test_seats_that_are_gone_are_said_and_the_booking_is_cleared(tmp_path: Path, why: str):
    desk = Desk(3)
    slot = SLOT
    if why == "seats-gone":
        desk.hold(2)
    elif why == "unknown-slot":
        slot = slot_info("gone.20300521.1200")
    else:
        desk.now = STARTS + timedelta(minutes=1)  # and the terminal does not know yet

    async def main() -> None:
        program = Program(tmp_path, desk)
        outcome = await program.flow.book(slot, TWO)
        assert isinstance(outcome, rc.SeatsGone)
        assert outcome.words == "Seats are no longer available. Please select different tickets."
        assert outcome.keeps is False
        assert outcome.error is not None
        assert outcome.error.code == why
        assert len(program.wire.times("/api/cart/add")) == 1
        assert await program.waits() is None
        assert await program.flow.resume() is None
        assert program.client.figures.book.adds_failed == {"seats-gone": 1}

    played(main)
    assert desk.cart().lines == ()


# R: C5 C8
def test_a_session_that_is_over_ends_it_at_once_and_the_booking_waits_for_its_person(tmp_path: Path):
    desk = Desk()
    over = {"now": True}

    async def main() -> None:
        def fault(path: str) -> object:
            return (401, "not-signed-in") if path.endswith("add") and over["now"] else None

        program = Program(tmp_path, desk, fault=fault)
        outcome = await program.flow.book(SLOT, TWO)
        assert isinstance(outcome, rc.Auth)
        assert (outcome.words, outcome.keeps) == ("Please sign in again to continue.", True)
        assert len(program.wire.times("/api/cart/add")) == 1
        assert program.client.figures.book.adds_failed == {"auth": 1}
        assert await program.waits() is not None
        over["now"] = False
        program.sign_in("ana")
        assert isinstance(await program.flow.resume(), rc.Added)

    played(main)
    assert desk.holds() == [2]


# R: C4 C8
def test_a_token_that_is_refused_at_every_look_asks_to_sign_in_again(tmp_path: Path):
    async def main() -> None:
        program = Program(tmp_path, Desk(), fault=lambda path: (401, "not-signed-in"))
        outcome = await program.flow.book(SLOT, TWO)
        assert isinstance(outcome, rc.Auth)
        assert len(program.wire.times("/api/session")) == 6
        assert program.wire.times("/api/cart/add") == []
        assert await program.waits() is not None
        await program.flow.forget()  # the person decides
        assert await program.waits() is None

    played(main)


# R: C4 C8
def test_a_session_that_is_never_ready_is_a_connection_to_try_again(tmp_path: Path):
    async def main() -> None:
        program = Program(tmp_path, Desk(), fault=lambda path: (401, "session-not-ready"))
        outcome = await program.flow.book(SLOT, TWO)
        assert isinstance(outcome, rc.Connection)
        assert isinstance(outcome.error, rc.SessionNotReady)
        assert program.client.token == "ana"

    played(main)


# R: C8
@pytest.mark.parametrize(
    ("status", "code"), [(409, "cart-full"), (409, "currency-mix"), (422, "bad-tickets"), (403, "not-a-member")]
)
def test_what_the_rules_do_not_allow_is_said_in_their_words_and_not_tried_again(tmp_path: Path, status: int, code: str):
    async def main() -> None:
        program = Program(tmp_path, Desk(), fault=lambda path: (status, code) if path.endswith("add") else None)
        outcome = await program.flow.book(SLOT, TWO)
        assert isinstance(outcome, rc.NotAccepted)
        assert outcome.words == f"It is {code}."
        assert len(program.wire.times("/api/cart/add")) == 1
        assert await program.waits() is None

    played(main)


# R: C8
@pytest.mark.parametrize("status", [401, 403, 404, 409, 410])
def test_a_page_of_some_proxy_is_the_connections_fault(tmp_path: Path, status: int):
    async def main() -> None:
        program = Program(tmp_path, Desk(), fault=lambda path: (status, "") if path.endswith("add") else None)
        assert isinstance(await program.flow.book(SLOT, TWO), rc.Connection)
        assert await program.waits() is not None
        assert program.client.token == "ana"

    played(main)


# --- whose it is, and until when -----------------------------------------------------------------


# R: C3
def test_somebody_else_who_signs_in_does_not_book_what_another_chose(tmp_path: Path):
    desk, faults = Desk(), adds(*["lost"] * 3)

    async def main() -> None:
        ana = Program(tmp_path, desk, fault=faults)
        assert isinstance(await ana.flow.book(SLOT, TWO), rc.Connection)
        ben = Program(tmp_path, desk, token="ben")  # who he is, only the server says
        assert await ben.flow.resume() is None
        assert await ben.flow.waiting() is None
        await ben.flow.forget()
        back = Program(tmp_path, desk)
        assert isinstance(await back.flow.resume(), rc.Added)

    played(main)
    assert [user for user, _ in desk.adds] == ["ana"]


# R: C3
@pytest.mark.parametrize("ben_is_known", [True, False])
def test_what_one_person_chose_waits_for_them_while_another_books(tmp_path: Path, ben_is_known: bool):
    desk, faults = Desk(), adds(*["lost"] * 3)

    async def main() -> None:
        chosen = await Program(tmp_path, desk, fault=faults).flow.book(SLOT, TWO)
        assert isinstance(chosen, rc.Connection)
        ben = Program(tmp_path, desk, token="ben", fault=adds(*["lost"] * 3))
        if ben_is_known:
            ben.sign_in("ben")
        bens = await ben.flow.book(OTHER, {"adult": 1})
        assert isinstance(bens, rc.Connection)
        ana = await Program(tmp_path, desk).flow.resume()  # whose token it is, only the server says
        assert isinstance(ana, rc.Added)
        assert ana.pending.id == chosen.pending.id
        done = await Program(tmp_path, desk, token="ben").flow.resume()
        assert isinstance(done, rc.Added)
        assert done.pending.id == bens.pending.id

    played(main)
    assert [user for user, _ in desk.adds] == ["ana", "ben"]


# R: C3
def test_what_was_chosen_before_signing_in_takes_the_place_of_what_waited_for_that_person(tmp_path: Path):
    desk, faults = Desk(), adds(*["lost"] * 3)

    async def main() -> None:
        await Program(tmp_path, desk, fault=faults).flow.book(SLOT, TWO)
        program = Program(tmp_path, desk, token=None)
        await asyncio.sleep(60)
        newer = await program.flow.book(OTHER, TWO)
        assert isinstance(newer, rc.SignInFirst)
        program.sign_in("ana")
        outcome = await program.flow.resume()
        assert isinstance(outcome, rc.Added)
        assert outcome.pending.id == newer.pending.id
        assert await program.waits() is None

    played(main)
    assert (desk.holds(), desk.holds(OTHER.slot_id)) == ([], [2])


# R: C2 C3
def test_while_the_disk_does_not_say_what_waits_nothing_is_booked_twice_and_who_insists_books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    desk, faults = Desk(), adds(*["unheard"] * 3)

    def broken(path: Path, most: int) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    async def main() -> None:
        chosen = await Program(tmp_path, desk, fault=faults).flow.book(SLOT, TWO)
        program = Program(tmp_path, desk)
        with monkeypatch.context() as patch:
            patch.setattr(pending_booking, "contents", broken)
            for ask in (program.flow.resume, program.flow.waiting, lambda: program.flow.book(SLOT, TWO)):
                with pytest.raises(rc.RoadcrewError) as caught:
                    await ask()
                assert caught.value.code == "disk-silent"
            assert not program.flow.busy
        again = await program.flow.book(SLOT, TWO)
        assert isinstance(again, rc.Added)
        assert again.pending.id == chosen.pending.id
        await Program(tmp_path, desk, token="ben", fault=adds(*["lost"] * 3)).flow.book(OTHER, TWO)
        monkeypatch.setattr(pending_booking, "contents", broken)
        with pytest.raises(rc.RoadcrewError):
            await program.flow.book(OTHER, TWO)
        assert isinstance(await program.flow.book(OTHER, TWO), rc.Added)

    played(main)
    assert (desk.holds(), desk.holds(OTHER.slot_id)) == ([2], [2])


# R: C3 C5
@pytest.mark.parametrize("path", ["/api/session", "/api/cart/load", "/api/cart/add"])
@pytest.mark.parametrize("fault", [None, "lost", (503, "busy")], ids=str)
def test_somebody_else_who_signs_in_meanwhile_does_not_book_either(tmp_path: Path, path: str, fault: object):
    desk = Desk()

    async def main() -> None:
        left = [fault]
        program = Program(tmp_path, desk, fault=lambda asked: left.pop() if asked == path and left else None)
        program.sign_in("ana")

        def another(asked: str) -> None:
            if asked == path:
                program.wire.on_asked = lambda _: None
                program.sign_in("ben")

        program.wire.on_asked = another
        outcome = await program.flow.book(SLOT, TWO)
        done = path.endswith("add") and fault is None
        assert isinstance(outcome, rc.Added if done else rc.AnotherPerson | rc.Connection)

    played(main)
    assert [user for user, _ in desk.adds if user != "ana"] == []
    assert len(desk.holds()) <= 1


# R: C3
@pytest.mark.parametrize("token", ["ana", None])
def test_a_booking_whose_slot_has_begun_meanwhile_is_dropped_with_words(tmp_path: Path, token: str | None):
    desk = Desk()

    async def main() -> None:
        slot = slot_info(starts_at=LoopClock().now() + timedelta(hours=1))
        chosen = await Program(tmp_path, desk, token=None).flow.book(slot, TWO)
        assert isinstance(chosen, rc.SignInFirst)
        await asyncio.sleep(3601)
        program = Program(tmp_path, desk, token=token)
        program.client._time.roughly(LoopClock().now())  # as any answer says
        outcome = await program.flow.resume()
        assert isinstance(outcome, rc.TooLate)
        assert outcome.words == "That time slot began before your booking could go on, so it was dropped."
        assert await program.waits() is None

    played(main)
    assert desk.adds == []


# R: C3
def test_a_clock_that_is_wrong_here_drops_no_booking_before_the_server_has_said_what_time_it_is(tmp_path: Path):
    desk = Desk()

    async def main() -> None:
        now = LoopClock().now()
        begun_by_our_clock = slot_info(starts_at=now - timedelta(days=1))
        program = Program(tmp_path, desk, token=None)
        assert isinstance(await program.flow.book(begun_by_our_clock, TWO), rc.SignInFirst)
        program.client._time.roughly(now - timedelta(days=2))
        assert isinstance(await program.flow.resume(), rc.SignInFirst)
        program.client._time.roughly(now)
        assert isinstance(await program.flow.resume(), rc.TooLate)

    played(main)


# R: C3
def test_seats_that_ran_out_while_nobody_heard_the_answer_are_gone_and_not_held_again(tmp_path: Path):
    desk = Desk()
    faults = adds(*["unheard"] * 3)

    async def main() -> None:
        program = Program(tmp_path, desk, fault=faults)
        assert isinstance(await program.flow.book(SLOT, TWO), rc.Connection)
        desk.now += timedelta(minutes=16)
        desk.tick()
        outcome = await Program(tmp_path, desk).flow.resume()
        assert isinstance(outcome, rc.SeatsGone)
        assert outcome.error is None
        assert await program.waits() is None

    played(main)
    assert desk.cart().lines == ()


def test_another_choice_takes_the_place_of_one_that_waits(tmp_path: Path):
    desk = Desk()

    async def main() -> None:
        program = Program(tmp_path, desk, token=None)
        first = await program.flow.book(SLOT, TWO)
        second = await program.flow.book(OTHER, TWO)
        assert first.pending.id != second.pending.id
        await program.pendings.remove(first.pending)  # who still thinks of the first does not take the second away
        assert await program.waits() == second.pending

    played(main)


def test_one_booking_is_on_its_way_at_a_time(tmp_path: Path):
    desk = Desk()

    async def main() -> None:
        program = Program(tmp_path, desk)
        on_its_way = asyncio.create_task(program.flow.book(SLOT, TWO))
        await asyncio.sleep(0)
        assert program.flow.busy
        with pytest.raises(RuntimeError):
            await program.flow.book(SLOT, TWO)
        with pytest.raises(RuntimeError):
            await program.flow.resume()
        assert isinstance(await on_its_way, rc.Added)
        assert not program.flow.busy

    played(main)
    assert desk.holds() == [2]


def test_who_is_told_the_steps_can_not_break_them(tmp_path: Path):
    async def main() -> None:
        program = Program(tmp_path, Desk())

        def fails(step: rc.BookingStep) -> None:
            raise ValueError(step.words)

        flow = rc.BookingFlow(program.client, program.pendings, fails)
        assert isinstance(await flow.book(SLOT, TWO), rc.Added)

    played(main)
