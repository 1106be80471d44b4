"""The tab of bookings, when something has changed under a hand: each key does what it says, or says why not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.tui.book_stage import at_the_desk, bookable, books, hold, pane, slot
from tests.tui.bookings import exhibition
from tests.tui.conftest import SIZES, Stage
from tests.tui.test_book_screen import toasts
from textual.containers import VerticalScroll

from roadcrew_client import PaymentMethod, PaymentWay
from roadcrew_domain import cart_acts
from roadcrew_domain.bookings import DropBooking
from roadcrew_tui.screens.ask import CANCEL


def cancels(s: Stage, who: str, booking: str) -> None:
    s.world.do(s.scene.trip_id, who, DropBooking(booking))


# --- the focus -----------------------------------------------------------------------------------


# R: C1
@pytest.mark.parametrize("size", SIZES)
async def test_who_has_paid_stands_on_the_order(tmp_path: Path, size: tuple[int, int]):
    async with at_the_desk(tmp_path, size=size) as s:
        await hold(s, "plus")
        await s.press("p", "end", "enter")
        await s.until(lambda: pane(s).at == "orders", "the orders")
        assert s.rows("orders").cursor == s.world.shop.cart(s.scene.ana.id).orders[0].id


# R: C1
async def test_who_gives_their_last_seats_back_can_count_and_hold_at_once(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await hold(s, "plus")
        await s.until(lambda: pane(s).at == "cart")
        await s.press("d")
        await s.sees("Nothing is held yet.")
        assert pane(s).at == "tickets"
        await s.press("plus", "plus", "enter")
        await s.sees("38 left")


# R: C1 C2
async def test_an_empty_cart_is_no_stop_of_tab_also_after_a_hold_ran_out(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await s.press("tab", "tab", "tab")
        assert pane(s).at == "tickets"
        await s.press("plus", "enter")
        await s.until(lambda: pane(s).at == "cart")
        s.world.ahead = timedelta(minutes=16)
        s.world.shop.do(s.scene.ana.id, "tick", cart_acts.CartTick(), s.world.now())
        await s.sees("Nothing is held yet.")
        assert pane(s).at == "tickets"


# --- with whom -----------------------------------------------------------------------------------


# R: C1
async def test_a_press_that_only_goes_to_the_crew_says_so_and_the_next_one_sits(tmp_path: Path):
    scene = bookable()
    books(scene, scene.ben, slot())
    second = books(scene, scene.carla, slot("1500"))
    async with at_the_desk(tmp_path, scene, size=(120, 36)) as s:
        await s.press("j")
        assert pane(s).at == "crew-bookings"
        assert toasts(s.app) == ["With whom? Choose, and press j once more."]
        await s.press("down", "j")
        await s.sees("Booking added to cart successfully!")
        assert s.rows("crew-bookings").cursor == second
        assert s.world.shop.cart(scene.ana.id).lines[0].slot.slot_id == slot("1500")


# R: C1
async def test_whose_choice_is_gone_sits_with_nobody_else_without_a_look(tmp_path: Path):
    scene = bookable()
    first = books(scene, scene.ben, slot())
    second = books(scene, scene.carla, slot("1500"))
    async with at_the_desk(tmp_path, scene, size=(120, 36)) as s:
        await s.press("j")
        assert s.rows("crew-bookings").cursor == first
        cancels(s, scene.ben.id, first)
        await s.until(lambda: s.rows("crew-bookings").ids == [second])
        await s.press("j")
        await s.until(lambda: "That booking is gone. Now Carla is chosen: press j for them." in toasts(s.app))
        assert s.world.shop.adds == []
        await s.press("j")
        await s.sees("Booking added to cart successfully!")


# R: C1
async def test_a_second_hold_of_the_same_time_with_somebody_asks_first(tmp_path: Path):
    scene = bookable()
    books(scene, scene.ben, slot())
    async with at_the_desk(tmp_path, scene, size=(120, 36)) as s:
        await s.press("j")
        await s.sees("Booking added to cart successfully!")
        await s.press("j")
        await s.sees("You hold 1 seat of Tiles and the sea then already.")
        assert s.rows("ask-answers").cursor == CANCEL
        await s.press("enter")
        assert len(s.world.shop.cart(scene.ana.id).lines) == 1
        await s.press("j", "down", "enter")
        await s.until(lambda: len(s.world.shop.cart(scene.ana.id).lines) == 2)


# --- words ---------------------------------------------------------------------------------------


# R: C1
@pytest.mark.parametrize("size", SIZES)
async def test_ways_to_pay_are_read_to_their_end(tmp_path: Path, size: tuple[int, int]):
    scene = bookable()
    method = PaymentMethod("refuse", "The payment is declined and nothing is charged")
    scene.world.ways = (PaymentWay("simulated", "Simulated payments (no money moves)", (method,), simulated=True),)
    async with at_the_desk(tmp_path, scene, size=size) as s:
        await hold(s, "plus")
        await s.until(lambda: pane(s).at == "cart")
        await s.press("p")
        await s.sees("CHECK OUT")
        for words in ("is declined and nothing is charged", "moves)"):
            await s.sees(words)


# R: C2
async def test_what_ran_out_before_an_answer_was_chosen_is_not_ordered(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await hold(s, "plus")
        await s.until(lambda: pane(s).at == "cart")
        await s.press("p")
        await s.sees("CHECK OUT")
        s.world.ahead = timedelta(minutes=16)
        s.world.shop.tell()
        await s.press("end", "enter")
        await s.until(lambda: any("Nothing was ordered" in words for words in toasts(s.app)))
        assert s.app.book.cart is not None
        assert not s.app.book.cart.orders


# R: C1
@pytest.mark.parametrize("size", SIZES)
async def test_my_bookings_have_their_day_and_time(tmp_path: Path, size: tuple[int, int]):
    async with at_the_desk(tmp_path, size=size) as s:
        await hold(s, "plus")
        await s.press("p", "end", "enter")
        await s.until(lambda: pane(s).at == "orders", "the orders")
        below = s.text[s.text.index("MY BOOKINGS") :]
        assert "09:30" in below


# R: C1 C2
async def test_who_can_count_no_further_is_told_why(tmp_path: Path):
    scene = bookable()
    scene.world.shop.taken[slot()] = 38
    async with at_the_desk(tmp_path, scene) as s:
        await s.sees("2 left")
        await s.press("enter", "enter", "enter", "plus", "plus")
        await s.sees("That is all that is left of this time.")
        await s.press("minus")
        assert "That is all" not in s.text


async def test_an_order_is_cancelled_and_seats_of_the_cart_are_given_back_says_the_last_line(tmp_path: Path):
    async with at_the_desk(tmp_path, size=(120, 36)) as s:
        await hold(s, "plus")
        await s.sees("d give back")
        await s.press("p", "end", "enter")
        await s.until(lambda: pane(s).at == "orders", "the orders")
        await s.sees("d cancel")
        assert "give back" not in s.text


async def test_with_plain_signs_a_scrollbar_is_drawn_without_blocks(tmp_path: Path):
    scene = bookable()
    scene.world.shop.exhibitions += [exhibition(f"more{n}", f"More of it, {n}") for n in range(8)]
    async with at_the_desk(tmp_path, scene) as s:
        blocks = set("▁▂▃▄▅▆▇█")
        assert blocks & set(s.text)
        s.app.next_symbols()
        try:
            await s.settle()
            assert not blocks & set(s.text)
        finally:
            s.app.next_symbols()


# R: C2
async def test_a_hold_that_is_over_is_offered_neither_for_longer_nor_for_money(tmp_path: Path):
    async with at_the_desk(tmp_path, size=(120, 36)) as s:
        await hold(s, "plus")
        await s.sees("x extend")
        s.world.ahead = timedelta(minutes=16)
        s.world.shop.tell()
        await s.sees("over: free again")
        await s.until(lambda: "x extend" not in s.text and "p pay" not in s.text, "the last line")


async def test_where_not_all_of_cart_bookings_and_crew_has_room_a_scrollbar_says_so(tmp_path: Path):
    scene = bookable()
    books(scene, scene.ben, slot("1500"))
    async with at_the_desk(tmp_path, scene) as s:
        side = pane(s).query_one("#bk-side", VerticalScroll)
        assert not side.show_vertical_scrollbar
        for _ in range(2):
            await hold(s, "plus")
            await s.press("p", "end", "enter")
            await s.until(lambda: pane(s).at == "orders", "the orders")
            await s.press("escape")
        await hold(s, "plus")
        await s.sees("held for")
        await s.until(lambda: side.show_vertical_scrollbar, "the scrollbar")
        assert side.vertical_scrollbar.size.width == 1
