"""Imports as topics: who may read them, and how long they are kept. Old progress makes room for a snapshot."""

from __future__ import annotations

from datetime import datetime

from roadcrew_domain import jobs
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.ids import is_id
from roadcrew_domain.jobs_state import ImportExpired, JobTick
from roadcrew_server.problems import Problem
from roadcrew_server.stores.base import KEPT_EVENTS
from roadcrew_server.topics import STORE_GRACE, Closed, Record, trip_topic


def job_topic(job_id: str) -> str:
    """The topic of an import."""
    return f"job:{job_id}"


class JobKind:
    """Imports: read by the members of the trip that they are for."""

    prefix = "job"
    presence = False
    keeps: int | None = KEPT_EVENTS

    def decide(self, state: jobs.ImportJob | None, command: jobs.JobCommand, now: datetime) -> tuple[Fact, ...]:
        return jobs.decide(state, command, now)

    def evolve(self, state: jobs.ImportJob | None, event: Event) -> jobs.ImportJob:
        return jobs.evolve(state, event)

    def encode(self, state: jobs.ImportJob) -> bytes:
        return jobs.encode_job(state)

    def shown(self, state: jobs.ImportJob) -> bytes:
        return jobs.encode_job(jobs.without_pages(state))

    def told(self, state: jobs.ImportJob, event: Event) -> Event:
        return event

    def decode(self, body: bytes) -> jobs.ImportJob:
        return jobs.decode_job(body)

    def tick(self, command_id: str) -> jobs.JobCommand:
        return jobs.JobCommand(command_id, None, JobTick())

    async def opening(self, rest: str, user: str, command_id: str, now: datetime) -> None:
        """An import is asked for."""
        return

    def next_due(self, state: jobs.ImportJob) -> datetime | None:
        return jobs.next_due(state)

    def keep_until(self, state: jobs.ImportJob, now: datetime) -> datetime:
        return state.keep_until + STORE_GRACE

    def records(self, state: jobs.ImportJob) -> tuple[Record, ...]:
        return ()

    def names(self, rest: str) -> bool:
        return is_id(rest)

    def guard(self, state: jobs.ImportJob) -> str:
        return trip_topic(state.trip_id)

    def closed_to(self, state: jobs.ImportJob, user: str, now: datetime) -> Closed | None:
        """As long as it is kept, its trip says who may read it."""
        return "ended" if state.expired or now >= state.keep_until else None

    def problem(self, closed: Closed) -> Problem:
        match closed:
            case "forbidden":
                return Problem(403, "not-a-member", "You are not in the trip of this import.")
            case "ended":
                return Problem(404, "job-expired", "This import is no longer kept.")
            case "unknown":
                return Problem(404, "unknown-job", "There is no such import.")

    def expels(self, event: Event, user: str) -> str | None:
        return "ended" if isinstance(event.data, ImportExpired) else None
