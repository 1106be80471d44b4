"""The description is complete and true: every route is in it, and real answers are what it says."""

import json
import re
import uuid
from typing import Any

import httpx
from tests.server.test_access import MATRIX, PEOPLE, Scene, scene_for
from tests.support.people import JSON, Person
from tests.support.serving import Running
from tests.support.shapes import faults

from roadcrew_server.app import ENDPOINTS


def test_the_validator_of_these_tests_finds_faults():
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "array", "items": {"type": "integer"}}}}
    assert faults({"a": [1]}, schema, {}) == []
    wrong: list[Any] = [{}, {"a": 1}, {"a": ["x"]}, {"a": [True]}, {"a": [], "b": 1}, []]
    for value in wrong:
        assert faults(value, schema, {}) != []


async def test_every_route_and_nothing_else_is_described(http: httpx.AsyncClient, running: Running):
    document = (await http.get("/openapi.json")).json()
    described = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    assert described == {(e.method, e.path) for e in ENDPOINTS}
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(set(ids)) == len(ids)
    refs = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert refs <= set(document["components"]["schemas"])
    for e in ENDPOINTS:
        operation = document["paths"][e.path][e.method.lower()]
        assert ("security" in operation) == (e.access != "open")
        assert ("requestBody" in operation) == (e.body is not None or bool(e.takes))
        takes_key = any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", ()))
        becoming = e.path in ("/api/session/guest", "/api/session/signup")
        changing = e.path.startswith(("/api/social-cart/", "/api/cart/", "/api/quotes", "/api/jobs"))
        talking = e.tag == "talk" and e.method != "GET" and not e.path.endswith("/typing")
        assert takes_key == (talking or (e.method == "POST" and (changing or becoming))), e.path


async def test_real_answers_of_every_route_are_as_described(http: httpx.AsyncClient, running: Running):
    document = (await http.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    wrong: list[str] = []
    answered: set[tuple[str, str]] = set()
    s: Scene | None = None
    for e in ENDPOINTS:
        row = MATRIX[e.method, e.path]
        s = await scene_for(http, e, s)
        for who in ("nobody", "stranger", "organiser"):  # who may do the most comes last: the scene is as it was
            assert who in PEOPLE
            answer = await s.people[who].request(
                e.method,
                row.path(s) if row.path else e.path,
                row.body(s) if row.body else None,
                params=row.params(s) if row.params else None,
                headers=JSON,
                key=str(uuid.uuid4()) if e.method == "POST" else None,
            )
            responses = document["paths"][e.path][e.method.lower()]["responses"]
            described = responses.get(str(answer.status_code), responses["default"])
            kind = answer.headers.get("content-type", "").partition(";")[0]
            content = described.get("content", {})
            if not content and not answer.content:
                continue
            if kind not in content:
                wrong.append(f"{e.method} {e.path} {answer.status_code}: {kind} is not described")
                continue
            answered.add((e.method, e.path))
            if kind.endswith("json"):
                where = f"{e.method} {e.path} {answer.status_code}"
                wrong += faults(answer.json(), content[kind]["schema"], schemas, where)
    assert wrong == []
    assert len(answered) > len(ENDPOINTS) - 4


async def test_a_list_of_deleted_trips_and_a_history_are_as_described(ana: Person, http: httpx.AsyncClient):
    document = (await http.get("/openapi.json")).json()
    trip_id = (await ana.create())["trip"]["id"]
    history = (await ana.get("/api/social-cart/history", tripId=trip_id)).json()
    await ana.do("/delete", {"tripId": trip_id})
    trips = (await ana.get("/api/social-cart/trips", deleted="true")).json()
    assert (len(history["events"]), len(trips["trips"])) == (1, 1)
    for model, answer in (("History", history), ("DeletedAnswer", trips)):
        assert faults(answer, document["components"]["schemas"][model], document["components"]["schemas"]) == []
    described = document["paths"]["/api/social-cart/trips"]["get"]["responses"]["200"]["content"]["application/json"]
    assert len(described["schema"]["anyOf"]) == 2


async def test_a_problem_is_as_described(ana: Person, http: httpx.AsyncClient):
    document = (await http.get("/openapi.json")).json()
    answer = await ana.post("/update", {"tripId": "x", "name": "y"})
    required = document["components"]["schemas"]["Problem"]["required"]
    assert set(required) <= set(answer.json())
