"""Who may use which route on whose trip: every route, for everybody. A new route without a row fails."""

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from tests.support.people import JSON, SSE, Person, crew
from tests.support.pricing import a_stay, a_vehicle
from tests.support.serving import Running

from roadcrew_server.app import ENDPOINTS
from roadcrew_server.endpoints import Endpoint

PEOPLE = ("nobody", "bad token", "stranger", "removed", "member", "opener", "organiser")
SIGNED_IN_ONLY = {"nobody": 401, "bad token": 401}


@dataclass
class Scene:
    """A trip with a poll, a hotel, one that was taken off, and an open vote, all begun by `opener`, perhaps with a
    quote run and an import. In the organiser's cart there may be seats, an order that is not paid, and one that is paid
    at the venue. `opener` may have said something, and shown an image."""

    people: dict[str, Person]
    trip: str
    code: str
    poll: str
    option: str
    hotel: str
    dropped: str
    line: str = ""
    order: str = ""
    booking: str = ""
    run: str = ""
    job: str = ""
    item: str = ""
    image: str = ""

    @property
    def talk(self) -> str:
        """Where it is talked about."""
        return f"/api/feeds/trip/{self.trip}"

    @property
    def comment(self) -> str:
        """Where what `opener` said is."""
        return f"{self.talk}/comments/{self.item}"


Body = Callable[[Scene], Any]


@dataclass(frozen=True)
class Row:
    """A request to a route, and its status: `status`, `but` for those named. `once`: it can be done once only."""

    status: int
    body: Body | None = None
    but: dict[str, int] | None = None
    path: Callable[[Scene], str] | None = None
    params: Callable[[Scene], dict[str, str]] | None = None
    once: bool = False

    def expected(self, who: str, *, open_to_all: bool) -> int:
        if not open_to_all and who in SIGNED_IN_ONLY:
            return 401
        return (self.but or {}).get(who, self.status)


OF = "/api/feeds/{type}/{id}"
ITEM = OF + "/{channel}/{itemId}"
CREW = {"stranger": 403, "removed": 403}
CHAIR = CREW | {"member": 403, "opener": 403}
NOT_MEMBER = CREW | {"member": 403}


def of_trip(**more: Any) -> Body:
    return lambda s: {"tripId": s.trip, **{k: v(s) if callable(v) else v for k, v in more.items()}}


def at_eleven(day: int) -> str:
    """A slot with many seats."""
    return f"big-sky.203005{day}.1100"


OPENER_ALONE = NOT_MEMBER | {"organiser": 403}
MINE_ALONE = dict.fromkeys(("stranger", "removed", "member", "opener"), 404)
NEW_HOTEL = {"name": "Alfama", "city": "Lisbon", "stars": 2, "pricePerNight": {"amount": 4800, "currency": "EUR"}}
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
HOTEL_ROW = {"name": "Alfama", "city": "Lisbon", "stars": 2, "price": "48.00", "currency": "EUR"}
SOMEBODY = "0190f1a2-6c3e-7b14-9d55-3f0a1c2b4d5e"
CREDENTIALS = {"username": "somebody", "password": "long enough"}
TRIP_OF: Callable[[Scene], dict[str, str]] = lambda s: {"tripId": s.trip}  # noqa: E731
TOPIC_OF: Callable[[Scene], dict[str, str]] = lambda s: {"topic": f"trip:{s.trip}"}  # noqa: E731

MATRIX: dict[tuple[str, str], Row] = {
    ("POST", "/api/session/guest"): Row(201, lambda _: {"name": "Eve"}),
    ("POST", "/api/session/signup"): Row(201, lambda _: {**CREDENTIALS, "name": "Eve"}),
    ("POST", "/api/session/login"): Row(401, lambda _: CREDENTIALS),
    ("POST", "/api/session/renew"): Row(200, lambda _: {}),
    ("POST", "/api/session/upgrade"): Row(200, lambda _: CREDENTIALS),
    ("GET", "/api/session"): Row(200),
    ("PATCH", "/api/session"): Row(200, lambda _: {"name": "Anna"}),
    ("DELETE", "/api/session"): Row(204),
    ("GET", "/api/session/mutes"): Row(200),
    ("POST", "/api/session/mutes"): Row(200, lambda _: {"userId": SOMEBODY, "name": "Mallory"}),
    ("DELETE", "/api/session/mutes/{userId}"): Row(200, path=lambda _: f"/api/session/mutes/{SOMEBODY}"),
    ("POST", "/api/social-cart/create"): Row(201, lambda _: {"name": "Porto"}),
    # A crew's invite ends when somebody is removed; only who is in it already may still "use" it.
    ("POST", "/api/social-cart/join"): Row(200, lambda s: {"invite": s.code}, {"stranger": 410, "removed": 410}),
    ("GET", "/api/social-cart/join"): Row(200, but=CREW, params=TRIP_OF),
    ("GET", "/api/social-cart/trips"): Row(200),
    ("POST", "/api/social-cart/update"): Row(200, of_trip(name="Porto"), CREW),
    ("POST", "/api/social-cart/invite"): Row(200, of_trip(), CHAIR),
    ("POST", "/api/social-cart/organiser"): Row(200, of_trip(memberId=lambda s: s.people["member"].id), CHAIR),
    ("POST", "/api/social-cart/remove-member"): Row(200, of_trip(memberId=lambda s: s.people["member"].id), CHAIR),
    ("POST", "/api/social-cart/leave"): Row(200, of_trip(), CREW),
    ("POST", "/api/social-cart/delete"): Row(200, of_trip(), CHAIR),
    ("POST", "/api/social-cart/restore"): Row(200, of_trip(), CHAIR),
    ("GET", "/api/social-cart/history"): Row(200, but=CREW, params=TRIP_OF),
    ("POST", "/api/social-cart/polls"): Row(
        200, of_trip(question="Who drives?", kind="single", options=["Ana", "Ben"]), CREW
    ),
    ("POST", "/api/social-cart/polls/vote"): Row(
        200, of_trip(pollId=lambda s: s.poll, optionIds=lambda s: [s.option]), CREW
    ),
    ("POST", "/api/social-cart/polls/close"): Row(200, of_trip(pollId=lambda s: s.poll), NOT_MEMBER),
    ("POST", "/api/social-cart/hotels/shortlist"): Row(200, of_trip(**NEW_HOTEL), CREW, once=True),
    ("POST", "/api/social-cart/hotels/unshortlist"): Row(
        200, of_trip(hotelId=lambda s: s.hotel), NOT_MEMBER, once=True
    ),
    ("POST", "/api/social-cart/hotels/restore"): Row(200, of_trip(hotelId=lambda s: s.dropped), NOT_MEMBER, once=True),
    ("POST", "/api/social-cart/hotels/vote"): Row(200, of_trip(hotelId=lambda s: s.hotel), CREW),
    ("POST", "/api/social-cart/hotels/open-voting"): Row(200, of_trip(tieRule="cheapest"), CREW),
    ("POST", "/api/social-cart/hotels/close-voting"): Row(200, of_trip(), NOT_MEMBER),
    ("GET", "/api/sync"): Row(200, but=CREW, params=TOPIC_OF),
    ("POST", "/api/sync/where"): Row(204, lambda s: {"topic": f"trip:{s.trip}", "where": "polls"}, CREW),
    ("GET", "/api/cart/load"): Row(200),
    ("POST", "/api/cart/add"): Row(200, of_trip(slotId=at_eleven(21), tickets={"adult": 1}), CREW),
    ("POST", "/api/cart/remove"): Row(200, lambda s: {"lineId": s.line}, MINE_ALONE),
    ("POST", "/api/cart/extend"): Row(200, lambda s: {"lineId": s.line}, MINE_ALONE),
    ("POST", "/api/cart/checkout"): Row(200, lambda s: {"lineIds": [s.line]}, MINE_ALONE),
    ("POST", "/api/cart/pay"): Row(200, lambda s: {"orderId": s.order}, MINE_ALONE),
    ("POST", "/api/cart/cancel"): Row(200, lambda s: {"orderId": s.order}, MINE_ALONE),
    ("POST", "/api/cart/paid"): Row(204, of_trip(bookingId=lambda s: s.booking), CHAIR),
    ("POST", "/api/payments/{provider}"): Row(400, path=lambda _: "/api/payments/venue"),
    ("POST", "/api/quotes"): Row(202, of_trip(**a_vehicle()), CREW),
    ("GET", "/api/quotes/hotels"): Row(200),
    ("GET", "/api/quotes/{runId}"): Row(200, but=CREW, path=lambda s: f"/api/quotes/{s.run}"),
    ("GET", "/api/quotes/{runId}/stream"): Row(200, but=CREW, path=lambda s: f"/api/quotes/{s.run}/stream"),
    ("DELETE", "/api/quotes/{runId}"): Row(200, but=NOT_MEMBER, path=lambda s: f"/api/quotes/{s.run}"),
    ("POST", "/api/quotes/{runId}/vote"): Row(
        200, lambda _: {"choice": None}, CREW, path=lambda s: f"/api/quotes/{s.run}/vote"
    ),
    ("POST", "/api/jobs"): Row(202, lambda _: [HOTEL_ROW], CREW, params=lambda s: {"tripId": s.trip, "name": "May"}),
    ("GET", "/api/jobs/{jobId}"): Row(200, but=CREW, path=lambda s: f"/api/jobs/{s.job}"),
    ("GET", "/api/jobs/{jobId}/progress"): Row(200, but=CREW, path=lambda s: f"/api/jobs/{s.job}/progress"),
    ("GET", "/api/jobs/{jobId}/hotels"): Row(200, but=CREW, path=lambda s: f"/api/jobs/{s.job}/hotels"),
    ("GET", "/api/jobs/{jobId}/refused"): Row(200, but=CREW, path=lambda s: f"/api/jobs/{s.job}/refused"),
    ("DELETE", "/api/jobs/{jobId}"): Row(200, but=NOT_MEMBER, path=lambda s: f"/api/jobs/{s.job}"),
    ("GET", "/api/feeds/summaries"): Row(200, params=lambda s: {"of": f"trip:{s.trip}"}),
    ("GET", "/api/feeds/saved"): Row(200),
    ("GET", OF): Row(200, but=CREW, path=lambda s: s.talk),
    ("POST", OF + "/rating"): Row(200, lambda _: {"stars": 4}, CREW, path=lambda s: f"{s.talk}/rating"),
    ("DELETE", OF + "/rating"): Row(200, but=CREW, path=lambda s: f"{s.talk}/rating"),
    ("POST", OF + "/like"): Row(200, lambda _: {}, CREW, path=lambda s: f"{s.talk}/like"),
    ("DELETE", OF + "/like"): Row(200, but=CREW, path=lambda s: f"{s.talk}/like"),
    ("POST", OF + "/save"): Row(200, lambda _: {}, CREW, path=lambda s: f"{s.talk}/save"),
    ("DELETE", OF + "/save"): Row(200, but=CREW, path=lambda s: f"{s.talk}/save"),
    ("POST", OF + "/typing"): Row(204, lambda _: {}, CREW, path=lambda s: f"{s.talk}/typing"),
    ("DELETE", OF + "/typing"): Row(204, but=CREW, path=lambda s: f"{s.talk}/typing"),
    ("GET", OF + "/{channel}"): Row(200, but=CREW, path=lambda s: f"{s.talk}/comments"),
    ("POST", OF + "/comments"): Row(201, lambda _: {"text": "Hello"}, CREW, path=lambda s: f"{s.talk}/comments"),
    ("POST", OF + "/posts"): Row(201, lambda _: {"text": "Here"}, CREW, path=lambda s: f"{s.talk}/posts"),
    ("POST", OF + "/blogs"): Row(201, lambda _: {"title": "Day 1", "text": "*x*"}, CREW, lambda s: f"{s.talk}/blogs"),
    ("POST", OF + "/images"): Row(201, lambda _: PICTURE, CREW, lambda s: f"{s.talk}/images"),
    ("GET", OF + "/images/{itemId}/full"): Row(200, but=CREW, path=lambda s: f"{s.talk}/images/{s.image}/full"),
    ("GET", OF + "/images/{itemId}/thumb"): Row(200, but=CREW, path=lambda s: f"{s.talk}/images/{s.image}/thumb"),
    ("PATCH", ITEM): Row(200, lambda _: {"text": "Hello again"}, OPENER_ALONE, path=lambda s: s.comment),
    ("DELETE", ITEM): Row(200, but=NOT_MEMBER, path=lambda s: s.comment),
    ("GET", OF + "/{channel}/removed"): Row(200, but=CREW, path=lambda s: f"{s.talk}/comments/removed"),
    ("POST", ITEM + "/restore"): Row(200, lambda _: {}, CREW, path=lambda s: f"{s.comment}/restore"),
    ("POST", ITEM + "/reactions"): Row(
        200, lambda _: {"reaction": "heart"}, CREW, path=lambda s: f"{s.comment}/reactions"
    ),
    ("DELETE", ITEM + "/reactions/{reaction}"): Row(200, but=CREW, path=lambda s: f"{s.comment}/reactions/heart"),
    ("GET", "/api/subscribe/{type}/{id}/{channel}"): Row(
        200, but=CREW, path=lambda s: f"/api/subscribe/trip/{s.trip}/comments"
    ),
    ("GET", "/j/{code}"): Row(200, path=lambda s: f"/j/{s.code}"),
    ("GET", "/api/exhibitions"): Row(200),
    ("GET", "/api/exhibitions/{id}/slots"): Row(
        200, path=lambda _: "/api/exhibitions/big-sky/slots", params=lambda _: {"date": "2030-05-21"}
    ),
    ("GET", "/api/server"): Row(200),
    ("GET", "/"): Row(200),
    ("GET", "/healthz"): Row(200),
    ("GET", "/readyz"): Row(200),
    ("GET", "/metrics"): Row(200),
    ("GET", "/openapi.json"): Row(200),
}


async def scene(http: httpx.AsyncClient) -> Scene:
    made, (organiser, opener, member, removed) = await crew(http, 4)
    trip = made["trip"]["id"]
    poll = str(uuid.uuid4())
    await opener.do(
        "/polls", {"tripId": trip, "question": "When?", "kind": "single", "options": ["May", "June"]}, key=poll
    )
    hotel, dropped = str(uuid.uuid4()), str(uuid.uuid4())
    price = {"amount": 8400, "currency": "EUR"}
    for key, name in ((hotel, "Casa Azul"), (dropped, "Vila Verde")):
        body = {"tripId": trip, "name": name, "city": "Lisbon", "stars": 4, "pricePerNight": price}
        await opener.do("/hotels/shortlist", body, key=key)
    await opener.do("/hotels/unshortlist", {"tripId": trip, "hotelId": dropped})
    await opener.do("/hotels/open-voting", {"tripId": trip, "tieRule": "cheapest"})
    await organiser.do("/remove-member", {"tripId": trip, "memberId": removed.id})
    people = {
        "nobody": Person(http),
        "bad token": Person(http, "rc_nonsense"),
        "stranger": await Person.guest(http, "Eve"),
        "removed": removed,
        "member": member,
        "opener": opener,
        "organiser": organiser,
    }
    return Scene(people, trip, made["invite"]["code"], poll, f"{poll}.0", hotel, dropped)


async def booked(s: Scene) -> Scene:
    """The scene with something in the organiser's cart, and what another one is to pay at the venue."""
    organiser = s.people["organiser"]
    for who, day, provider in (("opener", 22, "venue"), ("organiser", 23, "simulated"), ("organiser", 24, None)):
        added = await s.people[who].do(
            "/api/cart/add", {"slotId": at_eleven(day), "tickets": {"adult": 1}, "tripId": s.trip}
        )
        s.line = added["lineId"]
        if provider is not None:
            s.order = (await s.people[who].do("/api/cart/checkout", {"provider": provider}))["orderId"]
    s.booking = (await organiser.trip(s.trip)).json()["trip"]["bookings"][0]["id"]
    return s


async def asked(s: Scene) -> Scene:
    """The scene with a quote run, and an import whose service is away."""
    opener = s.people["opener"]
    s.run = (await opener.do("/api/quotes", a_stay(s.hotel, tripId=s.trip)))["runId"]
    sent = await opener.post("/api/jobs", [HOTEL_ROW], params={"tripId": s.trip, "name": "May"})
    s.job = sent.json()["jobId"]
    return s


async def talked(s: Scene, *, with_image: bool) -> Scene:
    """The scene with something that `opener` has said, perhaps with an image of theirs."""
    opener = s.people["opener"]
    s.item = (await opener.do(f"{s.talk}/comments", {"text": "Hello"}))["item"]["id"]
    if with_image:
        s.image = (await opener.do(f"{s.talk}/images", PICTURE))["item"]["id"]
    return s


async def scene_for(http: httpx.AsyncClient, endpoint: Endpoint, before: Scene | None = None) -> Scene:
    """A scene with what that route is about. What is said in a trip changes nothing else of it, so the one `before` is
    good for that too."""
    if endpoint.tag == "talk" and before is not None and before.item:
        return await talked(before, with_image="/images/" in endpoint.path)
    made = await scene(http)
    match endpoint.tag:
        case "cart":
            return await booked(made)
        case "quotes" | "jobs":
            return await asked(made)
        case "talk":
            return await talked(made, with_image="/images/" in endpoint.path)
    return made


def test_every_route_has_a_row_in_the_matrix():
    assert {(e.method, e.path) for e in ENDPOINTS} == set(MATRIX)


# R: T8
async def test_everybody_gets_the_status_that_the_matrix_says(http: httpx.AsyncClient, running: Running):
    wrong: list[tuple[object, ...]] = []
    s: Scene | None = None
    for endpoint in ENDPOINTS:
        row = MATRIX[endpoint.method, endpoint.path]
        s = await scene_for(http, endpoint, s)
        for who in PEOPLE:
            if row.once and row.expected(who, open_to_all=False) < 400:
                s = await scene_for(http, endpoint)
            CREDENTIALS["username"] = f"u{uuid.uuid4().hex[:20]}"
            answer = await s.people[who].request(
                endpoint.method,
                row.path(s) if row.path else endpoint.path,
                row.body(s) if row.body else None,
                params=row.params(s) if row.params else None,
                headers=JSON,
            )
            expected = row.expected(who, open_to_all=endpoint.access == "open")
            if answer.status_code != expected:
                wrong.append((endpoint.method, endpoint.path, who, expected, answer.status_code, answer.text[:120]))
            if answer.status_code >= 400 and answer.headers["content-type"] != "application/problem+json":
                wrong.append((endpoint.method, endpoint.path, who, "a problem", answer.headers["content-type"], ""))
    assert wrong == []


# R: T8
async def test_a_stream_is_refused_to_everybody_to_whom_a_poll_is(http: httpx.AsyncClient, running: Running):
    s = await scene(http)
    row = MATRIX["GET", "/api/sync"]
    for who in PEOPLE:
        request = http.build_request("GET", "/api/sync", params=TOPIC_OF(s), headers=s.people[who].auth | SSE)
        answer = await http.send(request, stream=True)
        assert answer.status_code == row.expected(who, open_to_all=False), who
        await answer.aclose()


# R: C1 T8
async def test_a_cart_is_followed_by_whose_it_is_and_a_slot_by_everybody_who_has_signed_in(
    http: httpx.AsyncClient, running: Running
):
    s = await booked(await scene(http))
    mine, slot = f"cart:{s.people['organiser'].id}", f"slot:{at_eleven(22)}"
    for headers in (JSON, SSE):
        for who in PEOPLE:
            nobody = who in SIGNED_IN_ONLY
            for topic, status in ((mine, 200 if who == "organiser" else 404), (slot, 200)):
                request = http.build_request(
                    "GET", "/api/sync", params={"topic": topic}, headers=s.people[who].auth | headers
                )
                answer = await http.send(request, stream=True)
                assert answer.status_code == (401 if nobody else status), (who, topic)
                if status == 404 and not nobody:
                    assert b"unknown-cart" in await answer.aread()
                await answer.aclose()


# R: F1 T8
async def test_a_place_is_open_to_everybody_who_has_signed_in_and_what_was_said_there_is_changed_by_who_said_it(
    http: httpx.AsyncClient, running: Running
):
    s = await scene(http)
    trip, place = f"/trip/{s.trip}", "/location/exhibition.big-sky"
    wrong: list[tuple[object, ...]] = []
    opener = s.people["opener"]
    s.item = (await opener.do(f"/api/feeds{place}/comments", {"text": "Hello"}))["item"]["id"]
    s.image = (await opener.do(f"/api/feeds{place}/images", PICTURE))["item"]["id"]
    for (method, path), row in sorted(MATRIX.items(), key=lambda item: item[0] == ("DELETE", ITEM)):
        if not path.startswith(("/api/feeds/{", "/api/subscribe/")) or path.endswith(("/posts", "/blogs")):
            continue
        for who in sorted(PEOPLE, key=lambda who: who == "opener"):  # who may do the most comes last
            there = (row.path(s) if row.path else path).replace(trip, place)
            answer = await s.people[who].request(method, there, row.body(s) if row.body else None, headers=JSON)
            theirs = who == "opener" or (method, path) not in (("PATCH", ITEM), ("DELETE", ITEM))
            expected = SIGNED_IN_ONLY.get(who, row.status if theirs else 403)
            if answer.status_code != expected:
                wrong.append((method, path, who, expected, answer.status_code, answer.text[:120]))
    assert wrong == []


# R: T8
async def test_no_route_tells_a_stranger_whether_a_trip_exists_but_by_saying_that_they_are_not_in_it(
    http: httpx.AsyncClient, running: Running
):
    s = await scene(http)
    for path, body in (
        ("/update", {"name": "x"}),
        ("/polls/vote", {"pollId": s.poll, "optionIds": []}),
        ("/hotels/vote", {"hotelId": None}),
        ("/leave", {}),
        ("/delete", {}),
        ("/invite", {}),
    ):
        for trip, status in ((s.trip, 403), (str(uuid.uuid4()), 404)):
            answer = await s.people["stranger"].post(path, {"tripId": trip, **body})
            assert answer.status_code == status, (path, answer.text)


# R: T6
async def test_somebody_elses_key_does_not_open_their_answer(http: httpx.AsyncClient, running: Running):
    s = await scene(http)
    key = str(uuid.uuid4())
    made = await s.people["organiser"].do("/create", {"name": "Secret"}, key=key)
    answer = await s.people["stranger"].post("/create", {"name": "Secret"}, key=key)
    assert (answer.status_code, answer.json()["code"]) == (409, "trip-exists")
    assert made["invite"]["code"] not in answer.text
    assert (await s.people["stranger"].get("/api/social-cart/trips")).json()["trips"] == []


# R: T6
async def test_repeating_an_old_command_shows_nothing_to_somebody_who_was_removed(
    http: httpx.AsyncClient, running: Running
):
    made, (ana, ben) = await crew(http, 2)
    trip = made["trip"]["id"]
    body = {"tripId": trip, "question": "When?", "kind": "single", "options": ["May", "June"]}
    first = await ben.post("/polls", body, key="ben's")
    joined = await ben.post("/join", {"invite": made["invite"]["code"]}, key="join")
    assert (first.status_code, joined.status_code) == (200, 200)
    await ana.do("/remove-member", {"tripId": trip, "memberId": ben.id})
    await ana.do("/polls", {**body, "question": "Without Ben?"})
    for path, sent, key in (("/polls", body, "ben's"), ("/join", {"invite": made["invite"]["code"]}, "join")):
        answer = await ben.post(path, sent, key=key)
        assert answer.status_code == 403
        assert "Without Ben" not in answer.text


# R: T6
async def test_repeating_the_creation_of_a_trip_that_one_has_left_or_that_has_ended_shows_nothing_of_it(
    http: httpx.AsyncClient, running: Running
):
    ana, ben = await Person.guest(http, "Ana"), await Person.guest(http, "Ben")
    made = await ana.do("/create", {"name": "Lisbon"}, key="one")
    await ben.do("/join", {"invite": made["invite"]["code"]})
    await ana.do("/leave", {"tripId": made["trip"]["id"]}, key="left")
    assert (await ana.post("/create", {"name": "Lisbon"}, key="one")).status_code == 403
    assert (await ana.post("/leave", {"tripId": made["trip"]["id"]}, key="left")).status_code == 200
    await ben.do("/delete", {"tripId": made["trip"]["id"]}, key="gone")
    assert (await ben.post("/delete", {"tripId": made["trip"]["id"]}, key="gone")).status_code == 200
    assert (await ana.post("/create", {"name": "Lisbon"}, key="one")).status_code == 410
