"""Hotels that were taken off a shortlist, and how they come back to it. Pure.

Not for taking them off: that is for hotels.py. A deleted trip comes back within the same time.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from datetime import datetime, timedelta

from rpds import HashTrieMap

from roadcrew_domain import hotels
from roadcrew_domain.events import Fact
from roadcrew_domain.hotels import Hotel
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Moment, Value

RESTORABLE = timedelta(days=30)
"""For how long what was taken away can be brought back."""
MAX_DROPPED = 50
"""Hotels taken off that a trip remembers; the oldest makes room."""


class DroppedHotel(Value, frozen=True):
    """A hotel as it was when it was taken off: by whom, what they were called then, and when."""

    hotel: Hotel
    by: str
    name: str
    at: Moment

    @property
    def restorable_until(self) -> datetime:
        """From then on it can't be brought back."""
        return self.at + RESTORABLE


class HotelRestored(Fact, frozen=True):
    """The hotel as it was: a copy of the trip that was made before hotels were remembered can follow as well."""

    hotel: Hotel


class RestoreHotel(Value, frozen=True):
    hotel_id: str


def restore(
    dropped: HashTrieMap[str, DroppedHotel],
    listed: HashTrieMap[str, Hotel],
    who: str,
    c: RestoreHotel,
    now: datetime,
    *,
    chair: bool,
) -> Fact | None:
    """None when it is on the shortlist. `chair` says whether it is the organiser who asks.

    Raises `Refused`: `unknown-hotel`, `not-yours-to-restore`, `too-many-hotels`, `hotel-listed`.
    """
    if c.hotel_id in listed:
        return None
    there = dropped.get(c.hotel_id)
    if there is None or now >= there.restorable_until:
        raise Refused("unknown-hotel", "missing", f"No such hotel was taken off in the last {RESTORABLE.days} days.")
    if not (chair or who == there.by):
        raise Refused(
            "not-yours-to-restore", "forbidden", "Only the organiser or who took a hotel off can bring it back."
        )
    hotels.check_room(listed)
    hotels.check_unlisted(listed, there.hotel.name, there.hotel.city)
    return HotelRestored(there.hotel)


def remembered(
    dropped: HashTrieMap[str, DroppedHotel], hotel: Hotel | None, by: str, name: str, at: datetime
) -> HashTrieMap[str, DroppedHotel]:
    """What is remembered after `hotel` was taken off at `at` by `by`, who is called `name`."""
    if hotel is None:
        return dropped
    kept = [d for d in dropped.values() if at < d.restorable_until and d.hotel.id != hotel.id]
    newest = sorted(kept, key=lambda d: (d.at, d.hotel.id))[1 - MAX_DROPPED :]
    return HashTrieMap({d.hotel.id: d for d in newest}).insert(hotel.id, DroppedHotel(hotel, by, name, at))
