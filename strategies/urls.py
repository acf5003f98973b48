"""Paths of strategies: one list a module."""

from strategies.api import alerts, legs, marks, strategies, templates

urlpatterns = [
    *strategies.urlpatterns,
    *legs.urlpatterns,
    *alerts.urlpatterns,
    *templates.urlpatterns,
    *marks.urlpatterns,
]
