"""No secret reaches a log line, wherever it stands; what is no secret stays."""

import json
import logging
import string
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingviz.core.logging import JsonFormatter
from tradingviz.core.logging.scrub import MARK, scrub

BASE64URL = string.ascii_letters + string.digits + "-_"
# No part of a secret may be a piece of what surrounds it.
SECRETS = st.text(alphabet=BASE64URL, min_size=12, max_size=60).map(lambda text: f"Zq9{text}")
PARTS = st.text(alphabet=BASE64URL, min_size=12, max_size=60)
JWTS = st.builds("eyJ{}.{}.Zq9{}".format, PARTS, PARTS, PARTS)
API_KEYS = PARTS.map(lambda text: f"tvk_Zq9{text}")
ANY_PASSWORDS = st.text(alphabet=string.printable, min_size=8).map(lambda text: f"Zq9{text}Zq9")
NAMES = st.sampled_from(["token", "ticket", "password", "refresh", "access", "new_password1", "api_key", "Password"])

WHERE: dict[str, Callable[[str], str]] = {
    "alone": lambda secret: secret,
    "in a sentence": lambda secret: f"the user sent {secret}, and went",
    "in a path": lambda secret: f"GET /a/{secret}/b",
    "behind other letters": lambda secret: f"x{secret}",
    "in a repr": lambda secret: repr({"q": secret.encode()}),
    "percent-encoded": lambda secret: f"/login?next=%2Fws%3Ftoken%3D{secret}",
    "a subprotocol": lambda secret: f"['bearer.{secret}']",
}
NAMED: dict[str, Callable[[str, str], str]] = {
    "a query": lambda name, secret: f'"WebSocket /ws/fo/stream?{urlencode({name: secret, "levels": 2})}" [accepted]',
    "a form": lambda name, secret: urlencode({"username": "a", name: secret}),
    "a JSON body": lambda name, secret: json.dumps({"username": "a", name: secret, "b": 1}),
    "JSON in JSON": lambda name, secret: json.dumps({"body": json.dumps({name: secret})}),
    "a repr": lambda name, secret: repr({name: secret}),
    "a repr of bytes": lambda name, secret: repr({name.encode(): secret.encode()}),
    "keywords": lambda name, secret: f"Login({name}={secret!r})",
}
HEADERS: dict[str, Callable[[str], str]] = {
    "a header line": lambda secret: f"GET / HTTP/1.1\r\nAuthorization: Bearer {secret}\r\nHost: a",
    "another scheme": lambda secret: f"authorization: Basic {secret}",
    "header pairs": lambda secret: repr([(b"authorization", f"Token {secret}".encode()), (b"host", b"a")]),
    "cookies": lambda secret: f"Cookie: theme=dark; sessionid={secret}; csrftoken={secret}",
    "set cookies": lambda secret: f"{{'Set-Cookie': 'id={secret}; Path=/'}}",
    "META": lambda secret: repr({"HTTP_COOKIE": f"a={secret}", "HTTP_AUTHORIZATION": secret}),
}
URLS: dict[str, Callable[[str], str]] = {
    "redis": lambda secret: f"Error connecting to redis://:{secret}@127.0.0.1:6379/0.",
    "postgres": lambda secret: f"postgres://user:{secret}@db/name?sslmode=require",
    "conninfo": lambda secret: f"host=db user=u password={secret} dbname=d",
    "twice": lambda secret: f"redis://:{secret}@a:1,redis://:{secret}@b:2",
}


def formatted(message: str = "", *, error: Exception | None = None, **extra: Any) -> str:
    """Return the line of a record; fail where it is not one line of JSON."""
    trace = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger("any").makeRecord("any", logging.INFO, __file__, 1, message, (), trace, extra=extra)
    line = JsonFormatter().format(record)
    assert isinstance(json.loads(line), dict)
    assert "\n" not in line
    return line


def everywhere(text: str) -> str:
    """Return the lines of a text as message, argument, extra at some depths, and exception."""
    try:
        raise ValueError(text)
    except ValueError as error:
        lines = [formatted(error=error)]
    lines += [formatted(text), formatted(said=text), formatted(deep={"a": [{"b": (text, 1)}], text: 2})]
    return "".join([*lines, formatted(any_object=ValueError(text))])


@given(JWTS | API_KEYS, st.sampled_from(sorted(WHERE)))
def test_a_web_token_or_api_key_is_recognised_wherever_it_stands(secret: str, where: str) -> None:
    line = everywhere(WHERE[where](secret))
    assert "Zq9" not in line
    assert MARK in line


@given(NAMES, SECRETS, st.sampled_from(sorted(NAMED)))
def test_a_value_is_recognised_by_its_name(name: str, secret: str, where: str) -> None:
    line = everywhere(NAMED[where](name, secret))
    assert "Zq9" not in line
    assert MARK in line


@given(NAMES, ANY_PASSWORDS, st.sampled_from(["a query", "a form", "a JSON body", "a repr"]))
def test_a_password_may_hold_any_character(name: str, secret: str, where: str) -> None:
    assert "Zq9" not in scrub(NAMED[where](name, secret))


@given(SECRETS, st.sampled_from(sorted(HEADERS)))
def test_headers_that_carry_credentials_lose_their_value(secret: str, where: str) -> None:
    assert "Zq9" not in everywhere(HEADERS[where](secret))


@given(SECRETS | ANY_PASSWORDS.map(lambda text: quote(text, safe="")), st.sampled_from(sorted(URLS)))
def test_addresses_of_servers_lose_their_password(secret: str, where: str) -> None:
    line = everywhere(URLS[where](secret))
    assert "Zq9" not in line
    assert MARK in line


@given(NAMES, st.text() | st.dictionaries(st.text(), st.text()) | st.lists(st.text()))
def test_an_extra_with_a_telling_name_loses_its_value(name: str, value: Any) -> None:
    nested = formatted(**{name: value}, outer={"inner": {name: value}}, pairs=[(name, "Zq9")])
    found = json.loads(nested)
    assert (found[name], found["outer"]["inner"][name], found["pairs"]) == (MARK, MARK, [[name, MARK]])


@pytest.mark.parametrize(
    "value", ["half a pair: \udcff", 2**70, {"deep": 2**70}, {1: {2: b"\xff"}}, {3, 4}, float("nan")]
)
def test_what_has_no_form_in_json_is_logged_all_the_same(value: Any) -> None:
    assert json.loads(formatted(f"said {value}", odd=value))["message"]


def test_arguments_that_do_not_fit_are_logged_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.makeLogRecord({"msg": "%d of %s", "args": ("token=Zq9secret",)})
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    handler.handle(record)
    told = capsys.readouterr()
    assert "%d of %s" in json.loads(told.out)["message"]
    assert "Zq9" not in told.out + told.err


def test_a_password_of_digits_is_a_password() -> None:
    assert json.loads(formatted(body={"password": 12345678, "token": 256265}))["body"] == {
        "password": MARK,
        "token": 256265,  # an instrument's
    }


@pytest.mark.parametrize(
    "text",
    [
        "GET /fo/strike-distribution?underlying=NIFTY&expiry=NWeek%2B0 200",
        "fo_analytics.ingest.service.IngestService took 12 ticks",
        "holes wait: the ticker service at localhost:8080 does not answer /history: timed out",
        "GET http://localhost:8080/history?tokens=256265,260105&from=1",
        "Access-Control-Allow-Origin of https://trade.example.org",
        "keyAssignments they eyed",
        "the access token is older than ten minutes",
        'File "/app/tokens.py", line 12, in access',
        "postgres://db.example.org:5432/name and mail to a@b.c",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert scrub(text) == text


def test_what_surrounds_a_secret_is_left_alone() -> None:
    text = scrub('127.0.0.1 - "GET /ws?token=eyJabcdefgh.def.ghi&levels=2" from redis://:secret@host:1/0')
    assert text == f'127.0.0.1 - "GET /ws?token={MARK}&levels=2" from redis://:{MARK}@host:1/0'


@pytest.mark.parametrize(
    "piece",
    ["eyJ", "eyJa.", "://a:", "://", "password", 'password="', "token='\\", "cookie:", "bearer ", "password: ", "\\"],
)
def test_a_crafted_text_costs_time_only_by_its_length(piece: str) -> None:
    def seconds(length: int) -> float:
        text = "token=" + piece * (length // len(piece))
        began = time.perf_counter()
        scrub(text)
        return time.perf_counter() - began

    fastest = min(seconds(100_000) for _ in range(3))
    assert fastest < 0.5  # a quadratic search takes a minute
