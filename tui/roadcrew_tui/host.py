"""What this terminal may use of the computer that it runs on: all of it where that is the person's own, nothing where
it is somebody else's, who lets visitors in by ssh or by a browser (docs/decisions/0032-visitor-mode.md).

What an action needs stands in its `Command.needs`; screens offer, and sub-commands run, only what the host lends. What
touches the computer asks `must_lend` besides, as a net. Not for what somebody may do at a server. Light: it is there
before the first paint.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from roadcrew_tui.settings import LOCAL_SERVER

HostPart = Literal["files", "editor", "suspend", "keyring", "servers", "desktop", "processes", "paths"]
"""`files` that a person names; an `editor` of theirs; `suspend`: leaving the screen to the shell; its `keyring`, and a
token in the environment; `servers` other than the host's; a `desktop` to open a browser on; other `processes`; being
told `paths`."""
VARIABLE = "ROADCREW_VISITOR"
NO_HOME = f"{VARIABLE} is set: ROADCREW_HOME must name the folder of this one visitor."
VISITORS_NAME = "Guest"

_CALLED: Mapping[HostPart, str] = {
    "files": "its files",
    "editor": "an editor on it",
    "suspend": "its shell",
    "keyring": "its keyring",
    "servers": "other servers than its own",
    "desktop": "its browser",
    "processes": "other programs on it",
    "paths": "what is known of it",
}


@dataclass(frozen=True)
class Host:
    """`parts` are those that may be used; `server` is the only one that may be spoken to, None: any. `folder` is that
    of a visitor, of whose place nothing is told."""

    parts: frozenset[HostPart]
    server: str | None = None
    folder: str = ""

    def lends(self, *needs: HostPart) -> bool:
        """Whether all of these may be used."""
        return self.parts.issuperset(needs)

    def reaches(self, server: str) -> bool:
        """Whether this server may be spoken to."""
        return self.server is None or is_same(server, self.server)

    def told(self, words: str) -> str:
        """What may be said of these words: to a visitor not where their folder is, nor what lies in it."""
        if not self.folder:
            return words
        kept_here = re.sub(rf"\bin {re.escape(self.folder)}(?:/[\w-]+(?:\.\w+)*)*", "here", words)
        return kept_here.replace(self.folder, "your folder")


OWN = Host(frozenset(get_args(HostPart)))
VISITOR = Host(frozenset(), LOCAL_SERVER)


def here(environ: Mapping[str, str] | None = None) -> Host:
    """What this process may use: `OWN`, or with `ROADCREW_VISITOR=1` what a visitor may, at the server that
    `ROADCREW_SERVER` names. Whatever else than 0 the variable says makes a visitor."""
    environ = os.environ if environ is None else environ
    if environ.get(VARIABLE, "") in ("", "0"):
        return OWN
    home = environ.get("ROADCREW_HOME")
    return Host(VISITOR.parts, environ.get("ROADCREW_SERVER") or VISITOR.server, str(Path(home)) if home else "")


def trouble(environ: Mapping[str, str] | None = None) -> str | None:
    """Why nothing may be started: a visitor without a folder of their own would be whoever owns the computer."""
    environ = os.environ if environ is None else environ
    return NO_HOME if here(environ) != OWN and not Path(environ.get("ROADCREW_HOME", "")).is_absolute() else None


def account_name() -> str:
    """How somebody is called who did not say: as their account on this computer is, if it is theirs."""
    import getpass  # noqa: PLC0415 - seldom

    return VISITORS_NAME if here() != OWN else getpass.getuser()


def refusal(part: HostPart) -> str:
    """What a visitor is told who asks for it."""
    return f"You are a visitor on this computer: {_CALLED[part]} can't be used from here."


def must_lend(part: HostPart) -> None:
    """For what is about to touch the computer. Raises `Refused` (`not-for-visitors`)."""
    if not here().lends(part):
        from roadcrew_domain.refusals import Refused  # noqa: PLC0415 - not before the first paint

        raise Refused("not-for-visitors", "forbidden", refusal(part))


def must_reach(server: str) -> None:
    """For what is about to speak to a server. Raises `Refused` (`not-for-visitors`)."""
    if not here().reaches(server):
        must_lend("servers")


def is_same(server: str, other: str) -> bool:
    """Whether two addresses of servers are one, however they are spelled."""
    return _plain(server) == _plain(other)


def _plain(server: str) -> tuple[str, str | None, str, str]:
    try:
        parts = urlsplit(server.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return (server, None, "", "")
    odd = f"{parts.username or ''}{parts.password or ''}{parts.query}{parts.fragment}"
    return (parts.scheme, parts.hostname, f"{port}{odd}", parts.path.rstrip("/"))
