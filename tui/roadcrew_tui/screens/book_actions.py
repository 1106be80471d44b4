"""What the keys of the tab of bookings do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, cast

from textual.content import Content

from roadcrew_domain.cart import may_cancel, may_pay, stands
from roadcrew_domain.cart_state import Line, Order
from roadcrew_domain.money import Money
from roadcrew_domain.prices import Priced, prices
from roadcrew_tui import money, plain, render, when
from roadcrew_tui.booking import Flow
from roadcrew_tui.commands.booking import book_pane
from roadcrew_tui.screens import book_model as model
from roadcrew_tui.screens.ask import CANCEL, Answer
from roadcrew_tui.screens.refusals import booking_sentence
from roadcrew_tui.symbols import sign

if TYPE_CHECKING:
    from roadcrew_client import CartAnswer, Client, PaymentWay
    from roadcrew_domain.bookings import Booking
    from roadcrew_domain.exhibitions import SlotInfo
    from roadcrew_domain.trip import Trip
    from roadcrew_tui.screens.book import BookPane
    from roadcrew_tui.screens.trip import TripScreen


async def _done(screen: TripScreen, work: Callable[[Client], Awaitable[CartAnswer | None]]) -> CartAnswer | None:
    """What came of a call; None if it was refused, which is said. What it has changed is drawn by itself."""
    from roadcrew_client.errors import NotSignedIn, RoadcrewError  # noqa: PLC0415 - it is there when this runs

    try:
        return await screen.crew_app.link.call(work)
    except NotSignedIn:
        raise
    except RoadcrewError as error:
        screen.crew_app.say(booking_sentence(error), "warning")
        return None


def _pane(screen: TripScreen) -> BookPane:
    return cast("BookPane", book_pane(screen))


# --- the cart ------------------------------------------------------------------------------------


async def hold(screen: TripScreen) -> None:
    """Book what is chosen."""
    pane = _pane(screen)
    exhibition, slot, choice = pane.exhibition, pane.slot, pane.choice
    if exhibition is None or slot is None:
        screen.crew_app.say("Choose a day and a time first.")
    elif not choice:
        screen.crew_app.say("Choose how many first: + and - count.")
    else:
        await screen.crew_app.book_seats(slot.info(exhibition), choice, screen.trip_id)


def extensible(screen: TripScreen) -> Line | None:
    """The line of the cart under the cursor, unless its time is over."""
    line = _pane(screen).line
    return line if line is not None and stands(line, screen.crew_app.book.now()) else None


async def extend(screen: TripScreen) -> None:
    """Keep the seats under the cursor for longer."""
    line = extensible(screen)
    if line is not None:
        line_id = line.id
        await _done(screen, lambda client: client.extend_hold(line_id))


def droppable(screen: TripScreen) -> Line | Order | None:
    """The line or the order under the cursor, if it can be given up."""
    pane, now = _pane(screen), screen.crew_app.book.now()
    if pane.at == "orders":
        return pane.order if pane.order is not None and may_cancel(pane.order, now) else None
    return pane.line


async def drop(screen: TripScreen) -> None:
    """Take seats out of the cart; cancel an order, after asking."""
    match droppable(screen):
        case Line(id=line_id):
            await _done(screen, lambda client: client.remove_from_cart(line_id))
        case Order(id=order_id) as order:
            words = "Cancel order {number}? Its seats are free again for others."
            if order.state == "paid" and order.total:
                later = order.pays_later
                words += (
                    " It was {sum}. The venue pays it back." if later else " What you paid, {sum}, goes back to you."
                )
            question = render.template(words, number=order.number, sum=money.written(_sum(order)))
            answer = Answer("cancel-order", render.ours("Cancel the order"), irreversible=True)
            if await screen.ask("Cancel", question, [answer], cancel="Keep it") != CANCEL:
                await _done(screen, lambda client: client.cancel_order(order_id))


def _sum(order: Order) -> Money:
    return Money(order.total, order.currency)


# --- paying --------------------------------------------------------------------------------------


def payable(screen: TripScreen) -> bool:
    """Whether there is something to check out, or to pay."""
    return _to_pay(screen) is not None or bool(_to_check_out(screen))


def _to_pay(screen: TripScreen) -> Order | None:
    """The order under the cursor; or the first that waits, when there is nothing to check out."""
    pane, now = _pane(screen), screen.crew_app.book.now()
    if pane.at == "orders" or not _to_check_out(screen):
        if pane.order is not None and may_pay(pane.order, now):
            return pane.order
        orders = pane.cart.orders if pane.cart is not None else ()
        return next((order for order in orders if may_pay(order, now)), None)
    return None


def _to_check_out(screen: TripScreen) -> list[Line]:
    cart, now = _pane(screen).cart, screen.crew_app.book.now()
    return [line for line in (cart.lines if cart is not None else ()) if line.state == "held" and stands(line, now)]


async def pay(screen: TripScreen) -> None:
    """Pay an order, or make one of the cart and pay that."""
    order = _to_pay(screen)
    if order is not None:
        way = next((way for way in screen.crew_app.book.ways if way.id == order.provider), None)
        chosen = await _ask(screen, "Pay", _order_question(order), [] if way is None else [way])
        if chosen is not None:
            await _pay(screen, order.id, chosen[1])
        return
    lines = _to_check_out(screen)
    if lines:
        await _check_out(screen, lines)


async def _check_out(screen: TripScreen, lines: Sequence[Line]) -> None:
    cart, trip = _pane(screen).cart, screen.trip
    if cart is None or trip is None:
        return
    costs = {p.line_id: p for p in prices(cart, {trip.id: model.off(trip)})}
    question = _cart_question(screen, lines, [costs[line.id] for line in lines])
    chosen = await _ask(screen, "Check out", question, screen.crew_app.book.ways)
    if chosen is None:
        return
    provider, method = chosen
    ids = [line.id for line in lines]
    if not set(ids) <= {line.id for line in _to_check_out(screen)}:
        screen.crew_app.say("The time for some of these seats ran out meanwhile. Nothing was ordered.", "warning")
        return
    answer = await _done(screen, lambda client: client.checkout(ids, provider or None))
    order = None if answer is None else answer.cart.order(answer.order_id or "")
    if order is not None:
        _pane(screen).to_order(order.id)
    if order is None or order.state != "awaiting":
        return
    if order.pays_later:
        words = "Booked: pay {sum} at the venue. Order {number}."
        screen.crew_app.say(plain.sentence(words, sum=money.written(_sum(order)), number=order.number), seconds=10)
        return
    await _pay(screen, order.id, method)


async def _pay(screen: TripScreen, order_id: str, method: str) -> None:
    answer = await _done(screen, lambda client: client.pay(order_id, method))
    order = None if answer is None else answer.cart.order(order_id)
    if order is not None and order.state == "paying":
        screen.crew_app.say("The payment is under way. You are told what comes of it.")


async def _ask(screen: TripScreen, title: str, question: Content, ways: Sequence[PaymentWay]) -> tuple[str, str] | None:
    """Which provider and method; None for neither."""
    answers: list[Answer] = []
    choices: dict[str, tuple[str, str]] = {}
    for way in ways:
        for method, label in [(m.id, m.label) for m in way.methods] or [("", "")]:
            name = f"way-{len(answers)}"
            choices[name] = (way.id, method)
            words = f"{{label}} {sign().dot} {{way}}" if label else "{way}"
            answers.append(Answer(name, render.template(words, way=way.label, label=label), irreversible=True))
    if not answers:
        choices["way-0"] = ("", "")
        answers = [Answer("way-0", render.ours(title), irreversible=True)]
    chosen = await screen.ask(title, question, answers, cancel="Not now")
    return choices.get(chosen)


def _cart_question(screen: TripScreen, lines: Sequence[Line], costs: Sequence[Priced]) -> Content:
    now = screen.crew_app.book.now()
    rows: list[Content | str] = []
    for line, cost in zip(lines, costs, strict=True):
        total = money.written(Money(cost.total, line.currency))
        words = "{title}, " + model.slot_words(line.slot, now) + f", {_seats(line.seats)}: {total}"
        if cost.discount:
            off = money.written(Money(cost.discount, line.currency))
            words += f" ({off} less, {cost.discount_percent} %)"
        rows.append(render.template(words, title=line.slot.title))
    whole = Money(sum(cost.total for cost in costs), lines[0].currency)
    rows += ["", render.ours(f"Together {money.written(whole)}. This orders them.", "bold")]
    return render.stack(rows)


def _order_question(order: Order) -> Content:
    rows: list[Content | str] = [
        render.template("{title}, " + _seats(line.seats), title=line.slot.title) for line in order.lines
    ]
    total = money.written(_sum(order))
    rows += ["", render.template("Pay {sum} for order {number}?", "bold", sum=total, number=order.number)]
    return render.stack(rows)


def _seats(n: int) -> str:
    return f"{n} seat{'s' * (n != 1)}"


# --- the crew ------------------------------------------------------------------------------------


async def sit_with(screen: TripScreen) -> None:
    """Seats at the same time as somebody of the crew: as many as were chosen for that exhibition, or one. With whom
    must be seen, so where there are several, it goes to them first; and after another has gone, it names them."""
    pane = _pane(screen)
    crew = pane.rows("crew-bookings")
    if pane.at != "crew-bookings" and len(crew.ids) > 1:
        pane.go("crew-bookings")
        screen.crew_app.say("With whom? Choose, and press j once more.")
        return
    booking, trip = pane.crew_booking, screen.trip
    if booking is None or trip is None:
        return
    slot, name = booking.slot, _who(trip, booking)
    if crew.strayed:
        crew.strayed = False
        words = "That booking is gone. Now {name} is chosen: press j for them."
        screen.crew_app.say(plain.sentence(words, name=name), "warning")
        return
    exhibition = pane.stock.exhibition(slot.exhibition_id)
    if exhibition is None:
        screen.crew_app.say(plain.sentence("{title} is not offered any more.", title=slot.title), "warning")
        return
    choice = model.chosen(exhibition, pane.counts.get(exhibition.id, {})) or {exhibition.tickets[0].kind: 1}
    day = when.at_venue(slot.starts_at, exhibition.time_zone).date()
    with _looking(screen, slot, name):
        found = await _slots(screen, exhibition.id, slot.slot_id, day)
    if found is None:
        return
    wanted = sum(choice.values())
    if found < wanted:
        words = "Nothing is left next to {name}." if found == 0 else f"Only {_seats(found)} left next to {{name}}."
        screen.crew_app.say(plain.sentence(words, name=name), "warning")
        return
    if not await _more_of(screen, slot, wanted):
        return
    pane.show_slot(exhibition.id, day, slot.slot_id)
    pane.go("tickets")
    await screen.crew_app.book_seats(slot, choice, screen.trip_id)


@contextmanager
def _looking(screen: TripScreen, slot: SlotInfo, name: str) -> Iterator[None]:
    """Say so meanwhile; a booking that is on its way or waits is seen again afterwards."""
    app = screen.crew_app
    before = app.flow if app.flow is not None and (app.flow.waits or app.flow.state == "going") else None
    app.flows(Flow("going", plain.sentence("Looking for seats next to {name}.", name=name), slot.title))
    try:
        yield
    finally:
        app.flow = before
        _pane(screen).redraw()


async def _more_of(screen: TripScreen, slot: SlotInfo, wanted: int) -> bool:
    """Whether to hold these seats also where some of that time are held: that is asked."""
    cart, now = _pane(screen).cart, screen.crew_app.book.now()
    lines = cart.lines if cart is not None else ()
    held = sum(line.seats for line in lines if line.slot.slot_id == slot.slot_id and stands(line, now))
    if not held:
        return True
    words = f"You hold {_seats(held)} of {{title}} then already. Hold {wanted} more?"
    answer = Answer("more", render.ours("Hold more"), irreversible=True)
    return await screen.ask("Sit with them", render.template(words, title=slot.title), [answer]) != CANCEL


def _who(trip: Trip, booking: Booking) -> str:
    return trip.members[booking.member_id].name if booking.member_id in trip.members else "them"


async def _slots(screen: TripScreen, exhibition_id: str, slot_id: str, day: date) -> int | None:
    """How many seats are left of a slot just now; None if that can't be told, which is said."""
    from roadcrew_client.errors import RoadcrewError  # noqa: PLC0415 - it is there when this runs

    try:
        slots = await screen.crew_app.link.call(lambda client: client.slots(exhibition_id, day))
    except RoadcrewError as error:
        screen.crew_app.say(booking_sentence(error), "warning")
        return None
    slot = next((s for s in slots.slots if s.id == slot_id), None)
    if slot is None or slot.state == "past":
        screen.crew_app.say("That time is over, or not offered any more.", "warning")
        return None
    return slot.seats_left


async def mark_paid(screen: TripScreen) -> None:
    """Say that somebody has paid at the venue, after asking."""
    booking, trip = _pane(screen).crew_booking, screen.trip
    if booking is None or trip is None:
        return
    booking_id = booking.id
    name = trip.members[booking.member_id].name if booking.member_id in trip.members else "they"
    question = render.template(
        "Has {name} paid for {title} at the venue? That can't be taken back.", name=name, title=booking.slot.title
    )
    answer = Answer("paid", render.ours("It was paid"), irreversible=True)

    async def say(client: Client) -> None:
        await client.mark_paid(trip.id, booking_id)

    if await screen.ask("Paid at the venue", question, [answer]) != CANCEL:
        await _done(screen, say)


# --- receipts ------------------------------------------------------------------------------------


async def receipt(screen: TripScreen) -> None:
    """What was ordered."""
    from roadcrew_tui.screens.receipt import ReceiptScreen  # noqa: PLC0415 - when it is opened

    cart, order = _pane(screen).cart, _pane(screen).order
    if cart is not None and order is not None:
        way = next((way.label for way in screen.crew_app.book.ways if way.id == order.provider), "")
        await screen.app.push_screen(ReceiptScreen(cart.user, order, way))
