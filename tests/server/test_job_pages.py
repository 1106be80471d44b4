"""Pages of imported rows: what is asked for is found as a plain sort finds it, and never all of it is in memory."""

import asyncio
import itertools
import tracemalloc
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Count, Figure

from roadcrew_domain.jobs_state import ImportedHotel, RefusedRow
from roadcrew_domain.money import Money
from roadcrew_server.jobs.pages import HotelPage, PageGone, Pages, Question
from roadcrew_server.problems import Problem
from roadcrew_server.stores.sqlite import SqliteStore

WORDS = st.sampled_from(["Casa Azul", "casa azul", "Ärger", "Żubr", "Lisbon", "lisbon", "Porto", "z"])
HOTELS = st.lists(
    st.builds(
        ImportedHotel,
        line=st.just(0),
        name=WORDS,
        city=WORDS,
        stars=st.integers(0, 5),
        price_per_night=st.builds(Money, st.integers(0, 6), st.sampled_from(["EUR", "JPY"])),
    ),
    max_size=40,
)
QUESTIONS = st.builds(
    Question,
    sort=st.sampled_from(["price", "name", "city", "stars", "line"]),
    descending=st.booleans(),
    city=st.none() | WORDS,
    text=st.none() | st.sampled_from(["A", "z", "LISB"]),
    min_stars=st.integers(0, 5),
    max_price=st.none() | st.integers(0, 6),
    limit=st.integers(1, 12),
)


def expected(hotels: Sequence[ImportedHotel], question: Question) -> list[ImportedHotel]:
    """All that is asked for, in order, found in the plainest way."""
    found = [h for h in hotels if h.stars >= question.min_stars]
    if question.max_price is not None:
        found = [h for h in found if h.price_per_night.amount <= question.max_price]
    if question.city is not None:
        found = [h for h in found if h.city.casefold() == question.city.casefold()]
    if question.text is not None:
        part = question.text.casefold()
        found = [h for h in found if part in h.name.casefold() or part in h.city.casefold()]
    by: dict[str, Any] = {
        "price": lambda h: (h.price_per_night.currency, h.price_per_night.amount),
        "name": lambda h: h.name.casefold(),
        "city": lambda h: (h.city.casefold(), h.name.casefold()),
        "stars": lambda h: h.stars,
        "line": lambda h: h.line,
    }
    found.sort(key=lambda h: h.line, reverse=question.descending)
    return sorted(found, key=by[question.sort], reverse=question.descending) if question.sort != "line" else found


async def kept(pages: Pages, store: SqliteStore, rows: Sequence[Any], size: int, name: str) -> tuple[str, ...]:
    """The rows in pages of that size; the pages' keys."""
    keys = []
    for at in range(0, len(rows), size):
        keys.append(f"{name}/{at}")
        await pages.write(keys[-1], rows[at : at + size], store.now() + timedelta(hours=1))
    return tuple(keys)


async def all_of(pages: Pages, keys: Sequence[str], question: Question) -> tuple[list[ImportedHotel], set[int]]:
    """Page after page, as somebody scrolls; and every `total` that they were told."""
    found: list[ImportedHotel] = []
    totals: set[int] = set()
    page = HotelPage((), 0, None)
    while not totals or page.next is not None:
        page = await pages.hotels(keys, msgspec.structs.replace(question, after=page.next))
        assert len(page.hotels) <= question.limit
        found += page.hotels
        totals.add(page.total)
    return found, totals


# R: J3
def test_what_is_asked_for_is_found_as_a_plain_sort_finds_it(tmp_path: Path, count: Count):
    numbers = itertools.count()
    with asyncio.Runner() as runner:
        store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
        runner.run(store.open())
        pages = Pages(store)

        @settings(
            max_examples=count(reduced=60, full=1500),
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        @given(HOTELS, QUESTIONS, st.integers(1, 15))
        def same(drawn: list[ImportedHotel], question: Question, size: int) -> None:
            hotels = [msgspec.structs.replace(h, line=line) for line, h in enumerate(drawn, 2)]
            keys = runner.run(kept(pages, store, hotels, size, str(next(numbers))))
            found, totals = runner.run(all_of(pages, keys, question))
            plain = expected(hotels, question)
            assert found == plain
            assert totals == {len(plain)}

        same()
        runner.run(store.close())


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    store = SqliteStore(tmp_path / "store.sqlite", synchronous="NORMAL")
    await store.open()
    yield store
    await store.close()


def hotel(line: int) -> ImportedHotel:
    return ImportedHotel(line, f"Hotel {line * 7919 % 100_003}", "Lisbon", line % 6, Money(line * 31 % 9973, "EUR"))


async def test_a_question_about_many_pages_has_no_more_in_memory_than_one_and_an_answer(
    store: SqliteStore, figure: Figure, count: Count
):
    many, size = count(reduced=20_000, full=100_000), 1_000
    pages = Pages(store)
    few = await kept(pages, store, [hotel(line) for line in range(2, 2 + 2 * size)], size, "few")
    keys = await kept(pages, store, [hotel(line) for line in range(2, 2 + many)], size, "many")
    peaks: list[int] = []
    for asked, rows in ((few, 2 * size), (keys, many)):
        tracemalloc.start()
        answer = await pages.hotels(asked, Question(sort="price", limit=50))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (len(answer.hotels), answer.total) == (50, rows)
    figure("bytes at the most for two pages, and for all", peaks)
    assert peaks[1] < 1.5 * peaks[0] + 100_000


# R: J3
async def test_refused_rows_are_read_on_after_a_line(store: SqliteStore):
    pages = Pages(store)
    rows = [RefusedRow(line, "bad-price", "The price is no number.") for line in range(3, 60, 2)]
    keys = await kept(pages, store, rows, 4, "bad")
    found: list[RefusedRow] = []
    after: int | None = 0
    while after is not None:
        page = await pages.refused(keys, after, 7, len(rows))
        assert (len(page.rows) <= 7, page.total) == (True, len(rows))
        found += page.rows
        after = page.next
    assert found == rows
    assert (await pages.refused((), 0, 7, 0)) == (await pages.refused(keys, 10**6, 7, 0))


async def test_the_last_line_is_that_of_the_last_pages(store: SqliteStore):
    pages = Pages(store)
    good = await kept(pages, store, [hotel(line) for line in (2, 3, 9)], 2, "good")
    bad = await kept(pages, store, [RefusedRow(line, "x", "y") for line in (4, 12)], 1, "bad")
    assert await pages.last_line((), ()) == 0
    assert await pages.last_line(good, ()) == 9
    assert await pages.last_line(good, bad) == 12


async def test_a_page_that_is_no_longer_kept_is_said_to_be_gone_and_not_left_out(store: SqliteStore):
    pages = Pages(store)
    keys = await kept(pages, store, [hotel(2)], 1, "good")
    with pytest.raises(PageGone):
        await pages.hotels((*keys, "good/7"), Question())


@pytest.mark.parametrize(
    "after", ["", "x", "AAAA", "é", "W10", "WyJuYW1lIixmYWxzZSxbIngiXV0", "WyJsaW5lIixmYWxzZSxbInkiXV0", "W" * 5000]
)
async def test_an_after_of_somebody_elses_making_is_refused(store: SqliteStore, after: str):
    keys = await kept(Pages(store), store, [hotel(2)], 1, "good")
    with pytest.raises(Problem) as refused:
        await Pages(store).hotels(keys, Question(after=after))
    assert (refused.value.status, refused.value.facts) == (422, {"field": "after"})


async def test_an_after_of_another_order_is_refused(store: SqliteStore):
    pages = Pages(store)
    keys = await kept(pages, store, [hotel(line) for line in range(2, 9)], 3, "good")
    page = await pages.hotels(keys, Question(sort="stars", limit=2))
    for other in (Question(sort="price", after=page.next), Question(sort="stars", descending=True, after=page.next)):
        with pytest.raises(Problem):
            await pages.hotels(keys, other)
