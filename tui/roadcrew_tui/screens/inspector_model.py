"""What is said of the link to the server: facts in words, what came, how it went, and all of it as text for a report.
Pure, without Textual."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Literal

from roadcrew_tui import plain
from roadcrew_tui.screens.trip_model import status_words
from roadcrew_tui.snapshot import Inspection, Status
from roadcrew_tui.symbols import sign
from roadcrew_tui.when import amount_of

if TYPE_CHECKING:
    from roadcrew_client import BookFigures, SyncFigures

LABEL, TIME = 14, 10
"""Cells of what stands before the words."""
DRAWN = 48
"""Answers that are drawn."""
SAME_CLOCK = 1.0
"""Seconds by which clocks may differ without a word: a header says the time to the second."""

Tone = Literal["good", "warn", "bad", "muted", ""]


@dataclass(frozen=True)
class Fact:
    """A line. `words` may have room for what the server `said`."""

    label: str
    words: str
    tone: Tone = ""
    said: str = ""


WHY = {
    "started": "the trip was opened",
    "stopped": "the trip was left",
    "proven": "a stream brought its first news",
    "opened": "the server answers again",
    "answered": "the server answered when asked",
    "unproven": "a stream was opened and nothing came of it: something on the way holds it back",
    "cut": "the connection was cut",
    "silent": "nothing came for too long, not even a sign of life",
    "bye": "the server asked to come again",
    "unreachable": "the server could not be reached",
    "trouble": "the server answered, and not with news",
    "full": "the server had no room for one more stream",
    "renewed": "the sign-in was renewed",
    "reread": "some news was missing and was asked for again",
    "hidden": "nobody looked",
    "shown": "somebody looked again",
    "gone": "the trip can't be seen any more",
    "signed-out": "the session ended",
    "signed-in": "somebody signed in",
    "timer": "it was time to try again",
}

FAILED = {
    "connection": "for want of a connection",
    "seats-gone": "because the seats were gone",
    "auth": "because nobody was signed in",
    "refused": "because the rules said no",
}
"""Why seats did not come into the cart."""

KEPT = {
    "environment": "in ROADCREW_TOKEN, by whoever started the app",
    "keyring": "in the system's keyring",
    "file": "in a file that only you can read",
    "nowhere": "nowhere: it ends with the app",
}


def facts(seen: Inspection) -> list[Fact]:
    """What holds at this moment."""
    server = Fact("server", "{said}", said=seen.server or "none")
    if seen.sync is None:
        state = Fact("state", "no trip is open, so nothing is followed", "muted")
        return [server, state, Fact("bytes", _bytes(seen)), *_session(seen), *_bookings(seen.book)]
    s = seen.sync
    return [
        server,
        *_state(s),
        Fact("news by", *_transport(s)),
        Fact("streaming", *_streaming(s)),
        Fact("in the log", *_place(s)),
        *_counted(s),
        Fact("bytes", _bytes(seen)),
        Fact("changes", *_waiting(s)),
        *_answers(s.answers),
        Fact("clock", *_clock(s.ahead)),
        *_session(seen),
        *_bookings(seen.book),
    ]


def _state(s: SyncFigures) -> list[Fact]:
    mark, words, tone = status_words(Status(s.state, s.interval))
    held = amount_of(s.at - s.since)
    told = [Fact("state", f"{getattr(sign(), mark)} {words} for {held}, since {_time(s.since)}", tone)]
    if s.moves:
        told.append(Fact("because", WHY.get(s.moves[-1].why, s.moves[-1].why)))
    if s.error is not None:
        now = s.state in ("connecting", "offline", "signed-out", "gone")
        ago = amount_of(s.at - s.error.at)
        told.append(Fact("last trouble", f"{{said}} ({ago} ago)", "warn" if now else "", s.error.words))
    else:
        told.append(Fact("last trouble", "none", "muted"))
    return told


def _transport(s: SyncFigures) -> tuple[str, Tone]:
    soon = "" if s.next_in is None else f", next in {_seconds(s.next_in)}"
    match s.state:
        case "live":
            return "a stream: it comes by itself", ""
        case "polling":
            return f"asking every {round(s.interval or 0, 1):g} s{soon}", ""
        case "connecting" | "offline":
            what = "a stream" if s.transport == "stream" else "asking"
            again = "trying now" if s.next_in is None else f"next try in {_seconds(s.next_in)}"
            return f"{what}, {again}; {s.tries} in a row came to nothing" if s.tries else f"{what}, {again}", ""
        case _:
            return "nothing: no requests are made", "muted"


def _streaming(s: SyncFigures) -> tuple[str, Tone]:
    if s.state == "live":
        return "works", "good"
    if s.probe_in is not None:
        return f"does not get through here; tried again in {_seconds(s.probe_in)}", "warn"
    return "not known just now", "muted"


def _place(s: SyncFigures) -> tuple[str, Tone]:
    if s.seq is None:
        return "nothing has come yet", "muted"
    return f"event {s.seq} of log {short(s.epoch or '?')}, cursor {short(s.cursor or 'none')}", ""


def _counted(s: SyncFigures) -> list[Fact]:
    back = f"{_many(s.reconnects, 'reconnect')}, {_many(s.switches, 'change')} of transport, since {_time(s.began)}"
    carried = f"{_many(s.frames, 'frame')}; asked for {_many(s.streams, 'stream')} and {_many(s.polls, 'poll')}"
    return [Fact("so far", back), Fact("traffic", carried)]


def _bytes(seen: Inspection) -> str:
    return f"{size(seen.bytes_in)} in, {size(seen.bytes_out)} out, all trips together"


def _waiting(s: SyncFigures) -> tuple[str, Tone]:
    if not s.waiting:
        return "none wait", "muted"
    oldest = "" if s.oldest is None else f", the oldest for {amount_of(max(timedelta(0), s.at - s.oldest))}"
    return f"{s.waiting} wait{'s' * (s.waiting == 1)}{oldest}", "warn" if s.state != "live" else ""


def _answers(answers: Sequence[float]) -> list[Fact]:
    if not answers:
        return [Fact("answers", "no change was made yet", "muted")]
    half = _seconds(median(answers))
    words = f"last {_seconds(answers[-1])}, half within {half}, longest {_seconds(max(answers))}, of {len(answers)}"
    return [Fact("answers", words), Fact("", sparkline(answers[-DRAWN:]), "good")]


def _clock(ahead: float) -> tuple[str, Tone]:
    if abs(ahead) < SAME_CLOCK:
        return "as the server's, to the second", "muted"
    side = "ahead of" if ahead > 0 else "behind"
    return f"the server's is {amount_of(timedelta(seconds=ahead))} {side} yours; the server's counts", "warn"


def _session(seen: Inspection) -> list[Fact]:
    if not seen.signed_in:
        return [Fact("session", "you are not signed in", "muted")]
    if seen.session_seconds is None:
        usable = "was usable at once"
    else:
        looks = _many(seen.session_attempts or 1, "look")
        usable = f"was usable after {_seconds(seen.session_seconds)} and {looks}"
    if seen.sessions_given_up:
        usable += f"; waiting was given up {_many(seen.sessions_given_up, 'time')}"
    return [Fact("session", usable), Fact("sign-in kept", KEPT.get(seen.kept_in or "", "not known"))]


def _bookings(book: BookFigures | None) -> list[Fact]:
    """How often seats were asked for, and what came of it; nothing, where nobody has."""
    if book is None or not book.adds_tried:
        return []
    failed = sum(book.adds_failed.values())
    share = round(100 * book.adds_done / book.adds_tried)
    done = f"{book.adds_done} of {book.adds_tried} ({share} %) came into the cart"
    told = [Fact("bookings", done, "warn" if failed else "")]
    if failed:
        why = ", ".join(f"{n} {FAILED.get(kind, kind)}" for kind, n in sorted(book.adds_failed.items()))
        told.append(Fact("", f"the others: {why}", "warn"))
    if book.orders_placed:
        told.append(Fact("orders", f"{book.orders_placed} placed, {book.orders_paid} of them paid at once"))
    return told


def events(s: SyncFigures) -> list[Fact]:
    """What came last, newest first."""
    return [Fact(_time(e.at), f"{e.seq}  {{said}}", said=plain_type(e.type)) for e in reversed(s.events)]


def moves(s: SyncFigures) -> list[Fact]:
    """The states before this one and this one, newest first."""
    told = []
    for move in reversed(s.moves):
        _, words, tone = status_words(Status(move.mode))
        # What the server, or the lack of one, had to say is more exact than our own words for it.
        why = "{said}" if move.error else WHY.get(move.why, move.why)
        told.append(Fact(_time(move.at), f"{words}: {why}", tone, move.error or ""))
    return told


# --- words for values ----------------------------------------------------------------------------


def plain_type(name: str) -> str:
    """`HotelVoteCast` as `Hotel vote cast`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain.safe(name)).capitalize()


def short(text: str) -> str:
    """The two ends of something long that only machines read."""
    text = plain.safe(text)
    return text if len(text) <= 12 else f"{text[:4]}{sign().ellipsis}{text[-6:]}"


def sparkline(values: Sequence[float]) -> str:
    """One sign for each value, the higher the more; the highest is that of the largest."""
    levels, most = sign().levels, max(values)
    return "".join(levels[min(len(levels) - 1, int(v / most * len(levels)))] if most > 0 else levels[0] for v in values)


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    return f"{seconds:.1f} s" if seconds < 10 else amount_of(timedelta(seconds=seconds))


def size(n: float) -> str:
    """`512 B`, `3.1 MB`."""
    for unit in ("B", "kB", "MB"):
        if n < 999.5:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} GB"


def _many(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def _time(at: datetime) -> str:
    return f"{at.astimezone():%H:%M:%S}"


# --- the report ----------------------------------------------------------------------------------

_SECRET = re.compile(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b|[A-Za-z0-9_\-]{20,}")
"""What an invite's code, a token or an id looks like. Only what the server said is searched for it: there is none in
our own words."""


def versions() -> str:
    """What runs here."""
    from importlib.metadata import version  # noqa: PLC0415 - when a report is made

    system = f"{platform.system()} {platform.release()}"
    return f"roadcrew {version('roadcrew')}, Textual {version('textual')}, Python {platform.python_version()}, {system}"


def report(seen: Inspection, versions: str) -> str:
    """All of it as plain text, without anything secret and without names."""
    lines = [versions, *_as_text(facts(seen), LABEL)]
    if seen.sync is not None:
        lines += [f"at {seen.sync.at:%Y-%m-%d %H:%M:%S} UTC", "", "Last news"]
        lines += _as_text(events(seen.sync), TIME)
        lines += ["", "How it went", *_as_text(moves(seen.sync), TIME)]
    return "\n".join(lines)


def _as_text(told: Sequence[Fact], label: int) -> list[str]:
    return [
        f"{fact.label:<{label}}" + plain.sentence(fact.words, longest=plain.LONGEST_SAID, said=_harmless(fact))
        for fact in told
    ]


def _harmless(fact: Fact) -> str:
    return fact.said if fact.label == "server" else _SECRET.sub("(left out)", fact.said)
