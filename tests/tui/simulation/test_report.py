"""What a report says, and to whom."""

import json
import unicodedata

from roadcrew_tui.simulation.ledger import Counts
from roadcrew_tui.simulation.plan import make_plan
from roadcrew_tui.simulation.report import NAMED, as_json, as_text, line
from roadcrew_tui.simulation.run import Now, Result
from roadcrew_tui.simulation.tally import Tally

PLAN = make_plan(4, 5, 1)


def result(**more: object) -> Result:
    tally = Tally()
    tally.actions.update({"vote": 3, "create": 1})
    for seconds in (0.010, 0.020, 0.500):
        tally.accepted.add(seconds)
    given = Result(tally, people=4, trips=1, seconds=5.2, compared=5)
    for name, value in more.items():
        setattr(given, name, value)
    return given


def test_a_run_in_which_nothing_went_wrong_says_so():
    good = result()
    assert good.agreed
    text = as_text(PLAN, good, None)
    assert text.splitlines()[-1] == "Nothing was lost, nothing doubled, and all clients equal the server."
    assert f"{PLAN.digest}, of seed 1" in text
    assert "4: create 1, vote 3" in text
    assert "p50 21 ms, p99 500 ms, max 500 ms, of 3" in text or "p50 20 ms, p99 500 ms, max 500 ms, of 3" in text


def test_the_json_has_the_same_for_programs():
    said = json.loads(as_json(PLAN, result(), "https://trips.example.org"))
    assert said["agreed"]
    assert said["plan"] == {"users": 4, "seconds": 5, "seed": 1, "trips": 1, "digest": PLAN.digest}
    assert said["server"] == "https://trips.example.org"
    assert said["actions"] == {"create": 1, "vote": 3}
    assert said["latency"]["accepted"]["maxMs"] == 500
    assert said["latency"]["seen"] == {"count": 0, "p50Ms": None, "p99Ms": None, "maxMs": None}


def test_each_thing_that_must_not_happen_is_enough_to_disagree():
    for wrong in (
        {"counts": Counts(missing=1)},
        {"counts": Counts(doubled=1)},
        {"counts": Counts(contradicted=1)},
        {"different": ["Ben (sim): at event 3 of 5"]},
        {"compared": 0},
        {"trouble": "The server can't be reached."},
        {"interrupted": True},
    ):
        assert not result(**wrong).agreed, wrong
    for fault in ({"lost": 1}, {"doubled": 1}):
        bad = result()
        bad.tally.fault("Ben (sim)", **fault)
        assert not bad.agreed
        assert "  Ben (sim): not every event once" in as_text(PLAN, bad, None)
        assert json.loads(as_json(PLAN, bad, None))["faulty"] == {"Ben (sim)": 1}


def test_who_differs_is_named_up_to_a_number_and_all_in_the_json():
    names = [f"Person {n} (sim): at event 3 of 5" for n in range(NAMED + 7)]
    bad = result(different=names)
    text = as_text(PLAN, bad, None).splitlines()
    assert text[-1] == "  and 7 more"
    assert f"  {names[0]}" in text
    assert json.loads(as_json(PLAN, bad, None))["different"] == names


def test_what_ended_a_run_early_is_said():
    assert "Interrupted" in as_text(PLAN, result(interrupted=True), None)
    assert "Nobody got into a trip." in as_text(PLAN, result(compared=0), None)
    assert "The server took too long" in as_text(PLAN, result(trouble="The server took too long."), None)


# R: S3
def test_what_a_server_says_is_shown_as_text_and_nothing_else():
    hostile = "\x1b]52;c;eA==\x07[red]no[/red]\u202e\x9b31m\nsecond line"
    bad = result(different=[f"Ben (sim): {hostile}"], trouble=None)
    bad.tally.refuse(hostile)
    text = as_text(PLAN, bad, f"https://x/{hostile}")
    assert [c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"] == []
    assert not any(row.startswith("second line") for row in text.splitlines())
    as_text(PLAN, result(trouble=hostile), None)


def test_the_line_of_a_run_that_goes_on_is_short():
    said = line(Now(12.3, 50, 3, result().tally))
    assert said == "  12 s   50 here   4 actions   0 refused   3 offline   p50 20 ms"
    assert len(line(Now(86400.0, 2000, 2000, Tally()))) < 80
