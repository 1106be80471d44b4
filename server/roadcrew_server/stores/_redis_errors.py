"""What goes wrong at a Redis or Valkey, in the words of stores.

No sentence here repeats what was sent or what the other side said: either may hold what is nobody's business.
What it is not for: deciding whether to try again.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions as theirs

from roadcrew_server.stores.base import (
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreRefused,
    StoreStarting,
    StoreUnavailable,
)

LINK_ERRORS = (theirs.ConnectionError, theirs.TimeoutError, OSError)
"""The link broke, or never was. (Some answers are of these classes too: `is_answer`.)"""


@contextmanager
def closed_is_broken() -> Iterator[None]:
    """What uvloop calls RuntimeError when one writes to a connection that has just ended is a link that broke."""
    try:
        yield
    except RuntimeError as error:
        if "closed" not in str(error):
            raise
        raise ConnectionResetError("the connection has just ended") from error


_CODE = re.compile(r"-?([A-Z]{2,})\b")
# Redis before 7 tells of an error inside a script in the middle of a sentence of its own.
_WITHIN = re.compile(r"-(OOM|READONLY|MISCONF|NOREPLICAS|LOADING|MASTERDOWN|NOPERM)\b")

_MEANINGS: dict[str, tuple[type[StoreError], str]] = {
    "OOM": (StoreFull, "The store's memory is full. Give it more, or move to a larger one."),
    "READONLY": (StoreReadOnly, "The store is a read-only replica."),
    "MISCONF": (StoreReadOnly, "The store can't write to its disk, and so takes no changes."),
    "NOREPLICAS": (StoreReadOnly, "The store has too few replicas to take changes."),
    "LOADING": (StoreStarting, "The store is loading its data."),
    "MASTERDOWN": (StoreStarting, "The store is a replica that has lost its primary."),
    "CLUSTERDOWN": (StoreStarting, "The store's cluster is down."),
    "TRYAGAIN": (StoreStarting, "The store's cluster is moving data."),
    "ASK": (StoreStarting, "The store's cluster is moving data."),
    "MOVED": (StoreUnavailable, "The store is part of a cluster. Write redis+cluster:// or rediss+cluster://."),
    "CROSSSLOT": (StoreUnavailable, "The store's cluster does not take our keys."),
    "BUSY": (StoreBusy, "The store is busy with a script that takes long."),
    "WRONGPASS": (StoreRefused, "The store does not accept the user name or the password."),
    "NOAUTH": (StoreRefused, "The store wants a password."),
    "NOPERM": (StoreRefused, "The store's ACL does not let us do what we must; see docs/operating.md."),
}
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (theirs.OutOfMemoryError, "OOM"),
    (theirs.ReadOnlyError, "READONLY"),
    (theirs.BusyLoadingError, "LOADING"),
    (theirs.MasterDownError, "MASTERDOWN"),
    (theirs.ClusterDownError, "CLUSTERDOWN"),
    (theirs.SlotNotCoveredError, "CLUSTERDOWN"),
    (theirs.TryAgainError, "TRYAGAIN"),
    (theirs.MovedError, "MOVED"),
    (theirs.AskError, "ASK"),
    (theirs.ClusterCrossSlotError, "CROSSSLOT"),
    (theirs.NoPermissionError, "NOPERM"),
    (theirs.AuthenticationError, "WRONGPASS"),
    (theirs.AuthenticationWrongNumberOfArgsError, "WRONGPASS"),
)


def is_answer(error: Exception) -> bool:
    """True if Redis said no, so that nothing was done; False if the link broke."""
    return isinstance(error, theirs.ResponseError | theirs.BusyLoadingError | theirs.AuthenticationError)


def refusal(error: Exception) -> StoreError:
    """What an answer of Redis means."""
    code = next((code for kind, code in _CLASSES if isinstance(error, kind)), "")
    text = str(error)
    if not code and (found := _CODE.match(text) or _WITHIN.search(text)):
        code = found[1]
    if code == "ERR" and (within := _WITHIN.search(text)):
        code = within[1]
    kind, sentence = _MEANINGS.get(code, (StoreUnavailable, f"The store refused ({code or 'error'})."))
    return kind(sentence)


def unreachable(where: object, error: BaseException) -> StoreUnavailable:
    """No connection could be made, so nothing was sent."""
    if isinstance(error, Exception) and is_answer(error):
        said = refusal(error)
        return said if isinstance(said, StoreUnavailable) else StoreUnavailable(str(said))
    timed_out = isinstance(error, theirs.TimeoutError | TimeoutError)
    why = "in time" if timed_out else f"({_cause(error)})"
    return StoreUnavailable(f"The store at {where} can't be reached {why}.")


def _cause(error: BaseException) -> str:
    """The system's own words, which hold no secret, or the class of the error."""
    root = error
    while (deeper := root.__cause__ or root.__context__) is not None:
        root = deeper
    if isinstance(root, OSError) and root.strerror:
        return root.strerror
    return type(root).__name__
