"""A site over HTTP and WebSockets, with a parrot behind each page where the app would be."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import (
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    DummyCookieJar,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from tests.support.people import eventually

from roadcrew_tui.web import line, terminal
from roadcrew_tui.web.address import Address
from roadcrew_tui.web.room import Room
from roadcrew_tui.web.site import BROKEN, ENDED, HUNG, NO_COOKIE, NO_INVITE, STOPPED, STRANGER, Site
from roadcrew_tui.web.visitors import COOKIE, SIGNED_IN, Visitors, name_of

PARROT = (sys.executable, "-S", str(Path(__file__).parents[2] / "support" / "parrot.py"))
SOON = 20.0
IDLE = 1800.0
CODE = "K7QM-2D4F"
PHONE = {"User-Agent": "Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0"}
NOBODY = "http://127.0.0.1:9"
"""A server that nothing listens at."""


@dataclass
class Page:
    """An open terminal."""

    line: ClientWebSocketResponse

    async def say(self, *said: Any) -> None:
        await self.line.send_json(said)

    async def next(self, kind: str = "drawn") -> str:
        """What is drawn, or the next message of a kind."""
        async with asyncio.timeout(SOON):
            async for message in self.line:
                if message.type is WSMsgType.BINARY and kind == "drawn":
                    return str(message.data.decode())
                if message.type is WSMsgType.TEXT and (said := json.loads(message.data))[0] == kind:
                    return str(said[1])
        raise AssertionError(f"closed ({self.line.close_code}) before {kind}")

    async def closed(self) -> list[Any]:
        """Everything until it is closed."""
        async with asyncio.timeout(SOON):
            return [message.data async for message in self.line]


class Browsers:
    """What browsers do to a site, without one."""

    def __init__(self, site: Site, runner: web.AppRunner, http: ClientSession, folder: Path) -> None:
        self.site, self.runner, self.folder, self._http = site, runner, folder, http
        self.now = 0.0

    async def get(self, path: str, secret: str | None = None, **headers: str) -> ClientResponse:
        """One page."""
        cookie = {"Cookie": f"{COOKIE}={secret}"} if secret else {}
        return await self._http.get(path, headers={**cookie, **headers}, allow_redirects=False)

    async def secret(self) -> str:
        """A new visitor's."""
        return (await self.get("/")).cookies[COOKIE].value

    async def open(
        self, secret: str | None, path: str = "/ws?width=100&height=30", origin: str | None = "", **headers: str
    ) -> Page:
        """A terminal."""
        cookie = {"Cookie": f"{COOKIE}={secret}"} if secret else {}
        origins = {} if origin is None else {"Origin": origin or self.site.address.origin}
        return Page(await self._http.ws_connect(path, headers={**cookie, **origins, **headers}))

    async def refused(self, *given: Any, **more: Any) -> int:
        """The status with which a terminal was refused."""
        with pytest.raises(WSServerHandshakeError) as refused:
            await self.open(*given, **more)
        return refused.value.status


@asynccontextmanager
async def browsers(
    tmp_path: Path, *, most: int = 20, each: int = 4, idle: float = IDLE, server: str = NOBODY, public: str = ""
) -> AsyncIterator[Browsers]:
    """At a site of their own."""
    listening = socket.create_server(("127.0.0.1", 0))
    here = Address.listening("127.0.0.1", listening.getsockname()[1])
    folder = tmp_path / "web"
    held: list[Browsers] = []
    site = Site(
        Address.of(public) if public else here,
        server,
        Visitors(folder, lambda: 1_800_000_000.0),
        Room(most, each, wait=0.2),
        idle=idle,
        now=lambda: held[0].now if held else 0.0,
        program=PARROT,
    )
    runner = web.AppRunner(site.application(), access_log=None, shutdown_timeout=SOON)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    async with ClientSession(here.url, cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=SOON)) as http:
        held.append(Browsers(site, runner, http, folder))
        try:
            yield held[0]
        finally:
            await runner.cleanup()


def running(processes: list[int | None]) -> list[int | None]:
    """Those that are still there."""
    return [pid for pid in processes if os.path.exists(f"/proc/{pid}")]


def sign_in(folder: Path, secret: str) -> Path:
    """As the app would; the folder."""
    home = folder / name_of(secret)
    (home / SIGNED_IN).parent.mkdir()
    (home / SIGNED_IN).write_text("{}")
    return home


# R: G1
async def test_a_page_gives_a_cookie_that_scripts_and_other_sites_do_not_get(tmp_path: Path):
    async with browsers(tmp_path) as at:
        page = await at.get("/")
        cookie = page.headers["Set-Cookie"]
        for part in ("HttpOnly", "SameSite=Lax", "Path=/", f"Max-Age={30 * 24 * 3600}"):
            assert part in cookie
        assert "Secure" not in cookie
        secret = page.cookies[COOKIE].value
        assert (await at.get("/", secret)).cookies[COOKIE].value == secret
        assert (await at.get("/", "made-up")).cookies[COOKIE].value not in ("made-up", secret)
        assert not at.folder.exists()  # who only looks leaves nothing
    async with browsers(tmp_path, public="https://app.example.org") as at:
        assert "Secure" in (await at.get("/")).headers["Set-Cookie"]


# R: G1
async def test_pages_run_only_our_scripts_and_stand_in_no_frame(tmp_path: Path):
    async with browsers(tmp_path) as at:
        for path in ("/", "/healthz", "/static/page.js", "/nothing", "/ws"):
            headers = (await at.get(path)).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'; script-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe-eval" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "aiohttp" not in headers["Server"]
        text = await (await at.get("/")).text()
        assert "://" not in text.replace(NOBODY, "")  # nothing from elsewhere


# R: G1
@pytest.mark.parametrize(
    "path",
    [
        "/static/../visitors.py",
        "/static/%2e%2e/visitors.py",
        "/static/..%2fvisitors.py",
        "/static//etc/passwd",
        "/static/",
        "/static",
        "/download/k",
        "/data/web",
        "/..%2f..%2fetc%2fpasswd",
    ],
)
async def test_no_path_leads_to_a_file_of_the_host(tmp_path: Path, path: str):
    async with browsers(tmp_path) as at:
        # As it stands, for clients tidy such paths up.
        reader, writer = await asyncio.open_connection("127.0.0.1", at.site.address.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), SOON)
        writer.close()
        assert answer.split()[1] == b"404", answer


async def test_each_page_has_a_process_that_speaks_through_it(tmp_path: Path):
    async with browsers(tmp_path) as at:
        page = await at.open(await at.secret(), f"/ws/{CODE.lower()}?width=100&height=30&zone=Europe/Lisbon")
        assert await page.next() == f"begun ['{CODE}'] 100x30 Europe/Lisbon"
        await page.say("stdin", "grüß")
        assert await page.next() == "grüß"
        await page.say("resize", {"width": 7, "height": 9000})
        assert json.loads((await page.next()).removeprefix("meta ")) == {"type": "resize", "width": 20, "height": 200}
        await page.say("blur")
        assert json.loads((await page.next()).removeprefix("meta ")) == {"type": "blur"}
        await page.say("ping", "17")
        assert await page.next("pong") == "17"
        processes = [each.pid for each in at.site.terminals]
        await page.line.close()
        await eventually(lambda: not at.site.terminals, "the end of the process", SOON)
        assert running(processes) == []
        await eventually(lambda: not list(at.folder.iterdir()), "the end of the folder: nobody signed in", SOON)


# R: G1
async def test_a_terminal_is_opened_by_a_page_of_ours_with_a_cookie_and_by_nobody_else(tmp_path: Path):
    async with browsers(tmp_path) as at:
        secret = await at.secret()
        for origin in ("http://evil.example", "null", f"{at.site.address.origin}.evil.example", None):
            assert await at.refused(secret, origin=origin) == 403
        for none in (None, "made-up", "../" * 14 + "a"):
            assert await at.refused(none) == 403
        assert STRANGER in await (await at.get("/ws", secret)).text()
        assert NO_COOKIE in await (await at.get("/ws", Origin=at.site.address.origin)).text()
        assert await at.refused(secret, "/ws/no-code-of-ours") == 404
        assert not at.folder.exists()


# R: G1
async def test_a_link_in_the_place_of_a_folder_opens_nothing(tmp_path: Path):
    async with browsers(tmp_path) as at:
        ana, ben = await at.secret(), await at.secret()
        await (await at.open(ana)).next()
        sign_in(at.folder, ana)
        (at.folder / name_of(ben)).symlink_to(at.folder / name_of(ana))
        assert await at.refused(ben) == 500


async def test_who_signed_in_keeps_the_folder_over_reloads_and_others_have_another(tmp_path: Path):
    async with browsers(tmp_path) as at:
        ana, ben = await at.secret(), await at.secret()
        first = await at.open(ana)
        await first.next()
        home = sign_in(at.folder, ana)
        await first.line.close()
        assert await (await at.open(ana)).next()
        assert await (await at.open(ben)).next()
        assert home.joinpath(SIGNED_IN).exists()
        assert {folder.name for folder in at.folder.iterdir()} == {name_of(ana), name_of(ben)}


async def test_over_the_number_of_visitors_a_sentence_says_so_until_somebody_leaves(tmp_path: Path):
    async with browsers(tmp_path, most=2, each=1) as at:
        ana, ben, carla = [await at.secret() for _ in range(3)]
        first, _ = await at.open(ana), await at.open(ben)
        assert await at.refused(ana) == await at.refused(carla) == 503
        mine = await at.get("/", ana)
        assert (mine.status, "Close one of them" in await mine.text()) == (503, True)
        full = await at.get("/", carla)
        assert (full.status, full.headers["Retry-After"]) == (503, "60")
        assert "All places here are taken" in await full.text()
        assert len(at.site.terminals) == 2
        await first.line.close()
        await eventually(lambda: len(at.site.terminals) == 1, "a place", SOON)
        assert await (await at.open(carla)).next()


# R: T2
async def test_whoever_takes_no_cookies_fills_half_of_the_places_and_no_more(tmp_path: Path):
    there, elsewhere = ({"X-Forwarded-For": address} for address in ("8.8.8.8", "9.9.9.9"))
    async with browsers(tmp_path, most=4, each=1) as at:
        secrets = [await at.secret() for _ in range(4)]
        pages = [await at.open(secret, **there) for secret in secrets[:2]]
        assert await at.refused(secrets[2], **there) == 503
        assert (await at.get("/", **there)).status == 503
        assert (await at.get("/", **elsewhere)).status == 200
        pages.append(await at.open(secrets[3], **elsewhere))
        assert await pages[2].next()


# R: G1
async def test_without_a_key_for_long_a_page_is_closed_and_moving_about_is_no_key(tmp_path: Path):
    async with browsers(tmp_path) as at:
        page = await at.open(await at.secret())
        await page.next()
        at.now += IDLE - 1
        await page.say("stdin", "j")
        assert await page.next() == "j"
        at.now += IDLE - 1
        for said in (["ping", "1"], ["focus"], ["blur"], ["resize", {"width": 90, "height": 30}]):
            await page.say(*said)
        assert await page.next("pong") == "1"
        at.now += 2
        await page.say("ping", "2")
        assert "for 30 minutes" in await page.next("ended")
        await page.closed()
        await eventually(lambda: not at.site.terminals, "the end of the process", SOON)


async def test_without_anything_at_all_it_is_closed_too(tmp_path: Path):
    async with browsers(tmp_path, idle=0.05) as at:
        page = await at.open(await at.secret())
        await page.next()
        at.now = 1.0
        assert "Nobody pressed a key" in await page.next("ended")
        await page.closed()


@pytest.mark.parametrize("text", ["", "[", '["quit"]', '["deliver_chunk_request", {"key": "k", "size": 9}]'])
async def test_who_does_not_speak_as_our_page_does_is_hung_up_on(tmp_path: Path, text: str):
    async with browsers(tmp_path) as at:
        page = await at.open(await at.secret())
        await page.next()
        await page.line.send_str(text)
        await page.closed()
        assert page.line.close_code == 1008


async def test_a_message_that_is_too_long_is_not_read(tmp_path: Path):
    async with browsers(tmp_path) as at:
        page = await at.open(await at.secret())
        await page.next()
        await page.say("stdin", "x" * 300_000)
        await page.closed()
        assert page.line.close_code == 1009


async def test_nothing_is_downloaded_and_links_lead_to_the_web_only(tmp_path: Path):
    async with browsers(tmp_path) as at:
        page = await at.open(await at.secret())
        await page.next()
        for url in ("javascript:alert(1)", "file:///etc/passwd", "https://example.org/hotel"):
            await page.say("stdin", f"link {url}")
        assert await page.next("link") == "https://example.org/hotel"
        await page.say("stdin", "deliver")
        assert await page.next() == "delivered"
        await page.say("ping", "1")
        assert await page.next("pong") == "1"  # and no word of a download before it


async def test_an_app_that_falls_says_so_on_its_page(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    async with browsers(tmp_path) as at:
        page = await at.open(await at.secret())
        await page.next()
        await page.say("stdin", "crash")
        assert await page.next("ended") == BROKEN
        await eventually(lambda: not at.site.terminals, "the end of the process", SOON)
        assert "ended by itself" in caplog.text


async def test_who_leaves_the_app_or_the_page_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    async with browsers(tmp_path) as at:
        gone = await at.open(await at.secret())
        await gone.next()
        await gone.line.close()
        await eventually(lambda: not at.site.terminals, "the end of the process", SOON)
        left = await at.open(await at.secret())
        await left.next()
        (app,) = at.site.terminals
        await app.send_meta({"type": "quit"})  # as its own key does
        assert await left.next("ended") == ENDED
        await left.closed()
        await eventually(lambda: not at.site.terminals, "the end of the other", SOON)
        assert caplog.text == ""


async def test_an_app_that_has_hung_is_ended_by_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("DEAF_SECONDS", "QUIT_SECONDS"):
        monkeypatch.setattr(terminal, name, 0.2)
    async with browsers(tmp_path) as at:
        page = await at.open(await at.secret())
        await page.next()
        await page.say("stdin", "deaf")
        assert await page.next() == "deaf"
        for _ in range(8):  # more than a pipe holds
            await page.say("stdin", "x" * 100_000)
        assert await page.next("ended") == HUNG
        await page.closed()
        await eventually(lambda: not at.site.terminals, "the end of the process", SOON)


async def test_whoever_stops_the_site_ends_every_process_and_says_why(tmp_path: Path):
    async with browsers(tmp_path) as at:
        pages = [await at.open(await at.secret()) for _ in range(2)]
        for page in pages:
            await page.next()
        processes = [each.pid for each in at.site.terminals]
        stopping = asyncio.create_task(at.runner.cleanup())
        assert [await page.next("ended") for page in pages] == [STOPPED] * 2
        await stopping
        assert at.site.terminals == set()
        assert running(processes) == []


@asynccontextmanager
async def reading_nothing(page: Page) -> AsyncIterator[None]:
    """Of more than fits on the way."""

    async def type_on() -> None:
        with suppress(ConnectionError):
            while True:
                await page.say("stdin", "x" * 200_000)

    typing = asyncio.create_task(type_on())
    await asyncio.wait([typing], timeout=1.0)
    yield
    typing.cancel()
    with suppress(asyncio.CancelledError):
        await typing
    await page.closed()


async def test_who_takes_nothing_of_what_is_drawn_is_hung_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(line, "SLOW_SECONDS", 0.5)
    async with browsers(tmp_path) as at, reading_nothing(await at.open(await at.secret())):
        await eventually(lambda: not at.site.terminals, "the end of the process", SOON)


async def test_stopping_the_site_waits_for_nobody_who_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(line, "CLOSE_SECONDS", 0.5)
    async with browsers(tmp_path) as at, reading_nothing(await at.open(await at.secret())):
        (process,) = [each.pid for each in at.site.terminals]
        async with asyncio.timeout(SOON / 2):
            await at.runner.cleanup()
        assert running([process]) == []


# R: T2
async def test_an_invite_opens_by_its_code_and_phones_are_led_to_the_servers_own_page(tmp_path: Path):
    async def about(_: web.Request) -> web.Response:
        return web.json_response({"publicUrl": "https://trips.example.org"})

    listening = socket.create_server(("127.0.0.1", 0))
    server = web.AppRunner(app := web.Application(), access_log=None)
    app.router.add_get("/api/server", about)
    await server.setup()
    await web.SockSite(server, listening).start()
    try:
        async with browsers(tmp_path, server=f"http://127.0.0.1:{listening.getsockname()[1]}") as at:
            wide = await (await at.get(f"/j/{CODE.lower()}")).text()
            assert f'data-session-websocket-url="/ws/{CODE}"' in wide
            narrow = await at.get(f"/j/{CODE}", **PHONE)
            text = await narrow.text()
            assert f'href="https://trips.example.org/j/{CODE}"' in text
            assert "<script" not in text
            assert "Set-Cookie" not in narrow.headers
            assert "<script" in await (await at.get(f"/j/{CODE}?terminal", **PHONE)).text()
            none = await at.get("/j/no-code-of-ours")
            assert (none.status, NO_INVITE in await none.text()) == (404, True)
            assert await (await at.get("/healthz")).text() == "ok\n"
    finally:
        await server.cleanup()


async def test_a_server_that_is_away_or_talks_nonsense_keeps_nobody_from_a_page(tmp_path: Path):
    async with browsers(tmp_path) as at:
        page = await at.get(f"/j/{CODE}")
        assert (page.status, f'href="{NOBODY}/j/{CODE}"' in await page.text()) == (200, True)
