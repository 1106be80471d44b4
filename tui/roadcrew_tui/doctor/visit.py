"""One visit of the doctor: looks at everything in turn, and tells each thing as it is found."""

from __future__ import annotations

import asyncio
import os
import sys

from roadcrew_client.credentials import Credentials, CredentialsError
from roadcrew_client.links import base_address
from roadcrew_tui import settings as prefs
from roadcrew_tui import symbols
from roadcrew_tui.doctor import here, store, terminal
from roadcrew_tui.doctor.findings import Finding, as_json, closing, lines_of, status_of
from roadcrew_tui.doctor.there import examine
from roadcrew_tui.oneshot import hint, show
from roadcrew_tui.settings import Folders, Settings


class Report:
    """What was found so far; for people it is printed at once, under a heading for each area."""

    def __init__(self, *, json: bool) -> None:
        self.findings: list[Finding] = []
        self._json = json

    def say(self, finding: Finding) -> None:
        """One more."""
        new = not self.findings or self.findings[-1].area != finding.area
        self.findings.append(finding)
        if self._json:
            return
        if new:
            print(finding.area.upper())
        print("\n".join(lines_of(finding)), flush=True)

    def wait(self, words: str) -> None:
        """Something takes a while."""
        if not self._json:
            hint(words)


def visit(server: str | None, guest: str | None, *, json: bool) -> int:
    """Look at this computer and at a server (default: the last one used); the exit status. Raises `ValueError` for an
    address that is none."""
    folders = Folders.of_this_person()
    mine = prefs.load(folders)
    chosen = server or os.environ.get("ROADCREW_SERVER") or mine.server
    address = None if chosen is None else base_address(chosen)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # where it is no UTF-8, a sign must not end the visit
    report = Report(json=json)
    seen = terminal.look()
    symbols.use(mine.symbols if seen.unicode else "ascii")
    credentials = Credentials(folders.data, home=prefs.home_server(mine, server))
    _this_computer(report, seen, folders, mine, credentials)
    for finding in store.findings(os.environ):
        report.say(finding)
    if address is None:
        words = "No server has been used from here."
        report.say(Finding("server", "note", words, "To look at one: roadcrew doctor --server URL"))
    else:
        asyncio.run(examine(address, _token(credentials, address), guest, report.say, report.wait))
    if json:
        show(as_json(report.findings, address), json=True)
    else:
        print(closing(report.findings))
    return status_of(report.findings)


def _this_computer(
    report: Report, seen: terminal.TerminalSeen, folders: Folders, mine: Settings, credentials: Credentials
) -> None:
    writable = {folder: here.can_write(folder) for folder in (folders.config, folders.state, folders.data)}
    file = folders.settings_file
    found = [
        *terminal.judge(seen),
        *here.judge_folders(folders, writable),
        here.judge_settings(mine, file, exists=file.exists()),
        *here.judge_sign_ins(here.describe(credentials), may_use_file=mine.keep_sign_in is not False),
    ]
    for finding in found:
        report.say(finding)


def _token(credentials: Credentials, address: str) -> str | None:
    try:
        return credentials.load(address)
    except CredentialsError:  # has been told already
        return None
