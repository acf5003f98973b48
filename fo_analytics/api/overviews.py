"""`/fo/oi-change`, `/fo/snapshot`: what changed, and everything about one chain at once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.analytics_parameters import OiChangeParameters, SnapshotParameters, minutes_of
from fo_analytics.api.analytics_shapes import OiChangesShape, SnapshotShape
from fo_analytics.api.asking import PROBLEMS, Questions, days_behind, validated
from fo_analytics.api.examples import example
from fo_analytics.api.rendering import render_chain, render_expiries, render_thresholds
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.changes import ANY_CHANGE, Thresholds
from fo_analytics.selectors.analytics import Json, heading, insights
from fo_analytics.selectors.depth import live_books
from fo_analytics.selectors.exposures import exposure_summary
from fo_analytics.selectors.iv_history import iv_ranks
from fo_analytics.selectors.oi_changes import Ranking, oi_changes
from fo_analytics.selectors.smiles import smile_summary
from fo_analytics.selectors.strike_distribution import Distribution, strike_distribution

Parameters = Mapping[str, Any]
_RANKING = ("window", "by", "limit", "price_threshold", "oi_threshold")


class OverviewQuestions(Questions):
    """Changes of open interest, and the snapshot."""

    @extend_schema(
        operation_id="fo_oi_change",
        summary="Contracts whose open interest gained and lost most, with build-up",
        parameters=[OiChangeParameters],
        responses={200: OiChangesShape, **PROBLEMS},
        examples=[example("oi-change")],
    )
    @action(detail=False, url_path="oi-change")
    def oi_change(self, request: Request) -> Response:
        """Rank the contracts of the chains asked for, all together."""
        asked = validated(OiChangeParameters, request)
        return self.answer(request, asked, lambda: _oi_changes(asked), days=days_behind(asked.get("at"), sessions=2))

    @extend_schema(
        operation_id="fo_snapshot",
        summary="Everything a set of panels needs about one chain, of one instant",
        parameters=[SnapshotParameters],
        responses={200: SnapshotShape, **PROBLEMS},
        examples=[example("snapshot")],
    )
    @action(detail=False, url_path="snapshot")
    def snapshot(self, request: Request) -> Response:
        """Show chain, smile, exposure, changes and expiries as of one instant."""
        asked = validated(SnapshotParameters, request)
        days = days_behind(asked.get("at"), sessions=asked["rank_days"])
        return self.answer(request, asked, lambda: _snapshot(asked), days=days)


def distribution_of(asked: Parameters, *, in_order: bool = False) -> Distribution:
    """Return the chains that parameters ask for, the nearest by default; `in_order` of time."""
    found = strike_distribution(
        underlying=asked["underlying"],
        expiry=asked.get("expiry", ()),
        at=asked.get("at"),
        convention=Convention(asked.get("convention", Convention.EXACT)),
    )
    return found.in_order() if in_order else found


def _oi_changes(asked: Parameters) -> Json:
    found = distribution_of(asked)
    thresholds = Thresholds(asked["price_threshold"], asked["oi_threshold"])
    ranking = Ranking(minutes_of(asked["window"]), asked["by"], asked["limit"], thresholds)
    head = {**heading(found=found, convention=Convention.EXACT), "ts_event": found.newest_ms}
    return {**head, **{name: asked[name] for name in _RANKING}, **oi_changes(found=found, ranking=ranking)}


def _snapshot(asked: Parameters) -> Json:
    named = [asked["expiry"]] if "expiry" in asked else []
    found = distribution_of({**asked, "expiry": named})
    (insight,) = insights(found=found)
    (rank,) = iv_ranks(found=found, chains=[insight], asked=named, days=asked["rank_days"])
    (reference,), (books,) = found.since_yesterday(), live_books(found=found)
    part = {"levels": asked["levels"], "option_side": "both", "sort": "strike"}
    ts_event = insight.answer.head["ts_event"]
    changes = oi_changes(found=found, ranking=Ranking(None, "absolute", asked["limit"], ANY_CHANGE))
    return {
        **heading(found=found, convention=insight.chain.value.convention),
        **{name: insight.head()[name] for name in ("ts_event", "expiry", "source", "epoch", "seq")},
        **{name: asked[name] for name in ("levels", "limit", "rank_days")},
        "chain": render_chain(insight.answer, reference, books, labels=list(insight.labels), **part),
        "smile": {**smile_summary(chain=insight.chain), "rank": rank},
        "exposure": exposure_summary(chain=insight.chain),
        "oi_change": {
            **{name: changes[name] for name in ("gainers", "losers")},
            "reference_ts": reference.ts_ms,
            **render_thresholds(ANY_CHANGE),
        },
        "expiries": render_expiries(replace(found.table, labels_ms=max(found.table.labels_ms, ts_event))),
    }
