"""Token endpoints: simplejwt's views with a guessing limit in front."""

from typing import cast

from django.utils.decorators import method_decorator
from django_ratelimit.decorators import ratelimit
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from accounts import tickets
from accounts.api.serializers import RefreshSerializer, TicketShape, TokenSerializer
from accounts.principal import MARKET, Principal
from tradingviz.core.shapes import GATE_PROBLEMS, problems

GUESSES = "10/m"


@method_decorator(ratelimit(key="ip", rate=GUESSES, group="token"), name="post")
class TokenView(TokenObtainPairView):
    """Exchange a user name and password for an access token (10 minutes) and a refresh token."""

    serializer_class = TokenSerializer


@method_decorator(ratelimit(key="ip", rate=GUESSES, group="refresh"), name="post")
class RefreshView(TokenRefreshView):
    """Exchange a refresh token for a new pair; the old one is blacklisted."""

    serializer_class = RefreshSerializer


class TicketView(APIView):
    """Give out a ticket: opens one WebSocket as `?ticket=`, once, within thirty seconds."""

    required_scope = MARKET

    @extend_schema(
        operation_id="auth_ws_ticket",
        summary="A ticket for one WebSocket",
        request=None,
        responses={201: TicketShape} | GATE_PROBLEMS | problems(s401="no valid token", s503="Redis does not answer"),
    )
    def post(self, request: Request) -> Response:
        """Return the ticket and for how many seconds it is good."""
        principal = cast("Principal", request.user)
        return Response({"ticket": tickets.issue(principal), "seconds": tickets.SECONDS}, status=201)
