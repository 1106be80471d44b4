"""Whoever makes up where they come from evades no limit: only what trusted proxies wrote counts."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.people import connected
from tests.support.serving import served

from roadcrew_server.forwarded import Trusted, network_of

LOCAL = "127.0.0.1"


@pytest.mark.parametrize(
    ("trusted", "headers", "source"),
    [
        ("", ["203.0.113.9"], LOCAL),
        ("10.0.0.0/8", ["203.0.113.9"], LOCAL),
        (LOCAL, ["203.0.113.9"], "203.0.113.9"),
        (LOCAL, [" 203.0.113.9 "], "203.0.113.9"),
        (LOCAL, ["203.0.113.9:4711"], "203.0.113.9"),
        (LOCAL, ["2001:db8::1"], "2001:db8::1"),
        (LOCAL, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (LOCAL, ["::ffff:203.0.113.9"], "203.0.113.9"),
        # what somebody sent along stands left of what the proxy added
        (LOCAL, ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
        (LOCAL, ["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        ("*", ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
        ("*", ["1.2.3.4, 10.0.0.1", "203.0.113.9"], "203.0.113.9"),
        # a chain of trusted ones is followed, and no further
        (f"{LOCAL},10.0.0.0/8", ["1.2.3.4, 203.0.113.9, 10.0.0.1"], "203.0.113.9"),
        (f"{LOCAL},10.0.0.0/8", ["10.0.0.7, 10.0.0.1"], "10.0.0.7"),
        # what is no address is nobody's
        (LOCAL, [""], LOCAL),
        (LOCAL, [","], LOCAL),
        (LOCAL, ["unknown"], LOCAL),
        (LOCAL, ["1.2.3.4, unknown"], LOCAL),
        (LOCAL, ["\xff\x00, 1.2.3.4\n"], "1.2.3.4"),
        (f"{LOCAL},10.0.0.0/8", ["garbage, 10.0.0.1"], "10.0.0.1"),
    ],
)
def test_of_what_a_proxy_forwards_only_what_trusted_ones_wrote_is_believed(
    trusted: str, headers: list[str], source: str
):
    assert Trusted(trusted).source(LOCAL, [h.encode("latin-1") for h in headers]) == source


@given(st.lists(st.binary(max_size=60), max_size=4), st.ip_addresses())
def test_whatever_is_sent_along_the_proxys_last_word_counts(sent: list[bytes], client: object):
    said = str(getattr(client, "ipv4_mapped", None) or client)
    assert Trusted("192.0.2.1").source("192.0.2.1", [*sent, said.encode()]) in (said, "192.0.2.1")
    if said != "192.0.2.1":
        assert Trusted("192.0.2.1").source("192.0.2.1", [*sent, said.encode()]) == said
        assert Trusted("*").source("192.0.2.1", [*sent, said.encode()]) == said


@pytest.mark.parametrize(
    ("host", "who"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_network_is_one_for_the_limits(host: str, who: str):
    assert network_of(host) == who


@pytest.mark.parametrize(
    ("trusted", "let_in"),
    [("", 3), ("10.0.0.0/8", 3), (LOCAL, 3), ("*", 3), (None, 9)],
    ids=["nobody", "another", "this one", "anybody", "control: without a proxy's word"],
)
async def test_made_up_addresses_evade_no_limit(tmp_path: Path, trusted: str | None, let_in: int):
    """Nine guests from one address, each with another invention before what the proxy adds."""
    settings: dict[str, Any] = {
        "signins_per_address": "3/minute",
        "trusted_proxies": "*" if trusted is None else trusted,
    }
    made = 0
    async with served(tmp_path, **settings) as running, connected(running.url) as http:
        for n in range(9):
            forwarded = f"198.51.100.{n}" + ("" if trusted is None else ", 203.0.113.9")
            answer = await http.post("/api/session/guest", json={"name": "Eve"}, headers={"X-Forwarded-For": forwarded})
            made += answer.status_code == 201
    assert made == let_in
