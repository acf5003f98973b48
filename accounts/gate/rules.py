"""Which limit a path has. Exactly one: a quota of the gate, or a guessing limit of its view."""

from functools import lru_cache

from django.conf import settings
from django.urls import Resolver404, resolve

from accounts.gate.quota import Rule
from accounts.principal import Principal
from tradingviz.core.metrics import UNMATCHED

DEFAULT_BUCKET = "all"
SOCKET_BUCKET = "socket"
# Browsers ask before their requests, many of an office from one address; what is answered is remembered by them.
PREFLIGHT_BUCKET, PREFLIGHTS_PER_MINUTE = "preflight", 600
UNNAMED_SOCKETS = 10
# How passwords and refresh tokens are presented.
GUESSED = "POST"
# Longer ones are looked up anew each time: anybody can ask for any path, and they would be kept.
LONGEST_KEPT_PATH = 200


def route_of(path: str) -> str:
    """Return the route a path belongs to (`/strategies/<int:pk>`), `unmatched` where there is none."""
    return _kept_route(path) if len(path) <= LONGEST_KEPT_PATH else _route_of(path)


def _route_of(path: str) -> str:
    if path.startswith(f"{settings.STATIC_URL}"):
        return f"{settings.STATIC_URL}*"
    try:
        return f"/{resolve(path).route}"
    except Resolver404:
        return UNMATCHED


_kept_route = lru_cache(maxsize=4_096)(_route_of)


def rule_for(route: str, method: str, principal: Principal | None) -> Rule | None:
    """Return the quota of a route for somebody; None where a guessing limit stands in its view, which counts POSTs.

    A route with a limit of its own has a window of its own, all others share one. The tier multiplies either.
    """
    if method == GUESSED and route in settings.GUESSING_LIMITED:
        return None
    factor = settings.RATE_LIMIT_TIERS[principal.tier] if principal else 1
    for pattern, limit in settings.RATE_LIMIT_ROUTES.items():
        if route == pattern or (pattern.endswith("*") and route.startswith(pattern[:-1])):
            return Rule(pattern, limit * factor)
    return Rule(DEFAULT_BUCKET, settings.RATE_LIMIT_PER_MINUTE * factor)


def stray_rule() -> Rule:
    """Return how often an address may mean another host: what anybody may ask."""
    return Rule(DEFAULT_BUCKET, settings.RATE_LIMIT_PER_MINUTE)


def preflight_rule() -> Rule:
    """Return how often browsers of an address may ask before their requests."""
    return Rule(PREFLIGHT_BUCKET, PREFLIGHTS_PER_MINUTE)


def socket_rule(principal: Principal | None) -> Rule:
    """Return how many sockets somebody may open a minute."""
    factor = settings.RATE_LIMIT_TIERS[principal.tier] if principal else 1
    return Rule(SOCKET_BUCKET, settings.RATE_LIMIT_PER_MINUTE * factor)


def most_sockets(principal: Principal | None) -> int:
    """Return how many sockets somebody may have open in a process: as many as may be opened in a minute.

    An address may have more of those that say later who they are: behind it may be many.
    """
    limit = socket_rule(principal).limit
    return limit if principal else limit * UNNAMED_SOCKETS
