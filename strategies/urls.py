"""Paths of strategies."""

from rest_framework.routers import SimpleRouter

from strategies.api.marks import M2MViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("strategies", M2MViewSet, basename="strategy-m2m")
urlpatterns = [*router.urls]
