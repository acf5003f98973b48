"""From documents to answers."""

from typing import Any

import numpy as np

from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.changes import Reference, changes
from fo_analytics.domain.document import SIDES, Document, within_levels
from fo_analytics.selectors.chains import ChainAnswer
from fo_analytics.selectors.reference import ExpiryTable

Json = dict[str, Any]

_AGES = (("last_ts", "age_ms"), ("quote_ts", "quote_age_ms"), ("oi_ts", "oi_age_ms"))


def render_chain(
    answer: ChainAnswer, reference: Reference, *, labels: list[str], levels: int, option_side: str, sort: str
) -> Json:
    """Return one expiry's part of a strike distribution; open interest changed since the reference."""
    document = _with_changes(within_levels(answer.document, levels), reference)
    head = document["head"]
    ts = head["ts_event"]
    return {
        **{name: value for name, value in head.items() if name != "underlying"},
        "labels": labels,
        "oi_reference_ts": reference.ts_ms,
        "spot_age_ms": _age(ts, head["spot_ts"]),
        "source": answer.source,
        "epoch": answer.epoch,
        "seq": answer.seq,
        "strikes": [_row(row, option_side, ts) for row in _sorted(document, sort)],
    }


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


def _with_changes(document: Document, reference: Reference) -> Document:
    rows = list(document["strikes"].values())
    strike = np.array([row["strike"] for row in rows], np.float64)
    last, oi = (
        np.array([[row.get(side, {}).get(name) for row in rows] for side in SIDES], np.float64).reshape(2, -1)
        for name in ("last", "oi")
    )
    found = changes(strike, last, oi, reference)
    strikes = {key: dict(row) for key, row in document["strikes"].items()}
    for at, side in enumerate(SIDES):
        columns = (found.oi[at].tolist(), found.oi_percent[at].tolist(), found.build_up[at].tolist())
        for row, oi, percent, word in zip(strikes.values(), *columns, strict=True):
            if side in row:
                change = None if oi != oi else round(oi)
                row[side] = {**row[side], "oi_change": change, "oi_change_percent": percent, "build_up": word}
    return {"head": document["head"], "strikes": strikes}


def _sorted(document: Document, sort: str) -> list[Json]:
    rows = list(document["strikes"].values())
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name == "strike":
        return sorted(rows, key=lambda row: float(row["strike"]), reverse=down)
    side, field = name.split("_")
    known = [row for row in rows if row.get(side, {}).get(field) is not None]
    unknown = [row for row in rows if row.get(side, {}).get(field) is None]
    return sorted(known, key=lambda row: float(row[side][field]), reverse=down) + unknown


def _row(row: Json, option_side: str, ts: int) -> Json:
    sides = [side for side in SIDES if option_side in ("both", side) and side in row]
    return {"strike": row["strike"], **{side: _with_ages(row[side], ts) for side in sides}}


def _with_ages(cell: Json, ts: int) -> Json:
    aged = cell.copy()
    for stamp, name in _AGES:
        aged[name] = _age(ts, cell[stamp])
    return aged


def _age(ts: int, stamp: int | None) -> int | None:
    return None if stamp is None else max(0, ts - stamp)
