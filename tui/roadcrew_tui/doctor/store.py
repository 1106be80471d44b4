"""The Redis or Valkey of a server that runs here, if `ROADCREW_STORE` names one: does it lose nothing?

It is looked at by the server's packages, in a process of their own. Not for a server's file; that is its server's.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from roadcrew_tui.doctor.findings import Finding, theirs
from roadcrew_tui.serving import CantServe, server_command

VARIABLE = "ROADCREW_STORE"
SECONDS = 40.0
"""More than a store is waited for."""


def findings(environment: Mapping[str, str]) -> list[Finding]:
    """Nothing where no shared store is named."""
    url = environment.get(VARIABLE, "")
    if not url or url.startswith("sqlite:"):
        return []
    try:
        command = server_command([], "roadcrew_server.stores.look")
    except CantServe as error:
        return [Finding("store", "note", f"The store that {VARIABLE} names was not looked at.", str(error))]
    return judge(_said(command))


def _said(command: list[str]) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=True,
        )
        said = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        return {"error": f"The store could not be looked at ({type(error).__name__})."}
    return said if isinstance(said, dict) else {}


def judge(said: Mapping[str, Any]) -> list[Finding]:
    """What the look found, in sentences."""
    if not said:
        return []
    place = theirs(said.get("store", f"the store of {VARIABLE}"))
    if "error" in said:
        return [Finding("store", "bad", theirs(said["error"]), f"See that {place} is there, or set {VARIABLE} right.")]
    kind = f"{theirs(said['name']).capitalize()} {theirs(said['version'])}"
    facts = {name: said[name] for name in ("store", "name", "version", "durable")}
    if not said["warnings"]:
        words = f"{place}: {kind}. Every change is on its disk before it is acknowledged, and nothing is thrown away."
        return [Finding("store", "good", words, facts=facts)]
    found = []
    for warning in said["warnings"]:
        words, _, mend = warning.partition(". ")
        found.append(Finding("store", "bad", f"{place}: {kind}. {theirs(words)}.", theirs(mend), facts))
    return found
