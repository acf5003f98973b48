"""`/asyncapi.json`: every frame of the sockets in machine form."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.channel_shapes import CHANNELS as OF_ACCOUNTS
from fo_analytics.channel_shapes import CHANNELS as OF_THE_MARKET
from strategies.channel_shapes import CHANNELS as OF_STRATEGIES
from streaming.asyncapi import describe
from tradingviz import __version__
from tradingviz.core.json import encode

CHANNELS = OF_THE_MARKET | OF_ACCOUNTS | OF_STRATEGIES


@require_safe
def asyncapi(request: HttpRequest) -> HttpResponse:
    """Return the AsyncAPI document of the server that was asked."""
    document = describe(CHANNELS, version=__version__, host=request.get_host(), secure=request.is_secure())
    return HttpResponse(encode(document), content_type="application/json")
