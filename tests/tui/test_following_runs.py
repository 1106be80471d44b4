"""What a sub-command says while it follows a run or an import to its end: played, without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from roadcrew_client import ImportJobAnswer
from roadcrew_domain.jobs_state import Counts, ImportJob
from roadcrew_domain.refusals import Refused
from roadcrew_tui.commands import headless_imports, headless_quotes, headless_runs

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
JOB = ImportJob(
    *("01a20373-275b-720f-8f1b-7b52675eca73", "u", "t", "a.csv", "csv", 1000, None),
    *(NOW, NOW + timedelta(hours=1), NOW + timedelta(days=7)),
    connected=True,
    runners=1,
    counts=Counts(20, 0, 500),
)


class Played:
    """A client whose server is as the next of these says, each time that somebody looks."""

    def __init__(self, *turns: tuple[str, ImportJob]) -> None:
        self._turns = list(turns)
        self.state: ImportJob = turns[0][1]

    @asynccontextmanager
    async def follow_run(self, name: str) -> AsyncIterator[Played]:
        yield self

    def listen(self, heard: Callable[[Any], None]) -> None:
        """Nothing is told but what is looked for."""

    @property
    def status(self) -> SimpleNamespace:
        return SimpleNamespace(state=self._turns[0][0])

    def server_now(self) -> datetime:
        if len(self._turns) > 1:
            self._turns.pop(0)
        self.state = self._turns[0][1]
        return NOW

    async def import_job(self, job_id: str) -> ImportJobAnswer:
        return ImportJobAnswer(self.state, 9, NOW)


# R: J4, G5
async def test_while_the_server_is_away_that_is_said_and_no_pace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(headless_runs, "LOOK", 0.001)
    over = msgspec.structs.replace(JOB, status="finished", ended_at=NOW)
    played: Any = Played(
        ("live", JOB), ("live", JOB), ("offline", JOB), ("offline", JOB), ("live", JOB), ("live", over)
    )
    assert (await headless_imports.watch(played, {"import": JOB.id}))["status"] == "finished"
    assert capsys.readouterr().err.splitlines() == [
        "roadcrew: Reading. 20 hotels",
        "roadcrew: The server can't be reached, trying again.",
        "roadcrew: Reading. 20 hotels",
    ]


# R: Q3
async def test_where_there_are_too_many_hotels_to_ask_for_all_some_are_to_be_named(monkeypatch: pytest.MonkeyPatch):
    async def quote_hotels() -> SimpleNamespace:
        return SimpleNamespace(hotels=[SimpleNamespace(id=f"h{n}", name=f"Inn {n}") for n in range(21)])

    client: Any = SimpleNamespace(quote_hotels=quote_hotels)
    with pytest.raises(Refused, match="There are 21 hotels, and at most 20 can be asked for at once"):
        await headless_quotes.stay(client, {"alone": True, "dates": "2027-05-21 to 2027-05-25"})
