"""Quote runs and imports as they are at the server, while they go on and afterwards. The object that a screen of prices
holds.

Nothing is changed through it: that is done by the client's calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from roadcrew_client._listeners import Listeners
from roadcrew_client._live_topics import LiveTopics
from roadcrew_client._topics_replica import TopicsReplica
from roadcrew_client.context import Context
from roadcrew_client.quote_models import checked_run
from roadcrew_client.run_changes import RunChange
from roadcrew_client.sync import policy
from roadcrew_domain import jobs, quotes
from roadcrew_domain.events import MAX_TOPICS, Event
from roadcrew_domain.jobs_state import ImportJob
from roadcrew_domain.quotes_state import QuoteRun

Followable = QuoteRun | ImportJob


class RunsReplica(TopicsReplica[Followable]):
    """Folded by the server's rules."""

    def topic_of(self, state: Followable) -> str:
        """What a state is about."""
        return f"quote:{state.id}" if isinstance(state, QuoteRun) else f"job:{state.id}"

    def after(self, state: Followable | None, e: Event) -> Followable:
        """The state after an event."""
        if e.topic.startswith("quote:"):
            return checked_run(quotes.evolve(state if isinstance(state, QuoteRun) else None, e))
        return jobs.evolve(state if isinstance(state, ImportJob) else None, e)


class LiveRun(LiveTopics[Followable]):
    """Made by `Client.follow_run`; syncs between `start` and `stop`. All of it belongs to one event loop."""

    def __init__(self, context: Context, names: tuple[str, ...], *, on_stop: Callable[[LiveRun], None]) -> None:
        super().__init__(context, RunsReplica(), (QuoteRun, ImportJob), on_stop)
        self._listeners = Listeners[RunChange]()
        self._watched: tuple[str, ...] = ()
        self.watch(names)

    @property
    def state(self) -> Followable | None:
        """Of the first run that is followed; None until it is known."""
        return self.states.get(self._watched[0]) if self._watched else None

    @property
    def states(self) -> Mapping[str, Followable]:
        """Of all that are followed, as far as they are known, by `quote:ID` and `job:ID`. A value: it is replaced, not
        changed."""
        return self._states.states

    def listen(self, callback: Callable[[RunChange], None]) -> Callable[[], None]:
        """Call `callback` on each change, on the client's event loop. Returns what ends that."""
        return self._listeners.listen(callback)

    def watch(self, names: Collection[str]) -> None:
        """Follow these runs (`quote:ID`, `job:ID`), at most 32, and no others. Who goes on looking at one misses
        nothing; the server hears of it at most once a second. Raises `ValueError` for what can't be followed so."""
        wanted = tuple(dict.fromkeys(names))
        if len(wanted) > MAX_TOPICS:
            raise ValueError(f"at most {MAX_TOPICS} runs can be followed at once")
        for name in wanted:
            if not name.startswith(("quote:", "job:")):
                raise ValueError(f"{name[:80]!r} is no run: quote:ID or job:ID")
        turned = set(wanted) != set(self._watched)
        self._watched = wanted
        if turned:
            self._turned.set()

    def disown(self) -> None:
        """Somebody else signs in: what is shown here may not be for them."""
        for name in tuple(self.states):
            self._states.drop(name)
        self._engine.forget_place()
        self._engine.signal(policy.Ended("signed-out"))  # what is open was asked for in another name
        self._engine.signal(policy.SignedIn())
        self._dropped()

    def _wanted(self) -> tuple[str, ...]:
        return self._watched

    def _changed(self, topic: str, event: Event | None) -> None:
        self._listeners.tell(RunChange("reset" if event is None else "event", topic, self.states[topic], event))

    def _dropped(self) -> None:
        self._listeners.tell(RunChange("dropped"))

    def _gone(self, topic: str, reason: str) -> None:
        self._listeners.tell(RunChange("gone", topic, reason=reason))

    def _moved(self) -> None:
        self._listeners.tell(RunChange("status"))
