"""People, trips and votes at a server of ours, for benches: by HTTP, as anybody would."""

import json
import uuid
from dataclasses import dataclass

from load import Caller, request


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
