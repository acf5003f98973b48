"""What every path of strategies shares: who may, what is taken, what goes wrong."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request

from accounts.access import readable_accounts
from accounts.api.views import pk_of
from accounts.models import TradingAccount
from fo_analytics.domain.calendar import from_ms
from strategies.models import Strategy
from strategies.selectors.strategies import readable_strategies
from tradingviz.core import shapes
from tradingviz.core.bodies import Body
from tradingviz.core.clock import now_ms
from tradingviz.core.errors import InvalidRequest

_MEANINGS = {
    400: "a parameter or a field of the body is not valid; `errors` names it",
    401: "no valid credentials",
    403: "the account is shared with you to read; or an API key without the scope `strategies`",
    404: "there is no such thing, or you may not see it",
    409: "these legs have no such answer: several underlyings, a leg frozen by a corporate action, or nothing open",
    503: "nothing is known of the underlying yet, or a server does not answer",
}
_PAGING = frozenset({"cursor", "page_size"})
_KEY = re.compile(r"[\w.:-]{1,64}", re.ASCII)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    pattern=rf"^{_KEY.pattern}$",
    description="names this change for a day: asked for again under the same key, nothing happens and the answer is the"
    " leg; up to 64 letters, digits, `_ . : -`",
)


def problems(*statuses: int) -> shapes.Problems:
    """Return the described errors of an operation, those of every operation among them."""
    return shapes.GATE_PROBLEMS | shapes.problems(
        {status: _MEANINGS[status] for status in (400, 401, 403, 503, *statuses)}
    )


def now() -> datetime:
    """Return the instant of a request: the edge's one look at the clock."""
    return from_ms(now_ms())


def readable(request: Request) -> QuerySet[Strategy]:
    """Return the strategies that whoever asks may see."""
    return readable_strategies(user_id=pk_of(request))


def to_read(request: Request, pk: int) -> Strategy:
    """Return a strategy to be shown. Raises Http404 for whoever may not see it."""
    return get_object_or_404(readable(request), pk=pk)


def to_write(request: Request, pk: int) -> Strategy:
    """Return a strategy to be changed. Raises Http404 for whoever may not see it, PermissionDenied for who only may."""
    strategy = to_read(request, pk)
    if strategy.account.owner_id != pk_of(request):
        raise PermissionDenied("only the owner of the account changes its strategies")
    return strategy


def account_to_write(request: Request, pk: int) -> TradingAccount:
    """Return an account to make a strategy on. Raises InvalidRequest for none, PermissionDenied for a shared one."""
    account = readable_accounts(user_id=pk_of(request)).filter(pk=pk).first()
    if account is None:
        raise InvalidRequest("you have no such account", field="account")
    if account.owner_id != pk_of(request):
        raise PermissionDenied("only the owner of the account makes strategies on it")
    return account


def taken(body: type[Body], request: Request) -> Mapping[str, Any]:
    """Return the values of a request's body. Raises ValidationError."""
    form = body(data=request.data)
    form.is_valid(raise_exception=True)
    values: Mapping[str, Any] = form.validated_data
    return values


def asked(parameters: type[Body], request: Request) -> Mapping[str, Any]:
    """Return the query parameters but for those of pages. Raises ValidationError, for empty ones, too."""
    given = {name: value for name, value in request.query_params.items() if name not in _PAGING}
    if empty := [name for name, value in given.items() if value == ""]:
        raise ValidationError(dict.fromkeys(empty, "this parameter is empty"))
    form = parameters(data=given)
    form.is_valid(raise_exception=True)
    values: Mapping[str, Any] = form.validated_data
    return values


def idempotency_key(request: Request) -> str:
    """Return the key that a client gave a change, empty where there is none. Raises InvalidRequest."""
    key = request.headers.get("Idempotency-Key", "")
    if key and not _KEY.fullmatch(key):
        raise InvalidRequest("1 to 64 letters, digits, `_ . : -`", field="Idempotency-Key")
    return key
