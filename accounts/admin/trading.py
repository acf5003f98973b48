"""Trading accounts in the admin: whose, shared with whom, and what brokers said of them. Times are IST."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import (
    AccountShare,
    Funds,
    Holding,
    Order,
    OrderStatus,
    Position,
    TradingAccount,
)

_OPEN = Q(orders__status__in=(OrderStatus.OPEN, OrderStatus.PARTIAL))


class Looked(admin.ModelAdmin[Any]):
    """What brokers say: to look at only."""

    list_select_related = ("account",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nor changes them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nor removes them."""
        return False


class Shares(admin.TabularInline[AccountShare, TradingAccount]):
    """Who may read an account."""

    model = AccountShare
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(TradingAccount)
class TradingAccountAdmin(admin.ModelAdmin[TradingAccount]):
    """Accounts; their secrets are neither shown nor entered here."""

    list_display = (
        "name", "owner", "broker", "client_code", "feed_code", "is_active", "has_credentials", "open_orders",
    )  # fmt: skip
    list_filter = ("is_active", "broker")
    list_select_related = ("owner",)
    search_fields = ("name", "^owner__username", "=client_code", "=feed_code")
    autocomplete_fields = ("owner",)
    fields = ("owner", "name", "broker", "client_code", "feed_code", "is_active")
    inlines = (Shares,)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let nobody delete one here: what hangs on it is its owner's; staff deactivate it."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[TradingAccount]:
        """Count the open orders along."""
        return super().get_queryset(request).annotate(open_count=Count("orders", filter=_OPEN))

    @admin.display(description="credentials", boolean=True)
    def has_credentials(self, account: TradingAccount) -> bool:
        """Return whether credentials are kept."""
        return bool(account.credentials)

    @admin.display(description="open orders", ordering="open_count")
    def open_orders(self, account: TradingAccount) -> str:
        """Return how many orders are open, and a way to all of them."""
        page = reverse("admin:accounts_order_changelist")
        return format_html('<a href="{}?account__id__exact={}">{}</a>', page, account.pk, vars(account)["open_count"])


@admin.register(Order)
class OrderAdmin(Looked):
    """Orders, the newest first."""

    list_display = (
        "updated_at", "account", "tradingsymbol", "side", "quantity", "price", "filled", "average_price", "status",
        "reason", "order_id",
    )  # fmt: skip
    list_filter = ("status", "side", "product", "account__broker", "updated_at")
    search_fields = ("=order_id", "^tradingsymbol", "account__name")
    date_hierarchy = "updated_at"


@admin.register(Position)
class PositionAdmin(Looked):
    """Positions by day."""

    list_display = (
        "date", "account", "tradingsymbol", "product", "overnight_quantity", "bought", "sold", "overnight_given",
    )  # fmt: skip
    list_filter = ("product", "overnight_given", "date")
    search_fields = ("^tradingsymbol", "account__name")
    date_hierarchy = "date"


@admin.register(Holding)
class HoldingAdmin(Looked):
    """Holdings."""

    list_display = ("account", "exchange", "tradingsymbol", "quantity", "average_price", "as_of")
    list_filter = ("exchange",)
    search_fields = ("^tradingsymbol", "account__name")


@admin.register(Funds)
class FundsAdmin(Looked):
    """Funds."""

    list_display = ("account", "cash", "collateral", "used_margin", "available", "as_of")
    search_fields = ("account__name",)
