"""Headers of every kind of answer; what they do to a browser is in test_browser.py."""

import re

import pytest
from rest_framework.test import APIClient

from tradingviz.core.headers import API_HEADERS

API = "default-src 'none'; frame-ancestors 'none'"
ANSWERS = ("/health/live", "/metrics", "/openapi.json", "/asyncapi.json", "/nothing", "/fo/expiries", "/docs?script=")
PAGES = ("/docs", "/redoc", "/admin/login/")
STYLE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css"


@pytest.mark.parametrize("path", [*ANSWERS, *PAGES, STYLE])
def test_every_answer_has_the_headers_that_all_share(db: None, path: str) -> None:
    headers = APIClient().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ANSWERS)
def test_an_answer_to_a_program_may_load_nothing(db: None, path: str) -> None:
    assert APIClient().get(path).headers["Content-Security-Policy"] == API


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_run_scripts_of_our_own_files_only_and_holds_no_other(db: None, path: str) -> None:
    answer = APIClient().get(path)
    assert re.search(r"script-src ([^;]*)", answer.headers["Content-Security-Policy"])[1] == "'self'"  # type: ignore[index]
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", answer.content.decode(), flags=re.DOTALL)
    assert scripts
    assert [text for attributes, text in scripts if text.strip()] == []
    assert all(re.search(r'src="/', attributes) for attributes, _ in scripts)


def test_an_unchanged_page_keeps_the_policy_it_came_with(db: None) -> None:
    client = APIClient()
    tag = client.get("/docs").headers["ETag"]
    again = client.get("/docs", HTTP_IF_NONE_MATCH=tag)
    assert again.status_code == 304
    assert "Content-Security-Policy" not in again.headers


def test_an_answer_that_django_never_sees_can_have_the_same_headers(db: None) -> None:
    headers = APIClient().get("/health/live").headers
    assert {name.decode(): value.decode() for name, value in API_HEADERS}.items() <= {
        name.lower(): value for name, value in headers.items()
    }.items()
