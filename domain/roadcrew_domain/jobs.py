"""An import of hotels, in one place to import from: its state (jobs_state.py), what can be done to it (jobs_decide.py),
what that changes (jobs_evolve.py) and its JSON. Pure.
"""

import msgspec

from roadcrew_domain.jobs_decide import decide
from roadcrew_domain.jobs_evolve import evolve
from roadcrew_domain.jobs_state import SNAPSHOT_VERSION, ImportJob, JobCommand
from roadcrew_domain.running import next_due
from roadcrew_domain.values import read

__all__ = ["ImportJob", "JobCommand", "decide", "decode_job", "encode_job", "evolve", "next_due", "without_pages"]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ImportJob)


def without_pages(job: ImportJob) -> ImportJob:
    """What people are shown: where its rows are kept is the server's to know."""
    return msgspec.structs.replace(job, pages=(), refused_pages=())


def encode_job(job: ImportJob) -> bytes:
    """The job's JSON."""
    return _encoder.encode(job)


def decode_job(body: bytes | str | msgspec.Raw) -> ImportJob:
    """A job from its JSON. Raises `ValueError`, also for a version that is newer than ours."""
    job = read(_decoder, body)
    if job.v > SNAPSHOT_VERSION:
        raise ValueError(f"an import of version {job.v}; this version reads up to {SNAPSHOT_VERSION}")
    return job
