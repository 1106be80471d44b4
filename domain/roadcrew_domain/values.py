"""The base of our immutable values: camelCase in JSON, snake_case in Python."""

import msgspec


class Value(msgspec.Struct, frozen=True, rename="camel"):
    """An immutable value. Unknown fields are ignored when read, so that an older terminal can read what a
    newer server writes; the server's own door refuses unknown fields in what people send."""
