"""From a choice of seats to a line in the cart, whatever comes in between: signing in, a bad network, the end of the
program. It goes on where it was, under one idempotency key, so the seats are held once.

The steps and the failures are those of C7 and C8, to the letter. It owns no screen and no task: whoever calls it learns
the outcome, and may be cancelled at any point.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from roadcrew_client._listeners import Listeners
from roadcrew_client.book_models import CartAnswer, failure_kind
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.pending_booking import PendingBooking, PendingBookings
from roadcrew_client.waiting import Look
from roadcrew_domain.exhibitions import SlotInfo

if TYPE_CHECKING:
    from roadcrew_client.client import Client

StepName = Literal["preparing", "connecting", "adding", "added"]

WORDS: Mapping[StepName, str] = {
    "preparing": "Preparing your booking…",
    "connecting": "Establishing secure connection…",
    "adding": "Adding booking to cart…",
    "added": "Booking added to cart successfully!",
}


@dataclass(frozen=True, slots=True)
class BookingStep:
    """Where a booking is. `look`: what the last look at the session has shown, while connecting goes on after it."""

    name: StepName
    pending: PendingBooking
    look: Look | None = None

    @property
    def words(self) -> str:
        """For people."""
        return WORDS[self.name]


# --- what becomes of it --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Added:
    """The seats are in the cart."""

    words: ClassVar[str] = WORDS["added"]
    keeps: ClassVar[bool] = False
    pending: PendingBooking
    answer: CartAnswer


@dataclass(frozen=True, slots=True)
class SignInFirst:
    """Nobody is signed in. `resume` after that."""

    words: ClassVar[str] = "Sign in, or go on as a guest, to book these seats."
    keeps: ClassVar[bool] = True
    pending: PendingBooking


@dataclass(frozen=True, slots=True)
class Connection:
    """No answer, or none that says anything. `resume` tries again."""

    words: ClassVar[str] = "Connection issue. Please try again."
    keeps: ClassVar[bool] = True
    pending: PendingBooking
    error: RoadcrewError


@dataclass(frozen=True, slots=True)
class SeatsGone:
    """They can't be had any more; `error` None: they could, and the time for them ran out before we heard of it."""

    words: ClassVar[str] = "Seats are no longer available. Please select different tickets."
    keeps: ClassVar[bool] = False
    pending: PendingBooking
    error: RoadcrewError | None


@dataclass(frozen=True, slots=True)
class Auth:
    """The session is over. It waits for `resume`, after signing in, or `forget`."""

    words: ClassVar[str] = "Please sign in again to continue."
    keeps: ClassVar[bool] = True
    pending: PendingBooking
    error: RoadcrewError


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The rules say no, in the server's words, and would again."""

    keeps: ClassVar[bool] = False
    pending: PendingBooking
    error: RoadcrewError

    @property
    def words(self) -> str:
        """The server's, tidied."""
        return self.error.detail


@dataclass(frozen=True, slots=True)
class TooLate:
    """The slot has begun meanwhile."""

    words: ClassVar[str] = "That time slot began before your booking could go on, so it was dropped."
    keeps: ClassVar[bool] = False
    pending: PendingBooking


@dataclass(frozen=True, slots=True)
class AnotherPerson:
    """It waits for who chose it, and is booked for nobody else."""

    words: ClassVar[str] = "Somebody else has signed in, so that was not booked."
    keeps: ClassVar[bool] = True
    pending: PendingBooking


Outcome = Added | SignInFirst | Connection | SeatsGone | Auth | NotAccepted | TooLate | AnotherPerson
"""`words` are for people; `keeps` says whether the booking still waits, for `resume` or `forget`."""


# --- the flow ------------------------------------------------------------------------------------


class BookingFlow:
    """One booking at a time, for who `client` is. Belongs to its event loop."""

    def __init__(
        self, client: Client, pendings: PendingBookings, told: Callable[[BookingStep], None] = lambda step: None
    ) -> None:
        """`told` learns each step as it begins."""
        self._client = client
        self._pendings = pendings
        self._listeners = Listeners[BookingStep]()
        self._listeners.listen(told)
        self.busy = False
        """Whether a booking is on its way."""
        self._silent = False
        """Whether the disk would not say what waits, when seats were chosen last."""

    async def book(self, slot: SlotInfo, tickets: Mapping[str, int], trip_id: str | None = None) -> Outcome:
        """Book seats; the same choice as one that waits goes on as that one. Raises `RuntimeError` while busy, and
        `RoadcrewError` (`disk-silent`) when it can't be known whether one waits: who chooses again books all the same.
        """
        with self._alone():
            pending = await self._prepared(slot, tickets, trip_id)
            return await self._go_on(pending)

    async def resume(self) -> Outcome | None:
        """Go on with what waits: after a start, after signing in, after a failure. None if nothing does, for who we
        are. Raises `RuntimeError` while busy, `RoadcrewError` (`disk-silent`)."""
        with self._alone():
            pending = await self.waiting()
            if pending is None:
                return None
            self._tell("preparing", pending)
            outcome = await self._go_on(pending)
            if isinstance(outcome, AnotherPerson):  # who we are was learnt on the way; perhaps something waits for us
                pending = await self.waiting()
                outcome = outcome if pending is None else await self._go_on(pending)
            return None if isinstance(outcome, AnotherPerson) else outcome

    async def waiting(self) -> PendingBooking | None:
        """What waits and is not known to be somebody else's. Raises `RoadcrewError` (`disk-silent`)."""
        pending = await self._pendings.load(self._client.server, self._person())
        return None if pending is None or self._is_anothers(pending) else pending

    async def forget(self) -> None:
        """The person does not want it any more. Raises `RoadcrewError` (`disk-silent`)."""
        pending = await self.waiting()
        if pending is not None:
            await self._pendings.remove(pending)

    @contextmanager
    def _alone(self) -> Generator[None]:
        if self.busy:
            raise RuntimeError("a booking is on its way already")
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    async def _prepared(self, slot: SlotInfo, tickets: Mapping[str, int], trip_id: str | None) -> PendingBooking:
        client, waits = self._client, await self._waiting_if_known()
        chosen = {kind: count for kind, count in tickets.items() if count}
        if waits is not None and waits.is_same_choice(slot, chosen, trip_id):
            self._tell("preparing", waits)
            return waits
        now = client.server_now()
        made = PendingBooking(client.new_id(), client.server, slot, chosen, trip_id, now, self._person())
        self._tell("preparing", made)
        await self._pendings.keep(made)
        return made

    async def _waiting_if_known(self) -> PendingBooking | None:
        """What waits; None also where the disk does not say so for the second time, for it may never do so."""
        asked_before, self._silent = self._silent, True
        try:
            waits = await self.waiting()
        except RoadcrewError:
            if not asked_before:
                raise
            return None
        self._silent = False
        return waits

    async def _go_on(self, pending: PendingBooking) -> Outcome:
        client = self._client
        if client.token is None:
            return await self._dropped(pending) if self._has_begun(pending) else SignInFirst(pending)
        self._tell("connecting", pending)
        try:
            await client.wait_for_session(progress=lambda look: self._looked(pending, look))
        except RoadcrewError as error:
            return Auth(pending, error) if failure_kind(error) == "auth" else Connection(pending, error)
        if self._has_begun(pending):
            return AnotherPerson(pending) if self._is_anothers(pending) else await self._dropped(pending)
        if pending.person is None:
            pending = msgspec.structs.replace(pending, person=self._person())
            await self._pendings.keep(pending)
        if self._is_anothers(pending):
            return AnotherPerson(pending)
        self._tell("adding", pending)
        return await self._add(pending)

    async def _add(self, pending: PendingBooking) -> Outcome:
        """Nothing is awaited between the look at whose it is and the call, which keeps to that name."""
        try:
            answer = await self._client.add_to_cart(
                pending.slot.slot_id, pending.tickets, pending.trip_id, key=pending.id
            )
        except RoadcrewError as error:
            return await self._failed(pending, error)
        await self._pendings.remove(pending)
        if not _has_seats(answer):
            return SeatsGone(pending, None)
        self._tell("added", pending)
        return Added(pending, answer)

    async def _failed(self, pending: PendingBooking, error: RoadcrewError) -> Outcome:
        if self._is_anothers(pending):
            return AnotherPerson(pending)
        match failure_kind(error):
            case "connection":
                return Connection(pending, error)
            case "auth":
                return Auth(pending, error)
            case "seats-gone":
                await self._pendings.remove(pending)
                return SeatsGone(pending, error)
            case "refused":
                await self._pendings.remove(pending)
                return NotAccepted(pending, error)

    async def _dropped(self, pending: PendingBooking) -> TooLate:
        await self._pendings.remove(pending)
        return TooLate(pending)

    def _has_begun(self, pending: PendingBooking) -> bool:
        """By the server's clock alone: a booking is not dropped because the one here is wrong."""
        return self._client.knows_the_time and self._client.server_now() >= pending.slot.starts_at

    def _is_anothers(self, pending: PendingBooking) -> bool:
        person = self._person()
        return None not in (person, pending.person) and person != pending.person

    def _person(self) -> str | None:
        """Who is signed in; None if nobody is, or nobody has said yet who."""
        client = self._client
        return None if client.token is None or client.user is None else client.user.id

    def _looked(self, pending: PendingBooking, look: Look) -> None:
        if look.next_wait is not None:
            self._tell("connecting", pending, look)

    def _tell(self, name: StepName, pending: PendingBooking, look: Look | None = None) -> None:
        self._listeners.tell(BookingStep(name, pending, look))


def _has_seats(answer: CartAnswer) -> bool:
    """Whether what was added is still there, or was ordered: the answer to a repetition shows the cart as it is now."""
    line = answer.line_id or ""
    ordered = (n.id for order in answer.cart.orders if order.has_seats for n in order.lines)
    return answer.cart.line(line) is not None or line in ordered
