"""The application as its entry point has it, with limited statements and pages that ask PostgreSQL to wait."""

from tradingviz.asgi import application as application  # loads the apps that the others need

# isort: split
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tradingviz.core.database import limit_statements
from tradingviz.urls import urlpatterns

limit_statements()


def wait(seconds: str) -> str:
    """Let PostgreSQL wait, and tell its limit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s), current_setting('statement_timeout')", [float(seconds)])
        return str(cursor.fetchone()[1])


def page(request: HttpRequest) -> HttpResponse:
    """A view of Django's own kind, as the admin's."""
    return HttpResponse(wait(request.GET["seconds"]))


@api_view(["GET"])
@permission_classes([AllowAny])
def api(request: Request) -> Response:
    """A view of the API."""
    return Response(wait(request.query_params["seconds"]))


urlpatterns += [path("tests/page", page), path("tests/api", api)]
