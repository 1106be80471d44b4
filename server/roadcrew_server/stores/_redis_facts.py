"""What an operator wants to know of a Redis or Valkey, and whether it will do at all.

What it is not for: changing anything there.
"""

import re

from roadcrew_server.stores._redis_link import Link
from roadcrew_server.stores.base import StoreError, StoreFacts, StoreUnavailable

OLDEST = (6, 2)
_WANTED = ("appendonly", "appendfsync", "maxmemory-policy")

_LOSSY = (
    "The store does not sync every change to its disk, so a crash there can lose changes that were acknowledged. "
    "Set appendonly yes and appendfsync always."
)
_EVICTS = "The store throws data away when its memory is full. Set maxmemory-policy noeviction."
_HIDDEN = "The store does not show its settings; make sure of appendonly yes, appendfsync always and noeviction."


async def facts_of(link: Link) -> StoreFacts:
    """Raises `StoreUnavailable` for one that is too old, a replica, or a part of a cluster taken for the whole."""
    infos = [_parsed(info) for info in await link.each_primary("INFO", "everything")]
    for info in infos:
        _refuse(link, info)
    oldest = min(infos, key=_version)
    kind, version = _name(oldest), ".".join(map(str, _version(oldest)))
    try:
        settings = [await link_settings(link, name) for name in _WANTED]
    except StoreError:
        return StoreFacts(kind, version, durable=False, warnings=[_HIDDEN])
    appends, syncs, policies = settings
    if not (appends and syncs and policies):
        return StoreFacts(kind, version, durable=False, warnings=[_HIDDEN])
    durable = appends == {"yes"} and syncs == {"always"}
    kept = policies == {"noeviction"}
    return StoreFacts(kind, version, durable, [text for good, text in ((durable, _LOSSY), (kept, _EVICTS)) if not good])


async def link_settings(link: Link, name: str) -> set[str]:
    """The values of a setting on all nodes; none if it is not shown."""
    found: set[str] = set()
    for answer in await link.each_primary("CONFIG", "GET", name):
        pairs = [*answer.values()] if isinstance(answer, dict) else answer[1::2]
        if not pairs:
            return set()
        found.update(value.decode() if isinstance(value, bytes) else value for value in pairs)
    return found


def _refuse(link: Link, info: dict[str, str]) -> None:
    if _version(info)[:2] < OLDEST:
        found = f"{_name(info)} {'.'.join(map(str, _version(info)))}"
        raise StoreUnavailable(f"The store at {link.address} is {found}; Redis 6.2 or a Valkey is needed.")
    if info.get("cluster_enabled") == "1" and not link.address.cluster:
        raise StoreUnavailable(
            f"The store at {link.address} is part of a cluster. Write redis+cluster:// or rediss+cluster://."
        )
    if info.get("role") in ("slave", "replica"):
        raise StoreUnavailable(f"The store at {link.address} is a read-only replica. Name its primary.")


def _parsed(info: bytes | dict[str, object]) -> dict[str, str]:
    if isinstance(info, dict):
        return {str(name): str(value) for name, value in info.items()}
    lines = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
    return {name: value.strip() for name, colon, value in lines if colon}


def _name(info: dict[str, str]) -> str:
    return "valkey" if info.get("server_name") == "valkey" or "valkey_version" in info else "redis"


def _version(info: dict[str, str]) -> tuple[int, ...]:
    own = info.get("valkey_version") or info.get("redis_version", "")
    return tuple(int(part) for part in re.findall(r"\d+", own)[:3])
