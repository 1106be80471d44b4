"""What one person likes (TOML, in the config folder) and what this terminal remembers (JSON, in the state folder).

`ROADCREW_HOME` puts all folders under one: tests use it, and several terminals of one computer that are to be
several people. A broken file never stops the app; `Settings.trouble` says what was wrong.
"""

import json
import os
import tempfile
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from roadcrew_tui.toml_lines import toml, with_values

Look = Literal["dark", "light", "terminal"]
SYMBOLS = ("unicode", "ascii")
LOOKS = ("dark", "light", "terminal")
NOTICES = ("bell", "desktop", "off")
LOCAL_SERVER = "http://127.0.0.1:8787"
"""Where `roadcrew serve` listens unless it is told otherwise."""
COPIES = "copies"
"""The folder of trips as they were last, in the data folder."""


LONGEST_IDLE = 7 * 24 * 60
"""Minutes."""
MOST_SEEN = 200
"""Trips of a server of which more than the name is remembered."""


@dataclass(frozen=True)
class Folders:
    """Where things are kept."""

    config: Path
    state: Path
    data: Path

    @classmethod
    def of_this_person(cls) -> "Folders":
        """Under `ROADCREW_HOME`, else where the platform keeps such things."""
        home = os.environ.get("ROADCREW_HOME")
        if home:
            root = Path(home).expanduser()
            return cls(root / "config", root / "state", root / "data")
        import platformdirs  # noqa: PLC0415 - not needed when ROADCREW_HOME is set

        dirs = platformdirs.PlatformDirs("roadcrew", appauthor=False)
        return cls(dirs.user_config_path, dirs.user_state_path, dirs.user_data_path)

    @property
    def settings_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def memory_file(self) -> Path:
        return self.state / "memory.json"


@dataclass(frozen=True)
class Settings:
    """`server` is the last one used, `name` how this person is called, `keymap` maps a command's id to keys.
    `keep_sign_in`: whether a sign-in may be kept in a file where no keyring works; None: not asked yet."""

    theme: str = "dark"
    symbols: str = "unicode"
    animations: bool = True
    server: str | None = None
    name: str | None = None
    keep_sign_in: bool | None = None
    idle_minutes: float = 30
    """Where the terminal never says whether it is looked at: who has pressed nothing for so long is away. 0: never."""
    notices: str = "bell"
    """What tells somebody who does not look at the terminal that they were mentioned, or that a poll closes."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    trouble: str | None = None


def load(folders: Folders) -> Settings:
    """The settings, with defaults for what is missing or not understood."""
    try:
        with folders.settings_file.open("rb") as file:
            given = tomllib.load(file)
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        try:
            kept = f" (a copy is in {_put_aside(folders.settings_file)})"
        except OSError:
            kept = ""
        return Settings(trouble=f"The settings file can't be read{kept}: {error}")
    return _checked(given)


def _put_aside(file: Path) -> Path:
    """Keep what can't be read: the next choice that is kept makes a new file. Returns where; raises `OSError`."""
    damaged = file.with_name(f"{file.name}.damaged")
    damaged.write_bytes(file.read_bytes())
    return damaged


def _checked(given: Mapping[str, Any]) -> Settings:
    wrong = [name for name in given if name not in {f.name for f in fields(Settings)} or name == "trouble"]
    theme, symbols = given.get("theme", "dark"), given.get("symbols", "unicode")
    keymap = given.get("keymap", {})
    keeps = given.get("keep_sign_in")
    if keeps is not None and not isinstance(keeps, bool):
        wrong, keeps = [*wrong, "keep_sign_in"], None
    if theme not in LOOKS:
        wrong, theme = [*wrong, "theme"], "dark"
    if symbols not in SYMBOLS:
        wrong, symbols = [*wrong, "symbols"], "unicode"
    notices = given.get("notices", Settings.notices)
    if notices not in NOTICES:
        wrong, notices = [*wrong, "notices"], Settings.notices
    idle = given.get("idle_minutes", Settings.idle_minutes)
    if isinstance(idle, bool) or not isinstance(idle, int | float) or not 0 <= idle <= LONGEST_IDLE:
        wrong, idle = [*wrong, "idle_minutes"], Settings.idle_minutes
    if not isinstance(keymap, dict) or not all(isinstance(keys, str) for keys in keymap.values()):
        wrong, keymap = [*wrong, "keymap"], {}
    return Settings(
        theme=theme,
        symbols=symbols,
        animations=given.get("animations", True) is not False,
        server=_text(given.get("server")),
        name=_text(given.get("name")),
        keep_sign_in=keeps,
        idle_minutes=idle,
        notices=notices,
        keymap=keymap,
        trouble=f"Not understood in the settings file: {', '.join(wrong)}." if wrong else None,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def changed(settings: Settings, **changes: object) -> Settings:
    """The settings with some of them changed."""
    return replace(settings, **cast(Any, changes))


def written(settings: Settings) -> str:
    """The settings as the text of their file."""
    lines = [
        f"{f.name} = {toml(value)}"
        for f in fields(settings)
        if f.name not in ("keymap", "trouble") and (value := getattr(settings, f.name)) is not None
    ]
    if settings.keymap:
        lines += ["", "[keymap]"]
        lines += [f"{toml(k)} = {toml(v)}" for k, v in sorted(settings.keymap.items())]
    return "\n".join(lines) + "\n"


def save(folders: Folders, settings: Settings, **changes: object) -> Settings:
    """Change some settings, and in their file only these; all are written where there is none, or none that can be
    read: of that, a copy is put aside.

    Returns what holds now, with `trouble` when a copy was put aside; raises `OSError` when the disk won't.
    """
    now, file, trouble = changed(settings, **changes), folders.settings_file, None
    try:
        text = with_values(file.read_text("utf-8"), {name: getattr(now, name) for name in changes})
    except FileNotFoundError:
        text = written(now)
    except (ValueError, RecursionError) as error:
        trouble = f"The settings file was written anew (a copy of what it was is in {_put_aside(file)}): {error}"
        text = written(now)
    write_atomically(file, text)
    return changed(now, trouble=trouble)


class SettingsFile:
    """The settings file while the app runs, and a person may edit it too."""

    def __init__(self, folders: Folders, loaded: Settings) -> None:
        self._folders = folders
        self._kept = loaded

    def keep(self, now: Settings) -> str | None:
        """Write what has changed since it was last kept. Returns `trouble` as `save` has it; raises `OSError`."""
        names = [f.name for f in fields(Settings) if f.name != "trouble"]
        changes = {n: getattr(now, n) for n in names if getattr(now, n) != getattr(self._kept, n)}
        trouble = save(self._folders, now, **changes).trouble
        self._kept = now
        return trouble


def home_server(settings: Settings, given: str | None = None) -> str:
    """The server that this person chose: `ROADCREW_SERVER`, else `given` by them, else the last one used.

    `ROADCREW_TOKEN` is for this one alone; so `given` is never one that an invite names.
    """
    return os.environ.get("ROADCREW_SERVER") or given or settings.server or LOCAL_SERVER


def may_be_last(server: str, home: str) -> bool:
    """Whether a server may be remembered as the last one used. While a token stands in the environment, only the one
    that it is for: the next start would send it there."""
    return not os.environ.get("ROADCREW_TOKEN") or server == home


def write_atomically(path: Path, text: str, *, over: bool = True) -> None:
    """The whole file or the old one, never half of it; line ends stay as they are. Raises `FileExistsError` where there
    is one and not `over`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        if not over:
            path.touch(exist_ok=False)  # nobody else's from now on, also where files can't be linked
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


class Memory:
    """What this terminal remembers of each server: the trips of last time, so that something useful is painted
    before the network answers, how far each trip was seen, for "since you left", and which questions were answered
    with no. All of it is of one person at a time."""

    def __init__(self, folders: Folders) -> None:
        try:
            kept = json.loads(folders.memory_file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            kept = None
        self._kept: dict[str, Any] = kept if isinstance(kept, dict) else {}

    def _of(self, server: str, what: str) -> dict[str, Any]:
        kept = self._kept.setdefault(server, {})
        found = kept.setdefault(what, {}) if isinstance(kept, dict) else {}
        return found if isinstance(found, dict) else {}

    def _keep_newest(self, server: str, what: str, trip_id: str, value: Any) -> None:
        kept = self._of(server, what)
        kept.pop(trip_id, None)
        kept[trip_id] = value
        for oldest in list(kept)[:-MOST_SEEN]:
            del kept[oldest]

    def be(self, server: str, person: str) -> bool:
        """Somebody is signed in there. What is remembered of anybody else goes; returns whether that was so."""
        of = self._of(server, "of")
        was, of["person"] = of.get("person"), person
        if was in (None, person):
            return False
        self._kept[server] = {"of": of}
        return True

    def trips(self, server: str) -> list[dict[str, Any]]:
        """The trips as they were last listed."""
        found = self._of(server, "lobby").get("trips", [])
        return [t for t in found if isinstance(t, dict)] if isinstance(found, list) else []

    def keep_trips(self, server: str, trips: list[dict[str, Any]]) -> None:
        self._of(server, "lobby")["trips"] = trips[:50]

    def seen(self, server: str, trip_id: str) -> tuple[int, datetime] | None:
        """The last event's number that was on the screen, and when that was."""
        found: Any = self._of(server, "seen").get(trip_id)
        try:
            seq, at = int(found[0]), datetime.fromisoformat(found[1])
        except (TypeError, ValueError, LookupError, OverflowError):
            return None
        return (seq, at) if at.tzinfo is not None else None

    def keep_seen(self, server: str, trip_id: str, seq: int, at: datetime) -> None:
        self._keep_newest(server, "seen", trip_id, [seq, at.isoformat()])

    def talked(self, server: str, topic: str) -> tuple[int, datetime | None]:
        """The number of the last item of a feed that was read, and when; 0 and None: none was."""
        found: Any = self._of(server, "talked").get(topic)
        try:
            no, at = int(found[0]), datetime.fromisoformat(found[1])
        except (TypeError, ValueError, LookupError, OverflowError):
            return 0, None
        return (no, at) if at.tzinfo is not None else (0, None)

    def keep_talked(self, server: str, topic: str, no: int, at: datetime) -> None:
        self._keep_newest(server, "talked", topic, [no, at.isoformat()])

    def declined(self, server: str, trip_id: str) -> frozenset[str]:
        """The polls whose winner this person does not want to be the trip's dates."""
        found = self._of(server, "declined").get(trip_id)
        return frozenset(i for i in found if isinstance(i, str)) if isinstance(found, list) else frozenset()

    def decline(self, server: str, trip_id: str, poll_id: str) -> None:
        self._keep_newest(server, "declined", trip_id, sorted({poll_id, *self.declined(server, trip_id)}))

    def features(self, server: str) -> frozenset[str] | None:
        """What the server said last that it serves; None: nobody has asked it."""
        found = self._of(server, "lobby").get("features")
        return frozenset(f for f in found if isinstance(f, str)) if isinstance(found, list) else None

    def keep_features(self, server: str, features: Collection[str]) -> None:
        self._of(server, "lobby")["features"] = sorted(features)

    def written(self) -> str:
        """All that is remembered, as the text of its file."""
        return json.dumps(self._kept)
