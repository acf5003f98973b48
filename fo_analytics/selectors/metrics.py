"""What was measured of a whole chain, over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from fo_analytics.domain.indicators import METRICS
from fo_analytics.domain.timeframes import MINUTES
from fo_analytics.models import Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.series import Span, span_columns


@dataclass(frozen=True, slots=True)
class MetricsSeries:
    """Columns (n,), one value a bucket in order of time: its open and the minute measured, both Unix seconds; expiry.

    `values` are those of the bucket's newest measured minute, at its end; None where that minute did not know one.
    """

    time: list[int]
    minute: list[int]
    expiry: list[date]
    values: dict[str, list[Any]]


def metrics_series(
    *, underlying: Underlying, spans: Sequence[Span], timeframe: str, metrics: Sequence[str]
) -> MetricsSeries:
    """Return what was measured in stretches of sessions; one query. Raises KeyError for what is not in METRICS."""
    unknown = set(metrics) - set(METRICS)
    if unknown:
        raise KeyError(f"no metrics: {sorted(unknown)}")
    rows = _rows(underlying, spans, timeframe, metrics) if spans else []
    time, number, minute, *columns = zip(*rows, strict=True) if rows else [()] * (3 + len(metrics))
    return MetricsSeries(
        time=[int(at) for at in time],
        minute=[int(at) for at in minute],
        expiry=[spans[at - 1].expiry for at in number],
        values={name: list(column) for name, column in zip(metrics, columns, strict=True)},
    )


def _rows(underlying: Underlying, spans: Sequence[Span], timeframe: str, metrics: Sequence[str]) -> list[Any]:
    parameters = {"underlying_id": underlying.pk, "minutes": MINUTES[timeframe], **span_columns(spans)}
    with connection.cursor() as cursor:
        columns = ", ".join(f"newest.{name}" for name in metrics)
        cursor.execute(query("metrics_series").format(columns=columns), parameters)
        return list(cursor.fetchall())
