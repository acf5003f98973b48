"""Keys, events and tiers in the admin."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts import api_keys
from accounts.models import ApiKey, SecurityEvent, User
from accounts.principal import MARKET, SCOPES, Refused
from tests.rig.cast import PASSWORD

KEYS = "/admin/accounts/apikey/"
EVENTS = "/admin/accounts/securityevent/"
NOON = datetime(2026, 2, 3, 6, 30, tzinfo=UTC)


def form(holder: User, **changed: object) -> dict[str, object]:
    """Return a key as its form sends it."""
    fields = {"user": holder.pk, "name": "report", "scopes": [MARKET], "expires_at_0": "", "expires_at_1": ""}
    return {**fields, **changed}


def revoke(browser: Client, *keys: ApiKey) -> int:
    """Run the action on keys; return the status."""
    chosen = {"action": "revoke", "_selected_action": [key.pk for key in keys]}
    return browser.post(KEYS, chosen).status_code


def test_a_key_that_staff_make_is_shown_once_and_is_the_users(staff: Client, owner: User) -> None:
    page = staff.post(f"{KEYS}add/", form(owner))
    found = re.search(r'<pre id="api-key">(tvk_[a-z2-7]{8}_[A-Za-z0-9_-]{43})</pre>', page.content.decode())
    assert found
    assert "no-store" in page["Cache-Control"]
    assert api_keys.keys.of(found[1]).user_id == owner.pk
    key = ApiKey.objects.get()
    later = [staff.get(address).content.decode() for address in (KEYS, f"{KEYS}{key.pk}/change/", "/admin/")]
    assert all(found[1] not in text and key.digest not in text for text in later)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"user": 0}, "user"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "expires_at"),
    ],
)
def test_what_is_no_key_is_not_made(staff: Client, owner: User, changed: dict[str, object], field: str) -> None:
    page = staff.post(f"{KEYS}add/", form(owner, **changed))
    assert page.status_code == 200
    assert field in page.context["adminform"].form.errors
    assert ApiKey.objects.count() == 0


def test_staff_revoke_keys_which_stay_listed(staff: Client, owner: User) -> None:
    made = [api_keys.create(user=owner, name="x", scopes=SCOPES, expires_at=None) for _ in range(3)]
    assert revoke(staff, made[0][0], made[1][0]) == 302
    for _, text in made[:2]:
        with pytest.raises(Refused):
            api_keys.keys.of(text)
    api_keys.keys.of(made[2][1])
    assert ApiKey.objects.count() == 3
    events = SecurityEvent.objects.filter(kind="key_revoked")
    assert {(event.user, event.details["by"]) for event in events} == {(owner, "staff")}


def test_looking_at_keys_is_not_revoking_them(owner: User, teammate: User) -> None:
    key, text = api_keys.create(user=owner, name="x", scopes=SCOPES, expires_at=None)
    teammate.is_staff = True
    teammate.save()
    teammate.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    browser = Client()
    browser.force_login(teammate)
    assert browser.get(KEYS).status_code == 200
    revoke(browser, key)
    assert browser.post(f"{KEYS}add/", form(owner)).status_code == 403
    api_keys.keys.of(text)


def test_nobody_changes_a_key(staff: Client, owner: User) -> None:
    key, _ = api_keys.create(user=owner, name="x", scopes=[MARKET], expires_at=None)
    assert staff.post(f"{KEYS}{key.pk}/change/", form(owner, scopes=SCOPES)).status_code == 403
    key.refresh_from_db()
    assert key.scopes == [MARKET]


def an_event() -> SecurityEvent:
    """Return an event of noon."""
    return SecurityEvent.objects.create(
        at=NOON, kind=SecurityEvent.Kind.SIGN_IN_FAILED, username="nobody", address="198.51.100.7"
    )


def test_events_are_added_changed_and_deleted_by_nobody(staff: Client) -> None:
    event = an_event()
    statuses = [
        staff.post(f"{EVENTS}add/", {"kind": "signed_in"}).status_code,
        staff.post(f"{EVENTS}{event.pk}/change/", {"kind": "signed_in"}).status_code,
        staff.post(f"{EVENTS}{event.pk}/delete/", {"post": "yes"}).status_code,
    ]
    staff.post(EVENTS, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})
    assert statuses == [403, 403, 403]
    assert SecurityEvent.objects.get(pk=event.pk).kind == "sign_in_failed"


def test_the_time_of_an_event_is_the_exchanges(staff: Client) -> None:
    event = an_event()
    for page in (EVENTS, f"{EVENTS}{event.pk}/change/"):
        assert "Feb. 3, 2026, noon" in staff.get(page).content.decode()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "nobody"}, 1),
        ({"q": "nob"}, 1),
        ({"q": "body"}, 0),
        ({"q": "198.51.100.7"}, 1),
        ({"q": "198.51.100"}, 0),
        ({"kind__exact": "sign_in_failed"}, 1),
        ({"kind__exact": "logged_out"}, 0),
        ({"at__year": "2026", "at__month": "2", "at__day": "3"}, 1),
        ({"at__year": "2026", "at__month": "2", "at__day": "2"}, 0),
    ],
)
def test_events_are_found_by_kind_day_user_and_address(staff: Client, asked: dict[str, str], found: int) -> None:
    an_event()
    assert staff.get(EVENTS, asked).context["cl"].result_count == found


def test_a_users_tier_is_chosen_among_those_there_are(staff: Client, owner: User) -> None:
    page = f"/admin/accounts/user/{owner.pk}/change/"
    shown = staff.get(page).context["adminform"].form
    assert {value for value, _ in shown.fields["tier"].choices} >= {"standard", "professional", "internal"}
    joined = {"date_joined_0": "2026-02-03", "date_joined_1": "12:00:00"}
    for tier, status in (("gold", 200), ("professional", 302)):
        sent = {"username": "owner", "is_active": "on", "tier": tier, **joined}
        assert staff.post(page, sent).status_code == status
    owner.refresh_from_db()
    assert owner.tier == "professional"
    assert owner.check_password(PASSWORD)


def test_a_user_with_keys_can_be_deleted(staff: Client, owner: User) -> None:
    api_keys.create(user=owner, name="x", scopes=SCOPES, expires_at=None)
    assert staff.post(f"/admin/accounts/user/{owner.pk}/delete/", {"post": "yes"}).status_code == 302
    assert ApiKey.objects.count() == 0
