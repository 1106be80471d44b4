"""Tokens between runs: real files, real keyring backends in their real process."""

import os
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from roadcrew_client import Credentials, CredentialsError

SERVER = "https://plan.example.org"
OTHER = "http://127.0.0.1:8787"
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX thing")

WORKING = """
import json, os, pathlib
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    priority = 1
    file = pathlib.Path(os.environ["TEST_KEYRING_FILE"])
    def _all(self): return json.loads(self.file.read_text()) if self.file.exists() else {}
    def _keep(self, all): self.file.write_text(json.dumps(all))
    def get_password(self, service, name): return self._all().get(service + name)
    def set_password(self, service, name, secret): self._keep({**self._all(), service + name: secret})
    def delete_password(self, service, name):
        self._keep({k: v for k, v in self._all().items() if k != service + name})
"""
HANGING = """
import subprocess, time
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    priority = 1
    def get_password(self, service, name): subprocess.Popen(["sleep", "60"]); time.sleep(60)
    set_password = delete_password = get_password
"""


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Choose a keyring backend for the helper's process."""
    backends = tmp_path / "backends"
    backends.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(backends), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("TEST_KEYRING_FILE", str(tmp_path / "keyring.json"))
    monkeypatch.delenv("ROADCREW_TOKEN", raising=False)

    def choose(source: str) -> None:
        if source == "null":
            monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
            return
        name = f"backend_{abs(hash(source))}"
        (backends / f"{name}.py").write_text(source)
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"{name}.Keyring")

    choose("null")
    return choose


def test_a_token_in_the_environment_goes_before_all_and_nothing_is_written(tmp_path: Path):
    credentials = Credentials(tmp_path, home=SERVER, environ={"ROADCREW_TOKEN": " t "}, use_keyring=False)
    assert credentials.load(SERVER) == "t"
    assert credentials.save(SERVER, "other") == "environment"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("named", "home", "gets_it"),
    [
        (None, None, ()),
        (None, SERVER, (SERVER,)),
        (SERVER, None, (SERVER,)),
        (SERVER + "/", OTHER, (SERVER,)),
        ("no address", OTHER, ()),
        ("", OTHER, (OTHER,)),
    ],
)
def test_the_token_in_the_environment_goes_to_one_server_alone(
    tmp_path: Path, named: str | None, home: str | None, gets_it: tuple[str, ...]
):
    environ = {"ROADCREW_TOKEN": "t"} | ({} if named is None else {"ROADCREW_SERVER": named})
    credentials = Credentials(tmp_path, home=home, environ=environ, use_keyring=False)
    evil = "http://evil.example"
    assert tuple(s for s in (SERVER, OTHER, evil) if credentials.load(s) is not None) == gets_it
    assert credentials.save(evil, "theirs") == "file"
    assert credentials.load(evil) == "theirs"


def test_only_the_token_that_failed_is_forgotten(tmp_path: Path, use):
    for credentials in (
        Credentials(tmp_path / "file", environ={}, use_keyring=False),
        Credentials(tmp_path / "ring", environ={}),
    ):
        credentials.save(SERVER, "new")
        credentials.forget(SERVER, "old")
        assert credentials.load(SERVER) == "new"
        credentials.forget(SERVER, "new")
        assert credentials.load(SERVER) is None
        use(WORKING)


def test_since_when_a_token_is_kept_is_known_and_unknown_means_long_ago(tmp_path: Path):
    credentials = Credentials(tmp_path, environ={}, use_keyring=False)
    before = datetime.now(UTC)
    credentials.save(SERVER, "a")
    found = credentials.find(SERVER)
    assert found is not None
    assert before <= found.since <= datetime.now(UTC)
    credentials.file.write_text(credentials.file.read_text().replace('"since"', '"since when"'))
    found = credentials.find(SERVER)
    assert found is not None
    assert found.since.year == 1970


def test_each_server_has_its_own_token(tmp_path: Path):
    credentials = Credentials(tmp_path, environ={}, use_keyring=False)
    assert credentials.load(SERVER) is None
    assert credentials.save(SERVER, "a") == credentials.save(OTHER, "b") == "file"
    assert (credentials.load(SERVER + "/"), credentials.load(OTHER)) == ("a", "b")
    credentials.forget(SERVER)
    assert (credentials.load(SERVER), credentials.load(OTHER)) == (None, "b")


def test_programs_that_keep_tokens_at_the_same_moment_lose_none(tmp_path: Path):
    def keep(n: int) -> None:
        Credentials(tmp_path, environ={}, use_keyring=False).save(f"http://host-{n}", str(n))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(40)))
    credentials = Credentials(tmp_path, environ={}, use_keyring=False)
    assert [credentials.load(f"http://host-{n}") for n in range(40)] == [str(n) for n in range(40)]


@posix
def test_the_file_is_for_its_owner_alone_and_no_half_file_is_left(tmp_path: Path):
    credentials = Credentials(tmp_path / "new", environ={}, use_keyring=False)
    credentials.save(SERVER, "a")
    assert stat.S_IMODE(credentials.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(credentials.file.parent.stat().st_mode) == 0o700
    assert {f.name for f in credentials.file.parent.iterdir()} <= {credentials.file.name, "credentials.json.lock"}


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused_and_the_mend_is_said(tmp_path: Path, mode: int):
    credentials = Credentials(tmp_path, environ={}, use_keyring=False)
    credentials.save(SERVER, "a")
    credentials.file.chmod(mode)
    with pytest.raises(CredentialsError, match="chmod 600"):
        credentials.load(SERVER)
    with pytest.raises(CredentialsError):
        credentials.save(SERVER, "b")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"tokens": 1}', b"\xff"])
def test_a_broken_file_is_said_and_not_overwritten(tmp_path: Path, content: bytes):
    credentials = Credentials(tmp_path, environ={}, use_keyring=False)
    credentials.file.write_bytes(content)
    credentials.file.chmod(0o600)
    with pytest.raises(CredentialsError, match="sign in again"):
        credentials.load(SERVER)
    with pytest.raises(CredentialsError):
        credentials.save(SERVER, "b")
    assert credentials.file.read_bytes() == content


def test_the_first_file_is_asked_for(tmp_path: Path):
    asked: list[Path] = []

    def refuse(file: Path) -> bool:
        asked.append(file)
        return False

    credentials = Credentials(tmp_path, environ={}, use_keyring=False, may_write_file=refuse)
    assert credentials.save(SERVER, "a") == "nowhere"
    assert asked == [credentials.file]
    assert list(tmp_path.iterdir()) == []


def test_a_working_keyring_keeps_the_token_and_the_file_does_not(tmp_path: Path, use):
    use(WORKING)
    credentials = Credentials(tmp_path / "data")
    assert credentials.save(SERVER, "secret-1") == "keyring"
    assert credentials.load(SERVER) == "secret-1"
    assert "secret-1" not in credentials.file.read_text()
    assert credentials.describe().in_keyring == (SERVER,)
    assert credentials.describe().keyring == "works"
    credentials.forget(SERVER)
    assert credentials.load(SERVER) is None
    assert "secret-1" not in (tmp_path / "keyring.json").read_text()


def test_a_token_in_a_file_moves_out_of_it_once_a_keyring_works(tmp_path: Path, use):
    credentials = Credentials(tmp_path / "data")
    assert credentials.save(SERVER, "secret-1") == "file"
    use(WORKING)
    assert credentials.save(SERVER, "secret-2") == "keyring"
    assert "secret" not in credentials.file.read_text()


def test_a_null_keyring_that_stores_nothing_and_says_nothing_is_found_out(tmp_path: Path, use):
    credentials = Credentials(tmp_path / "data")
    assert credentials.save(SERVER, "a") == "file"
    assert credentials.describe().keyring == "none"
    assert credentials.load(SERVER) == "a"


def test_a_keyring_that_forgets_what_it_was_given_is_found_out(tmp_path: Path, use):
    use(WORKING.replace("self.file.write_text", "len"))
    assert Credentials(tmp_path / "data").save(SERVER, "a") == "file"


@pytest.mark.usefixtures("timed")
def test_a_hanging_keyring_is_killed_within_three_seconds_with_all_that_it_started(tmp_path: Path, use):
    use(HANGING)
    credentials = Credentials(tmp_path / "data")
    start = time.monotonic()
    assert credentials.describe().keyring == "slow"
    assert time.monotonic() - start < 4.5


def test_a_keyring_that_worked_is_never_silently_given_up_for_a_file(tmp_path: Path, use):
    use(WORKING)
    credentials = Credentials(tmp_path / "data", timeout=5)
    credentials.save(SERVER, "secret-1")
    use("null")
    with pytest.raises(CredentialsError, match="ROADCREW_TOKEN"):
        credentials.save(SERVER, "secret-2")
    with pytest.raises(CredentialsError, match="ROADCREW_TOKEN"):
        credentials.load(SERVER)
    assert "secret" not in credentials.file.read_text()


def test_a_host_whose_keyring_must_not_be_read_is_not_asked(tmp_path: Path, use):
    use("raise SystemExit('touched')")
    credentials = Credentials(tmp_path / "data", use_keyring=False)
    assert credentials.save(SERVER, "a") == "file"
    assert credentials.describe().keyring == "unused"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_no_secret_stands_in_the_arguments(tmp_path: Path, use):
    use(
        WORKING.replace(
            "import json",
            f"import json; open({str(tmp_path / 'argv')!r}, 'w').write(open('/proc/self/cmdline').read())\nimport json",
            1,
        )
    )
    Credentials(tmp_path / "data").save(SERVER, "secret-1")
    assert "secret-1" not in (tmp_path / "argv").read_text()
    assert Path(sys.executable).name in (tmp_path / "argv").read_text()
