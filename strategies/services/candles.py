"""Storing candles: one statement for those of all strategies."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import connection

from fo_analytics.domain.calendar import from_ms
from strategies.domain.candles import UNKNOWN, Candles
from strategies.domain.money import Ints
from strategies.models import StrategyCandle
from strategies.queries import query
from tradingviz.core.sql import array_text


def store_candles(*, ids: Ints, made: Sequence[Candles], from_bars: bool = False) -> int:
    """Store the candles (n, b) of strategies (n,), those there are; return how many rows changed. One statement."""
    parts = [_rows(ids, part) for part in made]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    if not columns or not len(columns["time"]):
        return 0
    parameters: dict[str, Any] = {name: _array(column) for name, column in columns.items()}
    with connection.cursor() as cursor:
        cursor.execute(query("upsert_candles"), {**parameters, "from_bars": from_bars})
        written: int = cursor.rowcount
    return written


def drop_candles(*, strategy_id: int, first: int, end: int) -> None:
    """Drop the candles of a strategy in [first, end), Unix seconds."""
    since, until = from_ms(first * 1000), from_ms(end * 1000)
    StrategyCandle.objects.filter(strategy_id=strategy_id, time__gte=since, time__lt=until).delete()


def _rows(ids: Ints, made: Candles) -> dict[str, Ints]:
    strategy, bucket = np.nonzero(made.close != UNKNOWN)
    values = {name: getattr(made, name)[strategy, bucket] for name in ("open", "high", "low", "close", "seconds")}
    partial = made.partial[strategy, bucket].astype(np.int64)
    return {**values, "strategy_id": ids[strategy], "time": made.time[bucket], "partial": partial}


def _array(column: Ints) -> str:
    text = array_text(column.tolist())
    return text.replace(str(UNKNOWN), "NULL") if (column == UNKNOWN).any() else text
