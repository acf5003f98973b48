"""Packed chains say the same as the documents they stand for."""

from datetime import date
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fo_analytics.domain.chain import Convention, Quotes, Terms
from fo_analytics.domain.chain_view import FIELDS, WORDS, ChainView
from fo_analytics.domain.document import Subject, chain_view
from fo_analytics.domain.packing import Kind
from streaming.domain.sequencing import apply, diff

unpack = msgspec.msgpack.decode
HOUR = 3_600_000
AS_OF = 1_770_000_000_000
SUBJECT = Subject("NIFTY", date(2026, 2, 3))
TYPES: dict[Kind, type] = {Kind.NUMBER: float, Kind.WHOLE: int, Kind.WORD: str}


@st.composite
def markets(draw: st.DrawFn, rungs: int = 5) -> Quotes:
    """Return quotes of which anything may be missing."""
    strike: Any = 25_000.0 + 50.0 * np.arange(rungs)

    def cells(low: float, high: float) -> Any:
        value = st.one_of(st.just(np.nan), st.floats(low, high), st.just(low))
        return np.array(draw(st.lists(value, min_size=2 * rungs, max_size=2 * rungs))).reshape(2, rungs)

    def wholes(low: float, high: float) -> Any:
        return np.round(cells(low, high))

    stamps: Any = np.where(np.isnan(cells(1, 2)), 0, AS_OF - 1000)
    listed = np.array(
        draw(st.lists(st.sampled_from([True, True, True, False]), min_size=2 * rungs, max_size=2 * rungs))
    )
    tick_size: Any = np.full((2, rungs), 0.05)
    return Quotes(
        strike, listed.reshape(2, rungs), tick_size, cells(0.05, 900), stamps, cells(0.05, 400),
        wholes(1, 1e6), cells(400, 900), wholes(1, 1e6), stamps, wholes(0, 1e9),
        wholes(0, 1e9), stamps, np.nan, draw(st.sampled_from([np.nan, 25_100.0])), AS_OF,
    )  # fmt: skip


def view(quotes: Quotes, convention: Convention = Convention.EXACT) -> ChainView:
    """Return a market as it is shown."""
    return chain_view(SUBJECT, quotes, Terms(AS_OF, AS_OF + 48 * HOUR, 0.065, convention))


@settings(max_examples=60, deadline=None)
@given(markets())
def test_a_packed_chain_is_its_document(quotes: Quotes) -> None:
    shown = view(quotes)
    assert msgspec.json.encode(unpack(shown.packed())) == msgspec.json.encode(shown.document())


@settings(max_examples=60, deadline=None)
@given(markets(), markets())
def test_a_packed_patch_is_the_difference_of_the_documents(before: Quotes, after: Quotes) -> None:
    old, new = view(before), view(after)
    patch = unpack(new.packed_patch(old))
    assert patch == diff(old.document(), new.document())
    assert apply(old.document(), patch) == new.document()


@settings(max_examples=50, deadline=None)
@given(markets())
def test_the_same_market_leaves_nothing_to_say(quotes: Quotes) -> None:
    assert unpack(view(quotes).packed_patch(view(quotes))) == {}


@settings(max_examples=25, deadline=None)
@given(markets(rungs=5), markets(rungs=6))
def test_a_ladder_that_grew_is_patched_whole(before: Quotes, after: Quotes) -> None:
    old, new = view(before), view(after)
    assert apply(old.document(), unpack(new.packed_patch(old))) == new.document()


@settings(max_examples=50, deadline=None)
@given(markets())
def test_every_field_has_its_kind_of_value_or_null(quotes: Quotes) -> None:
    for row in unpack(view(quotes).packed())["strikes"].values():
        for side in ("call", "put"):
            for field, value in row.get(side, {}).items():
                assert value is None or type(value) is TYPES[FIELDS[field]], (field, value)


def test_codes_are_the_words_they_stand_for() -> None:
    assert set(WORDS) == {name for name, kind in FIELDS.items() if kind is Kind.WORD}
    assert (WORDS["moneyness"][0], WORDS["moneyness"][3], WORDS["moneyness"][-2]) == ("ATM", "OTM3", "ITM2")
