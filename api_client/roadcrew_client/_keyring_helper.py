"""The system's keyring, used in a process of its own so that it can be killed: `get`, `set`, `delete` or `state`.

A keyring that waits for a D-Bus answer, or for somebody to unlock it, blocks a thread and the program's end for
minutes. What is asked stands on stdin as JSON `{"service", "name", "secret"}`, the answer goes to stdout as
`{"state", "backend", "secret"}`: secrets are never in the arguments, which every user of the machine can see.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

LIFE = 30
"""Seconds after which we end by ourselves: who asked may have been killed meanwhile."""


def main() -> None:
    """Ask, and answer. A backend that breaks ends us without an answer, which is one too."""
    if hasattr(signal, "alarm"):
        signal.alarm(LIFE)
    asked = json.load(sys.stdin)
    # What a backend prints must not stand in the answer.
    out, sys.stdout = sys.stdout, sys.stderr
    json.dump(_answer(sys.argv[1], asked), out)


def _answer(verb: str, asked: dict[str, str]) -> dict[str, Any]:
    """`works`; `none`: no keyring to use here; `locked`; `empty`: it has nothing under that name; `forgets`: it does
    not keep what it is given."""
    import keyring  # noqa: PLC0415 — what takes long here is killed with us
    from keyring.backends import fail, null  # noqa: PLC0415
    from keyring.errors import KeyringError, KeyringLocked, PasswordDeleteError  # noqa: PLC0415

    service, name, secret = asked["service"], asked["name"], asked.get("secret")
    backend = keyring.get_keyring()
    found: dict[str, Any] = {"state": "works", "backend": backend.name}
    if isinstance(backend, fail.Keyring | null.Keyring):
        return {"state": "none"}
    try:
        match verb:
            case "set":
                backend.set_password(service, name, str(secret))
                if backend.get_password(service, name) != secret:
                    found["state"] = "forgets"
            case "delete":
                backend.delete_password(service, name)
            case _:
                found["secret"] = backend.get_password(service, name)
                if found["secret"] is None:
                    found["state"] = "empty"
    except PasswordDeleteError:
        found["state"] = "empty"
    except KeyringLocked:
        found["state"] = "locked"
    except KeyringError:
        found["state"] = "none"
    return found


if __name__ == "__main__":
    main()
