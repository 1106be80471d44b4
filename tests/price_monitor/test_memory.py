"""What the service remembers: prices by hotel and currency, within bounds; one service a file."""

from pathlib import Path

import apsw
import pytest
from tests.price_monitor.feeding import NOW, memory

from roadcrew_domain.money import Money
from roadcrew_price_monitor.memory import KEEP_JOB, KEEP_PRICE, MOST_PRICES, CantOpen, Memory

HOTEL = b"h" * 16


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def history(remembered: Memory, hotel: bytes, currency: str) -> list[tuple[int, int]]:
    """What it cost: when it was first seen so, and the amount, oldest first."""
    sql = "select at, amount from prices where hotel = ? and currency = ? order by at"
    return [(at, amount) for at, amount in remembered._db.execute(sql, (hotel, currency))]


def seen(remembered: Memory, job: str, amount: int, hotel: bytes = HOTEL, line: int = 2) -> tuple[int, int | None]:
    """What a job hears when it meets the hotel at that price."""
    return remembered.see(remembered.begin(job)[0], hotel, line, Money(amount, "EUR"))


def test_prices_of_a_hotel_are_kept_with_the_time_of_each_change():
    clock = Clock()
    remembered = Memory(Path(":memory:"), clock)
    was = []
    for day, amount in enumerate((84, 84, 90, 84)):
        clock.now = NOW + day * 86_400
        was.append(seen(remembered, f"job{day}", amount)[1])
    assert was == [None, 84, 84, 90]
    assert [amount for _, amount in history(remembered, HOTEL, "EUR")] == [84, 90, 84]
    assert [at - NOW for at, _ in history(remembered, HOTEL, "EUR")] == [0, 2 * 86_400, 3 * 86_400]


def test_so_many_prices_of_a_hotel_are_kept_and_no_more():
    clock = Clock()
    remembered = Memory(Path(":memory:"), clock)
    for n in range(MOST_PRICES + 20):
        clock.now += 60
        seen(remembered, f"job{n}", n)
    kept = [amount for _, amount in history(remembered, HOTEL, "EUR")]
    assert kept == list(range(20, MOST_PRICES + 20))


def test_what_is_old_is_forgotten_a_part_at_a_time(tmp_path: Path):
    clock = Clock()
    remembered = Memory(tmp_path / "m.db", clock)
    for n in range(12_000):
        seen(remembered, "old", 5, n.to_bytes(16, "big"))
    clock.now += KEEP_JOB + 1
    seen(remembered, "new", 5)
    rounds = 1
    while remembered.tidy():
        rounds += 1
    assert rounds > 3
    assert (remembered.begin("new")[1], remembered.begin("old")[1]) == (True, False)
    assert history(remembered, HOTEL, "EUR")
    clock.now += KEEP_PRICE + 1
    while remembered.tidy():
        pass
    assert not history(remembered, HOTEL, "EUR")
    remembered.close()


def test_what_was_committed_is_there_after_a_crash_and_nothing_else(tmp_path: Path):
    remembered = memory(tmp_path / "m.db")
    seen(remembered, "one", 5)
    remembered.commit()
    seen(remembered, "two", 7)
    remembered.abandon()
    again = memory(tmp_path / "m.db")
    assert (again.id, again.begin("one")[1], again.begin("two")[1]) == (remembered.id, True, False)
    assert history(again, HOTEL, "EUR") == [(NOW, 5)]
    again.close()


def test_after_it_was_abandoned_nothing_is_kept():
    remembered = memory()
    remembered.abandon()
    with pytest.raises(apsw.Error):
        seen(remembered, "one", 5)
    remembered.close()


def test_two_services_can_not_share_a_file(tmp_path: Path):
    remembered = memory(tmp_path / "m.db")
    with pytest.raises(CantOpen, match="in use"):
        memory(tmp_path / "m.db")
    remembered.close()


def test_a_file_that_is_no_memory_is_told_in_a_sentence(tmp_path: Path):
    (tmp_path / "m.db").write_bytes(b"this is no database " * 500)
    with pytest.raises(CantOpen, match="can't be used"):
        memory(tmp_path / "m.db")


def test_feeds_of_made_up_hotels_fill_no_disk_and_what_is_known_stays_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roadcrew_price_monitor.memory.MOST_KNOWN", 3)
    clock = Clock()
    remembered = Memory(Path(":memory:"), clock)
    for n in range(5):
        seen(remembered, "first", 84, n.to_bytes(16, "big"), line=n)
    clock.now += 60
    assert [seen(remembered, "second", 90, n.to_bytes(16, "big"), line=n)[1] for n in range(5)] == [84] * 3 + [None] * 2
    clock.now += KEEP_PRICE + 1
    while remembered.tidy():
        pass
    assert seen(remembered, "third", 95, HOTEL)[1] is None
    assert seen(remembered, "fourth", 99, HOTEL)[1] == 95
