"""Where brokers tell us of orders: anonymous, signed, and on the same stream as the ticker service's updates."""

import time

import msgspec
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.trading_examples import UPDATE, problems
from accounts.api.trading_shapes import PostbackBody
from accounts.domain.orders import InvalidUpdate, OrderUpdate, read_update
from accounts.guessing import count_guess, count_signed, stopped_for
from accounts.order_stream import hand_over
from accounts.postbacks import is_signed
from tradingviz.core.errors import InvalidRequest
from tradingviz.core.redis import shared_client

GROUP = "postback"
_FIELDS = frozenset(OrderUpdate.__struct_fields__)
_HEADERS = [
    OpenApiParameter("X-Postback-Timestamp", str, "header", required=True, description="Unix seconds, at most 300 off"),
    OpenApiParameter(
        "X-Postback-Signature",
        str,
        "header",
        required=True,
        description="HMAC-SHA256 of `<timestamp>.<body>` with the account's secret, in hexadecimal digits",
    ),
]


class NotSigned(APIException):
    """The same for an account that does not exist and for a signature that is not its own."""

    status_code = 401
    default_detail = "not signed with the secret of this account, or not now"
    auth_header = 'HMAC realm="postback"'


class PostbackView(APIView):
    """Order updates of one account."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    metadata_class = None

    @extend_schema(
        operation_id="accounts_postback",
        summary="Tell of an order",
        parameters=[OpenApiParameter("id", int, "path"), *_HEADERS],
        request=PostbackBody,
        examples=[UPDATE],
        auth=[],
        responses={204: None, **problems(400, 401, 404, 429, 503)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take an update. It may come again, and late: an order only goes forward."""
        self._check(request, pk)
        hand_over(shared_client(), account_id=pk, update=_read(request.body))
        return Response(status=204)

    def _check(self, request: Request, pk: int) -> None:
        """Let pass what is signed.

        Raises NotSigned, and Throttled for an address that failed too often, or an account that told too much.
        """
        if wait := stopped_for(request, group=GROUP):
            raise Throttled(wait=wait)
        timestamp, signature = (request.headers.get(f"X-Postback-{name}", "") for name in ("Timestamp", "Signature"))
        signed = is_signed(
            account_id=pk, timestamp=timestamp, signature=signature, body=request.body, now_s=time.time()
        )
        wait = count_signed(request, account_id=pk) if signed else count_guess(request, group=GROUP)
        if wait:
            raise Throttled(wait=wait)
        if not signed:
            raise NotSigned


def _read(body: bytes) -> OrderUpdate:
    """Return the update of a body. Raises InvalidRequest."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest("the body is no JSON") from error
    if isinstance(raw, dict) and (unknown := sorted(raw.keys() - _FIELDS)):
        raise InvalidRequest("there is no such field", field=unknown[0])
    try:
        return read_update(raw)
    except InvalidUpdate as error:
        raise InvalidRequest(str(error), field=error.field) from error
