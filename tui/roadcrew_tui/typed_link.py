"""Addresses of web pages as people type them. What is one, the domain's rules say; not for a server's address, which is
read where one signs in."""

from __future__ import annotations

import re

_HOST = re.compile(r"[\w-]+(\.[\w-]+)+([:/?#].*)?")


def whole(text: str | None) -> str | None:
    """The address with `https://` before it where somebody began with the host, `casa.example/rooms`. Anything else as
    it is, and None for nothing."""
    text = (text or "").strip()
    return f"https://{text}" if _HOST.fullmatch(text) else text or None
