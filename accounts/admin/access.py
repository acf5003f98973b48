"""Users, API keys and security events in the admin. Times are IST."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts import services
from accounts.models import ApiKey, SecurityEvent, User
from accounts.principal import SCOPES
from tradingviz.core.errors import InvalidRequest


@admin.register(User)
class OurUserAdmin(UserAdmin[User]):
    """Users, with their tier."""

    list_display = ("username", "tier", "is_active", "is_staff", "last_login")
    list_filter = ("tier", *UserAdmin.list_filter)
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Limits", {"fields": ("tier",)}))


class ApiKeyForm(forms.ModelForm[ApiKey]):
    """A key to be made, or to be looked at."""

    scopes = forms.MultipleChoiceField(choices=[(scope, scope) for scope in SCOPES])

    class Meta:
        """What staff enter."""

        model = ApiKey
        fields = ("user", "name", "scopes", "expires_at")

    def clean(self) -> dict[str, Any]:
        """Refuse what can not be made."""
        entered = super().clean() or {}
        if entered.get("user"):
            try:
                services.check_new_key(user=entered["user"], expires_at=entered.get("expires_at"))
            except InvalidRequest as error:
                raise ValidationError({error.field: error.detail}) from error
        return entered


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """API keys: made and revoked, never changed."""

    form = ApiKeyForm
    list_display = ("prefix", "name", "user", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("created_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("=prefix", "name", "user__username")
    autocomplete_fields = ("user",)
    actions = ("revoke",)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Let nobody change one; revoking needs the permission to delete."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key, and hold its text for the one page that shows it."""
        asked = {name: form.cleaned_data[name] for name in ApiKeyForm.Meta.fields}
        key, text = services.create_key(**asked, request=request)
        vars(obj).update(vars(key))
        vars(obj)["text"] = text

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key's text, this once."""
        context = {**self.admin_site.each_context(request), "title": "API key", "key": obj, "text": vars(obj)["text"]}
        return TemplateResponse(
            request, "admin/accounts/apikey/created.html", context, headers={"Cache-Control": "no-store"}
        )

    @admin.action(description="Revoke the selected API keys", permissions=["delete"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        """End keys; they stay listed."""
        by = request.user.get_username()
        ended = sum(services.revoke_key(key=key, request=request, by=by) for key in chosen.select_related("user"))
        self.message_user(request, f"{ended} revoked")


@admin.register(SecurityEvent)
class SecurityEventAdmin(admin.ModelAdmin[SecurityEvent]):
    """What happened: to look at only."""

    list_display = ("at_ist", "kind", "username", "user", "address", "details", "request_id")
    list_filter = ("kind", "at")
    list_select_related = ("user",)
    search_fields = ("^username", "=address")
    date_hierarchy = "at"
    show_full_result_count = False

    @admin.display(description="at (IST)", ordering="at")
    def at_ist(self, event: SecurityEvent) -> Any:
        """Return the time, shown in the time zone of the settings."""
        return event.at

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: SecurityEvent | None = None) -> bool:
        """Nor changes them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SecurityEvent | None = None) -> bool:
        """Nor removes them."""
        return False
