"""A bucket that speaks S3, on this machine, for the length of a block: what is outside our reach, stood in for."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import localbucket
import pytest

BUCKET = "images"


class Bucket:
    """Where it is, and its objects as files."""

    def __init__(self, folder: Path, server: ThreadingHTTPServer) -> None:
        self.url = f"s3://{BUCKET}/talk"
        self.address = f"http://127.0.0.1:{server.server_port}"
        self._folder = folder / BUCKET

    def names(self) -> set[str]:
        """What is in it."""
        return {path.name for path in (self._folder / "talk").rglob("*") if path.is_file()}


@contextlib.contextmanager
def bucket(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """One that is empty, known to clients by the variables of their environment."""

    class Handler(localbucket.S3Handler):  # type: ignore[misc]
        data_root: ClassVar[Path] = place
        protocol_version = "HTTP/1.0"  # when it is away, no connection goes on

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    (place / BUCKET).mkdir(parents=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        found = Bucket(place, server)
        for name, value in {
            "AWS_ENDPOINT_URL": found.address,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_REGION": "eu-central-1",
            "AWS_ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(name, value)
        try:
            yield found
        finally:
            server.shutdown()
            serving.join()
