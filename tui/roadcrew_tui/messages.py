"""What the client's thread posts to the app, and the app to its screens: each a Textual message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textual.message import Message

if TYPE_CHECKING:
    from roadcrew_client import OutboxNews, User
    from roadcrew_client.booking import Outcome
    from roadcrew_tui.snapshot import BookSnapshot, News, RunSnapshot, Snapshot, TalkNews, TalkSnapshot


class TripChanged(Message):
    """Something about a followed trip is new."""

    def __init__(self, snapshot: Snapshot, news: News) -> None:
        super().__init__()
        self.snapshot, self.news = snapshot, news


class BookChanged(Message):
    """Something about the cart, or the seats that are looked at, is new."""

    def __init__(self, book: BookSnapshot) -> None:
        super().__init__()
        self.book = book


class RunChanged(Message):
    """Something about a run or an import that is looked at is new."""

    def __init__(self, run: RunSnapshot) -> None:
        super().__init__()
        self.run = run


class TalkChanged(Message):
    """Something about what is said of the things that are looked at is new."""

    def __init__(self, talk: TalkSnapshot, news: TalkNews) -> None:
        super().__init__()
        self.talk, self.news = talk, news


class Mentioned(Message):
    """Somebody has mentioned this person in what they wrote: who (`by`), what they are called, and in which item."""

    def __init__(self, item: str, by: str, name: str) -> None:
        super().__init__()
        self.item, self.by, self.name = item, by, name


class BookingStepped(Message):
    """A booking, of a slot of this `title`, has come to another step; `words` say which."""

    def __init__(self, words: str, title: str) -> None:
        super().__init__()
        self.words, self.title = words, title


class BookingEnded(Message):
    """What became of a booking."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class TokenChanged(Message):
    """The session was got, renewed or lost; `asked`: this person wanted it to end."""

    def __init__(self, signed_in: bool, *, asked: bool = False) -> None:
        super().__init__()
        self.signed_in, self.asked = signed_in, asked


class Recalled(Message):
    """Who we were at a server, when it said so last; it has not been asked yet."""

    def __init__(self, server: str, user: User) -> None:
        super().__init__()
        self.server, self.user = server, user


class ServerTold(Message):
    """A server has said what it serves, in its own words."""

    def __init__(self, server: str, features: tuple[str, ...]) -> None:
        super().__init__()
        self.server, self.features = server, features


class SessionLooked(Message):
    """The `number`-th look `of` so many whether a new session can be used, and what was `seen`."""

    def __init__(self, number: int, of: int, seen: str) -> None:
        super().__init__()
        self.number, self.of, self.seen = number, of, seen


class AttemptFailed(Message):
    """The `attempt`-th `of` so many attempts of a call has failed, and there is another."""

    def __init__(self, attempt: int, of: int) -> None:
        super().__init__()
        self.attempt, self.of = attempt, of


class SignInNote(Message):
    """Something to say, once, about where the sign-in is kept."""

    def __init__(self, words: str, severity: Literal["information", "warning"] = "information") -> None:
        super().__init__()
        self.words, self.severity = words, severity


class NotKept(Message):
    """Something that was to be kept on disk was not, or not as it should, and why."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class OutboxChanged(Message):
    """There is news of the changes that wait to be sent."""

    def __init__(self, news: OutboxNews) -> None:
        super().__init__()
        self.news = news
