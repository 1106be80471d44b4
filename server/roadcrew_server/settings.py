"""Every setting of the server, from `ROADCREW_…` environment variables and the command line.

Durations are in seconds unless the name says otherwise; rates are written as the `limits` library reads them.
"""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit

from platformdirs import user_data_path
from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from roadcrew_domain.trip import Bounds

_ADDRESS = re.compile(r"https?://[\w.~:/%\[\]-]+", re.IGNORECASE)


def default_store() -> str:
    """The store of a server that was told nothing: a file in the data folder of `ROADCREW_HOME`, or else of the
    platform."""
    home = os.environ.get("ROADCREW_HOME")
    folder = Path(home).expanduser().absolute() / "data" if home else user_data_path("roadcrew")
    return f"sqlite:///{quote((folder / 'roadcrew.db').as_posix(), safe='/:')}"


class Settings(BaseSettings):
    """See docs/operating.md. Immutable once read."""

    model_config = SettingsConfigDict(env_prefix="ROADCREW_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(8787, ge=0, le=65535)
    public_url: str | None = None
    store: str = Field(default_factory=default_store)
    workers: int = Field(1, ge=1, le=64)
    server_name: str = "Roadcrew"
    trusted_proxies: str = ""

    # what a trip may be
    trip_days: float = Field(180, gt=0, le=3650)
    max_discount_percent: int = Field(15, ge=0, le=100)
    default_discount_percent: int = Field(10, ge=0, le=100)
    max_required_members: int = Field(50, ge=2, le=500)

    # sessions
    session_days: float = Field(90, gt=0)
    session_cache: float = Field(60, ge=0)
    session_delay: float = Field(0, ge=0, le=86_400)
    renewal_grace: float = Field(60, ge=0)

    # streams and polls
    heartbeat: float = Field(15, gt=0, le=30)
    stream_life: float | None = Field(None, gt=0)
    send_timeout: float = Field(30, gt=0)
    stream_presence: float = Field(45, gt=0)
    poll_presence: float = Field(30, gt=0)
    send_buffer: int = Field(64 * 1024, ge=4096)
    drain_window: float = Field(3, ge=0)

    # bounds
    max_body: int = Field(64 * 1024, ge=1024)
    body_timeout: float = Field(30, gt=0)
    streams_per_user: int = Field(24, ge=1)
    max_streams: int = Field(20_000, ge=1)
    requests_per_user: str = "1200/minute"
    signins_per_address: str = "240/minute"
    logins_per_name: str = "10/minute"
    invites_per_address: str = "240/minute"

    # upkeep
    snapshot_every: int = Field(200, ge=1)
    ring: int = Field(256, ge=1)
    idle_topic: float = Field(300, ge=0)
    max_topics: int = Field(10_000, ge=1)
    timer_interval: float = Field(0.5, gt=0)
    timer_look: float = Field(300, gt=0)
    command_ids_days: float = Field(7, gt=0)

    @field_validator("public_url")
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

    @property
    def bounds(self) -> Bounds:
        """What a trip's discount may be (T1)."""
        return Bounds(
            max_discount_percent=self.max_discount_percent,
            default_discount_percent=min(self.default_discount_percent, self.max_discount_percent),
            max_required_members=self.max_required_members,
            default_required_members=min(4, self.max_required_members),
        )

    def address(self, port: int) -> str:
        """Where people reach this server: the public address, or where it listens."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
