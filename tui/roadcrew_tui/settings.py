"""What one person likes (TOML, in the config folder): reading, checking and keeping it. Which settings there are stands
in settings_model.py.

`ROADCREW_HOME` puts all folders under one: tests use it, and several terminals of one computer that are to be
several people. A broken file never stops the app; `Settings.troubles` says what was wrong, and where.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from roadcrew_tui.setting import Trouble, meant
from roadcrew_tui.settings_model import LOOKS, NOTICES, SYMBOLS, TABLE, Look, Settings
from roadcrew_tui.toml_lines import lines_of, with_values
from roadcrew_tui.toml_mending import MEND, BrokenAllOver, sound

__all__ = ["COPIES", "LOCAL_SERVER", "LOOKS", "NOTICES", "SYMBOLS", "TABLE", "Folders", "Look", "Settings",
           "SettingsFile", "Trouble", "changed", "commented", "home_server", "load", "look", "may_be_last", "save",
           "write_atomically", "written"]  # fmt: skip
LOCAL_SERVER = "http://127.0.0.1:8787"
"""Where `roadcrew serve` listens unless it is told otherwise."""
COPIES = "copies"
"""The folder of trips as they were last, in the data folder."""
LONGEST_FILE = 100_000
"""Bytes of a settings file that are read."""


@dataclass(frozen=True)
class Folders:
    """Where things are kept."""

    config: Path
    state: Path
    data: Path

    @classmethod
    def of_this_person(cls) -> Folders:
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


def load(folders: Folders) -> Settings:
    """The settings, with defaults for what is missing or not understood. Of a file with broken lines a copy is put
    aside: the next choice that is kept makes a new one."""
    found = look(folders.settings_file)
    if any(trouble.unreadable for trouble in found.troubles):
        try:
            kept = _put_aside(folders.settings_file)
        except OSError:
            return found
        first, *more = found.troubles  # the one that says so
        return replace(found, troubles=(replace(first, mend=f"{first.mend} A copy of the file is in {kept}."), *more))
    return found


def look(file: Path) -> Settings:
    """As `load`, but nothing is written."""
    raw = b""
    try:
        with file.open("rb") as opened:
            raw = opened.read(LONGEST_FILE + 1)
        if len(raw) > LONGEST_FILE:
            return _unreadable("it is too long", "Delete it.")
        text, broken = sound(raw.decode("utf-8"))
        found = checked(tomllib.loads(text), lines_of(text))
        lost = (Trouble(f"This line can't be read: {b.why}.", b.mend, b.line, unreadable=True) for b in broken)
        return replace(found, troubles=(*lost, *found.troubles))
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        return _unreadable(error.strerror or str(error), "Make it yours.")
    except UnicodeDecodeError as error:
        return _unreadable("it is no text in UTF-8", "Save it as UTF-8.", raw.count(b"\n", 0, error.start) + 1)
    except RecursionError:
        return _unreadable("it goes too deep", "Delete it.")
    except BrokenAllOver as error:
        return _unreadable(error.first.why, MEND, error.first.line)
    except ValueError:  # the only one that is left
        return _unreadable("a number has too many digits", "Delete it.")


def _unreadable(why: str, mend: str, line: int | None = None) -> Settings:
    return Settings(troubles=(Trouble(f"The settings file can't be read: {why}.", mend, line, unreadable=True),))


def _put_aside(file: Path) -> Path:
    """Keep what can't be read. Returns where; raises `OSError`."""
    damaged = file.with_name(f"{file.name}.damaged")
    damaged.write_bytes(file.read_bytes())
    return damaged


def checked(given: Mapping[str, Any], lines: Mapping[tuple[str, ...], int]) -> Settings:
    """What of the file's values can be used; `lines` say where each stands."""
    troubles = list(_unknown(given, lines))
    values: dict[str, Any] = {}
    for name in TABLE.keys() & given.keys():
        trouble = TABLE[name].trouble(name, given[name], lines.get((name,)))
        if trouble is None:
            values[name] = given[name]
        else:
            troubles.append(trouble)
    troubles += _crossed(values, lines)
    if "locale" in values and (trouble := _unknown_locale(values["locale"], lines.get(("locale",)))):
        troubles.append(trouble)
        del values["locale"]
    if values.get("keymap"):
        from roadcrew_tui.keymap import usable  # noqa: PLC0415 - it has to know all actions

        at = {path[1]: line for path, line in lines.items() if len(path) > 1 and path[0] == "keymap"}
        values["keymap"], more = usable(values["keymap"], at)
        troubles += more
    troubles.sort(key=lambda trouble: trouble.line or 0)
    return Settings(**values, troubles=tuple(troubles))


def _unknown(given: Mapping[str, Any], lines: Mapping[tuple[str, ...], int]) -> Iterator[Trouble]:
    for name in given.keys() - TABLE.keys():
        mend = meant(name, list(TABLE)) or "Delete it."
        yield Trouble(f"There is no setting called {name}.", mend, lines.get((name,)))


def _crossed(values: dict[str, Any], lines: Mapping[tuple[str, ...], int]) -> Iterator[Trouble]:
    """Of two numbers that can't be together, neither is used."""
    fastest, slowest = (values.get(name, getattr(Settings, name)) for name in ("poll_fastest", "poll_slowest"))
    if fastest > slowest:
        line = lines.get(("poll_fastest",), lines.get(("poll_slowest",)))
        values.pop("poll_fastest", None), values.pop("poll_slowest", None)
        words = f"poll_fastest = {fastest:g} is more than poll_slowest = {slowest:g}."
        yield Trouble(words, "Make it less, or the other one more.", line)


def _unknown_locale(name: str, line: int | None) -> Trouble | None:
    from roadcrew_tui.locales import is_known  # noqa: PLC0415 - it reads a list

    if is_known(name):
        return None
    return Trouble(f"The locale {name} is not known.", "Try one such as en_GB, de_AT or pt-BR.", line)


def changed(settings: Settings, **changes: object) -> Settings:
    """The settings with some of them changed."""
    return replace(settings, **cast(Any, changes))


def written(settings: Settings) -> str:
    """The settings as the text of their file."""
    return with_values("", {path: value for path, value in _values(settings).items() if value is not None})


def commented() -> str:
    """The text of a file that sets nothing: what could be set, as comments."""
    lines = [
        "# Settings of Roadcrew. A line counts once the # before it is gone; roadcrew config check looks it over.",
        "",
    ]
    for name, setting in TABLE.items():
        lines += [f"# {setting.help} ({setting.kind.may_be.replace('`', '')})", *setting.example_of(name), ""]
    return "\n".join(lines)


def _values(settings: Settings) -> dict[tuple[str, ...], Any]:
    """The value of each line of a file, by its path."""
    values: dict[tuple[str, ...], Any] = {(name,): getattr(settings, name) for name in TABLE if name != "keymap"}
    return values | {("keymap", action): keys for action, keys in sorted(settings.keymap.items())}


def differences(was: Settings, now: Settings) -> dict[tuple[str, ...], Any]:
    """What of a file has to change, by path; None: the line goes."""
    before, after = _values(was), _values(now)
    return {path: after.get(path) for path in {**before, **after} if before.get(path) != after.get(path)}


def save(folders: Folders, settings: Settings, **changes: object) -> Settings:
    """Change some settings, and in their file only these; all are written where there is none, or none that can be
    read: of that, a copy is put aside.

    Returns what holds now, with a trouble when a copy was put aside; raises `OSError` when the disk won't.
    """
    now = changed(settings, **changes)
    lines = {path: value for path, value in _values(now).items() if path[0] in changes}
    return changed(now, troubles=_write(folders, now, lines))


def _write(folders: Folders, now: Settings, lines: Mapping[tuple[str, ...], Any]) -> tuple[Trouble, ...]:
    file = folders.settings_file
    troubles: tuple[Trouble, ...] = ()
    try:
        text = with_values(file.read_text("utf-8"), lines)
    except FileNotFoundError:
        text = written(now)
    except (ValueError, RecursionError):
        aside = _put_aside(file)
        troubles = (Trouble("The settings file was written anew.", f"A copy of what it was is in {aside}."),)
        text = written(now)
    write_atomically(file, text)
    return troubles


class SettingsFile:
    """The settings file while the app runs, and a person may edit it too."""

    def __init__(self, folders: Folders, loaded: Settings) -> None:
        self._folders = folders
        self._kept = loaded

    def keep(self, now: Settings) -> str | None:
        """Write what has changed since it was last kept. Returns `trouble` as `save` has it; raises `OSError`."""
        troubles = _write(self._folders, now, differences(self._kept, now))
        self._kept = now
        return changed(now, troubles=troubles).trouble


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
