"""Ids: of commands (made by clients), of what commands create (derived), and invite codes.

Randomness and the clock come from the caller.
"""

import hashlib
import re
import uuid

from roadcrew_domain.refusals import Refused

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a code can be read out on the phone."""

CODE_LENGTH = 8
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
_DERIVED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(\.[0-9]{1,3})?")


def uuid7(milliseconds: int, random: bytes) -> str:
    """A UUID version 7 (RFC 9562) from Unix time in milliseconds and 10 random bytes."""
    if len(random) != 10:
        raise ValueError("uuid7 takes 10 random bytes")
    return _uuid(7, milliseconds.to_bytes(8, "big")[2:] + random)


def command_id(key: str, *scope: str) -> str:
    """The command id that an idempotency key stands for: the key itself when it is a UUID in its usual
    form (clients of ours send those, and predict with them), else a UUID made from key and scope."""
    try:
        parsed = uuid.UUID(key)
    except ValueError:
        parsed = None
    if parsed is not None and str(parsed) == key:
        return key
    digest = hashlib.blake2b(_bytes("\x00".join((*scope, key))), digest_size=16).digest()
    return _uuid(8, digest)


def _uuid(version: int, octets: bytes) -> str:
    """16 octets with version and variant put in; `uuid.UUID` itself knows no versions past 5 before Python 3.14."""
    number = int.from_bytes(octets, "big") & ~(0xF << 76 | 0x3 << 62)
    return str(uuid.UUID(int=number | version << 76 | 0x2 << 62))


def derived(command: str, index: int) -> str:
    """The id of the `index`-th thing that a command creates."""
    return f"{command}.{index}"


def is_id(text: str) -> bool:
    """True for an id of ours: a UUID, or one derived from it."""
    return _DERIVED.fullmatch(text) is not None


def invite_code(random: bytes) -> str:
    """An invite code such as `K7QM-2D4F`, from 5 random bytes (40 bits)."""
    if len(random) != 5:
        raise ValueError("an invite code takes 5 random bytes")
    number = int.from_bytes(random, "big")
    letters = "".join(CODE_ALPHABET[number >> shift & 31] for shift in range(35, -5, -5))
    return f"{letters[:4]}-{letters[4:]}"


def parse_invite_code(text: str) -> str:
    """The code as we write it, from however somebody typed it. Raises `Refused` (`invite-malformed`)."""
    letters = re.sub(r"[\s\-]", "", text).upper().translate(_LOOKALIKES)
    if len(letters) != CODE_LENGTH or any(c not in CODE_ALPHABET for c in letters):
        raise Refused("invite-malformed", "invalid", "An invite code has eight letters and digits, such as K7QM-2D4F.")
    return f"{letters[:4]}-{letters[4:]}"


def check_of(command: str) -> str:
    """A few bytes that tell one command from another in a cursor."""
    return hashlib.blake2b(_bytes(command), digest_size=4).hexdigest()


def _bytes(text: str) -> bytes:
    """UTF-8 for any text: lone surrogates, which JSON can spell, are no error here."""
    return text.encode("utf-8", "surrogatepass")
