"""How times, days and money are written: by the clock and the locale that the settings say."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from babel import Locale, localedata

from roadcrew_domain.money import Money
from roadcrew_tui import dates, locales, money, when

NOW = datetime(2026, 5, 18, 9, 5, tzinfo=UTC)
TODAY = NOW.date()


@pytest.mark.parametrize(
    ("clock", "locale", "morning", "evening", "midnight"),
    [
        ("24", "en_US", "09:05", "18:00", "00:30"),
        ("12", "de_DE", "9:05 am", "6:00 pm", "12:30 am"),
        ("locale", "en_US", "9:05 am", "6:00 pm", "12:30 am"),
        ("locale", "en-GB", "09:05", "18:00", "00:30"),
        ("locale", "de_AT.UTF-8", "09:05", "18:00", "00:30"),
    ],
)
def test_times_are_written_by_the_clock_that_was_chosen(
    clock: str, locale: str, morning: str, evening: str, midnight: str
):
    when.use(clock, locale)
    times = (NOW, NOW.replace(hour=18, minute=0), NOW.replace(hour=0, minute=30))
    assert tuple(when.time_of(time, UTC) for time in times) == (morning, evening, midnight)
    assert max(len(when.time_of(NOW.replace(hour=hour), UTC)) for hour in range(24)) == when.time_width()


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en_GB", "5 Jun|5 Jun 2027|21 to 25 May|30 May to 2 Jun|21 to 25 May 2027|30 Dec 2026 to 2 Jan 2027"),
        ("en-US", "Jun 5|Jun 5, 2027|May 21 to 25|May 30 to Jun 2|May 21 to 25, 2027|Dec 30, 2026 to Jan 2, 2027"),
    ],
)
def test_days_are_written_in_the_order_of_the_locale_and_read_back_from_it(locale: str, words: str):
    when.use("24", locale)
    spans = [
        (date(2026, 6, 5), date(2026, 6, 5)),
        (date(2027, 6, 5), date(2027, 6, 5)),
        (date(2026, 5, 21), date(2026, 5, 25)),
        (date(2026, 5, 30), date(2026, 6, 2)),
        (date(2027, 5, 21), date(2027, 5, 25)),
        (date(2026, 12, 30), date(2027, 1, 2)),
    ]
    assert [when.span(*span, TODAY) for span in spans] == words.split("|")
    assert [dates.parse_span(told, TODAY) for told in words.split("|")] == spans


@pytest.mark.parametrize(
    ("typed", "hour", "minute"), [("6 pm", 18, 0), ("6:30pm", 18, 30), ("12:15 am", 0, 15), ("tomorrow 11 a.m.", 11, 0)]
)
def test_deadlines_may_be_typed_by_a_clock_of_twelve_hours(typed: str, hour: int, minute: int):
    found = dates.parse_deadline(typed, NOW, UTC)
    assert found is not None
    assert (found.hour, found.minute) == (hour, minute)


@pytest.mark.parametrize("typed", ["13 pm", "0 am", "6 xm", "6:75 pm"])
def test_what_no_clock_shows_is_no_deadline(typed: str):
    with pytest.raises(dates.NotADate):
        dates.parse_deadline(typed, NOW, UTC)


@pytest.mark.parametrize(
    ("locale", "words"), [("en_US", "€1,200"), ("de_DE", "1.200 €"), ("de-AT", "€ 1.200"), ("xx_YY", "€1,200")]
)
def test_money_is_written_as_in_the_locale_that_was_chosen(locale: str, words: str):
    when.use("24", locale)
    assert money.written(Money(120000, "EUR")) == words


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"LANG": "en_US.UTF-8"}, "en_US"),
        ({"LANG": "en_US.UTF-8", "LC_TIME": "de_DE.UTF-8"}, "de_DE"),
        ({"LANG": "en_US.UTF-8", "LC_TIME": "de_DE.UTF-8", "LC_ALL": "C.UTF-8"}, ""),
        ({"LANG": "POSIX"}, ""),
        ({}, ""),
        ({"LANG": "ca@valencia"}, "ca"),
        ({"LANG": "zh-hant-tw"}, "zh_Hant_TW"),
    ],
)
def test_without_a_choice_it_is_the_locale_of_the_environment(environ: dict[str, str], name: str):
    assert locales.of_environment(environ) == name


def test_the_order_of_day_and_month_is_that_of_every_locale_there_is():
    """Those in another script than is usual there are left out."""
    for name in localedata.locale_identifiers():
        if len(name.split("_")) < 3 and not re.search("_[A-Z][a-z]", name):
            pattern = re.sub("'[^']*'", "", Locale.parse(name).datetime_skeletons["MMMd"].pattern)
            assert locales.month_first(name) == _before(pattern), name


def _before(pattern: str) -> bool:
    return min(at for at in map(pattern.find, "ML") if at >= 0) < pattern.find("d")
