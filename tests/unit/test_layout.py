"""How contracts are arranged as chains: by the day."""

from collections.abc import Sequence
from datetime import date

import pytest

from fo_analytics.domain.layout import NOWHERE, Contract, arrange

EXPIRY, OTHER = date(2026, 8, 25), date(2026, 8, 27)
INSTANTS = {EXPIRY: 1, OTHER: 2}
CONTRACTS = (
    Contract(1, 1, "SPOT", 0.05, valid_from=date(2026, 8, 20)),
    Contract(2, 2, "CE", 0.05, EXPIRY, 24_900.0, None, date(2026, 8, 18)),
    Contract(3, 3, "PE", 0.05, EXPIRY, 25_000.0, date(2026, 8, 19), None),
    Contract(4, 4, "CE", 0.05, EXPIRY, 25_000.0, date(2026, 8, 18), EXPIRY),
    Contract(5, 5, "FUT", 0.05, OTHER),
)


@pytest.mark.parametrize(
    ("day", "strikes", "slots"),
    [
        (date(2026, 8, 17), [24_900.0], [[1], [NOWHERE]]),
        (date(2026, 8, 18), [24_900.0, 25_000.0], [[1, 3], [NOWHERE, NOWHERE]]),
        (date(2026, 8, 19), [25_000.0], [[3], [2]]),
        (EXPIRY, [25_000.0], [[3], [2]]),
        (date(2026, 9, 1), [25_000.0], [[3], [2]]),
    ],
)
def test_a_chain_has_what_is_listed_on_the_day_and_every_contract_keeps_its_slot(
    day: date, strikes: list[float], slots: list[list[int]]
) -> None:
    layout = arrange(CONTRACTS, INSTANTS, day)
    (chain,) = layout.chains
    assert (chain.strike.tolist(), chain.slots.tolist()) == (strikes, slots)
    assert (layout.instrument_ids.tolist(), layout.spot_slot) == ([1, 2, 3, 4, 5], 0)


@pytest.mark.parametrize(
    ("named", "expected"), [((), []), ((EXPIRY,), [(EXPIRY, 0)]), ((EXPIRY, OTHER), [(EXPIRY, 0), (OTHER, 0)])]
)
def test_only_a_named_expiry_has_a_chain_where_no_option_is_listed(
    named: Sequence[date], expected: list[tuple[date, int]]
) -> None:
    withdrawn = [CONTRACTS[0], CONTRACTS[1], CONTRACTS[4]]
    layout = arrange(withdrawn, INSTANTS, date(2026, 8, 20), named=named)
    assert [(chain.expiry, len(chain.strike)) for chain in layout.chains] == expected


@pytest.mark.parametrize(
    ("day", "tick"),
    [("2026-08-17", 0.01), ("2026-08-18", 0.01), ("2026-08-19", 0.10), ("2026-08-20", 0.10), ("2026-08-21", 0.05)],
)
def test_a_tick_size_holds_to_its_last_day(day: str, tick: float) -> None:
    former = ((date(2026, 8, 18), 0.01), (date(2026, 8, 20), 0.10))
    contract = Contract(1, 1, "CE", 0.05, EXPIRY, 25_000.0, former_ticks=former)
    assert contract.tick_on(date.fromisoformat(day)) == tick
    chain = arrange([contract], INSTANTS, date.fromisoformat(day)).chains[0]
    assert chain.tick_size[0].tolist() == [tick]
