"""Signing in, renewing, logging out. Guessing is limited per address."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.views import TokenObtainPairView, TokenViewBase

from accounts import services, tickets
from accounts.api.descriptions import PAIR, REFRESH, TICKET, problems
from accounts.api.serializers import PairShape, RefreshBody, TicketShape, TokenSerializer
from accounts.gate.credentials import from_authorization
from accounts.guessing import count_guess
from accounts.principal import MARKET, Principal, Refused

# What holds a secret is kept by nobody on its way.
NOT_KEPT = {"Cache-Control": "no-store"}

Handler = Callable[..., HttpResponseBase]


def pk_of(request: Request) -> int:
    """Return the primary key of who asks; only for views that nobody anonymous comes to."""
    pk: int = request.user.pk  # type: ignore[assignment]  # a user of ours is stored
    return pk


def guessing_limited(group: str) -> Callable[[Handler], Handler]:
    """Return a decorator of a handler: 429 for an address that tried too often."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def counted(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if wait := count_guess(request, group=group):
                raise Throttled(wait=wait)
            return handler(request, *args, **kwargs)

        return counted

    return decorate


@extend_schema_view(
    post=extend_schema(
        operation_id="auth_token",
        summary="Sign in",
        examples=[PAIR],
        responses={200: PairShape, **problems(400, 401, 429, 503)},
    )
)
@method_decorator(guessing_limited("token"), name="post")
class TokenView(TokenObtainPairView):
    """Exchange a user name and password for an access token (10 minutes) and a refresh token."""

    serializer_class = TokenSerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the pair."""
        answer = super().post(request, *args, **kwargs)
        answer["Cache-Control"] = NOT_KEPT["Cache-Control"]
        return answer


@extend_schema_view(
    post=extend_schema(
        operation_id="auth_token_refresh",
        summary="Renew",
        examples=[REFRESH, PAIR],
        responses={200: PairShape, **problems(400, 401, 429, 503)},
    )
)
@method_decorator(guessing_limited("refresh"), name="post")
class RefreshView(TokenViewBase):
    """Exchange a refresh token for a new pair; the old one is void."""

    serializer_class = RefreshBody

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the new pair."""
        body = RefreshBody(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            pair = services.renew(refresh=body.validated_data["refresh"], request=request)
        except TokenError as error:
            raise InvalidToken(str(error)) from error
        except Refused as error:
            raise AuthenticationFailed(str(error)) from error
        return Response({"access": pair.access, "refresh": pair.refresh}, headers=NOT_KEPT)


class LogoutView(APIView):
    """End what was signed in."""

    @extend_schema(
        operation_id="auth_logout",
        summary="Log out",
        request=RefreshBody,
        examples=[REFRESH],
        responses={204: None, **problems(400, 401, 403, 503)},
    )
    def post(self, request: Request) -> Response:
        """End the refresh token of the body and the access token of this very request."""
        body = RefreshBody(data=request.data)
        body.is_valid(raise_exception=True)
        presented = from_authorization(request.headers.get("Authorization", ""))
        try:
            services.log_out(
                user_id=pk_of(request),
                access=presented.text if presented else "",
                refresh=body.validated_data["refresh"],
                request=request,
            )
        except TokenError as error:
            raise InvalidToken(str(error)) from error
        return Response(status=204)


class TicketView(APIView):
    """Give out a ticket: opens one WebSocket as `?ticket=`, once, within thirty seconds."""

    required_scope = MARKET

    @extend_schema(
        operation_id="auth_ws_ticket",
        summary="A ticket for one WebSocket",
        request=None,
        examples=[TICKET],
        responses={201: TicketShape, **problems(401, 403, 503)},
    )
    def post(self, request: Request) -> Response:
        """Return the ticket and for how many seconds it is good."""
        principal = cast("Principal", request.user)
        answer = {"ticket": tickets.issue(principal), "seconds": tickets.SECONDS}
        return Response(answer, status=201, headers=NOT_KEPT)
