"""From the URL of a store to the store: which kind it is, whether it is written well, how it is shown.

What it is not for: opening it. `Store.open` does that.
"""

from typing import TYPE_CHECKING

from roadcrew_server.settings import Settings
from roadcrew_server.stores._redis_address import address_of, is_redis
from roadcrew_server.stores.base import Store
from roadcrew_server.stores.sqlite import SqliteStore, path_of

if TYPE_CHECKING:
    from roadcrew_server.stores._redis_link import Link, LinkOptions

__all__ = ["check_url", "is_redis", "link_for", "make_store", "shown"]


def check_url(url: str) -> None:
    """Raises ValueError with a sentence that shows no password."""
    if is_redis(url):
        address_of(url)
    elif "@" in url:  # a misspelt `redis://USER:PASSWORD@…`, perhaps
        raise ValueError("That is not a store. Write sqlite:///FILE, or redis://HOST:PORT.")
    else:
        path_of(url)


def shown(url: str) -> str:
    """A good URL, fit for logs: of a Redis or Valkey, the kind and the place only."""
    return f"{url.partition('://')[0]}://{address_of(url)}" if is_redis(url) else url


def make_store(settings: Settings) -> Store:
    """The store of these settings, not open yet. Raises ValueError as `check_url` does."""
    check_url(settings.store)
    if not is_redis(settings.store):
        return SqliteStore(path_of(settings.store))
    # A server on SQLite starts without it.
    from roadcrew_server.stores.redis import RedisStore  # noqa: PLC0415

    return RedisStore(address_of(settings.store), options=_options(settings), prefix=settings.store_prefix)


def link_for(settings: Settings) -> "Link":
    """The way to the Redis or Valkey of these settings, for looking at it. The caller closes it."""
    from roadcrew_server.stores._redis_links import link_to  # noqa: PLC0415

    return link_to(address_of(settings.store), _options(settings))


def _options(settings: Settings) -> "LinkOptions":
    from roadcrew_server.stores._redis_link import LinkOptions  # noqa: PLC0415

    return LinkOptions(
        connections=settings.store_connections,
        timeout=settings.store_timeout,
        ca_file=settings.store_ca,
        cert_file=settings.store_cert,
        key_file=settings.store_key,
    )
