"""Paths of strategies: one list a module."""

from strategies.api import legs, strategies

urlpatterns = [
    *strategies.urlpatterns,
    *legs.urlpatterns,
]
