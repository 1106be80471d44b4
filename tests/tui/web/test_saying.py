"""Where a site is, whom it lets in, and what a page may say to it: nothing of that needs a browser."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from roadcrew_tui.web.address import Address
from roadcrew_tui.web.heard import HEIGHTS, WIDTHS, Looked, Nonsense, Pinged, Resized, Typed, heard, zone_of
from roadcrew_tui.web.pages import is_phone, phone, sentence, static, terminal
from roadcrew_tui.web.terminal import is_link

HERE = Address.of("http://127.0.0.1:8788")
OUT_THERE = Address.of("https://App.example.org/in/")
NASTY = "\"><script>alert(1)</script>&'"


# R: G1
@pytest.mark.parametrize(
    ("address", "origin", "admitted"),
    [
        (HERE, "http://127.0.0.1:8788", True),
        (HERE, "http://localhost:8788", True),
        (HERE, "http://[::1]:8788", True),
        (HERE, "http://127.0.0.1:8789", False),
        (HERE, "https://127.0.0.1:8788", False),
        (HERE, "http://evil.example", False),
        (HERE, "http://127.0.0.1.evil.example:8788", False),
        (HERE, "null", False),
        (HERE, "", False),
        (HERE, None, False),
        (OUT_THERE, "https://app.example.org", True),
        (OUT_THERE, "https://app.example.org:443", True),
        (OUT_THERE, "https://app.example.org/in", False),  # that is no origin
        (OUT_THERE, "http://app.example.org", False),
        (OUT_THERE, "https://localhost", False),
        (OUT_THERE, "https://user@app.example.org", False),
        (OUT_THERE, "https://app.example.org:99999", False),
    ],
)
def test_only_pages_of_the_site_itself_may_open_a_terminal(address: Address, origin: str | None, admitted: bool):
    assert address.admits(origin) is admitted


def test_links_and_sockets_are_where_the_site_is_reached():
    assert (OUT_THERE.url, OUT_THERE.secure) == ("https://app.example.org/in", True)
    assert OUT_THERE.socket_origin == "wss://app.example.org"
    assert Address.listening("::1", 80).url == "http://[::1]"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_who_listens_everywhere_has_to_say_how_it_is_reached(host: str):
    with pytest.raises(ValueError, match="--public-url"):
        Address.listening(host, 8788)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('["stdin", "j\\u001b[A"]', Typed(b"j\x1b[A")),
        ('["resize", {"width": 100, "height": 30}]', Resized(100, 30)),
        ('["resize", {"width": 100000, "height": -4}]', Resized(WIDTHS[1], HEIGHTS[0])),
        ('["resize", {"width": "9e9", "height": null}]', Resized(80, 24)),
        ('["resize", {"width": true, "height": [1]}]', Resized(80, 24)),
        ('["ping", "17"]', Pinged("17")),
        ('["focus"]', Looked(True)),
        ('["blur"]', Looked(False)),
    ],
)
def test_what_a_page_says_is_understood_within_bounds(text: str, said: object):
    assert heard(text) == said


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{}",
            "[]",
            "null",
            '"stdin"',
            '["stdin"]',
            '["stdin", 1]',
            '["stdin", "a", "b"]',
            '["quit"]',
            '[["stdin"]]',
        ),
        *('["stdin", "\\ud800"]', '["ping", 3]', '["resize", 3]', '["deliver_chunk_request", {}]', "[" * 100_000),
        '["ping", "' + "x" * 65 + '"]',
    ],
)
def test_what_no_page_of_ours_says_is_refused(text: str):
    with pytest.raises(Nonsense):
        heard(text)


SAID = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.sampled_from(["stdin", "resize", "ping"]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(["width", "height"]), inner),
)


@given(SAID.map(json.dumps) | some.text())
def test_whatever_is_said_is_understood_or_refused(text: str):
    with suppress(Nonsense):
        assert isinstance(heard(text), Typed | Resized | Pinged | Looked)


def test_a_time_zone_is_one_that_is_known():
    assert zone_of("Europe/Lisbon") == "Europe/Lisbon"
    assert [zone_of(said) for said in (None, "", "../../etc/passwd", "/etc/passwd", ":x")] == [None] * 5


@pytest.mark.parametrize(
    ("url", "offered"),
    [
        ("https://example.org/a?b=c#d", True),
        ("http://[2001:db8::1]/", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("https://bank.example@evil.example/", False),
        ("https://example.org/\n", False),
        ("https://example.org/" + "a" * 2000, False),
        ("https://[", False),
    ],
)
def test_a_page_offers_links_to_the_web_only(url: str, offered: bool):
    assert is_link(url) is offered


def test_pages_escape_what_is_put_into_them():
    for page in (sentence(HERE, NASTY), phone(HERE, None, NASTY), terminal(HERE, "K7QM-2D4F", NASTY)):
        assert "<script>alert" not in page
        assert page.count("<script") == page.count("/static/page.js")
    assert 'data-session-websocket-url="/in/ws/K7QM-2D4F"' in terminal(OUT_THERE, "K7QM-2D4F", "https://x.example")


# R: G1
@pytest.mark.parametrize("name", ["../visitors.py", "..%2fvisitors.py", "/etc/passwd", "static/page.js", "", ".", "js"])
def test_only_the_files_of_the_page_are_given_away(name: str):
    with pytest.raises(KeyError):
        static(name)


@pytest.mark.parametrize(
    ("agent", "phones"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1",
            True,
        ),
        ("Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0", True),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", False),
        ("", False),
    ],
)
def test_phones_are_known_by_what_they_call_themselves(agent: str, phones: bool):
    assert is_phone(agent) is phones
