"""What stands between people and a server: nothing, or a real nginx or Caddy with the files of `deploy/` as they are,
but for addresses and certificates, and for times where a test asks for shorter ones. All on loopback.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
"""nginx is not on an ordinary person's path in Debian."""
NAME = "trips.example.org"
START_SECONDS = 20.0

_NGINX = """daemon off;
master_process off;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log {place}/access.log;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    include {place}/roadcrew.conf;
}}
"""
"""What Debian's nginx.conf is around the files of conf.d, as one ordinary process with its files in `place`."""


@dataclass(frozen=True)
class Front:
    """Where people come in. `tls` is None where there is no TLS."""

    url: str
    port: int
    tls: ssl.SSLContext | None
    kind: str


@contextlib.contextmanager
def nothing(server_port: int) -> Iterator[Front]:
    """The server by itself."""
    yield Front(f"http://127.0.0.1:{server_port}", server_port, None, "nothing")


@contextlib.contextmanager
def nginx(
    server_port: int, place: Path, changes: Mapping[str, str] | None = None, *, others: Sequence[int] = ()
) -> Iterator[Front]:
    """nginx with `deploy/nginx.conf`; `changes` are words that stand in it exactly once, and what they become. `others`
    are ports of more servers."""
    certificate = _certificate(place)
    port, plain = _free_ports(2)
    text = _changed(
        (DEPLOY / "nginx.conf").read_text("utf-8"),
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "listen [::]:443 ssl;": "",
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen [::]:80;": "",
            "127.0.0.1:8787": "; server ".join(f"127.0.0.1:{number}" for number in (server_port, *others)),
            f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(certificate),
            f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(certificate),
            **(changes or {}),
        },
    )
    (place / "roadcrew.conf").write_text(text, "utf-8")
    (place / "nginx.conf").write_text(_NGINX.format(place=place), "utf-8")
    command = [_tool("nginx"), "-p", str(place), "-e", str(place / "error.log"), "-c", str(place / "nginx.conf")]
    with _running(command, place, port):
        yield Front(f"https://{NAME}:{port}", port, ssl.create_default_context(cafile=certificate), "nginx")


@contextlib.contextmanager
def caddy(server_port: int, place: Path, changes: Mapping[str, str] | None = None) -> Iterator[Front]:
    """Caddy with `deploy/Caddyfile`; the certificate is ours, since nobody issues one to loopback."""
    certificate = _certificate(place)
    port, plain = _free_ports(2)
    text = _changed(
        (DEPLOY / "Caddyfile").read_text("utf-8"),
        {
            "\n{\n": f"\n{{\n\tadmin off\n\thttps_port {port}\n\thttp_port {plain}\n\tauto_https disable_certs\n"
            "\tskip_install_trust\n",
            f"\n{NAME} {{\n": f"\n{NAME} {{\n\tbind 127.0.0.1\n\ttls {certificate} {certificate}\n",
            "127.0.0.1:8787": f"127.0.0.1:{server_port}",
            **(changes or {}),
        },
    )
    (place / "Caddyfile").write_text(text, "utf-8")
    command = [_tool("caddy"), "run", "--adapter", "caddyfile", "--config", str(place / "Caddyfile")]
    with _running(command, place, port):
        yield Front(f"https://{NAME}:{port}", port, ssl.create_default_context(cafile=certificate), "caddy")


FRONTS = {"nginx": nginx, "caddy": caddy}
HERE = (
    [kind for kind in FRONTS if shutil.which(kind, path=PATH) or (kind == "nginx" and os.environ.get("CI"))]
    if sys.platform == "linux"
    else []
)
"""The ones that are installed; where `CI` is set, nginx must be. Not every distribution has Caddy. On Linux only: the
certificates are made with what is installed there anyway."""


def _tool(name: str) -> str:
    found = shutil.which(name, path=PATH)
    assert found is not None, f"{name} is not installed"
    return found


def _changed(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert text.count(old) == 1 or (old == "127.0.0.1:8787" and old in text), f"{old!r} does not stand there once"
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def _running(command: list[str], place: Path, port: int) -> Iterator[None]:
    env = {**os.environ, "HOME": str(place), "XDG_DATA_HOME": str(place), "XDG_CONFIG_HOME": str(place)}
    with (place / "front.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
    try:
        until = time.monotonic() + START_SECONDS
        while not _accepts(port):
            said = (place / "front.log").read_text("utf-8")
            assert process.poll() is None, f"{command[0]} did not start: {said}"
            assert time.monotonic() < until, f"{command[0]} listens nowhere: {said}"
            time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.wait()


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [s.getsockname()[1] for s in sockets]


def _certificate(place: Path) -> Path:
    """A certificate for this day and computer, with its key, in one file."""
    from cryptography import x509  # comes with keyring, and on Linux only
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    file = place / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file
