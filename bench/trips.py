"""People, trips and votes at a server of ours, for benches: by HTTP, as anybody would."""

import json
import select
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from load import Address, Caller, cpu_seconds, request


@dataclass
class Voter:
    """A member of a trip with a poll of two options, who changes their vote each time."""

    token: str
    trip: str
    poll: str
    option: int = 0

    def vote(self) -> bytes:
        """The request of the next vote."""
        self.option = 1 - self.option
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        body = {"tripId": self.trip, "pollId": self.poll, "optionIds": [f"{self.poll}.{self.option}"]}
        return request("POST", "/api/social-cart/polls/vote", headers, json.dumps(body).encode())


def guests(caller: Caller, count: int) -> list[str]:
    """Tokens of so many new people."""
    return [caller.post("/api/session/guest", {"name": f"Member {n}"})["token"] for n in range(count)]


def trip_of(caller: Caller, tokens: list[str], name: str) -> list[Voter]:
    """A trip of these people, the first of whom made it and opened a poll."""
    organiser, *others = tokens
    made = caller.post("/api/social-cart/create", {"name": name}, organiser)
    for token in others:
        caller.post("/api/social-cart/join", {"invite": made["invite"]["code"]}, token)
    trip = made["trip"]["id"]
    poll = {"tripId": trip, "question": "Where?", "kind": "single", "options": ["Lisbon", "Porto"]}
    opened = caller.post("/api/social-cart/polls", poll, organiser)["trip"]["polls"][0]["id"]
    return [Voter(token, trip, opened) for token in tokens]


@dataclass
class Answered:
    """What requests took: `cpu` seconds of one for each process that was asked about, `waits` seconds each."""

    a_second: float
    cpu: list[float]
    waits: list[float]


def cast_for(
    seconds: float, servers: Sequence[Address], turn: Iterator[Voter], at_once: int, processes: Sequence[int]
) -> Answered:
    """As `send_for`, votes."""
    return send_for(seconds, servers, (voter.vote() for voter in turn), at_once, processes)


def send_for(
    seconds: float, servers: Sequence[Address], requests: Iterator[bytes], at_once: int, processes: Sequence[int]
) -> Answered:
    """Send requests over so many connections, spread over the servers; each waits for its answer before the next.
    Raises `RuntimeError` when one is refused or not answered."""
    callers = {c.socket.fileno(): c for c in (Caller(servers[n % len(servers)]) for n in range(at_once))}
    epoll = select.epoll()
    sent: dict[int, float] = {}
    waits: list[float] = []
    cpu, began = [cpu_seconds(pid) for pid in processes], time.perf_counter()
    for fd, caller in callers.items():
        epoll.register(fd, select.EPOLLIN)
        sent[fd] = time.perf_counter()
        caller.send(next(requests))
    while sent:
        ready = epoll.poll(30)
        if not ready:
            raise RuntimeError(f"{len(sent)} requests were not answered")
        for fd, _ in ready:
            if callers[fd].read() is None:
                continue
            now = time.perf_counter()
            waits.append(now - sent.pop(fd))
            if now - began < seconds:
                sent[fd] = time.perf_counter()
                callers[fd].send(next(requests))
    took = time.perf_counter() - began
    used = [cpu_seconds(pid) - before for pid, before in zip(processes, cpu, strict=True)]
    epoll.close()
    for caller in callers.values():
        caller.close()
    return Answered(len(waits) / took, [one / len(waits) for one in used], waits)
