"""What a person and their terminal do, told to the engine of what they follow: the same for a trip and for a cart. Not
for what follows from it, which the policy decides.
"""

from __future__ import annotations

from roadcrew_client.settings import ClientSettings
from roadcrew_client.sync import policy
from roadcrew_client.sync.engine import Engine


class Followed:
    """Something that an engine keeps as it is at the server."""

    _engine: Engine

    def key_pressed(self) -> None:
        """The person did something; who was hidden is seen."""
        self._engine.signal(policy.Key())

    def answered_elsewhere(self) -> None:
        """The server has just answered another call of ours."""
        self._engine.signal(policy.Answered())

    def pace(self, settings: ClientSettings) -> None:
        """How often is asked where streams do not get through, from the next time on."""
        self._engine.pace(settings)

    def hidden(self) -> None:
        """Nobody looks at the terminal. After a grace time, no more requests."""
        self._engine.signal(policy.Hidden())

    def shown(self) -> None:
        """Somebody looks again: one catch-up at once."""
        self._engine.signal(policy.Shown())

    def suspended(self) -> None:
        """The program is about to be stopped: no requests from now on."""
        self._engine.signal(policy.Hidden(at_once=True))

    def resumed(self) -> None:
        """The program runs again."""
        self._engine.signal(policy.Shown())

    def signed_in(self) -> None:
        """There is a token again."""
        self._engine.signal(policy.SignedIn())

    def signed_out(self) -> None:
        """There is no token any more."""
        self._engine.signal(policy.Ended("signed-out"))
