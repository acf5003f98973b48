"""Commits rows: COPY into a staging table, then one merging statement; all of a flush in one transaction."""

import math
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.domain.minute_close import BAR_ROW, BarRows, ChainMeasures
from fo_analytics.ingest.copy import CopyTable, Kind
from fo_analytics.ingest.desk import Close
from fo_analytics.ingest.engine import Rows
from fo_analytics.queries import query

_STAMPS = ("time_ms", "first_ts", "last_ts", "oi_ts", "quote_ts")
_INTEGERS = ("instrument_id", "iv_reason", "flags")


def _kind(name: str) -> Kind:
    if name in _STAMPS:
        return Kind.STAMP
    return Kind.INTEGER if name in _INTEGERS else Kind.NUMBER


STAGED_BAR = CopyTable("staged_bar", tuple((name, _kind(name)) for name in BAR_ROW.names or ()))


class Writer:
    """Writes to Django's default database, from one thread."""

    def __init__(self) -> None:
        self.bars_written = 0

    def commit(self, rows: Rows) -> None:
        """Write everything or nothing; the same rows again change nothing. Raises django.db.Error."""
        if not rows:
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            self._write_bars(cursor.cursor, [bars for _, bars in rows.bars])
            _execute_each(cursor, "upsert_chain_metrics", [_metric(owner, m) for owner, m in rows.measures])
            _execute_each(cursor, "upsert_official_close", [_close(close) for close in rows.closes])
            _execute_each(cursor, "mark_rollup_due", self._due(rows))

    def _write_bars(self, cursor: Any, bars: list[BarRows]) -> None:
        if not bars:
            return
        rows = np.concatenate(bars)
        STAGED_BAR.copy(cursor, {name: rows[name] for name, _ in STAGED_BAR.columns}, len(rows))
        cursor.execute(query("upsert_bars"))
        self.bars_written += len(rows)

    @staticmethod
    def _due(rows: Rows) -> list[dict[str, Any]]:
        """Return the earliest instant to roll up from, of each underlying and day that the rows touch."""
        touched = [
            (underlying_id, from_ms(int(bars["time_ms"].min()))) for underlying_id, bars in rows.bars if len(bars)
        ]
        since: dict[tuple[int, date], datetime] = {}
        for underlying_id, instant in touched + [(close.underlying_id, from_ms(close.ts)) for close in rows.closes]:
            day = (underlying_id, ist_date(instant))
            since[day] = min(instant, since.get(day, instant))
        return [{"underlying_id": owner, "date": day, "since": first} for (owner, day), first in since.items()]


def _execute_each(cursor: Any, name: str, parameters: list[dict[str, Any]]) -> None:
    if parameters:
        cursor.executemany(query(name), parameters)


def _metric(underlying_id: int, measures: ChainMeasures) -> dict[str, Any]:
    row = {name: _null_if_nan(value) for name, value in asdict(measures).items()}
    for name in ("call_oi", "put_oi", "call_volume", "put_volume"):
        row[name] = None if row[name] is None else round(row[name])
    return {**row, "underlying_id": underlying_id, "time": from_ms(measures.time_ms)}


def _close(close: Close) -> dict[str, Any]:
    return {
        "underlying_id": close.underlying_id,
        "date": close.date,
        "price": close.price,
        "observed_at": from_ms(close.ts),
    }


def _null_if_nan(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
