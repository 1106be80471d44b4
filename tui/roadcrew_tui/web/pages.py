"""What a browser is given: the page with the terminal, and pages that say a sentence. Everything in them is escaped,
and all that they load is ours or textual-serve's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable

from roadcrew_tui.web.address import Address

STATIC: Mapping[str, tuple[str, str, str]] = {
    "page.js": ("roadcrew_tui.web", "static/page.js", "text/javascript"),
    "page.css": ("roadcrew_tui.web", "static/page.css", "text/css"),
    "textual.js": ("textual_serve", "static/js/textual.js", "text/javascript"),
    "xterm.css": ("textual_serve", "static/css/xterm.css", "text/css"),
    "mono.ttf": ("textual_serve", "static/fonts/RobotoMono-VariableFont_wght.ttf", "font/ttf"),
}
"""All files that there are: package, place, type. A name that is not among them leads nowhere."""
PHONE = re.compile(r"\b(Mobi|Mobile|Android|iPhone|iPod)\b")
"""In what a browser calls itself."""


def static(name: str) -> tuple[Traversable, str]:
    """One of the files, and its type. Raises `KeyError`."""
    package, place, kind = STATIC[name]
    return files(package).joinpath(place), kind


def headers(address: Address) -> dict[str, str]:
    """What every answer says of itself. Styles stand in elements too, since the terminal writes its own."""
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        f"font-src 'self'; img-src 'self' data:; connect-src 'self' {address.socket_origin}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }


def is_phone(user_agent: str) -> bool:
    """Whether a browser says that it is a phone's."""
    return PHONE.search(user_agent) is not None


def terminal(address: Address, code: str | None, link: str) -> str:
    """The page with the terminal; `link` is where somebody with a narrow screen had better go."""
    return _page(
        address,
        f'<div id="start"><h1>Roadcrew</h1><p id="said">Opening…</p>{_narrow(link, code)}'
        '<button type="button" id="again" hidden>Open it again</button></div>'
        '<p id="link" hidden>Open <a target="_blank" rel="noopener noreferrer"></a>'
        '<button type="button">close</button></p>'
        f'<div id="terminal" class="textual-terminal" data-font-size="16" data-session-websocket-url="'
        f'{escape(address.path)}/ws{f"/{escape(code)}" if code else ""}"></div>'
        "<noscript><p>A terminal in a browser wants JavaScript.</p></noscript>",
        script=True,
    )


def phone(address: Address, code: str | None, link: str) -> str:
    """For phones: no terminal, which wants eighty columns."""
    return _page(address, f'<div id="start"><h1>Roadcrew</h1>{_narrow(link, code)}</div>', look="-narrow")


def sentence(address: Address, words: str) -> str:
    """A page that says why there is nothing else, and lets one try again."""
    again = '<p><a href="">Try again</a></p>'
    return _page(address, f'<div id="start"><h1>Roadcrew</h1><p id="said">{escape(words)}</p>{again}</div>')


def _narrow(link: str, code: str | None) -> str:
    what = "Your invite, with other ways to join" if code else "The server"
    return (
        '<div id="narrow"><p>Roadcrew is drawn as a terminal, and that wants a wider screen than this one: open this '
        f'page on a computer.</p><p><a href="{escape(link)}">{what}</a></p>'
        '<p><a href="?terminal" id="anyway">Open the terminal all the same</a></p></div>'
    )


def _page(address: Address, body: str, *, look: str = "", script: bool = False) -> str:
    at = f"{escape(address.path)}/static"
    scripts = f'<script src="{at}/page.js" data-terminal="{at}/textual.js" defer></script>' if script else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Roadcrew</title>'
        '<link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="{at}/xterm.css"><link rel="stylesheet" href="{at}/page.css">{scripts}</head>'
        f'<body class="{look}">{body}</body></html>'
    )
