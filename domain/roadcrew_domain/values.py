"""The base of our immutable values: camelCase in JSON, snake_case in Python. And what times must be."""

from datetime import datetime
from typing import Annotated

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone. One without is refused when read: it can't be compared with ours."""


class Value(msgspec.Struct, frozen=True, rename="camel"):
    """An immutable value. Unknown fields are ignored when read, so that an older terminal can read what a
    newer server writes; the server's own door refuses unknown fields in what people send."""
