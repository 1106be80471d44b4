"""What `LiveBook` tells its listeners. Values only; not for how they come about, and not for trips: that is
`changes.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from roadcrew_domain.cart_state import Cart
from roadcrew_domain.seats_views import SlotCount

BookKind = Literal["cart", "slots", "status", "gone"]


@dataclass(frozen=True, slots=True)
class BookChange:
    """Something is other than before, and what it is now. `gone`: the server has no such slot, or no cart for us;
    `reason` says why, and `topic` which (`slot:ID`, `cart:ID`)."""

    kind: BookKind
    cart: Cart | None
    slots: Mapping[str, SlotCount]
    topic: str | None = None
    reason: str | None = None
