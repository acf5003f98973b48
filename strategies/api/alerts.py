"""`/strategies/{id}/alerts`: told once, when the value reaches a threshold."""

from decimal import Decimal
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.descriptions import answered
from accounts.api.descriptions import asked as body_example
from accounts.principal import STRATEGIES
from strategies.api.asking import now, problems, taken, to_read, to_write
from strategies.api.rendering import instant
from strategies.api.shapes import instant as instant_field
from strategies.api.shapes import rupees
from strategies.domain.alerts import Condition
from strategies.models import Alert
from strategies.services import alerts as services
from tradingviz.core.bodies import Body, ChoiceField
from tradingviz.core.shapes import Shape

_CONDITIONS = [item.value for item in Condition]
_EXAMPLE: dict[str, Any] = {
    "id": 5, "condition": "at_most", "threshold": "-20000.00", "since": "2026-02-02T09:30:00+05:30", "fired_at": None,
    "fired_value": None,
}  # fmt: skip
_ASKED = body_example("a loss of 20,000", {"condition": "at_most", "threshold": "-20000.00"})


class AlertBody(Body):
    """An alert to be set."""

    condition = ChoiceField(choices=_CONDITIONS, help_text="where it fires: at or beyond the threshold")
    threshold = serializers.DecimalField(
        max_digits=16, decimal_places=2, help_text='value of the strategy in rupees, e.g. "-20000.00"'
    )


class AlertShape(Shape):
    """An alert."""

    id = serializers.IntegerField()
    condition = ChoiceField(choices=_CONDITIONS)
    threshold = rupees("rupees")
    since = instant_field("only values made after this count")
    fired_at = instant_field("null while it waits", null=True)
    fired_value = rupees("of the strategy, when it fired", null=True)


class AlertsShape(Shape):
    """The alerts of a strategy, oldest first."""

    alerts = AlertShape(many=True)


class AlertViewSet(GenericViewSet[Alert]):
    """Alerts: each fires once, and only on a value that is known, complete and fresh."""

    required_scope = STRATEGIES
    queryset = Alert.objects.none()
    serializer_class = AlertShape

    @extend_schema(
        operation_id="strategies_alerts",
        summary="The alerts of a strategy",
        examples=[answered("one alert", {"alerts": [_EXAMPLE]})],
        responses={200: AlertsShape, **problems(404)},
    )
    def alerts(self, request: Request, pk: int) -> Response:
        """List alerts that wait and such as have fired."""
        return Response({"alerts": [_shown(alert) for alert in to_read(request, pk).alerts.all()]})

    @extend_schema(
        operation_id="strategies_alerts_create",
        summary="Set an alert",
        request=AlertBody,
        examples=[_ASKED, answered("an alert", _EXAMPLE, 201)],
        responses={201: AlertShape, **problems(404)},
    )
    def create(self, request: Request, pk: int) -> Response:
        """Set an alert for values from now on."""
        to_write(request, pk)
        body = taken(AlertBody, request)
        condition, threshold = Condition(body["condition"]), body["threshold"]
        made = services.create_alert(strategy_id=pk, condition=condition, threshold=threshold, now=now())
        return Response(_shown(made), status=201)

    @extend_schema(
        operation_id="strategies_alert_delete", summary="Remove an alert", responses={204: None, **problems(404)}
    )
    def destroy(self, request: Request, pk: int, alert: int) -> Response:
        """Remove an alert."""
        to_write(request, pk)
        services.delete_alert(strategy_id=pk, alert_id=alert)
        return Response(status=204)

    @extend_schema(
        operation_id="strategies_alert_rearm",
        summary="Arm an alert again",
        request=None,
        examples=[answered("an alert", _EXAMPLE)],
        responses={200: AlertShape, **problems(404)},
    )
    def rearm(self, request: Request, pk: int, alert: int) -> Response:
        """Arm an alert again, for values from now on."""
        to_write(request, pk)
        return Response(_shown(services.rearm_alert(strategy_id=pk, alert_id=alert, now=now())))


def _shown(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.pk,
        "condition": alert.condition,
        "threshold": _money(alert.threshold),
        "since": instant(alert.since),
        "fired_at": instant(alert.fired_at),
        "fired_value": None if alert.fired_value is None else _money(alert.fired_value),
    }


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


_view = AlertViewSet.as_view
_ALERT = "strategies/<int:pk>/alerts/<int:alert>"
urlpatterns = [
    path("strategies/<int:pk>/alerts", _view({"get": "alerts", "post": "create"}), name="alerts"),
    path(_ALERT, _view({"delete": "destroy"}), name="alert"),
    path(f"{_ALERT}/rearm", _view({"post": "rearm"}), name="alert-rearm"),
]
