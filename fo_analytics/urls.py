"""Paths of fo_analytics."""

from rest_framework.routers import SimpleRouter

from fo_analytics.api.views import FoViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("fo", FoViewSet, basename="fo")
urlpatterns = router.urls
