"""On this computer: the folders, the settings file, and where sign-ins are kept."""

from __future__ import annotations

import os
from pathlib import Path

from roadcrew_client.credentials import VARIABLE, Credentials, CredentialsError, Described
from roadcrew_tui.doctor.findings import Finding, theirs
from roadcrew_tui.settings import Folders, Settings

# --- looking ---------------------------------------------------------------------------------------


def describe(credentials: Credentials) -> Described | CredentialsError:
    """Where sign-ins are kept, or why that can't be said. May take three seconds."""
    try:
        return credentials.describe()
    except CredentialsError as error:
        return error


def can_write(folder: Path) -> bool:
    """Whether files can be made there; in a folder that is not there yet, whether it can be made."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


# --- judging ---------------------------------------------------------------------------------------


def judge_folders(folders: Folders, writable: dict[Path, bool]) -> list[Finding]:
    """Whether what is to be kept can be kept."""
    found = []
    for name, folder in (("settings", folders.config), ("memory", folders.state), ("sign-ins", folders.data)):
        facts = {"folder": str(folder), "writable": writable[folder]}
        if writable[folder]:
            found.append(Finding("folders", "good", f"For {name}: {folder}", facts=facts))
        else:
            words = f"Nothing can be written in {folder}, where {name} are kept."
            found.append(Finding("folders", "bad", words, "Make it yours, or set ROADCREW_HOME to another.", facts))
    return found


def judge_settings(settings: Settings, file: Path, *, exists: bool) -> Finding:
    """Whether the settings file is understood."""
    if settings.trouble:
        mend = f"Mend {file}: roadcrew config edit. What is not understood there is as if it were not there."
        return Finding("folders", "bad", theirs(settings.trouble), mend)
    words = f"The settings file is understood: {file}" if exists else "There is no settings file, and none is needed."
    return Finding("folders", "good", words)


def judge_sign_ins(described: Described | CredentialsError, *, may_use_file: bool) -> list[Finding]:
    """Which store is in use, and whether it works. `may_use_file`: the settings don't forbid it."""
    if isinstance(described, CredentialsError):
        return [Finding("sign-in", "bad", str(described))]
    found = _in_environment(described)
    facts = {
        "keyring": described.keyring,
        "backend": described.backend,
        "inKeyring": [theirs(server) for server in described.in_keyring],
        "file": str(described.file),
        "inFile": [theirs(server) for server in described.servers],
    }
    if described.keyring == "works":
        name = f" ({theirs(described.backend)})" if described.backend else ""
        words = f"Sign-ins are kept in the system's keyring{name}."
        found.append(Finding("sign-in", "good", words, facts=facts))
    elif described.in_keyring:
        words = f"{described.sentence} The sign-in for {_list(described.in_keyring)} is in it."
        mend = f"Unlock it or start it. To do without it, delete {described.file} and sign in again."
        found.append(Finding("sign-in", "bad", words, mend, facts))
    elif may_use_file:
        words = f"{described.sentence} Sign-ins are kept in {described.file}, readable by you only."
        found.append(Finding("sign-in", "note", words, facts=facts))
    else:
        words = f"{described.sentence} The settings say keep_sign_in = false, so a sign-in ends with the app."
        found.append(Finding("sign-in", "note", words, facts=facts))
    if described.servers and described.keyring == "works":
        words = f"Still in {described.file}: the sign-in for {_list(described.servers)}."
        found.append(Finding("sign-in", "note", words, "It moves to the keyring with its next renewal."))
    return found


def _in_environment(described: Described) -> list[Finding]:
    if described.environment is None:
        return []
    if not described.environment:
        words = f"{VARIABLE} is set, and is for no server."
        return [Finding("sign-in", "bad", words, "Set ROADCREW_SERVER to the server that it is for.")]
    words = f"{VARIABLE} is set, and is used at {theirs(described.environment)} instead of any other sign-in."
    return [Finding("sign-in", "note", words, facts={"environment": described.environment})]


def _list(servers: tuple[str, ...]) -> str:
    return ", ".join(theirs(server) for server in servers)
