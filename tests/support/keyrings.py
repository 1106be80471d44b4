"""Keyrings for tests, used by whatever process gets their `environment`: a real Secret Service on a bus of its own,
and stand-ins for what no real one does on demand. Nothing here touches the keyring of whoever runs the tests.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

TOOLS = ("dbus-daemon", "gnome-keyring-daemon")
START_SECONDS = 20.0

WORKING = """
import json, os, pathlib, time
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
class Keyring(KeyringBackend):
    priority = 1
    file = pathlib.Path(os.environ["TEST_KEYRING_FILE"])
    def _all(self):
        if self.file.with_suffix(".paused").exists(): time.sleep(60)
        if self.file.with_suffix(".locked").exists(): raise KeyringLocked("nobody unlocked it")
        return json.loads(self.file.read_text()) if self.file.exists() else {}
    def _keep(self, all): self.file.write_text(json.dumps(all))
    def get_password(self, service, name): return self._all().get(service + name)
    def set_password(self, service, name, secret): self._keep({**self._all(), service + name: secret})
    def delete_password(self, service, name):
        self._keep({k: v for k, v in self._all().items() if k != service + name})
"""
HANGING = """
import os, subprocess, time
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    priority = 1
    def get_password(self, *asked):
        child = subprocess.Popen(["sleep", "60"])
        open(os.environ["TEST_KEYRING_FILE"], "w").write(f"{os.getpid()} {child.pid}")
        time.sleep(60)
    set_password = delete_password = get_password
"""
LOCKED = """
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
class Keyring(KeyringBackend):
    priority = 1
    def get_password(self, *asked): raise KeyringLocked("nobody unlocked it")
    set_password = delete_password = get_password
"""
UNFIT = """
from keyring.backends import fail
class Keyring(fail.Keyring):
    priority = 1
"""
"""What keyring chooses by itself where there is none."""


def backend(folder: Path, source: str) -> dict[str, str]:
    """What makes a process use a keyring backend that is written here, as a module in `folder`."""
    name = f"backend_{abs(hash(source))}"
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return {
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHON_KEYRING_BACKEND": f"{name}.Keyring",
        "TEST_KEYRING_FILE": str(folder / "keyring.json"),
    }


class Keyring(Protocol):
    """A keyring that one can lock, and stop from answering."""

    environment: dict[str, str]

    def lock(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def contents(self) -> str: ...


class StandIn:
    """A file that behaves as a keyring does."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "keyring.json"
        self.environment = backend(folder, WORKING)

    def lock(self) -> None:
        """Ask for a password that nobody types."""
        self._file.with_suffix(".locked").touch()

    def pause(self) -> None:
        """Answer no more."""
        self._file.with_suffix(".paused").touch()

    def resume(self) -> None:
        """Answer again."""
        self._file.with_suffix(".paused").unlink()

    def contents(self) -> str:
        """All that is in it."""
        return self._file.read_text("utf-8") if self._file.exists() else ""


_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={folder}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>"""
"""A bus that starts no services by itself: no window may ask somebody for a password."""


class SecretService:
    """gnome-keyring on a bus of its own, with a new collection that is unlocked. Ends with `stop`."""

    def __init__(self, folder: Path) -> None:
        # A socket's path may have 107 bytes, which a test's own folder can exceed.
        self._place = Path(tempfile.mkdtemp(prefix="rc-ring-"))
        self._log = (folder / "gnome-keyring.log").open("wb")
        (self._place / "bus.conf").write_text(_BUS.format(folder=self._place), encoding="utf-8")
        clean = {
            k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHON_KEYRING_BACKEND")
        }
        own = {"HOME": folder, "XDG_DATA_HOME": folder / "data", "XDG_RUNTIME_DIR": self._place}
        self._all = {**clean, **{k: str(v) for k, v in own.items()}}
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            self.environment = self._serve()
        except BaseException:
            self.stop()
            raise

    def _serve(self) -> dict[str, str]:
        """Start it; what makes a process use it."""
        command = ["dbus-daemon", f"--config-file={self._place / 'bus.conf'}", "--nofork", "--nopidfile"]
        bus = self._start([*command, "--print-address=1"], stdout=subprocess.PIPE)
        assert bus.stdout is not None
        address = bus.stdout.readline().decode().strip()
        assert address, "there is no bus"
        own = {
            "DBUS_SESSION_BUS_ADDRESS": address,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
        }
        self._all |= own
        (self._place / "control").mkdir(mode=0o700)
        options = ["--foreground", "--unlock", "--components=secrets", f"--control-directory={self._place / 'control'}"]
        self._daemon = self._start(["gnome-keyring-daemon", *options], stdin=subprocess.PIPE)
        assert self._daemon.stdin is not None
        self._daemon.stdin.write(b"a password")
        self._daemon.stdin.close()
        self._until_ready()
        return own

    def _start(self, command: list[str], **pipes: int) -> subprocess.Popen[bytes]:
        streams = {"stdin": subprocess.DEVNULL, "stdout": self._log, "stderr": self._log, **pipes}
        process = subprocess.Popen(command, env=self._all, **streams)  # type: ignore[call-overload]
        self._processes.append(process)
        return process  # type: ignore[no-any-return]

    def _until_ready(self) -> None:
        self._python(
            "import time\nuntil = time.monotonic() + " + str(START_SECONDS) + "\n"
            "while not secretstorage.check_service_availability(bus):\n"
            "    assert time.monotonic() < until; time.sleep(0.01)\n"
            "assert not secretstorage.get_default_collection(bus).is_locked()"
        )

    def _python(self, code: str) -> str:
        code = f"import secretstorage\nbus = secretstorage.dbus_init()\n{code}"
        command = [sys.executable, "-P", "-c", code]
        done = subprocess.run(
            command, env=self._all, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def lock(self) -> None:
        """Lock the collection; nobody is there to type its password."""
        self._python("secretstorage.get_default_collection(bus).lock()")

    def pause(self) -> None:
        """Answer no more: the bus goes on to take calls for it."""
        self._daemon.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again."""
        self._daemon.send_signal(signal.SIGCONT)

    def contents(self) -> str:
        """All that is in it."""
        return self._python(
            "for i in secretstorage.get_default_collection(bus).get_all_items():\n"
            "    print(i.get_label(), i.get_attributes(), i.get_secret().decode())"
        )

    def stop(self) -> None:
        """End it."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._log.close()
        shutil.rmtree(self._place, ignore_errors=True)


@contextlib.contextmanager
def keyring_of(kind: str, folder: Path) -> Iterator[Keyring]:
    """`stand-in` or `gnome-keyring`, with its files in `folder`."""
    folder.mkdir()
    if kind == "stand-in":
        yield StandIn(folder)
        return
    service = SecretService(folder)
    try:
        yield service
    finally:
        service.stop()


KINDS = ["stand-in", *(["gnome-keyring"] if all(map(shutil.which, TOOLS)) or os.environ.get("CI") else [])]
"""The real one where its tools are. CI must have it: there the tests fail without
(docs/decisions/0012-which-keyring-tests-use.md)."""
