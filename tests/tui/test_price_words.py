"""What sub-commands about prices and imports print for people: lines with nothing in them that a terminal obeys."""

import json
from typing import Any

import msgspec
import pytest
from tests.api_client.run_desk import PROVIDERS, STAY, RunDesk
from tests.api_client.scripted import NOW

from roadcrew_domain.jobs import encode_job
from roadcrew_domain.jobs_state import AddRows, Checkpoint, FailImport, ImportedHotel, ReasonCount, RefusedRow
from roadcrew_domain.money import Money
from roadcrew_domain.quotes import encode_run
from roadcrew_domain.quotes_state import CancelRun
from roadcrew_domain.runs import RunNote
from roadcrew_tui.commands.price_words import told

HOSTILE = "Tiles\r\n\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202e\x9b31m\u2028[@click=quit]x\x00"
PRICE = Money(1400, "EUR")


def results(text: str) -> dict[str, Any]:
    """One of each kind, in which everything is called so."""
    desk = RunDesk()
    name = desk.ask()
    desk.prices(name)
    desk.fails(name)
    run = json.loads(encode_run(desk.logs[name].state))
    for provider in run["providers"]:
        provider["name"] = text
    for hotel in run["request"]["hotels"]:
        hotel |= {"name": text, "city": text}
    run["answers"]["atlas"]["prices"][0]["note"] = run["answers"]["slow"]["detail"] = text
    job = desk.upload()
    shown = RefusedRow(7, text, text)
    desk.job(job, AddRows(1, 2, 1, Checkpoint(9), 9, "p", "r", (ReasonCount(text[:5], 1),), (shown,)))
    desk.job(job, FailImport(1, "bad-feed", "It is none."))
    state = json.loads(encode_job(desk.logs[job].state)) | {"name": text, "detail": text}
    state["refused"] = [{"line": 7, "code": text, "detail": text}]
    members = [{"id": "ana", "name": text}]
    note = RunNote("r", "stay", "ana", NOW, text, STAY.check_in, STAY.check_out, 2, "finished", PRICE, text)
    change = {"provider": PROVIDERS[0], "hotel": STAY.hotels[0], "before": PRICE, "after": None}
    shapes = {
        "run": {"runId": text, "run": run},
        "again": {"runId": text, "run": run, "changes": [change]},
        "asked": {"runId": text, "status": "processing", "streamUrl": text},
        "job": {"jobId": text, "job": state},
        "sent": {"jobId": text, "status": "processing", "streamUrl": text},
        "runs": {"runs": [note], "members": members},
        "imports": {"imports": [note], "members": members},
        "providers": {"providers": [{"id": text, "name": text, "kinds": [text], "timeout": 5.0, "simulated": True}]},
        "hotels": {"hotels": [ImportedHotel(1, text, text, 4, PRICE, Money(9, "EUR"))], "total": 2, "next": text},
        "rows": {"rows": [shown], "total": 2, "next": text},
    }
    return {name: msgspec.to_builtins(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("kind", results("x"))
def test_nothing_that_a_server_sends_is_obeyed_by_a_terminal(kind: str) -> None:
    lines = told(results(HOSTILE)[kind])
    assert lines
    assert all(line.isprintable() for line in lines), lines
    assert all("\u202e" not in line and "\u2028" not in line for line in lines)


def test_a_run_says_what_was_asked_which_price_leads_and_who_has_none_and_why() -> None:
    desk = RunDesk()
    name = desk.ask()
    desk.prices(name)
    desk.fails(name)
    shape = {"runId": "r", "run": json.loads(encode_run(desk.logs[name].state))}
    title, stands, price, failed = told(shape)
    assert title == "Stay, 21 to 24 May 2030, 2 guests, 3 nights: Casa Azul"
    assert stands.startswith("1 of 2 answered, 1 failed, 0 s  ")
    assert price == "  €40 for a person and night  €240 in all  Casa Azul  Atlas Rooms  best"
    assert failed == "  Slow (simulated): failed, 0.0 s: It did not answer in time."


def test_of_a_run_that_was_stopped_it_is_said_who_was_not_waited_for() -> None:
    desk = RunDesk()
    name = desk.ask()
    desk.says(name)
    desk.quote(name, CancelRun())
    rows = told({"runId": "r", "run": json.loads(encode_run(desk.logs[name].state))})
    assert rows[2:] == [
        "Stopped. Prices that had come are here.",
        "  Atlas Rooms: was not waited for",
        "  Slow (simulated): was not asked",
    ]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (PRICE, Money(1200, "EUR"), "€14, now €12"),
        (None, PRICE, "new, €14"),
        (PRICE, None, "gone, was €14"),
    ],
)
def test_a_change_says_what_it_was_and_is(before: Money | None, after: Money | None, words: str) -> None:
    desk = RunDesk()
    name = desk.ask()
    change = {"provider": PROVIDERS[1], "hotel": STAY.hotels[0], "before": before, "after": after}
    run = json.loads(encode_run(desk.logs[name].state))
    lines = told({"runId": "r", "run": run, "changes": [msgspec.to_builtins(change)]})
    assert lines[-2:] == ["Since the run before:", f"  Casa Azul, Slow (simulated): {words}"]
    assert told({"runId": "r", "run": run, "changes": []})[-1] == "The same as in the run before."


def test_a_result_of_another_kind_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="no words"):
        told({"something": 1})
