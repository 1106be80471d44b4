"""What `LiveRun` tells its listeners. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from roadcrew_domain.events import Event
from roadcrew_domain.jobs_state import ImportJob
from roadcrew_domain.quotes_state import QuoteRun

RunChangeKind = Literal["reset", "event", "dropped", "status", "gone"]


@dataclass(frozen=True, slots=True)
class RunChange:
    """Something is other than before. `name` is whose (`quote:ID`, `job:ID`), and `state` what it is now; an `event`
    has led there, or it was told as a whole (`reset`). `gone`: there is no such run any more, or not for us; `reason`
    says why."""

    kind: RunChangeKind
    name: str | None = None
    state: QuoteRun | ImportJob | None = None
    event: Event | None = None
    reason: str | None = None
