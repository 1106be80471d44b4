"""The HTTP API as pages of the documentation site, from the OpenAPI document that every server answers with.

    uv run python scripts/api_reference.py            print all pages
    uv run python scripts/api_reference.py --check    say which calls docs/api.md does not know

The site is built with them (docs_pages.py). They are for looking up; what the document can't say is in docs/api.md, by
hand. Not for trying calls out: the site loads nothing, and asks no server.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from command_reference import Pages, plain
from roadcrew_server import openapi
from roadcrew_server.app import ENDPOINTS

BY_HAND = Path(__file__).resolve().parent.parent / "docs" / "api.md"
SHAPES = "shapes"
WHO = {
    "open": "everybody, without a token",
    "signed-in": "who is signed in",
    "member": "members of the trip",
    "organiser": "the trip's organiser",
    "reader": "members of the trip; for a hotel or an exhibition, who is signed in",
}
"""Who may make a call, where its own words (`writer-or-organiser`) are too few."""
Json = Mapping[str, Any]


def document() -> Json:
    """What `/openapi.json` answers."""
    return openapi.document(ENDPOINTS, title="Roadcrew", version=version("roadcrew"), address="/")


def pages() -> Pages:
    """The pages by name: `index`, one of each kind of call, and `shapes`."""
    api = document()
    calls: dict[str, list[tuple[str, str, Json]]] = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            calls.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    index = [
        "# All calls",
        "Made from the OpenAPI document, which every server has at `/openapi.json`. What calls have in common, and how "
        "they play together, is told in [The HTTP API](../docs/api.md). A problem is answered as "
        f"[Problem]({SHAPES}.md#problem).",
    ]
    for tag, several in sorted(calls.items()):
        rows = [f"| [`{m} {p}`]({tag}.md#{_anchor(m, p)}) | {plain(o['summary'])} |" for m, p, o in several]
        index += [f"## {_title(tag)}", "\n".join(("| call | what |", "| --- | --- |", *rows))]
    made = {"index": index}
    for tag, several in calls.items():
        made[tag] = [f"# {_title(tag)}", *(part for call in several for part in _call(*call))]
    made[SHAPES] = ["# Shapes", "What is sent and answered, by name.", *_shapes(api["components"]["schemas"])]
    return {name: "\n\n".join(parts) + "\n" for name, parts in made.items()}


def _title(tag: str) -> str:
    return f"Calls: {tag}"


def _anchor(method: str, path: str) -> str:
    """As the site makes it of a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", f"{method} {path}".lower())).strip("-")


def _call(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"## `{method} {path}`"
    access = operation["x-access"]
    yield f"{plain(operation['summary'])}. For {WHO.get(access) or 'its ' + access.replace('-', ' ')}."
    parameters = [p for p in operation.get("parameters", ()) if p["in"] != "header"]
    rows = [
        f"| `{p['name']}` | {p['in']} | {_kind(p['schema'])} | {'yes' if p.get('required') else ''} | "
        f"{plain(p.get('description', ''))} |"
        for p in parameters
    ]
    if rows:
        yield "\n".join(("| parameter | in | is | needed | what |", "| --- | --- | --- | --- | --- |", *rows))
    for header in (p for p in operation.get("parameters", ()) if p["in"] == "header"):
        yield f"Takes the header `{header['name']}`."
    if body := operation.get("requestBody"):
        yield f"**Sent**: {_content(body['content'])}"
    for status, response in operation["responses"].items():
        if status != "default":
            said = _content(response["content"]) if "content" in response else plain(response["description"])
            yield f"**Answer {status}**: {said}"


def _content(content: Json) -> str:
    return ", or ".join(
        f"{_kind(media['schema'])}" if kind == "application/json" else f"`{kind}`" for kind, media in content.items()
    )


def _shapes(schemas: Json) -> Iterator[str]:
    for name in sorted(schemas):
        shape = schemas[name]
        yield f"## {name}"
        if shape.get("description"):
            yield plain(" ".join(shape["description"].split()))
        fields, needed = shape.get("properties", {}), shape.get("required", ())
        if not fields:
            yield f"Is {_kind({k: v for k, v in shape.items() if k not in ('title', 'description')})}."
            continue
        rows = [
            f"| `{field}` | {_kind(kind)} | {'yes' if field in needed else ''} | {_more(kind)} |"
            for field, kind in fields.items()
        ]
        yield "\n".join(("| field | is | always | what |", "| --- | --- | --- | --- |", *rows))


def _kind(schema: Json) -> str:
    """What a value is, in a few words: `text`, `list of [Item](…)`, `whole number or null`."""
    match schema:
        case {"$ref": str(ref)}:
            name = ref.rpartition("/")[2]
            return f"[{name}]({SHAPES}.md#{name.lower()})"
        case {"anyOf": several} | {"oneOf": several}:
            return " or ".join(dict.fromkeys(map(_kind, several)))
        case {"allOf": [one]}:
            return _kind(one)
        case {"enum": several}:
            return " or ".join(f"`{value}`" for value in several)
        case {"const": value}:
            return f"`{value}`"
        case {"type": "array"}:
            return f"list of {_kind(schema.get('items', {}))}"
        case {"type": "object", "additionalProperties": dict() as inside} if inside:
            return f"object of {_kind(inside)}"
        case {"format": "date-time"}:
            return "time"
        case {"format": "date"}:
            return "date"
        case {"type": str(kind)}:
            return {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(kind, kind)
        case {"type": [*kinds]}:
            return " or ".join(_kind({"type": kind}) for kind in kinds)
    return "anything"


BOUNDS = {
    "minimum": "{} or more",
    "exclusiveMinimum": "over {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}


def _more(schema: Json) -> str:
    """What else is said of a field: a sentence, its bounds, and what it is where it is left out."""
    inner = [schema, *(s for s in schema.get("anyOf", ()) if isinstance(s, dict))]
    said = [plain(" ".join(str(schema["description"]).split()))] if schema.get("description") else []
    said += [words.format(s[name]) for s in inner for name, words in BOUNDS.items() if name in s]
    if schema.get("default") not in (None, [], {}, ""):
        said.append(f"else `{schema['default']}`")
    return "; ".join(said)


def faults() -> list[str]:
    """Calls that docs/api.md does not name: a person who reads only that must find every one."""
    told = {_unnamed(path).rstrip("/?=") or "/" for path in re.findall(r"/[\w./{}-]*", BY_HAND.read_text("utf-8"))}
    return [
        f"docs/api.md says nothing of {endpoint.method} {endpoint.path}"
        for endpoint in ENDPOINTS
        if not _unnamed(endpoint.path).endswith(tuple(told))
    ]


def _unnamed(path: str) -> str:
    """The path, whatever its parts are called: `/j/{code}` is `/j/{}`."""
    return re.sub(r"\{\w+\}", "{}", path)


def main() -> int:
    """0 when all is said, 1 when `--check` found what is not."""
    if "--check" not in sys.argv[1:]:
        print("\n".join(pages().values()))
        return 0
    wrong = faults()
    for fault in wrong:
        print(fault, file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
