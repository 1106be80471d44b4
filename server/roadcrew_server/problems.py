"""Problem documents (RFC 9457): every answer of ours that is not a success."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from roadcrew_domain.refusals import Kind, Refused

STATUS: dict[Kind, int] = {
    "invalid": 422,
    "forbidden": 403,
    "missing": 404,
    "conflict": 409,
    "full": 409,
    "gone": 410,
}


class Problem(Exception):
    """Ends a request with a problem document. `detail` is a sentence for people."""

    def __init__(
        self, status: int, code: str, detail: str, *, retry_after: float | None = None, **facts: object
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.facts = facts

    @classmethod
    def of(cls, refused: Refused) -> "Problem":
        """The problem that a rule's refusal becomes."""
        problem = cls(STATUS[refused.kind], refused.code, refused.detail)
        problem.facts = refused.facts
        return problem

    def response(self, request_id: str) -> Response:
        """The answer. Only plain values of `facts` leave the server."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "requestId": request_id,
        }
        body |= {k: v for k, v in self.facts.items() if isinstance(v, str | int | bool | datetime | tuple) or v is None}
        headers = {"Cache-Control": "no-store"}
        if self.retry_after is not None:
            body["retryAfter"] = self.retry_after
            headers["Retry-After"] = str(max(1, round(self.retry_after)))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return Response(msgspec.json.encode(body), self.status, headers, "application/problem+json")


def not_signed_in() -> Problem:
    """401: no token, or one that is not good."""
    return Problem(401, "not-signed-in", "Please sign in.")


def session_not_ready() -> Problem:
    """401 as well, and not the same: the token is good, and will be honoured in a while."""
    return Problem(401, "session-not-ready", "Your session is still being set up. Try again in a moment.")


def unavailable(retry_after: float = 1) -> Problem:
    """503: the store can't be reached, or the server is stopping."""
    return Problem(
        503, "unavailable", "The server can't do that right now. Try again shortly.", retry_after=retry_after
    )
