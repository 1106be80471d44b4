"""What a locale is called, and how days and hours are written there. Not for money, which money.py knows.

The order of day and month is needed before the first paint, when the list of all locales is not read yet: so it
stands here, by CLDR.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_NAMELESS = ("", "C", "POSIX", "en_US_POSIX")
"""Locales for programs, not for people."""
_MONTH_FIRST = frozenset((
    "aa", "ak", "am", "ann", "apc", "arn", "asa", "ba", "bal", "bem", "bez", "bgc", "bgn", "bho", "blo", "blt",
    "bo", "bss", "byn", "cad", "cch", "ce", "ceb", "cgg", "cho", "chr", "cic", "cop", "csw", "cu", "dav", "dv",
    "dz", "ebu", "ee", "eu", "fil", "gaa", "gez", "gn", "guz", "gv", "ha", "hnj", "hu", "ii", "io", "iu", "ja",
    "jbo", "jgo", "jmc", "kaa", "kaj", "kam", "kcg", "kde", "ken", "ki", "kl", "kln", "ko", "kpe", "ks", "ksb",
    "kw", "la", "lag", "lg", "lkt", "lmo", "lrc", "lt", "ltg", "luo", "luy", "mas", "mdf", "mer", "mgh", "mgo",
    "mhn", "mic", "ml", "mn", "mni", "moh", "mt", "mus", "my", "myv", "mzn", "naq", "nd", "ne", "nnh", "nqo", "nr",
    "nso", "nv", "ny", "nyn", "om", "or", "osa", "pis", "ps", "quc", "raj", "rhg", "rof", "rw", "rwk", "sah", "saq",
    "sat", "sbp", "sd", "sdh", "se", "shn", "si", "sid", "skr", "sma", "smj", "smn", "sms", "sn", "so", "ss", "ssy",
    "st", "teo", "tig", "tn", "tok", "tpi", "trv", "ts", "tyv", "tzm", "vai", "ve", "vmw", "vo", "vun", "wa", "wal",
    "wbp", "xh", "xog", "yi", "yue", "za", "zh", "zu",
))  # fmt: skip
"""Languages."""
_MONTH_FIRST_IN = frozenset((
    "en", "en_AS", "en_BI", "en_CA", "en_GU", "en_MH", "en_MP", "en_PH", "en_PR", "en_UM", "en_US", "en_VI", "fa_AF",
))  # fmt: skip
_DAY_FIRST_IN = frozenset(("se_FI",))

_chosen: list[str | None] = [None]


def use(name: str | None) -> None:
    """Write as is usual in this locale from now on; None: in that of the environment."""
    _chosen[0] = named(name) if name else None


def chosen() -> str | None:
    """The locale that this person chose."""
    return _chosen[0]


def named(text: str) -> str:
    """`en_GB` for `en-GB`, `en_gb` or `en_GB.UTF-8`; nothing for what is no person's locale."""
    language, *rest = text.partition(".")[0].partition("@")[0].replace("-", "_").split("_")
    parts = (part.upper() if len(part) == 2 or part.isdigit() else part.title() for part in rest)
    name = "_".join((language.lower(), *parts))
    return "" if text.partition(".")[0] in _NAMELESS else name


def of_environment(environ: Mapping[str, str] | None = None) -> str:
    """The locale of times in this environment; nothing where it names none."""
    environ = os.environ if environ is None else environ
    return named(next(filter(None, map(environ.get, ("LC_ALL", "LC_TIME", "LANG"))), ""))


def month_first(name: str) -> bool:
    """Whether it is Jun 5 there, and not 5 Jun."""
    if name in _MONTH_FIRST_IN:
        return True
    return name.partition("_")[0] in _MONTH_FIRST and name not in _DAY_FIRST_IN


def twelve_hours(name: str) -> bool:
    """Whether 18:00 is usually written as 6:00 pm there. Reads the locale."""
    from babel import Locale  # noqa: PLC0415 - not before the first paint

    pattern = Locale.parse(known(name)).time_formats["short"].pattern
    return bool(set("hK") & set(pattern.split("'")[0]))


def is_known(name: str) -> bool:
    """Whether there is such a locale. Reads the list."""
    return bool(known(named(name), ""))


def known(name: str, otherwise: str = "en_GB") -> str:
    """The locale itself, or its language, or `otherwise`. Reads the list."""
    from babel import localedata  # noqa: PLC0415 - not before the first paint

    parts = name.split("_") if name else []
    cut = ("_".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next(filter(localedata.exists, cut), otherwise)
