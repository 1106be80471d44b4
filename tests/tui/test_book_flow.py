"""From a choice to a line in the cart, as a person sees it: the steps, and what becomes of failures."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from tests.tui.book_stage import at_the_desk, bookable, hold, pane
from tests.tui.conftest import Stage, staged

from roadcrew_client import errors
from roadcrew_client.booking import WORDS
from roadcrew_tui.booking import Flow
from roadcrew_tui.messages import BookingStepped, TokenChanged

LOST = errors.Unreachable("unreachable", "The server can't be reached.")
OVER = errors.NotSignedIn("session-over", "Sign in first.", status=401)


def toasts(s: Stage) -> list[str]:
    return [n.message for n in s.app._notifications]


def gone(left: int) -> errors.Rejected:
    return errors.Rejected("seats-gone", "Gone.", status=409, facts={"left": left})


# R: C7
async def test_the_steps_are_told_in_place_as_they_happen(tmp_path: Path):
    async with at_the_desk(tmp_path) as s:
        for step in ("preparing", "connecting", "adding"):
            s.app.post_message(BookingStepped(WORDS[step], "Tiles and the sea"))
            await s.sees(WORDS[step])
        await hold(s, "plus")
        await s.sees("Booking added to cart successfully!")


# R: C7
async def test_each_step_comes_to_the_screen_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    async with at_the_desk(tmp_path) as s:
        draw = s.app.flows

        def tell(flow: Flow) -> None:
            told.append(flow.words)
            draw(flow)

        monkeypatch.setattr(s.app, "flows", tell)
        await hold(s, "plus")
        await s.sees("Booking added to cart successfully!")
    assert list(dict.fromkeys(told)) == list(WORDS.values())


# R: C8
async def test_without_a_connection_it_says_so_with_a_retry_which_books_once_under_one_key(tmp_path: Path):
    scene = bookable()
    scene.world.shop.trouble = [LOST]
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "plus")
        await s.sees("Connection issue. Please try again.")
        await s.sees("Retry")
        assert pane(s).at == "bk-ways"
        assert len(scene.world.shop.kept) == 1
        await s.press("enter")
        await s.sees("Booking added to cart successfully!")
        assert len(set(scene.world.shop.adds)) == 1 < len(scene.world.shop.adds)
        assert scene.world.shop.kept == {}
        assert s.rows("bk-ways").display is False


# R: C8
async def test_a_booking_that_waits_can_be_given_up(tmp_path: Path):
    scene = bookable()
    scene.world.shop.trouble = [LOST]
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "plus")
        await s.sees("Give it up")
        await s.press("down", "enter")
        await s.until(lambda: "Connection issue" not in s.text)
        assert scene.world.shop.kept == {}
        await s.until(lambda: pane(s).at == "tickets", "the tickets")


# R: C8
async def test_where_the_seats_are_gone_it_says_so_and_leads_to_the_cart_and_nothing_waits(tmp_path: Path):
    scene = bookable()
    scene.world.shop.trouble = [gone(0)]
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "plus")
        await s.sees("Seats are no longer available. Please select")
        await s.sees("different tickets.")
        assert pane(s).at == "cart"
        assert scene.world.shop.kept == {}


# R: C3 C8
async def test_who_must_sign_in_again_does_so_and_the_booking_goes_on_by_itself(tmp_path: Path):
    scene = bookable()
    me = scene.world.user("Dora", guest=False)
    scene.world.join(scene.trip_id, me)
    scene.world.shop.trouble = [OVER]
    async with at_the_desk(tmp_path, scene, me=me) as s:
        await hold(s, "plus")
        await s.sees("SIGN IN")
        await s.sees("Please sign in again to continue.")
        assert len(scene.world.shop.kept) == 1
        await s.type("correct horse")
        await s.press("ctrl+s")
        await s.sees("Booking added to cart successfully!")
        assert len(set(scene.world.shop.adds)) == 1
        assert scene.world.shop.cart(me.id).lines[0].seats == 1


# R: C3 C8
async def test_who_leaves_that_form_finds_the_booking_waiting(tmp_path: Path):
    scene = bookable()
    me = scene.world.user("Dora", guest=False)
    scene.world.join(scene.trip_id, me)
    scene.world.shop.trouble = [OVER]
    async with at_the_desk(tmp_path, scene, me=me) as s:
        await hold(s, "plus")
        await s.sees("SIGN IN")
        await s.press("escape")
        await s.sees("Give it up")
        assert len(scene.world.shop.kept) == 1


# R: C3 C9
async def test_a_guest_whose_session_has_ended_can_go_on_as_a_new_one(tmp_path: Path):
    scene = bookable()
    scene.world.shop.trouble = [OVER]
    async with at_the_desk(tmp_path, scene) as s:
        s.app.change_settings(name="Ana")
        await hold(s, "plus")
        await s.sees("Go on as a new guest, Ana")


# R: C3
async def test_after_a_restart_a_booking_that_waited_goes_on_and_that_is_said(tmp_path: Path):
    scene = bookable()
    scene.world.shop.trouble = [LOST]
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "plus")
        await s.sees("Connection issue. Please try again.")
    assert len(scene.world.shop.kept) == 1
    async with staged(tmp_path, scene, in_trip=False) as s:
        await s.until(lambda: any("Booking added to cart successfully!" in words for words in toasts(s)), "added")
        assert "Your booking of Tiles and the sea goes on." in toasts(s)
    assert scene.world.shop.kept == {}
    assert len(scene.world.shop.cart(scene.ana.id).lines) == 1
    assert len(set(scene.world.shop.adds)) == 1


# R: C8
@pytest.mark.parametrize(
    ("code", "facts", "words"),
    [
        ("too-many-seats", {"limit": 10}, "One person can have 10 seats of a time."),
        ("currency-mix", {}, "Your cart is in another currency."),
        ("cart-full", {}, "Your cart is full."),
        ("made-up", {}, "What the server says."),
    ],
)
async def test_what_the_rules_say_no_to_is_said_with_what_to_do(
    tmp_path: Path, code: str, facts: dict[str, object], words: str
):
    scene = bookable()
    scene.world.shop.trouble = [errors.Rejected(code, "What the server says.", status=409, facts=facts)]
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "plus")
        await s.sees(words)
        assert scene.world.shop.kept == {}
        await s.press("plus")
        assert words not in s.text


# R: C3
async def test_whoever_signs_in_elsewhere_in_the_app_goes_on_with_what_waits(tmp_path: Path):
    scene = bookable()
    scene.world.shop.trouble = [LOST]
    async with at_the_desk(tmp_path, scene) as s:
        await hold(s, "plus")
        await s.sees("Connection issue. Please try again.")
        s.app.post_message(TokenChanged(True))
        await s.sees("Booking added to cart successfully!")


# R: C7
async def test_a_second_booking_does_not_start_while_one_is_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with at_the_desk(tmp_path) as s:
        client = s.app.link._client
        assert client is not None
        let_go = threading.Event()

        async def slow(*args: object, add=client.add_to_cart, **more: object) -> object:
            await asyncio.to_thread(let_go.wait, 10)
            return await add(*args, **more)

        monkeypatch.setattr(client, "add_to_cart", slow)
        await s.press("enter", "enter", "enter")
        s._send("plus")
        s._send("enter")
        await asyncio.sleep(0.3)
        s._send("enter")
        end = asyncio.get_running_loop().time() + 10
        while not any("on its way already" in words for words in toasts(s)):
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.02)
        let_go.set()
        await s.sees("Booking added to cart successfully!")
        assert len(s.world.shop.adds) == 1
