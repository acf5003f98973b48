"""Strategies, legs and alerts in the admin. Times are IST. What was traded is told over the API, and shown here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Func, QuerySet
from django.http import HttpRequest

from fo_analytics.domain.calendar import from_ms
from strategies.admin_worth import Valued
from strategies.models import Alert, Fill, Leg, Strategy
from strategies.selectors.strategies import with_summary
from strategies.services import corporate_actions, staff
from strategies.services.strategies import change_status, delete_strategy, update_strategy
from tradingviz.core.clock import now_ms
from tradingviz.core.errors import InvalidRequest

# Until when a list names what went wrong.
MOST_MESSAGES = 5
LEG_FIELDS = (
    "strategy", "instrument", "side", "lot_size", "open_lots", "settlement_price", "settled_at", "settlement_source",
    "settlement_is_provisional", "settlement_close", "settlement_recorded_at", "physical_delivery", "frozen_at",
    "frozen_reason", "frozen_price", "terms_accepted_until",
)  # fmt: skip


class Shown(admin.TabularInline[Any, Any]):
    """Rows to look at."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor changes them."""
        return False


def fills_text(leg: Leg) -> str:
    """Return all that was traded of a leg."""
    signs = {Fill.Direction.ENTRY: "+", Fill.Direction.EXIT: "-"}
    return ", ".join(
        f"{signs[Fill.Direction(fill.direction)]}{fill.lots} at {fill.price:f}" for fill in leg.fills.all()
    )


def settlement_text(leg: Leg) -> str:
    """Return at what a leg was settled."""
    if leg.settlement_price is None:
        return ""
    words = [f"{leg.settlement_price:f}", f"({leg.settlement_source})"]
    words += ["provisional"] if leg.settlement_is_provisional else []
    words += ["physical delivery"] if leg.physical_delivery else []
    return " ".join(words)


def frozen_text(leg: Leg) -> str:
    """Return why a leg stands still, and at what price."""
    if leg.frozen_at is None:
        return ""
    price = "no price" if leg.frozen_price is None else f"{leg.frozen_price:f}"
    return f"{leg.frozen_reason} ({price})"


class LegInline(Shown):
    """Legs of a strategy, with what was traded of them."""

    model = Leg
    show_change_link = True
    fields = readonly_fields = ("instrument", "side", "lot_size", "open_lots", "fills", "settlement", "frozen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch contracts and fills along."""
        return super().get_queryset(request).select_related("instrument").prefetch_related("fills")

    @admin.display(description="fills")
    def fills(self, leg: Leg) -> str:
        """Return what was traded."""
        return fills_text(leg)

    @admin.display(description="settlement")
    def settlement(self, leg: Leg) -> str:
        """Return at what it was settled."""
        return settlement_text(leg)

    @admin.display(description="frozen")
    def frozen(self, leg: Leg) -> str:
        """Return why it stands still."""
        return frozen_text(leg)


class AlertInline(Shown):
    """Alerts of a strategy."""

    model = Alert
    fields = readonly_fields = ("condition", "threshold", "since", "fired_at", "fired_value")


class FillInline(Shown):
    """What was traded of a leg."""

    model = Fill
    fields = readonly_fields = ("direction", "lots", "price", "at")


class TagFilter(admin.SimpleListFilter):
    """Strategies by tag."""

    title = parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the tags there are."""
        tags = Strategy.objects.order_by().annotate(tag=Func("tags", function="unnest")).values_list("tag", flat=True)
        return [(tag, tag) for tag in sorted(set(tags))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return those that have it."""
        return queryset.filter(tags__contains=[self.value()]) if self.value() else queryset


@admin.register(Strategy)
class StrategyAdmin(Valued, admin.ModelAdmin[Strategy]):
    """Strategies: what is said of them may be changed, their status by an action."""

    list_display = (
        "name",
        "account",
        "owner",
        "status",
        "worth",
        "lately",
        "tags",
        "underlyings",
        "legs_open",
        "outdated_since",
        "updated_at",
    )
    list_filter = ("status", TagFilter, ("account", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("account__owner",)
    search_fields = ("name", "account__name", "account__owner__username")
    show_full_result_count = False
    fields = (
        "name", "description", "tags", "valuation", "account", "status", "worth", "lately", "created_at",
        "updated_at", "paused_at", "closed_at", "outdated_since",
    )  # fmt: skip
    readonly_fields = fields[4:]
    inlines = (LegInline, AlertInline)
    actions = ("activate", "pause", "freeze", "unfreeze", "recompute")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Strategy]:
        """Fetch what the list says of legs along."""
        return with_summary(super().get_queryset(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody makes one for somebody else."""
        return False

    def save_model(self, request: HttpRequest, obj: Strategy, form: Any, change: bool) -> None:
        """Store what was changed; another valuation has the candles made again."""
        update_strategy(strategy_id=obj.pk, **{name: form.cleaned_data[name] for name in form.changed_data})

    def delete_model(self, request: HttpRequest, obj: Strategy) -> None:
        """Remove one, with its candles."""
        delete_strategy(strategy_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Strategy]) -> None:
        """Remove several."""
        for pk in list(queryset.values_list("pk", flat=True)):
            delete_strategy(strategy_id=pk)

    @admin.display(description="owner", ordering="account__owner__username")
    def owner(self, strategy: Strategy) -> str:
        """Return whose it is."""
        return strategy.account.owner.username

    @admin.display(description="underlyings")
    def underlyings(self, strategy: Strategy) -> str:
        """Return what its legs are on."""
        return ", ".join(vars(strategy)["underlyings"])

    @admin.display(description="open legs")
    def legs_open(self, strategy: Strategy) -> str:
        """Return how many of its legs are open."""
        return f"{vars(strategy)['open_legs']} of {vars(strategy)['leg_count']}"

    @admin.action(description="Activate the selected strategies", permissions=["change"])
    def activate(self, request: HttpRequest, chosen: QuerySet[Strategy]) -> None:
        """Put drafts and paused ones to work."""
        self._each(request, chosen, Strategy.Status.ACTIVE)

    @admin.action(description="Pause the selected strategies", permissions=["change"])
    def pause(self, request: HttpRequest, chosen: QuerySet[Strategy]) -> None:
        """Let active ones rest."""
        self._each(request, chosen, Strategy.Status.PAUSED)

    @admin.action(description="Freeze the open legs of the selected strategies", permissions=["change"])
    def freeze(self, request: HttpRequest, chosen: QuerySet[Strategy]) -> None:
        """Let legs stand still at their last prices."""
        done = staff.freeze_strategies(strategy_ids=_keys(chosen), now=from_ms(now_ms()))
        self.message_user(request, f"{done} legs frozen")

    @admin.action(description="Unfreeze the legs of the selected strategies", permissions=["change"])
    def unfreeze(self, request: HttpRequest, chosen: QuerySet[Strategy]) -> None:
        """Let legs go on."""
        done = staff.unfreeze_strategies(strategy_ids=_keys(chosen), now=from_ms(now_ms()))
        self.message_user(request, f"{done} legs go on")

    @admin.action(description="Make the candles of the selected strategies again", permissions=["change"])
    def recompute(self, request: HttpRequest, chosen: QuerySet[Strategy]) -> None:
        """Have all candles made again, in the background."""
        done = staff.remake_candles(strategy_ids=_keys(chosen))
        self.message_user(request, f"the candles of {done} strategies will be made again")

    def _each(self, request: HttpRequest, chosen: QuerySet[Strategy], status: Strategy.Status) -> None:
        """Change the status of each, and say which could not be."""
        done, refused = 0, []
        for pk, name in chosen.values_list("pk", "name"):
            try:
                change_status(strategy_id=pk, status=status, now=from_ms(now_ms()))
                done += 1
            except InvalidRequest as error:
                refused.append(f"{name}: {error.detail}")
        self.message_user(request, f"{done} {status}")
        for problem in refused[:MOST_MESSAGES]:
            self.message_user(request, problem, messages.ERROR)


@admin.register(Leg)
class LegAdmin(admin.ModelAdmin[Leg]):
    """Legs: to look at, to freeze and to let go on."""

    list_display = (
        "instrument",
        "strategy",
        "side",
        "lot_size",
        "open_lots",
        "settled",
        "settled_at",
        "frozen",
        "frozen_at",
    )
    list_filter = ("side", "settlement_source", "settlement_is_provisional", ("frozen_at", admin.EmptyFieldListFilter))
    list_select_related = ("instrument", "strategy")
    search_fields = ("instrument__tradingsymbol", "strategy__name")
    show_full_result_count = False
    fields = readonly_fields = LEG_FIELDS
    inlines = (FillInline,)
    actions = ("freeze", "unfreeze")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Leg | None = None) -> bool:
        """Nor removed, but with what they belong to."""
        match = request.resolver_match
        alone = match is not None and (match.url_name or "").startswith("strategies_leg_")
        return not alone and super().has_delete_permission(request, obj)

    @admin.display(description="settlement", ordering="settlement_price")
    def settled(self, leg: Leg) -> str:
        """Return at what it was settled."""
        return settlement_text(leg)

    @admin.display(description="frozen", ordering="frozen_reason")
    def frozen(self, leg: Leg) -> str:
        """Return why it stands still."""
        return frozen_text(leg)

    @admin.action(description="Freeze the selected legs", permissions=["change"])
    def freeze(self, request: HttpRequest, chosen: QuerySet[Leg]) -> None:
        """Let legs stand still at their last prices."""
        now = from_ms(now_ms())
        done = corporate_actions.freeze_legs(leg_ids=_keys(chosen), at=now, action=staff.BY_HAND)
        self.message_user(request, f"{done} legs frozen")

    @admin.action(description="Unfreeze the selected legs", permissions=["change"])
    def unfreeze(self, request: HttpRequest, chosen: QuerySet[Leg]) -> None:
        """Let legs go on."""
        done = corporate_actions.unfreeze_legs(leg_ids=_keys(chosen), now=from_ms(now_ms()))
        self.message_user(request, f"{done} legs go on")


@admin.register(Alert)
class AlertAdmin(admin.ModelAdmin[Alert]):
    """Alerts: to look at, and to remove."""

    list_display = ("strategy", "condition", "threshold", "since", "fired_at", "fired_value")
    list_filter = ("condition", ("fired_at", admin.EmptyFieldListFilter))
    list_select_related = ("strategy",)
    search_fields = ("strategy__name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        """Nor changes them."""
        return False


def _keys(chosen: QuerySet[Any]) -> list[int]:
    return list(chosen.order_by("pk").values_list("pk", flat=True))
