"""A policy under a clock that is moved by hand, for test_policy.py and test_policy_whatever.py."""

from roadcrew_client.settings import ClientSettings
from roadcrew_client.sync import policy as p

S = ClientSettings()


class World:
    """A policy, a clock that is moved by hand, and what has been asked for."""

    def __init__(self, chance: float = 0.5) -> None:
        self.now = 1000.0
        self.chance = chance
        self.state = p.State()
        self.done: list[tuple[float, p.Effect]] = []
        self.out: set[int] = set()

    def send(self, signal: p.Signal) -> tuple[p.Effect, ...]:
        if isinstance(signal, p.Closed | p.Polled | p.PollFailed):
            self.out.discard(signal.n)
        self.state, effects = p.step(self.state, signal, self.now, self.chance, S)
        for effect in effects:
            self.done.append((self.now, effect))
            if isinstance(effect, p.Drop):
                assert effect.n in self.out, "only what is under way is dropped"
                self.out.discard(effect.n)
            else:
                self.out.add(effect.n)
                assert len(self.out) == 1, "two transports at once"
        return effects

    def until_next(self) -> tuple[p.Effect, ...]:
        """Let time pass to the next timer."""
        assert self.state.due is not None
        self.now = max(self.now, self.state.due)
        return self.send(p.Tick())

    def wait(self, seconds: float) -> list[p.Effect]:
        """Let time pass, with every timer on the way."""
        end, before = self.now + seconds, len(self.done)
        while self.state.due is not None and self.state.due <= end:
            self.until_next()
        self.now = end
        return [e for _, e in self.done[before:]]

    def mode(self) -> p.Mode:
        return self.state.mode

    def live(self) -> None:
        self.send(p.Started())
        self.prove()

    def prove(self) -> None:
        self.send(p.Opened(self.state.n))
        self.send(p.Proven(self.state.n))
        assert self.mode() == "live"

    def cut(self) -> tuple[p.Effect, ...]:
        return self.send(p.Closed(self.state.n, "cut"))

    def polled(self, *, news: bool = False, more: bool = False) -> tuple[p.Effect, ...]:
        return self.send(p.Polled(self.state.n, news, more))

    def fall_back_to_polling(self) -> None:
        self.live()
        while self.mode() != "polling":
            self.cut()
            if self.state.out is None:
                self.until_next()
            if self.state.out == "stream":
                self.prove()
