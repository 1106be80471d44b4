"""The servers of the fan-out bench, behind one shape: start, what a stream asks for, what publishes an event.

Ours is the true server over its true store: a trip of a hundred members, a poll, and votes by HTTP, each
checked, decided and on the disk. The peers are told the same bytes and pass them on.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from load import Caller, Crowd, on_core, request
from tests.support.serving import ServerProcess
from trips import guests, trip_of

MARKER = b'"VoteCast"'
CREW = 100
"""Members of the trip. The default settings let each have 24 terminals, so 2,000 streams are 20 for each."""
SERVER_CORE, LOAD_CORE = 0, 1
NCHAN = (Path("/usr/lib/nginx/modules/ngx_nchan_module.so"), Path("/usr/share/nginx/modules/ngx_nchan_module.so"))


class Contestant:
    """A server that is running, and the crowd at it."""

    name: str
    pid: int
    crowd: Crowd

    def stream(self, n: int) -> bytes:
        """The request of stream number `n`."""
        raise NotImplementedError

    def event(self, *, heard: bool = True) -> bytes:
        """The request that publishes the next event; not `heard`: where nobody follows."""
        raise NotImplementedError

    greeting = b": h"

    def grow(self, size: int) -> None:
        """Have so many streams."""
        self.crowd.open([self.stream(n) for n in range(len(self.crowd), size)], self.greeting)

    def stop(self) -> None:
        """End it."""
        raise NotImplementedError


class Ours(Contestant):
    """`roadcrew_server`, with the embedded store. Each stream follows `topics` trips; votes go round them."""

    greeting = b"event: presence"

    def __init__(self, place: Path, topics: int = 1) -> None:
        self.name = "roadcrew" if topics == 1 else f"roadcrew, {topics} topics"
        place.mkdir()
        with on_core(SERVER_CORE):
            self._process = ServerProcess(place).start()
        self.pid = self._process.pid
        address = ("127.0.0.1", self._process.port)
        self._caller = Caller(address)
        self._tokens = guests(self._caller, CREW)
        self._voters = [trip_of(self._caller, self._tokens, f"Trip {n}")[0] for n in range(topics)]
        self._unheard = trip_of(self._caller, self._tokens, "Nobody looks")[0]
        self._turn = 0
        self.crowd = Crowd(address, MARKER, self._caller)

    def stream(self, n: int) -> bytes:
        """A member's stream."""
        asked = "&".join(f"topic=trip:{voter.trip}" for voter in self._voters)
        return request(
            "GET",
            f"/api/sync?{asked}&where=polls",
            {"Authorization": f"Bearer {self._tokens[n % CREW]}", "Accept": "text/event-stream"},
        )

    def event(self, *, heard: bool = True) -> bytes:
        """A vote that changes what the member voted before."""
        self._turn += 1
        return (self._voters[self._turn % len(self._voters)] if heard else self._unheard).vote()

    def sample(self) -> tuple[str, str]:
        """Id and data of one event, as a stream of ours has them."""
        lines = self.crowd.watch(self.event()).decode().splitlines()
        found: dict[str, str] = {}
        for line in lines:
            field, _, value = line.partition(": ")
            found[field] = value
            if field == "data" and MARKER.decode() in value:
                break
        return found["id"], found["data"]

    def stop(self) -> None:
        """End it."""
        self.crowd.close()
        self._process.kill()


class Peer(Contestant):
    """A framework's own way, in a process of its own (peers.py)."""

    def __init__(self, name: str, sample: tuple[str, str]) -> None:
        self.name = name
        self._body = "\n".join(sample).encode()
        with on_core(SERVER_CORE):
            here = str(Path(__file__).with_name("peers.py"))
            self._process = subprocess.Popen([sys.executable, "-P", here, name], stdout=subprocess.PIPE)
        self.pid = self._process.pid
        assert self._process.stdout is not None
        address = ("127.0.0.1", int(self._process.stdout.readline()))
        self.crowd = Crowd(address, MARKER, _reached(address))

    def stream(self, n: int) -> bytes:
        """Anybody's stream."""
        return request("GET", "/stream", {"Accept": "text/event-stream"})

    def event(self, *, heard: bool = True) -> bytes:
        """The same event again."""
        return request("POST", "/publish" if heard else "/unheard", {"Content-Type": "text/plain"}, self._body)

    def stop(self) -> None:
        """End it."""
        self.crowd.close()
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


class Nchan(Contestant):
    """nginx with nchan, one worker. Its ids are its own and shorter; the data are the same."""

    name = "nchan"

    def __init__(self, place: Path, sample: tuple[str, str]) -> None:
        place.mkdir()
        self._body = sample[1].encode()
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = free.getsockname()
        (place / "nginx.conf").write_text(_nginx(place, address[1]), encoding="ascii")
        with on_core(SERVER_CORE):
            command = [_nginx_path(), "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")]
            self._process = subprocess.Popen(command)
        publisher = _reached(address)
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self.pid = int(children.read_text(encoding="ascii").split()[0])
        self.crowd = Crowd(address, MARKER, publisher)

    @staticmethod
    def there() -> bool:
        """Whether nginx and the module are installed."""
        return shutil.which("nginx") is not None and any(module.exists() for module in NCHAN)

    def stream(self, n: int) -> bytes:
        """Anybody's stream."""
        return request("GET", "/stream", {"Accept": "text/event-stream"})

    def event(self, *, heard: bool = True) -> bytes:
        """The same event again."""
        return request("POST", "/publish" if heard else "/unheard", {"Content-Type": "text/plain"}, self._body)

    def stop(self) -> None:
        """End it."""
        self.crowd.close()
        self._process.terminate()
        self._process.wait(20)


def _nginx_path() -> str:
    found = shutil.which("nginx")
    assert found is not None
    return found


def _nginx(place: Path, port: int) -> str:
    module = next(path for path in NCHAN if path.exists())
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""
load_module {module};
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid {place}/nginx.pid;
error_log {place}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location = /stream {{ nchan_subscriber eventsource; nchan_channel_id trip; nchan_subscriber_first_message newest; }}
    location = /publish {{ nchan_publisher; nchan_channel_id trip; nchan_message_buffer_length 1; }}
    location = /unheard {{ nchan_publisher; nchan_channel_id nobody; nchan_message_buffer_length 1; }}
  }}
}}
"""


def _reached(address: tuple[str, int], seconds: float = 20) -> Caller:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return Caller(address)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
