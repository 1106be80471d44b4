"""The site: its pages, and a WebSocket for each terminal. Who opens one must have a cookie of ours, come from a page of
ours, and find a place."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, WSCloseCode, WSMsgType, web

from roadcrew_domain.ids import parse_invite_code
from roadcrew_domain.refusals import Refused
from roadcrew_tui.web import pages
from roadcrew_tui.web.address import Address
from roadcrew_tui.web.heard import Nonsense, Pinged, Typed, heard, size_of, zone_of
from roadcrew_tui.web.line import Line
from roadcrew_tui.web.room import Full, Room, network_of
from roadcrew_tui.web.terminal import VISIT, Page, Terminal
from roadcrew_tui.web.visitors import COOKIE, KEPT_SECONDS, TooMany, Visitors, is_secret, name_of

SWEEP_SECONDS = 3600.0
ASK_SECONDS = 3.0
"""For the server to say how people reach it."""
IDLE = "Nobody pressed a key here for {minutes:g} minutes, so this page was closed. Your trips are as you left them."
STOPPED = "This site is being stopped or started anew. Your trips are as you left them."
ENDED = "You have left the app."
BROKEN = "The app could not go on. Your trips are as you left them."
HUNG = "The app took no more keys, so it was closed. Your trips are as you left them."
NO_COOKIE = "This page needs a cookie, and your browser sent none. Allow cookies for this site, then try again."
STRANGER = "A terminal can be opened by a page of this site only."
NO_INVITE = "That is no invite. It ends in a code such as K7QM-2D4F."

_log = logging.getLogger(__name__)


class Site:
    """`application` is the whole of it. `now` is a clock in seconds that never goes back."""

    def __init__(
        self,
        address: Address,
        server: str,
        visitors: Visitors,
        room: Room,
        *,
        idle: float,
        now: Callable[[], float] = time.monotonic,
        program: Sequence[str] = VISIT,
    ) -> None:
        """`idle` in seconds."""
        self.address = address
        self.terminals: set[Terminal] = set()
        self._server = server
        self._visitors = visitors
        self._room = room
        self._idle = idle
        self._now = now
        self._program = program
        self._lines: set[Line] = set()
        self._public: str | None = None
        self._stopping = False
        self._folders = asyncio.Lock()
        """Nobody's folder is removed while they come back to it."""

    def application(self) -> web.Application:
        """For aiohttp's runner."""
        app = web.Application(client_max_size=0)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/j/{code}", self._page),
                web.get("/ws", self._socket),
                web.get("/ws/{code}", self._socket),
                web.get("/static/{name}", self._static),
                web.get("/healthz", self._alive),
            ]
        )
        app.on_response_prepare.append(self._mark)
        app.on_shutdown.append(self._stop)
        app.cleanup_ctx.append(self._sweeping)
        return app

    # --- pages -----------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.Response:
        code = request.match_info.get("code")
        try:
            code = parse_invite_code(code) if code is not None else None
        except Refused:
            return self._say(404, NO_INVITE)
        link = await self._reached() + (f"/j/{code}" if code else "")
        if pages.is_phone(request.headers.get("User-Agent", "")) and "terminal" not in request.query:
            return _html(pages.phone(self.address, code, link))
        secret = _secret_of(request) or self._visitors.new_secret()
        if trouble := self._room.trouble(name_of(secret), _network_of(request)):
            return self._say(503, trouble)
        answer = _html(pages.terminal(self.address, code, link))
        answer.set_cookie(
            COOKIE,
            secret,
            max_age=KEPT_SECONDS,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self.address.secure,
        )
        return answer

    async def _static(self, request: web.Request) -> web.Response:
        try:
            file, kind = pages.static(request.match_info["name"])
        except KeyError:
            raise web.HTTPNotFound from None
        body = await asyncio.to_thread(file.read_bytes)
        return web.Response(body=body, content_type=kind, headers={"Cache-Control": "max-age=3600"})

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _mark(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(pages.headers(self.address))
        response.headers["Server"] = "roadcrew"

    def _say(self, status: int, words: str) -> web.Response:
        retry = {"Retry-After": "60"} if status == 503 else {}
        return _html(pages.sentence(self.address, words), status, retry)

    async def _reached(self) -> str:
        """How people reach the server of trips, as it says itself; until it can be asked, as we do."""
        if self._public is None:
            try:
                async with (
                    ClientSession(timeout=ClientTimeout(total=ASK_SECONDS)) as http,
                    http.get(f"{self._server}/api/server", allow_redirects=False) as answer,
                ):
                    said = await answer.json()
                self._public = Address.of(said["publicUrl"]).url
            except (ClientError, TimeoutError, ValueError, KeyError, TypeError, AttributeError):
                return self._server
        return self._public

    # --- terminals -------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        secret = _secret_of(request)
        if not self.address.admits(request.headers.get("Origin")):
            return self._say(403, STRANGER)
        if secret is None:
            return self._say(403, NO_COOKIE)
        try:
            code = request.match_info.get("code")
            invite = parse_invite_code(code) if code is not None else None
            async with self._room.place(name_of(secret), _network_of(request)):
                return await self._visit(request, secret, invite)
        except Refused:
            return self._say(404, NO_INVITE)
        except Full as full:
            return self._say(503, str(full))
        except TooMany:
            return self._say(503, "So many people have come here that no more can. Tell whoever runs this site.")

    async def _visit(self, request: web.Request, secret: str, invite: str | None) -> web.StreamResponse:
        visitor = name_of(secret)
        async with self._folders:
            home = await asyncio.to_thread(self._visitors.enter, secret)
        line = Line(request.transport)

        async def ended(left: bool) -> None:
            await line.end(STOPPED if self._stopping else ENDED if left else BROKEN)
            if not left:
                _log.warning("A visitor's app ended by itself. Look for %s", home / "state" / "crash.log")

        page = Page(line.draw, line.say, ended)
        terminal = Terminal(
            page, home, self._server, invite=invite, zone=zone_of(request.query.get("zone")), program=self._program
        )
        self.terminals.add(terminal)
        try:
            await line.prepare(request)
            self._lines.add(line)
            await terminal.start(*size_of(request.query.get("width"), request.query.get("height")))
            if words := await self._listen(line, terminal):
                await line.end(words)
        finally:
            self._lines.discard(line)
            self._room.leaving(visitor, _network_of(request))
            await asyncio.shield(self._end(terminal, visitor, home))
            line.hang_up()
        return line

    async def _listen(self, line: Line, terminal: Terminal) -> str:
        """Hand on what the page says until it is closed; why we close it, or nothing."""
        pressed = self._now()
        while True:
            left = pressed + self._idle - self._now()
            if left <= 0:
                return IDLE.format(minutes=self._idle / 60)
            try:
                message = await line.receive(timeout=left)
            except TimeoutError:
                continue
            if message.type is not WSMsgType.TEXT:
                return ""
            try:
                said = heard(message.data)
                if isinstance(said, Pinged):
                    await line.say("pong", said.text)
                    continue
                await terminal.take(said)
            except Nonsense:
                await line.shut(WSCloseCode.POLICY_VIOLATION)
                return ""
            except TimeoutError:
                return HUNG
            if isinstance(said, Typed):
                pressed = self._now()

    async def _end(self, terminal: Terminal, visitor: str, home: Path) -> None:
        await terminal.stop()
        self.terminals.discard(terminal)
        async with self._folders:
            if self._room.taken(visitor) == 1:
                await asyncio.to_thread(self._visitors.leave, home)

    # --- start and end ---------------------------------------------------------------------------

    async def _stop(self, _: web.Application) -> None:
        """Say why, and close every page; each ends its own process."""
        self._stopping = True
        await asyncio.gather(*(line.end(STOPPED, WSCloseCode.GOING_AWAY) for line in self._lines))

    async def _sweeping(self, _: web.Application) -> AsyncIterator[None]:
        async with _beside(self._sweep()):
            yield

    async def _sweep(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._visitors.sweep, self._room.here)
            except OSError as error:
                _log.warning("Folders of visitors could not be looked through: %s", error)
            await asyncio.sleep(SWEEP_SECONDS)


@asynccontextmanager
async def _beside(work: Coroutine[object, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _secret_of(request: web.Request) -> str | None:
    secret = request.cookies.get(COOKIE)
    return secret if is_secret(secret) else None


def _network_of(request: web.Request) -> str | None:
    return network_of(request.remote, ",".join(request.headers.getall("X-Forwarded-For", [])))


def _html(text: str, status: int = 200, more: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store", **(more or {})}
    )
