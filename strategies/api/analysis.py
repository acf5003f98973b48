"""What a strategy pays, would be worth, moves by and has done; the same of legs that are stored nowhere."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import GenericViewSet

from accounts.principal import STRATEGIES
from fo_analytics.api.asking import validated
from fo_analytics.domain.calendar import from_ms
from fo_analytics.domain.chain import Convention
from strategies.api.analysis_examples import example, question
from strategies.api.analysis_parameters import (
    ChangedPayoff,
    ChangedScenario,
    GreeksParameters,
    NewPayoff,
    NewScenario,
    PayoffParameters,
    ScenarioParameters,
    StatisticsParameters,
)
from strategies.api.analysis_rendering import render_case, render_legs
from strategies.api.analysis_shapes import GreeksShape, PayoffShape, ScenarioShape, StatisticsShape
from strategies.api.asking import problems, taken, to_read
from strategies.api.bodies import named_of
from strategies.domain.legs import Side
from strategies.domain.payoff import PayoffError
from strategies.models import Strategy
from strategies.selectors.cases import Added, Case, Closed, case, stored_case
from strategies.selectors.greeks import greeks_answer
from strategies.selectors.instruments import find_instruments
from strategies.selectors.legs import leg_of, stored_legs
from strategies.selectors.payoffs import Window, payoff_answer
from strategies.selectors.scenarios import Grid, scenario_answer
from strategies.selectors.statistics import statistics_answer
from tradingviz.core.bodies import Body
from tradingviz.core.clock import now_ms
from tradingviz.core.errors import InvalidRequest

Json = dict[str, Any]
Asked = Mapping[str, Any]

PROBLEMS = problems(404, 409)
_HEADERS = {"Cache-Control": "private, no-cache"}


class NoAnswer(APIException):
    """What is stored has no answer of this kind."""

    status_code = 409


class AnalysisViewSet(GenericViewSet[Strategy]):
    """Analysis of a strategy, and of legs that are stored nowhere. Nothing here changes anything."""

    required_scope = STRATEGIES
    queryset = Strategy.objects.none()
    # OPTIONS would be answered with a description of one serializer; every question here has its own.
    metadata_class = None
    lookup_value_converter = "int"

    @extend_schema(
        methods=["GET"],
        operation_id="strategy_payoff",
        summary="What a strategy pays at expiry and is worth today",
        parameters=[PayoffParameters],
        responses={200: PayoffShape, **PROBLEMS},
        examples=[example("payoff")],
    )
    @extend_schema(
        methods=["POST"],
        operation_id="strategy_payoff_what_if",
        summary="The same after changes that are not stored",
        request=ChangedPayoff,
        responses={200: PayoffShape, **PROBLEMS},
        examples=[question("changes"), example("payoff")],
    )
    @action(detail=True, methods=["get", "post"], url_path="payoff")
    def payoff(self, request: Request, pk: int) -> Response:
        """Show the payoff at the (first) expiry, and the value at the market's newest instant."""
        asked = _asked(request, PayoffParameters, ChangedPayoff)
        return _payoff(_case(to_read(request, pk), asked), asked, pk)

    @extend_schema(
        methods=["GET"],
        operation_id="strategy_scenario",
        summary="What a strategy would gain at other spots, volatilities and instants",
        parameters=[ScenarioParameters],
        responses={200: ScenarioShape, **PROBLEMS},
        examples=[example("scenario")],
    )
    @extend_schema(
        methods=["POST"],
        operation_id="strategy_scenario_what_if",
        summary="The same after changes that are not stored",
        request=ChangedScenario,
        responses={200: ScenarioShape, **PROBLEMS},
        examples=[question("changes"), example("scenario")],
    )
    @action(detail=True, methods=["get", "post"], url_path="scenario")
    def scenario(self, request: Request, pk: int) -> Response:
        """Show the grid."""
        asked = _asked(request, ScenarioParameters, ChangedScenario)
        return _scenario(_case(to_read(request, pk), asked), asked, pk)

    @extend_schema(
        operation_id="strategy_greeks",
        summary="Greeks of a strategy, net and by leg",
        parameters=[GreeksParameters],
        responses={200: GreeksShape, **PROBLEMS},
        examples=[example("greeks")],
    )
    @action(detail=True, url_path="greeks")
    def greeks(self, request: Request, pk: int) -> Response:
        """Show Σ greek × signed units."""
        asked = validated(GreeksParameters, request)
        strategy = to_read(request, pk)
        legs = {row.pk: leg_of(row) for row in stored_legs().filter(strategy=strategy)}
        answer = greeks_answer(legs=legs, convention=Convention(asked["convention"]))
        rows = render_legs(legs, answer["legs"])
        return _answer({"strategy": pk, "convention": asked["convention"], **answer, "legs": rows})

    @extend_schema(
        operation_id="strategy_statistics",
        summary="Drawdown and daily statistics of a strategy",
        parameters=[StatisticsParameters],
        responses={200: StatisticsShape, **PROBLEMS},
        examples=[example("statistics")],
    )
    @action(detail=True, url_path="statistics")
    def statistics(self, request: Request, pk: int) -> Response:
        """Show what its stored candles are summed up by."""
        asked = validated(StatisticsParameters, request)
        since, until = (from_ms(asked[name]) if name in asked else None for name in ("from", "to"))
        return _answer({"strategy": pk, **statistics_answer(strategy=to_read(request, pk), since=since, until=until)})


class WhatIfViewSet(GenericViewSet[Strategy]):
    """Legs that are stored nowhere."""

    required_scope = STRATEGIES
    queryset = Strategy.objects.none()
    # OPTIONS would be answered with a description of one serializer; every question here has its own.
    metadata_class = None

    @extend_schema(
        operation_id="strategies_payoff_what_if",
        summary="What legs would pay at expiry and be worth today",
        request=NewPayoff,
        responses={200: PayoffShape, **problems()},
        examples=[question("legs"), example("payoff")],
    )
    @action(detail=False, methods=["post"], url_path="payoff")
    def payoff(self, request: Request) -> Response:
        """Show the payoff of legs that are not stored."""
        asked = taken(NewPayoff, request)
        return _payoff(_case(None, asked), asked, None)

    @extend_schema(
        operation_id="strategies_scenario_what_if",
        summary="What legs would gain at other spots, volatilities and instants",
        request=NewScenario,
        responses={200: ScenarioShape, **problems()},
        examples=[question("legs"), example("scenario")],
    )
    @action(detail=False, methods=["post"], url_path="scenario")
    def scenario(self, request: Request) -> Response:
        """Show the grid of legs that are not stored."""
        asked = taken(NewScenario, request)
        return _scenario(_case(None, asked), asked, None)


def _asked(request: Request, parameters: type[Body], body: type[Body]) -> Asked:
    return validated(parameters, request) if request.method != "POST" else taken(body, request)


def _case(strategy: Strategy | None, asked: Asked) -> Case:
    added = _added(asked.get("legs", ()))
    closed = [Closed(one["leg"], one.get("lots"), one.get("price")) for one in asked.get("exits", ())]
    with _refusing(asked):
        if strategy is None:
            return case(saved={}, added=added, now_ms=now_ms())
        return stored_case(strategy_id=strategy.pk, added=added, closed=closed, now_ms=now_ms())


def _added(legs: Sequence[Asked]) -> list[Added]:
    found = find_instruments(named=[named_of(one) for one in legs])
    pairs = zip(found, legs, strict=True)
    return [Added(instrument, Side(one["side"]), one["lots"], one.get("price")) for instrument, one in pairs]


@contextmanager
def _refusing(asked: Asked) -> Iterator[None]:
    """What has no answer is the request's fault where it brought legs, and the strategy's own otherwise."""
    try:
        yield
    except PayoffError as error:
        if asked.get("legs"):
            raise InvalidRequest(str(error), field="legs") from error
        raise NoAnswer(str(error)) from error


def _payoff(case: Case, asked: Asked, pk: int | None) -> Response:
    window = Window(asked.get("range"), asked["points"])
    with _refusing(asked):
        return _answer({**render_case(case, strategy_id=pk), **payoff_answer(case=case, window=window)})


def _scenario(case: Case, asked: Asked, pk: int | None) -> Response:
    sizes = {name: asked[name] for name in ("spots", "spot_range", "shifts", "shift_range", "times")}
    grid = Grid(**sizes, until_ms=asked.get("until"))
    with _refusing(asked):
        return _answer({**render_case(case, strategy_id=pk), **scenario_answer(case=case, grid=grid)})


def _answer(body: Json) -> Response:
    return Response(body, headers=_HEADERS)


def _routes() -> list[Any]:
    router = SimpleRouter(trailing_slash=False, use_regex_path=False)
    router.register("strategies", WhatIfViewSet, basename="what-if")
    router.register("strategies", AnalysisViewSet, basename="strategy-analysis")
    return list(router.urls)


urlpatterns = _routes()
