"""Three real servers over one real Valkey, started once for all tests that ask."""

from collections.abc import Iterator, Sequence

import pytest
from tests.support.cluster import started
from tests.support.serving import ServerProcess
from tests.support.valkey import ValkeyProcess


@pytest.fixture(scope="session")
def shared_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    """A Valkey that keeps what it acknowledged."""
    with ValkeyProcess(tmp_path_factory.mktemp("valkey")) as process:
        yield process


@pytest.fixture(scope="session")
def three_servers(
    shared_valkey: ValkeyProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sequence[ServerProcess]]:
    """Three processes; who ends one starts it again."""
    with started(tmp_path_factory.mktemp("servers"), [shared_valkey.url] * 3, streams_per_user=2000) as processes:
        yield processes
