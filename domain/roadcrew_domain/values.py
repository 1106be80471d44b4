"""The base of our immutable values: camelCase in JSON, snake_case in Python. And what times must be."""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

T = TypeVar("T")

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone. One without is refused when read: it can't be compared with ours."""


class Value(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """An immutable value. Unknown fields are ignored when read, so that an older terminal can read what a
    newer server writes; the server's own door refuses unknown fields in what people send.

    `gc=False`: a value is made of older values, so there are no cycles for Python's collector to look for; it would
    stop the world for it, the longer the larger the trip."""


def read(decoder: msgspec.json.Decoder[T], body: bytes | str | msgspec.Raw) -> T:
    """What these bytes say. Raises `ValueError` for any that the decoder can't read, however deep they are nested."""
    try:
        return decoder.decode(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
