"""A stand-in for what a server and a client do about prices: quote runs by the domain's own rules, whose providers
answer when a test says so. It runs where the real ones do, on the link's own thread. Not for networks or several
processes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from roadcrew_client import QuoteRunAnswer, QuoteStarted, errors
from roadcrew_domain import quotes_state as acts
from roadcrew_domain.events import event
from roadcrew_domain.money import Money
from roadcrew_domain.quotes import QuoteCommand, QuoteRun, decide, evolve, standings
from roadcrew_domain.quotes_state import AskedHotel, AskedProvider, Choice, Driver, Price, Stay, Vehicle
from roadcrew_domain.refusals import Refused
from roadcrew_domain.running import StartRunner
from roadcrew_domain.runs import NoteRun, NoteRunEnd

if TYPE_CHECKING:
    from tests.tui.standins import StandInClient, World

    from roadcrew_client.models import User

PROVIDERS = (
    AskedProvider("rates", "Rate tables", simulated=False, timeout=10.0),
    AskedProvider("stays", "Stays direct", simulated=False, timeout=10.0),
    AskedProvider("slow", "Slow and flaky (simulated)", simulated=True, timeout=20.0),
)
WITHIN, KEPT = 60.0, 7200.0


def euros(amount: float, hotel: str | None = None, note: str | None = None) -> Price:
    return Price(Money(round(amount * 100), "EUR"), hotel, note)


@dataclass
class Desk:
    """All runs by the names of their topics, and who looks at them. Others may put theirs there too."""

    providers: tuple[AskedProvider, ...] = PROVIDERS
    states: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """The keys of the requests that came."""

    def __post_init__(self) -> None:
        self.lives: list[StandInRun] = []

    def put(self, name: str, state: Any) -> None:
        """The state of a run is this now; None: it is not kept any more."""
        self.states[name] = state
        for live in list(self.lives):
            if live.name == name:
                live.tell("event" if state is not None else "gone")

    def run(self, run_id: str) -> QuoteRun:
        state: QuoteRun | None = self.states.get(f"quote:{run_id}")
        if state is None:
            raise errors.NotFound("quote-run-expired", "This quote run is no longer kept.", status=404)
        return state

    def do(self, world: World, run_id: str, act: Any, *, by: str | None = None, at: datetime | None = None) -> QuoteRun:
        """By the domain's rules; the trip hears of the end. Raises `Refused`."""
        now = at or world.at or world.now()
        before: QuoteRun | None = self.states.get(f"quote:{run_id}")
        run = before
        for fact in decide(run, QuoteCommand(run_id if run is None else world.new_id(), by, act), now):
            run = evolve(run, event(f"quote:{run_id}", 0, now, by, run_id, fact))
        assert run is not None
        self.put(f"quote:{run_id}", run)
        if run.trip_id is not None and run.status != "processing" and before and before.status == "processing":
            best: Any = [(place.total, place.provider.name) for place in standings(run)[:1]] or [(None, None)]
            world.do(run.trip_id, None, NoteRunEnd(run_id, run.status, 0, *best[0]), at=now)
        return run

    def begin(
        self,
        world: World,
        by: User,
        request: Stay | Vehicle,
        trip_id: str,
        again_of: str | None = None,
        *,
        key: str | None = None,
        at: datetime | None = None,
    ) -> str:
        """Somebody asks; a runner begins."""
        run_id = key or world.new_id()
        act = acts.RequestQuote(request, self.providers, WITHIN, KEPT, trip_id, again_of)
        self.do(world, run_id, act, by=by.id, at=at)
        self.do(world, run_id, StartRunner(1), at=at)
        if isinstance(request, Stay):
            noted = NoteRun(run_id, "stay", None, request.check_in, request.check_out, request.guests)
        else:
            noted = NoteRun(run_id, "vehicle", request.vin, request.begins, request.ends, len(request.drivers))
        world.do(trip_id, by.id, noted, at=at)
        return run_id

    def says(self, world: World, run_id: str, provider: str, text: str) -> None:
        self.do(world, run_id, acts.SayActivity(self.run(run_id).fence, provider, text))

    def answers(self, world: World, run_id: str, provider: str, *prices: Price, at: datetime | None = None) -> None:
        self.do(world, run_id, acts.AddResult(self.run(run_id).fence, provider, prices), at=at)

    def fails(
        self, world: World, run_id: str, provider: str, failure: Any = "timeout", detail: str = "", **more: Any
    ) -> None:
        self.do(world, run_id, acts.AddFailure(self.run(run_id).fence, provider, failure, detail), **more)


class StandInRun:
    """A run that is followed."""

    def __init__(self, client: StandInClient, name: str, loop: Any) -> None:
        self._client, self.name, self._loop = client, name, loop
        self._callback: Callable[[Any], None] | None = None
        self.status = SimpleNamespace(state="live", interval=None)
        self.signals: list[str] = []

    @property
    def state(self) -> Any:
        return self._client.world.desk.states.get(self.name)

    def server_now(self) -> datetime:
        return self._client.world.now()

    def listen(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        self._callback = callback
        return lambda: setattr(self, "_callback", None)

    def _say(self, kind: str) -> None:
        if self._callback is not None:
            reason = "unknown" if kind == "gone" else None
            self._callback(SimpleNamespace(kind=kind, name=self.name, state=self.state, reason=reason))

    def tell(self, kind: str) -> None:
        self._loop.call_soon_threadsafe(self._say, kind)

    async def start(self) -> None:
        self._client.world.desk.lives.append(self)
        if self.state is None:
            self.tell("gone")

    async def stop(self) -> None:
        self._client.world.desk.lives.remove(self)

    def hidden(self) -> None:
        self.signals.append("hidden")

    def shown(self) -> None:
        self.signals.append("shown")

    def suspended(self) -> None:
        self.signals.append("suspended")

    def resumed(self) -> None:
        self.signals.append("resumed")

    def key_pressed(self) -> None:
        self.signals.append("key_pressed")


class QuoteCalls:
    """The part of the stand-in for a client that is about prices."""

    world: World
    user: User | None

    async def request_stay(
        self,
        hotel_ids: Collection[str],
        check_in: date,
        check_out: date,
        guests: int,
        trip_id: str | None = None,
        again_of: str | None = None,
        *,
        key: str | None = None,
    ) -> QuoteStarted:
        hotels = self.world.trips[trip_id or ""].hotels
        if any(i not in hotels for i in hotel_ids):
            raise errors.NotFound("unknown-hotel", "There is no such hotel on the shortlist.", status=404)
        asked = tuple(AskedHotel(h.id, h.name, h.city, h.stars) for h in (hotels[i] for i in hotel_ids))
        return self._begun(Stay(asked, check_in, check_out, guests), trip_id, again_of, key)

    async def request_vehicle(
        self,
        vin: str,
        drivers: Sequence[int],
        begins: date,
        ends: date,
        trip_id: str | None = None,
        again_of: str | None = None,
        *,
        key: str | None = None,
    ) -> QuoteStarted:
        return self._begun(Vehicle(vin, tuple(map(Driver, drivers)), begins, ends), trip_id, again_of, key)

    def _begun(self, request: Any, trip_id: str | None, again_of: str | None, key: str | None) -> QuoteStarted:
        self._check()  # type: ignore[attr-defined]
        assert self.user is not None
        assert trip_id is not None
        self.world.desk.asked.append(key or "")
        run_id = self.world.desk.begin(self.world, self.user, request, trip_id, again_of, key=key)
        return QuoteStarted(run_id, "processing", f"/api/quotes/{run_id}/stream")

    def _to_run(self, run_id: str, act: Any) -> QuoteRunAnswer:
        self._check()  # type: ignore[attr-defined]
        assert self.user is not None
        desk = self.world.desk
        desk.run(run_id)
        try:
            return QuoteRunAnswer(desk.do(self.world, run_id, act, by=self.user.id), 0, self.world.now())
        except Refused as refused:
            raise errors.Rejected(refused.code, refused.detail, status=409, facts=refused.facts) from refused

    async def quote_run(self, run_id: str) -> QuoteRunAnswer:
        self._check()  # type: ignore[attr-defined]
        return QuoteRunAnswer(self.world.desk.run(run_id), 0, self.world.now())

    async def cancel_quote(self, run_id: str) -> QuoteRunAnswer:
        assert self.user is not None
        chair = any(t.organiser == self.user.id for t in self.world.trips.values() if run_id in t.runs)
        return self._to_run(run_id, acts.CancelRun(chair=chair))

    async def vote_quote(self, run_id: str, choice: Choice | None, *, key: str | None = None) -> QuoteRunAnswer:
        return self._to_run(run_id, acts.VoteQuote(choice))
