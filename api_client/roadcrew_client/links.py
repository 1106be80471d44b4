"""Addresses of servers, and invites as people hand them on: a code, `CODE@host`, or a link. Pure; asks nobody."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from roadcrew_domain.ids import parse_invite_code
from roadcrew_domain.refusals import Refused

MAX_INVITE = 2000


@dataclass(frozen=True, slots=True)
class InviteTarget:
    """`server`: the base address that the invite names; None if it is a bare code."""

    code: str
    server: str | None = None


def parse_invite(text: str) -> InviteTarget:
    """What an invite says. Accepts `K7QM-2D4F`, `K7QM-2D4F@host[:port]` and `http(s)://host[:port][/path]/j/CODE`.

    A link may stand in the line that was sent with it, as long as it is the only one there. A host without a scheme is
    spoken to over https, unless it is this computer or a private address. Raises `Refused` (`invite-malformed`).
    """
    text = text.strip()
    if len(text) > MAX_INVITE or any(c.isspace() or not c.isprintable() for c in text.replace(" ", "")):
        raise _malformed()
    if "://" in text:
        links = [word for word in text.split() if "://" in word]
        if len(links) != 1:  # a trip may be called by a link
            raise _malformed()
        return _from_link(links[0])
    code, at, host = text.partition("@")
    if not at:
        return InviteTarget(parse_invite_code(code))
    return InviteTarget(parse_invite_code(code), _server(host))


def _from_link(text: str) -> InviteTarget:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _malformed() from None
    base, slash, code = parts.path.rstrip("/").rpartition("/j/")
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or not slash:
        raise _malformed()
    return InviteTarget(parse_invite_code(unquote(code)), f"{parts.scheme}://{_netloc(host, port)}{base}")


def _server(host: str) -> str:
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        raise _malformed() from None
    if not name or parts.username is not None or parts.query or parts.fragment or " " in host:
        raise _malformed()
    scheme = "http" if _is_near(name) else "https"
    return f"{scheme}://{_netloc(name, port)}{parts.path.rstrip('/')}"


def _netloc(host: str, port: int | None) -> str:
    named = f"[{host}]" if ":" in host else host
    return named if port is None else f"{named}:{port}"


def _is_near(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _malformed() -> Refused:
    return Refused(
        "invite-malformed", "invalid", "An invite is a code such as K7QM-2D4F, a code@host, or a link that ends in one."
    )


def base_address(server: str) -> str:
    """The server's address without what does not belong to it. Raises `ValueError`."""
    parts = urlsplit(server.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"a server's address begins with http:// or https:// and names a host, not {server!r}")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("a server's address has no user name, query or fragment")
    _ = parts.port  # raises for a port that is none
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"
