"""Whose open interest changed most, over one or several chains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from fo_analytics.domain.calendar import MINUTE_MS
from fo_analytics.domain.chain import IS_CALL, Quotes
from fo_analytics.domain.chain_view import SIDES
from fo_analytics.domain.changes import Changes, Reference, Thresholds, changes
from fo_analytics.domain.document import quotes_of
from fo_analytics.domain.open_interest import gainers, losers
from fo_analytics.domain.ticks import Floats, Ints
from fo_analytics.selectors.analytics import Json
from fo_analytics.selectors.references import references_at
from fo_analytics.selectors.strike_distribution import Distribution

PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Ranking:
    """How changes are ranked: since `minutes` ago or (None) the previous session, `by` absolute or percent."""

    minutes: int | None
    by: str
    limit: int
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class _Changed:
    expiry: date
    quotes: Quotes
    reference: Reference
    changes: Changes


def oi_changes(*, found: Distribution, ranking: Ranking) -> Json:
    """Return gainers and losers among the contracts of all chains, and what each chain was compared with."""
    references = _references(found, ranking.minutes)
    chains = [
        _changed(expiry, quotes_of(answer.document), references[expiry], ranking.thresholds)
        for expiry, answer in zip(found.expiries, found.chains, strict=True)
    ]
    return {"expiries": [_head(found, at, chain) for at, chain in enumerate(chains)], **_tops(chains, ranking)}


def _references(found: Distribution, minutes: int | None) -> Mapping[date, Reference]:
    if minutes is None:
        return dict(zip(found.expiries, found.since_yesterday(), strict=True))
    until_ms = found.newest_ms - minutes * MINUTE_MS
    sessions = found.table.calendar
    return references_at(
        underlying=found.underlying, sessions=sessions, expiries=found.expiries, until_ms=until_ms, sessions_back=1
    )


def _changed(expiry: date, quotes: Quotes, reference: Reference, thresholds: Thresholds) -> _Changed:
    return _Changed(expiry, quotes, reference, changes(quotes.strike, quotes.last, quotes.oi, reference, thresholds))


def _head(found: Distribution, at: int, chain: _Changed) -> Json:
    answer, change = found.chains[at], chain.changes.oi
    known = ~np.isnan(change)
    sums = [float(np.nansum(side)) if there.any() else None for side, there in zip(change, known, strict=True)]
    return {
        "expiry": chain.expiry.isoformat(),
        "labels": found.labels[at],
        "ts_event": answer.head["ts_event"],
        "reference_ts": chain.reference.ts_ms,
        "contracts": int(chain.quotes.listed.sum()),
        "compared": int(known.sum()),
        "call_oi_change": None if sums[0] is None else round(sums[0]),
        "put_oi_change": None if sums[1] is None else round(sums[1]),
        "reason": None if known.any() else ("no_reference" if chain.reference.ts_ms is None else "no_open_interest"),
        "source": answer.source,
        "epoch": answer.epoch,
        "seq": answer.seq,
    }


def _tops(chains: Sequence[_Changed], ranking: Ranking) -> Json:
    """Return the contracts that gained and lost most, over all chains."""
    name = "oi_percent" if ranking.by == PERCENT else "oi"
    change = _joined([getattr(chain.changes, name) for chain in chains])
    strike = _joined([np.broadcast_to(chain.quotes.strike, chain.quotes.oi.shape) for chain in chains])
    is_call = _joined([np.broadcast_to(IS_CALL, chain.quotes.oi.shape) for chain in chains])
    return {
        "gainers": _rows(chains, gainers(change, strike, is_call, limit=ranking.limit)),
        "losers": _rows(chains, losers(change, strike, is_call, limit=ranking.limit)),
    }


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate([part.ravel() for part in parts])


def _rows(chains: Sequence[_Changed], places: Ints) -> list[Json]:
    """Return rows of places in the joined arrays."""
    ends = np.cumsum([chain.quotes.oi.size for chain in chains])
    rows: list[Json] = []
    for place in places.tolist():
        which = int(np.searchsorted(ends, place, side="right"))
        chain = chains[which]
        inside = place - (int(ends[which - 1]) if which else 0)
        rows.append(_row(chain, *divmod(inside, chain.quotes.strike.size)))
    return rows


def _row(chain: _Changed, side: int, at: int) -> Json:
    found = chain.changes
    return {
        "expiry": chain.expiry.isoformat(),
        "strike": float(chain.quotes.strike[at]),
        "side": SIDES[side],
        "oi": round(float(chain.quotes.oi[side, at])),
        "oi_reference": round(float(found.oi_reference[side, at])),
        "oi_change": round(float(found.oi[side, at])),
        "oi_change_percent": found.oi_percent[side, at],
        "last": chain.quotes.last[side, at],
        "price_reference": found.price_reference[side, at],
        "price_change": found.price[side, at],
        "price_change_percent": found.price_percent[side, at],
        "build_up": found.build_up[side, at],
    }
