"""What is said of a feed does not depend on where it was cut, nor on where the service died and went on."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.price_monitor.feeding import HEAD, NOW, Read, memory, read, small_bounds

from roadcrew_domain.jobs_state import Checkpoint, FeedFormat
from roadcrew_price_monitor.memory import KEEP_JOB
from roadcrew_price_monitor.parser import BadCheckpoint, Parser, Token

BITS = st.sampled_from(
    [
        *(
            '"',
            '""',
            '"""',
            ",",
            "\n",
            "\r\n",
            '",\n"',
            "a",
            "é",
            "x" * 20,
            "y" * 60,
            '"' + "z" * 50,
            " ",
            "\x00",
            "\r",
        ),
        *("Casa,Lisbon,4,84,EUR\n", "CASA,lisboa,1,9,EUR\n", '"B\nB",Porto,,"1,50",EUR\n', "Open,Porto,4\n"),
    ]
)
CSV = st.lists(BITS, max_size=25).map(lambda bits: (HEAD + "".join(bits)).encode())
BROKEN_CSV = st.tuples(CSV, st.binary(max_size=5), st.integers(31, 200)).map(
    lambda t: t[0][: t[2]] + t[1] + t[0][t[2] :]
)

PARTS = st.sampled_from(
    [
        *(
            '{"name": "A", "city": "B", "price": 1}',
            '{"name":"a","city":"b","price":2}',
            '{"name": "C\\"}", "city": "D"}',
        ),
        *(
            "5",
            '"x"',
            "null",
            "{}",
            "[[], {}]",
            '"' + "x" * 60 + '"',
            '{"a": {"b": "' + "y" * 60 + '"}}',
            "}",
            "]",
            '"\\',
        ),
        *('{"name": "' + "\\\\" * 30 + '"}', "[" * 30 + "]" * 30, "z" * 20, "é", " ", ",", '"', "{"),
    ]
)
LISTS = st.tuples(
    st.sampled_from(["[", '{"a":1,"hotels": [']), st.lists(PARTS, max_size=12), st.sampled_from(["]", "]}", ""])
)
JSON = LISTS.map(lambda t: (t[0] + ", ".join(t[1]) + t[2]).encode())
JSON_LINES = st.lists(PARTS, max_size=12).map(lambda parts: ('{"name":"A"}\n' + "\n".join(parts)).encode())
FEEDS = st.one_of(
    st.tuples(st.one_of(CSV, BROKEN_CSV), st.just("csv")), st.tuples(st.one_of(JSON, JSON_LINES), st.just("json"))
)
ROUNDS = settings(max_examples=150, deadline=None)


# R: J1
@ROUNDS
@given(FEEDS, st.lists(st.integers(0, 500), max_size=20))
def test_wherever_a_feed_is_cut_the_same_is_said(feed: tuple[bytes, FeedFormat], cuts: list[int]):
    data, kind = feed
    with small_bounds():
        whole = read(data, kind, currency="EUR")
        assert read(data, kind, currency="EUR", cuts=cuts).said == whole.said
        assert read(data, kind, currency="EUR", cuts=range(len(data))).said == whole.said


@ROUNDS
@given(FEEDS)
def test_lines_are_said_in_their_order_and_once(feed: tuple[bytes, FeedFormat]):
    data, kind = feed
    with small_bounds():
        said = read(data, kind, currency="EUR")
    good, bad = [h.line for h in said.hotels], [r.line for r in said.refused]
    assert good == sorted(set(good))
    assert bad == sorted(set(bad))
    assert not set(good) & set(bad)
    assert all(line <= len(data) + 1 for line in good + bad)
    assert said.ended is not None or said.rows == len(good) + len(bad)


# R: J4
@ROUNDS
@given(FEEDS, st.integers(1, 12), st.integers(0, 3), st.lists(st.integers(0, 500), max_size=5), st.booleans())
def test_after_a_crash_at_any_checkpoint_the_rest_is_said_once(
    feed: tuple[bytes, FeedFormat], died_at: int, kept: int, cuts: list[int], forgot: bool
):
    """`kept`: how many of the newest checkpoints the server has not heard of; `forgot`: the service lost its memory."""
    data, kind = feed
    with small_bounds():
        whole = read(data, kind, currency="EUR")
        remembered = memory()
        first = read(data, kind, currency="EUR", cuts=cuts, into=remembered, steps=died_at)
        known, good, bad = (first.checkpoints[: -kept or None] or [(Checkpoint(), 0, 0)])[-1]
        rest = read(data, kind, currency="EUR", cuts=cuts, begin=known, into=memory() if forgot else remembered)
    assert first.hotels[:good] + rest.hotels == whole.hotels
    assert first.refused[:bad] + rest.refused == whole.refused
    assert (rest.ended, rest.rows) == (whole.ended, whole.rows)


def test_a_price_of_before_is_said_again_after_a_crash_although_the_new_one_is_known():
    remembered = memory()
    feed = HEAD + "Casa,Lisbon,4,84,EUR\nAlfama,Lisbon,2,48,EUR\n"
    read(feed, into=remembered, job="before")
    dearer = feed.replace("84", "90")
    was = [[h.was and h.was.amount for h in read(dearer, into=remembered, job="now").hotels] for _ in range(2)]
    assert was == [[8400, None], [8400, None]]


def test_an_import_between_two_readings_of_another_changes_nothing_in_it():
    remembered = memory()
    feed = HEAD + "Casa,Lisbon,4,84,EUR\n"
    first = read(feed, into=remembered, job="one")
    read(feed.replace("84", "70"), into=remembered, job="two")
    assert read(feed, into=remembered, job="one").said == first.said


def test_the_price_of_another_currency_is_no_price_of_before():
    remembered = memory()
    read(HEAD + "Casa,Lisbon,4,84,EUR\n", into=remembered, job="before")
    assert read(HEAD + "Casa,Lisbon,4,90,USD\n", into=remembered, job="now").hotels[0].was is None


def test_a_job_that_began_too_long_ago_to_be_remembered_is_read_from_its_beginning(tmp_path: Path):
    feed = HEAD + "".join(f"Hotel {n},Lisbon,4,84,EUR\n" for n in range(1_200)) + "Hotel 1,Lisbon,3,9,EUR\n"
    remembered = memory(tmp_path / "m.db")
    begun = read(feed, into=remembered, steps=1)
    remembered.close()
    later = memory(tmp_path / "m.db", NOW + KEEP_JOB + 1)
    while later.tidy():
        pass
    rest = read(feed, begin=begun.checkpoints[-1][0], into=later)
    assert [*begun.names, *rest.names] == [f"Hotel {n}" for n in range(1_200)]
    assert rest.codes == [(1_202, "duplicate")]
    later.close()


@pytest.mark.parametrize(
    "token",
    [
        *("x", "{}", "[" * 4_000, '{"memory":"m","rows":-1,"state":{"type":"lines","line":1}}'),
        '{"memory":"m","rows":1,"state":{"type":"csv","line":1,"delimiter":"\\"","width":3,"columns":[0,1,null,2,null]}}',
        '{"memory":"m","rows":1,"state":{"type":"csv","line":1,"delimiter":",","width":3,"columns":[0,1,null,7,null]}}',
        '{"memory":"m","rows":1,"state":{"type":"csv","line":1,"delimiter":",","width":3,"columns":[0,1,null,null,null]}}',
        '{"memory":"m","rows":1e99,"state":{"type":"nothing"}}',
    ],
)
def test_a_checkpoint_that_is_none_of_ours_is_refused(token: str):
    with pytest.raises(BadCheckpoint):
        Parser("job", "csv", None, Checkpoint(3, token), memory())


def test_a_checkpoint_of_another_format_harms_nobody():
    said: Read = read(HEAD + "Casa,Lisbon,4,84,EUR\n")
    token = msgspec.json.decode(said.checkpoints[-1][0].token, type=Token)
    assert token.rows == 1
    assert read("[]" * 50, "json", begin=said.checkpoints[-1][0], into=memory()).hotels == []
