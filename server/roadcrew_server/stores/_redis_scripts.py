"""The Lua scripts that run inside Redis or Valkey, one file each in `lua/`, every one after `prelude.lua`.

A script is one step that nobody can see half of. What it is not for: sending them (`_redis_link`).
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script, its hash, and whether running it twice for one call does no harm.

    Those that are safe are sent again by the link after a break. Of the others an answer that got lost is an
    uncertain outcome, which the caller is told.
    """

    name: str
    text: str
    sha: str
    repeatable: bool


_FOLDER = files("roadcrew_server.stores") / "lua"
_PRELUDE = (_FOLDER / "prelude.lua").read_text("utf-8")


def _script(name: str, *, repeatable: bool) -> Script:
    text = f"{_PRELUDE}\n{(_FOLDER / f'{name}.lua').read_text('utf-8')}"
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), repeatable)


APPEND = _script("append", repeatable=False)
LOAD = _script("load", repeatable=True)
READ = _script("read", repeatable=True)
RECORDED = _script("recorded", repeatable=True)
COMPACT = _script("compact", repeatable=True)
FORGET = _script("forget", repeatable=True)

GET = _script("get", repeatable=True)
CREATE = _script("create", repeatable=False)
PUT = _script("put", repeatable=True)
REPLACE = _script("replace", repeatable=False)
REVOKE = _script("revoke", repeatable=True)
INDEX_REMOVE = _script("index_remove", repeatable=True)

DUE_PEEK = _script("due_peek", repeatable=True)
# What a lost answer handed out is handed out again later.
DUE_TAKE = _script("due_take", repeatable=True)

# A holder who takes a lease again gets it again, under a newer fence.
LEASE_TAKE = _script("lease_take", repeatable=True)
LEASE_RENEW = _script("lease_renew", repeatable=True)
LEASE_RELEASE = _script("lease_release", repeatable=True)

PRESENCE_SET = _script("presence_set", repeatable=True)
PRESENCE_DROP = _script("presence_drop", repeatable=True)
PRESENCE_RENEW = _script("presence_renew", repeatable=True)

TOPIC_FACTS = _script("topic_facts", repeatable=True)
WALK_COMMANDS = _script("walk_commands", repeatable=True)
INDEX_ALL = _script("index_all", repeatable=True)
RESTORE_TOPIC = _script("restore_topic", repeatable=True)
RESTORE_LOG = _script("restore_log", repeatable=True)
RESTORE_FENCE = _script("restore_fence", repeatable=True)
