"""What was measured of a link: one that streams, one that polls, one that is gone. By a clock that stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from roadcrew_client import SyncFigures
from roadcrew_client.figures import Arrived, Move, Noted

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)


def before(**span: float) -> datetime:
    return NOW - timedelta(**span)


LIVE = SyncFigures(
    at=NOW,
    began=before(minutes=20),
    state="live",
    since=before(minutes=3),
    transport="stream",
    interval=None,
    next_in=None,
    probe_in=None,
    tries=0,
    error=Noted(before(minutes=4), "unreachable", "The server can't be reached."),
    epoch="0f3a9c77d1e24b55",
    seq=142,
    cursor="W1sidHJpcDp0IiwiZSIsMiwiOWFiZmMwN2MiXV0",
    waiting=0,
    oldest=None,
    reconnects=2,
    switches=1,
    streams=5,
    polls=12,
    frames=152,
    ahead=0.2,
    answers=(0.010, 0.012, 0.080, 0.040),
    moves=(
        Move(before(minutes=20), "connecting", "started"),
        Move(before(minutes=20), "live", "proven"),
        Move(before(minutes=4), "offline", "unreachable", "The server can't be reached."),
        Move(before(minutes=3), "live", "proven"),
    ),
    events=tuple(Arrived(before(seconds=30 - n), 133 + n, "HotelVoteCast") for n in range(10)),
)
POLLING = replace(
    LIVE,
    state="polling",
    transport="poll",
    interval=4.5,
    next_in=3.2,
    probe_in=52.0,
    waiting=2,
    oldest=before(minutes=2),
    ahead=-125.0,
    moves=(*LIVE.moves, Move(before(seconds=30), "polling", "unproven")),
)
OFFLINE = replace(LIVE, state="offline", next_in=8.0, tries=3)
