"""A trip, in one place to import from: its state (trip_state.py), what can be done to it (trip_decide.py)
and what that changes (trip_evolve.py).

All of it is pure. The server runs it to accept a change, a terminal to paint it before the answer comes.
"""

from roadcrew_domain.trip_decide import decide, next_due
from roadcrew_domain.trip_evolve import evolve, fold
from roadcrew_domain.trip_state import (
    LONGEST_KEPT,
    LONGEST_TRIP,
    MAX_DESTINATION,
    MAX_TRIP_NAME,
    RECENT,
    WARNING,
    Bounds,
    Command,
    CreateTrip,
    DeleteTrip,
    DiscountUnlocked,
    EditTrip,
    EndReason,
    Recent,
    RestoreTrip,
    Tick,
    Trip,
    TripAct,
    TripCreated,
    TripEdited,
    TripEndAnnounced,
    TripEnded,
    TripRestored,
)

__all__ = [
    "LONGEST_KEPT",
    "LONGEST_TRIP",
    "MAX_DESTINATION",
    "MAX_TRIP_NAME",
    "RECENT",
    "WARNING",
    "Bounds",
    "Command",
    "CreateTrip",
    "DeleteTrip",
    "DiscountUnlocked",
    "EditTrip",
    "EndReason",
    "Recent",
    "RestoreTrip",
    "Tick",
    "Trip",
    "TripAct",
    "TripCreated",
    "TripEdited",
    "TripEndAnnounced",
    "TripEnded",
    "TripRestored",
    "decide",
    "evolve",
    "fold",
    "next_due",
]
