"""Paths of accounts."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from accounts.admin_login import admin_login
from accounts.api.keys import ApiKeyViewSet
from accounts.api.postback import PostbackView
from accounts.api.trading import AccessViewSet, AccountViewSet
from accounts.api.views import LogoutView, RefreshView, TicketView, TokenView

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("auth/api-keys", ApiKeyViewSet, basename="api-key")
router.register("accounts", AccountViewSet, basename="account")
router.register("accounts", AccessViewSet, basename="account-access")
urlpatterns = [
    path("auth/token", TokenView.as_view(), name="token"),
    path("auth/token/refresh", RefreshView.as_view(), name="token-refresh"),
    path("auth/ws-ticket", TicketView.as_view(), name="ws-ticket"),
    path("auth/logout", LogoutView.as_view(), name="logout"),
    path("accounts/<int:pk>/postback", PostbackView.as_view(), name="account-postback"),
    # Before the admin's own.
    path("admin/login/", admin_login, name="admin-login"),
    *router.urls,
]
