"""The document: nothing lost, nothing invented, the same market under another convention."""

import math
from datetime import date

import numpy as np

from fo_analytics.domain.chain import Convention, Terms
from fo_analytics.domain.chain_view import ChainView
from fo_analytics.domain.document import (
    Document,
    Subject,
    chain_document,
    quotes_of,
    revalued,
    strike_key,
    within_levels,
)
from tests.unit.test_chain import EXPIRY, HOUR, RATE, STRIKES, quotes

AS_OF = EXPIRY - 48 * HOUR


def document(**changes: object) -> Document:
    """Return the document of a chain at model prices."""
    subject = Subject("NIFTY", date(2026, 2, 3))
    return chain_document(subject, quotes(AS_OF, **changes), Terms(AS_OF, EXPIRY, RATE))


def test_quotes_survive_the_way_through_a_document() -> None:
    oi = np.arange(14.0).reshape(2, 7)
    back = quotes_of(document(oi=oi, spot=25_000.0, spot_ts=AS_OF))
    before = quotes(AS_OF, oi=oi, spot=25_000.0, spot_ts=AS_OF)
    for name in ("strike", "listed", "last", "oi", "tick_size", "bid", "last_ts"):
        np.testing.assert_array_equal(getattr(back, name), getattr(before, name))
    assert (back.spot, back.spot_ts) == (25_000.0, AS_OF)


def test_valuing_a_document_again_changes_nothing_under_the_same_convention() -> None:
    first = document(spot=25_000.0, spot_ts=AS_OF)
    assert revalued(first, Convention.EXACT) == first


def test_another_convention_keeps_the_market_and_changes_the_value() -> None:
    other = revalued(document(spot=25_000.0, spot_ts=AS_OF), Convention.NSE)
    assert other["head"]["convention"] == "nse"
    assert other["strikes"]["25000"]["call"]["last"] == document()["strikes"]["25000"]["call"]["last"]
    assert other["strikes"]["25000"]["call"]["iv"] != document()["strikes"]["25000"]["call"]["iv"]


def test_what_is_not_known_is_null_and_says_why() -> None:
    last = np.full((2, len(STRIKES)), math.nan)
    cell = document(last=last)["strikes"]["25000"]["put"]
    assert cell["iv"] is None
    assert cell["delta"] is None
    assert cell["mark"] is None
    assert cell["mark_source"] is None
    assert cell["iv_reason"] == "no_price"
    assert cell["oi"] is None


def test_a_contract_that_is_not_listed_is_not_in_the_document() -> None:
    listed = np.full((2, len(STRIKES)), True)
    listed[1, 0] = False
    row = document(listed=listed)["strikes"]["24700"]
    assert "call" in row
    assert "put" not in row


def test_levels_keep_the_strikes_around_the_money_only() -> None:
    assert list(within_levels(document(), 1)["strikes"]) == ["24900", "25000", "25100"]
    assert list(within_levels(document(), 0)["strikes"]) == ["25000"]
    assert len(within_levels(document(), 50)["strikes"]) == len(STRIKES)


def test_without_a_forward_every_strike_is_shown() -> None:
    last = np.full((2, len(STRIKES)), math.nan)
    assert len(within_levels(document(last=last), 1)["strikes"]) == len(STRIKES)


def test_moneyness_is_mirrored_for_puts() -> None:
    row = document()["strikes"]["25200"]
    assert (row["call"]["moneyness"], row["put"]["moneyness"]) == ("OTM2", "ITM2")


def test_strikes_are_written_without_needless_zeros() -> None:
    assert [strike_key(strike) for strike in (25_000.0, 122.5, 1_250_000.25)] == [
        "25000",
        "122.5",
        "1250000.25",
    ]


def test_a_document_comes_back_from_its_matrix_as_it_was() -> None:
    for changes in ({}, {"spot": 25_000.0, "spot_ts": AS_OF}, {"last": np.full((2, len(STRIKES)), math.nan)}):
        first = document(**changes)
        assert ChainView.of(first).document() == first


def test_a_side_that_is_not_listed_stays_away_in_the_matrix() -> None:
    first = document()
    del first["strikes"]["25000"]["put"]
    assert ChainView.of(first).document() == first


def test_a_matrix_and_its_document_keep_the_same_strikes_within_levels() -> None:
    first = document()
    for levels in (0, 1, 50):
        assert ChainView.of(first).within_levels(levels).document() == within_levels(first, levels)
