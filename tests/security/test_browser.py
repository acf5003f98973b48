"""The pages for people work in a real browser under their Content-Security-Policy, and it does forbid things."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from tests.integration.serving import Web, serving
from tests.rig.browser import Tab, chromium

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium (apt-get install chromium)")


@pytest.fixture
def web(server_environment: dict[str, str], tmp_path: Path) -> Iterator[Web]:
    """A server."""
    with serving("uvicorn", server_environment, tmp_path / "web.log") as found:
        yield found


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    """A browser's tab."""
    assert PROGRAM is not None
    with chromium(PROGRAM, tmp_path / "profile") as found:
        yield found


def test_pages_work_without_a_complaint_and_run_no_foreign_script(web: Web, tab: Tab) -> None:
    base = f"http://127.0.0.1:{web.port}"
    client = Client()
    staff = User.objects.create_superuser("staff", password="a-password-of-tests")
    client.force_login(staff)
    pages = {
        "/docs": ".opblock",
        "/redoc": "[data-section-id]",
        "/admin/login/": "#login-form",
    }
    signed_in = {
        "/admin/": "#user-tools",
        "/admin/fo_analytics/tradingsession/": "#changelist",
        "/admin/fo_analytics/tradingsession/add/": ".vDateField ~ .datetimeshortcuts",  # made by a script
    }
    for path, shows in pages.items():
        tab.open(base + path, shows)
        # ReDoc's maker has his logo fetched from his own host by everybody who reads: not here.
        assert [text for text in tab.complaints if "redoc.ly/redoc/logo-mini.svg" not in text] == [], path
    tab.set_cookie(base, "sessionid", client.cookies["sessionid"].value)
    for path, shows in signed_in.items():
        tab.open(base + path, shows)
        assert tab.complaints == [], path
    for path, shows in (pages | signed_in).items():
        if path == "/admin/login/":  # who is signed in is sent on
            continue
        tab.open(base + path, shows)
        tab.value("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
        assert tab.value("window.ran") is None, path
        assert any("Content Security Policy" in text for text in tab.complaints), path
