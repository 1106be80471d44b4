"""Every setting of the server, from `ROADCREW_…` environment variables and the command line.

Durations are in seconds unless the name says otherwise; rates are written as the `limits` library reads them.
"""

import os
import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlsplit

from limits import parse
from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from roadcrew_domain.cart import CartBounds
from roadcrew_domain.ids import is_id
from roadcrew_domain.seats_state import HoldBounds
from roadcrew_domain.trip import Bounds

_ADDRESS = re.compile(r"https?://[\w.~:/%\[\]-]+", re.IGNORECASE)
_BLOBS = re.compile(r"file:///[^?#]+|s3://[a-z0-9][a-z0-9.-]{1,62}(/[\w./-]*)?", re.ASCII)
_SERVICE = re.compile(r"(wss?://)?([\w.~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def _service_url(text: str) -> str:
    """The WebSocket address of a service, without a path; without TLS only if that was said, or it is here. Raises
    ValueError."""
    text = text.strip().rstrip("/")
    found = _SERVICE.fullmatch(text)
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        good = found is not None and parts.hostname is not None and parts.port != 0
        scheme = parts.scheme or ("ws" if _is_here(parts.hostname or "") else "wss")
        url = f"{scheme}://{parts.netloc}"
    except ValueError:
        good, url = False, ""
    if not good:
        raise ValueError(
            "A price-monitor service is HOST:PORT, perhaps with ws:// or wss:// in front, such as 127.0.0.1:8790."
        )
    return url


def _is_here(host: str) -> bool:
    """Whether this is this computer itself, whatever a name service says."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def default_store() -> str:
    """The store of a server that was told nothing: a file in the data folder of `ROADCREW_HOME`, or else of the
    platform."""
    home = os.environ.get("ROADCREW_HOME")
    folder = Path(home).expanduser().absolute() / "data" if home else user_data_path("roadcrew")
    return f"sqlite:///{quote((folder / 'roadcrew.db').as_posix(), safe='/:')}"


class Settings(BaseSettings):
    """Immutable once read. What is said of each stands in docs/operating.md too (scripts/settings_table.py)."""

    model_config = SettingsConfigDict(
        env_prefix="ROADCREW_", frozen=True, extra="ignore", use_attribute_docstrings=True, validate_by_name=True
    )

    host: str = "127.0.0.1"
    """The address to listen on. The default is this computer only; `0.0.0.0` or `::` is all of its addresses."""
    port: int = Field(8787, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""
    public_url: str | None = None
    """How people reach the server, `https://HOST`, perhaps with a path. Invite links begin with it; without it they
    work on this computer only, and the app says so."""
    web_url: str | None = None
    """How browsers reach the `roadcrew web` for this server, `https://HOST`, perhaps with a path. Pages of invites then
    say *Open here*. Empty: they don't."""
    store: str = Field(default_factory=default_store)
    """Where trips are kept: `sqlite:///FILE` (four slashes: an absolute path), or a Redis or Valkey (`redis://…`).
    By default the file `roadcrew.db` in `data` of `ROADCREW_HOME`, or else in the platform's data folder."""
    workers: int = Field(1, ge=1, le=64)
    """Processes that serve on the address. More than one need a Redis or Valkey."""
    store_prefix: str = Field("roadcrew", pattern=r"^[A-Za-z0-9_.:-]{1,64}$")
    """What the keys in a Redis or Valkey begin with; two installations in one have two."""
    store_connections: int = Field(32, ge=2, le=1000)
    """Connections of one process to a Redis or Valkey, at the most (in a cluster: to each node)."""
    store_timeout: float = Field(5, gt=0, le=60)
    """A Redis or Valkey must let us connect, and must answer, within."""
    store_ca: Path | None = None
    """A file of authorities that the certificate of a `rediss://` store may be from. Empty: those of the system."""
    store_cert: Path | None = None
    """The certificate that we show to a `rediss://` store."""
    store_key: Path | None = None
    """The key of that certificate."""
    catalog: str | None = None
    """The exhibitions that can be booked: a file (TOML or CSV, see *Exhibitions*), or `sample`, which is made up.
    Empty: there is nothing to book."""
    server_name: str = "Roadcrew"
    """What the server calls itself in `GET /api/server`."""
    trusted_proxies: str = ""
    """Addresses or networks of reverse proxies whose `X-Forwarded-For` is believed, with commas between:
    `127.0.0.1,10.0.0.0/8`. `*` believes the last entry, whoever connects. Empty: nobody is believed."""

    hold_minutes: float = Field(15, gt=0, le=24 * 60)
    """Seats in a cart are held for so long, and for so long again with each extension."""
    hold_extensions: int = Field(10, ge=0, le=1000)
    """So often seats in a cart can be kept for longer."""
    hold_longest_minutes: float = Field(120, gt=0, le=7 * 24 * 60)
    """Seats in a cart are never held for longer than this in all."""
    seats_per_person: int = Field(10, ge=1, le=10_000)
    """One person can have so many seats of a time slot, held or ordered."""
    unpaid_seats_per_person: int = Field(40, ge=1, le=100_000)
    """One person can have so many seats that nobody has paid for, of all time slots to come together, held or ordered.
    Seats that cost nothing count too."""
    book_ahead_days: int = Field(365, ge=1, le=3650)
    """Time slots can be booked so far ahead; later ones are not offered yet. What payments came to is kept for so long
    and 35 days after it was last written, so let it not become smaller while there are orders further ahead."""
    pay_minutes: float = Field(15, gt=0, le=24 * 60)
    """An order must be paid within, or its seats are free again. One that is paid at the venue has until its slot
    begins."""
    payments: str = "venue"
    """Who takes payments, in the order in which people are offered them, with commas between: `venue`, `simulated` (no
    money moves), or installed plug-ins. Empty: nothing can be paid."""
    organisers_word: Literal["others", "all", "none"] = "others"
    """An organiser's word that an order of their trip was paid at the venue is taken for those of `others`, for `all`
    (their own too), or for `none`."""
    payment_timeout: float = Field(20, gt=0, le=120)
    """A payment provider must answer within; what came of it is asked later."""

    # prices
    quotes: str | None = None
    """Who is asked for prices: a file (TOML, see [quote providers](quote-providers.md)), or `sample`, whose prices are
    made up. Empty: nobody."""
    quote_hours: float = Field(2, gt=0, le=7 * 24)
    """For so long the prices that somebody asked for can be read."""
    quotes_per_user: str = "60/hour"
    """Over it, somebody who asks for prices is answered 429 with `Retry-After`."""
    quotes_per_address: str = "600/hour"
    """The same for all who ask from one address (of IPv6: one network, /64)."""
    monitor_price_app_host: str = Field("", validation_alias="MONITOR_PRICE_APP_HOST")
    """Where the service listens that reads feeds of hotels: `HOST:PORT`, or with `wss://` in front. It is spoken to by
    TLS, but for one on this computer. Empty: no feeds are taken."""
    price_monitor_api_key: SecretStr = Field(SecretStr(""), validation_alias="PRICE_MONITOR_API_KEY")
    """The key that the service asks for. It never reaches a terminal."""
    price_monitor_insecure: bool = False
    """Whether `ws://` is good enough for a service on another computer, where the way there is safe by other means."""
    monitor_patience: float = Field(300, gt=0, le=3600)
    """An import waits for a service that can't be reached, or says nothing, for so long in one go; then it failed."""
    max_feed: int = Field(32 * 1024 * 1024, ge=1024, le=1024**3)
    """Bytes of one feed; more is answered 413."""
    job_hours: float = Field(24, gt=0, le=30 * 24)
    """For so long what was imported can be read."""
    jobs_per_user: str = "30/hour"
    """Over it, somebody who sends feeds is answered 429 with `Retry-After`."""

    feed_mib_per_address: str = "1024/day"
    """MiB of feeds from one address (of IPv6: one network, /64); more are answered 429 with `Retry-After`. What is
    imported takes about as much room in the store as its feed, until it is no longer kept."""

    # talk
    talk_per_user: str = "60/minute"
    """Over it, somebody who writes, reacts, rates, likes or saves is answered 429 with `Retry-After`."""
    images_per_user: str = "30/hour"
    """The same for images, which count for both."""
    images_per_address: str = "300/hour"
    """The same for all images from one address (of IPv6: one network, /64)."""
    moderators: str = ""
    """Ids of people (`GET /api/session`) who may remove what others said of hotels and exhibitions, with commas
    between. In a trip, its organiser may."""
    max_image_bytes: int = Field(10 * 1024 * 1024, ge=1024, le=100 * 1024 * 1024)
    """Bytes of one image as it is sent; more is answered 413."""
    max_image_pixels: int = Field(40_000_000, ge=10_000, le=200_000_000)
    """Pixels of one image; more is answered 422."""
    blobs: str = ""
    """Where images are kept: `file:///FOLDER` that all processes share, or `s3://BUCKET`, perhaps with a path. Empty:
    in the store."""

    # what a trip may be
    trip_days: float = Field(180, gt=0, le=3650)
    """For so long a trip is kept after its last change. It warns a week before."""
    max_discount_percent: int = Field(15, ge=0, le=100)
    """The highest group discount that a trip may have."""
    default_discount_percent: int = Field(10, ge=0, le=100)
    """The group discount of a trip whose organiser named none."""
    max_required_members: int = Field(50, ge=2, le=500)
    """The largest group that a discount may ask for."""

    # sessions
    session_days: float = Field(90, gt=0)
    """How long a sign-in lasts."""
    session_cache: float = Field(60, ge=0)
    """For so long a process answers for a session without asking the store. One that is signed out ends at once."""
    session_delay: float = Field(0, ge=0, le=86_400)
    """A new session can be used after this long; until then it is answered 401 `session-not-ready`, and the app
    waits. For trying out what a slow sign-in service does to people."""
    renewal_grace: float = Field(60, ge=0)
    """For so long the old token is good after it was renewed, for requests that are under way."""

    # streams and polls
    heartbeat: float = Field(15, gt=0, le=30)
    """A comment goes out on quiet streams this often, so that what is between keeps them open."""
    stream_life: float | None = Field(None, gt=0)
    """Streams are ended with notice after this long, for hosts that cut them anyway; clients come back at once.
    Empty: a stream lasts as long as its session."""
    send_timeout: float = Field(30, gt=0)
    """A stream whose reader takes nothing for so long is ended; it goes on later where it was."""
    stream_presence: float = Field(45, gt=0)
    """Somebody whose terminal vanished without a word is shown as here for so long."""
    poll_presence: float = Field(30, gt=0)
    """Somebody who polls is shown as here for so long after each poll."""
    send_buffer: int = Field(64 * 1024, ge=4096)
    """Bytes that the kernel holds for a reader that is slow."""
    drain_window: float = Field(3, ge=0)
    """Streams get so long to end when the server stops."""

    # bounds
    max_body: int = Field(64 * 1024, ge=1024)
    """Bytes of a request's body; more is answered 413."""
    body_timeout: float = Field(30, gt=0)
    """A body must have come within; later is answered 408."""
    streams_per_user: int = Field(24, ge=1)
    """Streams that one person may have open in one process; more are answered 429, and the app polls."""
    max_streams: int = Field(20_000, ge=1)
    """Streams that one process holds."""
    requests_per_user: str = "1200/minute"
    """Over it, somebody's requests are answered 429 with `Retry-After`."""
    signins_per_address: str = "240/minute"
    """The same for signing in and signing up, by address (of IPv6: by network, /64)."""
    logins_per_name: str = "10/minute"
    """The same for tries at one user name's password, wherever they come from."""
    invites_per_address: str = "240/minute"
    """The same for looking at invites and using them, by address."""
    lookups_per_address: str = "600/minute"
    """The same for looking at exhibitions and their time slots, by address."""
    webhooks_per_address: str = "600/minute"
    """The same for what payment providers send, by address."""

    runs_per_process: int = Field(500, ge=1)
    """Quote runs that one process works on at the same time, and imports beside them; more wait for their turn."""

    # upkeep
    snapshot_every: int = Field(200, ge=1)
    """Events of a trip after which its state is written as a whole, and older events are trimmed."""
    ring: int = Field(256, ge=1)
    """Newest events of each trip in use that are held in memory."""
    idle_topic: float = Field(300, ge=0)
    """A trip that nobody uses leaves memory after this long."""
    max_topics: int = Field(10_000, ge=1)
    """Over so many trips in memory, those that nobody follows leave it sooner."""
    timer_interval: float = Field(0.5, gt=0)
    """How exactly deadlines are kept."""
    timer_look: float = Field(300, gt=0)
    """How often the store is asked for deadlines that another process has set, which may be gone."""
    command_ids_days: float = Field(7, gt=0)
    """For so long a change can be sent again under its Idempotency-Key without being done twice."""

    @field_validator("public_url", "web_url")
    @classmethod
    def _an_address(cls, text: str | None) -> str | None:
        """Links are made by adding to it, so nothing may come after its path."""
        if not text:
            return None
        try:
            parts = urlsplit(text)
            good = _ADDRESS.fullmatch(text) and parts.hostname and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise ValueError(
                f"A public address is http:// or https:// with a host and perhaps a path, such as "
                f"https://trips.example.org, not {text!r}."
            )
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, text: str) -> str:
        proxies = [part.strip() for part in text.split(",") if part.strip()]
        for proxy in proxies:
            try:
                if proxy != "*":
                    ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError(
                    f"Trusted proxies are addresses or networks with commas between, such as "
                    f"127.0.0.1,10.0.0.0/8, not {proxy!r}."
                ) from None
        return ",".join(proxies)

    @field_validator("monitor_price_app_host")
    @classmethod
    def _a_service(cls, text: str) -> str:
        return _service_url(text) if text.strip() else ""

    @field_validator("payments")
    @classmethod
    def _names(cls, text: str) -> str:
        return ",".join(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))

    @field_validator("moderators")
    @classmethod
    def _people(cls, text: str) -> str:
        people = [part.strip() for part in text.split(",") if part.strip()]
        for person in people:
            if not is_id(person):
                raise ValueError(f"Moderators are the ids of people with commas between, not {person!r}.")
        return ",".join(people)

    @field_validator("blobs")
    @classmethod
    def _a_place(cls, text: str) -> str:
        text = text.strip()
        if text and _BLOBS.fullmatch(text) is None:
            raise ValueError(f"Images are kept in file:///FOLDER or s3://BUCKET/PATH, not in {text!r}.")
        return text

    @field_validator(
        "requests_per_user",
        "signins_per_address",
        "logins_per_name",
        "invites_per_address",
        "lookups_per_address",
        "webhooks_per_address",
        "quotes_per_user",
        "quotes_per_address",
        "jobs_per_user",
        "feed_mib_per_address",
        "talk_per_user",
        "images_per_user",
        "images_per_address",
    )
    @classmethod
    def _a_rate(cls, text: str) -> str:
        try:
            parse(text)
        except ValueError:
            raise ValueError(f"A rate is a number of times in a while, such as 240/minute, not {text!r}.") from None
        return text

    @model_validator(mode="after")
    def _shared(self) -> Self:
        """Processes share trips through a store that is made for it."""
        if self.workers > 1 and self.store.startswith("sqlite:"):
            raise ValueError(
                f"A file (sqlite:///…) serves one process. For {self.workers} workers, keep trips in a Redis or a "
                "Valkey: --store redis://HOST:PORT."
            )
        if self.workers > 1 and os.name != "posix":
            raise ValueError("Here processes can't share a port. Start one worker a port, and a proxy in front.")
        return self

    @model_validator(mode="after")
    def _a_key_for_the_service(self) -> Self:
        url, key = urlsplit(self.monitor_price_app_host), self.price_monitor_api_key.get_secret_value()
        if url.scheme and not key:
            raise ValueError("A price-monitor service (MONITOR_PRICE_APP_HOST) wants its key in PRICE_MONITOR_API_KEY.")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError("The key in PRICE_MONITOR_API_KEY has printable characters of ASCII, and no spaces.")
        if url.scheme == "ws" and not self.price_monitor_insecure and not _is_here(url.hostname or ""):
            raise ValueError(
                "A price-monitor service on another computer is spoken to by wss://, since ws:// shows its key to "
                "whoever is between. If the way there is safe by other means, set ROADCREW_PRICE_MONITOR_INSECURE=1."
            )
        return self

    @property
    def bounds(self) -> Bounds:
        """What a trip's discount may be (T1)."""
        return Bounds(
            max_discount_percent=self.max_discount_percent,
            default_discount_percent=min(self.default_discount_percent, self.max_discount_percent),
            max_required_members=self.max_required_members,
            default_required_members=min(4, self.max_required_members),
        )

    @property
    def cart_bounds(self) -> CartBounds:
        """What one person may hold, for how long, and how far ahead (C2)."""
        hold = HoldBounds(int(self.hold_minutes * 60), self.hold_extensions, int(self.hold_longest_minutes * 60))
        return CartBounds(self.seats_per_person, hold, self.unpaid_seats_per_person, self.book_ahead_days)

    @property
    def payment_names(self) -> tuple[str, ...]:
        """The names of the payment providers, each once."""
        return tuple(self.payments.split(",")) if self.payments else ()

    @property
    def moderator_ids(self) -> frozenset[str]:
        """Who may remove what others said of locations."""
        return frozenset(self.moderators.split(",")) if self.moderators else frozenset()

    def address(self, port: int) -> str:
        """Where people reach this server: the public address, or where it listens."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
