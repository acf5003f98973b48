"""Paths of strategies: one list a module."""

from strategies.api import alerts, analysis, legs, marks, positions, strategies, templates

urlpatterns = [
    *strategies.urlpatterns,
    *legs.urlpatterns,
    *alerts.urlpatterns,
    *templates.urlpatterns,
    *positions.urlpatterns,
    *marks.urlpatterns,
    *analysis.urlpatterns,
]
