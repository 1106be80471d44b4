"""One declaration for each route: method, path, who may use it, the shapes, and the function that does it.

The router, the OpenAPI document and the access matrix of the tests all come from these, so they can't
disagree. Bodies are parsed by the models themselves: bad UTF-8, NaN, deep nesting and unknown fields end
as a problem document before any of our code sees them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, RootModel, ValidationError
from pydantic.alias_generators import to_camel
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from roadcrew_domain.ids import command_id
from roadcrew_domain.refusals import Refused
from roadcrew_server.auth import Once
from roadcrew_server.forwarded import network_of
from roadcrew_server.problems import Problem, not_signed_in, unavailable
from roadcrew_server.sessions import Session
from roadcrew_server.stores.base import StoreError
from roadcrew_server.topic import KeyReused, TopicMissing

if TYPE_CHECKING:
    from roadcrew_server.app import Server

log = logging.getLogger(__name__)

Access = Literal[
    "open",
    "signed-in",
    "member",
    "organiser",
    "opener-or-organiser",
    "adder-or-organiser",
    "dropper-or-organiser",
    "reader",
    "writer",
    "writer-or-organiser",
]
"""Who may use a route. `open` needs no token. What is more than `signed-in` is decided by the domain's rules. A
`reader` is a member of the trip that something belongs to, or for a location everybody who is signed in."""

MAX_KEY = 200
SECRET_KEY = 20
"""Characters that a key must have to be honoured where nobody has signed in: there it alone tells people apart."""
STREAM_SECONDS = 900
"""Within which a body that is read as it comes must have come."""
LARGEST = 2**53
"""The largest number that all programs read alike."""
MAX_FIELD = 100
"""Characters of a field's name in a problem: the name may be theirs."""


class Body(BaseModel):
    """A request body: camelCase, strict, and nothing that we did not ask for."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, allow_inf_nan=False, frozen=True, validate_by_name=False
    )


class Nothing(Body):
    """The body of a request that says everything in its path."""


class Answer(BaseModel):
    """An answer: camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, validate_by_name=True, serialize_by_alias=True)


@dataclass(slots=True)
class Call:
    """One request, checked: who asks, what they sent, and the server that they ask."""

    server: Server
    request: Request
    endpoint: Endpoint
    body: Any
    raw: bytes
    _session: Session | None
    _new_id: str = ""

    @property
    def session(self) -> Session:
        """The session. Raises `Problem` 401 on an open route without a token."""
        if self._session is None:
            raise not_signed_in()
        return self._session

    @property
    def user_id(self) -> str:
        """Who asks."""
        return self.session.user.id

    @property
    def address(self) -> str:
        """Where the request comes from, for limits on those who are nobody yet: an address, or an IPv6 network."""
        return network_of(self.request.client.host) if self.request.client else "unknown"

    @property
    def query(self) -> QueryParams:
        """The query's parameters."""
        return self.request.query_params

    def number(self, name: str, *, least: int = 1, most: int = LARGEST) -> int | None:
        """A whole number of the query; None if it is not said. Raises `Problem` 422 for what is none."""
        text = self.query.get(name, "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 16 and least <= int(text) <= most):
            raise Problem(422, "invalid", f"{name} is a number from {least} to {most}.", field=name)
        return int(text)

    @property
    def headers(self) -> Headers:
        """The request's headers."""
        return self.request.headers

    @property
    def kind(self) -> str:
        """The kind of the body, such as text/csv; empty if it was not said."""
        return kind_of(self.request)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, of a route that `takes` one; what reads it must count. Raises `Problem` 408 when the
        next part, or the whole, takes too long, and `ClientDisconnect` when it breaks off."""
        clock, patience = asyncio.get_running_loop().time, self.server.settings.body_timeout
        ends = clock() + STREAM_SECONDS
        parts = self.request.stream()
        while True:
            try:
                async with asyncio.timeout_at(min(clock() + patience, ends)):
                    part = await anext(parts, None)
            except TimeoutError:
                raise _too_slow() from None
            if part is None:
                return
            yield part

    @property
    def body_hash(self) -> str:
        """Tells one body from another, for idempotency keys."""
        return hashlib.blake2b(self.raw, digest_size=16).hexdigest()

    def command(self, *about: str) -> tuple[str, str | None]:
        """The command's id, and the key under which its outcome is recorded (None: no key was sent). `about`: a key
        that is no id of its own may be used again for something else. One request is one command, whenever it asks."""
        key = self._key()
        if key is None:
            self._new_id = self._new_id or self.server.hub.new_id()
            return self._new_id, None
        return command_id(key, self.user_id, self.endpoint.path, *about), f"{self.user_id}:{self.endpoint.path}:{key}"

    def once(self) -> Once | None:
        """What makes this request of somebody who is nobody yet safe to repeat, if they sent a key that is hard to
        guess. Only a hash of the key is kept."""
        key = self._key()
        if key is None or len(key) < SECRET_KEY:
            return None
        said = self.body.model_dump_json(exclude={"password"}).encode()
        hashed = hashlib.sha256(f"{self.endpoint.path} {key}".encode()).hexdigest()
        return Once(hashed, hashlib.blake2b(said, digest_size=16).hexdigest())

    def _key(self) -> str | None:
        key = self.headers.get("idempotency-key")
        if key is not None and (not 1 <= len(key) <= MAX_KEY or not key.isprintable() or not key.isascii()):
            raise Problem(400, "bad-request", f"An Idempotency-Key has 1 to {MAX_KEY} printable characters.")
        return key


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route. `answer` is a pydantic model, a msgspec struct, or None; `or_answer` is what
    another query asks for, `media` are other kinds of answers.
    `takes_key` says that an Idempotency-Key makes it safe to repeat (others are, or need none). `takes` are the kinds
    of a body that is no JSON of ours and that the handler reads itself as it comes, by `Call.chunks`. `most` are the
    bytes of its JSON, where it needs more than the setting `max_body`."""

    method: str
    path: str
    handler: Handler
    access: Access
    summary: str
    body: type[BaseModel] | None = None
    answer: type[Any] | None = None
    or_answer: type[Any] | None = None
    status: int = 200
    query: Mapping[str, str] | None = None
    media: tuple[str, ...] = ()
    takes_key: bool = False
    takes: tuple[str, ...] = ()
    most: int = 0
    tag: str = "trips"


class EndpointApp:
    """The ASGI side of an endpoint: everything that all of them share."""

    def __init__(self, server: Server, endpoint: Endpoint) -> None:
        self.server = server
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong becomes a problem document."""
        request_id: str = scope.get("request_id", "")
        try:
            answer = await self._answer(Request(scope, receive, send))  # which a stream need not keep
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker gets a problem document
            problem = problem_of(error)
            self.server.metrics.problem(problem.code)
            answer = problem.response(request_id)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Any:
        endpoint = self.endpoint
        session = await self._session(request)
        kind = kind_of(request)
        if endpoint.body is not None:
            _check_kind(kind)
        if endpoint.takes and kind not in endpoint.takes:
            raise _not_taken(endpoint.takes)
        raw = b"" if endpoint.takes or endpoint.method in ("GET", "HEAD") else await self._read(request)
        body = None if endpoint.body is None else parse(endpoint.body, raw)
        result = await endpoint.handler(Call(self.server, request, endpoint, body, raw, session))
        if isinstance(result, Response) or callable(result):
            return result
        status = endpoint.status
        if isinstance(result, tuple):
            status, result = result
        return json_response(result, status)

    async def _session(self, request: Request) -> Session | None:
        limits = self.server.limits
        if self.endpoint.access == "open":
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise not_signed_in()
        self.server.hub.notice_stall()
        session = await self.server.sessions.session(token.strip()[:200])
        await limits.request(session.user.id)
        return session

    async def _read(self, request: Request) -> bytes:
        most = max(self.server.settings.max_body, self.endpoint.most)
        length = request.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > most:
            raise _too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(self.server.settings.body_timeout):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > most:
                        raise _too_large(most)
        except TimeoutError:
            raise _too_slow() from None
        return bytes(body)


def kind_of(request: Request) -> str:
    """The kind of a request's body; empty if it was not said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _too_large(limit: int) -> Problem:
    return Problem(413, "body-too-large", f"A request's body has at most {limit} bytes.", limit=limit)


def _too_slow() -> Problem:
    return Problem(408, "body-too-slow", "The request's body took too long to arrive.")


def _not_taken(kinds: tuple[str, ...]) -> Problem:
    """The body is of none of these kinds."""
    sentence = f"Send the body as {' or '.join(kinds)}."
    if kinds[0].startswith("image/"):
        return Problem(415, "not-an-image", sentence)
    return Problem(415, "not-a-feed", sentence)


def _check_kind(kind: str) -> None:
    """JSON, or nothing said. A form is what `curl -d` says of anything: then the body itself must be JSON."""
    if kind not in ("", "application/json", "application/x-www-form-urlencoded") and not kind.endswith("+json"):
        raise Problem(415, "not-json", "Send the body as application/json.")


def parse(model: type[BaseModel], raw: bytes) -> BaseModel:
    """The body as its model. Raises `Problem` 400 for what is not JSON, 422 for what is not this model."""
    try:
        body = model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = first["loc"][1:] if issubclass(model, RootModel) else first["loc"]  # of several, it begins with which
        where = ".".join(str(p) for p in place)[:MAX_FIELD]
        if first["type"] == "json_invalid":
            raise Problem(400, "bad-json", "The body is not JSON that this server reads.") from None
        detail = f"{where}: {first['msg']}." if where else f"{first['msg']}."
        raise Problem(422, "invalid", detail, field=where) from None
    try:  # small and sound by now
        json.loads(raw or b"{}", object_pairs_hook=_no_name_twice, parse_int=len)
    except ValueError as error:
        raise Problem(400, "bad-json", f"The body is not JSON that this server reads: {error}.") from None
    return body


def _no_name_twice(pairs: list[tuple[str, object]]) -> None:
    """Two readers of a body in which a name stands twice may see two different things."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name stands twice in it")


def json_response(result: Any, status: int) -> Response:
    """An answer as JSON; None is 204."""
    headers = {"Cache-Control": "no-store"}
    if result is None:
        return Response(status_code=204, headers=headers)
    if isinstance(result, bytes):
        body = result
    elif isinstance(result, BaseModel):
        body = result.model_dump_json(by_alias=True).encode()
    else:
        body = msgspec.json.encode(result)
    return Response(body, status, headers, "application/json")


def problem_of(error: Exception) -> Problem:
    """The problem that ends a request on which `error` was raised."""
    match error:
        case Problem():
            return error
        case Refused():
            return Problem.of(error)
        case TopicMissing():
            return error.problem()
        case KeyReused():
            return Problem(422, "idempotency-key-reused", "This Idempotency-Key came with another body before.")
        case StoreError():
            log.warning("the store: %s", error)
            return unavailable()
    log.error("a request failed", exc_info=error)
    return Problem(
        500, "internal", "Something went wrong here; it was noted. Nothing you sent is lost by trying again."
    )
