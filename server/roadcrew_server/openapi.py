"""The OpenAPI document, made from the endpoints' declarations."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from roadcrew_domain.cart import Cart
from roadcrew_domain.feed_views import FeedView, MarksView, WatchingView
from roadcrew_domain.jobs_state import ImportJob
from roadcrew_domain.quotes_views import QuoteRunView
from roadcrew_domain.seats_views import SlotCount
from roadcrew_domain.views import TripView
from roadcrew_server.company import Seen, Viewer
from roadcrew_server.endpoints import Endpoint

REF = "#/components/schemas/{model}"
MSGSPEC_REF = "#/components/schemas/{name}"

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `detail` is a sentence for people.",
    "required": ["type", "title", "status", "detail", "code", "requestId"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "requestId": {"type": "string"},
        "retryAfter": {"type": "number"},
        "field": {"type": "string"},
        "limit": {"type": "integer"},
        "closedAt": {"type": "string", "format": "date-time"},
        "endedAt": {"type": "string", "format": "date-time"},
        "reason": {"type": "string"},
        "pollId": {"type": "string"},
        "organiser": {"type": "string"},
        "tied": {"type": "array", "items": {"type": "string"}},
        "left": {"type": "integer"},
        "until": {"type": "string", "format": "date-time"},
        "startsAt": {"type": "string", "format": "date-time"},
        "payBy": {"type": "string", "format": "date-time"},
    },
}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": REF.format(model=name)}}


TEXT = {"type": "string"}
WHOLE = {"type": "integer", "minimum": 0}
TIME = {"type": "string", "format": "date-time"}
STATES = (TripView, Cart, SlotCount, QuoteRunView, ImportJob, FeedView, MarksView, WatchingView)
"""What the topics of `/api/sync` are, each as a reset has it."""
SYNC = {
    "Event": _object(
        topic=TEXT,
        seq=WHOLE,
        type=TEXT,
        at=TIME,
        by={"anyOf": [TEXT, {"type": "null"}]},
        command=TEXT,
        data={"type": "object"},
        v=WHOLE,
    ),
    "Reset": _object(
        topic=TEXT, seq=WHOLE, state={"anyOf": [{"$ref": REF.format(model=s.__name__)} for s in STATES]}, now=TIME
    ),
    "Gone": _object(topic=TEXT, reason={"enum": ["removed", "ended", "unknown", "forbidden"]}),
    "Present": {
        "type": "object",
        "required": ["topic", "present"],
        "properties": {"topic": TEXT, "present": _list("Viewer"), "seen": _list("Seen")},
    },
    "Batch": _object(
        resets=_list("Reset"),
        events=_list("Event"),
        gone=_list("Gone"),
        presence=_list("Present"),
        presenceTag=TEXT,
        more={"type": "boolean"},
        cursor=TEXT,
    ),
    "History": _object(events=_list("Event"), more={"type": "boolean"}),
}
"""What `/api/sync` says. It is written as bytes that were made once for all, so no model of it exists."""
WRITTEN = {"/api/sync": ["Batch"], "/api/social-cart/history": ["History"]}
"""What routes answer of which there is no model."""


def document(endpoints: Sequence[Endpoint], *, title: str, version: str, address: str) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    pydantic_models = [m for e in endpoints for m in (e.body, e.answer) if m is not None and issubclass(m, BaseModel)]
    answers = [a for e in endpoints for a in (e.answer, e.or_answer) if a is not None]
    structs = [a for a in answers if issubclass(a, msgspec.Struct)]
    unique = list(dict.fromkeys(pydantic_models))
    _, definitions = models_json_schema([(m, "validation") for m in unique], by_alias=True, ref_template=REF)
    told = dict.fromkeys((*structs, *STATES, Viewer, Seen))
    _, components = msgspec.json.schema_components(list(told), ref_template=MSGSPEC_REF)
    schemas: dict[str, Any] = {"Problem": PROBLEM, **SYNC, **definitions.get("$defs", {}), **components}
    paths: dict[str, dict[str, Any]] = {}
    for e in endpoints:
        paths.setdefault(e.path, {})[e.method.lower()] = _operation(e)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": address}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(e: Endpoint) -> dict[str, Any]:
    ok: dict[str, Any] = {"description": HTTPStatus(e.status).phrase}
    models = [a.__name__ for a in (e.answer, e.or_answer) if a is not None] or WRITTEN.get(e.path, [])
    refs = [{"$ref": REF.format(model=model)} for model in models]
    if refs:
        ok["content"] = {"application/json": {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}}}
    for kind in e.media:
        ok.setdefault("content", {})[kind] = {"schema": {"type": "object" if kind.endswith("json") else "string"}}
    responses: dict[str, Any] = {str(e.status): ok}
    if e.path == "/api/sync":
        responses["204"] = {"description": "Nothing new (polling)"}
    problem = {
        "description": "A problem",
        "content": {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}},
    }
    operation: dict[str, Any] = {
        "operationId": _operation_id(e),
        "summary": e.summary,
        "tags": [e.tag],
        "x-access": e.access,
        "responses": responses | {"default": problem},
    }
    if e.access != "open":
        operation["security"] = [{"token": []}]
    parameters = [
        {
            "name": name,
            "in": "query",
            "description": text,
            "schema": {"type": "string"},
            "required": name in ("tripId", "topic", "date", "name", "of"),
        }
        for name, text in (e.query or {}).items()
    ]
    parameters += [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in e.path.split("/")
        if part.startswith("{")
    ]
    if e.takes_key:
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200}})
    if parameters:
        operation["parameters"] = parameters
    if e.body is not None:
        operation["requestBody"] = {
            "required": bool(e.body.model_fields),
            "content": {"application/json": {"schema": {"$ref": REF.format(model=e.body.__name__)}}},
        }
    elif e.takes:
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": {}} for kind in e.takes}}
    return operation


def _operation_id(e: Endpoint) -> str:
    words = [w.strip("{}") for w in e.path.replace("-", "/").replace(".", "/").split("/") if w not in ("", "api")]
    return e.method.lower() + "".join(w.capitalize() for w in words or ["front"])
