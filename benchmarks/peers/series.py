"""Moneyness series as the peer answers them: one query over the stored minutes."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.peers.chains import IST, REASONS, Chains, Ladder, whole
from fo_analytics.domain.labels import labels_of, monthly_expiries
from fo_analytics.domain.moneyness import level

INDICATORS = ("iv", "delta", "gamma", "theta", "vega", "rho")
# The ladder's rungs come with the question: what is `steps` above each strike that may be at the money.
ROWS = """
SELECT
    date_part('epoch', metric.time)::bigint, ladder.strike, held.{indicator}, held.iv_reason, held.oi, held.volume,
    spot.close
FROM chain_metric AS metric
JOIN unnest($1::float8[], $2::float8[], $3::bigint[]) AS ladder (money, strike, id) ON ladder.money = metric.atm_strike
JOIN bar AS held ON held.instrument_id = ladder.id AND held.time = metric.time
LEFT JOIN bar AS spot ON spot.instrument_id = $4 AND spot.time = metric.time
WHERE metric.underlying_id = (SELECT id FROM fo_analytics_underlying WHERE symbol = $5)
    AND metric.expiry = $6 AND metric.time >= $7 AND metric.time < $8
ORDER BY metric.time
"""


async def moneyness_series(
    chains: Chains, symbol: str, indicator: str, moneyness: str, side: str, expiry: str, bounds: tuple[int, int]
) -> dict[str, Any]:
    """Return the body of one level's series over a range (Unix seconds) within one day."""
    begins, ends = (datetime.fromtimestamp(second, UTC) for second in bounds)
    day = ends.astimezone(IST).date()
    sessions, listed = await chains.sessions(), await chains.expiries(day)
    opens_at, closes_at = max(sessions[day][0], begins), min(sessions[day][1], ends)
    monthly = monthly_expiries(each for expiries in listed.values() for each in expiries)
    alive = labels_of(listed[symbol], opens_at, monthly=monthly, expires_at=lambda date: sessions[date][1])
    chosen = next(each.expiry for each in alive if expiry in (*each.labels, each.expiry.isoformat()))
    ladder = await chains.ladder(symbol, chosen)
    rungs = rungs_of(ladder, side, level(moneyness))
    query = ROWS.format(indicator=INDICATORS[INDICATORS.index(indicator)])
    rows = await chains.fetch(query, *rungs, ladder.spot_id, symbol, chosen, opens_at, closes_at)
    time, strike, value, reason, oi, volume, spot = zip(*rows, strict=True) if rows else [()] * 7
    series = {"indicator": indicator, "side": side, "moneyness": moneyness, "time": time, "value": value}
    series["iv_reason"] = [REASONS[code] for code in reason]
    series |= {"strike": strike, "oi": oi, "volume": volume, "underlying": spot}
    stretch = {"expiry": chosen, "from": whole(opens_at.timestamp()), "to": whole(closes_at.timestamp())}
    head = {
        "underlying": symbol,
        "timeframe": "1m",
        "from": bounds[0],
        "to": bounds[1],
        "capped": False,
        "convention": "exact",
    }
    return {**head, "expiries": [stretch], "series": [series]}


def rungs_of(ladder: Ladder, side: str, out: int) -> tuple[list[float], list[float], list[int]]:
    """Return each strike, the one that is `out` rungs out of the money when it is at the money, and its contract."""
    steps, row = (out, 0) if side == "call" else (-out, 1)
    contract = {place: number for number, (of, place) in ladder.places.items() if of == row}
    places = [place for place in range(len(ladder.strike)) if place + steps in contract]
    strikes = ladder.strike[np.array(places) + steps].tolist()
    return ladder.strike[places].tolist(), strikes, [contract[place + steps] for place in places]
