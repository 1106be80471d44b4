"""The shared store at its opening and when it is refused: what is trusted, what is warned of, what is never shown."""

import asyncio
import logging
import os
import re
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from redis import exceptions as theirs
from tests.server.store_contract import append, bodies, born, commit
from tests.support.redis_stores import at, facts_of, opened
from tests.support.valkey import ValkeyProcess
from tests.support.wire import Wire

from roadcrew_server.stores._redis_address import address_of
from roadcrew_server.stores._redis_errors import refusal
from roadcrew_server.stores.base import (
    NOTHING_YET,
    Appended,
    StoreBusy,
    StoreFull,
    StoreReadOnly,
    StoreRefused,
    StoreStarting,
    StoreUnavailable,
)
from roadcrew_server.stores.redis import RedisStore

LOOP = uvloop.new_event_loop

TLS = Path(__file__).with_name("tls")


class TestRefusals:
    async def test_a_full_memory_is_said_and_nothing_is_written(self, valkey: ValkeyProcess) -> None:
        async with opened(valkey.url) as store:
            topic = await born(store)
            sent = commit(store, "c1")
            valkey.say("CONFIG", "SET", "maxmemory", "1")
            with pytest.raises(StoreFull):
                await append(store, "trip:1", topic.epoch, 0, sent)
            assert await bodies(store) == [b"e0"]
            valkey.say("CONFIG", "SET", "maxmemory", "0")
            assert await append(store, "trip:1", topic.epoch, 0, sent) == Appended(topic.epoch, 1)

    async def test_a_primary_that_became_a_replica_is_said_and_its_connections_are_dropped(
        self, valkey: ValkeyProcess, wire: Wire
    ) -> None:
        async with opened(at(wire.port)) as store:
            topic = await born(store)
            before = wire.connections
            valkey.say("REPLICAOF", "127.0.0.1", "1")
            with pytest.raises(StoreReadOnly):
                await append(store, "trip:1", topic.epoch, 0, commit(store, "c1"))
            valkey.say("REPLICAOF", "NO", "ONE")
            assert await append(store, "trip:1", topic.epoch, 0, commit(store, "c1")) == Appended(topic.epoch, 1)
            assert wire.connections > before

    async def test_scripts_that_the_server_forgot_are_sent_whole(self, valkey: ValkeyProcess) -> None:
        async with opened(valkey.url) as store:
            topic = await born(store)
            valkey.say("SCRIPT", "FLUSH")
            assert await append(store, "trip:1", topic.epoch, 0, commit(store, "c1")) == Appended(topic.epoch, 1)

    async def test_connections_are_bounded_and_waited_for(self, valkey: ValkeyProcess, wire: Wire) -> None:
        async with opened(at(wire.port), connections=3) as store:
            topic = await born(store)
            await asyncio.gather(*(store.load("trip:1") for _ in range(200)))
            assert await store.recorded("trip:1", topic.epoch) is None
            assert wire.connections <= 3 + 1  # and the one for hints

    async def test_who_waits_for_a_connection_is_not_overtaken(self, valkey: ValkeyProcess) -> None:
        async with opened(valkey.url, connections=1) as store:
            turns: list[int] = []

            async def again_and_again(who: int) -> None:
                for _ in range(20):
                    await store.load("trip:1")
                    turns.append(who)

            await asyncio.gather(*map(again_and_again, range(5)))
            assert all(set(turns[first : first + 5]) == set(range(5)) for first in range(0, 100, 5))

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (theirs.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), StoreFull),
            (theirs.ResponseError("ERR Error running script: -OOM command not allowed"), StoreFull),
            (theirs.ReadOnlyError("You can't write against a read only replica."), StoreReadOnly),
            (theirs.ResponseError("MISCONF Errors writing to the AOF file"), StoreReadOnly),
            (theirs.BusyLoadingError("Redis is loading the dataset in memory"), StoreStarting),
            (theirs.ClusterDownError("The cluster is down"), StoreStarting),
            (theirs.MovedError("866 127.0.0.1:7001"), StoreUnavailable),
            (theirs.NoPermissionError("this user has no permissions"), StoreRefused),
            (theirs.AuthenticationError("invalid username-password pair"), StoreRefused),
            (theirs.ResponseError("BUSY Redis is busy running a script."), StoreBusy),
            (theirs.ResponseError("WRONGTYPE Operation against a key"), StoreUnavailable),
        ],
    )
    def test_each_refusal_of_a_server_is_one_of_ours_and_repeats_nothing_of_it(
        self, error: Exception, kind: type[Exception]
    ) -> None:
        said = refusal(error)
        assert type(said) is kind
        assert str(error) not in str(said)


def info(text: str) -> bytes:
    """What an older server, which can't be had here, says of itself."""
    return f"${len(text)}\r\n{text}\r\n".encode()


class TestOpening:
    async def test_a_store_that_keeps_all_has_nothing_to_warn_of(self, valkey: ValkeyProcess) -> None:
        facts = await facts_of(valkey.url)
        assert (facts.name, facts.durable, facts.warnings) == ("valkey", True, [])
        assert re.fullmatch(r"\d+\.\d+\.\d+", facts.version)

    async def test_a_store_that_may_lose_something_says_so(self, valkey: ValkeyProcess) -> None:
        valkey.say("CONFIG", "SET", "appendfsync", "everysec")
        valkey.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        facts = await facts_of(valkey.url)
        assert not facts.durable
        assert [next(word for word in ("appendfsync", "noeviction") if word in text) for text in facts.warnings] == [
            "appendfsync",
            "noeviction",
        ]

    async def test_a_replica_is_refused(self, valkey: ValkeyProcess) -> None:
        valkey.say("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(StoreUnavailable, match="read-only replica"):
            await facts_of(valkey.url)

    async def test_one_that_nobody_listens_at_is_said_with_its_place(self) -> None:
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1 can't be reached"):
            await facts_of("redis://127.0.0.1:1")

    async def test_a_store_of_another_make_is_left_alone(self, valkey: ValkeyProcess) -> None:
        valkey.say("SET", "roadcrew:format", "2")
        with pytest.raises(StoreUnavailable, match="can't read"):
            await facts_of(valkey.url)

    async def test_a_node_of_a_cluster_is_not_taken_for_the_whole(self, tmp_path: Path) -> None:
        with (
            ValkeyProcess(tmp_path, cluster_enabled="yes") as node,
            pytest.raises(StoreUnavailable, match=r"redis\+cluster://"),
        ):
            await facts_of(node.url)

    @pytest.mark.parametrize(
        ("answer", "kind", "words"),
        [
            (info("redis_version:6.0.16\r\nrole:master"), StoreUnavailable, "redis 6.0.16; Redis 6.2"),
            (info("redis_version:5.0\r\nserver_name:other"), StoreUnavailable, "redis 5.0; Redis 6.2"),
            (info("nonsense"), StoreUnavailable, "Redis 6.2"),
            (b"-LOADING Redis is loading the dataset in memory\r\n", StoreStarting, "is loading"),
            (b"-ERR max number of clients reached\r\n", StoreUnavailable, "can't be reached|hung up"),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", StoreUnavailable, "refused|hung up"),
        ],
    )
    async def test_what_will_not_do_is_said(self, answer: bytes, kind: type[Exception], words: str) -> None:
        async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65536):
                writer.write(answer)
            writer.close()

        listening = await asyncio.start_server(say, "127.0.0.1", 0)
        async with listening:
            with pytest.raises(kind, match=words) as refused:
                await facts_of(f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        assert type(refused.value) is kind

    async def test_a_socket_of_the_system_will_do(self, tmp_path: Path) -> None:
        path = tmp_path / "s"
        with ValkeyProcess(tmp_path, unixsocket=str(path)):
            assert (await facts_of(f"redis+unix://{path}?db=3")).durable


class TestSecrets:
    """R: S10"""

    @pytest.fixture
    def guarded(self, valkey: ValkeyProcess) -> Iterator[ValkeyProcess]:
        rule = "reset on >s3cret:p@ss ~roadcrew:* &roadcrew:hints +@all -config"
        assert valkey.say("ACL", "SETUSER", "crew", *rule.split()) == b"+OK\r\n"
        yield valkey
        valkey.say("ACL", "DELUSER", "crew")

    async def test_an_acl_user_is_let_in(self, guarded: ValkeyProcess) -> None:
        async with opened(f"redis://crew:s3cret%3Ap%40ss@127.0.0.1:{guarded.port}") as store:
            assert isinstance(await append(store, "trip:1", None, NOTHING_YET, commit(store, "c1")), Appended)
            assert await store.rate_storage().incr("ana", 60) == 1
        facts = await facts_of(f"redis://crew:s3cret%3Ap%40ss@127.0.0.1:{guarded.port}")
        assert (facts.durable, len(facts.warnings)) == (False, 1)  # CONFIG was forbidden, so nobody knows

    @pytest.mark.parametrize("url", ["crew:wr0ng:p@ss@", ":wr0ng:p@ss@", "wr0ng:p@ss:@"])
    async def test_a_wrong_password_is_refused_and_shown_nowhere(
        self, guarded: ValkeyProcess, url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        address = address_of(f"redis://{url}127.0.0.1:{guarded.port}")
        store = RedisStore(address)
        with pytest.raises(StoreRefused) as refused:
            await store.open()
        for text in (str(refused.value), repr(refused.value), repr(address), str(address), repr(store), caplog.text):
            assert "wr0ng" not in text.replace("username='wr0ng", "")

    async def test_a_server_that_is_not_let_in_ends_with_a_sentence_that_shows_no_password(
        self, guarded: ValkeyProcess
    ) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "roadcrew_server", "--port", "0"),
            env={**os.environ, "ROADCREW_STORE": f"redis://crew:wr0ng@127.0.0.1:{guarded.port}"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert err.decode() == "roadcrew: The store does not accept the user name or the password.\n"

    async def test_a_user_who_may_not_write_our_keys_is_refused(self, guarded: ValkeyProcess) -> None:
        guarded.say("ACL", "SETUSER", "crew", "resetkeys", "~other:*")
        with pytest.raises(StoreRefused):
            await facts_of(f"redis://crew:s3cret%3Ap%40ss@127.0.0.1:{guarded.port}")


class TestTls:
    """R: S10"""

    @pytest.fixture
    async def secured(self, valkey: ValkeyProcess) -> AsyncIterator[Wire]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
        async with Wire(valkey.port, context) as wire:
            yield wire

    async def test_a_certificate_of_the_given_authority_is_trusted(self, secured: Wire) -> None:
        async with opened(f"rediss://127.0.0.1:{secured.port}", ca_file=TLS / "ca.pem") as store:
            hints = store.listen()
            topic = await born(store)
            assert (await anext(hints)).epoch == topic.epoch

    async def test_one_that_nobody_vouches_for_is_refused(self, secured: Wire) -> None:
        with pytest.raises(StoreUnavailable, match="can't be reached"):
            await facts_of(f"rediss://127.0.0.1:{secured.port}")

    async def test_one_for_another_name_is_refused(self, secured: Wire) -> None:
        address = replace(at(secured.port), hosts=(("localhost", secured.port),), tls=True)
        with pytest.raises(StoreUnavailable, match="can't be reached"):
            async with opened(address, ca_file=TLS / "ca.pem"):
                pass
