"""The system's keyring as the rest of us asks it: in a process that is killed when the time is over. Not for what
follows from an answer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, get_args

SERVICE = "roadcrew"
_POSIX = os.name == "posix"

State = Literal["works", "empty", "forgets", "none", "locked", "slow", "broken"]
"""What became of asking. `empty`: it works, and has nothing under that name; `forgets`: it does not keep what it is
given; `slow`: no answer in time; `broken`: it ended without one."""

SENTENCES: dict[State, str] = {
    "works": "The system's keyring works.",
    "empty": "The system's keyring works.",
    "forgets": "The system's keyring does not keep what it is given.",
    "none": "No keyring works here.",
    "locked": "The system's keyring is locked.",
    "slow": "The system's keyring does not answer.",
    "broken": "The system's keyring can't be used just now.",
}

BACKEND = "PYTHON_KEYRING_BACKEND"
TURNED_OFF = ("keyring.backends.null.Keyring", "keyring.backends.fail.Keyring")
"""What people set who want no keyring: then no process is started to hear that there is none."""


@dataclass(frozen=True, slots=True)
class Answered:
    """`backend`: what the keyring calls itself, if it got so far."""

    state: State
    secret: str | None = None
    backend: str | None = None


def ask(verb: Literal["get", "set", "delete"], name: str, secret: str | None = None, *, timeout: float) -> Answered:
    """Do one thing with what the keyring has under a name. Blocks for `timeout` seconds at most; what a keyring does
    is an answer, never an error."""
    if os.environ.get(BACKEND) in TURNED_OFF:
        return Answered("none")
    command = [sys.executable, "-P", "-m", "roadcrew_client._keyring_helper", verb]
    process = subprocess.Popen(  # noqa: S603 — our own module, no words of strangers
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=_POSIX,
    )
    asked = {"service": SERVICE, "name": name, "secret": secret}
    try:
        out, _ = process.communicate(json.dumps(asked).encode(), timeout=timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        return Answered("slow")
    except BaseException:  # ctrl+c: it is in a session of its own, and would stay
        _kill(process)
        raise
    return _read(out)


def _read(out: bytes) -> Answered:
    try:
        answer = json.loads(out)
        state, secret, backend = answer["state"], answer.get("secret"), answer.get("backend")
    except (ValueError, TypeError, KeyError, AttributeError):
        return Answered("broken")
    if state not in get_args(State):
        return Answered("broken")
    return Answered(state, secret if isinstance(secret, str) else None, None if backend is None else str(backend))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children, without waiting for pipes that a child may hold."""
    with suppress(ProcessLookupError, PermissionError):
        if _POSIX:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)
