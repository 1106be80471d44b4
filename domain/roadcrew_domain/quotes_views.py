"""A quote run as JSON: in answers, in resets and in the store. Who may read a run may read all of it."""

from __future__ import annotations  # rpds maps can't be subscripted when running

import msgspec
from rpds import HashTrieMap

from roadcrew_domain.quotes_state import (
    Answer,
    AskedProvider,
    Choice,
    QuoteRequest,
    QuoteRun,
    QuoteStatus,
)
from roadcrew_domain.running import InterruptedBecause
from roadcrew_domain.values import Moment, Value, read

SNAPSHOT_VERSION = 1


class QuoteRunView(Value, frozen=True):
    """The fields of `QuoteRun`, with maps that JSON knows."""

    id: str
    by: str
    trip_id: str | None
    request: QuoteRequest
    providers: tuple[AskedProvider, ...]
    again_of: str | None
    started_at: Moment
    ends_by: Moment
    keep_until: Moment
    status: QuoteStatus
    ended_at: Moment | None
    because: InterruptedBecause | None
    expired: bool
    fence: int
    runners: int
    runner_at: Moment | None
    answers: dict[str, Answer]
    ballots: dict[str, Choice]
    votes: int
    alive_at: Moment | None = None
    told: bool = False
    v: int = SNAPSHOT_VERSION


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(QuoteRunView)
_FIELDS = QuoteRun.__struct_fields__


def encode_run(run: QuoteRun) -> bytes:
    """The run's JSON."""
    fields = {name: getattr(run, name) for name in _FIELDS}
    fields["answers"], fields["ballots"] = dict(run.answers.items()), dict(run.ballots.items())
    return _encoder.encode(QuoteRunView(**fields))


def decode_run(body: bytes | str | msgspec.Raw) -> QuoteRun:
    """A run from its JSON. Raises `ValueError`, also for a version that is newer than ours."""
    view = read(_decoder, body)
    if view.v > SNAPSHOT_VERSION:
        raise ValueError(f"a quote run of version {view.v}; this version reads up to {SNAPSHOT_VERSION}")
    fields = {name: getattr(view, name) for name in _FIELDS}
    fields["answers"], fields["ballots"] = HashTrieMap(view.answers), HashTrieMap(view.ballots)
    return QuoteRun(**fields)
