"""Faults in words, as they are typed: `latency 300ms`, `answer 503 after 5s`, `ok`. One table for the command line, for
what is typed while the proxy runs, and for what `--help` teaches."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.faults.plan import Answer, Cut, Faults, Hold

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(b|kb|mb)?", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0}
_BYTES = {"b": 1, None: 1, "kb": 1000, "mb": 1000_000}


class NotUnderstood(ValueError):
    """No fault is called so; the message says what is meant to stand there."""


def duration(word: str) -> float:
    """Seconds: `300ms`, `2s`, `1.5`, `1m`."""
    found = _DURATION.fullmatch(word)
    if found is None:
        raise NotUnderstood(f"{word!r} is no duration; say 300ms, 2s or 1m")
    return float(found[1]) * _SECONDS[found[2]]


def size(word: str) -> int:
    """Bytes: `4096`, `2kB`, `1MB`."""
    found = _SIZE.fullmatch(word)
    if found is None:
        raise NotUnderstood(f"{word!r} is no number of bytes; say 4096, 2kB or 1MB")
    return int(float(found[1]) * _BYTES[found[2] and found[2].lower()])


def _latency(words: Sequence[str]) -> dict[str, Any]:
    late, jitter = (*words, "0")[:2]
    return {"latency": duration(late), "jitter": duration(jitter)}


def _slow(words: Sequence[str]) -> dict[str, Any]:
    return {"rate": size(words[0])}


def _cut(words: Sequence[str]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for word in words:
        if word in ("answers", "requests"):
            chosen["side"] = word
        elif word in ("rst", "fin"):
            chosen["how"] = word
        else:
            least, _, most = word.partition("-")
            chosen |= {"least": size(least), "most": size(most or least)}
    return {"cut": Cut(**chosen)}


def _hold(words: Sequence[str]) -> dict[str, Any]:
    sizes = [size(word) for word in words if word != "headers"]
    return {"hold": Hold(sizes[0] if sizes else None, headers="headers" in words)}


def _stream_life(words: Sequence[str]) -> dict[str, Any]:
    how = words[1] if words[1:] else "fin"
    if how not in ("rst", "fin"):
        raise NotUnderstood(f"{how!r} is no way to end; say fin or rst")
    return {"stream_life": duration(words[0]), "cut_streams_by": how}


def _answer(words: Sequence[str]) -> dict[str, Any]:
    chosen: dict[str, Any] = {"status": size(words[0])}
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word in ("after", "at") and rest:
            chosen |= {"retry_after": duration(rest.pop(0)), "as_date": word == "at"}
        elif word in ("streams", "polls", "calls"):
            chosen["kind"] = word.removesuffix("s")
        else:
            raise NotUnderstood(f"{word!r} is no part of an answer; say 503 after 5s streams")
    return {"answer": Answer(**chosen)}


@dataclass(frozen=True, slots=True)
class Word:
    """A fault: what follows its name, between `least` and `most` words; what it does; how it is read, and undone."""

    usage: str
    teaches: str
    read: Callable[[Sequence[str]], dict[str, Any]]
    undone: tuple[str, ...]
    least: int = 0
    most: int = 4


WORDS: dict[str, Word] = {
    "latency": Word(
        "300ms [100ms]",
        "every byte arrives so much later, both ways, and up to so much later still",
        _latency,
        ("latency", "jitter"),
        1,
        2,
    ),
    "slow": Word("2kB", "so many bytes a second, both ways", _slow, ("rate",), 1, 1),
    "cut": Word(
        "1-4000 [answers|requests] [rst|fin]",
        "each connection dies at a random byte of that range",
        _cut,
        ("cut",),
        most=3,
    ),
    "buffer-streams": Word(
        "[4kB] [headers]",
        "event streams opened from now on are held back until so many bytes have gathered, or for ever; with their "
        "headers, if you say so",
        _hold,
        ("hold",),
        most=2,
    ),
    "cut-streams": Word(
        "60s [fin|rst]",
        "event streams opened from now on are cut after that time",
        _stream_life,
        ("stream_life", "cut_streams_by"),
        1,
        2,
    ),
    "answer": Word(
        "503 [after 5s | at 5s] [streams|polls|calls]",
        "the proxy answers itself; `after` says Retry-After in seconds, `at` as a date",
        _answer,
        ("answer",),
        1,
    ),
    "refuse": Word("", "nobody listens; what is open is reset", lambda _: {"refuse": True}, ("refuse",), most=0),
    "silent": Word(
        "",
        "connections are accepted and never answered; open ones say nothing any more, for good",
        lambda _: {"silent": True},
        ("silent",),
        most=0,
    ),
}


def changed(faults: Faults, name: str, words: Sequence[str] = ()) -> Faults:
    """The faults with this one added, or taken away if `off` follows it. `ok` takes all away. Raises
    `NotUnderstood`."""
    if name == "ok" and not words:
        return Faults()
    word = WORDS.get(name)
    if word is None:
        raise NotUnderstood(f"there is no fault {name!r}; there are {', '.join(WORDS)}, and ok")
    if list(words) == ["off"]:
        sound = Faults()
        return replace(faults, **{field: getattr(sound, field) for field in word.undone})
    if not word.least <= len(words) <= word.most:
        raise NotUnderstood(f"say: {name} {word.usage}".rstrip())
    try:
        return replace(faults, **word.read(words))
    except NotUnderstood:
        raise
    except ValueError as error:
        raise NotUnderstood(str(error)) from error


def said(faults: Faults, line: str) -> Faults:
    """The faults after a typed line. Raises `NotUnderstood`."""
    try:
        name, *words = shlex.split(line)
    except ValueError as error:
        raise NotUnderstood(str(error)) from error
    return changed(faults, name, words)


def names(faults: Faults) -> str:
    """What is wrong, by the names of the faults."""
    sound = Faults()
    wrong = [name for name, word in WORDS.items() if any(getattr(faults, f) != getattr(sound, f) for f in word.undone)]
    return ", ".join(wrong) or "no fault"


def lesson() -> str:
    """What can be said, one line each."""
    return "\n".join(f"  {name} {word.usage}\n      {word.teaches}" for name, word in WORDS.items())
