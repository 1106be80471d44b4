"""Tokens between runs: real files, real keyring backends in their real process."""

import os
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.keyrings import HANGING, LOCKED, UNFIT, WORKING, backend

from roadcrew_client import Credentials, CredentialsError

SERVER = "https://plan.example.org"
OTHER = "http://127.0.0.1:8787"
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX thing")
proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

FORGETFUL = WORKING.replace("self.file.write_text", "len")


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Choose a keyring backend for the helper's process."""
    monkeypatch.delenv("ROADCREW_TOKEN", raising=False)

    def choose(source: str) -> None:
        ours = {"PYTHON_KEYRING_BACKEND": f"keyring.backends.{source}.Keyring"}
        for name, value in (ours if source in ("null", "fail") else backend(tmp_path, source)).items():
            monkeypatch.setenv(name, value)

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


@posix
def test_a_file_of_another_user_is_refused_and_the_mend_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    credentials = Credentials(tmp_path, environ={}, use_keyring=False)
    credentials.save(SERVER, "a")
    somebody_else = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody_else)
    with pytest.raises(CredentialsError, match="chown"):
        credentials.load(SERVER)


@posix
def test_a_link_is_neither_followed_nor_replaced(tmp_path: Path):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text('{"v": 1, "tokens": {}, "keyring": []}')
    elsewhere.chmod(0o600)
    credentials = Credentials(tmp_path / "data", environ={}, use_keyring=False)
    credentials.file.parent.mkdir()
    for target in (elsewhere, tmp_path / "nothing there"):
        credentials.file.symlink_to(target)
        with pytest.raises(CredentialsError, match="is a link"):
            credentials.load(SERVER)
        with pytest.raises(CredentialsError, match="is a link"):
            credentials.save(SERVER, "secret-1")
        assert credentials.file.is_symlink()
        credentials.file.unlink()
    assert "secret" not in elsewhere.read_text()


@posix
@pytest.mark.timeout(10)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path):
    credentials = Credentials(tmp_path, environ={}, use_keyring=False)
    os.mkfifo(credentials.file, 0o600)
    with pytest.raises(CredentialsError, match="Move it away"):
        credentials.load(SERVER)
    credentials.file.unlink()
    credentials.file.mkdir()
    with pytest.raises(CredentialsError, match="sign in again"):
        credentials.load(SERVER)


BROKEN = [b"", b"{", b"[]", b'{"tokens": 1}', b"\xff", b"[" * 200_000, b'{"tokens": {}, "keyring": [{}]}']


@pytest.mark.parametrize("content", BROKEN)
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

    def refuse(file: Path, why: str) -> bool:
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
    described = credentials.describe()
    assert (described.in_keyring, described.servers, described.keyring) == ((SERVER,), (), "works")
    credentials.forget(SERVER)
    assert credentials.load(SERVER) is None
    assert "secret-1" not in (tmp_path / "keyring.json").read_text()


def test_a_token_in_a_file_moves_out_of_it_once_a_keyring_works(tmp_path: Path, use):
    credentials = Credentials(tmp_path / "data")
    assert credentials.save(SERVER, "secret-1") == "file"
    use(WORKING)
    assert credentials.save(SERVER, "secret-2") == "keyring"
    assert "secret" not in credentials.file.read_text()


def test_no_process_is_started_to_ask_a_keyring_that_is_turned_off(
    tmp_path: Path, use, monkeypatch: pytest.MonkeyPatch
):
    use("null")
    monkeypatch.setattr("subprocess.Popen", None)
    credentials = Credentials(tmp_path / "data")
    assert (credentials.save(SERVER, "a"), credentials.describe().keyring) == ("file", "none")


@pytest.mark.parametrize(
    ("backend", "state", "why"),
    [
        ("fail", "none", "No keyring works here."),
        ("null", "none", "No keyring works here."),
        (UNFIT, "none", "No keyring works here."),
        (LOCKED, "locked", "The system's keyring is locked."),
        (FORGETFUL, "works", "The system's keyring does not keep what it is given."),
        ("import sys; sys.exit(0)", "broken", "The system's keyring can't be used just now."),
    ],
    ids=["turned off", "null", "no backend", "locked", "forgetful", "ends"],
)
def test_where_the_keyring_keeps_nothing_a_file_is_asked_for_and_the_reason_said(
    tmp_path: Path, use, backend: str, state: str, why: str
):
    use(backend)
    asked: list[str] = []

    def allow(_: Path, why: str) -> bool:
        asked.append(why)
        return True

    credentials = Credentials(tmp_path / "data", may_write_file=allow)
    assert credentials.save(SERVER, "a") == "file"
    assert asked == [why]
    assert credentials.load(SERVER) == "a"
    assert credentials.describe().keyring == state
    assert credentials.save(OTHER, "b") == "file"
    assert asked == [why], "one answer holds for every server"


def test_what_a_backend_prints_is_not_taken_for_its_answer(tmp_path: Path, use):
    use(WORKING.replace("def _all(self):", "def _all(self):\n        print('{}')"))
    credentials = Credentials(tmp_path / "data")
    assert credentials.save(SERVER, "secret-1") == "keyring"
    assert credentials.load(SERVER) == "secret-1"


def test_folders_of_several_people_share_a_keyring_and_no_token(tmp_path: Path, use):
    use(WORKING)
    ana, ben = Credentials(tmp_path / "ana"), Credentials(tmp_path / "ben")
    assert ana.save(SERVER, "of ana") == ben.save(SERVER, "of ben") == "keyring"
    assert (ana.load(SERVER), ben.load(SERVER)) == ("of ana", "of ben")
    ben.forget(SERVER)
    assert (ana.load(SERVER), ben.load(SERVER)) == ("of ana", None)
    # Nor does a copy of a folder take the token with it: saving there would overwrite it for both.
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / ana.file.name).write_bytes(ana.file.read_bytes())
    (tmp_path / "copy" / ana.file.name).chmod(0o600)
    copy = Credentials(tmp_path / "copy")
    assert copy.load(SERVER) is None
    copy.save(SERVER, "of somebody new")
    assert ana.load(SERVER) == "of ana"


@proc
def test_a_hanging_keyring_is_killed_within_three_seconds_with_all_that_it_started(tmp_path: Path, use):
    use(HANGING)
    credentials = Credentials(tmp_path / "data")
    start = time.monotonic()
    assert credentials.save(SERVER, "a") == "file"
    assert 2.9 < time.monotonic() - start < 4
    for pid in (tmp_path / "keyring.json").read_text().split():
        assert not is_alive(int(pid))


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not fetched yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("now", ["null", LOCKED], ids=["gone", "locked"])
def test_a_keyring_that_worked_is_never_silently_given_up_for_a_file(tmp_path: Path, use, now: str):
    use(WORKING)
    credentials = Credentials(tmp_path / "data", timeout=5)
    credentials.save(SERVER, "secret-1")
    use(now)
    for act, *given in (
        (credentials.save, SERVER, "secret-2"),
        (credentials.save, OTHER, "secret-3"),
        (credentials.load, SERVER),
        (credentials.forget, SERVER),
    ):
        with pytest.raises(CredentialsError, match=f"ROADCREW_TOKEN.*delete {credentials.file}"):
            act(*given)
    assert "secret" not in credentials.file.read_text()
    # And the way on that the sentence names is one.
    credentials.file.unlink()
    assert credentials.save(SERVER, "secret-4") == "file"


def test_a_file_is_asked_for_again_once_nothing_is_kept_in_it_any_more(tmp_path: Path, use):
    use(WORKING)
    credentials = Credentials(tmp_path / "data", may_write_file=lambda *_: False)
    credentials.save(SERVER, "secret-1")
    credentials.forget(SERVER)
    use("null")
    assert credentials.save(SERVER, "secret-2") == "nowhere"
    assert "secret" not in credentials.file.read_text()


def test_a_host_whose_keyring_must_not_be_read_is_not_asked(tmp_path: Path, use):
    use("raise SystemExit('touched')")
    credentials = Credentials(tmp_path / "data", use_keyring=False)
    assert credentials.save(SERVER, "a") == "file"
    assert credentials.describe().keyring == "unused"


@proc
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
