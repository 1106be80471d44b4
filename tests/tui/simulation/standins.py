"""People whose clients do what ours must not, to see that it is found."""

from roadcrew_client import Change
from roadcrew_domain.events import Event
from roadcrew_tui.simulation.person import Person


class Clumsy(Person):
    """Ben's client passes one event over, and Carla's tells of one twice."""

    async def _follow(self) -> None:
        await super()._follow()
        live = self.live
        assert live is not None
        take, whose, events = live.take, self.name.split()[0], 0

        async def clumsily(frame: object, cursor: str | None) -> object:
            nonlocal events
            events += isinstance(frame, Event)
            if isinstance(frame, Event) and events == 2 and whose == "Ben":
                live._replica.seq = frame.seq
                return "applied"
            said = await take(frame, cursor)  # type: ignore[arg-type]
            if isinstance(frame, Event) and events == 2 and whose == "Carla":
                live._listeners.tell(Change("events", events=(frame,)))
            return said

        live.take = clumsily  # type: ignore[method-assign,assignment]


class Fainting(Person):
    """Ben comes to an end that nobody foresaw; the others never do anything."""

    def _act(self, *_: object) -> bool:
        if self.name.startswith("Ben"):
            raise ZeroDivisionError("oh")
        return False
