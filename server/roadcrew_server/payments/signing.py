"""Signatures of webhooks: `t=SECONDS,v1=HEX`, an HMAC-SHA256 over `SECONDS.BODY`, as Stripe signs.

What it is not for: knowing what came before. Within the tolerance a webhook can be sent again, which must be harmless.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from roadcrew_server.payments.base import BadNotice

T = TypeVar("T")

HEADER = "roadcrew-signature"
TOLERANCE = timedelta(minutes=5)
"""How far the sender's clock may be from ours, either way; the way here included."""
MAX_HEADER = 1000

_PART = re.compile(r"(t)=([0-9]{1,12})|(v1)=([0-9a-f]{64})|(?!t=|v1=)[a-z0-9]+=[^,]*")


def signature(secret: bytes, at: datetime, body: bytes) -> str:
    """The header's value."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(secret, str(seconds), body)}"


def signed(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime, kind: type[T]) -> T:
    """What a signed body says. Raises `BadNotice` as `check` does, and when it is not JSON of this kind."""
    check(secret, headers, body, now)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadNotice(f"The body is not what it should be: {error}.") from None


def check(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raises `BadNotice` unless one of the header's signatures was made with this secret, for this body, just now."""
    times, signatures = _parts(headers.get(HEADER, ""))
    # Compared before the time is looked at, so that only who has the secret hears that it is late.
    if len(times) != 1 or not any(hmac.compare_digest(_digest(secret, times[0], body), s) for s in signatures):
        raise BadNotice("The signature is missing or is not good.")
    if abs(int(times[0]) - now.timestamp()) > TOLERANCE.total_seconds():
        raise BadNotice("The signature is too old, or a clock is wrong.")


def _parts(header: str) -> tuple[list[str], list[str]]:
    """Times and signatures; both empty if it is not a header of this kind. Other versions are passed over."""
    found = [_PART.fullmatch(part) for part in header[: MAX_HEADER + 1].split(",")]
    if len(header) > MAX_HEADER or not all(found):
        return [], []
    return [m[2] for m in found if m and m[1]], [m[4] for m in found if m and m[3]]


def _digest(secret: bytes, seconds: str, body: bytes) -> str:
    return hmac.new(secret, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
