"""The OpenAPI document, made from the endpoints' declarations."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

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
    },
}


def document(endpoints: Sequence[Endpoint], *, title: str, version: str, address: str) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    pydantic_models = [m for e in endpoints for m in (e.body, e.answer) if m is not None and issubclass(m, BaseModel)]
    structs = [e.answer for e in endpoints if e.answer is not None and issubclass(e.answer, msgspec.Struct)]
    unique = list(dict.fromkeys(pydantic_models))
    _, definitions = models_json_schema([(m, "validation") for m in unique], by_alias=True, ref_template=REF)
    _, components = msgspec.json.schema_components(list(dict.fromkeys(structs)), ref_template=MSGSPEC_REF)
    schemas: dict[str, Any] = {"Problem": PROBLEM, **definitions.get("$defs", {}), **components}
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
    if e.answer is not None:
        ok["content"] = {"application/json": {"schema": {"$ref": REF.format(model=e.answer.__name__)}}}
    elif e.path == "/api/sync":
        ok["content"] = {
            "text/event-stream": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        }
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
            "required": name in ("tripId", "topic"),
        }
        for name, text in (e.query or {}).items()
    ]
    parameters += [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in e.path.split("/")
        if part.startswith("{")
    ]
    if e.method == "POST" and e.access != "open":
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200}})
    if parameters:
        operation["parameters"] = parameters
    if e.body is not None:
        operation["requestBody"] = {
            "required": bool(e.body.model_fields),
            "content": {"application/json": {"schema": {"$ref": REF.format(model=e.body.__name__)}}},
        }
    return operation


def _operation_id(e: Endpoint) -> str:
    words = [w.strip("{}") for w in e.path.replace("-", "/").replace(".", "/").split("/") if w not in ("", "api")]
    return e.method.lower() + "".join(w.capitalize() for w in words)
