"""The keys of a terminal: what the app's own reader of terminals makes of our bytes."""

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from roadcrew_tui.pilot.keys import KEYS, combined, key_bytes


def read_by_textual(data: bytes) -> list[str]:
    """The keys that Textual takes these bytes for. A lone escape waits for what might follow; then comes its end."""
    parser = XTermParser()
    messages = [*parser.feed(data.decode()), *parser.feed("")]
    return [message.key for message in messages if isinstance(message, events.Key)]


# R: G2
def test_textual_reads_each_key_back_as_itself():
    assert {name: read_by_textual(data) for name, data in KEYS.items()} == {name: [name] for name in KEYS}


def test_each_key_has_bytes_of_its_own():
    assert len(set(KEYS.values())) == len(KEYS) > 400


def test_a_plain_key_is_what_a_plain_xterm_sends():
    sent = {
        "enter": b"\r",
        "tab": b"\t",
        "escape": b"\x1b",
        "space": b" ",
        "backspace": b"\x7f",
        "up": b"\x1b[A",
        "end": b"\x1b[F",
        "delete": b"\x1b[3~",
        "pageup": b"\x1b[5~",
        "ctrl+c": b"\x03",
        "ctrl+p": b"\x10",
        "ctrl+backslash": b"\x1c",
        "shift+tab": b"\x1b[Z",
        "ctrl+left": b"\x1b[1;5D",
        "shift+delete": b"\x1b[3;2~",
    }
    assert {name: key_bytes(name) for name in sent} == sent


def test_keys_that_share_a_control_character_are_told_apart():
    assert key_bytes("ctrl+i") != key_bytes("tab")
    assert key_bytes("ctrl+m") != key_bytes("enter")
    assert key_bytes("ctrl+shift+p") != key_bytes("ctrl+p")


def test_a_character_is_itself():
    assert key_bytes("a") == b"a"
    assert key_bytes("é") == "é".encode()
    assert key_bytes("👩") == "👩".encode()


@pytest.mark.parametrize("key", ["", "f99", "Enter", "ctrl+", "ctrl+C", "shift+ctrl+p", "ab", "\ud800"])
def test_what_is_no_key_is_refused(key: str):
    with pytest.raises(ValueError):
        key_bytes(key)


@pytest.mark.parametrize(
    ("held", "key", "name"),
    [
        (["Ctrl"], "C", "ctrl+c"),
        (["Ctrl"], "c", "ctrl+c"),
        (["Shift", "Ctrl"], "p", "ctrl+shift+p"),
        (["Ctrl", "Alt"], "PageUp", "alt+ctrl+pageup"),
        (["Alt"], ".", "alt+full_stop"),
        (["Ctrl"], "@", "ctrl+at"),
        (["Shift"], "a", "A"),
        (["Shift"], "Tab", "shift+tab"),
        (["Shift"], "1", None),
        (["Ctrl", "Shift"], "/", None),
        (["Ctrl"], "é", None),
        (["Ctrl"], " ", None),
        (["Ctrl"], "Entr", None),
        (["Ctrl"], "enter", None),
        (["Ctrl"], "", None),
    ],
)
def test_combinations_have_the_names_that_textual_gives_them(held: list[str], key: str, name: str | None):
    assert combined(held, key) == name
