"""`roadcrew doctor`: the true command, against real servers behind real faults."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.api_client.scripted import Request, serving
from tests.faults import FaultProxy, Hold
from tests.support.commands import Commander
from tests.support.people import connected
from tests.support.serving import ServerProcess, server_process
from tests.support.terminal import Terminal, roadcrew
from tests.support.valkey import ValkeyProcess

from roadcrew_client import Client, NotSignedIn


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose heart beats fast."""
    with server_process(tmp_path_factory.mktemp("server"), heartbeat=0.5) as running:
        yield running


@pytest.fixture
def ana(tmp_path: Path) -> Commander:
    """Ana, who has used no server yet."""
    return Commander(tmp_path / "ana", None)


@pytest.fixture
async def proxy(server: ServerProcess) -> AsyncIterator[FaultProxy]:
    """What stands between Ana and the server; no fault so far."""
    async with FaultProxy(server.url) as running:
        yield running


def areas(report: Any) -> dict[str, list[str]]:
    """The states of what was found, by area."""
    found: dict[str, list[str]] = {}
    for finding in report["findings"]:
        found.setdefault(finding["area"], []).append(finding["state"])
    return found


async def doctor(who: Commander, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run it, while proxies in this loop go on."""
    return await asyncio.to_thread(partial(who.run, "doctor", *words, **more))


# R: S4
async def test_a_stream_that_is_held_back_is_said_with_what_to_do_and_without_the_proxy_all_is_well(
    ana: Commander, proxy: FaultProxy, server: ServerProcess
) -> None:
    await proxy.change(hold=Hold())
    held = await doctor(ana, "--server", proxy.url, "--as", "Ana")
    assert held.returncode == 1
    assert "Streams are held back on the way here (a buffering proxy): Roadcrew polls instead." in held.stdout
    assert "proxy_buffering off" in held.stdout
    assert "Polling works" in held.stdout
    assert "One thing does not work." in held.stdout
    await proxy.change(hold=None)
    well = await doctor(ana, "--server", proxy.url, "--as", "Ana")
    assert well.returncode == 0, well.stdout
    assert "Streaming works" in well.stdout
    assert "All well." in well.stdout
    assert not ana.credentials.exists(), "a guest of the doctor is kept nowhere"


async def test_it_uses_the_sign_in_that_is_there_and_changes_nothing(ana: Commander, server: ServerProcess) -> None:
    ana.run("trip", "new", "Lisbon", "--server", server.url)
    before = ana.credentials.read_bytes()
    report = ana.json("doctor")
    assert (report["ok"], report["server"]) == (True, server.url)
    found = areas(report)
    assert (found["streaming"], found["polling"]) == (["good"], ["good"])
    facts = {name: value for finding in report["findings"] for name, value in finding["facts"].items()}
    assert (facts["keyring"], facts["inFile"]) == ("none", [server.url])
    assert abs(facts["clockAhead"]) < 5
    assert 0 < facts["firstFrame"] < facts["heartbeat"] < 10
    assert ana.credentials.read_bytes() == before
    ana.credentials.chmod(0o644)
    refused = ana.run("doctor")
    assert refused.returncode == 1
    assert "chmod 600" in refused.stdout


async def test_nobody_is_told_what_could_be_tried_and_no_guest_is_made(ana: Commander) -> None:
    async def script(request: Request) -> None:
        if request.path == "/api/server":
            await request.answer(200, {"name": "S", "version": "9", "publicUrl": "https://s.example"})
        else:
            await request.answer(200, b"ok\n")

    async with serving(script) as open_server:
        done = await doctor(ana, "--server", open_server.url)
        assert done.returncode == 0
        assert "You are not signed in there." in done.stdout
        assert "--as NAME" in done.stdout
        assert [r.path for r in open_server.requests] == ["/healthz", "/api/server"]


async def test_a_guest_of_the_doctor_leaves_nothing_behind(ana: Commander, server: ServerProcess) -> None:
    seen: list[Request] = []

    async def script(request: Request) -> None:
        """Asks the server, writes down what was asked, and lets no stream through."""
        seen.append(request)
        headers = {k: v for k, v in request.headers.items() if k != "host"}
        if request.streams:
            await request.answer(502)
            return
        async with connected(server.url) as http:
            target = f"{request.path}?{urlencode(request.query, doseq=True)}"
            answer = await http.request(request.method, target, headers=headers, content=request.body)
        await request.answer(answer.status_code, answer.content)

    async with serving(script) as watched:
        await doctor(ana, "--server", watched.url, "--as", "Ana")
    asked = [(r.method, r.path) for r in seen if r.path != "/api/sync"]
    assert asked[-2:] == [("POST", "/api/social-cart/delete"), ("DELETE", "/api/session")]
    token = seen[-1].headers["authorization"].removeprefix("Bearer ")
    async with Client(server.url, token=token) as client:
        with pytest.raises(NotSignedIn):
            await client.whoami()


async def test_a_server_that_is_not_there_is_status_4_and_one_that_is_none_is_1(ana: Commander) -> None:
    away = ana.run("doctor", "--server", "http://127.0.0.1:1")
    assert (away.returncode, "can't be reached" in away.stdout) == (4, True)

    async def script(request: Request) -> None:
        await request.answer(404, b"<html>\x1b]0;owned\x07\x1b[2J</html>", Content_Type="text/html")

    async with serving(script) as other:
        done = await doctor(ana, "--server", other.url)
    assert (done.returncode, "not as a Roadcrew server does" in done.stdout) == (1, True)


async def test_what_a_hostile_server_says_brings_no_escape_sequences(ana: Commander) -> None:
    evil = "\x1b]52;c;aGk=\x07\x1b[2Jowned\x9b31m\u202e"

    async def script(request: Request) -> None:
        if request.path == "/api/server":
            shape = {"name": evil, "version": evil, "publicUrl": f"https://x/{evil}", "features": [evil], "time": None}
            await request.answer(200, shape)
        elif request.path == "/healthz":
            await request.answer(200, evil.encode())
        else:
            await request.problem(403, evil, detail=evil, title=evil)

    async with serving(script) as hostile:
        done = await doctor(ana, "--server", hostile.url, "--as", "Ana")
    assert done.returncode == 1
    assert "owned" in done.stdout
    assert not any(c in done.stdout + done.stderr for c in "\x1b\x07\x9b\u202e")


def test_at_a_terminal_it_says_what_that_can(ana: Commander) -> None:
    own_size = {"COLUMNS": "", "LINES": ""}
    with Terminal(roadcrew("doctor"), columns=100, rows=40, environment={**ana.own, **own_size}) as terminal:
        terminal.wait_for("All well.")
        assert terminal.wait_end() == 0
        assert "100 columns and 40 lines." in terminal.text
        assert "16 million colours." in terminal.text
        assert "No server has been used from here." in terminal.text


# R: G4
async def test_the_shared_store_of_a_server_is_asked_whether_it_keeps_everything(
    ana: Commander, tmp_path: Path
) -> None:
    with ValkeyProcess(tmp_path / "valkey") as valkey:
        refused = await doctor(ana, "--json", ROADCREW_STORE=f"redis://:secret@127.0.0.1:{valkey.port}")
        assert areas(json.loads(refused.stdout))["store"] == ["bad"]
        assert "secret" not in refused.stdout + refused.stderr
        good = await doctor(ana, "--json", ROADCREW_STORE=valkey.url)
        assert areas(json.loads(good.stdout))["store"] == ["good"]
        valkey.say("CONFIG", "SET", "appendfsync", "everysec")
        valkey.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        lossy = await doctor(ana, ROADCREW_STORE=valkey.url)
        assert lossy.returncode == 1
        for word in ("appendfsync always", "noeviction"):
            assert word in lossy.stdout
        assert valkey.say("DBSIZE") == b":0\r\n"  # it changed nothing
    assert "STORE" not in (await doctor(ana, ROADCREW_STORE="sqlite:///trips.db")).stdout
