"""Order updates of the simulator, and the faults of its feed."""

from itertools import pairwise

import pytest

from tests.unit.test_simulator_market import MARKET, START
from tradingviz.quickstart.simulator.faults import OFF, Fault, Sent, distort
from tradingviz.quickstart.simulator.listing import SPOT, listing, token_of
from tradingviz.quickstart.simulator.market import Market
from tradingviz.quickstart.simulator.orders import ACCOUNTS, EVERY_MS, LONGEST_MS, Update, updates

HOUR = 3_600_000
UPDATES = updates(MARKET, after_ms=START, until_ms=START + HOUR)
NEXT = {
    "OPEN": {"PARTIAL", "COMPLETE", "CANCELLED", "REJECTED"},
    "PARTIAL": {"COMPLETE", "CANCELLED"},
}


def lives() -> list[list[Update]]:
    """Return the updates of each order that began and ended within the hour."""
    orders: dict[str, list[Update]] = {}
    for update in UPDATES:
        orders.setdefault(update["order_id"], []).append(update)
    whole = (START + LONGEST_MS, START + HOUR - LONGEST_MS)
    return [life for life in orders.values() if whole[0] < life[0]["ts"] < whole[1]]


def test_orders_go_forward_to_an_end() -> None:
    assert len(lives()) > 0.9 * (HOUR - 2 * LONGEST_MS) / EVERY_MS
    for life in lives():
        states = [update["status"] for update in life]
        assert states[0] == "OPEN"
        assert all(after in NEXT[before] for before, after in pairwise(states))
        assert states[-1] not in NEXT
    assert {life[-1]["status"] for life in lives()} == {"COMPLETE", "CANCELLED", "REJECTED"}


def test_what_is_filled_never_falls_and_a_complete_order_is_filled() -> None:
    for life in lives():
        filled = [update["filled"] for update in life]
        assert filled == sorted(filled)
        assert all(0 <= units <= update["quantity"] for units, update in zip(filled, life, strict=True))
        assert (life[-1]["status"] == "COMPLETE") == (filled[-1] == life[-1]["quantity"])
        assert all((update["average_price"] is None) == (update["filled"] == 0) for update in life)
        assert all(0 < update["filled"] < update["quantity"] for update in life if update["status"] == "PARTIAL")


def test_updates_are_the_same_however_time_is_cut() -> None:
    pieces = [
        update
        for at in range(START, START + HOUR, 250_000)
        for update in updates(Market(1), after_ms=at, until_ms=min(at + 250_000, START + HOUR))
    ]
    assert pieces == UPDATES
    assert updates(Market(2), after_ms=START, until_ms=START + HOUR) != UPDATES


def test_orders_are_of_listed_contracts_in_whole_lots_for_known_accounts() -> None:
    found = listing(MARKET.day_at(START).listing.day)
    lots = dict(zip(found.token.tolist(), found.lot.tolist(), strict=True))
    assert {update["account"] for update in UPDATES} == set(ACCOUNTS)
    assert all(update["quantity"] % lots[update["token"]] == 0 for update in UPDATES)
    assert all(update["price"] > 0 and update["side"] in ("BUY", "SELL") for update in UPDATES)
    assert len({update["order_id"] for update in UPDATES}) > 800


# ---------------------------------------------------------------- faults

INDEX = token_of(0, SPOT, None, 0.0)
ROWS: list[Sent] = [
    ("NIFTY", (INDEX, START, 26_000.0, None, None, None, None, None, None, None)),
    ("NIFTY", (INDEX + 3, START, 100.0, 65.0, 650.0, 99.0, 65.0, 101.0, 65.0, None)),
]


def test_without_a_fault_everything_goes_out_once() -> None:
    assert distort(ROWS, OFF) == [ROWS]


def test_silence_says_nothing_and_repeats_say_all_twice() -> None:
    assert distort(ROWS, Fault("silence")) == []
    assert distort(ROWS, Fault("repeats")) == [ROWS, ROWS]


def test_time_goes_back_by_as_much_as_was_asked_for() -> None:
    [rows] = distort(ROWS, Fault("time_back", ms=5_000))
    assert [row[1] for _, row in rows] == [START - 5_000] * 2
    assert [row[2:] for _, row in rows] == [row[2:] for _, row in ROWS]


@pytest.mark.parametrize(("factor", "price"), [(None, 28_600.0), (0.5, 13_000.0)])
def test_a_wrong_spot_leaves_the_options_alone(factor: float | None, price: float) -> None:
    [rows] = distort(ROWS, Fault("wrong_spot", factor=factor))
    assert rows[0][1][2] == price
    assert rows[1] == ROWS[1]
