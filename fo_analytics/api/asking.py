"""What every question to `/fo/*` shares: checked parameters, documented problems, one way to answer."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.keeping import Timing, kept, ttl
from fo_analytics.domain.calendar import from_ms, ist_date
from tradingviz.core import json
from tradingviz.core.shapes import GATE_PROBLEMS, problems

PROBLEMS = GATE_PROBLEMS | problems(
    {
        400: "a parameter is not valid; `errors` names it",
        401: "no valid token",
        403: "an API key without the scope `market`",
        503: "nothing is known of the underlying yet, or a server does not answer",
    }
)


@cache
def _form(shape: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the one instance that checks all requests of a shape: making its fields takes longer than the check."""
    return shape()


def validated(shape: type[serializers.Serializer[Any]], request: Request) -> Mapping[str, Any]:
    """Return the query parameters; raises a 400 that names those that are wrong, empty or unknown."""
    form, asked = _form(shape), request.query_params
    unknown = sorted(set(asked) - set(form.fields))
    if unknown:
        raise serializers.ValidationError({name: ["unknown parameter"] for name in unknown})
    # DRF takes an empty one for one that is not there.
    if empty := [name for name, given in asked.lists() if "" in given]:
        raise serializers.ValidationError({name: ["this parameter is empty"] for name in empty})
    values: Mapping[str, Any] = form.run_validation(asked)
    return values


# Longer than any closure, and than a session is from the next on average.
_LONGEST_CLOSURE = timedelta(days=10)
_A_SESSION = timedelta(days=2)


def days_behind(at: int | None, *, sessions: int = 0) -> tuple[date, date] | None:
    """Return the days that an answer as of an instant (ms UTC) is made of, None for what is live.

    They hold the session of that instant and the one before it; with `sessions` so many more.
    """
    if at is None:
        return None
    day = ist_date(from_ms(at))
    return day - _LONGEST_CLOSURE - _A_SESSION * sessions, day


class Questions:
    """A group of actions of the viewset."""

    def answer(
        self,
        request: Request,
        asked: Mapping[str, Any],
        load: Callable[[], Mapping[str, Any]],
        *,
        timeframe: str = "1m",
        days: tuple[date, date] | None = None,
    ) -> Response:
        """Return what `load` makes of a request, kept for the next one who asks the same of the same market.

        `asked` are its validated parameters, all that `load` depends on but the market. `days`: the stored days it is
        made of, first and last; None: what is live. `timeframe` tells how long it may be kept.
        """
        timing = Timing()
        body = kept(
            path=request.path,
            asked=asked,
            load=lambda: json.encode(timing.loaded(load)),
            seconds=ttl(timeframe),
            days=days,
        )
        # Django would take MD5: that is several times as slow.
        tag = f'"{sha256(body).hexdigest()[:32]}"'
        headers = {"Cache-Control": "private, no-cache", "ETag": tag, "Server-Timing": timing.header()}
        return Response(body, headers=headers)
