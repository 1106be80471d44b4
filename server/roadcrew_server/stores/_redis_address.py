"""Where a Redis or Valkey is, as a URL says it, and how it is shown without its password.

What it is not for: connecting (`_redis_link`). It imports no Redis library, so a server on SQLite starts without one.
"""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

FORMS = (
    "redis://HOST:PORT, rediss:// with TLS, redis+cluster:// or rediss+cluster:// with HOST:PORT,HOST:PORT,…, "
    "or redis+unix:///PATH (valkey… is the same), with USER:PASSWORD@ before the host if need be"
)
_SCHEMES = {
    f"{name}{secure}{kind}": (bool(secure), kind.removeprefix("+"))
    for name in ("redis", "valkey")
    for secure in ("", "s")
    for kind in ("", "+cluster", "+unix")
    if not (secure and kind == "+unix")
}


@dataclass(frozen=True, slots=True)
class Address:
    """Hosts with ports, or the path of a socket; who we are there; which database."""

    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    tls: bool = False
    cluster: bool = False

    def __str__(self) -> str:
        """For people and logs: where, and nothing that is secret."""
        if self.path:
            return self.path
        return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)


def is_redis(url: str) -> bool:
    """True if the URL is meant for this store, right or wrong."""
    return url.partition(":")[0].lower() in _SCHEMES


def address_of(url: str) -> Address:
    """Raises ValueError with a sentence that does not repeat the URL, since it may hold a password."""
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in _SCHEMES:
        raise ValueError(f"A Redis or Valkey store is written as {FORMS}.")
    tls, kind = _SCHEMES[scheme.lower()]
    before, at, after = rest.rpartition("@")
    if kind == "unix":
        return _socket(before if at else "", after)
    places, _, name = after.partition("/")
    if "?" in after or "#" in after:
        raise ValueError("A Redis or Valkey store takes no options in its URL; see the ROADCREW_STORE_… settings.")
    hosts = tuple(_host(place) for place in places.split(","))
    database = _database(name)
    if kind == "cluster" and database:
        raise ValueError("A cluster has one database only, number 0.")
    if kind != "cluster" and len(hosts) > 1:
        raise ValueError("Several hosts are a cluster: write redis+cluster:// or rediss+cluster://.")
    username, password = _credentials(before if at else "")
    return Address(hosts, "", username, password, database, tls, kind == "cluster")


def _socket(credentials: str, rest: str) -> Address:
    parts = urlsplit(f"unix://{rest}")
    query = parse_qs(parts.query, keep_blank_values=True)
    if parts.netloc or not parts.path.strip("/") or set(query) - {"db"} or parts.fragment:
        raise ValueError("A socket is written as redis+unix:///PATH, or redis+unix:///PATH?db=NUMBER.")
    username, password = _credentials(credentials)
    return Address((), unquote(parts.path), username, password, _database(query.get("db", [""])[0]))


def _host(place: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port == 0 or not place.isprintable() or set(place) & set("/?#@ "):
        raise ValueError(f"A Redis or Valkey store is written as {FORMS}.")
    return host, port or 6379


def _database(name: str) -> int:
    if not name:
        return 0
    if not (name.isascii() and name.isdigit()) or len(name) > 4:
        raise ValueError("A database of Redis or Valkey is a number: redis://HOST:PORT/NUMBER.")
    return int(name)


def _credentials(text: str) -> tuple[str | None, str | None]:
    username, _, password = text.partition(":")
    return unquote(username) or None, unquote(password) or None
