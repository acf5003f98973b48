"""From documents to answers."""

from typing import Any

import msgspec
import numpy as np

from fo_analytics.api.chain_depth import contract_depths
from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.chain_view import FIELDS, SIDES, STAMPS, ChainView, whole_numbers
from fo_analytics.domain.changes import ANY_CHANGE, Changes, Reference, Thresholds, changes
from fo_analytics.domain.document import Document
from fo_analytics.selectors.chains import ChainAnswer
from fo_analytics.selectors.reference import ExpiryTable

Json = dict[str, Any]

# Hundreds are made for an answer: that takes a fraction of what dicts would.
_Contract = msgspec.defstruct(
    "_Contract", [*FIELDS, "oi_change", "oi_change_percent", "build_up", "age_ms", "quote_age_ms", "oi_age_ms", "depth"]
)


def render_chain(
    answer: ChainAnswer,
    reference: Reference,
    books: Document,
    *,
    labels: list[str],
    levels: int,
    option_side: str,
    sort: str,
) -> Json:
    """Return one expiry's part of a strike distribution; open interest changed since the reference.

    `books` are live ones, as `fo_analytics.selectors.depth.live_books` has them.
    """
    view = answer.view.within_levels(levels)
    changed = changes(np.array(view.strike), view.field("last"), view.field("oi"), reference, ANY_CHANGE)
    depths = contract_depths(view, books)
    shown = [side for side in SIDES if option_side in ("both", side)]
    contracts = {side: _contracts(view, changed, depths, SIDES.index(side)) for side in shown}
    return {
        **{name: value for name, value in view.head.items() if name != "underlying"},
        "labels": labels,
        "oi_reference_ts": reference.ts_ms,
        **render_thresholds(ANY_CHANGE),
        "spot_age_ms": _age(view.head["ts_event"], view.head["spot_ts"]),
        "source": answer.source,
        "epoch": answer.epoch,
        "seq": answer.seq,
        "strikes": [
            {"strike": view.strike[place]} | {side: held[place] for side, held in contracts.items() if place in held}
            for place in _order(view, sort)
        ],
    }


def render_thresholds(thresholds: Thresholds) -> Json:
    """Return beyond what per cent a change counted for a build-up."""
    return {"price_threshold": thresholds.price, "oi_threshold": thresholds.oi}


def render_expiries(table: ExpiryTable) -> list[Json]:
    """Return the expiries that have not expired, in order of time."""
    return [
        {
            "expiry": item.expiry,
            "labels": item.labels,
            "kinds": item.kinds,
            "days": item.days,
            "ts_expiry": to_ms(table.calendar.expires_at(item.expiry)),
        }
        for item in table.alive()
    ]


def _contracts(view: ChainView, changed: Changes, depths: list[list[Any]], side: int) -> dict[int, Any]:
    """Return a side's contracts by their places on the ladder."""
    places, ts = np.flatnonzero(view.listed[side]), view.head["ts_event"]
    ages = [np.maximum(ts - view.field(stamp)[side, places], 0) for stamp in STAMPS]
    oi_change, *ages_ms = whole_numbers(np.stack([changed.oi[side, places], *ages]))
    percent, build_up = changed.oi_percent[side, places].tolist(), changed.build_up[side, places].tolist()
    depth = [depths[side][place] for place in places.tolist()]
    columns = (*view.columns(side, places), oi_change, percent, build_up, *ages_ms, depth)
    return dict(zip(places.tolist(), map(_Contract, *columns), strict=True))


def _order(view: ChainView, sort: str) -> list[int]:
    """Return the places of the ladder in the order asked for, those whose value is not known last."""
    places, (name, down) = range(len(view.strike)), (sort.removeprefix("-"), sort.startswith("-"))
    if name == "strike":
        return sorted(places, reverse=down)
    side, field = name.split("_")
    values = view.field(field)[SIDES.index(side)].tolist()
    known = [place for place in places if values[place] == values[place]]
    unknown = [place for place in places if values[place] != values[place]]
    return sorted(known, key=values.__getitem__, reverse=down) + unknown


def _age(ts: int, stamp: int | None) -> int | None:
    return None if stamp is None else max(0, ts - stamp)
