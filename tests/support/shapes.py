"""Whether a value is as the server's OpenAPI document describes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any


def faults(value: Any, schema: dict[str, Any], schemas: dict[str, Any], at: str = "") -> list[str]:
    """What of a value is not as its schema says: what these documents use of JSON Schema, and no more."""
    if "$ref" in schema:
        return faults(value, schemas[schema["$ref"].rpartition("/")[2]], schemas, at)
    if "anyOf" in schema or "oneOf" in schema:
        tried = [faults(value, s, schemas, at) for s in schema.get("anyOf") or schema["oneOf"]]
        return [] if any(not t for t in tried) else [f"{at}: none of {len(tried)}: {tried}"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{at}: {value!r} is not one of {schema['enum']}"]
    known = {"object", "array", "string", "integer", "number", "boolean", "null"}
    kind = schema.get("type")
    assert kind in known or kind is None, schema
    types: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    if kind == "integer" or kind == "number":
        good = isinstance(value, int if kind == "integer" else int | float) and not isinstance(value, bool)
    else:
        good = kind is None or isinstance(value, types[kind])
    if not good:
        return [f"{at}: {value!r} is no {kind}"]
    found = []
    if isinstance(value, dict):
        found += [f"{at}: no {name}" for name in schema.get("required", ()) if name not in value]
        properties = schema.get("properties", {})
        for name, inner in value.items():
            if name in properties:
                found += faults(inner, properties[name], schemas, f"{at}.{name}")
            elif isinstance(schema.get("additionalProperties"), dict):
                found += faults(inner, schema["additionalProperties"], schemas, f"{at}.{name}")
            elif properties:
                found.append(f"{at}: {name} is not described")
    if isinstance(value, list) and "items" in schema and schema["items"]:
        for n, inner in enumerate(value):
            found += faults(inner, schema["items"], schemas, f"{at}[{n}]")
    if isinstance(value, str):
        match schema.get("format"):
            case "date-time":
                assert datetime.fromisoformat(value).tzinfo is not None
            case "date":
                date.fromisoformat(value)
    return found
