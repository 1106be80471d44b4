"""Limits on requests: a person's, and an address's where nobody has signed in yet (`limits` library)."""

import time

from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter

from roadcrew_server.problems import Problem
from roadcrew_server.settings import Settings


class Limits:
    """Raises `Problem` 429 with `Retry-After` when somebody is over a limit."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._request = parse(settings.requests_per_user)
        self._signin = parse(settings.signins_per_address)
        self._login = parse(settings.logins_per_name)
        self._invite = parse(settings.invites_per_address)
        self._lookup = parse(settings.lookups_per_address)
        self._webhook = parse(settings.webhooks_per_address)
        self._quotes = parse(settings.quotes_per_user)
        self._quotes_from = parse(settings.quotes_per_address)
        self._imports = parse(settings.jobs_per_user)
        self._feeds_from = parse(settings.feed_mib_per_address)
        self._talk = parse(settings.talk_per_user)
        self._images = parse(settings.images_per_user)
        self._images_from = parse(settings.images_per_address)

    async def request(self, user: str) -> None:
        """Any request of somebody who is signed in."""
        await self._hit(self._request, "user", user)

    async def sign_in(self, address: str) -> None:
        """Becoming a guest, signing up, logging in."""
        await self._hit(self._signin, "address", address)

    async def log_in(self, username: str) -> None:
        """Trying a password."""
        await self._hit(self._login, "name", username.casefold()[:64])

    async def invite(self, address: str) -> None:
        """Looking at or using an invite; codes must not be guessed by trying."""
        await self._hit(self._invite, "invite", address)

    async def webhook(self, address: str) -> None:
        """Telling of a payment; signatures must not be guessed by trying."""
        await self._hit(self._webhook, "webhook", address)

    async def ask_for_prices(self, user: str, address: str) -> None:
        """Starting a quote run. By address too: whoever likes is another guest in a second."""
        await self._hit(self._quotes, "quotes", user)
        await self._hit(self._quotes_from, "quotes-from", address)

    async def send_feed(self, user: str, address: str, size: int) -> None:
        """Starting an import, of so many bytes."""
        await self._hit(self._imports, "imports", user)
        await self._hit(self._feeds_from, "feeds-from", address, -(-size // 1024**2))

    async def talk(self, user: str) -> None:
        """Saying something, or giving a mark."""
        await self._hit(self._talk, "talk", user)

    async def show_image(self, user: str, address: str) -> None:
        """Showing an image, which says something too. By address too, as for prices."""
        await self.talk(user)
        await self._hit(self._images, "images", user)
        await self._hit(self._images_from, "images-from", address)

    async def look_up(self, address: str) -> None:
        """Looking at what the catalogue has."""
        await self._hit(self._lookup, "lookup", address)

    async def _hit(self, item: RateLimitItem, kind: str, who: str, cost: int = 1) -> None:
        if await self._limiter.hit(item, kind, who, cost=cost):
            return
        window = await self._limiter.get_window_stats(item, kind, who)
        wait = min(max(window.reset_time - time.time(), 1), item.get_expiry())
        raise Problem(429, "too-many-requests", f"Too many requests. Try again in {wait:.0f} s.", retry_after=wait)
