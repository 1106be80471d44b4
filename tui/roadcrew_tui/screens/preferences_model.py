"""What the screen of settings says, and what it makes of what is typed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roadcrew_tui.host import Host
from roadcrew_tui.locales import is_known
from roadcrew_tui.setting import Choice, Flag, Keys, Number, Setting
from roadcrew_tui.settings_model import LOOKS, TABLE, Settings

FEW = 4
"""As many choices as can be gone through one after the other; of more, a list is shown."""
_NOT_FOR_VISITORS = ("server", "keep_sign_in")
_SHOWN: Mapping[tuple[str, object], str] = {
    ("clock", "24"): "24 hours, 18:00",
    ("clock", "12"): "12 hours, 6:00 pm",
    ("clock", "locale"): "as in your locale",
    ("symbols", "unicode"): "Unicode",
    ("symbols", "ascii"): "plain ASCII",
    ("notices", "bell"): "a bell",
    ("notices", "desktop"): "a notice on the desktop",
    ("notices", "off"): "nothing",
    ("idle_minutes", 0): "never",
    ("theme", "terminal"): "the terminal's own",
}


class NotSo(ValueError):
    """What was typed can't be a setting; says why in a sentence."""


@dataclass(frozen=True)
class Shown:
    """One setting on the screen."""

    name: str
    setting: Setting
    value: str
    is_default: bool


def shown(settings: Settings, host: Host) -> list[Shown]:
    """The settings in their order; a visitor does not see those that are not theirs to choose."""
    hidden = () if host.lends("servers", "keyring") else _NOT_FOR_VISITORS
    return [
        Shown(name, setting, words(name, getattr(settings, name)), is_default(settings, name))
        for name, setting in TABLE.items()
        if name not in hidden
    ]


def is_default(settings: Settings, name: str) -> bool:
    """Whether nobody has set it, or to what it is anyway."""
    return bool(getattr(settings, name) == TABLE[name].default)


def words(name: str, value: Any) -> str:
    """A value as people read it."""
    setting = TABLE[name]
    if (told := _SHOWN.get((name, value) if not isinstance(value, Mapping) else (name, ""))) is not None:
        return told
    if isinstance(setting.kind, Keys):
        return f"{len(value)} of your own" if value else "as they come"
    if value is None:
        return setting.nothing
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(setting.kind, Number):
        return f"{value:g} {setting.kind.unit}"
    return str(value)


def choices(name: str) -> tuple[Any, ...]:
    """What it may be, where that can be gone through; nothing where it is typed."""
    kind = TABLE[name].kind
    if isinstance(kind, Choice):
        return kind.words
    if isinstance(kind, Flag):
        return (None, True, False) if kind.may_ask else (True, False)
    return ()


def next_of(settings: Settings, name: str, step: int = 1) -> Any:
    """The choice after the present one, or before it, and round again."""
    all_ = choices(name)
    return all_[(all_.index(getattr(settings, name)) + step) % len(all_)]


def typed(settings: Settings, name: str, text: str) -> Any:
    """What was typed as the value of a setting; nothing typed is None where that may be, else the default. Raises
    `NotSo`."""
    setting, text = TABLE[name], text.strip()
    if not text:
        return setting.default
    value: Any = text
    if isinstance(setting.kind, Number):
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            value = text
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if (mend := setting.kind.mend(value)) is not None:
        raise NotSo(mend.replace(", without quotes", "").replace(" in quotes", ""))
    if name == "locale" and not is_known(text):
        raise NotSo("That locale is not known. Try one such as en_GB, de_AT or pt-BR.")
    if name == "poll_fastest" and value > settings.poll_slowest:
        raise NotSo(f"That is more than the most, {settings.poll_slowest:g} seconds.")
    if name == "poll_slowest" and value < settings.poll_fastest:
        raise NotSo(f"That is less than the least, {settings.poll_fastest:g} seconds.")
    return value


def look_words(name: str) -> tuple[str, str]:
    """A look, and whose it is."""
    return words("theme", name), "ours" if name in LOOKS else ""
