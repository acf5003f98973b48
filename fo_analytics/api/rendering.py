"""From documents to answers."""

from typing import Any

from fo_analytics.domain.document import SIDES, Document, within_levels
from fo_analytics.selectors.chains import ChainAnswer

Json = dict[str, Any]

_AGES = (("last_ts", "age_ms"), ("quote_ts", "quote_age_ms"), ("oi_ts", "oi_age_ms"))


def render_chain(answer: ChainAnswer, *, labels: list[str], levels: int, option_side: str, sort: str) -> Json:
    """Return one expiry's part of a strike distribution."""
    document = within_levels(answer.document, levels)
    head = document["head"]
    ts = head["ts_event"]
    return {
        **{name: value for name, value in head.items() if name != "underlying"},
        "labels": labels,
        "spot_age_ms": _age(ts, head["spot_ts"]),
        "source": answer.source,
        "epoch": answer.epoch,
        "seq": answer.seq,
        "strikes": [_row(row, option_side, ts) for row in _sorted(document, sort)],
    }


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
