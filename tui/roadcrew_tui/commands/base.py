"""What an action is. One class gives its key, its words in the last line, its palette entry, its help row, and its
`roadcrew` sub-command. Light: nothing of the domain or the client is imported before an action runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from roadcrew_client import Client
    from roadcrew_tui.host import HostPart

Kind = Literal["text", "number", "date", "time", "price", "flag"]
Place = Literal[
    "welcome",
    "lobby",
    "trip",
    "overview",
    "polls",
    "hotels",
    "quotes",
    "imports",
    "book",
    "talk",
    "place",
    "saved",
    "muted",
    "waiting",
    "connection",
    "history",
    "settings",
    "deleted",
]
Args = Mapping[str, Any]
"""The arguments of a sub-command by name. Kinds: `text` str, `number` int, `date` and `time` str as people type
them, `price` str such as "84 EUR", `flag` bool; with `many` a list. What was not given is missing or None. `json` says
whether lines of data are wanted, for who tells more than the end."""

GROUPS = (
    "Everywhere",
    "Trips",
    "This trip",
    "Crew",
    "Polls",
    "Hotels",
    "Quotes",
    "Imports",
    "Booking",
    "Talk",
    "Waiting changes",
    "You",
)


@dataclass(frozen=True)
class Argument:
    """One argument of a sub-command: positional when `required` or `positional`, else an option `--name`. Whoever gives
    it `needs` these parts of the computer, unless they say `-`."""

    name: str
    help: str
    kind: Kind = "text"
    required: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    positional: bool = False
    needs: frozenset[HostPart] = frozenset()


class NeedsTrip(Exception):
    """A sub-command was run without a trip."""


class Command:
    """One action.

    `id` is also the id of its binding, so `[keymap]` in the settings can remap it. `keys` are Textual's key names,
    the first one is shown. `footer` are its words in the last line of a screen; empty: it is not there.
    `sub` is the sub-command, such as ("poll", "vote"); None: the action is about the screen itself.
    """

    id: ClassVar[str]
    keys: ClassVar[str] = ""
    title: ClassVar[str]
    help: ClassVar[str]
    group: ClassVar[str]
    places: ClassVar[tuple[Place, ...]]
    """None: it is only a sub-command, of what screens show by themselves."""
    footer: ClassVar[str] = ""
    always_in_footer: ClassVar[bool] = False
    first_in_footer: ClassVar[bool] = False
    at_once: ClassVar[bool] = False
    """Done before the next key is looked at, so that `y`, down, `m` typed in a hurry vote for two options. Only for
    actions that ask nothing."""
    needs: ClassVar[frozenset[HostPart]] = frozenset()
    """What it can't be done without of the computer that this runs on. Where that is not lent, it is not offered."""
    sub: ClassVar[tuple[str, str] | None] = None
    arguments: ClassVar[tuple[Argument, ...]] = ()
    needs_trip: ClassVar[bool] = False
    examples: ClassVar[tuple[str, ...]] = ()
    sub_help: ClassVar[str] = ""
    """What the sub-command says of itself, where that is another thing than what the key does."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """Arguments that a sub-command asks for without showing them, instead of taking them from the command line."""
    asks: ClassVar[str] = ""
    """What a sub-command asks before it does something that can't be undone; `--yes` answers beforehand."""

    def available(self, screen: Any) -> bool:
        """Whether it can be done right now; what can't be is not offered."""
        return True

    def footer_words(self, screen: Any) -> str:
        """Its words in the last line right now; what would do nothing is not promised there."""
        return self.footer

    async def on_screen(self, screen: Any) -> None:
        """Do it as a person at the screen."""
        raise NotImplementedError

    async def run(self, client: Client, args: Args) -> object:
        """Do it without a screen. Returns what `--json` prints: the HTTP shape, as plain lists and dicts.

        Raises `RoadcrewError` (the client's), `Refused` (the domain's), `NeedsTrip`.
        """
        raise NotImplementedError

    def failed(self, result: Any) -> Exception | None:
        """What went wrong all the same, told after the result is shown: one that `run` might have raised."""
        return None


def trip_of(args: Args) -> str:
    """The id of the trip that a sub-command is about."""
    trip = args.get("trip")
    if not trip:
        raise NeedsTrip("Say which trip: --trip ID")
    return str(trip)


_SHOWN = {
    "question_mark": "?",
    "colon": ":",
    "comma": ",",
    "slash": "/",
    "escape": "esc",
    "plus": "+",
    "asterisk": "*",
    "minus": "-",
    "full_stop": ".",
    "ctrl+p": "ctrl+p",
}


def shown_key(keys: str) -> str:
    """The first of some keys as people read it."""
    first = keys.split(",")[0].strip()
    return _SHOWN.get(first, first)
