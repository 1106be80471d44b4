"""A cart and the seats of slots that are followed: as they are at the server, on either transport, whatever is looked
at, whoever signs in, and whatever comes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api_client.booking_desk import OTHER, SLOT, Desk, slot_info
from tests.api_client.scripted import FAST, NOW, Request, Script, ScriptedServer, serving, until
from tests.conftest import Figure

import roadcrew_client as rc
from roadcrew_client import live_book
from roadcrew_client._book_replica import BookReplica
from roadcrew_domain.cart import evolve
from roadcrew_domain.cart_acts import AddStarted, RemoveLine
from roadcrew_domain.cart_state import Cart, TripDiscount
from roadcrew_domain.events import Position, decode_cursor, encode_cursor, event
from roadcrew_domain.seats_state import SeatsFreed, SeatsHeld
from roadcrew_domain.seats_views import SlotCount, count_of

S, T = SLOT.slot_id, OTHER.slot_id
ANA = rc.User("ana", "Ana")
STEADY = replace(FAST, heartbeat=30.0)
"""A stream that says nothing is not given up: what comes, comes because it was asked for."""


@contextlib.asynccontextmanager
async def booking(
    desk: Desk, script: Script | None = None, *, user: rc.User | None = ANA, settings: rc.ClientSettings = STEADY
) -> AsyncIterator[tuple[rc.Client, rc.LiveBook, ScriptedServer]]:
    """Ana follows her cart."""
    async with serving(script or desk.sync) as server, rc.Client(server.url, token="ana", settings=settings) as client:
        client._session.user = user
        async with client.follow_book() as book:
            yield client, book, server


def polls_only(desk: Desk) -> Script:
    """A server behind something that refuses streams."""

    async def script(request: Request) -> None:
        if request.streams:
            return await request.problem(503, "no-streams")
        return await desk.sync(request)

    return script


class AnHourBehind(rc.SystemClock):
    """The clock of a computer that was set wrong."""

    def now(self) -> datetime:
        return super().now() - timedelta(hours=1)


def left(book: rc.LiveBook) -> dict[str, int]:
    return {slot: count.left for slot, count in book.slots.items()}


def requests(server: ScriptedServer) -> list[tuple[set[str], str | None]]:
    """What was followed from where, request by request."""
    return [(set(r.query["topic"]), r.cursor) for r in server.asked("/api/sync")]


# --- following -----------------------------------------------------------------------------------


# R: C11 S1
@pytest.mark.parametrize("transport", ["live", "polling"])
async def test_the_cart_and_the_seats_of_watched_slots_are_as_they_are_at_the_server(transport: str):
    desk = Desk()
    line = desk.add(2)
    script = desk.sync if transport == "live" else polls_only(desk)
    async with booking(desk, script) as (_, book, _):
        book.watch([S, T])
        await until(lambda: book.status.state == transport and book.cart is not None and len(book.slots) == 2)
        assert book.cart == desk.cart()
        assert left(book) == {S: 8, T: 10}
        hold = desk.hold(3)
        await until(lambda: left(book) == {S: 5, T: 10})
        desk.do(RemoveLine(line))
        await until(lambda: book.cart is not None and not book.cart.lines)
        desk.add(1, T)
        await until(lambda: book.cart == desk.cart() and left(book) == {S: 5, T: 9})
        assert book.slots[S] == count_of(desk.slot_log(S).state)
        assert hold not in repr(book.slots)


# R: C11
async def test_two_devices_of_one_person_show_the_same_cart_although_one_clock_is_an_hour_wrong(figure: Figure):
    desk = Desk()
    desk.now = datetime.now(UTC)
    async with serving(desk.sync) as server, contextlib.AsyncExitStack() as stack:
        books = []
        for clock in (rc.SystemClock(), AnHourBehind()):
            client = rc.Client(server.url, token="ana", settings=STEADY, clock=clock)
            client._session.user = ANA
            await stack.enter_async_context(client)
            books.append(await stack.enter_async_context(client.follow_book()))
        await until(lambda: all(book.cart is not None for book in books))
        apart = abs((books[0].server_now() - books[1].server_now()).total_seconds())
        assert apart < 1
        desk.add(2)
        await until(lambda: all(book.cart == desk.cart() for book in books))
        figure("s by which two countdowns differ, one clock an hour wrong", f"{apart:.3f}")


# R: C11
async def test_who_looks_at_other_slots_goes_on_with_the_rest_where_it_was():
    desk = Desk()
    async with booking(desk) as (_, book, server):
        await until(lambda: book.status.state == "live" and book.cart is not None)
        book.watch([S])
        await until(lambda: left(book) == {S: 10})
        seen = len(desk.cart_log().events)
        told: list[rc.BookChange] = []
        book.listen(told.append)
        book.watch([S, T])
        await until(lambda: left(book) == {S: 10, T: 10})
        desk.add(1, T)
        await until(lambda: left(book) == {S: 10, T: 9} and book.cart == desk.cart())
        assert len(desk.cart_log().events) > seen
        book.watch([T])
        await until(lambda: left(book) == {T: 9})
        assert all(cursor is not None for _, cursor in requests(server)[1:])
        # The cart's state was told once; what came later were its events.
        assert told[-1].slots == book.slots
        await until(lambda: requests(server)[-1][0] == {"cart:ana", f"slot:{T}"})


async def test_a_slot_that_is_looked_at_again_is_as_it_is_then_also_if_nothing_else_happened():
    desk = Desk()
    async with booking(desk) as (_, book, server):
        book.watch([S])
        await until(lambda: left(book) == {S: 10})
        book.watch([])
        await until(lambda: requests(server)[-1][0] == {"cart:ana"})
        assert left(book) == {}
        _, cursor = requests(server)[-1]
        assert set(decode_cursor(cursor or "")) == {"cart:ana"}
        book.watch([S])
        await until(lambda: left(book) == {S: 10})


async def test_thirty_one_slots_can_be_watched_and_no_more():
    infos = [slot_info(f"monet.20300521.{n:04}") for n in range(40)]
    desk = Desk(10, *infos)
    async with booking(desk) as (_, book, server):
        with pytest.raises(ValueError):
            book.watch([info.slot_id for info in infos[:32]])
        book.watch([info.slot_id for info in infos[:31]])
        await until(lambda: len(book.slots) == 31 and book.cart is not None)
        assert max(len(topics) for topics, _ in requests(server)) == 32


async def test_moving_quickly_over_many_days_costs_few_requests(figure: Figure):
    infos = [slot_info(f"monet.20300521.{n:04}") for n in range(40)]
    desk = Desk(10, *infos)
    async with booking(desk, settings=replace(STEADY, look_throttle=0.3)) as (_, book, server):
        await until(lambda: book.cart is not None)
        before = len(server.asked("/api/sync"))
        for info in infos:
            book.watch([info.slot_id])
            await asyncio.sleep(0.01)
        await until(lambda: set(book.slots) == {infos[-1].slot_id})
        cost = len(server.asked("/api/sync")) - before
        assert cost <= 10
        figure("requests for forty days passed over", cost)


# --- what may come -------------------------------------------------------------------------------


async def test_a_slot_that_no_longer_exists_is_said_and_the_rest_goes_on():
    desk = Desk()
    async with booking(desk) as (_, book, server):
        told: list[rc.BookChange] = []
        book.listen(told.append)
        book.watch([S, "gone.20300521.1200"])
        await until(lambda: left(book) == {S: 10})
        await until(lambda: any(change.kind == "gone" for change in told))
        (gone,) = [change for change in told if change.kind == "gone"]
        assert (gone.topic, gone.reason) == ("slot:gone.20300521.1200", "unknown")
        desk.hold(1)
        await until(lambda: left(book) == {S: 9})
        book.suspended()
        book.resumed()
        await until(lambda: requests(server)[-1][0] == {"cart:ana", f"slot:{S}"})


async def test_a_cart_that_the_server_does_not_have_is_said_to_be_gone_until_somebody_else_has_one():
    desk = Desk()

    async def script(request: Request) -> None:
        if "cart:ana" in request.query.get("topic", ()):
            return await request.problem(404, "unknown-cart")
        return await desk.sync(request)

    async with booking(desk, script) as (client, book, _):
        told: list[rc.BookChange] = []
        book.listen(told.append)
        await until(lambda: book.status.state == "gone")
        assert book.cart is None
        assert [(c.topic, c.reason) for c in told if c.kind == "gone"] == [("cart:ana", "unknown")]
        client._session.adopt(rc.Session("ben", rc.User("ben", "Ben")))
        await until(lambda: book.cart == desk.cart("ben"))


def with_frame(desk: Desk, frame: Callable[[], bytes]) -> Script:
    """In the first stream, one frame more than the desk says."""
    first = [True]

    async def script(request: Request) -> None:
        if request.streams and first:
            first.clear()
            await request.open_stream()
            await request.raw(b"retry: 0\n\n" + frame())
            await request.until_closed()
        await desk.sync(request)

    return script


def reset_of(desk: Desk, topic: str, seq: int | None = None, state: object = None) -> bytes:
    log = desk.logs[topic]
    body = {"topic": topic, "seq": log.position.seq if seq is None else seq, "state": state or log.encoded()}
    return f"event: reset\nid: {encode_cursor({topic: log.position})}\ndata: {json.dumps(body)}\n\n".encode()


def event_of(desk: Desk, seq: int, kind: str, **data: object) -> bytes:
    body = {
        "topic": "cart:ana",
        "seq": seq,
        "type": kind,
        "at": NOW.isoformat(),
        "by": "ana",
        "command": "c",
        "data": data,
    }
    return f"id: x\ndata: {json.dumps(body)}\n\n".encode()


# R: S1
@pytest.mark.parametrize(
    "frame",
    [
        lambda desk: event_of(desk, 1, "SomethingNew", what="ever"),
        lambda desk: event_of(desk, 1, "LineHeld", lineId="nowhere"),
        lambda desk: event_of(desk, 9, "LineHeld", lineId="nowhere"),
        lambda desk: event_of(desk, 1, "LineHeld", lineId=7),
        lambda desk: b"data: nonsense\n\n",
        lambda desk: reset_of(desk, "cart:ana", state=[1]),
    ],
    ids=["unknown", "does not fit", "gap", "other shape", "nonsense", "no cart"],
)
async def test_what_is_not_understood_is_asked_for_anew(frame: Callable[[Desk], bytes]):
    desk = Desk()
    desk.cart_log()
    async with booking(desk, with_frame(desk, lambda: reset_of(desk, "cart:ana") + frame(desk))) as (_, book, server):
        await until(lambda: book.cart is not None)
        desk.add(2)
        await until(lambda: book.cart == desk.cart())
        assert len(server.asked("/api/sync")) > 1


async def test_frames_of_what_is_not_followed_are_nothing():
    desk = Desk()
    desk.slot_log(T)
    desk.cart_log("ben")
    desk.cart_log()

    def frames() -> bytes:
        of_another = reset_of(desk, "cart:ana", state={"user": "ben"})
        return reset_of(desk, "cart:ben") + reset_of(desk, f"slot:{T}") + reset_of(desk, "cart:ana") + of_another

    async with booking(desk, with_frame(desk, frames)) as (_, book, _):
        await until(lambda: book.cart is not None)
        assert book.cart == desk.cart()
        assert book.slots == {}


async def test_a_listener_that_fails_stops_nobody():
    desk = Desk()
    async with booking(desk) as (_, book, _):

        def fails(change: rc.BookChange) -> None:
            raise ValueError(change.kind)

        book.listen(fails)
        told: list[str] = []
        stop = book.listen(lambda change: told.append(change.kind))
        await until(lambda: "cart" in told)
        stop()
        before = len(told)
        desk.add(1)
        await until(lambda: book.cart == desk.cart())
        assert len(told) == before


# --- answers -------------------------------------------------------------------------------------


# R: C11
async def test_an_answer_is_shown_at_once_and_what_comes_after_it_goes_on_from_there():
    desk = Desk()
    slow = asyncio.Event()
    slow.set()

    async def script(request: Request) -> None:
        if request.path == "/api/sync":
            await slow.wait()
        await desk.sync(request)

    async with booking(desk, script) as (client, book, _):
        await until(lambda: book.cart is not None)
        told: list[rc.BookChange] = []
        book.listen(told.append)
        slow.clear()
        book.watch([S])  # what is asked for now gives no answer for a while
        await until(lambda: book.status.state != "live")
        answer = await client.add_to_cart(S, {"adult": 2})
        assert book.cart == answer.cart
        desk.add(1, T)
        slow.set()
        await until(lambda: book.cart == desk.cart())
        carts = [len(change.cart.lines) for change in told if change.kind == "cart" and change.cart is not None]
        assert carts == sorted(carts), "nothing that was shown is taken back"


def test_answers_and_events_in_any_order_show_the_newest():
    desk = Desk()
    desk.add(1)
    log = desk.cart_log()
    replica = BookReplica()
    assert replica.answered(desk.cart(), log.position)
    assert not replica.answered(desk.cart(), log.position)
    older = log.events[:1]
    assert not replica.reset("cart:ana", Cart("ana"), 0, "e"), "its events are on their way"
    assert [replica.confirm(e) for e in log.events[1:]] == ["old"] * (len(log.events) - 1)
    assert older
    desk.add(2, T)
    assert [replica.confirm(e) for e in log.events[-2:]] == ["applied", "applied"]
    assert replica.cart == desk.cart()


def test_an_answer_from_another_log_is_shown_until_the_next_event_asks_for_the_state():
    desk = Desk()
    log = desk.cart_log()
    replica = BookReplica()
    assert replica.reset("cart:ana", desk.cart(), 0, "e")
    answer = Cart("ana", discounts=(TripDiscount("t", 10, 3),))
    assert replica.answered(answer, Position("another log", 3, ""))
    assert replica.cart == answer
    desk.add(1)
    assert replica.confirm(log.events[1]) == "gap"
    assert replica.reset("cart:ana", desk.cart(), len(log.events) - 1, "e")
    assert replica.cart == desk.cart()


def test_an_answer_that_does_not_say_where_it_is_is_shown_while_nothing_else_is_known():
    desk = Desk()
    desk.add(1)
    replica = BookReplica()
    assert replica.answered(Cart("ana"), None)
    assert replica.cart == Cart("ana")
    assert replica.reset("cart:ana", desk.cart(), desk.cart_log().position.seq, "e")
    assert not replica.answered(Cart("ana"), None)
    assert replica.cart == desk.cart()


# R: C11
@given(st.integers(0, 2**32))
def test_however_events_resets_and_answers_are_mixed_the_newest_cart_is_what_is_shown_at_the_end(seed: int):
    random, desk = Random(seed), Desk()
    lines: list[str] = []
    answers: list[tuple[Cart, Position]] = []
    for _ in range(random.randint(1, 5)):
        if lines and random.random() < 0.4:
            desk.do(RemoveLine(lines.pop()))
        else:
            lines.append(desk.add(1, random.choice([S, T])))
        answers.append((desk.cart(), desk.cart_log().position))
    log, replica, at = desk.cart_log(), BookReplica(), -1
    while at < len(log.events) - 1 or answers:
        what = random.choice(["event", "event", "answer", "reset"])
        if what == "answer" and answers:
            replica.answered(*answers.pop(0))
        elif what == "reset" or at < 0:
            at = random.randint(max(at, 0), len(log.events) - 1)
            replica.reset("cart:ana", as_of(desk, at), at, "e")
        elif at < len(log.events) - 1:
            at += 1
            assert replica.confirm(log.events[at]) in ("applied", "old")
    assert replica.cart == desk.cart()


def as_of(desk: Desk, seq: int) -> Cart:
    """Ana's cart after that event."""
    cart: Cart | None = None
    for e in desk.cart_log().events[: seq + 1]:
        cart = evolve(cart, e)
    assert cart is not None
    return cart


async def test_what_is_another_persons_is_not_shown_however_late_it_comes():
    desk = Desk()
    async with booking(desk) as (client, book, _):
        await until(lambda: book.cart is not None)
        book.take(rc.CartAnswer(Cart("ben"), (), ""))
        assert book.cart == desk.cart()
        client._session.adopt(rc.Session("ben", rc.User("ben", "Ben")))
        assert book.take_frame(rc.Reset("cart:ana", 0, desk.cart()), None) == "applied"
        assert book.cart is None


def test_an_event_that_brings_a_line_of_nothing_is_not_believed():
    desk = Desk()
    replica = BookReplica()
    assert replica.reset("cart:ana", desk.cart(), 0, "e")
    started = AddStarted(SLOT, (), None, NOW, NOW)
    assert replica.confirm(event("cart:ana", 1, NOW, "ana", "c", started)) == "unknown"
    assert replica.cart == desk.cart()


def test_a_slots_count_is_folded_from_what_everybody_may_know():
    replica = BookReplica()
    begun = SlotCount(S, 10, 4, NOW, NOW)
    assert replica.reset(f"slot:{S}", begun, 5, "e")
    before = replica.slots
    assert not replica.reset(f"slot:{T}", begun, 5, "e"), "another slot than it says"
    held = event(f"slot:{S}", 6, NOW, None, "c", SeatsHeld("h", 3, NOW, NOW))
    assert replica.confirm(held) == "applied"
    assert replica.confirm(held) == "old"
    assert (replica.slots[S].left, before[S].left) == (3, 6), "what was handed out stays as it was"
    assert replica.confirm(event(f"slot:{S}", 8, NOW, None, "c", SeatsFreed("h", 3, "expired"))) == "gap"
    replica.keep_only(["cart:ana"])
    assert replica.slots == {}


# --- who looks, and whether ----------------------------------------------------------------------


# R: C3
async def test_somebody_else_who_signs_in_sees_their_own_cart_and_never_the_former_persons():
    desk = Desk()
    desk.add(2)
    desk.add(1, user="ben")
    async with booking(desk) as (client, book, server):
        book.watch([S])
        await until(lambda: book.cart == desk.cart() and left(book) == {S: 7})
        carts: list[Cart | None] = []
        book.listen(lambda change: carts.append(change.cart))
        client._session.adopt(rc.Session("ben", rc.User("ben", "Ben")))
        assert book.cart is None
        await until(lambda: book.cart == desk.cart("ben"))
        assert {cart.user for cart in carts if cart is not None} == {"ben"}
        assert requests(server)[-1][0] == {"cart:ben", f"slot:{S}"}
        assert left(book) == {S: 7}


# R: C3
async def test_who_signs_out_and_in_again_goes_on():
    desk = Desk()
    async with booking(desk) as (client, book, _):
        await until(lambda: book.cart is not None)
        client._session.lose()
        await until(lambda: book.status.state == "signed-out")
        desk.add(2)
        client._session.adopt(rc.Session("ana", ANA))
        await until(lambda: book.cart == desk.cart() and book.status.state == "live")


async def test_who_has_only_a_token_learns_whose_cart_it_is_however_long_that_takes():
    desk, troubles = Desk(), [503, 503]

    async def script(request: Request) -> None:
        if request.path == "/api/session" and troubles:
            return await request.problem(troubles.pop(), "busy")
        return await desk.sync(request)

    async with booking(desk, script, user=None) as (_, book, server):
        await until(lambda: book.cart is not None)
        assert len(server.asked("/api/session")) == 3
        assert book.status.last_error is None


async def test_who_is_not_signed_in_yet_follows_as_soon_as_they_are():
    desk = Desk()
    async with (
        serving(desk.sync) as server,
        rc.Client(server.url, settings=STEADY) as client,
        client.follow_book() as book,
    ):
        book.watch([S])
        with pytest.raises(rc.NotSignedIn):
            await client.server_info()
        assert book.status.state == "signed-out"
        assert [request.path for request in server.requests] == ["/api/server"]
        client._session.adopt(rc.Session("ana", ANA))
        await until(lambda: book.cart is not None and left(book) == {S: 10})


# R: S2 S3
async def test_nobody_who_looks_costs_no_requests_and_somebody_who_looks_again_sees_it_at_once():
    desk = Desk()
    async with booking(desk) as (client, book, server):
        await until(lambda: book.status.state == "live")
        book.hidden()
        await until(lambda: book.status.state == "paused")
        before = len(server.asked("/api/sync"))
        desk.add(2)
        book.watch([S])
        await until(lambda: f"slot:{S}" in book._source.topics)
        with pytest.raises(rc.NotSignedIn):
            await client.server_info()
        assert len(server.asked("/api/sync")) == before
        book.shown()
        await until(lambda: book.cart == desk.cart() and left(book) == {S: 8})
        book.suspended()
        assert book.status.state == "paused"
        book.key_pressed()
        book.resumed()
        await until(lambda: book.status.state == "live")


async def test_it_ends_with_its_client_and_leaves_nothing_behind():
    desk = Desk()
    async with serving(desk.sync) as server:
        client = rc.Client(server.url, token="ana", settings=STEADY)
        client._session.user = ANA
        book = client.follow_book()
        await book.start()
        await until(lambda: book.status.state == "live")
        await client.close()
        assert book.status.state == "paused"
        await until(lambda: server.open == 0)
        assert client._books == set()


# R: C11 S1
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_watched_and_however_it_is_cut_the_end_is_what_the_server_has(seed: int):
    random, desk, cuts = Random(seed), Desk(60), [0]

    async def script(request: Request) -> None:
        kind = random.random()
        cuts[0] += 1
        if kind < 0.1:
            return request.writer.transport.abort()
        if kind < 0.2:
            return await request.problem(503, "busy")
        if request.streams and kind < 0.5:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(random.uniform(0.01, 0.1)):
                    await desk.sync(request)
            return request.writer.transport.abort()
        return await desk.sync(request)

    async with booking(desk, script, settings=replace(STEADY, short_close=0.0)) as (_, book, _):
        watched: Sequence[str] = ()
        for n in range(30):
            watched = random.choice([[], [S], [T], [S, T]])
            book.watch(watched)
            if n < 9:
                desk.add(1, random.choice([S, T]))
            else:
                desk.hold(1, random.choice([S, T]))
            await asyncio.sleep(random.uniform(0, 0.02))
        wanted = {slot: count_of(desk.slot_log(slot).state) for slot in watched}
        await until(lambda: book.cart == desk.cart() and book.slots == wanted, 15)
    assert live_book.MAX_SLOTS == 31
