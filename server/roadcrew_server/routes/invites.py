"""`GET /j/{code}`: what an invite shows to somebody who has nothing but the link. Never member data."""

from collections.abc import Mapping
from datetime import date, datetime
from html import escape

import segno
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip import Trip
from roadcrew_server.endpoints import Answer, Call, Endpoint, json_response
from roadcrew_server.problems import Problem
from roadcrew_server.routes.trips import code_in, invite_link, trip_of
from roadcrew_server.topic import TopicMissing
from roadcrew_server.topics import trip_topic

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


WAYS: Mapping[str, str] = {
    "with uv": "uvx roadcrew join {link}",
    "with pipx": "pipx run roadcrew join {link}",
    "with Python alone": "pip install roadcrew && roadcrew join {link}",
}
"""How one joins who has nothing yet; the first is the one to try. Nothing of it asks for a server's packages."""


class Preview(Answer):
    """What an invite says. `active` is false once it has ended or is used up."""

    trip_name: str
    starts_on: date | None
    ends_on: date | None
    invited_by: str
    join_command: str
    code: str
    active: bool


async def show(call: Call) -> Response:
    """The invite as a page, as plain text, or as JSON."""
    await call.server.limits.invite(call.address)
    accept = call.headers.get("accept", "*/*")
    try:
        preview = await _preview(call)
    except (Refused, TopicMissing, Problem) as error:
        if "text/html" not in accept:
            raise
        detail = error.detail if isinstance(error, Refused | Problem) else "This trip has ended."
        return HTMLResponse(page("No such invite", f"<p>{escape(detail)}</p>"), 404, HEADERS)
    if "application/json" in accept:
        return json_response(preview, 200)
    link, here = invite_link(call, preview.code), _in_a_browser(call, preview.code)
    if "text/html" in accept:
        return HTMLResponse(_invite_page(preview, link, here), headers=HEADERS)
    return PlainTextResponse(_plain(preview, link, here), headers=HEADERS)


async def _preview(call: Call) -> Preview:
    code = code_in(call.request.path_params["code"])
    topic = await call.server.hub.topic(trip_topic(await trip_of(call, code)))
    now = call.server.store.now()
    if not _is_good(topic.state, code, now):  # another process may have made it just now
        await call.server.hub.refresh(topic)
    trip: Trip | None = topic.state
    if trip is None or trip.over(now) is not None:
        raise topic.kind.problem("ended")
    return Preview(
        trip_name=trip.name,
        starts_on=trip.starts_on,
        ends_on=trip.ends_on,
        invited_by=trip.members[trip.organiser].name,
        join_command=_ways(invite_link(call, code))["with uv"],
        code=code,
        active=_is_good(trip, code, now),
    )


def _is_good(trip: Trip, code: str, now: datetime) -> bool:
    """Whether one can join by this code."""
    invite = trip.invite
    return (
        trip.over(now) is None
        and invite is not None
        and invite.code == code
        and (invite.expires_at is None or now < invite.expires_at)
        and (invite.max_uses is None or invite.uses < invite.max_uses)
    )


def _dates(p: Preview) -> str:
    if p.starts_on is None:
        return ""
    return f"{p.starts_on} to {p.ends_on}" if p.ends_on else f"from {p.starts_on}"


def _ways(link: str) -> dict[str, str]:
    return {how: command.format(link=link) for how, command in WAYS.items()}


def _in_a_browser(call: Call, code: str) -> str | None:
    """Where `roadcrew web` opens it, if there is one."""
    web = call.server.settings.web_url
    return f"{web.rstrip('/')}/j/{code}" if web else None


def _plain(p: Preview, link: str, here: str | None) -> str:
    lines = [f"{p.invited_by} invites you to plan a trip: {p.trip_name}", _dates(p), ""]
    if p.active:
        lines.append("Join from a terminal:")
        for how, command in _ways(link).items():
            lines += [f"  {how}:", f"    {command}"]
        if here:
            lines.append(f"Or open it in a browser: {here}")
    else:
        lines.append(f"This invite has ended. Ask {p.invited_by} for a new one.")
    return "\n".join(lines) + "\n"


def _invite_page(p: Preview, link: str, here: str | None) -> str:
    dates = f"<p class=dates>{escape(_dates(p))}</p>" if _dates(p) else ""
    if p.active:
        ways = "".join(
            f"<p>{'Join from a terminal, ' if n == 0 else 'or '}{escape(how)}:</p><pre>{escape(command)}</pre>"
            for n, (how, command) in enumerate(_ways(link).items())
        )
        browser = f'<p><a class=here href="{escape(here)}">Open here</a>, in this browser.</p>' if here else ""
        how = f"{browser}{ways}<p>For whoever sits beside you:</p>{_qr_code(link)}"
    else:
        how = f"<p>This invite has ended. Ask {escape(p.invited_by)} for a new one.</p>"
    return page(p.trip_name, f"<p>{escape(p.invited_by)} invites you to plan a trip.</p>{dates}{how}")


def _qr_code(link: str) -> str:
    """The link as an SVG image, dark on light in either colour scheme: phones read no other."""
    return segno.make(link, error="m", micro=False).svg_inline(
        scale=4, border=4, dark="#000", light="#fff", omitsize=True
    )


def page(title: str, body: str) -> str:
    """A page of ours, for `HEADERS`; the title is escaped, and the body is HTML."""
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} · Roadcrew</title><style>"
        ":root{color-scheme:light dark}"
        "body{font:17px/1.5 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1.2rem}"
        "h1{font-weight:600;letter-spacing:-.01em}"
        "pre{padding:.8rem 1rem;border-radius:8px;background:#8882;overflow:auto}"
        ".here{font-weight:600}.dates{opacity:.7}svg{width:12rem;height:12rem}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/j/{code}",
        show,
        "open",
        "What an invite says",
        answer=Preview,
        tag="invites",
        media=("text/html", "text/plain"),
    ),
)
