"""The tab of bookings by the palette: to its places, and what can be done there under another word."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.book_stage import at_the_desk, bookable, books, hold, pane, slot
from tests.tui.conftest import Stage

from roadcrew_tui import commands


async def chosen(s: Stage, command_id: str) -> None:
    """Run an action as the palette does; it must be offered."""
    command = commands.find(command_id)
    assert command_id in [c.id for c in s.trip.offered()]
    s.trip.start(command)
    await s.settle()


async def test_each_place_can_be_gone_to_by_its_name(tmp_path: Path):
    scene = bookable()
    books(scene, scene.ben, slot())
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "+")
        await s.sees("Booking added to cart successfully!")
        for command, place in (
            ("book.list", "exhibitions"),
            ("book.slots", "slots"),
            ("book.crew", "crew-bookings"),
            ("cart.show", "cart"),
        ):
            await chosen(s, command)
            assert pane(s).at == place


async def test_places_where_nothing_is_are_not_offered(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        offered = {c.id for c in s.trip.offered()}
        assert not offered & {"book.crew", "cart.orders", "cart.checkout", "cart.cancel", "book.forget"}


# R: C1, G5
async def test_checking_out_and_cancelling_have_names_of_their_own(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await hold(s, "+")
        await s.sees("Booking added to cart successfully!")
        await chosen(s, "book.list")
        await chosen(s, "cart.checkout")
        await s.sees("This orders them.")
        await s.press("end", "enter")
        await s.until(lambda: s.world.shop.cart(s.scene.ana.id).orders, "the order")
        await s.sees("MY BOOKINGS")
        await chosen(s, "book.list")
        await chosen(s, "cart.orders")
        assert pane(s).at == "orders"
        await chosen(s, "book.list")
        await chosen(s, "cart.cancel")
        await s.sees("Its seats are free again for")


# R: C8, G5
@pytest.mark.parametrize("command", ["book.forget", "book.retry"])
async def test_a_booking_that_waits_can_be_given_up_or_tried_again_by_name(command: str, tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        s.world.down = True
        await hold(s, "+")
        await s.sees("Connection issue. Please try again.")
        s.world.down = False
        await chosen(s, command)
        if command == "book.retry":
            await s.sees("Booking added to cart successfully!")
        await s.until(lambda: s.app.flow is None or not s.app.flow.waits, "nothing waits")
