"""All paths. No prefix, no trailing slash."""

from typing import Any

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView, SpectacularSwaggerSplitView

from tradingviz.asyncapi import asyncapi
from tradingviz.core.errors import problem_page
from tradingviz.health import health, live, metrics, ready
from tradingviz.openapi import Described

admin.site.site_header = admin.site.site_title = "tradingviz"
admin.site.index_title = "Administration"

# OPTIONS would be answered with a description of the view, for which a page has no template.
PAGE: dict[str, Any] = {"metadata_class": None}

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("fo_analytics.urls")),
    path("", include("strategies.urls")),
    path("health", health, name="health"),
    path("health/live", live, name="health-live"),
    path("health/ready", ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path("openapi.json", SpectacularJSONAPIView.as_view(generator_class=Described, **PAGE), name="openapi"),
    path("asyncapi.json", asyncapi, name="asyncapi"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="openapi", **PAGE), name="docs"),
    path("redoc", SpectacularRedocView.as_view(url_name="openapi", template_name="redoc.html", **PAGE), name="redoc"),
    path("admin/", admin.site.urls),
]

# Whatever no API view answers; DEBUG shows Django's own pages instead.
handler400, handler403, handler404, handler500 = (problem_page(status) for status in (400, 403, 404, 500))
