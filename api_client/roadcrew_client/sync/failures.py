"""What the failure of a stream or a poll is to the policy. Pure.

Not for the ends of following: no session, or nothing there to follow.
"""

from __future__ import annotations

from roadcrew_client.errors import RoadcrewError, SessionNotReady, TooManyRequests, Unreachable
from roadcrew_client.sync import policy


def signal_of(error: RoadcrewError, n: int, *, stream: bool, answered: bool) -> policy.Closed | policy.PollFailed:
    """The signal for the request `n`; `answered` says that its stream had opened."""
    wait = error.retry_after
    match error:
        case SessionNotReady():  # no fault of the stream's, and soon over
            return policy.Closed(n, "renewed", wait) if stream else policy.PollFailed(n, "renewed", wait)
        case Unreachable() if stream and answered:
            return policy.Closed(n, "silent" if error.code == "silent" else "cut")
        case Unreachable():
            return policy.Closed(n, "unreachable") if stream else policy.PollFailed(n, "unreachable")
        case TooManyRequests() if stream and error.code == "too-many-streams":
            return policy.Closed(n, "full", wait)
        case _:
            return policy.Closed(n, "trouble", wait) if stream else policy.PollFailed(n, "trouble", wait)
