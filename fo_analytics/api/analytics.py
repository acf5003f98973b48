"""What chains mean: smile, term structure, surface, exposure; changes and overviews stand in overviews.py."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.analytics_parameters import (
    ExposureParameters,
    SmileParameters,
    SurfaceParameters,
    TermStructureParameters,
)
from fo_analytics.api.analytics_shapes import ExposuresShape, SmilesShape, SurfaceShape, TermStructureShape
from fo_analytics.api.asking import PROBLEMS, days_behind, validated
from fo_analytics.api.examples import example
from fo_analytics.api.overviews import OverviewQuestions, Parameters, distribution_of
from fo_analytics.domain.chain import Convention
from fo_analytics.selectors.analytics import Json, heading, insights
from fo_analytics.selectors.exposures import exposure_answer
from fo_analytics.selectors.iv_history import iv_ranks
from fo_analytics.selectors.smiles import smile_points, smile_summary, term_rows
from fo_analytics.selectors.strike_distribution import Distribution, whole_distribution
from fo_analytics.selectors.surfaces import Grid, surface_answer

_GRID = ("axis", "width", "points", "calendar_tolerance", "butterfly_tolerance")


class AnalyticsQuestions(OverviewQuestions):
    """Volatility and exposure of chains."""

    @extend_schema(
        operation_id="fo_smile",
        summary="Volatility smiles: points, 25-delta measures, expected moves, IV rank",
        parameters=[SmileParameters],
        responses={200: SmilesShape, **PROBLEMS},
        examples=[example("smile")],
    )
    @action(detail=False, url_path="smile")
    def smile(self, request: Request) -> Response:
        """Show the smile of each expiry asked for."""
        asked = validated(SmileParameters, request)
        days = days_behind(asked.get("at"), sessions=asked["rank_days"])
        return self.answer(request, asked, lambda: _smiles(asked), days=days)

    @extend_schema(
        operation_id="fo_term_structure",
        summary="Volatility at the money over the expiries, and forward volatility between them",
        parameters=[TermStructureParameters],
        responses={200: TermStructureShape, **PROBLEMS},
        examples=[example("term-structure")],
    )
    @action(detail=False, url_path="term-structure")
    def term_structure(self, request: Request) -> Response:
        """Show one row per expiry, in order of time."""
        asked = validated(TermStructureParameters, request)
        return self.answer(
            request, asked, lambda: _term_structure(asked), days=days_behind(asked.get("at"), sessions=1)
        )

    @extend_schema(
        operation_id="fo_surface",
        summary="The volatility surface on a fixed grid, with calendar and butterfly arbitrage",
        parameters=[SurfaceParameters],
        responses={200: SurfaceShape, **PROBLEMS},
        examples=[example("surface")],
    )
    @action(detail=False, url_path="surface")
    def surface(self, request: Request) -> Response:
        """Show the surface at the listed expiries and at the maturities asked for."""
        asked = validated(SurfaceParameters, request)
        return self.answer(request, asked, lambda: _surface(asked), days=days_behind(asked.get("at"), sessions=1))

    @extend_schema(
        operation_id="fo_exposure",
        summary="Gamma, vanna and charm exposure per strike, totals, flip and walls",
        parameters=[ExposureParameters],
        responses={200: ExposuresShape, **PROBLEMS},
        examples=[example("exposure")],
    )
    @action(detail=False, url_path="exposure")
    def exposure(self, request: Request) -> Response:
        """Show the exposure of each expiry asked for."""
        asked = validated(ExposureParameters, request)
        return self.answer(request, asked, lambda: _exposures(asked), days=days_behind(asked.get("at"), sessions=1))


def _smiles(asked: Parameters) -> Json:
    found, days = distribution_of(asked), asked["rank_days"]
    chains = insights(found=found)
    ranks = iv_ranks(found=found, chains=chains, asked=asked.get("expiry", ()), days=days)
    smiles = [
        {
            **insight.head(),
            **smile_summary(chain=insight.chain),
            "rank": rank,
            "points": smile_points(chain=insight.chain),
        }
        for insight, rank in zip(chains, ranks, strict=True)
    ]
    return {**_heading(found, asked), "rank_days": days, "smiles": smiles}


def _term_structure(asked: Parameters) -> Json:
    found = _coming(asked)
    return {**_heading(found, asked), "expiries": term_rows(chains=insights(found=found))}


def _surface(asked: Parameters) -> Json:
    found = _coming(asked)
    grid = Grid(*(asked[name] for name in _GRID))
    answer = surface_answer(chains=insights(found=found), grid=grid, days=asked.get("days", ()))
    return {**_heading(found, asked), **{name: asked[name] for name in _GRID}, **answer}


def _exposures(asked: Parameters) -> Json:
    found, levels = distribution_of(asked), asked["levels"]
    rows = [exposure_answer(insight=insight, levels=levels) for insight in insights(found=found)]
    return {**_heading(found, asked), "levels": levels, "exposures": rows}


def _coming(asked: Parameters) -> Distribution:
    """Return the chains asked for in order of time, else all that have not expired."""
    if asked.get("expiry"):
        return distribution_of(asked, in_order=True)
    convention = Convention(asked["convention"])
    return whole_distribution(underlying=asked["underlying"], at=asked.get("at"), convention=convention)


def _heading(found: Distribution, asked: Parameters) -> Json:
    return heading(found=found, convention=Convention(asked["convention"]))
