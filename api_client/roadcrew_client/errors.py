"""What can go wrong between here and a server: one class for each kind, and the reading of problem documents.

What a server says is data from a stranger: its sentence is tidied and cut before anybody shows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from roadcrew_domain import text

MAX_DETAIL = 500
MAX_WORD = 80


class RoadcrewError(Exception):
    """Base of all. `code` is stable and for programs, `detail` a sentence for people, `status` the HTTP status if
    there was an answer, `retry_after` seconds if the server named them, `facts` what else the problem carried.

    `certain` is False when an answer with a refusing status did not come from a Roadcrew server (a proxy's page, say).
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        facts: Mapping[str, object] | None = None,
        certain: bool = True,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
        self.request_id = request_id
        self.facts: Mapping[str, object] = facts or {}
        self.certain = certain


class Unreachable(RoadcrewError):
    """No answer: no network, no server there, or it went silent. Whether a change arrived is not known."""


class NotSignedIn(RoadcrewError):
    """401: the token is missing, over or wrong; or the name and password are."""


class SessionNotReady(RoadcrewError):
    """401 `session-not-ready`: signed in, and the server does not honour it yet. The token is good; it is neither
    renewed nor given up, and the same call succeeds in a while (`Client.wait_for_session`)."""


class Forbidden(RoadcrewError):
    """403: signed in, and not allowed."""


class NotFound(RoadcrewError):
    """404: there is no such thing, or not for this person."""


class Rejected(RoadcrewError):
    """409, 410, 422, 400 …: understood and not accepted; sending it again won't help."""


class TooManyRequests(RoadcrewError):
    """429: later; `retry_after` says when."""


class ServerTrouble(RoadcrewError):
    """5xx, or an answer that no Roadcrew server gives."""


_CLASSES: dict[int, type[RoadcrewError]] = {
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    408: ServerTrouble,
    425: ServerTrouble,
    429: TooManyRequests,
}
_SENTENCES = {
    401: "Sign in first.",
    403: "You may not do that.",
    404: "There is no such thing on this server.",
    410: "That has ended.",
    413: "That is too large for this server.",
    429: "That was too much in a short time. Wait a moment.",
}
_KNOWN = ("type", "title", "status", "detail", "code", "requestId", "retryAfter")


def from_reply(status: int, headers: Mapping[str, str], body: bytes, *, most: float = 3600.0) -> RoadcrewError:
    """The error that an unsuccessful answer means. Never fails, whatever the answer is.

    `headers` is looked up with lower-case names; `most` bounds `retry_after` (seconds).
    """
    problem = _problem(body)
    code = _word(problem.get("code"))
    if 300 <= status < 400:
        where = _sentence(headers.get("location"))
        return ServerTrouble(
            "redirected",
            f"The server sends us elsewhere{f', to {where}' if where else ''}. Use that address instead.",
            status=status,
            certain=False,
        )
    cls = _CLASSES.get(status, Rejected if 400 <= status < 500 else ServerTrouble)
    if status == 401 and code == "session-not-ready":
        cls = SessionNotReady
    detail = _sentence(problem.get("detail")) or _sentence(problem.get("title")) or _SENTENCES.get(status)
    if detail is None:
        detail = "The server is in trouble." if status >= 500 else "The server did not accept that."
    retry = retry_after(headers.get("retry-after"), most=most, now=_date(headers.get("date")))
    if retry is None:
        retry = _seconds(problem.get("retryAfter"), most)
    return cls(
        code or f"http-{status}",
        detail,
        status=status,
        retry_after=retry,
        request_id=_word(problem.get("requestId")) or _word(headers.get("x-request-id")),
        facts={k: v for k, v in problem.items() if k not in _KNOWN},
        certain=code is not None,
    )


def not_ours(detail: str, *, status: int | None = None, code: str = "bad-answer") -> ServerTrouble:
    """An answer that no Roadcrew server gives."""
    return ServerTrouble(code, detail, status=status, certain=False)


def retry_after(value: str | None, *, most: float, now: datetime | None = None) -> float | None:
    """Seconds in a `Retry-After` header (a number or an HTTP date), 0 to `most`; None for nonsense. `now`: what time it
    is where the header was written; our own clock may be wrong."""
    if value is None:
        return None
    try:
        return _seconds(float(value.strip()), most)
    except ValueError:
        pass
    at = _date(value)
    return None if at is None else _seconds((at - (now or datetime.now(UTC))).total_seconds(), most)


def _date(value: str | None) -> datetime | None:
    """An HTTP date; None for nonsense."""
    try:
        at = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _seconds(value: object, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return most
    return None if math.isnan(seconds) else min(max(seconds, 0.0), most)


def _problem(body: bytes) -> dict[str, object]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _sentence(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    tidy = text.cleaned(value[: MAX_DETAIL * 2])[:MAX_DETAIL]
    return tidy or None


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= MAX_WORD and value.isprintable() else None
