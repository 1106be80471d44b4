"""What people say and give of something, in one place to import from: its states (feed_state.py, marks_state.py), what
can be done (feed_decide.py), what that changes (feed_evolve.py) and its JSON (feed_views.py). Pure.
"""

from __future__ import annotations

from roadcrew_domain.feed_state import Feed, FeedAct, Watching
from roadcrew_domain.marks_state import MarkAct, Marks
from roadcrew_domain.values import Value

FeedState = Feed | Marks | Watching


class FeedCommand(Value, frozen=True):
    """Who (`by`, None for the server) wants what, under an id that makes it safe to send twice."""

    id: str
    by: str | None
    act: FeedAct | MarkAct
