"""Where the site is, as browsers know it: its links, and which pages may speak to it. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """`http` or `https`, a host in small letters, a port, and the path before ours, without a slash at its end."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def of(cls, url: str) -> Address:
        """Read one. Raises `ValueError`."""
        from roadcrew_client.links import base_address  # noqa: PLC0415 - not for a fast --help

        parts = urlsplit(base_address(url))
        port = DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
        return cls(parts.scheme, (parts.hostname or "").lower(), port, parts.path)

    @classmethod
    def listening(cls, host: str, port: int) -> Address:
        """Where browsers find what listens on this address. Raises `ValueError` where only its owner can say."""
        if _is_any(host):
            raise ValueError(
                f"{host} is every address of this computer. Say which one browsers use: --public-url http://NAME:{port}"
            )
        return cls("http", host.lower(), port)

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.scheme == "https"

    @property
    def origin(self) -> str:
        """As a browser sends it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """What links begin with."""
        return f"{self.origin}{self.path}"

    @property
    def socket_origin(self) -> str:
        """The same origin for WebSockets."""
        return f"ws{self.origin.removeprefix('http')}"

    def admits(self, origin: str | None) -> bool:
        """Whether a page of this origin may open a terminal here: one of ours, by whichever name of this computer."""
        if origin is None:
            return False
        try:
            said = Address.of(origin)
        except ValueError:
            return False
        if said.path or (said.scheme, said.port) != (self.scheme, self.port):
            return False
        return said.host == self.host or (_is_here(said.host) and _is_here(self.host))


def _is_any(host: str) -> bool:
    try:
        return not host or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
