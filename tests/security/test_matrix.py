"""Who may ask what: every path and every channel there is, by everybody there is, and exactly one limiter in front.

The lists come from the application itself; the tables of rules are here. What has no rule fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

import httpx
import pytest
from channels.db import database_sync_to_async
from pytest_django.fixtures import Settings

from accounts.gate.rules import route_of, rule_for
from accounts.principal import ACCOUNTS, MARKET, SCOPES, STRATEGIES
from streaming import topics
from tests.rig.asgi import asking
from tests.security.people import People
from tests.security.routes import METHODS, path_of, routes
from tests.security.sockets import Knock, ask_socket

Outcome = int | str
IN, LOGIN = "in", "login"
PEOPLE = ("stranger", "teammate", "owner", "staff")
KEYS = tuple(f"key for {scope}" for scope in SCOPES)
SESSIONS = ("session of owner", "session of staff")
ROLES = ("anonymous", *PEOPLE, *KEYS, *SESSIONS)


class Rule(Enum):
    """Who comes in, with tokens and keys if nothing else is said."""

    OPEN = "everybody"
    MARKET = "everybody signed in, keys for the market"
    PERSON = "everybody signed in, no key"
    OWNER = "whose it is, no key; to others it is not there"
    STAFF = "staff, by a session"
    SIGNED = "nobody whose request is not signed"
    ACCOUNTS = "everybody signed in, keys for accounts"
    ACCOUNT = "whose it is; whom it is shared with may read; keys for accounts; to others it is not there"
    STRATEGIES = "everybody signed in, keys for strategies"
    POSITIONS = "everybody signed in, keys for both strategies and accounts"
    STRATEGY = "as ACCOUNT, keys for strategies"
    ASKED = "as STRATEGY; whom it is shared with may ask by any method"
    ACCOUNT_OWNER = "whose it is, no key; not whom it is shared with; to others it is not there"


# For which scope a key has to be.
SCOPE = dict.fromkeys((Rule.STRATEGIES, Rule.STRATEGY, Rule.ASKED), STRATEGIES) | {
    Rule.MARKET: MARKET, Rule.ACCOUNTS: ACCOUNTS, Rule.ACCOUNT: ACCOUNTS,
}  # fmt: skip
# Something of the owner's that is shared with the teammate; `shared_parts` makes one for every question.
READABLE = (Rule.ACCOUNT, Rule.STRATEGY, Rule.ASKED)
SHARED = (*READABLE, Rule.ACCOUNT_OWNER)
READS = ("GET", "HEAD")
SAFE = (*READS, "OPTIONS")


QUESTIONS = (
    "depth", "expiries", "exposure", "indicators", "instruments", "metrics-series", "moneyness-series", "oi-change",
    "smile", "snapshot", "straddle-series", "strike-distribution", "strike-history", "surface", "term-structure",
    "underlyings",
)  # fmt: skip
IN_ACCOUNTS = ("orders", "positions", "holdings", "funds", "snapshots")
OPERATION = ("health", "health/live", "health/ready", "metrics", "openapi.json", "asyncapi.json", "docs", "redoc")
RULES = {
    "/auth/token": Rule.OPEN,
    "/auth/token/refresh": Rule.OPEN,
    "/auth/ws-ticket": Rule.MARKET,
    "/auth/logout": Rule.PERSON,
    "/auth/api-keys": Rule.PERSON,
    "/auth/api-keys/<str:prefix>": Rule.OWNER,
    "/admin/login/": Rule.OPEN,
    "/admin/logout/": Rule.OPEN,
    "/accounts": Rule.ACCOUNTS,
    "/accounts/<int:pk>": Rule.ACCOUNT,
    **{f"/accounts/<int:pk>/{name}": Rule.ACCOUNT for name in IN_ACCOUNTS},
    "/accounts/<int:pk>/shares": Rule.ACCOUNT_OWNER,
    "/accounts/<int:pk>/shares/<str:username>": Rule.ACCOUNT_OWNER,
    "/accounts/<int:pk>/postback-secret": Rule.ACCOUNT_OWNER,
    "/accounts/<int:pk>/postback": Rule.SIGNED,
    **{f"/fo/{name}": Rule.MARKET for name in QUESTIONS},
    **{f"/{name}": Rule.OPEN for name in OPERATION},
    "/strategies": Rule.STRATEGIES,
    **{f"/strategies/{name}": Rule.STRATEGIES for name in ("from-template", "payoff", "scenario")},
    "/strategies/from-positions": Rule.POSITIONS,
    "/strategies/<int:pk>": Rule.STRATEGY,
    "/strategies/<int:pk>/instruments": Rule.STRATEGY,
    **{f"/strategies/<int:pk>/instruments/<int:leg>{tail}": Rule.STRATEGY for tail in ("", "/entries", "/exits")},
    **{f"/strategies/<int:pk>/alerts{tail}": Rule.STRATEGY for tail in ("", "/<int:alert>", "/<int:alert>/rearm")},
    **{f"/strategies/<int:pk>/{name}": Rule.ASKED for name in ("payoff", "scenario")},
    **{f"/strategies/<int:pk>/{name}": Rule.STRATEGY for name in ("greeks", "statistics", "m2m", "m2m/timeseries")},
}
CHANNELS = dict.fromkeys(("chain", "metrics", "underlying", "bars"), MARKET) | {"orders": ACCOUNTS, "m2m": STRATEGIES}
# Paths of sockets that open with a subscription, by its channel; the last of all refuses what there is not.
SOCKETS = {"ws/orders/<int:account>": "orders", "ws/strategies/<int:strategy>/m2m": "m2m"}
GUESSED = ("/auth/token", "/auth/token/refresh", "/admin/login/", "/accounts/<int:pk>/postback")
GUESSES = 10
pytestmark = pytest.mark.django_db


def rule_of(route: str) -> Rule | None:
    """Return the rule of a route; of the admin's there is one for all."""
    return RULES.get(route, Rule.STAFF if route.startswith("/admin/") else None)


def expected(rule: Rule, role: str, method: str) -> Outcome:
    """Return what becomes of a request."""
    if rule is Rule.OPEN:
        return IN
    if rule is Rule.SIGNED:
        return 401 if method == "POST" else IN
    if rule is Rule.STAFF:
        return IN if role == "session of staff" else LOGIN
    if role == "anonymous" or role in SESSIONS:
        return 401
    if role in KEYS and role != f"key for {SCOPE.get(rule)}":
        return 403
    if rule in SHARED and role in ("stranger", "staff"):
        return 404
    if rule in SHARED and role == "teammate":
        return IN if rule is Rule.ASKED or (rule in READABLE and method in READS) else 403
    return 404 if rule is Rule.OWNER and role != "owner" and method == "DELETE" else IN


def outcome(rule: Rule, answer: httpx.Response) -> Outcome:
    """Return what became of one; that there is no such thing is a way of being let in, where nobody owns it."""
    if answer.headers.get("location", "").startswith("/admin/login/"):
        return LOGIN
    barred: dict[int, Outcome] = {401: 401, 403: 403}
    if rule is Rule.OWNER or rule in SHARED:
        barred[404] = 404
    if rule in (Rule.STAFF, Rule.OPEN, Rule.SIGNED):  # staff may not make all things; a form may come from elsewhere
        barred = {401: 401}
    if rule in (Rule.STRATEGIES, Rule.ASKED):  # let in, there was no market to ask
        barred[503] = IN
    return barred.get(answer.status_code, answer.status_code if answer.status_code >= 500 else IN)


def credentials(role: str, people: People) -> dict[str, str]:
    """Return the headers of somebody."""
    if role in PEOPLE:
        return {"Authorization": f"Bearer {people[role].token}"}
    if role in KEYS:
        return {"Authorization": f"Bearer {people['owner'].key(role.removeprefix('key for '))}"}
    if role in SESSIONS:
        return {"Cookie": f"sessionid={people[role.removeprefix('session of ')].session()}"}
    return {}


def shared_parts(people: People, rule: Rule) -> dict[str, str]:
    """Return the parts of a path of something new that is the owner's, and the teammate's to read."""
    owner, teammate = people["owner"], people["teammate"]
    if rule in (Rule.STRATEGY, Rule.ASKED):
        return owner.strategy(teammate)
    return {"pk": str(owner.account(teammate).pk), "username": "teammate"}


def questions(role: str = "anonymous") -> Iterator[tuple[str, str]]:
    """Return every route with every method, for some with the usual ones; the admin's, which are alike, with GET."""
    usual = METHODS if role in ("anonymous", "owner") else ("GET", "POST", "DELETE")
    for route in routes():
        for method in ("GET",) if rule_of(route) is Rule.STAFF else usual:
            yield route, method


def json_for(method: str) -> dict[str, str] | None:
    """Return an empty body for a method that has one."""
    return {} if method in ("POST", "PUT", "PATCH") else None


@pytest.fixture
def unlimited(settings: Settings) -> None:
    """The gate counts, and lets everybody through."""
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000
    settings.RATE_LIMIT_ROUTES = {}


def test_every_path_has_a_rule_and_every_rule_a_path() -> None:
    assert [route for route in routes() if rule_of(route) is None] == []
    assert set(RULES) <= set(routes())


def test_every_socket_and_every_channel_has_a_rule_and_every_rule_a_channel() -> None:
    from tradingviz.asgi import websocket_urlpatterns

    assert [str(entry.pattern) for entry in websocket_urlpatterns] == [*SOCKETS, "ws/fo/stream", ""]
    assert set(SOCKETS.values()) <= set(CHANNELS)
    # Tests of the transport offer channels of numbers.
    offered = {name: scope for name, (_, scope) in topics._handlers.items() if scope not in ("numbers", "letters")}
    assert offered == CHANNELS


@dataclass(slots=True)
class Things:
    """What is asked about, made anew as soon as somebody who was let in may have changed it."""

    people: People
    made: dict[Rule, dict[str, str]] = field(default_factory=dict)

    def parts(self, rule: Rule) -> dict[str, str]:
        """Return the parts of a path of something that is there."""
        if rule not in self.made:
            self.made[rule] = self._new(rule)
        return self.made[rule]

    def may_have_changed(self, rule: Rule) -> None:
        """Have something new made for the next question."""
        self.made.pop(rule, None)

    def _new(self, rule: Rule) -> dict[str, str]:
        if rule is Rule.OWNER:
            return {"prefix": self.people["owner"].key(MARKET)[4:12]}
        return shared_parts(self.people, rule) if rule in SHARED else {}


@pytest.mark.parametrize("role", ROLES)
async def test_everybody_gets_where_the_rules_say_and_no_further(people: People, unlimited: None, role: str) -> None:
    headers = await database_sync_to_async(credentials)(role, people)
    wrong, things = {}, Things(people)
    async with asking(address=f"192.0.2.{ROLES.index(role)}") as client:
        for route, method in questions(role):
            rule = rule_of(route)
            assert rule
            parts = things.made.get(rule) or await database_sync_to_async(things.parts)(rule)
            answer = await client.request(method, path_of(route, **parts), json=json_for(method), headers=headers)
            found = outcome(rule, answer)
            # What nobody may do there is refused as such to whoever may use the path at all.
            if found != expected(rule, role, method) and not (rule in SHARED and answer.status_code == 405):
                wrong[method, route] = found
            if method not in SAFE and answer.status_code < 300:
                things.may_have_changed(rule)
    assert wrong == {}


@pytest.mark.parametrize("role", ["anonymous", *PEOPLE, *KEYS])
async def test_a_channel_is_open_to_whom_its_scope_was_given(people: People, unlimited: None, role: str) -> None:
    headers = await database_sync_to_async(credentials)(role, people)
    knock = Knock(headers=[(name.lower().encode(), value.encode()) for name, value in headers.items()])
    for channel, scope in CHANNELS.items():
        told = await ask_socket(knock, {"op": "subscribe", "id": 1, "channel": channel})
        if role == "anonymous":
            assert (told.error, told.closed) == ("unauthenticated", 4401)
        elif role in KEYS and role != f"key for {scope}":
            assert (told.error, told.closed) == ("forbidden", None)
        else:
            assert (told.error, told.closed) == ("invalid_parameter", None)  # no underlying was named


def test_scopes_are_those_of_the_table() -> None:
    assert set(SCOPES) == {MARKET, STRATEGIES, ACCOUNTS}


# ---------------------------------------------------------------- limiters


def counted_by_gate(answer: httpx.Response) -> bool:
    """Return whether the gate counted a request."""
    return "ratelimit-limit" in answer.headers


async def test_every_path_has_one_limiter_by_every_method(people: People, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    settings.RATE_LIMIT_ROUTES = {}
    wrong = {}
    for number, (route, method) in enumerate(questions()):
        guessed = route in GUESSED and method == "POST"
        most = GUESSES if guessed else 1
        async with asking(address=f"10.0.{number // 250}.{number % 250}") as client:
            ask = partial(client.request, method, path_of(route), json=json_for(method))
            answers = [await ask() for _ in range(2 * most + 1)]  # the minute may end once
        stopped = 429 in {answer.status_code for answer in answers}
        if not stopped or {counted_by_gate(answer) for answer in answers} != {not guessed}:
            wrong[method, route] = [answer.status_code for answer in answers]
    assert wrong == {}


async def test_no_path_the_gate_counts_has_a_second_limiter_behind(people: People, unlimited: None) -> None:
    stopped = []
    async with asking() as client:
        for route in routes():
            if route in GUESSED or rule_of(route) is Rule.STAFF:
                continue
            statuses = {(await client.post(path_of(route), json={})).status_code for _ in range(GUESSES + 1)}
            stopped += [route] if 429 in statuses else []
    assert stopped == []


def test_the_settings_name_the_paths_where_views_count(settings: Settings) -> None:
    assert set(settings.GUESSING_LIMITED) == set(GUESSED)
    for route in routes():
        assert route_of(path_of(route)) == route or rule_of(route) is Rule.STAFF
        assert (rule_for(route, "POST", None) is None) == (route in GUESSED)
