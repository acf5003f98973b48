"""Headers that keep browsers from helping an attacker. Constant texts: nothing is made per request.

An answer to a program is no document: nothing of it may be run, loaded or framed. Pages get what they need and no more:
scripts only from our own files (`/docs` splits its script off for that), no inline ones anywhere. Swagger UI and ReDoc
write style elements at run time, and ReDoc builds its search index in a worker; the admin needs neither.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

_CSP = "Content-Security-Policy"
_NOTHING_ELSE = "base-uri 'none'; frame-ancestors 'none'"
_PAGE = f"default-src 'none'; script-src 'self'; font-src 'self'; connect-src 'self'; {_NOTHING_ELSE}"

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
ADMIN_POLICY = f"{_PAGE}; style-src 'self'; img-src 'self' data:; form-action 'self'"
DOCS_POLICY = f"{_PAGE}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; form-action 'none'"
DOCS_ROUTES = frozenset({"docs", "redoc"})

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# For answers that Django never sees, as ASGI wants them.
API_HEADERS = tuple((name.lower().encode(), value.encode()) for name, value in {**EVERYWHERE, _CSP: API_POLICY}.items())


class SecurityHeadersMiddleware:
    """Set what an answer has not set itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        response = self.get_response(request)
        for name, value in EVERYWHERE.items():
            response.headers.setdefault(name, value)
        # 304 has no type, and its headers would replace those of the page that the browser keeps.
        if response.status_code != HTTPStatus.NOT_MODIFIED:
            response.headers.setdefault(_CSP, _policy(request, response))
        return response


def _policy(request: HttpRequest, response: HttpResponse) -> str:
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return API_POLICY
    match = request.resolver_match
    return DOCS_POLICY if match and match.route in DOCS_ROUTES else ADMIN_POLICY
