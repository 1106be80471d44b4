"""`GET /`: what this is, for somebody who came by the server's address alone. The same for everybody: nothing of
members or trips.
"""

from html import escape

from starlette.responses import HTMLResponse, PlainTextResponse, Response

from roadcrew_server.endpoints import Call, Endpoint
from roadcrew_server.routes.invites import HEADERS, page

TITLE = "Plan trips with your crew"
ABOUT = "This is a Roadcrew server: a crew plans a trip here together, live, each from a terminal."
WAYS = {
    "Somebody invited you? Open the link that they sent, or join from a terminal": "uvx roadcrew join LINK",
    "Plan a trip of your own": 'uvx roadcrew trip new "Lisbon in May" --server {address}',
    "and open it": "uvx roadcrew",
}
"""What one may want, and the command for it."""


async def show(call: Call) -> Response:
    """What this is, as a page or as plain text."""
    address, web = call.server.address, call.server.settings.web_url
    ways = {what: command.format(address=address) for what, command in WAYS.items()}
    if "text/html" in call.headers.get("accept", "*/*"):
        browser = f'<p><a class=here href="{escape(web)}">Open it here</a>, in this browser.</p>' if web else ""
        told = "".join(f"<p>{escape(what)}:</p><pre>{escape(command)}</pre>" for what, command in ways.items())
        return HTMLResponse(page(TITLE, f"<p>{escape(ABOUT)}</p>{browser}{told}"), headers=HEADERS)
    lines = [ABOUT, "", *(line for what, command in ways.items() for line in (f"{what}:", f"  {command}"))]
    if web:
        lines.append(f"Or open it in a browser: {web}")
    return PlainTextResponse("\n".join(lines) + "\n", headers=HEADERS)


ENDPOINTS = (
    Endpoint("GET", "/", show, "open", "What this is, for people", tag="service", media=("text/html", "text/plain")),
)
