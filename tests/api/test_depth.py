"""/fo/depth: numbers worked out by walking the books unit by unit, and what is said where there is none."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from fo_analytics.models import Instrument, SupersededTerms
from fo_analytics.selectors.depth import lot_sizes
from fo_analytics.selectors.reference import terms_on
from fo_analytics.services.ingest import make_ingest
from streaming.ticker.codec import TickRow
from streaming.ticker.stream import TickProducer
from tests.api.asking import Answer, Asker
from tests.api.market import FAR, LAST, LOT, NEAR, STRIKES, UNSEEN, fair_price, forget_everything, take_in
from tradingviz.core.redis import sync_client

Json = dict[str, Any]
Levels = list[tuple[float, int, int | None]]

NOW = LAST + 5_000
OTHER_LOT = 75
BIDS: Levels = [(99.0, 650, 4), (98.5, 1300, 6), (98.0, 1950, 5), (97.0, 325, 1), (96.0, 65, 1)]
ASKS: Levels = [(101.0, 130, 2), (101.5, 650, 3), (102.0, 260, 1), (103.0, 390, 2), (110.0, 715, 2)]
FULL, ONE_SIDED, CROSSED, EMPTY, NO_ORDERS, OTHER_TERMS, OUTDATED = (
    (25_000.0, "call"), (25_000.0, "put"), (25_100.0, "call"), (25_100.0, "put"), (24_900.0, "call"), (24_900.0, "put"),
    (24_800.0, "call"),
)  # fmt: skip
BOOKS: dict[tuple[float, str], tuple[Levels, Levels]] = {
    FULL: (BIDS, ASKS),
    ONE_SIDED: (BIDS, []),
    CROSSED: ([(101.0, 65, 1)], [(100.0, 65, 1)]),
    EMPTY: ([], []),
    NO_ORDERS: ([(99.0, 650, None)], [(99.5, 650, 3)]),
    OTHER_TERMS: (BIDS, ASKS),
    OUTDATED: (BIDS, ASKS),
}
KINDS = {"call": "CE", "put": "PE"}


def instrument(strike: float, side: str) -> Instrument:
    """Return a contract of the near expiry."""
    return Instrument.objects.get(expiry=NEAR, strike=str(strike), kind=KINDS[side])


def tick(name: tuple[float, str], ts: int, depth: object) -> TickRow:
    """Return a tick that says nothing but a price, and a book."""
    return (instrument(*name).token, ts, 100.0, None, None, None, None, None, None, depth)


@pytest.fixture(scope="module")
def books(market: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Seven books of the near expiry; one contract's lot was another one until March.

    One's best prices were said once more without a book, of another one other prices.
    """
    with django_db_blocker.unblock():
        SupersededTerms.objects.create(
            instrument=instrument(*OTHER_TERMS), valid_to=date(2026, 2, 28), lot_size=OTHER_LOT, tick_size="0.05"
        )
        producer = TickProducer(sync_client())
        producer.send([tick(name, NOW - 2_000, book) for name, book in BOOKS.items()])
        for name, bid, ask in ((FULL, 99.0, 101.0), (OUTDATED, 99.5, 101.0)):
            producer.send([(instrument(*name).token, NOW, 100.0, None, None, bid, 65.0, ask, 130.0, None)])
        take_in(make_ingest(shard=0), producer)
        forget_everything()
        yield


@pytest.fixture
def found(books: None, ask: Asker) -> Answer:
    """The near expiry, live, ten lots."""
    return depth(ask, lots=10)


def depth(ask: Asker, **parameters: Any) -> Answer:
    """Ask for the books of NIFTY."""
    answer = ask("/fo/depth", **{"underlying": "NIFTY", **parameters})
    assert answer.status == 200, answer.body
    return answer


def contract(answer: Answer, name: tuple[float, str]) -> Json:
    """Return one contract of an answer."""
    (row,) = [row for row in answer.body["contracts"] if (row["strike"], row["side"]) == name]
    return dict(row)


def walked(levels: Levels, units: int) -> float:
    """Return the average price of taking units one by one from levels, best first."""
    prices = [price for price, quantity, _ in levels for _ in range(quantity)]
    return sum(prices[:units]) / units


def test_the_levels_are_those_of_the_newest_book_and_say_how_old_they_are(found: Answer) -> None:
    row = contract(found, FULL)
    assert [tuple(level.values()) for level in row["bids"]] == BIDS
    assert [tuple(level.values()) for level in row["asks"]] == ASKS
    assert (row["source"], row["source_reason"], row["state"]) == ("depth", None, "two_sided")
    assert (row["ts"], row["age_ms"], row["quote_ts"], row["quote_age_ms"]) == (NOW - 2_000, 2_000, NOW, 0)
    head = found.body
    assert (head["expiry"], head["labels"], head["source"], head["ts_event"]) == (str(NEAR), ["NWeek+0"], "live", NOW)
    assert head["depth_since"] > 0
    assert head["depth_seq"] > 0


def test_a_book_that_a_newer_quote_contradicts_is_none(found: Answer) -> None:
    row = contract(found, OUTDATED)
    assert (row["source"], row["source_reason"], row["ts"], row["age_ms"]) == ("quote", "outdated", NOW, 0)
    assert (row["bid"], row["ask"], row["bids"][0]["quantity"], len(row["bids"])) == (99.5, 101.0, 65, 1)
    assert (row["imbalance"], row["imbalance_reason"]) == (None, "best_only")


def test_spread_microprice_and_imbalance_are_those_worked_out_by_hand(found: Answer) -> None:
    row = contract(found, FULL)
    assert (row["bid"], row["ask"], row["spread"], row["mid"], row["spread_percent"]) == (99.0, 101.0, 2.0, 100.0, 2.0)
    assert row["microprice"] == pytest.approx((99 * 130 + 101 * 650) / 780)
    bids, asks = sum(quantity for _, quantity, _ in BIDS), sum(quantity for _, quantity, _ in ASKS)
    assert (row["bid_quantity"], row["ask_quantity"], row["bid_orders"], row["ask_orders"]) == (bids, asks, 17, 10)
    assert row["imbalance"] == pytest.approx((bids - asks) / (bids + asks))


@pytest.mark.parametrize("lots", [1, 2, 10, 33])
def test_the_impact_cost_is_that_of_taking_the_units_one_by_one(books: None, ask: Asker, lots: int) -> None:
    row, units = contract(depth(ask, lots=lots), FULL), lots * LOT
    for side, levels, sign in (("buy", ASKS, 1), ("sell", BIDS, -1)):
        average = walked(levels, units)
        cost = sign * (average - 100.0)
        assert row[side] == pytest.approx(
            {
                "quantity": units, "filled": units, "average_price": average, "cost_per_unit": cost,
                "cost": cost * units, "cost_percent": cost, "reason": None,
            }
        )  # fmt: skip


def test_more_lots_than_the_book_holds_have_no_price(books: None, ask: Asker) -> None:
    row = contract(depth(ask, lots=34), FULL)
    assert (row["buy"]["quantity"], row["buy"]["filled"], row["buy"]["reason"]) == (34 * LOT, 2145, "too_thin")
    assert [row["buy"][name] for name in ("average_price", "cost_per_unit", "cost", "cost_percent")] == [None] * 4
    assert row["sell"]["average_price"] == pytest.approx(walked(BIDS, 34 * LOT))


def test_liquidity_is_the_weighted_sum_of_its_four_parts(found: Answer) -> None:
    row = contract(found, FULL)
    parts = 40 * (1 - 2 / 5) + 30 * (2145 / LOT / 100) + 20 * (10 / 25) + 10 * (1 - 2145 / 6435)
    assert row["liquidity_score"] == pytest.approx(parts)
    assert (row["liquidity_tier"], row["liquidity_reason"]) == ("low", None)


def test_a_side_nobody_quotes_has_no_price_and_what_is_there_keeps_its_own(found: Answer) -> None:
    row = contract(found, ONE_SIDED)
    assert (row["state"], row["bid"], row["ask"], row["asks"]) == ("bid_only", 99.0, None, [])
    assert [row[name] for name in ("spread", "spread_percent", "mid", "microprice")] == [None] * 4
    assert (row["imbalance"], row["liquidity_score"], row["liquidity_tier"]) == (1.0, 0.0, "illiquid")
    assert (row["buy"]["filled"], row["buy"]["reason"]) == (0, "not_quoted")
    assert (row["sell"]["filled"], row["sell"]["reason"], row["sell"]["cost"]) == (650, "no_mid", None)
    assert row["sell"]["average_price"] == 99.0


def test_crossed_empty_and_unseen_books_say_so(books: None, ask: Asker) -> None:
    answer = depth(ask, lots=1)
    crossed, empty, unseen = contract(answer, CROSSED), contract(answer, EMPTY), contract(answer, (UNSEEN[2], "put"))
    assert (crossed["state"], crossed["mid"], crossed["liquidity_reason"]) == ("crossed", None, "crossed")
    assert (crossed["buy"]["reason"], crossed["buy"]["average_price"], crossed["buy"]["cost"]) == (
        "crossed",
        100.0,
        None,
    )
    assert (empty["state"], empty["imbalance_reason"], empty["source"]) == ("empty", "empty", "depth")
    assert (empty["liquidity_score"], empty["buy"]["filled"], empty["buy"]["reason"]) == (0.0, 0, "not_quoted")
    assert (unseen["state"], unseen["source"], unseen["ts"], unseen["age_ms"]) == ("unknown", None, None, None)
    assert (unseen["liquidity_reason"], unseen["imbalance_reason"], unseen["buy"]["reason"]) == ("no_quote",) * 3
    assert unseen["liquidity_tier"] == "unknown"


def test_unsaid_orders_leave_everything_but_the_score(found: Answer) -> None:
    row = contract(found, NO_ORDERS)
    assert (row["bids"][0]["orders"], row["bid_orders"], row["ask_orders"]) == (None, None, 3)
    assert (row["mid"], row["imbalance"], row["buy"]["average_price"]) == (99.25, 0.0, 99.5)
    assert (row["liquidity_score"], row["liquidity_reason"]) == (None, "no_orders")


def test_lots_are_those_of_the_day(found: Answer) -> None:
    assert contract(found, OTHER_TERMS)["lot_size"] == OTHER_LOT
    assert contract(found, OTHER_TERMS)["buy"]["quantity"] == 10 * OTHER_LOT
    assert contract(found, FULL)["lot_size"] == LOT


@pytest.mark.parametrize("day", [date(2026, 2, 2), date(2026, 2, 28), date(2026, 3, 1)])
@pytest.mark.usefixtures("books", "db")
def test_lots_of_all_contracts_are_one_query_and_those_of_each(day: date, django_assert_num_queries: Any) -> None:
    listed = Instrument.objects.filter(expiry=NEAR).select_related("underlying")
    expected = {
        (float(row.strike or 0), "call" if row.kind == "CE" else "put"): terms_on(instrument=row, day=day).lot_size
        for row in listed
    }
    underlying = listed[0].underlying_id
    with django_assert_num_queries(1) as queries:
        lots = lot_sizes(underlying_id=underlying, expiry=NEAR, day=day)
    assert isinstance(queries, CaptureQueriesContext)
    assert lots == expected


def test_without_a_book_the_best_quote_is_all_there_is_and_the_rest_says_why(found: Answer) -> None:
    name = (25_200.0, "call")
    row, price = contract(found, name), fair_price((NEAR, "CE", 25_200.0), LAST)
    assert (row["source"], row["source_reason"], row["state"]) == ("quote", "no_depth", "two_sided")
    assert (row["bid"], row["ask"]) == pytest.approx((price - 0.05, price + 0.05))
    assert (row["bids"][0]["quantity"], row["bids"][0]["orders"], len(row["asks"])) == (2 * LOT, None, 1)
    assert row["microprice"] == pytest.approx(((price - 0.05) * 3 + (price + 0.05) * 2) / 5)
    assert (row["imbalance"], row["imbalance_reason"]) == (None, "best_only")
    assert (row["liquidity_score"], row["liquidity_reason"], row["bid_orders"]) == (None, "best_only", None)
    assert (row["buy"]["filled"], row["buy"]["average_price"], row["buy"]["reason"]) == (None, None, "best_only")


def test_what_the_best_quote_holds_has_a_cost(books: None, ask: Asker) -> None:
    row, price = contract(depth(ask, lots=3), (25_200.0, "call")), fair_price((NEAR, "CE", 25_200.0), LAST)
    assert row["buy"]["average_price"] == pytest.approx(price + 0.05)
    assert (row["buy"]["cost"], row["buy"]["filled"]) == (pytest.approx(0.05 * 3 * LOT), 3 * LOT)
    assert (row["sell"]["average_price"], row["sell"]["reason"]) == (None, "best_only")


def test_a_past_instant_is_answered_from_stored_quotes(books: None, ask: Asker) -> None:
    answer = depth(ask, at="2026-02-02T10:02:00")
    row, ts = contract(answer, FULL), LAST - 45_000
    assert (answer.body["source"], answer.body["depth_since"], answer.body["epoch"]) == ("bars", None, None)
    assert (row["source"], row["source_reason"]) == ("quote", "stored")
    assert row["bid"] == pytest.approx(fair_price((NEAR, "CE", 25_000.0), ts) - 0.05)
    assert (row["ts"], row["age_ms"]) == (ts, answer.body["ts_event"] - ts)


def test_levels_sides_expiry_and_order_are_as_asked(books: None, ask: Asker) -> None:
    rows = depth(ask, levels=1, sort="-strike").body["contracts"]
    assert [(row["strike"], row["side"]) for row in rows] == [
        (strike, side) for strike in (25_100.0, 25_000.0, 24_900.0) for side in ("call", "put")
    ]
    puts = depth(ask, option_side="put", expiry=str(FAR), symbol="NIFTY").body
    assert {row["side"] for row in puts["contracts"]} == {"put"}
    assert [row["strike"] for row in puts["contracts"]] == list(STRIKES)
    assert (puts["expiry"], puts["depth_since"]) == (str(FAR), None)


@pytest.mark.parametrize("sort", ["spread_percent", "-liquidity_score", "imbalance", "-buy_cost_percent"])
def test_rows_are_sorted_by_what_is_named_and_unknown_ones_come_last(books: None, ask: Asker, sort: str) -> None:
    name = sort.removeprefix("-")
    rows = depth(ask, sort=sort).body["contracts"]
    values = [row["buy"]["cost_percent"] if name.startswith("buy") else row[name] for row in rows]
    known = [value for value in values if value is not None]
    assert len(known) >= 3
    assert known == sorted(known, reverse=sort.startswith("-"))
    assert values[: len(known)] == known


@pytest.mark.parametrize(
    ("field", "value"),
    [("lots", 0), ("lots", 10_001), ("lots", "many"), ("levels", 501), ("sort", "strike;drop table"), ("depth", 5)],
)
def test_a_parameter_that_is_not_valid_is_named(books: None, ask: Asker, field: str, value: object) -> None:
    assert field in ask("/fo/depth", underlying="NIFTY", **{field: value}).problem(400)


def test_an_unknown_label_names_the_valid_ones(books: None, ask: Asker) -> None:
    problem = ask("/fo/depth", underlying="NIFTY", expiry="NWeek+99").problem(400)
    assert "NWeek+0" in problem["expiry"]["valid"]


def test_every_answered_key_is_described(found: Answer, ask: Asker) -> None:
    shapes = ask("/openapi.json").body["components"]["schemas"]
    row = contract(found, FULL)
    answered = {
        "DepthShape": found.body,
        "DepthContractShape": row,
        "ImpactShape": row["buy"],
        "LevelShape": row["bids"][0],
    }
    assert {name: set(shapes[name]["properties"]) for name in answered} == {k: set(v) for k, v in answered.items()}


def test_without_redis_the_stored_quotes_answer(books: None, ask: Asker, without_redis: None) -> None:
    row = contract(depth(ask), FULL)
    assert (row["source"], row["source_reason"], row["state"]) == ("quote", "stored", "two_sided")


def chain_depths(ask: Asker, **parameters: Any) -> dict[tuple[float, str], Json | None]:
    """Return what the strike distribution says of the depth of each contract near the money."""
    chain = ask.chains(levels=10, **parameters).chain
    return {(row["strike"], side): row[side]["depth"] for row in chain["strikes"] for side in KINDS if side in row}


def test_the_strike_distribution_has_the_depth_of_each_contract_in_short(books: None, ask: Asker) -> None:
    row = chain_depths(ask)[FULL]
    bids, asks = sum(quantity for _, quantity, _ in BIDS), sum(quantity for _, quantity, _ in ASKS)
    assert row == {
        "source": "depth", "ts": NOW - 2_000, "age_ms": 2_000, "state": "two_sided",
        "spread": 2.0, "spread_percent": 2.0, "microprice": pytest.approx((99 * 130 + 101 * 650) / 780),
        "imbalance": pytest.approx((bids - asks) / (bids + asks)), "bid_quantity": bids, "ask_quantity": asks,
    }  # fmt: skip


@pytest.mark.parametrize("at", [{}, {"at": "2026-02-02T10:02:00"}], ids=["live", "past"])
def test_the_depth_in_short_is_what_the_books_say_of_every_contract(
    books: None, ask: Asker, at: dict[str, str]
) -> None:
    whole = {(row["strike"], row["side"]): row for row in depth(ask, **at).body["contracts"]}
    short = chain_depths(ask, **at)
    assert set(short) == set(whole)
    assert {one["source"] for one in short.values() if one} == ({"quote"} if at else {"depth", "quote"})
    for name, row in short.items():
        assert row == ({key: whole[name][key] for key in row} if row else None)
        assert (row is None) == (whole[name]["source"] is None)
