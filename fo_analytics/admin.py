"""What staff see of the market: the master, sessions, coverage."""

from itertools import pairwise
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from fo_analytics.domain.calendar import ist_date
from fo_analytics.models import (
    BarCoverage,
    Instrument,
    MasterImport,
    OfficialClose,
    Repair,
    SessionInterval,
    SupersededTerms,
    TradingSession,
    Underlying,
)
from fo_analytics.selectors.reference import session_horizons
from fo_analytics.services.sessions import session_changed

Model = Any


class ReadOnlyAdmin(admin.ModelAdmin[Model]):
    """Computed rows: to look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nor changes them."""
        return False


@admin.register(Underlying)
class UnderlyingAdmin(admin.ModelAdmin[Underlying]):
    """Underlyings."""

    list_display = ("symbol", "exchange", "is_index")
    list_filter = ("exchange", "is_index")
    search_fields = ("symbol",)


@admin.register(Instrument)
class InstrumentAdmin(admin.ModelAdmin[Instrument]):
    """Contracts."""

    list_display = (
        "tradingsymbol",
        "underlying",
        "kind",
        "expiry",
        "strike",
        "lot_size",
        "tick_size",
        "token",
    )
    list_filter = ("underlying", "kind", "expiry")
    list_select_related = ("underlying",)
    search_fields = ("tradingsymbol", "=token")
    show_full_result_count = False


class IntervalFormSet(forms.BaseInlineFormSet[Any, Any, Any]):
    """Intervals of a session: at least one, on its date, not overlapping."""

    def clean(self) -> None:
        """Refuse what is no session."""
        super().clean()
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        spans = sorted((row["opens_at"], row["closes_at"]) for row in rows if "opens_at" in row and "closes_at" in row)
        if not spans:
            raise ValidationError("a session needs at least one interval; delete the session to close the day")
        # A calendar with an interval of another day cannot be made: nothing would work any more.
        if self.instance.date and any(ist_date(opens) != self.instance.date for opens, _ in spans):
            raise ValidationError(f"an interval opens on another date than {self.instance.date} (IST)")
        for (_, closes), (opens, _) in pairwise(spans):
            if opens < closes:
                raise ValidationError("intervals overlap")


class IntervalInline(admin.TabularInline[SessionInterval, TradingSession]):
    """Intervals, edited within their session (IST)."""

    model = SessionInterval
    formset = IntervalFormSet
    extra = 0


@admin.register(TradingSession)
class TradingSessionAdmin(admin.ModelAdmin[TradingSession]):
    """Sessions; times are IST."""

    list_display = ("date", "exchange", "segment", "kind", "hours", "expires_at")
    list_filter = ("exchange", "kind")
    date_hierarchy = "date"
    inlines = (IntervalInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Fetch the intervals along."""
        return super().get_queryset(request).prefetch_related("intervals")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Let running processes know, once the intervals are saved, too."""
        super().save_related(request, form, formsets, change)
        session_changed(session=form.instance)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Say how far ahead the sessions are known."""
        for exchange, until in session_horizons().items():
            self.message_user(request, f"{exchange}: sessions are known until {until}; weekdays after it are assumed")
        return super().changelist_view(request, extra_context)

    @admin.display(description="hours")
    def hours(self, session: TradingSession) -> str:
        """Return the intervals as text."""
        return ", ".join(str(interval) for interval in session.intervals.all())


@admin.register(BarCoverage)
class BarCoverageAdmin(ReadOnlyAdmin):
    """How complete the stored minutes are."""

    list_display = (
        "date",
        "underlying",
        "instruments",
        "bars",
        "minutes",
        "expected_minutes",
        "first_bar",
        "last_bar",
    )
    list_filter = ("underlying",)
    list_select_related = ("underlying",)
    date_hierarchy = "date"


@admin.register(Repair)
class RepairAdmin(ReadOnlyAdmin):
    """Holes, and what was done about them."""

    list_display = ("first_minute", "last_minute", "underlying", "outcome", "candles", "attempts", "asked_at", "due_at")
    list_filter = ("outcome", "underlying")
    list_select_related = ("underlying",)
    date_hierarchy = "first_minute"


@admin.register(OfficialClose)
class OfficialCloseAdmin(ReadOnlyAdmin):
    """Official closes."""

    list_display = ("date", "underlying", "price", "observed_at")
    list_filter = ("underlying",)
    list_select_related = ("underlying",)


@admin.register(MasterImport)
class MasterImportAdmin(ReadOnlyAdmin):
    """Which lists of instruments were taken in."""

    list_display = ("imported_at", "as_of", "markets", "added", "changed", "expired")


@admin.register(SupersededTerms)
class SupersededTermsAdmin(ReadOnlyAdmin):
    """Lots and ticks that contracts had before."""

    list_display = ("instrument", "valid_to", "lot_size", "tick_size")
    list_select_related = ("instrument",)
    search_fields = ("instrument__tradingsymbol",)
