"""The tab of bookings: what a person sees, and what their keys do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.tui.book_stage import at_the_desk, bookable, books, hold, in_ten_days, month, pane, slot
from tests.tui.conftest import SIZES, staged
from tests.tui.scenes import lisbon

from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.screens.book import BookPane


def toasts(app: RoadcrewApp) -> list[str]:
    return [n.message for n in app._notifications]


# R: C1
@pytest.mark.parametrize("size", SIZES)
async def test_it_begins_on_the_first_open_day_of_the_trip_with_the_seats_of_its_times(
    tmp_path: Path, size: tuple[int, int]
):
    async with at_the_desk(tmp_path, size=size) as s:
        assert month(s).cursor == in_ten_days()
        for words in ("EXHIBITIONS", "Tiles and the sea", "Boats of the Tagus", "09:30", "40 left", "TICKETS", "Adult",
                      "CART", "Nothing is held yet.", "Fictional.", "[5 Book]"):  # fmt: skip
            assert words in s.text, words
        assert s.app.focused is s.rows("exhibitions")


# R: C1
async def test_enter_goes_on_step_by_step_and_esc_goes_back(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        for there in ("month", "slots", "tickets"):
            await s.press("enter")
            assert pane(s).at == there
        for there in ("slots", "month", "exhibitions"):
            await s.press("escape")
            assert pane(s).at == there


# R: C1 C2 C7 C12 C13
async def test_tickets_are_counted_and_their_sum_has_the_discount_then_enter_holds_the_seats(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await s.press("enter", "enter", "enter", "plus", "plus", "down", "right")
        for words in ("€24", "€6", "Group discount 10 %", "-€3", "Together, 3 seats", "€27"):
            assert words in s.text, words
        await s.press("enter")
        await s.sees("Booking added to cart successfully!")
        line = s.world.shop.cart(s.scene.ana.id).lines[0]
        assert {t.kind: t.count for t in line.tickets} == {"adult": 2, "child": 1}
        assert line.trip_id == s.scene.trip_id
        for words in ("held for 14:5", "discount", "-€3", "37 left"):
            assert words in s.text, words
        assert (s.app.focused, s.rows("cart").cursor) == (s.rows("cart"), line.id)


# R: C12
async def test_a_discount_that_is_locked_is_promised_and_not_given(tmp_path: Path):
    async with at_the_desk(tmp_path, bookable(unlocked=False)) as s:
        await s.press("enter", "enter", "enter", "plus")
        assert "Group discount" not in s.text
        await s.sees("2 more in the crew, and it is 10 % off.")


# R: C2
async def test_no_more_tickets_can_be_chosen_than_seats_are_left_nor_fewer_than_none(tmp_path: Path):
    scene = bookable()
    scene.world.shop.taken[slot()] = 38
    async with at_the_desk(tmp_path, scene) as s:
        await s.sees("2 left")
        await s.press("enter", "enter", "enter", *["plus"] * 5)
        assert pane(s).choice == {"adult": 2}
        await s.press(*["minus"] * 5)
        assert pane(s).choice == {}


# R: C2
async def test_others_who_book_are_seen_at_once_and_move_neither_cursor_nor_focus(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await s.press("enter", "enter", "down")
        before = (s.app.focused, s.rows("slots").cursor, s.rows("slots").ids)
        s.world.shop.take(slot("1100"), 40)
        await s.sees("none")
        assert (s.app.focused, s.rows("slots").cursor, s.rows("slots").ids) == before
        await s.sees("Nothing is left of this time.")


# R: C1
async def test_a_day_without_times_and_a_day_that_is_sold_out_say_so(tmp_path: Path):
    scene = bookable()
    day = in_ten_days()
    first = scene.world.shop.exhibitions[0]
    import msgspec

    closed = day + timedelta(days=1)
    scene.world.shop.exhibitions[0] = msgspec.structs.replace(first, closed_on=(closed,))
    for hour in ("0930", "1100", "1500"):
        scene.world.shop.taken[slot(hour)] = 40
    async with at_the_desk(tmp_path, scene) as s:
        await s.press("enter")
        assert f"{day.day}x" in s.text or f"{day.day}]" in s.text
        await s.press("right")
        await s.sees("Closed on this day.")
        assert f"{day.day}x" in s.text


# R: C2
async def test_a_hold_says_that_it_ends_in_words_before_it_does_and_can_be_extended(tmp_path: Path):
    scene = bookable()
    scene.world.shop.hold_for = timedelta(seconds=90)
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "plus")
        await s.sees("ends in 1:")
        await s.until(lambda: any("are yours for" in words for words in toasts(s.app)), "the warning")
        assert sum("are yours for" in words for words in toasts(s.app)) == 1
        assert "5 Book •1" in s.text
        await s.press("x")
        await s.sees("held for 14:5")
        assert "5 Book •1" not in s.text


# R: C2
async def test_what_ran_out_says_so_before_the_server_does_and_after(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await hold(s, "plus")
        await s.sees("held for")
        s.world.ahead = timedelta(minutes=16)
        s.world.shop.tell()
        await s.sees("over: free again")
        from roadcrew_domain import cart_acts

        s.world.shop.do(s.scene.ana.id, "tick", cart_acts.CartTick(), s.world.now())
        await s.sees("Nothing is held yet.")
        assert any("ran out" in words for words in toasts(s.app))


# R: C2
async def test_a_hold_that_can_be_extended_no_more_says_what_to_do(tmp_path: Path):
    scene = bookable()
    scene.world.shop.extensions = 0
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "plus")
        await s.press("x")
        await s.until(lambda: "These seats can't be held any longer. Check out with p before they go." in toasts(s.app))


# R: C1
async def test_seats_are_given_back_with_one_key(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await hold(s, "plus")
        await s.sees("39 left")
        await s.press("d")
        await s.sees("Nothing is held yet.")
        await s.sees("40 left")


# R: C1 C12
async def test_paying_asks_first_with_the_sum_and_cancel_has_the_cursor(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await hold(s, "plus", "plus")
        await s.press("p")
        for words in ("CHECK OUT", "seats: €21.60", "Together €21.60", "Pay at the venue"):
            assert words in s.text, words
        assert s.rows("ask-answers").cursor == "cancel"
        await s.press("enter")
        assert s.world.shop.cart(s.scene.ana.id).orders == ()
        await s.press("p", "down", "enter")
        await s.until(lambda: any("is paid: €21.60" in words for words in toasts(s.app)), "paid")
        await s.sees("MY BOOKINGS")
        await s.sees("paid")
        assert s.world.shop.cart(s.scene.ana.id).orders[0].state == "paid"


# R: C1
async def test_a_declined_payment_says_so_and_can_be_tried_again(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await hold(s, "plus")
        await s.press("p", "down", "down", "enter")
        await s.until(lambda: any("was declined" in words for words in toasts(s.app)), "declined")
        await s.sees("declined: 14:5")
        assert "5 Book •1" in s.text
        await s.press("p", "down", "enter")
        await s.until(lambda: s.world.shop.cart(s.scene.ana.id).orders[0].state == "paid")


# R: C1
async def test_an_order_that_is_paid_at_the_venue_is_told_and_can_be_cancelled_after_asking(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await hold(s, "plus")
        await s.press("p", "end", "enter")
        await s.sees("pay at the venue")
        assert any("at the venue. Order" in words for words in toasts(s.app))
        await s.press("c")
        await s.sees("For the box office")
        await s.press("escape", "d")
        await s.sees("Cancel order")
        assert s.rows("ask-answers").cursor == "cancel"
        await s.press("down", "enter")
        await s.sees("40 left")
        assert s.world.shop.cart(s.scene.ana.id).orders[0].state == "cancelled"


# R: C1
async def test_a_receipt_has_every_price_and_is_kept_for_a_calendar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    async with at_the_desk(tmp_path) as s:
        await hold(s, "plus", "plus")
        await s.press("p", "end", "enter")
        await s.sees("MY BOOKINGS")
        await s.press("c")
        for words in ("RECEIPT", "2 Adult, €12 each", "Group discount, 10 %", "Casa dos Oleiros, Lisbon"):
            await s.sees(words)
        await s.press("s")
        await s.until(lambda: any("Kept in" in words for words in toasts(s.app)), "where")
        file = s.world.shop.cart(s.scene.ana.id).orders[0].number
        assert "Tiles and the sea" in Path(tmp_path, f"roadcrew-{file}.ics").read_text("utf-8")  # noqa: ASYNC240


# R: C1
async def test_one_key_sits_with_somebody_of_the_crew_at_the_same_time(tmp_path: Path):
    scene = bookable()
    booking = books(scene, scene.ben, slot("1500", day=in_ten_days() + timedelta(days=2)))
    async with at_the_desk(tmp_path, scene, size=(120, 36)) as s:
        await s.sees("THE CREW HAS BOOKED")
        assert s.rows("crew-bookings").cursor == booking
        await s.press("j")
        await s.sees("Booking added to cart successfully!")
        line = s.world.shop.cart(scene.ana.id).lines[0]
        assert line.slot.slot_id == slot("1500", day=in_ten_days() + timedelta(days=2))
        assert (month(s).cursor, s.rows("slots").cursor) == (in_ten_days() + timedelta(days=2), line.slot.slot_id)


# R: C1 C2
async def test_where_nothing_is_left_next_to_somebody_that_is_said_and_nothing_is_held(tmp_path: Path):
    scene = bookable()
    books(scene, scene.ben, slot("1500"), 40)
    async with at_the_desk(tmp_path, scene) as s:
        await s.press("j")
        await s.until(lambda: toasts(s.app) == ["Nothing is left next to Ben."])
        assert s.world.shop.adds == []


async def test_what_somebody_of_the_crew_books_is_told_and_stands_in_the_overview(tmp_path: Path):
    async with staged(tmp_path, bookable()) as s:
        await s.until(lambda: any(tab.id == "book" for tab in s.trip.tabs), "the tab")
        books(s.scene, s.scene.ben, slot())
        await s.until(lambda: "Ben booked Tiles and the sea" in toasts(s.app))
        await s.sees("1 booking, 2 seats")


# R: C1
async def test_a_tab_of_bookings_is_absent_where_nothing_can_be_booked(tmp_path: Path):
    async with staged(tmp_path, lisbon()) as s:
        await s.press("5")
        assert "Book" not in s.text
        assert s.trip.tab == "overview"


async def test_a_hold_that_ends_soon_needs_its_person_in_the_overview_which_leads_there(tmp_path: Path):
    scene = bookable()
    scene.world.shop.hold_for = timedelta(minutes=4)
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "plus")
        await s.sees("held for 3:5")
        await s.press("1")
        await s.sees("Your seats for Tiles")
        await s.press("home", "enter")
        await s.until(lambda: s.trip.tab == "book" and pane(s).at == "cart", "the cart")


# R: C6
async def test_without_a_network_it_says_why_there_is_nothing_and_comes_back_by_itself(tmp_path: Path):
    scene = bookable()
    async with staged(tmp_path, scene) as s:
        await s.until(lambda: any(tab.id == "book" for tab in s.trip.tabs), "the tab")
        scene.world.down = True
        await s.press("5")
        await s.sees("It is asked")
        scene.world.down = False
        later = s.app.clock() + 60
        s.app.clock = lambda: later
        s.world.set_status(state="live")
        s.world.shop.tell()
        await s.sees("40 left")


# R: S9
async def test_seats_are_followed_only_while_somebody_looks_at_their_tab(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        (live,) = s.world.shop.lives
        await s.until(lambda: live.watched == (slot(), slot("1100"), slot("1500")))
        await s.press("2")
        await s.until(lambda: live.watched == ())
        s.trip.query_one("#tab-book", BookPane).redraw()  # as an answer does that comes late
        await s.settle()
        assert live.watched == ()
        await s.press("5")
        await s.until(lambda: len(live.watched) == 3)
        await s.press("escape")
        await s.until(lambda: s.world.shop.lives == [])


# R: S2 S3
async def test_a_cart_learns_that_nobody_looks_as_a_trip_does(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        (live,) = s.world.shop.lives
        s.app.link.signal("hidden")
        await s.until(lambda: live.signals[-1:] == ["hidden"])


async def test_tickets_are_chosen_by_the_mouse_too(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        rows = s.text.split("\n")
        y = next(n for n, row in enumerate(rows) if "Child" in row)
        x = rows[y].rindex("+")
        await s.pilot.click(offset=(x, y))
        await s.settle()
        assert pane(s).choice == {"child": 1}
        await s.pilot.click(offset=(rows[y].rindex("−"), y))
        await s.settle()
        assert pane(s).choice == {}


async def test_days_go_by_week_and_month_and_never_out_of_what_is_offered(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        await s.press("enter", "down")
        assert month(s).cursor == in_ten_days() + timedelta(days=7)
        await s.press("pagedown", "home")
        there = month(s).cursor
        assert there is not None
        assert (there.day, there.month != in_ten_days().month) == (1, True)
        await s.press(*["pagedown"] * 24)
        assert month(s).cursor == s.world.shop.exhibitions[0].ends_on
        await s.press(*["pageup"] * 24)
        assert month(s).cursor in (in_ten_days() - timedelta(days=10), in_ten_days() - timedelta(days=9))
        await s.sees("40 left")


async def test_days_are_chosen_by_the_mouse_too(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        at = month(s).cursor_screen_offset
        step = 3 if in_ten_days().weekday() < 6 else -3
        await s.pilot.click(offset=(at.x + step, at.y))
        await s.settle()
        assert month(s).cursor == in_ten_days() + timedelta(days=step // 3) or month(s).cursor == in_ten_days()
