"""The part of `Client` that is about prices: one call for each thing that can be done with a quote run.

Not for following one: that is `LiveRun`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from roadcrew_client._calls import Calls
from roadcrew_client.models import read

if TYPE_CHECKING:
    from roadcrew_client.quote_models import QuoteHotels, QuoteRunAnswer, QuoteStarted
    from roadcrew_domain.quotes_state import Choice

BASE = "/api/quotes"


class QuoteCalls:
    """What it needs, `Client` sets."""

    _calls: Calls

    async def request_stay(
        self,
        hotel_ids: Collection[str],
        check_in: date,
        check_out: date,
        guests: int,
        trip_id: str | None = None,
        again_of: str | None = None,
        *,
        key: str | None = None,
    ) -> QuoteStarted:
        """Ask all providers for nights in these hotels: of the trip's shortlist, or without one of `quote_hotels`.

        Does not wait for them. Raises `Rejected` (`bad-dates`, `bad-guests`; `no-provider`), `NotFound` (`no-quotes`,
        `unknown-hotel`), `Forbidden` (`not-a-member`), `TooManyRequests`.
        """
        asked = {"hotelIds": list(hotel_ids), "checkIn": check_in, "checkOut": check_out, "guests": guests}
        return await self._request({"kind": "stay", **asked}, trip_id, again_of, key)

    async def request_vehicle(
        self,
        vin: str,
        drivers: Sequence[int],
        begins: date,
        ends: date,
        trip_id: str | None = None,
        again_of: str | None = None,
        *,
        key: str | None = None,
    ) -> QuoteStarted:
        """Ask all providers for a vehicle, for drivers of these ages; the last day is included. Raises as
        `request_stay` does, and `Rejected` (`bad-vin`, with the fact `reason`; `bad-drivers`)."""
        asked = {"vin": vin, "drivers": [{"age": age} for age in drivers], "from": begins, "to": ends}
        return await self._request({"kind": "vehicle", **asked}, trip_id, again_of, key)

    async def quote_run(self, run_id: str) -> QuoteRunAnswer:
        """A run as it is now. Raises `NotFound` (`unknown-quote-run`, `quote-run-expired`)."""
        from roadcrew_client.quote_models import read_run_answer  # noqa: PLC0415 — only who asks for prices needs it

        return read_run_answer((await self._calls.call("GET", _path(run_id))).body)

    async def cancel_quote(self, run_id: str) -> QuoteRunAnswer:
        """Stop asking; what was answered stays. One that is over is left as it is. Raises `Forbidden`, `NotFound`."""
        from roadcrew_client.quote_models import read_run_answer  # noqa: PLC0415 — as above

        return read_run_answer((await self._calls.call("DELETE", _path(run_id))).body)

    async def vote_quote(self, run_id: str, choice: Choice | None, *, key: str | None = None) -> QuoteRunAnswer:
        """Vote for a price of the run, or take the vote back. Raises `Rejected`, `NotFound`."""
        from roadcrew_client.quote_models import read_run_answer  # noqa: PLC0415 — as above

        body = {"choice": None if choice is None else msgspec.to_builtins(choice)}
        return read_run_answer((await self._calls.post(f"{_path(run_id)}/vote", body, key)).body)

    async def quote_hotels(self) -> QuoteHotels:
        """Hotels that can be asked for without a trip. Raises `NotFound` (`no-quotes`)."""
        from roadcrew_client.quote_models import read_hotels  # noqa: PLC0415 — as above

        return read_hotels((await self._calls.call("GET", f"{BASE}/hotels")).body)

    async def _request(
        self, asked: dict[str, object], trip_id: str | None, again_of: str | None, key: str | None
    ) -> QuoteStarted:
        from roadcrew_client.quote_models import QuoteStarted  # noqa: PLC0415 — as above

        said = {"tripId": trip_id, "againOf": again_of}
        body = asked | {name: value for name, value in said.items() if value is not None}
        return read((await self._calls.post(BASE, body, key)).body, QuoteStarted)


def _path(run_id: str) -> str:
    return f"{BASE}/{quote(run_id, safe='')}"
