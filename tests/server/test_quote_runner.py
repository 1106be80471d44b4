"""Quote runs with real and with hostile providers: who fails, who is waited for, what is kept of what they say."""

import asyncio
import contextlib
import gc
import json
import logging
import tracemalloc
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Figure
from tests.support.hostile_api import MEGABYTE, HostileApi, hostile_api
from tests.support.people import Person, connected, eventually
from tests.support.pricing import Played, a_vehicle, providers, ready
from tests.support.quoting import loaded
from tests.support.serving import Running, served

from roadcrew_domain.money import Money
from roadcrew_domain.quotes_state import MAX_ACTIVITIES, MAX_DETAIL, MAX_PRICES, MAX_SAID, Price
from roadcrew_server.quotes import runner
from roadcrew_server.quotes.base import Failed, Secrets
from roadcrew_server.quotes.registry import Provider, Providers

KEY = "sk-live-0123456789+/%"
SOON = 20.0


class Asker(Person):
    """Somebody at a server in this process."""

    running: Running

    async def start(self, body: dict[str, Any] | None = None) -> str:
        """Ask for prices; the run's id."""
        answer = await self.request("POST", "/api/quotes", body or a_vehicle())
        assert answer.status_code == 202, answer.text
        return str(answer.json()["runId"])

    async def run(self, run_id: str) -> dict[str, Any]:
        """A run as it is now."""
        answer = await self.request("GET", f"/api/quotes/{run_id}")
        assert answer.status_code == 200, answer.text
        run: dict[str, Any] = answer.json()["run"]
        return run

    async def ended(self, run_id: str, seconds: float = SOON) -> dict[str, Any]:
        """A run when it is over."""
        await self.run(run_id)
        topic = self.running.server.hub.topics[f"quote:{run_id}"]
        await eventually(lambda: topic.state.status != "processing", "the end of the run", seconds)
        return await self.run(run_id)


@contextlib.asynccontextmanager
async def serving(place: Path, asked: Providers, token: str | None = None, **settings: Any) -> AsyncIterator[Asker]:
    """Somebody at a server that asks these."""
    async with served(place, asked=asked, **settings) as running, connected(running.url) as http:
        asker = Asker(http, token or (await Person.guest(http, "Ana")).token)
        asker.running = running
        yield asker


async def events(person: Person, run_id: str) -> list[dict[str, Any]]:
    """All that is in its log."""
    path = f"/api/quotes/{run_id}/stream"
    answer = await person.request("GET", path, headers={"Accept": "application/json"}, params={"after": -1})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["events"]
    return found


def answer_of(run: dict[str, Any], provider: str) -> dict[str, Any]:
    found: dict[str, Any] = run["answers"][provider]
    return found


def totals(run: dict[str, Any], provider: str) -> list[int]:
    return [price["total"]["amount"] for price in answer_of(run, provider)["prices"]]


def one(quote: Callable[..., Any], *, tries: int = 1, timeout: float = 5.0, **more: Any) -> Provider:
    """A plug-in of which one method is somebody else's."""
    inner: Any = ready(**more)
    inner.quote = quote
    return Provider("odd", "Odd", timeout, tries, inner, Secrets({}))


def beside(*odd: Provider) -> Providers:
    """Those, and one that has a price."""
    return Providers([*odd, *providers(ready(amount=7_700)).all])


HOSTILE = """\
    [[provider]]
    id = "{path}"
    name = "Provider {path}"
    use = "http"
    timeout = {timeout}
    tries = 1
    allow_private = true

    [provider.vehicle]
    url = "{url}/{path}?key=env:ACME_KEY"
    headers = {{ Authorization = "Bearer env:ACME_KEY" }}

    [provider.vehicle.answer]
    prices = "offers[*]"
    total = "price.total"
    currency = "price.currency"
    note = "note"

"""

FAILURES = {
    "silent": ("timeout", "No answer within 0.8 s."),
    "drip": ("timeout", "No answer within 0.8 s."),
    "500": ("http-status", "It answered with HTTP 500."),
    "huge": ("too-large", "Its answer is longer than 262,144 bytes."),
    "bomb": ("nonsense", "Its answer is compressed, though we asked that it is not."),
    "deep": ("nonsense", "Its answer is not JSON that can be read."),
    "nonsense": ("nonsense", "Its answer is not JSON that can be read."),
    "html": ("nonsense", "Its answer is not JSON."),
    "many": ("nonsense", "Its answer has too many values."),
}


def hostile(folder: Path, api: HostileApi) -> Providers:
    """All that misbehave, and two that don't."""
    of = [(path, 0.8 if path in ("silent", "drip") else 15.0) for path in (*FAILURES, "good", "also")]
    text = "".join(HOSTILE.format(path=path, url=api.url, timeout=timeout) for path, timeout in of)
    return loaded(folder, text, environment={"ACME_KEY": KEY})


# R: Q4
async def test_whatever_some_providers_do_the_others_prices_are_there_in_time(tmp_path: Path, figure: Figure):
    async with hostile_api() as api:
        api.answers["/also"] = {"offers": [{"price": {"total": 99, "currency": "EUR"}, "note": f"Room {KEY}"}]}
        async with serving(tmp_path, hostile(tmp_path, api)) as ana:
            run_id = await ana.start()
            run = await ana.ended(run_id)
            priced = [answer_of(run, path)["seconds"] for path in ("good", "also")]
            figure("seconds until the last good price", max(priced))
            assert totals(run, "good") == [12_050]
            assert answer_of(run, "also")["prices"][0]["note"] == "Room •••"
            for path, (code, sentence) in FAILURES.items():
                answer = answer_of(run, path)
                assert (path, answer["state"], answer["failure"], answer["detail"]) == (path, "failed", code, sentence)
            log = await events(ana, run_id)
            ends = [event for event in log if event["type"] in ("QuoteResult", "QuoteFailure")]
            assert len(ends) == len(FAILURES) + 2
            by = [event["data"]["provider"] for event in ends]
            assert max(by.index("good"), by.index("also")) < min(by.index("silent"), by.index("drip"))


# R: Q4
@pytest.mark.usefixtures("timed")
async def test_memory_stays_flat_whatever_providers_send(tmp_path: Path, figure: Figure):
    """50 MB as one answer, as a promise and as a gzip bomb, in five runs."""
    async with hostile_api() as api:
        of = ("huge", "huge-said", "bomb", "deep", "many", "good")
        text = "".join(HOSTILE.format(path=path, url=api.url, timeout=15) for path in of)
        asked = loaded(tmp_path, text, environment={"ACME_KEY": KEY})
        async with serving(tmp_path, asked) as ana:
            await ana.ended(await ana.start())  # what is made once
            gc.collect()
            tracemalloc.start()
            try:
                for run_id in [await ana.start() for _ in range(5)]:
                    run = await ana.ended(run_id)
                    assert answer_of(run, "good")["state"] == "priced"
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        figure("peak of memory, MB", round(peak / MEGABYTE, 1))
        assert api.sent > 10 * MEGABYTE
        assert peak < 25 * MEGABYTE  # the API's own megabytes, which it sends from this process, are among them


# R: J6
async def test_the_key_is_in_no_event_no_answer_and_no_log_line(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    async with hostile_api() as api:
        api.answers["/also"] = {"offers": [{"price": {"total": 99, "currency": "EUR"}, "note": KEY}]}
        asked = hostile(tmp_path, api)

        async def leaks(request: object, say: Callable[[str], None]) -> Sequence[Price]:
            say(f"I use {KEY}")
            raise RuntimeError(f"GET https://x.example/?key={KEY}") from ValueError(KEY)

        async def tells(request: object, say: Callable[[str], None]) -> Sequence[Price]:
            raise Failed("refused", f"The key {KEY} is not known.")

        secrets = asked.all[0].secrets
        for name, quote in (("leaks", leaks), ("tells", tells)):
            inner: Any = ready()
            inner.quote = quote
            asked = Providers([*asked.all, Provider(name, name, 5.0, 1, inner, secrets)])
        async with serving(tmp_path, asked) as ana:
            run_id = await ana.start()
            run = await ana.ended(run_id)
            log = await events(ana, run_id)
            metrics = await ana.http.get("/metrics")
            server = (await ana.http.get("/api/server")).text
        assert api.asked[0][1]["Authorization"] == f"Bearer {KEY}"
        assert answer_of(run, "tells")["detail"] == "The key ••• is not known."
        assert answer_of(run, "leaks")["failure"] == "internal"
        assert "the quote provider leaks failed" in caplog.text
        ours = [r.getMessage() for r in caplog.records if not r.name.startswith("aiosqlite")]
        everything = "\n".join((json.dumps(run, ensure_ascii=False), json.dumps(log), metrics.text, server, *ours))
        assert "sk-live" not in everything
        assert "sk-live" not in (tmp_path / "store.sqlite").read_bytes().decode("latin-1")


# --- plug-ins ------------------------------------------------------------------------------------------


async def odd(tmp_path: Path, quote: Callable[..., Any], **more: Any) -> dict[str, Any]:
    """What came of a plug-in, beside one that has a price all the same."""
    async with serving(tmp_path, beside(one(quote, **more))) as ana:
        run = await ana.ended(await ana.start())
        assert totals(run, "p0") == [7_700]
        assert run["status"] == "finished"
        return answer_of(run, "odd")


def given(value: Any) -> Callable[..., Any]:
    """A plug-in that gives that."""

    async def quote(request: object, say: object) -> Any:
        return value

    return quote


class Moody(str):
    def __str__(self) -> str:
        raise RuntimeError("no")


def price(amount: Any = 100, currency: Any = "EUR", hotel_id: Any = None, note: Any = None) -> Price:
    return Price(Money(amount, currency), hotel_id, note)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "It gave something else than prices."),
        ({"total": 1}, "It gave something else than prices."),
        ("prices", "It gave something else than prices."),
        ([1], "It gave something else than prices."),
        ([Price(None)], "It gave something else than prices."),  # type: ignore[arg-type]
        (iter([price()]), "It gave something else than prices."),
        ([price()] * (MAX_PRICES + 1), f"It gave more than {MAX_PRICES} prices."),
        ([price(), price(200)], "It gave two prices for the same."),
        ([price(0)], "It gave an amount that is no price."),
        ([price(-1)], "It gave an amount that is no price."),
        ([price(1.5)], "It gave an amount that is no price."),
        ([price(True)], "It gave an amount that is no price."),
        ([price(10**13)], "It gave an amount that is no price."),
        ([price("1")], "It gave an amount that is no price."),
        ([price(currency="XYZ")], "It gave a price in no currency."),
        ([price(currency="\x1b[2J")], "It gave a price in no currency."),
        ([price(currency=["EUR"])], "It gave a price in no currency."),
        ([price(hotel_id="h1")], "It gave a price for what nobody asked for."),
        ([price(hotel_id=["h1"])], "It gave a price for what nobody asked for."),
    ],
)
async def test_what_is_no_price_is_nonsense_with_a_readable_sentence(tmp_path: Path, value: Any, sentence: str):
    answer = await odd(tmp_path, given(value))
    assert (answer["failure"], answer["detail"]) == ("nonsense", sentence)


async def test_no_prices_are_not_covered(tmp_path: Path):
    answer = await odd(tmp_path, given(()))
    assert (answer["failure"], answer["detail"]) == ("not-covered", "It has no price for this.")


@pytest.mark.parametrize(
    ("note", "kept"),
    [("a\x1b[2Jb\u202ec\nd", "a[2Jbc d"), ("x" * 10_000, "x" * MAX_SAID), (7, None), (Moody("x"), None), ("", None)],
)
async def test_a_note_is_harmless_and_short(tmp_path: Path, note: Any, kept: str | None):
    answer = await odd(tmp_path, given([price(note=note)]))
    assert answer["prices"][0].get("note") == kept


class Ending(BaseException):
    """As somebody may write one."""


@pytest.mark.parametrize(
    "error", [RuntimeError("x"), SystemExit(3), KeyboardInterrupt(), Ending(), asyncio.CancelledError(), MemoryError()]
)
async def test_nothing_that_a_plug_in_raises_stops_the_others_or_the_server(tmp_path: Path, error: BaseException):
    async def quote(request: object, say: object) -> Any:
        raise error

    answer = await odd(tmp_path, quote)
    assert (answer["failure"], answer["detail"]) == ("internal", "The part of this server that asks it failed.")


async def test_a_plug_in_that_cancels_itself_has_failed(tmp_path: Path):
    async def quote(request: object, say: object) -> Any:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(10)

    assert (await odd(tmp_path, quote))["failure"] == "internal"


async def test_a_plug_in_that_is_no_coroutine_has_failed(tmp_path: Path):
    assert (await odd(tmp_path, lambda request, say: [price()]))["failure"] == "internal"


async def test_a_plug_in_that_will_not_end_is_left_behind_and_after_some_times_not_asked_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runner, "ENDING", 0.0)
    monkeypatch.setattr(runner, "MOST_STRAYS", 2)
    over = asyncio.Event()
    asked = 0

    async def quote(request: object, say: object) -> Any:
        nonlocal asked
        asked += 1
        while not over.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await over.wait()

    async with serving(tmp_path, beside(one(quote, timeout=0.2))) as ana:
        told = [answer_of(await ana.ended(await ana.start()), "odd") for _ in range(3)]
        over.set()
    assert [(answer["failure"], answer["detail"]) for answer in told] == [
        ("timeout", "No answer within 0.2 s."),
        ("timeout", "No answer within 0.2 s."),
        ("internal", "Earlier questions to it have not come to an end."),
    ]
    assert asked == 2


async def test_what_passes_is_asked_again_and_what_does_not_is_not(tmp_path: Path):
    tried: list[int] = []

    async def flaky(request: object, say: Any) -> Any:
        tried.append(say.tried)
        if len(tried) < 3:
            raise Failed("unreachable", "The line was cut.", passing=True)
        return [price()]

    answer = await odd(tmp_path, flaky, tries=3)
    assert (answer["state"], tried) == ("priced", [1, 2, 3])
    tried.clear()

    async def refuses(request: object, say: Any) -> Any:
        tried.append(say.tried)
        raise Failed("refused", "No.")

    assert (await odd(tmp_path, refuses, tries=3))["detail"] == "No."
    assert tried == [1]


async def test_it_is_asked_no_more_often_than_it_may_be_and_not_longer_than_its_time(tmp_path: Path):
    tried: list[int] = []

    async def never(request: object, say: Any) -> Any:
        tried.append(say.tried)
        raise Failed("unreachable", "The line was cut.", passing=True)

    assert (await odd(tmp_path, never, tries=2))["detail"] == "The line was cut."
    assert tried == [1, 2]
    tried.clear()
    assert (await odd(tmp_path, never, tries=5, timeout=0.1))["detail"] == "The line was cut."
    assert tried == [1]  # the wait would have been over after its time


async def test_a_failure_of_an_unknown_kind_or_without_words_is_told_all_the_same(tmp_path: Path):
    async def unknown(request: object, say: object) -> Any:
        raise Failed("odd", "\x1b[2J")  # type: ignore[arg-type]

    async def silent(request: object, say: object) -> Any:
        raise Failed("refused", 7)  # type: ignore[arg-type]

    async def long(request: object, say: object) -> Any:
        raise Failed("refused", "x" * 100_000)

    assert (await odd(tmp_path, unknown))["failure"] == "internal"
    assert (await odd(tmp_path, silent))["detail"] == "It refused to answer us."
    assert (await odd(tmp_path, long))["detail"] == "x" * MAX_DETAIL


class Wordless(Failed):
    def __init__(self) -> None:  # without what a failure has
        pass


class Endless(list[Price]):
    def __iter__(self) -> Any:
        while True:
            yield price()


async def test_what_only_looks_like_a_failure_or_like_prices_stops_nobody(tmp_path: Path):
    async def quote(request: object, say: object) -> Any:
        raise Wordless

    assert (await odd(tmp_path, quote))["failure"] == "internal"
    assert (await odd(tmp_path, given(Endless([price()]))))["failure"] == "nonsense"


async def test_a_provider_that_talks_without_end_is_kept_short(tmp_path: Path):
    async def quote(request: object, say: Any) -> Any:
        say(7)
        say("")
        say(f"\x1b[2J{'y' * 100_000}")
        for n in range(100_000):
            say(f"step {n}")
        await asyncio.get_running_loop().run_in_executor(None, say, "from another thread")
        return [price()]

    async with serving(tmp_path, beside(one(quote))) as ana:
        run_id = await ana.start()
        run = await ana.ended(run_id)
        told = [e["data"] for e in await events(ana, run_id) if e["type"] == "QuoteActivity"]
    texts = [data["text"] for data in told if data["provider"] == "odd"]
    assert texts[:3] == ["Asked.", f"[2J{'y' * (MAX_SAID - 3)}", "step 0"]
    assert len(texts) == MAX_ACTIVITIES
    assert answer_of(run, "odd")["state"] == "priced"


async def test_a_provider_that_is_asked_no_more_has_failed_and_the_run_ends(tmp_path: Path):
    """As after a restart with another file."""
    held = Played()
    async with serving(tmp_path, providers(held, ready())) as ana:
        run_id = await ana.start()
        topic = ana.running.server.hub.topics[f"quote:{run_id}"]
        await eventually(
            lambda: held.asked and topic.state.answers["p1"].state == "priced", "the question, and a price"
        )
    async with serving(tmp_path, providers(), ana.token) as again:
        run = await again.ended(run_id)
    assert answer_of(run, "p0")["detail"] == "It is not asked any more by this server."
    assert answer_of(run, "p1")["state"] == "priced"  # that was in the log


# R: Q7
async def test_whose_answer_is_in_the_log_is_not_asked_again_by_the_next_process(tmp_path: Path):
    held = Played()
    async with serving(tmp_path, providers(held, ready(amount=1_234))) as ana:
        run_id = await ana.start()
        topic = ana.running.server.hub.topics[f"quote:{run_id}"]
        await eventually(lambda: topic.state.answers["p1"].state == "priced", "the first price")
    again, never = ready(amount=5_678), ready(amount=9_999)
    async with serving(tmp_path, providers(again, never), ana.token) as ana:
        run = await ana.ended(run_id)
    assert (totals(run, "p0"), totals(run, "p1")) == ([5_678], [1_234])
    assert (len(again.asked), len(never.asked)) == (1, 0)


async def test_a_run_that_is_cancelled_cancels_its_questions(tmp_path: Path):
    begun: list[str] = []
    ended_by: list[str] = []

    async def quote(request: object, say: object) -> Any:
        begun.append("asked")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended_by.append("cancelled")
            raise

    async with serving(tmp_path, Providers([one(quote, timeout=30)])) as ana:
        run_id = await ana.start()
        await eventually(lambda: begun, "the question")
        assert (await ana.request("DELETE", f"/api/quotes/{run_id}")).status_code == 200
        await eventually(lambda: ended_by, "the end of the question")


# --- the trip ------------------------------------------------------------------------------------------


async def test_a_trip_is_told_that_a_run_began_and_what_came_of_it(tmp_path: Path):
    held = Played(amount=9_900)
    async with serving(tmp_path, providers(held, ready(amount=12_000))) as ana:
        trip = (await ana.create())["trip"]["id"]
        run_id = await ana.start(a_vehicle(tripId=trip))
        hub = ana.running.server.hub
        topic = hub.topics[f"trip:{trip}"]
        begun = await eventually(lambda: topic.state.runs.get(run_id), "the note that it began")
        assert (begun.kind, begun.count, begun.ended) == ("vehicle", 1, None)
        assert begun.by in topic.state.members
        held.answer.set()
        await ana.ended(run_id)
        await eventually(lambda: topic.state.runs[run_id].ended, "the note that it ended")
        over = topic.state.runs[run_id]
        assert (over.ended, over.best, over.best_of) == ("finished", Money(9_900, "EUR"), "Provider 0")
        head = topic.head
        work = runner.QuoteWork(hub, providers())
        await work.over(f"quote:{run_id}", hub.topics[f"quote:{run_id}"].state)  # whoever finds it over tells it again
        assert topic.head == head


# R: Q7
async def test_a_trip_is_told_also_of_a_run_whose_end_is_that_of_its_keeping(tmp_path: Path):
    async with serving(tmp_path, providers(Played()), quote_hours=1 / 3600) as ana:
        trip = (await ana.create())["trip"]["id"]
        run_id = await ana.start(a_vehicle(tripId=trip))
        topic = ana.running.server.hub.topics[f"trip:{trip}"]
        note = await eventually(lambda: topic.state.runs.get(run_id), "the note that it began")
        assert note.ended is None
        await eventually(lambda: topic.state.runs[run_id].ended == "interrupted", "the note that it ended", SOON)


# --- many ----------------------------------------------------------------------------------------------


async def test_many_runs_with_many_providers_are_bounded_in_connections(tmp_path: Path, figure: Figure, count: Any):
    """Eight providers at one API, each with at most four connections."""
    runs = count(reduced=40, full=200)
    async with hostile_api() as api:
        of = [f"good{n}" for n in range(8)]
        for path in of:
            api.answers[f"/{path}"] = {"offers": [{"price": {"total": 5, "currency": "EUR"}}]}
        text = "".join(HOSTILE.format(path=path, url=api.url, timeout=60) for path in of)
        asked = loaded(
            tmp_path, text.replace("tries = 1", "tries = 1\n    connections = 4"), environment={"ACME_KEY": KEY}
        )
        async with serving(tmp_path, asked) as ana:
            ids = await asyncio.gather(*(ana.start() for _ in range(runs)))
            for run_id in ids:
                run = await ana.ended(run_id, seconds=100)
                assert all(answer["state"] == "priced" for answer in run["answers"].values())
        figure("runs, questions, connections at once", (runs, len(api.asked), api.most_open))
        assert len(api.asked) == runs * 8
        assert api.most_open <= 8 * 4
