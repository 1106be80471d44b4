"""What is open to anybody: the invite's page, what a server says of itself, and how it is watched."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.support.people import Person, connected, crew
from tests.support.serving import Running, served

HTML = {"Accept": "text/html,application/xhtml+xml"}
PLAIN = {"Accept": "*/*"}
JSON = {"Accept": "application/json"}
NASTY = "<script>alert(1)</script>&\"'"


# R: T2
async def test_the_page_of_an_invite_escapes_what_people_typed_and_runs_nothing(
    http: httpx.AsyncClient, running: Running
):
    ana = await Person.guest(http, "<b>Ana</b>")
    made = await ana.create(NASTY, startsOn="2027-05-21", endsOn="2027-05-25")
    page = await http.get(f"/j/{made['invite']['code']}", headers=HTML)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "<b>" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;" in page.text
    assert "2027-05-21 to 2027-05-25" in page.text
    assert f"uvx roadcrew join {running.url}/j/{made['invite']['code']}" in page.text
    assert page.text.count("<svg") == 1
    assert "Open here" not in page.text  # no site was named
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


# R: T2
async def test_curl_gets_lines_and_programs_get_json(http: httpx.AsyncClient, ana: Person, running: Running):
    made = await ana.create()
    code = made["invite"]["code"]
    plain = await http.get(f"/j/{code}", headers=PLAIN)
    assert plain.headers["content-type"].startswith("text/plain")
    assert plain.text.startswith("Ana invites you to plan a trip: Lisbon in May\n")
    for way in ("uvx roadcrew", "pipx run roadcrew", "pip install roadcrew && roadcrew"):
        assert f"    {way} join {running.url}/j/{code}\n" in plain.text
    preview = (await http.get(f"/j/{code}", headers=JSON)).json()
    assert preview == {
        "tripName": "Lisbon in May",
        "startsOn": None,
        "endsOn": None,
        "invitedBy": "Ana",
        "joinCommand": f"uvx roadcrew join {running.url}/j/{code}",
        "code": code,
        "active": True,
    }


async def test_the_address_alone_says_what_this_is_and_how_to_begin_and_nothing_of_anybody(tmp_path: Path):
    async with served(tmp_path, web_url="https://app.example.org/in") as running, connected(running.url) as http:
        await (await Person.guest(http, "Ana")).create()
        page = await http.get("/", headers=HTML)
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert '<a class=here href="https://app.example.org/in">' in page.text
        plain = await http.get("/", headers=PLAIN)
        assert plain.headers["content-type"].startswith("text/plain")
        for text in (page.text, plain.text):
            assert "uvx roadcrew join LINK" in text
            assert f"--server {running.url}" in text
            assert "Ana" not in text


# R: T2
async def test_where_a_site_shows_the_app_the_page_of_an_invite_opens_it_there(tmp_path: Path):
    async with served(tmp_path, web_url="https://app.example.org/in/") as running, connected(running.url) as http:
        made = await (await Person.guest(http, "Ana")).create(invite={"maxUses": 1})
        code = made["invite"]["code"]
        here = f"https://app.example.org/in/j/{code}"
        page = await http.get(f"/j/{code}", headers=HTML)
        assert f'<a class=here href="{here}">Open here</a>' in page.text
        assert f"Or open it in a browser: {here}\n" in (await http.get(f"/j/{code}", headers=PLAIN)).text
        await (await Person.guest(http, "Ben")).do("/join", {"invite": code})  # which uses it up
        for accept in (HTML, PLAIN):
            assert "app.example.org" not in (await http.get(f"/j/{code}", headers=accept)).text


# R: T2
async def test_a_code_is_found_however_it_is_typed(http: httpx.AsyncClient, ana: Person):
    code = (await ana.create())["invite"]["code"]
    for typed in (code.lower(), code.replace("-", ""), f" {code} ", code.replace("0", "O").replace("1", "l")):
        assert (await http.get(f"/j/{typed}", headers=JSON)).json()["code"] == code


# R: T2 T8
async def test_an_invite_never_shows_members_and_looking_changes_nothing(http: httpx.AsyncClient, running: Running):
    made, people = await crew(http, 3)
    code = made["invite"]["code"]
    before = (await people[0].poll(made["trip"]["id"])).json()["resets"][0]["seq"]
    for headers in (HTML, PLAIN, JSON):
        text = (await http.get(f"/j/{code}", headers=headers)).text
        for person in people:
            assert person.id not in text
        assert "Person 1" not in text
        assert made["trip"]["id"] not in text
    assert (await people[0].poll(made["trip"]["id"])).json()["resets"][0]["seq"] == before


# R: T2
@pytest.mark.parametrize("how", ["revoked", "renewed", "used up", "expired"])
async def test_an_ended_invite_says_so_and_lets_nobody_in(
    http: httpx.AsyncClient, running: Running, how: str, monkeypatch: pytest.MonkeyPatch
):
    ana, ben = await Person.guest(http, "Ana"), await Person.guest(http, "Ben")
    soon = (running.server.store.now() + timedelta(seconds=30)).isoformat()
    invite = {"used up": {"maxUses": 1}, "expired": {"expiresAt": soon}}.get(how, {})
    made = await ana.create(invite=invite)
    trip, code = made["trip"]["id"], made["invite"]["code"]
    if how == "used up":
        await (await Person.guest(http, "Carla")).do("/join", {"invite": code})
    elif how == "expired":
        now = running.server.store.now
        monkeypatch.setattr(running.server.store, "now", lambda: now() + timedelta(seconds=31))
    else:
        await ana.do("/invite", {"tripId": trip, "revoke": how == "revoked"})
    assert (await http.get(f"/j/{code}", headers=JSON)).json()["active"] is False
    assert "has ended. Ask Ana for a new one." in (await http.get(f"/j/{code}", headers=HTML)).text
    assert "roadcrew join" not in (await http.get(f"/j/{code}", headers=PLAIN)).text
    refused = await ben.post("/join", {"invite": code})
    assert refused.status_code == 410
    assert refused.json()["code"] == ("invite-used-up" if how == "used up" else "invite-ended")


@pytest.mark.parametrize("code", ["0000-0000", "nonsense", "<b>x<b>"])
async def test_no_such_invite_is_a_page_for_people_and_a_problem_for_programs(
    http: httpx.AsyncClient, running: Running, code: str
):
    page = await http.get(f"/j/{code}", headers=HTML)
    assert (page.status_code, "No such invite" in page.text, "<b>" in page.text) == (404, True, False)
    for headers in (PLAIN, JSON):
        problem = await http.get(f"/j/{code}", headers=headers)
        assert problem.status_code in (404, 422)
        assert problem.headers["content-type"] == "application/problem+json"


# R: T2
async def test_joining_by_link_by_code_and_by_code_at_host_are_the_same_and_joining_twice_is_once(
    http: httpx.AsyncClient, ana: Person, ben: Person, running: Running
):
    made = await ana.create()
    code, trip = made["invite"]["code"], made["trip"]["id"]
    assert made["invite"]["url"] == f"{running.url}/j/{code}"
    for invite in (
        made["invite"]["url"],
        code,
        f"{code}@127.0.0.1:{running.server.port}",
        f"{running.url}/j/{code}?x#y",
        code.lower(),
    ):
        joined = await ben.do("/join", {"invite": invite})
        assert [m["id"] for m in joined["trip"]["members"]] == [ana.id, ben.id]
    assert (await ana.trip(trip)).json()["trip"]["invite"]["uses"] == 1


async def test_a_server_says_what_it_is_and_can_do(http: httpx.AsyncClient, running: Running):
    about = (await http.get("/api/server")).json()
    assert about["publicUrl"] == running.url
    assert about["features"] == ["overview", "polls", "hotels", "talk", "book", "quotes", "imports"]
    told = {"name", "version", "publicUrl", "features", "payments", "quotes", "imports", "talk", "time"}
    assert {*about} == told
    assert [offer["id"] for offer in about["payments"]] == ["simulated", "venue"]


async def test_a_server_whose_store_is_gone_lives_but_is_not_ready(http: httpx.AsyncClient, running: Running):
    assert (await http.get("/readyz")).status_code == 200
    await running.server.store.close()
    assert (await http.get("/healthz")).status_code == 200
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
