"""Raw marks may be repeated, mixed and stored: what they say stays the same, and is what a plain reading says."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain import marks
from fo_analytics.domain.marks import LAST, NOBODY, RAW, TIGHT, WIDE, Records

MINUTE = 1_770_004_500
AT = MINUTE * 1_000

Row = tuple[int, int, int, int, int, int]

stamps = st.sampled_from([-7_200_000, -61_000, -1, 0, 1, 999, 1_000, 30_000, 30_500, 59_999]).map(lambda ms: AT + ms)
points = st.sampled_from([5_000, 10_000, 15_000, 100_000])
instruments, volumes = st.sampled_from([1, 2, 70_000, 4_294_967_295]), st.sampled_from([0, 65, 10**12])


def quote(instrument: int, ts: int, volume: int, bid: int, ask: int) -> Row:
    """Return a quote that is worth a mid where it is 10,000 points wide at most."""
    tight = 0 < bid <= ask <= bid + 10_000
    return instrument, TIGHT if tight else WIDE, ts, volume, bid, ask


lasts = st.builds(lambda i, ts, v, p: (i, LAST, ts, v, p, 0), instruments, stamps, volumes, points)
sides = st.one_of(points, st.just(NOBODY))
quotes = st.builds(quote, instruments, st.one_of(stamps, st.just(0)), volumes, sides, sides)
rows = st.lists(st.one_of(lasts, quotes), max_size=30)


def raw(found: list[Row]) -> Records:
    """Return rows as raw marks."""
    return np.array(found, RAW)


def told(found: list[Row]) -> dict[tuple[int, int], tuple[int, int]]:
    """Return stamp and points by slot and second, the plain way; -1 is all before the minute."""
    answer: dict[tuple[int, int], tuple[int, int]] = {}
    for instrument in {row[0] for row in found}:
        own = [row for row in found if row[0] == instrument]
        for second in range(-1, 60):
            until = AT + (second + 1) * 1_000
            since = until - 1_000 if second >= 0 else 0
            known = [row for row in own if row[2] < until]
            prices = (_last(known), _mid(known) if any(row[1] != LAST for row in own) else None)
            answer |= {
                (instrument * 2 + kind, second): price
                for kind, price in enumerate(prices)
                if price is not None and price[0] >= since
            }
    return answer


def _newest(known: list[Row], *, is_quote: bool) -> Row | None:
    return max((row for row in known if (row[1] != LAST) is is_quote), key=lambda row: row[2:], default=None)


def _last(known: list[Row]) -> tuple[int, int] | None:
    newest = _newest(known, is_quote=False)
    return None if newest is None else (newest[2], newest[4])


def _mid(known: list[Row]) -> tuple[int, int] | None:
    _, kind, ts, _, bid, ask = _newest(known, is_quote=True) or (0, WIDE, 0, 0, NOBODY, NOBODY)
    last = _last(known)
    if kind == TIGHT:
        return ts, (bid + ask) // 2
    if last is None:
        return None
    if 0 < ask < bid:
        bid, ask = NOBODY, NOBODY
    price = max(last[1], bid)
    return max(ts, last[0]), min(price, ask) if ask > 0 else price


def shown(found: Records) -> dict[tuple[int, int], tuple[int, int]]:
    """Return prices by slot and second."""
    answer = {(int(m["slot"]), max(int(m["ts"]) // 1000 - MINUTE, -1)): (int(m["ts"]), int(m["price"])) for m in found}
    assert len(answer) == len(found)
    return answer


@given(rows)
def test_prices_are_those_of_a_plain_reading(found: list[Row]) -> None:
    assert shown(marks.prices(raw(found), since=MINUTE)) == told(found)


@given(rows, st.randoms(use_true_random=False))
def test_order_repetition_and_storing_change_nothing(found: list[Row], random: Any) -> None:
    mixed = found + found[: len(found) // 2]
    random.shuffle(mixed)
    blob = b"".join(marks.packed(raw(part), minute=MINUTE) for part in (mixed[:5], mixed[5:]))
    again = marks.prices(marks.unpacked(blob, minute=MINUTE), since=MINUTE)
    assert shown(again) == shown(marks.prices(raw(found), since=MINUTE))


@given(rows, rows)
def test_what_is_not_the_newest_of_its_second_may_be_left_out_before_it_is_stored(
    some: list[Row], others: list[Row]
) -> None:
    reduced = np.concatenate([marks.newest(raw(some)), marks.newest(raw(others))])
    assert shown(marks.prices(reduced, since=MINUTE)) == shown(marks.prices(raw(some + others), since=MINUTE))
