"""One small tree of errors that says who must act, and its rendering as problem+json (RFC 9457)."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from http import HTTPStatus
from typing import Any

import redis
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django_ratelimit.exceptions import Ratelimited
from rest_framework.exceptions import ErrorDetail, NotFound, Throttled, ValidationError
from rest_framework.exceptions import PermissionDenied as APIPermissionDenied
from rest_framework.response import Response
from rest_framework.views import exception_handler

from tradingviz.core import json
from tradingviz.core.database import renew_pool, took_too_long
from tradingviz.core.rest import WireRenderer

logger = logging.getLogger(__name__)

Json = dict[str, Any]
PROBLEM_TYPE = "application/problem+json"
# django-ratelimit does not say when its window ends; none of ours is longer than this.
GUESSING_WINDOW_S = 60
# Some of DRF's messages repeat what was sent.
LONGEST_MESSAGE = 500
TOO_LONG = "this takes the database too long: ask for less at a time"


class TradingvizError(Exception):
    """Root of our errors."""


class InvalidRequest(TradingvizError):
    """The caller must change the request: `field` names the parameter, `valid` the values it takes."""

    def __init__(self, detail: str, *, field: str = "", valid: list[str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.valid = valid or []


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Say of what is wrong with a part of a request where that part is: `legs.0` before its field."""
    try:
        yield
    except InvalidRequest as error:
        error.field = ".".join(part for part in (place, error.field) if part)
        raise


class NotAvailable(TradingvizError):
    """The caller may try again later: a part we need (Redis, database, ingest) does not answer."""


def problem(status: int, detail: str, errors: list[Json] | None = None) -> Json:
    """Return the body of a problem: `type title status detail errors`."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "errors": errors or []}


def problem_response(error: Exception, context: Json) -> Response | None:
    """Turn any exception of a view into a problem; None lets Django log it and answer 500."""
    if isinstance(error, InvalidRequest):
        entry: Json = {"field": error.field, "message": error.detail, "valid": error.valid}
        response = Response(problem(400, error.detail, [entry]), status=400)
    elif isinstance(error, NotAvailable):
        response = Response(problem(503, str(error)), status=503)
    elif isinstance(error, redis.RedisError | OperationalError):
        response = Response(_unavailable(error), status=503)
    else:
        if isinstance(error, Ratelimited):
            error = Throttled(wait=GUESSING_WINDOW_S)
        handled = exception_handler(error, context)
        if handled is None:
            return None
        handled.data = _problem_of(error, handled.status_code)
        response = handled
    response.content_type = PROBLEM_TYPE
    if request := context.get("request"):  # a page's own renderer would write plain text
        request.accepted_renderer, request.accepted_media_type = WireRenderer(), WireRenderer.media_type
    return response


def _unavailable(error: Exception) -> Json:
    """Log why a server did not do what was asked, and return what may be told: its own words may name hosts."""
    if took_too_long(error):
        logger.warning("a statement ran into the limit", exc_info=error)
        return problem(503, TOO_LONG)
    logger.error("a server does not answer", exc_info=error)
    if isinstance(error, redis.RedisError):
        return problem(503, "Redis does not answer")
    renew_pool()
    return problem(503, "the database does not answer")


class UnavailableMiddleware:
    """Do for other views (admin, documents) what `problem_response` does for those of the API: 503, not 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer where a server does not; None leaves the error to Django."""
        if not isinstance(error, redis.RedisError | OperationalError):
            return None
        return HttpResponse(json.encode(_unavailable(error)), status=503, content_type=PROBLEM_TYPE)


def _problem_of(error: Exception, status: int) -> Json:
    """Render DRF's and Django's own exceptions."""
    if isinstance(error, Http404):
        error = NotFound()
    elif isinstance(error, PermissionDenied):
        error = APIPermissionDenied()
    if isinstance(error, ValidationError):
        return problem(status, "some parameters are not valid", _field_errors(error.detail))
    detail = getattr(error, "detail", error)
    # simplejwt puts its sentence into a dict, beside codes.
    return problem(status, str(detail.get("detail", "") if isinstance(detail, dict) else detail))


def problem_page(status: int) -> Callable[..., HttpResponse]:
    """Return a view for one of Django's own errors (handler404 and so on), which no API view has seen."""

    def answer(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        body = json.encode(problem(status, HTTPStatus(status).description or HTTPStatus(status).phrase))
        return HttpResponse(body, status=status, content_type=PROBLEM_TYPE)

    return answer


def read_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return a view that answers GET and HEAD, and a problem to all else."""
    refuse = problem_page(405)

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        refusal = refuse(request)
        refusal["Allow"] = "GET, HEAD"
        return refusal

    return answer


def _field_errors(detail: Any, field: str = "") -> list[Json]:
    """Flatten DRF's nested messages to one entry per message, the field as a dotted path."""
    if isinstance(detail, dict):
        return [entry for key, value in detail.items() for entry in _field_errors(value, _join(field, str(key)))]
    if isinstance(detail, list) and any(not isinstance(item, ErrorDetail) for item in detail):
        return [entry for index, item in enumerate(detail) for entry in _field_errors(item, _join(field, str(index)))]
    messages = detail if isinstance(detail, list) else [detail]
    return [{"field": _sent(field), "message": _sent(str(message))} for message in messages]


def _sent(text: str) -> str:
    """What may hold a part of the request, so that it can be sent back: halves of surrogate pairs have no UTF-8."""
    return text[:LONGEST_MESSAGE].encode(errors="replace").decode()


def _join(parent: str, child: str) -> str:
    return f"{parent}.{child}" if parent else child
