"""Paths of accounts."""

from django.urls import path

from accounts.api.views import RefreshView, TicketView, TokenView

urlpatterns = [
    path("auth/token", TokenView.as_view(), name="token"),
    path("auth/token/refresh", RefreshView.as_view(), name="token-refresh"),
    path("auth/ws-ticket", TicketView.as_view(), name="ws-ticket"),
]
