"""Paths of strategies."""

from strategies.api import analysis

urlpatterns = [
    *analysis.urlpatterns,
]
