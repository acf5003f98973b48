"""What lists for staff show of strategies beside what is stored of them: their value now, and where it came from."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import redis

from fo_analytics.domain.calendar import from_ms
from strategies.models import StrategyCandle
from strategies.selectors.m2m import m2m_documents

LATELY = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Overview:
    """`value` and `realised` are rupees as text (None: not known); `closes` paise, one a minute of the last hours."""

    value: str | None = None
    realised: str | None = None
    partial: bool = False
    closes: list[int] = field(default_factory=list)


def overviews(*, strategy_ids: Collection[int], now_ms: int) -> dict[int, Overview]:
    """Return what strategies are worth. Six queries at most; without Redis nothing is known but candles."""
    try:
        documents = m2m_documents(strategy_ids=strategy_ids, now_ms=now_ms)
    except redis.RedisError:
        documents = {}
    closes: dict[int, list[int]] = {}
    recent = StrategyCandle.objects.filter(strategy__in=strategy_ids, time__gte=from_ms(now_ms) - LATELY)
    for strategy, close in recent.order_by("strategy", "time").values_list("strategy", "close"):
        closes.setdefault(strategy, []).append(close)
    return {pk: _overview(documents.get(pk, {}), closes.get(pk, [])) for pk in strategy_ids}


def _overview(document: dict[str, Any], closes: list[int]) -> Overview:
    return Overview(document.get("value"), document.get("realised"), bool(document.get("partial")), closes)
