"""What is typed into a page, on its way into the app behind it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from io import FileIO

import pytest
from tests.support.people import eventually
from textual import events
from textual.app import App

from roadcrew_tui.web.driver import MOST_UNHEARD, MOST_WAITING, BoundedReader, VisitDriver

SOON = 20.0


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileIO]:
    """What a page says is written here."""
    ours, theirs = os.pipe()
    with FileIO(ours) as stdin, FileIO(theirs, "w") as written:
        monkeypatch.setattr(sys, "__stdin__", stdin)
        yield written


@pytest.mark.usefixtures("page")
async def test_what_is_typed_faster_than_the_app_takes_it_waits():
    app = App[None]()
    driver = VisitDriver(app)

    def type_on() -> None:
        for _ in range(MOST_WAITING * 3):
            driver.process_message(events.Key("a", "a"))

    typing = asyncio.create_task(asyncio.to_thread(type_on))
    await eventually(lambda: app.message_queue_size > MOST_WAITING, "more than the app takes", SOON)
    await asyncio.wait([typing], timeout=0.1)
    assert app.message_queue_size == MOST_WAITING + 1
    driver.exit_event.set()
    async with asyncio.timeout(SOON):
        await typing


def test_something_pasted_that_never_ends_is_not_read_for_ever(page: FileIO):
    paste = threading.Thread(target=lambda: [page.write(b"x" * 10_000) for _ in range(MOST_UNHEARD // 10_000 + 1)])
    paste.start()
    assert MOST_UNHEARD - 100_000 < sum(map(len, BoundedReader())) <= MOST_UNHEARD
    paste.join(SOON)
